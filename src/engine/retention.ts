// What becomes of raw output: that of ended and removed sessions goes by age, and the oldest of it by size. The facts, and with them the transcripts, stay. Nothing of an open session goes.

import { mayDropOutput } from '../core/decide.ts'
import type { Session } from '../core/session.ts'
import type { Keepers } from './keepers.ts'
import type { Limits } from './parts.ts'
import { stepsOf } from './steps.ts'

interface Owner {
  readonly session: Session | undefined
  /** Records that it goes, then removes it. */
  dropOutput(): Promise<void>
}

/** Resolves to how many sessions lost their raw output. */
export async function applyRetention(owners: readonly Owner[], keepers: Keepers, limits: Limits, nowMs: number): Promise<number> {
  const { keepOutputMs, keepOutputBytes } = limits
  // A daemon may have died after it said that they go.
  for (const { session } of owners) if (session && session.droppedRun > 0) await logBytes(keepers, session, session.droppedRun, true)
  const ended = owners.filter(({ session }) => session && mayDropOutput(session))
  const newestFirst = ended.toSorted((one, other) => endOf(other) - endOf(one))
  let kept = 0
  let dropped = 0
  for (const owner of newestFirst) {
    const { session } = owner
    if (!session) continue
    const bytes = await logBytes(keepers, session, session.runs)
    const tooOld = keepOutputMs > 0 && nowMs - endOf(owner) > keepOutputMs
    const tooMuch = keepOutputBytes > 0 && kept + bytes > keepOutputBytes
    if (bytes > 0 && (tooOld || tooMuch)) {
      await owner.dropOutput()
      dropped += 1
    } else kept += bytes
  }
  return dropped
}

/** Of its runs up to this one, and of the commands that Offstage ran for it. */
export async function logBytes(keepers: Pick<Keepers, 'logBytes'>, { id, tree }: Session, runs: number, drop = false): Promise<number> {
  const ofSteps = tree.steps > 0 ? await keepers.logBytes(stepsOf(id), tree.steps, drop) : 0
  return ofSteps + (await keepers.logBytes(id, runs, drop))
}

const endOf = ({ session }: Owner): number => session?.endedAtMs ?? session?.updatedAtMs ?? 0

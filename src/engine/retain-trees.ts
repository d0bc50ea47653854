// What becomes of snapshots and worktrees that nobody needs any more, by the configuration: only of sessions that were removed or ended, and never before the log of the daemon names what goes.

import { existsSync } from 'node:fs'
import { mayExpire } from '../core/decide-tree.ts'
import type { Session } from '../core/session.ts'
import type { EngineDeps } from './parts.ts'

interface Owner {
  readonly session: Session | undefined
  /** All of it is kept by a snapshot first. */
  expireWorktree(): Promise<void>
  /** Records that they go, then lets them. */
  dropSnapshots(directory: string, numbers: readonly number[]): Promise<void>
}

type RetainDeps = Pick<EngineDeps, 'trees' | 'limits' | 'nowMs' | 'warn' | 'signal'>

export async function retainTrees(owners: readonly Owner[], deps: RetainDeps): Promise<void> {
  const { keepSnapshotsMs, keepWorktreesMs } = deps.limits
  const isOlder = (session: Session, keepMs: number): boolean => keepMs > 0 && deps.nowMs() - Math.max(session.endedAtMs ?? 0, session.updatedAtMs) > keepMs
  for (const owner of owners) {
    const { session } = owner
    if (!session || deps.signal.aborted) continue
    try {
      if (mayExpire(session) && isOlder(session, keepWorktreesMs)) {
        deps.warn({ session: session.id, worktree: session.spec.worktree?.path }, 'the worktree of a session that was ended long ago is kept by a snapshot and goes')
        await owner.expireWorktree()
      } else if (session.removed && isOlder(session, keepSnapshotsMs)) await dropSnapshots(owner, session, deps)
    } catch (cause) {
      if (!deps.signal.aborted) deps.warn({ session: session.id, error: String(cause) }, 'what it left stays')
    }
  }
}

async function dropSnapshots(owner: Owner, { id, spec, tree }: Session, { trees, warn, signal }: RetainDeps): Promise<void> {
  // A worktree that git would not remove is still counted from them.
  if (tree.snapshots === 0 || (spec.worktree && tree.state !== 'removed')) return
  const directory = spec.worktree?.repository ?? spec.cwd
  if (!existsSync(directory)) return
  const found = await trees.workspaces.snapshotsOf(directory, id, signal)
  // All that is left of a worktree, whatever its age: it goes when git has every byte of it without it, because it has landed or its branch is kept.
  const last = spec.worktree && found.findLast(({ why }) => why !== 'land')
  const stays = last && !(await trees.workspaces.isElsewhere(directory, last.commit, signal)) ? last.n : undefined
  const numbers = found.map(({ n }) => n).filter((n) => n !== stays)
  if (numbers.length === 0) return
  warn({ session: id, directory, snapshots: numbers, ...(stays === undefined ? {} : { stays }) }, 'the snapshots of a session that was removed long ago go')
  await owner.dropSnapshots(directory, numbers)
}

// Looks for conflicts when a session's tree may have changed, and has each session told of its own. It follows facts, and what the disk tells: between them it sets no timer and runs nothing.

import type { Api } from '../../core/api.ts'
import type { Event } from '../../core/events.ts'
import type { SessionId } from '../../core/ids.ts'
import { type ConflictPolicy, type ForecastNews, type Overlapping, forecastNews } from '../../core/overlap.ts'
import type { Forecast } from '../../core/workspace.ts'

export interface ConflictsDeps {
  readonly api: Pick<Api, 'watch'>
  /** Of the newest fact. */
  readonly cursor: () => number
  /** All sessions, as the facts say it. */
  readonly overlapping: () => readonly Overlapping[]
  readonly outlook: (
    of: { readonly changed: ReadonlySet<SessionId> },
    signal: AbortSignal,
  ) => Promise<{ readonly forecasts: readonly Forecast[]; readonly unknown: ReadonlySet<SessionId> }>
  /** Sessions in whose trees something was written. Throws when aborted. */
  readonly touched: (signal: AbortSignal) => AsyncIterable<SessionId>
  readonly policy: () => Promise<ConflictPolicy>
  /** Resolves when it is durable. */
  readonly report: (news: ForecastNews) => Promise<void>
  /** Never goes back. */
  readonly monotonicMs: () => number
  readonly delay: (ms: number) => Promise<void>
  readonly warn: (facts: object, message: string) => void
}

const afterLastMs = 1000
const afterFirstMs = 5000

/** Tool calls that change files, or may. */
const writing: ReadonlySet<string> = new Set(['edit', 'delete', 'move', 'execute', 'other'])
const changing: ReadonlySet<Event['type']> = new Set([
  'archived',
  'given-back',
  'landed',
  'removed',
  'restored',
  'run-exited',
  'run-lost',
  'snapshot-taken',
  'stopped',
  'turn-ended',
  'undone',
  'workspace-ready',
  'workspace-removed',
])

/** Its tree may be another one after this, or count no more. */
const isHint = (event: Event): boolean =>
  changing.has(event.type) || (event.type === 'entry-written' && event.entry.kind === 'tool' && event.entry.status === 'completed' && writing.has(event.entry.toolKind))

/** Resolves when aborted. */
export async function watchConflicts(deps: ConflictsDeps, signal: AbortSignal): Promise<void> {
  const hints = new Map<SessionId, number>()
  let lastMs = 0
  let isLooking = false
  const dueMs = (): number => Math.min(lastMs + afterLastMs, Math.min(...hints.values()) + afterFirstMs)
  const look = async (): Promise<void> => {
    if (isLooking) return
    isLooking = true
    while (hints.size > 0 && !signal.aborted) {
      const waitMs = dueMs() - deps.monotonicMs()
      if (waitMs > 0) {
        await deps.delay(waitMs)
        continue
      }
      const changed = new Set(hints.keys())
      hints.clear()
      await lookOnce(deps, changed, signal)
    }
    isLooking = false
  }
  const hint = (session: SessionId): void => {
    lastMs = deps.monotonicMs()
    hints.set(session, hints.get(session) ?? lastMs)
    void look()
  }
  const byFacts = async (): Promise<void> => {
    for await (const frame of deps.api.watch({ after: deps.cursor(), follow: true }, signal))
      if (frame.kind === 'fact' && isHint(frame.envelope.event)) hint(frame.envelope.session)
  }
  const byDisk = async (): Promise<void> => {
    for await (const session of deps.touched(signal)) hint(session)
  }
  await Promise.all([byFacts(), byDisk()]).catch((cause: unknown) => {
    if (!signal.aborted) throw cause
  })
}

async function lookOnce(deps: ConflictsDeps, changed: ReadonlySet<SessionId>, signal: AbortSignal): Promise<void> {
  try {
    const { forecasts, unknown } = await deps.outlook({ changed }, signal)
    const conflicts = forecasts.flatMap((forecast) => forecast.conflicts)
    const branches = new Map(forecasts.flatMap(({ sessions }) => sessions.flatMap(({ id, branch }) => (branch ? [[id, branch] as const] : []))))
    const news = forecastNews(deps.overlapping(), { conflicts, branches, unknown }, await deps.policy())
    for (const one of news) await deps.report(one)
  } catch (cause) {
    if (!signal.aborted) deps.warn({ error: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) }, 'conflicts could not be forecast')
  }
}

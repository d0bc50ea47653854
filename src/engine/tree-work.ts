// What the parts of the work in one session's tree have in common: whose tree it is, what they may do there, and how they tell of it.

import type { Envelope, Event, LaunchSpec } from '../core/events.ts'
import { derivedId } from '../core/ids.ts'
import type { Report } from '../core/inputs.ts'
import type { Effect } from '../core/react.ts'
import type { Session } from '../core/session.ts'
import type { SessionTree } from '../core/tree.ts'
import type { Snapshot, SnapshotWhy } from '../core/workspace.ts'
import { WorkspaceFailed } from '../workspace/workspaces.ts'
import type { EngineDeps } from './parts.ts'
import type { StepEnd } from './steps.ts'
import type { TreeMarks } from './tree-marks.ts'

export type OrderEffect = Extract<Effect, { type: 'order' }>
export type Variables = Readonly<Record<string, string>>

/** The actor whose tree it is. */
export interface TreeOwner {
  readonly id: string
  readonly session: Session | undefined
  /** Of its newest run, as far as this daemon knows it. */
  readonly environment: Variables | undefined
  /** All, or only those of these types. */
  facts(after: number, types?: readonly Event['type'][]): Iterable<Envelope>
  inTurn<T>(step: () => Promise<T> | T): Promise<T>
  /** For somebody whose turn it is. */
  reportNow(run: number, reports: readonly Report[]): Promise<void>
  /** Performs it, or records that it was not possible. For somebody whose turn it is. */
  attempt(effect: OrderEffect): Promise<void>
}

/** What the parts of the work in a tree have in common. */
export interface TreeWork {
  readonly deps: EngineDeps
  readonly owner: TreeOwner
  readonly session: Session
  readonly directory: string
  /** Stopped, or the end of this daemon. */
  readonly signal: AbortSignal
  marks(): TreeMarks
  /** Of its newest run: as this daemon knows it, or as the program that lives has it; else, with `waits`, as whoever began it sends it again. */
  environment(waits?: 'waits'): Promise<Variables | undefined>
  /** Resolves when it is durable. */
  report(...reports: readonly Report[]): Promise<void>
  /** Undefined: as it was at the last one. Throws WorkspaceFailed. */
  take(why: SnapshotWhy, turn: number, of?: { readonly directory?: string; readonly whole?: true }): Promise<Snapshot | undefined>
  /** Of all there is now, also if there was one. */
  takeNow(why: SnapshotWhy): Promise<Snapshot>
  /** Throws StartFailed. */
  step(
    what: 'set-up' | 'check' | 'landing',
    command: string,
    where: { readonly directory: string; readonly below?: string | undefined; readonly environment: Variables; readonly umask: number | undefined },
  ): Promise<StepEnd>
  /** What a program of it gets besides the environment that it was given. */
  additions(ports?: SessionTree['ports']): Variables
}

/** The top of its worktree, or where it was started. */
export const treeOf = ({ cwd, worktree }: LaunchSpec): string => worktree?.path ?? cwd

export const messageOf = (cause: unknown): string => {
  if (cause instanceof WorkspaceFailed) return cause.hint === undefined ? cause.message : `${cause.message}; ${cause.hint}`
  return cause instanceof Error ? cause.message : String(cause)
}

/** The same may be asked once more, also by a daemon that took over; a question that is over is never meant again. */
export function askId(session: Session | undefined, about: string, seq: number): string {
  for (let times = 0; ; times += 1) {
    const id = derivedId(session?.id ?? '', seq, about, times)
    if (!Object.hasOwn(session?.closedRequests ?? {}, id)) return id
  }
}

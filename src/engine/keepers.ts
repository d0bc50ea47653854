// What the engine needs of keepers: starting one, finding one again, ending what it keeps. Implemented over src/keeper in keepers-on-disk.ts; the seam is here so that the
// engine's own tests can hold the processes in their hands.

import type { Exit, LaunchSpec, ProcessIdentity } from '../core/events.ts'
import type { EventLog } from '../store/event-log.ts'

/** An ACP agent is held when it has said this much, and asked about; its log is needed in full. */
export const longestTalkBytes = 1024 ** 3

export interface Kept {
  readonly keeper: ProcessIdentity
  readonly child: ProcessIdentity
}

/** Who ran a run, by its fact; undefined where it was never started. */
export function keptByLog(log: Pick<EventLog, 'history'>, session: string, run: number): Kept | undefined {
  for (let after = 0; ;) {
    const page = log.history({ session, after, limit: 1000 })
    for (const { event } of page) if (event.type === 'run-started' && event.run === run) return event
    const last = page.at(-1)
    if (!last) return undefined
    after = last.seq
  }
}

/** A live connection to the keeper of one run. */
export interface RunLine {
  readonly kept: Kept
  /** Bytes of `out` that were there when this line was opened. */
  readonly outEnd: number
  /** Highest input id of lane 1 that the keeper has. */
  readonly highestOrder: number
  readonly attach: { readonly socket: string; readonly nonce: string }
  /** Serves both streams from these offsets on; `onBytes` may return a promise to hold the flow until it settles. */
  read(from: { readonly out: number; readonly err: number }, onBytes: (stream: 'out' | 'err', offset: number, bytes: Uint8Array) => void | Promise<void>): void
  /** Hands over nothing more; `exit` does not wait for it. */
  unread(): void
  input(input: { readonly lane: 0 | 1 | 2; readonly id: number; readonly bytes: Uint8Array; readonly secret?: boolean }): Promise<'accepted' | 'duplicate' | 'closed'>
  /** For crash tests: half of the frame, for a process that dies right after it. */
  inputHalf?(input: { readonly lane: 0 | 1 | 2; readonly id: number; readonly bytes: Uint8Array }): Promise<void>
  resize(columns: number, rows: number): void
  interrupt(): void
  /** Resolves after all bytes up to the ends were handed over. */
  readonly exit: Promise<{ readonly exit: Exit; readonly outEnd: number; readonly errEnd: number }>
  readonly closed: Promise<void>
  /** Why its output is not kept and the program therefore held, or undefined when it goes on. Said at once if it is held when the line is opened. */
  onHeld(listener: (why: 'disk' | 'limit' | undefined) => void): void
  /** From now on it may say this many bytes in all. */
  limit(bytes: number): void
  /** It says who attends. Nobody answers for one that does not: it could be a second answer. */
  readonly attends: boolean
  /** From this byte of `out` on, so many attached terminals answer what the program asks. Told before any byte from there on; to be listened to before `read`. */
  onAttended(listener: (from: number, viewers: number) => void): void
  /** The daemon leaves on purpose: nobody is to start another one for this run. */
  goodbye(): void
  /** It leaves as soon as nothing of its run is being ended. */
  collect(): void
  close(): void
}

/** What is found of a run that a former daemon recorded. */
export type Found =
  | { readonly kind: 'live'; readonly line: RunLine }
  /** The keeper is gone; what it wrote is there. `exit` if it lived to record one. */
  | { readonly kind: 'ended'; readonly exit?: { readonly exit: Exit; readonly outEnd: number; readonly errEnd: number }; readonly cause: string }
  /** It lives and does not answer: stopped, or starved. Nothing can be said of its program. */
  | { readonly kind: 'silent' }
  /** No keeper ever ran here, and from now on none can. */
  | { readonly kind: 'never' }

export interface StartRun {
  readonly session: string
  readonly run: number
  readonly spec: LaunchSpec
  /** For whoever has to make sense of the run folder without the database. */
  readonly title: string
  readonly label: string | null
  readonly mode: 'pty' | 'pipes'
  readonly environment: Readonly<Record<string, string>>
}

export interface Keepers {
  /** Throws StartFailed when the program cannot be executed. */
  start(start: StartRun, signal: AbortSignal): Promise<RunLine>
  find(session: string, run: number, signal: AbortSignal): Promise<Found>
  /** Bytes of a run from its folder, at most `max`; none only at the end of what is there. `offset` is after `from` where the log was trimmed. */
  readLog(session: string, run: number, stream: 'out' | 'err', from: number, max: number): Promise<{ readonly offset: number; readonly bytes: Uint8Array }>
  logEnd(session: string, run: number, stream: 'out' | 'err'): Promise<number>
  /** The output up to this offset is on disk when it resolves. */
  sync(session: string, run: number, end: number): Promise<void>
  /** Bytes that the logs of these runs take, and, with `drop`, took: they are removed. The rest of the folders stays. */
  logBytes(session: string, runs: number, drop?: boolean): Promise<number>
  /** Its processes now, the keeper left out. */
  processes(session: string, run: number): Promise<readonly ProcessIdentity[]>
  /** For a run that is over by the record: if a keeper of it still waits to be collected, or still has a program, both are ended. */
  release(session: string, run: number, signal: AbortSignal): Promise<void>
  /** Ends every process of this run and proves that none is left. Resolves to how many were ended. */
  sweep(session: string, run: number, signal: AbortSignal): Promise<number>
}

/** The program of a run was not executed: what was tried and why it failed, in one line. */
export class StartFailed extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StartFailed'
  }
}

// What the engine is built from. Nothing in it is global, so that a test can hold the clock and the processes.

import type { Frame, Hit, Screen, SearchQuery } from '../core/api.ts'
import type { DriverName, LaunchSpec, ProcessIdentity, TerminalSize } from '../core/events.ts'
import type { SessionId } from '../core/ids.ts'
import type { ConflictPolicy } from '../core/overlap.ts'
import type { SessionView } from '../core/view.ts'
import type { Driver, FileResult } from '../drivers/driver.ts'
import type { EventLog } from '../store/event-log.ts'
import type { Workspaces } from '../workspace/workspaces.ts'
import type { Forecasts } from './forecasts.ts'
import type { Keepers } from './keepers.ts'
import type { LandingQueue, planLanding } from './landing.ts'
import type { Room } from './room.ts'
import type { StateFolders } from './state-files.ts'
import type { Trust } from './trust.ts'

export interface Files {
  /** `approved`: the real place outside that a person allowed; a path that leads elsewhere is refused. */
  read(root: string, path: string, range: { readonly line?: number; readonly limit?: number }, approved: string | undefined): Promise<FileResult>
  write(root: string, path: string, content: string, approved: string | undefined): Promise<FileResult>
}

/** What a PTY has when its run starts. */
export const startSize = ({ size }: LaunchSpec): TerminalSize => size ?? { columns: 80, rows: 24 }

/** A run on a PTY, and the size that it had at its start. */
export interface ScreenOf {
  readonly session: string
  readonly run: number
  readonly size: TerminalSize
}

/** What terminals show, made from the logs of their runs. Hostile bytes give nothing worse than `undefined`. */
export interface Screens {
  /** As of the end of the log now, or later; in the new size first if there is one. Undefined when it takes too long. */
  snapshot(of: ScreenOf & { readonly resizeTo?: TerminalSize }, signal: AbortSignal): Promise<Screen | undefined>
  /** Counted from 1, as CPR reports it, after exactly that many bytes. Undefined when it takes too long. */
  cursor(of: ScreenOf, offset: number): Promise<{ readonly row: number; readonly column: number } | undefined>
  /** What stands on it, a string a row, as of the end of the log now, or later. Undefined when it takes too long. */
  text(of: ScreenOf): Promise<{ readonly offset: number; readonly rows: readonly string[] } | undefined>
  /** Its log has grown: what a snapshot needs is prepared at leisure. */
  advance(of: ScreenOf): void
}

/** What directories belong to. */
export interface Projects {
  /** Resolves soon, also when a disk does not answer: then what was known before stays. */
  refresh(directories: readonly string[]): Promise<void>
  of(directory: string): SessionView['project']
}

export interface Search {
  /** Throws when it cannot be answered; that is no trouble of any session. */
  search(query: SearchQuery, signal: AbortSignal): Promise<readonly Hit[]>
}

/** Where sessions work. */
export interface Trees {
  readonly workspaces: Workspaces
  readonly trust: Trust
  readonly landings: Pick<LandingQueue, 'land'>
  readonly planLanding: typeof planLanding
  /** Of a process that lives, where the system tells. */
  readonly environmentOf: (process: ProcessIdentity) => Promise<Readonly<Record<string, string>> | undefined>
}

export interface EngineParts {
  readonly log: EventLog
  readonly keepers: Keepers
  readonly driver: (name: DriverName) => Promise<Driver>
  readonly files: Files
  readonly screens: Screens
  readonly projects: Projects
  readonly search: Search
  readonly trees: Trees
  /** What the user wants done about conflicts; asked each time. Absent: nothing of it here. */
  readonly conflictPolicy?: () => Promise<ConflictPolicy>
  readonly nowMs: () => number
  /** Resolves after that many milliseconds, or when the engine ends. */
  readonly delay: (ms: number) => Promise<void>
  readonly warn: (facts: object, message: string) => void
  /** A client has sent its environment, for a run. */
  readonly environmentGiven?: (environment: Readonly<Record<string, string>>) => void
  /** The engine's end: runs stay alive, nothing new is begun. */
  readonly signal: AbortSignal
  readonly version: string
  readonly availableMemory: () => Promise<number | undefined>
  readonly limits: Limits
  /** An agent that is not ready after this time is reported as a request of kind `error`. */
  readonly initializeTimeoutMs: number
}

/** 0: no limit, or never. */
export interface Limits {
  readonly maxLiveRuns: number
  readonly minFreeMemoryBytes: number
  /** An open turn of which nothing comes for this long is recorded as silent. */
  readonly stallAfterMs: number
  /** An agent at rest gives its process back after this time, if it can be brought back as it was. */
  readonly idleAfterMs: number
  /** Raw output of ended and removed sessions: how long it is kept, and how much of it. */
  readonly keepOutputMs: number
  readonly keepOutputBytes: number
  /** Snapshots of removed sessions, and worktrees of those that were ended: how long they are kept. */
  readonly keepSnapshotsMs: number
  readonly keepWorktreesMs: number
}

export interface EngineDeps extends EngineParts {
  /** Other sessions that have changed these files of its tree, as far as is known. */
  readonly alsoChanged: Forecasts['alsoChanged']
  readonly room: Room
  readonly stateFolders: StateFolders
  readonly publish: (frame: Exclude<Frame, { kind: 'caught-up' }>) => void
  /** Something of it is otherwise that no fact says. `withinMs`: how soon it is worth telling. */
  readonly changed: (session: SessionId, withinMs?: number) => void
}

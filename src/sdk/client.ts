// What a program on this machine gets from `connect`: the Api, and what belongs to the daemon itself.

import type { NotifyReport } from '../core/announcement.ts'
import type { Api } from '../core/api.ts'

/** The object of `offstage daemon status --json`. */
export interface DaemonStatus {
  readonly pid: number
  readonly version: string
  /** ISO 8601 UTC. */
  readonly startedAt: string
  readonly home: string
  /** Sessions in the list, without archived and removed ones. */
  readonly sessions: number
  /** Live runs. */
  readonly runs: number
  /** What the user has to know and nobody was there to be told: a database that had to be rebuilt. Kept until `offstage daemon status` has shown it. */
  readonly notices: readonly string[]
}

export interface Client extends Api {
  daemonStatus(signal: AbortSignal): Promise<DaemonStatus>
  /** How it is with notifications; with `test` every channel tells one now. */
  notify(query: { readonly test: boolean }, signal: AbortSignal): Promise<NotifyReport>
  /** The daemon leaves; every agent stays at work. Resolves when its process is gone. */
  stopDaemon(signal: AbortSignal): Promise<void>
  /** Aborts what is under way and closes the connection. The daemon goes on. */
  close(): void
}

/** No daemon answers, and none could be started. Exit code 5. */
export class DaemonUnreachable extends Error {
  readonly hint: string
  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DaemonUnreachable'
    this.hint = hint
  }
}

export interface ConnectOptions {
  /** As given to this process: where the home is comes from here. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Start a daemon when none answers (default), or throw DaemonUnreachable. */
  readonly start?: boolean
}

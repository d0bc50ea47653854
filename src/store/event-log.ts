// What the engine needs to remember: facts in order, and where each run's driver had got to when they were appended.

import type { Author, Envelope, Event } from '../core/events.ts'
import type { SessionId } from '../core/ids.ts'

export interface NewEvent {
  readonly atMs: number
  readonly by: Author
  readonly command?: string
  readonly event: Event
}

export interface StoredCheckpoint {
  readonly run: number
  /** Last sequence number that the driver had been told of when it was taken: orders of later facts are to be given again. */
  readonly seq: number
  /** JSON. */
  readonly value: unknown
}

/** What a session's facts up to `seq` make, so that they need not be read again. A cache: it may be missing, or of an older fact than the newest. */
export interface StoredFold {
  readonly seq: number
  /** Who made it: a fold of another version is none. */
  readonly version: string
  /** JSON. */
  readonly value: unknown
}

export interface Append {
  readonly session: SessionId
  /** Sequence number of the session's last fact as the writer knows it; 0 for a new session. */
  readonly expectedSeq: number
  /** May be empty: then only the checkpoint is kept. */
  readonly events: readonly NewEvent[]
  readonly checkpoint?: StoredCheckpoint
  readonly fold?: StoredFold
}

/** The writer did not know the newest state: somebody else appended. A bug or a second daemon; nothing was written. */
export class AppendConflict extends Error {
  constructor(session: SessionId, expectedSeq: number, actualSeq: number) {
    super(`session ${session}: expected to append after ${expectedSeq}, but the log is at ${actualSeq}`)
    this.name = 'AppendConflict'
  }
}

/** The database was written by a newer version of Offstage. */
export class NewerStore extends Error {
  constructor(path: string, found: number, known: number) {
    super(`${path} was written by a newer Offstage (format ${found}, this one knows ${known}); install the newer version again`)
    this.name = 'NewerStore'
  }
}

/** The file is no event log, or its content is damaged. Nothing of it was changed. */
export class DamagedStore extends Error {
  constructor(path: string, what: string, options?: ErrorOptions) {
    super(`${path} cannot be used: ${what}. It was left as it is; put a good copy in its place, or move it (with its -wal and -shm files) away to begin with an empty one`, options)
    this.name = 'DamagedStore'
  }
}

/** The store could not be read or written: disk full, no permission, held by somebody else. Nothing half written is left; it may work later. */
export class StoreFailed extends Error {
  constructor(path: string, what: string, options?: ErrorOptions) {
    super(`${path}: ${what}`, options)
    this.name = 'StoreFailed'
  }
}

/** Of a read. Throws RangeError. */
export function checkLimit(limit: number): void {
  if (!(limit >= 1 && limit <= 10_000)) throw new RangeError(`limit ${limit} is not within 1 to 10,000`)
}

export interface HistoryQuery {
  readonly session: SessionId
  readonly after: number
  readonly limit: number
  /** Only facts of these: the others are not even parsed. */
  readonly types?: readonly Event['type'][]
}

export interface EventLog {
  /** Appends all or nothing, durable when it resolves. Appends that are asked for together are committed together, in the order they were asked for.
   *  Resolves to the facts as every later reader will get them (as JSON). Throws AppendConflict, StoreFailed. */
  append(append: Append): Promise<readonly Envelope[]>
  /** Facts after `after` (a cursor), oldest first, at most `limit` (1 to 10,000). Cases that only a newer version knows come back as they are. Throws DamagedStore. */
  read(query: { readonly session?: SessionId; readonly after: number; readonly limit: number }): readonly Envelope[]
  /** Facts of one session after the sequence number `after`, oldest first, otherwise as `read`. */
  history(query: HistoryQuery): readonly Envelope[]
  /** Newest fold of this session that this version made and that can be read. */
  fold(session: SessionId, version: string): StoredFold | undefined
  /** Newest checkpoint of this session. */
  checkpoint(session: SessionId): StoredCheckpoint | undefined
  /** Whether a command with this id made facts in this session already. */
  hasCommand(session: SessionId, command: string): boolean
  /** Ids of all sessions, oldest first. */
  sessions(): readonly SessionId[]
  /** Cursor of the newest fact, 0 if there is none. */
  cursor(): number
  /** Commits what was asked for and is not committed yet, then closes. What is asked for later fails. */
  close(): void
}

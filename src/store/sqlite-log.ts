// The event log in one SQLite file: WAL, every commit synced before it is acknowledged. Owns the file's format and the grouping of commits; knows nothing of what facts mean.

import { chmodSync, closeSync, openSync, statSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Author, Envelope, Event } from '../core/events.ts'
import type { SessionId } from '../core/ids.ts'
import {
  type Append,
  AppendConflict,
  DamagedStore,
  type EventLog,
  type HistoryQuery,
  NewerStore,
  StoreFailed,
  type StoredCheckpoint,
  type StoredFold,
  checkLimit,
} from './event-log.ts'
import { formatOf, migrate, migrations } from './migrations.ts'
import { SQLITE_CORRUPT, SQLITE_FULL, SQLITE_NOTADB, SQLITE_READONLY, primaryCode } from './sqlite-codes.ts'

/** Opens or creates the log at this path (mode 0600). Throws NewerStore, DamagedStore, StoreFailed. */
export const openSqliteLog = (path: string): SqliteLog => new SqliteLog(openDatabase(path), path)

/** The database of a log, brought to the newest format, with the settings that it needs. */
export function openDatabase(path: string): DatabaseSync {
  try {
    ownFile(path)
    // A look without the right to write: a file of somebody else, or of a newer version, stays as it is to the last byte.
    if (statSync(path).size > 0) inspect(path)
    const database = new DatabaseSync(path, { timeout: 5_000, enableForeignKeyConstraints: true })
    try {
      database.exec('pragma journal_mode = wal; pragma synchronous = full')
      migrate(database, path)
      // A cache, and no part of the format: a version that does not know it passes it over.
      database.exec('create table if not exists fold (session text primary key not null, seq bigint not null, version text not null, value text not null)')
      return database
    } catch (cause) {
      database.close()
      throw cause
    }
  } catch (cause) {
    throw explained(path, 'cannot be opened', cause)
  }
}

function ownFile(path: string): void {
  // An existing file is not opened here: closing it again would drop the locks that this process may hold on it through SQLite.
  if (statSync(path, { throwIfNoEntry: false })) chmodSync(path, 0o600)
  else closeSync(openSync(path, 'a', 0o600))
}

function inspect(path: string): void {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 })
  try {
    const format = formatOf(database)
    if (format === undefined) throw new DamagedStore(path, 'it is a database of something else')
    if (format > migrations.length) throw new NewerStore(path, format, migrations.length)
  } catch (cause) {
    // A crash in the middle of the very first commit leaves a journal that only a writer may roll back.
    if (primaryCode(cause) !== SQLITE_READONLY) throw cause
  } finally {
    database.close()
  }
}

function explained(path: string, what: string, cause: unknown): Error {
  if (cause instanceof DamagedStore || cause instanceof NewerStore || cause instanceof StoreFailed) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  switch (primaryCode(cause)) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return new DamagedStore(path, message, { cause })
    case SQLITE_FULL:
      return new StoreFailed(path, `${what}: the disk is full; free some space`, { cause })
    default:
      return new StoreFailed(path, `${what}: ${message}`, { cause })
  }
}

interface Waiting {
  readonly append: Append
  /** JSON of each event, made when it was asked for: what cannot be said in JSON fails alone and early. */
  readonly bodies: readonly string[]
  readonly checkpoint: string | undefined
  readonly fold: string | undefined
  readonly resolve: (envelopes: readonly Envelope[]) => void
  readonly reject: (cause: Error) => void
}

interface Row {
  readonly cursor: number
  readonly session: string
  readonly seq: number
  readonly at_ms: number
  readonly by: Author
  readonly command: string | null
  readonly body: string
}

const columns = 'cursor, session, seq, at_ms, "by", command, body'

export class SqliteLog implements EventLog {
  readonly path: string
  readonly #database: DatabaseSync
  readonly #statements: Record<
    'lastSeq' | 'insert' | 'keep' | 'keepFold' | 'read' | 'readSession' | 'history' | 'historyOf' | 'fold' | 'checkpoint' | 'hasCommand' | 'sessions' | 'cursor',
    StatementSync
  >
  #waiting: Waiting[] = []
  #closed = false

  constructor(database: DatabaseSync, path: string) {
    this.path = path
    this.#database = database
    this.#statements = {
      lastSeq: database.prepare('select coalesce(max(seq), 0) as seq from event where session = ?'),
      insert: database.prepare('insert into event (session, seq, at_ms, "by", command, type, body) values (?, ?, ?, ?, ?, ?, ?) returning cursor'),
      keep: database.prepare(
        'insert into checkpoint (session, run, seq, value) values (?, ?, ?, ?) on conflict (session) do update set run = excluded.run, seq = excluded.seq, value = excluded.value',
      ),
      read: database.prepare(`select ${columns} from event where cursor > ? order by cursor limit ?`),
      readSession: database.prepare(`select ${columns} from event where session = ? and cursor > ? order by cursor limit ?`),
      history: database.prepare(`select ${columns} from event where session = ? and seq > ? order by seq limit ?`),
      historyOf: database.prepare(`select ${columns} from event where session = ? and seq > ? and type in (select value from json_each(?)) order by seq limit ?`),
      keepFold: database.prepare(
        'insert into fold (session, seq, version, value) values (?, ?, ?, ?) on conflict (session) do update set seq = excluded.seq, version = excluded.version, value = excluded.value',
      ),
      fold: database.prepare('select seq, version, value from fold where session = ? and version = ?'),
      checkpoint: database.prepare('select run, seq, value from checkpoint where session = ?'),
      hasCommand: database.prepare('select 1 as found from event where session = ? and command = ? limit 1'),
      sessions: database.prepare('select session from event where seq = 1 order by cursor'),
      cursor: database.prepare('select coalesce(max(cursor), 0) as cursor from event'),
    }
  }

  append(append: Append): Promise<readonly Envelope[]> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new StoreFailed(this.path, 'the log is closed')
      const bodies = append.events.map((one) => JSON.stringify(one.event))
      const checkpoint = append.checkpoint && JSON.stringify(append.checkpoint.value ?? null)
      // Not at the end of the microtasks: what all sockets that became readable together cause shares one sync, and nobody waits longer for it, because the loop comes here next.
      const fold = append.fold && JSON.stringify(append.fold.value ?? null)
      if (this.#waiting.length === 0) setImmediate(() => this.#flush())
      this.#waiting.push({ append, bodies, checkpoint, fold, resolve, reject })
    })
  }

  #flush(): void {
    const group = this.#waiting
    this.#waiting = []
    if (group.length === 0) return
    const settle: (() => void)[] = []
    try {
      this.#database.exec('begin immediate')
      for (const one of group) {
        const written = this.#write(one)
        settle.push(written instanceof AppendConflict ? () => one.reject(written) : () => one.resolve(written))
      }
      this.#database.exec('commit')
    } catch (cause) {
      const failure = explained(this.path, 'nothing could be recorded', cause)
      for (const one of group) one.reject(failure)
      // SQLite has rolled back by itself after some errors, a full disk for one.
      if (this.#database.isTransaction) this.#database.exec('rollback')
      return
    }
    for (const done of settle) done()
  }

  #write({ append, bodies, checkpoint, fold }: Waiting): readonly Envelope[] | AppendConflict {
    const { session } = append
    const actualSeq = Number(this.#statements.lastSeq.get(session)?.['seq'])
    if (actualSeq !== append.expectedSeq) return new AppendConflict(session, append.expectedSeq, actualSeq)
    const envelopes = append.events.map(({ atMs, by, command, event }, index): Envelope => {
      const seq = actualSeq + 1 + index
      const body = bodies[index] ?? ''
      const cursor = Number(this.#statements.insert.get(session, seq, atMs, by, command ?? null, event.type, body)?.['cursor'])
      return { session, seq, cursor, atMs, by, ...(command === undefined ? {} : { command }), event: JSON.parse(body) as Event }
    })
    if (append.checkpoint && checkpoint !== undefined) this.#statements.keep.run(session, append.checkpoint.run, append.checkpoint.seq, checkpoint)
    if (append.fold && fold !== undefined) this.#statements.keepFold.run(session, append.fold.seq, append.fold.version, fold)
    return envelopes
  }

  read({ session, after, limit }: { readonly session?: SessionId; readonly after: number; readonly limit: number }): readonly Envelope[] {
    checkLimit(limit)
    const rows = this.#reading(() => (session === undefined ? this.#statements.read.all(after, limit) : this.#statements.readSession.all(session, after, limit)))
    return (rows as unknown as readonly Row[]).map((row) => this.#envelope(row))
  }

  history({ session, after, limit, types }: HistoryQuery): readonly Envelope[] {
    checkLimit(limit)
    const rows = this.#reading(() => (types ? this.#statements.historyOf.all(session, after, JSON.stringify(types), limit) : this.#statements.history.all(session, after, limit)))
    return (rows as unknown as readonly Row[]).map((row) => this.#envelope(row))
  }

  fold(session: SessionId, version: string): StoredFold | undefined {
    const row = this.#reading(() => this.#statements.fold.get(session, version))
    if (!row) return undefined
    try {
      return { seq: Number(row['seq']), version, value: JSON.parse(String(row['value'])) as unknown }
    } catch {
      // The facts are what counts.
      return undefined
    }
  }

  checkpoint(session: SessionId): StoredCheckpoint | undefined {
    const row = this.#reading(() => this.#statements.checkpoint.get(session))
    return row && { run: Number(row['run']), seq: Number(row['seq']), value: this.#parsed(String(row['value']), `the checkpoint of session ${session}`) }
  }

  hasCommand(session: SessionId, command: string): boolean {
    return this.#reading(() => this.#statements.hasCommand.get(session, command)) !== undefined
  }

  sessions(): readonly SessionId[] {
    return this.#reading(() => this.#statements.sessions.all()).map((row) => String(row['session']))
  }

  cursor(): number {
    return Number(this.#reading(() => this.#statements.cursor.get())?.['cursor'])
  }

  close(): void {
    if (this.#closed) return
    this.#flush()
    this.#closed = true
    this.#database.close()
  }

  #envelope(row: Row): Envelope {
    const { session, seq, cursor, at_ms: atMs, by, command, body } = row
    const event = this.#parsed(body, `fact ${seq} of session ${session}`)
    // Which cases there are is not asked: a newer version of the same format may have added some.
    if (typeof event !== 'object' || event === null || !('type' in event) || typeof event.type !== 'string')
      throw new DamagedStore(this.path, `fact ${seq} of session ${session} is no event`)
    return { session, seq, cursor, atMs, by, ...(command === null ? {} : { command }), event: event as Event }
  }

  #parsed(json: string, what: string): unknown {
    try {
      return JSON.parse(json) as unknown
    } catch (cause) {
      throw new DamagedStore(this.path, `${what} is not JSON`, { cause })
    }
  }

  #reading<T>(read: () => T): T {
    try {
      return read()
    } catch (cause) {
      throw explained(this.path, 'cannot be read', cause)
    }
  }
}

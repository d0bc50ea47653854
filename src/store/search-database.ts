// The file of the search index: its tables and what is asked of them. Knows nothing of facts, and of what is searched only that it has a session, a key and a kind.

import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Hit } from '../core/api.ts'
import type { SessionId } from '../core/ids.ts'
import { SQLITE_CORRUPT, SQLITE_NOTADB, primaryCode } from './sqlite-codes.ts'

/** Of the tables below, and of what is put into them. */
const format = 1
/** The newest places that are compared with each other: a word that is everywhere is found where it was said last. */
const mostCompared = 10_000
const mostOfSession = 3

/** The best first: what somebody called it, what was asked of it and by it; then what was said, and done. */
export const kinds: readonly Hit['kind'][] = ['name', 'prompt', 'question', 'place', 'message', 'file', 'tool', 'thought']

// `text` is what an excerpt is cut from; the FTS5 table keeps none of it. `kind` is a place in the list above. unicode61 and not trigram: words are looked for and completed as words, two characters are
// enough, and the index is small. What lies within words is found because `indexedText` puts the parts of identifiers, and single characters of scripts without spaces, beside them.
const tables = `
  create table state (cursor integer not null, mark text not null);
  create table session (number integer primary key, id text not null unique, removed integer not null default 0);
  create table said (number integer primary key, session integer not null, key text not null, kind integer not null, seq integer not null, at_ms integer not null);
  create index said_by_key on said (session, key);
  create table text (number integer primary key, text text not null);
  create virtual table words using fts5 (text, content = '', contentless_delete = 1, tokenize = 'unicode61');
  insert into words (words, rank) values ('automerge', 0), ('crisismerge', 1900), ('usermerge', 16);
  insert into state values (0, '');
  pragma user_version = ${format};
`

const statements = {
  state: 'select cursor, mark from state',
  keepState: 'update state set cursor = ?, mark = ?',
  session: 'select number from session where id = ?',
  newSession: 'insert into session (id) values (?) returning number',
  removed: 'update session set removed = ? where number = ?',
  // Found first, then deleted one by one: before a statement that deletes several rows FTS5 writes all that it holds in memory.
  former: 'select number from said where session = ? and key = ?',
  title: `select text from said join text using (number) where session = ? and key = 'title'`,
  unsay: 'delete from said where number = ?',
  unkeep: 'delete from text where number = ?',
  forget: 'delete from words where rowid = ?',
  say: 'insert into said (session, key, kind, seq, at_ms) values (?, ?, ?, ?, ?)',
  keep: 'insert into text (number, text) values (?, ?)',
  index: 'insert into words (rowid, text) values (?, ?)',
  // By pages: a little of it whenever something is written, where SQLite by itself would do much of it now and then.
  merge: `insert into words (words, rank) values ('merge', 8)`,
  changes: 'select total_changes() as changes',
  // Only integers are compared, and the order of the joins is given, so that even a word that is everywhere takes no long time.
  find: `select id, seq, at_ms, kind, text
    from (
      select *, row_number() over (partition by session order by kind, number desc) as place
      from (
        select said.*, session.id from words cross join said on said.number = words.rowid cross join session on session.number = said.session
        where words match ? and not removed order by words.rowid desc limit ${mostCompared}
      )
    ) cross join text using (number)
    where place <= ${mostOfSession} order by kind, at_ms desc limit ?`,
} as const

export interface SearchDatabase {
  readonly database: DatabaseSync
  readonly run: Readonly<Record<keyof typeof statements, StatementSync>>
}

/** Written by another version. */
class OtherFormat extends Error {}

export const isDamage = (cause: unknown): boolean => cause instanceof OtherFormat || [SQLITE_CORRUPT, SQLITE_NOTADB].includes(primaryCode(cause) ?? 0)

/** Opened or made, for its owner only. Throws what SQLite and the file system throw, and OtherFormat. */
export function openSearchDatabase(path: string): SearchDatabase {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600))
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    // What a crash of the machine takes away is made again.
    database.exec('pragma journal_mode = truncate; pragma synchronous = off')
    const found = Number(database.prepare('pragma user_version').get()?.['user_version'])
    if (found === 0) database.exec(`begin; ${tables} commit`)
    else if (found !== format) throw new OtherFormat()
    const run = Object.fromEntries(Object.entries(statements).map(([name, sql]) => [name, database.prepare(sql)])) as SearchDatabase['run']
    return { database, run }
  } catch (cause) {
    database.close()
    throw cause
  }
}

/** Up to which fact of the log it goes. */
export function stateOf({ run }: SearchDatabase): { readonly cursor: number; readonly mark: string } {
  const state = run.state.get()
  return { cursor: Number(state?.['cursor']), mark: String(state?.['mark']) }
}

export const numberOf = ({ run }: SearchDatabase, session: SessionId): number => Number((run.session.get(session) ?? run.newSession.get(session))?.['number'])

/** Merges what was written in many commits, for about this time: then it is quickly read. */
export function merge({ run }: SearchDatabase, forMs: number): void {
  const changes = (): number => Number(run.changes.get()?.['changes'])
  const untilMs = performance.now() + forMs
  // SQLite's own sign that there is nothing to merge.
  for (let more = true; more && performance.now() < untilMs;) {
    const before = changes()
    run.merge.run()
    more = changes() - before > 1
  }
}

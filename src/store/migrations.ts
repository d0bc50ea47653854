// The tables of the event log and the steps that lead to them. Steps are only ever added. The only place where SQL differs between databases: see `cursor` below.

import type { DatabaseSync } from 'node:sqlite'
import { NewerStore } from './event-log.ts'

/** Step N (counted from 1) leads from format N-1 to format N. */
export const migrations: readonly string[] = [
  // `cursor` only grows and is never given twice, not even after a delete. PostgreSQL: `bigint generated always as identity primary key`.
  `create table event (
     cursor integer primary key autoincrement,
     session text not null,
     seq bigint not null,
     at_ms bigint not null,
     "by" text not null,
     command text,
     type text not null,
     body text not null,
     unique (session, seq)
   );
   create index event_by_session on event (session, cursor);
   create index event_by_command on event (session, command) where command is not null;
   create table checkpoint (
     session text primary key not null,
     run bigint not null,
     seq bigint not null,
     value text not null
   );`,
]

/** Format of this database: 0 is an empty one, undefined one that holds something else. */
export function formatOf(database: DatabaseSync): number | undefined {
  const tables = database.prepare(`select name from sqlite_master where type = 'table'`).all()
  if (tables.length === 0) return 0
  if (!tables.some((table) => table['name'] === 'schema_version')) return undefined
  const format = database.prepare('select version from schema_version').get()?.['version']
  return typeof format === 'number' ? format : undefined
}

/** Brings a database to the newest format, each step in a transaction of its own. Throws NewerStore; `steps` is another list in tests. */
export function migrate(database: DatabaseSync, path: string, steps: readonly string[] = migrations): void {
  for (;;) {
    database.exec('begin immediate')
    try {
      // Read inside the transaction: another process may have taken the step meanwhile.
      const format = formatOf(database) ?? 0
      if (format > steps.length) throw new NewerStore(path, format, steps.length)
      const step = steps[format]
      if (step === undefined) {
        database.exec('rollback')
        return
      }
      if (format === 0) database.exec('create table schema_version (version integer not null); insert into schema_version (version) values (0)')
      database.exec(step)
      database.prepare('update schema_version set version = ?').run(format + 1)
      database.exec('commit')
    } catch (cause) {
      if (database.isTransaction) database.exec('rollback')
      throw cause
    }
  }
}

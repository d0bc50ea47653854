// The event log on disk: what only a disk can do to it. Files are made in a temporary folder per test; writers that are killed are children of the test.

import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { DamagedStore, NewerStore, StoreFailed } from '../../src/store/event-log.ts'
import { migrate, migrations } from '../../src/store/migrations.ts'
import { SqliteLog, openDatabase, openSqliteLog } from '../../src/store/sqlite-log.ts'
import { eventLogContract, noted, numbered } from './event-log-contract.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'offstage-store-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

const file = (): string => join(folder(), 'log.db')

function opened(path: string): SqliteLog {
  const log = openSqliteLog(path)
  onTestFinished(() => log.close())
  return log
}

eventLogContract('on disk', () => openSqliteLog(file()))

test('everything is there again after it was closed and opened', async () => {
  const path = file()
  const first = openSqliteLog(path)
  const written = await first.append({ session: 'a', expectedSeq: 0, events: [noted('x', { command: 'cmd00001' })], checkpoint: { run: 1, seq: 1, value: { n: 1 } } })
  first.close()
  first.close()
  const log = opened(path)
  expect(log.read({ after: 0, limit: 10 })).toStrictEqual(written)
  expect(log.checkpoint('a')).toEqual({ run: 1, seq: 1, value: { n: 1 } })
  expect(log.hasCommand('a', 'cmd00001')).toBe(true)
  await log.append({ session: 'a', expectedSeq: 1, events: numbered(1) })
  expect(log.cursor()).toBe(2)
})

test('what the facts make is passed over when it cannot be read, and may be missing', async () => {
  const path = file()
  const first = openSqliteLog(path)
  await first.append({ session: 'a', expectedSeq: 0, events: numbered(2), fold: { seq: 2, version: '1', value: { n: 1 } } })
  first.close()
  const database = new DatabaseSync(path)
  database.exec(`update fold set value = '{"n":'`)
  const log = opened(path)
  expect([log.fold('a', '1'), log.cursor()]).toEqual([undefined, 2])
  log.close()
  database.exec('drop table fold')
  database.close()
  expect(opened(path).fold('a', '1')).toBeUndefined()
})

test('only the user may read the files, also when they were open to others', async () => {
  const path = file()
  const umask = process.umask(0)
  onTestFinished(() => void process.umask(umask))
  const log = opened(path)
  await log.append({ session: 'a', expectedSeq: 0, events: numbered(1) })
  const files = readdirSync(join(path, '..'))
  expect(files).toContain('log.db-wal')
  expect(files.map((name) => (statSync(join(path, '..', name)).mode & 0o777).toString(8))).toEqual(files.map(() => '600'))
  chmodSync(path, 0o644)
  opened(path)
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('every commit is synced, foreign keys hold, and a writer waits for another one', () => {
  const path = file()
  const database = openDatabase(path)
  onTestFinished(() => database.close())
  const setting = (name: string): unknown => Object.values(database.prepare(`pragma ${name}`).get() ?? {})[0]
  expect(['journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout'].map(setting)).toEqual(['wal', 2, 1, 5_000])
})

test('appends asked for in one turn of the event loop are one commit', async () => {
  const path = file()
  const log = opened(path)
  const walSize = (): number => statSync(`${path}-wal`).size
  await log.append({ session: 'a', expectedSeq: 0, events: numbered(1) })
  const pages = async (work: () => Promise<unknown>): Promise<number> => {
    const before = walSize()
    await work()
    return walSize() - before
  }
  const together = await pages(() => Promise.all(Array.from({ length: 20 }, (_, index) => log.append({ session: 'a', expectedSeq: 1 + index, events: numbered(1) }))))
  const alone = await pages(async () => {
    for (let index = 0; index < 20; index++) await log.append({ session: 'a', expectedSeq: 21 + index, events: numbered(1) })
  })
  // Each commit writes its changed pages to the journal anew.
  expect(together * 5).toBeLessThan(alone)
})

test('two logs on one file: the one that does not know the newest fact gets the conflict', async () => {
  const path = file()
  const [one, other] = [opened(path), opened(path)]
  await one.append({ session: 'a', expectedSeq: 0, events: numbered(1) })
  await expect(other.append({ session: 'a', expectedSeq: 0, events: numbered(1) })).rejects.toThrow('expected to append after 0, but the log is at 1')
  await other.append({ session: 'a', expectedSeq: 1, events: numbered(1) })
  expect(one.cursor()).toBe(2)
})

test('a cursor is not given twice, even if facts were deleted by hand', async () => {
  const path = file()
  const log = opened(path)
  await log.append({ session: 'a', expectedSeq: 0, events: numbered(3) })
  const byHand = new DatabaseSync(path)
  byHand.exec('delete from event')
  byHand.close()
  expect((await log.append({ session: 'a', expectedSeq: 0, events: numbered(1) })).map(({ cursor }) => cursor)).toEqual([4])
})

test('a full disk rejects the whole group, leaves nothing of it, and the log goes on when there is room', async () => {
  const path = file()
  const database = openDatabase(path)
  const log = new SqliteLog(database, path)
  onTestFinished(() => log.close())
  await log.append({ session: 'a', expectedSeq: 0, events: numbered(1), checkpoint: { run: 1, seq: 1, value: 'first' } })
  const pages = Number(database.prepare('pragma page_count').get()?.['page_count'])
  database.exec(`pragma max_page_count = ${pages + 2}`)
  const big = (text: string): ReturnType<typeof noted> => noted(text.repeat(50_000))
  const full = await Promise.allSettled([
    log.append({ session: 'b', expectedSeq: 0, events: numbered(1) }),
    log.append({ session: 'a', expectedSeq: 1, events: [noted('small'), big('x')], checkpoint: { run: 1, seq: 3, value: 'second' } }),
    log.append({ session: 'c', expectedSeq: 0, events: numbered(1) }),
  ])
  expect(full.map((one) => one.status === 'rejected' && one.reason instanceof StoreFailed && one.reason.message)).toEqual(
    full.map(() => `${path}: nothing could be recorded: the disk is full; free some space`),
  )
  expect(log.cursor()).toBe(1)
  expect(log.sessions()).toEqual(['a'])
  expect(log.checkpoint('a')?.value).toBe('first')
  // A small one may still fit.
  await log.append({ session: 'a', expectedSeq: 1, events: [noted('fits')] })
  database.exec('pragma max_page_count = 1000000')
  await log.append({ session: 'a', expectedSeq: 2, events: [big('y')] })
  expect(log.read({ session: 'a', after: 0, limit: 10 }).map(({ seq }) => seq)).toEqual([1, 2, 3])
})

test('the database of a newer version is refused by name and left as it is', () => {
  const path = file()
  openSqliteLog(path).close()
  const newer = new DatabaseSync(path)
  newer.exec('update schema_version set version = 999; create table dreams (id text)')
  newer.close()
  const before = readFileSync(path)
  expect(() => openSqliteLog(path)).toThrow(new NewerStore(path, 999, migrations.length))
  expect(readFileSync(path)).toEqual(before)
})

test('a step that is added later is taken by an older database, once, and keeps what is there', async () => {
  const path = file()
  const first = openSqliteLog(path)
  await first.append({ session: 'a', expectedSeq: 0, events: numbered(2) })
  first.close()
  const database = new DatabaseSync(path)
  onTestFinished(() => database.close())
  const steps = [...migrations, 'alter table event add column later text', 'create table dreams (id text)']
  migrate(database, path, steps)
  migrate(database, path, steps)
  expect(database.prepare('select seq, later from event').all()).toEqual([
    { seq: 1, later: null },
    { seq: 2, later: null },
  ])
  expect(database.prepare('select version from schema_version').all()).toEqual([{ version: steps.length }])
})

test('a step that fails leaves the format before it', () => {
  const path = file()
  openSqliteLog(path).close()
  const database = new DatabaseSync(path)
  onTestFinished(() => database.close())
  expect(() => migrate(database, path, [...migrations, 'create table dreams (id text); nonsense'])).toThrow('nonsense')
  expect(database.prepare('select version from schema_version').all()).toEqual([{ version: migrations.length }])
  expect(database.prepare(`select name from sqlite_master where name = 'dreams'`).all()).toEqual([])
})

const damages: Record<string, (path: string) => void> = {
  'text in place of a database': (path) => writeFileSync(path, 'dear diary, '.repeat(1_000)),
  'a database of something else': (path) => {
    const other = new DatabaseSync(path)
    other.exec('create table diary (day text)')
    other.close()
  },
  'a header that was overwritten': (path) => {
    openSqliteLog(path).close()
    writeFileSync(path, Buffer.concat([Buffer.alloc(100, 'x'), readFileSync(path).subarray(100)]))
  },
  'a schema page of garbage': (path) => {
    openSqliteLog(path).close()
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.fill(0xa5, 100, 4_096))
  },
  'a file cut off after its first page': (path) => {
    openSqliteLog(path).close()
    truncateSync(path, 4_096)
  },
}

test.each(Object.entries(damages))('%s is refused and left as it is', (_, damage) => {
  const path = file()
  damage(path)
  const before = readFileSync(path)
  const opening = (): void => {
    const log = openSqliteLog(path)
    try {
      log.read({ after: 0, limit: 10_000 })
    } finally {
      log.close()
    }
  }
  expect(opening).toThrow(DamagedStore)
  expect(opening).toThrow(path)
  expect(readFileSync(path)).toEqual(before)
})

test('damage further inside is said when it is met, with the file it is in', async () => {
  const path = file()
  const first = openSqliteLog(path)
  await first.append({ session: 'a', expectedSeq: 0, events: Array.from({ length: 400 }, () => noted('x'.repeat(1_000))) })
  first.close()
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.fill(0xa5, 20 * 4_096, 60 * 4_096))
  const log = opened(path)
  expect(() => log.read({ after: 0, limit: 10_000 })).toThrow(DamagedStore)
})

test.each(['{"type":', '"text"', '[]', '{"type":3}'])('a fact whose body is %s is damage, not a crash of its reader', async (body) => {
  const path = file()
  const log = opened(path)
  await log.append({ session: 'a', expectedSeq: 0, events: numbered(1) })
  const byHand = new DatabaseSync(path)
  byHand.prepare('update event set body = ?').run(body)
  byHand.close()
  expect(() => log.read({ after: 0, limit: 1 })).toThrow(DamagedStore)
})

test('a place where no file can be made is said in one line', () => {
  const path = join(folder(), 'missing', 'log.db')
  expect(() => openSqliteLog(path)).toThrow(StoreFailed)
})

function spawnWriter(path: string): ChildProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'writer.ts'), path], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

test('a writer killed at any moment loses nothing that it had acknowledged', async () => {
  const path = file()
  let acknowledged = 0
  for (let round = 0; round < 5; round++) {
    const child = spawnWriter(path)
    const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)))
    let text = ''
    // Killed as soon as it has acknowledged this many more, wherever it is then: in a transaction, a sync, a checkpoint of the journal.
    const killAt = acknowledged + 20 + Math.floor(Math.random() * 1_000)
    for await (const chunk of child.stdout ?? []) {
      text += String(chunk)
      const last = Number(text.split('\n').at(-2) ?? 0)
      if (last >= killAt) child.kill('SIGKILL')
    }
    expect(await ended).toBe('SIGKILL')
    acknowledged = Number(text.split('\n').at(-2))
    expect(acknowledged).toBeGreaterThanOrEqual(killAt)
    const log = openSqliteLog(path)
    const found: number[] = []
    for (let after = 0; ;) {
      const page = log.read({ session: 'writer', after, limit: 10_000 })
      if (page.length === 0) break
      found.push(...page.map(({ seq }) => seq))
      after = page.at(-1)?.cursor ?? after
    }
    expect(found.length).toBeGreaterThanOrEqual(acknowledged)
    expect(found).toEqual(found.map((_, index) => index + 1))
    // The checkpoint is of the same commit as the newest facts.
    expect(log.checkpoint('writer')?.seq).toBe(found.length)
    log.close()
    acknowledged = found.length
  }
}, 20_000)

// A database that cannot be read any more, with daemons that were killed, and agents that go on: what the run folders tell is told again, and nobody is told anything twice.

import { existsSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Paths, pathsFrom } from '../../src/config/paths.ts'
import { isRefusal } from '../../src/core/errors.ts'
import type { Envelope } from '../../src/core/events.ts'
import { fold } from '../../src/core/session.ts'
import { drivers } from '../../src/drivers/index.ts'
import { rebuild } from '../../src/engine/rebuild.ts'
import type { Client } from '../../src/sdk/index.ts'
import { memoryLog } from '../../src/store/memory-log.ts'
import { offstage } from '../e2e/offstage.ts'
import { TestHome, accepted, facts, never, settle, until } from '../home.ts'
import { heard, openRequest, prints, programSpec, start, talkerSpec, tell } from '../sessions.ts'

const pathsOf = (home: TestHome): Paths => pathsFrom(home.env, process.getuid?.() ?? 0)
const stored = (paths: Paths): string[] => readdirSync(paths.home).filter((name) => name.startsWith('offstage.db') && !/-(wal|shm)$/.test(name))
const isCompleted = (view: { readonly status: string }): boolean => view.status === 'completed'

/** The daemon dies, and what it remembered is overwritten. */
async function lose(home: TestHome): Promise<Paths> {
  await home.killDaemon()
  const paths = pathsOf(home)
  writeFileSync(paths.database, 'x'.repeat(20_000))
  // From a sound one SQLite would bring everything back.
  writeFileSync(`${paths.database}-wal`, 'y'.repeat(100))
  return paths
}

async function told(home: TestHome): Promise<readonly Envelope[]> {
  const log = memoryLog()
  await rebuild({ paths: pathsOf(home), driver: (name) => drivers[name](), version: '0.0.0' }, log)
  return log.read({ after: 0, limit: 10_000 })
}

const answer = (requestId: string, optionId: string) => ({ type: 'answer', requestId, answer: { kind: 'option', optionId } }) as const
/** Of an agent's session: what does not depend on when it was and who told it. */
const essence = (all: readonly Envelope[]): string[] =>
  all.flatMap(({ event }) => {
    switch (event.type) {
      case 'prompt-queued':
        return [`prompt ${event.text}`]
      case 'entry-written':
        return [`${event.entryId} ${JSON.stringify(event.entry)}`]
      case 'asked':
        return [`asked ${event.ask.id} ${event.ask.title}`]
      case 'answered':
        return [`answered ${event.requestId} ${JSON.stringify(event.answer)}`]
      case 'request-closed':
        return [`closed ${event.requestId} ${event.because}`]
      case 'run-starting':
        return [`run ${event.run} ${event.resumes ?? ''} ${event.environmentNames.join()}`]
      case 'run-started':
        return [`started ${event.run} ${event.keeper.pid} ${event.child.pid}`]
      case 'turn-started':
        return [`turn ${event.turn}`]
      case 'turn-ended':
        return [`ended ${event.turn} ${event.stopReason}`]
      case 'run-exited':
        return [`exited ${JSON.stringify({ ...event, type: '' })}`]
      case 'interrupted':
        return ['interrupted']
      default:
        return []
    }
  })

async function talk(client: Client, session: string): Promise<void> {
  accepted(await tell(client, session, answer((await openRequest(client, session)).id, 'allow')))
  await until(client, session, isCompleted)
}

test('everything that lived goes on after the database was overwritten, and what was over is told again', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const done = await start(first, home, talkerSpec(home.project), 'say one\ntool look\nask first?\nsay two', { title: 'the first', label: 'one' })
  await talk(first, done)
  const ended = await start(first, home, programSpec(home.project, ['sh', '-c', 'echo over; exit 3']))
  await until(first, ended, (view) => view.exit !== null)
  const alive = await start(first, home, programSpec(home.project, ['sh', '-c', 'echo begun; read line; echo got $line; read line']))
  const waiting = await start(first, home, talkerSpec(home.project), 'say before\nask second?\nsay after')
  const request = await openRequest(first, waiting)
  const before = new Map(await Promise.all([done, ended, waiting].map(async (id) => [id, essence(await facts(first, id))] as const)))
  const pids = async (client: Client): Promise<(number | null | undefined)[]> => Promise.all([alive, waiting].map(async (id) => (await client.get(id, never))?.session.run?.pid))
  const pidsBefore = await pids(first)

  const paths = await lose(home)
  const client = await home.client()
  expect(await pids(client)).toEqual(pidsBefore)
  const listed = await client.list({ all: true }, never)
  expect(listed.map(({ id, status }) => `${id} ${status}`).toSorted()).toEqual([`${done} completed`, `${ended} failed`, `${alive} working`, `${waiting} waiting`].toSorted())
  expect(listed.find(({ id }) => id === done)).toMatchObject({ title: 'the first', label: 'one', run: { number: 1, alive: true } })
  for (const id of [done, ended, waiting]) expect(essence(await facts(client, id)).toSorted()).toEqual(before.get(id)?.toSorted())

  expect((await client.get(waiting, never))?.session.requests).toMatchObject([{ id: request.id, lost: false }])
  accepted(await tell(client, waiting, answer(request.id, 'allow')))
  await until(client, waiting, isCompleted)
  accepted(await tell(client, waiting, { type: 'prompt', text: 'ask third?' }))
  accepted(await tell(client, waiting, answer((await openRequest(client, waiting)).id, 'reject')))
  await until(client, waiting, isCompleted)
  accepted(await tell(client, waiting, { type: 'prompt', text: 'hang' }))
  await until(client, waiting, (view) => view.status === 'working')
  accepted(await tell(client, waiting, { type: 'interrupt' }))
  await until(client, waiting, (view) => view.reason === 'the turn was interrupted')
  accepted(await tell(client, done, { type: 'prompt', text: 'say more' }))
  await until(client, done, (view) => view.activity === 'more' && isCompleted(view))
  expect(heard(home.project).map(({ at, text, title }) => `${at} ${text ?? title}`)).toEqual([
    'prompt say one\ntool look\nask first?\nsay two',
    'answer first?',
    'prompt say before\nask second?\nsay after',
    'answer second?',
    'prompt ask third?',
    'answer third?',
    'prompt hang',
    'cancel undefined',
    'prompt say more',
  ])

  await client.write(alive, Buffer.from('this\n'), never)
  await prints(client, alive, 'got this')

  const aside = stored(paths).filter((name) => name.includes('.damaged-'))
  expect(aside.map((name) => readFileSync(join(paths.home, name), 'utf8'))).toEqual(['x'.repeat(20_000)])
  const [notice, ...more] = (await client.daemonStatus(never)).notices
  expect([notice, more]).toEqual([expect.stringContaining(`rebuilt from 4 run folders of 4 sessions; the damaged file is ${join(paths.home, aside[0] ?? '')}`), []])
  expect((await offstage(home, ['doctor'])).out).toContain('the damaged file is')
  expect((await offstage(home, ['daemon', 'status'])).out).toContain('the damaged file is')
  expect((await offstage(home, ['daemon', 'status'])).out).not.toContain('damaged')
})

test('a daemon that dies again after the rebuilding takes up the agent where it was, and so after a second damage', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await start(first, home, talkerSpec(home.project), 'ask one?')
  await openRequest(first, session)
  await lose(home)
  const second = await home.client()
  accepted(await tell(second, session, answer((await openRequest(second, session)).id, 'allow')))
  accepted(await tell(second, session, { type: 'prompt', text: 'ask two?' }))
  await until(second, session, (view) => view.requests[0]?.title === 'two?')
  await home.killDaemon()
  const third = await home.client()
  accepted(await tell(third, session, answer((await openRequest(third, session)).id, 'reject')))
  await until(third, session, isCompleted)
  await lose(home)
  const fourth = await home.client()
  accepted(await tell(fourth, session, { type: 'prompt', text: 'say end' }))
  await until(fourth, session, (view) => view.activity === 'end' && isCompleted(view))
  expect(heard(home.project).map(({ at, text, title }) => `${at} ${text ?? title}`)).toEqual(['prompt ask one?', 'answer one?', 'prompt ask two?', 'answer two?', 'prompt say end'])
})

test('orders reach an agent whose keeper has higher ids than there are facts told again, also when a daemon dies before the keeper took them', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await start(first, home, talkerSpec(home.project), 'say zero')
  await until(first, session, isCompleted)
  // Facts that no run folder has.
  for (let number = 1; number <= 40; number += 1) accepted(await tell(first, session, { type: 'label', label: `name ${number}` }))
  accepted(await tell(first, session, { type: 'prompt', text: 'ask one?' }))
  await openRequest(first, session)
  await lose(home)
  const second = await home.client()
  accepted(await tell(second, session, answer((await openRequest(second, session)).id, 'allow')))
  await until(second, session, isCompleted)
  const keeper = Number(readFileSync(join(pathsOf(home).runs, session, '1', 'keeper'), 'latin1').split(' ')[0])
  process.kill(keeper, 'SIGSTOP')
  // More than a socket takes while nobody reads.
  const text = `${'x'.repeat(1024 * 1024)}\ntool two`
  try {
    accepted(await tell(second, session, { type: 'prompt', text }))
    accepted(await tell(second, session, { type: 'label', label: 'later' }))
    await home.killDaemon()
  } finally {
    process.kill(keeper, 'SIGCONT')
  }
  const third = await home.client()
  await until(third, session, (view) => view.activity === 'two' && isCompleted(view))
  expect(heard(home.project).map((entry) => (entry.text === text ? 'long' : `${entry.at} ${entry.text ?? entry.title}`))).toEqual([
    'prompt say zero',
    'prompt ask one?',
    'answer one?',
    'long',
  ])
})

test('an agent that ended is resumed with its own memory, and one that was interrupted, asked a form or was resumed is told as it was', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await start(first, home, talkerSpec(home.project), 'question which red|blue\nform\nask never?')
  accepted(await tell(first, session, answer((await openRequest(first, session)).id, 'blue')))
  const form = await until(first, session, (view) => view.requests[0]?.title === 'Please fill this in')
  const fields = { name: 'Ada', count: 4, token: 'hush' }
  accepted(await tell(first, session, { type: 'answer', requestId: form.requests[0]?.id ?? '', answer: { kind: 'form', fields } }))
  await until(first, session, (view) => view.requests[0]?.title === 'never?')
  accepted(await tell(first, session, { type: 'interrupt' }))
  await until(first, session, (view) => view.reason === 'the turn was interrupted')
  accepted(await tell(first, session, { type: 'stop' }))
  await until(first, session, (view) => view.status === 'stopped')
  accepted(await tell(first, session, { type: 'resume' }, home.env))
  accepted(await tell(first, session, { type: 'prompt', text: 'say again' }))
  await until(first, session, isCompleted)
  const before = essence(await facts(first, session))
  accepted(await tell(first, session, { type: 'stop' }))
  await until(first, session, (view) => view.status === 'stopped')
  await lose(home)
  const client = await home.client()
  const after = essence(await facts(client, session))
  // The values of a secret answer's other fields were in the same bytes, which were written nowhere.
  const whole = (line: string): string => line.replace(/"fields":\{.*?\}/, '"fields":{}')
  expect(after.filter((line) => !/^exited .*"run":2/.test(line)).toSorted()).toEqual(before.map(whole).toSorted())
  accepted(await tell(client, session, { type: 'resume' }, home.env))
  accepted(await tell(client, session, { type: 'prompt', text: 'say third' }))
  await until(client, session, (view) => view.activity === 'third' && isCompleted(view))
  const how = (await facts(client, session)).flatMap(({ event }) => (event.type === 'agent-ready' ? [event.how] : []))
  expect(how).toEqual(['new', 'resumed', 'resumed'])
})

/** An agent has asked, its database goes, the daemon that rebuilds it dies there: the next one has the question, and the answer arrives. */
async function goneOn(home: TestHome, crash: string, damage: (home: TestHome) => Promise<Paths>): Promise<{ readonly client: Client; readonly paths: Paths }> {
  const first = await home.client()
  const session = await start(first, home, talkerSpec(home.project), 'ask one?')
  await openRequest(first, session)
  const paths = await damage(home)
  const crashLog = join(home.folder, 'crash.log')
  expect(await home.startDaemon({ OFFSTAGE_CRASH_AT: crash, OFFSTAGE_CRASH_LOG: crashLog })).toBe('')
  expect(readFileSync(crashLog, 'utf8')).toBe(`${crash}\n`)
  const client = await home.client()
  accepted(await tell(client, session, answer((await openRequest(client, session)).id, 'allow')))
  await until(client, session, isCompleted)
  return { client, paths }
}

test.each(['rebuild.built', 'rebuild.aside'])('a daemon that dies at %s leaves what the next one goes on with', async (crash) => {
  await using home = new TestHome()
  const { client, paths } = await goneOn(home, crash, lose)
  expect((await client.daemonStatus(never)).notices.length).toBe(1)
  const [kept, aside, ...more] = stored(paths)
  expect([kept, aside, more]).toEqual(['offstage.db', expect.stringMatching(/^offstage\.db\.damaged-[\dT.-]+Z$/), []])
  expect(readFileSync(join(paths.home, aside ?? ''), 'utf8')).toBe('x'.repeat(20_000))
  expect(readFileSync(join(paths.home, `${aside}-wal`), 'utf8')).toBe('y'.repeat(100))
})

test('what a rebuilding left half done is begun again, and a database that was cut off counts as damaged', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await start(first, home, talkerSpec(home.project), 'say one')
  await until(first, session, isCompleted)
  await home.killDaemon()
  const paths = pathsOf(home)
  for (const part of ['', '-wal', '-shm']) rmSync(`${paths.database}${part}`, { force: true })
  writeFileSync(paths.database, '')
  writeFileSync(`${paths.database}.rebuilding`, 'half')
  const client = await home.client()
  expect((await client.get(session, never))?.session.status).toBe('completed')
  expect(stored(paths).length).toBe(2)
})

/** The daemon dies, and somebody removes what it remembered. */
async function remove(home: TestHome): Promise<Paths> {
  await home.killDaemon()
  const paths = pathsOf(home)
  for (const part of ['', '-wal', '-shm']) rmSync(`${paths.database}${part}`, { force: true })
  return paths
}

test('a database that is gone, with runs beside it, is told again from the run folders, and that is said', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await start(first, home, talkerSpec(home.project), 'ask one?')
  await openRequest(first, session)
  const paths = await remove(home)
  const client = await home.client()
  expect((await client.list({ all: true }, never)).map(({ id, status }) => [id, status])).toEqual([[session, 'waiting']])
  accepted(await tell(client, session, answer((await openRequest(client, session)).id, 'allow')))
  await until(client, session, isCompleted)
  expect((await client.daemonStatus(never)).notices).toEqual([
    expect.stringMatching(/the database was gone and was rebuilt from 1 run folders of 1 sessions; not known any more: /),
  ])
  expect(stored(paths)).toEqual(['offstage.db'])
})

test.each(['rebuild.built', 'rebuild.aside'])('a daemon that dies at %s in the place of a database that is gone leaves what the next one goes on with', async (crash) => {
  await using home = new TestHome()
  const { client, paths } = await goneOn(home, crash, remove)
  expect([(await client.daemonStatus(never)).notices.length, stored(paths)]).toEqual([1, ['offstage.db']])
})

test('a home without runs begins with a new database and nothing to say, also the second time', async () => {
  await using home = new TestHome()
  const first = await home.client()
  expect((await first.daemonStatus(never)).notices).toEqual([])
  await remove(home)
  const client = await home.client()
  expect([await client.list({ all: true }, never), (await client.daemonStatus(never)).notices]).toEqual([[], []])
})

test('a page that is damaged in the middle is noticed before anything is done', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await start(first, home, talkerSpec(home.project), 'large 60000\nask one?')
  await openRequest(first, session)
  await first.stopDaemon(never)
  const paths = pathsOf(home)
  await settle(
    () => existsSync(`${paths.database}-wal`),
    (open) => !open,
  )
  const bytes = readFileSync(paths.database)
  bytes.fill(0xee, 4096)
  writeFileSync(paths.database, bytes)
  const client = await home.client()
  accepted(await tell(client, session, answer((await openRequest(client, session)).id, 'allow')))
  await until(client, session, isCompleted)
  expect((await client.daemonStatus(never)).notices.length).toBe(1)
})

test('a database of a newer version stays as it is, and the daemon refuses', async () => {
  await using home = new TestHome()
  const first = await home.client()
  await first.stopDaemon(never)
  const paths = pathsOf(home)
  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(paths.database)
  database.exec('update schema_version set version = 99')
  database.close()
  const before = readFileSync(paths.database)
  expect(await home.startDaemon()).toMatch(/^failed .*newer Offstage/)
  expect([readFileSync(paths.database).equals(before), stored(paths)]).toEqual([true, ['offstage.db']])
  rmSync(paths.database)
})

test('the same folders give the same facts, the agent that did not hear a reply is read again, and what is odd is named', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await start(first, home, talkerSpec(home.project), 'say one\nterminal\nask two?')
  await openRequest(first, session)
  const ended = await start(first, home, programSpec(home.project, ['sh', '-c', 'kill -9 $$']))
  await until(first, ended, (view) => view.exit !== null)
  await first.stopDaemon(never)
  const paths = pathsOf(home)
  const once = await told(home)
  expect(await told(home)).toEqual(once)
  const sessions = Map.groupBy(once, (envelope) => envelope.session)
  expect([fold(sessions.get(session) ?? [])?.requests.length, fold(sessions.get(ended) ?? [])?.exit]).toEqual([1, { signal: 'SIGKILL' }])

  // The reply about the terminal did not reach the keeper: nothing behind that line is taken for heard.
  const folder = join(paths.runs, session, '1')
  const inputs = join(folder, `in.${'0'.repeat(20)}`)
  const whole = readFileSync(inputs)
  const { mtime } = statSync(inputs)
  const cutAt = whole.lastIndexOf('\n2 ') + 1
  expect(whole.subarray(cutAt).toString()).toContain('method not found')
  truncateSync(inputs, cutAt)
  const log = memoryLog()
  writeFileSync(join(paths.runs, 'odd'), '')
  rmSync(join(paths.runs, ended, '1', 'spec.json'))
  const { sessions: count, runs, skipped } = await rebuild({ paths, driver: (name) => drivers[name](), version: '0.0.0' }, log)
  expect([count, runs, skipped.map((line) => line.slice(paths.runs.length + 1).replace(/:.*/, '')).toSorted()]).toEqual([1, 1, [`${ended}/1/spec.json`, 'odd'].toSorted()])
  const checkpoint = log.checkpoint(session)?.value as { readonly outOffset: number }
  const out = readFileSync(join(folder, `out.${'0'.repeat(20)}`), 'utf8')
  expect(JSON.parse(out.slice(checkpoint.outOffset).split('\n')[0] ?? '')).toMatchObject({ method: 'terminal/create' })
  writeFileSync(inputs, whole)
  utimesSync(inputs, mtime, mtime)
  const client = await home.client()
  expect(isRefusal(await tell(client, session, { type: 'stop' }))).toBe(false)
})

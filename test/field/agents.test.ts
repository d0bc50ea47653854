// Agents that go wrong: each gets a status with its reason in one line, and leaves a daemon behind in whose home the next session is started and completed.

import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Entry } from '../../src/core/events.ts'
import type { SessionView } from '../../src/core/view.ts'
import type { Client } from '../../src/sdk/index.ts'
import { offstage } from '../e2e/offstage.ts'
import { TestHome, accepted, facts, until } from '../home.ts'
import { isRunning, pause } from '../machine.ts'
import { agentSpec, hostile, start, tell } from '../sessions.ts'

let home: TestHome
let client: Client
beforeAll(async () => {
  home = new TestHome()
  client = await home.client()
})
afterAll(() => home.close())

const cwdOf = (name: string): string => {
  const cwd = join(home.project, name)
  mkdirSync(cwd, { recursive: true })
  return cwd
}

const begin = (how: string): Promise<string> => start(client, home, agentSpec(cwdOf(how), [process.execPath, hostile, how]), 'go')

const entries = async (session: string): Promise<Entry[]> => (await facts(client, session)).flatMap(({ event }) => (event.type === 'entry-written' ? [event.entry] : []))
const messages = async (session: string): Promise<string> => (await entries(session)).map((entry) => (entry.kind === 'message' ? entry.text : '')).join('')
const notes = async (session: string): Promise<string[]> => (await facts(client, session)).flatMap(({ event }) => (event.type === 'noted' ? [event.text] : []))

interface Got {
  readonly id?: unknown
  readonly method?: string
  readonly text?: string
  readonly result?: unknown
  readonly error?: { readonly code: number }
}
const gotBy = (how: string): Got[] =>
  readFileSync(join(cwdOf(how), 'heard.log'), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Got)

/** A reason is one line that a terminal can show, and the daemon that met it still does its work. */
async function endsWell(view: SessionView): Promise<void> {
  // oxlint-disable-next-line no-control-regex
  expect(view.reason).toMatch(/^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]{1,400}$/)
  const polite = await begin('polite')
  await until(client, polite, ({ status }) => status === 'completed')
  expect(await messages(polite)).toBe('hello\n')
}

/** Whatever else the turn did: it is over, and the agent takes the next one. */
async function completes(session: string): Promise<SessionView> {
  const view = await until(client, session, ({ status }) => status === 'completed' || status === 'failed')
  expect([view.status, view.reason]).toEqual(['completed', expect.any(String)])
  return view
}

test('10 MB on one line is one message of 10 MB', async () => {
  const session = await begin('long-line')
  await endsWell(await completes(session))
  expect((await messages(session)).length).toBe(10 * 1024 * 1024)
})

test('10 MB of garbage on one line are noted once and passed over', async () => {
  const session = await begin('long-garbage')
  await endsWell(await completes(session))
  expect(await messages(session)).toBe('still here')
  const noted = await notes(session)
  expect([noted.length, (noted[0] ?? '').length < 1000]).toEqual([1, true])
})

test('bytes that are no UTF-8 become replacement characters, and the line is understood', async () => {
  const session = await begin('invalid-utf8')
  await endsWell(await completes(session))
  expect(await messages(session)).toMatch(/^before\ufffd+\(\ufffd+after$/)
})

test('U+2028, U+2029 and U+0085 inside of JSON do not end a line', async () => {
  const session = await begin('line-separators')
  await endsWell(await completes(session))
  expect(await messages(session)).toBe('one\u2028two\u2029three\u0085four')
})

test('JSON that is 20,000 levels deep is noted once and passed over, and a request of that sort is answered', async () => {
  const session = await begin('deep-json')
  await endsWell(await completes(session))
  expect((await notes(session)).length).toBe(1)
  expect(gotBy('deep-json').at(-1)).toMatchObject({ id: 77, error: { code: -32602 } })
})

test('half a surrogate, a zero, an escape and a bidi mark in a text reach nobody’s terminal', async () => {
  const session = await begin('odd-text')
  await endsWell(await completes(session))
  expect(await messages(session)).toContain('lone')
  for (const args of [['logs', session], ['ls'], ['why', session], ['events', session]]) {
    const { code, out } = await offstage(home, args)
    // oxlint-disable-next-line no-control-regex
    expect([args[0], code, /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]/.exec(out)]).toEqual([args[0], 0, null])
  }
  expect((await offstage(home, ['logs', session])).out).toMatch(/lone .+ end/)
})

test('5,000 updates in one breath are one whole text', async () => {
  const session = await begin('flood')
  await endsWell(await completes(session))
  expect(await messages(session)).toBe(Array.from({ length: 5000 }, (_, index) => `update ${index + 1}\n`).join(''))
})

test('an answer that comes twice, and answers to nothing, end one turn once', async () => {
  const session = await begin('twice')
  await completes(session)
  accepted(await tell(client, session, { type: 'prompt', text: 'again' }))
  await until(client, session, ({ status, entries: count }) => status === 'completed' && count >= 4)
  const ended = (await facts(client, session)).flatMap(({ event }) => (event.type === 'turn-ended' ? [[event.turn, event.stopReason]] : []))
  expect(ended).toEqual([
    [1, 'end_turn'],
    [2, 'end_turn'],
  ])
  await endsWell(await completes(session))
})

test('requests with any id are answered under that very id; what cannot be answered is left alone', async () => {
  const session = await begin('odd-ids')
  const answered = new Set<string>()
  while (answered.size < 6) {
    const view = await until(client, session, ({ requests }) => requests.some(({ id }) => !answered.has(id)))
    for (const { id } of view.requests) {
      if (answered.has(id)) continue
      answered.add(id)
      accepted(await tell(client, session, { type: 'answer', requestId: id, answer: { kind: 'option', optionId: 'allow' } }))
    }
  }
  await endsWell(await completes(session))
  expect(await messages(session)).toBe('all answered')
  const ids = gotBy('odd-ids').flatMap(({ method, id }) => (method === undefined ? [id] : []))
  expect(ids.toSorted()).toEqual(['a string', '', 0, -1, 1.5, Number.MAX_SAFE_INTEGER].toSorted())
})

test('a permission without a choice is answered at once, and never with yes', async () => {
  const session = await begin('no-options')
  await endsWell(await completes(session))
  expect(gotBy('no-options').at(-1)?.result).toEqual({ outcome: { outcome: 'cancelled' } })
})

test('tool calls that share an id, or bear the name of a built-in, are shown', async () => {
  const session = await begin('same-tool-ids')
  await endsWell(await completes(session))
  const titles = (await entries(session)).flatMap((entry) => (entry.kind === 'tool' ? [entry.title] : []))
  for (const title of ['tool 1', 'tool 2', 'tool 3']) expect(titles).toContain(title)
})

test('a hundred permissions at once are a hundred requests, each answered once', async () => {
  const session = await begin('hundred-permissions')
  const view = await until(client, session, ({ requests }) => requests.length === 100)
  expect(new Set(view.requests.map(({ id }) => id)).size).toBe(100)
  const replies = await Promise.all(view.requests.map(({ id }) => tell(client, session, { type: 'answer', requestId: id, answer: { kind: 'option', optionId: 'allow' } })))
  for (const reply of replies) accepted(reply)
  await endsWell(await completes(session))
  const ids = gotBy('hundred-permissions').flatMap(({ method, id }) => (method === undefined ? [Number(id)] : []))
  expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
})

test('methods and parameters that nobody knows are refused, and the turn goes on', async () => {
  const session = await begin('unknown-methods')
  await endsWell(await completes(session))
  const errors = gotBy('unknown-methods').flatMap(({ id, error }) => (error ? [[id, error.code]] : []))
  expect(errors.toSorted()).toEqual([
    [1, -32601],
    [2, -32601],
    [3, -32602],
  ])
})

test.each([
  ['half-line', /in the middle of its turn \(exit code 0\)/],
  ['leaves-without-a-word', /in the middle of its turn \(exit code 0\)/],
  ['exits-in-initialize', /ended before it was ready \(exit code 3\): no licence found/],
  ['killed-in-initialize', /ended before it was ready \(killed by SIGSEGV\)/],
  ['half-in-initialize', /ended before it was ready \(exit code 0\)/],
  ['no-number-for-a-version', /not ACP|version|protocol/],
  ['version-zero', /version|protocol/],
  ['nothing-for-a-result', /not ACP|version|protocol/],
  ['no-session', /session/],
])('%s: failed, and it says why', async (how, reason) => {
  const session = await begin(how)
  const view = await until(client, session, ({ status, run }) => status === 'failed' && run?.alive !== true)
  expect(view.reason).toMatch(reason)
  await endsWell(view)
  if (view.run?.pid) expect(isRunning(view.run.pid)).toBe(false)
})

test.each(['deaf-from-now-on', 'mute-from-now-on'])('%s: the turn stays open until it is interrupted or stopped, and stop returns', async (how) => {
  const session = await begin(how)
  const view = await until(client, session, ({ status, run }) => status === 'working' && run?.pid != null)
  await pause(200)
  accepted(await tell(client, session, { type: 'stop' }))
  await endsWell(await until(client, session, ({ status }) => status === 'stopped'))
  expect(isRunning(view.run?.pid ?? 0)).toBe(false)
})

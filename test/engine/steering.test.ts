// What a person does about a session at work, with real daemons and agents: chooses a mode, says more with an answer, takes a prompt back, watches a call print.

import { expect, test } from 'vitest'
import { pathsFrom } from '../../src/config/paths.ts'
import { isRefusal } from '../../src/core/errors.ts'
import type { Draft } from '../../src/core/api.ts'
import { drivers } from '../../src/drivers/index.ts'
import { rebuild } from '../../src/engine/rebuild.ts'
import type { Client } from '../../src/sdk/index.ts'
import { memoryLog } from '../../src/store/memory-log.ts'
import { TestHome, accepted, fact, facts, never, newId, until } from '../home.ts'
import { heard, openRequest, start, talkerSpec, tell } from '../sessions.ts'

const choose = (what: 'mode' | 'model', value: string) => ({ type: 'choose', what, value }) as const
const allow = (requestId: string, note?: string) => ({ type: 'answer', requestId, answer: { kind: 'option', optionId: 'allow', ...(note === undefined ? {} : { note }) } }) as const
const told = (home: TestHome): readonly string[] => heard(home.project).map(({ at, text, title }) => `${at} ${text ?? title ?? ''}`.trim())
const chosenTimes = (home: TestHome): number => heard(home.project).filter(({ at }) => at === 'mode').length

test('a mode that is chosen is what the agent has from then on, in its next run too', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await start(client, home, talkerSpec(home.project, '--modes', '--models'), 'say one')
  await until(client, session, (view) => view.status === 'completed')
  accepted(await tell(client, session, choose('mode', 'auto')))
  await until(client, session, (view) => view.mode === 'auto')
  const refused = await tell(client, session, choose('model', 'huge'))
  expect(isRefusal(refused) && refused).toMatchObject({ refused: 'no-such-option', hint: 'choose one of: small, large' })
  accepted(await tell(client, session, { type: 'stop' }))
  await until(client, session, (view) => view.status === 'stopped')
  expect(isRefusal(await tell(client, session, choose('mode', 'ask')))).toBe(true)
  accepted(await tell(client, session, { type: 'resume' }, home.env))
  const { event } = await fact(client, session, (one) => one.type === 'agent-ready' && one.run === 2)
  expect(event).toMatchObject({ how: 'resumed', offer: { currentMode: 'auto', currentModel: 'small' } })
  expect(told(home)).toEqual(['prompt say one', 'mode', 'mode'])
})

test('a daemon that dies before the agent has answered to a choice: it is heard once, and what comes of it is known', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await start(first, home, talkerSpec(home.project, '--modes'), 'say one')
  const { run } = await until(first, session, (view) => view.status === 'completed')
  const pid = run?.pid ?? 0
  process.kill(pid, 'SIGSTOP')
  try {
    accepted(await tell(first, session, choose('mode', 'auto')))
    await home.killDaemon()
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  const client = await home.client()
  await until(client, session, (view) => view.mode === 'auto')
  expect(chosenTimes(home)).toBe(1)

  // And a database that is lost is told of it again.
  const log = memoryLog()
  await rebuild({ paths: pathsFrom(home.env, process.getuid?.() ?? 0), driver: (name) => drivers[name](), version: '0.0.0' }, log)
  const again = log.read({ after: 0, limit: 1000 }).map(({ event, by }) => ({ event, by }))
  expect(again).toContainEqual({ by: 'user', event: { type: 'chosen', run: 1, what: 'mode', value: 'auto' } })
  expect(again).toContainEqual({ by: 'agent', event: { type: 'agent-offers', run: 1, offer: { currentMode: 'auto' } } })
})

test('what is said with an answer is the next prompt, once, also when the answer comes twice', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await start(client, home, talkerSpec(home.project), 'ask first?\nsay done')
  const { id } = await openRequest(client, session)
  const submission = { session, commandId: newId(), command: allow(id, 'say and this') }
  accepted(await client.submit(submission, never))
  accepted(await client.submit(submission, never))
  await until(client, session, (view) => view.status === 'completed' && view.activity === 'and this')
  expect(told(home)).toEqual(['prompt ask first?\nsay done', 'answer first?', 'prompt say and this'])
})

test('a prompt that is taken back in time is never heard', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await start(client, home, talkerSpec(home.project), 'ask first?')
  const { id } = await openRequest(client, session)
  const [kept, gone] = [newId(), newId()]
  for (const [commandId, text] of [
    [gone, 'say gone'],
    [kept, 'say kept'],
  ] as const)
    accepted(await client.submit({ session, commandId, command: { type: 'prompt', text } }, never))
  accepted(await tell(client, session, { type: 'withdraw', promptId: gone }))
  expect(await tell(client, session, { type: 'withdraw', promptId: gone })).toMatchObject({ refused: 'not-asked' })
  accepted(await tell(client, session, allow(id)))
  await until(client, session, (view) => view.status === 'completed' && view.activity === 'kept')
  expect(told(home)).toEqual(['prompt ask first?', 'answer first?', 'prompt say kept'])
})

/** Resolves to the first draft like that. Rejects after 20 s. */
async function draft(client: Client, session: string, like: (one: Draft) => boolean): Promise<Draft> {
  for await (const frame of client.watch({ session, after: 0, follow: true }, AbortSignal.timeout(20_000))) if (frame.kind === 'draft' && like(frame.draft)) return frame.draft
  throw new Error('no such draft')
}

test('whoever looks at a call that goes on sees what it has printed, after a restart as well; when it is over that is a fact', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await start(first, home, talkerSpec(home.project), 'print one\nprint two\nask go on?\nprint three\nask and on?\nprinted\nsay end')
  const { id } = await openRequest(first, session)
  const expected = { session, entryId: '1.1', kind: 'output', from: 0, text: 'one\ntwo' }
  // One who comes late, and another one.
  expect(await draft(first, session, ({ kind }) => kind === 'output')).toEqual(expected)
  expect(await draft(first, session, ({ kind }) => kind === 'output')).toEqual(expected)
  await home.killDaemon()
  const client = await home.client()
  accepted(await tell(client, session, allow(id)))
  expect(await draft(client, session, ({ text }) => text.includes('three'))).toMatchObject({ ...expected, text: 'one\ntwo\nthree' })
  const second = await until(client, session, (view) => view.requests.some((request) => request.title === 'and on?'))
  accepted(await tell(client, session, allow(second.requests[0]?.id ?? '')))
  await until(client, session, (view) => view.status === 'completed')
  const outputs = (await facts(client, session)).flatMap(({ event }) =>
    event.type === 'entry-written' && event.entry.kind === 'tool' && event.entryId === '1.1' && event.entry.status === 'completed' ? [event.entry.output] : [],
  )
  expect(outputs).toEqual(['one\ntwo\nthree'])
  for await (const frame of client.watch({ session, after: 0, follow: false }, never)) expect(frame.kind).not.toBe('draft')
})

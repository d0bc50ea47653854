// The machine sleeps, or one of our processes stands still: nobody is killed for being silent, nobody else waits, and everything goes on.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Client } from '../../src/sdk/index.ts'
import { TestHome, accepted, fact, facts, never, until } from '../home.ts'
import { isRunning, pause, soak, stateOf } from '../machine.ts'
import { heard, output, programSpec, start, talkerSpec, tell } from '../sessions.ts'

const stillMs = soak ? 60_000 : 1500
const counting = 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; sleep 0.01; done'

async function keeperOf(client: Client, session: string): Promise<number> {
  const { event } = await fact(client, session, ({ type }) => type === 'run-started')
  return event.type === 'run-started' ? event.keeper.pid : 0
}

/** In the middle of a sentence. */
async function speaks(client: Client, session: string) {
  for await (const frame of client.watch({ session, after: 0, follow: true }, AbortSignal.timeout(10_000))) if (frame.kind === 'draft') break
  return (await client.get(session, never))?.session.run
}

test.concurrent('a daemon that stands still: the programs go on, and so does it, with every fact', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const talking = await start(client, home, talkerSpec(home.project), `chunks ${soak ? 2000 : 80} ${soak ? 30 : 20}\nask go on?`)
  await speaks(client, talking)
  const { pid } = await client.daemonStatus(never)
  process.kill(pid, 'SIGSTOP')
  const listed = client.list({ all: true }, never)
  await pause(stillMs)
  expect(stateOf(pid)).toBe('T')
  process.kill(pid, 'SIGCONT')
  expect((await listed).map(({ id }) => id)).toEqual([talking])
  const view = await until(client, talking, ({ status }) => status === 'waiting')
  accepted(await tell(client, talking, { type: 'answer', requestId: view.requests[0]?.id ?? '', answer: { kind: 'option', optionId: 'allow' } }))
  await until(client, talking, ({ status }) => status === 'completed')
  expect(heard(home.project).map(({ at }) => at)).toEqual(['prompt', 'answer'])
})

/** Stopped for longer than it would take it to notice something, then going on. */
async function standStill<T>(client: Client, meanwhile: () => T): Promise<T> {
  const { pid } = await client.daemonStatus(never)
  process.kill(pid, 'SIGSTOP')
  const made = meanwhile()
  await pause(1200)
  process.kill(pid, 'SIGCONT')
  return made
}

function configure(home: TestHome, config: string): void {
  const folder = join(home.env['HOME'] ?? '', '.config', 'offstage')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'config.toml'), config)
}

test.concurrent('a daemon that stood still does not take that for the silence of an agent that talked all along', async () => {
  await using home = new TestHome()
  configure(home, 'stall_after_s = 0.6\n')
  const client = await home.client()
  const session = await start(client, home, talkerSpec(home.project), 'chunks 60 50\nask go on?')
  await speaks(client, session)
  await standStill(client, () => {})
  await until(client, session, ({ status }) => status === 'waiting')
  expect((await facts(client, session)).filter(({ event }) => event.type === 'fell-silent')).toEqual([])
})

test.concurrent('a daemon that stood still while an agent got ready does not say that it does not answer', async () => {
  await using home = new TestHome()
  configure(home, 'initialize_timeout_s = 0.6\n')
  const client = await home.client()
  const session = await start(client, home, talkerSpec(home.project), 'say done')
  await standStill(client, () => {})
  await until(client, session, ({ status }) => status === 'completed')
  expect((await facts(client, session)).filter(({ event }) => event.type === 'asked')).toEqual([])
})

test.concurrent('a daemon that stood still hears what it was told meanwhile before it takes an agent for idle', async () => {
  await using home = new TestHome()
  configure(home, 'idle_after_s = 0.6\n')
  const client = await home.client()
  const session = await start(client, home, talkerSpec(home.project), 'say done')
  await until(client, session, ({ status }) => status === 'completed')
  accepted(await standStill(client, () => tell(client, session, { type: 'prompt', text: 'say more' }, home.env)))
  await until(client, session, ({ status, activity }) => status === 'completed' && activity === 'more')
  expect((await facts(client, session)).filter(({ event }) => event.type === 'given-back')).toEqual([])
})

test.concurrent('a client that asks a daemon that stands still does not start a second one', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const { pid } = await client.daemonStatus(never)
  process.kill(pid, 'SIGSTOP')
  const second = home.client()
  await pause(500)
  process.kill(pid, 'SIGCONT')
  expect((await (await second).daemonStatus(never)).pid).toBe(pid)
})

test.concurrent('an agent that stands still is not killed, and goes on where it was', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const talking = await start(client, home, talkerSpec(home.project), 'chunks 40 20\nsay the end')
  const run = await speaks(client, talking)
  process.kill(run?.pid ?? 0, 'SIGSTOP')
  await pause(stillMs)
  expect((await client.get(talking, never))?.session).toMatchObject({ status: 'working', run: { pid: run?.pid, alive: true } })
  process.kill(run?.pid ?? 0, 'SIGCONT')
  await until(client, talking, ({ status }) => status === 'completed')
})

test.concurrent('a keeper that stands still holds up its own session only, loses nothing, and goes on', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const [still, other] = await Promise.all([start(client, home, programSpec('/', ['sh', '-c', counting])), start(client, home, programSpec('/', ['cat']))])
  const keeper = await keeperOf(client, still)
  process.kill(keeper, 'SIGSTOP')
  await pause(stillMs)
  expect(await client.write(other, Buffer.from('echo\r'), never)).toBeUndefined()
  const third = await start(client, home, programSpec('/', ['true']))
  await until(client, third, ({ status }) => status === 'completed')
  expect((await client.list({ all: true }, never)).length).toBe(3)
  process.kill(keeper, 'SIGCONT')
  const length = (await output(client, still)).length
  const end = AbortSignal.timeout(10_000)
  // It is heard again.
  for await (const frame of client.output({ session: still, stream: 'out', from: length, follow: true }, end)) {
    expect(frame.bytes.length).toBeGreaterThan(0)
    break
  }
  const lines = (await output(client, still)).toString().split('\r\n').slice(0, -1)
  expect(lines).toEqual(lines.map((_, index) => `line ${index + 1}`))
})

test.concurrent('a session whose keeper stands still is ended all the same, and its program with it', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await start(client, home, programSpec('/', ['sleep', '100000']))
  const keeper = await keeperOf(client, session)
  const { run } = await until(client, session, (view) => view.run?.pid != null)
  process.kill(keeper, 'SIGSTOP')
  try {
    accepted(await tell(client, session, { type: 'stop' }))
    const view = await until(client, session, ({ status }) => status === 'stopped')
    expect(view.reason).toBe('stopped')
    expect(isRunning(run?.pid ?? 0)).toBe(false)
  } finally {
    process.kill(keeper, 'SIGCONT')
  }
})

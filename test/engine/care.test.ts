// What the daemon does by itself: brings an agent back by policy, gives idle processes back, lets runs wait for room, notices silence, and comes back after its own death.

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { isRefusal } from '../../src/core/errors.ts'
import type { LaunchSpec, ResumePolicy } from '../../src/core/events.ts'
import type { Command } from '../../src/core/inputs.ts'
import type { Client } from '../../src/sdk/index.ts'
import { talker } from '../e2e/offstage.ts'
import { TestHome, accepted, fact, facts, never, newId, settle, until } from '../home.ts'
import { heard } from '../sessions.ts'

function configure(home: TestHome, text: string): void {
  const file = join(home.env['HOME'] ?? '', '.config', 'offstage', 'config.toml')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

async function startTalker(client: Client, home: TestHome, prompt: string, resume?: ResumePolicy): Promise<string> {
  const session = newId()
  const spec: LaunchSpec = { kind: 'agent', driver: 'acp', agent: 'talker', argv: [process.execPath, talker], cwd: home.project, ...(resume ? { resume } : {}) }
  accepted(await client.submit({ session, commandId: newId(), command: { type: 'create', spec, title: 'test', prompt }, environment: home.env }, never))
  return session
}

const tell = (client: Client, session: string, command: Command) => client.submit({ session, commandId: newId(), command }, never)
const pidOf = async (client: Client, session: string): Promise<number> => (await client.get(session, never))?.session.run?.pid ?? 0
const prompts = (home: TestHome): (string | undefined)[] => heard(home.project).flatMap((entry) => (entry.at === 'prompt' ? [entry.text] : []))

test('with the policy "auto" a lost agent comes back with its memory, is told nothing, and its lost question can be answered', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await startTalker(client, home, 'ask delete the store?', 'auto')
  const asked = await until(client, session, (view) => view.requests.length > 0)
  process.kill(await pidOf(client, session), 'SIGKILL')
  const back = await until(client, session, (view) => view.run?.number === 2 && view.run.alive && view.reason.startsWith('lost permission'))
  expect([back.status, back.requests.map((request) => request.lost)]).toEqual(['waiting', [true]])
  expect(prompts(home)).toEqual(['ask delete the store?'])
  const starts = (await facts(client, session)).flatMap(({ by, event }) => (event.type === 'run-starting' ? [[by, event.because, event.resumes !== undefined]] : []))
  expect(starts).toEqual([
    ['user', 'created', false],
    ['offstage', 'policy', true],
  ])
  accepted(await tell(client, session, { type: 'resume', answer: { requestId: asked.requests[0]?.id ?? '', answer: { kind: 'option', optionId: 'allow' } } }))
  await until(client, session, (view) => view.status === 'completed')
  expect(prompts(home)).toHaveLength(2)
})

test('an agent that dies again is started again by policy, a while later each time, and its prompt is not sent again', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await startTalker(client, home, 'tool look\nhang', 'auto')
  // It has the prompt: a turn is open before its agent has heard of it.
  await fact(client, session, (event) => event.type === 'entry-written')
  for (const run of [1, 2]) {
    await until(client, session, (view) => view.run?.number === run && view.run.alive && view.status === (run === 1 ? 'working' : 'waiting'))
    process.kill(await pidOf(client, session), 'SIGKILL')
  }
  await until(client, session, (view) => view.run?.number === 3 && view.run.alive)
  const at = (await facts(client, session)).flatMap(({ atMs, event }) => (event.type === 'run-exited' || event.type === 'run-starting' ? [atMs] : []))
  const [firstDelay = 0, secondDelay = 0] = [(at[2] ?? 0) - (at[1] ?? 0), (at[4] ?? 0) - (at[3] ?? 0)]
  expect(firstDelay).toBeGreaterThan(900)
  expect(secondDelay).toBeGreaterThan(4500)
  expect(prompts(home)).toEqual(['tool look\nhang'])
})

test('with the policy "never" an agent that was lost stays so', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await startTalker(client, home, 'hang', 'never')
  await until(client, session, (view) => view.status === 'working')
  process.kill(await pidOf(client, session), 'SIGKILL')
  await until(client, session, (view) => view.status === 'failed')
  const refused = await tell(client, session, { type: 'resume' })
  expect(isRefusal(refused) && refused.message).toMatch(/policy "never"/)
})

test('an idle agent gives its process back and the next prompt finds it as it was; one with work of its own running keeps it', async () => {
  await using home = new TestHome()
  configure(home, 'idle_after_s = 0.4\n')
  const client = await home.client()
  const [session, busy] = [await startTalker(client, home, 'say one'), await startTalker(client, home, 'spawn-stubborn')]
  const given = await fact(client, session, (event) => event.type === 'given-back')
  const view = (await client.get(session, never))?.session
  expect([view?.status, view?.run?.alive, view?.outcome?.kind, view?.exit]).toEqual(['completed', false, 'done', null])
  accepted(await tell(client, session, { type: 'prompt', text: 'say two' }))
  await until(client, session, (one) => one.status === 'completed' && one.activity === 'two')
  const ready = (await facts(client, session)).filter(({ event, seq }) => event.type === 'agent-ready' && seq > given.seq)
  expect(ready.map(({ event }) => event.type === 'agent-ready' && event.how)).toEqual(['resumed'])
  // It was idle for longer than the other one by now.
  expect((await facts(client, busy)).some(({ event }) => event.type === 'given-back')).toBe(false)
  expect((await client.get(busy, never))?.session.run?.alive).toBe(true)
})

test('a run beyond the limit waits for room, says so, and starts when another one ends', async () => {
  await using home = new TestHome()
  configure(home, 'max_live_runs = 2\n')
  const client = await home.client()
  const [first, , third] = [await startTalker(client, home, 'hang'), await startTalker(client, home, 'hang'), await startTalker(client, home, 'say third')]
  const waiting = await until(client, third, (view) => view.status === 'queued')
  expect(waiting.reason).toMatch(/2 runs are alive, and the limit is 2/)
  accepted(await tell(client, first, { type: 'stop' }))
  expect((await until(client, third, (view) => view.status === 'completed')).activity).toBe('third')
})

test('a turn of which nothing comes is shown as "no signal" until something does; a question that waits is no silence', async () => {
  await using home = new TestHome()
  configure(home, 'stall_after_s = 0.3\n')
  const client = await home.client()
  const [silent, asking] = [await startTalker(client, home, 'sleep 1500\nsay again'), await startTalker(client, home, 'ask me')]
  const view = await until(client, silent, (one) => one.reason.startsWith('no signal'))
  expect(view.status).toBe('working')
  await until(client, silent, (one) => one.status === 'completed')
  const types = async (session: string) => (await facts(client, session)).map(({ event }) => event.type)
  expect((await types(silent)).filter((type) => type === 'fell-silent' || type === 'spoke-again')).toEqual(['fell-silent', 'spoke-again'])
  expect(await types(asking)).not.toContain('fell-silent')
})

test('a daemon that died comes back by itself while sessions live, and never after it was stopped', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await startTalker(first, home, 'sleep 500\nask still there?')
  const killed = (await first.daemonStatus(never)).pid
  first.close()
  process.kill(killed, 'SIGKILL')
  const daemons = (): string[] => home.processes().flatMap(({ pid, command }) => (command.includes('daemon/main') ? [String(pid)] : []))
  const listened = (): number => readFileSync(join(home.folder, 'home', 'daemon.log'), 'utf8').split('the daemon listens').length - 1
  expect(await settle(listened, (times) => times === 2, 10_000)).toBe(2)
  expect(daemons()).toHaveLength(1)
  const client = await home.client(false)
  expect((await until(client, session, (view) => view.status === 'waiting')).requests[0]?.title).toBe('still there?')
  await client.stopDaemon(never)
  expect(existsSync(join(home.folder, 'home', 'daemon.start'))).toBe(false)
  // Longer than a keeper waits before it starts one.
  await new Promise((resolve) => setTimeout(resolve, 3500))
  expect(daemons()).toEqual([])
  expect(readdirSync(join(home.folder, 'home', 'sockets'))).toEqual([`${session}-1.sock`])
})

test('ending many sessions at once ends them all', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const spec = { kind: 'terminal', driver: 'terminal', agent: 'sleep', argv: ['sleep', '1000'], cwd: home.project } as const
  const sessions = Array.from({ length: 60 }, newId)
  await Promise.all(
    sessions.map(async (session) =>
      accepted(await client.submit({ session, commandId: newId(), command: { type: 'create', spec, title: 'sleep' }, environment: home.env }, never)),
    ),
  )
  await Promise.all(sessions.map((session) => tell(client, session, { type: 'end' })))
  await Promise.all(sessions.map((session) => until(client, session, (view) => view.archived)))
  expect(home.processes().filter(({ command }) => command.startsWith('sleep'))).toEqual([])
})

test('raw output goes by age only after a session was ended; its transcript stays, and an open one keeps every byte', async () => {
  await using home = new TestHome()
  configure(home, 'keep_output_days = 0.0000001\n')
  const first = await home.client()
  const [ended, open] = [await startTalker(first, home, 'say kept in the facts'), await startTalker(first, home, 'say open')]
  for (const session of [ended, open]) await until(first, session, (view) => view.status === 'completed')
  accepted(await tell(first, ended, { type: 'end' }))
  await until(first, ended, (view) => view.archived)
  await home.killDaemon()
  const client = await home.client()
  await fact(client, ended, (event) => event.type === 'output-dropped')
  const logs = (session: string): string[] => readdirSync(join(home.folder, 'home', 'runs', session, '1')).filter((name) => /^(out|err|in)\./.test(name))
  expect(
    await settle(
      () => logs(ended),
      (names) => names.length === 0,
    ),
  ).toEqual([])
  expect(logs(open).length).toBeGreaterThan(0)
  const messages = (await facts(client, ended)).flatMap(({ event }) => (event.type === 'entry-written' && event.entry.kind === 'message' ? [event.entry.text.trim()] : []))
  expect(messages).toEqual(['kept in the facts'])
  accepted(await tell(client, ended, { type: 'restore' }))
  expect((await client.get(ended, never))?.session.archived).toBe(false)
})

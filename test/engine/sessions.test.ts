// Sessions with real daemons, keepers and agents: what happens when something does not go as it should. Each test has a home of its own.

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isRefusal } from '../../src/core/errors.ts'
import type { LaunchSpec } from '../../src/core/events.ts'
import type { Command } from '../../src/core/inputs.ts'
import type { Client } from '../../src/sdk/index.ts'
import { TestHome, accepted, fact, facts, never, newId, settle, until } from '../home.ts'
import { type Heard, heard as heardIn } from '../sessions.ts'
import { launcher, talker } from '../e2e/offstage.ts'

const agentSpec = (home: TestHome, argv: readonly string[], more: Partial<LaunchSpec> = {}): LaunchSpec => ({
  kind: 'agent',
  driver: 'acp',
  agent: 'test',
  argv,
  cwd: home.project,
  ...more,
})

async function start(client: Client, home: TestHome, spec: LaunchSpec, prompt?: string): Promise<string> {
  const session = newId()
  accepted(
    await client.submit(
      { session, commandId: newId(), command: { type: 'create', spec, title: 'test', ...(prompt === undefined ? {} : { prompt }) }, environment: home.env },
      never,
    ),
  )
  return session
}

const startTalker = (client: Client, home: TestHome, prompt: string, ...flags: string[]): Promise<string> =>
  start(client, home, agentSpec(home, [process.execPath, talker, ...flags]), prompt)

const tell = (client: Client, session: string, command: Command, environment?: Readonly<Record<string, string>>) =>
  client.submit({ session, commandId: newId(), command, ...(environment ? { environment } : {}) }, never)

const heard = (home: TestHome): Heard[] => heardIn(home.project)

async function openRequest(client: Client, session: string) {
  const view = await until(client, session, (one) => one.requests.length > 0)
  const [request] = view.requests
  if (!request) throw new Error('no request')
  return request
}

test('a command that is sent twice with one id counts once', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await startTalker(client, home, 'say one')
  await until(client, session, (view) => view.status === 'completed')
  const again = { session, commandId: newId(), command: { type: 'prompt', text: 'say two' } } as const
  accepted(await client.submit(again, never))
  accepted(await client.submit(again, never))
  await until(client, session, (view) => view.status === 'completed' && view.activity === 'two')
  expect(heard(home).map((entry) => entry.text)).toEqual(['say one', 'say two'])
})

test('prompts that come while the agent works wait their turn, in order', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await startTalker(client, home, 'sleep 200\nsay one')
  for (const text of ['say two', 'say three']) accepted(await tell(client, session, { type: 'prompt', text }))
  await until(client, session, (view) => view.status === 'completed' && view.activity === 'three')
  expect(heard(home).map((entry) => entry.text)).toEqual(['sleep 200\nsay one', 'say two', 'say three'])
})

test('an agent that never answers becomes a request of kind error, and can be stopped by it', async () => {
  await using home = new TestHome()
  mkdirSync(join(home.env.HOME ?? '', '.config', 'offstage'), { recursive: true })
  writeFileSync(join(home.env.HOME ?? '', '.config', 'offstage', 'config.toml'), 'initialize_timeout_s = 1\n')
  const client = await home.client()
  const session = await startTalker(client, home, 'say hello', '--deaf')
  const request = await openRequest(client, session)
  expect([request.kind, request.options.map((option) => option.id)]).toEqual(['error', ['wait', 'stop']])
  accepted(await tell(client, session, { type: 'answer', requestId: request.id, answer: { kind: 'option', optionId: 'stop' } }))
  const stopped = await until(client, session, (view) => view.status === 'stopped')
  expect(stopped.run?.alive).toBe(false)
})

test('a program that is no agent fails with a reason, and nothing of it is left', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const table: readonly (readonly [readonly string[], RegExp])[] = [
    [['yes', 'nonsense'], /is it an ACP agent\?/],
    [['sh', '-c', 'echo broken >&2; exit 7'], /ended before it was ready \(exit code 7\): broken/],
    [['sh', '-c', 'kill -9 $$'], /ended before it was ready \(killed by SIGKILL\)/],
    [['sh', '-c', 'printf "{\\"half\\""; exit 0'], /ended before it was ready/],
    [[process.execPath, talker, '--protocol', '9'], /version 9|protocol/],
    [[join(home.folder, 'missing')], /cannot run .*missing/],
  ]
  for (const [argv, reason] of table) {
    const session = await start(client, home, agentSpec(home, argv), 'say hello')
    const failed = await until(client, session, (view) => view.status === 'failed')
    expect(failed.reason).toMatch(reason)
    const { run } = failed
    if (run?.pid) expect(existsSync(`/proc/${run.pid}`)).toBe(false)
  }
})

test('a working directory that vanished is said', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await start(client, home, agentSpec(home, ['true'], { cwd: join(home.folder, 'vanished') }))
  expect((await until(client, session, (view) => view.status === 'failed')).reason).toMatch(/vanished/)
})

test('a mode that the agent does not offer is never replaced by another one', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await start(client, home, agentSpec(home, [process.execPath, talker, '--modes'], { mode: 'yolo' }), 'say hello')
  expect((await until(client, session, (view) => view.status === 'failed')).reason).toMatch(/yolo/)
  await until(client, session, (view) => !view.run?.alive)
  expect(existsSync(join(home.project, 'prompts.log')) && heard(home).some((entry) => entry.at === 'prompt')).toBe(false)
})

test('an agent that wants a login makes the session wait, and goes on after it', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await startTalker(client, home, 'say in', '--auth')
  const request = await openRequest(client, session)
  expect(request.kind).toBe('auth')
  accepted(await tell(client, session, { type: 'answer', requestId: request.id, answer: { kind: 'option', optionId: 'key' } }))
  expect((await until(client, session, (view) => view.status === 'completed')).activity).toBe('in')
})

test('an agent writes inside the workspace by itself, and outside only when that was allowed', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const outside = join(home.folder, 'outside.txt')
  const session = await startTalker(client, home, `write inside.txt in here\nwrite ${outside} out there\nwrite ${outside}.2 not there`)
  const first = await openRequest(client, session)
  expect(readFileSync(join(home.project, 'inside.txt'), 'utf8')).toBe('in here')
  expect([first.kind, existsSync(outside)]).toEqual(['permission', false])
  const allow = first.options.find((option) => option.kind === 'allow')
  accepted(await tell(client, session, { type: 'answer', requestId: first.id, answer: { kind: 'option', optionId: allow?.id ?? '' } }))
  const view = await until(client, session, (one) => one.requests.some((request) => request.id !== first.id))
  expect(readFileSync(outside, 'utf8')).toBe('out there')
  const second = view.requests[0]
  const reject = second?.options.find((option) => option.kind === 'reject')
  accepted(await tell(client, session, { type: 'answer', requestId: second?.id ?? '', answer: { kind: 'option', optionId: reject?.id ?? '' } }))
  await until(client, session, (one) => one.status === 'completed')
  expect(existsSync(`${outside}.2`)).toBe(false)
})

test('a secret answer reaches the agent and no file; one that died with the daemon is asked for again', async () => {
  await using home = new TestHome()
  const secret = 'hunter2-hunter2'
  expect(await home.startDaemon({ OFFSTAGE_CRASH_AT: 'answer.recorded' })).toBe('ready')
  const client = await home.client()
  const session = await startTalker(client, home, 'form\nsay done')
  const asked = await openRequest(client, session)
  const command = { type: 'answer', requestId: asked.id, answer: { kind: 'form', fields: { name: 'me', count: 1, token: secret } } } as const
  accepted(await tell(client, session, command))
  const again = await openRequest(client, session)
  expect(again.id).toBe(asked.id)
  accepted(await tell(client, session, command))
  await until(client, session, (view) => view.status === 'completed')
  expect(heard(home).filter((entry) => entry.at === 'answer')).toMatchObject([{ content: { name: 'me', count: 1, token: secret } }])
  const files = readdirSync(join(home.folder, 'home'), { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile())
  const inputOnly = files.map((entry) => join(entry.parentPath, entry.name)).filter((file) => readFileSync(file).includes(secret))
  // The agent itself repeats the answer in its own words; what we were given is written nowhere.
  expect(inputOnly.filter((file) => !/\/out\.\d+$/.test(file) && !/offstage\.db/.test(file))).toEqual([])
  expect((await facts(client, session)).filter(({ event }) => event.type === 'answered').map(({ event }) => JSON.stringify(event).includes(secret))).toEqual([false, false])
})

test('a keeper that is killed ends only its own run, and its program does not live on', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const spec = { kind: 'terminal', driver: 'terminal', agent: 'sh', argv: ['sh', '-c', "trap '' HUP TERM; echo up; while :; do sleep 1; done"], cwd: home.project } as const
  const [one, other] = await Promise.all([start(client, home, spec), start(client, home, spec)])
  const started = await fact(client, one, (event) => event.type === 'run-started')
  const pids = started.event.type === 'run-started' ? [started.event.keeper.pid, started.event.child.pid] : []
  await until(client, one, (view) => view.entries > 0 || view.run?.alive === true)
  process.kill(pids[0] ?? 0, 'SIGKILL')
  const lost = await until(client, one, (view) => view.status === 'failed')
  expect(lost.reason).toMatch(/run lost/)
  expect((await client.get(other, never))?.session.status).toBe('working')
  expect(
    await settle(
      () => existsSync(`/proc/${pids[1]}`) && !zombie(pids[1] ?? 0),
      (alive) => !alive,
    ),
  ).toBe(false)
})

test('an agent that is killed in its turn fails it; resume goes on in its own session and sends nothing again', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await startTalker(client, home, 'say before\nhang')
  const started = await fact(client, session, (event) => event.type === 'entry-written' || event.type === 'turn-started')
  expect(started.session).toBe(session)
  accepted(await tell(client, session, { type: 'prompt', text: 'say queued' }))
  const pid = (await client.get(session, never))?.session.run?.pid ?? 0
  await settle(
    () => heardSoFar(home),
    (count) => count > 0,
  )
  process.kill(pid, 'SIGKILL')
  const failed = await until(client, session, (view) => view.status === 'failed')
  expect(failed.reason).toMatch(/in the middle of its turn \(killed by SIGKILL\)/)
  const refused = await tell(client, session, { type: 'prompt', text: 'say more' })
  expect(isRefusal(refused) && [refused.refused, refused.hint]).toEqual(['not-running', expect.stringContaining('offstage resume')])
  accepted(await tell(client, session, { type: 'resume' }, home.env))
  await until(client, session, (view) => view.status === 'completed')
  // The prompt of the lost turn is not sent again; the one that was never sent is.
  expect(heard(home).flatMap((entry) => (entry.at === 'prompt' ? [entry.text] : []))).toEqual(['say before\nhang', 'say queued'])
  const ready = (await facts(client, session)).flatMap(({ event }) => (event.type === 'agent-ready' ? [[event.how, event.agentRef]] : []))
  expect(ready[1]).toEqual(['resumed', ready[0]?.[1]])
})

test('a question that was lost with its agent is listed, refused, and answered in a new prompt', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await startTalker(client, home, 'ask delete the old store?')
  const request = await openRequest(client, session)
  process.kill((await client.get(session, never))?.session.run?.pid ?? 0, 'SIGKILL')
  const waiting = await until(client, session, (view) => view.requests[0]?.lost === true)
  expect(waiting.status).toBe('waiting')
  const answer = { kind: 'option', optionId: 'allow' } as const
  const refused = await tell(client, session, { type: 'answer', requestId: request.id, answer })
  expect(isRefusal(refused) && [refused.refused, refused.hint]).toEqual(['not-asked', expect.stringContaining('--answer')])
  accepted(await tell(client, session, { type: 'resume', answer: { requestId: request.id, answer } }, home.env))
  await until(client, session, (view) => view.status === 'completed')
  expect(
    heard(home)
      .flatMap((entry) => (entry.at === 'prompt' ? [entry.text] : []))
      .at(-1),
  ).toMatch(/> delete the old store\?[\s\S]*My answer: Allow once/)
})

test('stop ends the whole tree, also what ignores TERM and has a session of its own', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await startTalker(client, home, 'spawn-stubborn\nsay spawned\nhang')
  await settle(() => existsSync(join(home.project, 'prompts.log')) && heard(home).some((entry) => entry.at === 'stubborn'), Boolean)
  const stubborn = heard(home).find((entry) => entry.at === 'stubborn') as { pid?: number } | undefined
  accepted(await tell(client, session, { type: 'stop' }))
  const stopped = await fact(client, session, (event) => event.type === 'stopped')
  expect(stopped.event.type === 'stopped' && stopped.event.ended).toBeGreaterThanOrEqual(2)
  expect(existsSync(`/proc/${stubborn?.pid}`) && !zombie(stubborn?.pid ?? 0)).toBe(false)
})

test('a session that started Offstage and other sessions from inside is stopped alone', async () => {
  await using home = new TestHome()
  const first = await home.client()
  // Everything of ours that is started in there becomes a descendant of this session's keeper, the daemon included.
  const command = `read go; kill -9 $DAEMON; '${process.execPath}' '${launcher}' bg --label inner -- sleep 1000 > started.txt 2>&1; echo over >> started.txt; sleep 1000`
  const spec = { kind: 'terminal', driver: 'terminal', agent: 'sh', argv: ['sh', '-c', command], cwd: home.project } as const
  const session = newId()
  const environment = { ...home.env, DAEMON: String((await first.daemonStatus(never)).pid) }
  accepted(await first.submit({ session, commandId: newId(), command: { type: 'create', spec, title: 'outer' }, environment }, never))
  // Only now: a client that still waits for a reply would start the new daemon itself. The reply to this one may die with the daemon.
  await first.write(session, Buffer.from('\r'), never).catch(() => {})
  await settle(() => existsSync(join(home.project, 'started.txt')) && readFileSync(join(home.project, 'started.txt'), 'utf8').includes('over'), Boolean, 10_000)
  const client = await home.client(false)
  const daemon = (await client.daemonStatus(never)).pid
  accepted(await tell(client, session, { type: 'stop' }))
  await until(client, session, (view) => view.status === 'stopped')
  const inner = (await client.list({ all: false }, never)).find((view) => view.label === 'inner')
  expect([inner?.status, inner?.run?.alive]).toEqual(['working', true])
  expect((await client.daemonStatus(never)).pid).toBe(daemon)
})

test('a run that needs an environment after a restart waits for a client and says so', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await startTalker(client, home, 'say one')
  await until(client, session, (view) => view.status === 'completed')
  process.kill((await client.get(session, never))?.session.run?.pid ?? 0, 'SIGTERM')
  await until(client, session, (view) => !view.run?.alive)
  await home.killDaemon()
  accepted(await tell(client, session, { type: 'prompt', text: 'say two' }))
  const waiting = await until(client, session, (view) => view.status === 'waiting')
  expect(waiting.reason).toMatch(/needs an environment: offstage resume/)
  accepted(await tell(client, session, { type: 'resume' }, home.env))
  expect((await until(client, session, (view) => view.status === 'completed' && view.activity === 'two')).status).toBe('completed')
})

test('a watcher that does not read holds nobody up and misses no fact', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const slow = await home.client()
  const session = await startTalker(client, home, Array.from({ length: 1500 }, (_, index) => `tool step ${index}`).join('\n'))
  const seen: number[] = []
  for await (const frame of slow.watch({ session, after: 0, follow: true }, AbortSignal.timeout(25_000))) {
    // Reads its first frame and then nothing until the agent is done.
    if (seen.length === 0) await fact(client, session, (event) => event.type === 'turn-ended')
    if (frame.kind === 'fact') seen.push(frame.envelope.seq)
    if (frame.kind === 'fact' && frame.envelope.event.type === 'turn-ended') break
  }
  expect(seen).toEqual(Array.from({ length: seen.length }, (_, index) => index + 1))
  expect(seen.length).toBeGreaterThan(3000)
})

function heardSoFar(home: TestHome): number {
  return existsSync(join(home.project, 'prompts.log')) ? heard(home).length : 0
}

/** Ended, but whoever is its parent here has not asked for its status. */
const zombie = (pid: number): boolean => / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))

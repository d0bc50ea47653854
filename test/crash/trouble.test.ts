// What dies, hangs or fills up beside the daemon: keepers that are stopped or killed, a client that does not read, a folder that cannot be made, a store that takes no checkpoint.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import { pathsFrom, prepareHome } from '../../src/config/paths.ts'
import { isRefusal } from '../../src/core/errors.ts'
import type { LaunchSpec } from '../../src/core/events.ts'
import type { Command } from '../../src/core/inputs.ts'
import type { Conversation, Driver } from '../../src/drivers/driver.ts'
import { drivers } from '../../src/drivers/index.ts'
import { Engine } from '../../src/engine/engine.ts'
import { keepersOnDisk } from '../../src/engine/keepers-on-disk.ts'
import type { Keepers } from '../../src/engine/keepers.ts'
import type { Client } from '../../src/sdk/index.ts'
import { type MemoryLog, memoryLog } from '../../src/store/memory-log.ts'
import { talker } from '../e2e/offstage.ts'
import { TestHome, accepted, fact, facts, never, newId, settle, until } from '../home.ts'
import { noTrees } from '../engine/fake-workspaces.ts'
import { type Heard, heard as heardIn } from '../sessions.ts'

const agentSpec = (home: TestHome, argv: readonly string[], more: Partial<LaunchSpec> = {}): LaunchSpec => ({
  kind: 'agent',
  driver: 'acp',
  agent: 'test',
  argv,
  cwd: home.project,
  ...more,
})
const terminalSpec = (home: TestHome, script: string): LaunchSpec => ({ kind: 'terminal', driver: 'terminal', agent: 'sh', argv: ['sh', '-c', script], cwd: home.project })

const create = (client: Pick<Client, 'submit'>, home: TestHome, session: string, spec: LaunchSpec, prompt?: string) =>
  client.submit({ session, commandId: newId(), command: { type: 'create', spec, title: 'test', ...(prompt === undefined ? {} : { prompt }) }, environment: home.env }, never)

async function startTalker(client: Client, home: TestHome, prompt: string): Promise<string> {
  const session = newId()
  accepted(await create(client, home, session, agentSpec(home, [process.execPath, talker]), prompt))
  return session
}

const tell = (client: Client, session: string, command: Command, environment?: Readonly<Record<string, string>>) =>
  client.submit({ session, commandId: newId(), command, ...(environment ? { environment } : {}) }, never)

const heard = (home: TestHome): Heard[] => heardIn(home.project)

const keeperPid = (home: TestHome, session: string): number => Number(readFileSync(join(home.folder, 'home', 'runs', session, '1', 'keeper'), 'latin1').split(' ')[0])

const runs = (pid: number): boolean => {
  try {
    return !/ Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

test('a run whose keeper is stopped while a daemon starts has no signal, and is adopted when its keeper goes on', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await startTalker(first, home, 'sleep 300\nsay done')
  await fact(first, session, (event) => event.type === 'turn-started')
  const keeper = keeperPid(home, session)
  await home.killDaemon()
  process.kill(keeper, 'SIGSTOP')
  const client = await home.client()
  try {
    expect((await client.get(session, never))?.session.reason).toMatch(/^no signal/)
  } finally {
    process.kill(keeper, 'SIGCONT')
  }
  const done = await until(client, session, (view) => view.status === 'completed')
  expect([done.activity, done.reason]).toEqual(['done', 'the turn ended'])
})

test('a prompt that the keeper had not taken when the daemon died is given again, although facts followed it', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await startTalker(first, home, 'say one')
  await until(first, session, (view) => view.status === 'completed')
  const keeper = keeperPid(home, session)
  process.kill(keeper, 'SIGSTOP')
  // More than a socket takes while nobody reads.
  const text = `${'x'.repeat(1024 * 1024)}\ntool two`
  try {
    accepted(await tell(first, session, { type: 'prompt', text }))
    accepted(await tell(first, session, { type: 'label', label: 'later' }))
    await home.killDaemon()
  } finally {
    process.kill(keeper, 'SIGCONT')
  }
  const client = await home.client()
  await until(client, session, (view) => view.status === 'completed' && view.activity === 'two')
  expect(heard(home).map((entry) => entry.text === text || entry.text)).toEqual(['say one', true])
})

test('what an agent left behind is ended when its keeper was killed while no daemon lived', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await startTalker(first, home, 'spawn-stubborn\nhang')
  const [, stubborn] = await settle(
    () => heard(home),
    (entries) => entries.length === 2,
  )
  await home.killDaemon()
  process.kill(keeperPid(home, session), 'SIGKILL')
  const client = await home.client()
  await fact(client, session, (event) => event.type === 'run-lost')
  expect(
    await settle(
      () => runs(stubborn?.pid ?? 0),
      (alive) => !alive,
    ),
  ).toBe(false)
})

test('a start whose run folder cannot be made is recorded as failed', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = newId()
  mkdirSync(join(home.folder, 'home', 'runs'), { recursive: true })
  writeFileSync(join(home.folder, 'home', 'runs', session), 'in the way')
  accepted(await create(client, home, session, terminalSpec(home, 'true')))
  expect((await client.get(session, never))?.session.status).toBe('failed')
})

test('a prompt that no keeper could take is refused', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await startTalker(client, home, 'say one')
  await until(client, session, (view) => view.status === 'completed')
  const refused = await tell(client, session, { type: 'prompt', text: 'x'.repeat(15 * 1024 * 1024) })
  expect(isRefusal(refused) && refused.refused).toBe('invalid')
})

test('a client that does not read keeps no daemon from leaving', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = newId()
  accepted(await create(client, home, session, terminalSpec(home, 'head -c 4000000 /dev/zero | tr "\\0" x')))
  await until(client, session, (view) => view.status === 'completed')
  const { pid } = await client.daemonStatus(never)
  const deaf = connectSocket(join(home.folder, 'home', 'sockets', 'daemon.sock')).pause()
  deaf.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'output', params: { session, stream: 'out', from: 0, follow: false } })}\n`)
  await delay(200)
  await client.stopDaemon(never)
  expect(
    await settle(
      () => runs(pid),
      (alive) => !alive,
      3000,
    ),
  ).toBe(false)
  deaf.destroy()
})

test('a client that found no daemon and could start none can ask again later', async () => {
  await using home = new TestHome()
  const client = await home.client()
  await home.killDaemon()
  const database = join(home.folder, 'home', 'offstage.db')
  renameSync(database, `${database}.away`)
  mkdirSync(database)
  await expect(client.list({ all: false }, never)).rejects.toThrow()
  rmSync(database, { recursive: true })
  renameSync(`${database}.away`, database)
  expect(await client.list({ all: false }, never)).toEqual([])
})

/** An engine in this process, with parts that fail. */
async function withEngine(
  change: { readonly log?: MemoryLog; readonly keepers?: (real: Keepers) => Keepers; readonly driver?: (real: Driver) => Driver },
  use: (engine: Engine, home: TestHome) => Promise<void>,
): Promise<void> {
  await using home = new TestHome()
  const paths = pathsFrom(home.env, process.getuid?.() ?? 0)
  prepareHome(paths)
  const end = new AbortController()
  const keepers = keepersOnDisk(paths, packageRoot, () => undefined)
  const engine = await Engine.open({
    log: change.log ?? memoryLog(),
    keepers: change.keepers?.(keepers) ?? keepers,
    driver: async (name) => (change.driver ?? ((real) => real))(await drivers[name]()),
    files: { read: () => Promise.reject(new Error('unused')), write: () => Promise.reject(new Error('unused')) },
    screens: { snapshot: async () => undefined, cursor: async () => undefined, text: async () => undefined, advance: () => {} },
    projects: { refresh: async () => {}, of: () => ({ name: 'project', branch: null }) },
    search: { search: async () => [] },
    trees: noTrees(),
    nowMs: Date.now,
    delay: (ms) => delay(ms, undefined, { signal: end.signal, ref: false }).catch(() => {}),
    warn: () => {},
    signal: end.signal,
    version: '0.0.0',
    availableMemory: async () => undefined,
    limits: { maxLiveRuns: 0, minFreeMemoryBytes: 0, stallAfterMs: 0, idleAfterMs: 0, keepOutputMs: 0, keepOutputBytes: 0, keepSnapshotsMs: 0, keepWorktreesMs: 0 },
    initializeTimeoutMs: 60_000,
  })
  await use(engine, home)
  for (const { id } of await engine.list({ all: true }, never)) {
    await engine.submit({ session: id, commandId: newId(), command: { type: 'end' } }, never)
    await until(engine, id, (view) => !view.run?.alive && view.reason !== 'being stopped')
  }
  end.abort()
}

test('a store that takes no checkpoint harms nothing', async () => {
  const log = memoryLog()
  const append = log.append.bind(log)
  let refused = 0
  log.append = (one) => (one.events.length > 0 ? append(one) : Promise.reject(new Error(`disk full, ${(refused += 1)}`)))
  await withEngine({ log }, async (engine, home) => {
    const session = newId()
    accepted(await create(engine, home, session, terminalSpec(home, 'head -c 5000000 /dev/zero | tr "\\0" x')))
    const over = await until(engine, session, (view) => !view.run?.alive && view.exit !== null)
    expect([over.status, refused > 0]).toEqual(['completed', true])
  })
})

test('a step that fails half way ends no daemon, and what it took in is read again', async () => {
  let calls = 0
  const failing = (real: Keepers): Keepers => ({
    ...real,
    sync: (...given) => ((calls += 1) % 4 === 0 ? Promise.reject(new Error('no descriptor left')) : real.sync(...given)),
  })
  await withEngine({ keepers: failing }, async (engine, home) => {
    const session = newId()
    accepted(await create(engine, home, session, agentSpec(home, [process.execPath, talker]), 'tool a\nsleep 50\ntool b\nsleep 50\nsay the end'))
    await until(engine, session, (view) => view.status === 'completed')
    const entries = (await facts(engine, session)).flatMap(({ event }) =>
      event.type === 'entry-written' ? [event.entry.kind === 'tool' ? `${event.entry.title} ${event.entry.status}` : 'said'] : [],
    )
    expect(entries).toEqual([...['a', 'b'].flatMap((tool) => ['pending', 'running', 'completed'].map((status) => `${tool} ${status}`)), 'said'])
    expect([heard(home).length, calls > 4]).toEqual([1, true])
  })
})

/** A driver that fails over these bytes, as long as it is `on`. */
function failingOver(text: string): { on: boolean; tries: number[]; driver: (real: Driver) => Driver } {
  const failure = {
    on: true,
    tries: [] as number[],
    driver: (real: Driver): Driver => {
      const failing = (conversation: Conversation): Conversation => {
        const receive = conversation.receive.bind(conversation)
        conversation.receive = (stream, offset, bytes) => {
          if (!failure.on || !Buffer.from(bytes).includes(text)) return receive(stream, offset, bytes)
          failure.tries.push(performance.now())
          throw new RangeError('Maximum call stack size exceeded')
        }
        return conversation
      }
      return {
        ...real,
        begin: (launch) => {
          const begun = real.begin(launch)
          return { ...begun, conversation: failing(begun.conversation) }
        },
        restore: (launch, checkpoint) => failing(real.restore(launch, checkpoint)),
      }
    },
  }
  return failure
}

test('a run whose output makes its driver fail is tried less and less often, says why, and goes on where it was when it can', async () => {
  const failure = failingOver('poison')
  await withEngine({ driver: failure.driver }, async (engine, home) => {
    const session = newId()
    accepted(await create(engine, home, session, agentSpec(home, [process.execPath, talker]), 'say before\nsay poison\nsay after'))
    const stuck = /^no signal: its output cannot be understood: Maximum call stack size exceeded$/
    const reason = async (): Promise<string> => (await engine.get(session, never))?.session.reason ?? ''
    while (!stuck.test(await reason()) && failure.tries.length < 5) await delay(20)
    expect(await reason()).toMatch(stuck)
    await settle(
      () => failure.tries.length,
      (tries) => tries >= 3,
    )
    // After 0.5 s, then 1 s, then 2 s: not every half second.
    const [first = 0, second = 0, third = 0] = failure.tries
    expect([second - first >= 450, third - second >= 900]).toEqual([true, true])
    const live = (await engine.get(session, never))?.session
    expect([live?.reason, live?.run?.alive, runs(live?.run?.pid ?? 0)]).toEqual([expect.stringMatching(stuck), true, true])
    failure.on = false
    const done = await until(engine, session, (now) => now.status === 'completed')
    expect([done.reason, heard(home).length]).toEqual(['the turn ended', 1])
  })
})

test('a run that is stuck can be stopped', async () => {
  const failure = failingOver('poison')
  await withEngine({ driver: failure.driver }, async (engine, home) => {
    const session = newId()
    accepted(await create(engine, home, session, agentSpec(home, [process.execPath, talker]), 'say poison\nhang'))
    await settle(
      () => failure.tries.length,
      (tries) => tries >= 2,
    )
    accepted(await engine.submit({ session, commandId: newId(), command: { type: 'stop' } }, never))
    const over = await until(engine, session, ({ status }) => status === 'stopped')
    expect([over.reason, over.run?.alive]).toEqual(['stopped', false])
  })
})

test('while the store takes nothing a command is refused at once, and what was observed meanwhile is recorded afterwards', async () => {
  const log = memoryLog()
  const append = log.append.bind(log)
  let full = false
  const refused = Promise.withResolvers<void>()
  log.append = (one) => {
    if (!full) return append(one)
    refused.resolve()
    return Promise.reject(new Error('the disk is full'))
  }
  await withEngine({ log }, async (engine, home) => {
    const session = newId()
    accepted(await create(engine, home, session, agentSpec(home, [process.execPath, talker]), 'sleep 600\ntool look\nsay the end'))
    await until(engine, session, (view) => view.status === 'working')
    full = true
    await refused.promise
    await expect(engine.submit({ session, commandId: newId(), command: { type: 'stop' } }, never)).rejects.toThrow('the disk is full')
    full = false
    expect((await until(engine, session, (view) => view.status === 'completed')).activity).toBe('the end')
  })
})

test('a session whose log makes no sense does not keep the others from being looked after', async () => {
  const log = memoryLog()
  await log.append({ session: 'damaged0', expectedSeq: 0, events: [{ atMs: 1, by: 'user', event: { type: 'archived' } }] })
  await withEngine({ log }, async (engine, home) => {
    const session = newId()
    accepted(await create(engine, home, session, agentSpec(home, [process.execPath, talker]), 'say fine'))
    await until(engine, session, (view) => view.status === 'completed')
    expect((await engine.list({ all: true }, never)).map((view) => view.id)).toEqual([session])
  })
})

// What the screens cost: how soon they are there, how soon a key is painted, and what they need while two hundred rows change and while nothing does.

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Event } from '../src/core/events.ts'
import type { Command } from '../src/core/inputs.ts'
import { openSqliteLog } from '../src/store/sqlite-log.ts'
import { type Figure, figure } from './figure.ts'
import type { Bench } from './group.ts'
import { BenchHome, never, newId } from './home.ts'
import { cpuPercent, pssMb } from './processes.ts'
import { emptyNode, percentile, programMs, sideBySide } from './samples.ts'
import { Screen } from './screen.ts'

const idleSessions = 100
const busySessions = 200
const busyMs = 10_000
const presses = 100
const changes = 60
const events = 10_000
const lastWords = 'the-last-of-them'
/** A new title every ten seconds, from a moment of its own on: two hundred make twenty changes a second. bash waits without a process of its own. */
const talking = 'read -rt $((RANDOM % 10)).$((RANDOM % 10)); i=0; while :; do i=$((i+1)); printf "\\033]2;step %s of many, and what it does in it\\007" $i; read -rt 10; done'
const cursor = Buffer.from('▸').toString('latin1')

export async function screens(bench: Bench): Promise<readonly Figure[]> {
  const { lifetime, packageFolder } = bench
  const p95 = (samples: readonly number[]): number => percentile(samples, 0.95)

  const home = lifetime.use(new BenchHome(packageFolder))
  const client = await home.client()
  await Promise.all(Array.from({ length: idleSessions }, () => home.startTerminal(client, ['cat'])))
  const firstFrame = await sideBySide(
    { rounds: 9, warmUps: 2 },
    {
      floor: () => programMs(emptyNode(home.env)),
      offstage: async () => {
        const startedMs = performance.now()
        await using screen = await Screen.open(home.program(), packageFolder)
        return (await screen.watched.until(cursor)) - startedMs
      },
    },
  )
  const idle = lifetime.use(await Screen.open(home.program(), packageFolder))
  await idle.watched.until(cursor)
  await delay(2000)
  const quiet = await cpuPercent({ client: [idle.pid], daemon: [(await client.daemonStatus(never)).pid] }, busyMs)

  const busyHome = lifetime.use(new BenchHome(packageFolder))
  const busyClient = await busyHome.client()
  for (let number = 0; number < busySessions; number++) await busyHome.startTerminal(busyClient, ['bash', '-c', talking])
  const view = lifetime.use(await Screen.open(busyHome.program(), packageFolder))
  view.resize(200, 60)
  await view.watched.until(cursor)
  await delay(12_000)
  const busy = await cpuPercent({ client: [view.pid], daemon: [(await busyClient.daemonStatus(never)).pid] }, busyMs)
  const painted: number[] = []
  for (let press = 0; press < presses; press++) {
    // Not in step with whatever else happens.
    await delay(30 + Math.random() * 60)
    painted.push(await view.watched.after(cursor, () => view.type(press % 2 === 0 ? 'j' : 'k')))
  }

  const [pinned] = await busyClient.list({ all: false }, never)
  const change = (command: Command): Promise<unknown> => busyClient.submit({ session: pinned?.id ?? '', commandId: newId(), command }, never)
  await change({ type: 'pin', pinned: true })
  const told: number[] = []
  for (let number = 0; number < changes; number++) {
    await delay(30 + Math.random() * 60)
    const name = `name-${number}-of-it`
    told.push(await view.watched.after(name, () => void change({ type: 'label', label: name })))
  }

  const longHome = lifetime.use(new BenchHome(packageFolder))
  const session = await longSession(longHome)
  const long = await sideBySide(
    { rounds: 7, warmUps: 2 },
    {
      floor: () => programMs(emptyNode(longHome.env)),
      offstage: async () => {
        const startedMs = performance.now()
        await using screen = await Screen.open(longHome.program('switch', session), packageFolder)
        return (await screen.watched.until(lastWords)) - startedMs
      },
    },
  )
  const reading = lifetime.use(await Screen.open(longHome.program('switch', session), packageFolder))
  await reading.watched.until(lastWords)
  await delay(1000)

  return [
    figure('screens: Agent View, first frame with 100 sessions', 'ms', firstFrame, { goal: 150 }),
    figure('screens: a conversation of 10,000 events, opened', 'ms', long, { goal: 300 }),
    figure('screens: memory of the client then', 'MB', { offstage: [pssMb([reading.pid])] }, { goal: 120 }),
    figure('screens: 200 rows, 20 changes a second, client', '% CPU', { offstage: [busy.client] }, { goal: 10 }),
    figure('screens: 200 rows, 20 changes a second, daemon', '% CPU', { offstage: [busy.daemon] }, { goal: 5 }),
    figure('screens: key to paint then, p50', 'ms', { offstage: painted }),
    figure('screens: key to paint then, p95', 'ms', { offstage: painted }, { goal: 16 }, p95),
    figure('screens: a command of another client to paint then, p50', 'ms', { offstage: told }, { goal: 50 }),
    figure('screens: a command of another client to paint then, p95', 'ms', { offstage: told }, { goal: 50 }, p95),
    figure('screens: 100 idle sessions, client', '% CPU', { offstage: [quiet.client] }, { goal: 0.05 }),
    figure('screens: 100 idle sessions, daemon', '% CPU', { offstage: [quiet.daemon] }, { goal: 0.05 }),
  ]
}

/** One that is over, with so many facts behind it. Its id. */
async function longSession(home: BenchHome): Promise<string> {
  // Makes the folder as it has to be.
  await home.client().then((client) => client.stopDaemon(never))
  const log = openSqliteLog(join(home.folder, 'home', 'offstage.db'))
  const session = newId()
  const spec = { kind: 'agent', driver: 'acp', agent: 'bench', argv: ['true'], cwd: home.project } as const
  const entries = Array.from({ length: events }, (_, number): Event => {
    const entryId = `1.${number + 1}`
    if (number === events - 1) return { type: 'entry-written', run: 1, entryId, entry: { kind: 'message', text: lastWords } }
    if (number % 5 === 0)
      return { type: 'entry-written', run: 1, entryId, entry: { kind: 'message', text: `Step ${number}: I will **read** the file \`src/a.ts\` and see.\n\n- one\n- two` } }
    return {
      type: 'entry-written',
      run: 1,
      entryId,
      entry: { kind: 'tool', title: `src/file-${number}.ts`, toolKind: 'read', status: 'completed', output: 'so it is\n'.repeat(5) },
    }
  })
  const facts: readonly Event[] = [
    { type: 'created', spec, title: 'a long one' },
    { type: 'prompt-queued', promptId: 'promptid', text: 'do it' },
    { type: 'run-starting', run: 1, because: 'created', environmentNames: [] },
    { type: 'run-started', run: 1, keeper: { pid: 1, start: 1 }, child: { pid: 1, start: 1 } },
    { type: 'agent-ready', run: 1, agentRef: 'ref', how: 'new', canResume: false, offer: {} },
    { type: 'turn-started', run: 1, turn: 1, promptId: 'promptid' },
    ...entries,
    { type: 'turn-ended', run: 1, turn: 1, stopReason: 'end_turn' },
    { type: 'run-exited', run: 1, exit: { code: 0 }, outEnd: 0, errEnd: 0 },
  ]
  const atMs = Date.now()
  await log.append({ session, expectedSeq: 0, events: facts.map((event) => ({ atMs, by: 'agent', event })) })
  log.close()
  await home.client()
  return session
}

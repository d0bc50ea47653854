// How long a person waits for the prompt to come back: whole processes, from before they are made to after they are gone.

import type { Client } from '../src/sdk/index.ts'
import { type Figure, figure } from './figure.ts'
import type { Bench } from './group.ts'
import { BenchHome } from './home.ts'
import { emptyNode, millisecondsOf, programMs, sideBySide } from './samples.ts'
import { Tmux } from './tmux.ts'

export async function start(bench: Bench): Promise<readonly Figure[]> {
  const home = bench.lifetime.use(new BenchHome(bench.packageFolder))
  const tmux = bench.machine.tmux === null ? undefined : bench.lifetime.use(new Tmux())
  const floor = (): number => programMs(emptyNode(home.env))

  const cold = await sideBySide({ rounds: 7 }, { floor, offstage: () => coldStartMs(home), tmux: tmux && (() => coldTmuxMs()) })
  const client = await home.client()
  const commands = await sideBySide(
    { rounds: 15, warmUps: 2 },
    { floor, version: () => home.runMs('--version'), bg: () => home.runMs('bg', '--', 'true'), newSession: tmux && (() => tmux.runMs('new-session', '-d', 'true')) },
  )

  // The sessions that `bg` made are over; they stay in lists, so these figures get a home of their own.
  const many = bench.lifetime.use(new BenchHome(bench.packageFolder))
  const manyClient = await many.client()
  await startSessions(many, manyClient, tmux, 5)
  const five = await sideBySide({ rounds: 15, warmUps: 2 }, { floor, offstage: () => many.runMs('sessions', '--json'), tmux: tmux && (() => tmux.runMs('list-sessions')) })
  await startSessions(many, manyClient, tmux, 95)
  const hundred = await sideBySide({ rounds: 15, warmUps: 2 }, { floor, offstage: () => many.runMs('sessions', '--json'), tmux: tmux && (() => tmux.runMs('list-sessions')) })
  const adopted = await sideBySide({ rounds: 5 }, { floor, offstage: () => adoptionMs(many, 100) })
  client.close()

  return [
    figure('start: --version', 'ms', { offstage: commands.version, floor: commands.floor }),
    figure('start: bg -- true (tmux new-session -d true)', 'ms', { offstage: commands.bg, floor: commands.floor, tmux: commands.newSession }, { goal: 70 }),
    figure('start: sessions --json, 5 sessions (tmux list-sessions)', 'ms', five, { goal: 60 }),
    figure('start: sessions --json, 100 sessions (tmux list-sessions)', 'ms', hundred, { goal: 90 }),
    figure('start: no daemon to first answer (tmux: no server to first answer)', 'ms', cold, { goal: 250 }),
    figure('start: killed daemon to first true list of 100 live runs', 'ms', adopted, { goal: 1000 }),
  ]
}

async function startSessions(home: BenchHome, client: Client, tmux: Tmux | undefined, count: number): Promise<void> {
  for (let number = 0; number < count; number++) tmux?.run('new-session', '-d', 'cat')
  await Promise.all(Array.from({ length: count }, () => home.startTerminal(client, ['cat'])))
}

function coldStartMs(home: BenchHome): Promise<number> {
  home.run('daemon', 'stop')
  return millisecondsOf(() => home.run('daemon', 'start'))
}

async function coldTmuxMs(): Promise<number> {
  let server: Tmux | undefined
  try {
    return await millisecondsOf(() => (server = new Tmux()))
  } finally {
    await server?.[Symbol.asyncDispose]()
  }
}

/** Until `sessions --json` says of every run that it lives and where to attach to it. */
async function adoptionMs(home: BenchHome, runs: number): Promise<number> {
  await home.killDaemon()
  const startedMs = performance.now()
  for (;;) {
    const sessions = JSON.parse(home.run('sessions', '--json')) as readonly { readonly run: { readonly alive: boolean } | null; readonly attach: object | null }[]
    const doneMs = performance.now() - startedMs
    if (sessions.filter((session) => session.run?.alive && session.attach).length === runs) return doneMs
    if (doneMs > 20_000) throw new Error('the new daemon did not find the runs')
  }
}

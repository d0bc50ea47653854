// What a hundred sessions cost while nothing happens, and while each prints ten lines a second.

import { setTimeout as delay } from 'node:timers/promises'
import { type Figure, figure } from './figure.ts'
import type { Bench } from './group.ts'
import { BenchHome, never } from './home.ts'
import { cpuPercent, privateMb, pssMb } from './processes.ts'
import { Tmux } from './tmux.ts'

const count = 100
const idleMs = 10_000
const busyMs = 5000
/** bash waits without a process of its own: the sessions are to be measured, not what they start. */
const talking = 'while :; do echo "a line of output, ten times a second"; read -rt 0.1; done'

export async function idle(bench: Bench): Promise<readonly Figure[]> {
  const { lifetime } = bench
  const home = lifetime.use(new BenchHome(bench.packageFolder))
  const tmux = bench.machine.tmux === null ? undefined : lifetime.use(new Tmux())
  const client = await home.client()
  await Promise.all(Array.from({ length: count }, () => home.startTerminal(client, ['cat'])))
  for (let number = 0; number < count; number++) tmux?.run('new-session', '-d', 'cat')

  const { pid } = await client.daemonStatus(never)
  const keepers = await home.keeperPids(client)
  const servers = tmux ? [tmux.pid] : []
  // The daemon that started them, then one that found them: that is what people have after an update.
  const startedThem = [pssMb([pid])]
  await home.killDaemon()
  home.run('sessions', '--json')
  const fresh = (await client.daemonStatus(never)).pid
  await delay(2000)
  const memory = { daemon: [pssMb([fresh])], own: [privateMb([fresh])], keepers: [pssMb(keepers)], tmux: tmux && [pssMb(servers)], tmuxOwn: tmux && [privateMb(servers)] }
  const quiet = await cpuPercent({ daemon: [fresh], keepers, tmux: servers }, idleMs)

  const busyHome = lifetime.use(new BenchHome(bench.packageFolder))
  const busyClient = await busyHome.client()
  const busyTmux = tmux && lifetime.use(new Tmux())
  await Promise.all(Array.from({ length: count }, () => busyHome.startTerminal(busyClient, ['bash', '-c', talking])))
  const busyDaemon = (await busyClient.daemonStatus(never)).pid
  const busyKeepers = await busyHome.keeperPids(busyClient)
  await delay(1000)
  const ours = await cpuPercent({ daemon: [busyDaemon], keepers: busyKeepers }, busyMs)
  await busyHome.killPrograms(busyClient)
  for (let number = 0; number < count; number++) busyTmux?.run('new-session', '-d', `exec bash -c '${talking}'`)
  await delay(1000)
  const theirs = busyTmux && (await cpuPercent({ tmux: [busyTmux.pid] }, busyMs)).tmux

  return [
    figure('memory: keepers of 100 idle sessions', 'MB', { offstage: memory.keepers }, { goal: 10 }),
    figure('memory: daemon with 100 idle sessions (tmux: server)', 'MB', { offstage: memory.daemon, tmux: memory.tmux }, { goal: 90 }),
    figure('memory: of it shared with no other process', 'MB', { offstage: memory.own, tmux: memory.tmuxOwn }),
    figure('memory: daemon that has started 100 sessions', 'MB', { offstage: startedThem }, { goal: 90 }),
    figure('idle: 100 sessions, daemon', '% CPU', { offstage: [quiet.daemon], ...(tmux ? { tmux: [quiet.tmux] } : {}) }, { goal: 0.05 }),
    figure('idle: 100 sessions, keepers', '% CPU', { offstage: [quiet.keepers] }, { goal: 0.05 }),
    figure(
      'busy: 100 sessions x 10 lines/s, daemon and keepers',
      '% CPU',
      { offstage: [ours.daemon + ours.keepers], ...(theirs === undefined ? {} : { tmux: [theirs] }) },
      { goal: 25 },
    ),
    figure('busy: of it the keepers', '% CPU', { offstage: [ours.keepers] }),
  ]
}

// How much a program's output is slowed down by who keeps it: 50 MB of lines, by the program's own clock, from its first byte to its last.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectKeeper } from '../src/keeper/connection.ts'
import type { Client } from '../src/sdk/index.ts'
import { type Figure, figure } from './figure.ts'
import type { Bench } from './group.ts'
import { BenchHome, never } from './home.ts'
import { sweep, until } from './processes.ts'
import { median, sideBySide } from './samples.ts'
import { Screen } from './screen.ts'
import { Tmux } from './tmux.ts'

const megabytes = 50

export async function throughput(bench: Bench): Promise<readonly Figure[]> {
  const { lifetime, machine, packageFolder } = bench
  const home = lifetime.use(new BenchHome(packageFolder))
  const client = await home.client()
  const tmux = machine.tmux === null ? undefined : lifetime.use(new Tmux())
  const stamps = new Stamps()
  lifetime.defer(() => stamps.close())
  const recorded: number[] = []

  const measured = await sideBySide(
    { rounds: 7 },
    {
      floor: async () => {
        await ended(spawn('script', ['-qfc', stamps.program(), '/dev/null'], { env: { ...home.env }, stdio: ['ignore', 'ignore', 'ignore'] }))
        return stamps.rate()
      },
      offstage: async () => {
        const startedMs = performance.now()
        const session = await home.startTerminal(client, ['sh', '-c', stamps.program()])
        await exited(client, session.id)
        recorded.push((megabytes * 1000) / (performance.now() - startedMs))
        return stamps.rate()
      },
      tmux:
        tmux &&
        (async () => {
          tmux.run('new-session', '-d', `${stamps.program()}; tmux -L bench wait-for -S printed`)
          await tmux.wait('printed')
          return stamps.rate()
        }),
      dtach: machine.dtach
        ? async () => {
            await ended(spawn('dtach', ['-n', stamps.path('socket'), '-z', 'sh', '-c', stamps.program()], { env: { ...home.env }, stdio: 'ignore' }))
            await until('the end of dtach', () => stamps.isOver())
            return stamps.rate()
          }
        : undefined,
      read: async () => {
        const session = await home.startTerminal(client, ['sh', '-c', stamps.program()])
        const lastByteMs = await readAll(client, session.id)
        return stamps.rate(lastByteMs)
      },
      tmuxRead:
        tmux &&
        (async () => {
          tmux.run('new-session', '-d', '-s', 'read', `sleep 0.3; ${stamps.program()}; tmux -L bench wait-for -S printed`)
          await using _ = await Screen.open(tmux.program('attach', '-t', 'read'), packageFolder)
          await tmux.wait('printed')
          return stamps.rate()
        }),
    },
  )
  const share = (of: number): { goal?: number } => (measured.floor ? { goal: of * median(measured.floor) } : {})
  const floor = 'bare PTY'
  return [
    figure('throughput: 50 MB, nobody attached', 'MB/s', measured, { floor, ...share(0.9) }),
    figure(
      'throughput: 50 MB, one reader, to its last byte (tmux: one client)',
      'MB/s',
      { offstage: measured.read, floor: measured.floor, tmux: measured.tmuxRead },
      { floor, ...share(0.7) },
    ),
    figure('throughput: 50 MB, from the start of a session to its recorded end', 'MB/s', { offstage: recorded.slice(1), floor: measured.floor }, { floor }),
  ]
}

/** The program that prints, and the two moments that it writes down. */
class Stamps {
  readonly #folder = realpathSync(mkdtempSync(join(tmpdir(), 'ob-stamps-')))
  #turn = 0

  path(name: string): string {
    return join(this.#folder, `${name}-${this.#turn}`)
  }

  /** For a shell. The last stamp comes after all was taken from the program. */
  program(): string {
    this.#turn += 1
    return `date +%s%N > ${this.path('first')}; yes 0123456789012345678901234567890123456789012345678901234567890123456789 | head -c ${megabytes}000000; date +%s%N > ${this.path('last')}.new; mv ${this.path('last')}.new ${this.path('last')}`
  }

  isOver(): boolean {
    try {
      return this.#read('last') > 0
    } catch {
      return false
    }
  }

  /** MB/s; `lastByteMs` since the epoch, where somebody else had it later. */
  rate(lastByteMs = 0): number {
    return (megabytes * 1000) / (Math.max(this.#read('last'), lastByteMs) - this.#read('first'))
  }

  async close(): Promise<void> {
    await sweep(this.#folder)
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #read(name: string): number {
    return Number(readFileSync(this.path(name), 'utf8')) / 1e6
  }
}

const ended = (child: ReturnType<typeof spawn>): Promise<void> =>
  new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => resolve())
  })

async function exited(client: Client, session: string): Promise<void> {
  for await (const frame of client.watch({ session, after: 0, follow: true }, AbortSignal.timeout(60_000)))
    if (frame.kind === 'fact' && frame.envelope.event.type === 'run-exited') return
  throw new Error(`the end of ${session} was not recorded`)
}

/** When the last byte was here, in milliseconds since the epoch. */
async function readAll(client: Client, session: string): Promise<number> {
  const attach = (await client.get(session, never))?.session.attach
  if (!attach) throw new Error('the program ended before anybody could read it')
  await using connection = await connectKeeper(attach.socket, { nonce: attach.nonce }, never)
  let lastMs = 0
  connection.read('out', 0, () => (lastMs = Date.now()))
  await connection.exited
  return lastMs
}

// What typing feels like: from a key to its echo. The program is `cat` on a terminal, so the kernel echoes the key at once and all that is measured lies between.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connectKeeper } from '../src/keeper/connection.ts'
import type { SessionView } from '../src/sdk/index.ts'
import { type Figure, figure } from './figure.ts'
import type { Bench } from './group.ts'
import { BenchHome, never } from './home.ts'
import { isAlive, sweep, until } from './processes.ts'
import { type Program, type Samples, median, percentile } from './samples.ts'
import { Screen, Watched } from './screen.ts'
import { Tmux } from './tmux.ts'

/** In none of tmux's words for programs, and each once a line: a line that is painted again is not taken for an echo. */
const keys = 'kzvxqj'
/** People do not type faster, and nothing is still under way from the key before. */
const pauseMs = 4
const banner = 'here-it-begins'
const echoing = ['sh', '-c', `echo ${banner}; exec cat`] as const
const flooding = ['sh', '-c', 'exec yes a neighbour that never stops'] as const

/** Somewhere to type. */
interface Typewriter {
  readonly watched: Watched
  type(text: string): void
}

type Typewriters = Readonly<Record<string, Typewriter | undefined>>

export async function echo(bench: Bench): Promise<readonly Figure[]> {
  const { lifetime, machine, packageFolder } = bench
  const home = lifetime.use(new BenchHome(packageFolder))
  const client = await home.client()
  const tmux = machine.tmux === null ? undefined : lifetime.use(new Tmux())
  const screen = async (program: Program): Promise<Screen> => lifetime.use(await Screen.open(program, packageFolder))

  const session = await home.startTerminal(client, echoing)
  tmux?.run('new-session', '-d', '-s', 'echoing', echoing.join(' ').replace(/-c (.*)/, "-c '$1'"))
  const direct = {
    keeper: await keeperTypewriter(session, lifetime),
    floor: pipeTypewriter('script', ['-qfc', echoing[2], '/dev/null'], home.env, lifetime),
    tmux: tmux && controlTypewriter(tmux, lifetime),
  }
  const shown = {
    bare: await screen({ command: echoing[0], args: echoing.slice(1), env: home.env }),
    offstage: await screen(home.program('switch', session.id)),
    tmux: tmux && (await screen(tmux.program('attach', '-t', 'echoing'))),
    dtach: machine.dtach ? await screen(dtach(home.env, lifetime)) : undefined,
  }
  for (const one of [...Object.values(direct), ...Object.values(shown)]) await one?.watched.until(banner)
  // `switch` changes the size twice; tmux asks its terminal what it can do.
  await delay(500)

  const quiet = await typeOn({ ...prefixed('direct', direct), ...prefixed('shown', shown) }, 25)
  const besideOurs = await beside(
    () => home.startTerminal(client, flooding),
    (flood) => home.end(client, flood.id),
    () => typeOn({ bare: shown.bare, offstage: shown.offstage, direct: direct.keeper }, 12),
  )
  const besideTmux =
    tmux &&
    (await beside(
      async () => tmux.run('new-session', '-d', '-s', 'flooding', flooding[2]),
      async () => void tmux.run('kill-session', '-t', 'flooding'),
      () => typeOn({ bare: shown.bare, tmux: shown.tmux, direct: direct.tmux }, 12),
    ))

  const net = (samples: Samples | undefined, bare: Samples | undefined): Samples | undefined => samples?.map((one) => one - median(bare ?? []))
  const p95 = (samples: Samples): number => percentile(samples, 0.95)
  const directly = { offstage: quiet['direct keeper'], floor: quiet['direct floor'], tmux: quiet['direct tmux'] }
  const attached = {
    offstage: net(quiet['shown offstage'], quiet['shown bare']),
    tmux: net(quiet['shown tmux'], quiet['shown bare']),
    dtach: net(quiet['shown dtach'], quiet['shown bare']),
  }
  const beneath = { offstage: net(besideOurs['offstage'], besideOurs['bare']), tmux: net(besideTmux?.['tmux'], besideTmux?.['bare']) }
  const goal = (others: { readonly tmux: Samples | undefined }, of: (samples: Samples) => number) => (others.tmux ? { goal: 2 * of(others.tmux) } : {})
  return [
    figure('echo: by a program, p50', 'ms', directly, { floor: 'script', ...goal(directly, median) }),
    figure('echo: by a program, p95', 'ms', directly, { floor: 'script' }, p95),
    figure('echo: by a program beside a flood, p50', 'ms', { offstage: besideOurs['direct'], tmux: besideTmux?.['direct'] }),
    figure('echo: attached, p50', 'ms', attached, goal(attached, median)),
    figure('echo: attached, p95', 'ms', attached, {}, p95),
    figure('echo: attached beside a flood, p50', 'ms', beneath, goal(beneath, median)),
    figure('echo: attached beside a flood, p95', 'ms', beneath, {}, p95),
  ]
}

const prefixed = (prefix: string, typewriters: Typewriters): Typewriters => Object.fromEntries(Object.entries(typewriters).map(([name, one]) => [`${prefix} ${name}`, one]))

/** Some lines on each in turn. Milliseconds of every key; the first line is not kept. */
async function typeOn(typewriters: Typewriters, lines: number): Promise<Record<string, Samples>> {
  const samples: Record<string, number[]> = {}
  for (let line = -1; line < lines; line++) {
    for (const [name, typewriter] of Object.entries(typewriters)) {
      if (typewriter === undefined) continue
      const kept = (samples[name] ??= [])
      try {
        const milliseconds = await typeLine(typewriter)
        if (line >= 0) kept.push(...milliseconds)
      } catch (cause) {
        throw new Error(`${name}, line ${line}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
      }
    }
  }
  return samples
}

async function typeLine(typewriter: Typewriter): Promise<Samples> {
  const milliseconds: number[] = []
  for (const key of keys) {
    await delay(pauseMs)
    milliseconds.push(await typewriter.watched.after(key, () => typewriter.type(key)))
  }
  // cat says the whole line again.
  await typewriter.watched.after(keys, () => typewriter.type('\r'))
  return milliseconds
}

async function beside<Flood>(begin: () => Promise<Flood>, end: (flood: Flood) => Promise<void>, measure: () => Promise<Record<string, Samples>>): Promise<Record<string, Samples>> {
  const flood = await begin()
  await delay(300)
  try {
    return await measure()
  } finally {
    await end(flood)
  }
}

/** The way that every attached client of ours takes: a connection to the session's keeper. */
async function keeperTypewriter(session: SessionView, lifetime: AsyncDisposableStack): Promise<Typewriter> {
  if (!session.attach) throw new Error('the session has no keeper')
  const connection = lifetime.use(await connectKeeper(session.attach.socket, { nonce: session.attach.nonce }, never))
  const watched = new Watched()
  connection.read('out', 0, ({ bytes }) => watched.push(bytes))
  return { watched, type: (text) => void connection.input({ lane: 0, id: 0, bytes: Buffer.from(text) }).catch(() => {}) }
}

function pipeTypewriter(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  lifetime: AsyncDisposableStack,
): Typewriter & { readonly child: ChildProcessWithoutNullStreams } {
  const child = spawn(command, args, { env: { ...env } })
  lifetime.defer(async () => {
    child.stdin.end()
    child.kill()
    await until(`the end of ${command}`, () => !isAlive(child.pid ?? 0))
  })
  const watched = new Watched()
  child.stdout.on('data', (bytes: Buffer) => watched.push(bytes))
  return { watched, child, type: (text) => void child.stdin.write(text) }
}

/** tmux's own way for programs: control mode, `send-keys` in and `%output` out. */
function controlTypewriter(tmux: Tmux, lifetime: AsyncDisposableStack): Typewriter {
  const { command, args, env } = tmux.program('-C', 'attach', '-t', 'echoing')
  const { watched, child } = pipeTypewriter(command, args, env, lifetime)
  child.stdin.write('refresh-client -C 80x24\ncapture-pane -p\n')
  return { watched, type: (text) => void child.stdin.write(text === '\r' ? 'send-keys Enter\n' : `send-keys -l ${text}\n`) }
}

function dtach(env: Readonly<Record<string, string>>, lifetime: AsyncDisposableStack): Program {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'ob-dtach-')))
  lifetime.defer(async () => {
    await sweep(folder, 0)
    rmSync(folder, { recursive: true, force: true })
  })
  return { command: 'dtach', args: ['-A', join(folder, 'socket'), '-z', '-r', 'none', ...echoing], env: { ...env, BENCH_DTACH: folder } }
}

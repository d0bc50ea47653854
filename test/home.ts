// A user of their own for one test: HOME and OFFSTAGE_HOME in a temporary folder, a daemon that the test may kill, and the proof at the end that nothing is left running.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Api } from '../src/core/api.ts'
import { idFromBytes } from '../src/core/ids.ts'
import type { Envelope, Event } from '../src/core/events.ts'
import { type Refusal, isRefusal } from '../src/core/errors.ts'
import { type Client, connect } from '../src/sdk/index.ts'
import { entry } from '../src/config/package-root.ts'
import { compiled } from './compiled.ts'

export const newId = (): string => idFromBytes(randomBytes(8))
export const never = new AbortController().signal

/** Makes a home whose daemons have it too: each looks for it in its home, and one that is killed leaves none there. */
function shareCompiled(home: string): void {
  mkdirSync(join(home, 'cache'), { recursive: true, mode: 0o700 })
  symlinkSync(compiled, join(home, 'cache', 'compiled'))
}

export class TestHome {
  readonly folder: string
  readonly project: string
  readonly env: Readonly<Record<string, string>>
  readonly #clients = new Set<Client>()
  readonly #daemons = new Set<ChildProcess>()

  /** `more`: variables on top of, or in the place of, its own. `bare`: nothing is at its OFFSTAGE_HOME yet, as for a new user. */
  constructor(more: Readonly<Record<string, string>> = {}, { bare = 'OFFSTAGE_HOME' in more } = {}) {
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'os-')))
    this.project = join(this.folder, 'project')
    mkdirSync(this.project)
    mkdirSync(join(this.folder, 'user'))
    this.env = {
      HOME: join(this.folder, 'user'),
      OFFSTAGE_HOME: join(this.folder, 'home'),
      PATH: process.env.PATH ?? '',
      TERM: 'xterm-256color',
      LANG: 'C.UTF-8',
      NODE_COMPILE_CACHE: compiled,
      ...more,
    }
    if (!bare) shareCompiled(join(this.folder, 'home'))
  }

  /** A daemon of the test's own, with more in its environment, started by another program if need be. Resolves to what it says, or to '' when it dies first. */
  startDaemon(more: Readonly<Record<string, string>> = {}, by: readonly string[] = [], main = entry('daemon')): Promise<string> {
    const [program = '', ...args] = [...by, process.execPath, main]
    const daemon = spawn(program, args, { env: { ...this.env, ...more }, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
    this.#daemons.add(daemon)
    return new Promise((resolve) => {
      let said = ''
      daemon.stdout?.setEncoding('utf8').on('data', (text: string) => {
        said += text
        if (said.includes('\n')) resolve(said.trim())
      })
      daemon.once('exit', () => resolve(said.trim()))
    })
  }

  async client(start = true): Promise<Client> {
    const client = await connect({ env: this.env, start }, never)
    this.#clients.add(client)
    return client
  }

  /** SIGKILLs the daemon that runs now and resolves when it is gone. */
  async killDaemon(): Promise<void> {
    const client = await connect({ env: this.env, start: false }, never)
    const { pid } = await client.daemonStatus(never)
    process.kill(pid, 'SIGKILL')
    await gone(client)
    client.close()
  }

  /** Ends every session and the daemon; throws if a process of this home is left. */
  async close(): Promise<void> {
    const client = await connect({ env: this.env }, never)
    const sessions = await client.list({ all: true }, never)
    // Each with a connection of its own; there may be thousands that have ended long ago.
    await Promise.all(sessions.filter(({ archived, run }) => !archived || run?.alive).map((session) => endSession(client, session.id)))
    await client.stopDaemon(never)
    client.close()
    for (const one of this.#clients) one.close()
    for (const daemon of this.#daemons) if (daemon.exitCode === null && daemon.signalCode === null) daemon.kill('SIGKILL')
    const left = await settle(
      () => this.processes(),
      (pids) => pids.length === 0,
    )
    for (const { pid } of left) process.kill(pid, 'SIGKILL')
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
    if (left.length > 0) throw new Error(`left running: ${left.map((one) => `${one.pid} ${one.command}`).join('; ')}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Every live process of this user: daemons, keepers, programs, clients. */
  processes(): { pid: number; command: string }[] {
    return processesOf([this.folder, this.env['OFFSTAGE_HOME'] ?? this.folder])
  }
}

/** Resolves when the client's connection has noticed that its daemon is gone. */
const gone = async (client: Client): Promise<void> => {
  await client.stopDaemon(never).catch(() => {})
}

async function endSession(client: Client, session: string): Promise<void> {
  await client.submit({ session, commandId: newId(), command: { type: 'end' } }, never)
  await until(client, session, (view) => !view.run?.alive && view.reason !== 'being stopped')
}

/** Looks again, in short steps, at something that nobody announces (the process table, another program's screen). Gives what it saw last. */
export async function settle<T>(look: () => T, fine: (value: T) => boolean, longestMs = 5000): Promise<T> {
  const deadline = Date.now() + longestMs
  for (;;) {
    const value = look()
    if (fine(value) || Date.now() > deadline) return value
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Live processes whose environment or arguments name one of these folders. */
function processesOf(folders: readonly string[]): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8')
        const named = (text: string): boolean => folders.some((folder) => text.includes(folder))
        return command !== '' && (named(command) || named(readFileSync(`/proc/${name}/environ`, 'utf8'))) ? [{ pid: Number(name), command: command.replaceAll('\u0000', ' ') }] : []
      } catch {
        return []
      }
    })
}

type View = NonNullable<Awaited<ReturnType<Api['get']>>>['session']

/** The session as soon as it is like that. Rejects after 20 s with what it was last. */
export async function until(api: Api, session: string, like: (view: View) => boolean): Promise<View> {
  const end = AbortSignal.timeout(20_000)
  let last: View | undefined
  for await (const frame of api.watch({ session, after: 0, follow: true }, end)) {
    if (frame.kind === 'draft') continue
    last = (await api.get(session, never))?.session
    if (last && like(last)) return last
  }
  throw new Error(`session ${session} did not come to it: ${JSON.stringify(last)}`)
}

/** The first fact like that. Rejects after 20 s. */
export async function fact(api: Api, session: string, like: (event: Event) => boolean): Promise<Envelope> {
  const seen: string[] = []
  for await (const frame of api.watch({ session, after: 0, follow: true }, AbortSignal.timeout(20_000))) {
    if (frame.kind !== 'fact') continue
    seen.push(frame.envelope.event.type)
    if (like(frame.envelope.event)) return frame.envelope
  }
  throw new Error(`session ${session} has no such fact: ${seen.join(' ')}`)
}

export async function facts(api: Api, session: string): Promise<readonly Envelope[]> {
  const all: Envelope[] = []
  for await (const frame of api.watch({ session, after: 0, follow: false }, never)) if (frame.kind === 'fact') all.push(frame.envelope)
  return all
}

export function accepted<T extends object>(result: T | Refusal): T {
  if (isRefusal(result)) throw new Error(`${result.refused}: ${result.message}`)
  return result
}

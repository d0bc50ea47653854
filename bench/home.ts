// A user of their own for some figures: HOME and OFFSTAGE_HOME in a temporary folder, the packed offstage, its daemon and sessions. Ends all of it.

import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isRefusal } from '../src/core/errors.ts'
import type { LaunchSpec } from '../src/core/events.ts'
import { idFromBytes } from '../src/core/ids.ts'
import { readIdentity } from '../src/keeper/run-folder.ts'
import { type Client, type SessionView, connect } from '../src/sdk/index.ts'
import { isAlive, sweep, until } from './processes.ts'
import { type Program, output, programMs } from './samples.ts'

export const newId = (): string => idFromBytes(randomBytes(8))
export const never = new AbortController().signal

export class BenchHome implements AsyncDisposable {
  readonly folder: string
  readonly project: string
  readonly env: Readonly<Record<string, string>>
  readonly #package: string
  readonly #clients = new Set<Client>()

  constructor(packageFolder: string) {
    this.#package = packageFolder
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'ob-')))
    this.project = join(this.folder, 'project')
    mkdirSync(this.project)
    mkdirSync(join(this.folder, 'user'))
    this.env = { HOME: join(this.folder, 'user'), OFFSTAGE_HOME: join(this.folder, 'home'), PATH: process.env['PATH'] ?? '', TERM: 'xterm-256color', LANG: 'C.UTF-8' }
  }

  /** Node runs the launcher directly: a shell's way over `#!/usr/bin/env node` is not ours to measure. */
  program(...args: readonly string[]): Program {
    return { command: process.execPath, args: [join(this.#package, 'bin', 'offstage.cjs'), ...args], env: this.env }
  }

  run(...args: readonly string[]): string {
    return output(this.program(...args))
  }

  runMs(...args: readonly string[]): number {
    return programMs(this.program(...args))
  }

  /** To the daemon of the packed offstage; starts it first if need be. */
  async client(): Promise<Client> {
    this.run('daemon', 'start')
    const client = await connect({ env: this.env, start: false }, never)
    this.#clients.add(client)
    return client
  }

  /** Any program on a terminal of its own; resolves when it runs. */
  startTerminal(client: Client, argv: readonly string[]): Promise<SessionView> {
    return this.#start(client, { kind: 'terminal', driver: 'terminal', agent: 'bench', argv, cwd: this.project, size: { columns: 80, rows: 24 } })
  }

  startAgent(client: Client, argv: readonly string[]): Promise<SessionView> {
    return this.#start(client, { kind: 'agent', driver: 'acp', agent: 'bench', argv, cwd: this.project })
  }

  async #start(client: Client, spec: LaunchSpec): Promise<SessionView> {
    const session = newId()
    const reply = await client.submit({ session, commandId: newId(), command: { type: 'create', spec, title: spec.argv.join(' ').slice(0, 60) }, environment: this.env }, never)
    if (isRefusal(reply)) throw new Error(reply.message)
    for await (const frame of client.watch({ session, after: 0, follow: true }, AbortSignal.timeout(20_000))) {
      if (frame.kind !== 'fact') continue
      if (frame.envelope.event.type === 'run-not-started') throw new Error(frame.envelope.event.why)
      if (frame.envelope.event.type === 'run-started') break
    }
    const view = (await client.get(session, never))?.session
    if (!view) throw new Error(`session ${session} is gone`)
    return view
  }

  /** Ends the session's program and waits until it is recorded. */
  async end(client: Client, session: string): Promise<void> {
    await client.submit({ session, commandId: newId(), command: { type: 'end' } }, never)
    await until(`the end of ${session}`, async () => (await client.get(session, never))?.session.run?.alive !== true)
  }

  /** SIGKILLs the programs of all sessions, each with its group, and waits until the ends are recorded: `end` looks thoroughly for what each has left, which takes its time for a hundred at once. */
  async killPrograms(client: Client): Promise<void> {
    for (const { run } of await client.list({ all: true }, never)) if (run?.alive && run.pid !== null && isAlive(run.pid)) process.kill(-run.pid, 'SIGKILL')
    await until('the ends to be recorded', async () => (await client.daemonStatus(never)).runs === 0)
  }

  async keeperPids(client: Client): Promise<readonly number[]> {
    const live = (await client.list({ all: true }, never)).filter((session) => session.run?.alive)
    const identities = await Promise.all(live.map(({ id, run }) => readIdentity(join(this.folder, 'home', 'runs', id, String(run?.number)))))
    return identities.map((identity) => identity?.keeper.pid ?? 0)
  }

  /** SIGKILL, as a crash would. */
  async killDaemon(): Promise<void> {
    const client = await connect({ env: this.env, start: false }, never)
    const { pid } = await client.daemonStatus(never)
    client.close()
    process.kill(pid, 'SIGKILL')
    await until('the death of the daemon', () => !isAlive(pid))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      const client = await this.client()
      await this.killPrograms(client)
      await client.stopDaemon(never)
    } finally {
      for (const client of this.#clients) client.close()
      const killed = await sweep(this.folder)
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
      if (killed > 0) console.error(`${killed} processes of ${this.folder} were still there and had to be killed`)
    }
  }
}

// An MCP server as a program of ours, spoken to in lines over its pipes. Unlike the SDK's own, it has a process group, which ends as a whole, and gets only the environment that it is given.

import { type ChildProcess, spawn } from 'node:child_process'
import { type JSONRPCMessage, ReadBuffer, type Transport, serializeMessage } from '@modelcontextprotocol/client'
import { signalGroup } from '../signal-group.ts'

export interface StdioServer {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

/** Of what a server says on standard error only the end is kept. */
const keptSaid = 4096
const longestMessage = 10 * 1024 * 1024
/** After its input ended, and again after TERM. */
const patienceMs = 500

export class StdioTransport implements Transport {
  onclose?: () => void
  onerror?: (error: Error) => void
  onmessage?: (message: JSONRPCMessage) => void
  readonly #server: StdioServer
  readonly #buffer = new ReadBuffer({ maxBufferSize: longestMessage })
  readonly #gone = Promise.withResolvers<void>()
  #child: ChildProcess | undefined
  #closing: Promise<void> | undefined
  #said = ''

  constructor(server: StdioServer) {
    this.#server = server
  }

  /** How it ended; undefined while it runs, and if it never did. */
  get ending(): string | undefined {
    const child = this.#child
    if (!child?.pid || (child.exitCode === null && child.signalCode === null)) return undefined
    return `it ended with ${child.signalCode ?? `code ${child.exitCode}`}`
  }

  /** The last line of its standard error. */
  get lastWords(): string {
    return this.#said.trimEnd().split('\n').at(-1) ?? ''
  }

  async start(): Promise<void> {
    const { command, args, cwd, env } = this.#server
    const child = spawn(command, [...args], { cwd, env: { ...env }, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    this.#child = child
    child.stdin.on('error', (error) => this.onerror?.(error))
    child.stdout.on('error', (error) => this.onerror?.(error))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#said = (this.#said + text).slice(-keptSaid)))
    child.stdout.on('data', (bytes: Buffer) => this.#receive(bytes))
    // Not 'close': a helper that holds the pipes must not make a dead server look alive. What is in them is still read.
    child.once('exit', () => setImmediate(() => this.#ended()))
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', (error) => {
        reject(error)
        this.#ended()
      })
    })
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const input = this.#child?.stdin
    const refused = input?.writable
      ? await new Promise<Error | null | undefined>((resolve) => input.write(serializeMessage(message), resolve))
      : new Error('it does not listen any more')
    if (!refused) return
    // How it ended says more, and comes a moment after its pipes broke.
    await this.#goneWithin(patienceMs)
    throw this.ending === undefined ? refused : new Error(this.ending)
  }

  /** Its input ends; what of its group is left is told to end (TERM), then killed. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const child = this.#child
    if (!child?.pid) return
    child.stdin?.destroy()
    if (!(await this.#goneWithin(patienceMs))) {
      signalGroup(child.pid, 'SIGTERM')
      await this.#goneWithin(patienceMs)
    }
    // Also what the server itself left behind: the number stays taken while its group has a member.
    signalGroup(child.pid, 'SIGKILL')
    await this.#gone.promise
    for (const stream of [child.stdout, child.stderr]) stream?.destroy()
  }

  #receive(bytes: Buffer): void {
    try {
      this.#buffer.append(bytes)
    } catch (error) {
      this.onerror?.(asError(error))
      void this.close()
      return
    }
    for (;;) {
      try {
        const message = this.#buffer.readMessage()
        if (message === null) return
        this.onmessage?.(message)
      } catch (error) {
        // A line that is no message: some servers print to the wrong place.
        this.onerror?.(asError(error))
      }
    }
  }

  #ended(): void {
    this.#gone.resolve()
    this.#buffer.clear()
    this.onclose?.()
  }

  async #goneWithin(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ms)))
    const gone = await Promise.race([this.#gone.promise.then(() => true), late])
    clearTimeout(timer)
    return gone
  }
}

const asError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)))

const passedOn = /^(?:HOME|PATH|USER|LOGNAME|SHELL|TERM|LANG|LC_[A-Z]+|TZ|TMPDIR|XDG_(?:CONFIG|CACHE|DATA|STATE)_HOME|SystemRoot)$/

/** What every program needs, and what this one was given; no keys but those. */
export function serverEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  given: readonly { readonly name: string; readonly value: string }[],
): Readonly<Record<string, string>> {
  const common = Object.entries(env).flatMap(([name, value]) => (value !== undefined && passedOn.test(name) ? [[name, value] as const] : []))
  return Object.fromEntries([...common, ...given.map(({ name, value }) => [name, value] as const)])
}

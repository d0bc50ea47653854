// Starts the program of an agent for a moment, to ask it about itself: through pipes, with a deadline, and ended with everything that it has started. Only for people who ask;
// agents that work are the keeper's.

import { randomUUID } from 'node:crypto'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { tmpdir } from 'node:os'
import { endProgram, startedProgram, tagged } from '../sdk/end-program.ts'

type Variables = Readonly<Record<string, string | undefined>>

const versionWithinMs = 10_000
const mostBytes = 64 * 1024

export interface AskedAgent {
  readonly input: Writable
  /** What it says, in pieces. */
  readonly output: Readable
  /** The end of what it said on stderr so far. */
  readonly errors: () => string
  /** Resolves when it has ended, to how. */
  readonly over: Promise<string>
}

export interface AgentProgram {
  readonly argv: readonly string[]
  readonly cwd: string
  readonly env: Variables
}

/** Gone, with everything that it has started, when `use` is through. Throws what `use` throws, and an Error that says why when it cannot be started. */
export async function withAgent<T>({ argv: [program = '', ...args], cwd, env }: AgentProgram, use: (agent: AskedAgent) => Promise<T>): Promise<T> {
  const tag = `asked.${randomUUID()}`
  const child = spawn(program, args, { cwd, env: { ...env, ...tagged(tag) }, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  const over = endOf(child, program)
  child.stdin.on('error', () => {}) // it may be gone: `over` tells
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-mostBytes)))
  child.stdout.setEncoding('utf8')
  const started = child.pid === undefined ? undefined : await startedProgram(child.pid, tag)
  try {
    if (!started) throw new Error(await over)
    return await use({ input: child.stdin, output: child.stdout, errors: () => errors, over })
  } finally {
    if (started) await endProgram(started)
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy()
  }
}

function endOf(child: ChildProcessByStdio<Writable, Readable, Readable>, program: string): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (cause: NodeJS.ErrnoException) => resolve(cause.code === 'ENOENT' ? `there is no program ${program}` : `${program} cannot be started: ${cause.message}`))
    child.once('exit', (code, signal) => resolve(signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`))
  })
}

/** Resolves when it is, also when it was before anybody asked. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))

/** What `PROGRAM --version` prints; undefined when it says nothing in time. */
export async function askVersion(program: string, env: Variables, signal: AbortSignal): Promise<string | undefined> {
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(versionWithinMs)])
  const ask = async ({ input, output, errors, over }: AskedAgent): Promise<string> => {
    input.end()
    let said = ''
    output.on('data', (text: string) => (said = (said + text).slice(0, mostBytes)))
    await Promise.race([over, aborted(inTime)])
    // What it said last may still be in the pipe.
    await new Promise((resolve) => setImmediate(resolve))
    return said.trim() === '' ? errors() : said
  }
  return withAgent({ argv: [program, '--version'], cwd: tmpdir(), env }, ask).catch(() => undefined)
}

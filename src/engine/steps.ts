// Commands that Offstage runs itself, each by a keeper of its own under the key `SESSION.steps`: they survive the daemon, and are ended with proof. Knows nothing of what they are for.

import { plainText } from '../core/terminal-text.ts'
import type { Found, Keepers, RunLine } from './keepers.ts'

export interface StepDeps {
  readonly keepers: Keepers
  readonly nowMs: () => number
  readonly delay: (ms: number) => Promise<void>
}

export interface Step {
  readonly session: string
  /** Counted from 1 within the session. Its fact is durable. */
  readonly step: number
  readonly command: string
  readonly directory: string
  /** From there to where it is run. */
  readonly below?: string | undefined
  readonly environment: Readonly<Record<string, string>>
  /** That of its session. */
  readonly umask?: number | undefined
}

export interface StepEnd {
  readonly exitCode: number | null
  readonly signal?: string
  readonly ms: number
  /** The end of what it printed. */
  readonly output: string
}

/** Of its output so much is told with a result; the whole stays in its run folder. */
const toldBytes = 8192
const lookAgainMs = 500
/** How long a keeper may take to leave. */
const leaveMs = 2000

export const stepsOf = (session: string): string => `${session}.steps`

/** Both streams in one, in the order in which they were printed; it reads nothing. */
const argvOf = (command: string, below: string | undefined): readonly [string, ...string[]] =>
  below === undefined
    ? ['sh', '-c', 'exec sh -c "$1" </dev/null 2>&1', 'sh', command]
    : ['sh', '-c', 'exec </dev/null 2>&1; cd -- "./$2" || exit; exec sh -c "$1"', 'sh', command, below]

/** Resolves when the command has ended. When the signal aborts it is not ended: `sweepStep` does that. Throws StartFailed. */
export async function runStep(deps: StepDeps, { session, step, command, directory, below, environment, umask }: Step, signal: AbortSignal): Promise<StepEnd> {
  const beganAtMs = deps.nowMs()
  const spec = { kind: 'terminal', driver: 'command', agent: 'sh', argv: argvOf(command, below), cwd: directory, ...(umask === undefined ? {} : { umask }) } as const
  const line = await deps.keepers.start({ session: stepsOf(session), run: step, spec, title: command, label: null, mode: 'pipes', environment }, signal)
  return follow(deps, session, step, line, beganAtMs, signal)
}

/** Goes on with what a former daemon started. Undefined: it never ran, and never will. */
export async function adoptStep(deps: StepDeps, session: string, step: number, beganAtMs: number, signal: AbortSignal): Promise<StepEnd | undefined> {
  const found = await findStep(deps, session, step, signal)
  if (found.kind === 'never') return undefined
  return found.kind === 'live' ? follow(deps, session, step, found.line, beganAtMs, signal) : endOf(deps, session, step, found, beganAtMs)
}

/** Ends every process of it and proves that none is left. */
export async function sweepStep(deps: Pick<StepDeps, 'keepers'>, session: string, step: number, signal: AbortSignal): Promise<void> {
  await deps.keepers.sweep(stepsOf(session), step, signal)
  await deps.keepers.release(stepsOf(session), step, signal)
}

async function findStep(deps: StepDeps, session: string, step: number, signal: AbortSignal): Promise<Exclude<Found, { kind: 'silent' }>> {
  for (;;) {
    const found = await deps.keepers.find(stepsOf(session), step, signal)
    if (found.kind !== 'silent') return found
    await deps.delay(lookAgainMs)
    signal.throwIfAborted()
  }
}

async function follow(deps: StepDeps, session: string, step: number, line: RunLine, beganAtMs: number, signal: AbortSignal): Promise<StepEnd> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  aborted.catch(() => {})
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    // What it prints is in its log; only the end is waited for.
    line.read({ out: line.outEnd, err: 0 }, () => {})
    const end = await Promise.race([line.exit, line.closed, aborted])
    if (end) {
      line.collect()
      // Before anything is recorded of it: nobody looks for the keeper of a step that is over.
      await Promise.race([line.closed, deps.delay(leaveMs)])
      return await endOf(deps, session, step, { kind: 'ended', cause: '', exit: end }, beganAtMs)
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    line.close()
  }
  // The connection ended before the command did.
  const found = await findStep(deps, session, step, signal)
  if (found.kind === 'live') return follow(deps, session, step, found.line, beganAtMs, signal)
  return endOf(deps, session, step, found.kind === 'ended' ? found : { kind: 'ended', cause: 'its run folder is gone' }, beganAtMs)
}

async function endOf(deps: StepDeps, session: string, step: number, { exit, cause }: Extract<Found, { kind: 'ended' }>, beganAtMs: number): Promise<StepEnd> {
  const ms = Math.max(0, deps.nowMs() - beganAtMs)
  const output = await endOfOutput(deps, session, step)
  if (!exit) return { exitCode: null, signal: cause, ms, output }
  return 'code' in exit.exit ? { exitCode: exit.exit.code, ms, output } : { exitCode: null, signal: exit.exit.signal, ms, output }
}

async function endOfOutput({ keepers }: StepDeps, session: string, step: number): Promise<string> {
  const end = await keepers.logEnd(stepsOf(session), step, 'out')
  const chunks: Uint8Array[] = []
  for (let offset = Math.max(0, end - toldBytes); offset < end;) {
    const read = await keepers.readLog(stepsOf(session), step, 'out', offset, end - offset)
    if (read.bytes.length === 0) break
    chunks.push(read.bytes)
    offset = read.offset + read.bytes.length
  }
  const text = plainText(Buffer.concat(chunks))
  // Of a line that was cut, and of a character, nothing is told.
  return end > toldBytes && text.includes('\n') ? text.slice(text.indexOf('\n') + 1) : text
}

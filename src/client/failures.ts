// How a command fails: one line of what, one of what to do, and an exit code that scripts can rely on. Never a stack trace, unless OFFSTAGE_DEBUG=1.

import type { Refusal } from '../core/errors.ts'
import { printable, printableLine } from '../core/terminal-text.ts'
import { dayAndTime, jsonText } from '../text/format.ts'

export const exitCodes = { done: 0, failed: 1, usage: 2, unknown: 3, refused: 4, unreachable: 5 } as const

export interface Candidate {
  readonly id: string
  readonly label: string | null
  readonly title: string
  /** When it last changed, where that tells it from others. */
  readonly updatedAt?: string
}

/** What the user is told instead of a result. */
export class CommandFailed extends Error {
  readonly code: string
  readonly exitCode: number
  readonly hint: string | undefined
  readonly candidates: readonly Candidate[]

  constructor(
    code: string,
    message: string,
    more: { readonly exitCode: number; readonly hint?: string | undefined; readonly candidates?: readonly Candidate[]; readonly cause?: unknown },
  ) {
    super(message, { cause: more.cause })
    this.name = 'CommandFailed'
    this.code = code
    this.exitCode = more.exitCode
    this.hint = more.hint
    this.candidates = more.candidates ?? []
  }
}

export const usageError = (message: string, hint?: string): CommandFailed => new CommandFailed('usage', message, { exitCode: exitCodes.usage, hint })

export const refusedError = (code: string, message: string, hint?: string): CommandFailed => new CommandFailed(code, message, { exitCode: exitCodes.refused, hint })

/** A refusal as the failure that the user sees. */
export const failureOf = ({ refused, message, hint }: Refusal): CommandFailed => new CommandFailed(refused, message, { exitCode: refusedExitCode(refused), hint })

function refusedExitCode(code: Refusal['refused']): number {
  switch (code) {
    case 'unknown-session':
    case 'unknown-request':
    case 'ambiguous':
      return exitCodes.unknown
    case 'invalid':
      return exitCodes.usage
    default:
      return exitCodes.refused
  }
}

/** Ended by a signal: nothing to say, the shell knows. */
export const signalExitCode = (reason: unknown): number => (reason === 'SIGTERM' ? 143 : reason === 'SIGHUP' ? 129 : 130)

/** Where a command says how it failed. */
interface Reporting {
  readonly err: (text: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
  readonly json: boolean
  readonly signal: AbortSignal
}

/** Says what went wrong, and returns the exit code. */
export function reportFailure(context: Reporting, thrown: unknown): number {
  if (context.signal.aborted && !(thrown instanceof CommandFailed)) return signalExitCode(context.signal.reason)
  const failure = failureFrom(thrown)
  if (context.json) {
    const hint = failure.hint === undefined ? {} : { hint: failure.hint }
    const candidates = failure.candidates.length === 0 ? {} : { candidates: failure.candidates }
    context.err(`${jsonText({ error: { code: failure.code, message: printable(failure.message), ...hint, ...candidates } })}\n`)
  } else context.err(failureText(failure))
  if (context.env['OFFSTAGE_DEBUG'] === '1' && thrown instanceof Error) context.err(`${printable(thrown.stack ?? '')}\n`)
  return failure.exitCode
}

export function failureText(failure: Pick<CommandFailed, 'message' | 'hint' | 'candidates'>): string {
  const candidates = failure.candidates.map(
    ({ id, label, title, updatedAt }) =>
      `  ${[id, label, updatedAt === undefined ? null : dayAndTime(Date.parse(updatedAt)), title]
        .filter((part) => part !== null && part !== '')
        .map((part) => printableLine(part ?? ''))
        .join('  ')}\n`,
  )
  return `offstage: ${printableLine(failure.message)}\n${candidates.join('')}${failure.hint === undefined ? '' : `  ${printableLine(failure.hint)}\n`}`
}

// By name and not by class: the classes live in files that most verbs never load.
const unreachableNames: ReadonlySet<string> = new Set(['DaemonUnreachable', 'HomeUnusable'])

/** Whatever was thrown, as a failure that a person can be told. */
export function failureFrom(thrown: unknown): CommandFailed {
  if (thrown instanceof CommandFailed) return thrown
  if (!(thrown instanceof Error)) return new CommandFailed('failed', String(thrown), { exitCode: exitCodes.failed })
  const hint = 'hint' in thrown && typeof thrown.hint === 'string' ? thrown.hint : undefined
  if (unreachableNames.has(thrown.name)) return new CommandFailed('daemon-unreachable', thrown.message, { exitCode: exitCodes.unreachable, hint, cause: thrown })
  if (thrown.name === 'ConfigInvalid') return new CommandFailed('config-invalid', thrown.message, { exitCode: exitCodes.usage, hint, cause: thrown })
  return new CommandFailed('failed', thrown.message || thrown.name, { exitCode: exitCodes.failed, hint, cause: thrown })
}

// What a check is, and how all of them are made: at the same time, each with a deadline, none able to stop the others.

import type { Paths } from '../../config/paths.ts'
import type { DaemonSeen, DatabaseSeen, RunSeen } from '../../sdk/inspect.ts'
import type { AskProgram } from '../ask-program.ts'

export interface Finding {
  readonly state: 'good' | 'warning' | 'bad'
  readonly says: string
  /** What to do about it. */
  readonly hint?: string
  /** What `--fix` does about it. Gives the finding as it is then. */
  readonly fix?: (signal: AbortSignal) => Promise<Finding>
}

/** The object of `offstage doctor --json`. */
export interface Result extends Omit<Finding, 'fix'> {
  readonly name: string
}

/** What the checks look at. The functions look once, however many checks ask. */
export interface Ground {
  readonly paths: Paths
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly platform: NodeJS.Platform
  readonly nodeVersion: string
  readonly packageVersion: string
  readonly packageRoot: string
  readonly isTerminal: boolean
  readonly now: () => number
  readonly ask: AskProgram
  /** Text of a file of the system, '' when it cannot be read. */
  readonly readSystem: (path: string) => Promise<string>
  readonly openFiles: () => number
  readonly daemon: () => Promise<DaemonSeen>
  readonly runs: () => Promise<readonly RunSeen[]>
  /** Read after the daemon was asked and the runs were listed: every folder's session is in it. */
  readonly database: () => Promise<DatabaseSeen>
}

export type Check = (ground: Ground, signal: AbortSignal) => Promise<Finding>

/** How long one check may take. */
const longestMs = 10_000

/** In the order of the list. Throws only when `signal` is aborted. */
export async function runChecks(
  checks: Readonly<Record<string, Check>>,
  ground: Ground,
  options: { readonly fix: boolean; readonly longestMs?: number },
  signal: AbortSignal,
): Promise<readonly Result[]> {
  const limitMs = options.longestMs ?? longestMs
  const found = await Promise.all(Object.entries(checks).map(async ([name, check]) => ({ name, ...(await bounded((end) => check(ground, end), limitMs, signal)) })))
  const results: Result[] = []
  for (const { name, fix, ...finding } of found) {
    // One after the other: what one of them ends, the next one need not look for.
    const { state, says, hint }: Finding = options.fix && fix ? await bounded(fix, limitMs, signal) : finding
    results.push({ name, state, says, ...(hint === undefined ? {} : { hint }) })
  }
  return results
}

async function bounded(look: (signal: AbortSignal) => Promise<Finding>, limitMs: number, signal: AbortSignal): Promise<Finding> {
  const end = AbortSignal.any([signal, AbortSignal.timeout(limitMs)])
  try {
    return await Promise.race([look(end), new Promise<never>((_, reject) => end.addEventListener('abort', () => reject(end.reason), { once: true }))])
  } catch (cause) {
    signal.throwIfAborted()
    if (end.aborted) return { state: 'warning', says: `could not be looked at within ${limitMs / 1000} s` }
    const hint = cause instanceof Error && 'hint' in cause ? { hint: String(cause.hint) } : {}
    return { state: 'bad', says: `could not be looked at: ${cause instanceof Error ? cause.message : String(cause)}`, ...hint }
  }
}

/** `1.4 GB`, `320 kB`: as disks are sold. */
export function size(bytes: number): string {
  const [unit, divisor] = (
    [
      ['GB', 1e9],
      ['MB', 1e6],
      ['kB', 1e3],
    ] as const
  ).find(([, least]) => bytes >= least) ?? ['B', 1]
  const number = bytes / divisor
  return `${unit === 'B' || number >= 10 ? Math.round(number) : number.toFixed(1)} ${unit}`
}

/** A path as an argument of a shell. */
export const quoted = (path: string): string => (/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`)

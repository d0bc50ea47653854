// Samples and what is said of them. Whatever is compared is measured in turn, a round at a time, so that a busy moment of the machine meets all of it alike.

import { spawnSync } from 'node:child_process'

export type Samples = readonly number[]

/** `part` from 0 to 1; the nearest sample, none is made up. */
export function percentile(samples: Samples, part: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const found = sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]
  if (found === undefined) throw new RangeError('nothing was measured')
  return found
}

export const median = (samples: Samples): number => percentile(samples, 0.5)

/** Performs each one in turn, `rounds` times; the first `warmUps` rounds are not kept. What is undefined is left out. */
export async function sideBySide<Name extends string>(
  { rounds, warmUps = 1 }: { readonly rounds: number; readonly warmUps?: number },
  measures: Readonly<Record<Name, (() => number | Promise<number>) | undefined>>,
): Promise<Record<Name, Samples | undefined>> {
  const names = Object.keys(measures) as Name[]
  const kept = new Map<Name, number[]>()
  for (let round = -warmUps; round < rounds; round++) {
    for (const name of names) {
      const value = await measures[name]?.()
      if (value !== undefined && round >= 0) kept.set(name, [...(kept.get(name) ?? []), value])
    }
  }
  return Object.fromEntries(names.map((name) => [name, kept.get(name)])) as Record<Name, Samples | undefined>
}

export async function millisecondsOf(perform: () => unknown): Promise<number> {
  const startedMs = performance.now()
  await perform()
  return performance.now() - startedMs
}

export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** What it printed. Throws with its last words when it fails. */
export function output({ command, args, env }: Program): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 * 1024 * 1024 })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr?.trim() || `exit code ${status}`}`, { cause: error })
  return stdout
}

/** From before the process is made to after it is gone and all it printed is here. */
export function programMs(program: Program): number {
  const startedMs = performance.now()
  output(program)
  return performance.now() - startedMs
}

/** The empty program: what no command in Node can be faster than. */
export const emptyNode = (env: Readonly<Record<string, string>>): Program => ({ command: process.execPath, args: ['-e', '0'], env })

// Ends a program that this process started itself, with everything that it has started.

import { processStat } from '../keeper/process-stat.ts'
import { sweep, tagVariable } from '../keeper/process-tree.ts'

const graceMs = 500

/** To be in the environment of the program: whatever left its group and parents is found by it. */
export const tagged = (tag: string): Readonly<Record<string, string>> => ({ [tagVariable]: tag })

export interface Started {
  /** Leads a session and a group of its own. */
  readonly pid: number
  /** Clock ticks since boot; undefined when it was gone before anybody looked. */
  readonly start: number | undefined
  readonly tag: string
}

export const startedProgram = async (pid: number, tag: string): Promise<Started> => ({ pid, tag, start: (await processStat(pid))?.start })

/** Resolves when nothing of it is left; to what could not be ended. */
export async function endProgram({ pid, start, tag }: Started): Promise<readonly number[]> {
  const { left } = await sweep({ pgid: pid, sid: pid, tag, ...(start === undefined ? {} : { leaderStart: start }) }, { graceMs }, new AbortController().signal)
  return left
}

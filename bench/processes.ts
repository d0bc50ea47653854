// What the kernel says of processes: their memory, their time on a CPU, and which of them belong to a folder. Linux only, as the bench is.

import { readFileSync, readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** Proportional set size: pages that several processes share are counted in parts, so that sums are true. */
export const pssMb = (pids: readonly number[]): number => mapsMb(pids, ['Pss'])

/** What would be free without them: only pages that nobody else has. */
export const privateMb = (pids: readonly number[]): number => mapsMb(pids, ['Private_Clean', 'Private_Dirty'])

function mapsMb(pids: readonly number[], fields: readonly string[]): number {
  const kilobytes = pids.map((pid) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    return fields.reduce((sum, field) => sum + Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1]), 0)
  })
  return kilobytes.reduce((sum, one) => sum + one, 0) / 1024
}

/** Time on a CPU of all their threads so far, by the scheduler's own nanoseconds. */
export function cpuMs(pids: readonly number[]): number {
  const nanoseconds = pids.flatMap((pid) => readdirSync(`/proc/${pid}/task`).map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0])))
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e6
}

/** Of one core, while `ms` pass, for each group of processes. */
export async function cpuPercent<Name extends string>(groups: Readonly<Record<Name, readonly number[]>>, ms: number): Promise<Record<Name, number>> {
  const names = Object.keys(groups) as Name[]
  const startedMs = performance.now()
  const before = names.map((name) => cpuMs(groups[name]))
  await delay(ms)
  const passedMs = performance.now() - startedMs
  return Object.fromEntries(names.map((name, index) => [name, (100 * (cpuMs(groups[name]) - (before[index] ?? 0))) / passedMs])) as Record<Name, number>
}

/** Live processes whose environment or arguments name this folder, but for our own. */
export function processesOf(folder: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => readOrEmpty(`/proc/${name}/cmdline`).includes(folder) || readOrEmpty(`/proc/${name}/environ`).includes(folder))
    .map(Number)
}

export const isAlive = (pid: number): boolean => !/^\d+ \(.*\) [ZX]/s.test(readOrEmpty(`/proc/${pid}/stat`)) && readOrEmpty(`/proc/${pid}/stat`) !== ''

/** Looks every 10 ms, because nobody announces it. Throws after 20 s. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 20_000
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`waited 20 s in vain: ${what}`)
    await delay(10)
  }
}

/** Gives what is left of a folder this long to end, then kills it. Returns how many had to be killed. */
export async function sweep(folder: string, patienceMs = 2000): Promise<number> {
  const deadlineMs = performance.now() + patienceMs
  while (processesOf(folder).length > 0 && performance.now() < deadlineMs) await delay(20)
  const left = processesOf(folder)
  for (const pid of left) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It was faster.
    }
  }
  return left.length
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

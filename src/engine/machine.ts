// What the engine asks the machine: whether it was restarted, whether memory ran out, how much is left. Unknown where there is no /proc.

import { readFile } from 'node:fs/promises'

const textOf = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined)

/** Differs after each start of the machine (proc(5), random/boot_id). */
export const bootId = async (): Promise<string | undefined> => (await textOf('/proc/sys/kernel/random/boot_id'))?.trim()

/** How many processes the kernel has ended since the machine was started because memory ran out (proc(5), vmstat oom_kill). */
export async function oomKills(): Promise<number | undefined> {
  const count = /^oom_kill (\d+)$/m.exec((await textOf('/proc/vmstat')) ?? '')?.[1]
  return count === undefined ? undefined : Number(count)
}

/** Bytes that can be had without swapping (proc(5), MemAvailable). */
export async function availableMemory(): Promise<number | undefined> {
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec((await textOf('/proc/meminfo')) ?? '')?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}

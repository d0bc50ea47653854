// What a live program on this machine is doing, as far as the system tells from outside. Looked up when somebody asks why, never by itself.

import { existsSync, readFileSync } from 'node:fs'
import { listProcesses } from '../keeper/process-stat.ts'

/** Kernel functions in which a process sleeps that reads its terminal (proc(5), wchan). Programs that wait with select or poll, such as shells at their prompt, cannot be told. */
const readingTerminal: ReadonlySet<string> = new Set(['n_tty_read', 'wait_woken'])

const textOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

/** One sentence for each thing that can be told of the program of a terminal session. */
export async function seeProgram(pid: number, cwd: string): Promise<readonly string[]> {
  const seen: string[] = []
  if (!existsSync(cwd)) seen.push(`its directory is gone: ${cwd}`)
  const foreground = foregroundGroup(pid)
  if (foreground === undefined) return seen
  for (const { pid: one, name, group } of await listProcesses()) {
    if (group === foreground && readingTerminal.has(textOf(`/proc/${one}/wchan`) ?? '')) seen.push(`${name} (pid ${one}) waits for input from the terminal`)
  }
  return seen
}

/** Field 8 of /proc/PID/stat: the process group that the terminal listens to. */
function foregroundGroup(pid: number): number | undefined {
  const stat = textOf(`/proc/${pid}/stat`)
  const group = Number(stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[5])
  return Number.isInteger(group) && group > 1 ? group : undefined
}

// Which processes are at work inside a folder: those that have their directory, their program or an open or mapped file in it. It only looks. Of other users' processes it sees what the system shows.

import { execFile } from 'node:child_process'
import { closeSync, openSync, readFileSync, readSync, readdirSync, readlinkSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { printableLine } from '../core/terminal-text.ts'

export interface ProcessInside {
  readonly pid: number
  readonly program: string
}

/** `folder` is a real path. Undefined: it cannot be known here (no /proc, no lsof). */
export async function processesInside(folder: string, signal: AbortSignal, platform: NodeJS.Platform = process.platform): Promise<readonly ProcessInside[] | undefined> {
  return platform === 'linux' ? byProc(folder, signal) : byLsof(folder, signal)
}

async function byProc(folder: string, signal: AbortSignal): Promise<readonly ProcessInside[] | undefined> {
  const pids = attempt(() => readdirSync('/proc'))
    ?.map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
  if (!pids || pids.length === 0) return undefined
  const found: ProcessInside[] = []
  for (const [index, pid] of pids.entries()) {
    // Nobody else waits for all of them.
    if (index % 16 === 15) await turn(undefined, { signal })
    if (isInside(folder, pid)) found.push({ pid, program: printableLine(attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()) ?? '?') })
  }
  return found
}

function isInside(folder: string, pid: number): boolean {
  const own = `/proc/${pid}`
  const leadsInside = (link: string): boolean => {
    const to = attempt(() => readlinkSync(link))
    return to !== undefined && isAtOrBelow(folder, to)
  }
  if (['cwd', 'root', 'exe'].some((name) => leadsInside(`${own}/${name}`))) return true
  if (attempt(() => readdirSync(`${own}/fd`))?.some((fd) => leadsInside(`${own}/fd/${fd}`))) return true
  return attempt(() => mapsInside(folder, `${own}/maps`)) ?? false
}

function mapsInside(folder: string, file: string): boolean {
  // A line break in a path is written so there.
  const wanted = ` ${folder.replaceAll('\n', '\\012')}/`
  const maps = openSync(file, 'r')
  try {
    const buffer = Buffer.alloc(65_536)
    for (let before = ''; ;) {
      const length = readSync(maps, buffer)
      if (length === 0) return false
      const text = before + buffer.toString('utf8', 0, length)
      if (text.includes(wanted)) return true
      before = text.slice(-wanted.length)
    }
  } finally {
    closeSync(maps)
  }
}

/** The list of lsof: a line for each process, `p` and its id, then its program after `c`, then the name of each file after `n`. */
function byLsof(folder: string, signal: AbortSignal): Promise<readonly ProcessInside[] | undefined> {
  return new Promise((resolve, reject) => {
    execFile('lsof', ['-nPw', '-F', 'pcn'], { signal, maxBuffer: 256 * 1024 * 1024 }, (cause, said) => {
      if (signal.aborted) return reject(signal.reason)
      // It ends with 1 where it was not allowed to see everything.
      if (cause && (said === '' || cause.code !== 1)) return resolve(undefined)
      resolve(insideByList(folder, said).filter(({ pid }) => pid !== process.pid))
    })
  })
}

export function insideByList(folder: string, list: string): readonly ProcessInside[] {
  const found = new Map<number, string>()
  let pid = 0
  let program = '?'
  for (const line of list.split('\n')) {
    const rest = line.slice(1)
    if (line.startsWith('p')) pid = Number(rest)
    else if (line.startsWith('c')) program = rest
    else if (line.startsWith('n') && isAtOrBelow(folder, rest)) found.set(pid, printableLine(program))
  }
  return [...found].map(([id, name]) => ({ pid: id, program: name }))
}

const isAtOrBelow = (folder: string, path: string): boolean => path === folder || path === `${folder} (deleted)` || path.startsWith(`${folder}/`)

/** Processes end while they are looked at, and others may not be looked into. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}

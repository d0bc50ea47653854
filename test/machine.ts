// What a test sees of processes, and what this machine lets it do: mounts, other users. Nothing here is of Offstage.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const soak = process.env['SOAK'] !== undefined

/** mulberry32: the same numbers for the same seed. `random(n)` is an integer below n. */
export function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The part of /proc/PID/stat behind the name; empty when there is no such process. */
function statFields(pid: number): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}

/** One letter, as in /proc/PID/stat; undefined when there is no such process. */
export const stateOf = (pid: number): string | undefined => statFields(pid)[0]

/** Not ended, and not merely waiting for its parent to ask how it ended. */
export const isRunning = (pid: number): boolean => !['Z', 'X', undefined].includes(stateOf(pid))

/** Start time, which tells one bearer of a pid from the next; 0 when there is none. */
export const startOf = (pid: number): number => Number(statFields(pid)[19] ?? 0)

/** Processor time so far, in ticks of 10 ms. */
export const cpuTicks = (pid: number): number => Number(statFields(pid)[11]) + Number(statFields(pid)[12])

export const isRoot = process.getuid?.() === 0

const works = (command: string, ...args: string[]): boolean => {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** The arguments in front of a program that is to run as a user with no rights here. */
export const asNobody: readonly string[] = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--']
export const nobody = 65_534
const [setpriv = '', ...asWhom] = asNobody
/** Including this very Node: it may lie where nobody else can go. */
export const canBeNobody = (): boolean => isRoot && works(setpriv, ...asWhom, process.execPath, '-e', '0')

/** A file system of its own on a loop device. Its file is sparse, so that the size costs nothing. */
export interface LoopDisk extends Disposable {
  /** Where it is mounted. */
  readonly path: string
  readonly image: string
}

export function mountImage(image: string, at: string, options = ''): void {
  execFileSync('mount', ['-t', 'ext4', '-o', `loop${options}`, image, at])
}

/** Unmounts also what is still in use by somebody, once they have left it. */
export function unmount(at: string): void {
  if (!works('umount', at)) works('umount', '-l', at)
}

/** In a folder of its own, or in this one, which is then the caller's to remove. */
export function loopDisk(bytes: number, options = '', given?: string): LoopDisk {
  const folder = given ?? realpathSync(mkdtempSync(join(tmpdir(), 'od-')))
  const image = join(folder, 'image')
  const path = join(folder, 'disk')
  mkdirSync(path)
  writeFileSync(image, '')
  truncateSync(image, bytes)
  execFileSync('mkfs.ext4', ['-q', '-m', '0', '-E', 'lazy_itable_init=1,lazy_journal_init=1', image])
  mountImage(image, path, options)
  return {
    path,
    image,
    [Symbol.dispose]: () => {
      unmount(path)
      if (given === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Root, and a kernel with loop devices and ext4. */
export function canLoop(): boolean {
  if (!isRoot || process.platform !== 'linux') return false
  try {
    using _ = loopDisk(4 * 1024 * 1024)
    return true
  } catch {
    return false
  }
}

/** fsfreeze is of util-linux. */
export const canFreeze = (): boolean => canLoop() && works('fsfreeze', '--version')

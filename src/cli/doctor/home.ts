// Checks of the home: the folders, their disk, what lies in them, the configuration. Makes no folder and changes no mode.

import { accessSync, constants, lstatSync, readdirSync } from 'node:fs'
import { lstat, readdir, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Paths } from '../../config/paths.ts'
import { type Check, type Finding, quoted, size } from './check.ts'

const elsewhere = 'move it away, or set OFFSTAGE_HOME to another folder'

/** What `prepareHome` would refuse, without its making anything. */
export const lookAtHome: Check = async ({ paths }) => {
  if (!lstatSync(paths.home, { throwIfNoEntry: false })) return notMadeYet(paths)
  const own = folder(paths.home, paths)
  if (own?.state === 'bad') return own
  const inside = [paths.runs, paths.cache, paths.sockets].map((path) => folder(path, paths))
  return inside.find((one) => one?.state === 'bad') ?? [own, ...inside].find((one) => one !== undefined) ?? { state: 'good', says: paths.home }
}

function notMadeYet({ home }: Paths): Finding {
  const above = nearest(dirname(home))
  if (!lstatSync(above).isSymbolicLink() && !isWritable(above))
    return { state: 'bad', says: `${home} cannot be made: ${above} cannot be written to`, hint: 'set OFFSTAGE_HOME to a folder that you can write to' }
  return { state: 'good', says: `${home} is made at the first start` }
}

function folder(path: string, paths: Paths): Finding | undefined {
  const bad = (says: string, hint = elsewhere): Finding => ({ state: 'bad', says: `${path} ${says}`, hint })
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found) return undefined
  if (found.isSymbolicLink()) return bad('is a symbolic link')
  if (!found.isDirectory()) return bad('is not a folder')
  if (found.uid !== paths.uid) return bad(`belongs to another user (uid ${found.uid})`)
  if (!isWritable(path)) return bad('cannot be written to', `chmod 700 ${quoted(path)}`)
  if ((found.mode & 0o077) === 0) return undefined
  const names = path === paths.home ? readdirSync(path) : []
  if (names.length > 0 && !names.includes('offstage.db') && !names.includes('runs'))
    return bad('can be entered by others and holds something else', 'set OFFSTAGE_HOME to a folder of its own')
  return { state: 'warning', says: `${path} can be entered by others`, hint: `chmod 700 ${quoted(path)} (a start of the daemon does it too)` }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The path, or the nearest folder above it that is there. */
function nearest(path: string): string {
  for (let at = path; ; at = dirname(at)) if (lstatSync(at, { throwIfNoEntry: false }) || at === dirname(at)) return at
}

/** Below this much free space programs are held. */
const reserveBytes = 1e9
const reservePart = 0.02

/** By their magic numbers (statfs(2)): locks and sockets are not to be relied on there. */
const networkFileSystems: Readonly<Record<number, string>> = { 0x6969: 'NFS', 0x01021997: 'a share of the host', 0xff534d42: 'CIFS', 0xfe534d42: 'SMB' }

export const lookAtDisk: Check = async ({ paths, platform }) => disk(await statfs(nearest(paths.home)), platform)

export interface DiskSeen {
  readonly type: number
  readonly bsize: number
  readonly blocks: number
  readonly bavail: number
  readonly files: number
  readonly ffree: number
}

export function disk({ type, bsize, blocks, bavail, files, ffree }: DiskSeen, platform: NodeJS.Platform): Finding {
  const free = bavail * bsize
  const total = blocks * bsize
  const hint = 'free some space on that disk, or set OFFSTAGE_HOME to a folder on another one'
  if (free < Math.max(reserveBytes, total * reservePart))
    return { state: 'warning', says: `only ${size(free)} of ${size(total)} free: programs may be held until there is more`, hint }
  // Some file systems (btrfs) make inodes as they go and say 0.
  if (files > 0 && ffree < files * reservePart) return { state: 'warning', says: `only ${ffree} of ${files} inodes free`, hint: `${hint}; many small files use inodes up` }
  const network = platform === 'linux' ? networkFileSystems[type] : undefined
  if (network !== undefined)
    return { state: 'warning', says: `the home is on ${network}, where locks and sockets are not to be relied on`, hint: 'set OFFSTAGE_HOME to a folder on a local disk' }
  return { state: 'good', says: `${size(free)} of ${size(total)} free` }
}

export const lookAtSize: Check = async ({ paths, database }, signal) => {
  const sessions = await readdir(paths.runs).catch(() => [])
  const sizes = new Map<string, number>()
  for (const session of sessions) sizes.set(session, await bytesIn(join(paths.runs, session), signal))
  const parts = await Promise.all(['', '-wal', '-shm'].map((end) => bytesIn(`${paths.database}${end}`, signal)))
  const [stored, runs] = [sum(parts), sum([...sizes.values()])]
  const rest = sum(await Promise.all([paths.cache, paths.log].map((path) => bytesIn(path, signal))))
  const found = await database()
  const ended = found.kind === 'good' ? sum(Array.from(sizes, ([session, bytes]) => (found.sessions.get(session)?.over ? bytes : 0))) : 0
  const freeable = ended > 0 ? `, ${size(ended)} of it of ended sessions, which may go` : ''
  return { state: 'good', says: `${size(stored + runs + rest)}: database ${size(stored)}, output of runs ${size(runs)}${freeable}` }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)

/** What a file, or everything below a folder, takes on the disk. Links are not followed; what is gone meanwhile counts nothing. */
async function bytesIn(path: string, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted()
  const found = await lstat(path).catch(() => undefined)
  if (!found) return 0
  const own = found.blocks * 512
  if (!found.isDirectory()) return own
  const below = await Promise.all((await readdir(path).catch(() => [])).map((name) => bytesIn(join(path, name), signal)))
  return own + sum(below)
}

export const lookAtConfig: Check = async ({ paths, cwd }) => {
  const { loadConfig } = await import('../../config/config.ts')
  try {
    await loadConfig({ configFile: paths.configFile, cwd })
  } catch (cause) {
    if (!(cause instanceof Error) || cause.name !== 'ConfigInvalid') throw cause
    return { state: 'bad', says: cause.message, ...('hint' in cause ? { hint: String(cause.hint) } : {}) }
  }
  return { state: 'good', says: lstatSync(paths.configFile, { throwIfNoEntry: false }) ? paths.configFile : `${paths.configFile} is not there, which is fine` }
}

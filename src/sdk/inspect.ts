// What can be seen of an installation from outside, without a daemon and without changing anything: the daemon and its lock, the database, the runs and their processes.
// Only `endLeftovers` and `removeSocket` change something, and only what they prove first.

import { existsSync, readlinkSync, statSync } from 'node:fs'
import { readFile, readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { type Paths, runFolder, runSocket } from '../config/paths.ts'
import { type ProcessIdentity, type ProcessStat, listProcesses, processRuns } from '../keeper/process-stat.ts'
import { sweep, tagVariable } from '../keeper/process-tree.ts'
import { readIdentity } from '../keeper/run-folder.ts'
import { protocolVersion } from '../protocol/wire.ts'
import type { DaemonStatus } from './client.ts'
import { Connection } from './connect.ts'

export { KeeperUnavailable, keeperAtHand } from '../keeper/keeper-binary.ts'
export { isOlder } from './connect.ts'

export type DaemonSeen =
  | { readonly kind: 'none' }
  | { readonly kind: 'answers'; readonly status: DaemonStatus; readonly tookMs: number }
  /** It speaks a protocol that this client does not. */
  | { readonly kind: 'foreign'; readonly pid: number; readonly version: string }
  /** It has the lock and says nothing. `pid` where the system tells. `listens`: somebody takes connections. */
  | { readonly kind: 'silent'; readonly pid: number | undefined; readonly listens: boolean }

/** Starts none. Gives up after `withinMs`. */
export async function seeDaemon(paths: Paths, withinMs: number, signal: AbortSignal): Promise<DaemonSeen> {
  const startedMs = performance.now()
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
  for (let again = false; ; again = true) {
    let connection: Connection | undefined
    try {
      // It is on its way in, or out.
      if (again) await delay(50, undefined, { signal: deadline })
      connection = await Connection.open(paths.socket, deadline)
      if (connection) {
        const { protocol, pid, version } = connection.welcome
        if (protocol < protocolVersion) return { kind: 'foreign', pid, version }
        const status = (await connection.request('status', {}, deadline)) as DaemonStatus
        return { kind: 'answers', status, tookMs: performance.now() - startedMs }
      }
      if (!isLocked(paths.lock)) return { kind: 'none' }
    } catch (cause) {
      signal.throwIfAborted()
      if (deadline.aborted) return { kind: 'silent', pid: await lockHolder(paths.lock), listens: cause === deadline.reason }
      if (codeOf(cause) !== 0) throw cause
    } finally {
      connection?.destroy()
    }
  }
}

const SQLITE_BUSY = 5
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

const codeOf = (cause: unknown): number => (cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) & 0xff : 0)

/** Whether a daemon has its lock (src/daemon/lock.ts). Only reads; a daemon that starts in this very moment tries again. */
function isLocked(path: string): boolean {
  if (!existsSync(path)) return false
  const database = new DatabaseSync(path, { readOnly: true, timeout: 0 })
  try {
    database.prepare('select count(*) from sqlite_master').get()
    return false
  } catch (cause) {
    if (codeOf(cause) === SQLITE_BUSY) return true
    throw cause
  } finally {
    database.close()
  }
}

/** Who has the lock, if Linux tells: the holder by the lock's inode, proven by its open file. */
async function lockHolder(path: string): Promise<number | undefined> {
  const { ino } = statSync(path)
  const locks = await readFile('/proc/locks', 'latin1').catch(() => '')
  const pids = Array.from(locks.matchAll(/^\d+: POSIX +\S+ +WRITE (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /gm), ([, pid, inode]) => (Number(inode) === ino ? Number(pid) : 0))
  for (const pid of pids.filter((one) => one > 1)) if ((await openFiles(pid)).includes(path)) return pid
  return undefined
}

async function openFiles(pid: number): Promise<readonly string[]> {
  const numbers = await readdir(`/proc/${pid}/fd`).catch(() => [])
  return numbers.flatMap((number) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${number}`)]
    } catch {
      return []
    }
  })
}

/** What the database says of one session, as far as its processes and files are concerned. */
export interface SessionSeen {
  /** The run that is starting or alive by the facts. */
  readonly current: number | undefined
  /** Archived or removed. */
  readonly over: boolean
}

export type DatabaseSeen =
  | { readonly kind: 'missing' }
  | { readonly kind: 'damaged' | 'unreadable'; readonly why: string }
  | { readonly kind: 'newer'; readonly format: number }
  | {
      readonly kind: 'good'
      readonly format: number
      readonly bytes: number
      /** Too large to be read from end to end while somebody waits. */
      readonly checked: boolean
      readonly newestAtMs: number | undefined
      readonly sessions: ReadonlyMap<string, SessionSeen>
    }

/** The newest format that this version knows: the number of steps in src/store/migrations.ts. */
export const newestFormat = 1
const largestCheckedBytes = 512 * 1024 * 1024

/** Opens it for reading only, and leaves no file beside it. */
export function seeDatabase(path: string): DatabaseSeen {
  try {
    const found = statSync(path, { throwIfNoEntry: false })
    return found ? read(path, found.size) : { kind: 'missing' }
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOTDIR') return { kind: 'missing' }
    const why = cause instanceof Error ? cause.message : String(cause)
    return { kind: [SQLITE_CORRUPT, SQLITE_NOTADB].includes(codeOf(cause)) ? 'damaged' : 'unreadable', why }
  }
}

function read(path: string, bytes: number): DatabaseSeen {
  const hasWal = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0
  const url = pathToFileURL(path)
  // A reader of a database in WAL mode makes the two files beside it, unless it is told that nobody writes.
  if (!hasWal) url.searchParams.set('immutable', '1')
  const database = new DatabaseSync(url, { readOnly: true, timeout: 1000 })
  try {
    const tables = database.prepare(`select name from sqlite_master where type = 'table'`).all()
    if (tables.length === 0) return { kind: 'good', format: 0, bytes, checked: true, newestAtMs: undefined, sessions: new Map() }
    if (!tables.some((table) => table['name'] === 'schema_version')) return { kind: 'damaged', why: 'it is a database of something else' }
    const format = Number(database.prepare('select version from schema_version').get()?.['version'])
    if (format > newestFormat) return { kind: 'newer', format }
    const checked = bytes <= largestCheckedBytes
    if (checked) {
      const said = database.prepare('pragma quick_check(1)').get()?.['quick_check']
      if (said !== 'ok') return { kind: 'damaged', why: String(said).split('\n').slice(0, 2).join(' ') }
    }
    const newest = database.prepare('select max(at_ms) as at from event').get()?.['at']
    return { kind: 'good', format, bytes, checked, newestAtMs: typeof newest === 'number' ? newest : undefined, sessions: sessionsOf(database) }
  } finally {
    database.close()
  }
}

function sessionsOf(database: DatabaseSync): ReadonlyMap<string, SessionSeen> {
  const sessions = new Map<string, SessionSeen>()
  const told = ['created', 'run-starting', 'run-not-started', 'run-exited', 'run-lost', 'archived', 'removed', 'restored']
  const rows = database.prepare(`select session, type, json_extract(body, '$.run') as run from event where type in (${told.map((type) => `'${type}'`).join(', ')}) order by cursor`)
  for (const { session, type, run } of rows.iterate()) {
    const before = sessions.get(String(session)) ?? { current: undefined, over: false }
    sessions.set(String(session), {
      current: type === 'run-starting' ? Number(run) : String(type).startsWith('run-') ? undefined : before.current,
      over: type === 'archived' || type === 'removed' || (before.over && type !== 'restored'),
    })
  }
  return sessions
}

/** One run folder, and who keeps it. */
export interface RunSeen {
  readonly session: string
  readonly run: number
  readonly folder: string
  readonly socket: string
  /** Absent until a keeper has written who it is. */
  readonly keeper: ProcessIdentity | undefined
  /** Value of OFFSTAGE_RUN in the environment of its processes. */
  readonly tag: string | undefined
  readonly keeperRuns: boolean
}

export async function seeRuns(paths: Paths): Promise<readonly RunSeen[]> {
  const sessions = await names(paths.runs)
  const folders = await Promise.all(sessions.map(async (session) => (await names(join(paths.runs, session))).filter((name) => /^\d+$/.test(name)).map((run) => ({ session, run }))))
  return Promise.all(folders.flat().map(({ session, run }) => seeRun(paths, session, Number(run))))
}

async function seeRun(paths: Paths, session: string, run: number): Promise<RunSeen> {
  const folder = runFolder(paths, session, run)
  const identity = await readIdentity(folder).catch(() => undefined)
  // A folder that a daemon closed to late keepers names process 0.
  const kept = identity && identity.keeper.pid > 0 ? identity : undefined
  const keeperRuns = kept !== undefined && (await processRuns(kept.keeper))
  return { session, run, folder, socket: runSocket(paths, session, run), keeper: kept?.keeper, tag: kept?.nonce, keeperRuns }
}

/** Names in a folder, none if it is not there. */
const names = (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => [])

/** Sockets that are named like a run's and that nobody listens on any more. */
export async function staleSockets(paths: Paths, signal: AbortSignal): Promise<readonly string[]> {
  const sockets = (await names(paths.sockets)).filter((name) => /^[a-z0-9]{8}(?:\.steps)?-\d+\.sock$/.test(name)).map((name) => join(paths.sockets, name))
  const refused = await Promise.all(sockets.map((path) => refuses(path, signal)))
  return sockets.filter((_, index) => refused[index])
}

function refuses(path: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path, signal })
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', (cause: NodeJS.ErrnoException) => resolve(cause.code === 'ECONNREFUSED'))
  })
}

/** Removes it if nobody listens on it even now. */
export async function removeSocket(path: string, signal: AbortSignal): Promise<boolean> {
  const stale = await refuses(path, signal)
  if (stale) await rm(path, { force: true })
  return stale
}

/** Live processes of a run whose keeper is gone. */
export interface Leftovers {
  readonly run: RunSeen
  readonly pids: readonly number[]
}

/** Undefined where a process's environment cannot be read, so that nothing could be proven. */
export async function seeLeftovers(runs: readonly RunSeen[]): Promise<readonly Leftovers[] | undefined> {
  if (process.platform !== 'linux') return undefined
  const abandoned = new Map(runs.flatMap((run) => (run.tag !== undefined && !run.keeperRuns ? [[run.tag, run] as const] : [])))
  if (abandoned.size === 0) return []
  const found = new Map<RunSeen, number[]>()
  for (const stat of await listProcesses()) {
    const run = stat.zombie ? undefined : abandoned.get((await tagOf(stat.pid)) ?? '')
    if (run) found.set(run, [...(found.get(run) ?? []), stat.pid])
  }
  return Array.from(found, ([run, pids]) => ({ run, pids }))
}

async function tagOf(pid: number): Promise<string | undefined> {
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
  const prefix = `${tagVariable}=`
  return environment
    .split('\0')
    .find((one) => one.startsWith(prefix))
    ?.slice(prefix.length)
}

/** Ends what carries the tag of this run (TERM, then KILL), unless its keeper lives. Spares the processes that this one runs under. Gives how many ended. */
export async function endLeftovers({ run }: Leftovers, signal: AbortSignal): Promise<{ readonly ended: number; readonly left: readonly number[] }> {
  if (run.tag === undefined || (run.keeper && (await processRuns(run.keeper)))) return { ended: 0, left: [] }
  const { ended, left } = await sweep({ tag: run.tag, spare: ancestors(await listProcesses()) }, {}, signal)
  return { ended: ended.length, left }
}

function ancestors(all: readonly ProcessStat[]): readonly number[] {
  const parents = new Map(all.map((stat) => [stat.pid, stat.parent]))
  const above: number[] = []
  for (let pid = parents.get(process.pid) ?? 0; pid > 1 && !above.includes(pid); pid = parents.get(pid) ?? 0) above.push(pid)
  return above
}

// Where everything of one user lies, worked out from the environment, and made safe before it is used. Nothing else decides on a path of ours.

import { createHash } from 'node:crypto'
import { accessSync, chmodSync, constants, lstatSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join, normalize } from 'node:path'

export type Environment = Readonly<Record<string, string | undefined>>

export interface Paths {
  /** Holds everything of one user. */
  readonly home: string
  readonly database: string
  /** Locked by the daemon for life. */
  readonly lock: string
  /** The daemon listens here. */
  readonly socket: string
  /** One folder per session, in it one per run. */
  readonly runs: string
  /** How keepers start a daemon again when it died; there is none after `daemon stop`. */
  readonly startFile: string
  /** The daemon's JSON lines. */
  readonly log: string
  /** What can be made again: the compiled keeper, V8's compile cache. */
  readonly cache: string
  /** Every socket is in here: inside `home` unless that is too long for the system. */
  readonly sockets: string
  readonly configFile: string
  /** Whose all of it must be. */
  readonly uid: number
}

/** The home cannot be used: what is wrong with which path, and in `hint` what to do about it. One line each. */
export class HomeUnusable extends Error {
  readonly path: string
  readonly hint: string
  constructor(path: string, problem: string, hint: string, options?: ErrorOptions) {
    super(`cannot use ${path}: ${problem}`, options)
    this.name = 'HomeUnusable'
    this.path = path
    this.hint = hint
  }
}

/** `sun_path` has 108 bytes on Linux, one of them the closing zero. */
const longestSocketPath = 107
const longestSocketName = 32

/** Works out the paths and touches nothing (it only reads where this home's sockets went before, when they cannot be inside). Throws HomeUnusable. */
export function pathsFrom(env: Environment, uid: number): Paths {
  const home = homeFrom(env)
  const sockets = socketsFor(home, env, uid)
  return {
    home,
    database: join(home, 'offstage.db'),
    lock: join(home, 'daemon.lock'),
    socket: join(sockets, 'daemon.sock'),
    runs: join(home, 'runs'),
    startFile: join(home, 'daemon.start'),
    log: join(home, 'daemon.log'),
    cache: join(home, 'cache'),
    sockets,
    configFile: configFileFrom(env, home),
    uid,
  }
}

/** A socket of ours by its file name (at most 32 bytes). The result fits `sun_path`. */
export function socketPath(paths: Paths, name: string): string {
  if (name === '' || name.includes('/') || Buffer.byteLength(name) > longestSocketName) throw new RangeError(`not a socket's name: ${JSON.stringify(name)}`)
  return join(paths.sockets, name)
}

export const runFolder = (paths: Paths, session: string, run: number): string => join(paths.runs, session, String(run))

export const runSocket = (paths: Paths, session: string, run: number): string => socketPath(paths, `${session}-${run}.sock`)

/** Makes the folders that are missing, for their owner only, and vouches for the others: real folders, ours, closed to everyone else. Throws HomeUnusable. */
export function prepareHome(paths: Paths): void {
  try {
    makeFolders(dirname(paths.home))
  } catch (cause) {
    throw new HomeUnusable(dirname(paths.home), `it cannot be made (${codeOf(cause)})`, 'set OFFSTAGE_HOME to a folder that you can write to', { cause })
  }
  const outside = !paths.sockets.startsWith(`${paths.home}/`)
  prepareFolder(paths.home, paths.uid, true, false)
  for (const folder of [paths.runs, paths.cache, paths.sockets]) prepareFolder(folder, paths.uid, false, folder === paths.sockets && outside)
  if (outside) rememberSockets(paths)
}

/** Node's own recursive mkdir never returns where a file system answers ENOENT to every mkdir, as /proc does (seen with Node 24). */
function makeFolders(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })) return
  if (dirname(path) !== path) makeFolders(dirname(path))
  try {
    mkdirSync(path)
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') throw cause
  }
}

function homeFrom(env: Environment): string {
  const given = env['OFFSTAGE_HOME']
  if (given) return absolute(given, 'OFFSTAGE_HOME')
  const state = env['XDG_STATE_HOME']
  // The XDG specification: a relative path is to be ignored.
  if (state && isAbsolute(state)) return join(state, 'offstage')
  return join(userHome(env), '.local', 'state', 'offstage')
}

function configFileFrom(env: Environment, home: string): string {
  const given = env['OFFSTAGE_CONFIG']
  if (given) return absolute(given, 'OFFSTAGE_CONFIG')
  const config = env['XDG_CONFIG_HOME']
  if (config && isAbsolute(config)) return join(config, 'offstage', 'config.toml')
  // Without HOME there is still OFFSTAGE_HOME, or we would not have come here.
  return env['HOME'] ? join(userHome(env), '.config', 'offstage', 'config.toml') : join(home, 'config.toml')
}

function userHome(env: Environment): string {
  const home = env['HOME']
  if (!home) throw new HomeUnusable('~/.local/state/offstage', 'HOME is not set', 'set HOME, or OFFSTAGE_HOME to an absolute path')
  return absolute(home, 'HOME')
}

/** A relative home would be another one in every directory, and sessions would seem to vanish. */
function absolute(path: string, name: string): string {
  if (path.includes('\0')) throw new HomeUnusable(JSON.stringify(path), `${name} holds a zero byte`, `set ${name} to a valid path`)
  if (!isAbsolute(path)) throw new HomeUnusable(path, `${name} is a relative path`, `set ${name} to an absolute path`)
  return normalize(path).replace(/(?<=.)\/+$/, '')
}

function socketsFor(home: string, env: Environment, uid: number): string {
  const inside = join(home, 'sockets')
  if (fits(inside)) return inside
  const before = rememberedSockets(home)
  if (before !== undefined) return before
  const hash = createHash('sha256').update(home).digest('hex').slice(0, 8)
  const runtime = env['XDG_RUNTIME_DIR']
  if (runtime && isAbsolute(runtime)) {
    const short = join(normalize(runtime), `offstage-${hash}`)
    if (fits(short)) return short
  }
  return `/tmp/offstage-${uid}-${hash}`
}

const fits = (folder: string): boolean => Buffer.byteLength(folder) + 1 + longestSocketName <= longestSocketPath

// A login has XDG_RUNTIME_DIR and cron has not, but both must find the same daemon: the first choice is kept in the home, which only we can write.
const socketsFile = 'sockets.at'

function rememberedSockets(home: string): string | undefined {
  try {
    const path = readFileSync(join(home, socketsFile), 'utf8').trim()
    if (!isAbsolute(path) || !fits(path)) return undefined
    // The runtime folder goes with the last login, and every socket in it too: then nothing is lost by choosing again.
    realpathSync(dirname(path))
    return path
  } catch {
    return undefined
  }
}

function rememberSockets(paths: Paths): void {
  if (rememberedSockets(paths.home) === paths.sockets) return
  const path = join(paths.home, socketsFile)
  writeFileSync(`${path}.${process.pid}`, `${paths.sockets}\n`, { mode: 0o600 })
  renameSync(`${path}.${process.pid}`, path)
}

function prepareFolder(path: string, uid: number, isHome: boolean, shared: boolean): void {
  const instead = shared ? 'remove it, or set OFFSTAGE_HOME to a shorter path' : 'move it away, or set OFFSTAGE_HOME to another folder'
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') throw new HomeUnusable(path, `it cannot be made (${codeOf(cause)})`, 'set OFFSTAGE_HOME to a folder that you can write to', { cause })
  }
  const found = lstatSync(path)
  if (found.isSymbolicLink()) throw new HomeUnusable(path, 'it is a symbolic link', instead)
  if (!found.isDirectory()) throw new HomeUnusable(path, 'it is not a folder', instead)
  if (found.uid !== uid) throw new HomeUnusable(path, `it belongs to another user (uid ${found.uid})`, instead)
  const open = (found.mode & 0o777) !== 0o700
  // OFFSTAGE_HOME=/tmp, said by root, must not close /tmp to everyone.
  if (open && isHome && !looksLikeHome(path))
    throw new HomeUnusable(path, 'others can enter it, and it holds something else', `set OFFSTAGE_HOME to a folder of its own, or run: chmod 700 '${path}'`)
  try {
    if (open) chmodSync(path, 0o700)
    accessSync(path, constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw new HomeUnusable(path, `it cannot be written to (${codeOf(cause)})`, 'set OFFSTAGE_HOME to a folder that you can write to', { cause })
  }
}

function looksLikeHome(path: string): boolean {
  const names = readdirSync(path)
  return names.length === 0 || names.includes('offstage.db') || names.includes('runs')
}

const codeOf = (cause: unknown): string => (cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause))

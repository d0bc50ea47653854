// Keepers over src/keeper: run folders and sockets under the home. The only place that starts a keeper.

import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { mkdir, readFile, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { constants } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Paths, runFolder, runSocket } from '../config/paths.ts'
import type { Exit } from '../core/events.ts'
import { directoryOf } from '../core/place.ts'
import { type Held, type KeeperConnection, KeeperUnreachable, connectKeeper } from '../keeper/connection.ts'
import { type ExitStatus, encodeClientFrame } from '../keeper/frames.ts'
import { keeperBinary } from '../keeper/keeper-binary.ts'
import { LaunchFailed, launchKeeper } from '../keeper/launch.ts'
import { type ProcessIdentity, processRuns } from '../keeper/process-stat.ts'
import { type Tree, findTree, mayHaveChildren, sweep, tagVariable } from '../keeper/process-tree.ts'
import { logEnd, readExit, readIdentity, readLog, syncLog } from '../keeper/run-folder.ts'
import { crashPoint } from './crash-point.ts'
import { bootId, oomKills } from './machine.ts'
import { type Found, type Kept, type Keepers, type RunLine, StartFailed, longestTalkBytes } from './keepers.ts'
import { Mailbox } from './mailbox.ts'
import { startSize } from './parts.ts'
import { programOf } from './program.ts'

/** More than this received and not taken yet: the keeper is not read from until it is. */
const heldBytes = 1024 * 1024
/** How long a keeper that lives may take to answer before its session goes on without it. */
const listenDeadlineMs = 1500
/** How long a keeper may take to leave whose run is over by the record. */
const leaveDeadlineMs = 10_000
/** Written in the place of a keeper's identity: no keeper can start in this folder any more. */
export const abandoned = 'abandoned'
export const specFile = 'spec.json'
const leftFile = 'left.json'
/** How long a keeper may take to leave whose folder is gone, once its program has ended. */
const homelessDeadlineMs = 2000
/** Of a terminal's output, and of a command's, this much is kept. */
const keptOutput = { firstBytes: 1024 ** 2, lastBytes: 256 * 1024 ** 2 }

/** `recorded`: who ran a run by the log, for one whose folder somebody removed. `ownUmask`: of this process. */
export function keepersOnDisk(paths: Paths, packageRoot: string, recorded: (session: string, run: number) => Kept | undefined, ownUmask?: number): Keepers {
  const synced = new Map<string, number>()
  const folderOf = (session: string, run: number): string => runFolder(paths, session, run)
  const mailboxes = new Map<string, Mailbox>()
  /** A keeper does not leave while what it keeps is being ended: whoever loses its parent then falls to it, and is found under it. */
  const inTurn = async <T>(folder: string, step: () => Promise<T>): Promise<T> => {
    const mailbox = mailboxes.get(folder) ?? new Mailbox()
    mailboxes.set(folder, mailbox)
    try {
      return await mailbox.put(step)
    } finally {
      if (mailbox.waiting === 0) mailboxes.delete(folder)
    }
  }
  const lineTo = (socket: string, folder: string, nonce: string, kept: Kept, signal: AbortSignal): Promise<RunLine> =>
    openLine(socket, folder, nonce, kept, (leave) => inTurn(folder, () => noteLeft(folder, kept.keeper).then(leave)), signal)
  const hasRun = (session: string, before: number): boolean => Array.from({ length: before - 1 }, (_, index) => index + 1).some((run) => recorded(session, run) !== undefined)
  const treeOf = (session: string, run: number): Promise<Tree | undefined> => treeIn(folderOf(session, run), () => recorded(session, run))

  return {
    async start(start, signal) {
      const { session, run, spec } = start
      const folder = folderOf(session, run)
      const socketPath = runSocket(paths, session, run)
      const nonce = `${session}.${run}.${randomBytes(9).toString('hex')}`
      const env = { ...start.environment, OFFSTAGE_SESSION: ofSteps(session), [tagVariable]: nonce, ...(start.mode === 'pty' ? terminalVariables(start.environment) : {}) }
      const { columns: cols, rows } = startSize(spec)
      const size = { cols, rows }
      let kept: Kept
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        // For whoever has to make sense of the folder without the database. No values of the environment.
        const machine: Machine = { boot: await bootId(), oomKills: await oomKills() }
        const environmentNames = Object.keys(start.environment).sort()
        await writeFile(join(folder, specFile), `${JSON.stringify({ session, run, title: start.title, label: start.label, ...spec, environmentNames, machine })}\n`, {
          mode: 0o600,
        })
        const binary = await keeperBinary({ packageRoot, cacheDir: paths.cache })
        const limits = spec.driver === 'acp' ? { mostBytes: longestTalkBytes } : { keep: keptOutput, ...(start.mode === 'pipes' ? { keepErr: keptOutput } : {}) }
        const reserveBytes = await reserveOn(folder)
        const again = spec.resumeArgv !== undefined && hasRun(session, run)
        const argv = programOf(spec, { again, offstage: [process.execPath, join(packageRoot, 'bin', 'offstage.cjs')] })
        const umask = spec.umask === ownUmask ? undefined : spec.umask
        const launch = { binary, folder, socketPath, nonce, argv, env, cwd: directoryOf(spec), umask, mode: start.mode, size, startFile: paths.startFile, reserveBytes, ...limits }
        kept = await launchKeeper(launch, signal)
      } catch (cause) {
        throw new StartFailed(startProblem(cause), { cause })
      }
      crashPoint('start.launched')
      return lineTo(socketPath, folder, nonce, kept, signal)
    },

    async find(session, run, signal): Promise<Found> {
      const folder = folderOf(session, run)
      const identity = await claim(folder)
      if (!identity || identity.nonce === abandoned) return { kind: 'never' }
      const socketPath = runSocket(paths, session, run)
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(listenDeadlineMs)])
      while (!deadline.aborted && (await processRuns(identity.keeper))) {
        try {
          // Read after the connection is there: the child is known by then.
          const line = await lineTo(socketPath, folder, identity.nonce, { keeper: identity.keeper, child: { pid: 0, start: 0 } }, deadline)
          return { kind: 'live', line }
        } catch (cause) {
          signal.throwIfAborted()
          if (!deadline.aborted && !(cause instanceof KeeperUnreachable)) throw cause
          await delay(20)
        }
      }
      if (await processRuns(identity.keeper)) return { kind: 'silent' }
      return endOf(folder)
    },

    readLog: (session, run, stream, from, max) => readLog(folderOf(session, run), stream, from, max).catch((cause: unknown) => nothingIfGone(cause, from)),
    logEnd: (session, run, stream) => logEnd(folderOf(session, run), stream).catch(() => 0),

    async sync(session, run, end) {
      const key = `${session}/${run}`
      const before = synced.get(key) ?? 0
      if (end > before) synced.set(key, await syncLog(folderOf(session, run), 'out', before))
    },

    async release(session, run, signal) {
      const socketPath = runSocket(paths, session, run)
      if (!existsSync(socketPath)) return
      const folder = folderOf(session, run)
      const identity = await readIdentity(folder).catch(() => undefined)
      if (!identity || !(await processRuns(identity.keeper))) {
        await this.sweep(session, run, signal)
        return rm(socketPath, { force: true })
      }
      await using keeper = await connectKeeper(socketPath, { nonce: identity.nonce }, AbortSignal.any([signal, AbortSignal.timeout(listenDeadlineMs)]))
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(leaveDeadlineMs)])
      const late = new Promise<void>((resolve) => deadline.addEventListener('abort', () => resolve(), { once: true }))
      if (!keeper.hello.exit) {
        await this.sweep(session, run, signal)
        await Promise.race([keeper.exited, late])
      }
      await inTurn(folder, async () => {
        await noteLeft(folder, identity.keeper)
        keeper.collect()
      })
      await Promise.race([keeper.closed, late])
    },

    async logBytes(session, runs, drop = false) {
      let bytes = 0
      for (let run = 1; run <= runs; run++) {
        const folder = folderOf(session, run)
        for (const name of await readdir(folder).catch(() => [])) {
          if (!/^(?:(?:out|err|in)\.\d+|screen)$/.test(name)) continue
          bytes += (await stat(join(folder, name))).size
          if (drop) await rm(join(folder, name))
        }
      }
      return bytes
    },

    async processes(session, run) {
      const tree = await treeOf(session, run)
      return tree ? (await findTree(tree)).map(({ stat }) => ({ pid: stat.pid, start: stat.start })) : []
    },

    async sweep(session, run, signal) {
      const { tree, ended, left } = await inTurn(folderOf(session, run), async () => {
        const tree = await treeOf(session, run)
        return { tree, ...(tree ? await sweep(tree, {}, signal) : { ended: [], left: [] }) }
      })
      if (left.length > 0) throw new Error(`these processes could not be ended: ${left.join(', ')}`)
      if (tree?.keeper && tree.tag === undefined) await seeOff(tree.keeper, signal)
      return ended.length
    },
  }
}

/** How a run ended whose keeper is gone. */
export async function endOf(folder: string): Promise<Extract<Found, { kind: 'ended' }>> {
  const ended = await readExit(folder)
  const before = await machineAt(folder)
  const restarted = before.boot !== undefined && before.boot !== (await bootId())
  const cause = restarted ? 'the machine was restarted' : 'its keeper ended unexpectedly'
  return { kind: 'ended', cause, ...(ended ? { exit: { exit: await exitOf(ended.exit, folder), outEnd: ended.ends.out, errEnd: ended.ends.err } } : {}) }
}

/** Everything by which a process of this run can be known; undefined when there never was one. Without a tag where the folder does not tell who keeps it. */
async function treeIn(folder: string, recorded: () => Kept | undefined): Promise<Tree | undefined> {
  const written = await readIdentity(folder).catch(() => undefined)
  const identity = written?.nonce === abandoned ? undefined : written
  const { keeper, child } = identity ?? recorded() ?? {}
  if (!keeper) return undefined
  const tag = identity ? { tag: identity.nonce } : {}
  return { ...(child ? { pgid: child.pid, sid: child.pid, leaderStart: child.start } : {}), keeper, ...tag, known: await leftIn(folder) }
}

/** Who is left when a program has ended and its keeper leaves. They may have no group, parent or tag any more by which they could be found. */
interface Left {
  readonly boot: string
  readonly processes: readonly ProcessIdentity[]
}

/** What is left is not ended with the program: a server that somebody started may be meant to stay. But it is known to whoever ends the session, or starts the next run. */
async function noteLeft(folder: string, keeper: ProcessIdentity): Promise<void> {
  // Elsewhere nobody falls to a keeper.
  if (process.platform !== 'linux' || !mayHaveChildren(keeper.pid)) return
  try {
    const found = await findTree({ keeper })
    const boot = found.length > 0 ? await bootId() : undefined
    if (boot === undefined) return
    const left: Left = { boot, processes: found.map(({ stat: { pid, start } }) => ({ pid, start })) }
    writeFileSync(join(folder, leftFile), `${JSON.stringify(left)}\n`, { mode: 0o600 })
  } catch {
    // No room, or no folder any more: the keeper leaves all the same.
  }
}

async function leftIn(folder: string): Promise<readonly ProcessIdentity[]> {
  try {
    const { boot, processes } = JSON.parse(await readFile(join(folder, leftFile), 'utf8')) as Left
    return boot === (await bootId()) ? processes : []
  } catch {
    return []
  }
}

/** A keeper whose folder is gone leaves by itself when its program has ended and nobody is connected. One that does not, nobody else can end: it hears no other signal. */
async function seeOff(keeper: ProcessIdentity, signal: AbortSignal): Promise<void> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(homelessDeadlineMs)])
  while (!deadline.aborted && (await processRuns(keeper))) await delay(20)
  await sweep({ known: [keeper] }, { graceMs: 0 }, signal)
}

/** What the machine was like when the run was started. */
interface Machine {
  readonly boot?: string | undefined
  readonly oomKills?: number | undefined
}

const machineAt = async (folder: string): Promise<Machine> => {
  try {
    return (JSON.parse(await readFile(join(folder, specFile), 'utf8')) as { machine?: Machine }).machine ?? {}
  } catch {
    return {}
  }
}

async function exitOf(status: ExitStatus, folder: string): Promise<Exit> {
  if (status.kind === 'code') return { code: status.code }
  const signal = Object.entries(constants.signals).find(([, number]) => number === status.signal)?.[0] ?? `SIG${status.signal}`
  const before = signal === 'SIGKILL' ? (await machineAt(folder)).oomKills : undefined
  return before !== undefined && ((await oomKills()) ?? 0) > before ? { signal, outOfMemory: true } : { signal }
}

/** What must stay free on the disk, so that the store can still write and the user is told: 2 % of it, at most 1 GiB. */
async function reserveOn(folder: string): Promise<number> {
  const { blocks, bsize } = await statfs(folder)
  return Math.min(1024 ** 3, Math.floor(0.02 * blocks * bsize))
}

/** Steps of a session are of the session. */
const ofSteps = (key: string): string => key.split('.', 1)[0] ?? key

/** What a program expects of the terminal that it runs in: ours, not the one of the command that started it. */
function terminalVariables(environment: Readonly<Record<string, string>>): Record<string, string> {
  return { TERM: environment.TERM && environment.TERM !== 'dumb' ? environment.TERM : 'xterm-256color' }
}

const nothingIfGone = (cause: unknown, offset: number): { offset: number; bytes: Uint8Array } => {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return { offset, bytes: new Uint8Array() }
  throw cause
}

/** Who keeps this run; if nobody does so far, nobody ever will: a keeper that is only just starting finds the folder used. */
async function claim(folder: string): ReturnType<typeof readIdentity> {
  const identity = await readIdentity(folder).catch(() => undefined)
  if (identity) return identity
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(join(folder, 'keeper'), `0 0 ${abandoned}\n`, { flag: 'wx', mode: 0o600 })
    return undefined
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return readIdentity(folder)
    throw cause
  }
}

function startProblem(cause: unknown): string {
  if (!(cause instanceof LaunchFailed)) return cause instanceof Error ? cause.message : String(cause)
  return cause.message
}

/** `whenLeft` is given what makes the keeper leave, and calls it when it may. */
async function openLine(socket: string, folder: string, nonce: string, kept: Kept, whenLeft: (leave: () => void) => Promise<void>, signal: AbortSignal): Promise<RunLine> {
  // Two connections: acknowledgements must come through while the reading one is paused.
  let held: Held | undefined
  let tellHeld: (now: Held) => void = (now) => (held = now)
  const control = await connectKeeper(socket, { nonce, role: 'daemon', onHeld: (now) => tellHeld(now) }, signal)
  const reader = await connectKeeper(socket, { nonce, role: 'daemon' }, signal).catch((cause: unknown) => {
    control.close()
    throw cause
  })
  const { hello } = reader
  const child = { pid: hello.childPid, start: hello.childStart }
  const exit = Promise.withResolvers<Awaited<RunLine['exit']>>()
  let leaving: Promise<void> | undefined
  const close = (): void => {
    control.close()
    reader.close()
  }
  return {
    kept: { keeper: kept.keeper, child },
    outEnd: hello.ends.out,
    attends: hello.attends,
    highestOrder: hello.highestIds[1],
    attach: { socket, nonce },
    exit: exit.promise,
    closed: Promise.race([reader.closed, control.closed]),
    read(from, onBytes) {
      const taken = flow(reader, onBytes)
      reader.read('out', from.out, (output) => taken(output.stream, output.offset, output.bytes))
      if (hello.mode === 'pipes') reader.read('err', from.err, (output) => taken(output.stream, output.offset, output.bytes))
      void reader.exited.then(async (end) => end && exit.resolve({ exit: await exitOf(end.exit, folder), outEnd: end.ends.out, errEnd: end.ends.err }))
    },
    unread() {
      reader.unread('out')
      reader.unread('err')
    },
    input: ({ lane, id, bytes, secret }) => control.input({ lane, id, bytes, ...(secret ? { secret } : {}) }),
    async inputHalf({ lane, id, bytes }) {
      const frame = encodeClientFrame({ type: 'input', lane, id, secret: false, close: false, bytes })
      const raw = connect(socket)
      await new Promise((resolve) => raw.write(frame.subarray(0, frame.length / 2), resolve))
    },
    resize: (columns, rows) => control.resize({ cols: columns, rows }),
    interrupt: () => control.signal(constants.signals.SIGINT, 'group'),
    onHeld(listener) {
      tellHeld = ({ on, errno }) => listener(on ? (errno === constants.errno.EFBIG ? 'limit' : 'disk') : undefined)
      if (held) tellHeld(held)
    },
    limit: (bytes) => control.limit(bytes),
    // On the connection that the output comes from: who attends is told before it.
    onAttended: (listener) => reader.onAttended(({ from, viewers }) => listener(from, viewers)),
    goodbye() {
      control.goodbye()
      reader.goodbye()
    },
    collect: () => void (leaving ??= whenLeft(() => control.collect())),
    close: () => void (leaving ? leaving.then(close) : close()),
  }
}

/** Hands bytes on in order and stops reading while too many of them are not taken. */
function flow(connection: KeeperConnection, onBytes: Parameters<RunLine['read']>[1]): Parameters<RunLine['read']>[1] {
  let waiting = 0
  return (stream, offset, bytes) => {
    waiting += bytes.length
    if (waiting > heldBytes) connection.pause()
    const taken = (): void => {
      waiting -= bytes.length
      if (waiting <= heldBytes / 2) connection.resume()
    }
    void Promise.resolve(onBytes(stream, offset, bytes)).then(taken, taken)
  }
}

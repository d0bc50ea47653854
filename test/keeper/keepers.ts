// Starts real keepers for tests, each in its own temporary folder, and leaves nothing behind: no process, no file.
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { connectKeeper, type ConnectOptions, type KeeperConnection, type KeeperExit } from '../../src/keeper/connection.ts'
import { keeperBinary } from '../../src/keeper/keeper-binary.ts'
import type { Stream } from '../../src/keeper/frames.ts'
import { launchKeeper, type KeeperIdentity, type LaunchSpec } from '../../src/keeper/launch.ts'
import { processRuns, type ProcessIdentity } from '../../src/keeper/process-stat.ts'

export const root = join(import.meta.dirname, '../..')
export const soak = process.env['SOAK'] === '1'
export const path = '/usr/local/bin:/usr/bin:/bin'
export const nonce = 'nonce-of-the-test'

const cacheDir = join(root, 'node_modules/.cache/offstage')
export const binary = await keeperBinary({ packageRoot: root, cacheDir })

export function soon(): AbortSignal {
  return AbortSignal.timeout(15_000)
}

export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'ok-'))
  return { path: folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }) }
}

/** Of tests that failed before they could clean up. */
const live = new Set<TestRun>()
afterAll(async () => {
  for (const { identity } of live) {
    if (await processRuns(identity.child)) process.kill(-identity.child.pid, 'SIGKILL')
    if (await processRuns(identity.keeper)) process.kill(identity.keeper.pid, 'SIGKILL')
  }
})

export class TestRun implements AsyncDisposable {
  readonly folder: string
  readonly socketPath: string
  readonly identity: KeeperIdentity
  readonly #own: readonly AsyncDisposable[]
  readonly #connections: KeeperConnection[] = []

  constructor(folder: string, socketPath: string, identity: KeeperIdentity, own: readonly AsyncDisposable[]) {
    this.folder = folder
    this.socketPath = socketPath
    this.identity = identity
    this.#own = own
    live.add(this)
  }

  async connect(options: Partial<ConnectOptions> = {}): Promise<KeeperConnection> {
    const connection = await connectKeeper(this.socketPath, { nonce, ...options }, soon())
    this.#connections.push(connection)
    return connection
  }

  /** Ends the child, collects, waits until the keeper is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) await connection[Symbol.asyncDispose]()
    // It may end by itself in between.
    if (await processRuns(this.identity.child)) killIfThere(-this.identity.child.pid)
    if (await processRuns(this.identity.keeper)) {
      const last = await connectKeeper(this.socketPath, { nonce }, soon()).catch(() => undefined)
      if (last === undefined) killIfThere(this.identity.keeper.pid)
      else {
        await last.exited
        last.collect()
        await last.closed
      }
    }
    await gone(this.identity.keeper)
    for (const own of this.#own) await own[Symbol.asyncDispose]()
    live.delete(this)
  }
}

export async function startRun(argv: readonly string[], spec: Partial<LaunchSpec> = {}): Promise<TestRun> {
  const own = spec.folder === undefined ? await temporaryFolder() : undefined
  const folder = spec.folder ?? own?.path ?? ''
  const socketPath = spec.socketPath ?? join(folder, 's')
  try {
    const identity = await launchKeeper({ binary, folder, socketPath, nonce, argv, env: { PATH: path }, cwd: '/', mode: 'pipes', ...spec }, soon())
    return new TestRun(folder, socketPath, identity, own ? [own] : [])
  } catch (cause) {
    await own?.[Symbol.asyncDispose]()
    throw cause
  }
}

/** All of a stream from `from` until the exit. */
export async function readAll(connection: KeeperConnection, stream: Stream = 'out', from = 0): Promise<{ bytes: Buffer; end: KeeperExit }> {
  const parts: Buffer[] = []
  let next = from
  connection.read(stream, from, ({ offset, bytes }) => {
    if (offset !== next) throw new Error(`offset ${offset} where ${next} was due`)
    next += bytes.length
    parts.push(bytes)
  })
  const end = await connection.exited
  if (end === undefined) throw new Error('the connection ended before the exit')
  return { bytes: Buffer.concat(parts), end }
}

/** Reads on until the text has come. */
export async function readUntil(connection: KeeperConnection, text: string | RegExp, stream: Stream = 'out'): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let all = ''
  connection.read(stream, 0, ({ bytes }) => {
    all += bytes.toString('latin1')
    if (typeof text === 'string' ? all.includes(text) : text.test(all)) resolve(all)
  })
  void connection.closed.then(() => reject(new Error(`ended before ${String(text)} came: ${JSON.stringify(all)}`)))
  return promise
}

/** For what nobody tells us of: a process that is not our child, a file of another process. */
export async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited too long for ${what}`)
    await new Promise((resolve) => {
      setTimeout(resolve, 3)
    })
  }
}

export async function gone(identity: ProcessIdentity): Promise<void> {
  await until(async () => !(await processRuns(identity)), `process ${identity.pid} to end`)
}

export async function cpuTicks(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'latin1')).split(') ')[1]?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}

/** Lines `from` to `to` as `seq` prints them. */
export function numbers(from: number, to: number, end = '\n'): string {
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}${end}`).join('')
}

/** A full disk cannot be had otherwise. */
export const canMount = process.platform === 'linux' && process.getuid?.() === 0 && mountWorks()

function mountWorks(): boolean {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A file system of its own; `grow` gives it 8 MiB more. */
export async function smallDisk(kilobytes = 256): Promise<{ path: string; grow(): void } & AsyncDisposable> {
  const folder = await temporaryFolder()
  const at = join(folder.path, 'disk')
  await mkdir(at)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'none', at])
  return {
    path: at,
    grow: () => {
      execFileSync('mount', ['-o', `remount,size=${kilobytes + 8192}k`, at])
    },
    [Symbol.asyncDispose]: async () => {
      execFileSync('umount', ['-l', at])
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** Lines of /proc/PID/status. */
export async function statusOf(pid: number): Promise<Map<string, string>> {
  const lines = (await readFile(`/proc/${pid}/status`, 'latin1')).split('\n')
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]))
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ESRCH')) throw cause
  }
}

// Starts one keeper for one run: hands it the launch record on a pipe, waits for its one line of answer.
// Nothing secret goes into argv or the keeper's own environment. What is launched belongs to nobody here: it outlives us.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { encodeLaunchRecord, type Keep, type LaunchRecord, type Mode, type Size } from './frames.ts'

export type LaunchSpec = {
  /** The keeper program, from keeperBinary. */
  binary: string
  /** The run folder: exists, is ours, and serves this one run only. */
  folder: string
  /** Absolute, at most 107 bytes. */
  socketPath: string
  /** Printable ASCII without blanks, 1 to 64 bytes, new for each run. */
  nonce: string
  argv: readonly string[]
  /** The whole environment of the child; nothing else is passed on. */
  env: Readonly<Record<string, string>>
  cwd: string
  /** Of the child; default: ours. */
  umask?: number | undefined
  mode: Mode
  /** Of the PTY; default 80 x 24. */
  size?: Size
  /** At least 4096; default 16 MiB, or less where `keep` needs finer pieces. */
  segmentBytes?: number
  /** The child is held while less than this is free on the disk. */
  reserveBytes?: number
  /** Absolute path of what to start when the daemon died (start-file.ts); without it nobody brings a daemon back. */
  startFile?: string
  /** Of `out`, when it is larger than both, only the first and the last bytes are kept, to whole segments. Not for a log that must be read in full. */
  keep?: Keep
  /** The same for `err`. */
  keepErr?: Keep
  /** When `out` has this many bytes and more would come, the child is held (errno EFBIG) until `connection.limit`. Default 0: no limit. */
  mostBytes?: number
}

import type { ProcessIdentity } from './process-stat.ts'
export type { ProcessIdentity }
export type KeeperIdentity = { keeper: ProcessIdentity; child: ProcessIdentity; nonce: string }
export type LaunchStep = 'spawn' | 'record' | 'folder' | 'lock' | 'used' | 'identity' | 'socket' | 'pty' | 'fork' | 'chdir' | 'exec'

const leastSegmentBytes = 4096
const defaultSegmentBytes = 16 << 20

/** The run was not started; `step` and `code` say why. The run folder must not be used again. */
export class LaunchFailed extends Error {
  override name = 'LaunchFailed'
  readonly step: LaunchStep
  readonly errno: number
  /** Such as ENOENT; undefined where the number has no name. */
  readonly code: string | undefined

  constructor(step: LaunchStep, errno: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.step = step
    this.errno = errno
    this.code = errnoName(errno)
  }
}

/** Resolves after the child's exec succeeded. Throws LaunchFailed. When `signal` aborts, whether a keeper was started is
 *  unknown: the run folder tells (readIdentity). */
export async function launchKeeper(spec: LaunchSpec, signal: AbortSignal): Promise<KeeperIdentity> {
  signal.throwIfAborted()
  const record = encodeLaunchRecord({ ...spec, ...segmentsOf(spec), size: spec.size ?? { cols: 80, rows: 24 } })
  const answer = await ask(spec, record, signal)
  const [word, ...rest] = answer.trimEnd().split(' ')
  if (word === 'ok') {
    const [pid, start, childPid, childStart] = rest.map(Number)
    if (pid !== undefined && start !== undefined && childPid !== undefined && childStart !== undefined) {
      return { keeper: { pid, start }, child: { pid: childPid, start: childStart }, nonce: spec.nonce }
    }
  }
  if (word === 'error') {
    const [step, errno, ...message] = rest
    const at = step as LaunchStep
    throw new LaunchFailed(at, Number(errno), `${tried(at, spec)}: ${message.join(' ')}`)
  }
  throw new LaunchFailed('spawn', 0, `the keeper ${spec.binary} gave no answer (${JSON.stringify(answer.slice(0, 80))})`)
}

/** Only whole segments can be removed: with eight in the last bytes, not much more than those is kept. */
function segmentsOf(spec: LaunchSpec): Pick<LaunchRecord, 'segmentBytes'> {
  if (spec.segmentBytes !== undefined) return { segmentBytes: spec.segmentBytes }
  const lasts = [spec.keep, spec.keepErr].flatMap((keep) => (keep === undefined ? [] : [Math.floor(keep.lastBytes / 8)]))
  return lasts.length === 0 ? {} : { segmentBytes: Math.max(leastSegmentBytes, Math.min(defaultSegmentBytes, ...lasts)) }
}

/** A keeper gives its child the umask that it was started with. Ours cannot be another one for a moment: whatever is written meanwhile would have that. */
function commandOf({ binary, folder, umask }: LaunchSpec): readonly [string, ...string[]] {
  if (umask === undefined) return [binary, folder]
  return ['/bin/sh', '-c', 'umask "$1" && exec "$2" "$3"', 'sh', umask.toString(8).padStart(4, '0'), binary, folder]
}

function ask(spec: LaunchSpec, record: Buffer, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const [program, ...args] = commandOf(spec)
  const started = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'], detached: true, env: {} })
  const chunks: Buffer[] = []
  // On abort the starter is left alone: killing it could not undo what it has begun.
  const onAbort = (): void => {
    started.stdin.destroy()
    started.stdout.destroy()
    reject(signal.reason)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  started.once('error', (cause: NodeJS.ErrnoException) => {
    reject(new LaunchFailed('spawn', Math.abs(cause.errno ?? 0), `the keeper ${spec.binary} cannot be run: ${cause.code ?? cause.message}`, { cause }))
  })
  started.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  started.stdout.once('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
  started.stdin.on('error', () => {}) // EPIPE: it refused the record, and its answer says why
  started.stdin.end(record)
  started.unref()
  return promise.finally(() => signal.removeEventListener('abort', onAbort))
}

function tried(step: LaunchStep, spec: LaunchSpec): string {
  switch (step) {
    case 'exec':
      return `cannot run ${spec.argv[0]} in ${spec.cwd}`
    case 'chdir':
      return `cannot enter ${spec.cwd}`
    case 'socket':
      return `cannot listen on ${spec.socketPath}`
    case 'lock':
      return `another keeper holds ${spec.folder}`
    case 'used':
      return `a keeper has already run in ${spec.folder}`
    case 'folder':
    case 'identity':
      return `cannot write in ${spec.folder}`
    case 'pty':
      return `cannot open a ${spec.mode === 'pty' ? 'terminal' : 'pipe'} for ${spec.argv[0]}`
    case 'fork':
      return `cannot start a process for ${spec.argv[0]}`
    case 'record':
      return `the keeper refused the launch record for ${spec.argv[0]}`
    case 'spawn':
      return `cannot run ${spec.binary}`
    default:
      return `the keeper failed at ${String(step satisfies never)}`
  }
}

function errnoName(errno: number): string | undefined {
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0]
}

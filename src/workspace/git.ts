// The only place that runs git. Arguments are handed over as they are, no shell reads them; nothing asks for a password, opens an editor, runs a hook, or starts a process that outlives the question.
// What the caller's environment says of a repository (GIT_DIR, GIT_INDEX_FILE ...) reaches no git: which one is meant is said here, by the directory or by `vars`.

import { type ChildProcess, spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { printableLine } from '../core/terminal-text.ts'
import { hasCode } from './disk.ts'
import { WorkspaceFailed } from './workspaces.ts'

export interface GitDeps {
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface GitCall {
  readonly cwd: string
  readonly input?: Uint8Array | string
  /** Exit codes that are answers, besides 0. */
  readonly accepts?: readonly number[]
  /** Variables for git itself: GIT_INDEX_FILE, GIT_DIR ... */
  readonly vars?: Readonly<Record<string, string>>
  /** `name=value`, each as with -c. Wins over ours and the user's. */
  readonly config?: readonly string[]
  /** The user's hooks are run (a push). */
  readonly hooks?: boolean
  /** At most these many bytes are read; git is ended then, and `cut` says so. */
  readonly mostBytes?: number
  /** Given each piece as it comes; `bytes` stays empty then. */
  readonly output?: (piece: Buffer) => void | Promise<void>
}

export interface GitSaid {
  readonly exitCode: number
  readonly bytes: Buffer
  /** The same as UTF-8. */
  readonly text: string
  readonly errors: string
  readonly cut: boolean
}

type FailedKind = WorkspaceFailed['kind']

/** git ended with an error: what it was asked, where, and what it said. */
export class GitFailed extends WorkspaceFailed {
  readonly exitCode: number | undefined
  /** All that it said. */
  readonly said: string
  constructor(args: readonly string[], cwd: string, said: string, exitCode: number | undefined, more: { readonly cause?: unknown; readonly kind?: FailedKind } = {}) {
    const { kind, hint } = more.kind ? { kind: more.kind } : judge(said)
    super(kind, `git ${args[0]} failed in ${printableLine(cwd)}: ${printableLine(tellingLine(said))}`, { ...(hint !== undefined && { hint }), cause: more.cause })
    this.name = 'GitFailed'
    this.exitCode = exitCode
    this.said = said
  }
}

/** The first line that tells of an error; else the last one. */
function tellingLine(said: string): string {
  const lines = said.trim().split('\n')
  return lines.find((line) => /^(fatal|error): /.test(line)) ?? lines.at(-1) ?? ''
}

const judgements: readonly { readonly said: RegExp; readonly kind: FailedKind; readonly hint?: string }[] = [
  { said: /No space left on device|Disk quota exceeded|out of disk space/i, kind: 'full', hint: 'make room on the disk and try again' },
  { said: /\.lock'?: File exists|Another git process seems to be running/i, kind: 'busy', hint: 'another git is at work there: try again when it is done' },
  { said: /detected dubious ownership/, kind: 'impossible', hint: 'the repository belongs to another user: allow it with `git config --global --add safe.directory PATH`' },
  { said: /not a git repository|must be run in a work tree|this operation must be run in a work tree/i, kind: 'impossible' },
  { said: /^git is not installed/, kind: 'impossible', hint: 'install git, version 2.38 or newer' },
]

function judge(said: string): { readonly kind: FailedKind; readonly hint?: string } {
  const found = judgements.find((one) => one.said.test(said)) ?? { kind: 'failed' }
  // A death leaves its lock, and nobody but the user can tell.
  const lock = found.kind === 'busy' ? /'([^'\n]+\.lock)': File exists/.exec(said)?.[1] : undefined
  return lock === undefined ? found : { kind: 'busy', hint: `another git is at work there: try again when it is done; if none is, remove ${printableLine(lock)}` }
}

const quiet = { GIT_TERMINAL_PROMPT: '0', GIT_EDITOR: 'true', GIT_SEQUENCE_EDITOR: 'true', GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' }

/** Of the caller's own variables for git: how to reach others, who the user is, where the configuration lies. All others tell of a repository, or change what is printed. */
const passed =
  /^GIT_(CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+)|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM|ATTR_NOSYSTEM|EXEC_PATH|ASKPASS|SSH\w*|SSL_\w+|HTTP_\w+|PROXY_\w+|ALLOW_PROTOCOL|(AUTHOR|COMMITTER)_(NAME|EMAIL))$/

const settings: readonly string[] = [
  'core.fsmonitor=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'core.quotePath=false',
  'core.safecrlf=false',
  'core.splitIndex=false',
  'submodule.recurse=false',
  'color.ui=false',
  'commit.gpgSign=false',
  'core.pager=cat',
]

/** What is written is on the disk when git ends; one flush for all files of a call, where git can. */
export const durable: readonly string[] = ['core.fsync=loose-object,pack,pack-metadata,reference', 'core.fsyncMethod=batch']

const noHooks = 'core.hooksPath=/dev/null'

/** Of one process: a daemon that finds a hundred sessions does not begin with hundreds of gits. */
const mostAtOnce = 8
let running = 0
const waiting: (() => void)[] = []

/** Undefined: at once. */
function turnIn(signal: AbortSignal): Promise<void> | undefined {
  if (running < mostAtOnce) {
    running += 1
    return undefined
  }
  return new Promise((resolve, reject) => {
    const begin = (): void => {
      signal.removeEventListener('abort', leave)
      resolve()
    }
    const leave = (): void => {
      waiting.splice(waiting.indexOf(begin), 1)
      reject(signal.reason)
    }
    waiting.push(begin)
    signal.addEventListener('abort', leave, { once: true })
  })
}

function endTurn(): void {
  const next = waiting.shift()
  if (next) next()
  else running -= 1
}

function environmentFor(env: GitDeps['env'], vars: GitCall['vars'] = {}): Readonly<Record<string, string | undefined>> {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('GIT_') || passed.test(name))
  return { ...Object.fromEntries(kept), ...quiet, ...vars }
}

/** Resolves or rejects when git is gone, also after an abort. Throws GitFailed (a WorkspaceFailed), or the signal's reason. */
export async function runGit(deps: GitDeps, args: readonly string[], call: GitCall, signal: AbortSignal): Promise<GitSaid> {
  signal.throwIfAborted()
  // A push waits for others: nobody here waits for it.
  if (call.hooks) return runNow(deps, args, call, signal)
  const turn = turnIn(signal)
  if (turn) await turn
  try {
    return await runNow(deps, args, call, signal)
  } finally {
    endTurn()
  }
}

async function runNow(deps: GitDeps, args: readonly string[], call: GitCall, signal: AbortSignal): Promise<GitSaid> {
  const set = [...settings, ...(call.hooks ? [] : [noHooks]), ...(call.config ?? [])].flatMap((setting) => ['-c', setting])
  const child = spawn('git', [...set, ...args], { cwd: call.cwd, env: environmentFor(deps.env, call.vars), stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = new Promise<{ readonly cause?: unknown; readonly exitCode: number | null; readonly by: NodeJS.Signals | null }>((resolve) => {
    child.once('error', (cause) => resolve({ cause, exitCode: null, by: null }))
    child.once('close', (exitCode, by) => resolve({ exitCode, by }))
  })
  const stop = (): void => void child.kill('SIGTERM')
  signal.addEventListener('abort', stop, { once: true })
  try {
    const errors: Buffer[] = []
    child.stderr.on('data', (piece: Buffer) => errors.push(piece))
    // git may end before it has read all.
    child.stdin.on('error', () => {})
    child.stdin.end(call.input ?? '')
    const { pieces, cut, problem } = await outputOf(child, call)
    const { cause, exitCode, by } = await ended
    signal.throwIfAborted()
    if (problem !== undefined) throw problem
    const said = Buffer.concat(errors).toString('utf8')
    if (cause !== undefined) throw await notStarted(args, call.cwd, cause)
    if (!cut && (exitCode === null || (exitCode !== 0 && !call.accepts?.includes(exitCode))))
      throw new GitFailed(args, call.cwd, said || `it was ended by ${by ?? `exit code ${exitCode}`}`, exitCode ?? undefined)
    const bytes = Buffer.concat(pieces)
    return { exitCode: exitCode ?? 0, bytes, errors: said, cut, get text() { return bytes.toString('utf8') } } // prettier-ignore
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

async function outputOf(child: ChildProcess, call: GitCall): Promise<{ readonly pieces: readonly Buffer[]; readonly cut: boolean; readonly problem?: unknown }> {
  const pieces: Buffer[] = []
  const most = call.mostBytes ?? Number.POSITIVE_INFINITY
  let length = 0
  try {
    for await (const piece of child.stdout ?? []) {
      if (!Buffer.isBuffer(piece)) continue
      if (call.output) {
        await call.output(piece)
        continue
      }
      pieces.push(length + piece.length > most ? piece.subarray(0, most - length) : piece)
      length += piece.length
      if (length <= most) continue
      child.kill('SIGTERM')
      return { pieces, cut: true }
    }
    return { pieces, cut: false }
  } catch (problem) {
    child.kill('SIGTERM')
    return { pieces, cut: false, problem }
  }
}

/** The system says the same of a program that is missing and of a directory that is. */
async function notStarted(args: readonly string[], cwd: string, cause: unknown): Promise<GitFailed> {
  const there = await stat(cwd).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (!there) return new GitFailed(args, cwd, 'there is no such directory', undefined, { cause, kind: 'impossible' })
  const missing = hasCode(cause, 'ENOENT')
  return new GitFailed(args, cwd, missing ? 'git is not installed' : String(cause), undefined, { cause })
}

/** What git printed (UTF-8). Throws GitFailed, also when git is not installed. */
export async function git(args: readonly string[], cwd: string, env: GitDeps['env'], signal: AbortSignal): Promise<string> {
  return (await runGit({ env }, args, { cwd }, signal)).text
}

/** The files of a directory's working tree that git knows or would add, relative to it; those that differ from the index first. Throws GitFailed where there is no repository. */
export async function filesIn(directory: string, env: GitDeps['env'], signal: AbortSignal): Promise<readonly string[]> {
  const listed = await git(['ls-files', '-z', '-t', '--cached', '--modified', '--deleted', '--others', '--exclude-standard'], directory, env, signal)
  // "C path" was changed, "? path" is new, "R path" is gone; each of the index has "H path" besides.
  const entries = listed.split('\0').filter((entry) => entry !== '')
  const tagged = (tags: string): readonly string[] => entries.filter((entry) => tags.includes(entry.charAt(0))).map((entry) => entry.slice(2))
  const gone = new Set(tagged('R'))
  return [...new Set([...tagged('C?'), ...tagged('HSM')])].filter((path) => !gone.has(path))
}

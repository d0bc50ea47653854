// What the system says of a process: the start time that tells one bearer of a pid from the next, its group and session.
// Only looks; a process that is gone, or that is not ours to see, is undefined.
import { execFile } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { promisify } from 'node:util'

/** `start` as in field 22 of /proc/PID/stat; 0 where the system has none. */
export type ProcessIdentity = { pid: number; start: number }
export type ProcessStat = ProcessIdentity & { name: string; parent: number; group: number; session: number; zombie: boolean }

const hasProc = process.platform === 'linux'

export async function processStat(pid: number): Promise<ProcessStat | undefined> {
  if (!hasProc) return (await listByPs()).find((stat) => stat.pid === pid)
  const text = readOf(pid, 'stat')
  return text === undefined ? undefined : parseStat(text)
}

/** Whether exactly this process still runs; a zombie does not. */
export async function processRuns(identity: ProcessIdentity): Promise<boolean> {
  if (identity.pid <= 1) return false
  const stat = await processStat(identity.pid)
  return stat !== undefined && !stat.zombie && stat.start === identity.start
}

/** What exactly this process was started with, as long as it runs and the system shows it (Linux does, to its own user). */
export async function environmentOf(identity: ProcessIdentity): Promise<Readonly<Record<string, string>> | undefined> {
  const text = hasProc ? readOf(identity.pid, 'environ') : undefined
  if (!text || !(await processRuns(identity))) return undefined
  const pairs = Buffer.from(text, 'latin1')
    .toString()
    .split('\0')
    .flatMap((pair): [string, string][] => {
      const equals = pair.indexOf('=')
      return equals > 0 ? [[pair.slice(0, equals), pair.slice(equals + 1)]] : []
    })
  return Object.fromEntries(pairs)
}

/** All processes at one moment. What an environment says is looked up once, when it is first asked for. */
export class ProcessTable {
  /** `performance.now()` before the first look. */
  readonly atMs: number
  readonly stats: readonly ProcessStat[]
  readonly #environments = new Map<number, string>()

  private constructor(atMs: number, stats: readonly ProcessStat[]) {
    this.atMs = atMs
    this.stats = stats
  }

  /** Throws where the process table cannot be read (descriptors run out): nothing found is not the same as nothing there. */
  static async read(): Promise<ProcessTable> {
    const atMs = performance.now()
    if (!hasProc) return new ProcessTable(atMs, await listByPs())
    // Read at once: in pieces it takes three times the time, and a descriptor for each process that there is.
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    const texts = pids.map((pid) => readOf(Number(pid), 'stat')).filter((text) => text !== undefined)
    return new ProcessTable(atMs, texts.map(parseStat))
  }

  /** Whether the process was started with exactly `name=value` in its environment; false where that cannot be seen. */
  hasEnvironment(pid: number, name: string, value: string): boolean {
    if (!hasProc) return false
    const environment = this.#environments.get(pid) ?? readOf(pid, 'environ') ?? ''
    this.#environments.set(pid, environment)
    return `\0${environment}\0`.includes(`\0${name}=${value}\0`)
  }
}

let newest: Promise<ProcessTable> | undefined

/** A table that was read after this moment (`performance.now()`). Whoever asks at the same time shares one, so that ending a hundred trees at once looks no more often than ending one. */
export async function processTableAfter(momentMs: number): Promise<ProcessTable> {
  for (;;) {
    const shared = newest
    const table = await shared?.catch(() => undefined)
    if (table && table.atMs > momentMs) return table
    // A look that failed is told to whoever asked for it; the next one looks again.
    if (newest === shared) return (newest = ProcessTable.read())
  }
}

export const listProcesses = async (): Promise<readonly ProcessStat[]> => (await ProcessTable.read()).stats

/** Undefined for a process that is gone or not ours to see; throws for everything else. */
function readOf(pid: number, file: 'stat' | 'environ'): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return undefined
    throw cause
  }
}

function parseStat(text: string): ProcessStat {
  // The name is in brackets and may itself hold brackets and blanks.
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  const [state, parent, group, session, ...rest] = text.slice(close + 2).split(' ')
  return {
    pid: Number(text.slice(0, open)),
    name: text.slice(open + 1, close),
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    zombie: state === 'Z' || state === 'X',
    start: Number(rest[15]),
  }
}

async function listByPs(): Promise<ProcessStat[]> {
  // macOS prints `sess` as an address, and 0 in newer versions: there only the group tells.
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,ppid=,pgid=,sess=,stat=,comm='])
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, group, session, state, name] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s+(.*)$/.exec(line) ?? []
    if (pid === undefined) return []
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        group: Number(group),
        session: Number(session) || 0,
        zombie: state?.startsWith('Z') === true,
        name: name ?? '',
        start: 0,
      },
    ]
  })
}

// What the system says of a process: the start time that tells one bearer of a pid from the next, its group and session.
// Only looks; a process that is gone, or that is not ours to see, is undefined.
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** `start` as in field 22 of /proc/PID/stat; 0 where the system has none. */
export type ProcessIdentity = { pid: number; start: number }
export type ProcessStat = ProcessIdentity & { name: string; parent: number; group: number; session: number; zombie: boolean }

const hasProc = process.platform === 'linux'

export async function processStat(pid: number): Promise<ProcessStat | undefined> {
  if (!hasProc) return (await listByPs()).find((stat) => stat.pid === pid)
  try {
    return parseStat(await readFile(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return undefined
  }
}

/** Whether exactly this process still runs; a zombie does not. */
export async function processRuns(identity: ProcessIdentity): Promise<boolean> {
  if (identity.pid <= 1) return false
  const stat = await processStat(identity.pid)
  return stat !== undefined && !stat.zombie && stat.start === identity.start
}

export async function listProcesses(): Promise<ProcessStat[]> {
  if (!hasProc) return listByPs()
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const stats = await Promise.all(pids.map((pid) => processStat(Number(pid))))
  return stats.filter((stat) => stat !== undefined)
}

/** Whether the process was started with exactly `name=value` in its environment; false where that cannot be seen. */
export async function hasEnvironment(pid: number, name: string, value: string): Promise<boolean> {
  if (!hasProc) return false
  const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
  return `\0${environ}\0`.includes(`\0${name}=${value}\0`)
}

function parseStat(text: string): ProcessStat | undefined {
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

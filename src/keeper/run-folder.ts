// Reads a run folder without its keeper: who it was, how it ended, what it logged. Never writes a byte there; `syncLog`
// only asks the disk to keep what is written. Formats: docs/keeper-protocol.md.
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { connectKeeper, KeeperUnreachable } from './connection.ts'
import type { Ends, ExitStatus, Lane, Stream } from './frames.ts'
import { processRuns, type ProcessIdentity } from './process-stat.ts'

export type LogName = Stream | 'in'
export type RunIdentity = { keeper: ProcessIdentity; nonce: string; /** Absent until there is one. */ child?: ProcessIdentity }
export type RunExit = { exit: ExitStatus; ends: Ends }
export type InputRecord = {
  lane: Lane
  id: number
  length: number
  close: boolean
  /** End of the output log when it was accepted. */
  outOffset: number
  /** Absent for a PTY's input and for secrets. */
  bytes?: Buffer
}
type Segment = { start: number; path: string }

/** Undefined while no keeper has written who it is. */
export async function readIdentity(folder: string): Promise<RunIdentity | undefined> {
  const keeper = /^(\d+) (\d+) (\S+)(?: .*)?\n/.exec(await readText(join(folder, 'keeper')))
  if (keeper === null) return undefined
  const identity = { keeper: { pid: Number(keeper[1]), start: Number(keeper[2]) }, nonce: keeper[3] ?? '' }
  const child = /^(\d+) (\d+)(?: .*)?\n/.exec(await readText(join(folder, 'child')))
  return child === null ? identity : { ...identity, child: { pid: Number(child[1]), start: Number(child[2]) } }
}

/** Whether that very keeper lives: its pid bears the start time, and who answers on the socket knows the nonce. */
export async function keeperAlive(identity: RunIdentity, socketPath: string, signal: AbortSignal): Promise<boolean> {
  if (!(await processRuns(identity.keeper))) return false
  try {
    const connection = await connectKeeper(socketPath, { nonce: identity.nonce }, signal)
    connection.close()
    return true
  } catch (cause) {
    if (cause instanceof KeeperUnreachable) return false
    throw cause
  }
}

/** Undefined while the child lives, or for ever if its keeper died first. */
export async function readExit(folder: string): Promise<RunExit | undefined> {
  const match = /^(code|signal) (\d+) (\d+) (\d+)(?: .*)?\n/.exec(await readText(join(folder, 'exit')))
  if (match === null) return undefined
  const exit: ExitStatus = match[1] === 'code' ? { kind: 'code', code: Number(match[2]) } : { kind: 'signal', signal: Number(match[2]) }
  return { exit, ends: { out: Number(match[3]), err: Number(match[4]) } }
}

/** Where the next byte would go; 0 without a log. After a power cut the last bytes before it may be NUL or missing. */
export async function logEnd(folder: string, log: LogName): Promise<number> {
  for (;;) {
    const newest = (await segmentsOf(folder, log)).at(-1)
    if (newest === undefined) return 0
    const size = await sizeIfThere(newest.path)
    if (size !== undefined) return newest.start + size
  }
}

/** Up to `maxBytes` from `from` on; fewer only at the end of the log, or before a trimmed part. `offset` is greater than
 *  `from` where the log was trimmed. */
export async function readLog(folder: string, log: LogName, from: number, maxBytes: number): Promise<{ offset: number; bytes: Buffer }> {
  const parts: Buffer[] = []
  let offset = from
  let at = from
  let left = maxBytes
  for (const segment of await segmentsOf(folder, log)) {
    if (left === 0) break
    const size = await sizeIfThere(segment.path)
    if (size === undefined || segment.start + size <= at) continue
    if (segment.start > at && parts.length > 0) break
    const begin = Math.max(at, segment.start)
    const bytes = await readPart(segment.path, begin - segment.start, Math.min(left, segment.start + size - begin))
    if (bytes === undefined) continue
    if (parts.length === 0) offset = at = begin
    parts.push(bytes)
    at += bytes.length
    left -= bytes.length
  }
  return { offset, bytes: Buffer.concat(parts) }
}

/** All input the keeper accepted, in order of acceptance; a last record that a crash cut short is left out. */
export async function readInputs(folder: string): Promise<InputRecord[]> {
  const records: InputRecord[] = []
  for (const segment of await segmentsOf(folder, 'in')) parseInputs(await readFile(segment.path), records)
  return records
}

/** Puts the log on disk, from byte `from` (what an earlier call returned, or 0) to its end, which is returned. */
export async function syncLog(folder: string, log: LogName, from: number): Promise<number> {
  const end = await logEnd(folder, log)
  const segments = await segmentsOf(folder, log)
  const touched = segments.filter((segment, index) => (segments[index + 1]?.start ?? Infinity) > from)
  for (const segment of touched) await synced(segment.path, 'data').catch(unlessGone)
  if (from === 0 || touched.length > 1) await synced(folder, 'all')
  return end
}

async function segmentsOf(folder: string, log: LogName): Promise<Segment[]> {
  const pattern = new RegExp(`^${log}\\.(\\d{20})$`)
  return (await readdir(folder))
    .flatMap((name) => {
      const match = pattern.exec(name)
      return match === null ? [] : [{ start: Number(match[1]), path: join(folder, name) }]
    })
    .toSorted((a, b) => a.start - b.start)
}

// A keeper that keeps only the first and the last bytes removes segments while we look.
async function readPart(path: string, position: number, length: number): Promise<Buffer | undefined> {
  const opened = await open(path).catch(unlessGone)
  if (opened === undefined) return undefined
  await using file = opened
  const bytes = Buffer.alloc(length)
  let at = 0
  while (at < length) {
    const { bytesRead } = await file.read(bytes, at, length - at, position + at)
    if (bytesRead === 0) break
    at += bytesRead
  }
  return bytes.subarray(0, at)
}

async function synced(path: string, what: 'data' | 'all'): Promise<void> {
  await using file = await open(path)
  await (what === 'data' ? file.datasync() : file.sync())
}

function parseInputs(text: Buffer, into: InputRecord[]): void {
  let at = 0
  for (;;) {
    const line = text.indexOf(0x0a, at)
    if (line < 0) return
    const match = /^([0-3]) (\d+) (\d+) (\d+) (\d+)(?: .*)?$/.exec(text.toString('latin1', at, line))
    if (match === null) return
    const length = Number(match[3])
    const flags = Number(match[4])
    const kept = (flags & 1) === 0
    const end = line + 1 + (kept ? length : 0)
    if (text[end] !== 0x0a) return
    const record: InputRecord = {
      lane: Number(match[1]) as Lane,
      id: Number(match[2]),
      length,
      close: (flags & 2) !== 0,
      outOffset: Number(match[5]),
    }
    into.push(kept ? { ...record, bytes: text.subarray(line + 1, end) } : record)
    at = end + 1
  }
}

async function readText(path: string): Promise<string> {
  return (await readFile(path, 'latin1').catch(unlessGone)) ?? ''
}

async function sizeIfThere(path: string): Promise<number | undefined> {
  return (await stat(path).catch(unlessGone))?.size
}

function unlessGone(cause: unknown): undefined {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
  throw cause
}

// Files that an agent asks Offstage to read or write. Inside is what lies in the workspace after every symbolic link is followed; anything else needs a person's approval, which is
// for the one place where the path really led when it was asked.
// Never changes a file in place: a reader, or a crash, meets the old text or the new one, whole.

import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readlink, realpath, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import type { FileResult } from '../core/file-result.ts'
import { printableLine } from '../core/terminal-text.ts'
import { codeOf, hasCode, syncFolder } from './disk.ts'

/** Of what is given to the agent at a time; a longer file can be read in parts. */
const longestTextBytes = 10_000_000
const chunkBytes = 65_536
const mostLinks = 40

const LF = 0x0a

export interface Lines {
  /** The first one, counted from 1. */
  readonly line?: number
  readonly limit?: number
}

/** The text of a file, whole or some lines of it with their own line ends. Relative paths begin at `root`. `approved`: the `place` of the result `outside` that a person allowed.
 *  Rejects only with the signal's reason. */
export async function readInside(root: string, path: string, lines: Lines, approved: string | undefined, signal: AbortSignal): Promise<FileResult> {
  return attempt('read', path, signal, async () => {
    const { real, outside } = await placeOf(root, path, approved)
    if (outside) return { kind: 'outside', place: real }
    // Not to hang at the other end of a named pipe.
    await using file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    if (!(await file.stat()).isFile()) throw new Unfit('it is not a file')
    const bytes = await readLines(file, Math.max(1, lines.line ?? 1), lines.limit ?? Number.POSITIVE_INFINITY, signal)
    return { kind: 'done', content: decode(bytes) }
  })
}

/** Replaces the text of a file, or makes it and its folders. Given twice, it is written twice, with the same result. Rejects only with the signal's reason. */
export async function writeInside(root: string, path: string, content: string, approved: string | undefined, signal: AbortSignal): Promise<FileResult> {
  return attempt('write', path, signal, async () => {
    const { real, outside } = await placeOf(root, path, approved)
    if (outside) return { kind: 'outside', place: real }
    await inTurn(real, () => replace(real, content, signal))
    return { kind: 'done' }
  })
}

/** The file cannot be used for this; the message continues "cannot read x: ". */
class Unfit extends Error {}

async function attempt(verb: 'read' | 'write', path: string, signal: AbortSignal, perform: () => Promise<FileResult>): Promise<FileResult> {
  signal.throwIfAborted()
  try {
    return await perform()
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    return { kind: 'failed', message: `cannot ${verb} ${printableLine(path)}: ${reasonOf(cause)}` }
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the disk quota is used up',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'no such file',
  ENOSPC: 'no space is left',
  ENOTDIR: 'a part of the path is not a folder',
  EPERM: 'not permitted',
  EROFS: 'it is on a read-only disk',
  ERR_INVALID_ARG_VALUE: 'no file has such a name',
}

function reasonOf(cause: unknown): string {
  if (cause instanceof Unfit) return cause.message
  const code = codeOf(cause)
  return (code && reasons[code]) ?? code ?? String(cause)
}

/** Where the file really is or would be, and whether that is outside and nobody approved it. Whether something outside exists is not told: what cannot be looked at is outside
 *  as it is named. */
async function placeOf(root: string, path: string, approved: string | undefined): Promise<{ readonly real: string; readonly outside: boolean }> {
  const base = await realpath(root)
  const wanted = resolve(base, path)
  let real: string
  try {
    real = await realPlace(wanted, 0)
  } catch (cause) {
    if (approved !== undefined || isWithin(base, wanted)) throw cause
    return { real: wanted, outside: true }
  }
  if (approved !== undefined && approved !== real) throw new Unfit('it leads to another place now than the one that was allowed')
  return { real, outside: approved === undefined && !isWithin(base, real) }
}

const isWithin = (base: string, real: string): boolean => real === base || real.startsWith(base.endsWith(sep) ? base : base + sep)

/** As realpath, also of what does not exist yet: then of the nearest parent that does. A link that leads nowhere is followed to where it leads. */
async function realPlace(path: string, links: number): Promise<string> {
  try {
    return await realpath(path)
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT') || dirname(path) === path) throw cause
  }
  if (links > mostLinks) throw new Unfit(reasons['ELOOP'])
  const parent = await realPlace(dirname(path), links)
  const here = join(parent, basename(path))
  const target = await readlink(here).catch(() => undefined)
  return target === undefined ? here : realPlace(resolve(parent, target), links + 1)
}

async function readLines(file: FileHandle, first: number, limit: number, signal: AbortSignal): Promise<Uint8Array> {
  const kept: Uint8Array[] = []
  let length = 0
  let line = 1
  const end = first + limit
  while (line < end) {
    signal.throwIfAborted()
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes)
    if (bytesRead === 0) break
    let from = line < first ? bytesRead : 0
    let to = 0
    while (to < bytesRead && line < end) {
      const lineEnd = buffer.subarray(0, bytesRead).indexOf(LF, to)
      to = lineEnd === -1 ? bytesRead : lineEnd + 1
      if (lineEnd === -1) break
      line += 1
      if (line === first) from = to
    }
    if (to <= from) continue
    length += to - from
    if (length > longestTextBytes) throw new Unfit(`it is longer than ${longestTextBytes / 1_000_000} MB: read it in parts, by line and limit`)
    kept.push(buffer.subarray(from, to))
  }
  return Buffer.concat(kept)
}

function decode(bytes: Uint8Array): string {
  try {
    // With its byte order mark, so that what is read and written again is the same.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Unfit('it is not text (UTF-8)')
  }
}

const writing = new Map<string, Promise<void>>()

/** Two writes of one file, one after the other: they share the name of the temporary file. */
async function inTurn(real: string, write: () => Promise<void>): Promise<void> {
  const turn = (writing.get(real) ?? Promise.resolve()).then(write, write)
  writing.set(real, turn)
  try {
    await turn
  } finally {
    if (writing.get(real) === turn) writing.delete(real)
  }
}

async function replace(real: string, content: string, signal: AbortSignal): Promise<void> {
  const old = await lstat(real).catch((cause: unknown) => {
    if (hasCode(cause, 'ENOENT')) return undefined
    throw cause
  })
  if (old?.isDirectory()) throw new Unfit(reasons['EISDIR'])
  if (old && !old.isFile()) throw new Unfit('it is not a file')
  // A rename would pass over the file's own permission.
  if (old) await (await open(real, constants.O_WRONLY | constants.O_NOFOLLOW)).close()
  const folder = dirname(real)
  await mkdir(folder, { recursive: true })
  if ((await realpath(folder)) !== folder) throw new Unfit('its folder was changed meanwhile')
  signal.throwIfAborted()
  // Always the same name for the same file: what a crash left is taken away when the write is repeated.
  const temporary = join(folder, `.offstage-${createHash('sha256').update(real).digest('hex').slice(0, 16)}.tmp`)
  const file = await openNew(temporary, old ? 0o600 : 0o666)
  try {
    try {
      await file.writeFile(content)
      if (old) await file.chmod(old.mode & 0o7777)
      await file.sync()
    } finally {
      await file.close()
    }
    signal.throwIfAborted()
    await rename(temporary, real)
  } catch (cause) {
    await unlink(temporary).catch(() => {}) // it was never made, or somebody was quicker
    throw cause
  }
  await syncFolder(folder)
}

async function openNew(path: string, mode: number): Promise<FileHandle> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  try {
    return await open(path, flags, mode)
  } catch (cause) {
    if (!hasCode(cause, 'EEXIST')) throw cause
  }
  await unlink(path)
  return open(path, flags, mode)
}

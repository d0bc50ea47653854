// What there is in a working tree that the index does not have, or has otherwise. Looks only. Names are git's bytes, one UTF-16 unit each (latin1), as they are cut at slashes and compared.

import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from './disk.ts'
import { type OpenTree, type TreeDeps } from './open-tree.ts'
import { runGit } from './git.ts'
import { nulPieces, pathText } from './paths.ts'
import type { TreePath } from '../core/workspace.ts'

export type Name = string

export const nameOf = (bytes: Uint8Array): Name => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
export const bytesOf = (name: Name): Buffer => Buffer.from(name, 'latin1')
export const textOf = (name: Name): TreePath => pathText(bytesOf(name))
export const listOf = (names: readonly Name[]): Buffer => Buffer.from(names.map((name) => `${name}\0`).join(''), 'latin1')
/** On the disk. */
export const at = (top: string, name: Name): Buffer => Buffer.concat([Buffer.from(`${top}/`), bytesOf(name)])

export interface LeftOut {
  readonly name: Name
  readonly why: string
  /** Bytes are missed: not so of a socket. */
  readonly hasBytes: boolean
}

export interface Look {
  /** Gone from the disk. */
  readonly removed: readonly Name[]
  /** Changed, new, or flagged: to be looked at by git. */
  readonly written: readonly Name[]
  /** Entries that git was told not to look at, and that are there. */
  readonly flagged: readonly Name[]
  readonly unmerged: readonly Name[]
  /** The index is not as HEAD. */
  readonly staged: boolean
  /** Repositories inside: populated submodules that are not as the index has them, and others. */
  readonly inside: readonly { readonly name: Name; readonly kind: 'submodule' | 'other' }[]
  /** Ignored files and, with a slash at the end, folders. */
  readonly ignored: readonly Name[]
  readonly leftOut: readonly LeftOut[]
  /** Some name ends in `.gitattributes`. */
  readonly hasAttributes: boolean
}

/** What the disk is like is asked of the disk: by a setting of another one, git passes over `README` beside `readme`.
 *  `strict`: a file counts as unchanged only where all that the disk says of it is as it was, whatever the user's settings say. */
export async function settingsFor({ top, isPrivate }: OpenTree, strict: boolean): Promise<readonly string[]> {
  const tellsCase = !isPrivate && !(await lstat(join(top, '.GIT')).catch(() => undefined))
  return [...(tellsCase ? ['core.ignoreCase=false'] : []), ...(strict ? ['core.trustCtime=true', 'core.checkStat=default'] : [])]
}

/** `index`: a copy of the tree's own. git writes into it what it learns of the files. */
export async function lookAt(deps: TreeDeps, tree: OpenTree, index: string, settings: readonly string[], signal: AbortSignal): Promise<Look> {
  const call = { cwd: tree.top, vars: { ...tree.vars, GIT_INDEX_FILE: index }, config: settings }
  const status = ['status', '--porcelain=v2', '-z', '--untracked-files=all', '--ignored=matching', '--no-renames', '--ignore-submodules=none', '--no-ahead-behind']
  const [listed, entries] = await Promise.all([
    runGit(deps, status, { ...call, vars: { ...call.vars, GIT_OPTIONAL_LOCKS: '1' } }, signal),
    runGit(deps, ['ls-files', '-z', '-v'], call, signal),
  ])
  const found = {
    removed: [] as Name[],
    written: [] as Name[],
    unmerged: [] as Name[],
    untracked: [] as Name[],
    ignored: [] as Name[],
    inside: [] as { name: Name; kind: 'submodule' | 'other' }[],
  }
  let staged = false
  for (const piece of nulPieces(listed.bytes)) {
    const line = nameOf(piece)
    const kind = line.charAt(0)
    if (kind === '?') found.untracked.push(line.slice(2))
    else if (kind === '!') found.ignored.push(line.slice(2))
    else if (kind === '1' || kind === 'u') {
      const name = afterSpaces(line, kind === '1' ? 8 : 10)
      const [, xy = '..', sub = 'N...', , , fifth, sixth] = line.split(' ', 7)
      // Behind the modes of HEAD and the index, or of three stages.
      const inTree = kind === '1' ? fifth : sixth
      if (kind === 'u') found.unmerged.push(name)
      else if (xy.charAt(0) !== '.') staged = true
      if (sub.startsWith('S') && sub !== 'S...' && inTree === '160000') found.inside.push({ name, kind: 'submodule' })
      const isChanged = kind === 'u' || xy.charAt(1) !== '.'
      // Of a submodule git keeps the commit alone; its files are another repository's.
      if (isChanged && (!sub.startsWith('S') || inTree !== '160000' || sub.charAt(1) === 'C')) (inTree === '000000' ? found.removed : found.written).push(name)
    }
  }
  const flagged = await flaggedOnDisk(tree.top, entries.bytes)
  const { written, leftOut } = await newFiles(deps, tree.top, found.untracked, found.inside)
  const hasAttributes = entries.bytes.includes('.gitattributes\0') || written.some((name) => name.endsWith('.gitattributes'))
  return {
    ...found,
    written: [...found.written, ...flagged.filter((name) => !found.written.includes(name)), ...written],
    flagged,
    staged: staged || found.unmerged.length > 0,
    leftOut,
    hasAttributes,
  }
}

function afterSpaces(line: string, count: number): string {
  let from = 0
  for (let seen = 0; seen < count; seen += 1) from = line.indexOf(' ', from) + 1
  return line.slice(from)
}

/** Assumed unchanged, or left out of a sparse checkout and there all the same. */
async function flaggedOnDisk(top: string, listed: Buffer): Promise<readonly Name[]> {
  const flagged = nulPieces(listed).filter((piece) => piece[0] !== 0x48 && piece[0] !== 0x4d)
  const found: Name[] = []
  // A folder that is not there has nothing in it.
  const folders = new Map<string, Promise<boolean>>()
  const isFolder = async (name: Name): Promise<boolean> => {
    const found = await lstat(at(top, name)).catch(() => undefined)
    return found !== undefined && !found.isSymbolicLink() && found.isDirectory()
  }
  for (const piece of flagged) {
    const name = nameOf(piece.subarray(2))
    const folder = name.slice(0, Math.max(0, name.lastIndexOf('/')))
    let there = folders.get(folder)
    if (there === undefined) folders.set(folder, (there = folder === '' ? Promise.resolve(true) : isFolder(folder)))
    // Also a small letter tells of one that is gone: git is not to be told of its absence, it was told to leave it alone.
    if ((await there) && (await lstat(at(top, name)).catch(() => undefined))) found.push(name)
  }
  return found
}

async function newFiles(
  { limits }: TreeDeps,
  top: string,
  untracked: readonly Name[],
  inside: { name: Name; kind: 'submodule' | 'other' }[],
): Promise<{ readonly written: readonly Name[]; readonly leftOut: readonly LeftOut[] }> {
  const written: Name[] = []
  const leftOut: LeftOut[] = []
  const looked = await inChunks(untracked, async (name) => ({ name, stat: name.endsWith('/') ? undefined : await lstat(at(top, name)).catch(ifUnreadable) }))
  for (const { name, stat } of looked) {
    if (name.endsWith('/')) inside.push({ name: name.slice(0, -1), kind: 'other' })
    else if (stat === 'cannot be read') leftOut.push({ name, why: stat, hasBytes: true })
    else if (stat && stat.size > limits.fileBytes) leftOut.push({ name, why: tooLarge(stat.size), hasBytes: true })
    else if (stat) written.push(name)
  }
  return { written, leftOut }
}

/** Of what is there and cannot be looked at. */
export const ifUnreadable = (cause: unknown): 'cannot be read' | undefined => (isMissing(cause) ? undefined : 'cannot be read')

/** Why an ignored folder is in no snapshot. */
export const byRule = 'a rule: it can be made again'
export const tooLarge = (bytes: number): string => `too large: ${bytes >= 1024 ** 2 ? `${Math.round(bytes / 1024 ** 2)} MiB` : `${Math.ceil(bytes / 1024)} KiB`}`

export async function inChunks<One, Other>(all: readonly One[], each: (one: One) => Promise<Other>, size = 256): Promise<readonly Other[]> {
  const done: Other[] = []
  for (let from = 0; from < all.length; from += size) done.push(...(await Promise.all(all.slice(from, from + size).map(each))))
  return done
}

export interface Walked {
  readonly emptyFolders: readonly Name[]
  /** Folders below the top that have a `.git`. */
  readonly repositories: readonly Name[]
  readonly leftOut: readonly LeftOut[]
}

/** What git does not speak of: empty folders; sockets, pipes and devices; folders that cannot be read. `passed`: with a slash at the end; not gone into. */
export async function walk(top: string, passed: ReadonlySet<Name>, signal: AbortSignal): Promise<Walked> {
  const emptyFolders: Name[] = []
  const repositories: Name[] = []
  const leftOut: LeftOut[] = []
  const visit = async (folder: Name): Promise<void> => {
    signal.throwIfAborted()
    const entries = await readdir(folder === '' ? Buffer.from(top) : at(top, folder), { withFileTypes: true, encoding: 'buffer' }).catch((cause: unknown) => {
      if (isMissing(cause)) return undefined
      leftOut.push({ name: folder, why: 'cannot be read', hasBytes: true })
      return undefined
    })
    if (entries?.length === 0 && folder !== '') emptyFolders.push(folder.slice(0, -1))
    const deeper: Name[] = []
    for (const entry of entries ?? []) {
      const name = folder + nameOf(entry.name)
      const isGit = nameOf(entry.name) === '.git'
      if (isGit && folder !== '') repositories.push(folder.slice(0, -1))
      if (entry.isDirectory()) {
        if (!isGit && !passed.has(`${name}/`)) deeper.push(`${name}/`)
      } else if (!entry.isFile() && !entry.isSymbolicLink())
        leftOut.push({ name, why: entry.isFIFO() ? 'a named pipe' : entry.isSocket() ? 'a socket' : 'a device', hasBytes: false })
    }
    await Promise.all(deeper.map(visit))
  }
  await visit('')
  return { emptyFolders: emptyFolders.toSorted(), repositories, leftOut }
}

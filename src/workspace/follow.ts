// Whether a user's working tree can follow its branch to another commit: what differs between the two has to be clean in the index and on the disk, and nothing may lie where a file is to come.
// Looks, and changes nothing: what it says is true of one moment, and is said again under git's own lock before anything is moved (landing.ts).

import { type BigIntStats, constants } from 'node:fs'
import { access, lstat, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { printableLine } from '../core/terminal-text.ts'
import type { ObjectId } from '../core/workspace.ts'
import { ifMissing } from './disk.ts'
import { type GitDeps, runGit } from './git.ts'
import { copyIndex } from './index-copy.ts'
import { type Name, at, nameOf, textOf } from './look.ts'
import { parentsOf } from './on-disk.ts'
import { nulList, nulPieces } from './paths.ts'
import { WorkspaceFailed } from './workspaces.ts'

/** A working tree and the git directory that is its own. */
export interface TreePlace {
  readonly top: string
  readonly gitDir: string
}

export interface Change {
  readonly name: Name
  /** Octal; `000000`: there is none. */
  readonly oldMode: string
  readonly newMode: string
  readonly oldId: ObjectId
}

/** A file that was clean, by what tells whether it was written since. */
export type Seen = ReadonlyMap<Name, string>

export const none = '000000'
export const submodule = '160000'

/** What the disk says of a file; undefined where there is none. */
export const looked = (path: Buffer): Promise<BigIntStats | undefined> => lstat(path, { bigint: true }).catch(ifMissing(undefined))

/** Of one that has other names, the time of its last change also tells that one of those was taken away. */
export const stamp = ({ ino, size, mtimeNs, ctimeNs, mode, nlink }: BigIntStats, hasNames = nlink > 1n): string =>
  [ino, size, mtimeNs, hasNames ? 'linked' : ctimeNs, mode].join(' ')
export const isAs = (found: BigIntStats, was: string): boolean => stamp(found) === was || stamp(found, true) === was

export async function placeOfTree(deps: GitDeps, tree: string, signal: AbortSignal): Promise<TreePlace> {
  const { text } = await runGit(deps, ['rev-parse', '--absolute-git-dir'], { cwd: tree }, signal)
  return { top: tree, gitDir: text.replace(/\n$/, '') }
}

const operations: readonly (readonly [file: string, name: string])[] = [
  ['rebase-merge', 'rebase'],
  ['rebase-apply', 'rebase'],
  ['MERGE_HEAD', 'merge'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ['REVERT_HEAD', 'revert'],
  ['sequencer', 'cherry-pick'],
  ['BISECT_LOG', 'bisect'],
]

/** Of git's, begun in this tree and not over: rebase, merge, ... */
export async function operationIn(gitDir: string): Promise<string | undefined> {
  const found = await Promise.all(operations.map(async ([file, name]) => ((await looked(Buffer.from(join(gitDir, file)))) ? name : undefined)))
  return found.find((name) => name !== undefined)
}

/** Branches (full names) that a rebase or bisect in this tree will come back to, though HEAD is not on them. */
export async function branchesHeld(gitDir: string): Promise<readonly string[]> {
  const files = ['rebase-merge/head-name', 'rebase-apply/head-name', 'BISECT_START']
  const found = await Promise.all(files.map((file) => readFile(join(gitDir, file), 'utf8').catch(ifMissing(''))))
  return found.map((text) => text.trim()).flatMap((name) => (name === '' ? [] : [name.startsWith('refs/') ? name : `refs/heads/${name}`]))
}

/** Throws `refused`. */
export async function refuseOperation(place: TreePlace): Promise<void> {
  const operation = await operationIn(place.gitDir)
  if (operation !== undefined)
    throw new WorkspaceFailed('refused', `a ${operation} is in progress in ${printableLine(place.top)}`, {
      hint: `finish it, or git -C ${place.top} ${operation} ${operation === 'bisect' ? 'reset' : '--abort'}`,
    })
}

export async function changesBetween(deps: GitDeps, cwd: string, old: ObjectId, now: ObjectId, signal: AbortSignal): Promise<readonly Change[]> {
  const { bytes } = await runGit(deps, ['diff-tree', '-r', '-z', '--raw', '--no-renames', old, now, '--'], { cwd }, signal)
  const pieces = nulPieces(bytes)
  return pieces.flatMap((piece, at) => {
    const path = pieces[at + 1]
    if (at % 2 === 1 || path === undefined) return []
    const [oldMode = none, newMode = none, oldId = ''] = piece.toString('latin1').slice(1).split(' ')
    return [{ name: nameOf(path), oldMode, newMode, oldId }]
  })
}

/** Throws `refused` with the paths where the tree cannot follow. Gives how each file looked that it may replace. */
export async function assureClean(deps: GitDeps, place: TreePlace, changes: readonly Change[], signal: AbortSignal): Promise<Seen> {
  const entries = await indexEntries(deps, place, signal)
  const staged = changes.filter(({ name, oldMode, oldId }) => {
    const [entry, ...more] = entries.get(name) ?? []
    return oldMode === none ? entry !== undefined : more.length > 0 || entry?.mode !== oldMode || entry.id !== oldId || entry.stage !== '0'
  })
  // Files first, then git's judgement of them: what is written in between looks other than it did.
  const seen = new Map<Name, string>()
  for (const { name, oldMode } of changes) {
    if (!isFile(oldMode)) continue
    const found = await looked(at(place.top, name))
    if (found) seen.set(name, stamp(found))
  }
  const flagged = changes.map(({ name }) => name).filter((name) => entries.get(name)?.some(({ tag }) => tag !== 'H'))
  const modified = await modifiedFiles(deps, place, flagged, signal)
  // A file that a sparse checkout leaves out is not there, and is clean.
  const sparse = (name: Name): boolean => !seen.has(name) && entries.get(name)?.[0]?.tag.toUpperCase() === 'S'
  const unclean = changes.filter(({ name, oldMode }) => isFile(oldMode) && modified.has(name) && !sparse(name))
  refuseUnclean(place, [...staged, ...unclean])
  const blocked = await filesInTheWay(place, changes)
  if (blocked.length > 0)
    throw new WorkspaceFailed('refused', `what is not in git would be overwritten in ${printableLine(place.top)}: ${named(blocked)}`, {
      hint: 'move it away or commit it, then land again',
      paths: blocked.map(textOf),
    })
  await refuseUnwritable(place, changes)
  return seen
}

/** Better known before the branch has moved. */
async function refuseUnwritable(place: TreePlace, changes: readonly Change[]): Promise<void> {
  const folders = new Set(changes.flatMap(({ name }) => ['', ...parentsOf(name)]))
  for (const folder of folders) {
    const path = at(place.top, folder)
    if (!(await looked(path))?.isDirectory()) continue
    await access(path, constants.W_OK).catch((cause: unknown) => {
      throw new WorkspaceFailed('refused', `${printableLine(join(place.top, textOf(folder)))} cannot be written to`, { hint: 'its permissions are in the way', cause })
    })
  }
}

function refuseUnclean(place: TreePlace, changes: readonly Change[]): void {
  const names = [...new Set(changes.map(({ name }) => name))].toSorted()
  if (names.length === 0) return
  throw new WorkspaceFailed('refused', `your uncommitted changes in ${printableLine(place.top)} are in the way: ${named(names)}`, {
    hint: 'commit or stash them, then land again',
    paths: names.map(textOf),
  })
}

function named(names: readonly Name[]): string {
  const [first = ''] = names
  return printableLine(textOf(first)) + (names.length > 1 ? ` and ${names.length - 1} more` : '')
}

export const isFile = (mode: string): boolean => mode !== none && mode !== submodule

interface IndexEntry {
  /** As `git ls-files -v` prints it: H, S left out of the tree, small letters assumed unchanged. */
  readonly tag: string
  readonly mode: string
  readonly id: ObjectId
  readonly stage: string
}

async function indexEntries(deps: GitDeps, place: TreePlace, signal: AbortSignal): Promise<ReadonlyMap<Name, readonly IndexEntry[]>> {
  const { bytes } = await runGit(deps, ['ls-files', '-z', '-s', '-v'], { cwd: place.top }, signal)
  const entries = new Map<Name, IndexEntry[]>()
  for (const piece of nulPieces(bytes)) {
    const tab = piece.indexOf(9)
    const [tag = '', mode = '', id = '', stage = ''] = piece.subarray(0, tab).toString('latin1').split(' ')
    const name = nameOf(piece.subarray(tab + 1))
    entries.set(name, [...(entries.get(name) ?? []), { tag, mode, id, stage }])
  }
  return entries
}

/** Files that differ from the index. Of `flagged` too, which git was told not to look at. */
async function modifiedFiles(deps: GitDeps, place: TreePlace, flagged: readonly Name[], signal: AbortSignal): Promise<ReadonlySet<Name>> {
  const listed = async (vars: Readonly<Record<string, string>>): Promise<ReadonlySet<Name>> => {
    const { bytes } = await runGit(
      deps,
      ['diff', '--name-only', '-z', '--no-renames', '--ignore-submodules=all', '--no-ext-diff', '--no-textconv', '--no-relative'],
      { cwd: place.top, vars, config: ['diff.autoRefreshIndex=true'] },
      signal,
    )
    return new Set(nulPieces(bytes).map(nameOf))
  }
  if (flagged.length === 0) return listed({})
  const folder = await mkdtemp(join(tmpdir(), 'offstage-index-'))
  try {
    const index = join(folder, 'index')
    await copyIndex(place.gitDir, index)
    const input = nulList(flagged.map(textOf))
    for (const flag of ['--no-assume-unchanged', '--no-skip-worktree'])
      await runGit(deps, ['update-index', flag, '-z', '--stdin'], { cwd: place.top, vars: { GIT_INDEX_FILE: index }, input }, signal)
    return await listed({ GIT_INDEX_FILE: index })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What lies where something new is to come and does not go away with the change itself. */
async function filesInTheWay(place: TreePlace, changes: readonly Change[]): Promise<readonly Name[]> {
  const going = new Set(changes.filter(({ oldMode, newMode }) => isFile(oldMode) && newMode === none).map(({ name }) => name))
  const blocked: Name[] = []
  for (const { name, oldMode, newMode } of changes) if (isFile(newMode) && !isFile(oldMode)) blocked.push(...(await inTheWay(place.top, name, going)))
  return [...new Set(blocked)].toSorted()
}

async function inTheWay(top: string, name: Name, going: ReadonlySet<Name>): Promise<readonly Name[]> {
  for (const parent of parentsOf(name)) {
    const found = await looked(at(top, parent))
    if (!found || going.has(parent)) return []
    if (!found.isDirectory()) return [parent]
  }
  const found = await looked(at(top, name))
  if (!found) return []
  if (found.isDirectory()) return staysIn(top, name, going)
  // On a disk that does not tell case apart, this is the file under its old name.
  const sameFile = await Promise.all([...going].filter((one) => one.toLowerCase() === name.toLowerCase()).map(async (one) => (await looked(at(top, one)))?.ino === found.ino))
  return sameFile.includes(true) ? [] : [name]
}

async function staysIn(top: string, folder: Name, going: ReadonlySet<Name>): Promise<readonly Name[]> {
  const found: Name[] = []
  for (const entry of await readdir(at(top, folder), { withFileTypes: true, encoding: 'buffer' })) {
    const name = `${folder}/${nameOf(entry.name)}`
    if (entry.isDirectory()) found.push(...(await staysIn(top, name, going)))
    else if (!going.has(name)) found.push(name)
  }
  return found
}

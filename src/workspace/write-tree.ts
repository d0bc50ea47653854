// Writes files of a working tree back: from one tree to another. Everything is looked at first; then all new content is written and synced under temporary names; only then are files taken away and replaced, each by
// one rename. Cut off at any moment, it can be gone on with. Index and HEAD are not touched, no symbolic link is gone through, and what is not as expected is left.
// On a disk that does not tell case apart, a file that differs from another one in case alone is that other one: it is found to be there already, and refused.

import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, copyFile, lstat, mkdir, open, readdir, readlink, rename, rmdir, symlink, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { printableLine } from '../core/terminal-text.ts'
import type { ObjectId, TreePath } from '../core/workspace.ts'
import { hasCode, syncFolder } from './disk.ts'
import { runGit } from './git.ts'
import { type Name, at, bytesOf, listOf, nameOf, textOf } from './look.ts'
import { diskAt, isStill, parentsOf } from './on-disk.ts'
import { type OpenTree, type TreeDeps, openScratch, openTree } from './open-tree.ts'
import { type Checked, type Wanted, check, planOf } from './write-plan.ts'
import { WorkspaceFailed } from './workspaces.ts'

type Written = { readonly written: readonly TreePath[]; readonly left: readonly TreePath[] }
type Ready = Extract<Wanted, { readonly mode: string }>

/** Of blobs that are held in memory together. */
const mostBytes = 32 * 1024 ** 2

export async function writeTree(
  deps: TreeDeps,
  directory: string,
  /** `checkedOut`: git has just written the files of `from`. */
  of: { readonly from: ObjectId; readonly to: ObjectId; readonly before?: ObjectId; readonly going?: boolean; readonly checkedOut?: true },
  signal: AbortSignal,
): Promise<Written> {
  const tree = await openTree(deps, directory, signal)
  const plan = await planOf(deps, tree, of, signal)
  const checked = await check(deps, tree, plan, signal)
  const foreign = checked.filter(({ state }) => state === 'neither')
  if (foreign.length > 0 && !of.going) refuse(tree, foreign)
  const due = checked.filter(({ state }) => state === 'from')
  if (of.going) await removeTemporaries(tree, plan.changes.map(({ name }) => name)) // prettier-ignore
  await using scratch = await openScratch(deps)
  const staged = await stageAll(deps, tree, plan.to.tree, due, scratch.path, signal)
  deps.step?.('staged')
  // From here on to the end: half of it is worse than late.
  const touched = new Set<Name>()
  const late: Name[] = []
  for (const one of due) if (one.change.will.kind === 'absent' && !(await removeFile(deps, tree, one, touched))) late.push(one.change.name)
  for (const { change } of checked) if (change.will.kind === 'absent') await removeEmptyParents(tree, change.name, touched)
  for (const one of due) {
    const temporary = staged.get(one.change.name)
    if (temporary && !(await replaceFile(deps, tree, one, temporary, touched))) late.push(one.change.name)
  }
  for (const folder of plan.to.exact.noFolders) if (await removeEmptyFolder(tree, folder, touched)) await removeEmptyParents(tree, folder, touched)
  for (const folder of plan.to.exact.folders) await makeFolders(tree, [...parentsOf(folder), folder], touched)
  for (const folder of touched) await syncFolder(folder === '' ? Buffer.from(tree.top) : at(tree.top, folder))
  const left = new Set([...foreign.map(({ change }) => change.name), ...late, ...plan.submodules])
  return { written: due.flatMap(({ change }) => (left.has(change.name) ? [] : [textOf(change.name)])), left: [...left].map(textOf) }
}

function refuse(tree: OpenTree, foreign: readonly Checked[]): never {
  const paths = foreign.map(({ change }) => textOf(change.name))
  const more = paths.length > 1 ? ` and ${paths.length - 1} more` : ''
  throw new WorkspaceFailed('refused', `not as it was when it was looked at, in ${printableLine(tree.top)}: ${printableLine(paths[0] ?? '')}${more}`, {
    hint: 'somebody is writing there, or what lies there is ignored by git: move it away, or try again',
    paths,
  })
}

/** Where the new content of each file lies, durable. Nothing else is changed; if not all of it can be written, nothing of it stays. */
async function stageAll(deps: TreeDeps, tree: OpenTree, to: ObjectId, due: readonly Checked[], scratch: string, signal: AbortSignal): Promise<ReadonlyMap<Name, Buffer>> {
  const staged = new Map<Name, Buffer>()
  const place = async (one: Checked): Promise<Buffer> => {
    const temporary = await temporaryOf(tree, one.change.name)
    staged.set(one.change.name, temporary)
    await unlink(temporary).catch((cause: unknown) => {
      if (!hasCode(cause, 'ENOENT')) throw cause
    })
    deps.step?.('stage')
    return temporary
  }
  try {
    const writes = due.flatMap((one) => (one.change.will.kind === 'absent' ? [] : [{ one, will: one.change.will }]))
    await stageConverted(deps, tree, to, writes.filter(({ will }) => will.kind === 'converted'), scratch, place, signal) // prettier-ignore
    await stageRaw(deps, tree, writes.filter(({ will }) => will.kind === 'raw'), place, signal) // prettier-ignore
    return staged
  } catch (cause) {
    for (const temporary of staged.values()) {
      deps.step?.('clean')
      await unlink(temporary).catch(() => {}) // it was never made
    }
    if (hasCode(cause, 'ENOSPC', 'EDQUOT'))
      throw new WorkspaceFailed('full', `no space is left to write files in ${printableLine(tree.top)}; nothing is changed`, { hint: 'make room on the disk and try again', cause })
    throw cause
  }
}

interface Write {
  readonly one: Checked
  readonly will: Ready
}

async function stageRaw(deps: TreeDeps, tree: OpenTree, writes: readonly Write[], place: (one: Checked) => Promise<Buffer>, signal: AbortSignal): Promise<void> {
  if (writes.length === 0) return
  const { text } = await runGit(deps, ['cat-file', '--batch-check=%(objectsize)'], { ...tree, input: writes.map(({ will }) => `${will.id}\n`).join('') }, signal)
  const sizes = text.split('\n').map((size) => Number.parseInt(size, 10))
  let group: { readonly write: Write; readonly size: number }[] = []
  let bytes = 0
  const flush = async (): Promise<void> => {
    const those = group
    ;[group, bytes] = [[], 0]
    if (those.length === 0) return
    const said = await runGit(deps, ['cat-file', '--batch'], { ...tree, input: those.map(({ write }) => `${write.will.id}\n`).join('') }, signal)
    let from = 0
    for (const { write, size } of those) {
      from = said.bytes.indexOf(0x0a, from) + 1
      await writeStaged(await place(write.one), write, said.bytes.subarray(from, from + size))
      from += size + 1
    }
  }
  for (const [index, write] of writes.entries()) {
    const size = sizes[index] ?? Number.NaN
    if (Number.isNaN(size)) throw new WorkspaceFailed('failed', `the content of ${printableLine(textOf(write.one.change.name))} is not in the repository any more`)
    if (size > mostBytes) {
      const temporary = await place(write.one)
      await using file = await openNew(temporary, write)
      await runGit(deps, ['cat-file', 'blob', write.will.id], { ...tree, output: async (piece) => void (await file.writeFile(piece)) }, signal)
      await file.sync()
      continue
    }
    group.push({ write, size })
    bytes += size
    if (bytes > mostBytes) await flush()
  }
  await flush()
}

async function stageConverted(
  deps: TreeDeps,
  tree: OpenTree,
  to: ObjectId,
  writes: readonly Write[],
  scratch: string,
  place: (one: Checked) => Promise<Buffer>,
  signal: AbortSignal,
): Promise<void> {
  if (writes.length === 0) return
  const out = join(scratch, 'out')
  const call = { cwd: tree.top, vars: { ...tree.vars, GIT_INDEX_FILE: join(scratch, 'checked-out') } }
  await runGit(deps, ['read-tree', to], call, signal)
  await runGit(deps, ['checkout-index', '-z', '--stdin', `--prefix=${out}/`], { ...call, input: listOf(writes.map(({ one }) => one.change.name)) }, signal)
  for (const write of writes) {
    const temporary = await place(write.one)
    const made = Buffer.concat([Buffer.from(`${out}/`), bytesOf(write.one.change.name)])
    await using file = await openNew(temporary, write)
    await using source = await open(made, 'r')
    for await (const piece of source.createReadStream({ autoClose: false })) await file.writeFile(piece)
    await file.sync()
  }
}

async function writeStaged(temporary: Buffer, write: Write, bytes: Buffer): Promise<void> {
  if (write.will.mode === '120000') return symlink(bytes, temporary)
  await using file = await openNew(temporary, write)
  await file.writeFile(bytes)
  await file.sync()
}

/** As the file is that it replaces, but for whether it can be executed. */
async function openNew(path: Buffer, { one, will }: Write): Promise<FileHandle> {
  const executable = will.mode === '100755'
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, executable ? 0o777 : 0o666)
  if (one.disk.kind === 'file') {
    const mode = Number(one.disk.stats.mode) & 0o777
    await file.chmod(executable ? mode | ((mode & 0o444) >> 2) : mode & ~0o111)
  }
  return file
}

const temporaryName = (tree: OpenTree, name: Name): string => `.offstage-${createHash('sha256').update(tree.top).update('\0').update(name).digest('hex').slice(0, 16)}.tmp`

/** In its own folder, or in the nearest one that is there. */
async function temporaryOf(tree: OpenTree, name: Name): Promise<Buffer> {
  let folder = ''
  for (const parent of parentsOf(name)) {
    if ((await diskAt(tree.top, parent)).kind !== 'folder') break
    folder = `${parent}/`
  }
  return at(tree.top, folder + temporaryName(tree, name))
}

/** Of one that was cut off. */
async function removeTemporaries(tree: OpenTree, names: readonly Name[]): Promise<void> {
  for (const name of names) {
    for (const folder of ['', ...parentsOf(name)]) {
      const temporary = `${folder === '' ? '' : `${folder}/`}${temporaryName(tree, name)}`
      if (['file', 'link'].includes((await diskAt(tree.top, temporary)).kind)) await unlink(at(tree.top, temporary))
    }
  }
}

const folderOf = (name: Name): Name => name.slice(0, Math.max(0, name.lastIndexOf('/')))

const isSame = async (tree: OpenTree, { change, disk }: Checked): Promise<boolean> => isStill(disk, await diskAt(tree.top, change.name))

/** False: it was written meanwhile. */
async function removeFile(deps: TreeDeps, tree: OpenTree, one: Checked, touched: Set<Name>): Promise<boolean> {
  if (!(await isSame(tree, one))) return false
  deps.step?.('remove')
  await unlink(at(tree.top, one.change.name))
  touched.add(folderOf(one.change.name))
  return true
}

async function removeEmptyParents(tree: OpenTree, name: Name, touched: Set<Name>): Promise<void> {
  for (const parent of parentsOf(name).toReversed()) if (!(await removeEmptyFolder(tree, parent, touched))) return
}

/** False: something is in it. */
async function removeEmptyFolder(tree: OpenTree, folder: Name, touched: Set<Name>): Promise<boolean> {
  if ((await diskAt(tree.top, folder)).kind !== 'folder') return true
  try {
    await rmdir(at(tree.top, folder))
  } catch (cause) {
    if (hasCode(cause, 'ENOTEMPTY', 'EEXIST', 'EBUSY', 'EACCES', 'EPERM')) return false
    throw cause
  }
  touched.delete(folder)
  touched.add(folderOf(folder))
  return true
}

async function replaceFile(deps: TreeDeps, tree: OpenTree, one: Checked, temporary: Buffer, touched: Set<Name>): Promise<boolean> {
  const { name } = one.change
  const target = at(tree.top, name)
  const folders = parentsOf(name)
  const now = await diskAt(tree.top, name)
  // Of a folder that was there, only folders without anything are left, or it was not all that was to go.
  const isFree = now.kind === 'absent' || (now.kind === 'folder' && (await removeEmptyTree(tree, name)))
  const isExpected = one.disk.kind === 'folder' || one.disk.kind === 'absent' ? isFree : isStill(one.disk, now)
  if (!isExpected || !(await makeFolders(tree, folders, touched))) {
    await unlink(temporary)
    return false
  }
  deps.step?.('replace')
  try {
    await rename(temporary, target)
  } catch (cause) {
    if (!hasCode(cause, 'EXDEV')) throw cause
    // Another disk begins in between.
    await renameAcross(tree, name, temporary, target)
  }
  touched.add(folderOf(name))
  return true
}

async function renameAcross(tree: OpenTree, name: Name, temporary: Buffer, target: Buffer): Promise<void> {
  const folder = folderOf(name)
  const near = at(tree.top, `${folder}/${temporaryName(tree, name)}`)
  const found: Stats = await lstat(temporary)
  if (found.isSymbolicLink()) await symlink(await readlink(temporary, 'buffer'), near)
  else {
    await copyFile(temporary, near, constants.COPYFILE_EXCL)
    await using file = await open(near, 'r')
    await file.sync()
  }
  await rename(near, target)
  await unlink(temporary)
}

/** False: a file is in it somewhere; then what is empty is gone all the same. */
async function removeEmptyTree(tree: OpenTree, folder: Name): Promise<boolean> {
  let isEmpty = true
  for (const entry of await readdir(at(tree.top, folder), { withFileTypes: true, encoding: 'buffer' }))
    if (!entry.isDirectory() || !(await removeEmptyTree(tree, `${folder}/${nameOf(entry.name)}`))) isEmpty = false
  if (isEmpty) await rmdir(at(tree.top, folder))
  return isEmpty
}

/** False: something else stands there. */
async function makeFolders(tree: OpenTree, folders: readonly Name[], touched: Set<Name>): Promise<boolean> {
  for (const folder of folders) {
    const { kind } = await diskAt(tree.top, folder)
    if (kind === 'folder') continue
    if (kind !== 'absent') return false
    await mkdir(at(tree.top, folder))
    touched.add(folder)
    touched.add(folderOf(folder))
  }
  return true
}

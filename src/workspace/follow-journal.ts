// How a user's working tree follows its branch, so that a death at any moment leaves it before or after. All that is to be written lies ready in the tree's own git directory, with how each file
// looked that it replaces, before the branch moves; afterwards every file is one rename, and whoever comes later goes on where it ended. Until the end git's own lock is held: no commit of the user's
// comes in between. A file that looks other than it did is the user's: it is left as it is, and told.

import { randomBytes } from 'node:crypto'
import { copyFile, link, mkdir, open, readdir, readFile, readlink, rename, rm, rmdir, symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { printableLine } from '../core/terminal-text.ts'
import type { ObjectId } from '../core/workspace.ts'
import { hasCode, ifMissing, syncFolder } from './disk.ts'
import { type Change, type Seen, type TreePlace, isAs, isFile, looked, submodule } from './follow.ts'
import { type Name, at, nameOf } from './look.ts'
import { parentsOf } from './on-disk.ts'
import { type GitDeps, runGit } from './git.ts'
import { copyIndex } from './index-copy.ts'
import { WorkspaceFailed } from './workspaces.ts'

/** More only wait for the same disk. */
const atOnce = 16

export interface FollowDeps extends GitDeps {
  /** Told before each thing that is done: where a test has it end. */
  readonly step?: (name: string) => void | Promise<void>
}

export interface Follow {
  readonly ref: string
  readonly old: ObjectId
  readonly new: ObjectId
  readonly steps: readonly Step[]
}

/** `was`: how the file looked that goes or is replaced; '' where there was none. */
interface Step {
  readonly kind: 'remove' | 'write' | 'folder'
  readonly name: Name
  readonly was: string
}

const folderOf = (place: TreePlace): string => join(place.gitDir, 'offstage-landing')
const lockOf = (place: TreePlace): string => join(place.gitDir, 'index.lock')
const files = (place: TreePlace) => {
  const folder = folderOf(place)
  return { folder, lock: join(folder, 'lock'), plan: join(folder, 'plan'), index: join(folder, 'index'), tree: join(folder, 'tree') }
}

/** Takes git's lock of the tree's index. Throws `busy`. What is left of an earlier one has to be dealt with before. */
export async function takeLock(deps: FollowDeps, place: TreePlace): Promise<void> {
  const { folder, lock } = files(place)
  await mkdir(folder)
  await deps.step?.('own lock')
  await writeDurably(lock, `Offstage lands ${randomBytes(16).toString('hex')}\n`)
  await deps.step?.('lock')
  if (await linkLock(place)) return
  await rm(folder, { recursive: true, force: true })
  throw busy(place)
}

const busy = (place: TreePlace): WorkspaceFailed =>
  new WorkspaceFailed('busy', `another git is at work in ${printableLine(place.top)}`, { hint: `try again when it is done; if none is, remove ${lockOf(place)}` })

/** False: somebody else has it. */
async function linkLock(place: TreePlace): Promise<boolean> {
  const { lock } = files(place)
  try {
    await link(lock, lockOf(place))
    return true
  } catch (cause) {
    if (hasCode(cause, 'EEXIST')) return false
    if (!hasCode(cause, 'EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK')) throw cause
  }
  // A file system without hard links.
  try {
    await writeFile(lockOf(place), await readFile(lock), { flag: 'wx' })
    return true
  } catch (cause) {
    if (hasCode(cause, 'EEXIST')) return false
    throw cause
  }
}

async function holdsLock(place: TreePlace): Promise<boolean> {
  const [own, held] = await Promise.all([readText(files(place).lock), readText(lockOf(place))])
  return own !== undefined && own !== '' && own === held
}

/** Lets go of everything: nothing was begun, or all is done. */
export async function release(deps: FollowDeps, place: TreePlace): Promise<void> {
  const { folder } = files(place)
  // The plan is the first to go: without it nothing is gone on with.
  await deps.step?.('forget the plan')
  await rm(files(place).plan, { force: true })
  await deps.step?.('unlock')
  if (await holdsLock(place)) await unlink(lockOf(place))
  await deps.step?.('tidy up')
  await rm(folder, { recursive: true, force: true })
}

/** Has everything written out beside the tree, by git, as a checkout would. After this it can be gone on with. */
export async function writePlan(deps: FollowDeps, place: TreePlace, of: Omit<Follow, 'steps'>, changes: readonly Change[], seen: Seen, signal: AbortSignal): Promise<Follow> {
  const { index, tree, plan } = files(place)
  await deps.step?.('write out')
  await mkdir(tree)
  const written = await copyIndex(place.gitDir, index)
  await runGit(
    deps,
    [`--git-dir=${place.gitDir}`, `--work-tree=${tree}`, 'read-tree', '-m', '-u', '--no-recurse-submodules', of.old, of.new],
    { cwd: tree, vars: { GIT_INDEX_FILE: index } },
    signal,
  )
  if (written) await utimes(index, written, written)
  await syncPath(index)
  const names = await staged(Buffer.from(tree), '')
  for (let from = 0; from < names.length; from += atOnce) await Promise.all(names.slice(from, from + atOnce).map((name) => syncFile(at(tree, name))))
  const ready = new Set(names)
  const steps = changes.flatMap(({ name, newMode }): readonly Step[] => {
    const was = seen.get(name) ?? ''
    if (isFile(newMode) && ready.has(name)) return [{ kind: 'write', name, was }]
    if (newMode === submodule) return [{ kind: 'folder', name, was }]
    // It goes; or it is left out of a sparse tree.
    return was === '' ? [] : [{ kind: 'remove', name, was }]
  })
  const order = ['remove', 'write', 'folder']
  const follow: Follow = { ...of, steps: steps.toSorted((one, other) => order.indexOf(one.kind) - order.indexOf(other.kind)) }
  const text = [of.ref, of.old, of.new, ...follow.steps.map(({ kind, name, was }) => `${kind}\t${was}\t${name}`), 'end'].join('\0')
  await deps.step?.('write the plan')
  await writeDurably(`${plan}.new`, Buffer.from(text, 'latin1'))
  await deps.step?.('plan')
  await rename(`${plan}.new`, plan)
  await syncFolder(dirname(plan))
  await syncFolder(place.gitDir)
  return follow
}

/** Names of what lies ready. */
async function staged(folder: Buffer, prefix: string): Promise<readonly Name[]> {
  const found: Name[] = []
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' })) {
    const path = Buffer.concat([folder, Buffer.from('/'), entry.name])
    const name = prefix + nameOf(entry.name)
    if (entry.isDirectory()) found.push(...(await staged(path, `${name}/`)))
    else found.push(name)
  }
  return found
}

/** What a death left in this tree. `begun`: only preparations. */
export async function leftOver(place: TreePlace): Promise<Follow | 'begun' | undefined> {
  if (!(await looked(Buffer.from(folderOf(place))))) return undefined
  const [ref, old, now, ...rest] = ((await readText(files(place).plan)) ?? '').split('\0')
  if (ref === undefined || old === undefined || now === undefined || rest.pop() !== 'end') return 'begun'
  const steps = rest.flatMap((line): readonly Step[] => {
    const [kind, was = '', ...name] = line.split('\t')
    return kind === 'remove' || kind === 'write' || kind === 'folder' ? [{ kind, was, name: name.join('\t') }] : []
  })
  return { ref, old, new: now, steps }
}

/** Before files are gone on with: the lock is ours again. False: it was lost meanwhile, so the index may have been written by somebody else. Throws `busy`. */
export async function regainLock(place: TreePlace): Promise<boolean> {
  if (await holdsLock(place)) return true
  if (await linkLock(place)) return false
  throw busy(place)
}

/** The branch has moved: the files follow, then the index. Gives the names of files that were left as they are. May be repeated from anywhere. */
export async function perform(deps: FollowDeps, place: TreePlace, follow: Follow, lockKept: boolean, signal: AbortSignal): Promise<readonly Name[]> {
  const left: Name[] = []
  for (const step of follow.steps) if (!(await performStep(deps, place, step).catch(notPermitted))) left.push(step.name)
  await replaceIndex(deps, place, follow, lockKept, signal)
  await release(deps, place)
  return left
}

function notPermitted(cause: unknown): false {
  if (hasCode(cause, 'EACCES', 'EPERM', 'EROFS', 'EBUSY', 'ENOTEMPTY', 'EEXIST', 'EISDIR', 'ENOTDIR')) return false
  throw cause
}

async function performStep(deps: FollowDeps, place: TreePlace, { kind, name, was }: Step): Promise<boolean> {
  const target = at(place.top, name)
  await deps.step?.(`${kind} ${name}`)
  const found = await looked(target)
  if (kind === 'remove') {
    // Gone already; there may be a folder by now.
    if (!found || found.isDirectory()) return true
    if (!isAs(found, was)) return false
    await unlink(target)
    await deps.step?.(`removed ${name}`)
    await removeEmptyParents(place, name)
    return true
  }
  if (kind === 'folder') {
    if (found) return true
    if (await makeParents(place, name)) await mkdir(target)
    return true
  }
  const ready = at(files(place).tree, name)
  if (!(await looked(ready))) return true
  if (found && isAs(found, was)) {
    await replace(ready, target)
    return true
  }
  if (found?.isDirectory()) await removeEmptyFolders(target)
  else if (found) return await isSame(ready, target)
  if (!(await makeParents(place, name))) return false
  return await put(deps, ready, target)
}

/** False: something came there meanwhile. */
async function put(deps: FollowDeps, ready: Buffer, target: Buffer): Promise<boolean> {
  try {
    await link(ready, target)
    await deps.step?.('linked')
    await unlink(ready)
    return true
  } catch (cause) {
    if (hasCode(cause, 'EEXIST')) return isSame(ready, target)
  }
  // Hard links cannot be made there.
  if (await looked(target)) return false
  await replace(ready, target)
  return true
}

async function replace(ready: Buffer, target: Buffer): Promise<void> {
  try {
    await rename(ready, target)
  } catch (cause) {
    if (!hasCode(cause, 'EXDEV')) throw cause
    // Always the same name: what a death left of it is written over.
    const near = Buffer.concat([target, Buffer.from('.offstage-landing')])
    await rm(near, { force: true })
    if ((await looked(ready))?.isSymbolicLink()) await symlink(await readlink(ready, 'buffer'), near)
    else await copyFile(ready, near)
    await syncFile(near)
    await rename(near, target)
    await unlink(ready)
  }
}

/** It is there already: linked and not yet taken away, or brought by the user. */
async function isSame(ready: Buffer, target: Buffer): Promise<boolean> {
  const [one, other] = await Promise.all([looked(ready), looked(target)])
  if (!one || !other) return false
  if (one.ino === other.ino && one.dev === other.dev) return true
  if (one.isSymbolicLink() && other.isSymbolicLink()) return (await readlink(ready, 'buffer')).equals(await readlink(target, 'buffer'))
  return one.isFile() && other.isFile() && one.size === other.size && (await readFile(ready)).equals(await readFile(target))
}

/** False: a file or a link stands where a folder is to be. Nothing is ever written through a link. */
async function makeParents(place: TreePlace, name: Name): Promise<boolean> {
  for (const parent of parentsOf(name)) {
    const path = at(place.top, parent)
    const found = await looked(path)
    if (!found) await mkdir(path)
    else if (!found.isDirectory()) return false
  }
  return true
}

async function removeEmptyParents(place: TreePlace, name: Name): Promise<void> {
  for (const parent of parentsOf(name).toReversed()) {
    try {
      await rmdir(at(place.top, parent))
    } catch {
      return // there is something in it
    }
  }
}

/** Only folders go. */
async function removeEmptyFolders(folder: Buffer): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' }))
    if (entry.isDirectory()) await removeEmptyFolders(Buffer.concat([folder, Buffer.from('/'), entry.name]))
  await rmdir(folder).catch(() => {}) // there is something in it: the file finds it in its way
}

async function replaceIndex(deps: FollowDeps, place: TreePlace, follow: Follow, lockKept: boolean, signal: AbortSignal): Promise<void> {
  const { index } = files(place)
  const vars = { GIT_INDEX_FILE: index }
  // Of a git that died with us.
  await rm(`${index}.lock`, { force: true })
  if (!lockKept) {
    // What lies ready may be older than the index: only what the branch brought is taken over.
    await rm(index, { force: true })
    await copyIndex(place.gitDir, index)
    try {
      await runGit(deps, ['read-tree', '-i', '-m', follow.old, follow.new], { cwd: place.top, vars }, signal)
    } catch (cause) {
      signal.throwIfAborted()
      if (!(cause instanceof WorkspaceFailed) || cause.kind !== 'failed') throw cause
      return // the user's index has gone another way; it stays
    }
  }
  if (!(await looked(Buffer.from(index)))) return
  // So that the next `git status` needs not read what was written. It may find files that differ: theirs.
  await runGit(deps, ['update-index', '-q', '--refresh'], { cwd: place.top, vars, accepts: [1] }, signal)
  await syncPath(index)
  await deps.step?.('index')
  await rename(index, join(place.gitDir, 'index'))
  await syncFolder(place.gitDir)
}

const readText = (path: string): Promise<string | undefined> => readFile(path, 'latin1').catch(ifMissing(undefined))

async function writeDurably(path: string, content: string | Buffer): Promise<void> {
  await using file = await open(path, 'wx')
  await file.writeFile(content)
  await file.sync()
}

/** A link has no bytes to wait for. */
async function syncFile(path: Buffer): Promise<void> {
  if ((await looked(path))?.isFile()) await syncPath(path)
}

/** Where the file system can. */
async function syncPath(path: string | Buffer): Promise<void> {
  await using file = await open(path, 'r')
  await file.sync().catch((cause: unknown) => {
    if (!hasCode(cause, 'EACCES', 'EINVAL', 'ENOTSUP', 'EPERM')) throw cause
  })
}

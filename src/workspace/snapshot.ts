// Snapshots: all of a working tree at one moment, as a commit under a private ref of its own repository. The user's index, HEAD, stash and reflogs are read at most. When one is taken, it is on the disk.
// `git push --mirror` takes these refs along, as it takes every ref; no other push does.

import { lstat, open, readFile, readdir, realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { printableLine } from '../core/terminal-text.ts'
import type { LinesChanged, ObjectId, Snapshot, SnapshotWhy } from '../core/workspace.ts'
import { filesBetween } from './compare.ts'
import { type Entries, type TreeEntry, entriesOf, sizesOf, storeExact } from './exact.ts'
import { GitFailed, runGit } from './git.ts'
import { type LeftOut, type Look, type Name, at, byRule, bytesOf, ifUnreadable, inChunks, nameOf, textOf, tooLarge, walk } from './look.ts'
import { type OpenTree, type TreeDeps, durable, openObjects, openScratch, openTree } from './open-tree.ts'
import { pathBytes } from './paths.ts'
import { type Inside, type Kept, keptOf, mostLeftOut, readKept, writeCommit, writeKept } from './snapshot-commit.ts'
import { createRef, heldAs, refsOf } from './snapshot-ref.ts'
import { beginTree, storeTree } from './stored-tree.ts'
import { type SnapshotWish, type TreeNow, WorkspaceFailed } from './workspaces.ts'

const mostAttempts = 3

/** Undefined: as it was at `unless`. The number may be a later one than was wished for, where that is taken by another snapshot. */
export async function takeSnapshot(deps: TreeDeps, wish: SnapshotWish, signal: AbortSignal): Promise<Snapshot | undefined> {
  if (!/^\w[\w-]*$/.test(wish.session)) throw new WorkspaceFailed('failed', `${JSON.stringify(wish.session)} is no session`)
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptSnapshot(deps, wish, signal)
    } catch (cause) {
      // Files change while they are read, and then git gives up.
      if (!(cause instanceof GitFailed) || cause.kind !== 'failed' || attempt === mostAttempts) throw cause
    }
  }
}

/** The tree as it is now, without a ref: for comparisons that are over soon. */
export async function treeNow(deps: TreeDeps, directory: string, signal: AbortSignal): Promise<TreeNow> {
  const tree = await openTree(deps, directory, signal)
  await using scratch = await openScratch(deps)
  const begun = await beginTree(deps, tree, scratch.path, false, signal)
  const stored = await storeTree(deps, tree, begun, false, signal)
  const { look } = begun
  return {
    tree: stored.tree,
    head: tree.head?.commit ?? null,
    common: tree.common,
    ...(look.staged ? {} : { uncommitted: look.written.length + look.removed.length }),
    ...(look.inside.length > 0 && { inside: look.inside.map(({ name }) => textOf(name)) }),
  }
}

/** By the refs themselves, oldest first. */
export async function snapshotsOf(deps: TreeDeps, directory: string, session: string, signal: AbortSignal): Promise<readonly Snapshot[]> {
  try {
    const place = await openObjects(deps, directory, signal)
    return (await keptOf(deps, place, refsOf(session), signal)).map(({ snapshot }) => snapshot)
  } catch (cause) {
    // Nothing was ever kept of it.
    if (cause instanceof GitFailed && cause.kind === 'impossible') return []
    throw cause
  }
}

/** Numbered refs are snapshots, of any session: they may go too. All others stay. */
const besidesSnapshots = ['--not', '--exclude=refs/offstage/*/[0-9]*', `--exclude=refs/offstage/*/${heldAs}*`, '--all']

/** Whether something else keeps every commit and every file that this snapshot has. In doubt it says no. */
export async function isElsewhere(deps: TreeDeps, directory: string, snapshot: ObjectId, signal: AbortSignal): Promise<boolean> {
  const place = await openObjects(deps, directory, signal)
  const { head, inside } = await readKept(deps, place, snapshot, signal)
  if (inside.length > 0) return false
  const only = async (...args: readonly string[]): Promise<boolean> =>
    (await runGit(deps, ['rev-list', ...args, ...besidesSnapshots], { ...place, mostBytes: 200 }, signal)).bytes.length > 0
  if (head !== null && (await only(head))) return false
  return !(await only('--objects', '--filter=object:type=blob', '--filter-provided-objects', snapshot))
}

/** Those that are not there are passed over. */
export async function dropSnapshots(deps: TreeDeps, directory: string, session: string, numbers: readonly number[], signal: AbortSignal): Promise<void> {
  const place = await openObjects(deps, directory, signal)
  const dropped = (await keptOf(deps, place, refsOf(session), signal)).filter(({ snapshot }) => numbers.includes(snapshot.n))
  for (const { path, n } of dropped.flatMap(({ inside }) => inside)) {
    const inner = join(place.cwd, path)
    if (pathBytes(path).toString('utf8') === path && (await lstat(inner).catch(() => undefined))) await dropSnapshots(deps, inner, session, [n], signal)
  }
  const input = dropped.map(({ ref, snapshot }) => `delete ${ref} ${snapshot.commit}\n`).join('')
  if (input !== '') await runGit(deps, ['update-ref', '--stdin'], { ...place, input, config: durable }, signal)
}

async function attemptSnapshot(deps: TreeDeps, wish: SnapshotWish, signal: AbortSignal): Promise<Snapshot | undefined> {
  const tree = await openTree(deps, wish.directory, signal)
  await using scratch = await openScratch(deps)
  const [begun, earlier, entries] = await Promise.all([
    beginTree(deps, tree, scratch.path, wish.whole === true, signal),
    wish.unless && readKept(deps, tree, wish.unless.commit, signal),
    tree.head && !tree.isPrivate ? headEntries(deps, tree, tree.head.tree, signal) : new Map<Name, TreeEntry>(),
  ])
  const { look } = begun
  const passed = new Set([...look.ignored, ...look.inside.map(({ name }) => `${name}/`)])
  const touched = new Set([...look.written, ...look.removed])
  const [stored, sizes, walked, ignored] = await Promise.all([
    storeTree(deps, tree, begun, true, signal),
    sizesOf(tree.top, [...entries.keys()].filter((name) => !touched.has(name))), // prettier-ignore
    walk(tree.top, passed, signal),
    wish.whole ? ignoredFiles(deps, tree.top, look, signal) : { names: ofSession.has(wish.why) ? await smallIgnored(tree.top, look) : [], leftOut: [] },
  ])
  const inside = wish.whole ? [] : await keepInside(deps, tree, wish, look, earlier, signal)
  const leftOut = [...look.leftOut, ...stored.leftOut, ...walked.leftOut, ...ignored.leftOut, ...inside.flatMap((one) => ('why' in one ? [one] : []))]
  if (wish.whole) refuseParts(tree, look, [...leftOut, ...(await repositoriesOf(tree, walked.repositories))])
  const exactTree = await storeExact(
    deps,
    tree,
    { made: stored.tree, look, before: { head: entries, sizes }, beside: { emptyFolders: walked.emptyFolders, ignored: ignored.names } },
    scratch.path,
    signal,
  )
  const head = tree.head?.commit ?? null
  // Without a time of their own: the same content is the same commit.
  const part = (what: string, of: ObjectId | undefined) =>
    of === undefined ? undefined : writeCommit(deps, tree, { tree: of, parents: [], message: `Offstage: ${what} of a snapshot\n` }, signal)
  const exact = await part('exact bytes', exactTree)
  const index = await part('index', stored.staged)
  const kept = { tree: stored.tree, head, inside: inside.flatMap((one) => ('commit' in one ? [one] : [])), ...(index && { index }), ...(exact && { exact }) }
  if (earlier && sameKept(earlier, kept)) return undefined
  const { session, why, turn, atMs } = wish
  // Those of which the name says nothing first: by it they are known again.
  const isNamed = ({ name }: LeftOut): boolean => deps.limits.leaveOut.includes(name.split('/').at(-2) ?? '')
  const named = [...leftOut.filter((one) => !isNamed(one)), ...leftOut.filter(isNamed)].slice(0, mostLeftOut).map((one) => ({ path: textOf(one.name), why: one.why }))
  const write = async (n: number): Promise<Snapshot> => {
    const said = { n, why, turn, atMs, ...(named.length > 0 && { leftOut: named }) }
    return { ...said, tree: stored.tree, commit: await writeKept(deps, tree, { ...kept, about: { ...said, session } }, signal) }
  }
  const [taken, changed] = await Promise.all([
    createRef(
      deps,
      tree,
      { session: wish.session, n: wish.n, isSame: (one) => one.snapshot.why === wish.why && one.snapshot.turn === wish.turn && sameKept(one, kept), write },
      signal,
    ),
    wish.base === undefined ? undefined : linesBetween(deps, tree, wish.base, stored.tree, signal),
  ])
  return changed ? { ...taken, changed } : taken
}

const mostRemembered = 4
const remembered = new Map<ObjectId, Entries>()

/** What a tree holds never changes, and all worktrees of a repository begin with the same one. */
async function headEntries(deps: TreeDeps, tree: OpenTree, head: ObjectId, signal: AbortSignal): Promise<Entries> {
  const entries = remembered.get(head) ?? (await entriesOf(deps, tree, head, signal))
  remembered.delete(head)
  remembered.set(head, entries)
  for (const oldest of [...remembered.keys()].slice(0, -mostRemembered)) remembered.delete(oldest)
  return entries
}

const sameKept = (one: Kept, other: Kept): boolean =>
  one.tree === other.tree && one.head === other.head && one.index === other.index && one.exact === other.exact && JSON.stringify(one.inside) === JSON.stringify(other.inside)

/** Undefined: it cannot be told. A snapshot is not lost over it. */
async function linesBetween(deps: TreeDeps, place: OpenTree, from: ObjectId, to: ObjectId, signal: AbortSignal): Promise<LinesChanged | undefined> {
  const files = await filesBetween(deps, place, [`${from}^{tree}`, to, '--'], signal).catch(() => undefined)
  const sum = (of: 'added' | 'removed'): number => (files ?? []).reduce((total, file) => total + (file[of] ?? 0), 0)
  return files && { files: files.length, added: sum('added'), removed: sum('removed') }
}

/** Each under the same name in its own repository, or told as left out. */
async function keepInside(deps: TreeDeps, tree: OpenTree, wish: SnapshotWish, look: Look, earlier: Kept | undefined, signal: AbortSignal): Promise<readonly (Inside | LeftOut)[]> {
  const kept: (Inside | LeftOut)[] = []
  for (const { name } of look.inside) {
    const path = textOf(name)
    const directory = bytesOf(name).toString('utf8')
    const inner = join(tree.top, directory)
    const before = earlier?.inside.find((one) => one.path === path)
    try {
      if (!Buffer.from(directory).equals(bytesOf(name))) throw new WorkspaceFailed('impossible', 'its name is no text')
      const { top } = await openTree(deps, inner, signal)
      if (top !== (await realpath(inner))) throw new WorkspaceFailed('impossible', 'git does not know it as one')
      const { unless: _, ...rest } = wish
      const taken = await takeSnapshot(deps, { ...rest, directory: inner, ...(before && { unless: before }) }, signal)
      if (taken) kept.push({ path, n: taken.n, commit: taken.commit, tree: taken.tree })
      else if (before) kept.push(before)
    } catch (cause) {
      if (!(cause instanceof WorkspaceFailed) || cause.kind === 'busy' || cause.kind === 'full') throw cause
      kept.push({ name: `${name}/`, why: `a repository of its own that cannot be kept: ${cause.message}`, hasBytes: true })
    }
  }
  return kept
}

/** Of which git's own folder of the tree has nothing: who removes the tree would remove them, and git says nothing of one among tracked files, or of a submodule that is clean. */
async function repositoriesOf(tree: OpenTree, folders: readonly Name[]): Promise<readonly LeftOut[]> {
  if (folders.length === 0) return []
  const modules = `${await realpath(tree.gitDir)}/modules/`
  const judged = await inChunks(folders, async (name) => {
    const to = /^gitdir: (.+?)\n?$/s.exec(await readFile(at(tree.top, `${name}/.git`), 'utf8').catch(() => ''))?.[1]
    const gitDir = to === undefined ? undefined : await realpath(resolve(tree.top, bytesOf(name).toString('utf8'), to)).catch(() => undefined)
    return gitDir?.startsWith(modules) === true ? [] : [{ name: `${name}/`, why: 'a repository of its own', hasBytes: true }]
  })
  return judged.flat()
}

/** Those of the session's own tree; the others are of the user's, or to start from. */
const ofSession: ReadonlySet<SnapshotWhy> = new Set(['turn-start', 'turn-end', 'asked', 'undo', 'restore'])
const smallBytes = 1024 ** 2
const mostSmall = 200

/** Ignored by their own names, such as `.env`; not what lies in ignored folders, which programs make. */
async function smallIgnored(top: string, look: Look): Promise<readonly Name[]> {
  const files = look.ignored.filter((name) => !name.endsWith('/')).slice(0, mostSmall)
  const found = await Promise.all(files.map(async (name) => ({ name, stat: await lstat(at(top, name)).catch(() => undefined) })))
  return found.flatMap(({ name, stat }) => (stat && (stat.isSymbolicLink() || (stat.isFile() && stat.size <= smallBytes)) ? [name] : []))
}

const cacheMark = 'Signature: 8a477f597d28d172789f06886806bc55'

/** Files below ignored folders too, but for those that programs make again. */
async function ignoredFiles(deps: TreeDeps, top: string, look: Look, signal: AbortSignal): Promise<{ readonly names: readonly Name[]; readonly leftOut: readonly LeftOut[] }> {
  const names: Name[] = []
  const leftOut: LeftOut[] = []
  const visitFolder = async (folder: Name): Promise<void> => {
    signal.throwIfAborted()
    const own = folder.slice(0, -1)
    const entries = await readdir(at(top, folder), { withFileTypes: true, encoding: 'buffer' }).catch(() => undefined)
    if (!entries) return void leftOut.push({ name: folder, why: 'cannot be read', hasBytes: true })
    const has = (name: string): boolean => entries.some((entry) => entry.name.toString('latin1') === name)
    const isCache =
      deps.limits.leaveOut.includes(own.slice(own.lastIndexOf('/') + 1)) ||
      has('pyvenv.cfg') ||
      (has('CACHEDIR.TAG') && (await startsWith(at(top, `${folder}CACHEDIR.TAG`), cacheMark)))
    if (isCache) return void leftOut.push({ name: folder, why: byRule, hasBytes: false })
    if (has('.git')) return void leftOut.push({ name: folder, why: 'a repository of its own', hasBytes: true })
    for (const entry of entries) {
      const name = folder + nameOf(entry.name)
      if (entry.isDirectory()) await visitFolder(`${name}/`)
      else if (entry.isFile() || entry.isSymbolicLink()) await visitFile(name)
    }
  }
  const visitFile = async (name: Name): Promise<void> => {
    const found = await lstat(at(top, name)).catch(ifUnreadable)
    if (found === 'cannot be read') leftOut.push({ name, why: found, hasBytes: true })
    else if (found && found.size > deps.limits.fileBytes) leftOut.push({ name, why: tooLarge(found.size), hasBytes: true })
    else if (found) names.push(name)
  }
  for (const name of look.ignored) await (name.endsWith('/') ? visitFolder(name) : visitFile(name))
  return { names, leftOut }
}

async function startsWith(path: Buffer, text: string): Promise<boolean> {
  await using file = await open(path, 'r')
  const { buffer, bytesRead } = await file.read(Buffer.alloc(text.length), 0, text.length, 0)
  return buffer.toString('latin1', 0, bytesRead) === text
}

/** Throws where something of the tree would be missed. */
function refuseParts(tree: OpenTree, look: Look, leftOut: readonly LeftOut[]): void {
  const missed = [
    ...look.inside.map(({ name, kind }) => ({ name, why: kind === 'submodule' ? 'a submodule with changes of its own' : 'a repository of its own' })),
    ...leftOut.filter(({ hasBytes }) => hasBytes),
  ]
  const [first] = missed
  if (!first) return
  const more = missed.length > 1 ? `, and ${missed.length - 1} more` : ''
  throw new WorkspaceFailed('refused', `not all of ${printableLine(tree.top)} can be kept: ${printableLine(textOf(first.name))} (${first.why})${more}`, {
    hint: 'move it away, or commit it where it belongs',
    paths: missed.map(({ name }) => textOf(name)),
  })
}

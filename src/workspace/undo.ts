// Which tree is to be written back: what was done is taken out of what is there now, by a three-way merge in the object store; or files of a snapshot are put in. Nothing of the working tree is looked at.
// Where more belongs to it than a tree can say (exact bytes, empty folders), the result is a commit with that beside it (snapshot-commit.ts), which writeTree understands; every other command takes it for its tree.

import { type PatchHunk, type PatchSide, parsePatch } from '../core/patch.ts'
import type { ObjectId, TreePath } from '../core/workspace.ts'
import { patchOptions } from './compare.ts'
import { type Blob, type Exact, entriesOf, makeTree, readExact } from './exact.ts'
import { runGit } from './git.ts'
import { type Name, nameOf } from './look.ts'
import { type ObjectPlace, type TreeDeps, durable, openObjects, openScratch } from './open-tree.ts'
import { nulPieces, pathBytes, pathText, withinNames } from './paths.ts'
import { keptOf, readKept, writeCommit, writeKept } from './snapshot-commit.ts'
import { editTree, treeWith } from './tree-edit.ts'
import { WorkspaceFailed } from './workspaces.ts'

interface Step {
  readonly from: ObjectId
  readonly to: ObjectId
}

type Without = { readonly tree: ObjectId } | { readonly conflicts: readonly TreePath[] }

/** A tree and what belongs to it besides. */
export interface Whole {
  readonly tree: ObjectId
  readonly exact: Exact
}

/** Of a snapshot's commit, of a result of `without`, or of a tree: then as the newest snapshot with this tree has it, but for what git ignores. */
export async function wholeOf(deps: TreeDeps, place: ObjectPlace, id: ObjectId, signal: AbortSignal): Promise<Whole> {
  const kept = await readKept(deps, place, id, signal)
  if (kept.tree !== id) return { tree: kept.tree, exact: await readExact(deps, place, kept.exact, signal) }
  const same = (await keptOf(deps, place, 'refs/offstage', signal)).filter(({ tree }) => tree === id)
  const newest = same.toSorted((one, other) => one.snapshot.atMs - other.snapshot.atMs).at(-1)
  return { tree: id, exact: { ...(await readExact(deps, place, newest?.exact, signal)), ignored: new Map() } }
}

/** The tree that is `current` without what was done from each `from` to its `to`, the newest first: trees or snapshots' commits. */
export async function without(
  deps: TreeDeps,
  directory: string,
  of: { readonly current: ObjectId; readonly steps: readonly Step[]; readonly paths?: readonly TreePath[] },
  signal: AbortSignal,
): Promise<Without> {
  const place = await openObjects(deps, directory, signal)
  await using scratch = await openScratch(deps)
  const isWithin = withinNames(of.paths)
  const beside = newBeside()
  const kept = await readKept(deps, place, of.current, signal)
  const ignored = new Map((await readExact(deps, place, kept.exact, signal)).ignored)
  let current = kept.tree
  for (const step of joined(of.steps)) {
    const [from, to] = await Promise.all([wholeOf(deps, place, step.from, signal), wholeOf(deps, place, step.to, signal)])
    const back = of.paths ? await treeWith(deps, place, { tree: to.tree, source: from.tree, paths: of.paths }, scratch.path, signal) : from.tree
    const merged = await merge(deps, place, { base: to.tree, ours: current, theirs: back }, signal)
    if ('conflicts' in merged) return merged
    current = merged.tree
    await noteExact(deps, place, beside, { from, to, result: current, isWithin }, signal)
    noteIgnored(beside, ignored, { from: from.exact, to: to.exact, isWithin })
  }
  return { tree: await withBeside(deps, place, current, beside, scratch.path, signal) }
}

/** Steps that follow on each other are one. */
function joined(steps: readonly Step[]): readonly Step[] {
  const done: Step[] = []
  for (const step of steps) {
    const last = done.at(-1)
    if (last && last.from === step.to) done.splice(-1, 1, { from: step.from, to: last.to })
    else done.push(step)
  }
  return done
}

async function merge(
  deps: TreeDeps,
  place: ObjectPlace,
  { base, ours, theirs }: { readonly base: ObjectId; readonly ours: ObjectId; readonly theirs: ObjectId },
  signal: AbortSignal,
): Promise<Without> {
  if (base === theirs) return { tree: ours }
  if (base === ours) return { tree: theirs }
  // This git merges commits alone, by the commit that they have in common.
  const message = 'Offstage: one side of a merge\n'
  const root = await writeCommit(deps, place, { tree: base, parents: [], message }, signal)
  const [one, other] = await Promise.all([ours, theirs].map((tree) => writeCommit(deps, place, { tree, parents: [root], message }, signal)))
  if (one === undefined || other === undefined) throw new Error('two commits were written')
  const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', one, other]
  const said = await runGit(deps, args, { ...place, accepts: [1], config: [...durable, 'merge.directoryRenames=false'] }, signal)
  const [tree, ...paths] = nulPieces(said.bytes)
  if (said.exitCode === 0) return { tree: tree?.toString('latin1').trim() ?? '' }
  return { conflicts: paths.filter((path) => path.length > 0).map(pathText) }
}

interface BesideTree {
  readonly files: Map<Name, Blob>
  readonly ignored: Map<Name, Blob>
  readonly folders: Set<Name>
  readonly noFolders: Set<Name>
}

const newBeside = (): BesideTree => ({ files: new Map(), ignored: new Map(), folders: new Set(), noFolders: new Set() })

/** Where the result has what `from` has, its bytes are to be those of `from`, also where git sees no difference. */
async function noteExact(
  deps: TreeDeps,
  place: ObjectPlace,
  beside: BesideTree,
  { from, to, result, isWithin }: { readonly from: Whole; readonly to: Whole; readonly result: ObjectId; readonly isWithin: (name: Name) => boolean },
  signal: AbortSignal,
): Promise<void> {
  const names = new Set([...from.exact.files.keys(), ...to.exact.files.keys()].filter(isWithin))
  if (names.size > 0) {
    const [before, after, now] = await Promise.all([from, to, { tree: result }].map(({ tree }) => entriesOf(deps, place, tree, signal)))
    for (const name of names) {
      const wanted = before?.get(name)
      const raw = from.exact.files.get(name) ?? wanted
      const was = to.exact.files.get(name) ?? after?.get(name)
      // The same bytes may be kept in two ways, before and after git was told to convert them.
      const differs = raw?.id !== was?.id || wanted?.id !== after?.get(name)?.id
      if (wanted && raw && differs && now?.get(name)?.id === wanted.id) beside.files.set(name, raw)
      else if (now?.get(name)?.id !== wanted?.id) beside.files.delete(name)
    }
  }
  for (const folder of from.exact.folders) if (isWithin(folder) && !to.exact.folders.has(folder)) move(folder, beside.noFolders, beside.folders)
  for (const folder of to.exact.folders) if (isWithin(folder) && !from.exact.folders.has(folder)) move(folder, beside.folders, beside.noFolders)
}

/** What git ignores is not merged: it comes back where nobody has changed it since, and nothing of it goes. `now`: as it is, and then will be. */
function noteIgnored(
  beside: BesideTree,
  now: Map<Name, Blob>,
  { from, to, isWithin }: { readonly from: Exact; readonly to: Exact; readonly isWithin: (name: Name) => boolean },
): void {
  const isSame = (one: Blob | undefined, other: Blob | undefined): boolean => one?.id === other?.id && one?.mode === other?.mode
  for (const [name, blob] of from.ignored) {
    const left = to.ignored.get(name)
    if (!isWithin(name) || isSame(left, blob) || !isSame(now.get(name), left)) continue
    beside.ignored.set(name, blob)
    now.set(name, blob)
  }
}

function move(name: Name, from: Set<Name>, to: Set<Name>): void {
  from.delete(name)
  to.add(name)
}

/** A plain tree where nothing else is to be said. */
async function withBeside(deps: TreeDeps, place: ObjectPlace, tree: ObjectId, beside: BesideTree, scratch: string, signal: AbortSignal): Promise<ObjectId> {
  const { files, ignored, folders, noFolders } = beside
  if (files.size + ignored.size + folders.size + noFolders.size === 0) return tree
  const treeOf = async (blobs: ReadonlyMap<Name, Blob>): Promise<ObjectId | undefined> => {
    if (blobs.size === 0) return undefined
    const none = (await runGit(deps, ['mktree'], { ...place, config: durable, input: '' }, signal)).text.trim()
    return editTree(deps, place, none, blobs, scratch, signal)
  }
  const [filesTree, ignoredTree] = [await treeOf(files), await treeOf(ignored)]
  const exactTree = await makeTree(deps, place, { ...(filesTree && { files: filesTree }), ...(ignoredTree && { ignored: ignoredTree }), folders, noFolders }, signal)
  const exact = await writeCommit(deps, place, { tree: exactTree, parents: [], message: 'Offstage: exact bytes to write back\n' }, signal)
  return writeKept(deps, place, { tree, head: null, inside: [], exact }, signal)
}

/** `current` with the files of `snapshot` (a snapshot's commit), all or those below these paths; ignored ones only where they are asked for by path. */
export async function withFilesOf(
  deps: TreeDeps,
  directory: string,
  of: { readonly current: ObjectId; readonly snapshot: ObjectId; readonly paths?: readonly TreePath[] },
  signal: AbortSignal,
): Promise<ObjectId> {
  const place = await openObjects(deps, directory, signal)
  await using scratch = await openScratch(deps)
  const isWithin = withinNames(of.paths)
  const [current, wanted] = await Promise.all([wholeOf(deps, place, of.current, signal), wholeOf(deps, place, of.snapshot, signal)])
  const tree = of.paths ? await treeWith(deps, place, { tree: current.tree, source: wanted.tree, paths: of.paths }, scratch.path, signal) : wanted.tree
  const beside = newBeside()
  await noteExact(deps, place, beside, { from: wanted, to: current, result: tree, isWithin }, signal)
  if (of.paths) for (const [name, blob] of wanted.exact.ignored) if (isWithin(name)) beside.ignored.set(name, blob)
  if (of.paths && beside.files.size + beside.ignored.size + beside.folders.size === 0) await assureSomething(deps, place, of.paths, tree, current.tree, wanted.tree, signal)
  return await withBeside(deps, place, tree, beside, scratch.path, signal)
}

/** A path that is nowhere is a slip. */
async function assureSomething(
  deps: TreeDeps,
  place: ObjectPlace,
  paths: readonly TreePath[],
  tree: ObjectId,
  current: ObjectId,
  wanted: ObjectId,
  signal: AbortSignal,
): Promise<void> {
  if (tree !== current) return
  const names = [...(await entriesOf(deps, place, wanted, signal)).keys(), ...(await entriesOf(deps, place, current, signal)).keys()]
  const lost = paths.filter((path) => !names.some(withinNames([path])))
  if (lost.length > 0) throw new WorkspaceFailed('refused', `the snapshot has no ${lost[0] ?? ''}`, { hint: 'offstage diff names the files', paths: lost })
}

/** `current` without these hunks (counted from 0) of what lies between two trees in this file. */
export async function withoutHunks(
  deps: TreeDeps,
  directory: string,
  of: { readonly current: ObjectId; readonly from: ObjectId; readonly to: ObjectId; readonly path: TreePath; readonly hunks: readonly number[] },
  signal: AbortSignal,
): Promise<Without> {
  const place = await openObjects(deps, directory, signal)
  await using scratch = await openScratch(deps)
  const [from, to, current] = await Promise.all([of.from, of.to, of.current].map(async (id) => (await readKept(deps, place, id, signal)).tree))
  if (from === undefined || to === undefined || current === undefined) throw new Error('three trees were read')
  const name = nameOf(pathBytes(of.path))
  const { source, hunks } = await hunksOf(deps, place, from, to, name, signal)
  const unknown = of.hunks.filter((one) => hunks[one] === undefined)
  if (unknown.length > 0)
    throw new WorkspaceFailed('refused', `there is no hunk ${(unknown[0] ?? 0) + 1} in ${of.path}`, { hint: 'a binary file can only be taken back as a whole', paths: [of.path] })
  const [before, after] = [(await entriesOf(deps, place, from, signal)).get(source), (await entriesOf(deps, place, to, signal)).get(name)]
  const isAll = hunks.every((_, at) => of.hunks.includes(at))
  const [old, now] = await Promise.all([before, after].map(async (blob) => (blob ? linesOf((await runGit(deps, ['cat-file', 'blob', blob.id], place, signal)).bytes) : [])))
  const bytes = Buffer.concat(replaced(old ?? [], now ?? [], hunks, of.hunks))
  const { text } = await runGit(deps, ['hash-object', '-w', '--stdin'], { ...place, config: durable, input: bytes }, signal)
  // A file that was made, or went, as a whole.
  const back: Blob | undefined = isAll && !before ? undefined : { mode: (isAll ? before : after)?.mode ?? before?.mode ?? '100644', id: text.trim() }
  const theirs = await editTree(deps, place, to, new Map([[name, back]]), scratch.path, signal)
  return await merge(deps, place, { base: to, ours: current, theirs }, signal)
}

/** As `compare` counts them. `source`: what the file was called before. */
async function hunksOf(
  deps: TreeDeps,
  place: ObjectPlace,
  from: ObjectId,
  to: ObjectId,
  name: Name,
  signal: AbortSignal,
): Promise<{ readonly source: Name; readonly hunks: readonly PatchHunk[] }> {
  const listed = nulPieces((await runGit(deps, ['diff-tree', '--raw', '-z', ...patchOptions, from, to], place, signal)).bytes).map(nameOf)
  let source: Name | undefined
  for (let at = 0; at < listed.length;) {
    const isRename = /^:.* [RC]\d*$/s.test(listed[at] ?? '')
    if (listed[at + (isRename ? 2 : 1)] === name) source = listed[at + 1]
    at += isRename ? 3 : 2
  }
  if (source === undefined) return { source: name, hunks: [] }
  // The two blobs alone: their names need not be told, which may be no text.
  const [old, now] = [(await entriesOf(deps, place, from, signal)).get(source), (await entriesOf(deps, place, to, signal)).get(name)]
  const none = await emptyBlob(deps, place, signal)
  const { bytes } = await runGit(
    deps,
    ['diff', ...patchOptions.filter((option) => option !== '-r' && option !== '-M'), old?.id ?? none, now?.id ?? none],
    { ...place, accepts: [1] },
    signal,
  )
  return { source, hunks: parsePatch(bytes)[0]?.hunks ?? [] }
}

const emptyBlob = async (deps: TreeDeps, place: ObjectPlace, signal: AbortSignal): Promise<ObjectId> =>
  (await runGit(deps, ['hash-object', '-w', '--stdin'], { ...place, config: durable, input: '' }, signal)).text.trim()

/** From 0. Of no lines, git names the line before. */
const start = ({ first, count }: PatchSide): number => first - (count === 0 ? 0 : 1)

function linesOf(bytes: Buffer): readonly Buffer[] {
  const lines: Buffer[] = []
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(0x0a, from)
    const next = end === -1 ? bytes.length : end + 1
    lines.push(bytes.subarray(from, next))
    from = next
  }
  return lines
}

function replaced(old: readonly Buffer[], now: readonly Buffer[], hunks: readonly PatchHunk[], chosen: readonly number[]): readonly Buffer[] {
  const made: Buffer[] = []
  let next = 0
  hunks.forEach((hunk, at) => {
    if (!chosen.includes(at)) return
    made.push(...now.slice(next, start(hunk.new)), ...old.slice(start(hunk.old), start(hunk.old) + hunk.old.count))
    next = start(hunk.new) + hunk.new.count
  })
  return [...made, ...now.slice(next)]
}

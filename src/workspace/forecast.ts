// Which works of one repository cannot be merged as they are, while they go on: git merges each two of them in its object store. Leaves nothing behind in the repository; no tree, index or branch is touched.

import { resolve } from 'node:path'
import type { ChangedFile, ObjectId, TreePath } from '../core/workspace.ts'
import { type TreePair, changedFiles } from './changed-files.ts'
import { type GitDeps, runGit } from './git.ts'
import { type Footprint, footprintOf, isOfBoth, mayMeet, sharedBy } from './footprint.ts'
import { nulPieces, pathText } from './paths.ts'
import { alternates, passingObjects } from './passing-objects.ts'
import { type ForecastBefore, type ForecastFound, type WorkOf, workKey } from './workspaces.ts'

/** What a work has changed, and what it is merged upon. */
interface Standing {
  readonly work: WorkOf
  readonly parents: readonly ObjectId[]
  /** Undefined: it is gone. */
  readonly baseTree: ObjectId | undefined
  /** Of the branch that it goes to, where it is not what it began with any more. */
  readonly targetTree: ObjectId | undefined
  readonly files: readonly ChangedFile[]
  readonly footprint: Footprint
  /** What differs from its base and is not its own. */
  readonly foreign: ReadonlySet<TreePath>
}

type Pair = ForecastFound['pairs'][number]
type Two = readonly [Standing, Standing]

/** `repository`: any directory of it. A work whose base is not there any more has no files. Throws WorkspaceFailed. */
export async function forecast(deps: GitDeps, repository: string, works: readonly WorkOf[], before: ForecastBefore | undefined, signal: AbortSignal): Promise<ForecastFound> {
  const all = await standings(deps, repository, works, signal)
  const twos = all.flatMap((one, index) => all.slice(index + 1).map((other): Two => [one, other])).filter(([one, other]) => one.files.length > 0 && other.files.length > 0)
  const known = knownBefore(before)
  const met = twos.filter((two) => !isTogether(two) && known.pair(two) === undefined && mayMeet(two[0].footprint, two[1].footprint))
  const moved = all.filter((one) => one.files.length > 0 && one.targetTree !== undefined && (known.branch(one) === undefined || met.some((two) => two.includes(one))))
  const merged = met.length + moved.length === 0 ? undefined : await merge(deps, repository, moved, met, signal)
  const found = new Map(met.map((two, index) => [two, { ...sessionsOf(two), paths: merged?.pairs[index] ?? [], shared: sharedBy(two[0].footprint, two[1].footprint) }]))
  const pairs = twos.flatMap((two): readonly Pair[] => (isTogether(two) ? [inOneTree(two)] : [known.pair(two) ?? found.get(two) ?? []].flat()))
  const onBranch = (one: Standing): readonly TreePath[] => (one.targetTree === undefined ? [] : (merged?.branches.get(one) ?? known.branch(one) ?? []))
  return {
    works: all.map((one) => ({ session: one.work.session, files: one.files, tree: one.work.tree, onBranch: onBranch(one) })),
    pairs: pairs.filter(({ paths, shared, sameTree }) => sameTree || paths.length > 0 || shared.length > 0),
  }
}

/** Of works that are as they were; undefined where they are not. */
function knownBefore(before: ForecastBefore | undefined) {
  const unchanged = new Set(before?.works.map(workKey))
  const pairs = new Map(before?.found.pairs.map((pair) => [pair.sessions.join(' '), pair]))
  const isKnown = ({ work }: Standing): boolean => unchanged.has(workKey(work))
  return {
    pair: (two: Two): Pair | undefined => {
      if (!two.every(isKnown)) return undefined
      const { sessions } = sessionsOf(two)
      return pairs.get(sessions.join(' ')) ?? { sessions, paths: [], shared: [] }
    },
    branch: (one: Standing): readonly TreePath[] | undefined => (isKnown(one) ? before?.found.works.find(({ session }) => session === one.work.session)?.onBranch : undefined),
  }
}

const sessionsOf = ([one, other]: Two): Pick<Pair, 'sessions'> => ({ sessions: [one.work.session, other.work.session] })

const isTogether = ([one, other]: Two): boolean => one.work.directory === other.work.directory

/** Each writes over the other: there is one version only, which both have made. */
function inOneTree(two: Two): Pair {
  const shared = sharedBy(two[0].footprint, two[1].footprint)
  const isKnown = two.every(({ work }) => (work.touched ?? []).length > 0)
  return { ...sessionsOf(two), paths: isKnown ? shared : [], shared, sameTree: true }
}

async function standings(deps: GitDeps, repository: string, works: readonly WorkOf[], signal: AbortSignal): Promise<readonly Standing[]> {
  // What is committed in place is done with.
  const doneIn = ({ inPlace, head }: WorkOf): ObjectId | null => (inPlace ? head : null)
  const treeOf = await treesOfCommits(deps, repository, works.flatMap((work) => [work.base, doneIn(work) ?? work.base, work.target ?? work.base]), signal) // prettier-ignore
  const since = (commit: ObjectId | null, to: ObjectId): TreePair => ({ from: (commit !== null && treeOf.get(commit)) || to, to })
  const own = works.map((work) => since(work.base, work.until ?? work.tree))
  const changed = await changedFiles(deps, repository, [...own, ...works.map((work) => since(doneIn(work), work.tree))], signal, alternates(objectsOf(works)))
  // Two snapshots of one state are one base.
  const bases = new Map(works.map(({ base }) => [treeOf.get(base), base]))
  return works.map((work, index): Standing => {
    const open = doneIn(work) === null ? undefined : changed[works.length + index]
    const all = changed[index] ?? []
    const files = ownOf(work, all, open)
    const baseTree = treeOf.get(work.base)
    const base = bases.get(baseTree) ?? work.base
    return {
      work,
      parents: [...new Set([work.head ?? base, base])],
      baseTree,
      targetTree: work.target === undefined || treeOf.get(work.target) === baseTree ? undefined : treeOf.get(work.target),
      files,
      footprint: footprintOf(files),
      foreign: namesOf(all.filter((file) => !files.includes(file))),
    }
  })
}

const objectsOf = (works: readonly WorkOf[]): readonly string[] => [...new Set(works.flatMap(({ objects }) => objects ?? []))]

const namesOf = (files: readonly ChangedFile[]): ReadonlySet<TreePath> => new Set(files.flatMap(({ path, from = path }) => [path, from]))

function ownOf(work: WorkOf, all: readonly ChangedFile[], uncommitted: readonly ChangedFile[] | undefined): readonly ChangedFile[] {
  const open = uncommitted && namesOf(uncommitted)
  const touched = work.touched && work.touched.length > 0 ? new Set(work.touched) : undefined
  const isIn = (set: ReadonlySet<TreePath> | undefined, { path, from = path }: ChangedFile): boolean => set === undefined || set.has(path) || set.has(from)
  return all.filter((file) => isIn(open, file) && isIn(touched, file))
}

export async function tipsOf(deps: GitDeps, repository: string, branches: readonly string[], signal: AbortSignal): Promise<readonly (ObjectId | undefined)[]> {
  return namedObjects(deps, repository, branches.map((branch) => `refs/heads/${branch}^{commit}`), signal) // prettier-ignore
}

/** Those that are there. */
async function treesOfCommits(deps: GitDeps, repository: string, commits: readonly ObjectId[], signal: AbortSignal): Promise<ReadonlyMap<ObjectId, ObjectId>> {
  const asked = [...new Set(commits)]
  const trees = await namedObjects(deps, repository, asked.map((commit) => `${commit}^{tree}`), signal) // prettier-ignore
  return new Map(asked.flatMap((commit, index) => (trees[index] === undefined ? [] : [[commit, trees[index]] as const])))
}

async function namedObjects(deps: GitDeps, repository: string, names: readonly string[], signal: AbortSignal): Promise<readonly (ObjectId | undefined)[]> {
  if (names.length === 0) return []
  const said = await runGit(deps, ['cat-file', '--batch-check=%(objectname)'], { cwd: repository, input: names.map((name) => `${name}\n`).join('') }, signal)
  const lines = said.text.split('\n')
  return names.map((_, index) => (/^[0-9a-f]+$/.test(lines[index] ?? '') ? lines[index] : undefined))
}

/** A work as it is merged: a commit of its tree, and what that stands on. */
interface Side {
  readonly commit: ObjectId
  readonly baseTree: ObjectId | undefined
}

interface Merges {
  /** Where it conflicts with the branch that it goes to. */
  readonly branches: ReadonlyMap<Standing, readonly TreePath[]>
  /** For each two where they truly conflict, none where git merges them by itself. */
  readonly pairs: readonly (readonly TreePath[])[]
}

/** First each that its branch has moved away from onto that branch: two that go to the same one meet there, or what came to it meanwhile would be taken for theirs. */
async function merge(deps: GitDeps, repository: string, moved: readonly Standing[], twos: readonly Two[], signal: AbortSignal): Promise<Merges> {
  const [said, drivers] = await Promise.all([
    runGit(deps, ['rev-parse', '--git-path', 'objects'], { cwd: repository }, signal),
    runGit(deps, ['config', '-z', '--name-only', '--get-regexp', String.raw`^merge\..*\.driver$`], { cwd: repository, accepts: [1] }, signal),
  ])
  const aside = objectsOf([...twos.flat(), ...moved].map(({ work }) => work))
  await using objects = await passingObjects([resolve(repository, said.text.replace(/\n$/, '')), ...aside])
  // The user's own drivers are programs, and this is done behind the user's back: git's own way of merging stands in for them.
  const instead = nulPieces(drivers.bytes).map((name) => `--config-env=${name.toString('utf8')}=OFFSTAGE_MERGE`)
  const args = [...instead, 'merge-tree', '--write-tree', '--stdin', '-z', '--name-only', '--no-messages', '--allow-unrelated-histories']
  const vars = { ...objects.vars, OFFSTAGE_MERGE: 'git merge-file -q %A %O %B' }
  const mergeAll = async (all: readonly (readonly [ObjectId, ObjectId])[]): Promise<readonly MergeFound[]> => {
    if (all.length === 0) return []
    const input = all.map((two) => `${two.join(' ')}\n`).join('')
    return readMerges((await runGit(deps, args, { cwd: repository, input, vars, config: ['merge.renameLimit=1000'] }, signal)).bytes)
  }
  const own = new Map(await Promise.all([...new Set([...twos.flat(), ...moved])].map(async (one) => [one, await objects.commit(one.work.tree, one.parents)] as const)))
  const plain = (one: Standing): Side => ({ commit: own.get(one) ?? '', baseTree: one.baseTree })
  const onto = moved.map((one): readonly [ObjectId, ObjectId] => [plain(one).commit, one.work.target ?? ''])
  const landed = await mergeAll(onto)
  const sides = new Map<Standing, Side>()
  const branches = new Map<Standing, readonly TreePath[]>()
  for (const [index, one] of moved.entries()) {
    const { tree, ...met } = landed[index] ?? nothing
    if (tree !== '' && one.work.target !== undefined) sides.set(one, { commit: await objects.commit(tree, [one.work.target]), baseTree: one.targetTree })
    branches.set(one, conflictPaths(one.footprint, one.footprint, met, onto[index] ?? ['', '']))
  }
  const isThere = ({ work }: Standing, target: ObjectId | undefined): boolean => target !== undefined && (work.inPlace ? work.head : work.target) === target
  const met = twos.map(([one, other]): readonly [Side, Side] => {
    const target = one.work.target ?? other.work.target
    return isThere(one, target) && isThere(other, target) ? [sides.get(one) ?? plain(one), sides.get(other) ?? plain(other)] : [plain(one), plain(other)]
  })
  const found = await mergeAll(met.map(([one, other]) => [one.commit, other.commit]))
  const told = twos.map(([one, other], index) =>
    conflictPaths(one.footprint, other.footprint, found[index] ?? nothing, [met[index]?.[0].commit ?? '', met[index]?.[1].commit ?? '']),
  )
  return { branches, pairs: await withoutForeign(deps, repository, twos, met, told, signal) }
}

interface MergeFound {
  /** What came of it, with marks where it conflicts. */
  readonly tree: ObjectId
  readonly isClean: boolean
  readonly names: readonly Buffer[]
}

const nothing: MergeFound = { tree: '', isClean: true, names: [] }

/** Of each merge: `1` where it is clean, its tree, the names that conflict, and nothing. */
function readMerges(bytes: Buffer): readonly MergeFound[] {
  const pieces = nulPieces(bytes)
  const found: MergeFound[] = []
  for (let at = 0; at < pieces.length; at += 1) {
    const isClean = pieces[at]?.toString('latin1') === '1'
    let end = at + 2
    while (end < pieces.length && pieces[end]?.length !== 0) end += 1
    found.push({ tree: pieces[at + 1]?.toString('latin1') ?? '', isClean, names: pieces.slice(at + 2, end) })
    at = end
  }
  return found
}

function conflictPaths(one: Footprint, other: Footprint, { isClean, names }: Omit<MergeFound, 'tree'>, commits: readonly [ObjectId, ObjectId]): readonly TreePath[] {
  if (isClean) return []
  const paths = new Set(names.map((name) => pathText(unmarked(name, commits))))
  // Of some conflicts git names no file.
  return names.length === 0 ? sharedBy(one, other) : [...paths].toSorted()
}

/** Git also meets what came between two bases, and what others did in the same tree: what these two works have not both done is none of theirs. */
async function withoutForeign(
  deps: GitDeps,
  repository: string,
  twos: readonly Two[],
  met: readonly (readonly [Side, Side])[],
  told: readonly (readonly TreePath[])[],
  signal: AbortSignal,
): Promise<readonly (readonly TreePath[])[]> {
  const between = met.map(([{ baseTree: from = '' }, { baseTree: to = '' }], index): TreePair => (told[index]?.length === 0 ? { from: '', to: '' } : { from, to }))
  const differ = await changedFiles(deps, repository, between, signal)
  return twos.map(([one, other], index) => {
    const apart = namesOf(differ[index] ?? [])
    const isForeign = (path: TreePath): boolean => apart.has(path) || one.foreign.has(path) || other.foreign.has(path)
    return (told[index] ?? []).filter((path) => !isForeign(path) || isOfBoth(one.footprint, other.footprint, path))
  })
}

/** Where a file is in the way of a folder, git gives it a name with the commit behind it. */
function unmarked(name: Buffer, commits: readonly [ObjectId, ObjectId]): Buffer {
  const at = Math.max(...commits.map((commit) => name.lastIndexOf(`~${commit}`)))
  return at > 0 && !name.includes('/', at) ? name.subarray(0, at) : name
}

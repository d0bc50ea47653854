// Which works of one repository cannot be merged as they are, while they go on: git merges each two of them in its object store. Leaves nothing behind in the repository; no tree, index or branch is touched.

import { resolve } from 'node:path'
import type { ChangedFile, ObjectId, TreePath } from '../core/workspace.ts'
import { type TreePair, changedFiles } from './changed-files.ts'
import { type GitDeps, runGit } from './git.ts'
import { type Footprint, footprintOf, isOfBoth, mayMeet, sharedBy } from './footprint.ts'
import { nulPieces, pathText } from './paths.ts'
import { passingObjects } from './passing-objects.ts'
import type { ForecastBefore, ForecastFound, WorkOf } from './workspaces.ts'

/** What a work has changed, and what it is merged upon. */
interface Standing {
  readonly work: WorkOf
  readonly parents: readonly ObjectId[]
  /** Undefined: it is gone. */
  readonly baseTree: ObjectId | undefined
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
  const known = pairsBefore(before)
  const met = twos.filter((two) => !isTogether(two) && known(two) === undefined && mayMeet(two[0].footprint, two[1].footprint))
  const merged = met.length === 0 ? [] : await merge(deps, repository, met, signal)
  const found = new Map(met.map((two, index) => [two, { ...sessionsOf(two), paths: merged[index] ?? [], shared: sharedBy(two[0].footprint, two[1].footprint) }]))
  const pairs = twos.flatMap((two): readonly Pair[] => (isTogether(two) ? [inOneTree(two)] : [known(two) ?? found.get(two) ?? []].flat()))
  return {
    works: all.map(({ work, files }) => ({ session: work.session, files, tree: work.tree })),
    pairs: pairs.filter(({ paths, shared, sameTree }) => sameTree || paths.length > 0 || shared.length > 0),
  }
}

/** Of two works that are as they were; undefined where they are not. */
function pairsBefore(before: ForecastBefore | undefined): (two: Two) => Pair | undefined {
  const unchanged = new Set(before?.works.map((work) => JSON.stringify(work)))
  const pairs = new Map(before?.found.pairs.map((pair) => [pair.sessions.join(' '), pair]))
  return (two) => {
    if (!two.every(({ work }) => unchanged.has(JSON.stringify(work)))) return undefined
    const { sessions } = sessionsOf(two)
    return pairs.get(sessions.join(' ')) ?? { sessions, paths: [], shared: [] }
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
  const treeOf = await treesOfCommits(deps, repository, works.flatMap((work) => [work.base, doneIn(work) ?? work.base]), signal) // prettier-ignore
  const since = (work: WorkOf, commit: ObjectId | null): TreePair => ({ from: (commit !== null && treeOf.get(commit)) || work.tree, to: work.tree })
  const changed = await changedFiles(deps, repository, [...works.map((work) => since(work, work.base)), ...works.map((work) => since(work, doneIn(work)))], signal)
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
      files,
      footprint: footprintOf(files),
      foreign: namesOf(all.filter((file) => !files.includes(file))),
    }
  })
}

const namesOf = (files: readonly ChangedFile[]): ReadonlySet<TreePath> => new Set(files.flatMap(({ path, from = path }) => [path, from]))

function ownOf(work: WorkOf, all: readonly ChangedFile[], uncommitted: readonly ChangedFile[] | undefined): readonly ChangedFile[] {
  const open = uncommitted && namesOf(uncommitted)
  const touched = work.touched && work.touched.length > 0 ? new Set(work.touched) : undefined
  const isIn = (set: ReadonlySet<TreePath> | undefined, { path, from = path }: ChangedFile): boolean => set === undefined || set.has(path) || set.has(from)
  return all.filter((file) => isIn(open, file) && isIn(touched, file))
}

/** Those that are there. */
async function treesOfCommits(deps: GitDeps, repository: string, commits: readonly ObjectId[], signal: AbortSignal): Promise<ReadonlyMap<ObjectId, ObjectId>> {
  const asked = [...new Set(commits)]
  if (asked.length === 0) return new Map()
  const said = await runGit(deps, ['cat-file', '--batch-check=%(objectname)'], { cwd: repository, input: asked.map((commit) => `${commit}^{tree}\n`).join('') }, signal)
  const lines = said.text.split('\n')
  return new Map(asked.flatMap((commit, index) => (/^[0-9a-f]+$/.test(lines[index] ?? '') ? [[commit, lines[index] ?? ''] as const] : [])))
}

/** For each two where they truly conflict, none where git merges them by itself. */
async function merge(deps: GitDeps, repository: string, twos: readonly Two[], signal: AbortSignal): Promise<readonly (readonly TreePath[])[]> {
  const [said, drivers] = await Promise.all([
    runGit(deps, ['rev-parse', '--git-path', 'objects'], { cwd: repository }, signal),
    runGit(deps, ['config', '-z', '--name-only', '--get-regexp', String.raw`^merge\..*\.driver$`], { cwd: repository, accepts: [1] }, signal),
  ])
  await using objects = await passingObjects(resolve(repository, said.text.replace(/\n$/, '')))
  const commits = new Map(await Promise.all([...new Set(twos.flat())].map(async (one) => [one, await objects.commit(one.work.tree, one.parents)] as const)))
  // The user's own drivers are programs, and this is done behind the user's back: git's own way of merging stands in for them.
  const instead = nulPieces(drivers.bytes).map((name) => `--config-env=${name.toString('utf8')}=OFFSTAGE_MERGE`)
  const args = [...instead, 'merge-tree', '--write-tree', '--stdin', '-z', '--name-only', '--no-messages', '--allow-unrelated-histories']
  const { bytes } = await runGit(
    deps,
    args,
    {
      cwd: repository,
      input: twos.map(([one, other]) => `${commits.get(one)} ${commits.get(other)}\n`).join(''),
      vars: { ...objects.vars, OFFSTAGE_MERGE: 'git merge-file -q %A %O %B' },
      config: ['merge.renameLimit=1000'],
    },
    signal,
  )
  const found = readMerges(bytes)
  const told = twos.map((two, index) => conflictPaths(two, found[index] ?? clean, [commits.get(two[0]) ?? '', commits.get(two[1]) ?? '']))
  return withoutForeign(deps, repository, twos, told, signal)
}

interface MergeFound {
  readonly isClean: boolean
  readonly names: readonly Buffer[]
}

const clean: MergeFound = { isClean: true, names: [] }

/** Of each merge: `1` where it is clean, its tree, the names that conflict, and nothing. */
function readMerges(bytes: Buffer): readonly MergeFound[] {
  const pieces = nulPieces(bytes)
  const found: MergeFound[] = []
  for (let at = 0; at < pieces.length; at += 1) {
    const isClean = pieces[at]?.toString('latin1') === '1'
    let end = at + 2
    while (end < pieces.length && pieces[end]?.length !== 0) end += 1
    found.push({ isClean, names: pieces.slice(at + 2, end) })
    at = end
  }
  return found
}

function conflictPaths([one, other]: Two, { isClean, names }: MergeFound, commits: readonly [ObjectId, ObjectId]): readonly TreePath[] {
  if (isClean) return []
  const paths = new Set(names.map((name) => pathText(unmarked(name, commits))))
  // Of some conflicts git names no file.
  return names.length === 0 ? sharedBy(one.footprint, other.footprint) : [...paths].toSorted()
}

/** Git also meets what came between two bases, and what others did in the same tree: what these two works have not both done is none of theirs. */
async function withoutForeign(
  deps: GitDeps,
  repository: string,
  twos: readonly Two[],
  told: readonly (readonly TreePath[])[],
  signal: AbortSignal,
): Promise<readonly (readonly TreePath[])[]> {
  const between = twos.map(([{ baseTree: from = '' }, { baseTree: to = '' }], index): TreePair => (told[index]?.length === 0 ? { from: '', to: '' } : { from, to }))
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

// The worktree of a session: where it is to be, and how it is made. Every step may be repeated: what a crash left half made is finished, and what is ready, or not ours, is never touched. Nothing here removes a file of anybody's.

import { mkdir, readFile, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { printableLine } from '../core/terminal-text.ts'
import type { ObjectId, Worktree } from '../core/workspace.ts'
import { freeBranch } from './branch-name.ts'
import { GitFailed, runGit } from './git.ts'
import { keepCommits } from './kept-commits.ts'
import { nameOf } from './look.ts'
import { type TreeDeps, durable, openScratch } from './open-tree.ts'
import { nulPieces, withinNames } from './paths.ts'
import { processesInside } from './processes-inside.ts'
import { finishRemoval } from './remove-worktree.ts'
import { repositoryName } from './repository.ts'
import { type Kept, readKept, writeCommit, writeKept } from './snapshot-commit.ts'
import { addSubmodules } from './submodules.ts'
import { editTree } from './tree-edit.ts'
import { type RepositoryAt, WorkspaceFailed } from './workspaces.ts'
import { commonOf, isGoneByHand, leadAway, lockOf, markReady, adminOf, sessionOf, standingAt } from './worktree-place.ts'
import { writeTree } from './write-tree.ts'

export interface WorktreeDeps extends TreeDeps {
  /** Branches that were planned and may not be made yet: full name, by the common git directory. */
  readonly planned: Map<string, Set<string>>
}

/** Nothing is made. */
export async function planWorktree(
  deps: WorktreeDeps,
  at: RepositoryAt,
  wish: { readonly session: string; readonly label: string | null },
  signal: AbortSignal,
): Promise<Worktree> {
  if (at.head === null || at.noWorktrees !== undefined)
    throw new WorkspaceFailed('impossible', `no worktree can be made of ${printableLine(at.top)}: ${at.noWorktrees ?? 'no commit yet'}`)
  const said = await runGit(deps, ['for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads/'], { cwd: at.top }, signal)
  const planned = deps.planned.get(at.common) ?? new Set<string>()
  const branch = freeBranch(wish.session, wish.label, [...said.text.split('\n').filter((name) => name !== ''), ...planned])
  deps.planned.set(at.common, planned.add(branch))
  return {
    repository: at.top,
    path: join(deps.home, 'worktrees', wish.session, folderName(repositoryName(at))),
    below: at.below,
    branch,
    base: at.head,
    ...(at.branch === null ? {} : { from: at.branch }),
  }
}

const folderName = (name: string): string => printableLine(name).replace(/^[-.\s]+/, '').trim() || 'tree' // prettier-ignore

interface Making {
  readonly deps: WorktreeDeps
  readonly worktree: Worktree
  readonly common: string
  /** Where HEAD is to be. */
  readonly head: ObjectId
  /** What the files are to be as, where that is not HEAD. */
  readonly target?: { readonly commit: ObjectId; readonly tree: ObjectId; readonly index?: ObjectId }
  readonly base: ObjectId
  /** It was there before: its branch may be there still. */
  readonly returns: boolean
  readonly signal: AbortSignal
}

/** Makes it, or finds it made. Resolves to the commit that changes are counted from. */
export async function makeWorktree(
  deps: WorktreeDeps,
  worktree: Worktree,
  from: ObjectId | undefined,
  signal: AbortSignal,
): Promise<{ readonly base: ObjectId; readonly detached?: true }> {
  const { path, repository } = worktree
  const common = await commonOf(deps, repository, signal)
  // One that was on its way out when everything stopped is back in its place first, or gone.
  const gone = await finishRemoval(deps, { common, repository, path }, signal)
  const standing = await standingAt(common, path)
  if (standing.kind === 'ready') return { ...standing.ready, ...(from === undefined ? {} : await headOf(standing.admin)) }
  if (standing.kind === 'foreign') throw inTheWay(path)
  if (standing.kind === 'nothing' && standing.ready && from === undefined) throw isGoneByHand(path)
  const making = { deps, worktree, common, signal, ...(await intentOf(deps, worktree, from ?? gone, signal)) }
  if (standing.kind === 'torn') await unlink(join(path, '.git'))
  if (standing.kind !== 'begun') await addTree(making)
  const admin = await adminOf(path)
  if (admin === undefined) throw new WorkspaceFailed('failed', `git made no worktree at ${printableLine(path)}`, { hint: 'look at that folder, move it away, and try again' })
  if (standing.kind === 'begun') await freeFromCrash(making, admin)
  deps.step?.('added')
  await both(attachBranch(making, admin), checkOut(making))
  deps.step?.('files')
  await fill(making, admin)
  deps.step?.('filled')
  await markReady(admin, { base: making.base })
  return { base: making.base, ...(making.returns ? await headOf(admin) : {}) }
}

const headOf = async (admin: string): Promise<{ readonly detached?: true }> => ((await readFile(join(admin, 'HEAD'), 'utf8')).startsWith('ref: ') ? {} : { detached: true })

/** Files by their tree, HEAD by its branch: neither knows of the other. No git goes on when this is over. */
async function both(...steps: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(steps)).find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
}

const inTheWay = (path: string): WorkspaceFailed =>
  new WorkspaceFailed('refused', `${printableLine(path)} is in the way: it is not the worktree of this session`, { hint: 'move it away, and try again' })

/** What it is to be as. */
async function intentOf(deps: WorktreeDeps, worktree: Worktree, from: ObjectId | undefined, signal: AbortSignal): Promise<Pick<Making, 'head' | 'target' | 'base' | 'returns'>> {
  if (from === undefined) return { head: worktree.base, base: worktree.base, returns: false }
  const place = { cwd: worktree.repository, vars: {} }
  const kept = await readKept(deps, place, from, signal)
  const { tree, index } = kept
  const head = kept.head ?? worktree.base
  const counted = await countedFrom(deps, worktree, signal)
  const isFirst = worktree.carries !== undefined && (counted === undefined || counted.of === from)
  if (!isFirst) return { head, target: { commit: from, tree, ...(index === undefined ? {} : { index }) }, base: counted?.base ?? worktree.base, returns: true }
  const carried = await carriedTree(deps, worktree, kept, signal)
  // The snapshot is its second parent, so that this base can be told to be of it, and keeps it.
  const message = `What was not committed when session ${sessionOf(worktree)} began\n`
  const base = await writeCommit(deps, place, { tree: carried, parents: [head, from], message }, signal)
  const target = carried === tree ? from : await writeKept(deps, place, { ...kept, tree: carried, inside: [] }, signal)
  await runGit(deps, ['update-ref', baseRef(worktree), base], { ...place, config: [...durable, 'core.logAllRefUpdates=false'] }, signal)
  return { head, target: { commit: target, tree: carried }, base, returns: false }
}

const baseRef = (worktree: Worktree): string => `refs/offstage/${sessionOf(worktree)}/base`

/** As it was decided when its first tree was made. */
async function countedFrom(deps: WorktreeDeps, worktree: Worktree, signal: AbortSignal): Promise<{ readonly base: ObjectId; readonly of: ObjectId | undefined } | undefined> {
  const said = await runGit(deps, ['for-each-ref', '--format=%(objectname) %(parent)', baseRef(worktree)], { cwd: worktree.repository }, signal)
  const [base, , of] = said.text.trim().split(' ')
  return base === undefined || base === '' ? undefined : { base, of }
}

/** The tree of the snapshot without untracked files that are to stay behind. */
async function carriedTree(deps: WorktreeDeps, { repository, carries }: Worktree, { tree, index, head }: Kept, signal: AbortSignal): Promise<ObjectId> {
  const untracked = carries?.untracked ?? 'all'
  if (untracked === 'all') return tree
  const tracked = index ?? head
  if (tracked === null) return tree
  const listed = await runGit(deps, ['diff-tree', '-r', '-z', '--name-only', '--no-renames', '--diff-filter=A', tracked, tree], { cwd: repository }, signal)
  const isWanted = withinNames(untracked)
  const left = nulPieces(listed.bytes).map(nameOf).filter((name) => untracked.length === 0 || !isWanted(name)) // prettier-ignore
  if (left.length === 0) return tree
  await using scratch = await openScratch(deps)
  return await editTree(deps, { cwd: repository, vars: {} }, tree, new Map(left.map((name) => [name, undefined])), scratch.path, signal)
}

/** Without files and without a branch yet, in a few milliseconds. A worktree that git believes to be there and that is gone gives way: twice forced, as its beginning may be locked. */
async function addTree({ deps, worktree, common, head, signal }: Making): Promise<void> {
  const { repository, path } = worktree
  const before = await standingAt(common, path)
  if (before.kind === 'nothing' && before.admin !== undefined) {
    const lock = await lockOf(before.admin)
    if (lock !== undefined && lock !== 'initializing')
      throw new WorkspaceFailed('refused', `the worktree ${printableLine(path)} is gone and locked${lock === '' ? '' : `: ${lock}`}`, { hint: 'git worktree unlock it first' })
    await keepCommits(deps, { repository, common, admin: before.admin, session: sessionOf(worktree), branch: worktree.branch }, signal)
    if (before.ready) await setAside(deps, worktree, before.admin, signal)
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await runGit(deps, ['worktree', 'add', '-f', '-f', '--detach', '--no-checkout', path, head], { cwd: repository }, signal)
}

/** It was ready, and somebody has deleted or moved it. If it was moved, that folder stays all that it is, with an index of its own; only its branch, which goes with the session, it has no more. */
async function setAside(deps: WorktreeDeps, { repository, path, branch }: Worktree, admin: string, signal: AbortSignal): Promise<void> {
  if ((await readFile(join(admin, 'HEAD'), 'utf8')).trim() === `ref: refs/heads/${branch}`) {
    const call = { cwd: repository, vars: { GIT_DIR: admin } }
    const { text, exitCode } = await runGit(deps, ['rev-parse', '--verify', '-q', 'HEAD^{commit}'], { ...call, accepts: [1] }, signal)
    if (exitCode === 0)
      await runGit(deps, ['update-ref', '--no-deref', '-m', 'offstage: its tree is made again elsewhere', 'HEAD', text.trim()], { ...call, config: durable }, signal)
  }
  deps.step?.('detached')
  await leadAway(admin, path)
  deps.step?.('led-away')
}

/** The git that was killed, or one that goes on without its daemon: only the first leaves locks that nobody will take away. */
async function freeFromCrash({ deps, worktree, common, signal }: Making, admin: string): Promise<void> {
  const inside = await processesInside(worktree.path, signal)
  const [busy] = inside ?? []
  if (busy) throw new WorkspaceFailed('busy', `${busy.program} (process ${busy.pid}) still works in ${printableLine(worktree.path)}`, { hint: 'try again when it is done' })
  const locks = [...['index.lock', 'HEAD.lock'].map((name) => join(admin, name)), join(common, 'refs/heads', `${worktree.branch}.lock`)]
  for (const lock of locks) await unlink(lock).catch(() => {})
  if ((await lockOf(admin)) === 'initializing') await runGit(deps, ['worktree', 'unlock', worktree.path], { cwd: worktree.repository }, signal)
}

/** HEAD names the branch before there is one: so one that a crash left behind is known to be ours. */
async function attachBranch(making: Making, admin: string): Promise<void> {
  await nameBranch(making, admin)
  making.deps.step?.('branch')
}

async function nameBranch({ deps, worktree, head, returns, signal }: Making, admin: string): Promise<void> {
  const { repository, path, branch } = worktree
  const ref = `refs/heads/${branch}`
  const call = { cwd: path }
  const said = await runGit(deps, ['for-each-ref', '--format=%(refname)%00%(objectname)%00%(worktreepath)', ref], { cwd: repository }, signal)
  const [, tip, usedAt] = said.text.split('\n').map((line) => line.split('\0')).find(([name]) => name === ref) ?? [] // prettier-ignore
  const isNamed = (await readFile(join(admin, 'HEAD'), 'utf8')).trim() === `ref: ${ref}`
  const detach = (): Promise<unknown> => runGit(deps, ['update-ref', '--no-deref', 'HEAD', head], call, signal)
  if (tip !== undefined) {
    const isElsewhere = usedAt !== undefined && usedAt !== '' && usedAt !== path
    if (isNamed && !isElsewhere) return
    if (returns && !isElsewhere && tip === head) return void (await runGit(deps, ['symbolic-ref', '-m', 'offstage: it comes back', 'HEAD', ref], call, signal))
    if (isNamed || !returns) await detach()
    // It went on somewhere else meanwhile: that stays as it is, and so does this.
    if (returns) return
    throw new WorkspaceFailed('refused', `there is a branch ${printableLine(branch)} already`, { hint: 'rename it or delete it, and try again; or give the session another label' })
  }
  await runGit(deps, ['symbolic-ref', 'HEAD', ref], call, signal)
  deps.step?.('named')
  try {
    await runGit(
      deps,
      ['update-ref', '--create-reflog', '-m', `offstage: session ${sessionOf(worktree)}`, ref, head, '0'.repeat(head.length)],
      { ...call, config: durable },
      signal,
    )
  } catch (cause) {
    if (cause instanceof GitFailed && !signal.aborted) await detach()
    throw cause
  }
}

async function fill(making: Making, admin: string): Promise<void> {
  const { deps, worktree, head, target, signal } = making
  const { path, repository } = worktree
  const call = { cwd: path }
  await addSubmodules(deps, { repository, path, admin }, signal)
  if (target === undefined) return
  const index = target.index ?? head
  await runGit(deps, ['read-tree', '-m', index], call, signal)
  const { written } = await writeTree(deps, path, { from: target.tree, to: target.commit, going: true, checkedOut: true }, signal)
  if (written.length === 0) return
  // By another size git takes them for changed, without a look at what it would make of them.
  await runGit(deps, ['read-tree', index], call, signal)
  await runGit(deps, ['update-index', '-q', '--refresh'], { ...call, accepts: [1] }, signal)
}

async function checkOut({ deps, worktree, head, target, signal }: Making): Promise<void> {
  const call = { cwd: worktree.path }
  const args = ['read-tree', '--reset', '-u', target?.tree ?? head]
  try {
    await runGit(deps, args, call, signal)
  } catch (cause) {
    if (!(cause instanceof GitFailed) || !/smudge filter|external filter|filter-process/.test(cause.said)) throw cause
    // git-lfs is set up and not installed, or has not what is asked for and no network: pointers are what is committed.
    await runGit(deps, args, { ...call, config: ['filter.lfs.smudge=', 'filter.lfs.process=', 'filter.lfs.required=false'] }, signal)
  }
}

// Moves a branch to a commit that is ready, and lets index and files of the working tree where it is checked out follow. Before or after, never between: what was begun is gone on with (follow-journal.ts).
// Never merges anything, never touches a file that is not clean, never moves a branch that is not where it was.

import { join } from 'node:path'
import { printableLine } from '../core/terminal-text.ts'
import type { ObjectId } from '../core/workspace.ts'
import { type Follow, type FollowDeps, leftOver, perform, regainLock, release, takeLock, writePlan } from './follow-journal.ts'
import { type TreePlace, assureClean, branchesHeld, changesBetween, looked, placeOfTree, refuseOperation } from './follow.ts'
import { hasCode } from './disk.ts'
import { textOf } from './look.ts'
import { type GitDeps, GitFailed, runGit } from './git.ts'
import { durable } from './open-tree.ts'
import { WorkspaceFailed, type Workspaces } from './workspaces.ts'

/** Not the caller's to cut short: the branch has moved. */
const finishMs = 600_000

type Move = Parameters<Workspaces['moveBranch']>[0]
type Moved = Awaited<ReturnType<Workspaces['moveBranch']>>

/** Trees that are being moved now, by whoever has the same deps: what lies in them is not left over by a death. */
const movingBy = new WeakMap<FollowDeps, Set<string>>()

function movingFor(deps: FollowDeps): Set<string> {
  const found = movingBy.get(deps) ?? new Set<string>()
  movingBy.set(deps, found)
  return found
}

/** The working tree where this branch is checked out, or where a rebase or bisect will come back to it. Throws `refused` where there are several. */
export async function treeOfBranch(deps: GitDeps, repository: string, ref: string, signal: AbortSignal): Promise<string | undefined> {
  const { text } = await runGit(deps, ['worktree', 'list', '--porcelain', '-z'], { cwd: repository }, signal)
  const found: string[] = []
  for (const lines of text.split('\0\0').map((record) => record.split('\0'))) {
    const path = lines.find((line) => line.startsWith('worktree '))?.slice('worktree '.length)
    // A worktree that is gone from the disk is only a name.
    if (path === undefined || lines.includes('bare') || !(await looked(Buffer.from(path)))) continue
    if (lines.includes(`branch ${ref}`) || (lines.includes('detached') && (await branchesHeld((await placeOfTree(deps, path, signal)).gitDir)).includes(ref))) found.push(path)
  }
  if (found.length > 1)
    throw new WorkspaceFailed('refused', `${short(ref)} is checked out in ${found.map(printableLine).join(' and ')}`, { hint: 'switch one of them to another branch' })
  return found[0]
}

/** Throws `refused` with the paths where the tree cannot follow, `busy` where another git is at work. */
export async function mayFollow(deps: FollowDeps, tree: string, of: { readonly old: ObjectId; readonly new: ObjectId }, signal: AbortSignal): Promise<void> {
  const place = await placeOfTree(deps, tree, signal)
  if (movingFor(deps).has(place.gitDir)) throw new WorkspaceFailed('busy', `another session is landing in ${printableLine(tree)}`, { hint: 'try again when it has' })
  const behind = (await finishLeftOver(deps, place, signal))?.moved.behind
  if (behind !== undefined) throw new WorkspaceFailed('busy', behind)
  await refuseOperation(place)
  const lock = join(place.gitDir, 'index.lock')
  if (await looked(Buffer.from(lock)))
    throw new WorkspaceFailed('busy', `another git is at work in ${printableLine(tree)}`, { hint: `try again when it is done; if none is, remove ${lock}` })
  await assureClean(deps, place, await changesBetween(deps, tree, of.old, of.new, signal), signal)
}

/** As the interface says. What throws before the branch has moved has touched nothing; after it, a repeat with `going` ends it. */
export async function moveBranch(deps: FollowDeps, of: Move, signal: AbortSignal): Promise<Moved> {
  const place = of.tree === undefined ? undefined : await placeOfTree(deps, of.tree, signal)
  if (!place) return moveAlong(deps, of, undefined, signal)
  const moving = movingFor(deps)
  if (moving.has(place.gitDir)) throw new WorkspaceFailed('busy', `another session is landing in ${printableLine(place.top)}`, { hint: 'try again when it has' })
  moving.add(place.gitDir)
  try {
    return await moveAlong(deps, of, place, signal)
  } finally {
    moving.delete(place.gitDir)
  }
}

async function moveAlong(deps: FollowDeps, of: Move, place: TreePlace | undefined, signal: AbortSignal): Promise<Moved> {
  const earlier = place ? await finishLeftOver(deps, place, signal) : undefined
  if (earlier?.follow.new === of.new && earlier.follow.ref === of.ref) return earlier.moved
  if (earlier?.moved.behind !== undefined) throw new WorkspaceFailed('busy', earlier.moved.behind)
  const now = await commitOf(deps, of.repository, of.ref, signal)
  if (now === of.new) return { moved: true, left: [] }
  if (now !== of.old) return { moved: of.going === true && now !== undefined && (await contains(deps, of.repository, now, of.new, signal)), left: [] }
  if (!place) return { moved: (await treeOfBranch(deps, of.repository, of.ref, signal)) === undefined && (await moveRef(deps, of, of.repository, signal)), left: [] }
  await takeLock(deps, place)
  let follow: Follow | undefined
  try {
    if ((await headRef(deps, place, signal)) === of.ref) follow = await moveWith(deps, place, of, signal)
  } catch (cause) {
    await release(deps, place)
    throw worded(cause, place)
  }
  if (!follow) {
    await release(deps, place)
    return { moved: false, left: [] }
  }
  return finish(deps, place, follow, true)
}

/** Undefined: the branch was not at `old` any more. */
async function moveWith(deps: FollowDeps, place: TreePlace, of: Move, signal: AbortSignal): Promise<Follow | undefined> {
  await refuseOperation(place)
  const changes = await changesBetween(deps, place.top, of.old, of.new, signal)
  const seen = await assureClean(deps, place, changes, signal)
  const follow = await writePlan(deps, place, { ref: of.ref, old: of.old, new: of.new }, changes, seen, signal)
  return (await moveRef(deps, of, place.top, signal)) ? follow : undefined
}

/** False: it was not at `old` any more. */
async function moveRef(deps: FollowDeps, of: Move, cwd: string, signal: AbortSignal): Promise<boolean> {
  signal.throwIfAborted()
  try {
    await deps.step?.('move the branch')
    // Git that is ended in the middle of it may have moved the branch: it is left to come to its end.
    await runGit(deps, ['update-ref', '--create-reflog', '-m', of.reflog, of.ref, of.new, of.old], { cwd, config: durable }, AbortSignal.timeout(finishMs))
    return true
  } catch (cause) {
    if (!(cause instanceof GitFailed)) throw cause
    const now = await commitOf(deps, cwd, of.ref, AbortSignal.timeout(finishMs))
    if (now === of.old) throw cause
    return now === of.new
  }
}

async function finish(deps: FollowDeps, place: TreePlace, follow: Follow, lockKept: boolean): Promise<Moved> {
  try {
    return { moved: true, left: (await perform(deps, place, follow, lockKept, AbortSignal.timeout(finishMs))).map(textOf) }
  } catch (cause) {
    return { moved: true, left: [], behind: behindText(place, follow, worded(cause, place)) }
  }
}

function behindText(place: TreePlace, { ref }: Follow, cause: unknown): string {
  const why = cause instanceof Error ? cause.message : String(cause)
  return `${short(ref)} has moved, and the files of ${printableLine(place.top)} have not all followed: ${printableLine(why)}`
}

/** What a death left in this tree comes to its end: the branch had moved, and the files follow; or it had not, and nothing was touched. */
async function finishLeftOver(deps: FollowDeps, place: TreePlace, signal: AbortSignal): Promise<{ readonly follow: Follow; readonly moved: Moved } | undefined> {
  const found = await leftOver(place)
  if (found === undefined) return undefined
  if (found !== 'begun' && (await headRef(deps, place, signal)) === found.ref) {
    const now = await commitOf(deps, place.top, found.ref, signal)
    if (now !== undefined && (now === found.new || (await contains(deps, place.top, now, found.new, signal)))) return { follow: found, moved: await goOn(deps, place, found) }
  }
  await release(deps, place)
  return undefined
}

async function goOn(deps: FollowDeps, place: TreePlace, follow: Follow): Promise<Moved> {
  try {
    return await finish(deps, place, follow, await regainLock(place))
  } catch (cause) {
    return { moved: true, left: [], behind: behindText(place, follow, cause) }
  }
}

export async function commitOf(deps: GitDeps, cwd: string, ref: string, signal: AbortSignal): Promise<ObjectId | undefined> {
  const { exitCode, text } = await runGit(deps, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`], { cwd, accepts: [1, 128] }, signal)
  return exitCode === 0 ? text.trim() : undefined
}

/** Whether `older` is `newer` or among what came before it. */
export async function contains(deps: GitDeps, cwd: string, newer: ObjectId, older: ObjectId, signal: AbortSignal): Promise<boolean> {
  return (await runGit(deps, ['merge-base', '--is-ancestor', older, newer], { cwd, accepts: [1, 128] }, signal)).exitCode === 0
}

/** Undefined: HEAD is detached. */
async function headRef(deps: GitDeps, place: TreePlace, signal: AbortSignal): Promise<string | undefined> {
  const { exitCode, text } = await runGit(deps, ['symbolic-ref', '-q', 'HEAD'], { cwd: place.top, accepts: [1] }, signal)
  return exitCode === 0 ? text.trim() : undefined
}

const short = (ref: string): string => printableLine(ref.replace(/^refs\/heads\//, ''))

function worded(cause: unknown, place: TreePlace): unknown {
  const where = printableLine(place.top)
  if (hasCode(cause, 'ENOSPC', 'EDQUOT'))
    return new WorkspaceFailed('full', `no space is left to let the files of ${where} follow`, { hint: 'make room on the disk and try again', cause })
  if (hasCode(cause, 'EACCES', 'EROFS', 'EPERM'))
    return new WorkspaceFailed('refused', `${printableLine(place.gitDir)} cannot be written to`, { hint: 'its permissions are in the way', cause })
  return cause
}

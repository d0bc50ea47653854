// Removes a worktree of which a snapshot has everything: by git, or not at all. It is looked at where it stands, then put aside where nobody looks for it, looked at once more, and only then removed; if anything differs it
// is put back. Whatever is interrupted is found again: in its place, aside, or gone with git's own files of it left.

import { readdir, rename, rmdir, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { printableLine } from '../core/terminal-text.ts'
import type { ObjectId, Snapshot, Worktree } from '../core/workspace.ts'
import { ifMissing, isThere } from './disk.ts'
import { operationIn } from './follow.ts'
import { GitFailed, runGit } from './git.ts'
import { keepCommits } from './kept-commits.ts'
import { type TreeDeps, durable } from './open-tree.ts'
import { processesInside } from './processes-inside.ts'
import { undeletableIn, unknownRemains } from './remains.ts'
import { takeSnapshot } from './snapshot.ts'
import { hasSubmodules, refuseUnsaved } from './submodules.ts'
import { WorkspaceFailed } from './workspaces.ts'
import { adminOf, awayOf, commonOf, goingAs, lockOf, markGoing, registeredAt, sessionOf, unmarkGoing } from './worktree-place.ts'
import { writeTree } from './write-tree.ts'

const mostAttempts = 5

export interface Removed {
  readonly branchKept: boolean
  readonly gone?: true
}

/** Throws `refused` and leaves it as it is; where a crash left it aside, it is looked at there. `gone`: somebody else has deleted or moved it, and nothing is done to what git knows of it. A git that somebody killed on the way is as good as a crash: what it has begun is ended. */
export async function removeWorktree(deps: TreeDeps, worktree: Worktree, snapshot: Snapshot, signal: AbortSignal): Promise<Removed> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptRemoval(deps, worktree, snapshot, signal)
    } catch (cause) {
      const wasKilled = cause instanceof GitFailed && cause.kind === 'failed' && cause.exitCode === undefined
      if (!wasKilled || attempt === mostAttempts) throw cause
    }
  }
}

async function attemptRemoval(deps: TreeDeps, worktree: Worktree, snapshot: Snapshot, signal: AbortSignal): Promise<Removed> {
  const { repository, path } = worktree
  const common = await commonOf(deps, repository, signal)
  const wasGoing = await finishRemoval(deps, { common, repository, path }, signal)
  if (await isThere(path)) await removeTree(deps, worktree, common, snapshot, signal)
  // It may lie elsewhere.
  else if (wasGoing === undefined && (await registeredAt(common, path)) !== undefined) return { branchKept: true, gone: true }
  await rmdir(dirname(path)).catch(() => {})
  return { branchKept: await removeBranch(deps, worktree, signal) }
}

interface Place {
  readonly common: string
  readonly repository: string
  readonly path: string
}

/** Ends what was going on when everything stopped: a tree that was put aside is back in its place, and one that was being removed is gone. Resolves to the snapshot (a commit) of one that is gone by now. */
export async function finishRemoval(deps: TreeDeps, at: Place, signal: AbortSignal): Promise<ObjectId | undefined> {
  const { common, path } = at
  const away = awayOf({ path })
  const aside = await isThere(away)
  const admin = (await adminOf(away)) ?? (await registeredAt(common, away)) ?? (await adminOf(path)) ?? (await registeredAt(common, path))
  const snapshot = admin === undefined ? undefined : await goingAs(admin)
  if (admin !== undefined && snapshot !== undefined) {
    // Also where nothing is left of it but what git knows.
    const place = aside || (await registeredAt(common, away)) !== undefined ? away : path
    await untilLeft(place, path, signal)
    if (await isThere(admin)) await removeRemains(deps, at, { admin, snapshot, place }, signal)
    return snapshot
  }
  if (aside && !(await removeTorn(away, admin))) await putBack(deps, at, signal)
  // git was told of the other place last.
  else if (!aside && (await registeredAt(common, away)) !== undefined) {
    if (await isThere(path)) await repair(deps, at, signal)
    // Nothing is left but what git knows, and of that the mark is gone already.
    else await runGit(deps, ['worktree', 'remove', '--force', away], { cwd: at.repository }, signal)
  }
  return undefined
}

const longestWaitMs = 60_000

/** A git that has outlived its daemon comes to its end first: two who remove one tree get in each other's way. */
async function untilLeft(place: string, path: string, signal: AbortSignal): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += 100) {
    const [one] = (await processesInside(place, signal)) ?? []
    if (!one) return
    if (waitedMs >= longestWaitMs)
      throw new WorkspaceFailed('busy', `${one.program} (process ${one.pid}) is at work in ${printableLine(path)}, which was being removed`, {
        hint: 'end it first, and try again',
      })
    await wait(100, undefined, { signal })
  }
}

/** True: of a tree that is gone for git, nothing but an empty shell was left, and that is gone now. */
async function removeTorn(away: string, admin: string | undefined): Promise<boolean> {
  const names = await readdir(away).catch(ifMissing(undefined))
  // A git that has outlived its daemon was quicker.
  if (!names) return true
  if (admin !== undefined || names.some((name) => name !== '.git')) return false
  for (const name of names) await unlink(join(away, name))
  await rmdir(away)
  return true
}

async function putBack(deps: TreeDeps, at: Place, signal: AbortSignal): Promise<void> {
  const away = awayOf(at)
  if (await isThere(at.path))
    throw new WorkspaceFailed('refused', `${printableLine(at.path)} is in the way: the worktree of this session is in ${printableLine(away)}`, {
      hint: 'move it away, and try again',
    })
  await rename(away, at.path)
  await repair(deps, at, signal)
}

const repair = async (deps: TreeDeps, { repository, path }: Place, signal: AbortSignal): Promise<void> =>
  void (await runGit(deps, ['worktree', 'repair', path], { cwd: repository }, signal))

/** What is left of a tree that was being removed. Its `.git` may be gone already: git's own files of it go last. */
async function removeRemains(
  deps: TreeDeps,
  at: Place,
  { admin, snapshot, place }: { readonly admin: string; readonly snapshot: ObjectId; readonly place: string },
  signal: AbortSignal,
): Promise<void> {
  if (await isThere(place)) {
    if (!(await isThere(join(place, '.git')))) await writeFile(join(place, '.git'), `gitdir: ${admin}\n`)
    const unknown = await unknownRemains(deps, { repository: at.repository, place, admin, snapshot }, signal)
    if (unknown !== undefined) {
      if (place !== at.path) await putBack(deps, at, signal)
      await bringBack(deps, at, snapshot, signal)
      await unmarkGoing(admin)
      throw new WorkspaceFailed('refused', `${printableLine(at.path)} was being removed, and ${printableLine(unknown)} was written there meanwhile`, {
        hint: 'it is all back in its place: look there, and try again',
        paths: [unknown],
      })
    }
    await runGit(deps, ['worktree', 'repair', place], { cwd: at.repository }, signal)
  }
  await runGit(deps, ['worktree', 'remove', '--force', place], { cwd: at.repository }, signal)
}

/** What is gone of it already; what is there stays as it is. */
async function bringBack(deps: TreeDeps, { path, repository }: Place, snapshot: ObjectId, signal: AbortSignal): Promise<void> {
  const nothing = (await runGit(deps, ['mktree'], { cwd: repository, input: '' }, signal)).text.trim()
  await writeTree(deps, path, { from: nothing, to: snapshot, going: true }, signal)
}

async function removeTree(deps: TreeDeps, worktree: Worktree, common: string, snapshot: Snapshot, signal: AbortSignal): Promise<void> {
  const { repository, path, branch } = worktree
  const admin = await adminOf(path)
  if (admin === undefined || dirname(dirname(admin)) !== common)
    throw new WorkspaceFailed('refused', `${printableLine(path)} is not the worktree of this session any more`, { hint: 'look what it is, and remove it yourself' })
  await refuseLocked(path, admin)
  await refuseUnfinished(path, admin)
  await refuseDifferent(deps, worktree, admin, path, snapshot, signal)
  await refuseUndeletable(path, signal)
  await keepCommits(deps, { repository, common, admin, session: sessionOf(worktree), branch }, signal)
  deps.step?.('looked')
  // git moves none with submodules: their files say where they lie. It is looked at where it is, then.
  const at = { common, repository, path }
  try {
    const aside = await putAside(deps, worktree, admin, signal)
    deps.step?.('aside')
    await refuseDifferent(deps, worktree, admin, aside, snapshot, signal)
    deps.step?.('looked-again')
    await markGoing(admin, snapshot.commit)
    deps.step?.('marked')
    // Forced, as it is dirty to git: all of it is in the snapshot.
    await runGit(deps, ['worktree', 'remove', '--force', aside], { cwd: repository }, signal)
  } catch (cause) {
    // Once it is marked, what git has begun is ended; else it is in its place again.
    const isOver = cause instanceof GitFailed || (await goingAs(admin)) === undefined
    if (!isOver || (await finishRemoval(deps, at, AbortSignal.timeout(putBackMs))) === undefined) throw cause
  }
  deps.step?.('removed')
}

const putBackMs = 60_000

async function putAside(deps: TreeDeps, { repository, path }: Worktree, admin: string, signal: AbortSignal): Promise<string> {
  if (await hasSubmodules(admin)) return path
  try {
    await runGit(deps, ['worktree', 'move', path, awayOf({ path })], { cwd: repository }, signal)
    return awayOf({ path })
  } catch (cause) {
    // Also of those that are not initialised.
    if (cause instanceof GitFailed && cause.said.includes('containing submodules')) return path
    throw cause
  }
}

async function refuseLocked(path: string, admin: string): Promise<void> {
  const lock = await lockOf(admin)
  if (lock !== undefined)
    throw new WorkspaceFailed('refused', `the worktree ${printableLine(path)} is locked${lock === '' ? '' : `: ${lock}`}`, { hint: `git worktree unlock ${printableLine(path)}` })
}

/** What git knows of it is in no snapshot. */
async function refuseUnfinished(path: string, admin: string): Promise<void> {
  const operation = await operationIn(admin)
  if (operation !== undefined) throw new WorkspaceFailed('refused', `a ${operation} is in progress in ${printableLine(path)}`, { hint: 'finish or abort it there' })
}

async function refuseDifferent(deps: TreeDeps, worktree: Worktree, admin: string, path: string, snapshot: Snapshot, signal: AbortSignal): Promise<void> {
  const inside = await processesInside(path, signal)
  const shown = printableLine(worktree.path)
  if (inside === undefined) throw new WorkspaceFailed('refused', `whether a program still works in ${shown} cannot be known here`, { hint: 'install lsof' })
  if (inside.length > 0) {
    const named = inside.slice(0, 5).map(({ pid, program }) => `${program} (${pid})`).join(', ') // prettier-ignore
    throw new WorkspaceFailed('refused', `${inside.length === 1 ? 'a program works' : `${inside.length} programs work`} in ${shown}: ${named}`, { hint: 'end it first' })
  }
  await refuseUnsaved(deps, { repository: worktree.repository, path, admin }, signal)
  const { n, commit, tree, turn, atMs } = snapshot
  // Nothing is taken where all is as it was, and where it is not, that is kept too.
  const wish = { directory: path, session: sessionOf(worktree), n: n + 1, why: 'remove' as const, turn, atMs, unless: { tree, commit }, whole: true }
  if (await takeSnapshot(deps, wish, signal))
    throw new WorkspaceFailed('refused', `${shown} has changed since its last snapshot`, { hint: 'somebody works there: try again when it rests' })
}

/** git would begin, and stop in the middle. */
async function refuseUndeletable(path: string, signal: AbortSignal): Promise<void> {
  const folder = await undeletableIn(path, signal)
  if (folder !== undefined)
    throw new WorkspaceFailed('refused', `nothing in ${printableLine(join(path, folder))} can be deleted: you may not write there`, {
      hint: `chmod -R u+w ${printableLine(path)}, where it is yours`,
    })
}

/** True: it has commits that no other branch has, or is in use. */
async function removeBranch(deps: TreeDeps, { repository, branch }: Worktree, signal: AbortSignal): Promise<boolean> {
  const ref = `refs/heads/${branch}`
  const call = { cwd: repository }
  const found = await runGit(deps, ['for-each-ref', '--format=%(refname)%00%(objectname)%00%(worktreepath)', ref], call, signal)
  const [, tip, usedAt] = found.text.split('\n').map((line) => line.split('\0')).find(([name]) => name === ref) ?? [] // prettier-ignore
  if (tip === undefined) return false
  if (usedAt !== '') return true
  const others = await runGit(deps, ['for-each-ref', '--format=%(refname)', `--contains=${tip}`, 'refs/heads/', 'refs/remotes/'], call, signal)
  if (others.text.split('\n').every((name) => name === '' || name === ref)) return true
  await runGit(deps, ['update-ref', '-m', 'offstage: its worktree is removed', '-d', ref, tip], { ...call, config: durable }, signal)
  return false
}

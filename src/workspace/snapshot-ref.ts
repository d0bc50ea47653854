// Gives a snapshot its name, the private ref that keeps it; and makes sure that all of it is there still: a `git gc --prune=now` that had looked around before there was the ref takes what nothing needed then.

import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ObjectId, Snapshot } from '../core/workspace.ts'
import { syncFolder } from './disk.ts'
import { GitFailed, runGit } from './git.ts'
import { type OpenTree, type TreeDeps, durable, isAlive, openTree } from './open-tree.ts'
import { type Kept, keptOf } from './snapshot-commit.ts'

/** Beside the numbers of snapshots; a number follows. */
export const heldAs = 'undo-'
/** Nobody reads how these came about, and a log would keep what is dropped. */
const settings: readonly string[] = [...durable, 'core.logAllRefUpdates=false']
export const refsOf = (session: string): string => `refs/offstage/${session}`

export interface NewRef {
  readonly session: string
  /** Or the next number that is free. */
  readonly n: number
  /** Whether that is what is to be kept: a crash came after it. */
  readonly isSame: (one: Kept & { readonly snapshot: Snapshot }) => boolean
  readonly write: (n: number) => Promise<Snapshot>
}

export async function createRef(deps: TreeDeps, tree: OpenTree, wish: NewRef, signal: AbortSignal): Promise<Snapshot> {
  for (let { n } = wish; ;) {
    const snapshot = await wish.write(n)
    deps.step?.('ref')
    if (await isCreated(deps, tree, wish.session, snapshot, signal)) return assured(deps, tree, wish.session, snapshot, signal)
    const all = await keptOf(deps, tree, refsOf(wish.session), signal)
    const same = all.find((one) => one.snapshot.n === n && wish.isSame(one))
    if (same) return assured(deps, tree, wish.session, same.snapshot, signal)
    n = Math.max(n, ...all.map((one) => one.snapshot.n)) + 1
  }
}

/** Keeps what is to be written back, a tree or a commit, from every gc until it is: then it is let go of (undefined). Throws GitFailed where something of it is gone already. */
export async function holdTarget(deps: TreeDeps, directory: string, session: string, target: ObjectId | undefined, signal: AbortSignal): Promise<void> {
  const tree = await openTree(deps, directory, signal)
  const call = { cwd: tree.top, vars: tree.vars, config: settings }
  const held = `${refsOf(session)}/${heldAs}`
  if (target === undefined) {
    const { text } = await runGit(deps, ['for-each-ref', '--format=%(refname)', `${held}*`], call, signal)
    for (const ref of text.split('\n')) if (ref !== '') await ifUnlocked(runGit(deps, ['update-ref', '-d', ref], call, signal))
    return
  }
  // A name whose lock was left by a death is nobody's any more.
  let isHeld = false
  for (let n = 1; !isHeld; n += 1) isHeld = await ifUnlocked(runGit(deps, ['update-ref', `${held}${n}`, target], call, signal))
  await untilSwept(tree.common, signal)
  await assureWhole(deps, tree, target, signal)
}

async function ifUnlocked(done: Promise<unknown>): Promise<boolean> {
  try {
    await done
    return true
  } catch (cause) {
    if (!(cause instanceof GitFailed) || !/\.lock': File exists/.test(cause.said)) throw cause
    return false
  }
}

/** False: the name is taken. */
async function isCreated(deps: TreeDeps, tree: OpenTree, session: string, { n, commit }: Snapshot, signal: AbortSignal): Promise<boolean> {
  try {
    await runGit(deps, ['update-ref', '--stdin'], { cwd: tree.top, vars: tree.vars, config: settings, input: `create ${refsOf(session)}/${n} ${commit}\n` }, signal)
    await syncFolders(tree.common, session)
    return true
  } catch (cause) {
    // Nobody else writes these: a lock was left by a death, or is that of a git that has outlived its daemon.
    if (!(cause instanceof GitFailed) || !(/reference already exists/.test(cause.said) || cause.said.includes(`/${n}.lock': File exists`))) throw cause
    return false
  }
}

/** So that the ref's name outlives a power cut too. Some ways of keeping refs have no such folders. */
async function syncFolders(common: string, session: string): Promise<void> {
  for (const folder of [refsOf(session), 'refs/offstage', 'refs']) await syncFolder(join(common, folder))
}

/** Throws GitFailed where something of it is gone, and it has no ref then. */
async function assured(deps: TreeDeps, tree: OpenTree, session: string, snapshot: Snapshot, signal: AbortSignal): Promise<Snapshot> {
  const { n, commit } = snapshot
  deps.step?.('look back')
  await untilSwept(tree.common, signal)
  try {
    await assureWhole(deps, tree, commit, signal)
    return snapshot
  } catch (cause) {
    signal.throwIfAborted()
    const call = { cwd: tree.top, vars: tree.vars, config: durable, input: `delete ${refsOf(session)}/${n} ${commit}\n` }
    // One that was killed has found nothing out.
    if (cause instanceof GitFailed && cause.exitCode !== undefined) await runGit(deps, ['update-ref', '--stdin'], call, signal)
    throw cause
  }
}

async function assureWhole(deps: TreeDeps, tree: OpenTree, id: ObjectId, signal: AbortSignal): Promise<void> {
  const known = tree.head ? [`^${tree.head.commit}`] : []
  await runGit(deps, ['rev-list', '--objects', '--exclude-promisor-objects', '--quiet', id, ...known], { cwd: tree.top, vars: tree.vars }, signal)
}

const longestSweepMs = 2000
/** git believes no older one either: its number may be another program's by now. */
const oldestSweepMs = 12 * 3_600_000

/** A gc that is at it now may still take something. Its own file says so (`gc.pid`, its host behind it), also when it was killed. */
async function untilSwept(common: string, signal: AbortSignal): Promise<void> {
  const mark = join(common, 'gc.pid')
  const began = await stat(mark).catch(() => undefined)
  if (!began || Date.now() - began.mtimeMs > oldestSweepMs) return
  for (let waitedMs = 0; waitedMs < longestSweepMs; waitedMs += 20) {
    const pid = Number.parseInt(await readFile(mark, 'utf8').catch(() => ''), 10)
    if (!isAlive(pid)) return
    await wait(20, undefined, { signal })
  }
}

// A tree of one commit, to run checks in: a worktree without a branch, in a folder of Offstage's own, removed again by git. What a crash left there is removed by the next of the same repository;
// only what lies in that folder, and git knows as a worktree of this repository, and nobody here uses.

import { randomBytes } from 'node:crypto'
import { mkdir, readdir, realpath, rmdir } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import type { ObjectId } from '../core/workspace.ts'
import { type GitDeps, runGit } from './git.ts'
import { placeOfTree } from './follow.ts'
import { repositoryAt, repositoryName } from './repository.ts'
import { addSubmodules } from './submodules.ts'

export interface TemporaryTreeDeps extends GitDeps {
  /** OFFSTAGE_HOME. */
  readonly home: string
}

export interface TemporaryTree {
  readonly path: string
  /** Rejects where git refuses; then the next one tries again. */
  readonly remove: () => Promise<void>
}

const removeMs = 120_000

/** In use by this process, the only one of its home that lands. */
const inUse = new Set<string>()

export async function temporaryTree(deps: TemporaryTreeDeps, repository: string, commit: ObjectId, signal: AbortSignal): Promise<TemporaryTree> {
  const folder = join(deps.home, 'landing')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const own = await realpath(folder)
  await removeLeftOvers(deps, repository, own, signal)
  const at = await repositoryAt(deps, repository, signal)
  // As its folder is called: some checks look at that.
  const path = join(own, randomBytes(8).toString('hex'), at ? repositoryName(at) : 'tree')
  const remove = async (): Promise<void> => {
    try {
      await removeTree(deps, repository, path, AbortSignal.timeout(removeMs))
    } finally {
      inUse.delete(path)
    }
  }
  inUse.add(path)
  await mkdir(dirname(path), { mode: 0o700 })
  try {
    await runGit(deps, ['worktree', 'add', '--quiet', '--detach', path, commit], { cwd: repository }, signal)
    if (at && !at.bare) await addSubmodules(deps, { repository: at.top, path, admin: (await placeOfTree(deps, path, signal)).gitDir }, signal)
  } catch (cause) {
    // What failed is told; what it leaves is for the next.
    await remove().catch(() => {})
    throw cause
  }
  return { path, remove }
}

async function removeLeftOvers(deps: GitDeps, repository: string, own: string, signal: AbortSignal): Promise<void> {
  const { text } = await runGit(deps, ['worktree', 'list', '--porcelain', '-z'], { cwd: repository }, signal)
  const paths = text.split('\0').flatMap((line) => (line.startsWith(`worktree ${own}${sep}`) ? [line.slice('worktree '.length)] : []))
  // Where git refuses, it stays.
  for (const path of paths) if (!inUse.has(path)) await removeTree(deps, repository, path, signal).catch(() => signal.throwIfAborted())
  // Of one that git had not begun with, or has removed.
  const isUsed = (folder: string): boolean => [...inUse].some((path) => dirname(path) === folder)
  for (const name of await readdir(own)) if (!isUsed(join(own, name))) await rmdir(join(own, name)).catch(() => {}) // something is in it
}

/** By force: the checks may have written into it, and nothing in it is anybody's work. */
async function removeTree(deps: GitDeps, repository: string, path: string, signal: AbortSignal): Promise<void> {
  await runGit(deps, ['worktree', 'remove', '--force', '--force', path], { cwd: repository }, signal)
  await rmdir(dirname(path)).catch(() => {}) // something else is in it
}

// What stands at the place of a worktree: read from git's own files, so that what a crash left half made is told from what is ready, gone, or somebody else's. Changes nothing but two marks of ours among them.

import { lstat, readFile, readdir, realpath, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { ObjectId, Worktree } from '../core/workspace.ts'
import { printableLine } from '../core/terminal-text.ts'
import { hasCode, ifMissing, replaceFile } from './disk.ts'
import { type GitDeps, runGit } from './git.ts'
import { WorkspaceFailed } from './workspaces.ts'

export type Standing =
  /** Nothing, or an empty folder. `admin`: git still knows of a worktree there. */
  | { readonly kind: 'nothing'; readonly admin?: string; readonly ready?: Ready }
  /** Of ours, and not finished. */
  | { readonly kind: 'begun'; readonly admin: string }
  | { readonly kind: 'ready'; readonly admin: string; readonly ready: Ready }
  /** A `.git` that leads to nothing that git can work with, and no other file. */
  | { readonly kind: 'torn' }
  | { readonly kind: 'foreign' }

/** Kept with git's own files of the worktree: it goes when they go. */
export interface Ready {
  /** What changes are counted from. */
  readonly base: ObjectId
}

const readyName = 'offstage-ready'
const goingName = 'offstage-going'

export const sessionOf = ({ path }: Pick<Worktree, 'path'>): string => basename(dirname(path))

/** Where the tree is while it is being removed: beside its place, where nobody looks for it. */
export const awayOf = ({ path }: Pick<Worktree, 'path'>): string => join(dirname(path), `.${basename(path)}.going`)

/** The common git directory, real path. Throws WorkspaceFailed where the repository is gone. */
export async function commonOf(deps: GitDeps, repository: string, signal: AbortSignal): Promise<string> {
  const said = await runGit(deps, ['rev-parse', '--git-common-dir'], { cwd: repository }, signal)
  return realpath(resolve(repository, said.text.replace(/\n$/, '')))
}

export async function standingAt(common: string, path: string): Promise<Standing> {
  const names = await readdir(path).catch((cause: unknown) => {
    if (hasCode(cause, 'ENOTDIR', 'ELOOP')) return undefined
    return ifMissing<string[]>([])(cause)
  })
  if (names === undefined) return { kind: 'foreign' }
  if (names.length === 0) {
    const admin = await registeredAt(common, path)
    if (admin === undefined) return { kind: 'nothing' }
    const ready = await readyOf(admin)
    return { kind: 'nothing', admin, ...(ready ? { ready } : {}) }
  }
  const admin = await adminOf(path)
  const empty = names.length === 1 && names[0] === '.git'
  if (admin === undefined) return empty && (await lstat(join(path, '.git'))).isFile() ? { kind: 'torn' } : { kind: 'foreign' }
  if (dirname(dirname(admin)) !== common) return { kind: 'foreign' }
  const ready = await readyOf(admin)
  if (ready) return { kind: 'ready', admin, ready }
  return empty && !(await isWhole(admin)) ? { kind: 'torn' } : { kind: 'begun', admin }
}

/** git writes zeros before it says where HEAD is. */
const isWhole = async (admin: string): Promise<boolean> => {
  const [head, common] = await Promise.all(['HEAD', 'commondir'].map((name) => readFile(join(admin, name), 'utf8').catch(ifMissing(''))))
  return common !== '' && head !== undefined && head !== '' && !/^0+$/.test(head.trim())
}

/** git's own folder of the worktree at `path`, if there is one. */
export async function adminOf(path: string): Promise<string | undefined> {
  const to = /^gitdir: (.+?)\n?$/s.exec(await readFile(join(path, '.git'), 'utf8').catch(ifMissing('', 'EISDIR')))?.[1]
  if (to === undefined) return undefined
  const admin = await realpath(resolve(path, to)).catch(ifMissing(undefined))
  return admin !== undefined && basename(dirname(admin)) === 'worktrees' ? admin : undefined
}

/** git's own folder of a worktree that it believes to be at `path`. */
export async function registeredAt(common: string, path: string): Promise<string | undefined> {
  const all = join(common, 'worktrees')
  for (const name of await readdir(all).catch(ifMissing<string[]>([]))) {
    const file = await readFile(join(all, name, 'gitdir'), 'utf8').catch(ifMissing(''))
    if (file.replace(/\n$/, '') === join(path, '.git')) return join(all, name)
  }
  return undefined
}

const readyOf = async (admin: string): Promise<Ready | undefined> => {
  const base = await readMark(admin, readyName)
  return base === undefined ? undefined : { base }
}

/** git believes it elsewhere from now on, where nothing is: whoever has moved it goes on with it there, and git forgets it in its own time if nobody does. Durable. */
export const leadAway = (admin: string, path: string): Promise<void> =>
  replaceFile(join(admin, 'gitdir'), `${join(dirname(path), `.${basename(path)}.gone-${basename(admin)}`, '.git')}\n`)

/** Durable: from now on nothing of the tree is made again. */
export const markReady = (admin: string, { base }: Ready): Promise<void> => replaceFile(join(admin, readyName), `${base}\n`)

/** Durable: from now on it is being removed, as this snapshot (a commit) has everything. */
export const markGoing = (admin: string, snapshot: ObjectId): Promise<void> => replaceFile(join(admin, goingName), `${snapshot}\n`)

export const goingAs = (admin: string): Promise<ObjectId | undefined> => readMark(admin, goingName)

export const unmarkGoing = (admin: string): Promise<void> => unlink(join(admin, goingName))

/** Throws where it cannot be read: what is ready is not made again over what was done in it. */
async function readMark(admin: string, name: string): Promise<ObjectId | undefined> {
  const text = await readFile(join(admin, name), 'utf8').catch(ifMissing(''))
  return /^([0-9a-f]{40,64})\n$/.exec(text)?.[1]
}

/** Why git keeps it from being moved and removed; '' where no reason was given. */
export async function lockOf(admin: string): Promise<string | undefined> {
  const reason = await readFile(join(admin, 'locked'), 'utf8').catch(ifMissing(undefined))
  return reason === undefined ? undefined : printableLine(reason.trim())
}

/** It was there, and is not: deleted, or moved. Nothing is said to git of it, as it may lie elsewhere. */
export const isGoneByHand = (path: string): WorkspaceFailed =>
  new WorkspaceFailed('refused', `the worktree ${printableLine(path)} is not there any more: it was deleted or moved by hand`, {
    hint: 'if it was moved, move it back; if it was deleted: git worktree prune, and try again',
  })

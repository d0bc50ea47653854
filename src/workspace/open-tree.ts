// Where the tree of a directory keeps its objects: in its own repository, or in a private one where it has none (shadow.ts). And where what is needed for a moment lies, which the next run removes if a crash left it.

import { mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { printableLine } from '../core/terminal-text.ts'
import type { ObjectId } from '../core/workspace.ts'
import { canBeFound, hasCode } from './disk.ts'
import { type GitDeps, GitFailed, runGit } from './git.ts'
import type { RefreshedIndexes } from './index-copy.ts'
import type { AsideTrees } from './tree-aside.ts'
import { adoptPrivate, privateRepository, privateRepositoryOf } from './shadow.ts'
import { WorkspaceFailed } from './workspaces.ts'

export interface TreeLimits {
  /** Untracked and ignored files above it are left out of snapshots, and named. */
  readonly fileBytes: number
  /** Of a directory without a repository: with more than that it is kept in none of ours. */
  readonly files: number
  readonly bytes: number
  /** Names of ignored folders that are left out also where all is to be kept: programs make them again. */
  readonly leaveOut: readonly string[]
}

export const defaultTreeLimits: TreeLimits = { fileBytes: 512 * 1024 ** 2, files: 20_000, bytes: 1024 ** 3, leaveOut: ['node_modules', '__pycache__'] }

export interface TreeDeps extends GitDeps {
  /** OFFSTAGE_HOME. */
  readonly home: string
  readonly limits: TreeLimits
  readonly refreshed: RefreshedIndexes
  readonly aside: AsideTrees
  /** Told before each thing that is done to files: where a test kills. */
  readonly step?: (name: string) => void
}

/** Where git finds the objects. */
export interface ObjectPlace {
  readonly cwd: string
  readonly vars: Readonly<Record<string, string>>
}

export interface OpenTree extends ObjectPlace {
  /** Top of the working tree. */
  readonly top: string
  readonly gitDir: string
  /** The common git directory, real path. */
  readonly common: string
  readonly format: string
  readonly head: { readonly commit: ObjectId; readonly tree: ObjectId } | null
  readonly isPrivate: boolean
}

export { durable } from './git.ts'

/** Throws `impossible` where there is no working tree, or where it cannot be kept. */
export async function openTree(deps: TreeDeps, directory: string, signal: AbortSignal): Promise<OpenTree> {
  const start = await realDirectory(directory)
  const found = await openAt({ env: deps.env, cwd: start, vars: {} }, start, signal)
  if (found) {
    await adoptPrivate(deps, start, found.common, signal)
    return { ...found, isPrivate: false }
  }
  const { gitDir, vars } = await privateRepository(deps, start, signal)
  const opened = await openAt({ env: deps.env, cwd: start, vars }, start, signal)
  if (!opened) throw new WorkspaceFailed('failed', `the private repository of ${printableLine(start)} cannot be read`, { hint: `it lies in ${gitDir}` })
  return { ...opened, top: start, isPrivate: true }
}

async function realDirectory(directory: string): Promise<string> {
  return realpath(directory).catch((cause: unknown) => {
    throw new WorkspaceFailed('impossible', `there is no directory ${printableLine(directory)}`, { cause })
  })
}

const notHere = /not a git repository/i
const mark = '--offstage'

async function openAt(at: GitDeps & ObjectPlace, start: string, signal: AbortSignal): Promise<Omit<OpenTree, 'isPrivate'> | undefined> {
  const asked = ['rev-parse', '--is-inside-work-tree', '--show-object-format', '--show-cdup', '--absolute-git-dir', mark, '--git-common-dir', mark, 'HEAD', 'HEAD^{tree}']
  const { text, errors, exitCode } = await runGit(at, asked, { cwd: start, vars: at.vars, accepts: [128] }, signal)
  const [places = '', common, commits = ''] = text.split(`\n${mark}\n`)
  if (common === undefined) {
    if (notHere.test(errors)) return undefined
    if (!/work tree/.test(errors) && !text.startsWith('false')) throw new GitFailed(asked, start, errors, exitCode)
  }
  const [inside, format = 'sha1', up = '', ...gitDir] = places.split('\n')
  if (inside !== 'true' || common === undefined)
    throw new WorkspaceFailed('impossible', `${printableLine(start)} has no files that are worked on: it is a bare repository, or a part of git's own folder`)
  const [commit, tree] = exitCode === 0 ? commits.trim().split('\n') : []
  return {
    cwd: resolve(start, up),
    top: resolve(start, up),
    vars: at.vars,
    gitDir: gitDir.join('\n'),
    common: await realpath(resolve(start, common)),
    format,
    head: commit === undefined || tree === undefined ? null : { commit, tree },
  }
}

/** For questions about objects alone: bare repositories too. */
export async function openObjects(deps: TreeDeps, directory: string, signal: AbortSignal): Promise<ObjectPlace> {
  const cwd = await realDirectory(directory)
  // Where nothing of ours can be meant, git finds it by itself when it is asked something.
  const [hasOwn, hasPrivate] = await Promise.all([canBeFound(join(cwd, '.git')), privateRepositoryOf(deps, cwd)])
  if (hasOwn && !hasPrivate) return { cwd, vars: {} }
  const { exitCode, errors, text } = await runGit(deps, ['rev-parse', '--git-common-dir'], { cwd, accepts: [128] }, signal)
  if (exitCode === 0) {
    await adoptPrivate(deps, cwd, resolve(cwd, text.replace(/\n$/, '')), signal)
    return { cwd, vars: {} }
  }
  const found = notHere.test(errors) ? await privateRepositoryOf(deps, cwd) : undefined
  if (found) return { cwd, vars: found.vars }
  throw new GitFailed(['rev-parse'], cwd, errors, exitCode)
}

export interface Scratch extends AsyncDisposable {
  readonly path: string
}

/** A folder for a moment, in a private place. Disposed by whoever asked; those of processes that are gone go with the next call. */
export async function openScratch({ home }: TreeDeps): Promise<Scratch> {
  const all = join(home, 'scratch')
  await mkdir(all, { recursive: true, mode: 0o700 })
  const left = (await readdir(all)).filter((name) => !isAlive(Number.parseInt(name, 10)))
  await Promise.all(left.map((name) => rm(join(all, name), { recursive: true, force: true })))
  const path = await mkdtemp(join(all, `${process.pid}-`))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export function isAlive(pid: number): boolean {
  try {
    return Number.isInteger(pid) && pid > 0 && process.kill(pid, 0)
  } catch (cause) {
    return hasCode(cause, 'EPERM')
  }
}

// Where git keeps what belongs to a workspace, read from git's own files. What a repository says of itself is checked before anybody relies on it: its answer opens a folder outside of the workspace for writing.

import { existsSync, lstatSync, readFileSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

export interface GitDirectory {
  /** What a command must be able to write, so that a commit is possible. Absolute, without links. */
  readonly writable: readonly string[]
  /** What says which programs git executes, for this repository and for those that belong to it. */
  readonly fixed: readonly string[]
  /** Folders that are not there, and would say the same. */
  readonly absent: readonly string[]
  /** A file that must not appear: by it git would read its configuration from elsewhere. */
  readonly redirect: string | null
}

/** Of the workspace, or of the folder above it that is a repository; undefined if there is none, or none that can be believed. `workspace` is a real path. */
export function gitDirectoryOf(workspace: string): GitDirectory | undefined {
  for (let folder = workspace; ; folder = dirname(folder)) {
    const entry = join(folder, '.git')
    const found = lstatSync(entry, { throwIfNoEntry: false })
    if (found?.isDirectory() && isRepository(entry)) return { writable: [entry], ...guarded(entry, []), redirect: join(entry, 'commondir') }
    if (found?.isFile()) return worktree(entry)
    // A link could lead anywhere, and git's own commands make none.
    if (found !== undefined || folder === dirname(folder)) return undefined
  }
}

/** A worktree and its repository name each other; the repository's side lies where no command of the workspace writes. */
function worktree(file: string): GitDirectory | undefined {
  const to = /^gitdir: (.+)$/m.exec(beginning(file))?.[1]
  const own = to === undefined ? undefined : real(resolve(dirname(file), to))
  if (own === undefined || basename(dirname(own)) !== 'worktrees') return undefined
  const back = real(resolve(own, beginning(join(own, 'gitdir')).trim()))
  const common = dirname(dirname(own))
  if (back !== file || !isRepository(common)) return undefined
  return { writable: [common, own], ...guarded(common, [file, join(own, 'commondir'), join(own, 'gitdir'), join(own, 'config.worktree')]), redirect: null }
}

const isRepository = (folder: string): boolean => ['HEAD', 'config', 'objects', 'refs'].every((name) => existsSync(join(folder, name)))

// `modules` and `worktrees` hold what submodules and other worktrees are configured by.
function guarded(folder: string, more: readonly string[]): Pick<GitDirectory, 'fixed' | 'absent'> {
  const hooks = join(folder, 'hooks')
  const fixed = [hooks, ...['config', 'config.worktree', 'modules', 'worktrees'].map((name) => join(folder, name)), ...more].filter((path) => existsSync(path))
  return { fixed, absent: fixed.includes(hooks) ? [] : [hooks] }
}

function real(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

function beginning(path: string): string {
  try {
    return lstatSync(path).isFile() ? readFileSync(path, 'utf8').slice(0, 8192) : ''
  } catch {
    return ''
  }
}

// Paths as a person types them, as paths below the top of a session's tree.

import { existsSync } from 'node:fs'
import { dirname, isAbsolute, join, normalize, relative } from 'node:path/posix'
import type { SessionView } from '../core/view.ts'
import type { TreePath } from '../core/workspace.ts'
import { usageError } from './failures.ts'

/** A path of git's in double quotes is taken as it is; an absolute one lies in one of `tops`; any other is meant from `cwd`, where that lies in one of them, else from the top. '' is all of it, and gives no path. Throws CommandFailed. */
export function treePaths(words: readonly string[], place: { readonly cwd: string; readonly tops: readonly string[] }): readonly TreePath[] {
  const paths = words.map((word) => treePath(word, place))
  return paths.includes('') ? [] : [...new Set(paths)]
}

function treePath(word: string, { cwd, tops }: { readonly cwd: string; readonly tops: readonly string[] }): TreePath {
  if (word === '' || word.includes('\0')) throw usageError('a path is empty, or holds a zero byte', 'name files or folders of the session')
  if (/^".*"$/.test(word)) return word
  const from = isAbsolute(word) ? '' : (tops.flatMap((top) => below(top, cwd) ?? [])[0] ?? '')
  const path = isAbsolute(word) ? tops.flatMap((top) => below(top, normalize(word)) ?? [])[0] : normalize(join(from, word))
  if (path === undefined || path === '..' || path.startsWith('../')) throw usageError(`${word} lies outside the tree of the session`, 'name files or folders below its top')
  return path === '.' ? '' : path.replace(/\/$/, '')
}

/** From `top` to `path`; undefined where it is not inside. */
function below(top: string, path: string): string | undefined {
  const way = relative(top, path)
  return way === '..' || way.startsWith('../') ? undefined : way
}

/** The tops of the trees that a path of this session may be meant in: its own, and the one that it was started from. */
export function topsOf({ cwd, workspace }: Pick<SessionView, 'cwd' | 'workspace'>): readonly string[] {
  const { repository, path } = workspace
  if (repository === null) return [repositoryAbove(cwd)]
  const inside = below(repository, cwd) ?? ''
  return [inside === '' || !path.endsWith(`/${inside}`) ? path : path.slice(0, -inside.length - 1), repository]
}

/** Without git: whatever has a `.git` in it; the directory itself where nothing has. */
function repositoryAbove(directory: string): string {
  for (let folder = directory; ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return folder
    if (folder === dirname(folder)) return directory
  }
}

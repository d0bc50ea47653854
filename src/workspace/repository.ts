// What repository a directory lies in, and what is not committed there. It asks git once, twice before the first commit, and changes nothing.

import { stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { realpath } from 'node:fs/promises'
import type { TreePath } from '../core/workspace.ts'
import { printableLine } from '../core/terminal-text.ts'
import { type GitDeps, GitFailed, runGit } from './git.ts'
import { nulPieces, pathText } from './paths.ts'
import { type RepositoryAt, type TreeState, WorkspaceFailed } from './workspaces.ts'

/** No way and no name is this. */
const mark = '--offstage'

/** Undefined: there is none that git can work with. Throws WorkspaceFailed where there is one that git does not trust. */
export async function repositoryAt(deps: GitDeps, directory: string, signal: AbortSignal): Promise<RepositoryAt | undefined> {
  const start = await realpath(directory).catch(() => undefined)
  if (start === undefined) return undefined
  const places = ['--is-bare-repository', '--is-inside-work-tree', '--absolute-git-dir', mark, '--show-cdup', mark, '--git-common-dir', mark]
  const said = await runGit(deps, ['rev-parse', ...places, 'HEAD', '--symbolic-full-name', 'HEAD'], { cwd: start, accepts: [128] }, signal).catch((cause: unknown) => {
    if (cause instanceof GitFailed && cause.said.startsWith('git is not installed')) return undefined
    throw cause
  })
  if (said === undefined) return undefined
  if (/dubious ownership|cannot use bare repository/.test(said.errors)) throw distrusted(start, said.errors)
  const [first = '', up = '', commonWay, commit = ''] = said.text.split(`${mark}\n`).map((part) => part.replace(/\n$/, ''))
  if (commonWay === undefined) {
    if (/not a git repository|No such file/i.test(said.errors)) return undefined
    throw new GitFailed(['rev-parse'], start, said.errors, said.exitCode)
  }
  const [bareText, insideTree, ...gitDirectory] = first.split('\n')
  const bare = bareText === 'true'
  // In `.git` itself there is nothing to work in.
  if (!bare && insideTree !== 'true') return undefined
  const hasCommit = said.exitCode === 0
  const [head, ref] = hasCommit ? commit.split('\n') : []
  // Below the top of a bare repository git tells the wrong way to it.
  const common = await realpath(bare ? gitDirectory.join('\n') : resolve(start, commonWay))
  const top = bare ? common : resolve(start, up)
  const branch = shortBranch(hasCommit ? ref : (await runGit(deps, ['symbolic-ref', '-q', 'HEAD'], { cwd: start, accepts: [1, 128] }, signal)).text.trim())
  const noWorktrees = await reasonAgainst(top, hasCommit)
  return {
    top,
    common,
    bare,
    below: bare ? '' : belowTop(top, start),
    branch,
    head: head ?? null,
    ...(noWorktrees === undefined ? {} : { noWorktrees }),
  }
}

/** A bare repository has no files: nothing is changed. */
export async function stateOf(deps: GitDeps, directory: string, signal: AbortSignal): Promise<TreeState> {
  const args = ['status', '--porcelain=v2', '--branch', '-z', '--untracked-files=normal', '--no-renames', '--ignore-submodules=none']
  const said = await runGit(deps, args, { cwd: directory, accepts: [128] }, signal)
  if (said.exitCode !== 0) {
    if (/must be run in a work tree/.test(said.errors)) return { changed: [], untracked: [], ahead: null, behind: null }
    throw new GitFailed(args, directory, said.errors, said.exitCode)
  }
  const changed: TreePath[] = []
  const untracked: TreePath[] = []
  let ahead: number | null = null
  let behind: number | null = null
  for (const piece of nulPieces(said.bytes)) {
    const kind = piece.toString('latin1', 0, 1)
    if (kind === '1') changed.push(pathText(afterFields(piece, 8)))
    else if (kind === 'u') changed.push(pathText(afterFields(piece, 10)))
    else if (kind === '?') untracked.push(pathText(piece.subarray(2)))
    const [, more, less] = /^# branch\.ab \+(\d+) -(\d+)$/.exec(piece.toString('utf8')) ?? []
    if (more !== undefined) [ahead, behind] = [Number(more), Number(less)]
  }
  return { changed, untracked, ahead, behind }
}

/** What is named like a repository: its folder, without the `.git` of a bare one. */
export function repositoryName({ top, bare }: Pick<RepositoryAt, 'top' | 'bare'>): string {
  const own = basename(top)
  if (!bare) return own
  return own.startsWith('.') ? basename(dirname(top)) : own.replace(/(?<=.)\.git$/, '')
}

/** Of a piece of `git status`: what follows so many fields. */
function afterFields(piece: Buffer, fields: number): Buffer {
  let at = 0
  for (let field = 0; field < fields; field += 1) at = piece.indexOf(32, at) + 1
  return piece.subarray(at)
}

const shortBranch = (ref: string | undefined): string | null => /^refs\/heads\/(.+)$/s.exec(ref ?? '')?.[1] ?? null

function belowTop(top: string, start: string): string {
  const below = relative(top, start)
  return below.startsWith('..') || isAbsolute(below) ? '' : below
}

async function reasonAgainst(top: string, hasCommit: boolean): Promise<string | undefined> {
  const jj = await stat(join(top, '.jj')).catch(() => undefined)
  if (jj?.isDirectory()) return 'it is a jj repository'
  return hasCommit ? undefined : 'no commit yet'
}

function distrusted(directory: string, said: string): WorkspaceFailed {
  const what = /repository at '(.+?)'/s.exec(said)?.[1] ?? directory
  const [problem, hint] = said.includes('dubious')
    ? ['it belongs to another user', `if you trust it: git config --global --add safe.directory '${printableLine(what)}'`]
    : ['your setting safe.bareRepository keeps git from it', 'start in a working tree of it']
  return new WorkspaceFailed('impossible', `git does not work in ${printableLine(what)}: ${problem}`, { hint })
}

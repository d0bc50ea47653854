// Submodules of a worktree: each that is initialised where it comes from gets a repository of its own where git itself would put it, copied from the local one (hard links; no network), with the same settings and remotes.
// Sharing the one that is there is no choice: `git submodule update` in a second working tree writes its place into the settings of the first.

import { copyFile, mkdir, readdir, realpath, rename, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { printableLine } from '../core/terminal-text.ts'
import { canBeFound, isThere, syncFolder } from './disk.ts'
import { type GitDeps, runGit } from './git.ts'
import { nulPieces } from './paths.ts'
import { WorkspaceFailed } from './workspaces.ts'

interface Submodule {
  readonly name: string
  /** Below the top of its tree. */
  readonly path: string
  readonly commit: string
}

/** `admin`: git's own folder of the tree at `path`, whose index says which commits. What cannot be initialised from here stays as git leaves it: an empty folder. */
export async function addSubmodules(deps: GitDeps, of: { readonly repository: string; readonly path: string; readonly admin: string }, signal: AbortSignal): Promise<void> {
  for (const submodule of await submodulesOf(deps, of.path, signal)) {
    const source = join(of.repository, submodule.path)
    const target = join(of.path, submodule.path)
    // Bare repositories have no working tree, and none of theirs is initialised.
    if (!(await canBeFound(join(source, '.git')))) continue
    const has = await runGit(deps, ['cat-file', '-e', `${submodule.commit}^{commit}`], { cwd: source, accepts: [1, 128] }, signal)
    if (has.exitCode !== 0) continue
    const admin = join(of.admin, 'modules', submodule.name)
    await copyRepository(deps, { source, admin, target }, signal)
    await runGit(deps, ['update-ref', '--no-deref', 'HEAD', submodule.commit], { cwd: target }, signal)
    await runGit(deps, ['read-tree', '--reset', '-u', 'HEAD'], { cwd: target }, signal)
    await addSubmodules(deps, { repository: source, path: target, admin }, signal)
  }
}

/** Those of the index that .gitmodules names. */
async function submodulesOf(deps: GitDeps, path: string, signal: AbortSignal): Promise<readonly Submodule[]> {
  if (!(await isThere(join(path, '.gitmodules')))) return []
  const [listed, named] = await Promise.all([
    runGit(deps, ['ls-files', '-z', '--stage'], { cwd: path }, signal),
    runGit(deps, ['config', '-z', '--file', '.gitmodules', '--get-regexp', String.raw`^submodule\..*\.path$`], { cwd: path, accepts: [1] }, signal),
  ])
  const names = new Map(
    nulPieces(named.bytes).flatMap((piece): readonly (readonly [string, string])[] => {
      const [, name, at] = /^submodule\.(.*)\.path\n(.*)$/s.exec(piece.toString('utf8')) ?? []
      return name === undefined || at === undefined || !isSafe(name) ? [] : [[at, name]]
    }),
  )
  return nulPieces(listed.bytes).flatMap((piece): readonly Submodule[] => {
    const [, commit, at] = /^160000 ([0-9a-f]+) 0\t(.*)$/s.exec(piece.toString('utf8')) ?? []
    const name = at === undefined ? undefined : names.get(at)
    return commit === undefined || at === undefined || name === undefined ? [] : [{ name, path: at, commit }]
  })
}

/** It becomes the name of a folder. */
const isSafe = (name: string): boolean => name !== '' && !name.startsWith('/') && name.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && part !== '.git')

interface Copied {
  readonly source: string
  readonly admin: string
  readonly target: string
}

/** There at once, or not at all. */
async function copyRepository(deps: GitDeps, { source, admin, target }: Copied, signal: AbortSignal): Promise<void> {
  if (!(await isThere(join(admin, 'HEAD')))) {
    const own = (await runGit(deps, ['rev-parse', '--git-common-dir'], { cwd: source }, signal)).text.replace(/\n$/, '')
    const from = resolve(source, own)
    await mkdir(dirname(admin), { recursive: true })
    const half = await freeName(join(dirname(admin), `.${basename(admin)}.half`))
    await runGit(deps, ['clone', '-q', '--mirror', '--local', '--', from, half], { cwd: dirname(admin), config: ['protocol.file.allow=always'] }, signal)
    // Remotes, their addresses and the branches that follow them; not where its working tree is.
    await copyFile(join(from, 'config'), join(half, 'config'))
    const place = relative(await realpath(dirname(admin)), await realpath(target))
    await runGit(deps, ['config', '--file', join(half, 'config'), 'core.worktree', join('..', place)], { cwd: '/' }, signal)
    await rename(half, admin)
    await syncFolder(dirname(admin))
  }
  if (!(await isThere(join(target, '.git')))) await writeFile(join(target, '.git'), `gitdir: ${relative(await realpath(target), await realpath(admin))}\n`)
}

/** What a crash left half copied goes with the worktree. */
async function freeName(wanted: string): Promise<string> {
  for (let number = 1; ; number += 1) if (!(await isThere(`${wanted}${number}`))) return `${wanted}${number}`
}

/** Those that have a repository of their own with the worktree's. */
export async function copiedSubmodules(deps: GitDeps, worktreeAdmin: string, signal: AbortSignal): Promise<readonly { readonly admin: string; readonly target: string }[]> {
  const found: { readonly admin: string; readonly target: string }[] = []
  for (const admin of await repositoriesBelow(join(worktreeAdmin, 'modules'))) {
    const placed = (await runGit(deps, ['config', '--file', join(admin, 'config'), '--get', 'core.worktree'], { cwd: '/', accepts: [1] }, signal)).text.replace(/\n$/, '')
    found.push({ admin, target: resolve(admin, placed) })
  }
  return found
}

/** Throws `refused` where one of them has anything that is nowhere else: files that are not committed, ignored ones too, or commits that the repository that it was copied from has not. */
export async function refuseUnsaved(deps: GitDeps, of: { readonly repository: string; readonly path: string; readonly admin: string }, signal: AbortSignal): Promise<void> {
  for (const { admin, target } of await copiedSubmodules(deps, of.admin, signal)) {
    const below = relative(of.path, target)
    const shown = printableLine(below)
    if (await isThere(join(target, '.git'))) {
      const changed = await runGit(deps, ['status', '--porcelain', '-z', '--ignored', '--untracked-files=normal', '--ignore-submodules=none'], { cwd: target }, signal)
      if (changed.bytes.length > 0)
        throw unsaved(shown, 'files that are not committed', `commit them there, and push them or fetch them into ${printableLine(join(of.repository, below))}`)
    }
    const commits = await commitsOf(deps, admin, signal)
    const source = join(of.repository, below)
    const said = (await canBeFound(join(source, '.git')))
      ? await runGit(deps, ['rev-list', '-n1', '--stdin', '--not', '--all'], { cwd: source, input: commits, accepts: [128] }, signal)
      : undefined
    if (said?.exitCode === 0 && said.text === '') continue
    const missing = said && (said.text.trim() || (await firstMissing(deps, source, commits, signal)))
    const where = printableLine((await isThere(target)) ? target : admin)
    throw unsaved(
      shown,
      'commits that are nowhere else',
      missing ? `git -C ${where} push ${printableLine(source)} ${missing}:refs/saved/${missing.slice(0, 12)} saves one` : `push what is in ${where} to where it belongs`,
    )
  }
}

/** Of commits, each on a line, one that this repository has not. */
async function firstMissing(deps: GitDeps, repository: string, commits: string, signal: AbortSignal): Promise<string | undefined> {
  const { text } = await runGit(deps, ['cat-file', '--batch-check'], { cwd: repository, input: commits }, signal)
  return /^(\S+) missing$/m.exec(text)?.[1]
}

const unsaved = (shown: string, what: string, hint: string): WorkspaceFailed => new WorkspaceFailed('refused', `the submodule ${shown} has ${what}`, { hint, paths: [shown] })

/** Everything that it may be left with: refs, HEAD, and where they stood. */
async function commitsOf(deps: GitDeps, admin: string, signal: AbortSignal): Promise<string> {
  // Its working tree may be gone.
  const call = { cwd: admin, vars: { GIT_DIR: admin, GIT_WORK_TREE: admin } }
  const [refs, log, head] = await Promise.all([
    runGit(deps, ['for-each-ref', '--format=%(objectname)'], call, signal),
    runGit(deps, ['reflog', '--all', '--format=%H'], { ...call, accepts: [128] }, signal),
    runGit(deps, ['rev-parse', '--verify', '-q', 'HEAD'], { ...call, accepts: [1] }, signal),
  ])
  return [...new Set(`${refs.text}\n${log.text}\n${head.text}`.split('\n').filter((id) => /^[0-9a-f]+$/.test(id)))].map((id) => `${id}\n`).join('')
}

/** git folders at any depth: a submodule's name may have slashes, and submodules have submodules. */
async function repositoriesBelow(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const found = await Promise.all(
    names
      .filter((entry) => entry.isDirectory() && !isHalf(entry.name))
      .map(async ({ name }) => {
        const inside = join(folder, name)
        const isRepository = (await isThere(join(inside, 'HEAD'))) && (await isThere(join(inside, 'objects')))
        return isRepository ? [inside, ...(await repositoriesBelow(join(inside, 'modules')))] : repositoriesBelow(inside)
      }),
  )
  return found.flat()
}

const isHalf = (name: string): boolean => /^\..*\.half\d+$/.test(name)

export const hasSubmodules = async (admin: string): Promise<boolean> => (await repositoriesBelow(join(admin, 'modules'))).length > 0

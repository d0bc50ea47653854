// Brings ignored files from one working tree into another: what is not in the repository and yet is needed to work (.env, node_modules). Only what git ignores there; what is in the other tree already stays as it is.
// Each file appears under its name when all of it is there, so that a second attempt goes on where the first was cut off.

import { constants, type Dirent } from 'node:fs'
import { chmod, copyFile, lstat, mkdir, readdir, readlink, rename, stat, symlink } from 'node:fs/promises'
import { printableLine } from '../core/terminal-text.ts'
import type { Worktree } from '../core/workspace.ts'
import { codeOf, hasCode, ifMissing } from './disk.ts'
import { type GitDeps, GitFailed, runGit } from './git.ts'
import { nulPieces, pathText } from './paths.ts'
import { WorkspaceFailed } from './workspaces.ts'

/** More only wait for the same disk. */
const atOnce = 16
/** Of a file that is not complete yet. The same each time: the next attempt writes it anew. */
const unfinished = Buffer.from('.offstage-unfinished')
const slash = Buffer.from('/')
const nothing = Buffer.of()

/** How many files there are now that were not there before. Throws WorkspaceFailed. */
export async function bring(deps: GitDeps, { repository, path }: Worktree, patterns: readonly string[], signal: AbortSignal): Promise<number> {
  const wanted = await wantedIn(deps, repository, patterns, signal)
  const copy = new Copy(Buffer.from(path), signal)
  for (const entry of wanted) {
    const name = entry.at(-1) === 47 ? entry.subarray(0, -1) : entry
    if (await copy.hasFolders(name)) await copy.entry(joined(Buffer.from(repository), name), joined(Buffer.from(path), name), false)
  }
  await copy.done()
  return copy.files
}

/** Files, and folders that are ignored as a whole (they end with `/`), relative to the top. */
async function wantedIn(deps: GitDeps, repository: string, patterns: readonly string[], signal: AbortSignal): Promise<readonly Buffer[]> {
  // As in a .gitignore: no comments, and no spaces at the end.
  const rules = patterns.map((pattern) => pattern.replace(/(?<!\\) +$/, '')).filter((pattern) => pattern !== '' && !pattern.startsWith('#'))
  if (rules.length === 0) return []
  const ignored = await ignoredBy(deps, repository, ['--exclude-standard'], signal)
  if (ignored.length === 0) return []
  const matches = (some: readonly string[]): Promise<readonly Buffer[]> =>
    some.length === 0
      ? Promise.resolve([])
      : ignoredBy(
          deps,
          repository,
          some.map((pattern) => `--exclude=${pattern}`),
          signal,
        )
  const [matching, byPlace] = await Promise.all([matches(rules), matches(rules.filter(namesAPlace))])
  const folders = new Set(ignored.filter((entry) => entry.at(-1) === 47).map(textOf))
  const known = new Set(ignored.map(textOf))
  const insideIgnored = (entry: string): boolean => above(entry).some((folder) => folders.has(folder))
  // `.env` is meant where one works, not each one somewhere below node_modules: whoever means that writes a pattern with a slash.
  const chosen = [...matching.map(textOf).filter((entry) => known.has(entry) || !insideIgnored(entry)), ...byPlace.map(textOf).filter(insideIgnored)]
  const chosenFolders = new Set(chosen.filter((entry) => entry.endsWith('/')))
  // What matches as a whole, and is ignored only in parts.
  const parts = [...known].filter((entry) => above(entry).some((folder) => chosenFolders.has(folder)))
  const all = [...chosen.filter((entry) => known.has(entry) || insideIgnored(entry)), ...parts]
  return [...new Set(all)].toSorted().map((entry) => Buffer.from(entry, 'latin1'))
}

const namesAPlace = (pattern: string): boolean => pattern.startsWith('!') || pattern.replace(/\/+\s*$/, '').includes('/')

async function ignoredBy(deps: GitDeps, repository: string, rules: readonly string[], signal: AbortSignal): Promise<readonly Buffer[]> {
  const args = ['ls-files', '-z', '--others', '--ignored', '--directory', ...rules]
  const said = await runGit(deps, args, { cwd: repository, accepts: [128] }, signal)
  if (said.exitCode === 0) return nulPieces(said.bytes)
  // A bare repository has no files.
  if (/must be run in a work tree/.test(said.errors)) return []
  throw new GitFailed(args, repository, said.errors, said.exitCode)
}

/** The folders that a path lies in, as git writes them. */
function above(entry: string): readonly string[] {
  const found: string[] = []
  for (let at = entry.indexOf('/'); at !== -1 && at < entry.length - 1; at = entry.indexOf('/', at + 1)) found.push(entry.slice(0, at + 1))
  return found
}

/** Byte for byte. */
const textOf = (bytes: Buffer): string => bytes.toString('latin1')

const joined = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, slash, name])

/** One attempt at copying into the tree at `top`. */
class Copy {
  files = 0
  readonly #top: Buffer
  readonly #signal: AbortSignal
  readonly #running = new Set<Promise<void>>()
  /** Closed to their owner where they come from: only when all is in them. */
  readonly #modes: { readonly folder: Buffer; readonly mode: number }[] = []
  #problem: unknown

  constructor(top: Buffer, signal: AbortSignal) {
    this.#top = top
    this.#signal = signal
  }

  /** Makes the folders that this path lies in; false where a link or a file is in the way, so that nothing is ever written outside of the tree. */
  async hasFolders(name: Buffer): Promise<boolean> {
    for (let at = name.indexOf(47); at !== -1; at = name.indexOf(47, at + 1)) {
      const folder = joined(this.#top, name.subarray(0, at))
      if ((await madeFolder(folder)) === 'in the way') return false
    }
    return true
  }

  /** `fresh`: the folder is new, so nothing is there. */
  async entry(from: Buffer, to: Buffer, fresh: boolean): Promise<void> {
    const found = await lstat(from).catch(ifMissing(undefined))
    if (found?.isDirectory()) await this.#folder(from, to)
    else if (found?.isSymbolicLink()) await this.#start(from, () => this.#link(from, to))
    else if (found?.isFile()) await this.#start(from, () => this.#file(from, to, fresh))
  }

  async done(): Promise<void> {
    await Promise.all(this.#running)
    this.#check()
    for (const { folder, mode } of this.#modes.toReversed()) await chmod(folder, mode)
  }

  async #folder(from: Buffer, to: Buffer): Promise<void> {
    // The worktrees may lie below the tree that they come from.
    if (
      joined(this.#top, nothing)
        .subarray(0, from.length + 1)
        .equals(joined(from, nothing))
    )
      return
    const made = await madeFolder(to)
    if (made === 'in the way') return
    const mode = (await stat(from)).mode & 0o7777
    if ((mode & 0o700) === 0o700) {
      if (made === 'made') await chmod(to, mode)
    } else this.#modes.push({ folder: to, mode })
    const entries: readonly Dirent<Buffer>[] = await readdir(from, { withFileTypes: true, encoding: 'buffer' }).catch(told(from))
    for (const entry of entries) {
      // A repository inside stays one place: half of its life is in files that must not be in two.
      if (entry.name.equals(Buffer.from('.git')) || entry.name.subarray(-unfinished.length).equals(unfinished)) continue
      const [source, target] = [joined(from, entry.name), joined(to, entry.name)]
      if (entry.isDirectory()) await this.#folder(source, target)
      else if (entry.isFile()) await this.#start(source, () => this.#file(source, target, made === 'made'))
      else if (entry.isSymbolicLink()) await this.#start(source, () => this.#link(source, target))
    }
  }

  async #file(from: Buffer, to: Buffer, fresh: boolean): Promise<void> {
    if (!fresh && (await lstat(to).catch(ifMissing(undefined)))) return
    const fragment = Buffer.concat([to, unfinished])
    await copyFile(from, fragment, constants.COPYFILE_FICLONE)
    await rename(fragment, to)
    this.files += 1
  }

  async #link(from: Buffer, to: Buffer): Promise<void> {
    try {
      await symlink(await readlink(from, { encoding: 'buffer' }), to)
      this.files += 1
    } catch (cause) {
      if (!hasCode(cause, 'EEXIST')) throw cause
    }
  }

  /** Resolves when there is room for the next one. */
  async #start(path: Buffer, step: () => Promise<void>): Promise<void> {
    this.#check()
    const running: Promise<void> = step()
      .catch((cause: unknown) => {
        if (!hasCode(cause, 'ENOENT')) this.#problem ??= failure(path, cause)
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
    if (this.#running.size >= atOnce) await Promise.race(this.#running)
  }

  #check(): void {
    this.#signal.throwIfAborted()
    if (this.#problem !== undefined) throw this.#problem
  }
}

async function madeFolder(folder: Buffer): Promise<'made' | 'there' | 'in the way'> {
  try {
    await mkdir(folder, { mode: 0o777 })
    return 'made'
  } catch (cause) {
    if (!hasCode(cause, 'EEXIST')) throw failure(folder, cause)
    return (await lstat(folder)).isDirectory() ? 'there' : 'in the way'
  }
}

const told =
  (path: Buffer) =>
  (cause: unknown): never => {
    throw failure(path, cause)
  }

function failure(path: Buffer, cause: unknown): WorkspaceFailed {
  const code = codeOf(cause)
  const full = code === 'ENOSPC' || code === 'EDQUOT'
  const name = pathText(path)
  return new WorkspaceFailed(
    full ? 'full' : 'failed',
    `${printableLine(name)} could not be brought into the worktree: ${full ? 'no space is left on the disk' : (code ?? String(cause))}`,
    {
      hint: full ? 'make room on the disk and try again' : 'make it readable, or take it out of `bring` and .worktreeinclude',
      paths: [name],
      cause,
    },
  )
}

// What a directory belongs to: its repository and the branch that is checked out, read from git's own files. Runs no git, writes nothing, never throws, and nobody waits for a disk that does not answer.

import { constants } from 'node:fs'
import { type FileHandle, open, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { printableLine } from '../core/terminal-text.ts'
import type { SessionView } from '../core/view.ts'
import { canBeFound } from './disk.ts'

export type Project = SessionView['project']

/** Folders above the directory that are looked at. */
const mostLevels = 64
const mostBytes = 4096
const longestName = 200
const freshMs = 2000
/** How long anybody waits for a disk. */
const patienceMs = 100

/** The project of this directory (absolute) as it is now. Of a worktree it is the repository that it was made from, of a submodule the submodule. */
export async function projectOf(directory: string): Promise<Project> {
  let folder = await realpath(directory).catch(() => directory)
  for (let level = 0; level < mostLevels; level += 1) {
    const found = (await checkedOutIn(folder)) ?? (await bareAt(folder))
    if (found) return found
    if (folder === dirname(folder)) break
    folder = dirname(folder)
  }
  return outsideOfAny(directory)
}

const outsideOfAny = (directory: string): Project => ({ name: shown(basename(directory) || directory), branch: null })

/** Of a folder that has a `.git`. */
async function checkedOutIn(folder: string): Promise<Project | undefined> {
  const git = join(folder, '.git')
  const file = await read(git)
  // A directory, or nothing at all.
  if (file === undefined) return withHead(git, () => repositoryName(git))
  const to = /^gitdir: (.+)/.exec(file)?.[1]
  if (to === undefined) return undefined
  const gitDirectory = resolve(folder, to)
  // Only a worktree has one: it leads to what all worktrees of a repository share.
  const common = await read(join(gitDirectory, 'commondir'))
  return withHead(gitDirectory, () => (common === undefined ? basename(folder) : repositoryName(resolve(gitDirectory, common.trim()))))
}

/** Of a folder that is a repository itself. */
async function bareAt(folder: string): Promise<Project | undefined> {
  const is = (await canBeFound(join(folder, 'objects'))) && (await canBeFound(join(folder, 'refs')))
  return is ? withHead(folder, () => repositoryName(folder)) : undefined
}

async function withHead(gitDirectory: string, name: () => string): Promise<Project | undefined> {
  const head = await read(join(gitDirectory, 'HEAD'))
  return head === undefined ? undefined : { name: shown(name()), branch: branchOf(head) }
}

/** A `.git` belongs to the folder that it lies in; a bare repository is usually called `NAME.git`. */
function repositoryName(gitDirectory: string): string {
  const own = basename(gitDirectory)
  return own.startsWith('.') ? basename(dirname(gitDirectory)) || own : own.replace(/(?<=.)\.git$/, '')
}

function branchOf(head: string): string | null {
  const branch = /^ref: refs\/heads\/(.+)/.exec(head)?.[1]
  // What stands there where branches are kept in a table that only git can read.
  if (branch !== undefined) return branch === '.invalid' ? null : shown(branch)
  return /^[0-9a-f]{40,64}\s*$/.test(head) ? head.slice(0, 7) : null
}

const shown = (name: string): string => printableLine(name.slice(0, longestName))

/** The beginning of a regular file; undefined when it is none. A pipe of that name holds nobody up. */
async function read(path: string): Promise<string | undefined> {
  let file: FileHandle | undefined
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    if (!(await file.stat()).isFile()) return undefined
    const { buffer, bytesRead } = await file.read(Buffer.alloc(mostBytes), 0, mostBytes, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } catch {
    return undefined
  } finally {
    await file?.close().catch(() => {})
  }
}

interface Known {
  project: Project
  askedAtMs: number
  reading: Promise<void> | undefined
}

/** The projects of directories, each as it was at most two seconds ago when it was asked for; for ever as it was, if its disk does not answer any more. */
export class Projects {
  readonly #read: (directory: string) => Promise<Project>
  readonly #nowMs: () => number
  readonly #known = new Map<string, Known>()

  constructor(read = projectOf, nowMs: () => number = () => performance.now()) {
    this.#read = read
    this.#nowMs = nowMs
  }

  /** Resolves when they are known, at the latest after 100 ms. */
  async refresh(directories: readonly string[]): Promise<void> {
    const reading = [...new Set(directories)].flatMap((directory) => this.#refreshed(directory) ?? [])
    if (reading.length === 0) return
    const { promise: tired, resolve: tire } = Promise.withResolvers<void>()
    const timer = setTimeout(tire, patienceMs)
    await Promise.race([Promise.all(reading), tired])
    clearTimeout(timer)
  }

  of(directory: string): Project {
    return this.#known.get(directory)?.project ?? outsideOfAny(directory)
  }

  /** What is to be waited for, if anything. */
  #refreshed(directory: string): Promise<void> | undefined {
    const nowMs = this.#nowMs()
    const known = this.#known.get(directory)
    if (known?.reading) return nowMs - known.askedAtMs < patienceMs ? known.reading : undefined
    if (known && nowMs - known.askedAtMs < freshMs) return undefined
    const asked: Known = known ?? { project: outsideOfAny(directory), askedAtMs: nowMs, reading: undefined }
    this.#known.set(directory, asked)
    asked.askedAtMs = nowMs
    asked.reading = this.#read(directory).then((project) => {
      asked.project = project
      asked.reading = undefined
    })
    return asked.reading
  }
}

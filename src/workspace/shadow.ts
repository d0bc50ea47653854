// Private repositories for directories that have none that git can use (none at all, or another tool's): `OFFSTAGE_HOME/trees/KEY`, with that directory as working tree. Nothing is ever written into the directory itself.
// They convert nothing: what is in them is byte for byte what was on the disk.

import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, readdir, lstat, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { printableLine } from '../core/terminal-text.ts'
import { GitFailed, runGit, durable } from './git.ts'
import type { TreeDeps } from './open-tree.ts'
import { WorkspaceFailed } from './workspaces.ts'

export interface PrivateRepository {
  readonly gitDir: string
  readonly vars: Readonly<Record<string, string>>
}

/** Of other tools that keep versions. */
const others = ['.git', '.jj', '.hg', '.svn']

/** `directory`: a real path. */
export async function privateRepositoryOf({ home }: TreeDeps, directory: string): Promise<PrivateRepository | undefined> {
  const gitDir = join(home, 'trees', createHash('sha256').update(directory).digest('hex').slice(0, 24))
  const there = await stat(join(gitDir, 'HEAD')).catch(() => undefined)
  return there && { gitDir, vars: { GIT_DIR: gitDir, GIT_WORK_TREE: directory } }
}

/** Finds it, or makes it. Throws `impossible` where the directory is too large, or has us in it. */
export async function privateRepository(deps: TreeDeps, directory: string, signal: AbortSignal): Promise<PrivateRepository> {
  const home = await realpath(deps.home).catch(() => deps.home)
  if (`${home}${sep}`.startsWith(directory === sep ? sep : `${directory}${sep}`))
    throw new WorkspaceFailed('impossible', `no snapshots of ${printableLine(directory)}: it is no git repository, and everything that Offstage keeps lies in it`, {
      hint: 'start in a project folder',
    })
  await assureSmall(deps, directory, signal)
  const found = await privateRepositoryOf(deps, directory)
  if (found) return found
  const all = join(deps.home, 'trees')
  await mkdir(all, { recursive: true, mode: 0o700 })
  const made = await mkdtemp(join(all, 'new-'))
  try {
    await runGit(deps, ['init', '-q', '--bare', '--template=', made], { cwd: all, config: ['init.defaultBranch=none'] }, signal)
    await mkdir(join(made, 'info'), { recursive: true })
    await writeFile(join(made, 'info', 'attributes'), rawAttributes)
    await writeFile(join(made, 'info', 'exclude'), others.map((name) => `${name}\n`).join(''))
    await writeFile(join(made, 'directory'), `${directory}\n`)
    const to = join(all, createHash('sha256').update(directory).digest('hex').slice(0, 24))
    // Another of ours may have been quicker.
    await rename(made, to).catch(async (cause: unknown) => {
      if (!(await stat(join(to, 'HEAD')).catch(() => undefined))) throw cause
    })
  } finally {
    await rm(made, { recursive: true, force: true })
  }
  const now = await privateRepositoryOf(deps, directory)
  if (!now) throw new WorkspaceFailed('failed', `no private repository could be made for ${printableLine(directory)}`, { hint: `look into ${all}` })
  return now
}

/** What was kept of a directory before it became a repository of its own (`git init`) comes into that one, so that it is found where everything else is. `common`: its git directory. */
export async function adoptPrivate(deps: TreeDeps, directory: string, common: string, signal: AbortSignal): Promise<void> {
  const found = await privateRepositoryOf(deps, directory)
  // One in a folder above has other names for the same files.
  if (!found || !(await lstat(join(directory, '.git')).catch(() => undefined))) return
  const mark = join(found.gitDir, 'adopted')
  const { ino, birthtimeMs } = await stat(common)
  const by = `${common} ${ino} ${birthtimeMs}\n`
  if ((await readFile(mark, 'utf8').catch(() => '')) === by) return
  const args = ['fetch', '-q', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', found.gitDir, 'refs/offstage/*:refs/offstage/*']
  try {
    await runGit(deps, args, { cwd: directory, config: [...durable, 'protocol.file.allow=always', 'core.logAllRefUpdates=false'] }, signal)
  } catch (cause) {
    // Its objects have other names there; what was kept stays where it is.
    if (cause instanceof GitFailed && cause.kind === 'failed') return
    throw cause
  }
  await writeFile(mark, by)
}

/** Above all that a project says: nothing is converted. */
export const rawAttributes = '* -text -eol -crlf -filter -ident -working-tree-encoding\n'

async function assureSmall({ limits }: TreeDeps, directory: string, signal: AbortSignal): Promise<void> {
  let files = 0
  let bytes = 0
  const folders = [directory]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal.throwIfAborted()
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    const here = folder
    const own = entries.filter(({ name }) => !others.includes(name))
    folders.push(...own.filter((entry) => entry.isDirectory()).map(({ name }) => join(here, name)))
    const sizes = await Promise.all(own.filter((entry) => entry.isFile()).map(({ name }) => lstat(join(here, name)).then(({ size }) => size, () => 0))) // prettier-ignore
    files += sizes.length
    for (const size of sizes) bytes += size
    if (files <= limits.files && bytes <= limits.bytes && folders.length <= limits.files) continue
    const much = files > limits.files ? `more than ${limits.files} files` : `more than ${Math.round(limits.bytes / 1_000_000)} MB`
    throw new WorkspaceFailed('impossible', `no snapshots of ${printableLine(directory)}: it is no git repository, and has ${much}`, {
      hint: '`git init` there makes them possible',
    })
  }
}

// Real repositories for the tests of worktrees: each in a folder of its own with a HOME and an OFFSTAGE_HOME, and nothing of the machine's configuration.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, lstatSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach } from 'vitest'
import { defaultTreeLimits } from '../../src/workspace/open-tree.ts'
import { repositoryAt } from '../../src/workspace/repository.ts'
import { WorkspaceFailed } from '../../src/workspace/workspaces.ts'
import { type WorktreeDeps, makeWorktree, planWorktree } from '../../src/workspace/worktree.ts'

export const never = new AbortController().signal

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** In memory, where there is such a folder: what is tested waits for the disk at each step. */
const inMemory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

export function place() {
  const root = realpathSync(mkdtempSync(join(inMemory, 'os-worktree-')))
  folders.push(root)
  writeFileSync(join(root, '.gitconfig'), '[user]\n\tname = me\n\temail = me@example.org\n[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n')
  const env = { PATH: process.env['PATH'], HOME: root, GIT_CONFIG_NOSYSTEM: '1', GIT_CEILING_DIRECTORIES: dirname(root) }
  const home = join(root, 'home')
  mkdirSync(home)
  const deps: WorktreeDeps = { env, home, limits: defaultTreeLimits, planned: new Map(), refreshed: new Map(), aside: new Map() }
  const git = (cwd: string, ...args: readonly string[]): string => execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trimEnd()
  const write = (path: string, text: string | Buffer = path): void => {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  const commit = (cwd: string, message = 'more'): string => {
    git(cwd, 'add', '-A')
    git(cwd, 'commit', '-qm', message)
    return git(cwd, 'rev-parse', 'HEAD')
  }
  /** With these files committed. */
  const repository = (name: string, ...files: readonly string[]): string => {
    const top = join(root, name)
    mkdirSync(top, { recursive: true })
    git(top, 'init', '-q')
    for (const file of files) write(join(top, file), `${file}\n`)
    commit(top, 'first')
    return top
  }
  const plan = async (directory: string, session = 'k3f9x2ab', label: string | null = null) => {
    const at = await repositoryAt(deps, directory, never)
    if (!at) throw new Error('no repository')
    return planWorktree(deps, at, { session, label }, never)
  }
  const made = async (directory: string, session = 'k3f9x2ab', label: string | null = null) => {
    const worktree = await plan(directory, session, label)
    await makeWorktree(deps, worktree, undefined, never)
    return worktree
  }
  return { root, env, home, deps, git, write, commit, repository, plan, made }
}

/** What it was refused with; fails if it was not. */
export async function failure(step: Promise<unknown>): Promise<WorkspaceFailed> {
  const cause = await step.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(cause instanceof WorkspaceFailed)) throw new Error('it was not refused', { cause })
  if (`${cause.message}${cause.hint ?? ''}`.includes('\n')) throw new Error('more than one line', { cause })
  return cause
}

/** Files with their modes and bytes, links with where they lead, without `.git`. */
export function filesOf(top: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  const visit = (folder: Buffer, name: string): void => {
    for (const entry of readdirSync(folder, { encoding: 'buffer' })) {
      if (entry.equals(Buffer.from('.git'))) continue
      const path = Buffer.concat([folder, Buffer.from('/'), entry])
      const own = `${name}${entry.toString('latin1')}`
      const stat = lstatSync(path)
      if (stat.isDirectory()) visit(path, `${own}/`)
      else if (stat.isSymbolicLink()) found[own] = `-> ${readlinkSync(path)}`
      else found[own] = `${(stat.mode & 0o777).toString(8)} ${readFileSync(path, 'latin1')}`
    }
  }
  visit(Buffer.from(top), '')
  return found
}

// Real repositories for tests of snapshots: what lies in a tree byte for byte, and what of the user's must be the same afterwards.

import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, realpathSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { SnapshotWish } from '../../src/workspace/workspaces.ts'
import { type TreeLimits, defaultTreeLimits } from '../../src/workspace/open-tree.ts'
import { takeSnapshot } from '../../src/workspace/snapshot.ts'
import { withFilesOf } from '../../src/workspace/undo.ts'
import { writeTree } from '../../src/workspace/write-tree.ts'

export const never = new AbortController().signal

/** A name as it is in git: one letter for each byte. */
export type Names = Record<string, string>

/** A user, and what is below a folder of theirs. */
export function ground(limits: Partial<TreeLimits> = {}) {
  const all = realpathSync(mkdtempSync(join(tmpdir(), 'os-tree-')))
  onTestFinished(() => rmSync(all, { recursive: true, force: true }))
  const folder = join(all, 'shop')
  mkdirSync(folder)
  const env: Record<string, string> = { PATH: process.env.PATH ?? '', HOME: all, GIT_CONFIG_NOSYSTEM: '1', GIT_CEILING_DIRECTORIES: all }
  const who = { GIT_AUTHOR_NAME: 'me', GIT_AUTHOR_EMAIL: 'me@example.org', GIT_COMMITTER_NAME: 'me', GIT_COMMITTER_EMAIL: 'me@example.org' }
  const deps = { env, home: join(all, 'home'), limits: { ...defaultTreeLimits, ...limits }, refreshed: new Map(), aside: new Map() }
  const gitAt = (cwd: string, ...args: readonly string[]): string =>
    execFileSync('git', [...args], { cwd, env: { ...env, ...who }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const run = (...args: readonly string[]): string => gitAt(folder, ...args)
  const write = (name: string, content: string | Buffer = name): void => {
    const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')])
    mkdirSync(Buffer.from(dirname(path.toString('latin1')), 'latin1'), { recursive: true })
    writeFileSync(path, content)
  }
  const link = (name: string, to: string): void => symlinkSync(to, join(folder, name))
  const remove = (name: string): void => rmSync(join(folder, name), { recursive: true })
  const repository = (...committed: readonly string[]): void => {
    run('init', '-q', '-b', 'main')
    for (const name of committed) write(name)
    if (committed.length > 0) commit()
  }
  const commit = (message = 'commit'): void => {
    run('add', '-A')
    run('commit', '-q', '--allow-empty', '-m', message)
  }
  /** The index becomes ten seconds old: all files may have changed since, for all that git knows. */
  const age = (): void => {
    const { mtimeMs } = statSync(join(folder, '.git/index'))
    utimesSync(join(folder, '.git/index'), mtimeMs / 1000, mtimeMs / 1000 - 10)
  }
  const wish = (more: Partial<SnapshotWish> = {}): SnapshotWish => ({ directory: folder, session: 'k3f9x2ab', n: 1, why: 'asked', turn: 0, atMs: 1_700_000_000_000, ...more })
  const snapshot = async (more: Partial<SnapshotWish> = {}) => {
    const taken = await takeSnapshot(deps, wish(more), never)
    if (!taken) throw new Error('nothing was taken')
    return taken
  }
  /** All becomes as in that snapshot, as the engine does it. */
  const restore = async (commitId: string, n: number) => {
    const before = await snapshot({ n })
    const to = await withFilesOf(deps, folder, { current: before.commit, snapshot: commitId }, never)
    return writeTree(deps, folder, { from: before.tree, to, before: before.commit }, never)
  }
  return {
    all,
    folder,
    env,
    deps,
    git: run,
    gitAt,
    write,
    link,
    remove,
    repository,
    commit,
    wish,
    snapshot,
    restore,
    age,
    files: () => filesIn(folder),
    sacred: () => sacredIn(folder),
  }
}

/** Every file, link and empty folder below: mode and content. Not what is git's. */
export function filesIn(folder: string): Names {
  const found: Names = {}
  const visit = (path: Buffer, prefix: string): void => {
    for (const name of readdirSync(path, { encoding: 'buffer' }).toSorted(Buffer.compare)) {
      if (name.toString() === '.git') continue
      const own = prefix + name.toString('latin1')
      const at = Buffer.concat([path, Buffer.from('/'), name])
      const stat = lstatSync(at)
      if (stat.isSymbolicLink()) found[own] = `link ${readlinkSync(at, 'latin1')}`
      else if (stat.isDirectory()) {
        if (readdirSync(at).length === 0) found[`${own}/`] = 'empty'
        visit(at, `${own}/`)
      } else if (stat.isFile()) found[own] = `${stat.mode & 0o100 ? 'program' : 'file'} ${readFileSync(at, 'latin1')}`
      else found[own] = 'other'
    }
  }
  visit(Buffer.from(folder), '')
  return found
}

/** What is the user's in a repository: index, HEAD, refs, reflogs, stash, configuration, hooks. */
export function sacredIn(folder: string): Names {
  const found: Names = {}
  const visit = (path: string): void => {
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (!stat || path.includes('refs/offstage')) return
    if (stat.isDirectory()) for (const name of readdirSync(path)) visit(join(path, name))
    else found[path] = `${stat.mtimeMs} ${readFileSync(path, 'latin1')}`
  }
  for (const name of ['index', 'HEAD', 'logs', 'refs', 'config', 'hooks', 'packed-refs', 'MERGE_HEAD', 'rebase-merge', 'info']) visit(join(folder, '.git', name))
  return found
}

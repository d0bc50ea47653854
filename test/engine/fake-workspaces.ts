// Workspaces without git: trees are real small folders, snapshots and tree ids are kept in memory and outlive an engine as refs outlive a daemon.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChangedFile, Snapshot, Worktree } from '../../src/core/workspace.ts'
import type { Trees } from '../../src/engine/parts.ts'
import { type RepositoryAt, type RepositoryInside, WorkspaceFailed, type Workspaces } from '../../src/workspace/workspaces.ts'

type Files = Readonly<Record<string, string>>

export class FakeWorkspaces {
  readonly trees = new Map<string, Files>()
  readonly snapshots = new Map<string, Snapshot[]>()
  /** What was asked, in order. */
  readonly asked: string[] = []
  repository: RepositoryAt | undefined
  dirty: readonly string[] = []
  worktrees = '/nowhere'
  isElsewhere = false
  isDetached = false
  /** What changed in repositories inside. */
  inside: readonly RepositoryInside[] = []
  /** Thrown by the next call of that name, once each. */
  readonly failing = new Map<string, Error[]>()
  /** Called right before it is done; a promise holds it. */
  before: (name: string) => Promise<void> | void = () => {}

  fail(name: string, kind: WorkspaceFailed['kind'], message: string): void {
    this.failing.set(name, [...(this.failing.get(name) ?? []), new WorkspaceFailed(kind, message)])
  }

  treeOf(directory: string): string {
    const files: Record<string, string> = {}
    if (existsSync(directory)) {
      for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())) {
        const path = join(entry.parentPath, entry.name)
        files[path.slice(directory.length + 1)] = readFileSync(path, 'utf8')
      }
    }
    return this.keep(files)
  }

  keep(files: Files): string {
    const sorted = Object.fromEntries(Object.entries(files).toSorted(([one], [other]) => (one < other ? -1 : 1)))
    const id = createHash('sha1').update(JSON.stringify(sorted)).digest('hex')
    this.trees.set(id, sorted)
    return id
  }

  files(id: string): Files {
    const snapshot = [...this.snapshots.values()].flat().find(({ commit }) => commit === id)
    return this.trees.get(snapshot?.tree ?? id) ?? {}
  }

  write(directory: string, tree: string): void {
    rmSync(directory, { recursive: true, force: true })
    mkdirSync(directory, { recursive: true })
    for (const [path, content] of Object.entries(this.files(tree))) writeFileSync(join(directory, path), content)
  }

  async #does(name: string): Promise<void> {
    this.asked.push(name)
    await this.before(name)
    const failure = this.failing.get(name)?.shift()
    if (failure) throw failure
  }

  readonly workspaces: Workspaces = {
    repositoryAt: async (directory) => {
      await this.#does('repositoryAt')
      return this.repository && directory.startsWith(this.repository.top) ? this.repository : undefined
    },
    stateOf: async () => {
      await this.#does('stateOf')
      return { changed: this.dirty, untracked: [], ahead: null, behind: null }
    },
    planWorktree: async (at, { session }): Promise<Worktree> => ({
      repository: at.top,
      path: join(this.worktrees, session, 'shop'),
      below: at.below,
      branch: `offstage/${session}`,
      base: at.head ?? '',
      ...(at.branch === null ? {} : { from: at.branch }),
    }),
    makeWorktree: async (worktree, from) => {
      await this.#does('makeWorktree')
      if (!existsSync(worktree.path)) this.write(worktree.path, from ?? this.treeOf(worktree.repository))
      return { base: from ? this.keep(this.files(from)) : this.treeOf(worktree.repository), ...(this.isDetached ? { detached: true } : {}) }
    },
    bring: async () => {
      await this.#does('bring')
      return 1
    },
    takePorts: async (_, names) => Object.fromEntries(names.map((name, index) => [name, 20_000 + index])),
    forgetPorts: async (session) => void this.asked.push(`forgetPorts ${session}`),
    removeWorktree: async ({ path }, snapshot) => {
      await this.#does('removeWorktree')
      if (existsSync(path) && this.treeOf(path) !== snapshot.tree) throw new WorkspaceFailed('refused', `${path} is not as it was kept`)
      rmSync(path, { recursive: true, force: true })
      return { branchKept: true }
    },
    takeSnapshot: async ({ directory, session, n, why, turn, atMs, unless, base }) => {
      await this.#does('takeSnapshot')
      const tree = this.treeOf(directory)
      if (unless?.tree === tree) return undefined
      const lines = base === undefined ? [] : this.#changed(this.files(base), this.files(tree))
      const changed = base === undefined ? {} : { changed: { files: lines.length, added: lines.length, removed: lines.length } }
      const taken: Snapshot = { n, commit: `commit-${session}-${n}`, tree, why, turn, atMs, ...changed }
      this.snapshots.set(session, [...(this.snapshots.get(session) ?? []).filter((one) => one.n !== n), taken])
      return taken
    },
    treeNow: async (directory) => ({ tree: this.treeOf(directory), head: null, common: directory }),
    snapshotsOf: async (_, session) => this.snapshots.get(session) ?? [],
    isElsewhere: async () => this.isElsewhere,
    dropSnapshots: async (_, session, numbers) => {
      await this.#does('dropSnapshots')
      this.asked.push(`dropSnapshots ${numbers.join(' ')}`)
      this.snapshots.set(
        session,
        (this.snapshots.get(session) ?? []).filter(({ n }) => !numbers.includes(n)),
      )
    },
    compare: async (_, { from, to }) => ({ files: this.#changed(this.files(from), this.files(to)) }),
    changedInside: async () => this.inside,
    mergeBase: async () => undefined,
    without: async (_, { current, steps }) => {
      let files: Record<string, string> = { ...this.files(current) }
      for (const { from, to } of steps) {
        const [before, after] = [this.files(from), this.files(to)]
        for (const { path } of this.#changed(before, after)) {
          if (files[path] !== after[path]) return { conflicts: [path] }
          files = Object.fromEntries(Object.entries({ ...files, [path]: before[path] }).flatMap(([name, content]) => (content === undefined ? [] : [[name, content]])))
        }
      }
      return { tree: this.keep(files) }
    },
    withFilesOf: async (_, { snapshot }) => this.keep(this.files(snapshot)),
    withoutHunks: async (_, { from }) => ({ tree: from }),
    writeTree: async (directory, { from, to, going }) => {
      await this.#does('writeTree')
      if (!going && this.treeOf(directory) !== from) throw new WorkspaceFailed('refused', 'files were changed meanwhile', { paths: ['a.txt'] })
      this.write(directory, to)
      return { written: this.#changed(this.files(from), this.files(to)).map(({ path }) => path), left: [] }
    },
    treeOfBranch: unused,
    mergeFor: unused,
    previewMerge: unused,
    temporaryTree: unused,
    mayFollow: unused,
    moveBranch: unused,
    mayPublish: unused,
    publish: unused,
    tipsOf: async (_repository, branches) => branches.map(() => undefined),
    holdTarget: async (_directory, _session, target) => void this.asked.push(`holdTarget ${target ?? 'no more'}`),
    treeAside: unused,
    forecast: unused,
    watchTree: () => ({ refresh: async () => {}, [Symbol.dispose]: () => {} }),
  }

  #changed(from: Files, to: Files): readonly ChangedFile[] {
    return [...new Set([...Object.keys(from), ...Object.keys(to)])]
      .filter((path) => from[path] !== to[path])
      .toSorted()
      .map((path) => ({ path, kind: from[path] === undefined ? 'added' : to[path] === undefined ? 'deleted' : 'modified', added: 1, removed: 1 }))
  }
}

const unused = (): never => {
  throw new Error('unused')
}

/** Trees of which nothing is kept or made: for tests that are about something else. */
export function noTrees(workspaces: Partial<Workspaces> = {}): Trees {
  const none = new FakeWorkspaces().workspaces
  return {
    workspaces: { ...none, takeSnapshot: async () => undefined, ...workspaces },
    trust: { has: async () => false, add: async () => {} },
    landings: { land: unused },
    planLanding: unused,
    environmentOf: async () => undefined,
  }
}

// All that can be done with trees, put together: one object for the engine, of plain functions, each in its own file.

import { bring } from './bring.ts'
import { compare, mergeBase } from './compare.ts'
import { forecast, tipsOf } from './forecast.ts'
import type { GitDeps } from './git.ts'
import { changedInside } from './inside.ts'
import { mayFollow, moveBranch, treeOfBranch } from './landing.ts'
import { mergeFor } from './merge.ts'
import { type TreeLimits, defaultTreeLimits } from './open-tree.ts'
import { type PortRange, openPorts } from './ports.ts'
import { previewMerge } from './preview.ts'
import { mayPublish, publish } from './publish.ts'
import { removeWorktree } from './remove-worktree.ts'
import { repositoryAt, stateOf } from './repository.ts'
import { holdTarget } from './snapshot-ref.ts'
import { dropSnapshots, isElsewhere, snapshotsOf, takeSnapshot, treeNow } from './snapshot.ts'
import { temporaryTree } from './temporary-tree.ts'
import { withFilesOf, without, withoutHunks } from './undo.ts'
import { watchTree } from './watch-tree.ts'
import { treeAside } from './tree-aside.ts'
import type { Workspaces } from './workspaces.ts'
import { makeWorktree, planWorktree } from './worktree.ts'
import { writeTree } from './write-tree.ts'

export interface WorkspacesOf extends GitDeps {
  /** OFFSTAGE_HOME. */
  readonly home: string
  readonly portRange?: PortRange
  /** Untracked and ignored files above it are left out of snapshots, and named. */
  readonly largestSnapshotFileBytes?: number
  readonly limits?: Partial<TreeLimits>
}

export function openWorkspaces({ env, home, portRange, largestSnapshotFileBytes, limits }: WorkspacesOf): Workspaces {
  const fileBytes = largestSnapshotFileBytes === undefined ? {} : { fileBytes: largestSnapshotFileBytes }
  const deps = { env, home, limits: { ...defaultTreeLimits, ...fileBytes, ...limits }, planned: new Map<string, Set<string>>(), refreshed: new Map(), aside: new Map() }
  const ports = openPorts(home, portRange && (() => portRange))
  return {
    repositoryAt: (...args) => repositoryAt(deps, ...args),
    stateOf: (...args) => stateOf(deps, ...args),
    planWorktree: (...args) => planWorktree(deps, ...args),
    makeWorktree: (...args) => makeWorktree(deps, ...args),
    bring: (...args) => bring(deps, ...args),
    takePorts: (...args) => ports.take(...args),
    forgetPorts: (...args) => ports.forget(...args),
    removeWorktree: (...args) => removeWorktree(deps, ...args),
    takeSnapshot: (...args) => takeSnapshot(deps, ...args),
    treeAside: (...args) => treeAside(deps, ...args),
    treeNow: (...args) => treeNow(deps, ...args),
    snapshotsOf: (...args) => snapshotsOf(deps, ...args),
    isElsewhere: (...args) => isElsewhere(deps, ...args),
    holdTarget: (...args) => holdTarget(deps, ...args),
    dropSnapshots: (...args) => dropSnapshots(deps, ...args),
    compare: (...args) => compare(deps, ...args),
    changedInside: (...args) => changedInside(deps, ...args),
    mergeBase: (...args) => mergeBase(deps, ...args),
    without: (...args) => without(deps, ...args),
    withFilesOf: (...args) => withFilesOf(deps, ...args),
    withoutHunks: (...args) => withoutHunks(deps, ...args),
    writeTree: (...args) => writeTree(deps, ...args),
    treeOfBranch: (...args) => treeOfBranch(deps, ...args),
    mergeFor: (...args) => mergeFor(deps, ...args),
    previewMerge: (...args) => previewMerge(deps, ...args),
    temporaryTree: (...args) => temporaryTree(deps, ...args),
    mayFollow: (...args) => mayFollow(deps, ...args),
    moveBranch: (...args) => moveBranch(deps, ...args),
    mayPublish: (...args) => mayPublish(deps, ...args),
    publish: (...args) => publish(deps, ...args),
    tipsOf: (...args) => tipsOf(deps, ...args),
    forecast: (...args) => forecast(deps, ...args),
    watchTree: (...args) => watchTree(deps, ...args),
  }
}

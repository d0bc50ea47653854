// Repositories inside a tree, submodules too: in which of them files changed between two moments. What changed there is no change of the tree itself: git keeps at most which commit is checked out. Looks only.

import { join } from 'node:path'
import type { ObjectId, TreePath } from '../core/workspace.ts'
import { type TreeDeps, openObjects, openTree } from './open-tree.ts'
import { pathBytes } from './paths.ts'
import { treeNow } from './snapshot.ts'
import { readKept } from './snapshot-commit.ts'
import type { InsideOf, RepositoryInside } from './workspaces.ts'

/** By their paths: the tree of each. Submodules that are as git has checked them out are not among them. */
type States = ReadonlyMap<TreePath, ObjectId>

const none: States = new Map()

export async function changedInside(deps: TreeDeps, directory: string, { from, to }: InsideOf, signal: AbortSignal): Promise<readonly RepositoryInside[]> {
  const [before, after] = await Promise.all([
    from === undefined ? none : statesOf(deps, directory, from, signal),
    typeof to === 'string' ? statesOf(deps, directory, to, signal) : statesNow(deps, directory, to.now, signal),
  ])
  const paths = [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path))
  if (paths.length === 0) return []
  const tree = await openTree(deps, directory, signal).catch(() => undefined)
  return paths.toSorted().map((path) => ({ path, directory: join(tree?.top ?? directory, path) }))
}

async function statesOf(deps: TreeDeps, directory: string, snapshot: ObjectId, signal: AbortSignal): Promise<States> {
  const { inside } = await readKept(deps, await openObjects(deps, directory, signal), snapshot, signal)
  return new Map(inside.map(({ path, tree }) => [path, tree]))
}

async function statesNow(deps: TreeDeps, directory: string, paths: readonly TreePath[], signal: AbortSignal): Promise<States> {
  if (paths.length === 0) return none
  const { top } = await openTree(deps, directory, signal)
  const states = new Map<TreePath, ObjectId>()
  for (const path of paths) {
    const found = await treeNow(deps, join(top, pathBytes(path).toString('utf8')), signal).catch(() => undefined)
    signal.throwIfAborted()
    states.set(path, found?.tree ?? '')
  }
  return states
}

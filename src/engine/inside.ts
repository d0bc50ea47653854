// Which repositories inside a session's tree have changes that are neither shown nor taken back with it: between which moments they are looked at. Looks only.

import type { Undo } from '../core/events.ts'
import type { ObjectId, TreePath } from '../core/workspace.ts'
import type { InsideOf, RepositoryInside, Workspaces } from '../workspace/workspaces.ts'
import { type TreeMarks, newestChange } from './tree-marks.ts'

type Changed = Pick<Workspaces, 'changedInside'>

/** Empty where that cannot be told: nothing is kept from anybody over it. */
export async function insideBetween(
  workspaces: Changed,
  directory: string,
  of: InsideOf,
  paths: readonly TreePath[] | undefined,
  signal: AbortSignal,
): Promise<readonly RepositoryInside[]> {
  const found = await workspaces.changedInside(directory, of, signal).catch(() => [])
  signal.throwIfAborted()
  return found.filter(({ path }) => paths === undefined || paths.some((one) => touches(one.replace(/\/+$/, ''), path)))
}

const touches = (one: TreePath, path: TreePath): boolean => one === '' || one === '.' || one === path || path.startsWith(`${one}/`) || one.startsWith(`${path}/`)

/** Those that what is taken back had changed, and that are not as they were before it. */
export async function insideUndone(
  workspaces: Changed,
  directory: string,
  marks: TreeMarks,
  what: Undo,
  now: InsideOf['to'],
  signal: AbortSignal,
): Promise<readonly RepositoryInside[]> {
  if (what.kind === 'hunks') return []
  const between = (from: ObjectId, to: InsideOf['to']) => insideBetween(workspaces, directory, { from, to }, what.paths, signal)
  if (what.kind === 'snapshot') {
    const commit = marks.snapshots.find(({ n }) => n === what.n)?.commit
    return commit === undefined ? [] : between(commit, now)
  }
  const meant = what.turn === 'all' ? marks.turns : what.turn === 0 ? [newestChange(marks.turns) ?? marks.turns.at(-1)] : marks.turns.filter(({ turn }) => turn === what.turn)
  const steps = meant.flatMap((turn) => (turn?.from && turn.to ? [{ from: turn.from.commit, to: turn.to.commit }] : []))
  const [first] = steps
  if (!first) return []
  // Mostly there are none, and nothing more is asked.
  const still = await between(first.from, now)
  const done = new Set<TreePath>()
  for (const { from, to } of steps) {
    if (done.size === still.length) break
    for (const { path } of await between(from, to)) if (still.some((one) => one.path === path)) done.add(path)
  }
  return still.filter(({ path }) => done.has(path))
}

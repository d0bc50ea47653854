// Takes back what a session did in its tree: all as it is now is kept first, then the files that differ are written. Cut off in the middle it goes on to the end, or back to the beginning.

import type { Event, Undo } from '../core/events.ts'
import type { LinesChanged, ObjectId, Snapshot, TreePath } from '../core/workspace.ts'
import { WorkspaceFailed, type Workspaces } from '../workspace/workspaces.ts'
import { crashPoint } from './crash-point.ts'
import { insideUndone } from './inside.ts'
import { type TreeWork, messageOf } from './tree-work.ts'
import { type TreeMarks, changedBy, newestChange } from './tree-marks.ts'

type Undoing = Extract<Event, { readonly type: 'undoing' }>

/** Ends in `undone` or `undo-failed`. */
export async function performUndo(work: TreeWork, what: Undo, going: Undoing | undefined): Promise<void> {
  if (!work.session.tree.undoing) return
  await takeBack(work, what, going)
  if (work.deps.signal.aborted) return
  // One that is left is held for nothing, until the next undo.
  await work.deps.trees.workspaces.holdTarget(work.directory, work.session.id, undefined, work.deps.signal).catch(() => {})
}

async function takeBack(work: TreeWork, what: Undo, going: Undoing | undefined): Promise<void> {
  const { signal, trees } = work.deps
  try {
    const step = going ?? (await beginUndo(work, what))
    const inside = await insideOf(work, what, step.before)
    if (step.from === step.to) return await work.report({ type: 'undone', before: step.before, files: [], ...inside })
    // All that may fail comes before the files are written: what was taken back is not told as not taken back.
    const { files } = await trees.workspaces.compare(work.directory, { from: step.from, to: step.to }, signal)
    const changed = await changedNow(work, step.to)
    await write(work, step, going !== undefined)
    crashPoint('undo.written')
    await keepAfter(work)
    await work.report({ type: 'undone', before: step.before, ...changed, ...inside, files: files.flatMap(({ path, from }) => (from === undefined ? [path] : [from, path])) })
  } catch (cause) {
    if (signal.aborted) return
    const { hint, paths } = cause instanceof WorkspaceFailed ? cause : {}
    const reason = cause instanceof WorkspaceFailed ? cause.message : messageOf(cause)
    await work.report({ type: 'undo-failed', reason, ...(hint === undefined ? {} : { hint }), ...(paths && paths.length > 0 ? { paths } : {}) })
  }
}

/** What stays as it is, in repositories of their own. */
async function insideOf(work: TreeWork, what: Undo, before: number): Promise<{ readonly inside?: readonly TreePath[] }> {
  const marks = work.marks()
  const now = marks.snapshots.find(({ n }) => n === before)?.commit
  const found = now === undefined ? [] : await insideUndone(work.deps.trees.workspaces, work.directory, marks, what, now, work.deps.signal)
  return found.length === 0 ? {} : { inside: found.map(({ path }) => path) }
}

/** No prompt begins the next turn of a program in a terminal: what was taken back is not to count as done by it. */
async function keepAfter(work: TreeWork): Promise<void> {
  const { spec, tree } = work.session
  if (spec.kind !== 'terminal') return
  const turn = tree.rests + 1
  await work.take('turn-start', turn).catch((cause: unknown) => work.report({ type: 'snapshot-failed', why: 'turn-start', turn, reason: messageOf(cause) }))
}

/** Of a worktree: what is left of its changes. */
async function changedNow(work: TreeWork, to: ObjectId): Promise<{ readonly changed?: LinesChanged }> {
  const { spec, tree } = work.session
  if (!spec.worktree) return {}
  const { files } = await work.deps.trees.workspaces.compare(work.directory, { from: tree.base ?? spec.worktree.base, to }, work.deps.signal)
  const sum = (of: 'added' | 'removed'): number => files.reduce((total, file) => total + (file[of] ?? 0), 0)
  return { changed: { files: files.length, added: sum('added'), removed: sum('removed') } }
}

async function beginUndo(work: TreeWork, what: Undo): Promise<Undoing> {
  const before = await work.takeNow('undo')
  crashPoint('undo.kept')
  const made = await targetOf(work.deps.trees.workspaces, work.directory, work.marks(), before.commit, what, work.deps.signal)
  if ('conflicts' in made) {
    throw new WorkspaceFailed('refused', 'what was done since is in the way of taking it back', {
      paths: made.conflicts,
      hint: `undo the later turns too, or name other paths; offstage restore ${work.session.id}@N brings back a snapshot as a whole`,
    })
  }
  const step: Undoing = { type: 'undoing', before: before.n, from: before.tree, to: made.tree }
  if (step.from !== step.to) {
    await work.deps.trees.workspaces.holdTarget(work.directory, work.session.id, step.to, work.deps.signal)
    await work.report(step)
    crashPoint('undo.recorded')
  }
  return step
}

async function write(work: TreeWork, { before, from, to }: Undoing, going: boolean): Promise<void> {
  const { workspaces } = work.deps.trees
  const commit = work.marks().snapshots.find(({ n }) => n === before)?.commit
  const kept = commit === undefined ? {} : { before: commit }
  try {
    const { left } = await workspaces.writeTree(work.directory, { from, to, ...kept, ...(going ? { going } : {}) }, work.deps.signal)
    if (left.length > 0) await work.report({ type: 'note', text: `changed meanwhile, and left as they are: ${left.join(', ')}` })
  } catch (cause) {
    work.deps.signal.throwIfAborted()
    if (cause instanceof WorkspaceFailed && cause.kind === 'refused' && !going) throw cause
    // Some files may be written: all of them go back to what they were.
    await workspaces.writeTree(work.directory, { from: to, to: commit ?? from, going: true }, work.deps.signal).catch((second: unknown) => {
      throw new WorkspaceFailed('failed', `${messageOf(cause)}; some files are written, some are not`, {
        hint: `offstage restore ${work.session.id}@${before} brings back all as it was`,
        cause: second,
      })
    })
    throw cause
  }
}

/** The tree that is to be. Throws WorkspaceFailed where nothing of that moment is kept. */
export async function targetOf(
  workspaces: Pick<Workspaces, 'without' | 'withFilesOf' | 'withoutHunks'>,
  directory: string,
  marks: TreeMarks,
  current: ObjectId,
  what: Undo,
  signal: AbortSignal,
): Promise<{ readonly tree: ObjectId } | { readonly conflicts: readonly TreePath[] }> {
  const paths = 'paths' in what && what.paths ? { paths: what.paths } : {}
  switch (what.kind) {
    case 'turns':
      return workspaces.without(directory, { current, steps: stepsOf(marks, what.turn), ...paths }, signal)
    case 'snapshot': {
      const snapshot = marks.snapshots.find(({ n }) => n === what.n)
      if (!snapshot) throw new WorkspaceFailed('refused', `there is no snapshot ${what.n}`, { hint: 'offstage snapshots ID lists them' })
      return { tree: await workspaces.withFilesOf(directory, { current, snapshot: snapshot.commit, ...paths }, signal) }
    }
    case 'hunks':
      return workspaces.withoutHunks(directory, { current, from: what.from, to: what.to, path: what.path, hunks: what.hunks }, signal)
  }
}

/** What was done in these turns, the newest first. 0: the newest that changed anything. */
function stepsOf({ turns }: TreeMarks, wanted: number | 'all'): readonly { readonly from: ObjectId; readonly to: ObjectId }[] {
  const between = (from: Snapshot | undefined, to: Snapshot | undefined) => (from && to ? [{ from: from.commit, to: to.commit }] : [])
  if (wanted === 'all') return turns.toReversed().flatMap((one) => (changedBy(one) ? between(one.from, one.to) : []))
  const turn = wanted === 0 ? newestChange(turns) : turns.find((one) => one.turn === wanted)
  if (!turn)
    throw new WorkspaceFailed('refused', wanted === 0 ? 'no turn has changed anything' : `there is no turn ${wanted}`, {
      hint: turns.length === 0 ? 'none has begun' : `its newest is turn ${turns.at(-1)?.turn}`,
    })
  if (!turn.from || !turn.to)
    throw new WorkspaceFailed('refused', `what turn ${turn.turn} changed is not kept: there is no snapshot of ${turn.from ? 'its end' : 'what was there before it'}`)
  return between(turn.from, turn.to)
}

// What a session changed: which two states of its tree are meant, and what lies between them. Reads only.

import { existsSync } from 'node:fs'
import { treeGone } from '../core/decide-tree.ts'
import type { ChangesFound, ChangesQuery } from '../core/api.ts'
import { type Refusal, refusal } from '../core/errors.ts'
import type { Undo } from '../core/events.ts'
import type { Session } from '../core/session.ts'
import type { ObjectId, TreePath } from '../core/workspace.ts'
import { type InsideOf, type TreeNow, WorkspaceFailed, type RepositoryInside, type Workspaces } from '../workspace/workspaces.ts'
import { isTreeGone } from './gone-tree.ts'
import { insideBetween, insideUndone } from './inside.ts'
import { treeOf } from './tree-work.ts'
import type { TreeMarks } from './tree-marks.ts'
import { targetOf } from './undo.ts'

interface Compared {
  readonly from: ObjectId
  readonly to: ObjectId
  readonly fromText: string
  readonly toText: string
  readonly conflicts?: readonly TreePath[]
  /** The same moments, for repositories inside. */
  readonly moments?: InsideOf
}

/** `others`: sessions that work in the same tree, by their ids. */
export async function changesOf(
  workspaces: Workspaces,
  session: Session,
  marks: TreeMarks,
  query: ChangesQuery,
  others: readonly string[],
  signal: AbortSignal,
): Promise<ChangesFound | Refusal> {
  const { worktree } = session.spec
  const tree = treeOf(session.spec)
  const isGone = isTreeGone(session)
  const isThere = !isGone && existsSync(tree)
  if (query.undo && isGone) return treeGone(session)
  if (query.undo && worktree && !isThere) return refusal('no-worktree', `the worktree of session ${session.id} is not there: ${worktree.path}`, notThereHint(session))
  // Of a worktree that is gone, the repository has all that was kept.
  const directory = isThere ? tree : (worktree?.repository ?? tree)
  try {
    const now = isThere && query.between === undefined ? await workspaces.treeNow(tree, signal) : undefined
    const compared = await comparedIn(workspaces, directory, session, marks, query, now, signal)
    if ('refused' in compared) return compared
    const { from, to, fromText, toText, conflicts, moments } = compared
    const wish = { from, to, ...(query.paths ? { paths: query.paths } : {}), ...(query.patchBytes === undefined ? {} : { patchBytes: query.patchBytes }) }
    const insideNow = now ? { now: now.inside ?? [] } : undefined
    const [{ files, patch, cutAt }, uncommitted, inside] = await Promise.all([
      workspaces.compare(directory, wish, signal),
      worktree && now ? (now.uncommitted ?? uncommittedIn(workspaces, tree, signal)) : 0,
      query.undo
        ? insideNow && insideUndone(workspaces, directory, marks, query.undo, insideNow, signal)
        : moments && insideBetween(workspaces, directory, moments, query.paths, signal),
    ])
    return {
      from: fromText,
      to: toText,
      files,
      added: files.reduce((sum, { added }) => sum + (added ?? 0), 0),
      removed: files.reduce((sum, { removed }) => sum + (removed ?? 0), 0),
      ...(patch ? { patch } : {}),
      ...(cutAt === undefined ? {} : { cutAt }),
      trees: { from, to },
      ...(conflicts && conflicts.length > 0 ? { conflicts } : {}),
      uncommitted,
      ...(inside && inside.length > 0 ? { inside: inside.map(({ path }) => path) } : {}),
      notes: [...notesOf(session, isThere, isGone, others), ...(inside ?? []).map((one) => insideNote(one, query.undo ? 'taken back' : 'shown', isThere))],
    }
  } catch (cause) {
    if (!(cause instanceof WorkspaceFailed)) throw cause
    return refusal(cause.kind === 'impossible' ? 'not-supported' : 'no-snapshot', cause.message, cause.hint)
  }
}

/** A tree at one moment. */
interface State {
  readonly tree: ObjectId
  readonly text: string
  readonly moment: InsideOf['to']
}

const notThereHint = ({ id, tree }: Session): string => (tree.state === 'removed' ? `offstage restore ${id} makes it again` : `offstage why ${id} says more`)

const insideNote = ({ path, directory }: RepositoryInside, what: 'shown' | 'taken back', isThere: boolean): string =>
  `what changed in ${path} is not ${what}, it is a repository of its own${isThere ? `: git -C ${inShell(directory)} diff` : ''}`

const inShell = (path: string): string => (/^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`)

async function uncommittedIn(workspaces: Workspaces, tree: string, signal: AbortSignal): Promise<number> {
  const { changed, untracked } = await workspaces.stateOf(tree, signal)
  return changed.length + untracked.length
}

const short = (id: ObjectId): string => id.slice(0, 7)

async function comparedIn(
  workspaces: Workspaces,
  directory: string,
  session: Session,
  marks: TreeMarks,
  query: ChangesQuery,
  nowFound: TreeNow | undefined,
  signal: AbortSignal,
): Promise<Compared | Refusal> {
  if (query.between) {
    const { from, to } = query.between
    return { from, to, fromText: short(from), toText: short(to) }
  }
  const last = marks.snapshots.findLast(({ why }) => why !== 'land')
  const now: State | undefined = nowFound
    ? { tree: nowFound.tree, text: 'now', moment: { now: nowFound.inside ?? [] } }
    : last && { tree: last.tree, text: `snapshot ${last.n}`, moment: last.commit }
  if (query.turn !== undefined) return ofTurn(session, marks, query.turn, now)
  if (query.snapshot !== undefined) return ofSnapshot(session, marks, query.snapshot)
  if (!now) return nothingKept(session)
  if (query.undo) return ofUndo(workspaces, directory, marks, now.tree, query.undo, signal)
  if (query.against !== undefined) {
    const own = nowFound?.head ?? session.spec.worktree?.branch ?? last?.commit
    const parted = own ? await workspaces.mergeBase(directory, own, query.against, signal) : undefined
    if (parted === undefined)
      return refusal('invalid', `${query.against} has no commit in common with session ${session.id}, or is no branch`, 'name a branch or a commit of the same repository')
    return { from: parted, to: now.tree, fromText: query.against, toText: now.text, moments: { to: now.moment } }
  }
  const base = session.tree.base ?? session.spec.worktree?.base
  if (base !== undefined) return { from: base, to: now.tree, fromText: `base ${short(base)}`, toText: now.text, moments: { to: now.moment } }
  const first = marks.snapshots.find(({ why }) => why !== 'land')
  return first ? { from: first.tree, to: now.tree, fromText: 'its start', toText: now.text, moments: { from: first.commit, to: now.moment } } : nothingKept(session)
}

const nothingKept = (session: Session): Refusal =>
  refusal('no-snapshot', `nothing is kept of what was there before session ${session.id}`, session.tree.unkept ?? 'a snapshot is taken before its first turn')

function ofTurn(session: Session, { turns }: TreeMarks, wanted: number, now: State | undefined): Compared | Refusal {
  const turn = turns.find((one) => one.turn === wanted)
  if (!turn) return refusal('no-snapshot', `session ${session.id} has no turn ${wanted}`, `its newest is turn ${turns.at(-1)?.turn ?? session.turns}`)
  const goesOn = session.turn.kind === 'working' && session.turn.turn === wanted
  const to: State | undefined = goesOn ? now : turn.to && { tree: turn.to.tree, text: `turn ${wanted}`, moment: turn.to.commit }
  if (!turn.from || !to)
    return refusal('no-snapshot', `what turn ${wanted} of session ${session.id} changed is not kept`, session.tree.unkept ?? 'there is no snapshot of that moment')
  return { from: turn.from.tree, to: to.tree, fromText: `before turn ${wanted}`, toText: to.text, moments: { from: turn.from.commit, to: to.moment } }
}

/** Those that were taken of the user's own tree before landing stand for themselves. */
function ofSnapshot(session: Session, { snapshots }: TreeMarks, wanted: number): Compared | Refusal {
  const to = snapshots.find(({ n }) => n === wanted)
  const from = snapshots.findLast(({ n, why }) => n < wanted && why !== 'land')
  if (!to) return refusal('no-snapshot', `session ${session.id} has no snapshot ${wanted}`, `offstage snapshots ${session.id} lists them`)
  if (!from || to.why === 'land') return refusal('no-snapshot', `there is no snapshot before snapshot ${wanted} of session ${session.id}`)
  return { from: from.tree, to: to.tree, fromText: `snapshot ${from.n}`, toText: `snapshot ${wanted}`, moments: { from: from.commit, to: to.commit } }
}

async function ofUndo(workspaces: Workspaces, directory: string, marks: TreeMarks, current: ObjectId, what: Undo, signal: AbortSignal): Promise<Compared> {
  const made = await targetOf(workspaces, directory, marks, current, what, signal)
  const toText =
    what.kind === 'snapshot'
      ? `snapshot ${what.n}`
      : what.kind === 'hunks'
        ? `without ${what.hunks.length} of ${what.path}`
        : what.turn === 'all'
          ? 'its start'
          : what.turn === 0
            ? 'without the newest turn'
            : `without turn ${what.turn}`
  return 'tree' in made ? { from: current, to: made.tree, fromText: 'now', toText } : { from: current, to: current, fromText: 'now', toText, conflicts: made.conflicts }
}

function notesOf(session: Session, isThere: boolean, isGone: boolean, others: readonly string[]): readonly string[] {
  return [
    ...(session.tree.unkept === null ? [] : [`the newest moment is not kept: ${session.tree.unkept}`]),
    ...(isGone
      ? [`its worktree is not there any more, this is its last snapshot: ${treeGone(session).hint}`]
      : isThere
        ? []
        : ['its worktree is removed: this is its last snapshot']),
    ...(others.length > 0 ? [`${others.length === 1 ? 'session' : 'sessions'} ${others.join(', ')} worked in the same tree: what they changed is in it too`] : []),
  ]
}

// What would happen if a session's work were brought into a branch now: where it conflicts, how far the two are apart, what is in the way. Writes objects that nothing refers to, and nothing else.

import type { ObjectId } from '../core/workspace.ts'
import { changedFiles } from './changed-files.ts'
import { type GitDeps, runGit } from './git.ts'
import { bringIn, lookAt, treeOf } from './merge.ts'
import { draftCommit } from './replay.ts'
import type { TreeDeps } from './open-tree.ts'
import { treeNow } from './snapshot.ts'
import { type MergePreview, type MergeWish, WorkspaceFailed } from './workspaces.ts'

/** Throws only where there is nothing to look at. */
export async function previewMerge(deps: TreeDeps, of: MergeWish, signal: AbortSignal): Promise<MergePreview> {
  const found = await lookAt(deps, of, signal)
  if (found.old === '' || found.tip === '') throw found.against[0] ?? new WorkspaceFailed('failed', `nothing of session ${of.session} can be landed`)
  const now = await treeNow(deps, found.top, signal)
  // As if it were committed.
  const committed = await treeOf(deps, found.top, found.tip, signal)
  // A file that was renamed is one, as in what it brings.
  const [uncommitted = []] = found.uncommitted.length === 0 ? [] : await changedFiles(deps, found.top, [{ from: committed, to: now.tree }], signal)
  const tip = now.tree === committed ? found.tip : await draftCommit(deps, found.top, now.tree, [found.tip], signal)
  const outcome = await bringIn(deps, { ...of, message: '' }, { ...found, tip, committer: undefined }, signal).catch(refusalOf)
  const [ahead = 0, behind = 0] = await parted(deps, of.repository, tip, found.old, signal)
  const against = outcome.kind === 'refused' ? [...found.against, outcome.refusal] : found.against
  return {
    old: found.old,
    tree: await treeOf(deps, of.repository, outcome.kind === 'merged' ? outcome.commit : found.old, signal),
    ahead,
    behind,
    uncommitted: uncommitted.map(({ path }) => path),
    conflicts: outcome.kind === 'conflict' ? outcome.paths : [],
    against: against.map(({ message, hint }) => ({ reason: message, ...(hint !== undefined && { hint }) })),
  }
}

function refusalOf(cause: unknown): { readonly kind: 'refused'; readonly refusal: WorkspaceFailed } {
  if (cause instanceof WorkspaceFailed && cause.kind === 'refused') return { kind: 'refused', refusal: cause }
  throw cause
}

/** Commits that only the one has, and only the other. */
async function parted(deps: GitDeps, cwd: string, one: ObjectId, other: ObjectId, signal: AbortSignal): Promise<readonly number[]> {
  const { text } = await runGit(deps, ['rev-list', '--left-right', '--count', `${one}...${other}`], { cwd }, signal)
  return text.trim().split('\t').map(Number)
}

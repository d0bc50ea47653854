// Removes the worktree of a removed session: first all of it is kept by a snapshot, then git removes it, or it stays. Nothing else ever removes one.

import { existsSync } from 'node:fs'
import { mayExpire } from '../core/decide-tree.ts'
import type { Snapshot } from '../core/workspace.ts'
import { WorkspaceFailed } from '../workspace/workspaces.ts'
import { crashPoint } from './crash-point.ts'
import { type TreeWork, messageOf } from './tree-work.ts'

/** Ends in `workspace-removed` or `workspace-kept`; in place only its ports are given back. */
export async function disposeWorkspace(work: TreeWork): Promise<void> {
  const { spec, id, turns } = work.session
  const { worktree } = spec
  const { workspaces } = work.deps.trees
  if (!worktree) return workspaces.forgetPorts(id)
  // One that is gone went when a former daemon died before it could say so, or was never made.
  const { snapshot, base } = work.session.tree
  let kept: Snapshot | null | undefined = snapshot
  try {
    const isThere = existsSync(worktree.path)
    if (isThere) kept = await work.take('remove', turns, { whole: true })
    crashPoint('remove.kept')
    const removed = kept ? await workspaces.removeWorktree(worktree, kept, work.deps.signal) : { branchKept: base !== null }
    // What a former daemon had begun to remove has a snapshot of just that.
    const wasGone = ('gone' in removed && removed.gone) || (!isThere && base !== null && kept?.why !== 'remove')
    crashPoint('remove.done')
    await workspaces.forgetPorts(id)
    await work.report({ type: 'workspace-removed', snapshot: kept?.n ?? 0, branchKept: removed.branchKept, ...(wasGone ? { gone: true } : {}) })
  } catch (cause) {
    if (work.deps.signal.aborted) return
    const isRefused = cause instanceof WorkspaceFailed && cause.kind === 'refused'
    // git gave up in the middle. What is left of it lies aside; who brings it back ends that first.
    if (kept && !isRefused && !existsSync(worktree.path)) {
      work.deps.warn({ session: id, error: messageOf(cause) }, 'a worktree is gone from its place, and its removal has not come to its end')
      await workspaces.forgetPorts(id).catch(() => {})
      return work.report({ type: 'workspace-removed', snapshot: kept.n, branchKept: true })
    }
    const hint = cause instanceof WorkspaceFailed ? cause.hint : undefined
    await work.report({ type: 'workspace-kept', reason: cause instanceof WorkspaceFailed ? cause.message : messageOf(cause), ...(hint === undefined ? {} : { hint }) })
  }
}

/** Of a session that was ended long ago. Throws WorkspaceFailed, and it stays. */
export async function expireWorktree(work: TreeWork): Promise<void> {
  const { spec, id, turns } = work.session
  const { worktree } = spec
  const { workspaces } = work.deps.trees
  if (!worktree || !existsSync(worktree.path)) return
  const kept = await work.take('remove', turns, { whole: true })
  await work.owner.inTurn(async () => {
    if (!kept || !mayExpire(work.session)) return
    const { branchKept } = await workspaces.removeWorktree(worktree, kept, work.deps.signal)
    await workspaces.forgetPorts(id)
    await work.owner.reportNow(work.session.runs, [{ type: 'workspace-removed', snapshot: kept.n, branchKept }])
  })
}

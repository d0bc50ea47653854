// Whether somebody else than Offstage has deleted or moved the worktree of a session. The disk says it, no fact does. Looks only.

import { existsSync, readdirSync } from 'node:fs'
import { treeGone } from '../core/decide-tree.ts'
import type { Session } from '../core/session.ts'
import { WorkspaceFailed } from '../workspace/workspaces.ts'

/** It was made, and nothing is at its place. */
export function isTreeGone({ spec: { worktree }, tree: { state, base, from } }: Session): boolean {
  // One that is being made again is not there yet.
  const wasMade = state === 'ready' || (state === 'failed' && base !== null && from === null)
  return worktree !== undefined && wasMade && !isWorkedIn(worktree.path)
}

/** An empty folder is no tree: git has its own file in each. */
function isWorkedIn(path: string): boolean {
  try {
    return existsSync(path) && readdirSync(path).length > 0
  } catch {
    return true
  }
}

export function goneFailure(session: Session): WorkspaceFailed {
  const { message, hint } = treeGone(session)
  return new WorkspaceFailed('refused', message, hint === undefined ? {} : { hint })
}

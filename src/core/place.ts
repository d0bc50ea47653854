// Where the programs of a session work.

import type { LaunchSpec } from './events.ts'

/** Absolute. The same for every run of the session. */
export function directoryOf({ cwd, worktree }: Pick<LaunchSpec, 'cwd' | 'worktree'>): string {
  if (!worktree) return cwd
  return worktree.below === '' ? worktree.path : `${worktree.path}/${worktree.below}`
}

/** Something has to be made, or asked, before a program of it can start. */
export const needsPreparing = ({ worktree, preparation, trust }: Pick<LaunchSpec, 'worktree' | 'preparation' | 'trust'>): boolean =>
  worktree !== undefined || preparation !== undefined || trust !== undefined

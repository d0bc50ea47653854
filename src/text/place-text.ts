// Where a session works, as text: its worktree and branch, and what stands in the tree that it was started from. Pure.

import { printableLine } from '../core/terminal-text.ts'
import type { SessionView } from '../core/view.ts'
import type { Place } from '../core/workspace.ts'
import { count, shortPath } from './format.ts'

type Repository = NonNullable<Place['repository']>

/** Of lists that are cut there. */
const mostListed = 200
const counted = (paths: readonly string[]): string => (paths.length >= mostListed ? `${mostListed} or more` : String(paths.length))

/** `3 changed, 2 new files are not committed`; undefined where the tree is clean. */
export function notCommittedText({ changed, untracked }: Pick<Repository, 'changed' | 'untracked'>): string | undefined {
  const parts = [...(changed.length > 0 ? [`${counted(changed)} changed`] : []), ...(untracked.length > 0 ? [`${counted(untracked)} new`] : [])]
  const one = changed.length + untracked.length === 1
  return parts.length === 0 ? undefined : `${parts.join(', ')} ${one ? 'file is' : 'files are'} not committed`
}

/** `2 ahead, 1 behind`; '' where that is not known, or both are none. */
export const aheadBehindText = ({ ahead, behind }: Pick<Repository, 'ahead' | 'behind'>): string =>
  [...(ahead ? [`${ahead} ahead`] : []), ...(behind ? [`${behind} behind`] : [])].join(', ')

/** `main 4f2c1a0b`; `main with your uncommitted changes`, where the commit that has them is of Offstage's own making. `head`: the one that they were made on. */
export function baseText({ from, base, carried }: SessionView['workspace'], digits = 8, head: string | null = carried ? null : base): string {
  const parts = [...(from === null ? [] : [printableLine(from)]), ...(head === null ? [] : [head.slice(0, digits)]), ...(carried ? ['with your uncommitted changes'] : [])]
  return parts.join(' ')
}

/** `worktree ~/…/shop, branch offstage/k3f9x2ab from main 4f2c1a0 (2 ahead)`; undefined for one that works in place. */
export function worktreeText(
  { workspace }: Pick<SessionView, 'workspace'>,
  home: string | undefined,
  repository?: Pick<Repository, 'ahead' | 'behind' | 'head'>,
): string | undefined {
  if (workspace.kind !== 'worktree') return undefined
  const beside = repository ? aheadBehindText(repository) : ''
  const base = baseText(workspace, 8, repository?.head ?? undefined)
  const from = base === '' ? '' : ` from ${base}${beside === '' ? '' : ` (${beside} of its upstream)`}`
  return `worktree ${shortPath(workspace.path, home)}, branch ${printableLine(workspace.branch ?? '')}${from}`
}

/** Sessions in one line, by label or id. */
export const othersText = (ids: readonly string[], names: (id: string) => string): string =>
  ids.length === 1 ? `session ${names(ids[0] ?? '')} works` : `${count(ids.length, 'session')} (${ids.map(names).join(', ')}) work`

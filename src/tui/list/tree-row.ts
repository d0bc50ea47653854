// Where a session works and what became of its work, in a row: worktree, base, checks, landing, conflicts. Pure.

import { visibleWidth } from '@earendil-works/pi-tui'
import { printableLine } from '../../core/terminal-text.ts'
import type { SessionView } from '../../core/view.ts'
import { baseText } from '../../text/place-text.ts'
import { cellPath, cellText, fit } from '../cells.ts'
import type { Theme } from '../theme.ts'

/** Undefined: it can be merged with the work of all others, and with its branch. */
export function conflictOf(
  { conflicts, branchConflict }: Pick<SessionView, 'conflicts' | 'branchConflict'>,
  names: (id: string) => string,
): { readonly names: string; readonly path: string } | undefined {
  const [first, ...others] = [...(branchConflict ? [branchConflict] : []), ...conflicts.map(({ session, paths }) => ({ name: names(session), paths }))]
  if (!first) return undefined
  const [path = '', ...more] = first.paths
  return {
    names: `${cellText(first.name)}${others.length > 0 ? ` and ${others.length} more` : ''}`,
    path: `${cellPath(path)}${more.length > 0 ? ` and ${more.length} more` : ''}`,
  }
}

/** The most important first; what finds no room is left out. '' where there is nothing to say. */
export function treeRow(session: SessionView, names: (id: string) => string, columns: number, theme: Theme): string {
  const { workspace, outcome, checks, landed, landFailed, landing } = session
  const conflict = conflictOf(session, names)
  const results = outcome?.checks ?? []
  const passed = (exitCode: number | null): string => (exitCode === 0 ? theme.status('completed', '✓') : theme.status('failed', '✗'))
  const checked =
    results.length > 0 ? results.map(({ command, exitCode }) => `${passed(exitCode)} ${fit(cellText(command), 30)}`) : checks.map((command) => fit(cellText(command), 30))
  const parts = [
    ...(workspace.trouble === null ? [] : [theme.warning(`! ${printableLine(workspace.trouble)}`)]),
    ...(conflict ? [theme.warning(`≠ ${conflict.names}: ${conflict.path}`)] : []),
    ...(landing ? [`landing in ${cellText(landing.into)}`] : landed && !landed.changedSince ? [`landed in ${cellText(landed.into)}`] : []),
    ...(landFailed === null ? [] : [theme.warning(`not landed: ${printableLine(landFailed)}`)]),
    ...(workspace.kind === 'worktree' ? [worktreeText(workspace, theme)] : workspace.snapshots > 0 ? [theme.dim(`in place, snapshot ${workspace.snapshots}`)] : []),
    ...(checked.length > 0 ? [`checks ${checked.join('  ')}`] : []),
    ...(workspace.unkept === null ? [] : [theme.warning(`no snapshot: ${printableLine(workspace.unkept)}`)]),
  ]
  let row = ''
  for (const part of parts) {
    const longer = row === '' ? ` ${part}` : `${row}   ${part}`
    if (visibleWidth(longer) <= columns - 1) row = longer
    else if (row === '') row = ` ${fit(part.replaceAll(sgr, ''), columns - 2)}`
  }
  return row
}

// oxlint-disable-next-line no-control-regex
const sgr = /\x1b\[[\d;]*m/g

function worktreeText(workspace: SessionView['workspace'], theme: Theme): string {
  const { branch, state } = workspace
  const start = baseText(workspace, 7)
  const gone = state === 'removed' ? ', removed from the disk' : ''
  return `${state === 'removed' ? 'branch' : 'worktree'} ${cellText(branch ?? '')}${start === '' ? '' : theme.dim(` from ${start}`)}${gone}`
}

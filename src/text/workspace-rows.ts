// Where a session works and what became of its work, as rows for `why`: worktree and branch, what could not be kept, other sessions that it conflicts with, what landed.

import type { Envelope } from '../core/events.ts'
import { pathLine, printableLine } from '../core/terminal-text.ts'
import type { SessionView } from '../core/view.ts'
import { clock, count, padded, shortPath } from './format.ts'
import { baseText } from './place-text.ts'

const shownFailures = 5
const shownPaths = 5

/** None of a session in place of which nothing is known. */
export function workspaceRows(session: SessionView, events: readonly Envelope[], home: string | undefined): readonly string[] {
  const { workspace, landed, landing, landFailed, conflicts, branchConflict } = session
  const row = (name: string, value: string | null | undefined): readonly string[] => (value ? [`${padded(name, 12)}${printableLine(value)}`] : [])
  const isOwn = workspace.kind === 'worktree'
  const ports = Object.entries(workspace.ports).map(([name, port]) => `${name}=${port}`)
  const failures = events.flatMap(({ atMs, event }) => (event.type === 'snapshot-failed' ? [`${clock(atMs)} (${event.why}, turn ${event.turn}): ${event.reason}`] : []))
  const rows = [
    ...row('worktree', isOwn ? shortPath(workspace.path, home) : null),
    ...row('branch', workspace.branch),
    ...row('base', `${baseText(workspace, 12)}${workspace.carried && workspace.base !== null ? ` (${workspace.base.slice(0, 12)})` : ''}`),
    ...row('state', workspace.state === 'none' || workspace.state === 'ready' ? null : workspace.state),
    ...row('trouble', workspace.trouble),
    ...row('ports', ports.join(' ')),
    ...row('snapshots', workspace.snapshots === 0 ? null : `${workspace.snapshots}: offstage snapshots ${session.id}`),
    ...failures.slice(-shownFailures).flatMap((one) => row('not kept', one)),
    ...(failures.length === 0 ? row('not kept', workspace.unkept) : []),
    ...conflicts.flatMap((one) => row('conflict', `with ${one.session}: ${pathsText(one.paths)}`)),
    ...row('conflict', branchConflict && `with what came to ${branchConflict.name}: ${pathsText(branchConflict.paths)}`),
    ...row('landing', landing && `into ${landing.into}, now`),
    ...row('landed', landed && `in ${landed.into} as ${landed.commit.slice(0, 12)}, ${count(landed.files, 'file')}${landed.changedSince ? '; it went on since' : ''}`),
    ...row('not landed', landFailed),
  ]
  return rows.length === 0 ? [] : [...(isOwn ? [] : row('directory', shortPath(workspace.path, home))), ...rows]
}

const pathsText = (paths: readonly string[]): string =>
  `${paths.slice(0, shownPaths).map(pathLine).join(', ')}${paths.length > shownPaths ? ` and ${paths.length - shownPaths} more` : ''}`

// What a session changed, and what taking something back would change: asked for, or refused in the words of the daemon.

import type { ChangesFound, ChangesQuery } from '../core/api.ts'
import { isRefusal } from '../core/errors.ts'
import type { Undo } from '../core/events.ts'
import { pathLine, printableLine } from '../core/terminal-text.ts'
import type { TreePath } from '../core/workspace.ts'
import type { Client } from '../sdk/client.ts'
import { statText } from '../text/changes-text.ts'
import { type Paint, count } from '../text/format.ts'
import { type CommandFailed, failureOf, refusedError } from './failures.ts'

/** It crosses the wire in one line. */
export const mostPatchBytes = 16 * 1024 * 1024

/** Throws CommandFailed. */
export async function changesOf(client: Client, query: ChangesQuery, signal: AbortSignal): Promise<ChangesFound> {
  const found = await client.changes(query, signal)
  if (isRefusal(found)) throw failureOf(found)
  return found
}

/** `all that it changed`, `turn 2 (src/a.ts)`, `to snapshot 4`. */
export const undoText = (what: Undo): string => `${undoneText(what)}${'paths' in what && what.paths ? ` (${someOf(what.paths)})` : ''}`

const undoneText = (what: Undo): string =>
  what.kind === 'turns'
    ? what.turn === 'all'
      ? 'all that it changed'
      : what.turn === 0
        ? 'the newest turn that changed anything'
        : `turn ${what.turn}`
    : what.kind === 'snapshot'
      ? `to snapshot ${what.n}`
      : 'parts of a file'

/** Where later changes are in the way it is refused, with them. Throws CommandFailed. */
export async function previewOf(client: Client, session: string, what: Undo, signal: AbortSignal): Promise<ChangesFound> {
  const found = await changesOf(client, { session, undo: what }, signal)
  const { conflicts = [] } = found
  if (conflicts.length > 0) throw inTheWay(session, what, conflicts)
  return found
}

function inTheWay(session: string, what: Undo, paths: readonly TreePath[]): CommandFailed {
  return refusedError(
    'conflict',
    `later changes are in the way of taking back ${undoText(what)}: ${someOf(paths)}`,
    `offstage undo ${session} PATH... takes back the others, offstage restore ${session}@N brings back a snapshot`,
  )
}

const shownPaths = 8

export function someOf(paths: readonly TreePath[]): string {
  const more = paths.length - shownPaths
  return `${paths.slice(0, shownPaths).map(pathLine).join(', ')}${more > 0 ? ` and ${count(more, 'more', 'more')}` : ''}`
}

/** What is about to happen, for a person. */
export function previewText(found: ChangesFound, paint: Paint, columns: number): string {
  return [...found.notes.map((note) => `   ${printableLine(note)}`), statText(found, paint, columns)].filter((line) => line !== '').join('\n')
}

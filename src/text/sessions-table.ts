// The list of sessions as text: aligned and fitted to a terminal, or tab-separated for pipes. Columns leave in a fixed order when it is narrow.

import { printableLine } from '../core/terminal-text.ts'
import type { SessionView } from '../core/view.ts'
import { agentLabel, cut, displayWidth, duration, nameOf, padded, painter, shortPath, statusMark, summaryOf, tabbed } from './format.ts'
import { shownStatus } from './status-words.ts'

/** One line a session: id, status, label, agent, directory, summary, elapsed, unseen. */
export function sessionLines(sessions: readonly SessionView[]): string {
  return sessions
    .map((one) => `${tabbed([one.id, one.status, one.label ?? '', one.agent, one.cwd, workText(one, sessions), duration(one.elapsedMs), String(one.unseen)])}\n`)
    .join('')
}

interface Column {
  readonly name: string
  readonly cells: readonly string[]
  readonly widest: number
  readonly right?: boolean
  readonly paint?: (text: string, index: number) => string
}

const gap = 2
const narrowestSummary = 16

/** Those that wait for somebody come first. */
export function sessionsTable(given: readonly SessionView[], look: { readonly columns: number; readonly color: boolean; readonly home: string | undefined }): string {
  const sessions = [...given.filter((one) => one.status === 'waiting'), ...given.filter((one) => one.status !== 'waiting')]
  const paint = painter(look.color)
  const column = (name: string, widest: number, cell: (session: SessionView) => string, more: Partial<Column> = {}): Column => ({
    name,
    widest,
    cells: sessions.map((one) => cut(cell(one), widest)),
    ...more,
  })
  const all: readonly Column[] = [
    column('id', 8, (one) => printableLine(one.id), { paint: (text) => paint.bold(text) }),
    column('status', 11, (one) => `${statusMark[shownStatus(one)]} ${one.status}`, { paint: (text, index) => paint.status(shownOf(sessions[index]), text) }),
    column('name', look.columns < 70 ? 16 : 24, nameOf),
    column('agent', 12, (one) => agentLabel(one.agent)),
    column('directory', 28, (one) => directoryText(one, look.home), { paint: paint.dim }),
    column('summary', Infinity, (one) => workText(one, given)),
    column('elapsed', 7, (one) => duration(one.elapsedMs), { right: true, paint: paint.dim }),
    column('unseen', 9, (one) => (one.unseen > 0 ? `${one.unseen} new` : ''), { right: true }),
  ]
  const columns = fitted(all, look.columns)
  const fixed = columns.filter((one) => one.name !== 'summary')
  const room = Math.max(narrowestSummary, look.columns - 1 - fixed.reduce((sum, one) => sum + widthOf(one) + gap, 0))
  const line = (index: number): string =>
    columns
      .map((one, place) => {
        const width = one.name === 'summary' ? Math.min(room, widthOf(one)) : widthOf(one)
        const cell = cut(one.cells[index] ?? '', width)
        const last = place === columns.length - 1
        const filled = one.right ? ' '.repeat(width - displayWidth(cell)) + cell : last ? cell : padded(cell, width)
        return one.paint ? one.paint(filled, index) : filled
      })
      .join(' '.repeat(gap))
      .trimEnd()
  return sessions.map((_, index) => `${line(index)}\n`).join('')
}

const shownOf = (session: SessionView | undefined) => (session ? shownStatus(session) : 'queued')

/** Of one in a worktree its branch says more than the path. */
const directoryText = ({ cwd, workspace, project }: SessionView, home: string | undefined): string =>
  workspace.branch === null ? shortPath(cwd, home) : printableLine(`${project.name} ${workspace.branch}`)

/** What it is about, behind what became of its work: a conflict with others, the branch that it landed in, its checks. */
export function workText(session: SessionView, all: readonly SessionView[]): string {
  const { conflicts, branchConflict, landed, landing, outcome, status } = session
  const named = [...conflicts.map((one) => all.find(({ id }) => id === one.session)?.label ?? one.session), ...(branchConflict ? [branchConflict.name] : [])].map(printableLine)
  const checked = status === 'completed' && (outcome?.kind === 'verified' || outcome?.kind === 'check-failed') ? [printableLine(outcome.summary)] : []
  const summary = summaryOf(session)
  return [
    ...(named.length > 0 ? [`≠ conflicts with ${named.join(', ')}`] : []),
    ...(landed && !landed.changedSince && !landing ? [`landed in ${printableLine(landed.into)}`] : []),
    ...checked,
    ...(summary === '' ? [] : [summary]),
  ].join('; ')
}

const widthOf = (column: Column): number => Math.max(0, ...column.cells.map(displayWidth))

function fitted(all: readonly Column[], columns: number): readonly Column[] {
  let kept = all.filter((one) => widthOf(one) > 0 || one.name === 'summary')
  for (const leaves of ['elapsed', 'directory', 'agent', 'unseen', 'summary']) {
    const needed = kept.reduce((sum, one) => sum + (one.name === 'summary' ? Math.min(narrowestSummary, widthOf(one)) : widthOf(one)) + gap, 0)
    if (needed - gap < columns) break
    kept = kept.filter((one) => one.name !== leaves)
  }
  return kept
}

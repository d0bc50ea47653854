// One session as one row of the list. Painted once for each state that it is shown in, and remembered by the session's object.

import { visibleWidth } from '@earendil-works/pi-tui'
import type { SessionView } from '../../core/view.ts'
import { agentLabel, nameOf, shortNumber, shortPath } from '../../text/format.ts'
import { shownStatus } from '../../text/status-words.ts'
import type { Theme } from '../theme.ts'
import { cellPart, cellText, fit, fitEnd, left, right, spaces } from '../cells.ts'
import { type Columns, type Widest, beforeName } from './columns.ts'
import { type Doing, type Piece, doingOf, markOf } from './doing.ts'

/** What of a session stays as it is, as text. */
export interface Words {
  readonly name: string
  readonly agent: string
  readonly project: string
  readonly branch: string
  readonly directory: string
}

const kept = new WeakMap<SessionView, Words>()

/** `home` is that of this process: always the same. */
export function wordsOf(session: SessionView, home: string | undefined): Words {
  const known = kept.get(session)
  if (known) return known
  const words = wordsAnew(session, home)
  kept.set(session, words)
  return words
}

function wordsAnew(session: SessionView, home: string | undefined): Words {
  const { project, cwd, agent, workspace } = session
  return {
    name: cellText(nameOf(session)),
    agent: cellText(agentLabel(agent)),
    project: cellText(project.name),
    // What all of them begin with says nothing.
    branch: cellText((workspace.branch ?? project.branch ?? '').replace(/^offstage\//, '')),
    directory: cellText(shortPath(cwd, home)),
  }
}

export const nothingWidest: Widest = { name: 0, agent: 0, project: 0, projectAndBranch: 0, directory: 0 }

export function widestOf(before: Widest, { name, agent, project, branch, directory }: Words): Widest {
  const projectWidth = visibleWidth(project)
  return {
    name: Math.max(before.name, visibleWidth(name)),
    agent: Math.max(before.agent, visibleWidth(agent)),
    project: Math.max(before.project, projectWidth),
    projectAndBranch: Math.max(before.projectAndBranch, projectWidth + (branch === '' ? 0 : 1 + visibleWidth(branch))),
    directory: Math.max(before.directory, visibleWidth(directory)),
  }
}

export interface RowState {
  readonly selected: boolean
  readonly marked: boolean
  /** `2m`: in this state since, and in all. */
  readonly since: string
  readonly all: string
  /** That it wanders. */
  readonly note: string | undefined
  /** Of one that is paused: when it goes on. */
  readonly pause: string | undefined
  /** With which sessions its work conflicts, and where first. */
  readonly conflict?: { readonly names: string; readonly path: string } | undefined
  /** Where it was found, with what was found between U+0001 and U+0002. */
  readonly excerpt: string | undefined
}

const painted = new WeakMap<SessionView, { readonly key: string; readonly columns: Columns; readonly theme: Theme; readonly row: string }>()

export function paintRow(session: SessionView, words: Words, columns: Columns, state: RowState, theme: Theme): string {
  const key = `${state.selected} ${state.marked} ${state.since} ${state.all} ${state.note ?? ''} ${state.pause ?? ''} ${state.excerpt ?? ''} ${state.conflict ? `${state.conflict.names}: ${state.conflict.path}` : ''}`
  const known = painted.get(session)
  if (known?.key === key && known.columns === columns && known.theme === theme) return known.row
  const row = paint(session, words, columns, state, theme)
  painted.set(session, { key, columns, theme, row })
  return row
}

function paint(session: SessionView, words: Words, columns: Columns, state: RowState, theme: Theme): string {
  const { dim, bold, accent } = theme
  const gap = spaces(columns.gap)
  const name = left(fit(words.name, columns.name), columns.name)
  const cells: string[] = [state.selected ? bold(name) : name]
  const add = (width: number, cell: () => string): void => {
    if (width > 0) cells.push(cell())
  }
  add(columns.agent, () => dim(left(fit(words.agent, columns.agent), columns.agent)))
  add(columns.project, () => projectCell(words, columns, theme))
  add(columns.doing, () => doingCell(session, columns.doing, state, theme))
  add(columns.directory, () => dim(left(fitEnd(words.directory, columns.directory), columns.directory)))
  add(columns.id, () => dim(left(fit(cellText(session.id), columns.id), columns.id)))
  add(columns.cost, () => dim(right(costText(session.usage), columns.cost)))
  add(columns.since, () => right(state.since, columns.since))
  add(columns.all, () => dim(right(state.all, columns.all)))
  add(columns.unseen, () => accent(right(unseenText(session.unseen, columns.unseen), columns.unseen)))
  const pin = session.pinned ? dim('↑') : ' '
  const head = `${state.marked ? bold(accent('*')) : ' '}${state.selected ? bold(accent('▸')) : ' '}${pin}${theme.status(shownStatus(session), markOf(session))} `
  return head + cells.join(gap)
}

/** A row that says something else than a session, from the column of the names on. */
export const beside = (text: string, columns: number): string => fit(spaces(beforeName) + text, columns)

function projectCell({ project, branch }: Words, columns: Columns, { dim }: Theme): string {
  const width = columns.project
  const shown = fit(project, width)
  const rest = width - visibleWidth(shown) - 1
  if (!columns.branch || branch === '' || rest < 2) return left(shown, width)
  const cut = fit(branch, rest)
  return `${shown} ${dim(cut)}${spaces(rest - visibleWidth(cut))}`
}

function doingCell(session: SessionView, width: number, { note, pause, excerpt, conflict }: RowState, theme: Theme): string {
  if (excerpt !== undefined) return excerptCell(excerpt, width, theme)
  const quiet = session.status === 'completed' || session.status === 'stopped' || session.status === 'queued'
  return withTails(doingOf(session, { note, pause, conflict }), width, theme, quiet ? theme.dim : (text) => text)
}

const leastText = 12

/** The text, and behind it what there is room for. A note stands alone rather than not at all. */
function withTails({ text, note, conflict, tails }: Doing, width: number, theme: Theme, style: (text: string) => string): string {
  if (note !== undefined && visibleWidth(note) + 2 + Math.min(visibleWidth(text), leastText) > width) return theme.warning(left(fit(note, width), width))
  const noted: Doing['tails'] = note === undefined ? [] : [[{ text: note, style: 'warning' }]]
  const kept: (readonly Piece[])[] = []
  let rest = width
  const mark = conflict.find((one) => rest - visibleWidth(one) - 2 >= Math.min(visibleWidth(text), Math.max(leastText, width * 0.6))) ?? conflict.at(-1)
  if (mark !== undefined && rest > 6) {
    rest -= visibleWidth(mark) + 2
    kept.push([{ text: mark, style: 'warning' }])
  }
  for (const tail of [...noted, ...tails]) {
    const needed = widthOf(tail) + 2
    const wanted = Math.min(visibleWidth(text), noted[0] === tail ? leastText : Math.max(leastText, width * 0.6))
    if (rest - needed < wanted) continue
    rest -= needed
    kept.push(tail)
  }
  const shown = fit(text, rest)
  const end = kept.map((tail) => `  ${tail.map((piece) => pieceText(piece, theme)).join('')}`).join('')
  return style(shown) + end + spaces(rest - visibleWidth(shown))
}

const widthOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { text }) => sum + visibleWidth(text), 0)

export function pieceText({ text, style }: Piece, theme: Theme): string {
  return style === 'plain' ? text : theme[style](text)
}

/** With the first thing that was found in sight. */
function excerptCell(excerpt: string, width: number, theme: Theme): string {
  const parts = excerpt.split(/[\u0001\u0002]/).map(cellPart)
  const before = parts[0] ?? ''
  const found = visibleWidth(before) + visibleWidth(parts[1] ?? '')
  parts[0] = found > width - 4 ? fitEnd(before, Math.max(4, Math.floor(width / 3))) : before.trimStart()
  let rest = width
  const shown = parts.map((part, index) => {
    const kept = fit(part, rest)
    rest -= visibleWidth(kept)
    return index % 2 === 1 ? theme.bold(kept) : theme.dim(kept)
  })
  return shown.join('') + spaces(rest)
}

function unseenText(unseen: number, width: number): string {
  if (unseen === 0) return ''
  if (width < 5) return unseen > 99 ? '99+' : String(unseen)
  return unseen > 99 ? '99+new' : `${unseen} new`
}

/** What it cost, or how many tokens it took, where that is known. */
export function costText({ costUsd, inputTokens, outputTokens }: SessionView['usage']): string {
  if (costUsd !== null && costUsd > 0) return costUsd < 1000 ? `$${costUsd.toFixed(2)}` : `$${Math.round(costUsd)}`
  const tokens = inputTokens + outputTokens
  return tokens === 0 ? '' : shortNumber(tokens)
}

// The rows around a review: whose changes, between which states, how much of it was read, and the keys that matter now. Pure; each row fits.

import { visibleWidth, wrapTextWithAnsi } from '@earendil-works/pi-tui'
import type { ChangesFound } from '../../core/api.ts'
import { printableLine } from '../../core/terminal-text.ts'
import { count } from '../../text/format.ts'
import type { ActionName } from '../actions.ts'
import { betweenEdges, fit } from '../cells.ts'
import { type Piece, statusRow } from '../conversation/rows.ts'
import type { Keymap } from '../keymap.ts'
import type { Theme } from '../theme.ts'
import type { Size } from '../view.ts'
import type { Scope } from './changes-shown.ts'
import type { PatchPane } from './patch-pane.ts'

export interface HeadParts {
  readonly name: string
  readonly found: ChangesFound | undefined
  readonly turns: readonly number[]
  readonly scope: Scope
  readonly reading: boolean
  /** Files whose every hunk was reviewed. */
  readonly read: number
  readonly keymap: Keymap
}

/** Two rows. */
export function headRows({ name, found, turns, scope, reading, read, keymap }: HeadParts, columns: number, theme: Theme): readonly string[] {
  const { added, removed, bold, dim, accent, warning } = theme
  const totals = found
    ? `${count(found.files.length, 'file')}  ${added(`+${found.added}`)} ${removed(`−${found.removed}`)}${read > 0 ? `  ${added('✓')} ${read} of ${found.files.length} reviewed` : ''} `
    : dim('… ')
  const room = columns - visibleWidth(totals) - 2
  const first = betweenEdges(` ${bold(fit(`changes of ${name}`, Math.max(4, room - 1)))}`, totals, columns)
  const compared = found ? `${printableLine(found.from)} → ${printableLine(found.to)}` : scope === 'all' ? 'all' : `turn ${scope}`
  const last = turns.at(-1)
  const of = scope === 'all' || last === undefined ? '' : ` of ${last}`
  const note = found?.notes[0]
  const noted = note === undefined ? '' : `! ${printableLine(note)}${(found?.notes.length ?? 0) > 1 ? ` (and ${(found?.notes.length ?? 1) - 1} more)` : ''}`
  const keys = [
    ...(scope === 'all' ? [] : [`${keymap.hint('review.all')} all`]),
    ...(last === undefined
      ? []
      : [`${keymap.hint('review.previous-turn')} ${keymap.hint('review.next-turn')} by turn`, ...(scope === last ? [] : [`${keymap.hint('review.last-turn')} last turn`])]),
  ].join(' · ')
  const left = ` ${accent(fit(compared + of, Math.floor(columns * 0.6)))}${reading && found ? dim(' …') : ''}`
  const rest = columns - visibleWidth(left) - 3
  const right = noted !== '' ? warning(fit(noted, rest)) : visibleWidth(keys) <= rest ? dim(keys) : ''
  return [first, betweenEdges(left, right === '' ? '' : `${right} `, columns)]
}

const answers = '   y/n'

/** All of it, with the keys that answer it at its end; only where there is no room at all it is cut. */
export function questionRows(question: string, { columns, rows }: Size): readonly string[] {
  const width = Math.max(1, columns - 2)
  const whole = wrapTextWithAnsi(question, width)
  const last = whole.at(-1) ?? ''
  const asked = visibleWidth(last) + answers.length <= width ? [...whole.slice(0, -1), last + answers] : [...whole, answers.trimStart()]
  return asked.length <= rows / 2 ? asked : [`${fit(question, width - answers.length)}${answers}`]
}

export interface FootParts {
  /** What came of the last thing that was done. */
  readonly told: string | undefined
  readonly isStale: boolean
  readonly side: 'files' | 'patch'
  readonly patch: Pick<PatchPane, 'position' | 'hasRange'>
  readonly comments: number
  readonly hasFiles: boolean
}

export function footRow(parts: FootParts, keymap: Keymap, columns: number, theme: Theme): string {
  const { told, isStale } = parts
  if (told === undefined) return statusRow(footPieces(parts, keymap), columns, theme)
  const more = isStale ? `   ${keymap.hint('review.again')} there is more` : ''
  return ` ${theme.bold(fit(told, Math.max(1, columns - 2 - visibleWidth(more))))}${theme.dim(more)}`
}

function footPieces({ isStale, side, patch, comments, hasFiles }: FootParts, keymap: Keymap): readonly Piece[] {
  const hint = (name: ActionName, does: string, rank: number): Piece => ({ text: keymap.hint(name, does), rank })
  const ends = [hint('review.help', 'all keys', 3), hint('review.back', 'back', 1)]
  const stale = isStale ? [hint('review.again', 'there is more: read it again', 0)] : []
  const send = comments > 0 ? [hint('review.send', `send ${count(comments, 'comment')}`, 2)] : []
  if (!hasFiles) return [...(isStale ? stale : [hint('review.again', 'read again', 2)]), ...ends]
  if (side === 'files')
    return [
      ...stale,
      hint('review.open', 'open', 2),
      ...send,
      hint('review.accept', 'reviewed', 4),
      hint('review.reject', 'take back', 5),
      hint('review.undo', 'undo a turn', 7),
      hint('review.land', 'land', 6),
      ...ends,
    ]
  if (patch.hasRange) return [hint('review.comment', 'comment on them', 0), hint('review.reject', 'take their hunks back', 2), hint('review.back', 'end the range', 1)]
  return [
    ...stale,
    { text: patch.position, rank: 6 },
    hint('review.comment', 'comment', 2),
    ...send,
    hint('review.accept', 'reviewed', 4),
    hint('review.reject', 'take back', 4),
    hint('review.next-hunk', 'next hunk', 5),
    hint('review.range', 'range', 7),
    ...ends,
  ]
}

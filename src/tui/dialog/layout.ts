// How the room of a dialog is divided: what it is about above, scrolled where there is too little, what can be chosen below, and a row of keys. Pure.

import { fitStyled } from '../cells.ts'
import type { Theme } from '../theme.ts'
import { painted, span } from '../transcript/rows.ts'
import type { Size } from '../view.ts'

/** What can be chosen or filled in, and which row of it must be seen. */
export interface Lower {
  readonly rows: readonly string[]
  readonly focus: number
}

interface Parts {
  readonly subject: readonly string[]
  readonly lower: Lower
  /** The most important first; what finds no room is left out. */
  readonly hints: readonly string[]
  readonly scroll: number
  readonly size: Size
  readonly theme: Theme
  readonly up: string
  readonly down: string
}

/** `page`: rows of the subject that are seen at once. */
export function laidOut({ subject, lower, hints, scroll, size, theme, up, down }: Parts): { readonly shown: readonly string[]; readonly scroll: number; readonly page: number } {
  const { columns, rows } = size
  const hinted = rows >= 5
  const room = Math.max(0, rows - (hinted ? 1 : 0))
  const spare = room - subject.length - lower.rows.length
  const lowerRoom = Math.min(lower.rows.length, Math.max(Math.ceil(room / 2), room - subject.length))
  const subjectRoom = Math.min(subject.length, room - lowerRoom)
  const above = scrolled(subject, subjectRoom, scroll, (before, after) => {
    const hint = [before > 0 ? `↑ ${before} more (${up})` : '', after > 0 ? `↓ ${after} more (${down})` : ''].filter((part) => part !== '').join('   ')
    return painted([span('   '), span(hint, theme.warning)], columns)
  })
  const top = Math.max(0, Math.min(lower.focus - Math.floor(lowerRoom / 2), lower.rows.length - lowerRoom))
  const gap = (least: number): readonly string[] => (spare >= least ? [''] : [])
  const more = `${top > 0 ? '↑' : ''}${top + lowerRoom < lower.rows.length ? '↓' : ''}`
  const [first = '', ...others] = hints
  const told = more === '' ? hints : [first, `${more} more`, ...others]
  const shown = [...above.rows, ...gap(1), ...lower.rows.slice(top, top + lowerRoom), ...gap(2), ...(hinted ? [hintRow(told, columns, theme)] : [])]
  return { shown: shown.slice(0, Math.max(0, rows)).map((row) => fitStyled(row, columns)), scroll: above.scroll, page: above.page }
}

/** Where not all rows have room, the last one says how many there are above and below. */
function scrolled(
  rows: readonly string[],
  room: number,
  scroll: number,
  says: (before: number, after: number) => string,
): { readonly rows: readonly string[]; readonly scroll: number; readonly page: number } {
  if (rows.length <= room) return { rows, scroll: 0, page: Math.max(1, room) }
  const page = Math.max(0, room - 1)
  const top = Math.max(0, Math.min(scroll, rows.length - page))
  return { rows: room === 0 ? [] : [...rows.slice(top, top + page), says(top, rows.length - top - page)], scroll: top, page: Math.max(1, page) }
}

function hintRow(hints: readonly string[], columns: number, theme: Theme): string {
  let text = ''
  for (const hint of hints) {
    if (hint === '') continue
    const longer = text === '' ? ` ${hint}` : `${text}   ${hint}`
    if (longer.length > columns) break
    text = longer
  }
  return painted([span(text, theme.dim)], columns)
}

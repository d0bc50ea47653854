// Text in the cells of a terminal, measured as the screens are drawn: cut and filled to a width. Plain text in, plain text out, styles come afterwards; but for what says that it takes a painted row.

import { sliceByColumn, truncateToWidth, visibleWidth } from '@earendil-works/pi-tui'
import { pathLine, printable, printableLine } from '../core/terminal-text.ts'

/** At most so wide, with an ellipsis where something was cut off. */
export function fit(text: string, width: number): string {
  if (visibleWidth(text) <= width) return text
  return width <= 0 ? '' : `${sliceByColumn(text, 0, width - 1, true).trimEnd()}…`
}

/** The same for paths, whose end says more. */
export function fitEnd(text: string, width: number): string {
  const whole = visibleWidth(text)
  if (whole <= width) return text
  return width <= 0 ? '' : `…${sliceByColumn(text, whole - width + 1, width - 1, true)}`
}

/** A painted row, at most so wide. `mark` stands where something was cut off. */
export const fitStyled = (row: string, width: number, mark: '' | '…' = ''): string => (visibleWidth(row) <= width ? row : truncateToWidth(row, width, mark))

/** So many rows, or more: blank ones below. */
export const filled = (rows: readonly string[], count: number): readonly string[] =>
  rows.length >= count ? rows : [...rows, ...Array.from<string>({ length: count - rows.length }).fill('')]

export const spaces = (count: number): string => ' '.repeat(Math.max(0, count))

export const left = (text: string, width: number): string => text + spaces(width - visibleWidth(text))

export const right = (text: string, width: number): string => spaces(width - visibleWidth(text)) + text

/** Both ends of a row. What stands on the left gives way. */
export function betweenEdges(start: string, end: string, columns: number): string {
  const room = columns - visibleWidth(end)
  const kept = visibleWidth(start) < room ? start : `${sliceByColumn(start, 0, Math.max(0, room - 1), true)}\x1b[0m`
  return left(kept, room) + end
}

const unsteady = /\u200d|\ufe0f|\p{Emoji_Modifier}/u
const joined = /(\p{Extended_Pictographic})(?:\ufe0f|\p{Emoji_Modifier}|\u200d\p{Extended_Pictographic})+/gu

/** Of pictures that are made of several only the first: terminals do not agree on how wide they are together, and columns are to stand. */
const steady = (text: string): string => (unsteady.test(text) ? text.replace(joined, '$1').replaceAll('\ufe0f', '') : text)

/** What others said, as one line of a column. */
export const cellText = (text: string): string => steady(printableLine(text))

/** The name of a file below the top of its tree, as git prints it. */
export const cellPath = (path: string): string => steady(pathLine(path))

/** The same of a part of a text, its ends as they are. */
export const cellPart = (text: string): string => steady(printable(text).replace(/[\n\t]+/g, ' '))

// Rows of styled text, in cells: wrapped, cut, indented, painted. Owns the last look at what reaches the terminal: nothing but printable text and our own styles leaves `painted`, never wider than asked.

import { visibleWidth } from '@earendil-works/pi-tui'
import { printable } from '../../core/terminal-text.ts'
import type { Theme } from '../theme.ts'

export type Style = Theme['bold']

/** Plain text of one style. */
export interface Span {
  readonly text: string
  readonly style?: Style
}

export type Row = readonly Span[]

export const span = (text: string, style?: Style): Span => (style ? { text, style } : { text })
export const blank: Row = []

/** The inner style first. */
export const within = (outer: Style | undefined, inner: Style): Style => (outer ? (text) => outer(inner(text)) : inner)

/** Characters of one cell each, beyond ASCII the ones that agents and we write most: known without asking. */
const narrow = /^[\x20-\x7e\xa1-\xa8\xaa-\xac\xaf-\u02ff–—‘’“”…•→−─│⋯●◦✓✗◆]*$/
/** Of two cells each. */
const wide = /^[\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3]+$/
export const cells = (text: string): number => (narrow.test(text) ? text.length : wide.test(text) ? text.length * 2 : visibleWidth(text))

export const plainOf = (row: Row): string => (row.length === 1 ? (row[0]?.text ?? '') : row.map(({ text }) => text).join(''))

export const widthOf = (row: Row): number => row.reduce((sum, { text }) => sum + cells(text), 0)

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const tabWidth = 4

/** With spaces up to the tab stops. */
export function withoutTabs(line: string): string {
  if (!line.includes('\t')) return line
  let text = ''
  for (const [index, part] of line.split('\t').entries()) text += index === 0 ? part : ' '.repeat(tabWidth - (text.length % tabWidth)) + part
  return text
}

/** Cut into what is seen as one character each. */
function* characters(text: string): Iterable<string> {
  if (narrow.test(text)) yield* text
  else for (const { segment } of segmenter.segment(text)) yield segment
}

/** Rows that are broken where they are full, wherever that is: for code. */
export function chopped(row: Row, width: number): readonly Row[] {
  const room = Math.max(1, width)
  if (widthOf(row) <= room) return [row]
  const rows: Span[][] = []
  let current: Span[] = []
  let used = 0
  for (const { text, style } of row) {
    let part = ''
    for (const character of characters(text)) {
      const taken = cells(character)
      if (used + taken > room && used > 0) {
        if (part !== '') current.push(span(part, style))
        rows.push(current)
        current = []
        part = ''
        used = 0
      }
      part += character
      used += taken
    }
    if (part !== '') current.push(span(part, style))
  }
  return [...rows, current]
}

const cjk = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff00-\uff60]/u

/** Between its words, a word that is wider than a row anywhere; Chinese, Japanese and Korean between any two characters. Line feeds in it begin a new row. Spaces at a line's beginning are kept. */
export const wrapped = (row: Row, width: number): readonly Row[] => linesOf(row).flatMap((line) => wrappedLine(line, Math.max(1, width)))

export function linesOf(row: Row): readonly Row[] {
  if (row.every(({ text }) => !text.includes('\n'))) return [row]
  const lines: Span[][] = [[]]
  for (const { text, style } of row) {
    for (const [index, part] of text.split('\n').entries()) {
      if (index > 0) lines.push([])
      if (part !== '') lines.at(-1)?.push(span(part, style))
    }
  }
  return lines
}

/** Text of one style is one span. */
function append(row: Span[], { text, style }: Span): void {
  const last = row.at(-1)
  if (last && last.style === style) row[row.length - 1] = span(last.text + text, style)
  else row.push(span(text, style))
}

function wrappedLine(line: Row, room: number): readonly Row[] {
  if (widthOf(line) <= room) return [line]
  const rows: Row[] = []
  let row: Span[] = []
  let used = 0
  let space: Span[] = []
  let spaceWidth = 0
  let word: Span[] = []
  let wordWidth = 0
  const endRow = (): void => {
    rows.push(row)
    row = []
    used = 0
    space = []
    spaceWidth = 0
  }
  const placeWord = (): void => {
    if (word.length === 0) return
    if (used > 0 && used + spaceWidth + wordWidth > room) endRow()
    if (spaceWidth > room / 2) {
      space = []
      spaceWidth = 0
    }
    for (const one of space) append(row, one)
    used += spaceWidth
    for (const [index, part] of (used + wordWidth <= room ? [word] : chopped(word, room - used)).entries()) {
      if (index > 0) endRow()
      for (const one of part) append(row, one)
      used += widthOf(part)
    }
    space = []
    spaceWidth = 0
    word = []
    wordWidth = 0
  }
  const add = (text: string, style: Style | undefined): void => {
    append(word, span(text, style))
    wordWidth += cells(text)
  }
  for (const { text, style } of line) {
    for (const part of text.match(/ +|[^ ]+/g) ?? []) {
      if (part.startsWith(' ')) {
        placeWord()
        space.push(span(part, style))
        spaceWidth += part.length
      } else if (!cjk.test(part)) add(part, style)
      else {
        for (const character of characters(part)) {
          const breaks = cjk.test(character)
          if (breaks) placeWord()
          add(character, style)
          if (breaks) placeWord()
        }
      }
    }
  }
  placeWord()
  return row.length > 0 ? [...rows, row] : rows
}

/** At most so wide, with an ellipsis where something was cut off. */
export function cutRow(row: Row, width: number): Row {
  if (widthOf(row) <= width) return row
  if (width <= 0) return blank
  const kept: Span[] = []
  let used = 0
  for (const { text, style } of row) {
    let part = ''
    for (const character of characters(text)) {
      used += cells(character)
      if (used > width - 1) return [...kept, span(`${part.trimEnd()}…`, style)]
      part += character
    }
    kept.push(span(part, style))
  }
  return kept
}

/** The first row behind `first`, the others behind as much space or `rest`. */
export function indented(rows: readonly Row[], first: Row, rest: Row = [span(' '.repeat(widthOf(first)))]): readonly Row[] {
  return rows.map((row, index) => (index === 0 ? [...first, ...row] : row.length === 0 && plainOf(rest).trim() === '' ? row : [...rest, ...row]))
}

/** Both ends of a row; what stands on the left is cut. */
export function betweenEdges(left: Row, right: Row, width: number): Row {
  if (right.length === 0) return cutRow(left, width)
  const rightWidth = widthOf(right)
  const cut = cutRow(left, Math.max(0, width - rightWidth - 2))
  return [...cut, span(' '.repeat(Math.max(2, width - widthOf(cut) - rightWidth))), ...right]
}

/** From and to, in UTF-16 units of the row's text. */
export type Mark = readonly [from: number, to: number]

/** As it is written on the terminal: at most so wide. What is marked is inverse. */
export function painted(row: Row, width: number, marks: readonly Mark[] = [], markStyle: Style = (text) => text): string {
  const fitting = fitted(row, width)
  if (marks.length === 0) return fitting.map(({ text, style }) => (style ? style(text) : text)).join('')
  let at = 0
  let out = ''
  for (const { text, style = (plain: string) => plain } of fitting) {
    let from = 0
    for (const [start, end] of marks) {
      const [first, last] = [Math.max(start - at, from), Math.min(end - at, text.length)]
      if (first >= last) continue
      out += style(text.slice(from, first)) + markStyle(style(text.slice(first, last)))
      from = last
    }
    out += style(text.slice(from))
    at += text.length
  }
  return out
}

function fitted(row: Row, width: number): Row {
  const text = plainOf(row)
  if (narrow.test(text)) return text.length <= width ? row : cutRow(row, width)
  const clean = row.map((one) => ({ ...one, text: printable(one.text).replace(/[\n\t]/g, ' ') }))
  // Measured as a whole too: what stands in two spans may be joined to one wider character.
  if (cells(plainOf(clean)) <= width && widthOf(clean) <= width) return clean
  const cut = cutRow(clean, width)
  return cells(plainOf(cut)) <= width ? cut : cutRow([span(plainOf(cut))], width)
}

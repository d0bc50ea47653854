// The hunks of a diff as rows: line numbers, what came and what went, and the code around them. Whatever is no diff in it is shown as it is.

import { printable, printableLine } from '../../core/terminal-text.ts'
import type { Theme } from '../theme.ts'
import { highlightedRows, languageOf } from './highlight.ts'
import { type Row, type Style, chopped, indented, painted, span, withoutTabs } from './rows.ts'

interface DiffLine {
  readonly kind: 'added' | 'removed' | 'same' | 'hunk' | 'other'
  readonly number: number
  readonly text: string
}

const hunkHead = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)$/

export function diffLines(diff: string): readonly DiffLine[] {
  let oldNumber = 1
  let newNumber = 1
  return printable(diff)
    .replace(/\n$/, '')
    .split('\n')
    .map((line): DiffLine => {
      const text = line.slice(1)
      const hunk = hunkHead.exec(line)
      if (hunk) {
        oldNumber = Number(hunk[1])
        newNumber = Number(hunk[2])
        return { kind: 'hunk', number: 0, text: hunk[3] ?? '' }
      }
      switch (line[0]) {
        case '+':
          return { kind: 'added', number: newNumber++, text }
        case '-':
          return { kind: 'removed', number: oldNumber++, text }
        case ' ':
          oldNumber += 1
          return { kind: 'same', number: newNumber++, text }
        default:
          return { kind: 'other', number: 0, text: line.startsWith('\\') ? text.trim() : line }
      }
    })
}

const widestNumber = 6

/** Of the line numbers. */
export const digitsOf = (lines: readonly DiffLine[]): number => Math.min(widestNumber, String(lines.reduce((most, { number }) => Math.max(most, number), 0)).length)

interface DiffLook {
  readonly path: string
  readonly width: number
  readonly theme: Theme
  readonly digits: number
}

/** `theme.added` and `theme.removed` paint whole lines, so that they are seen in sixteen colours; the signs say it without any. */
export function diffSpanRows(lines: readonly DiffLine[], { path, width, theme, digits }: DiffLook): readonly Row[] {
  const language = languageOf(printableLine(path))
  const gutter = (number: number, sign: string, style: Style | undefined): Row => [
    span(`${number === 0 ? ' '.repeat(digits) : String(number).padStart(digits)} `, theme.dim),
    span(`${sign} `, style),
  ]
  const room = Math.max(1, width - digits - 3)
  return lines.flatMap(({ kind, number, text }, index): readonly Row[] => {
    switch (kind) {
      case 'added':
      case 'removed': {
        const style = kind === 'added' ? theme.added : theme.removed
        return indented(chopped([span(withoutTabs(text), style)], room), gutter(number, kind === 'added' ? '+' : '-', style))
      }
      case 'same':
        return indented(chopped(highlightedRows(text, language, theme)[0] ?? [], room), gutter(number, ' ', undefined))
      case 'hunk':
        return index === 0 && text === '' ? [] : indented(chopped([span(withoutTabs(text), theme.dim)], room), [span(`${'⋯'.padStart(digits)} `, theme.dim), span('  ')])
      default:
        return indented(chopped([span(withoutTabs(text), theme.dim)], room), gutter(0, ' ', undefined))
    }
  })
}

/** `diff`: hunks as `diff -u` prints them. Never wider than `width`. */
export function diffRows(diff: string, path: string, width: number, theme: Theme): string[] {
  const lines = diffLines(diff)
  return diffSpanRows(lines, { path, width, theme, digits: digitsOf(lines) }).map((row) => painted(row, width))
}

// What a line of the transcript is made of: pieces that become rows when they are seen, and keep them for the width that they were last seen at.

import { printable, printableLine } from '../../core/terminal-text.ts'
import type { Theme } from '../theme.ts'
import { highlighting, languageNamed } from './highlight.ts'
import { codeRows, markdownRows } from './markdown.ts'
import { type Row, type Style, blank, indented, span, withoutTabs, wrapped } from './rows.ts'
import { type Section, Sections } from './sections.ts'

export interface Piece {
  /** Each fits into the width, as far as it is not a matter of single cells. The same array as long as nothing changed. */
  readonly rows: (width: number) => readonly Row[]
  /** What code in it is written in. */
  readonly language?: string | undefined
}

/** Prose is not wrapped wider than this: long rows are hard to read. */
export const widestProse = 110
/** UTF-16 units of plain text that are wrapped at once. */
const longestPiece = 4000

export function piece(make: (width: number) => readonly Row[], language?: string): Piece {
  let made: { readonly width: number; readonly highlighting: number; readonly rows: readonly Row[] } | undefined
  return {
    language,
    rows: (width) => {
      if (made?.width !== width || made.highlighting !== highlighting()) made = { width, highlighting: highlighting(), rows: make(width) }
      return made.rows
    },
  }
}

export const atMost = (width: number, indent: number): number => Math.max(1, Math.min(width - indent, widestProse))

/** Plain text with its own line breaks. */
export function plainPieces(text: string, style: Style | undefined, indent: number): readonly Piece[] {
  const before = [span(' '.repeat(indent))]
  return partsOf(text).map((part) =>
    piece((width) => indented(wrapped([span(printable(part).split('\n').map(withoutTabs).join('\n'), style)], atMost(width, indent)), before, before)),
  )
}

/** At line feeds or spaces where there are some, which are left out. */
function partsOf(text: string): readonly string[] {
  const parts: string[] = []
  let at = 0
  while (text.length - at > longestPiece) {
    const next = text.slice(at, at + longestPiece)
    const feed = next.lastIndexOf('\n')
    const gap = feed > 0 ? feed : next.lastIndexOf(' ')
    const code = text.charCodeAt(at + longestPiece - 1)
    const length = gap > 0 ? gap : longestPiece - (code >= 0xd800 && code <= 0xdbff ? 1 : 0)
    parts.push(next.slice(0, length))
    at += gap > 0 ? length + 1 : length
  }
  return [...parts, text.slice(at)]
}

/** Pieces of Markdown texts, kept by the sections that they show. */
export class MarkdownPieces {
  readonly #theme: Theme
  readonly #indent: number
  readonly #style: Style | undefined
  readonly #kept = new WeakMap<Section, Piece>()

  constructor(theme: Theme, indent: number, style?: Style) {
    this.#theme = theme
    this.#indent = indent
    this.#style = style
  }

  of(text: string, sections = new Sections()): readonly Piece[] {
    return sections.of(text).map((section, index) => {
      const kept = this.#kept.get(section)
      if (kept) return kept
      const made = this.#piece(section, index === 0)
      this.#kept.set(section, made)
      return made
    })
  }

  #piece({ kind, text, language, goesOn }: Section, isFirst: boolean): Piece {
    const before = [span(' '.repeat(this.#indent))]
    const clean = (): string => printable(text)
    const named = kind === 'code' ? languageNamed(language && printableLine(language)) : undefined
    return piece((width) => {
      const rows =
        kind === 'code' ? codeRows(clean(), named, Math.max(1, width - this.#indent), this.#theme) : markdownRows(clean(), atMost(width, this.#indent), this.#theme, this.#style)
      const shown = indented(rows, before, before)
      return goesOn || isFirst || shown.length === 0 ? shown : [blank, ...shown]
    }, named)
  }
}

// The patch of one file on the screen: which hunks and lines are meant, how far it is scrolled sideways. Makes and colours only the rows that are seen.

import { sliceByColumn } from '@earendil-works/pi-tui'
import type { PatchHunk } from '../../core/patch.ts'
import { printable } from '../../core/terminal-text.ts'
import type { ChangedFile } from '../../core/workspace.ts'
import type { Theme } from '../theme.ts'
import { highlightedRows, highlighting, languageOf } from '../transcript/highlight.ts'
import { type Row, type Style, cells, cutRow, painted, span, within, withoutTabs } from '../transcript/rows.ts'
import type { Size } from '../view.ts'
import type { FilePatch } from './changes-shown.ts'
import { type HunkPlace, type Item, endsWithReturn, textOf } from './patch-items.ts'
import { RowCursor } from './row-cursor.ts'

/** So many lines are coloured together: enough for what spans lines, and little enough for a frame. */
const colouredTogether = 24
const bytesPerCell = 4
/** In cells. Behind that a line is for a pager. */
const farthest = 20_000

export interface Looks {
  readonly focused: boolean
  readonly isReviewed: (place: HunkPlace) => boolean
}

export class PatchPane {
  readonly cursor = new RowCursor()
  readonly #theme: Theme
  #file: ChangedFile | undefined
  #patch: FilePatch | undefined
  #items: readonly Item[] = []
  #offset = 0
  #anchor: number | undefined
  #digits = 3
  #colours = new WeakMap<PatchHunk, Map<number, readonly Row[]>>()
  #colouredWith = 0

  constructor(theme: Theme) {
    this.#theme = theme
  }

  /** Another file begins at its first hunk; the same one stays where it is read. */
  show(file: ChangedFile, patch: FilePatch, items: readonly Item[]): void {
    const isSame = this.#file?.path === file.path
    this.#file = file
    if (this.#patch !== patch) {
      this.#colours = new WeakMap()
      const most = Math.max(0, ...patch.parts.map(({ hunks }) => Math.max(0, ...hunks.map((hunk) => Math.max(hunk.old.first + hunk.old.count, hunk.new.first + hunk.new.count)))))
      this.#digits = Math.max(3, String(most).length)
    }
    this.#patch = patch
    this.#items = items
    if (!isSame) {
      this.#offset = 0
      this.#anchor = undefined
    }
    this.cursor.stand(items.length, isSame ? this.cursor.at : 0)
  }

  get item(): Item | undefined {
    return this.#items[this.cursor.at]
  }

  /** Those of the range, else the one under the cursor. */
  get chosen(): readonly Item[] {
    const [from, to] = this.#range()
    return this.#items.slice(from, to + 1)
  }

  /** The hunks that those are of; indices. */
  get chosenHunks(): readonly number[] {
    return [...new Set(this.chosen.flatMap((item) => ('index' in item ? item.index : (this.place?.index ?? []))))]
  }

  get hasRange(): boolean {
    return this.#anchor !== undefined
  }

  get isShifted(): boolean {
    return this.#offset > 0
  }

  /** The one that the cursor is in, or the first below it. */
  get place(): HunkPlace | undefined {
    const isPlace = (one: Item): one is Extract<Item, { kind: 'hunk' | 'line' }> => one.kind === 'hunk' || one.kind === 'line'
    const here = this.item
    if (here?.kind === 'comment') return this.#items.slice(0, this.cursor.at).findLast(isPlace)
    return this.#items.slice(this.cursor.at).find(isPlace)
  }

  /** `12 of 340`. */
  get position(): string {
    return this.#items.length === 0 ? '' : `${this.cursor.at + 1} of ${this.#items.length}`
  }

  beginRange(): void {
    this.#anchor = this.#anchor === undefined ? this.cursor.at : undefined
  }

  endRange(): void {
    this.#anchor = undefined
  }

  /** Whether there is one. It is shown from its head on. */
  toHunk(direction: 1 | -1): boolean {
    const isHead = (one: Item): boolean => one.kind === 'hunk'
    const here = this.cursor.at
    const at = direction === 1 ? this.#items.findIndex((one, index) => index > here && isHead(one)) : this.#items.findLastIndex((one, index) => index < here && isHead(one))
    if (at !== -1) this.cursor.goToHead(at)
    return at !== -1
  }

  shift(by: 1 | -1): void {
    this.#offset = Math.max(0, Math.min(farthest, this.#offset + by * 16))
  }

  /** At most `rows` rows. */
  render({ columns, rows }: Size, looks: Looks): readonly string[] {
    const top = this.cursor.topOf(rows)
    if (this.#colouredWith !== highlighting()) {
      this.#colouredWith = highlighting()
      this.#colours = new WeakMap()
    }
    const [from, to] = this.#range()
    return this.#items.slice(top, top + rows).map((item, index) => {
      const at = top + index
      const mark = at === this.cursor.at && looks.focused ? '▸' : this.#anchor !== undefined && at >= from && at <= to ? '┃' : ' '
      return painted([span(mark, this.#theme.accent), ...this.#row(item, columns - 1, looks)], columns)
    })
  }

  #range(): readonly [from: number, to: number] {
    const { at } = this.cursor
    const anchor = this.#anchor ?? at
    return [Math.min(anchor, at), Math.max(anchor, at)]
  }

  #row(item: Item, width: number, looks: Looks): Row {
    const theme = this.#theme
    const gap = ' '.repeat(this.#digits)
    switch (item.kind) {
      case 'hunk': {
        const { old, new: now, section } = item.hunk
        const words = this.#patch ? printable(textOf(this.#patch.bytes, section, 200)) : ''
        const head = `@@ -${old.first},${old.count} +${now.first},${now.count} @@ ${words}`
        return cutRow([span(`${looks.isReviewed(item) ? '✓' : ' '}`, theme.added), span(` ${withoutTabs(head)}`, theme.dim)], width)
      }
      case 'line':
        return this.#line(item, width)
      case 'comment':
        return cutRow([span(`${gap} ┆ `, theme.accent), span(item.text, theme.bold)], width)
      case 'remark':
        return cutRow([span(`  ${item.text}`, theme.dim)], width)
    }
  }

  #line({ line, at, hunk }: Extract<Item, { kind: 'line' }>, width: number): Row {
    const theme = this.#theme
    const style = line.kind === 'added' ? theme.added : line.kind === 'removed' ? theme.removed : undefined
    const number = String(line.new ?? line.old ?? '').padStart(this.#digits)
    const sign = line.kind === 'added' ? '+' : line.kind === 'removed' ? '-' : ' '
    const bytes = this.#patch?.bytes ?? new Uint8Array()
    const room = Math.max(1, width - this.#digits - 4)
    const most = (this.#offset + room) * bytesPerCell
    const coloured = line.kind === 'removed' || line.end - line.start > most ? undefined : this.#coloured(hunk, at)
    const text = coloured ?? [span(withoutTabs(printable(textOf(bytes, line, most))))]
    const shown = text.map((part) => span(part.text, part.style ? (style ? within(style, part.style) : part.style) : style))
    const end = line.kind !== 'same' && endsWithReturn(bytes, line) ? [span('^M', theme.dim)] : []
    const last = line.endsFile ? [span('  no line feed at the end', theme.dim)] : []
    return [span(` ${number} `, theme.dim), span(`${sign} `, boldIn(theme, style)), ...cutRow(shifted([...shown, ...end, ...last], this.#offset), room)]
  }

  /** Undefined: as plain text. */
  #coloured(hunk: PatchHunk, at: number): Row | undefined {
    const language = this.#file && languageOf(this.#file.path)
    const bytes = this.#patch?.bytes
    if (language === undefined || !bytes) return undefined
    const kept = this.#colours.get(hunk) ?? new Map<number, readonly Row[]>()
    this.#colours.set(hunk, kept)
    const block = Math.floor(at / colouredTogether)
    const first = block * colouredTogether
    const isSeen = (index: number): boolean => hunk.lines[index]?.kind !== 'removed'
    let rows = kept.get(block)
    if (!rows) {
      const lines = hunk.lines.slice(first, first + colouredTogether).filter(({ kind }) => kind !== 'removed')
      const texts = lines.map((line) => printable(textOf(bytes, line, 1000)).replaceAll('\n', ' '))
      const together = highlightedRows(texts.join('\n'), language, this.#theme)
      // What is too long together is coloured line by line.
      rows = texts.join('\n').length <= 2000 && together.length === texts.length ? together : texts.map((text) => highlightedRows(text, language, this.#theme)[0] ?? [])
      kept.set(block, rows)
    }
    let index = 0
    for (let before = first; before < at; before += 1) if (isSeen(before)) index += 1
    return rows[index]
  }
}

const boldIn = (theme: Theme, style: Style | undefined): Style | undefined => (style ? within(theme.bold, style) : undefined)

/** Without its first columns. */
function shifted(row: Row, by: number): Row {
  let left = by
  return row.flatMap(({ text, style }) => {
    if (left <= 0) return [span(text, style)]
    const width = cells(text)
    const rest = left >= width ? '' : sliceByColumn(text, left, width - left, true)
    left -= width
    return rest === '' ? [] : [span(rest, style)]
  })
}

// A small list to choose one thing from, filtered by what is typed. Owns cursor and filter; what is chosen is its owner's.

import { fuzzyFilter, visibleWidth } from '@earendil-works/pi-tui'
import { printableLine } from '../core/terminal-text.ts'
import { fitStyled } from './cells.ts'
import { LineInput } from './line-input.ts'
import { type Row, betweenEdges, cutRow, painted, span, widthOf } from './transcript/rows.ts'
import type { Size, Stage } from './view.ts'

export interface PickerItem {
  readonly value: string
  readonly label: string
  readonly description?: string
  /** It is what holds now. */
  readonly current?: boolean
}

interface PickerParts {
  readonly title: string
  readonly items: readonly PickerItem[]
  readonly chosen: (value: string) => void
  /** Nothing was chosen. */
  readonly closed: () => void
}

const widestLabel = 40

export class Picker {
  readonly #stage: Stage
  readonly #title: string
  readonly #items: readonly (PickerItem & { readonly description: string })[]
  readonly #parts: PickerParts
  readonly #filter = new LineInput()
  #at: number
  #page = 1

  constructor(stage: Stage, parts: PickerParts) {
    this.#stage = stage
    this.#parts = parts
    this.#title = printableLine(parts.title)
    this.#items = parts.items.map((item) => ({ ...item, label: printableLine(item.label) || printableLine(item.value), description: printableLine(item.description ?? '') }))
    this.#at = Math.max(
      0,
      this.#items.findIndex(({ current }) => current),
    )
  }

  /** At most `rows` rows. */
  render({ columns, rows }: Size): readonly string[] {
    const { theme } = this.#stage
    const found = this.#found()
    const room = Math.max(0, rows - 1)
    this.#page = Math.max(1, room)
    const top = Math.max(0, Math.min(this.#at - Math.floor(room / 2), found.length - room))
    const shown = found.slice(top, top + room)
    const labelWidth = Math.min(widestLabel, Math.max(0, ...found.map(({ label }) => visibleWidth(label))))
    const list = shown.map(({ label, description, current }, index): Row => {
      const here = top + index === this.#at
      const name = cutRow([span(label, here ? theme.bold : undefined)], labelWidth)
      const gap = span(' '.repeat(labelWidth - widthOf(name)))
      return [
        span(here ? ' ▸ ' : '   ', theme.accent),
        ...name,
        gap,
        ...(description === '' ? [] : [span(`  ${description}`, theme.dim)]),
        ...(current ? [span('  now', theme.accent)] : []),
      ]
    })
    const body = found.length === 0 ? [[span('   nothing like that', theme.dim)]] : list
    return [this.#head(columns, shown.length, found.length), ...body.map((row) => painted(cutRow(row, columns), columns))].slice(0, Math.max(0, rows))
  }

  input(data: string): void {
    switch (this.#stage.keymap.action('dialog', data)) {
      case 'dialog.up':
      case 'dialog.previous':
        return this.#move(-1, true)
      case 'dialog.down':
      case 'dialog.next':
        return this.#move(1, true)
      case 'dialog.scroll-up':
        return this.#move(-this.#page, false)
      case 'dialog.scroll-down':
        return this.#move(this.#page, false)
      case 'dialog.choose': {
        const item = this.#found()[this.#at]
        return item && this.#parts.chosen(item.value)
      }
      case 'dialog.later':
        if (this.#filter.text === '') return this.#parts.closed()
        this.#filter.text = ''
        this.#at = 0
        return
      default: {
        const before = this.#filter.text
        this.#filter.input(data)
        if (this.#filter.text !== before) this.#at = 0
      }
    }
  }

  #found(): readonly (PickerItem & { readonly description: string })[] {
    return fuzzyFilter([...this.#items], this.#filter.text, ({ label, description, value }) => `${label} ${description} ${value}`)
  }

  #move(by: number, round: boolean): void {
    const { length } = this.#found()
    if (length === 0) return
    const at = this.#at + by
    this.#at = round ? (at + length) % length : Math.max(0, Math.min(at, length - 1))
  }

  #head(columns: number, shown: number, found: number): string {
    const { theme } = this.#stage
    const title = cutRow([span(` ${this.#title} `, theme.bold)], Math.max(1, columns - 12))
    const count: Row = shown < found ? [span(`${this.#at + 1} of ${found} `, theme.dim)] : []
    const room = columns - widthOf(title) - widthOf(count) - 2
    if (room < 4) return painted(betweenEdges(title, count, columns), columns)
    const line = this.#filter.row(room, true)
    const hint = this.#filter.text === '' ? theme.dim('type to filter') : ''
    const left = fitStyled(painted(title, columns) + ' ' + line + hint, columns - widthOf(count))
    return left + ' '.repeat(Math.max(0, columns - widthOf(count) - visibleWidth(left))) + painted(count, columns)
  }
}

// A page that lies over a conversation: a heading and rows that are scrolled. Made anew when the width changes.

import { fitStyled } from '../cells.ts'
import { ScrolledRows } from '../scrolled-rows.ts'
import type { Size, Stage, View } from '../view.ts'
import { rule } from './rows.ts'

export interface PageParts {
  readonly heading: string
  /** None: `nothing` stands there. */
  readonly rows: (columns: number) => readonly string[]
  readonly nothing: string
  /** Another number when the rows are other ones. */
  readonly version?: () => number
  /** Places that `n` and `N` go to; indices of rows. */
  readonly stops?: (rows: readonly string[]) => readonly number[]
  readonly back: () => void
}

export function openPage(stage: Stage, parts: PageParts): View {
  const { theme, keymap } = stage
  let made: { readonly columns: number; readonly version: number | undefined; readonly rows: readonly string[] } | undefined
  const scrolled = new ScrolledRows()
  const rowsFor = (columns: number): readonly string[] => {
    const version = parts.version?.()
    if (made?.columns !== columns || made.version !== version) made = { columns, version, rows: parts.rows(columns) }
    return made.rows
  }
  const stop = (direction: 1 | -1): void => {
    const stops = parts.stops?.(made?.rows ?? []) ?? []
    const next = direction === 1 ? stops.find((row) => row > scrolled.top) : stops.findLast((row) => row < scrolled.top)
    if (next !== undefined) scrolled.to(next)
  }
  return {
    render: ({ columns, rows: height }: Size) => {
      const rows = rowsFor(columns)
      const shown = scrolled.show(rows.length === 0 ? [theme.dim(`   ${parts.nothing}`)] : rows, Math.max(1, height - 3))
      const place = scrolled.place === '' ? '' : `${scrolled.place} · `
      const steps = parts.stops && parts.stops(rows).length > 1 ? `${keymap.hint('logs.next')} ${keymap.hint('logs.previous')} next, previous · ` : ''
      const page = [theme.bold(` ${parts.heading}`), rule(columns, theme), ...shown, theme.dim(` ${place}${steps}Esc back`)]
      return page.map((row) => fitStyled(row, columns, '…')).slice(0, height)
    },
    input: (data) => {
      const action = keymap.action('logs', data)
      if (scrolled.act(action)) return undefined
      switch (action) {
        case 'logs.next':
          return stop(1)
        case 'logs.previous':
          return stop(-1)
        case 'logs.back':
          return parts.back()
        default:
          return undefined
      }
    },
    mouse: (event) => scrolled.wheel(event),
    title: () => parts.heading,
    close: () => {},
  }
}

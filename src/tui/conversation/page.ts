// A page that lies over a conversation: a heading and rows that are scrolled. Made anew when the width changes.

import type { Mouse, Size, Stage, View } from '../view.ts'
import { fitStyled } from '../cells.ts'
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
  let top = 0
  let room = 1
  const rowsFor = (columns: number): readonly string[] => {
    const version = parts.version?.()
    if (made?.columns !== columns || made.version !== version) made = { columns, version, rows: parts.rows(columns) }
    return made.rows
  }
  const scrollTo = (row: number): void => {
    top = Math.max(0, Math.min(row, (made?.rows.length ?? 0) - room))
  }
  const stop = (direction: 1 | -1): void => {
    const stops = parts.stops?.(made?.rows ?? []) ?? []
    const next = direction === 1 ? stops.find((row) => row > top) : stops.findLast((row) => row < top)
    if (next !== undefined) scrollTo(next)
  }
  return {
    render: ({ columns, rows: height }: Size) => {
      const rows = rowsFor(columns)
      room = Math.max(1, height - 3)
      scrollTo(top)
      const shown = rows.length === 0 ? [theme.dim(`   ${parts.nothing}`)] : rows.slice(top, top + room)
      const filled = [...shown, ...Array.from<string>({ length: room - shown.length }).fill('')]
      const place = rows.length > room ? `${top + 1}–${top + shown.length} of ${rows.length} · ` : ''
      const steps = parts.stops && parts.stops(rows).length > 1 ? `${keymap.hint('logs.next')} ${keymap.hint('logs.previous')} next, previous · ` : ''
      const page = [theme.bold(` ${parts.heading}`), rule(columns, theme), ...filled, theme.dim(` ${place}${steps}Esc back`)]
      return page.map((row) => fitStyled(row, columns, '…')).slice(0, height)
    },
    input: (data) => {
      switch (keymap.action('logs', data)) {
        case 'logs.up':
          return scrollTo(top - 1)
        case 'logs.down':
          return scrollTo(top + 1)
        case 'logs.page-up':
          return scrollTo(top - room)
        case 'logs.page-down':
          return scrollTo(top + room)
        case 'logs.first':
          return scrollTo(0)
        case 'logs.last':
          return scrollTo(Infinity)
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
    mouse: ({ kind, delta }: Mouse) => {
      if (kind !== 'wheel') return false
      scrollTo(top + delta)
      return true
    },
    title: () => parts.heading,
    close: () => {},
  }
}

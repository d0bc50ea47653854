// Something that is to be decided on, with all that it is about above: what is undone, what is sent. Nothing is done without its key.

import { fitStyled } from '../cells.ts'
import { rule } from '../conversation/rows.ts'
import type { Size, Stage, View } from '../view.ts'

/** Nobody has read anything sooner than this: a key that was typed before it came is not for it. */
export const readAfterMs = 400

export interface DecisionParts {
  readonly heading: string
  readonly rows: (columns: number) => readonly string[]
  /** What is done, and by which key; undefined: there is nothing to be decided, as the rows say. */
  readonly decide: { readonly key: 'dialog.choose' | 'dialog.allow'; readonly does: string; readonly perform: () => void } | undefined
}

export function openDecision(stage: Stage, { heading, rows: rowsFor, decide }: DecisionParts): View {
  const { theme, keymap } = stage
  const sinceMs = stage.now()
  let top = 0
  let [most, page] = [0, 1]
  const scroll = (by: number): void => {
    top = Math.max(0, Math.min(most, top + by))
  }
  const view: View = {
    render: ({ columns, rows: height }: Size) => {
      const rows = rowsFor(columns)
      page = Math.max(1, height - 4)
      most = Math.max(0, rows.length - page)
      top = Math.min(top, most)
      const shown = rows.slice(top, top + page)
      const place = most > 0 ? ` · ${top + 1}–${top + shown.length} of ${rows.length}, ${keymap.hint('dialog.scroll-down')} more` : ''
      const does = decide ? `${keymap.hint(decide.key)} ${decide.does} · ` : ''
      const all = [theme.bold(` ${heading}`), rule(columns, theme), ...shown, ...Array.from<string>({ length: page - shown.length }).fill('')]
      return [...all, '', theme.warning(` ${does}`) + theme.dim(`${keymap.hint('dialog.later')} back, nothing is done${place}`)]
        .map((row) => fitStyled(row, columns, '…'))
        .slice(-height)
    },
    input: (data) => {
      const action = keymap.action('dialog', data)
      switch (action) {
        case 'dialog.up':
          return scroll(-1)
        case 'dialog.down':
          return scroll(1)
        case 'dialog.scroll-up':
          return scroll(-page)
        case 'dialog.scroll-down':
          return scroll(page)
        case 'dialog.later':
          return stage.close(view)
        default:
          if (!decide || action !== decide.key || stage.now() - sinceMs < readAfterMs) return undefined
          stage.close(view)
          return decide.perform()
      }
    },
    mouse: ({ kind, delta }) => {
      if (kind !== 'wheel') return false
      scroll(delta)
      return true
    },
    title: () => heading,
    close: () => {},
  }
  return view
}

// Something that is to be decided on, with all that it is about above: what is undone, what is sent. Nothing is done without its key.

import { fitStyled } from '../cells.ts'
import { rule } from '../conversation/rows.ts'
import { ScrolledRows } from '../scrolled-rows.ts'
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
  const scrolled = new ScrolledRows()
  const view: View = {
    render: ({ columns, rows: height }: Size) => {
      const shown = scrolled.show(rowsFor(columns), Math.max(1, height - 4))
      const place = scrolled.place === '' ? '' : ` · ${scrolled.place}, ${keymap.hint('dialog.scroll-down')} more`
      const does = decide ? `${keymap.hint(decide.key)} ${decide.does} · ` : ''
      return [theme.bold(` ${heading}`), rule(columns, theme), ...shown, '', theme.warning(` ${does}`) + theme.dim(`${keymap.hint('dialog.later')} back, nothing is done${place}`)]
        .map((row) => fitStyled(row, columns, '…'))
        .slice(-height)
    },
    input: (data) => {
      const action = keymap.action('dialog', data)
      if (scrolled.act(action)) return undefined
      if (action === 'dialog.later') return stage.close(view)
      if (!decide || action !== decide.key || stage.now() - sinceMs < readAfterMs) return undefined
      stage.close(view)
      return decide.perform()
    },
    mouse: (event) => scrolled.wheel(event),
    title: () => heading,
    close: () => {},
  }
  return view
}

// All keys of a place, and those that count everywhere, as one scrollable page.

import { wrapTextWithAnsi } from '@earendil-works/pi-tui'
import { displayWidth, padded } from '../text/format.ts'
import { type ActionName, type Place, actions } from './actions.ts'
import { fitStyled } from './cells.ts'
import { namesIn, shownKey } from './keymap.ts'
import { ScrolledRows } from './scrolled-rows.ts'
import type { Size, Stage, View } from './view.ts'

const placeTitles: Readonly<Record<Place, string>> = {
  anywhere: 'Everywhere',
  list: 'In the list',
  dispatch: 'While you write a task',
  filter: 'While you filter',
  conversation: 'In a conversation',
  dialog: 'While something is asked',
  logs: 'In a log',
  review: 'In a review',
}

/** `above`: rows that stand before the keys, such as commands that can be typed. */
export function openHelp(stage: Stage, places: readonly Place[], above: readonly string[] = []): View {
  const scrolled = new ScrolledRows()
  let laid: { readonly columns: number; readonly rows: readonly string[] } | undefined
  const rowsFor = (columns: number): readonly string[] => {
    if (laid?.columns !== columns) laid = { columns, rows: helpRows(stage, places, above, columns) }
    return laid.rows
  }
  return {
    render: ({ columns, rows: height }: Size) => {
      const shown = scrolled.show(rowsFor(columns), Math.max(1, height - 2))
      const hint = scrolled.place === '' ? '' : `${scrolled.place}   ↑ ↓ scroll   `
      return [...shown.map((row) => fitStyled(row, columns)), '', stage.theme.dim(` ${hint}Esc back   rebind any of them: [keys] in config.toml`.slice(0, columns))]
    },
    input: (data) => {
      if (!scrolled.act(stage.keymap.action('logs', data))) stage.back()
    },
    mouse: (event) => scrolled.wheel(event),
    title: () => 'offstage: keys',
    close: () => {},
  }
}

/** Narrower than this what a key does stands below it. */
const fewestDoes = 24
/** Names would be here and there. */
const namedFrom = 60

function helpRows(stage: Stage, places: readonly Place[], above: readonly string[], columns: number): readonly string[] {
  const { theme, keymap } = stage
  const keys = (name: ActionName): string => keymap.keysOf(name).map(shownKey).join(' ') || '–'
  const section = (place: Place): readonly string[] => {
    const names = namesIn(place)
    const widest = (text: (name: ActionName) => string): number => Math.max(...names.map((name) => displayWidth(text(name))))
    const keyWidth = widest(keys) + 3
    const isNarrow = columns < 3 + keyWidth + fewestDoes
    const nameAt = Math.min(3 + keyWidth + widest((name) => actions[name].does) + 3, columns - 1 - widest((name) => name))
    const row = (name: ActionName): readonly string[] => {
      const { does } = actions[name]
      if (isNarrow) return [`   ${keys(name)}`, ...wrapTextWithAnsi(does, Math.max(1, columns - 5)).map((part) => theme.dim(`     ${part}`))]
      const [first = '', ...rest] = wrapTextWithAnsi(does, columns - 4 - keyWidth)
      const told = `   ${padded(keys(name), keyWidth)}${first}`
      // By its name it is rebound. In its column, or as far to the right as there is room, or not there.
      const at = displayWidth(told) + 2 <= nameAt ? nameAt : columns - 1 - displayWidth(name)
      return [columns < namedFrom || at < displayWidth(told) + 2 ? told : padded(told, at) + theme.dim(name), ...rest.map((more) => ' '.repeat(3 + keyWidth) + more)]
    }
    return ['', ` ${theme.bold(placeTitles[place])}`, ...names.flatMap(row)]
  }
  return [...above, ...[...places, 'anywhere' as const].flatMap(section)]
}

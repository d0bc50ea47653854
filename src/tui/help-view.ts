// All keys of a place, and those that count everywhere, as one scrollable page.

import { truncateToWidth } from '@earendil-works/pi-tui'
import { displayWidth, padded } from '../text/format.ts'
import { type ActionName, type Place, actions } from './actions.ts'
import { namesIn, shownKey } from './keymap.ts'
import type { Mouse, Size, Stage, View } from './view.ts'

const placeTitles: Readonly<Record<Place, string>> = {
  anywhere: 'Everywhere',
  list: 'In the list',
  dispatch: 'While you write a task',
  filter: 'While you filter',
  conversation: 'In a conversation',
  dialog: 'While something is asked',
  logs: 'In a log',
}

/** `above`: rows that stand before the keys, such as commands that can be typed. */
export function openHelp(stage: Stage, places: readonly Place[], above: readonly string[] = []): View {
  let top = 0
  let most = 0
  const rows = helpRows(stage, places, above)
  const scroll = (by: number): void => {
    top = Math.max(0, Math.min(most, top + by))
  }
  return {
    render: ({ columns, rows: height }: Size) => {
      const room = Math.max(1, height - 2)
      most = Math.max(0, rows.length - room)
      top = Math.min(top, most)
      const shown = rows.slice(top, top + room)
      const hint = most > 0 ? `${top + 1}–${top + shown.length} of ${rows.length}   ↑ ↓ scroll   ` : ''
      return [
        ...fitted(shown, columns),
        ...Array.from<string>({ length: room - shown.length }).fill(''),
        '',
        stage.theme.dim(` ${hint}Esc back   rebind any of them: [keys] in config.toml`.slice(0, columns)),
      ]
    },
    input: (data) => {
      switch (stage.keymap.action('logs', data)) {
        case 'logs.up':
          return scroll(-1)
        case 'logs.down':
          return scroll(1)
        case 'logs.page-up':
          return scroll(2 - stage.size().rows)
        case 'logs.page-down':
          return scroll(stage.size().rows - 2)
        case 'logs.first':
          return scroll(-rows.length)
        case 'logs.last':
          return scroll(rows.length)
        default:
          return stage.back()
      }
    },
    mouse: ({ kind, delta }: Mouse) => {
      if (kind !== 'wheel') return false
      scroll(delta)
      return true
    },
    title: () => 'offstage: keys',
    close: () => {},
  }
}

function helpRows(stage: Stage, places: readonly Place[], above: readonly string[]): readonly string[] {
  const { theme, keymap } = stage
  const keys = (name: ActionName): string => keymap.keysOf(name).map(shownKey).join(' ')
  const all = [...places, 'anywhere' as const]
  const keyWidth = Math.max(...all.flatMap((place) => namesIn(place).map((name) => displayWidth(keys(name))))) + 3
  const doesWidth = Math.max(...all.flatMap((place) => namesIn(place).map((name) => displayWidth(actions[name].does)))) + 3
  const section = (place: Place): readonly string[] => [
    '',
    ` ${theme.bold(placeTitles[place])}`,
    ...namesIn(place).map((name) => `   ${padded(keys(name) || '–', keyWidth)}${padded(actions[name].does, doesWidth)}${theme.dim(name)}`),
  ]
  return [...above, ...all.flatMap(section)]
}

const fitted = (rows: readonly string[], columns: number): readonly string[] => rows.map((row) => truncateToWidth(row, columns, ''))

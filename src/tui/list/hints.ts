// The last row: the keys that matter now, as many as there is room for. Pure.

import { visibleWidth } from '@earendil-works/pi-tui'
import type { ActionName } from '../actions.ts'
import type { Keymap } from '../keymap.ts'
import type { Theme } from '../theme.ts'

export type Moment = 'list' | 'marked' | 'peek' | 'permission' | 'question' | 'dispatch' | 'reply' | 'line' | 'empty'

const hints: Readonly<Record<Moment, readonly (readonly [ActionName, string])[]>> = {
  list: [
    ['list.open', 'open'],
    ['list.peek', 'peek'],
    ['list.dispatch', 'new task'],
    ['list.filter', 'find'],
    ['list.help', 'all keys'],
    ['list.leave', 'leave'],
  ],
  empty: [
    ['list.dispatch', 'new task'],
    ['list.help', 'all keys'],
    ['list.leave', 'leave'],
  ],
  marked: [
    ['list.stop', 'stop'],
    ['list.archive', 'archive'],
    ['list.remove', 'remove'],
    ['list.pin', 'pin'],
    ['list.mark-all', 'all'],
    ['list.back', 'unmark'],
  ],
  peek: [
    ['list.reply', 'reply'],
    ['list.open', 'open'],
    ['list.logs', 'log'],
    ['list.next-waiting', 'next that needs you'],
    ['list.peek', 'close'],
    ['list.help', 'all keys'],
  ],
  permission: [
    ['list.answer-yes', 'allow once'],
    ['list.answer-no', 'reject'],
    ['list.reply', 'reply'],
    ['list.open', 'open'],
    ['list.next-waiting', 'next'],
    ['list.peek', 'close'],
  ],
  question: [
    ['list.reply', 'reply'],
    ['list.open', 'open'],
    ['list.next-waiting', 'next that needs you'],
    ['list.peek', 'close'],
  ],
  dispatch: [
    ['dispatch.start', 'start'],
    ['dispatch.start-and-open', 'start and open'],
    ['dispatch.workspace', 'where'],
    ['dispatch.back', 'back'],
    ['dispatch.complete', 'complete'],
    ['dispatch.new-line', 'new line'],
    ['dispatch.editor', 'editor'],
  ],
  reply: [
    ['dispatch.start', 'send'],
    ['dispatch.new-line', 'new line'],
    ['dispatch.back', 'back'],
  ],
  line: [
    ['filter.apply', 'save'],
    ['filter.back', 'back'],
  ],
}

/** One that is too long makes room for a shorter one behind it. `without`: what cannot be done now. */
export function hintsRow(moment: Moment, keymap: Keymap, columns: number, theme: Theme, without?: ActionName): string {
  const parts = hints[moment].flatMap(([name, does]) => {
    const key = keymap.hint(name)
    return key === '' || name === without ? [] : [`${key} ${does}`]
  })
  if (moment === 'permission' || moment === 'question') parts.unshift('1-9 answer')
  let row = ''
  for (const part of parts) {
    const longer = `${row}${row === '' ? ' ' : '   '}${part}`
    if (visibleWidth(longer) > columns - 1) continue
    row = longer
  }
  return theme.dim(row)
}

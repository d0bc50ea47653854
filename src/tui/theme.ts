// Colours and attributes of the screens: the sixteen colours that every terminal has and its user has chosen, so light and dark look as they should. Each ends only what it began, so they nest.

import type { Status } from '../core/status.ts'

type Style = (text: string) => string

export interface Theme {
  /** Without it nothing but bold, dim, underline and inverse is used. */
  readonly color: boolean
  readonly bold: Style
  readonly dim: Style
  readonly italic: Style
  readonly underline: Style
  readonly inverse: Style
  readonly status: (status: Status, text: string) => string
  readonly added: Style
  readonly removed: Style
  /** What the eye should find: a prompt of the user's, a match, a key. */
  readonly accent: Style
  readonly warning: Style
  readonly error: Style
  readonly heading: Style
  readonly code: Style
  readonly link: Style
  readonly string: Style
  readonly keyword: Style
  readonly comment: Style
  readonly number: Style
}

const wrap =
  (on: string, off: string): Style =>
  (text) =>
    text === '' ? '' : `\x1b[${on}m${text}\x1b[${off}m`

const plain: Style = (text) => text

export function themeFor(color: boolean): Theme {
  const colored = (code: number): Style => (color ? wrap(String(code), '39') : plain)
  const dim = wrap('2', '22')
  const [red, green, yellow, blue, magenta, cyan] = [31, 32, 33, 34, 35, 36].map(colored) as [Style, Style, Style, Style, Style, Style]
  const statusStyles: Readonly<Record<Status, Style>> = {
    waiting: yellow,
    paused: magenta,
    working: cyan,
    starting: cyan,
    queued: dim,
    completed: green,
    failed: red,
    stopped: dim,
  }
  return {
    color,
    bold: wrap('1', '22'),
    dim,
    italic: wrap('3', '23'),
    underline: wrap('4', '24'),
    inverse: wrap('7', '27'),
    status: (status, text) => statusStyles[status](text),
    added: green,
    removed: red,
    accent: blue,
    warning: yellow,
    error: red,
    heading: (text) => wrap('1', '22')(blue(text)),
    code: cyan,
    link: (text) => wrap('4', '24')(blue(text)),
    string: green,
    keyword: magenta,
    comment: dim,
    number: yellow,
  }
}

// What the user says to single lines of a review, and the prompt that all of it becomes. Pure; nothing is sent here.

import { printable } from '../../core/terminal-text.ts'
import type { TreePath } from '../../core/workspace.ts'
import { count } from '../../text/format.ts'
import type { Scope } from './changes-shown.ts'

export interface Comment {
  readonly path: TreePath
  /** Of what was compared: its lines are counted there. */
  readonly scope: Scope
  /** `old`: lines that were removed. From 1, both inclusive. */
  readonly side: 'old' | 'new'
  readonly first: number
  readonly last: number
  /** The lines with their signs, as they were. */
  readonly quote: readonly string[]
  readonly text: string
}

const mostQuoted = 20
const longestQuoted = 200

type Place = Omit<Comment, 'quote' | 'text'>

export const samePlace = (one: Place, other: Place): boolean =>
  one.path === other.path && one.scope === other.scope && one.side === other.side && one.first === other.first && one.last === other.last

/** In the place of the one that was there; without words it is gone. */
export function withComment(comments: readonly Comment[], comment: Comment): readonly Comment[] {
  const others = comments.filter((one) => !samePlace(one, comment))
  return comment.text.trim() === '' ? others : [...others, comment]
}

/** Lines as they are quoted: not more of them, nor longer, than a prompt should hold. */
export function quoted(lines: readonly string[]): readonly string[] {
  const shown = lines.slice(0, mostQuoted).map((line) => {
    const clean = printable(line).replaceAll('\n', ' ')
    return clean.length > longestQuoted ? `${clean.slice(0, longestQuoted).toWellFormed()}…` : clean
  })
  return lines.length > mostQuoted ? [...shown, `… ${lines.length - mostQuoted} more`] : shown
}

export const linesText = ({ side, first, last }: Omit<Place, 'path' | 'scope'>): string =>
  `${first === last ? `line ${first}` : `lines ${first} to ${last}`}${side === 'new' ? '' : first === last ? ' as it was before' : ' as they were before'}`

/** By file and line. `compared`: of each scope, in words. */
export function promptOf(comments: readonly Comment[], compared: (scope: Scope) => string): string {
  const sorted = comments.toSorted((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : one.first - other.first))
  const parts = sorted.map(({ path, scope, side, first, last, quote, text }, index) => {
    const of = scope === 'all' ? '' : ` (${compared(scope)})`
    const place = `${index + 1}. ${printable(path).replaceAll('\n', '\\n')}, ${linesText({ side, first, last })}${of}`
    return [
      place,
      ...quote.map((line) => `   > ${line}`),
      ...text
        .trim()
        .split('\n')
        .map((line) => (line === '' ? '' : `   ${line}`)),
    ].join('\n')
  })
  return [`I have read your changes (${compared('all')}) and have ${count(comments.length, 'comment')}:`, ...parts].join('\n\n')
}

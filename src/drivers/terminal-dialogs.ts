// Recognises, in the rows of a terminal's screen, a dialog that the catalogue knows: what the program waits for, what it is about, and which keys answer it. Pure. The rows are untrusted: what an
// agent prints or is about to run stands among them, so texts are looked for from below, where the program's own are.

import type { Dialog } from '../catalogue/dialog.ts'
import type { Option } from '../core/requests.ts'
import { printableLine } from '../core/terminal-text.ts'

export interface SeenOption extends Option {
  readonly keys: string
}

export interface Sighting {
  readonly kind: Dialog['kind']
  readonly asks: string
  /** In a line, what it asks for or about. */
  readonly title: string
  /** The rows of the question, and of what it is about: printable lines, few. */
  readonly about: readonly string[]
  /** None: it can be answered only by somebody who sees it. */
  readonly options: readonly SeenOption[]
}

/** Of a screen that is larger, the part from below and from the left. */
const mostRows = 120
const widestRow = 400
const longestAbout = 14
const longestLine = 200
const longestTitle = 160
const mostOptions = 9

/** Lines and blocks of which borders are made. */
const border = /[\u2500-\u259f]/g

export function recognise(dialogs: readonly Dialog[], screen: readonly string[]): Sighting | undefined {
  const rows = screen.slice(-mostRows).map((row) => row.slice(0, widestRow))
  // Columns stay what they are.
  const plain = rows.map((row) => row.replace(border, ' ').trimEnd())
  const flat = flatOf(plain)
  for (const dialog of dialogs) {
    const place = placeOf(dialog, flat)
    if (place) return seen(dialog, place, rows, plain)
  }
  return undefined
}

/** The same question on the same matter. */
export const isSame = (one: Sighting, other: Sighting): boolean => JSON.stringify(one) === JSON.stringify(other)

function seen(dialog: Dialog, place: Place, rows: readonly string[], plain: readonly string[]): Sighting {
  const numbered = dialog.answers?.by === 'digits' ? numberedOptions(plain, place) : undefined
  const options = dialog.answers?.by === 'keys' ? dialog.answers.keys.map((one, at): SeenOption => ({ id: String(at + 1), scope: 'once', ...one })) : (numbered?.options ?? [])
  const from = beginning(dialog, rows, plain, place.first)
  const about = plain
    .slice(from, numbered?.from ?? place.last)
    .map((row) => printableLine(row).trim().slice(0, longestLine).toWellFormed())
    .filter((row) => row !== '')
  const title = dialog.tells === undefined || about.length === 0 ? dialog.asks : cut(about.join(' · '), longestTitle)
  return { kind: dialog.kind, asks: dialog.asks, title, about: about.length > longestAbout ? [...about.slice(0, longestAbout), '…'] : about, options }
}

const cut = (text: string, longest: number): string => (text.length <= longest ? text : `${text.slice(0, longest - 1).toWellFormed()}…`)

interface Place {
  /** Rows of the first and of the last text. */
  readonly first: number
  readonly last: number
}

/** All rows with text as one: wherever a row ended, one blank stands. */
interface Flat {
  readonly text: string
  readonly starts: readonly { readonly row: number; readonly at: number }[]
}

function flatOf(rows: readonly string[]): Flat {
  let text = ''
  const starts: { row: number; at: number }[] = []
  for (const [row, given] of rows.entries()) {
    const words = given.trim().replaceAll(/\s+/g, ' ')
    if (words === '') continue
    if (text !== '') text += ' '
    starts.push({ row, at: text.length })
    text += words
  }
  return { text, starts }
}

/** Each text as far below as there is room for it above the one after it. */
function placeOf({ shows, below = 0 }: Dialog, { text, starts }: Flat): Place | undefined {
  const indexAt = (offset: number): number => starts.findLastIndex(({ at }) => at <= offset)
  let first = text.length
  let last: number | undefined
  for (const one of shows.toReversed()) {
    const at = text.lastIndexOf(one, first - one.length)
    if (at === -1 || first < one.length) return undefined
    last ??= indexAt(at + one.length - 1)
    if (last < starts.length - 1 - below) return undefined
    first = at
  }
  return { first: starts[indexAt(first)]?.row ?? 0, last: starts[last ?? 0]?.row ?? 0 }
}

function beginning({ tells }: Dialog, rows: readonly string[], plain: readonly string[], question: number): number {
  if (tells === undefined || tells === 'question') return question
  if (tells === 'rule') return rows.findLastIndex((row, index) => index < question && /^─{10,}$/.test(row.trim())) + 1
  const found = plain.findLastIndex((row, index) => index <= question && row.trim().startsWith(tells.row))
  return found === -1 ? question : found
}

const numberedRow = /^(\s*(?:[❯›>●○◉•]\s*)?)([1-9])\. +(\S.*)$/u

/** From the last one upwards, all in one column: what is wrapped stands further to the right. */
function numberedOptions(rows: readonly string[], { first, last }: Place): { readonly from: number; readonly options: readonly SeenOption[] } | undefined {
  const found: { readonly row: number; readonly number: number; readonly text: string }[] = []
  let column: number | undefined
  for (let row = last; row >= first; row -= 1) {
    const [, before, digit, text = ''] = numberedRow.exec(rows[row] ?? '') ?? []
    if (before === undefined || (column !== undefined && before.length > column)) continue
    const number = Number(digit)
    const next = found.at(-1)?.number
    if (column !== undefined && (before.length < column || number !== (next ?? 0) - 1)) return undefined
    column = before.length
    found.push({ row, number, text })
    if (number === 1) break
  }
  const top = found.at(-1)
  if (!top || top.number !== 1 || found.length < 2 || found.length > mostOptions) return undefined
  const inOrder = found.toReversed()
  const options = inOrder.map(({ row, number, text }, at): SeenOption => {
    const end = inOrder[at + 1]?.row ?? last + 1
    const label = [text, ...continued(rows.slice(row + 1, end), column ?? 0)].join(' ')
    return {
      id: String(number),
      label: printableLine(label)
        .replace(/\s*\((?:[a-z]|esc|enter|shift\+tab)\)$/, '')
        .slice(0, longestLine)
        .toWellFormed(),
      ...meaning(text),
      keys: String(number),
    }
  })
  return { from: top.row, options }
}

function continued(rows: readonly string[], column: number): readonly string[] {
  const end = rows.findIndex((row) => row.trim() === '' || row.search(/\S/) <= column)
  return rows.slice(0, end === -1 ? rows.length : end).map((row) => row.trim())
}

/** Only what says nothing else is a yes for this once. */
function meaning(label: string): Pick<Option, 'kind' | 'scope'> {
  const words = label
    .toLowerCase()
    .replaceAll(/\([^()]*\)/g, ' ')
    .trim()
  if (/^(?:yes|yes, proceed|yes, allow once|allow once|allow)$/.test(words)) return { kind: 'allow', scope: 'once' }
  if (/^(?:yes|allow|always|trust)\b/.test(words)) return { kind: 'allow', scope: 'always' }
  if (/^(?:no|don't|reject|deny|cancel)\b/.test(words)) return { kind: 'reject', scope: 'once' }
  return { kind: 'other' }
}

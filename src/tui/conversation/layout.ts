// What stands where in a conversation, and how many rows each part gets. Pure.

import { CURSOR_MARKER } from '@earendil-works/pi-tui'
import type { Theme } from '../theme.ts'
import type { Size } from '../view.ts'
import { rule } from './rows.ts'

type Part = (size: Size) => readonly string[]

export interface Parts {
  readonly header: string
  /** Exactly as many rows as it is given. */
  readonly transcript: Part
  /** Those below at most as many. */
  readonly asked: Part
  readonly waiting: readonly string[]
  readonly composer: Part
  readonly status: string
  /** The cursor is not in the composer. */
  readonly elsewhere: boolean
}

const mostComposerRows = 12
/** Of the transcript, beside what is asked. */
const fewTranscriptRows = 5

/** Exactly `rows` rows: without rules where there are few, without a header where there are very few. */
export function laidOut({ columns, rows }: Size, parts: Parts, theme: Theme): readonly string[] {
  const rules = rows >= 10 ? [rule(columns, theme)] : []
  const above = [...(rows >= 4 ? [parts.header] : []), ...rules]
  let room = Math.max(1, rows - above.length - rules.length - 1)
  const written = parts.composer({ columns, rows: Math.max(1, Math.min(mostComposerRows, Math.floor(room / 2))) })
  room -= written.length
  const waiting = parts.waiting.slice(0, Math.max(0, room - 1))
  room -= waiting.length
  const shown = parts.asked({ columns, rows: Math.max(1, room - Math.min(fewTranscriptRows, Math.floor(room / 3))) }).slice(0, room)
  const asked = shown.length > 0 && room - shown.length > fewTranscriptRows ? ['', ...shown] : shown
  room -= asked.length
  // There is one cursor.
  const elsewhere = parts.elsewhere || asked.some((row) => row.includes(CURSOR_MARKER))
  const composer = elsewhere ? written.map((row) => row.replaceAll(CURSOR_MARKER, '')) : written
  return [...above, ...parts.transcript({ columns, rows: room }), ...asked, ...waiting, ...rules, ...composer, parts.status].slice(-rows)
}

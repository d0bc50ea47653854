// What a log shows between its header and its footer, whatever it is made of.

import type { Size } from '../view.ts'

export interface LogBody {
  /** Nothing can be shown before this. */
  readonly ready: boolean
  /** Exactly so many rows. */
  render(size: Size): readonly string[]
  /** Upwards if it is negative. */
  scroll(rows: number): void
  toStart(): void
  /** And whatever comes is followed. */
  toEnd(): void
  readonly atEnd: boolean
  /** Where it stands, in a few words. */
  readonly place: string
  toggleFold(): void
  /** Goes to the next place that holds the words, and marks them wherever they are seen. Without words nothing is marked. */
  find(words: string, direction: 1 | -1, signal: AbortSignal): Promise<boolean>
  /** Printable, the whole of it or its end. */
  text(most: number, signal: AbortSignal): Promise<{ readonly text: string; readonly isWhole: boolean }>
  /** What has been seen, as the session counts it. */
  readonly seen: number
}

// What the daemon and the worker that computes screens say to each other.

import type { TerminalSize } from '../core/events.ts'
import type { CursorPosition } from './screen.ts'

/** A run on a PTY. */
export interface ScreenOf {
  /** Its run folder: logs, `sizes`, and our checkpoint `screen`. */
  readonly folder: string
  /** The PTY's at its start. */
  readonly size: TerminalSize
}

/** What a terminal of this size shows after the first `offset` bytes of the log. */
export interface Snapshot extends TerminalSize {
  readonly offset: number
  /** For a terminal that was just reset. */
  readonly bytes: Uint8Array
}

/** What stands on the screen after the first `offset` bytes of the log, without colours: a string a row, blanks at its end left out. */
export interface ScreenText {
  readonly offset: number
  readonly rows: readonly string[]
}

export type Question =
  | { readonly kind: 'snapshot'; readonly of: ScreenOf; readonly resizeTo: TerminalSize | undefined }
  | { readonly kind: 'cursor'; readonly of: ScreenOf; readonly offset: number }
  | { readonly kind: 'text'; readonly of: ScreenOf }

/** Questions come one at a time, each after the answer to the one before. */
export type ToWorker = { readonly kind: 'question'; readonly question: Question } | { readonly kind: 'advance'; readonly of: ScreenOf } | { readonly kind: 'end' }

export type FromWorker =
  | { readonly kind: 'answer'; readonly answer: Snapshot | CursorPosition | ScreenText | undefined }
  /** Nothing is left to be advanced. */
  | { readonly kind: 'idle' }

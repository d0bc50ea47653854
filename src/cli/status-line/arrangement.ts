// How the rows of a terminal are shared out between the program and the line: the margins that keep the program in its rows, on both of the terminal's screens, and what it takes to get there from another sharing.

import type { ProgramCursor } from './cursor.ts'
import type { SavedCursor } from './saved.ts'

export interface Rows {
  readonly columns: number
  /** The program's. */
  readonly rows: number
  /** The terminal's; as many as the program's where there is no line. */
  readonly all: number
}

export class Arrangement {
  readonly #cursor: ProgramCursor
  readonly #saved: SavedCursor
  #size: Rows
  /** Of the screen that is not shown: whether it had a line when it was left, and what has changed since. */
  #behind = { hadLine: false, changed: false, resized: false }

  constructor(size: Rows, cursor: ProgramCursor, saved: SavedCursor) {
    this.#size = size
    this.#cursor = cursor
    this.#saved = saved
  }

  get size(): Rows {
    return this.#size
  }

  get hasLine(): boolean {
    return this.#size.rows < this.#size.all
  }

  /** The program's, in the terminal. */
  margins(): string {
    return `\x1b[${this.#cursor.top + 1};${this.#cursor.bottom + 1}r`
  }

  /** For another size of the terminal (`resized`: it has it already), or of the program. */
  fit(size: Rows, resized: boolean): string {
    const before = this.#size
    const had = this.hasLine
    const cursor = this.#cursor
    this.#size = size
    const over = resized || cursor.row === undefined ? undefined : Math.max(0, cursor.row - (size.rows - 1))
    cursor.resize(size, resized)
    if (!had && !this.hasLine) return ''
    this.#behind.changed ||= cursor.onAlternate
    this.#behind.resized ||= cursor.onAlternate && resized
    const origin = cursor.origin ? '\x1b[?6l' : ''
    if (!this.hasLine) return this.#saved.keeping(`${origin}\x1b[r${resized ? '' : eraseRow(before.all)}`)
    // The old line is below the cursor, wherever the terminal has moved it; a full-screen program had other rows there too.
    const old = !had || !resized ? '' : cursor.onAlternate ? (before.all < size.all ? eraseRow(before.all) : '') : eraseBelow
    const unused = size.rows + 1 < size.all ? `\x1b[${size.rows + 1};1H\x1b[0m\x1b[J` : ''
    return this.#saved.keeping(`${origin}\x1b[r`) + this.#moveUp(over) + this.#saved.keeping(`${origin}${old}${unused}${this.margins()}`)
  }

  /** The other screen: in some terminals it has margins of its own, and in none it does harm to say them once more. */
  enterAlternate(): string {
    const cursor = this.#cursor
    if (cursor.onAlternate) return ''
    this.#behind = { hadLine: this.hasLine, changed: false, resized: false }
    cursor.switchScreen()
    if (!this.hasLine) return ''
    cursor.unsettle()
    return this.#saved.keeping(this.margins())
  }

  /** `restored`: the terminal has restored the cursor. */
  leaveAlternate(restored: boolean): string {
    const cursor = this.#cursor
    if (!cursor.onAlternate) return ''
    const { top, bottom } = cursor
    const { hadLine, changed, resized } = this.#behind
    this.#behind = { hadLine: false, changed: false, resized: false }
    cursor.switchScreen()
    if (changed && this.hasLine) return this.#saved.keeping('\x1b[r') + this.#moveUp(undefined) + this.#saved.keeping(`${hadLine && resized ? eraseBelow : ''}${this.margins()}`)
    if (changed && hadLine) return this.#saved.keeping(`\x1b[r${resized ? '' : eraseRow(this.#size.all)}`)
    if (!this.hasLine || (top === cursor.top && bottom === cursor.bottom)) return ''
    cursor.unsettle()
    return restored ? this.#saved.keepingRestored(this.margins()) : this.#saved.keeping(this.margins())
  }

  /** The cursor into the program's rows; margins are off. `over`: so many rows too low, where that is known. */
  #moveUp(over: number | undefined): string {
    const { rows, all } = this.#size
    this.#cursor.settle()
    // Index and up: in the last row the screen scrolls by one, elsewhere nothing happens.
    if (rows === all - 1) return '\x1bD\x1b[A'
    // Down and up: stops at the last row on the way.
    if (over === undefined) return `\x1b[${all - rows}B\x1b[${all - rows}A`
    return over === 0 ? '' : `${this.#saved.keeping(`\x1b[${all};1H${'\n'.repeat(over)}`)}\x1b[${over}A`
  }
}

/** Where the cursor is not in the last row. */
const eraseBelow = '\x1b[E\x1b[0m\x1b[J'
const eraseRow = (row: number): string => `\x1b[${row};1H\x1b[0m\x1b[2K`

// Where the cursor of a program's screen is, as far as its output tells: the row exactly or not at all, the column between two bounds, because terminals disagree on how wide some characters are.
// Follows xterm (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html). Knows no cells, and never writes. Rows and columns count from 0; a column that equals `columns` is a wrap that is due.

import { Pen } from './pen.ts'

/** All that saving a cursor saves. */
interface Saved {
  /** False: as it is before anything was saved. */
  readonly byProgram: boolean
  readonly row: number | undefined
  readonly left: number
  readonly right: number
  readonly origin: boolean
  readonly autowrap: boolean
  readonly pen: Pen
  readonly sets: readonly string[]
  readonly shift: number
  readonly protects: boolean
}

const home: Saved = { byProgram: false, row: 0, left: 0, right: 0, origin: false, autowrap: true, pen: new Pen(), sets: ['B', 'B', 'B', 'B'], shift: 0, protects: false }

export class ProgramCursor {
  rows: number
  columns: number
  row: number | undefined = 0
  left = 0
  right = 0
  top = 0
  bottom: number
  origin = false
  autowrap = true
  /** False after a cursor was restored that had been saved in the other mode. */
  autowrapIsSure = true
  /** A line feed is a carriage return too. */
  newLine = false
  reverseWrap = false
  /** Left and right margins, and other things that are not followed here: then nothing is sure. */
  doubtful = false
  onAlternate = false
  pen = new Pen()
  /** Letters that designated the character sets G0 to G3, and which one is in use. */
  sets: readonly string[] = home.sets
  shift = 0
  /** Characters are protected from selective erasing. */
  protects = false
  #ownTabs = false
  /** Of this screen and of the other one. Terminals that have only one saved cursor are no different for programs that save before they restore. */
  #saved = [home, home]
  /** The margins of the screen that is not shown. */
  #margins: { readonly top: number; readonly bottom: number }

  constructor(size: { readonly rows: number; readonly columns: number }) {
    this.rows = size.rows
    this.columns = size.columns
    this.bottom = size.rows - 1
    this.#margins = { top: 0, bottom: size.rows - 1 }
  }

  /** It may be that the next character goes to the next line. */
  get mayWrap(): boolean {
    return this.right >= this.columns
  }

  /** Below the bottom margin: lines move down from there without scrolling, to the last row. */
  get isBelow(): boolean {
    return this.row !== undefined && this.row > this.bottom
  }

  get isOutside(): boolean {
    return this.row !== undefined && (this.row < this.top || this.row > this.bottom)
  }

  get isPlainText(): boolean {
    return this.sets[this.shift] === 'B'
  }

  /** What was saved on this screen. */
  get saved(): Saved {
    return this.#saved[this.onAlternate ? 1 : 0] ?? home
  }

  lost(): void {
    this.row = undefined
    this.left = 0
    this.right = this.columns
  }

  /** A character of at least and at most so many cells. */
  put(least: number, most: number): void {
    this.#advance(this.#behind(this.left, least), this.#behind(this.right, most))
  }

  /** Characters of one cell each. */
  run(count: number): void {
    const behind = (column: number): { column: number; wraps: number } => {
      const end = column + count
      if (end <= this.columns) return { column: end, wraps: 0 }
      if (!this.autowrap) return { column: this.columns, wraps: 0 }
      const wraps = Math.ceil(end / this.columns) - 1
      return { column: end - wraps * this.columns, wraps }
    }
    const left = behind(this.left)
    this.#advance(left, this.left === this.right ? left : behind(this.right))
  }

  #behind(column: number, width: number): { column: number; wraps: number } {
    if (column + width <= this.columns) return { column: column + width, wraps: 0 }
    return this.autowrap ? { column: width, wraps: 1 } : { column: this.columns, wraps: 0 }
  }

  #advance(left: { column: number; wraps: number }, right: { column: number; wraps: number }): void {
    // Without wrapping some terminals stay in the last column, others behind it.
    const last = this.autowrap ? this.columns : this.columns - 1
    if (left.wraps === right.wraps) {
      this.left = Math.min(left.column, last)
      this.right = right.column
      if (left.wraps > 0) this.index(left.wraps)
      return
    }
    this.left = 0
    this.right = this.columns
    if (this.row !== this.bottom) this.row = undefined
  }

  index(lines = 1): void {
    if (this.row === undefined) {
      if (lines >= this.rows && this.bottom === this.rows - 1) this.row = this.bottom
    } else this.row = Math.min(this.row + lines, this.row <= this.bottom ? this.bottom : this.rows - 1)
  }

  lineFeed(): void {
    this.unsettle()
    if (this.newLine) this.toColumn(0)
    this.index()
  }

  reverseIndex(): void {
    this.unsettle()
    if (this.row !== undefined && this.row !== this.top) this.row = Math.max(this.row - 1, 0)
  }

  backspace(): void {
    // Some go back to a line that went on here, without being told to (tmux).
    if ((this.left === 0 && !this.isBelow) || (this.reverseWrap && this.mayWrap)) return this.lost()
    this.byColumns(-1)
  }

  tab(): void {
    const last = this.columns - 1
    const next = (column: number): number => Math.min((Math.floor(column / 8) + 1) * 8, last)
    this.left = this.left > last ? last : this.#ownTabs ? Math.min(this.left + 1, last) : next(this.left)
    this.right = this.mayWrap ? this.columns : this.#ownTabs ? last : next(this.right)
  }

  backTab(): void {
    const before = (column: number): number => Math.max(0, Math.ceil(Math.min(column, this.columns - 1) / 8 - 1) * 8)
    this.left = this.#ownTabs ? 0 : before(this.left)
    // Not in all terminals, where a wrap is due.
    if (!this.mayWrap && !this.#ownTabs) this.right = before(this.right)
  }

  tabsChanged(own: boolean): void {
    this.#ownTabs = own
  }

  /** A wrap that was due is not any more. */
  settle(): void {
    this.left = Math.min(this.left, this.columns - 1)
    this.right = Math.min(this.right, this.columns - 1)
  }

  /** In some terminals a wrap that was due still is (tmux: after nearly everything), in others it is not. */
  unsettle(): void {
    this.left = Math.min(this.left, this.columns - 1)
  }

  /** At the column where it is, or before. */
  somewhereBefore(): void {
    this.left = 0
  }

  toColumn(column: number): void {
    this.left = this.right = Math.min(Math.max(column, 0), this.columns - 1)
  }

  byColumns(count: number): void {
    const last = this.columns - 1
    const moved = (column: number): number => Math.min(Math.max(column + count, 0), last)
    // Where a wrap is due, tmux counts from behind the last column, and others from there.
    const due = this.mayWrap
    this.left = moved(Math.min(this.left, last))
    this.right = due && count > 0 ? this.columns : moved(this.right)
  }

  /** As the program counts: with origin mode from the top margin. */
  toRow(row: number): void {
    this.unsettle()
    this.row = this.origin ? Math.min(this.top + row, this.bottom) : Math.min(row, this.rows - 1)
  }

  up(count: number): void {
    this.settle()
    this.row = this.#byRows((row) => Math.max(row - count, row >= this.top ? this.top : 0))
  }

  down(count: number): void {
    this.settle()
    this.row = this.#byRows((row) => Math.min(row + count, row <= this.bottom ? this.bottom : this.rows - 1))
  }

  /** Past the margins. */
  downFreely(count: number): void {
    this.unsettle()
    this.row = this.#byRows((row) => Math.min(row + count, this.rows - 1))
  }

  #byRows(moved: (row: number) => number): number | undefined {
    // In xterm.js what is relative counts from the top margin there.
    return this.row === undefined || this.origin ? undefined : moved(this.row)
  }

  /** Where it is then, the program's margins are these. Both are the program's rows. */
  setMargins(top: number, bottom: number): void {
    this.top = top
    this.bottom = bottom
    this.home()
  }

  home(): void {
    this.row = this.origin ? this.top : 0
    this.toColumn(0)
  }

  designate(set: number, letter: string): void {
    this.sets = this.sets.map((one, index) => (index === set ? letter : one))
  }

  save(): void {
    const { row, left, right, origin, autowrap, sets, shift, protects } = this
    this.#saved[this.onAlternate ? 1 : 0] = { byProgram: true, row, left, right, origin, autowrap, pen: this.pen.copy(), sets, shift, protects }
  }

  restore(): void {
    const { row, left, right, origin, autowrap, pen, sets, shift, protects } = this.saved
    // DEC's terminals, kitty and xterm.js restore wrapping too, xterm and tmux do not.
    this.autowrapIsSure &&= autowrap === this.autowrap
    Object.assign(this, { row: row === undefined ? undefined : Math.min(row, this.rows - 1), origin, autowrap, pen: pen.copy(), sets, shift, protects })
    // A wrap that was due is saved by some.
    this.left = Math.min(left, this.columns - 1)
    this.right = Math.min(right, this.columns)
    // Where margins have changed since, some move it into them.
    if (origin) this.row = undefined
  }

  /** To the other screen. The position stays, and each screen has its own margins, as in xterm.js; in other terminals they are those of before, which a program that relies on it would set again. */
  switchScreen(): void {
    const { top, bottom } = this
    this.onAlternate = !this.onAlternate
    Object.assign(this, this.onAlternate ? { top: 0, bottom: this.rows - 1 } : this.#margins)
    this.#margins = { top, bottom }
  }

  softReset(): void {
    const { row, left, right } = this
    this.#saved[this.onAlternate ? 1 : 0] = home
    this.restore()
    Object.assign(this, { row, left, right, top: 0, bottom: this.rows - 1, reverseWrap: false })
    this.unsettle()
  }

  reset(): void {
    this.onAlternate = false
    this.#saved = [home, home]
    this.restore()
    Object.assign(this, { top: 0, bottom: this.rows - 1, newLine: false, reverseWrap: false, doubtful: false, autowrapIsSure: true })
    this.#ownTabs = false
    this.#margins = { top: 0, bottom: this.rows - 1 }
  }

  /** Another size: the margins are reset. `resized`: so was the terminal itself, which has moved its lines as it likes. */
  resize(size: { readonly rows: number; readonly columns: number }, resized: boolean): void {
    if (size.columns !== this.columns) this.lost()
    this.rows = size.rows
    this.columns = size.columns
    this.top = 0
    this.bottom = size.rows - 1
    this.#margins = { top: 0, bottom: size.rows - 1 }
    // Where it was saved when the other screen was opened, only the terminal knows now.
    const [behind = home, shown = home] = this.#saved
    if (resized && this.onAlternate) this.#saved = [{ ...behind, row: undefined }, shown]
    this.row = resized || this.row === undefined ? undefined : Math.min(this.row, size.rows - 1)
    this.right = Math.min(this.right, size.columns)
    this.unsettle()
  }
}

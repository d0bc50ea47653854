// What the output of a program means for the rows that are not its own, one thing after the other: what the terminal must be told in its place, or after it, so that it stays within the program's rows.
// Knows what keeps a line from being drawn. It never sees bytes: whoever reads them (screen.ts) says what came and takes what is to be said.

import type { ScanListener } from '../../core/terminal-scanner.ts'
import { Arrangement, type Rows } from './arrangement.ts'
import { ProgramCursor } from './cursor.ts'
import { SavedCursor } from './saved.ts'
import { cellsOf } from './widths.ts'

/** As many as terminals keep. */
export const mostNumbers = 32

/** A repeat count beyond that is nobody's, and where it leads is not followed. */
const mostRepeated = 10_000

export class ProgramSequences implements ScanListener {
  readonly cursor: ProgramCursor
  readonly saved: SavedCursor
  readonly arrangement: Arrangement
  /** In the place of the sequence, if it is another one. */
  instead: string | undefined
  /** Behind it. */
  after = ''
  /** Controls in the midst of the sequence. */
  inner = ''
  inSequence = false
  /** Of the control sequence that is to be said. */
  readonly numbers = new Float64Array(mostNumbers)
  /** Below the bottom margin lines move down without scrolling, into rows that are not the program's, so there every character is said again: what so far. */
  rebuilt: string | undefined
  /** The mouse is told in pixels. */
  pixels = false
  /** The last row does not show the line any more. */
  erased = true
  /** The terminal holds its output back until the program says so. */
  #synchronized = false
  #linked = false
  /** Bytes are no UTF-8. */
  #foreign = false
  #sideMargins = false
  /** Printed just now: what REP repeats. */
  #last: number | undefined

  constructor(size: Rows) {
    this.cursor = new ProgramCursor(size)
    this.saved = new SavedCursor(this.cursor)
    this.arrangement = new Arrangement(size, this.cursor, this.saved)
  }

  get size(): Rows {
    return this.arrangement.size
  }

  get hasLine(): boolean {
    return this.arrangement.hasLine
  }

  /** Nothing of a line drawn now can be seen in the program's rows, or later. */
  get canDraw(): boolean {
    const { origin, doubtful, mayWrap, isPlainText, protects, pen } = this.cursor
    if (this.#synchronized || this.#linked || this.#foreign || origin || doubtful || mayWrap || !isPlainText || protects || !pen.known) return false
    return this.saved.isFree
  }

  print(codePoint: number): void {
    // What no sequence has in it: terminals show it or do not.
    if (this.inSequence) this.cursor.lost()
    else this.#print(codePoint)
  }

  #print(codePoint: number): void {
    const { least, most } = cellsOf(codePoint)
    if (this.rebuilt !== undefined) this.#rebuild(String.fromCodePoint(codePoint), least)
    this.#last = codePoint
    this.cursor.put(least, most)
  }

  printAscii(bytes: Uint8Array, from: number, to: number): void {
    if (this.rebuilt === undefined) {
      this.#last = bytes[to - 1]
      this.cursor.run(to - from)
    } else for (let at = from; at < to; at += 1) this.#print(bytes[at] as number)
  }

  /** A wrap in the program's last row, below its margin, begins that row again. */
  #rebuild(character: string, width: number): void {
    const { cursor } = this
    if (cursor.row === this.size.rows - 1 && cursor.autowrap && cursor.right + width > this.size.columns) {
      this.rebuilt += '\r'
      cursor.toColumn(0)
    }
    this.rebuilt += character
  }

  control(code: number): void {
    const { cursor } = this
    this.#last = undefined
    if (this.inSequence) this.inner += String.fromCharCode(code)
    if (this.rebuilt !== undefined) this.rebuilt += this.#isStuck && code >= 0x0a && code <= 0x0c ? this.#lastRow(cursor.newLine ? '\r' : '') : String.fromCharCode(code)
    switch (code) {
      case 0x08:
        return cursor.backspace()
      case 0x09:
        return cursor.tab()
      case 0x0a:
      case 0x0b:
      case 0x0c:
        return cursor.lineFeed()
      case 0x0d:
        return cursor.toColumn(0)
      case 0x0e:
      case 0x0f:
        cursor.shift = code === 0x0e ? 1 : 0
        return
    }
  }

  /** In the program's last row, below its margin: what would go down from here goes nowhere. */
  get #isStuck(): boolean {
    return this.hasLine && this.cursor.isBelow && this.cursor.row === this.size.rows - 1
  }

  /** To stay there, as moving down would; a wrap that was due is not any more. */
  #lastRow(more = ''): string {
    return `\x1b[${this.size.rows}d${more}`
  }

  escape(intermediates: string, final: string): void {
    const { cursor } = this
    this.#last = undefined
    const set = '()*+-./'.indexOf(intermediates[0] ?? '!')
    if (set !== -1) return cursor.designate(set < 4 ? set : set - 3, intermediates.slice(1) + final + (set < 4 ? '' : ' of 96'))
    switch (intermediates + final) {
      case '7':
        return this.saved.save()
      case '8':
        return this.#restore()
      case 'c':
        return this.#reset()
      case 'D':
      case 'E':
        if (this.#isStuck) this.instead = this.#lastRow(final === 'E' ? '\r' : '')
        cursor.unsettle()
        if (final === 'E') cursor.toColumn(0)
        return cursor.index()
      case 'M':
        return cursor.reverseIndex()
      case 'H':
        return cursor.tabsChanged(true)
      case '6':
      case '9':
        return cursor.lost()
      case 'n':
      case 'o':
        cursor.shift = final === 'n' ? 2 : 3
        return
      // The right half of a table that UTF-8 does not have; xterm.js takes it for the left one.
      case '|':
      case '}':
      case '~':
        cursor.shift = cursor.sets.length
        return
      case '#3':
      case '#4':
      case '#6':
        cursor.doubtful = true
        return
      case '#8':
        this.erased = true
        if (cursor.origin) cursor.doubtful = true
        cursor.setMargins(0, this.size.rows - 1)
        if (this.hasLine) this.after = this.arrangement.margins()
        return
      case '%@':
      case '%G':
        this.#foreign = final === '@'
    }
  }

  #reset(): void {
    this.cursor.reset()
    this.saved.reset()
    this.#synchronized = this.#linked = this.#foreign = this.#sideMargins = this.pixels = false
    this.erased = true
    if (this.hasLine) this.after = this.arrangement.margins()
  }

  #restore(): void {
    const place = this.saved.restore()
    // First by the terminal: it restores what is not known here.
    if (place !== '') this.instead = `\x1b8${place}`
  }

  controlSequence(prefix: string, parameters: string, intermediates: string, final: string): void {
    if (final === 'm' && prefix === '' && intermediates === '' && parameters.includes(':')) {
      this.#last = undefined
      return this.cursor.pen.setParts(parameters)
    }
    const parts = parameters === '' ? [] : parameters.split(';', mostNumbers)
    for (const [index, part] of parts.entries()) this.numbers[index] = Number.parseInt(part, 10) || 0
    this.numbered(prefix, intermediates, final, parts.length)
  }

  /** A control sequence with so many `numbers`. */
  numbered(prefix: string, intermediates: string, final: string, length: number): void {
    const last = this.#last
    this.#last = undefined
    const first = length > 0 ? (this.numbers[0] ?? 0) : 0
    const second = length > 1 ? (this.numbers[1] ?? 0) : 0
    if (intermediates !== '') this.#withIntermediates(prefix + intermediates + final, first)
    else if (prefix === '?') this.#private(final, length)
    else if (prefix === '') this.#plain(final, length, first, second, last)
  }

  #plain(final: string, length: number, first: number, second: number, last: number | undefined): void {
    const { cursor } = this
    const { rows } = this.size
    const count = first === 0 ? 1 : first
    switch (final) {
      case 'm':
        return cursor.pen.set(this.numbers, length)
      case 'H':
      case 'f':
        if (this.hasLine && first > rows) this.instead = `\x1b[${rows};${Math.max(second, 1)}H`
        cursor.toRow(count - 1)
        return cursor.toColumn(second - 1)
      case 'd':
        if (this.hasLine && first > rows) this.instead = this.#lastRow()
        return cursor.toRow(count - 1)
      case 'G':
      case '`':
        return cursor.toColumn(first - 1)
      case 'A':
        return cursor.up(count)
      case 'F':
        cursor.up(count)
        return cursor.toColumn(0)
      case 'B':
      case 'E':
        if (this.hasLine && cursor.isBelow && (cursor.row ?? 0) + count >= rows) this.instead = this.#lastRow(final === 'E' ? '\r' : '')
        cursor.down(count)
        return final === 'E' ? cursor.toColumn(0) : undefined
      case 'e':
        if (this.hasLine && !cursor.origin) this.instead = cursor.row === undefined ? `\x1b[${count}B` : cursor.row + count >= rows ? this.#lastRow() : undefined
        return cursor.downFreely(count)
      case 'C':
      case 'a':
        return cursor.byColumns(count)
      case 'D':
        return cursor.byColumns(-count)
      case 'I':
        for (let times = Math.min(count, this.size.columns); times > 0; times -= 1) cursor.tab()
        return
      case 'Z':
        for (let times = Math.min(count, this.size.columns); times > 0; times -= 1) cursor.backTab()
        return
      case 'L':
      case 'M':
        // Outside of the margins nothing happens, but in tmux, where all rows would move.
        if (cursor.isOutside) {
          if (this.hasLine) this.instead = `\x1b[${(cursor.row ?? 0) + 1}d`
          return cursor.unsettle()
        }
        // Most return to the first column.
        return cursor.somewhereBefore()
      case 'J':
        if (first !== 1) this.erased = true
        return cursor.unsettle()
      case '@':
      case 'K':
      case 'P':
      case 'S':
      case 'T':
      case 'X':
        return cursor.unsettle()
      case 'b':
        return this.#repeat(count, last)
      case 'g':
        return cursor.tabsChanged(true)
      case 'h':
      case 'l':
        if (this.#includes(20, length)) cursor.newLine = final === 'h'
        return
      case 'r':
        return this.#setMargins(count, second)
      case 's':
        return this.#sideMargins ? cursor.home() : this.saved.save()
      case 'u':
        return this.#restore()
    }
  }

  #setMargins(top: number, bottom: number): void {
    const { rows } = this.size
    const last = bottom === 0 ? rows : Math.min(bottom, rows)
    // What is none here is one in a terminal of more rows.
    if (top >= last) this.instead = this.hasLine ? '' : undefined
    else {
      this.cursor.setMargins(top - 1, last - 1)
      if (this.hasLine && last !== bottom) this.instead = this.arrangement.margins()
    }
  }

  #repeat(count: number, last: number | undefined): void {
    // Some terminals repeat what was printed before other sequences too.
    if (last === undefined || count > mostRepeated) return this.cursor.lost()
    const below = this.hasLine && this.cursor.isBelow
    if (below) this.rebuilt = ''
    for (let times = count; times > 0; times -= 1) this.#print(last)
    if (below) this.instead = this.rebuilt
    this.rebuilt = undefined
    this.#last = undefined
  }

  #withIntermediates(sequence: string, first: number): void {
    const { cursor } = this
    switch (sequence) {
      case '!p':
        cursor.softReset()
        this.#synchronized = false
        if (this.hasLine) this.after = this.saved.keeping(this.arrangement.margins())
        return
      case '"q':
        cursor.protects = first === 1
        return
      case '#}':
      case '#q':
        cursor.pen.known = false
        return
      case '$x':
      case '$z':
      case '${':
      case '$v':
        this.erased = true
        return
      case ' @':
      case ' A':
      case "'}":
      case "'~":
        return cursor.unsettle()
    }
  }

  #includes(number: number, length: number): boolean {
    for (let index = 0; index < length; index += 1) if (this.numbers[index] === number) return true
    return false
  }

  #private(final: string, length: number): void {
    const { cursor } = this
    switch (final) {
      case 'h':
      case 'l':
        for (let index = 0; index < length; index += 1) this.#setMode(this.numbers[index] ?? 0, final === 'h')
        return
      case 'J':
        this.erased = true
        return cursor.unsettle()
      case 'K':
        return cursor.unsettle()
      case 'W':
        return cursor.tabsChanged(!this.#includes(5, length))
      // Modes as they were once.
      case 'r':
        cursor.doubtful = true
    }
  }

  #setMode(mode: number, on: boolean): void {
    const { cursor } = this
    switch (mode) {
      // Columns: ignored, or everything is erased, or reset; where the window changes, that is heard of.
      case 3:
        this.erased = true
        cursor.somewhereBefore()
        if (cursor.row !== 0) cursor.row = undefined
        if (this.hasLine) this.after += this.saved.keeping(this.arrangement.margins())
        return
      case 6:
        cursor.origin = on
        return cursor.home()
      case 7:
        cursor.autowrap = on
        cursor.autowrapIsSure = true
        return
      case 45:
        cursor.reverseWrap = on
        return
      case 69:
        this.#sideMargins = cursor.doubtful = on
        return
      case 2026:
        this.#synchronized = on
        return
      case 1016:
        this.pixels = on
        return
      case 1048:
        if (on) this.saved.save()
        else this.after += this.saved.restore()
        return
      case 1049:
        if (on) this.saved.save()
        this.#switch(on, !on)
        if (!on) this.after += this.saved.restore()
        return
      case 47:
      case 1047:
        this.#switch(on, false)
    }
  }

  #switch(alternate: boolean, restored: boolean): void {
    if (alternate !== this.cursor.onAlternate) this.erased = true
    this.after += alternate ? this.arrangement.enterAlternate() : this.arrangement.leaveAlternate(restored)
  }

  command(payload: string): void {
    this.#last = undefined
    const link = /^8;[^;]*;(.*)$/s.exec(payload)
    if (link) this.#linked = link[1] !== ''
    if (payload.startsWith('1337;File')) this.picture()
  }

  /** It may have moved the cursor, and cover anything. */
  picture(): void {
    this.#last = undefined
    this.erased = true
    this.cursor.lost()
  }
}

// A terminal of which the program has all rows but the last: its output passes through here on the way to the terminal, byte for byte, but for the sequences that would reach a row that is not its own. Those are said again
// within the program's rows: margins, places below its last row, and whatever resets margins. What the program then shows is what a terminal of only its rows would show.
// In the last row a line is drawn, where that is known to do no harm: the terminal saves the cursor and restores it. It has one place for that, so what the program had saved there is said out loud when the
// program restores it. Where that cannot be said, where a wrap is due, or in the midst of anything, no line is drawn. No I/O, no clock.
// It is built on this: terminals scroll within margins only, and keep what leaves them at the top of the screen (as apt's progress bar is). The cursor is not tracked by a terminal in here for each byte, because that is slow.

import { TerminalScanner } from '../../core/terminal-scanner.ts'
import type { Rows } from './arrangement.ts'
import { ProgramSequences } from './sequences.ts'

/** Bytes; what is longer is no sequence that is changed here. */
const longestHeld = 512

/** So much of one as tells what it is. */
const longestHead = 16
const strings = /^[\]PX^_]/
/** Sixels, and kitty's graphics. */
const pictures = /^(?:P[\d;]*q|_G)/

/** Of the terminal as it is now: it may have grown already, and we are not told yet. */
const lastRow = '\x1b[9999;1H'
const longestSimple = 64
const finals = Array.from({ length: 0x3f }, (_, index) => String.fromCharCode(0x40 + index))
const commonC1 = /^[DEH[\]\\]/

const ESC = 0x1b
/** First byte of the C1 controls in UTF-8. */
const C1_LEAD = 0xc2

const nothing: Uint8Array = new Uint8Array(0)

export class ShorterScreen {
  readonly #sequences: ProgramSequences
  readonly #scanner: TerminalScanner
  /** A sequence that is half received. `passed`: its beginning is with the terminal already, as it may be long: a string, a picture. */
  #sequence: 'none' | 'held' | 'passed' = 'none'
  #held = nothing
  /** Its first bytes, but for ESC. */
  #head = ''
  /** The first bytes of a character were not passed on, because characters are said again here. */
  #halfCharacter = false

  constructor(size: Rows) {
    this.#sequences = new ProgramSequences(size)
    this.#scanner = new TerminalScanner(this.#sequences)
  }

  get size(): Rows {
    return this.#sequences.size
  }

  get hasLine(): boolean {
    return this.#sequences.hasLine
  }

  /** Nothing is half said in the terminal. */
  get atRest(): boolean {
    return this.#sequence === 'none' ? this.#scanner.atRest || this.#halfCharacter : this.#sequence === 'held'
  }

  /** The line is not on the screen, or not whole. */
  get erased(): boolean {
    return this.#sequences.erased
  }

  /** For a terminal that is cleared, its cursor in the upper left corner. */
  begin(): string {
    return this.hasLine ? `${this.#sequences.arrangement.margins()}\x1b7` : '\x1b7'
  }

  /** For another size of the terminal (`resized`: it has it already) or of the program. Only at rest. */
  fit(size: Rows, resized: boolean): string {
    this.#sequences.erased = true
    return this.#sequences.arrangement.fit(size, resized)
  }

  /** Draws the text in the last row; undefined where that could be seen in the program's rows. */
  draw(text: string): string | undefined {
    const sequences = this.#sequences
    if (!this.hasLine || !this.atRest || !sequences.canDraw) return undefined
    sequences.erased = false
    // Whatever the width of its characters in this terminal: it stays in its row.
    const { autowrap, autowrapIsSure } = sequences.cursor
    const within = autowrap && autowrapIsSure ? `\x1b[?7l${text}\x1b[?7h` : text
    return sequences.saved.keeping(`${lastRow}\x1b(B\x0f\x1b[0m\x1b[2K${within}`)
  }

  /** Over whatever is in the last row, the program's too. */
  cover(text: string): string {
    return this.#sequences.saved.keeping(`${lastRow}${text}`)
  }

  /** The mouse is told in pixels. */
  get pixels(): boolean {
    return this.#sequences.pixels
  }

  /** What is to be written in the place of these bytes: they themselves, where nothing has to change. */
  push(bytes: Uint8Array): Uint8Array {
    const passed = new Passed(bytes)
    let at = 0
    while (at < bytes.length) {
      const introduces = isIntroducer(bytes, at)
      if (!introduces && this.#sequence === 'none') {
        at = this.#text(bytes, at, passed)
        continue
      }
      const start = at
      if (introduces) {
        if (this.#sequence !== 'none') this.#end(passed, start, start)
        if (this.#halfCharacter) passed.replace(at, at, Buffer.from('\ufffd'))
        this.#halfCharacter = false
        const end = this.#scanner.atRest ? this.#simple(bytes, at, passed) : -1
        if (end !== -1) {
          at = end
          continue
        }
        this.#begin()
        this.#scanner.scan(bytes.subarray(at, at + 1))
        at += 1
      }
      const end = nextIntroducer(bytes, at)
      if (at < end) at += this.#scanner.scan(bytes.subarray(at, end), 0, true)
      if (this.#scanner.atRest || at < bytes.length) this.#end(passed, start, at)
      else this.#hold(passed, start)
    }
    return passed.all()
  }

  /** Up to the next sequence. */
  #text(bytes: Uint8Array, from: number, passed: Passed): number {
    const sequences = this.#sequences
    const rebuilds = this.#halfCharacter || (this.hasLine && sequences.cursor.isBelow)
    let at = from
    // The scanner can do this as well, and slower.
    if (!rebuilds && this.#scanner.atRest) {
      for (;;) {
        const start = at
        while (at < bytes.length && isPrintableAscii(bytes[at] as number)) at += 1
        if (at > start) sequences.printAscii(bytes, start, at)
        const byte = bytes[at]
        if (byte === undefined || byte >= 0x20 || byte === ESC) break
        sequences.control(byte)
        at += 1
      }
      if (at === bytes.length || isIntroducer(bytes, at)) return at
    }
    const end = nextIntroducer(bytes, at)
    const text = bytes.subarray(at, end)
    if (!rebuilds) {
      this.#scanner.scan(text)
      return end
    }
    sequences.rebuilt = ''
    this.#scanner.scan(text)
    passed.replace(at, end, Buffer.from(sequences.rebuilt))
    sequences.rebuilt = undefined
    this.#halfCharacter = !this.#scanner.atRest
    return end
  }

  /** A whole control sequence of nothing but numbers, as most are: done with at once. Where it ends, or -1. */
  #simple(bytes: Uint8Array, at: number, passed: Passed): number {
    if (bytes[at] !== ESC || bytes[at + 1] !== 0x5b) return -1
    const sequences = this.#sequences
    const { numbers } = sequences
    const isPrivate = bytes[at + 2] === 0x3f
    let end = at + (isPrivate ? 3 : 2)
    let count = 0
    let number = 0
    let byte = bytes[end] ?? 0
    const isEmpty = byte >= 0x40
    while ((byte >= 0x30 && byte <= 0x39) || byte === 0x3b) {
      if (byte === 0x3b) {
        if (count >= numbers.length - 1) return -1
        numbers[count] = number
        count += 1
        number = 0
      } else number = number * 10 + (byte - 0x30)
      end += 1
      byte = bytes[end] ?? 0
    }
    if (byte < 0x40 || byte >= 0x7f || end - at > longestSimple) return -1
    if (!isEmpty) {
      numbers[count] = number
      count += 1
    }
    sequences.instead = undefined
    sequences.after = ''
    sequences.numbered(isPrivate ? '?' : '', '', finals[byte - 0x40] ?? '', count)
    end += 1
    if (sequences.instead !== undefined) passed.replace(at, end, Buffer.from(sequences.instead + sequences.after))
    else if (sequences.after !== '') passed.replace(end, end, Buffer.from(sequences.after))
    return end
  }

  #begin(): void {
    this.#sequence = 'held'
    this.#head = ''
    const sequences = this.#sequences
    sequences.instead = undefined
    sequences.after = ''
    sequences.inner = ''
    sequences.inSequence = true
  }

  /** At `at`, whole or broken off by the next one; of these bytes it began at `start`. */
  #end(passed: Passed, start: number, at: number): void {
    const sequences = this.#sequences
    const { instead, after, inner } = sequences
    const held = this.#held
    this.#note(passed.bytes, start, at)
    if (instead !== undefined && this.#sequence === 'held') passed.replace(start, at, Buffer.from(inner + instead + after))
    else {
      if (held.length > 0) passed.replace(start, start, held)
      if (after !== '') passed.replace(at, at, Buffer.from(after))
    }
    if (pictures.test(this.#head)) sequences.picture()
    // Few terminals know all of these.
    else if ((held[0] ?? passed.bytes[start]) === C1_LEAD && !commonC1.test(this.#head)) sequences.cursor.lost()
    this.#held = nothing
    this.#sequence = 'none'
    sequences.inSequence = false
  }

  /** The bytes end within it: what may have to be changed is kept back. */
  #hold(passed: Passed, start: number): void {
    const { bytes } = passed
    this.#note(bytes, start, bytes.length)
    if (this.#sequence === 'passed') return
    if (!this.hasLine || strings.test(this.#head) || this.#held.length + bytes.length - start > longestHeld) {
      if (this.#held.length > 0) passed.replace(start, start, this.#held)
      this.#held = nothing
      this.#sequence = 'passed'
      return
    }
    passed.replace(start, bytes.length, nothing)
    this.#held = Buffer.concat([this.#held, bytes.subarray(start)])
  }

  #note(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end && this.#head.length < longestHead; at += 1) {
      const byte = bytes[at] as number
      // A C1 control in its seven-bit form.
      if (byte !== ESC && byte !== C1_LEAD) this.#head += String.fromCharCode(this.#head === '' && byte >= 0x80 ? byte - 0x40 : byte)
    }
  }
}

/** The bytes of one push with what is changed in them. */
class Passed {
  readonly bytes: Uint8Array
  readonly #parts: Uint8Array[] = []
  #from = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  replace(from: number, to: number, by: Uint8Array): void {
    if (from > this.#from) this.#parts.push(this.bytes.subarray(this.#from, from))
    if (by.length > 0) this.#parts.push(by)
    this.#from = to
  }

  all(): Uint8Array {
    if (this.#from === 0 && this.#parts.length === 0) return this.bytes
    if (this.#from < this.bytes.length) this.#parts.push(this.bytes.subarray(this.#from))
    return this.#parts.length === 1 && this.#parts[0] ? this.#parts[0] : Buffer.concat(this.#parts)
  }
}

/** Whether a sequence begins here: ESC, a C1 control, or the first half of one. */
function isIntroducer(bytes: Uint8Array, at: number): boolean {
  const byte = bytes[at]
  if (byte !== C1_LEAD) return byte === ESC
  const next = bytes[at + 1]
  return next === undefined || (next >= 0x80 && next <= 0x9f)
}

const isPrintableAscii = (byte: number): boolean => byte >= 0x20 && byte < 0x7f

function nextIntroducer(bytes: Uint8Array, from: number): number {
  let at = from
  while (at < bytes.length && !isIntroducer(bytes, at)) at += 1
  return at
}

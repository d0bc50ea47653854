// Finds what a program says to its terminal between the text that it shows: operating system commands, control sequences, the bell, the full reset. It looks at no byte of plain
// text (native searches do), and keeps at most one sequence. Where the bytes were cut into chunks changes nothing. C1 controls are not heard: in UTF-8 they are parts of characters.

/** `end`: offset of the first byte after it. Bytes are valid during the call only. */
export interface SequenceListener {
  bell(end: number): void
  /** RIS. */
  reset(end: number): void
  /** CSI with its parameters, intermediates and final, for example `?6n`. Only finals in which questions end. */
  controlSequence(sequence: string, end: number): void
  /** OSC without its introducer and terminator. */
  command(payload: Uint8Array, terminator: 'BEL' | 'ST', end: number): void
}

/** Bytes from ESC to the terminator, both included. What is longer tells nobody. */
export const longestSequence = 4096
const longestControl = 64

/** `command`: one that is too long. `string`: DCS, SOS, PM, APC. Nothing of either is kept. */
export type Skipped = 'command' | 'string'

/** From where on the bytes have to be read again, and what they are in the midst of there. */
export interface SequencePlace {
  readonly at: number
  readonly within?: Skipped
}

/** c: DA. n: DSR. p: DECRQM. q: XTVERSION. Others are far more frequent and mean nothing here. */
const isQuestion = (final: number): boolean => final === 0x63 || final === 0x6e || final === 0x70 || final === 0x71

const BEL = 0x07
const CAN = 0x18
const SUB = 0x1a
const ESC = 0x1b
const backslash = 0x5c

type State = 'ground' | 'escape' | 'control' | 'command' | 'skipped'

/** The next place of one byte in a chunk. Asked for growing places it reads the chunk once, however often it is asked. */
class Next {
  readonly #bytes: Uint8Array
  readonly #byte: number
  #found = -1

  constructor(bytes: Uint8Array, byte: number) {
    this.#bytes = bytes
    this.#byte = byte
  }

  /** The length of the chunk if there is none. */
  from(at: number): number {
    if (this.#found < at) {
      const found = this.#bytes.indexOf(this.#byte, at)
      this.#found = found === -1 ? this.#bytes.length : found
    }
    return this.#found
  }
}

export class SequenceFinder {
  readonly #listener: SequenceListener
  #state: State = 'ground'
  /** Of the next byte. */
  #offset: number
  /** Of the ESC that began the sequence. */
  #start = 0
  /** Of the newest ESC, which may be the end of a command. */
  #escapeAt = 0
  /** What an escape that has begun ends if it is a string terminator. */
  #ends: Skipped | 'nothing' = 'nothing'
  #isKept = false
  #skipped: Skipped = 'string'
  #isPlainEscape = true
  readonly #held = new Uint8Array(longestSequence)
  #length = 0

  constructor(listener: SequenceListener, place: SequencePlace) {
    this.#listener = listener
    this.#offset = place.at
    if (place.within) this.#skip(place.within)
  }

  /** Less than `longestSequence` before the end of what was received. */
  get place(): SequencePlace {
    switch (this.#state) {
      case 'ground':
        return { at: this.#offset }
      case 'skipped':
        return { at: this.#offset, within: this.#skipped }
      case 'escape':
        if (this.#isKept) return { at: this.#start }
        return this.#ends === 'nothing' ? { at: this.#escapeAt } : { at: this.#escapeAt, within: this.#ends }
      default:
        return { at: this.#start }
    }
  }

  /** Bytes that were received already are passed over; after a gap nothing is continued. */
  receive(offset: number, given: Uint8Array): void {
    const bytes = offset < this.#offset ? given.subarray(this.#offset - offset) : given
    if (offset > this.#offset) {
      this.#state = 'ground'
      this.#offset = offset
    }
    if (bytes.length === 0) return
    const base = this.#offset
    const escape = new Next(bytes, ESC)
    const bell = new Next(bytes, BEL)
    const cancel = new Next(bytes, CAN)
    const substitute = new Next(bytes, SUB)
    for (let at = 0; at < bytes.length;) {
      switch (this.#state) {
        case 'ground':
          at = Math.min(escape.from(at), bell.from(at))
          if (at === bytes.length) break
          if (bytes[at] === ESC) this.#escape(base + at, 'nothing')
          else this.#listener.bell(base + at + 1)
          at += 1
          break
        case 'command': {
          const end = Math.min(escape.from(at), bell.from(at), cancel.from(at), substitute.from(at))
          if (base + end - this.#start >= longestSequence) {
            this.#skip('command')
            break
          }
          this.#held.set(bytes.subarray(at, end), this.#length)
          this.#length += end - at
          at = end
          if (at === bytes.length) break
          if (bytes[at] === BEL) this.#commanded('BEL', base + at + 1)
          else if (bytes[at] === ESC) this.#escape(base + at, 'command')
          else this.#state = 'ground'
          at += 1
          break
        }
        case 'skipped': {
          const end = Math.min(escape.from(at), cancel.from(at), substitute.from(at), this.#skipped === 'command' ? bell.from(at) : bytes.length)
          at = end
          if (at === bytes.length) break
          if (bytes[at] === ESC) this.#escape(base + at, this.#skipped)
          else this.#state = 'ground'
          at += 1
          break
        }
        case 'escape':
          this.#inEscape(bytes[at] as number, base + at)
          at += 1
          break
        case 'control':
          while (at < bytes.length && this.#inControl(bytes[at] as number, base + at)) at += 1
          at += 1
          break
      }
    }
    this.#offset = base + bytes.length
  }

  #escape(at: number, ends: Skipped | 'nothing'): void {
    // With its terminator it would be too long.
    this.#isKept = ends === 'command' && this.#state === 'command' && at + 2 - this.#start <= longestSequence
    this.#state = 'escape'
    this.#escapeAt = at
    this.#ends = ends
    this.#isPlainEscape = true
  }

  #skip(what: Skipped): void {
    this.#state = 'skipped'
    this.#skipped = what
  }

  #commanded(terminator: 'BEL' | 'ST', end: number): void {
    this.#state = 'ground'
    this.#listener.command(this.#held.subarray(0, this.#length), terminator, end)
  }

  #begin(state: 'control' | 'command'): void {
    this.#state = state
    this.#start = this.#escapeAt
    this.#length = 0
  }

  #inEscape(byte: number, at: number): void {
    if (byte === ESC) return this.#escape(at, 'nothing')
    if (byte === backslash && this.#isPlainEscape) {
      if (this.#isKept) this.#commanded('ST', at + 1)
      else this.#state = 'ground'
      return
    }
    // It was not the end of anything.
    this.#isKept = false
    this.#ends = 'nothing'
    if (byte < 0x20) return this.#inSequence(byte, at)
    if (byte < 0x30) {
      this.#isPlainEscape = false
      if (at - this.#escapeAt >= longestControl) this.#state = 'ground'
      return
    }
    this.#state = 'ground'
    if (!this.#isPlainEscape) return
    switch (byte) {
      case 0x5b: // [
        return this.#begin('control')
      case 0x5d: // ]
        return this.#begin('command')
      case 0x50: // P
      case 0x58: // X
      case 0x5e: // ^
      case 0x5f: // _
        return this.#skip('string')
      case 0x63: // c
        return this.#listener.reset(at + 1)
    }
  }

  /** Whether the sequence goes on. */
  #inControl(byte: number, at: number): boolean {
    if (byte >= 0x20 && byte < 0x7f && at - this.#start < longestControl) {
      this.#held[this.#length] = byte
      this.#length += 1
      if (byte < 0x40) return true
      this.#state = 'ground'
      if (isQuestion(byte)) this.#listener.controlSequence(String.fromCharCode(...this.#held.subarray(0, this.#length)), at + 1)
    } else if (byte === ESC) this.#escape(at, 'nothing')
    else if (byte < 0x20) this.#inSequence(byte, at)
    else if (byte !== 0x7f || at - this.#start >= longestControl) this.#state = 'ground'
    return this.#state === 'control'
  }

  /** A control in the midst of a sequence is obeyed at once, and the sequence goes on. */
  #inSequence(byte: number, at: number): void {
    if (byte === BEL) this.#listener.bell(at + 1)
    if (byte === CAN || byte === SUB || at - (this.#state === 'control' ? this.#start : this.#escapeAt) >= longestControl) this.#state = 'ground'
  }
}

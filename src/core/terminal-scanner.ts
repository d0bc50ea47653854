// How a terminal reads bytes: UTF-8 first, then the DEC parser (ECMA-48 and what xterm makes of it). It only cuts; what a sequence means is for its listener.
// Byte by byte and without look-ahead, so where the bytes were cut into chunks changes nothing.

export interface ScanListener {
  /** A character to be shown, never a control. Malformed UTF-8 arrives as U+FFFD. */
  print(codePoint: number): void
  /** Several printable ASCII characters: bytes[from, to). */
  printAscii(bytes: Uint8Array, from: number, to: number): void
  /** C0 or DEL, also in the midst of a CSI sequence, as terminals do it. */
  control(code: number): void
  /** ESC, intermediates, final. The C1 controls arrive here as well, in their seven-bit form. */
  escape(intermediates: string, final: string): void
  /** `prefix`: one of < = > ? or nothing. `parameters`: digits, semicolons and colons. */
  controlSequence(prefix: string, parameters: string, intermediates: string, final: string): void
  /** An operating system command with nothing but printable characters in it. Other strings (DCS, APC, PM, SOS) tell nobody. */
  command(payload: string): void
}

/** Characters; what is longer was not meant as a sequence, and is passed over. */
const longestControlSequence = 256
const longestCommand = 4096

type State = 'ground' | 'escape' | 'control-sequence' | 'command' | 'ignored-sequence' | 'ignored-string'

const ESC = 0x1b
const replacement = 0xfffd

export class TerminalScanner {
  readonly #listener: ScanListener
  #state: State = 'ground'
  /** What the current sequence is made of so far. */
  #collected = ''
  /** A command that ends if the escape that has begun is a string terminator. */
  #ending: string | undefined
  /** UTF-8: bytes still to come, the character so far, and the least value that this many bytes may stand for. */
  #missing = 0
  #codePoint = 0
  #least = 0

  constructor(listener: ScanListener) {
    this.#listener = listener
  }

  /** Neither in a sequence nor in a character. */
  get atRest(): boolean {
    return this.#state === 'ground' && this.#missing === 0
  }

  /** Reads bytes from `from`; with `untilRest` it stops as soon as it is at rest. Returns where it stopped. */
  scan(bytes: Uint8Array, from = 0, untilRest = false): number {
    let at = from
    while (at < bytes.length) {
      if (untilRest && this.atRest) return at
      if (this.atRest) {
        const start = at
        while (at < bytes.length && isPrintableAscii(bytes[at] as number)) at += 1
        if (at > start) this.#listener.printAscii(bytes, start, at)
        if (at === bytes.length) return at
      }
      this.#byte(bytes[at] as number)
      at += 1
    }
    return at
  }

  /** No more bytes come: half a character is a malformed one, half a sequence is nothing. */
  end(): void {
    if (this.#missing > 0) {
      this.#missing = 0
      this.#character(replacement)
    }
    this.#enter('ground')
  }

  #byte(byte: number): void {
    if (this.#missing > 0) {
      if ((byte & 0xc0) === 0x80) {
        this.#codePoint = (this.#codePoint << 6) | (byte & 0x3f)
        this.#missing -= 1
        if (this.#missing > 0) return
        const valid = this.#codePoint >= this.#least && this.#codePoint <= 0x10ffff && (this.#codePoint < 0xd800 || this.#codePoint > 0xdfff)
        this.#character(valid ? this.#codePoint : replacement)
        return
      }
      this.#missing = 0
      this.#character(replacement)
    }
    if (byte < 0x80) this.#character(byte)
    else if (byte >= 0xc2 && byte <= 0xdf) this.#lead(1, byte & 0x1f, 0x80)
    else if (byte >= 0xe0 && byte <= 0xef) this.#lead(2, byte & 0x0f, 0x800)
    else if (byte >= 0xf0 && byte <= 0xf4) this.#lead(3, byte & 0x07, 0x10000)
    else this.#character(replacement)
  }

  #lead(missing: number, codePoint: number, least: number): void {
    this.#missing = missing
    this.#codePoint = codePoint
    this.#least = least
  }

  #character(code: number): void {
    if (code === ESC) return this.#beginEscape()
    if (code === 0x18 || code === 0x1a) return this.#enter('ground')
    if (code >= 0x80 && code <= 0x9f) {
      this.#beginEscape()
      return this.#inEscape(code - 0x40)
    }
    switch (this.#state) {
      case 'ground':
        if (code < 0x20 || code === 0x7f) this.#listener.control(code)
        else this.#listener.print(code)
        return
      case 'escape':
        return this.#inEscape(code)
      case 'control-sequence':
        return this.#inControlSequence(code)
      case 'ignored-sequence':
        if (code < 0x20) this.#listener.control(code)
        else if (code > 0x7f) this.#abandon(code)
        else if (code >= 0x40 && code < 0x7f) this.#enter('ground')
        return
      case 'command':
        return this.#inCommand(code)
      case 'ignored-string':
        // Only OSC ends at BEL too, but no other string has one in it, and an end that comes early does no harm here.
        if (code === 0x07) this.#enter('ground')
        return
    }
  }

  #enter(state: State): void {
    this.#state = state
    this.#collected = ''
    this.#ending = undefined
  }

  #beginEscape(): void {
    const ending = this.#state === 'command' ? this.#collected : undefined
    this.#enter('escape')
    this.#ending = ending
  }

  /** A character that no sequence has in it: it was none. */
  #abandon(code: number): void {
    this.#enter('ground')
    this.#listener.print(code)
  }

  #inEscape(code: number): void {
    if (code < 0x20) return this.#listener.control(code)
    if (code >= 0x20 && code <= 0x2f) {
      if (this.#collected.length >= 8) return this.#enter('ignored-sequence')
      this.#collected += String.fromCharCode(code)
      return
    }
    if (code === 0x7f) return
    if (code > 0x7f) return this.#abandon(code)
    const intermediates = this.#collected
    const ending = this.#ending
    this.#enter('ground')
    const final = String.fromCharCode(code)
    if (intermediates !== '') return this.#listener.escape(intermediates, final)
    if (final === '[') return this.#enter('control-sequence')
    if (final === ']') return this.#enter('command')
    if (final === 'P' || final === 'X' || final === '^' || final === '_') return this.#enter('ignored-string')
    if (final !== '\\') this.#listener.escape('', final)
    else if (ending !== undefined) this.#listener.command(ending)
  }

  #inControlSequence(code: number): void {
    if (code < 0x20) return this.#listener.control(code)
    if (code === 0x7f) return
    if (code > 0x7f) return this.#abandon(code)
    if (code < 0x40) {
      if (this.#collected.length >= longestControlSequence) return this.#enter('ignored-sequence')
      this.#collected += String.fromCharCode(code)
      return
    }
    const collected = this.#collected
    this.#enter('ground')
    const parts = /^([<=>?]?)([\d;:]*)([ -/]*)$/.exec(collected)
    if (parts) this.#listener.controlSequence(parts[1] ?? '', parts[2] ?? '', parts[3] ?? '', String.fromCharCode(code))
  }

  #inCommand(code: number): void {
    if (code === 0x07) {
      const payload = this.#collected
      this.#enter('ground')
      return this.#listener.command(payload)
    }
    if (code < 0x20 || code === 0x7f || this.#collected.length >= longestCommand) return this.#enter('ignored-string')
    this.#collected += String.fromCodePoint(code)
  }
}

const isPrintableAscii = (byte: number): boolean => byte >= 0x20 && byte < 0x7f

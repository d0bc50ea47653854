// What may be shown of what others said. `printable` for a text of any origin, `PlainText` for the output of a terminal as lines, `ReplayFilter` for old output that is shown once more.
// Pure. Nothing that leaves here can make a terminal answer, ring, copy, or turn text around.

import { TerminalScanner } from './terminal-scanner.ts'

/** Directions that make text read otherwise than it is (marks, embeddings, overrides, isolates), and the line breaks that only some readers see. */
const isMisleading = (code: number): boolean =>
  (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code === 0x200e || code === 0x200f || code === 0x061c || code === 0x2028 || code === 0x2029

/* oxlint-disable no-control-regex */
const suspicious = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/

// A string without its end loses only its beginning: what follows it may be all that there is to read. A string ends at the first control, so the search is linear.
const sequences = new RegExp(
  [
    String.raw`\r\n`,
    String.raw`(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\0-\x08\x0a-\x1f\x7f-\x9f]*(?:\x07|\x1b\\|\x9c)`,
    String.raw`(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?`,
    String.raw`\x1b[ -/]*[0-~]`,
    String.raw`[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]`,
  ].join('|'),
  'g',
)
/* oxlint-enable no-control-regex */

const replaced = (match: string): string => (match === '\r\n' ? '\n' : match.length === 1 && match !== '\x9b' ? '\ufffd' : '')

/** The text without escape sequences; what is left of controls (but line feed and tab), of characters that turn the direction of reading and of lone surrogates is U+FFFD. CRLF becomes LF. */
export function printable(text: string): string {
  return suspicious.test(text) ? text.replace(sequences, replaced).toWellFormed() : text
}

/** The same in one line: line breaks and tabs are single spaces, the ends are trimmed. */
export const printableLine = (text: string): string =>
  printable(text)
    .replace(/[\n\t]+/g, ' ')
    .trim()

const escapedAs: Readonly<Record<string, string>> = { '\x07': 'a', '\b': 'b', '\t': 't', '\n': 'n', '\v': 'v', '\f': 'f', '\r': 'r', '"': '"', '\\': '\\' }

/** A path as git prints it to people, in one line: with controls, quotes or backslashes in it, in quotes as C has them. One that is in quotes already (`TreePath`) stays as it is. */
export function pathLine(path: string): string {
  // oxlint-disable-next-line no-control-regex
  const special = /[\0-\x1f"\\\x7f]/g
  if (!special.test(path) || /^"(?:[^"\\]|\\[abtnvfr"\\]|\\[0-3][0-7]{2})*"$/.test(path)) return printableLine(path)
  return printableLine(`"${path.replace(special, (one) => `\\${escapedAs[one] ?? one.charCodeAt(0).toString(8).padStart(3, '0')}`)}"`)
}

const BS = 0x08
const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SO = 0x0e
const SI = 0x0f

/** UTF-16 units of a line that are held back because a carriage return or backspace may still take them away. */
const longestHeldLine = 65_536

/** The output of a terminal as text with its own line breaks. Of a line that was written several times over (a progress bar) its last state remains. Cutting changes nothing in total. */
export class PlainText {
  #finished = ''
  #line = ''
  #returned = false
  readonly #scanner = new TerminalScanner({
    print: (codePoint) => this.#add(isMisleading(codePoint) ? '\ufffd' : String.fromCodePoint(codePoint)),
    printAscii: (bytes, from, to) => {
      let text = ''
      for (let at = from; at < to; at += 1) text += String.fromCharCode(bytes[at] as number)
      this.#add(text)
    },
    control: (code) => this.#control(code),
    escape: () => {},
    // Programs that write through a screen of their own (ConPTY, many TUIs) put the cursor forward instead of writing spaces.
    controlSequence: (prefix, parameters, intermediates, final) => {
      if (final === 'C' && prefix === '' && intermediates === '' && !this.#returned) this.#add(' '.repeat(Math.min(Number.parseInt(parameters, 10) || 1, 200)))
    },
    command: () => {},
  })

  /** Text that no later output can change: whole lines, and the beginning of a line that is longer than any screen. */
  push(bytes: Uint8Array): string {
    this.#scanner.scan(bytes)
    return this.#take()
  }

  /** What is left of the last line. */
  end(): string {
    this.#scanner.end()
    const rest = this.#take() + this.#line
    this.#line = ''
    this.#returned = false
    return rest
  }

  #take(): string {
    const finished = this.#finished
    this.#finished = ''
    return finished
  }

  #add(text: string): void {
    if (this.#returned) {
      this.#line = ''
      this.#returned = false
    }
    this.#line += text
    while (this.#line.length > longestHeldLine) {
      // One place for the cut, whatever the chunks are; never between two surrogates.
      const cut = (this.#line.charCodeAt(longestHeldLine - 1) & 0xfc00) === 0xd800 ? longestHeldLine - 1 : longestHeldLine
      this.#finished += this.#line.slice(0, cut)
      this.#line = this.#line.slice(cut)
    }
  }

  #control(code: number): void {
    if (code === LF) {
      this.#finished += `${this.#line}\n`
      this.#line = ''
      this.#returned = false
    } else if (code === CR) this.#returned = true
    else if (code === TAB) this.#add('\t')
    else if (code === BS && !this.#returned) this.#line = this.#line.slice(0, (this.#line.charCodeAt(this.#line.length - 1) & 0xfc00) === 0xdc00 ? -2 : -1)
  }
}

/** The whole of a piece of output as text. */
export function plainText(bytes: Uint8Array): string {
  const plain = new PlainText()
  return plain.push(bytes) + plain.end()
}

/**
 * For output that a terminal shows again: only what draws passes, so that no terminal answers a question that was asked long ago (the program would take the answer for typing), rings, or copies.
 *
 * Only whole sequences pass, in a canonical form, so the terminal behind it is never left within one. At the place where old bytes end and live ones begin the filter itself may be within a
 * sequence or a character. Its rest must not be written raw: it would be garbage, or, behind other bytes, a new sequence. So live bytes go through `pushUntilRest` until the filter is at rest,
 * and the remainder and everything after it raw. A question that began in the old bytes and ends in the live ones is dropped with them.
 */
export class ReplayFilter {
  #out: number[] = []
  readonly #scanner = new TerminalScanner({
    print: (codePoint) => appendUtf8(this.#out, codePoint),
    printAscii: (bytes, from, to) => {
      for (let at = from; at < to; at += 1) this.#out.push(bytes[at] as number)
    },
    control: (code) => {
      if (code === BS || code === TAB || code === LF || code === CR || code === SO || code === SI) this.#out.push(code)
    },
    escape: (intermediates, final) => this.#escape(intermediates, final),
    controlSequence: (prefix, parameters, intermediates, final) => {
      const kept = replayedParameters(prefix, parameters, intermediates, final)
      if (kept !== undefined) this.#write(`\x1b[${prefix}${kept}${intermediates}${final}`)
    },
    command: (payload) => {
      if (/^(?:[0128]|133);/.test(payload)) this.#write(`\x1b]${payload}\x1b\\`)
    },
  })

  get inSequence(): boolean {
    return !this.#scanner.atRest
  }

  push(bytes: Uint8Array): Uint8Array {
    this.#scanner.scan(bytes)
    return this.#take()
  }

  /** Takes only as many of the bytes as bring it to rest; `consumed` of them are done with. */
  pushUntilRest(bytes: Uint8Array): { readonly bytes: Uint8Array; readonly consumed: number } {
    const consumed = this.#scanner.scan(bytes, 0, true)
    return { bytes: this.#take(), consumed }
  }

  #take(): Uint8Array {
    const bytes = Uint8Array.from(this.#out)
    this.#out = []
    return bytes
  }

  #write(text: string): void {
    for (const character of text) appendUtf8(this.#out, character.codePointAt(0) as number)
  }

  #escape(intermediates: string, final: string): void {
    // 7 8 cursor; D E H M lines and tab stops; 6 9 columns; = > keypad; n o | } ~ character sets.
    if (intermediates === '' && '78DEHM69=>no|}~'.includes(final)) this.#write(`\x1b${final}`)
    // A full reset also takes the user's scrollback with it in some terminals.
    else if (intermediates === '' && final === 'c') this.#write('\x1b[?1049l\x1b[!p\x1b[H\x1b[2J')
    else if (/^[()*+\-./][ -/]?$/.test(intermediates) && final >= '0') this.#write(`\x1b${intermediates}${final}`)
    // Lines of double height and width.
    else if (intermediates === '#' && '3456'.includes(final)) this.#write(`\x1b#${final}`)
  }
}

/** Of ECMA-48: insert (4), new line (20). Not 2, which locks the keyboard. */
const replayedModes: ReadonlySet<string> = new Set(['4', '20'])

/**
 * Of DEC and xterm. Not among them, because a terminal answers or reports at once when they are set: 1004 (focus; tmux), 2031 (colours), 2048 (size).
 * Nor 3 (132 columns: changes the window), 2026 (would hold back the screen until the program ends it).
 */
const replayedPrivateModes: ReadonlySet<string> = new Set('1 5 6 7 8 9 12 25 45 47 66 69 1000 1002 1003 1005 1006 1007 1015 1016 1047 1048 1049 2004 2027'.split(' '))

/** Cursor movement, erase, insert, delete, scroll, margins, tab stops, cursor save and restore: final characters of sequences without prefix and intermediates. Repeat (b) is bounded below. */
const replayedFinals = '@ABCDEFGHIJKLMPSTXZ`abdefgrsu'

/** The parameters with which the sequence passes, or nothing. */
function replayedParameters(prefix: string, parameters: string, intermediates: string, final: string): string | undefined {
  // Some parsers spend minutes on a repeat count of 2,147,483,647.
  if (/\d{6}/.test(parameters)) return undefined
  const count = parameters === '' ? 0 : parameters.split(';').length
  if (intermediates !== '') {
    if (prefix !== '') return undefined
    const known = (intermediates === ' ' && '@Aq'.includes(final)) || (intermediates === "'" && '}~'.includes(final)) || (intermediates === '!' && final === 'p')
    return known ? parameters : undefined
  }
  if (final === 'h' || final === 'l') {
    const known = prefix === '' ? replayedModes : prefix === '?' ? replayedPrivateModes : undefined
    const kept = parameters.split(';').filter((mode) => known?.has(mode))
    return kept.length > 0 ? kept.join(';') : undefined
  }
  if (prefix === '?') return final === 'J' || final === 'K' || (final === 'W' && parameters === '5') ? parameters : undefined
  if (prefix !== '') return undefined
  switch (final) {
    case 'm':
      return parameters
    case 'J':
      // 3 erases the scrollback, which is the user's.
      return /^[012]?$/.test(parameters) ? parameters : undefined
    case 'T':
      // With five parameters it starts a way of mouse tracking that waits for the program.
      return count <= 1 ? parameters : undefined
    case 'b':
      return Number(parameters) <= 1000 ? parameters : undefined
    default:
      return replayedFinals.includes(final) && !parameters.includes(':') ? parameters : undefined
  }
}

function appendUtf8(bytes: number[], code: number): void {
  if (code < 0x80) bytes.push(code)
  else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f))
  else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f))
  else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f))
}

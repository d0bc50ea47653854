// The user's terminal, as pi-tui draws on it: raw input cut into keys and pastes, output as it comes. Owns the terminal's modes from `start` to `stop`; the screen itself is of whoever draws.
// Takes bytes and leaves the streams as they were, so that another one (a raw terminal session, an editor) can use them in between.

import { StringDecoder } from 'node:string_decoder'
import { StdinBuffer, type Terminal, setKittyProtocolActive } from '@earendil-works/pi-tui'
import { printableLine } from '../core/terminal-text.ts'

export interface KeyInput {
  readonly isTTY?: boolean
  setRawMode?(raw: boolean): unknown
  on(event: 'data', listener: (bytes: Buffer | string) => void): unknown
  on(event: 'end' | 'close', listener: () => void): unknown
  off(event: 'data', listener: (bytes: Buffer | string) => void): unknown
  off(event: 'end' | 'close', listener: () => void): unknown
  resume(): unknown
  pause(): unknown
}

export interface CellOutput {
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
  on(event: 'resize', listener: () => void): unknown
  off(event: 'resize', listener: () => void): unknown
}

/** A lone Escape is known as such after this time without another byte. Over a network the bytes of one key may come apart. */
const escapeAfterMs = 25
const escapeAfterMsRemote = 100

// https://sw.kovidgoyal.net/kitty/keyboard-protocol: disambiguate, asked for and then asked about; a terminal that does not know it ignores both. Its answer has the form of a private CSI u.
const pushKeyboard = '\x1b[>1u\x1b[?u'
const popKeyboard = '\x1b[<u'
// oxlint-disable-next-line no-control-regex
const keyboardReport = /^\x1b\[\?(\d+)u$/
/** Pressed twice in one moment, or Alt with Escape, which nobody means: the library takes it for one key. */
const escape = '\x1b'
const twoEscapes = escape + escape
const pasteOn = '\x1b[?2004h'
const pasteOff = '\x1b[?2004l'
// https://invisible-island.net/xterm/ctlseqs: the title is pushed and popped.
const pushTitle = '\x1b[22;2t'
const popTitle = '\x1b[23;2t'
// The same: mode 1004, which pi-tui switches on with the mouse.
const focusIn = '\x1b[I'
const focusOut = '\x1b[O'

/** Consoles know neither titles nor the keyboard protocol: some of them print what they are told of either. */
export const isConsole = (term: string | undefined): boolean => term === undefined || /^(?:|dumb|linux|cons\d+|vt\d+|sun)(?:-|$)/.test(term)

export class UserTerminal implements Terminal {
  readonly #input: KeyInput
  readonly #output: CellOutput
  readonly #onGone: () => void
  readonly #remote: boolean
  readonly #isConsole: boolean
  readonly #onFocus: (focused: boolean) => void
  #stop: (() => void) | undefined
  #kitty = false

  /** `gone`: the terminal was closed. `focused`: it is the one that is typed into, or not any more; only of terminals that tell it. */
  constructor(parts: {
    readonly input: KeyInput
    readonly output: CellOutput
    readonly remote: boolean
    readonly console: boolean
    readonly gone: () => void
    readonly focused: (focused: boolean) => void
  }) {
    this.#input = parts.input
    this.#output = parts.output
    this.#remote = parts.remote
    this.#isConsole = parts.console
    this.#onGone = parts.gone
    this.#onFocus = parts.focused
  }

  start(onInput: (data: string) => void, onResize: () => void): void {
    const input = this.#input
    const output = this.#output
    const keys = new StdinBuffer({ escapeTimeout: this.#remote ? escapeAfterMsRemote : escapeAfterMs })
    let half = ''
    keys.on('data', (unit) => {
      // The library cuts plain text into UTF-16 units.
      if (/^[\ud800-\udbff]$/.test(unit)) return void (half = unit)
      const sequence = half + unit
      half = ''
      const report = keyboardReport.exec(sequence)
      if (sequence === twoEscapes) {
        onInput(escape)
        return onInput(escape)
      }
      if (sequence === focusIn || sequence === focusOut) this.#onFocus(sequence === focusIn)
      if (!report) return onInput(sequence)
      this.#kitty = report[1] !== '0'
      setKittyProtocolActive(this.#kitty)
    })
    keys.on('paste', (content) => onInput(`\x1b[200~${content}\x1b[201~`))
    const decoder = new StringDecoder('utf8')
    const read = (bytes: Buffer | string): void => {
      const text = typeof bytes === 'string' ? bytes : decoder.write(bytes)
      if (text !== '') keys.process(text)
    }
    input.setRawMode?.(true)
    input.on('data', read)
    input.on('end', this.#onGone)
    input.on('close', this.#onGone)
    input.resume()
    output.on('resize', onResize)
    output.write(this.#isConsole ? pasteOn : pasteOn + pushKeyboard)
    this.#stop = () => {
      input.off('data', read)
      input.off('end', this.#onGone)
      input.off('close', this.#onGone)
      output.off('resize', onResize)
      keys.destroy()
      output.write(this.#isConsole ? pasteOff : popKeyboard + pasteOff)
      input.pause()
      input.setRawMode?.(false)
    }
  }

  stop(): void {
    this.#stop?.()
    this.#stop = undefined
    if (this.#kitty) setKittyProtocolActive(false)
    this.#kitty = false
  }

  async drainInput(): Promise<void> {}

  write(data: string): void {
    this.#output.write(data)
  }

  get columns(): number {
    return this.#output.columns || 80
  }

  get rows(): number {
    return this.#output.rows || 24
  }

  get kittyProtocolActive(): boolean {
    return this.#kitty
  }

  moveBy(lines: number): void {
    if (lines !== 0) this.write(lines > 0 ? `\x1b[${lines}B` : `\x1b[${-lines}A`)
  }

  hideCursor(): void {
    this.write('\x1b[?25l')
  }

  showCursor(): void {
    this.write('\x1b[?25h')
  }

  clearLine(): void {
    this.write('\x1b[K')
  }

  clearFromCursor(): void {
    this.write('\x1b[J')
  }

  clearScreen(): void {
    this.write('\x1b[2J\x1b[H')
  }

  setTitle(title: string): void {
    if (!this.#isConsole) this.write(`\x1b]2;${printableLine(title)}\x1b\\`)
  }

  /** The shell's own. */
  keepTitle(): void {
    if (!this.#isConsole) this.write(pushTitle)
  }

  giveTitleBack(): void {
    if (!this.#isConsole) this.write(popTitle)
  }

  setProgress(): void {}
}

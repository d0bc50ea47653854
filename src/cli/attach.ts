// A terminal session in the user's own terminal, raw: what the program prints goes there as it is, what is typed goes to the program at once, but for the prefix key.
// What it shows first is the screen as the daemon knows it, or, without one, the end of the log.
// It owns the user's terminal from the call to its end and leaves it as a shell can use it, whatever the program had switched on. It does not own the connection.

import type { Screen } from '../core/api.ts'
import type { TerminalSize } from '../core/events.ts'
import { QueryFilter } from '../core/terminal-queries.ts'
import { ReplayFilter } from '../core/terminal-text.ts'
import { PrefixKeys } from './prefix-keys.ts'
import { type LineSource, StatusLine } from './status-line/status-line.ts'
import { reportsWithin } from './status-line/reports.ts'
import { keysText } from './status-line/text.ts'

export type AttachExit = { readonly kind: 'code'; readonly code: number } | { readonly kind: 'signal'; readonly signal: number }

/** From this byte of the output on, this terminal (`newest`) or another one that is attached answers. */
export interface Attended {
  readonly from: number
  readonly newest: boolean
}

/** What is needed of a connection to the keeper. It must not have been read before. */
export interface AttachConnection {
  readonly hello: { readonly ends: { readonly out: number }; readonly exit?: AttachExit; readonly attends?: boolean }
  /** After all output was handed over; undefined when the connection ended first. */
  readonly exited: Promise<{ readonly exit: AttachExit } | undefined>
  read(stream: 'out', from: number, onOutput: (output: { readonly offset: number; readonly bytes: Uint8Array }) => void): void
  input(input: { readonly lane: 0; readonly id: number; readonly bytes: Uint8Array }): Promise<unknown>
  resize(size: { readonly cols: number; readonly rows: number }): void
  /** The program's, which another terminal may have changed. */
  readonly size?: { readonly cols: number; readonly rows: number }
  /** This terminal is there to answer what the program asks; the listener is told from where on, before any byte from there on. Where `hello.attends` is not true nobody says so. */
  attend?(on: boolean): void
  onAttended?(listener: (attended: Attended) => void): void
  readonly closed?: Promise<void>
  pause(): void
  resume(): void
}

export interface AttachInput {
  readonly isTTY?: boolean
  readonly isRaw?: boolean
  setRawMode?(raw: boolean): unknown
  on(event: 'data', listener: (bytes: Buffer) => void): unknown
  on(event: 'end' | 'close' | 'error', listener: () => void): unknown
  off(event: 'data', listener: (bytes: Buffer) => void): unknown
  off(event: 'end' | 'close' | 'error', listener: () => void): unknown
  resume(): unknown
  pause(): unknown
  unshift(bytes: Uint8Array): void
}

export interface AttachOutput {
  readonly columns?: number
  readonly rows?: number
  /** False: full, until `drain`. */
  write(bytes: Uint8Array | string, written?: () => void): boolean
  on(event: 'drain' | 'resize' | 'close' | 'error', listener: () => void): unknown
  off(event: 'drain' | 'resize' | 'close' | 'error', listener: () => void): unknown
}

/** Where the ends of a process are told: `process`, or a stand-in. */
export interface AttachSignals {
  on(event: AttachSignal, listener: () => void): unknown
  off(event: AttachSignal, listener: () => void): unknown
}

type AttachSignal = 'SIGHUP' | 'SIGTERM' | 'SIGINT' | 'exit'

export interface AttachOptions {
  readonly connection: AttachConnection
  readonly input: AttachInput
  readonly output: AttachOutput
  readonly signals: AttachSignals
  /** What the program's terminal of this size shows (none given: of its own), if somebody knows. */
  readonly screen?: (size: TerminalSize | undefined) => Promise<Screen | undefined>
  /** Nothing typed reaches the program, and its size stays. */
  readonly readOnly?: boolean
  /** A control character, 1 to 31. Default: Ctrl-\. */
  readonly prefix?: number
  /** Characters that leave when typed after the prefix. Default: d. Taken are `?`, which shows them, and with a line `h`, which hides and shows it. */
  readonly keys?: readonly { readonly key: string; readonly also?: string; readonly does: string }[]
  /** A line below the program, which has a row less. Default: none, the program has every row. */
  readonly line?: LineSource
}

export type AttachEnd =
  /** By this key of `keys`; null when the terminal went away, or the signal told to leave. */
  | { readonly kind: 'detached'; readonly key: string | null }
  | { readonly kind: 'exited'; readonly exit: AttachExit }
  /** The keeper is gone, or does not speak to us any more. */
  | { readonly kind: 'lost' }

export const defaultPrefix = 0x1c

interface Old {
  readonly parts: Uint8Array[]
  /** Offset of the first byte that is shown as it is. */
  readonly until: number
  readonly shown: (all: Uint8Array) => Uint8Array
}

const replayBytes = 64 * 1024
/** A program without line ends paints a screen: then the replay begins with a sequence. */
const lineWithinBytes = 8 * 1024
/** Two sizes that follow each other at once are one change to a program, or none. */
const nudgeAfterMs = 50
/** A terminal that does not take the last bytes is not waited for. */
const leaveWithinMs = 50

const LF = 0x0a
const ESC = 0x1b

/** Everything that programs switch on, off. CAN and ST first: the last bytes may have been half a sequence. */
export const terminalReset = [
  '\x18\x1b\\',
  // Keyboard: kitty's flags (each screen has its own), modifyOtherKeys, cursor keys, keypad.
  '\x1b[<99u\x1b[?1049l\x1b[?1047l\x1b[?47l\x1b[<99u\x1b[>4m\x1b[?1l\x1b[?66l\x1b>',
  // Mouse, focus, paste, reports of colours and size, held output.
  ...[9, 1000, 1001, 1002, 1003, 1005, 1006, 1015, 1016, 1004, 2004, 2031, 2048, 2026].map((mode) => `\x1b[?${mode}l`),
  // Reverse screen, origin, margins, insert; wrapping and the cursor are on.
  '\x1b[?5l\x1b[?6l\x1b[?69l\x1b[4l\x1b[20l\x1b[?7h\x1b[?25h\x1b[0 q\x1b[r',
  // Character set, link, colours and those that were given new values, title.
  '\x1b(B\x0f\x1b]8;;\x1b\\\x1b[0m\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\\x1b[23;0t',
  // Leaving the other screen puts the cursor where it once was: below everything is a place that is always free.
  '\x1b[999;1H\r\n',
].join('')

/** Resolves when the terminal is the user's again. `signal` leaves as a terminal that went away does. Never rejects. */
export function attach(options: AttachOptions, signal: AbortSignal): Promise<AttachEnd> {
  const attachment = new Attachment(options)
  return attachment.run(signal)
}

class Attachment {
  readonly #connection: AttachConnection
  readonly #input: AttachInput
  readonly #output: AttachOutput
  readonly #signals: AttachSignals
  readonly #typed: PrefixKeys
  readonly #keys: NonNullable<AttachOptions['keys']>
  readonly #line: StatusLine | undefined
  readonly #prefixName: string
  readonly #options: AttachOptions
  readonly #filter = new ReplayFilter()
  /** What holds now, and what will from later bytes on. */
  #answers: Attended[] = []
  readonly #others = new QueryFilter()
  /** What is shown before live output, until all of it is here. */
  #old: Old | undefined
  readonly #ended = Promise.withResolvers<AttachEnd>()
  #left = false
  #waitsForDrain = false
  #nudge: NodeJS.Timeout | undefined

  constructor(options: AttachOptions) {
    this.#connection = options.connection
    this.#input = options.input
    this.#output = options.output
    this.#signals = options.signals
    const prefix = options.prefix ?? defaultPrefix
    this.#typed = new PrefixKeys(prefix)
    this.#keys = options.keys ?? [{ key: 'd', does: 'leaves it running' }]
    this.#prefixName = `Ctrl-${String.fromCharCode(prefix + 0x40)}`
    this.#options = options
    const { line } = options
    this.#line = line && new StatusLine({ source: line, prefix: this.#prefixName, write: (text) => this.#write(text), takes: () => !this.#waitsForDrain })
  }

  async run(signal: AbortSignal): Promise<AttachEnd> {
    const input = this.#input
    const output = this.#output
    const wasRaw = input.isRaw ?? false
    const onData = (bytes: Buffer): void => this.#type(bytes)
    const onGone = (): void => this.#ended.resolve({ kind: 'detached', key: null })
    const onDrain = (): void => this.#drained()
    const onResize = (): void => this.#sized(true)
    // A program that ends without us, by a defect, must not leave the terminal in the state of another one.
    const onProcessExit = (): void => void output.write(this.#reset)
    const ways = ['end', 'close', 'error'] as const
    const ends = ['SIGHUP', 'SIGTERM', 'SIGINT'] as const
    for (const way of ways) input.on(way, onGone)
    for (const end of ends) this.#signals.on(end, onGone)
    this.#signals.on('exit', onProcessExit)
    signal.addEventListener('abort', onGone, { once: true })
    output.on('close', onGone)
    output.on('error', onGone)
    output.on('drain', onDrain)
    output.on('resize', onResize)
    try {
      if (signal.aborted) return { kind: 'detached', key: null }
      if (input.isTTY) input.setRawMode?.(true)
      input.on('data', onData)
      input.resume()
      if (this.#options.screen) void this.#begin(this.#options.screen).catch(onGone)
      else this.#replay()
      return await this.#ended.promise
    } finally {
      this.#left = true
      if (this.#nudge) this.#sized(false)
      if (this.#waitsForDrain) this.#connection.resume()
      output.off('drain', onDrain)
      output.off('resize', onResize)
      input.off('data', onData)
      input.pause()
      await this.#restore()
      if (input.isTTY) ignoreGone(() => input.setRawMode?.(wasRaw))
      for (const way of ways) input.off(way, onGone)
      for (const end of ends) this.#signals.off(end, onGone)
      this.#signals.off('exit', onProcessExit)
      signal.removeEventListener('abort', onGone)
      output.off('close', onGone)
      // The error of a terminal that is gone may still be on its way.
      setImmediate(() => output.off('error', onGone))
    }
  }

  async #begin(screenFor: NonNullable<AttachOptions['screen']>): Promise<void> {
    const connection = this.#connection
    const over = connection.hello.exit !== undefined
    const readOnly = this.#options.readOnly ?? false
    if (!over && !readOnly) connection.resize(this.#size())
    const { cols: columns, rows } = this.#size()
    const screen = await screenFor(readOnly ? undefined : { columns, rows })
    if (this.#left) return
    if (!screen) return this.#replay()
    // After the screen, so that no question lies between it and the offset from which this terminal answers.
    const answersFrom = over || readOnly ? undefined : await this.#attend()
    if (this.#left) return
    const until = answersFrom ?? screen.offset
    this.#clear()
    this.#read(screen.offset, { parts: [screen.bytes], until, shown: withoutQuestions })
  }

  #attend(): Promise<number | undefined> {
    const connection = this.#connection
    if (!connection.hello.attends) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      connection.onAttended?.((attended) => {
        this.#answers.push(attended)
        resolve(attended.from)
      })
      connection.attend?.(true)
      void connection.closed?.then(() => resolve(undefined))
    })
  }

  /** The end of the log, as far as it draws. */
  #replay(): void {
    const { ends, exit } = this.#connection.hello
    const from = Math.max(0, ends.out - replayBytes)
    this.#clear()
    this.#read(from, { parts: [], until: ends.out, shown: (old) => this.#drawn(old.subarray(from === 0 ? 0 : firstWhole(old))) })
    if (exit || this.#options.readOnly) return
    const size = this.#size()
    // A full-screen program repaints when its size changes. Two changes, because the same size again is none, and because one that comes at a bad moment is lost (less, while it starts).
    this.#connection.resize({ cols: size.cols, rows: size.rows > 1 ? size.rows - 1 : 2 })
    this.#nudge = setTimeout(() => this.#sized(false), nudgeAfterMs)
  }

  #read(from: number, old: Old): void {
    this.#old = old
    this.#connection.read('out', from, ({ offset, bytes }) => this.#receive(offset, bytes))
    if (old.until === from) this.#showOld()
    void this.#connection.exited.then((end) => {
      this.#showOld()
      this.#ended.resolve(end ? { kind: 'exited', exit: end.exit } : { kind: 'lost' })
    })
  }

  #terminal(): { cols: number; rows: number } {
    return { cols: this.#output.columns || 80, rows: this.#output.rows || 24 }
  }

  /** That the program is to have. */
  #size(): { cols: number; rows: number } {
    const { cols, rows } = this.#terminal()
    return { cols, rows: this.#line?.rowsOf(rows) ?? rows }
  }

  /** That it has; another terminal may have given it. */
  #rowsNow(): number {
    return this.#nudge ? this.#size().rows : (this.#connection.size?.rows ?? this.#size().rows)
  }

  #sized(terminal: boolean): void {
    clearTimeout(this.#nudge)
    this.#nudge = undefined
    if (!this.#options.readOnly) this.#connection.resize(this.#size())
    this.#line?.arrange(this.#rowsNow(), this.#terminal(), terminal)
  }

  /** Who types has the size: another terminal may have come, or grown, since. */
  #claimSize(): void {
    const { size } = this.#connection
    const own = this.#size()
    if (size && !this.#nudge && (size.cols !== own.cols || size.rows !== own.rows)) this.#sized(false)
  }

  #type(bytes: Uint8Array): void {
    for (const typed of this.#typed.push(bytes)) {
      if (typed.kind === 'bytes') {
        if (this.#options.readOnly) continue
        this.#claimSize()
        // What the keeper did not take before it went is told by `exited`.
        const screen = this.#line?.present ? this.#line.screen : undefined
        const meant = screen ? reportsWithin(typed.bytes, { rows: screen.size.rows, all: screen.size.all, pixels: screen.pixels }) : typed.bytes
        if (meant.length > 0) void this.#connection.input({ lane: 0, id: 0, bytes: Uint8Array.from(meant) }).catch(() => {})
        continue
      }
      if (typed.key === '?') this.#help()
      else if (typed.key === 'h' && this.#line) {
        this.#line.toggle()
        this.#sized(false)
      }
      const key = this.#keys.find((one) => one.key === typed.key || one.also === typed.key)?.key
      if (key !== undefined) {
        this.#ended.resolve({ kind: 'detached', key })
        // Typed ahead: for whoever reads the terminal next.
        if (typed.rest.length > 0) {
          this.#input.pause()
          this.#input.unshift(typed.rest)
        }
        return
      }
    }
  }

  /** In the place of the line. Without one over whatever is in the last row: the program paints over it when it likes. */
  #help(): void {
    const keys = this.#keys.map(({ key, does }) => [key, does] as const)
    const hides = this.#line ? [['h', this.#line.present ? 'hides this line' : 'shows the line'] as const] : []
    const text = keysText(this.#prefixName, [...keys, ...hides, [this.#prefixName, 'sends itself']])
    if (this.#line?.present) return this.#line.say(text)
    const row = `\x1b[0;7m${text}\x1b[0m\x1b[K`
    this.#write(this.#line?.screen?.cover(row) ?? `\x1b7\x1b[${this.#terminal().rows};1H${row}\x1b8`)
  }

  #receive(offset: number, bytes: Uint8Array): void {
    if (this.#left) return
    this.#line?.arrange(this.#rowsNow(), this.#terminal(), false)
    if (!this.#old) return this.#show(this.#live(offset, bytes))
    const old = Math.max(0, Math.min(bytes.length, this.#old.until - offset))
    if (old > 0) this.#old.parts.push(bytes.slice(0, old))
    if (offset + old < this.#old.until) return
    this.#showOld()
    if (old < bytes.length) this.#show(this.#live(offset + old, bytes.subarray(old)))
  }

  /** Live bytes are the program's own questions too: raw, as soon as nothing of an old sequence is left, unless another terminal answers. */
  #live(offset: number, bytes: Uint8Array): Uint8Array {
    const [now, next] = this.#answers
    if (next && next.from < offset + bytes.length) {
      const cut = Math.max(0, next.from - offset)
      const before = this.#live(offset, bytes.subarray(0, cut))
      this.#answers.shift()
      return Buffer.concat([before, ...(next.newest ? [this.#others.end()] : []), this.#live(offset + cut, bytes.subarray(cut))])
    }
    if (now && !now.newest) return this.#others.push(bytes)
    if (!this.#filter.inSequence) return bytes
    const { bytes: drawn, consumed } = this.#filter.pushUntilRest(bytes)
    return Buffer.concat([drawn, bytes.subarray(consumed)])
  }

  #showOld(): void {
    if (!this.#old) return
    const { parts, shown } = this.#old
    this.#old = undefined
    this.#show(shown(Buffer.concat(parts)))
  }

  #drawn(old: Uint8Array): Uint8Array {
    const drawn = this.#filter.push(old)
    // Margins of a screen of another size would hold everything that follows in a part of this one; a program that still wants them sets them again when it repaints.
    // oxlint-disable-next-line no-control-regex
    return /\x1b\[[\d;]*r/.test(Buffer.from(drawn).toString('latin1')) ? Buffer.concat([drawn, Buffer.from('\x1b7\x1b[r\x1b8')]) : drawn
  }

  #show(bytes: Uint8Array): void {
    if (this.#left || bytes.length === 0) return
    this.#write(this.#line?.pass(bytes) ?? bytes)
  }

  #write(bytes: Uint8Array | string): void {
    if (this.#left || bytes.length === 0 || this.#output.write(typeof bytes === 'string' ? Buffer.from(bytes) : bytes) || this.#waitsForDrain) return
    this.#waitsForDrain = true
    this.#connection.pause()
  }

  #drained(): void {
    if (!this.#waitsForDrain) return
    this.#waitsForDrain = false
    this.#connection.resume()
    this.#line?.wake()
  }

  /** The user's screen goes up into the scrollback first, and the title onto the terminal's stack. */
  #clear(): void {
    this.#output.write(`\x1b[22;0t\x1b[0m\x1b[999;1H${'\n'.repeat(this.#terminal().rows)}\x1b[H\x1b[2J`)
    if (this.#line) this.#write(this.#line.begin(this.#rowsNow(), this.#terminal()))
  }

  /** The line's row is free then. */
  get #reset(): string {
    return this.#line?.present ? `${terminalReset}\x1b[A\x1b[2K` : terminalReset
  }

  #restore(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const deadline = setTimeout(resolve, leaveWithinMs)
    ignoreGone(() => this.#output.write(this.#reset, resolve))
    this.#line?.close()
    return promise.finally(() => clearTimeout(deadline))
  }
}

/** Up to the offset from which this terminal answers, the daemon does. */
function withoutQuestions(old: Uint8Array): Uint8Array {
  const filter = new QueryFilter()
  return Buffer.concat([filter.push(old), filter.end()])
}

/** Where in old output from the middle of a log something whole begins. */
function firstWhole(old: Uint8Array): number {
  const lineEnd = old.subarray(0, lineWithinBytes).indexOf(LF)
  if (lineEnd !== -1) return lineEnd + 1
  return Math.max(0, old.indexOf(ESC))
}

/** A terminal that is gone needs no restoring. */
function ignoreGone(perform: () => unknown): void {
  try {
    perform()
  } catch {
    // EIO, EBADF: there is nothing left to restore.
  }
}

// Both ends of an attachment without a process: the user's terminal and the connection to a keeper.

import { EventEmitter } from 'node:events'
import { type AttachConnection, type AttachEnd, type AttachExit, type Attended, attach, terminalReset } from '../../src/cli/attach.ts'

const never = new AbortController().signal

/** The user's terminal: it shows, answers questions as terminals do, can be slow, resized and closed. */
export class FakeTerminal {
  readonly modes: boolean[] = []
  readonly signals = new EventEmitter()
  shown = ''
  answered = 0
  columns = 100
  rows = 30
  full = false
  broken = false
  unread = ''
  readonly #waiting = new Set<() => void>()
  readonly input = Object.assign(new EventEmitter(), {
    isTTY: true,
    isRaw: false,
    flowing: false,
    setRawMode: (raw: boolean) => {
      this.input.isRaw = raw
      this.modes.push(raw)
    },
    resume: () => (this.input.flowing = true),
    pause: () => (this.input.flowing = false),
    unshift: (bytes: Uint8Array) => (this.unread += Buffer.from(bytes).toString()),
  })
  readonly output = Object.assign(new EventEmitter(), {
    columns: 100,
    rows: 30,
    write: (bytes: Uint8Array | string, written?: () => void) => {
      if (this.broken) {
        queueMicrotask(() => this.output.emit('error', Object.assign(new Error('write EIO'), { code: 'EIO' })))
        return false
      }
      const text = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1')
      this.shown += text
      for (const wake of [...this.#waiting]) wake()
      // oxlint-disable-next-line no-control-regex
      for (const question of text.match(/\x1b\[(?:[>=?]?\d*c|\??[56]n|>0?q|\?u|1[48]t)|\x1bZ|\x05|\x1b\](?:1[0-2]|4;\d+);\?|\x1b\[\?\d+\$p|\x1bP[+$]q|\x1b_G/g) ?? []) {
        this.answered += 1
        this.type(`\x1b[?62;${question.length}c`)
      }
      if (!this.full && written) setImmediate(written)
      return !this.full
    },
  })

  type(text: string): void {
    if (this.input.flowing) this.input.emit('data', Buffer.from(text))
  }

  resize(columns: number, rows: number): void {
    Object.assign(this.output, { columns, rows })
    this.output.emit('resize')
  }

  /** Resolves when the text was shown after `from`. */
  shows(text: string, from = 0): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${JSON.stringify(text)} was not shown, but ${JSON.stringify(this.shown.slice(from))}`)), 10_000)
      const wake = (): void => {
        if (!this.shown.includes(text, from)) return
        this.#waiting.delete(wake)
        clearTimeout(timer)
        resolve()
      }
      this.#waiting.add(wake)
      wake()
    })
  }

  attach(connection: AttachConnection, signal = never): Promise<AttachEnd> {
    return attach({ connection, input: this.input, output: this.output, signals: this.signals }, signal)
  }

  /** What the user sees of the program: between the clearing and the reset. */
  get picture(): string {
    const from = this.shown.indexOf('\x1b[H\x1b[2J') + 7
    const to = this.shown.indexOf(terminalReset)
    return this.shown.slice(from, to === -1 ? undefined : to)
  }

  get listeners(): number {
    return [this.input, this.output, this.signals].reduce((sum, emitter) => sum + emitter.eventNames().reduce((count, name) => count + emitter.listenerCount(name), 0), 0)
  }
}

export class FakeConnection implements AttachConnection {
  readonly hello: { ends: { out: number }; exit?: AttachExit; attends?: boolean }
  readonly typed: string[] = []
  readonly sizes: string[] = []
  readonly flow: string[] = []
  from = -1
  /** Where it says that live output begins, to who attends. */
  answersFrom: number | undefined
  attending = false
  #onAttended: ((attended: Attended) => void) | undefined
  #onOutput: ((output: { offset: number; bytes: Uint8Array }) => void) | undefined
  readonly #exit = Promise.withResolvers<{ exit: AttachExit } | undefined>()
  readonly #log: Buffer

  /** `end` of the log is where the hello said that it was. */
  constructor(log: string | Buffer, end = Buffer.from(log).length) {
    this.#log = Buffer.from(log)
    this.hello = { ends: { out: end } }
  }

  answerFrom(offset: number): void {
    this.hello.attends = true
    this.answersFrom = offset
  }

  get exited(): Promise<{ exit: AttachExit } | undefined> {
    return this.#exit.promise
  }

  read(_: 'out', from: number, onOutput: (output: { offset: number; bytes: Uint8Array }) => void): void {
    this.from = from
    this.#onOutput = onOutput
  }

  /** Everything after what was read, cut where told. */
  serve(...cuts: readonly number[]): void {
    let offset = this.from
    for (const cut of [...cuts, this.#log.length]) {
      this.#onOutput?.({ offset, bytes: this.#log.subarray(offset, cut) })
      offset = cut
    }
  }

  live(text: string, offset = this.#log.length): void {
    this.#onOutput?.({ offset, bytes: Buffer.from(text) })
  }

  liveBytes(bytes: Uint8Array): void {
    this.#onOutput?.({ offset: this.#log.length, bytes })
  }

  exit(exit: AttachExit): void {
    this.#exit.resolve({ exit })
  }

  lose(): void {
    this.#exit.resolve(undefined)
  }

  input({ bytes }: { bytes: Uint8Array }): Promise<unknown> {
    this.typed.push(Buffer.from(bytes).toString())
    return Promise.resolve()
  }

  size: { cols: number; rows: number } | undefined

  resize({ cols, rows }: { cols: number; rows: number }): void {
    if (this.size) this.size = { cols, rows }
    this.sizes.push(`${cols}x${rows}`)
  }

  onAttended(listener: (attended: Attended) => void): void {
    this.#onAttended = listener
  }

  attend(on: boolean): void {
    this.attending = on
    if (this.answersFrom !== undefined) this.say({ from: this.answersFrom, newest: true })
  }

  say(attended: Attended): void {
    this.#onAttended?.(attended)
  }

  pause(): void {
    this.flow.push('pause')
  }

  resume(): void {
    this.flow.push('resume')
  }
}

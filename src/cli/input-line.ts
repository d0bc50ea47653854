// The bottom of the user's terminal: an input line, above it what is being said and done right now. Everything else is printed above for good and scrolls away as usual.
// Node's readline does the editing without an output of its own; what it holds is drawn here. Owns the terminal's raw mode until it is closed.

import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'
import { printableLine } from '../core/terminal-text.ts'
import { type Paint, columnsOf, cut, displayWidth } from '../text/format.ts'
import type { Sheet } from './narration.ts'
import type { Input, Output } from './verb.ts'

export interface Typed {
  /** Enter; a paste of several lines is one text. */
  readonly line: (text: string) => void
  /** Ctrl-C. */
  readonly interrupt: () => void
  /** Ctrl-D on an empty line, or the terminal is gone. */
  readonly end: () => void
}

const marker = ' › '

export class InputLine implements Sheet {
  readonly #stdin: Input
  readonly #stdout: Output
  readonly #paint: Paint
  readonly #editor: Interface
  /** Lines of a paste that were not sent yet. */
  #pasted: string[] = []
  #pasting = false
  #tail = ''
  #doing = ''
  #rows = 0
  #hidden = false
  #closed = false

  constructor(stdin: Input, stdout: Output, paint: Paint, typed: Typed) {
    this.#stdin = stdin
    this.#stdout = stdout
    this.#paint = paint
    // An output that shows nothing: readline knows how to edit, but not that lines come in above it.
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
    this.#editor = createInterface({ input: stdin, output: nowhere, terminal: true, escapeCodeTimeout: 50, historySize: 200, removeHistoryDuplicates: true })
    this.#editor.on('history', (history) => {
      if (this.#hidden) history.shift()
    })
    this.#editor.on('line', (line) => this.#entered(line, typed))
    this.#editor.on('SIGINT', () => {
      this.#pasted = []
      // Ctrl-U and Ctrl-K, so that readline's own idea of the line stays right.
      this.#editor.write(null, { ctrl: true, name: 'e' })
      this.#editor.write(null, { ctrl: true, name: 'u' })
      typed.interrupt()
      this.#draw()
    })
    this.#editor.on('SIGCONT', () => this.#draw())
    this.#editor.on('close', () => {
      if (!this.#closed) typed.end()
    })
    // Behind readline's own listener, so that its line is the new one.
    stdin.on('keypress', this.#pressed)
    stdout.on('resize', this.#draw)
    stdout.write('\x1b[?2004h')
    this.#draw()
  }

  print(text: string): void {
    // What was being said is in it, or was told to stand as it is.
    this.#tail = ''
    this.#write(text)
  }

  tail(row: string): void {
    if (row === this.#tail) return
    this.#tail = row
    this.#draw()
  }

  /** What is going on right now, in one line; '' for nothing. */
  doing(text: string): void {
    const line = printableLine(text)
    if (line === this.#doing) return
    this.#doing = line
    this.#draw()
  }

  /** Whether what is typed is shown; what is hidden is not remembered either. */
  hide(hidden: boolean): void {
    if (hidden === this.#hidden) return
    this.#hidden = hidden
    this.#draw()
  }

  /** The terminal is as it was, with an empty line for whoever prints next. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stdin.off('keypress', this.#pressed)
    this.#stdout.off('resize', this.#draw)
    this.#stdout.write(`${this.#erased()}\x1b[?2004l`)
    this.#editor.close()
  }

  #entered(line: string, typed: Typed): void {
    if (this.#pasting) {
      this.#pasted.push(line)
      return
    }
    const text = [...this.#pasted, line].join('\n')
    this.#pasted = []
    this.#draw()
    typed.line(text)
  }

  readonly #pressed = (_text: string | undefined, key: { readonly name?: string } | undefined): void => {
    if (key?.name === 'paste-start') this.#pasting = true
    if (key?.name === 'paste-end') this.#pasting = false
    if (!this.#closed) this.#draw()
  }

  readonly #draw = (): void => {
    if (!this.#closed) this.#write('')
  }

  #write(text: string): void {
    if (this.#closed) {
      this.#stdout.write(text)
      return
    }
    this.#stdout.write(this.#erased() + text + this.#area())
  }

  #erased(): string {
    const rows = this.#rows
    this.#rows = 0
    return rows === 0 ? '' : `\r${rows > 1 ? `\x1b[${rows - 1}A` : ''}\x1b[J`
  }

  /** The rows at the bottom, each of them narrower than the terminal, with the cursor where the user types. */
  #area(): string {
    const columns = Math.max(20, columnsOf(this.#stdout)) - 1
    const rows: string[] = []
    if (this.#tail !== '') rows.push(this.#tail)
    if (this.#doing !== '') rows.push(this.#paint.dim(cut(this.#doing, columns)))
    const { shown, cursor } = this.#typed(columns - displayWidth(marker))
    rows.push(`${marker}${shown}`)
    this.#rows = rows.length
    return `${rows.join('\n')}\r\x1b[${displayWidth(marker) + cursor}C`
  }

  /** As much of the line as fits, the cursor always in it. */
  #typed(width: number): { readonly shown: string; readonly cursor: number } {
    const above = this.#pasted.length > 0 ? `(${this.#pasted.length} more ${this.#pasted.length === 1 ? 'line' : 'lines'}) ` : ''
    const clean = (text: string): string => (this.#hidden ? '•'.repeat([...text].length) : text.replaceAll('\t', ' ').replace(unseen, '\ufffd'))
    const { line, cursor } = this.#editor
    const head = above + clean(line.slice(0, cursor))
    const rest = clean(line.slice(cursor))
    let start = head
    while (displayWidth(start) > width - 1) start = start.slice(start.codePointAt(0) === undefined ? 1 : String.fromCodePoint(start.codePointAt(0) ?? 0).length)
    const room = width - displayWidth(start)
    return { shown: start + (displayWidth(rest) <= room ? rest : cut(rest, room)), cursor: displayWidth(start) }
  }
}

// oxlint-disable-next-line no-control-regex
const unseen = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

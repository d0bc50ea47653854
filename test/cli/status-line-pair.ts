// Two terminals that are told the same: one as it is, and one with a row more and a status line in it. xterm.js is the judge, without scrollback, where its saved cursors stay in place as in other terminals.

import xterm from '@xterm/headless'
import type { Terminal } from '@xterm/headless'
import { expect } from 'vitest'
import { ShorterScreen } from '../../src/cli/status-line/screen.ts'

export interface Size {
  readonly columns: number
  readonly rows: number
}

export const open = ({ columns, rows }: Size, scrollback = 0): Terminal => new xterm.Terminal({ cols: columns, rows, scrollback, allowProposedApi: true, logLevel: 'off' })

/** Parsed at once. */
export const write = (terminal: Terminal, bytes: Uint8Array | string): void => {
  const { _core: core } = terminal as unknown as { readonly _core: { writeSync(bytes: Uint8Array | string): void } }
  core.writeSync(bytes)
}

/** Also the large screen that nobody looks at: while it is empty xterm.js does not change its length, and after it became smaller it would have a row too many. */
export function resize(terminal: Terminal, columns: number, rows: number): void {
  terminal.resize(columns, rows)
  const { _core: core } = terminal as unknown as { readonly _core: { readonly buffers: { readonly alt: { readonly lines: { readonly length: number; maxLength: number } } } } }
  const { lines } = core.buffers.alt
  if (lines.length === 0) lines.maxLength = rows
}

/** The first rows with every attribute, and the cursor. */
function shown(terminal: Terminal, rows: number): object {
  const { active } = terminal.buffer
  const lines: string[] = []
  for (let row = 0; row < rows; row += 1) {
    const line = active.getLine(active.baseY + row)
    let text = ''
    let before = ''
    for (let column = 0; line && column < terminal.cols; column += 1) {
      const cell = line.getCell(column)
      if (!cell) continue
      const attributes = [
        cell.getFgColorMode(),
        cell.getFgColor(),
        cell.getBgColorMode(),
        cell.getBgColor(),
        cell.isBold(),
        cell.isItalic(),
        cell.isDim(),
        cell.isUnderline(),
        cell.isInverse(),
        cell.isBlink(),
      ].join(',')
      text += `${attributes === before ? '' : `{${attributes}}`}${cell.getWidth() === 1 ? '' : `<${cell.getWidth()}>`}${cell.getChars() || '_'}`
      before = attributes
    }
    lines.push(text)
  }
  return { lines, cursor: [active.cursorX, active.cursorY], type: active.type }
}

export const textOf = (terminal: Terminal, row: number): string =>
  terminal.buffer.active.getLine(terminal.buffer.active.baseY + row)?.translateToString(true, 0, terminal.cols) ?? ''

export const line = 'status line'

export class Pair {
  readonly #size: Size
  readonly #plain: Terminal
  readonly #lined: Terminal
  readonly #screen: ShorterScreen
  drawn = 0

  /** Of a terminal of this size, and one without its last row. */
  constructor(size: Size) {
    this.#size = size
    this.#plain = open({ ...size, rows: size.rows - 1 })
    this.#lined = open(size)
    this.#screen = new ShorterScreen({ columns: size.columns, rows: size.rows - 1, all: size.rows })
    write(this.#lined, this.#screen.begin())
  }

  write(bytes: Uint8Array): void {
    write(this.#plain, bytes)
    write(this.#lined, this.#screen.push(bytes))
  }

  /** The line is drawn, if it can be. */
  quiet(): void {
    const drawing = this.#screen.draw(line.slice(0, this.#size.columns))
    if (drawing === undefined) return
    this.drawn += 1
    write(this.#lined, drawing)
    expect(textOf(this.#lined, this.#size.rows - 1)).toBe(line.slice(0, this.#size.columns).trimEnd())
  }

  get plain(): object {
    return shown(this.#plain, this.#size.rows - 1)
  }

  get lined(): object {
    return shown(this.#lined, this.#size.rows - 1)
  }

  get statusRow(): string {
    return textOf(this.#lined, this.#size.rows - 1)
  }

  get erased(): boolean {
    return this.#screen.erased
  }

  dispose(): void {
    this.#plain.dispose()
    this.#lined.dispose()
  }
}

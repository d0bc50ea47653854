// A real stage on a terminal in memory: keys go in as bytes, what was written is parsed by xterm's headless terminal. Owns the streams and what was seen on them; says nothing of what should be there.

import { EventEmitter } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { openTerminal } from '../../src/screen/xterm.ts'
import { type Left, type StageParts, TuiStage } from '../../src/tui/stage.ts'
import type { Size, View } from '../../src/tui/view.ts'
import { FakeClient } from '../cli/fake-client.ts'

/** Keys as a terminal sends them that knows how to tell Escape from the beginning of another key: nothing is held back. */
export const keys = {
  enter: '\r',
  shiftEnter: '\x1b[13;2u',
  altEnter: '\x1b[13;3u',
  controlEnter: '\x1b[13;5u',
  escape: '\x1b[27u',
  tab: '\t',
  shiftTab: '\x1b[Z',
  space: ' ',
  backspace: '\x7f',
  delete: '\x1b[3~',
  up: '\x1b[A',
  down: '\x1b[B',
  right: '\x1b[C',
  left: '\x1b[D',
  home: '\x1b[H',
  end: '\x1b[F',
  pageUp: '\x1b[5~',
  pageDown: '\x1b[6~',
} as const

export const control = (letter: string): string => String.fromCharCode(letter.toUpperCase().charCodeAt(0) - 64)
export const alt = (letter: string): string => `\x1b${letter}`
export const paste = (text: string): string => `\x1b[200~${text}\x1b[201~`
/** Of the left button, both zero-based. */
export const click = ({ column, row }: { readonly column: number; readonly row: number }): string => `\x1b[<0;${column + 1};${row + 1}M\x1b[<0;${column + 1};${row + 1}m`

export interface Cell {
  readonly text: string
  readonly bold: boolean
  readonly dim: boolean
  readonly inverse: boolean
  readonly underline: boolean
  /** One of the sixteen; undefined: the terminal's own. */
  readonly color: number | undefined
}

export interface Headless {
  readonly stage: TuiStage
  readonly client: FakeClient
  /** Puts the first view on the stage and paints it. Settles when the screens are left. */
  run(view: View): Promise<Left>
  /** What the user types, as bytes; its effect is on the screen when this returns, but for what waits for something. A lone Escape byte is a key only some milliseconds later: `keys.escape` is one at once. */
  type(...typed: readonly string[]): void
  /** Rows from top to bottom without what is empty at their ends. */
  screen(): readonly string[]
  cells(row: number): readonly Cell[]
  /** Undefined while it is hidden. */
  cursor(): { readonly column: number; readonly row: number } | undefined
  title(): string
  /** All bytes that the terminal got. */
  written(): string
  /** How often something was written. */
  frames(): number
  resize(columns: number, rows: number): void
  /** Waits until the screen is so; looks again after each thing that is written. Throws with the screen after some seconds. */
  until(predicate: (screen: readonly string[]) => boolean): Promise<void>
  /** As a closed terminal does. */
  hangUp(): void
}

export interface HeadlessOptions extends Size {
  readonly client?: FakeClient
  readonly parts?: Partial<Omit<StageParts, 'input' | 'output'>>
}

const waitsForMs = 5000

class Input extends EventEmitter {
  readonly isTTY = true
  raw = false
  setRawMode(raw: boolean): void {
    this.raw = raw
  }
  resume(): void {}
  pause(): void {}
}

class Output extends EventEmitter {
  columns: number
  rows: number
  readonly #wrote: (text: string) => void
  constructor(size: Size, wrote: (text: string) => void) {
    super()
    this.columns = size.columns
    this.rows = size.rows
    this.#wrote = wrote
  }
  write(text: string): boolean {
    this.#wrote(text)
    return true
  }
}

/** Time is the client's (`client.nowMs`). */
export function stageOn({ columns, rows, client = new FakeClient(), parts = {} }: HeadlessOptions): Headless {
  const { terminal, core } = openTerminal({ columns, rows })
  // Parses at once what terminal.write would parse later.
  const parser = core as unknown as { writeSync(text: string): void }
  let written = ''
  let frames = 0
  let title = ''
  const waiting = new Set<() => void>()
  const input = new Input()
  const output = new Output({ columns, rows }, (text) => {
    written += text
    frames += 1
    parser.writeSync(text)
    for (const look of [...waiting]) look()
  })
  terminal.onTitleChange((changed) => (title = changed))
  const stage = new TuiStage({
    client,
    input,
    output,
    env: { HOME: '/home/me', TERM: 'xterm-256color', LANG: 'C.UTF-8' },
    cwd: '/work/shop',
    color: true,
    now: () => client.nowMs,
    signal: new AbortController().signal,
    keys: {},
    mouse: true,
    attach: async () => {},
    edit: async () => undefined,
    page: async () => {},
    guard: () => () => {},
    ...parts,
  })
  const line = (row: number) => terminal.buffer.active.getLine(terminal.buffer.active.viewportY + row)
  const screen = (): readonly string[] => Array.from({ length: terminal.rows }, (_, row) => (line(row)?.translateToString(true) ?? '').trimEnd())
  return {
    stage,
    client,
    run: (view) => {
      const left = stage.run(view)
      stage.tui.renderNow()
      return left
    },
    type: (...typed) => {
      for (const each of typed) input.emit('data', Buffer.from(each))
    },
    screen,
    cells: (row) =>
      Array.from({ length: terminal.cols }, (_, column) => {
        const cell = line(row)?.getCell(column)
        return {
          text: cell?.getChars() ?? '',
          bold: cell?.isBold() !== 0,
          dim: cell?.isDim() !== 0,
          inverse: cell?.isInverse() !== 0,
          underline: cell?.isUnderline() !== 0,
          color: cell?.isFgPalette() ? cell.getFgColor() : undefined,
        }
      }),
    cursor: () => (core.coreService.isCursorHidden ? undefined : { column: terminal.buffer.active.cursorX, row: terminal.buffer.active.cursorY }),
    title: () => title,
    written: () => written,
    frames: () => frames,
    resize: (width, height) => {
      terminal.resize(width, height)
      output.columns = width
      output.rows = height
      output.emit('resize')
    },
    until: (predicate) =>
      new Promise((resolve, reject) => {
        const end = (settle: () => void): void => {
          waiting.delete(look)
          clearTimeout(timer)
          settle()
        }
        const look = (): void => {
          if (predicate(screen())) end(resolve)
        }
        const timer = setTimeout(() => end(() => reject(new Error(`this is not what was waited for (${predicate.toString()}):\n${screen().join('\n')}`))), waitsForMs)
        waiting.add(look)
        look()
      }),
    hangUp: () => void input.emit('close'),
  }
}

const here = import.meta.dirname

/** The screen as it was once looked at and found good. `UPDATE_GOLDEN=1` writes it anew. */
export function expectGolden(name: string, screen: readonly string[]): void {
  const file = join(here, 'golden', `${name}.txt`)
  const text = `${screen.join('\n').trimEnd()}\n`
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  expect(text).toBe(readFileSync(file, 'utf8'))
}

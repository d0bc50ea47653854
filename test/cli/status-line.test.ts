// The line below an attached program, on a terminal that parses what it is told.

import xterm from '@xterm/headless'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type AttachEnd, type AttachOptions, attach } from '../../src/cli/attach.ts'
import type { LineParts } from '../../src/cli/status-line/text.ts'
import { FakeConnection, FakeTerminal } from './attach-fakes.ts'

const never = new AbortController().signal
const quiet = 30

/** 60 columns, 10 rows, unless told otherwise. */
class ScreenTerminal extends FakeTerminal {
  readonly #terminal = new xterm.Terminal({ cols: 60, rows: 10, scrollback: 100, allowProposedApi: true, logLevel: 'off' })

  constructor(rows = 10) {
    super()
    this.resize(60, rows)
    const { write } = this.output
    this.output.write = (bytes, written) => {
      this.#parse(bytes)
      return write(bytes, written)
    }
  }

  override resize(columns: number, rows: number): void {
    this.#terminal.resize(columns, rows)
    super.resize(columns, rows)
  }

  #parse(bytes: Uint8Array | string): void {
    const { _core: core } = this.#terminal as unknown as { readonly _core: { writeSync(bytes: Uint8Array | string): void } }
    core.writeSync(bytes)
  }

  get rowTexts(): readonly string[] {
    const { active } = this.#terminal.buffer
    return Array.from({ length: this.#terminal.rows }, (_, row) => active.getLine(active.baseY + row)?.translateToString(true) ?? '')
  }

  get lastRow(): string {
    return this.rowTexts.at(-1)?.trimEnd() ?? ''
  }

  get cursor(): readonly number[] {
    const { cursorX, cursorY } = this.#terminal.buffer.active
    return [cursorX, cursorY]
  }

  /** Of the first cell in the last row. */
  get lineIsMarked(): boolean {
    const { active } = this.#terminal.buffer
    return (
      active
        .getLine(active.baseY + this.#terminal.rows - 1)
        ?.getCell(0)
        ?.isInverse() !== 0
    )
  }
}

class Viewed {
  readonly terminal: ScreenTerminal
  readonly connection: FakeConnection
  readonly end: Promise<AttachEnd>
  parts: LineParts = { name: 'tests', agent: 'shell', project: 'shop', status: '● working', readOnly: false }
  changed = (): void => {}

  constructor(
    more: Partial<AttachOptions> & {
      readonly shown?: boolean
      readonly color?: boolean
      readonly rows?: number
      readonly size?: { readonly cols: number; readonly rows: number }
    } = {},
  ) {
    this.terminal = new ScreenTerminal(more.rows)
    this.connection = new FakeConnection('')
    this.connection.size = more.size ?? { cols: 60, rows: 99 }
    const { input, output, signals } = this.terminal
    const line = { shown: more.shown ?? true, color: more.color ?? true, parts: () => this.parts, onChange: (listener: () => void) => void (this.changed = listener) }
    const keys = [
      { key: 'd', does: 'leaves' },
      { key: 's', also: 'w', does: 'switches' },
    ]
    this.end = attach({ connection: this.connection, input, output, signals, keys, line, ...more }, never)
    this.connection.serve()
    vi.advanceTimersByTime(100)
  }

  /** What a program prints, and a moment of quiet. */
  print(text: string): void {
    this.connection.live(text)
    vi.advanceTimersByTime(quiet)
  }
}

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => vi.useRealTimers())

describe('the line below an attached program', () => {
  test('says whose screen it is, how it goes and how to leave, in the last row, and the program has the others', () => {
    const { terminal, connection } = new Viewed()
    expect(connection.sizes.at(-1)).toBe('60x9')
    expect(terminal.lastRow).toBe(' tests · shell · shop · ● working · Ctrl-\\ ? keys')
    expect([terminal.lineIsMarked, terminal.cursor]).toEqual([true, [0, 0]])
    terminal.resize(90, 12)
    vi.advanceTimersByTime(quiet)
    expect(connection.sizes.at(-1)).toBe('90x11')
    expect(terminal.lastRow).toBe(' tests · shell · shop · ● working · Ctrl-\\ d leaves it running · Ctrl-\\ ? keys')
  })

  test('stays below a program that scrolls, clears, resets, and goes to the last row', () => {
    const viewed = new Viewed()
    const { terminal } = viewed
    viewed.print(Array.from({ length: 30 }, (_, index) => `line ${index}\r\n`).join(''))
    expect([terminal.rowTexts.slice(7), terminal.cursor]).toEqual([
      ['line 29', '', expect.stringContaining('tests')],
      [0, 8],
    ])
    viewed.print('\x1b[2J\x1b[Hcleared\x1b[99;1Hbottom')
    expect([terminal.rowTexts[0], ...terminal.rowTexts.slice(8)]).toEqual(['cleared', 'bottom', expect.stringContaining('tests')])
    viewed.print('\x1bcagain\r\n\x1b[?1049h\x1b[2J\x1b[999;999Hx\x1b[r\x1b[999B\x1b[5Gother')
    expect(terminal.rowTexts.slice(8)).toEqual([`    other${' '.repeat(50)}x`, expect.stringContaining('tests')])
    viewed.print('\x1b[?1049l')
    expect([terminal.rowTexts[0], terminal.lastRow]).toEqual(['again', expect.stringContaining('tests')])
  })

  test('is not drawn before the program is quiet, nor in the midst of a sequence, of a held update, or where a line is about to wrap', () => {
    const viewed = new Viewed()
    const { terminal, connection } = viewed
    connection.live('\x1b[2J')
    vi.advanceTimersByTime(quiet - 1)
    connection.live('a')
    vi.advanceTimersByTime(quiet - 1)
    expect(terminal.lastRow).toBe('')
    vi.advanceTimersByTime(1)
    expect(terminal.lastRow).toContain('tests')
    for (const [begins, ends] of [
      ['\x1b]0;half a ti', 'tle\x07'],
      ['\x1b]8;;http://a/\x07', '\x1b]8;;\x07'],
      ['\x1b[?2026h', '\x1b[?2026l'],
      ['\x1b[1;60Hx', '\r'],
      ['\x1b[2;5r\x1b[?6h', '\x1b[?6l'],
      ['\xe2\x94', '\x80'],
      ['\x1b(0', '\x1b(B'],
    ] as const) {
      connection.live('\x1b[2J')
      connection.liveBytes(Buffer.from(begins, 'latin1'))
      vi.advanceTimersByTime(1000)
      expect(terminal.lastRow, JSON.stringify(begins)).toBe('')
      connection.liveBytes(Buffer.from(ends, 'latin1'))
      vi.advanceTimersByTime(quiet)
      expect(terminal.lastRow, JSON.stringify(ends)).toContain('tests')
    }
  })

  test('follows what becomes of the session, and leaves out what nobody knows', () => {
    const viewed = new Viewed()
    viewed.parts = { ...viewed.parts, status: '◆ waiting' }
    viewed.changed()
    vi.advanceTimersByTime(quiet)
    expect(viewed.terminal.lastRow).toContain(' tests · shell · shop · ◆ waiting · ')
    viewed.parts = { ...viewed.parts, status: '' }
    viewed.changed()
    vi.advanceTimersByTime(quiet)
    expect(viewed.terminal.lastRow).toContain(' tests · shell · shop · Ctrl-')
    const before = viewed.terminal.shown.length
    viewed.print('nothing of it is erased')
    expect(viewed.terminal.shown.slice(before)).toBe('nothing of it is erased')
  })

  test('the prefix and h hide it and show it again; the program has the row meanwhile', () => {
    const viewed = new Viewed()
    const { terminal, connection } = viewed
    viewed.print('\x1b[9;1Hlast of nine')
    terminal.type('\x1ch')
    expect([connection.sizes.at(-1), terminal.lastRow]).toEqual(['60x10', ''])
    viewed.print('\r\nlast of ten\r\nscrolled')
    expect([terminal.rowTexts.slice(7), terminal.cursor]).toEqual([
      ['last of nine', 'last of ten', 'scrolled'],
      [8, 9],
    ])
    terminal.type('\x1ch')
    expect(connection.sizes.at(-1)).toBe('60x9')
    vi.advanceTimersByTime(quiet)
    // What was in the last row went up with the cursor.
    expect([terminal.rowTexts.slice(6), terminal.cursor]).toEqual([
      ['last of nine', 'last of ten', 'scrolled', expect.stringContaining('tests')],
      [8, 8],
    ])
  })

  test('off by configuration, it can be shown', () => {
    const { terminal, connection } = new Viewed({ shown: false })
    expect([connection.sizes.at(-1), terminal.lastRow]).toEqual(['60x10', ''])
    terminal.type('\x1ch')
    vi.advanceTimersByTime(quiet)
    expect([connection.sizes.at(-1), terminal.lastRow]).toEqual(['60x9', expect.stringContaining('tests')])
  })

  test('a terminal with few rows has none for it', () => {
    const { terminal, connection } = new Viewed({ rows: 5 })
    expect([connection.sizes.at(-1), terminal.lastRow]).toEqual(['60x5', ''])
    terminal.resize(60, 6)
    vi.advanceTimersByTime(quiet)
    expect([connection.sizes.at(-1), terminal.lastRow]).toEqual(['60x5', expect.stringContaining('tests')])
    terminal.resize(60, 4)
    vi.advanceTimersByTime(quiet)
    expect([connection.sizes.at(-1), terminal.lastRow]).toEqual(['60x4', ''])
  })

  test('without colours it has none', () => {
    const { terminal } = new Viewed({ color: false })
    expect([terminal.lastRow, terminal.lineIsMarked]).toEqual([expect.stringContaining('tests'), false])
  })

  test('the prefix and ? show the keys in it for a few seconds', () => {
    const { terminal } = new Viewed()
    terminal.resize(80, 24)
    vi.advanceTimersByTime(quiet)
    terminal.type('\x1c?')
    vi.advanceTimersByTime(quiet)
    expect(terminal.lastRow).toBe(' Ctrl-\\ then: d leaves · s switches · h hides this line · Ctrl-\\ sends itself')
    vi.advanceTimersByTime(3900)
    expect(terminal.lastRow).toContain('then: d')
    vi.advanceTimersByTime(200)
    expect(terminal.lastRow).toContain(' tests · ')
  })

  test('who only looks is told so, and the line stands below the rows that the program has', () => {
    const viewed = new Viewed({ readOnly: true, size: { cols: 60, rows: 7 } })
    const { terminal, connection } = viewed
    viewed.parts = { ...viewed.parts, readOnly: true }
    viewed.print(Array.from({ length: 9 }, (_, index) => `line ${index}\r\n`).join(''))
    viewed.changed()
    vi.advanceTimersByTime(quiet)
    expect(terminal.rowTexts.slice(4)).toEqual(
      ['line 7', 'line 8', '', '', '', ' tests · read-only · ● working · Ctrl-\\ ? keys'].map((row) => expect.stringContaining(row.trimEnd())),
    )
    // A program that fills the terminal keeps all of it.
    connection.size = { cols: 60, rows: 10 }
    viewed.print('\x1b[10;1Hten')
    expect([terminal.lastRow, connection.sizes]).toEqual(['ten', []])
  })

  test('another terminal gives the program another size: it goes, and comes back with the next key', () => {
    const viewed = new Viewed()
    const { terminal, connection } = viewed
    connection.size = { cols: 90, rows: 29 }
    viewed.print('x')
    expect(terminal.lastRow).toBe('')
    terminal.type('k')
    vi.advanceTimersByTime(quiet)
    expect([connection.sizes.at(-1), connection.typed, terminal.lastRow]).toEqual(['60x9', ['k'], expect.stringContaining('tests')])
  })

  test('what the terminal reports of its size and of the mouse is that of the program', () => {
    const { terminal, connection } = new Viewed()
    for (const [typed, got] of [
      ['\x1b[<0;5;9M', '\x1b[<0;5;9M'],
      ['\x1b[<0;5;10M', ''],
      ['a\x1b[<64;5;10Mb', 'ab'],
      ['\x1b[<32;5;10M\x1b[<0;5;10m', '\x1b[<32;5;9M\x1b[<0;5;9m'],
      ['\x1b[M !*', ''],
      ['\x1b[M#!*', '\x1b[M#!)'],
      ['\x1b[32;5;10M', ''],
      ['\x1b[8;10;60t', '\x1b[8;9;60t'],
      ['\x1b[4;200;600t', '\x1b[4;180;600t'],
      ['\x1b[48;10;60;200;600t', '\x1b[48;9;60;180;600t'],
      ['\x1b[10;1R', '\x1b[10;1R'],
    ] as const) {
      connection.typed.length = 0
      terminal.type(typed)
      expect(connection.typed.join(''), JSON.stringify(typed)).toBe(got)
    }
    terminal.type('\x1ch')
    connection.typed.length = 0
    terminal.type('\x1b[<0;5;10M\x1b[8;10;60t')
    expect(connection.typed.join('')).toBe('\x1b[<0;5;10M\x1b[8;10;60t')
  })

  test('the key that goes to another session has two letters', async () => {
    for (const key of ['s', 'w']) {
      const { terminal, end } = new Viewed()
      vi.useRealTimers()
      terminal.type(`\x1c${key}`)
      expect(await end).toEqual({ kind: 'detached', key: 's' })
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    }
  })

  test('a terminal that takes nothing is not written to', () => {
    const viewed = new Viewed()
    const { terminal, connection } = viewed
    terminal.full = true
    viewed.print('\x1b[2J')
    const before = terminal.shown.length
    vi.advanceTimersByTime(1000)
    expect(terminal.shown.length).toBe(before)
    terminal.full = false
    terminal.output.emit('drain')
    vi.advanceTimersByTime(quiet)
    expect([terminal.lastRow, connection.flow]).toEqual([expect.stringContaining('tests'), ['pause', 'resume']])
  })

  test('is gone when the terminal is left, whatever the program had done', async () => {
    for (const happens of [
      (viewed: Viewed): void => viewed.terminal.type('\x1cd'),
      (viewed: Viewed): void => viewed.connection.exit({ kind: 'code', code: 3 }),
      (viewed: Viewed): void => void viewed.terminal.signals.emit('SIGTERM'),
      (viewed: Viewed): void => void viewed.terminal.signals.emit('SIGHUP'),
      (viewed: Viewed): void => void viewed.terminal.signals.emit('exit'),
    ]) {
      const viewed = new Viewed()
      viewed.print('shell\x1b[?1049h\x1b[2;4r\x1b[?6h\x1b[44m\x1b[2Jinside\x1b[')
      vi.useRealTimers()
      happens(viewed)
      if (viewed.terminal.signals.listenerCount('exit') > 0) viewed.terminal.type('\x1cd')
      await viewed.end
      // Margins too: what a shell prints next scrolls the whole screen.
      viewed.terminal.output.write('$ one\r\n$ two\r\n$ three')
      expect(viewed.terminal.rowTexts.slice(7)).toEqual(['$ one', '$ two', '$ three'])
      expect(viewed.terminal.rowTexts.join('\n')).not.toContain('tests')
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    }
  })
})

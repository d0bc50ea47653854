// The heart of the status line: above it, cell by cell, a terminal shows what one without it shows that has a row less. xterm.js is the judge, without scrollback, where its saved cursors stay in place as in other terminals.

import xterm from '@xterm/headless'
import type { Terminal } from '@xterm/headless'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ShorterScreen } from '../../src/cli/status-line-screen.ts'

const runs = Number(process.env['RUNS'] ?? 400)

interface Size {
  readonly columns: number
  readonly rows: number
}

const open = ({ columns, rows }: Size): Terminal => new xterm.Terminal({ cols: columns, rows, scrollback: 0, allowProposedApi: true, logLevel: 'off' })

/** Parsed at once. */
const write = (terminal: Terminal, bytes: Uint8Array | string): void => {
  const { _core: core } = terminal as unknown as { readonly _core: { writeSync(bytes: Uint8Array | string): void } }
  core.writeSync(bytes)
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

const textOf = (terminal: Terminal, row: number): string => terminal.buffer.active.getLine(terminal.buffer.active.baseY + row)?.translateToString(true) ?? ''

const line = 'status line'

class Pair {
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

const size = { columns: 12, rows: 7 }

const number = fc.oneof(fc.nat({ max: 14 }), fc.constantFrom(99, 999, 9999))
const letters = fc.string({ unit: fc.constantFrom(...'abc xyz019~#_é─│'), minLength: 1, maxLength: 30 })
const controls = fc.constantFrom('\r\n', '\n', '\r', '\t', '\b', '\x07', '\x0b', '\x0c', '\u0085', '\u0084', '\u008d\x1b[3;3H', '\r\n\r\n\r\n')
/** Terminals do not agree on all of these. */
const pictures = fc.string({ unit: fc.constantFrom('你', '世', '한', 'ﾊ', 'e\u0301', '🎉', '✔', '⌚', 'ก', '❤\ufe0f', 'a'), minLength: 1, maxLength: 8 })
const rendition = fc.array(fc.constantFrom('0', '1', '3', '7', '31', '42', '38;5;200', '48;2;1;2;3', '39', '49', '22', ''), { maxLength: 3 }).map((parameters) => `\x1b[${parameters.join(';')}m`)
const move = fc.oneof(
  fc.tuple(number, fc.constantFrom(...'ABCDEFGIZ`ade')).map(([count, final]) => `\x1b[${count}${final}`),
  fc.tuple(number, number, fc.constantFrom('H', 'f')).map(([one, two, final]) => `\x1b[${one};${two}${final}`),
  fc.constantFrom('\x1b[H', '\x1bD', '\x1bE', '\x1bM', '\x1b[;3H', '\x1b[99;99H', '\x1b[7d', '\x1b[1\n;7H', '\u009b9;2H'),
)
const edit = fc.oneof(
  fc.tuple(fc.nat({ max: 4 }), fc.constantFrom(...'@JKLMPSTX')).map(([count, final]) => `\x1b[${count}${final}`),
  fc.tuple(fc.constantFrom('x', 'é'), fc.nat({ max: 20 })).map(([character, count]) => `${character}\x1b[${count}b`),
  fc.constantFrom('\x1b[?J', '\x1b[?2K', '\x1b[4h', '\x1b[4l', '\x1bH', '\x1b[g', '\x1b[3g'),
)
const margins = fc.oneof(
  fc.tuple(number, number).map(([top, bottom]) => `\x1b[${top};${bottom}r`),
  fc.constantFrom('\x1b[r', '\x1b[2r', '\x1b[;4r', '\x1b[6r', '\x1b[2;4r\x1b[6;3H', '\x1b[1;3r\x1b[5;9H'),
)
// A program restores what it has saved; and before it resets or switches it is not about to wrap.
/** xterm.js saves no character sets where none was ever named. */
const start = '\x1b(B\x1b)B\x1b*B\x1b7'
const saved = fc.constantFrom('\x1b7', '\x1b8', '\x1b[s', '\x1b[u', '\x1b[?1048h', '\x1b[?1048l')
const mode = fc.constantFrom('\x1b[?6h', '\x1b[?6l', '\x1b[?7l', '\x1b[?7h', '\x1b[20h', '\x1b[20l', '\x1b[?25l', '\x1b[?2026h', '\x1b[?2026l', '\x1b[?45h', '\x1b[?45l')
const large = fc.constantFrom(
  `\x1b[?6l\r\x1b[?1049h${start}`,
  '\x1b[?6l\r\x1b[?1049l',
  `\x1b[?6l\r\x1b[?47h${start}`,
  '\x1b[?6l\r\x1b[?47l',
  `\x1b[?6l\r\x1b[?1047;25h${start}`,
  '\x1b[?6l\r\x1b[?1047l',
  `\r\x1b[!p${start}`,
  `\x1b[20l\x1bc${start}`,
  '\x1b[?6l\x1b[r\x1b#8',
)
const other = fc.constantFrom(
  '\x0e',
  '\x0f',
  '\x1b(0',
  '\x1b(B',
  '\x1b)0',
  '\x1bn',
  '\x1b]0;title\x07',
  '\x1b]8;;http://a/\x1b\\link\x1b]8;;\x1b\\',
  '\x1bP$qm\x1b\\',
  '\x1b_private\x1b\\',
  '\x1b]2;ends by\x1b[9;9H',
  '\x1b[?1;\x1b[8;1H',
  '\x1b\x1b[K',
  '\x1b[1;2\x18x',
  '\x1b[3é\x1b[4;4H',
  '\x1b[>4;2m',
  '\x1b[?1h\x1b=',
  '\x1b[>1u',
  '\x1b[<u',
)
const common = [
  { weight: 6, arbitrary: letters },
  { weight: 3, arbitrary: controls },
  { weight: 3, arbitrary: rendition },
  { weight: 6, arbitrary: move },
  { weight: 4, arbitrary: edit },
  { weight: 3, arbitrary: saved },
  { weight: 2, arbitrary: mode },
  { weight: 2, arbitrary: large },
  { weight: 2, arbitrary: other },
]

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

function compares(piece: fc.Arbitrary<string>): void {
  let drawn = 0
  const programs = fc.array(fc.record({ piece, pauses: fc.boolean(), cut: fc.nat({ max: 40 }) }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(programs, (pieces) => {
      const pair = new Pair(size)
      pair.write(bytesOf(start))
      for (const { piece, pauses, cut } of pieces) {
        const bytes = bytesOf(piece)
        pair.write(bytes.subarray(0, cut))
        pair.write(bytes.subarray(cut))
        expect(pair.lined).toEqual(pair.plain)
        if (!pauses) continue
        pair.quiet()
        expect(pair.lined).toEqual(pair.plain)
        // What it does not say to be gone is there.
        if (!pair.erased) expect(pair.statusRow).toBe(line.slice(0, size.columns).trimEnd())
      }
      drawn += pair.drawn
      pair.dispose()
    }),
    { numRuns: runs },
  )
  // It is no proof of anything where nothing is drawn.
  expect(drawn).toBeGreaterThan(runs)
}

test('whatever a program prints, the rows above the line are those of a terminal without it', () => {
  compares(fc.oneof(...common, { weight: 4, arbitrary: margins }))
})

test('also where the width of characters is uncertain', () => {
  compares(fc.oneof(...common, { weight: 6, arbitrary: pictures }))
})

// The heart of the status line: above it, cell by cell, a terminal shows what one without it shows that has a row less. xterm.js is the judge, without scrollback, where its saved cursors stay in place as in other terminals.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ShorterScreen } from '../../src/cli/status-line/screen.ts'
import { Pair, line, open, resize, textOf, write } from './status-line-pair.ts'

const runs = Number(process.env['RUNS'] ?? 400)

const size = { columns: 12, rows: 7 }

const number = fc.oneof(fc.nat({ max: 14 }), fc.constantFrom(99, 999, 9999))
const letters = fc.string({ unit: fc.constantFrom(...'abc xyz019~#_é─│'), minLength: 1, maxLength: 30 })
const controls = fc.constantFrom('\r\n', '\r', '\x07', '\u0085', '\r\n\r\n\r\n')
/** Terminals do not agree on all of these. */
const pictures = fc.string({
  unit: fc.constantFrom('你', '世', '한', 'ﾊ', 'e\u0301', '🎉', '✔', '⌚', 'ก', '❤\ufe0f', 'a', '\x1bH', '\x1b[g', '\x1b[3g', '\x1b[?45h', '\x1b[?45l'),
  minLength: 1,
  maxLength: 8,
})
const rendition = fc
  .array(fc.constantFrom('0', '1', '3', '7', '31', '42', '38;5;200', '48;2;1;2;3', '39', '49', '22', ''), { maxLength: 3 })
  .map((parameters) => `\x1b[${parameters.join(';')}m`)
const move = fc.oneof(
  fc.tuple(number, fc.constantFrom(...'ABEFG`')).map(([count, final]) => `\x1b[${count}${final}`),
  fc.tuple(number, number, fc.constantFrom('H', 'f')).map(([one, two, final]) => `\x1b[${one};${two}${final}`),
  fc.constantFrom('\x1b[H', '\x1bE', '\x1b[;3H', '\x1b[99;99H', '\x1b[1\n;7H', '\u009b9;2H'),
)
const step = fc.oneof(
  fc.tuple(number, fc.constantFrom(...'CDIZade@KLMPSTX')).map(([count, final]) => `\x1b[${count}${final}`),
  fc.tuple(fc.nat({ max: 3 }), fc.constantFrom('J', '?J', '?K')).map(([count, final]) => `\x1b[${final.replace(/(\w)$/, `${count}$1`)}`),
  fc.constantFrom('\n', '\t', '\b', '\x0b', '\x0c', '\u0084', '\u008d', '\x1bD', '\x1bM', '\x1b[7d', '\x1b7', '\x1b[s', '\x1b[?1048h'),
)
/** Where a wrap is due, each terminal has its own idea of what comes of that: so it is not, here. */
const sureStep = fc
  .tuple(fc.integer({ min: 2, max: 11 }), step)
  .map(([column, text]) => (/[LM]$/.test(text) ? `\r${text}` : text === '\u008d' ? '\x1b[3;3H' : `\x1b[${column}G${text}`))
const edit = fc.oneof(
  fc.tuple(fc.constantFrom('x', 'é'), fc.nat({ max: 20 })).map(([character, count]) => `${character}\x1b[${count}b`),
  fc.constantFrom('\x1b[4h', '\x1b[4l'),
)
const margins = fc.oneof(
  fc.tuple(number, number).map(([top, bottom]) => `\x1b[${top};${bottom}r`),
  fc.constantFrom('\x1b[r', '\x1b[2r', '\x1b[;4r', '\x1b[6r', '\x1b[2;4r\x1b[6;3H', '\x1b[1;3r\x1b[5;9H'),
)
// A program restores what it has saved; and before it resets or switches it is not about to wrap.
/** xterm.js saves no character sets where none was ever named. */
const start = '\x1b(B\x1b)B\x1b*B\x1b7'
const restored = fc.constantFrom('\x1b8', '\x1b[u', '\x1b[?1048l')
const mode = fc.constantFrom('\x1b[?6h', '\x1b[?6l', '\x1b[?7l', '\x1b[?7h', '\x1b[20h', '\x1b[20l', '\x1b[?25l', '\x1b[?2026h', '\x1b[?2026l')
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
  '\x1b\x1b[2X',
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
  { weight: 2, arbitrary: edit },
  { weight: 2, arbitrary: restored },
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
  compares(fc.oneof(...common, { weight: 8, arbitrary: sureStep }, { weight: 4, arbitrary: margins }))
})

test('also where the width of characters is uncertain', () => {
  compares(fc.oneof(...common, { weight: 6, arbitrary: pictures }, { weight: 10, arbitrary: step }))
})

test("hidden, shown and resized at any moment, the line is never the program's", () => {
  const change = fc.oneof(
    fc.record({ rows: fc.constantFrom(7, 6, 5), all: fc.constant(7), columns: fc.constant(12) }),
    fc.integer({ min: 6, max: 10 }).chain((all) => fc.record({ rows: fc.constantFrom(all, all - 1), all: fc.constant(all), columns: fc.integer({ min: 10, max: 16 }) })),
  )
  const piece = fc.oneof(...common, { weight: 8, arbitrary: sureStep })
  const happenings = fc.array(fc.oneof({ weight: 4, arbitrary: fc.record({ piece }) }, { weight: 1, arbitrary: fc.record({ change }) }), { minLength: 5, maxLength: 60 })
  fc.assert(
    fc.property(happenings, (all) => {
      const terminal = open(size, 100)
      const screen = new ShorterScreen({ columns: size.columns, rows: size.rows - 1, all: size.rows })
      write(terminal, screen.begin() + start)
      for (const one of all) {
        if ('piece' in one) write(terminal, screen.push(bytesOf(one.piece)))
        else if (screen.atRest) {
          const { columns, all: rows } = one.change
          const resized = terminal.cols !== columns || terminal.rows !== rows
          if (resized) resize(terminal, columns, rows)
          write(terminal, screen.fit(one.change, resized))
        }
        if (!screen.hasLine) continue
        const text = line.slice(0, terminal.cols)
        expect(terminal.buffer.active.cursorY).toBeLessThan(terminal.rows - 1)
        if (!screen.erased) expect(textOf(terminal, terminal.rows - 1).trimEnd()).toBe(text.trimEnd())
        write(terminal, screen.draw(text) ?? '')
        expect(terminal.buffer.active.cursorY).toBeLessThan(terminal.rows - 1)
      }
      terminal.dispose()
    }),
    { numRuns: runs },
  )
})

test('where the output was cut changes nothing, and what needs no change is passed on as it is', () => {
  const piece = fc.oneof(...common, { weight: 8, arbitrary: step }, { weight: 4, arbitrary: margins }, { weight: 2, arbitrary: pictures })
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.array(fc.nat({ max: 9 }), { minLength: 1 }), (pieces, lengths) => {
      const bytes = bytesOf(pieces.join(''))
      const whole = new ShorterScreen({ columns: 12, rows: 6, all: 7 })
      const parts = new ShorterScreen({ columns: 12, rows: 6, all: 7 })
      const passed: Uint8Array[] = []
      for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
        const end = at + (lengths[turn % lengths.length] ?? 0) + 1
        passed.push(parts.push(bytes.subarray(at, end)))
        at = end
      }
      expect(Buffer.concat(passed).toString()).toBe(Buffer.from(whole.push(bytes)).toString())
    }),
    { numRuns: runs },
  )
  const screen = new ShorterScreen(rows)
  for (const text of ['plain\r\n', '\x1b[31mred\x1b[0m\x1b[K', '\x1b[23;1Hbottom', '\x1b[2J', '\x1b]0;title\x07', '\x1bPq#1~~\x1b\\', 'größer ✓ 世界']) {
    const bytes = bytesOf(text)
    expect(screen.push(bytes), JSON.stringify(text)).toBe(bytes)
  }
})

const rows = { columns: 80, rows: 23, all: 24 }

/** What the terminal is told in the place of this. */
const passed = (text: string, screen = new ShorterScreen(rows)): string => Buffer.from(screen.push(bytesOf(text))).toString()

test('what would reach the last row, or reset the margins, is said within the rows of the program', () => {
  expect(passed('\x1b[r')).toBe('\x1b[1;23r')
  expect(passed('\x1b[5;99r')).toBe('\x1b[5;23r')
  expect(passed('\x1b[23;24r')).toBe('')
  expect(passed('\x1b[999;999H')).toBe('\x1b[23;999H')
  expect(passed('\x1b[24d')).toBe('\x1b[23d')
  expect(passed('\x1bc')).toBe('\x1bc\x1b[1;23r')
  expect(passed('\x1b[?1049h')).toBe('\x1b[?1049h\x1b7\x1b[1;23r\x1b8')
  expect(passed('\x1b[1;10r\x1b[23;1Hlast\nagain')).toBe('\x1b[1;10r\x1b[23;1Hlast\x1b[23dagain')
})

test("the saved cursor is the program's, whoever has drawn since", () => {
  const screen = new ShorterScreen(rows)
  passed('\x1b[5;7H\x1b[1;31m\x1b7', screen)
  expect(passed('\x1b8', screen)).toBe('\x1b8')
  expect(screen.draw('text')).toBe('\x1b7\x1b[9999;1H\x1b(B\x0f\x1b[0m\x1b[2K\x1b[?7ltext\x1b[?7h\x1b8\x1b[0;1;31m')
  const said = '\x1b8\x1b[?6l\x1b[5;7H\x1b[0;1;31m\x1b(B\x1b)B\x1b*B\x1b+B\x0f\x1b7'
  expect(passed('\x1b[H\x1b[m$ \x1b8', screen)).toBe(`\x1b[H\x1b[m$ ${said}`)
  // It is there again.
  expect(passed('\x1b[u', screen)).toBe('\x1b[u')
  // Where it is not known what was saved, nothing is drawn.
  passed('🎉\x1b7\r', screen)
  expect(screen.draw('text')).toBeUndefined()
  passed('\x1b[H\x1b7', screen)
  expect(screen.draw('text')).toBeDefined()
})

test('underlines with a style are what they were after the line is drawn', () => {
  const screen = new ShorterScreen(rows)
  passed('\x1b[4:3;58:2::1:2:3;38;2;4;5;6;48;5;7;9m', screen)
  expect(screen.draw('')).toMatch(/\x1b8\x1b\[0;9;4:3;38;2;4;5;6;48;5;7;58:2::1:2:3m$/) // oxlint-disable-line no-control-regex
})

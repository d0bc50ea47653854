// Any program, cut at any byte: a terminal that was told the snapshot goes on exactly as the one that saw everything.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Screen } from '../../src/screen/screen.ts'
import { SequenceFilter } from '../../src/screen/sequence-filter.ts'
import { stateOf } from './state.ts'

const size = { columns: 12, rows: 5 }

const small = fc.nat({ max: 14 })
const text = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: fc.constantFrom(...'abc xyz019~#_qlx{'), minLength: 1, maxLength: 16 }) },
  { weight: 2, arbitrary: fc.string({ unit: fc.constantFrom('你', '世', 'é', '🎉', '\u0301', '\u00ad', '한', '\u200d', '\ufe0f', 'ﾊ'), minLength: 1, maxLength: 6 }) },
  { weight: 3, arbitrary: fc.constantFrom('\r\n', '\n', '\r', '\t', '\b', '\x07', '\x0e', '\x0f', '\x0b', '\x00', '\x7f', '\x18', '\u0084', '\u0085', '\u0088') },
)
const rendition = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '0',
        '1',
        '2',
        '3',
        '4',
        '5',
        '7',
        '8',
        '9',
        '21',
        '22',
        '23',
        '24',
        '25',
        '27',
        '28',
        '29',
        '53',
        '55',
        '39',
        '49',
        '59',
        '4:3',
        '4:0',
        '58:5:4',
        '58:2::1:2:3',
        '38;5;7',
        '48;5;200',
      ),
      fc.constantFrom('31', '42', '97', '103', '38;2;1;2;3', '48;2;4;5;6', '48:2::7:8:9', '38:5:99', '221', '222', '999', ''),
    ),
    { maxLength: 4 },
  )
  .map((parameters) => `\x1b[${parameters.join(';')}m`)
const mode = fc
  .tuple(
    fc.constantFrom(1, 5, 6, 7, 9, 12, 25, 45, 47, 66, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 1047, 1048, 1049, 2004, 2026, 2027, 2031, 2048, 9001),
    fc.constantFrom('h', 'l'),
  )
  .map(([number, final]) => `\x1b[?${number}${final}`)
const control = fc.oneof(
  fc.tuple(small, fc.constantFrom(...'@ABCDEFGIJKLMPSTXZ`abde')).map(([count, final]) => `\x1b[${count}${final}`),
  fc.tuple(small, small, fc.constantFrom('H', 'f', 'r')).map(([one, two, final]) => `\x1b[${one};${two}${final}`),
  fc.tuple(small, fc.constantFrom(' @', ' A', "'}", "'~", ' q', '"q')).map(([count, final]) => `\x1b[${count}${final}`),
  fc.constantFrom(
    '\x1b[4h',
    '\x1b[4l',
    '\x1b[20h',
    '\x1b[20l',
    '\x1b[0g',
    '\x1b[3g',
    '\x1b[s',
    '\x1b[u',
    '\x1b[!p',
    '\x1b[?J',
    '\x1b[?1K',
    '\x1b[22t',
    '\x1b[23t',
    '\x1b[22;2t',
    '\x1b[23;1t',
    '\x1b[6n',
    '\x1b[c',
  ),
  fc.constantFrom(
    '\x1b7',
    '\x1b8',
    '\x1bD',
    '\x1bE',
    '\x1bM',
    '\x1bH',
    '\x1b=',
    '\x1b>',
    '\x1bn',
    '\x1bo',
    '\x1b(0',
    '\x1b)0',
    '\x1b*A',
    '\x1b+R',
    '\x1b(B',
    '\x1b)B',
    '\x1b#8',
    '\x1b%G',
    '\x1bc',
  ),
  fc.constantFrom('\x1b[>1u', '\x1b[>5u', '\x1b[<u', '\x1b[<2u', '\x1b[=7u', '\x1b[=2;2u', '\x1b[>4;2m', '\x1b[>4m', '\x1b[>4n', '\x1b[?u'),
)
const command = fc.oneof(
  fc.constantFrom(
    '\x1b]8;;http://a/\x1b\\',
    '\x1b]8;id=x;http://b/\x07',
    '\x1b]8;;\x1b\\',
    '\x1b]0;both\x07',
    '\x1b]1;icon\x07',
    '\x1b]2;title\x1b\\',
    '\x1b]2;\x07',
    '\u009d2;eight bits\u009c',
  ),
  fc.constantFrom(
    '\x1b]4;1;red\x07',
    '\x1b]104\x07',
    '\x1b]10;#123456;blue\x07',
    '\x1b]110\x07',
    '\x1b]12;?\x07',
    '\x1b]22;pointer\x07',
    '\x1b]52;c;Zm9v\x07',
    '\x1b]2;ends by\x1b[1m',
  ),
  fc.constantFrom(
    '\x1bPq#1~~\x1b\\',
    '\x1bP$qm\x1b\\',
    '\x1b_Gi=1\x1b\\',
    '\x1b^private\x1b\\',
    '\x1bXstart\x1b\\',
    '\x1b[?1;\x1b[2m',
    '\x1b[1\n;3m',
    '\x1b\x1b[K',
    '\x1b[1;2\x18x',
    '\x1b[3é',
    '\x1b[??1h',
    '\x1b[1$ x',
  ),
)
const program = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: text },
    { weight: 4, arbitrary: control },
    { weight: 3, arbitrary: rendition },
    { weight: 2, arbitrary: mode },
    { weight: 2, arbitrary: command },
  ),
  { minLength: 1, maxLength: 60 },
)

const bytesOf = (pieces: readonly string[]): Uint8Array => new TextEncoder().encode(pieces.join(''))

test('a snapshot and the rest are as good as all bytes', () => {
  fc.assert(
    fc.property(program, fc.double({ min: 0, max: 1, noNaN: true }), (pieces, part) => {
      const bytes = bytesOf(pieces)
      const cut = Math.floor(bytes.length * part)
      const all = new Screen(size)
      all.write(bytes.subarray(0, cut))
      const told = new Screen(size)
      told.write(all.snapshot())
      expect(stateOf(told.core)).toEqual(stateOf(all.core))
      for (const screen of [all, told]) screen.write(bytes.subarray(cut))
      expect(stateOf(told.core)).toEqual(stateOf(all.core))
      expect(Buffer.from(told.snapshot()).toString()).toBe(Buffer.from(all.snapshot()).toString())
      all.dispose()
      told.dispose()
    }),
    { numRuns: Number(process.env['RUNS'] ?? 300) },
  )
})

test('so it is after the size changed', () => {
  const other = fc.record({ columns: fc.integer({ min: 2, max: 24 }), rows: fc.integer({ min: 2, max: 9 }) })
  fc.assert(
    fc.property(program, other, program, (before, resized, after) => {
      const all = new Screen(size)
      all.write(bytesOf(before))
      all.resize(resized)
      const told = new Screen(resized)
      told.write(all.snapshot())
      expect(stateOf(told.core)).toEqual(stateOf(all.core))
      for (const screen of [all, told]) screen.write(bytesOf(after))
      expect(stateOf(told.core)).toEqual(stateOf(all.core))
    }),
    { numRuns: Number(process.env['RUNS'] ?? 300) },
  )
})

test('where the bytes were cut changes nothing', () => {
  fc.assert(
    fc.property(program, fc.array(fc.nat({ max: 9 }), { minLength: 1 }), (pieces, lengths) => {
      const bytes = bytesOf(pieces)
      const whole = new Screen(size)
      whole.write(bytes)
      const parts = new Screen(size)
      for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
        const end = at + (lengths[turn % lengths.length] ?? 0) + 1
        parts.write(bytes.subarray(at, end))
        at = end
      }
      expect(stateOf(parts.core)).toEqual(stateOf(whole.core))
      expect(Buffer.from(parts.snapshot()).toString()).toBe(Buffer.from(whole.snapshot()).toString())
    }),
    { numRuns: 200 },
  )
})

test('any bytes leave the parser at rest, and a snapshot that can be said twice', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.constantFrom(...['\x1b[', '\x1b]', '\x1bP', '\u009b', '\x1b[?', '1;2;', 'h', 'm', '\x07', '\x1b\\'].map((one) => bytesOf([one]))),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const screen = new Screen(size)
      for (const bytes of pieces) screen.write(bytes)
      expect(screen.core._inputHandler._parser.currentState).toBe(0)
      const told = new Screen(size)
      told.write(screen.snapshot())
      expect(stateOf(told.core)).toEqual(stateOf(screen.core))
    }),
    { numRuns: 200 },
  )
})

test('what is passed on and what is held back are all that came, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(text, control, rendition, mode), { maxLength: 30 }), fc.nat({ max: 200 }), (pieces, cut) => {
      const bytes = bytesOf(pieces.filter((piece) => !piece.includes('\x18')))
      const filter = new SequenceFilter()
      const passed: Uint8Array[] = []
      filter.push(bytes.subarray(0, cut), (one) => passed.push(one.slice()))
      expect(Buffer.concat([...passed, filter.held]).toString('latin1')).toBe(Buffer.from(bytes.subarray(0, cut)).toString('latin1'))
    }),
  )
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PlainText, ReplayFilter, plainText, printable, printableLine } from '../../src/core/terminal-text.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes)
const replayed = (text: string): string => textOf(new ReplayFilter().push(bytesOf(text)))

/** What a terminal answers, reports at once, rings at, copies, prints or shows on the desktop. */
const questions: readonly string[] = [
  ...['\x1b[c', '\x1b[0c', '\x1b[>c', '\x1b[>0c', '\x1b[=c', '\x1bZ', '\x9bc', '\x9a'],
  ...['\x1b[5n', '\x1b[6n', '\x1b[?6n', '\x1b[?15n', '\x1b[?25n', '\x1b[?26n', '\x1b[?996n', '\x1b[6\x0bn'],
  ...['\x1b[>q', '\x1b[>0q', '\x1b[?2026$p', '\x1b[4$p', '\x1bP$qm\x1b\\', '\x1bP$q q\x1b\\', '\x1bP+q544e\x1b\\', '\x1bP+q544e\x9c', '\x90+q544e\x1b\\'],
  ...[
    '\x1b]4;1;?\x1b\\',
    '\x1b]10;?\x07',
    '\x1b]11;?\x1b\\',
    '\x1b]12;?\x07',
    '\x1b]52;c;?\x07',
    '\x1b]52;c;aGk=\x07',
    '\x1b]99;i=1:p=?;\x1b\\',
    '\x1b]7501;?\x07',
    '\x9d11;?\x9c',
    '\x1b]60\x07',
  ],
  ...[
    '\x1b[?u',
    '\x1b[>1u',
    '\x1b[=1;1u',
    '\x1b[<u',
    '\x1b[14t',
    '\x1b[18t',
    '\x1b[21t',
    '\x1b[8;24;80t',
    '\x1b[22;0t',
    '\x1b[x',
    '\x1b[0x',
    '\x1b[1x',
    '\x1b[?1S',
    '\x1b[?4m',
    '\x1b[>4;2m',
    '\x1b[>4m',
  ],
  ...[
    '\x05',
    '\x07',
    '\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\',
    '\x9fGa=q\x9c',
    '\x1b^pm\x1b\\',
    '\x1bXsos\x1b\\',
    '\x1b]9;done\x07',
    '\x1b]9;4;1;50\x07',
    '\x1b]777;notify;a;b\x1b\\',
    '\x1b]1337;ReportCellSize\x07',
  ],
  ...[
    '\x1b[?1004h',
    '\x1b[?25;1004h',
    '\x1b[?2031h',
    '\x1b[?2048h',
    '\x1b[2h',
    '\x1b[5i',
    '\x1b[?5i',
    '\x1b[1*y',
    '\x1b[1;1;1;1;1;1*y',
    '\x1b[&u',
    '\x1b[1$w',
    '\x1b[2147483647b',
    '\x1b[3J',
    '\x1b[1;2;3;4;5T',
  ],
  ...['\x1bPtmux;\x1b\x1b]11;?\x07\x1b\\', '\x1b G', '\x1b%@', "\x1b['|", '\x1b[1;1;1;1#|', '\x1b[?1;2;3S'],
]

/** What draws, and comes out as it went in. */
const drawing: readonly string[] = [
  ...['plain', 'größer ✓ 界 👩‍💻', '\r\n', '\n', '\r', '\b', '\t', '\x0e', '\x0f'],
  ...[
    '\x1b[m',
    '\x1b[1;38;5;208m',
    '\x1b[38:2::1:2:3m',
    '\x1b[4:3m',
    '\x1b[H',
    '\x1b[12;40H',
    '\x1b[3A',
    '\x1b[2J',
    '\x1b[J',
    '\x1b[?2J',
    '\x1b[K',
    '\x1b[1K',
    '\x1b[2L',
    '\x1b[M',
    '\x1b[4P',
    '\x1b[5@',
    '\x1b[3X',
    '\x1b[20b',
  ],
  ...[
    '\x1b[2S',
    '\x1b[2T',
    '\x1b[5;20r',
    '\x1b[r',
    '\x1b[s',
    '\x1b[u',
    '\x1b[3g',
    '\x1bH',
    '\x1b7',
    '\x1b8',
    '\x1bM',
    '\x1bD',
    '\x1bE',
    '\x1b=',
    '\x1b>',
    '\x1b(0',
    '\x1b(B',
    '\x1b)0',
    '\x1b#6',
    '\x1b[!p',
    '\x1b[2 q',
    "\x1b[2'}",
  ],
  ...['\x1b[?25l', '\x1b[?25h', '\x1b[?1049h', '\x1b[?1049l', '\x1b[?1h', '\x1b[?7l', '\x1b[?1000;1002;1006h', '\x1b[?2004h', '\x1b[4h', '\x1b[20l'],
  ...['\x1b]0;a title ✓\x1b\\', '\x1b]2;title\x1b\\', '\x1b]8;id=1;https://example.org/?a=b\x1b\\', '\x1b]8;;\x1b\\', '\x1b]133;A\x1b\\'],
]

/** An own, much cruder reading than the one under test: everything behind an escape that is not known to be silent. */
function hazards(text: string): readonly string[] {
  // oxlint-disable-next-line no-control-regex
  const found = text.match(/[\0-\x07\x0b\x0c\x10-\x1a\x1c-\x1f\x7f-\x9f]|\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x1b]*\x1b\\|[ -/]*[0-~]|)/g) ?? []
  return found.filter((one) => {
    const modes = /^\x1b\[(\??)([\d;]*)[hl]$/.exec(one)
    if (modes) return (modes[2] ?? '').split(';').some((mode) => (modes[1] === '?' ? ['3', '1004', '2026', '2031', '2048'].includes(mode) : !['4', '20'].includes(mode)))
    if (/^\x1b\[[\d;:]*m$/.test(one)) return false
    if (/^\x1b\[[\d;]*[@A-HJ-MPSTXZ`abd-gIrsu]$/.test(one)) return /\d{6}/.test(one) || one === '\x1b[3J' || /;.*T/.test(one)
    if (/^\x1b\[(\?[\d;]*[JK]|\?5W|!p|\d* [@Aq]|\d*'[}~])$/.test(one)) return false
    if (/^\x1b\]([0128]|133);[^\0-\x1f\x7f-\x9f]*\x1b\\$/.test(one)) return false
    return !/^\x1b([78DEHM69=>no|}~]|[()*+\-./][ -/]?[0-~]|#[3456])$/.test(one)
  })
}

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\x1b', '\x1b[', '\x1b]', '\x1bP', '\x9b', '\x1b\\', '\x9c', '0;', '11;?', '?', '6n', 'c', '\x18', '\x1a', '\r', '\n', '\x05'),
)
const mixture = fc.array(fc.oneof(fc.constantFrom(...questions), fc.constantFrom(...drawing), anyText), { maxLength: 30 }).map((parts) => parts.join(''))
const rawMixture = fc.array(fc.oneof(mixture.map(bytesOf), fc.uint8Array({ maxLength: 20 })), { maxLength: 4 }).map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])))

function cut(bytes: Uint8Array, cuts: readonly number[]): readonly Uint8Array[] {
  const places = [...new Set(cuts.map((one) => one % (bytes.length + 1)))].toSorted((a, b) => a - b)
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length))
}

describe('printable', () => {
  test('sequences vanish, other controls become visible, text stays', () => {
    expect(printable('a\x1b[1;31mred\x1b[0m\x1b]0;title\x07 \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x1bPq#1\x1b\\\x1b_G\x1b\\\x1b^p\x1b\\\x1bXs\x1b\\\x1b(Bdone\x1bc')).toBe(
      'ared link done',
    )
    expect(printable('\x9b31mred\x9d0;t\x9c!\x85\x00\x07\x7f')).toBe('red!\ufffd\ufffd\ufffd\ufffd')
    expect(printable('one\r\n\ttwo\rthree\n')).toBe('one\n\ttwo\ufffdthree\n')
    expect(printable('größer ✓ 界 👩‍💻 e\u0301')).toBe('größer ✓ 界 👩‍💻 e\u0301')
  })

  test('text that pretends to read in another direction, and broken text, becomes visible', () => {
    expect(printable('a\u202eb\u2066c\u200fd\u061ce\u2028f\u2029g\ud800h\udc00')).toBe('a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf\ufffdg\ufffdh\ufffd')
  })

  test('a sequence without its end hides nothing that follows it', () => {
    expect(printable('\x1b]0;title\nall that matters')).toBe('0;title\nall that matters')
    expect(printable('\x1bPno end, but text')).toBe('no end, but text')
    expect(printable('end \x1b[3')).toBe('end ')
    expect(printable('end \x1b')).toBe('end \ufffd')
  })

  test('what is removed leaves nothing that was not there before', () => {
    expect(printable('\x1b\x1b[m[31mred')).toBe('\ufffd[31mred')
    expect(printable('\x1b]\x1b[m0;x\x07')).toBe('0;x\ufffd')
  })

  test('nothing that it gives is a control or misleading, whatever it is given', () => {
    const allowed = /^[^\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*$/
    fc.assert(
      fc.property(fc.oneof(mixture, fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) })), (text) => {
        const shown = printable(text)
        expect(shown).toMatch(allowed)
        expect(shown.isWellFormed()).toBe(true)
        expect(printable(shown)).toBe(shown)
        expect(printableLine(text)).not.toMatch(/[\n\t\r]|^ | $/)
      }),
      { numRuns: 1000 },
    )
  })

  test('it takes time in proportion to the text', () => {
    for (const unit of ['\x1b]', '\x1b[', '\x9d', '\x1b ', '\x1bP0', '\x1b[;']) expect(printable(unit.repeat(500_000))).not.toContain('\x1b')
  }, 20_000)

  test('one line is one line', () => expect(printableLine('  a\r\n\tb\n\n\x1b[2Jc ')).toBe('a b c'))
})

describe('plain text', () => {
  test('lines come with their own breaks, without escapes', () => {
    expect(plainText(bytesOf('\x1b[1mbold\x1b[0m\r\n\x1b]0;t\x07two\x1b[2J\x1b[H\nthree'))).toBe('bold\ntwo\nthree')
    expect(plainText(bytesOf('a\r\r\nb\r\n\r\n'))).toBe('a\nb\n\n')
  })

  test('of a progress bar the last state remains', () => {
    expect(plainText(bytesOf('get 10%\rget 50%\rget 100%\r\nok\r\n'))).toBe('get 100%\nok\n')
    expect(plainText(bytesOf('done\r'))).toBe('done')
  })

  test('a backspace takes one character, not half of one, and none of the line before', () => {
    expect(plainText(bytesOf('\b\bab👍\b\bc\n\b\bd'))).toBe('ac\nd')
  })

  test('the cursor put forward is a gap', () => expect(plainText(bytesOf('two\x1b[Cwords\x1b[3Capart'))).toBe('two words   apart'))

  test('finished lines come at once, the open one when it ends', () => {
    const plain = new PlainText()
    expect([plain.push(bytesOf('a\nb')), plain.push(bytesOf('c\r')), plain.push(bytesOf('\n')), plain.push(bytesOf('d')), plain.end(), plain.end()]).toEqual([
      'a\n',
      '',
      'bc\n',
      '',
      'd',
      '',
    ])
  })

  test('a line without an end is given away in parts, whole', () => {
    const plain = new PlainText()
    const long = '👍x'.repeat(100_000)
    const first = plain.push(bytesOf(long))
    expect(first.length).toBeGreaterThan(long.length - 70_000)
    expect(first.isWellFormed()).toBe(true)
    expect(first + plain.end()).toBe(long)
  })

  test('bytes that are no text are shown as such', () =>
    expect(plainText(Uint8Array.of(0x61, 0xff, 0xc3, 0x28, 0xe2, 0x82, 0xed, 0xa0, 0x80, 0xc0, 0x80))).toMatch(/^a\ufffd\ufffd\(\ufffd+$/))

  test('where the output is cut changes nothing, and nothing in it is a control', () => {
    fc.assert(
      fc.property(rawMixture, fc.array(fc.nat(), { maxLength: 12 }), (bytes, cuts) => {
        const plain = new PlainText()
        const whole = plainText(bytes)
        expect(
          cut(bytes, cuts)
            .map((part) => plain.push(part))
            .join('') + plain.end(),
        ).toBe(whole)
        expect(printable(whole)).toBe(whole)
      }),
      { numRuns: 500 },
    )
  })
})

describe('output that is shown again', () => {
  test.each(drawing)('%j draws as before', (one) => expect(replayed(`a${one}b`)).toBe(`a${one}b`))

  test.each(questions)('%j is gone', (one) => expect(hazards(replayed(`a${one}b`))).toEqual([]))

  test.each(questions.filter((one) => !/[\x0b]|25;/.test(one)))('nothing is left of %j', (one) => expect(replayed(`a${one}b`)).toBe('ab'))

  test('the oracle of these tests knows every question', () => {
    for (const one of questions) expect(hazards(one), JSON.stringify(one)).not.toEqual([])
    for (const one of drawing) expect(hazards(one), JSON.stringify(one)).toEqual([])
  })

  test('of several modes the harmless ones remain', () => expect(replayed('\x1b[?25;1004;2004h\x1b[2;4h')).toBe('\x1b[?25;2004h\x1b[4h'))

  test('a control in the midst of a sequence acts before it', () => expect(replayed('a\x1b[1\r\n;3\x05\x071m')).toBe('a\r\n\x1b[1;31m'))

  test('a title ends at BEL, ST or not at all', () => {
    expect(replayed('\x1b]0;a\x07\x1b]2;b\x1b\\\x1b]0;c\x9cd')).toBe('\x1b]0;a\x1b\\\x1b]2;b\x1b\\\x1b]0;c\x1b\\d')
    expect(replayed('\x1b]0;a\x1b[31mb\x1b]0;a\nb\x07c')).toBe('\x1b[31mbc')
    expect(replayed(`\x1b]0;${'x'.repeat(5000)}\x07after`)).toBe('after')
  })

  test('a full reset clears the screen and spares the scrollback', () => expect(replayed('a\x1bcb')).toBe('a\x1b[?1049l\x1b[!p\x1b[H\x1b[2Jb'))

  test('bytes that are no text, and eight-bit controls, do not pass as they are', () => {
    const shown = textOf(new ReplayFilter().push(Uint8Array.of(0x9b, 0x63, 0x90, 0x71, 0xff, 0xc2, 0x9b, 0x63)))
    expect(shown).toBe('\ufffdc\ufffdq\ufffd')
  })

  test('no question passes, wherever the output is cut', () => {
    fc.assert(
      fc.property(rawMixture, fc.array(fc.nat(), { maxLength: 12 }), (bytes, cuts) => {
        const whole = new ReplayFilter().push(bytes)
        expect(hazards(textOf(whole))).toEqual([])
        const filter = new ReplayFilter()
        const parts = cut(bytes, cuts).map((part) => filter.push(part))
        expect(Buffer.concat(parts)).toEqual(Buffer.from(whole))
        for (const part of parts) textOf(part)
        expect(Buffer.from(new ReplayFilter().push(whole))).toEqual(Buffer.from(whole))
      }),
      { numRuns: 1000 },
    )
  })

  test('live bytes finish what old ones began, dropped or drawn, and not a byte more is taken', () => {
    for (const one of [...questions, ...drawing].filter((each) => each.length > 1)) {
      const bytes = bytesOf(one)
      for (let at = 1; at < bytes.length; at += 1) {
        const filter = new ReplayFilter()
        const before = filter.push(bytes.subarray(0, at))
        const live = Buffer.concat([bytes.subarray(at), bytesOf('\x1b[6nnext')])
        const { bytes: after, consumed } = filter.pushUntilRest(live)
        const raw = live.subarray(consumed)
        expect(filter.inSequence, JSON.stringify([one, at])).toBe(false)
        // The live question stands whole behind it: it is the program's, asked now.
        expect(raw.toString().endsWith('\x1b[6nnext')).toBe(true)
        expect(hazards(textOf(Buffer.concat([before, after])))).toEqual([])
      }
    }
  })

  test('at rest between sequences and characters, not within', () => {
    const filter = new ReplayFilter()
    const states = ['a', '\x1b', '[', '6', 'n', '\x1b]0;t', '\x1b', '\\', '\x1bPx', '\x18'].map((part) => {
      filter.push(bytesOf(part))
      return filter.inSequence
    })
    expect(states).toEqual([false, true, true, true, false, true, true, false, true, false])
    filter.push(Uint8Array.of(0xe2, 0x9c))
    expect(filter.inSequence).toBe(true)
  })
})

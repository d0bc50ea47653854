// Bytes that were made to hold up whoever draws them: a megabyte is through in a second, in bounded memory, and what is said about it afterwards asks nothing.

import { expect, test } from 'vitest'
import { Screen } from '../../src/screen/screen.ts'

const size = { columns: 80, rows: 24 }
/** A third of a megabyte, for a third of the time. */
const length = 333_000
const full = (text: string): Buffer => Buffer.from(text.repeat(Math.ceil(length / Buffer.byteLength(text))))

const corpus: readonly (readonly [what: string, bytes: Buffer])[] = [
  ['a character repeated for ever', Buffer.from('x\x1b[2147483647b')],
  ['that, again and again', full('x\x1b[2147483647b')],
  ['lines inserted for ever', full('\x1b[2147483647L')],
  ['all lines but one inserted', full('\x1b[23L')],
  ['all lines but one deleted', full('\x1b[23M')],
  ['scrolled up for ever', full('\x1b[2147483647S')],
  ['scrolled down by most of it', full('\x1b[23T')],
  ['tabs for ever', full('\x1b[2147483647I\x1b[2147483647Z')],
  ['characters inserted for ever', full('\x1b[2147483647@')],
  ['columns inserted', full("\x1b[1'}")],
  ['cells erased for ever', full('\x1b[2147483647X')],
  ['endless parameters', Buffer.from(`\x1b[${'1;'.repeat(length)}m`)],
  ['endless digits', Buffer.from(`\x1b[${'9'.repeat(length)}b`)],
  ['a title without an end', Buffer.from(`\x1b]0;${'a'.repeat(length)}`)],
  ['a picture without an end', Buffer.from(`\x1bPq${'~'.repeat(length)}`)],
  ['an application command without an end', Buffer.from(`\x1b_G${'a'.repeat(length)}`)],
  ['nothing but ESC', full('\x1b')],
  ['nothing but beginnings', full('\x1b[')],
  ['a sequence full of line feeds', Buffer.from(`\x1b[${'\n'.repeat(length)}`)],
  ['marks without an end', Buffer.from(`a${'\u0301'.repeat(length / 2)}`)],
  ['wide characters over the edge', full('a世界')],
  ['the alternate screen, in and out', Buffer.from('\x1b[?1049h\x1b[?1049l'.repeat(25_000))],
  ['full resets', full('\x1bc')],
  ['soft resets', full('\x1b[!p')],
  ['the screen erased', full('\x1b[2J')],
  ['alignment patterns', full('\x1b#8')],
  ['reverse line feeds', full('\x1bM')],
  ['line feeds in a small region', full('\x1b[2;3r\n\n\n\n')],
  ['scrollback cleared', full('\n\x1b[3J')],
  ['links', Buffer.from(Array.from({ length: 8000 }, (_, index) => `\x1b]8;;http://example.com/${index}\x1b\\x\x1b]8;;\x1b\\`).join(''))],
  ['a link that is never closed', Buffer.from(`\x1b]8;;http://example.com/\x1b\\${full('some words and some more\r\n').toString()}`)],
  ['colours', full('\x1b[38;2;1;2;3;48;2;4;5;6;4:3;58:2::1:2:3mx')],
  ['titles on a stack', full('\x1b]2;a title\x07\x1b[22t')],
  ['keyboard flags on a stack', full('\x1b[>1u')],
  ['a palette', full('\x1b]4;1;rgb:11/22/33\x07')],
]

test.each(corpus)('through at a megabyte a second: %s', (_what, bytes) => {
  const screen = new Screen(size)
  const startedMs = process.cpuUsage().user / 1000
  for (let at = 0; at < bytes.length; at += 65_536) screen.write(bytes.subarray(at, at + 65_536))
  const snapshot = screen.snapshot()
  // Time of this process, since others have the machine as well; its garbage is collected in that time too.
  expect(process.cpuUsage().user / 1000 - startedMs).toBeLessThan(500)
  expect(snapshot.length).toBeLessThan(4_000_000)
  screen.write(Buffer.from('\x18\x1b\\\x1b[!p\x1b[?1049l\x1b[1;1Hstill here'))
  expect(screen.cursor()).toEqual({ row: 1, column: 11 })
  screen.dispose()
})

test('what is half received is held in bounded memory', () => {
  const screen = new Screen(size)
  const atStart = screen.snapshot().length
  for (const begin of ['\x1b]2;', '\x1bP', '\x1b[']) {
    screen.write(Buffer.from(begin))
    for (let turn = 0; turn < 64; turn += 1) screen.write(Buffer.alloc(65_536, '1'))
    expect(screen.snapshot().length - atStart).toBeLessThan(20_000)
    screen.write(Buffer.from('\x18'))
  }
})

test('many sizes in a row are laid out quickly', () => {
  const screen = new Screen(size)
  screen.write(full('a long line that is wrapped anew with each size, over and over, because it is wider than the screen is\r\n'))
  const startedMs = process.cpuUsage().user / 1000
  for (let turn = 0; turn < 200; turn += 1) screen.resize({ columns: 40 + (turn % 80), rows: 10 + (turn % 30) })
  expect(process.cpuUsage().user / 1000 - startedMs).toBeLessThan(2000)
})

test('absurd sizes are bounded', () => {
  expect(new Screen({ columns: 65_535, rows: 65_535 }).size).toEqual({ columns: 2000, rows: 2000 })
  expect(new Screen({ columns: 1, rows: 0 }).size).toEqual({ columns: 2, rows: 1 })
})

/** What a terminal would answer, ring at, or copy. */
// oxlint-disable-next-line no-control-regex
const asks =
  /\x1b\[[>=?]?[\d;]*(?:c|n|x)|\x1b\[\??[\d;]*\$p|\x1b\[>[\d;]*q|\x1b\[\?u|\x1b\](?:\d+;)?[\d;]*\?|\x1b\]52|\x1b\](?:7501|9|777|99);|\x1bP|\x1bZ|\x1b\[(?:1[1-9]|2[01])t|\x05|\x07/

test('a snapshot asks nothing, rings nothing and copies nothing, whatever the program did', () => {
  const screen = new Screen(size)
  const queries = [
    '\x1b[c',
    '\x1b[>c',
    '\x1b[=c',
    '\x1b[5n',
    '\x1b[6n',
    '\x1b[?6n',
    '\x1b[?996n',
    '\x1b[?2026$p',
    '\x1b[4$p',
    '\x1b[>q',
    '\x1b[?u',
    '\x1b[?4m',
    '\x1b[18t',
    '\x1b[14t',
    '\x1b[21t',
    '\x1bZ',
    '\x05',
    '\x07',
  ]
  const commands = [
    '\x1b]10;?\x07',
    '\x1b]4;1;?;2;?\x07',
    '\x1b]52;c;Zm9v\x07',
    '\x1b]52;c;?\x07',
    '\x1b]7501;?\x1b\\',
    '\x1b]9;hello\x07',
    '\x1b]777;notify;a;b\x07',
    '\x1b]12;?;red\x07',
    '\x1bP$qm\x1b\\',
    '\x1bP+q544e\x1b\\',
    '\x1b_Gi=1,a=q;\x1b\\',
  ]
  for (const asked of [...queries, ...commands]) screen.write(Buffer.from(`text ${asked}`))
  screen.write(Buffer.from('\x1b]2;title\x07\x1b]10;#112233\x07\x1b[>4;2m\x1b[>1u\x1b[?1004h\x1b]8;;http://a/\x07link\x1b[?1049hover\x1b[?2026h'))
  const said = Buffer.from(screen.snapshot()).toString()
  expect(said).toContain('http://a/')
  expect(asks.exec(said)).toBeNull()
  for (const asked of [...queries, ...commands].filter((one) => one !== '\x1b[?4m' && one !== '\x1b_Gi=1,a=q;\x1b\\')) expect(asked).toMatch(asks)
})

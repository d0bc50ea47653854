// The restore table: what a program can do to its terminal, one thing a row. Each time a fresh terminal that is told the snapshot is in the very same state, and goes on in the same way.

import xterm from '@xterm/headless'
import { expect, test } from 'vitest'
import { Screen } from '../../src/screen/screen.ts'
import type { Core } from '../../src/screen/xterm-insides.ts'
import { stateOf } from './state.ts'

const size = { columns: 40, rows: 10 }
const lines = (count: number): string => Array.from({ length: count }, (_, index) => `line ${index}\r\n`).join('')

/** What the program says next: text, moves, scrolling, a repeated character, a marked one, tabs, the saved cursor, the way back from the alternate screen. */
const probes = ['x\x1b[3bY', '\u0301z', '\r\n\tA\r\nB\x1b[2;3HC', '\x1b8saved\x1b[1;1Htop', `${lines(14)}\x1b[5A\x1b[2Lin`, '\x1b[?1049lback', '\x1b[?6lorigin\x0e lq\x0f']

const table: readonly (readonly [what: string, bytes: string])[] = [
  ['nothing', ''],
  ['plain text', 'hello\r\nworld'],
  ['scrollback', lines(50)],
  ['more than is kept', lines(1300)],
  ['a line that wraps', 'a'.repeat(95)],
  ['a line about to wrap', 'a'.repeat(40)],
  ['a line about to wrap, in another colour than comes', `\x1b[31m${'a'.repeat(40)}\x1b[32;44m`],
  ['a wrapped line whose first part was erased', `${'a'.repeat(60)}\x1b[A\x1b[K\x1b[B`],
  ['a wrapped line whose rest was erased', `${'a'.repeat(60)}\r\x1b[X`],
  ['wrapped lines in scrollback with colours', `\x1b[41m${'ab '.repeat(300)}\x1b[0m${lines(4)}`],
  ['wide characters over the edge', `${'a'.repeat(39)}你好${'世'.repeat(30)}`],
  ['combining characters', 'e\u0301a\u0308\u0323 x\u0301'],
  ['emoji', 'a🎉b⚡c👍\u{1f3fd}d'],
  ['bold, dim, italic, inverse, hidden, blink, strike, overline', '\x1b[1mb\x1b[2md\x1b[3mi\x1b[7mv\x1b[8mh\x1b[5mk\x1b[9ms\x1b[53mo\x1b[22;23mrest'],
  ['colours', '\x1b[31mr\x1b[92mg\x1b[38;5;200mp\x1b[38;2;1;2;3mt\x1b[48;5;17mb\x1b[48;2;9;8;7mq\x1b[39;49mn'],
  ['underline styles and colours', '\x1b[4ms\x1b[4:3mc\x1b[58;5;9mp\x1b[58:2::1:2:3mr\x1b[4:2md\x1b[59mn\x1b[21mw\x1b[24mo'],
  ['current attributes', 'text\x1b[1;3;4:3;38;5;99;48;2;1;1;1;58;5;3m'],
  ['cells with a background only', '\x1b[44m\x1b[2J\x1b[3;5Htext\x1b[42m\x1b[K\x1b[0m\x1b[5;1Hplain'],
  ['coloured lines from scrolling', `\x1b[45m${lines(12)}\x1b[0m`],
  ['erased in the middle', 'abcdefghijkl\x1b[1;4H\x1b[43m\x1b[3X\x1b[0m'],
  ['links', '\x1b]8;;http://a/\x1b\\one\x1b]8;;\x1b\\ two \x1b]8;id=7;http://b/?x;y\x07three\x1b]8;;\x07'],
  ['an open link', 'a \x1b]8;id=9;http://c/\x07li\x1b[1mnk'],
  ['a hidden cursor', '\x1b[?25l'],
  ['a cursor in the middle', 'abc\x1b[5;17H'],
  ['cursor style', '\x1b[5 q'],
  ['cursor style without blinking', '\x1b[4 q'],
  ['mouse reports', '\x1b[?1000h\x1b[?1006h'],
  ['mouse motion, in pixels', '\x1b[?1003h\x1b[?1016h'],
  ['mouse drag', '\x1b[?1002h'],
  ['focus reports', '\x1b[?1004h'],
  ['bracketed paste', '\x1b[?2004h'],
  ['application cursor keys and keypad', '\x1b[?1h\x1b='],
  ['margins', `${lines(8)}\x1b[3;7r`],
  ['origin mode', `${lines(8)}\x1b[3;7r\x1b[?6h\x1b[2;4H`],
  ['a saved cursor', 'abc\x1b[4;9H\x1b[1;31m\x1b7\x1b[0m\x1b[H'],
  ['a saved cursor with character sets and modes', '\x1b[2;9r\x1b[?6h\x1b[?7l\x1b(0\x1b)A\x0e\x1b[3;3H\x1b7\x1b[?6l\x1b[?7h\x1b(B\x1b)B\x0f\x1b[r'],
  ['titles', '\x1b]0;both\x07\x1b]2;window\x07'],
  ['a title of its own for the icon', '\x1b]1;icon\x1b\\'],
  ['a title stack', '\x1b]0;first\x07\x1b[22;0t\x1b]2;second\x07\x1b[22;2t\x1b]2;third\x07'],
  ['line drawing', '\x1b(0lqqk\r\nx  x'],
  ['G1 in use', '\x1b)0\x0elqk'],
  ['tab stops', '\x1b[3g\x1b[1;6H\x1bH\x1b[1;20H\x1bH\x1b[H'],
  ['insert mode', 'abcdef\x1b[1;3H\x1b[4h'],
  ['insert mode right after a character', 'abcdef\x1b[1;3H\x1b[4hXY'],
  ['no wrapping', `\x1b[?7l${'a'.repeat(45)}`],
  ['reverse wrapping', '\x1b[?45h'],
  ['new line mode', '\x1b[20h'],
  ['synchronized output', '\x1b[?2026hhalf a frame'],
  ['colour scheme and size reports', '\x1b[?2031h\x1b[?2048h'],
  ['the alternate screen', `${lines(20)}shell$ \x1b[?1049h\x1b[Hfull screen\x1b[5;5Hhere`],
  ['the alternate screen, entered by 1047 with a colour', `${lines(4)}\x1b[44m\x1b[?1047hfull\x1b[0m screen`],
  ['the alternate screen over a changed normal one', `\x1b[2;5r\x1b[1;6H\x1bH\x1b[3;3H\x1b[1;35;42m\x1b(0\x1b[?1049h\x1b[0m\x1b(B\x1b[4;9r\x1b7\x1b[6;6Hin`],
  ['back from the alternate screen', 'before\x1b[?1049hin\x1b[?1049lafter'],
  ['protected characters', 'a\x1b[1"qb\x1b[0"qc\x1b[1"q'],
  ['keyboard flags', '\x1b[>1u\x1b[>5u'],
  ['keyboard flags that were set', '\x1b[=3;1u'],
  ['keyboard flags on both screens', '\x1b[>1u\x1b[?1049h\x1b[>7u\x1b[>15u'],
  ['keyboard flags left on the other screen', '\x1b[>1u\x1b[?1049h\x1b[>7u\x1b[?1049l'],
  ['keys with modifiers', '\x1b[>4;2m'],
  ['colours of the palette and the window', '\x1b]4;1;rgb:11/22/33;7;#fff\x07\x1b]10;red\x07\x1b]11;#000000\x07\x1b]12;rgb:ff/00/00\x07'],
  ['a reversed screen and older mouse reports', '\x1b[?5h\x1b[?1015h\x1b[?1005h'],
  ['half a sequence', 'abc\x1b[1;3'],
  ['half a private sequence', 'abc\x1b[?'],
  ['an ESC', 'abc\x1b'],
  ['half a title', 'abc\x1b]2;half a ti'],
  ['a title at its last byte', 'abc\x1b]2;whole title\x1b'],
  ['after a full reset', `${lines(30)}\x1b[?1049h\x1b[4h\x1b[31m\x1b[?25l\x1bcnew`],
  ['after a soft reset', '\x1b[4h\x1b[3;5r\x1b[?1h\x1b[1;4;31mtext\x1b[!pnew'],
  ['the alignment pattern', '\x1b[31m\x1b#8'],
]

function plainTerminal(): Core {
  const terminal = new xterm.Terminal({
    cols: size.columns,
    rows: size.rows,
    scrollback: 1000,
    allowProposedApi: true,
    logLevel: 'off',
    windowOptions: { pushTitle: true, popTitle: true },
    vtExtensions: { kittyKeyboard: true, win32InputMode: true },
  })
  return (terminal as unknown as { _core: Core })._core
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

test.each(table)('a screen comes back: %s', (_what, bytes) => {
  const screen = new Screen(size)
  screen.write(bytesOf(bytes))
  const restored = new Screen(size)
  restored.write(screen.snapshot())
  expect(stateOf(restored.core)).toEqual(stateOf(screen.core))
  expect(Buffer.from(restored.snapshot()).toString()).toBe(Buffer.from(screen.snapshot()).toString())
  for (const probe of probes) {
    const next = bytesOf(probe)
    for (const one of [screen, restored]) one.write(next)
    expect(stateOf(restored.core)).toEqual(stateOf(screen.core))
  }
})

// The same with a terminal that has nothing of ours in it: newer widths, a reset that shows the cursor, a pattern without attributes.
test.each(table.filter(([what]) => !['emoji', 'after a full reset', 'the alignment pattern'].includes(what)))('xterm itself is brought into the same state: %s', (_what, bytes) => {
  const screen = new Screen(size)
  screen.write(bytesOf(bytes))
  const told = plainTerminal()
  told._inputHandler.parse(screen.snapshot())
  const original = plainTerminal()
  original._inputHandler.parse(bytesOf(bytes))
  expect(stateOf(told)).toEqual(stateOf(original))
})

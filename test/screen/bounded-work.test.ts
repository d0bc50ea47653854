// What is done here in the place of xterm has the same effect.

import xterm from '@xterm/headless'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Screen } from '../../src/screen/screen.ts'
import type { Core } from '../../src/screen/xterm-insides.ts'
import { stateOf } from './state.ts'

const size = { columns: 10, rows: 6 }

const count = fc.oneof(fc.nat({ max: 9 }), fc.constant(40))
/** No count is large: that takes xterm minutes. */
const piece = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'abcxyz 0123'), minLength: 1, maxLength: 14 }),
  fc.constantFrom('\r\n', '\n', '世界', '\x1bM', '\x1bD', '\x1b[31m', '\x1b[44m', '\x1b[0m', '\x1b[?6h', '\x1b[?6l', '\x1b[?1049h', '\x1b[?1049l', '\x1b[!p'),
  // After a carriage return, because here they end the state in which the next character wraps.
  fc.tuple(count, fc.constantFrom(...'LMST@PXIZ^', ' @', ' A', "'}", "'~", 'J', 'K')).map(([number, final]) => `\r\x1b[3C\x1b[${number}${final}`),
  fc.tuple(fc.nat({ max: 12 }), fc.constantFrom(...'ABCDb')).map(([number, final]) => `\x1b[${number}${final}`),
  fc.tuple(fc.nat({ max: 7 }), fc.nat({ max: 7 }), fc.constantFrom('H', 'r')).map(([one, two, final]) => `\x1b[${one};${two}${final}`),
)

test('lines and cells move as xterm moves them', () => {
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 40 }), (pieces) => {
      // Here the other screen, too, is entered and left with a cursor that is not about to wrap.
      const bytes = new TextEncoder().encode(pieces.join('').replaceAll('\x1b[?1049', '\r\x1b[?1049'))
      const ours = new Screen(size)
      ours.write(bytes)
      const terminal = new xterm.Terminal({ cols: size.columns, rows: size.rows, scrollback: 1000, allowProposedApi: true, logLevel: 'off', vtExtensions: { kittyKeyboard: true } })
      const original = (terminal as unknown as { _core: Core })._core
      original._inputHandler.parse(bytes)
      const [one, other] = [stateOf(ours.core), stateOf(original)] as Record<'normal' | 'alternate' | 'cursor', unknown>[]
      expect([one?.normal, one?.alternate, one?.cursor]).toEqual([other?.normal, other?.alternate, other?.cursor])
      ours.dispose()
      terminal.dispose()
    }),
    { numRuns: Number(process.env['RUNS'] ?? 300) },
  )
})

// An independent terminal as the judge of the status line, one that keeps margins and saved cursors otherwise than xterm.js: above the line a tmux pane shows what one shows that has a row less.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ShorterScreen } from '../../src/cli/status-line/screen.ts'

const size = { columns: 20, rows: 9 }
const folder = mkdtempSync(join(tmpdir(), 'os-line-'))
const socket = join(folder, 'socket')
const tmux = (...args: string[]): string =>
  execFileSync('tmux', ['-S', socket, '-f', '/dev/null', ...args], { encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: folder, TERM: 'xterm-256color', LANG: 'C.UTF-8' } })
const absent = spawnSync('tmux', ['-V']).status !== 0

beforeAll(() => {
  if (absent) return
  tmux('new-session', '-d', 'cat')
  tmux('set', '-g', 'status', 'off')
})
afterAll(() => {
  if (!absent) tmux('kill-server')
  rmSync(folder, { recursive: true, force: true })
})

let panes = 0

/** The rows above the last of `size`, and the cursor. */
function shownBy(rows: number, bytes: Uint8Array): string {
  panes += 1
  const name = `pane${panes}`
  const file = join(folder, name)
  // The title comes last, so all the rest is drawn when it is there.
  writeFileSync(file, Buffer.concat([bytes, Buffer.from('\x1b]2;told\x1b\\')]))
  tmux('new-session', '-d', '-s', name, '-x', String(size.columns), '-y', String(rows), `stty raw -echo; cat ${file}; exec cat`)
  const end = Date.now() + 10_000
  while (tmux('display-message', '-p', '-t', name, '#{pane_title}').trim() !== 'told') if (Date.now() > end) throw new Error('tmux did not come to the end')
  const lines = tmux('capture-pane', '-e', '-p', '-t', name)
    .split('\n')
    .slice(0, size.rows - 1)
  const cursor = tmux('display-message', '-p', '-t', name, '#{cursor_x},#{cursor_y} alternate=#{alternate_on}')
  tmux('kill-session', '-t', name)
  return [...lines, cursor].join('\n')
}

const number = fc.oneof(fc.nat({ max: 14 }), fc.constantFrom(99, 999))
const piece = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: fc.constantFrom(...'abc xyz019~#_'), minLength: 1, maxLength: 30 }) },
  { weight: 3, arbitrary: fc.constantFrom('\r\n', '\n', '\r', '\b', '\x0b', '\r\n\r\n\r\n') },
  { weight: 3, arbitrary: fc.constantFrom('\x1b[m', '\x1b[1;31m', '\x1b[7;42m', '\x1b[38;5;200m', '\x1b[39;49m', '\x1b[22m') },
  { weight: 5, arbitrary: fc.tuple(number, fc.constantFrom(...'ABCDEFGd')).map(([count, final]) => `\x1b[${count}${final}`) },
  { weight: 4, arbitrary: fc.tuple(number, number).map(([row, column]) => `\x1b[${row};${column}H`) },
  { weight: 4, arbitrary: fc.tuple(fc.nat({ max: 4 }), fc.constantFrom(...'@JKPSX')).map(([count, final]) => `\x1b[${count}${final}`) },
  // tmux takes a bottom margin of 0 for 1, and lets lines be inserted outside of margins.
  { weight: 3, arbitrary: fc.tuple(number, fc.integer({ min: 1, max: 99 })).map(([top, bottom]) => `\x1b[${top};${bottom}r`) },
  { weight: 3, arbitrary: fc.constantFrom('\x1bD', '\x1bE', '\x1bM', '\x1b[r', '\x1b[;4r', '\x1b[2;4r\x1b[6;3H', '\x1b[1;3r\x1b[5;9H', '\x1b[99;99H') },
  { weight: 3, arbitrary: fc.constantFrom('\x1b7', '\x1b8', '\x1b[s', '\x1b[u') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '\x1b[r\r\x1b[?1049h\x1b7abc\x1b[99;5Hdef\x1b[2J\x1b[5;5Hghi\x1b[r\r\x1b[?1049l\x1b7',
      '\x1bc\x1b7',
      '\x1b[?6l\x1b[r\x1b#8',
      '\x1b[?7l',
      '\x1b[?7h',
      '\x1b[?6h',
      '\x1b[?6l',
    ),
  },
)

test.skipIf(absent)('above the line a tmux pane shows what one without it does', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ piece, pauses: fc.boolean() }), { minLength: 5, maxLength: 40 }), (pieces) => {
      const screen = new ShorterScreen({ columns: size.columns, rows: size.rows - 1, all: size.rows })
      const lined: Uint8Array[] = [Buffer.from(screen.begin())]
      const plain: Uint8Array[] = []
      for (const { piece: text, pauses } of [{ piece: '\x1b7', pauses: true }, ...pieces]) {
        plain.push(Buffer.from(text))
        lined.push(screen.push(Buffer.from(text)))
        if (pauses) lined.push(Buffer.from(screen.draw('\x1b[7mstatus') ?? ''))
      }
      expect(shownBy(size.rows, Buffer.concat(lined))).toBe(shownBy(size.rows - 1, Buffer.concat(plain)))
    }),
    { numRuns: Math.ceil(Number(process.env['RUNS'] ?? 300) / 10) },
  )
})

// An independent terminal as the judge: a tmux pane that is told a snapshot shows the same, in the same modes, as one that was told the program's own bytes.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Screen } from '../../src/screen/screen.ts'

const size = { columns: 60, rows: 12 }
const folder = mkdtempSync(join(tmpdir(), 'os-tmux-'))
const socket = join(folder, 'socket')
const lines = (count: number): string => Array.from({ length: count }, (_, index) => `line ${index}\r\n`).join('')

// Not here: line drawing, which tmux tells as the letters that make it, and DECRC after 1049, which tmux keeps apart.
const samples: readonly (readonly [what: string, bytes: string])[] = [
  ['text, history and a prompt', `${lines(40)}\x1b[32mshell\x1b[0m $ ls`],
  ['attributes and colours', '\x1b[1mbold\x1b[22;3mital\x1b[23;4;31mred\x1b[0;7minv\x1b[0;38;5;208morange\x1b[38;2;1;200;3mtrue\x1b[0;2mdim\x1b[0;9mstrike\x1b[0m end'],
  ['lines that wrap, and one about to', `${'word '.repeat(30)}\r\n${'b'.repeat(60)}`],
  ['wide characters over the edge', `${'a'.repeat(59)}世界${'世'.repeat(40)}`],
  [
    'a full screen program',
    `${lines(5)}$ vi\x1b[?1049h\x1b[?1h\x1b=\x1b[2;11r\x1b[44m\x1b[2J\x1b[5;5H\x1b[33mtext\x1b[0m\x1b[12;1Hstatus\x1b[5;9H\x1b[?25l\x1b[?1002h\x1b[?1006h\x1b[?2004h`,
  ],
  ['left again', `${lines(5)}$ vi\x1b[?1049h\x1b[2Jinside\x1b[?1049l done\x1b7`],
  ['margins and origin mode', `${lines(10)}\x1b[3;8r\x1b[?6h\x1b[2;5Hhere`],
  ['insert mode, no wrapping, tabs', '\x1b[3g\x1b[1;5H\x1bH\x1b[1;30H\x1bH\rabcdef\x1b[1;3H\x1b[4h\x1b[?7l'],
  ['holes and colours to the edge', 'abc\x1b[10Cdef\r\n\x1b[41mcolour\x1b[K\x1b[0m\r\n\x1b[42m\x1b[5;10H\x1b[8X\x1b[0mx\x1b[8;1Hend'],
  ['half a sequence', 'text \x1b[3'],
]
/** What the pane is told after both: only in the right state is it the same. */
const rest = '1mtail\r\n\x1b[4Dx\x1b8y'

const flags =
  '#{cursor_x},#{cursor_y} on=#{cursor_flag} insert=#{insert_flag} keys=#{keypad_cursor_flag} pad=#{keypad_flag} mouse=#{mouse_button_flag}#{mouse_any_flag}#{mouse_sgr_flag} origin=#{origin_flag} wrap=#{wrap_flag} alternate=#{alternate_on} region=#{scroll_region_upper}-#{scroll_region_lower} tabs=#{pane_tabs}'

const tmux = (...args: string[]): string =>
  execFileSync('tmux', ['-S', socket, '-f', '/dev/null', ...args], { encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: folder, TERM: 'xterm-256color', LANG: 'C.UTF-8' } })
const absent = spawnSync('tmux', ['-V']).status !== 0

beforeAll(() => {
  if (!absent) tmux('new-session', '-d', '-x', String(size.columns), '-y', String(size.rows), 'cat')
})
afterAll(() => {
  if (!absent) tmux('kill-server')
  rmSync(folder, { recursive: true, force: true })
})

let panes = 0

/** What a pane shows, its history too, and its modes, when it was told all of this. */
function shownBy(bytes: Uint8Array): object {
  panes += 1
  const file = join(folder, `bytes-${panes}`)
  // The title comes last, so all the rest is drawn when it is there.
  writeFileSync(file, Buffer.concat([bytes, Buffer.from('\x1b]2;told\x1b\\')]))
  const pane = tmux('new-window', '-d', '-P', '-F', '#{pane_id}', `stty raw -echo; cat ${file}; exec cat`).trim()
  const end = Date.now() + 10_000
  while (tmux('display-message', '-p', '-t', pane, '#{pane_title}').trim() !== 'told') if (Date.now() > end) throw new Error('tmux did not come to the end')
  const shown = { text: tmux('capture-pane', '-e', '-p', '-S', '-', '-t', pane), modes: tmux('display-message', '-p', '-t', pane, flags) }
  tmux('kill-pane', '-t', pane)
  return shown
}

test.skipIf(absent).each(samples)('tmux shows the same: %s', (_what, bytes) => {
  const screen = new Screen(size)
  screen.write(Buffer.from(bytes))
  const snapshot = screen.snapshot()
  for (const after of ['', rest]) {
    if (after === '' && bytes.endsWith('[3')) continue
    expect(shownBy(Buffer.concat([snapshot, Buffer.from(after)]))).toEqual(shownBy(Buffer.from(bytes + after)))
  }
})

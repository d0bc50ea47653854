// What is written to which terminal, and that no text of an agent is a control there.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { terminalNotice } from '../../src/text/terminal-notice.ts'

const notice = { title: 'backend-api', body: 'may I?' }
const osc9 = '\x1b]9;backend-api: may I?\x07'
const osc777 = '\x1b]777;notify;backend-api;may I?\x07'
const osc99 = '\x1b]99;i=offstage:d=0:e=1;YmFja2VuZC1hcGk=\x07\x1b]99;i=offstage:p=body:e=1;bWF5IEk/\x07'

test.each([
  ['iTerm2', { TERM: 'xterm-256color', TERM_PROGRAM: 'iTerm.app' }, osc9],
  ['iTerm2 through ssh', { TERM: 'xterm-256color', LC_TERMINAL: 'iTerm2' }, osc9],
  ['Warp', { TERM: 'xterm-256color', TERM_PROGRAM: 'WarpTerminal' }, osc9],
  ['WezTerm', { TERM: 'xterm-256color', TERM_PROGRAM: 'WezTerm', WEZTERM_PANE: '0' }, osc777],
  ['Ghostty', { TERM: 'xterm-ghostty', TERM_PROGRAM: 'ghostty' }, osc777],
  ['foot', { TERM: 'foot' }, osc777],
  ['urxvt', { TERM: 'rxvt-unicode-256color' }, osc777],
  ['GNOME Terminal', { TERM: 'xterm-256color', VTE_VERSION: '7600' }, osc777],
  ['kitty', { TERM: 'xterm-kitty', KITTY_WINDOW_ID: '1' }, osc99],
  ['kitty, started from iTerm2', { TERM: 'xterm-kitty', TERM_PROGRAM: 'iTerm.app', ITERM_SESSION_ID: 'w0' }, osc99],
  ['VS Code, started from kitty', { TERM: 'xterm-256color', TERM_PROGRAM: 'vscode', KITTY_WINDOW_ID: '1' }, '\x07'],
  ['Terminal.app', { TERM: 'xterm-256color', TERM_PROGRAM: 'Apple_Terminal' }, '\x07'],
  ['xterm', { TERM: 'xterm' }, '\x07'],
  ['a Linux console', { TERM: 'linux', VTE_VERSION: '7600' }, '\x07'],
  ['nothing known', {}, '\x07'],
])('%s', (_name, env, expected) => {
  expect(terminalNotice(env, notice)).toBe(expected)
})

test('through tmux to the terminal that it runs in, with a bell for the window', () => {
  const env = { TERM: 'tmux-256color', TERM_PROGRAM: 'tmux', TMUX: '/tmp/tmux-1/default,1,0' }
  expect(terminalNotice({ ...env, ITERM_SESSION_ID: 'w0' }, notice)).toBe(`\x1bPtmux;\x1b${osc9}\x1b\\\x07`)
  expect(terminalNotice({ ...env, KITTY_WINDOW_ID: '1' }, notice)).toBe(`\x1bPtmux;${osc99.replaceAll('\x1b', '\x1b\x1b')}\x1b\\\x07`)
  expect(terminalNotice(env, notice)).toBe('\x07')
})

test('through GNU screen in pieces that it takes', () => {
  const env = { TERM: 'screen', STY: '1.pts', WEZTERM_PANE: '0' }
  expect(terminalNotice(env, notice)).toBe(`\x1bP${osc777}\x1b\\\x07`)
  const long = terminalNotice(env, { title: '界'.repeat(200), body: '界'.repeat(900) })
  // oxlint-disable-next-line no-control-regex
  const pieces = [...long.matchAll(/\x1bP([^]*?)\x1b\\/g)].map(([, piece = '']) => piece)
  expect(pieces.join('')).toBe(`\x1b]777;notify;${'界'.repeat(79)}…;${'界'.repeat(239)}…\x07`)
  for (const piece of pieces) expect(Buffer.byteLength(piece)).toBeLessThan(768)
})

const environments = [
  { TERM: 'xterm-256color', TERM_PROGRAM: 'iTerm.app' },
  { TERM: 'foot' },
  { TERM: 'xterm-kitty' },
  { TERM: 'xterm' },
  { TERM: 'tmux-256color', TMUX: 'x', KITTY_WINDOW_ID: '1' },
  { TERM: 'tmux-256color', TMUX: 'x', ITERM_SESSION_ID: '1' },
  { TERM: 'screen', STY: 'x', WEZTERM_PANE: '1' },
]
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }), fc.constantFrom('4;1;50', '\x1b]0;x\x07', '\x1b\\', '\x9c', 'a;b;c', '\x1b[31m', '\u202e', '\ud800'))

test('whatever the texts are: the sequences are ours, and short', () => {
  fc.assert(
    fc.property(fc.constantFrom(...environments), text, text, (env, title, body) => {
      const written = terminalNotice(env, { title, body })
      expect(Buffer.byteLength(written)).toBeLessThan(2000)
      // Of the same length in controls as that of harmless texts: none came with these.
      // oxlint-disable-next-line no-control-regex
      const controls = (all: string): string => [...all.matchAll(/[\x00-\x1f\x7f-\x9f]/g)].join('')
      const isCut = 'STY' in env
      if (!isCut) expect(controls(written)).toBe(controls(terminalNotice(env, { title: 'a', body: 'b' })))
      expect(written).not.toMatch(/\]9;\d*;/)
      expect(written.isWellFormed()).toBe(true)
    }),
  )
})

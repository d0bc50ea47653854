// The stage on a terminal: what it takes, what it gives back, and how keys and views meet on it.

import { expect, test } from 'vitest'
import type { Mouse, Size, View } from '../../src/tui/view.ts'
import { type Headless, alt, click, control, keys, paste, stageOn } from './headless.ts'

/** Shows its name and what it was told. */
function notebook(stage: () => Headless, name = 'notebook') {
  const seen: string[] = []
  const view: View & { readonly seen: string[]; closed: boolean } = {
    seen,
    closed: false,
    render: ({ columns, rows }: Size) => [`${name} ${columns}x${rows}`, ...seen.slice(1 - rows)],
    input: (data) => {
      if (data === 'o') stage().stage.open(notebook(stage, 'second'))
      else if (data === 'q') stage().stage.back()
      else if (data === '!') throw new Error('that does not work')
      else seen.push(JSON.stringify(data))
    },
    mouse: ({ kind, column, row, delta }: Mouse) => {
      seen.push(`${kind} ${column} ${row} ${delta}`)
      return true
    },
    title: () => `title of ${name}`,
    resumed: () => seen.push('resumed'),
    lookedAt: () => seen.push('looked at'),
    close: () => (view.closed = true),
  }
  return view
}

function onStage(size: Size = { columns: 40, rows: 8 }) {
  const headless: Headless = stageOn(size)
  const view = notebook(() => headless)
  const left = headless.run(view)
  return { headless, view, left }
}

test('a terminal that tells it is known to be the one that is typed into, or not', () => {
  const { headless, view } = onStage()
  expect(headless.stage.focused).toBeUndefined()
  headless.type('\x1b[O')
  expect(headless.stage.focused).toBe(false)
  expect(view.seen).toEqual([])
  headless.type('\x1b[I')
  expect(headless.stage.focused).toBe(true)
  expect(view.seen).toEqual(['looked at'])
})

test.each([
  ['linux', false],
  ['dumb', false],
  ['vt220', false],
  ['', false],
  ['xterm-256color', true],
  ['tmux-256color', true],
  ['screen.linux', true],
])('on TERM=%j titles and the keyboard protocol are asked for: %s', async (term, asked) => {
  const headless = stageOn({ columns: 40, rows: 8, parts: { env: { TERM: term } } })
  const left = headless.run(notebook(() => headless))
  headless.type('q')
  await left
  const sequences = ['\x1b]2;', '\x1b[22;2t', '\x1b[23;2t', '\x1b[>1u', '\x1b[<u']
  expect(sequences.map((sequence) => headless.written().includes(sequence))).toEqual(sequences.map(() => asked))
})

test('a view is painted in the alternate screen and the shell gets its own back', async () => {
  const { headless, view, left } = onStage()
  expect(headless.screen()[0]).toBe('notebook 40x8')
  expect(headless.title()).toBe('title of notebook')
  headless.type('q')
  expect(await left).toEqual({ text: '', exitCode: 0 })
  expect(view.closed).toBe(true)
  expect(headless.screen().join('')).toBe('')
  expect(headless.written()).toMatch(/\x1b\[\?1049h[^]*\x1b\[\?2004h[^]*\x1b\[2J\x1b\[H[^]*\x1b\[<u\x1b\[\?2004l[^]*\x1b\[\?1049l/)
})

test('what is typed is on the screen at once, one key after the other, a paste in one piece', () => {
  const { headless, view } = onStage()
  headless.type('ab', keys.up, alt('m'), control('x'), paste('a\rb'), keys.escape)
  expect(view.seen).toEqual(['"a"', '"b"', '"\\u001b[A"', '"\\u001bm"', '"\\u0018"', '"\\u001b[200~a\\rb\\u001b[201~"', '"\\u001b[27u"'])
  expect(headless.screen()[1]).toBe('"a"')
})

test('every key is for the view: none scrolls or searches something of its own', () => {
  const { headless, view } = onStage()
  const all = [keys.home, keys.end, keys.pageUp, keys.pageDown, '\x1b[1;5A', '\x1b[1;5B', '\x1b[102;6u']
  headless.type(...all)
  expect(view.seen).toEqual(all.map((key) => JSON.stringify(key)))
})

test('a character outside the basic plane is one key', () => {
  const { headless, view } = onStage()
  headless.type('😀é漢')
  expect(view.seen).toEqual(['"😀"', '"é"', '"漢"'])
})

test('a lone Escape is a key after a moment', async () => {
  const { headless, view } = onStage()
  headless.type('\x1b')
  expect(view.seen).toEqual([])
  await headless.until((screen) => screen.includes('"\\u001b"'))
})

test('Escape twice in one moment is two keys', async () => {
  const { headless, view } = onStage()
  headless.type('\x1b\x1b')
  await headless.until((screen) => screen.includes('"\\u001b"'))
  expect(view.seen).toEqual(['"\\u001b"', '"\\u001b"'])
})

test('clicks and the wheel reach the view, in its cells', () => {
  const { headless, view } = onStage()
  headless.type(click({ column: 3, row: 2 }), '\x1b[<64;1;1M')
  expect(view.seen).toEqual(['click 3 2 0', expect.stringMatching(/^wheel 0 0 -\d$/)])
})

test('a view lies on another one and goes back to it', () => {
  const { headless, view } = onStage()
  headless.type('o')
  expect(headless.screen()[0]).toBe('second 40x8')
  expect(headless.title()).toBe('title of second')
  headless.type('q')
  expect(headless.screen().slice(0, 2)).toEqual(['notebook 40x8', 'resumed'])
  expect(view.closed).toBe(false)
})

test('another size is painted anew', async () => {
  const { headless } = onStage()
  headless.resize(20, 3)
  await headless.until(([first]) => first === 'notebook 20x3')
})

test('an error of a view stands in the last row until the next key', () => {
  const { headless } = onStage()
  headless.type('!')
  expect(headless.screen().at(-1)).toMatch(/^ .*that does not work/)
  headless.type('a')
  expect(headless.screen().at(-1)).toBe('')
})

test('a note is cut to the row and cannot bring control bytes', () => {
  const { headless } = onStage({ columns: 20, rows: 4 })
  headless.stage.say('a\x1b]2;evil\x07\x1b[2Jnote that is much longer than the row')
  headless.type('x')
  expect(headless.screen().at(-1)).toBe(' anote that is muc…')
  expect(headless.title()).toBe('title of notebook')
})

test('a note goes with the next key, but not before it can be read, and not to another view', () => {
  const { headless } = onStage()
  headless.stage.say('just now')
  headless.type('x')
  expect(headless.screen().at(-1)).toBe(' just now')
  headless.client.nowMs += 1000
  headless.type('x')
  expect(headless.screen().at(-1)).toBe('')
  headless.type('o')
  headless.stage.say('about the second')
  headless.type('q')
  expect(headless.screen().join('\n')).not.toContain('about the second')
})

test('an error that is long takes two rows, and covers only the last row of the view', () => {
  const { headless } = onStage({ columns: 30, rows: 12 })
  headless.stage.say('the disk is full, nothing was recorded; free some space and try it again, or else', 'error')
  headless.stage.tui.renderNow()
  expect(headless.screen()[0]).toBe('notebook 30x11')
  expect(headless.screen().slice(-2)).toEqual([' the disk is full, nothing', ' was recorded; free some spa…'])
  headless.type('x')
  expect([headless.screen()[0], headless.screen().at(-1)]).toEqual(['notebook 30x12', ''])
})

test('while the terminal is lent nothing is painted, and then everything again', async () => {
  const { headless } = onStage()
  headless.type('a')
  const given = Promise.withResolvers<void>()
  const lent = headless.stage.lend(() => given.promise)
  const before = headless.written()
  headless.stage.repaint()
  headless.type('b')
  expect(headless.written()).toBe(before)
  given.resolve()
  await lent
  await headless.until((screen) => screen[1] === '"a"' && screen[2] === 'resumed')
})

test('a terminal that is closed leaves the screens', async () => {
  const { headless, left } = onStage()
  headless.hangUp()
  expect(await left).toEqual({ text: '', exitCode: 0 })
})

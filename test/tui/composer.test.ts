// Writing: keys in, rows and text out.

import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { visibleWidth } from '@earendil-works/pi-tui'
import { describe, expect, test } from 'vitest'
import { type CompletionSource, Composer } from '../../src/tui/composer.ts'
import { fileCompletions, slashCompletions } from '../../src/tui/completions.ts'
import type { Size, View } from '../../src/tui/view.ts'
import { git } from '../../src/workspace/git.ts'
import { type Headless, alt, control, expectGolden, keys, paste, stageOn } from './headless.ts'

const undo = '\x1f'

interface About {
  readonly size?: Size
  readonly rows?: number
  readonly history?: readonly string[]
  readonly completions?: CompletionSource
}

/** A composer between two rows of something else. Enter takes the text, as it does for those who send it. */
function writing({ size = { columns: 40, rows: 15 }, rows = 6, ...about }: About = {}) {
  const headless: Headless = stageOn(size)
  const composer = new Composer(headless.stage, { placeholder: 'say something', ...about })
  composer.focused = true
  const taken: string[] = []
  const view: View = {
    render: ({ columns }) => ['above', ...composer.render({ columns, rows }), 'below'],
    input: (data) => {
      if (data === keys.enter && !composer.completing) taken.push(composer.take())
      else if (data === keys.shiftEnter) composer.newLine()
      else composer.input(data)
    },
    title: () => 'writing',
    close: () => {},
  }
  void headless.run(view)
  const shown = (): readonly string[] => {
    const screen = headless.screen()
    return screen.slice(1, screen.indexOf('below'))
  }
  return { ...headless, composer, taken, shown }
}

describe('the text', () => {
  test('is empty at first, and says what it is for', () => {
    const { shown, cursor, composer } = writing()
    expect(shown()).toEqual([' › say something'])
    expect(cursor()).toEqual({ column: 3, row: 1 })
    expect(composer.text).toBe('')
  })

  test('has the cursor of the terminal, and none when it has no focus', () => {
    const { type, cursor, composer, cells } = writing()
    type('ab', keys.left)
    expect(cursor()).toEqual({ column: 4, row: 1 })
    expect(cells(1).some((cell) => cell.inverse)).toBe(false)
    composer.focused = false
    type('c')
    expect(cursor()).toBeUndefined()
  })

  test('has lines, and a row that is too long goes on in the next', () => {
    const { type, shown, composer } = writing({ size: { columns: 20, rows: 15 } })
    type('one', keys.shiftEnter, 'the second line is longer')
    expect(shown()).toEqual([' › one', '   the second line', '   is longer'])
    expect(composer.text).toBe('one\nthe second line is longer')
  })

  test('of more rows than there are goes with the cursor, and says that there is more', () => {
    const { type, shown } = writing({ rows: 3 })
    for (const line of ['1', '2', '3', '4', '5']) type(line, keys.shiftEnter)
    type('6')
    expect(shown()).toEqual([' ↑ 4', '   5', '   6'])
    type(...Array.from({ length: 5 }, () => keys.up))
    expect(shown()).toEqual([' › 1', '   2', ' ↓ 3'])
  })

  test('is edited by words, undone, cut and put back', () => {
    const { type, composer } = writing()
    type('one two three', control('w'))
    expect(composer.text).toBe('one two ')
    type(undo)
    expect(composer.text).toBe('one two three')
    type(alt('b'), control('u'))
    expect(composer.text).toBe('three')
    type(control('e'), ' ', control('y'))
    expect(composer.text).toBe('three one two ')
  })

  test('of wide characters keeps its columns', () => {
    const { type, shown, cursor, composer } = writing({ size: { columns: 12, rows: 8 } })
    type('漢字かな交')
    expect(shown()).toEqual([' › 漢字かな', '   交'])
    type(keys.backspace, keys.backspace, '😀')
    expect(composer.text).toBe('漢字か😀')
    expect(cursor()).toEqual({ column: 11, row: 1 })
  })

  test('is taken once, and is empty then', () => {
    const { type, composer, taken, shown } = writing()
    type('go', keys.enter)
    expect(taken).toEqual(['go'])
    expect(composer.text).toBe('')
    expect(shown()).toEqual([' › say something'])
  })
})

describe('what is pasted', () => {
  test('keeps its lines and tabs', () => {
    const { type, composer, shown } = writing()
    type(paste('a:\r\n\tb\rc'))
    expect(composer.text).toBe('a:\n\tb\nc')
    expect(shown()).toEqual([' › a:', '   →b', '   c'])
  })

  test('brings no control bytes, neither to the screen nor to the agent', () => {
    const { type, composer, screen, title } = writing()
    type(paste('x\x1b]2;evil\x07\x1b[2J\x1b[31my\x00\x9b3Jz\u202eq'))
    expect(composer.text).toBe('xy\ufffdz\ufffdq')
    expect(screen().slice(0, 3)).toEqual(['above', ' › xy\ufffdz\ufffdq', 'below'])
    expect(title()).toBe('writing')
  })

  test('has the line breaks that a tmux popup says as keys', () => {
    const { type, composer } = writing()
    type(paste('a\x1b[106;5ub'))
    expect(composer.text).toBe('a\nb')
  })

  test('is folded when it is long, moves as one, and is whole when it is taken', () => {
    const { type, composer, shown, taken } = writing()
    const long = Array.from({ length: 30 }, (_, line) => `line ${line}`).join('\n')
    type('see ', paste(long), ' please')
    expect(shown()).toEqual([' › see [paste #1 +30 lines] please'])
    expect(composer.text).toBe(`see ${long} please`)
    type(...Array.from({ length: 7 }, () => keys.left), keys.left, 'x')
    expect(shown()).toEqual([' › see x[paste #1 +30 lines] please'])
    type(keys.enter, keys.up)
    expect(taken).toEqual([`see x${long} please`])
    expect(composer.text).toBe(taken[0])
  })
})

test('a very long text is folded wherever it comes from, and whole when it is taken', () => {
  const { composer, shown, stage, until } = writing()
  const long = 'many words '.repeat(10_000)
  composer.text = long
  stage.repaint()
  return until(() => shown()[0] === ' › [paste #1 110000 chars]').then(() => expect(composer.take()).toBe(long))
})

describe('the history', () => {
  test('comes with up, the newest first, and the draft comes back with down', () => {
    const { type, composer } = writing({ history: ['first', 'second'] })
    type('draft', keys.home, keys.up)
    expect(composer.text).toBe('second')
    type(keys.up)
    expect(composer.text).toBe('first')
    type(keys.up)
    expect(composer.text).toBe('first')
    type(keys.down)
    expect(composer.text).toBe('second')
    type(keys.down)
    expect(composer.text).toBe('draft')
  })

  test('has what was taken', () => {
    const { type, composer } = writing()
    type('one', keys.enter, 'two', keys.shiftEnter, 'lines', keys.enter, keys.up)
    expect(composer.text).toBe('two\nlines')
    type(keys.up)
    expect(composer.text).toBe('one')
  })

  test('is not in the way of moving between rows', () => {
    const { type, composer } = writing({ history: ['old'] })
    type('a', keys.shiftEnter, 'b', keys.up, 'x')
    expect(composer.text).toBe('ax\nb')
  })
})

test('a file is completed from the repository while one writes', async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'os-compose-')))
  try {
    writeFileSync(join(folder, 'main.ts'), '')
    writeFileSync(join(folder, 'menu.ts'), '')
    const env = { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' }
    await git(['init', '-q'], folder, env, new AbortController().signal)
    const { type, until, composer } = writing({ completions: fileCompletions(folder, env) })
    type('look at @')
    await until((rows) => rows.some((row) => row.includes('main.ts')) && rows.some((row) => row.includes('menu.ts')))
    type('me')
    await until((rows) => !rows.some((row) => row.includes('main.ts')))
    type(keys.enter, 'please')
    expect(composer.text).toBe('look at @menu.ts please')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

describe('completions', () => {
  const commands = slashCompletions(() => [
    { name: 'end', description: 'end this session' },
    { name: 'bg', description: 'leave it running' },
    { name: 'review', description: "the agent's own:\nreview \x1b[31mchanges" },
  ])

  test('open below the text with their descriptions, and one is taken with tab', async () => {
    const { type, until, composer, screen } = writing({ completions: commands, size: { columns: 60, rows: 12 } })
    type('/')
    await until((rows) => rows.includes('below') && rows.some((row) => row.includes('/bg')))
    expect(composer.completing).toBe(true)
    expectGolden('composer-completions', screen())
    type(keys.down, keys.tab)
    expect(composer.text).toBe('/bg ')
    expect(composer.completing).toBe(false)
  })

  test('are taken with Enter too, which sends nothing then', async () => {
    const { type, until, composer, taken } = writing({ completions: commands })
    type('/re')
    await until((rows) => rows.some((row) => row.includes('/review')))
    type(keys.enter)
    expect([composer.text, taken]).toEqual(['/review ', []])
  })

  test('close with Escape, and the text stays', async () => {
    const { type, until, composer, shown } = writing({ completions: commands })
    type('/')
    await until((rows) => rows.some((row) => row.includes('/bg')))
    type(keys.escape)
    expect(composer.completing).toBe(false)
    expect(shown()).toEqual([' › /'])
  })

  test('of an older text are not put into a newer one', async () => {
    const { type, until, taken } = writing({ completions: commands })
    type('/')
    await until((rows) => rows.some((row) => row.includes('/bg')))
    type(`bg${keys.enter}`)
    expect(taken).toEqual(['/bg'])
  })

  test('leave a row to the text where there is little room', async () => {
    const { type, until, shown } = writing({ completions: commands, rows: 3 })
    type('/')
    await until((rows) => rows.some((row) => row.includes('/end')))
    type(keys.down, keys.down)
    expect(shown()).toEqual([' › /', expect.stringContaining('/bg'), expect.stringMatching(/→ \/review/)])
  })

  test('still open after somebody else had the terminal', async () => {
    const { type, until, stage } = writing({ completions: commands })
    await stage.lend(async () => {})
    type('/')
    await until((rows) => rows.some((row) => row.includes('/bg')))
  })

  test('that never come do not hold up what is typed, and are told to stop', () => {
    const signals: AbortSignal[] = []
    const { type, composer } = writing({
      completions: {
        suggestions: (_text, _cursor, signal) => {
          signals.push(signal)
          return new Promise(() => {})
        },
      },
    })
    type('/a')
    type('bc')
    expect(composer.text).toBe('/abc')
    expect(composer.completing).toBe(false)
    expect(signals.every((signal) => signal.aborted)).toBe(true)
  })

  test('that fail are none', async () => {
    let asked = 0
    const { type, composer, until } = writing({
      completions: {
        suggestions: async () => {
          asked += 1
          throw new Error('no')
        },
      },
    })
    type('/a')
    await until(() => asked > 0)
    type('b')
    expect([composer.text, composer.completing]).toEqual(['/ab', false])
  })
})

test('whatever is typed: rows fit, the text has no control bytes, and the cursor is one', () => {
  const key = fc.oneof(
    fc.constantFrom(...Object.values(keys).filter((one) => one !== keys.enter), undo, control('w'), control('k'), control('y'), alt('y'), alt('b'), alt('f')),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    fc.string({ unit: 'binary', maxLength: 30 }).map((text) => paste(text.replaceAll('\x1b[201~', ''))),
    fc.string({ unit: fc.constantFrom('a', ' ', '漢', '👩‍👩‍👧', 'e\u0301', '\n', '\t', '\x1b', '\x9b'), maxLength: 80 }).map(paste),
  )
  const { stage } = stageOn({ columns: 40, rows: 10 })
  fc.assert(
    fc.property(fc.array(key, { maxLength: 30 }), fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 8 }), (typed, columns, rows) => {
      const composer = new Composer(stage, { placeholder: 'say something', history: ['old one', '漢字'] })
      composer.focused = true
      for (const each of typed) {
        composer.input(each)
        const shown = composer.render({ columns, rows })
        expect(shown.length).toBeLessThanOrEqual(rows)
        expect(Math.max(0, ...shown.map(visibleWidth))).toBeLessThanOrEqual(columns)
        // oxlint-disable-next-line no-control-regex
        expect(composer.text).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f]|\p{Cs}/u)
        if (rows > 0 && columns >= 4) expect(shown.join('').split('\x1b_pi:c').length).toBe(2)
      }
    }),
    { numRuns: 40 },
  )
})

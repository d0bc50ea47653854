// The transcript as a window: whatever is in it, the rows fit; wherever it is scrolled to, they are those of the whole.

import { visibleWidth } from '@earendil-works/pi-tui'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Line } from '../../src/core/transcript.ts'
import { themeFor } from '../../src/tui/theme.ts'
import { transcriptText } from '../../src/tui/logs/transcript-text.ts'
import { type PaneContent, TranscriptPane } from '../../src/tui/transcript/pane.ts'
import { cells } from '../../src/tui/transcript/rows.ts'
import type { Size } from '../../src/tui/view.ts'
import { anyContent, anySize, anyText, atMs, entry, message, prompt, thought, tool, work } from './transcript-lines.ts'

const about = { agent: 'claude', cwd: '/work/shop', kind: 'agent' } as const
const newPane = (color = true): TranscriptPane => new TranscriptPane(themeFor(color), about)
const bare = (rows: readonly string[]): readonly string[] => rows.map((row) => row.replace(/\x1b\[[\d;]*m/g, '').trimEnd())
const trimmed = (rows: readonly string[]): readonly string[] => rows.slice(0, rows.findLastIndex((row) => row !== '') + 1)
const of = (lines: readonly Line[], more: Partial<PaneContent> = {}): PaneContent => ({ lines, drafts: [], ...more })
/** All rows that there are. */
const whole = (content: PaneContent, columns: number): readonly string[] => {
  // Without blank rows at the end: what fills the screen is not told from them.
  return newPane().render(content, { columns, rows: 5000 })
}
const numbered = (many: number, from = 0): readonly Line[] => Array.from({ length: many }, (_, index) => message(`1.${from + index}`, `message ${from + index}`))

describe('whatever is in it', () => {
  test('rows are exactly as many as asked, never wider, and nothing but text and colours', () => {
    fc.assert(
      fc.property(anyContent, anySize, fc.boolean(), fc.boolean(), anyText, (content, size, unfolded, color, words) => {
        const pane = newPane(color)
        if (unfolded) pane.toggleFold()
        for (const rows of [pane.render(content, size), pane.find(content, words, -1) ? pane.render(content, size) : []]) {
          if (rows.length > 0) expect(rows.length).toBe(size.rows)
          for (const row of rows) {
            expect(visibleWidth(row)).toBeLessThanOrEqual(size.columns)
            expect(row.replace(/\x1b\[(?:[1-9]|2[2-9]|3[1-9])m/g, '')).not.toMatch(/[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\u200e\u200f\u061c]/)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  test('a row ends every style that it began', () => {
    fc.assert(
      fc.property(anyContent, anySize, (content, size) => {
        for (const row of newPane().render(content, size)) {
          const on = new Set<string>()
          for (const [, code = ''] of row.matchAll(/\x1b\[(\d+)m/g)) {
            if (code === '22') for (const each of ['1', '2']) on.delete(each)
            else if (code === '39') for (const each of on) on.delete(each.startsWith('3') && each.length === 2 ? each : '')
            else if (/^2[3479]$/.test(code)) on.delete(code[1] ?? '')
            else on.add(code)
          }
          expect([...on]).toEqual([])
        }
      }),
      { numRuns: 100 },
    )
  })

  test('at the end the last rows of the whole are seen, and wherever it is scrolled to, so many of it', () => {
    fc.assert(
      fc.property(anyContent, anySize, fc.nat(200), (content, size, up) => {
        const pane = newPane()
        const all = whole(content, size.columns)
        const last = pane.render(content, size)
        const total = rowsIn(content, size.columns)
        expect(last).toEqual(filled(all.slice(Math.max(0, total - size.rows), total), size.rows))
        pane.scroll(-up)
        const top = Math.max(0, total - size.rows - up)
        expect(pane.render(content, size)).toEqual(filled(all.slice(top, Math.min(total, top + size.rows)), size.rows))
      }),
      { numRuns: 150 },
    )
  })

  test('scrolled up and down by as many rows it is where it was', () => {
    fc.assert(
      fc.property(anyContent, anySize, fc.nat(50), fc.nat(50), (content, size, first, by) => {
        const pane = newPane()
        pane.render(content, size)
        pane.scroll(-first)
        const before = pane.render(content, size)
        const above = Math.max(0, rowsIn(content, size.columns) - size.rows - first)
        const possible = Math.min(by, above)
        pane.scroll(-possible)
        pane.render(content, size)
        pane.scroll(possible)
        expect(pane.render(content, size)).toEqual(before)
      }),
      { numRuns: 100 },
    )
  })

  test('our own short way of measuring says what the terminal library says', () => {
    for (let code = 0x20; code < 0x3000; code += 1)
      if (code < 0x7f || code > 0x9f) expect([code, cells(String.fromCodePoint(code))]).toEqual([code, visibleWidth(String.fromCodePoint(code))])
    for (const [from, to] of [
      [0x3000, 0x3100],
      [0x4e00, 0x4e40],
      [0x9fe0, 0xa000],
      [0xac00, 0xac40],
      [0xd780, 0xd7b0],
    ] as const)
      for (let code = from; code < to; code += 1) expect([code, cells(String.fromCodePoint(code))]).toEqual([code, visibleWidth(String.fromCodePoint(code))])
  })
})

/** How many rows there are, blank ones at the end included. */
function rowsIn(content: PaneContent, columns: number): number {
  const pane = newPane()
  pane.render(content, { columns, rows: 1 })
  pane.toStart()
  let many = 1
  // A pane of one row is at its end exactly when the last row is seen.
  for (pane.render(content, { columns, rows: 1 }); !pane.atEnd; many += 1) pane.scroll(1)
  return isEmpty(content, columns) ? 0 : many
}

const isEmpty = (content: PaneContent, columns: number): boolean => whole(content, columns).every((row) => row === '')
const filled = (rows: readonly string[], many: number): readonly string[] => [...rows, ...Array.from<string>({ length: many - rows.length }).fill('')]

describe('scrolling', () => {
  const size: Size = { columns: 60, rows: 8 }

  test('what comes below does not move what is looked at', () => {
    const pane = newPane()
    pane.render(of(numbered(40)), size)
    pane.scroll(-20)
    const before = pane.render(of(numbered(40)), size)
    expect(pane.atEnd).toBe(false)
    const more = of([...numbered(40), ...numbered(5, 40)], { drafts: [{ entryId: '1.45', kind: 'message', text: 'half' }] })
    expect(pane.render(more, size)).toEqual(before)
    expect(pane.hint(more)).toBe('↓ 16 more, 6 new')
    pane.toEnd()
    expect(bare(pane.render(more, size)).at(-1)).toBe('   half')
    expect(pane.hint(more)).toBeUndefined()
  })

  test('the line at the top stays there at another width', () => {
    const long = Array.from({ length: 30 }, (_, index) => message(`1.${index}`, `number ${index} ${'with many words in it '.repeat(9)}`))
    const pane = newPane()
    pane.render(of(long), size)
    pane.scroll(-40)
    const topOf = (rows: readonly string[]): string => rows.map((row) => /number \d+/.exec(row)?.[0]).find((found) => found !== undefined) ?? ''
    const before = topOf(pane.render(of(long), size))
    for (const columns of [200, 30, 45, 60]) expect(Number(topOf(pane.render(of(long), { columns, rows: 8 })).slice(7)) - Number(before.slice(7))).toBeLessThanOrEqual(1)
    expect(topOf(pane.render(of(long), size))).toBe(before)
  })

  test('a line that is left out above does not move what is looked at', () => {
    const lines = [...numbered(20), prompt('p', 'shown elsewhere'), ...numbered(30, 20)]
    const pane = newPane()
    pane.render(of(lines), size)
    pane.scroll(-30)
    const before = pane.render(of(lines), size)
    expect(pane.render(of(lines.filter(({ kind }) => kind !== 'prompt')), size)).toEqual(before)
    expect(pane.render(of(lines), size)).toEqual(before)
  })

  test('a long line is scrolled through row by row', () => {
    const pane = newPane()
    const content = of([message('1.0', Array.from({ length: 100 }, (_, index) => `row ${index}`).join('\n'))])
    expect(bare(pane.render(content, { columns: 60, rows: 3 }))).toEqual(['   row 97', '   row 98', '   row 99'])
    pane.scroll(-50)
    expect(bare(pane.render(content, { columns: 60, rows: 3 }))).toEqual(['   row 47', '   row 48', '   row 49'])
    pane.toStart()
    expect(bare(pane.render(content, { columns: 60, rows: 3 }))).toEqual([' claude', '   row 0', '   row 1'])
    pane.scroll(-5)
    expect(bare(pane.render(content, { columns: 60, rows: 3 }))[0]).toBe(' claude')
  })

  test('a terminal that becomes so high that the end comes in sight follows it', () => {
    const pane = newPane()
    pane.render(of(numbered(10)), size)
    pane.scroll(-4)
    pane.render(of(numbered(10)), size)
    expect(pane.atEnd).toBe(false)
    pane.render(of(numbered(10)), { columns: 60, rows: 40 })
    expect(pane.atEnd).toBe(true)
  })

  test('little stands at the top', () => {
    expect(bare(newPane().render(of([prompt('p', 'hello')]), { columns: 40, rows: 4 }))).toEqual([' you   hello', '', '', ''])
  })

  test('folds are opened and closed around the line at the top', () => {
    const lines = Array.from({ length: 20 }, (_, index) => thought(`1.${index}`, `thought ${index}\n\nmore of it\n\nand more`))
    const pane = newPane()
    pane.render(of(lines), size)
    pane.scroll(-5)
    const top = bare(pane.render(of(lines), size))[0]
    expect(top).toBe('   thought: thought 7 more of it and more')
    pane.toggleFold()
    expect(bare(pane.render(of(lines), size))[0]).toBe('   thought 7')
    pane.toggleFold()
    expect(bare(pane.render(of(lines), size))[0]).toBe(top)
  })
})

describe('what is new', () => {
  test('a mark stands before the first line that was not seen', () => {
    const content = of([...numbered(2), tool('1.2', {}), message('1.3', 'news')], { fresh: { from: 3, count: 1, sinceMs: atMs } })
    expect(trimmed(bare(newPane().render(content, { columns: 40, rows: 20 })))).toEqual([
      ' claude',
      '   message 0',
      '',
      '   message 1',
      '   ✓ read   a.ts',
      '',
      ` ── 1 new since 14:02 ${'─'.repeat(18)}`,
      '   news',
    ])
  })

  test('of another day it says which', () => {
    const content = of([message('1.0', 'news')], { fresh: { from: 0, count: 1, sinceMs: atMs - 86_400_000 } })
    expect(bare(newPane().render(content, { columns: 60, rows: 1 }))[0]).not.toContain('since')
    expect(bare(newPane().render(content, { columns: 60, rows: 9 }))[0]).toContain(' ── 1 new since Sun Nov 22 14:02 ──')
  })
})

describe('search', () => {
  const size: Size = { columns: 30, rows: 6 }
  const lines = [
    ...numbered(10),
    message('1.90', 'the needle is here, a **needle** again\n\nand a Needle in its own row'),
    ...numbered(30, 100),
    thought('1.91', 'first\n\na needle that is folded'),
    ...numbered(10, 200),
  ]

  test('goes from one place to the next and back, and marks all that are seen', () => {
    const pane = newPane()
    pane.render(of(lines), size)
    expect(pane.find(of(lines), 'needle', -1)).toBe(true)
    expect(bare(pane.render(of(lines), size))).toContain('   a needle that is folded')
    expect(pane.find(of(lines), 'needle', -1)).toBe(true)
    const rows = pane.render(of(lines), size)
    expect(bare(rows)).toContain('   and a Needle in its own row')
    expect(rows.join('\n').match(/\x1b\[7m[^\x1b]*\x1b/g)?.length).toBeGreaterThanOrEqual(2)
    expect([pane.find(of(lines), 'needle', -1), pane.find(of(lines), 'needle', -1), pane.find(of(lines), 'needle', -1)]).toEqual([true, true, false])
    expect(bare(pane.render(of(lines), size))).toContain('   the needle is here, a')
    expect([1, 2, 3, 4].map(() => pane.find(of(lines), 'needle', 1))).toEqual([true, true, true, false])
    expect(bare(pane.render(of(lines), size))).toContain('   a needle that is folded')
  })

  test('capitals count when there are some, marks of Markdown do not, and a row may end within the words', () => {
    const pane = newPane()
    pane.render(of(lines), size)
    expect(pane.find(of(lines), 'Needle', -1)).toBe(true)
    expect(pane.find(of(lines), 'Needle', -1)).toBe(false)
    expect(pane.find(of(lines), 'here, a needle again', -1)).toBe(true)
    expect(pane.find(of(lines), 'NEEDLE', -1)).toBe(false)
    expect(pane.find(of(lines), '(.*)', -1)).toBe(false)
  })

  test('nothing is marked once the words are taken back', () => {
    const pane = newPane()
    pane.render(of(lines), size)
    pane.find(of(lines), 'message', -1)
    expect(pane.render(of(lines), size).join('')).toContain('\x1b[7m')
    expect(pane.find(of(lines), '', -1)).toBe(false)
    expect(pane.render(of(lines), size).join('')).not.toContain('\x1b[7m')
  })
})

describe('what is being said', () => {
  const size: Size = { columns: 80, rows: 30 }

  test('it grows into what it will be as a line', () => {
    const text = work.map((line) => (line.kind === 'entry' && line.entry.kind === 'message' ? line.entry.text : '')).join('\n\n')
    const pane = newPane()
    let drafted: readonly string[] = []
    for (let at = 1; at <= text.length; at += 7) pane.render(of([], { drafts: [{ entryId: '1.1', kind: 'message', text: text.slice(0, at) }] }), size)
    drafted = pane.render(of([], { drafts: [{ entryId: '1.1', kind: 'message', text }] }), size)
    expect(pane.render(of([message('1.1', text)]), size)).toEqual(drafted)
    expect(newPane().render(of([message('1.1', text)]), size)).toEqual(drafted)
  })

  test('cut anywhere, a text ends as it would have been in one piece', () => {
    fc.assert(
      fc.property(anyText, fc.array(fc.nat(300), { maxLength: 6 }), (text, cuts) => {
        const pane = newPane()
        for (const cut of [...cuts].sort((a, b) => a - b)) pane.render(of([], { drafts: [{ entryId: '1.1', kind: 'message', text: text.slice(0, cut) }] }), size)
        const content = of([], { drafts: [{ entryId: '1.1', kind: 'message', text }] })
        expect(pane.render(content, size)).toEqual(newPane().render(content, size))
      }),
    )
  })

  test('a message that was recorded in several parts is shown as the one that it is, also while its last part is being said', () => {
    fc.assert(
      fc.property(anyText, fc.array(fc.nat(120), { maxLength: 4 }), fc.boolean(), fc.boolean(), (text, cuts, speaks, folded) => {
        const places = [0, ...[...cuts].sort((a, b) => a - b).map((cut) => Math.min(cut, text.length)), text.length]
        const parts = places.slice(1).map((end, index) => text.slice(places[index], end))
        const lines = parts.map((part, index) => entry(`1.${index + 1}`, { kind: 'message', text: part, ...(index > 0 ? { continues: true } : {}) }))
        const drafts = speaks && parts.length > 1 ? [{ entryId: `1.${parts.length}`, kind: 'message' as const, text: parts.at(-1) ?? '', continues: true as const }] : []
        const before = [prompt('p1', 'go')]
        const after = drafts.length > 0 ? [] : [tool('1.9', {})]
        const [pane, one] = [newPane(), newPane()]
        if (!folded) for (const each of [pane, one]) each.toggleFold()
        const shown = pane.render(of([...before, ...lines.slice(0, lines.length - drafts.length), ...after], { drafts }), size)
        expect(shown).toEqual(one.render(of([...before, message('1.1', text), ...after]), size))
      }),
    )
  })

  test('a code block goes on over the place where its message was cut', () => {
    const lines = [message('1.1', 'See:\n\n```ts\nconst a = 1\n'), entry('1.2', { kind: 'message', text: 'const b = 2\n```\n\nThat **is** it.', continues: true })]
    expect(trimmed(bare(newPane().render(of(lines), size)))).toEqual([' claude', '   See:', '', '     const a = 1', '     const b = 2', '', '   That is it.'])
    expect(transcriptText(lines, 'claude')).toBe('## claude\n\nSee:\n\n```ts\nconst a = 1\nconst b = 2\n```\n\nThat **is** it.')
  })

  test('a text that is taken back and said otherwise is shown as it is now', () => {
    const pane = newPane()
    pane.render(of([], { drafts: [{ entryId: '1.1', kind: 'message', text: 'one\n\ntwo\n\nthree\n\nfour' }] }), size)
    expect(trimmed(bare(pane.render(of([], { drafts: [{ entryId: '1.1', kind: 'message', text: 'five' }] }), size)))).toEqual([' claude', '   five'])
  })

  test('the last lines of what a command prints stand below it while it runs', () => {
    const running = tool('1.1', { title: 'make', toolKind: 'execute', status: 'running' })
    const draft = { entryId: '1.1', kind: 'output', text: 'a\nb\nc\n1%\r2%\r3%\r' } as const
    expect(trimmed(bare(newPane().render(of([running], { drafts: [draft] }), size)))).toEqual([' claude', '   ● run    make', '     b', '     c', '     3%'])
  })
})

test('only what is seen is read: of ten thousand lines a few for each frame', () => {
  const all = Array.from({ length: 1000 }, () => work).flat()
  let read = 0
  const lines = new Proxy(all, {
    get: (target, name, receiver) => {
      if (typeof name === 'string' && /^\d+$/.test(name)) read += 1
      return Reflect.get(target, name, receiver) as unknown
    },
  })
  const pane = newPane()
  const size: Size = { columns: 200, rows: 60 }
  pane.render(of(lines), size)
  for (let page = 0; page < 20; page += 1) {
    pane.scroll(-58)
    pane.render(of(lines), size)
  }
  expect(read / 21).toBeLessThan(1000)
})

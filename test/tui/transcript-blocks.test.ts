// What each kind of line looks like, folded and unfolded: prompts, messages, thoughts, tool calls, diffs, plans, questions, notices.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Line } from '../../src/core/transcript.ts'
import { themeFor } from '../../src/tui/theme.ts'
import { diffRows } from '../../src/tui/transcript/diff.ts'
import { highlight, highlightedRows, languageNamed, languageOf, prepareHighlighting } from '../../src/tui/transcript/highlight.ts'
import { markdownRows } from '../../src/tui/transcript/markdown.ts'
import { TranscriptPane } from '../../src/tui/transcript/pane.ts'
import { painted, plainOf } from '../../src/tui/transcript/rows.ts'
import { Sections } from '../../src/tui/transcript/sections.ts'
import type { Size } from '../../src/tui/view.ts'
import { expectGolden } from './headless.ts'
import { anyText, atMs, entry, message, notice, prompt, question, thought, tool, work } from './transcript-lines.ts'

const theme = themeFor(true)
const without = themeFor(false)
const bare = (row: string): string => row.replace(/\x1b\[[\d;]*m/g, '').trimEnd()

/** Rows of these lines in a pane, without colours and what fills it. */
function rowsOf(lines: readonly Line[], more: { readonly columns?: number; readonly unfolded?: boolean; readonly color?: boolean } = {}): readonly string[] {
  const { columns = 60, unfolded = false, color = true } = more
  const pane = new TranscriptPane(themeFor(color), { agent: 'claude', cwd: '/work/shop', kind: 'agent' })
  if (unfolded) pane.toggleFold()
  const rows = pane.render({ lines, drafts: [] }, { columns, rows: 300 }).map(bare)
  return rows.slice(0, rows.findLastIndex((row) => row !== '') + 1)
}

const markdown = (text: string, width = 60): readonly string[] =>
  markdownRows(text, width, theme)
    .map(plainOf)
    .map((row) => row.trimEnd())

test.each<[number, number, boolean]>([
  [80, 24, false],
  [120, 40, true],
  [40, 15, false],
])('a conversation looks as it did, at %i columns and %i rows', (columns, rows, unfolded) => {
  const size: Size = { columns, rows }
  const pane = new TranscriptPane(theme, { agent: 'claude', cwd: '/work/shop', kind: 'agent' })
  if (unfolded) pane.toggleFold()
  const content = { lines: work, drafts: [{ entryId: '1.9', kind: 'message', text: 'It goes **on' }], fresh: { from: 8, count: 2, sinceMs: atMs } } as const
  const screens = [pane.render(content, size)]
  pane.toStart()
  screens.unshift(pane.render(content, size))
  expectGolden(
    `transcript-${columns}x${rows}`,
    screens.flatMap((screen) => [...screen.map(bare), '═'.repeat(columns)]),
  )
})

describe('who says it', () => {
  test('stands above what they say, once until somebody else does', () => {
    const lines = [message('1.1', 'one'), message('1.2', 'two'), notice('3', 'stopped'), tool('1.3', {}), prompt('p', 'go on'), message('1.4', 'three')]
    expect(rowsOf(lines)).toEqual([' claude', '   one', '', '   two', '   · stopped', '   ✓ read   a.ts', '', ' you   go on', '', ' claude', '   three'])
  })

  test('of a command line only its program', () => {
    const pane = new TranscriptPane(theme, { agent: 'acp:node /opt/agents/talker.mjs --x', cwd: '/', kind: 'agent' })
    expect(bare(pane.render({ lines: [message('1.1', 'one')], drafts: [] }, { columns: 40, rows: 2 })[0] ?? '')).toBe(' talker.mjs')
  })
})

describe('prompts', () => {
  test('are wrapped beside their mark and say whether they were sent', () => {
    expect(rowsOf([prompt('p', 'several words that take\nmore than one row', 'queued'), prompt('q', 'no', 'withdrawn')], { columns: 24 })).toEqual([
      ' you   several words',
      '       that take',
      '       more than one row',
      '       (queued)',
      '',
      ' you   no',
      '       (not sent)',
    ])
  })

  test('are no Markdown', () => {
    expect(rowsOf([prompt('p', '**a** `b`\n\n# c')])).toEqual([' you   **a** `b`', '', '       # c'])
  })

  test('however long they are, come whole', () => {
    const text = Array.from({ length: 3000 }, (_, index) => `word${index}`).join(' ')
    const pane = new TranscriptPane(theme, { agent: 'claude', cwd: '/', kind: 'agent' })
    const rows = pane.render({ lines: [prompt('p', text)], drafts: [] }, { columns: 100, rows: 2000 }).map(bare)
    expect(
      rows
        .join(' ')
        .match(/word\d+/g)
        ?.join(' '),
    ).toBe(text)
  })
})

describe('thoughts', () => {
  const line = thought('1.1', '**Weighing it**\n\nOne way or the other, and the reasons for each of them at length.\n\n- a\n- b')

  test('are one row of their first words', () => {
    expect(rowsOf([line], { columns: 40 })).toEqual([' claude', '   thought: Weighing it One way or the…'])
  })

  test('unfold to what was thought', () => {
    expect(rowsOf([line], { unfolded: true })).toEqual([
      ' claude',
      '   Weighing it',
      '',
      '   One way or the other, and the reasons for each of them at',
      '   length.',
      '',
      '   • a',
      '   • b',
    ])
  })
})

describe('tool calls', () => {
  test('say what is done, how it went and what it changed', () => {
    const changes = [
      { path: '/work/shop/a.ts', added: 80, removed: 0 },
      { path: '/work/shop/b.ts', added: 4, removed: 10 },
    ]
    expect(
      rowsOf([
        tool('1', { status: 'pending' }),
        tool('2', { title: 'Read a.ts' }),
        tool('3', { title: 'a.ts, b.ts', toolKind: 'edit', status: 'running', changes }),
        tool('4', { toolKind: 'other', title: 'x', status: 'failed' }),
      ]),
    ).toEqual(
      [' claude', '   ◦ read   a.ts', '   ✓ Read a.ts', `   ● edit   a.ts, b.ts                             +84 −10`.padEnd(60).trimEnd(), '   ✗ x'].map((row) =>
        row.includes('+84') ? `   ● edit   a.ts, b.ts${' '.repeat(31)}+84 −10` : row,
      ),
    )
  })

  test('show the end of what a command printed, as its terminal would, and all of it unfolded', () => {
    const output = `first\n${Array.from({ length: 5 }, (_, index) => `\x1b[32m${index} %\x1b[0m`).join('\r')}\n\n\tlast but one\nlast ${'x'.repeat(80)}\n`
    const line = tool('1', { toolKind: 'execute', title: 'make', output })
    expect(rowsOf([line])).toEqual([' claude', '   ✓ run    make', '     4 %', '         last but one', `     last ${'x'.repeat(49)}…`])
    expect(rowsOf([line], { unfolded: true })).toEqual([
      ' claude',
      '   ✓ run    make',
      '     first',
      '     4 %',
      '',
      '         last but one',
      `     last ${'x'.repeat(50)}`,
      `     ${'x'.repeat(30)}`,
    ])
  })

  test('that only read show what they found when they are unfolded or failed', () => {
    expect(rowsOf([tool('1', { output: 'found' })])).toEqual([' claude', '   ✓ read   a.ts'])
    expect(rowsOf([tool('1', { output: 'found' })], { unfolded: true })).toEqual([' claude', '   ✓ read   a.ts', '     found'])
    expect(rowsOf([tool('1', { output: 'no such file', status: 'failed' })])).toEqual([' claude', '   ✗ read   a.ts', '     no such file'])
  })

  test('with a title of several lines or too long a one unfold to the whole of it', () => {
    const line = tool('1', { toolKind: 'execute', title: `cat <<X\n\tindented\nX ${'y'.repeat(60)}` })
    expect(rowsOf([line])).toEqual([' claude', `   ✓ run    cat <<X indented X ${'y'.repeat(28)}…`])
    expect(rowsOf([line], { unfolded: true }).slice(2)).toEqual(['     cat <<X', '         indented', '     X', `     ${'y'.repeat(55)}`, `     ${'y'.repeat(5)}`])
  })

  test('name the places that their title does not', () => {
    expect(rowsOf([tool('1', { title: 'grep x', toolKind: 'search', paths: ['/work/shop/src/a.ts', '/etc/hosts'] })], { unfolded: true }).slice(2)).toEqual([
      '     src/a.ts',
      '     /etc/hosts',
    ])
  })

  test('of a kind with control bytes in it bring none to the terminal', () => {
    const pane = new TranscriptPane(theme, { agent: '\x1b]2;evil\x07', cwd: '/', kind: 'agent' })
    expect(
      pane.render({ lines: [tool('1', { toolKind: '\x1b[2Jx', title: '\x1b]0;y\x07z', paths: ['\x1b[1m'], output: '\x1b[5n' })], drafts: [] }, { columns: 40, rows: 5 }).join(''),
    ).not.toMatch(/\x1b(?!\[(?:[1-9]|2[2-9]|3[1-9])m)|[\x07\x9b]/)
  })
})

describe('diffs', () => {
  const diff = '@@ -9,3 +9,4 @@ function main() {\n same\n-old\n+new\n+newer\n@@ -100,2 +101,1 @@\n-gone\n same\n\\ No newline at end of file'

  test('have line numbers, signs and what is around', () => {
    expect(diffRows(diff, 'a.txt', 40, without)).toEqual([
      '\x1b[2m  ⋯ \x1b[22m  \x1b[2mfunction main() {\x1b[22m',
      '\x1b[2m  9 \x1b[22m  same',
      '\x1b[2m 10 \x1b[22m- old',
      '\x1b[2m 10 \x1b[22m+ new',
      '\x1b[2m 11 \x1b[22m+ newer',
      '\x1b[2m  ⋯ \x1b[22m  ',
      '\x1b[2m100 \x1b[22m- gone',
      '\x1b[2m101 \x1b[22m  same',
      '\x1b[2m    \x1b[22m  \x1b[2mNo newline at end of file\x1b[22m',
    ])
    expect(diffRows('+new', 'a.txt', 40, theme)).toEqual(['\x1b[2m1 \x1b[22m\x1b[32m+ \x1b[39m\x1b[32mnew\x1b[39m'])
  })

  test('are wrapped, not cut, at any width', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 12, max: 120 }), (text, width) => {
        const clean = text.replace(/[^ -~]/g, '')
        const rows = diffRows(`@@ -1 +1 @@\n+${clean}`, 'a.ts', width, without)
        expect(
          rows
            .map((row) => bare(row).slice(4))
            .join('')
            .replaceAll(' ', ''),
        ).toBe(clean.replaceAll(' ', ''))
        for (const row of rows) expect(bare(row).length).toBeLessThanOrEqual(width)
      }),
    )
  })

  test('that are none are shown as they are', () => {
    expect(diffRows('what is this\n@@ no @@', 'a.txt', 40, without).map(bare)).toEqual(['    what is this', '    @@ no @@'])
  })

  test('show a dozen rows below their tool call, the rest unfolded, and name the files of several', () => {
    const long = `@@ -0,0 +1,30 @@\n${Array.from({ length: 30 }, (_, index) => `+line ${index + 1}`).join('\n')}`
    const one = tool('1', { title: 'edit a.ts', toolKind: 'edit', changes: [{ path: '/work/shop/a.ts', added: 30, removed: 0, diff: long }] })
    const rows = rowsOf([one])
    expect(rows.slice(1, 3)).toEqual([`   ✓ edit a.ts${' '.repeat(40)}+30 −0`, '      1 + line 1'])
    expect(rows.at(-1)).toBe('     … 18 more')
    expect(rows.length).toBe(15)
    expect(rowsOf([one], { unfolded: true }).slice(2).length).toBe(30)
    const two = tool('1', {
      toolKind: 'edit',
      changes: [
        { path: '/work/shop/a.ts', added: 1, removed: 0, diff: '@@ -1 +1 @@\n+a' },
        { path: '/b.ts', added: 1, removed: 0, diff: '@@ -1 +1 @@\n+b' },
      ],
    })
    expect(rowsOf([two]).slice(2)).toEqual(['     a.ts +1 −0', '     1 + a', '     … 2 more'])
    expect(rowsOf([two], { unfolded: true }).slice(2)).toEqual(['     a.ts +1 −0', '     1 + a', '     /b.ts +1 −0', '     1 + b'])
  })
})

test('plans are check lists', () => {
  const steps = [
    { text: 'done with it', status: 'completed' },
    { text: 'a step that is\nlonger than the row is wide', status: 'in_progress' },
    { text: 'to do', status: 'pending' },
  ] as const
  expect(rowsOf([entry('1', { kind: 'plan', steps })], { columns: 30 })).toEqual([
    ' claude',
    '   ✓ done with it',
    '   ● a step that is longer',
    '     than the row is wide',
    '   ◦ to do',
  ])
})

describe('questions', () => {
  test('say what they are about and what can be answered, until they are', () => {
    expect(rowsOf([question('r', 'open', { detail: 'rm -r src\n\tall of it' })])).toEqual([
      ' claude',
      '   ◆ delete src/legacy/prefs.ts ?',
      '     rm -r src',
      '         all of it',
      '     1 allow once   2 reject',
    ])
    expect(rowsOf([question('r', 'answered', { detail: 'rm', answer: 'allow once' })])).toEqual([' claude', '   ◆ delete src/legacy/prefs.ts', '     → allow once'])
    expect(rowsOf([question('r', 'answered-in-prompt')])).toEqual([' claude', '   ◆ delete src/legacy/prefs.ts', '     → answered in a prompt'])
  })

  test('of many words are folded', () => {
    const detail = Array.from({ length: 20 }, (_, index) => `reason ${index}`).join('\n')
    expect(rowsOf([question('r', 'open', { detail })]).slice(-2)).toEqual(['     … 8 more', '     1 allow once   2 reject'])
    expect(rowsOf([question('r', 'open', { detail })], { unfolded: true })).toContain('     reason 19')
  })
})

test('notices of several lines stand together', () => {
  expect(rowsOf([notice('1', 'the program ended (exit code 1)\nlast words')])).toEqual(['   · the program ended (exit code 1)', '     last words'])
})

describe('Markdown', () => {
  test('headings, lists, quotes and rules', () => {
    expect(markdown('# One\ntext\n\n### Two\n\n3. c\n4. d\n   more\n\n   - e\n\n> q\n> r\n\n---\n- [x] f\n- [ ] g', 30)).toEqual([
      'One',
      'text',
      '',
      'Two',
      '',
      '3. c',
      '',
      '4. d',
      '   more',
      '',
      '   • e',
      '',
      '│ q',
      '│ r',
      '',
      '─'.repeat(30),
      '✓ f',
      '◦ g',
    ])
  })

  test('emphasis, code and links are text with styles', () => {
    expect(markdownRows('**a** *b* `c` [d](https://e.f) https://g.h <i@j.k>', 80, theme).map((row) => painted(row, 80))).toEqual([
      '\x1b[1ma\x1b[22m \x1b[3mb\x1b[23m \x1b[36mc\x1b[39m \x1b[4m\x1b[34md\x1b[39m\x1b[24m\x1b[2m (https://e.f)\x1b[22m \x1b[4m\x1b[34mhttps://g.h\x1b[39m\x1b[24m \x1b[4m\x1b[34mi@j.k\x1b[39m\x1b[24m',
    ])
    expect(markdownRows('`c`', 80, without).map(plainOf)).toEqual(['`c`'])
  })

  test('what only looks like it, and formulas, stay as they were written', () => {
    for (const text of ['$HOME/bin and $x^2$', '~5 to ~10 ~~gone~~', 'a_b_c', '<div>x</div>', '[a]: https://b.c']) expect(markdown(text)).toEqual([text])
  })

  test('tables keep their columns, and become lists where there is no room', () => {
    const table = '| name | amount | what |\n|:--|--:|:-:|\n| a | 1 | several words in it |\n| 漢字 | 1000 | c |'
    expect(markdown(table, 40)).toEqual(['name  amount         what', '────  ──────  ───────────────────', 'a          1  several words in it', '漢字    1000           c'])
    expect(markdown(table, 26)).toEqual(['name  amount      what', '────  ──────  ────────────', 'a          1    several', '              words in it', '漢字    1000       c'])
    expect(markdown(table, 14).slice(0, 5)).toEqual(['name: a', 'amount: 1', 'what: several', 'words in it', ''])
  })

  test('code in a list item stays in it', () => {
    expect(markdown('- a\n  ```sh\n  make\n  ```\n- b')).toEqual(['• a', '', '    make', '• b'])
  })

  test('what would take too long, or too deep a stack, is plain', () => {
    for (const text of ['> '.repeat(3000), '1. '.repeat(2000), '*a '.repeat(2000), '['.repeat(6000)])
      expect(markdown(text, 100).join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''))
  })
})

describe('sections', () => {
  const parts = (text: string): readonly string[] => new Sections().of(text).map(({ kind, text: part, goesOn }) => `${kind}${goesOn ? '+' : ''}: ${part.trimEnd()}`)

  test('end where a block ends, not within a list or a fence', () => {
    expect(parts('a\nb\n\nc\n\n- d\n\n  e\n- f\n\n```js\ng\n\nh\n```\ni\n~~~\nj')).toEqual([
      'prose: a\nb',
      'prose: c',
      'prose: - d\n\n  e\n- f',
      'code: g\n\nh',
      'prose: i',
      'code: j',
    ])
    expect(parts('- a\n  ```\n\nb\n  ```\n\nc')).toEqual(['prose: - a\n  ```\n\nb\n  ```', 'prose: c'])
  })

  test('are bounded, whatever the text is', () => {
    for (const text of [
      'a'.repeat(50_000),
      'a b '.repeat(20_000),
      `\`\`\`\n${'code\n'.repeat(10_000)}`,
      `\`\`\`\n${'c'.repeat(50_000)}`,
      '- a\n'.repeat(20_000),
      '😀'.repeat(20_000),
    ]) {
      const all = new Sections().of(text)
      expect(Math.max(...all.map((section) => section.text.length))).toBeLessThanOrEqual(6000)
      expect(
        all
          .map((section) => section.text)
          .join('')
          .replaceAll('\n', '').length,
      ).toBeGreaterThanOrEqual(text.replaceAll(/\n|```/g, '').length)
      expect(all.every((section) => section.text.isWellFormed())).toBe(true)
    }
  })

  test('those that cannot change any more are the same objects however the text grows', () => {
    const sections = new Sections()
    const text = 'a\n\nb\n\n```ts\nc\n```\n\nd'
    const before = sections.of(text)
    const after = sections.of(`${text} and more\n\ne`)
    expect(after.slice(0, 3).every((section, index) => section === before[index])).toBe(true)
    expect(after.map((section) => section.text.trim())).toEqual(['a', 'b', 'c', 'd and more', 'e'])
  })

  test('grown piece by piece they are those of the whole', () => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 6 }), (texts) => {
        const grown = new Sections()
        let text = ''
        for (const part of texts) {
          text += part
          grown.of(text)
        }
        expect(grown.of(text)).toEqual(new Sections().of(text))
      }),
      { numRuns: 300 },
    )
  })
})

describe('code', () => {
  test('its language is known by the name of a block or a file', () => {
    expect(['ts', 'TSX', 'c++', 'sh', 'nonsense', undefined].map(languageNamed)).toEqual(['typescript', 'typescript', 'cpp', 'bash', undefined, undefined])
    expect(['src/a.test.ts', 'Makefile', 'Dockerfile.dev', '/x/.bashrc', 'LICENSE', 'a.b/c'].map(languageOf)).toEqual([
      'typescript',
      'makefile',
      'dockerfile',
      'bash',
      undefined,
      undefined,
    ])
  })

  test('is plain until its grammar is loaded, then in colours, with nothing of it lost', async () => {
    const code = 'let a = "x<y"; // why & what\n\treturn 1'
    expect(highlight(code, 'rs', theme)).toEqual(['let a = "x<y"; // why & what', '    return 1'])
    expect(await prepareHighlighting('rust')).toBe(true)
    expect(await prepareHighlighting('rust')).toBe(false)
    expect(highlight(code, 'rs', theme)).toEqual(['\x1b[35mlet\x1b[39m a = \x1b[32m"x<y"\x1b[39m; \x1b[2m// why & what\x1b[22m', '    \x1b[35mreturn\x1b[39m \x1b[33m1\x1b[39m'])
    fc.assert(
      fc.property(anyText, (text) => {
        expect(highlightedRows(text, 'rust', theme).map(plainOf)).toEqual(highlightedRows(text, undefined, theme).map(plainOf))
      }),
    )
  })

  test('the screen is painted again when colours come', async () => {
    const changed = Promise.withResolvers<void>()
    const pane = new TranscriptPane(theme, { agent: 'a', cwd: '/', kind: 'agent', changed: () => changed.resolve() })
    const content = { lines: [message('1', '```python\ndef a(): pass\n```')], drafts: [] }
    expect(pane.render(content, { columns: 40, rows: 3 })[1]).toBe('     def a(): pass')
    await changed.promise
    expect(pane.render(content, { columns: 40, rows: 3 })[1]).toBe('     \x1b[35mdef\x1b[39m a(): \x1b[35mpass\x1b[39m')
  })

  test('of any size takes no frame: what is too long is plain', async () => {
    await prepareHighlighting('typescript')
    expect(highlight(`const ${'a'.repeat(300)} = 1`, 'ts', theme)[0]).not.toContain('\x1b')
    expect(highlight('const a = 1\n'.repeat(300), 'ts', theme)[0]).not.toContain('\x1b')
  })
})

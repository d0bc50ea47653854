// What a session changed, on a terminal: read, commented, marked, taken back.

import { visibleWidth } from '@earendil-works/pi-tui'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { refusal } from '../../src/core/errors.ts'
import { parsePatch } from '../../src/core/patch.ts'
import { type Comment, promptOf, quoted, withComment } from '../../src/tui/review/comments.ts'
import { cellText } from '../../src/tui/cells.ts'
import { fitMiddle } from '../../src/tui/review/file-pane.ts'
import { type ReviewParts, openReview } from '../../src/tui/review/review-view.ts'
import { type Reviewed, fileMark, marksOf, toggled } from '../../src/tui/review/reviewed.ts'
import type { FakeClient } from '../cli/fake-client.ts'
import { anyText } from './arbitrary-sessions.ts'
import { control, expectGolden, keys, stageOn } from './headless.ts'
import { type MadeFile, answers, changedBy, id, madeFile, snapshot, someFiles } from './review-changes.ts'

interface Opening {
  readonly columns?: number
  readonly rows?: number
  readonly parts?: Partial<ReviewParts>
  readonly stage?: NonNullable<Parameters<typeof stageOn>[0]['parts']>
  /** What is on the screen when it has been read. */
  readonly shows?: string
}

async function review(client: FakeClient = changedBy(), { columns = 120, rows = 40, parts = {}, stage = {}, shows = 'preferences' }: Opening = {}) {
  const headless = stageOn({ columns, rows, client, parts: stage })
  const kept: { comments: readonly Comment[]; reviewed: Reviewed } = { comments: parts.kept?.comments ?? [], reviewed: parts.kept?.reviewed ?? {} }
  const over = headless.run(
    openReview(headless.stage, {
      session: client.view(id),
      kept: { ...kept, keepComments: (comments) => (kept.comments = comments), keepReviewed: (reviewed) => (kept.reviewed = reviewed) },
      environment: async () => ({ HOME: '/home/me' }),
      ...Object.fromEntries(Object.entries(parts).filter(([name]) => name !== 'kept')),
    }),
  )
  onTestFinished(async () => {
    headless.hangUp()
    await over
  })
  const all = (): string => headless.screen().join('\n')
  /** And read. */
  const shown = async (text: string): Promise<void> => {
    await headless.until(() => all().includes(text))
    client.nowMs += 1000
  }
  await shown(shows)
  return { ...headless, kept, all, shown, over, commands: () => client.submitted.map(({ command }) => command).filter(({ type }) => type !== 'create' && type !== 'show') }
}

/** Down to the second hunk of the second file. */
const toSecondHunk = ['j', keys.enter] as const

describe('at 120 columns', () => {
  test('files stand on the left, the patch of the first on the right', async () => {
    const { shown, screen } = await review()
    await shown('export const users')
    expectGolden('review-120x40', screen())
  })

  test('the cursor goes into a patch, from hunk to hunk, and to other files', async () => {
    const { type, shown, screen, all } = await review()
    type(...toSecondHunk)
    await shown('the new way')
    type('n', 'n')
    expect(all()).toMatch(/▸ {2}@@ -40,3 \+42,3 @@ function save/)
    type('n')
    expect(all()).toContain('no more hunks in this file; J goes to the next one')
    type('N')
    expect(all()).toMatch(/▸ {2}@@ -10,6/)
    type('J')
    await shown('binary: no lines to show')
    type('J')
    await shown('renamed from src/legacy/prefs.ts')
    type('J')
    await shown('# Preferences')
    expectGolden('review-hostile-120x40', screen())
  })

  test('signs and colours both say what came and what went, words are in their own colours', async () => {
    const { type, shown, screen, cells, until } = await review()
    type('j')
    await shown('the new way')
    const rowOf = (text: string): number => screen().findIndex((row) => row.includes(text))
    const colorOf = (text: string, word: string): number | undefined => {
      const row = rowOf(text)
      return cells(row)[(screen()[row] ?? '').indexOf(word)]?.color
    }
    expect(screen()[rowOf('oldStore')]).toMatch(/│ +12 - {3}app\.post\("\/prefs", oldStore\)/)
    expect(screen()[rowOf('validate(schema)')]).toMatch(/│ +13 \+ {3}app\.post/)
    await until(() => colorOf('const c = ', 'const') === 5)
    expect([colorOf('oldStore', 'app'), colorOf('validate(schema)', 'app'), colorOf('const b = 3', 'const')]).toEqual([1, 2, 5])
    // A comment over two lines is one in both of them.
    expect(cells(rowOf('validated */'))[(screen()[rowOf('validated */')] ?? '').indexOf('validated')]?.dim).toBe(true)
  })

  test('without colour the same is there', async () => {
    const { type, shown, screen } = await review(changedBy(), { stage: { color: false } })
    type('j')
    await shown('the new way')
    expect(screen().filter((row) => /│ +\d+ [+-] /.test(row))).toHaveLength(8)
  })

  test('a line is read to its end', async () => {
    const long = madeFile('a.txt', [`@@ -0,0 +1 @@\n+begin${'x'.repeat(300)}end`])
    const { type, shown, all } = await review(changedBy([long]), { shows: 'begin' })
    expect(all()).not.toContain('xend')
    type(keys.enter, ...Array.from({ length: 16 }, () => keys.right))
    await shown('xend')
    type(...Array.from({ length: 16 }, () => keys.left))
    await shown('begin')
  })
})

describe('at 80 columns', () => {
  test('files come first, and a patch has the screen to itself', async () => {
    const { type, shown, screen, all, over } = await review(changedBy(), { columns: 80, rows: 24 })
    expectGolden('review-80x24', screen())
    type('j', keys.enter)
    await shown('the new way')
    expectGolden('review-patch-80x24', screen())
    type(keys.escape)
    expect(all()).toContain('assets/logo.png')
    type('q')
    expect(await over).toEqual({ text: '', exitCode: 0 })
  })

  test('a patch whose last change is gone is left with the same key', async () => {
    const client = changedBy()
    const { type, shown, over } = await review(client, { columns: 80, rows: 24 })
    type(keys.enter)
    await shown('export const users')
    client.changed = answers([])
    type('r')
    await shown('nothing was changed')
    type('q')
    expect(await over).toEqual({ text: '', exitCode: 0 })
  })

  test('all of its keys are in the help', async () => {
    const { type, shown } = await review(changedBy(), { columns: 80, rows: 24 })
    type('?')
    await shown('In a review')
  })
})

describe('what is compared', () => {
  test('is all of it, a turn, or the last turn', async () => {
    const client = changedBy()
    const { type, shown } = await review(client)
    await shown('base 4f2c1a0 → now')
    type('t')
    await shown('turn 3 → the end of turn 3 of 3')
    type('[')
    await shown('turn 2 → the end of turn 2 of 3')
    type('[', '[', '[')
    await shown('turn 1 → the end of turn 1 of 3')
    type(']')
    await shown('turn 2 → ')
    type('0')
    await shown('base 4f2c1a0 → now')
    expect([...new Set(client.askedChanges.map(({ turn }) => turn))]).toEqual([undefined, 3, 2, 1])
  })

  test('that cannot be said is told, and what its tool calls told is one key away', async () => {
    const client = changedBy()
    client.changed = () => refusal('no-snapshot', 'nothing of it was kept', 'start it in a repository')
    let toldOf = 0
    const { type, shown } = await review(client, { shows: 'nothing of it was kept; start it in a repository', parts: { toolCalls: () => (toldOf += 1) } })
    type(keys.enter)
    expect(toldOf).toBe(1)
    client.changed = answers(someFiles)
    type('r')
    await shown('src/db/schema.ts')
  })

  test('that is nothing is said', async () => {
    await review(changedBy([]), { shows: 'nothing was changed' })
  })

  test('that is no lines is said with a word', async () => {
    const none = { added: 0, removed: 0 }
    const { screen } = await review(
      changedBy([
        madeFile('empty.txt', [], { ...none, kind: 'added' }),
        madeFile('run.sh', [], { ...none, mode: { from: '100644', to: '100755' } }),
        madeFile('new.txt', [], { ...none, kind: 'renamed', from: 'old.txt' }),
      ]),
      { columns: 80, rows: 24, shows: 'run.sh' },
    )
    expect(screen().slice(3, 6)).toEqual([/A empty.txt +empty$/, /M run.sh +mode$/, /R new.txt$/].map((row) => expect.stringMatching(row)))
  })

  test('that is a link, or may be executed, says so, and where it leads', async () => {
    const link = (path: string, head: string, hunk: string, more: Partial<MadeFile['file']>): MadeFile => {
      const made = madeFile(path, [hunk], more)
      return { ...made, patch: made.patch.replace(/index .*/, head) }
    }
    const became = madeFile('became', ['@@ -1 +0,0 @@\n-a line'], { kind: 'type-changed', added: 1, mode: { from: '100644', to: '120000' } })
    const files = [
      link('link', 'new file mode 120000\nindex 0000000..2222222', '@@ -0,0 +1 @@\n+../else\x1b[31mwhere\n\\ No newline at end of file', { kind: 'added' }),
      link('moved', 'index 1111111..2222222 120000', '@@ -1 +1 @@\n-old/place\n+new/place', {}),
      link('gone', 'deleted file mode 120000\nindex 1111111..0000000', '@@ -1 +0,0 @@\n-old/place', { kind: 'deleted' }),
      { ...became, patch: became.patch + link('became', 'new file mode 120000\nindex 0000000..2222222', '@@ -0,0 +1 @@\n+there', { kind: 'added' }).patch },
      {
        file: { path: 'run.sh', kind: 'modified', added: 0, removed: 0, mode: { from: '100644', to: '100755' } },
        patch: 'diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n',
      },
    ] as const
    const { type, shown } = await review(changedBy(files), { shows: 'run.sh' })
    await shown('a symbolic link to ../else␛[31mwhere')
    type('j')
    await shown('a symbolic link: it led to old/place, and leads to new/place now')
    type('j')
    await shown('a symbolic link to old/place was removed')
    type('j')
    await shown('now a symbolic link to there')
    type('j')
    await shown('mode 100644 → 100755: executable now')
  })

  test('that has a line break in its name is named as git names it', async () => {
    const { shown } = await review(changedBy([madeFile('in a\nb.txt', ['@@ -0,0 +1 @@\n+x'], { kind: 'added' })]), { columns: 80, shows: 'A ' })
    await shown('"in a\\nb.txt"')
  })

  test('notes stand above it', async () => {
    const client = changedBy()
    client.changed = answers(someFiles, { notes: ['docs-pass worked in the same tree'] })
    await review(client, { shows: '! docs-pass worked in the same tree' })
  })

  test('that is not all any more says so, and is read again', async () => {
    const client = changedBy()
    const { type, shown } = await review(client, { parts: { newest: () => client.view(id) } })
    client.report(id, { type: 'snapshot-taken', snapshot: snapshot(client.view(id).workspace.snapshots + 1, 4) })
    type('j')
    await shown('r there is more: read it again')
    type('r')
    await shown('? all keys')
  })
})

describe('comments', () => {
  test('on a line and on a range become one prompt, which is shown first and is the own act of the user', async () => {
    const client = changedBy()
    const { type, shown, kept, commands, screen, all } = await review(client, { columns: 80, rows: 24 })
    type('j', keys.enter)
    await shown('the new way')
    type('j', 'j', 'c', 'why was', keys.backspace, keys.backspace, keys.backspace, 'is it gone?', keys.enter)
    expect(kept.comments).toMatchObject([
      { path: 'src/routes/preferences.ts', scope: 'all', side: 'old', first: 11, last: 11, quote: ['-  // the old way'], text: 'why is it gone?' },
    ])
    type(keys.down, keys.down, keys.down, 'v', 'j', 'c', 'say more', keys.enter)
    await shown('┆ say more')
    expectGolden('review-comments-80x24', screen())
    type('s')
    await shown('a prompt for backend-api')
    expectGolden('review-sending-80x24', screen())
    expect(commands()).toEqual([])
    type(keys.enter)
    await shown('sent to backend-api')
    expect(commands()).toEqual([
      {
        type: 'prompt',
        text: 'I have read your changes (base 4f2c1a0 → now) and have 2 comments:\n\n1. src/routes/preferences.ts, line 11 as it was before\n   > -  // the old way\n   why is it gone?\n\n2. src/routes/preferences.ts, lines 11 to 12\n   > +  /* the new way:\n   > +     validated */\n   say more',
      },
    ])
    expect(client.submitted.at(-1)?.environment).toEqual({ HOME: '/home/me' })
    expect(kept.comments).toEqual([])
    expect(all()).not.toContain('say more')
  })

  test('are changed and taken away where they stand, and are not sent by Escape', async () => {
    const { type, shown, kept, commands, all } = await review()
    type('j', keys.enter)
    await shown('the new way')
    type('j', 'c', 'one', keys.enter, 's')
    await shown('a prompt for')
    type(keys.escape, 'c', ' more', keys.enter)
    await shown('┆ one more')
    type('j', 'c')
    expect(all()).toContain('line 10: Enter keeps it')
    type(control('u'), keys.enter)
    expect(kept.comments).toEqual([])
    type('c', 'not this', keys.escape)
    expect([kept.comments, commands()]).toEqual([[], []])
  })

  test('on a range that ends on a comment are new ones, and the old one stays', async () => {
    const { type, shown, kept } = await review()
    type('j', keys.enter)
    await shown('the new way')
    type('j', 'j', 'c', 'old', keys.enter, 'k', 'v', 'j', 'j', 'c', 'new', keys.enter)
    expect(kept.comments).toMatchObject([
      { side: 'old', first: 11, last: 11, text: 'old' },
      { side: 'new', first: 10, last: 10, quote: ['   app.get("/users", list)', '-  // the old way'], text: 'new' },
    ])
    await shown('┆ new')
  })

  test('are on what is painted, also when another patch has just come', async () => {
    const client = changedBy()
    const { stage, type, shown, kept, all } = await review(client)
    await shown('preferences = table')
    type(keys.enter, 'j', 'j', 'j')
    client.changed = answers([madeFile('src/db/schema.ts', ['@@ -1,2 +1,2 @@\n-other before\n+other now\n same'])])
    // From here on only what is asked for is painted.
    stage.repaint = () => {}
    const [asked, settled] = [client.askedChanges.length, () => new Promise((resolve) => setTimeout(resolve))]
    type('r')
    while (client.askedChanges.length < asked + 2) {
      stage.tui.renderNow()
      await settled()
    }
    await settled()
    expect(all()).not.toContain('other now')
    type('c')
    expect(all()).not.toContain('Enter keeps it')
    await shown('other now')
    type('c', 'about it', keys.enter)
    expect(kept.comments).toMatchObject([{ quote: [' same'], text: 'about it' }])
  })

  test('are there again, also those on lines that are gone', async () => {
    const comment = { path: 'src/db/schema.ts', scope: 'all', side: 'new', first: 3, last: 3, quote: ['+x'], text: 'kept' } as const
    const kept = { comments: [comment, { ...comment, first: 90, last: 90, text: 'lost' }], reviewed: {}, keepComments: () => {}, keepReviewed: () => {} }
    const { shown, all } = await review(changedBy(), { parts: { kept } })
    await shown('┆ kept')
    expect(all()).toContain('┆ on line 90, not here any more: lost')
    expect(all()).toContain('s send 2 comments')
  })

  test('that the daemon does not take stay', async () => {
    const client = changedBy()
    const { type, shown, kept } = await review(client)
    type('j', keys.enter)
    await shown('the new way')
    type('j', 'c', 'one', keys.enter, 's')
    client.command(id, { type: 'remove' })
    client.nowMs += 1000
    type(keys.enter)
    await shown('removed')
    expect(kept.comments).toHaveLength(1)
  })

  test('of any text are one prompt, in which every line of code is quoted', () => {
    const line = fc.string({ maxLength: 400 })
    const comment = fc.record({
      path: anyText,
      scope: fc.constantFrom('all' as const, 3),
      side: fc.constantFrom('old' as const, 'new' as const),
      first: fc.nat(99),
      last: fc.nat(99),
      quote: fc.array(line, { maxLength: 30 }).map(quoted),
      text: anyText,
    })
    fc.assert(
      fc.property(fc.array(comment, { maxLength: 5 }), (comments) => {
        const all = comments.reduce<readonly Comment[]>(withComment, [])
        const prompt = promptOf(all, String)
        expect(prompt.match(/^\d+\. /gm) ?? []).toHaveLength(all.length)
        expect((prompt.match(/^ {3}> /gm) ?? []).length).toBeGreaterThanOrEqual(all.reduce((sum, { quote }) => sum + quote.length, 0))
        for (const { quote } of all) expect(quote.length).toBeLessThanOrEqual(21)
      }),
    )
  })
})

describe('what was reviewed', () => {
  test('is marked hunk by hunk, and a file whose hunks all are', async () => {
    const { type, shown, kept, all, screen } = await review()
    type('j', keys.enter)
    await shown('the new way')
    type('a')
    expect(screen().find((row) => row.includes('~M src/routes'))).toBeDefined()
    expect(all()).toMatch(/▸ {2}@@ -40,3/)
    type('a')
    expect(all()).toMatch(/ ✓M src\/routes|▸✓M src\/routes/)
    expect(all()).toContain('✓ 1 of 5 reviewed')
    expect(kept.reviewed['src/routes/preferences.ts']).toHaveLength(2)
    type('A')
    expect(kept.reviewed).toEqual({})
  })

  test('in the list of files is the whole file, a binary one too', async () => {
    const { type, shown, kept } = await review()
    type('j', 'j')
    await shown('binary: no lines')
    type('a')
    expect(Object.keys(kept.reviewed)).toEqual(['assets/logo.png'])
  })

  test('is so no more when the hunk is another one, and is so still when it has moved', async () => {
    const [schema, routes] = someFiles as readonly [MadeFile, MadeFile]
    const marks = (made: MadeFile): readonly string[] => {
      const bytes = Buffer.from(made.patch)
      return parsePatch(bytes).flatMap((part) => marksOf(bytes, part))
    }
    const reviewed = { [routes.file.path]: marks(routes), [schema.file.path]: marks(schema) }
    const moved = { ...routes, patch: routes.patch.replace('@@ -10,6 +10,8 @@', '@@ -12,6 +12,8 @@') }
    const other = { ...schema, patch: schema.patch.replace('theme: "text"', 'theme: "json"') }
    const { all, until } = await review(changedBy([other, moved]), { parts: { kept: { comments: [], reviewed, keepComments: () => {}, keepReviewed: () => {} } } })
    await until(() => all().includes('1 of 2 reviewed'))
    expect(all()).toMatch(/ ✓M src\/routes/)
    expect(all()).toMatch(/▸ M src\/db/)
  })

  test('is put on and taken off without a trace', () => {
    const marks = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 })
    fc.assert(
      fc.property(fc.constantFrom('a.ts', '__proto__', 'constructor'), marks, marks, (path, some, others) => {
        const once = toggled({}, path, some)
        expect(fileMark(once, path, some)).toBe('all')
        const twice = toggled(once, path, others)
        expect(toggled(toggled(twice, path, ['z']), path, ['z'])).toEqual(twice)
        expect(toggled(once, path, some)).toEqual({})
      }),
    )
  })
})

describe('taking back', () => {
  const undoes = (client: FakeClient): FakeClient => {
    client.onTree = (_, event) => {
      if (event.type === 'undo-asked') return [{ type: 'undone', before: 7, files: ['src/routes/preferences.ts'] }]
      return []
    }
    return client
  }

  const asked = (screen: readonly string[]): string =>
    screen
      .slice(screen.findIndex((row) => row.includes(' take ')))
      .join(' ')
      .replaceAll(/\s+/g, ' ')
      .trim()

  test('all of what is asked, and which keys answer, are in sight however narrow it is', async () => {
    const client = undoes(changedBy([...someFiles, madeFile(`a/${'very/'.repeat(30)}deep.ts`, ['@@ -1 +1 @@\n-old\n+new'])]))
    const { type, shown, screen, resize } = await review(client, { columns: 80, rows: 24 })
    type('j', keys.enter)
    await shown('the new way')
    type('n', 'n', 'x')
    const question = 'take the hunk at line 41 of src/routes/preferences.ts back (+1 −1)? All is kept first, and can be brought back. y/n'
    expect(asked(screen())).toBe(question)
    resize(40, 24)
    await shown('brought back.')
    expect(asked(screen())).toBe(question)
    type('n', keys.escape, 'G', 'x')
    expect(asked(screen())).toMatch(/^take back all that it did to a\/very\/.*…[\w/ ]+deep\.ts\? All is kept first, and can be brought back\. y\/n$/)
    resize(60, 5)
    await shown('…   y/n')
  })

  test('a hunk asks first, names it as git counts it, and says how it is brought back', async () => {
    const { type, shown, commands, all } = await review(undoes(changedBy()))
    type('j', keys.enter)
    await shown('the new way')
    type('n', 'n', 'x')
    expect(all()).toContain('take the hunk at line 41 of src/routes/preferences.ts back (+1 −1)? All is kept first, and can be brought back.   y/n')
    type('n', 'x', keys.enter)
    expect(commands()).toEqual([])
    type('x', 'y')
    await shown(`took back a hunk of src/routes/preferences.ts; offstage restore ${id}@7 brings it back`)
    expect(commands()).toEqual([{ type: 'undo', what: { kind: 'hunks', from: 'a'.repeat(40), to: 'b'.repeat(40), path: 'src/routes/preferences.ts', hunks: [1] } }])
  })

  test('a range takes the hunks that it touches', async () => {
    const { type, shown, commands } = await review(undoes(changedBy()))
    type('j', keys.enter)
    await shown('the new way')
    type('j', 'v', 'G', 'x', 'y')
    await shown('took back')
    expect(commands()).toMatchObject([{ what: { hunks: [0, 1] } }])
  })

  test('a hunk that was changed meanwhile stays, and is shown as it is now', async () => {
    const client = changedBy()
    client.onTree = (_, event) =>
      event.type === 'undo-asked' ? [{ type: 'undo-failed', reason: 'in the way', paths: ['src/routes/preferences.ts'], hint: 'name other paths' }] : []
    const { type, shown, all } = await review(client)
    type('j', keys.enter)
    await shown('the new way')
    const asked = client.askedChanges.length
    client.changed = answers([madeFile('src/routes/preferences.ts', ['@@ -1 +1 @@\n-old\n+newer still'])])
    type('x', 'y')
    await shown('not taken back: these lines were changed since they were read: src/routes/preferences.ts')
    await shown('newer still')
    expect(client.askedChanges.length).toBeGreaterThan(asked)
    expect(all()).not.toContain('name other paths')
  })

  test('a hunk that is gone already changes nothing, and says so', async () => {
    const client = changedBy()
    client.onTree = (_, event) => (event.type === 'undo-asked' ? [{ type: 'undone', before: 7, files: [] }] : [])
    const { type, shown, all } = await review(client)
    await shown('export const users')
    type(keys.enter, 'x', 'y')
    await shown('nothing of it is there any more: nothing was changed')
    expect(all()).not.toContain('took back')
  })

  test('what came of it does not hide that there is more to read', async () => {
    const client = undoes(changedBy())
    const { type, shown } = await review(client, { parts: { newest: () => client.view(id) } })
    type('X', 'y')
    await shown('took back')
    client.report(id, { type: 'snapshot-taken', snapshot: snapshot(9, 4) })
    type('j')
    await shown('r there is more: read it again')
    type('X', 'y')
    await shown('took back')
    client.report(id, { type: 'snapshot-taken', snapshot: snapshot(10, 5) })
    type('\f')
    await shown('brings it back   r there is more')
  })

  test('a file goes as a whole, with both of its names, in the turn that is shown', async () => {
    const { type, shown, commands } = await review(undoes(changedBy()))
    type('j', 'j', 'j')
    await shown('renamed from')
    type('X', 'y')
    await shown('took back')
    type('t')
    await shown('turn 3 →')
    type('g', 'x')
    await shown('take back what turn 3 did to src/db/schema.ts?')
    type('y')
    await shown('took back')
    expect(commands()).toEqual([
      { type: 'undo', what: { kind: 'turns', turn: 'all', paths: ['src/settings/store of preferences.ts', 'src/legacy/prefs.ts'] } },
      { type: 'undo', what: { kind: 'turns', turn: 3, paths: ['src/db/schema.ts'] } },
    ])
  })

  test('a turn is shown with all that it changes first', async () => {
    const client = undoes(changedBy())
    const { type, shown, commands, screen, until, all } = await review(client, { columns: 80, rows: 24 })
    type('u')
    await shown('undo turn 3 of backend-api')
    expectGolden('review-undo-80x24', screen())
    expect(client.askedChanges.at(-1)).toEqual({ session: id, undo: { kind: 'turns', turn: 3 } })
    type(keys.escape, 'u')
    await until(() => all().includes('undo turn 3'))
    type('y')
    client.nowMs += 1000
    expect(commands()).toEqual([])
    type('y')
    await shown('took back')
    expect(commands()).toEqual([{ type: 'undo', what: { kind: 'turns', turn: 3 } }])
  })

  test('what later changes are in the way of is not asked for', async () => {
    const client = changedBy()
    const { type, shown, commands } = await review(client)
    client.changed = answers(someFiles, { conflicts: ['src/db/schema.ts'] })
    type('u')
    await shown('≠ src/db/schema.ts')
    type('y', keys.enter)
    expect(commands()).toEqual([])
  })

  test('that fails says why', async () => {
    const client = changedBy()
    client.onTree = (_, event) => (event.type === 'undo-asked' ? [{ type: 'undo-failed', reason: 'the file was changed meanwhile', paths: ['a.ts'], hint: 'try again' }] : [])
    const { type, shown } = await review(client)
    type('X', 'y')
    await shown('not taken back: the file was changed meanwhile: a.ts; try again')
  })
})

describe('what is large', () => {
  const big = (many: number): MadeFile =>
    madeFile('src/big.ts', [`@@ -0,0 +1,${many} @@\n${Array.from({ length: many }, (_, index) => `+export const value${index} = "${index}"`).join('\n')}`])

  test('twenty thousand lines are scrolled in frames', async () => {
    const headless = await review(changedBy([big(20_000)]), { shows: 'value0 ' })
    headless.type(keys.enter, 'G')
    expect(headless.all()).toContain('value19999')
    const beganMs = performance.now()
    for (let step = 0; step < 40; step += 1) headless.type(keys.pageUp)
    expect((performance.now() - beganMs) / 40).toBeLessThan(100)
  })

  test('a line of a megabyte costs no more than what is seen of it', async () => {
    const headless = await review(changedBy([madeFile('min.js', [`@@ -0,0 +1,2 @@\n+${'a="漢";'.repeat(150_000)}\n+after`])]), { shows: 'after' })
    const beganMs = performance.now()
    for (let step = 0; step < 40; step += 1) headless.type(step % 2 === 0 ? keys.tab : 'j')
    expect((performance.now() - beganMs) / 40).toBeLessThan(100)
  })

  test('of two thousand files only the patch of the one that is looked at is asked for', async () => {
    const client = changedBy(Array.from({ length: 2000 }, (_, index) => madeFile(`src/file${index}.ts`, [`@@ -0,0 +1 @@\n+only in ${index}`])))
    const { type, shown } = await review(client, { shows: 'only in 0' })
    type(...Array.from({ length: 50 }, () => 'j'), 'G')
    await shown('only in 1999')
    expect(client.askedChanges.filter(({ paths }) => paths).length).toBeLessThan(10)
  })

  test('a patch is of the very states that its file was listed between, whatever is written meanwhile', async () => {
    const client = changedBy()
    const { type, shown } = await review(client)
    await shown('export const users')
    type('j')
    await shown('the new way')
    const between = { from: 'a'.repeat(40), to: 'b'.repeat(40) }
    expect(client.askedChanges.map((asked) => asked.between)).toEqual([undefined, between, between])
  })

  test('a patch that is cut says so', async () => {
    const { shown } = await review(changedBy([madeFile('a.txt', [`@@ -0,0 +1 @@\n+first\n+${'x'.repeat(5 * 1024 ** 2)}`])]), { shows: 'first' })
    await shown('too large to be shown whole')
  })
})

/** Each ends somewhere else. */
const ways: readonly (readonly string[])[] = [
  [],
  [keys.enter, 'j', 'j', 'j'],
  ['j', keys.enter, 'v', 'j', 'j', 'c', 'some words that are long enough to need a second row'],
  ['j', keys.enter, 'x'],
  ['G', keys.enter, keys.right, keys.right],
  ['a', 'A', 't'],
]

test('whatever files there are and however large it is: no row too many, none too wide, nothing but styles', async () => {
  const any = fc
    .tuple(anyText, fc.array(anyText, { maxLength: 6 }))
    .map(([name, lines]) => madeFile(name.replaceAll('\n', ' ') || 'x', [`@@ -0,0 +1,${lines.length} @@\n${lines.map((line) => `+${line.replaceAll('\n', ' ')}`).join('\n')}`]))
  await fc.assert(
    fc.asyncProperty(
      fc.array(any, { maxLength: 5 }),
      fc.constantFrom(...ways),
      fc.integer({ min: 12, max: 130 }),
      fc.integer({ min: 1, max: 40 }),
      async (files, way, columns, rows) => {
        const client = changedBy(files)
        const headless = stageOn({ columns: 110, rows: 30, client })
        const view = openReview(headless.stage, {
          session: client.view(id),
          kept: { comments: [], reviewed: {}, keepComments: () => {}, keepReviewed: () => {} },
          environment: async () => ({}),
        })
        const over = headless.run(view)
        await headless.until((screen) => !screen.join('').includes('reading what'))
        headless.type(...way)
        const painted = view.render({ columns, rows })
        headless.hangUp()
        await over
        expect(painted.length).toBeLessThanOrEqual(rows)
        for (const row of painted) expect(visibleWidth(row), JSON.stringify(row)).toBeLessThanOrEqual(columns)
        expect(painted.join('').replaceAll(/\x1b\[[\d;]*m|\x1b_pi:c\x07/g, '')).not.toMatch(/[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
      },
    ),
    { numRuns: 60 },
  )
})

test('a name is cut in its middle', () => {
  expect([fitMiddle('src/routes/preferences.ts', 12), fitMiddle('short', 12), fitMiddle('漢字かな漢字かな', 7), fitMiddle('abc', 0)]).toEqual([
    'src/…nces.ts',
    'short',
    '漢…かな',
    '',
  ])
  fc.assert(
    fc.property(anyText, fc.nat(40), (text, width) => {
      expect(visibleWidth(fitMiddle(cellText(text), width))).toBeLessThanOrEqual(width)
    }),
  )
})

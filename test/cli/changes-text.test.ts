import { describe, expect, test } from 'vitest'
import { treePaths } from '../../src/client/tree-paths.ts'
import { numbersFrom } from '../../src/cli/launch-place.ts'
import type { ChangedFile } from '../../src/core/workspace.ts'
import { patchText, statText } from '../../src/text/changes-text.ts'
import { painter } from '../../src/text/format.ts'

const plain = painter(false)
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const file = (path: string, added: number | null, removed: number | null, more: Partial<ChangedFile> = {}): ChangedFile => ({ path, kind: 'modified', added, removed, ...more })
const stat = (files: readonly ChangedFile[], columns = 80): string =>
  statText({ files, added: files.reduce((sum, one) => sum + (one.added ?? 0), 0), removed: files.reduce((sum, one) => sum + (one.removed ?? 0), 0) }, plain, columns)

describe('a patch on a terminal', () => {
  const patch = ['diff --git a/a b/a', '--- a/a', '+++ b/a', '@@ -1,2 +1,2 @@ part', ' same', '--- old', '+++ new', '\\ No newline at end of file', ''].join('\n')

  test('keeps every line as it is without colours', () => expect(patchText(bytes(patch), plain)).toBe(patch))

  test('tells a removed line that begins with dashes from the name of a file', () => {
    const [, name, , , , old, added] = patchText(bytes(patch), painter(true)).split('\n')
    expect([name, old, added]).toEqual(['\x1b[1m--- a/a\x1b[0m', '\x1b[31m--- old\x1b[0m', '\x1b[32m+++ new\x1b[0m'])
  })

  test('lets no control byte of a name or of contents through, and shows a carriage return', () => {
    const hostile = bytes('diff --git a/x\x1b[31m b/x\n@@ -0,0 +1 @@\n+\x1b]0;evil\x07a\u202eb\tc\r\n')
    expect(patchText(hostile, plain)).toBe('diff --git a/x b/x\n@@ -0,0 +1 @@\n+a\ufffdb\tc^M\n')
  })

  test('takes bytes that are no text', () => expect(patchText(new Uint8Array([0x2b, 0xff, 0x0a]), plain)).toBe('+\ufffd\n'))
})

describe('the statistic', () => {
  test('is as git prints it', () => {
    expect(stat([file('a.txt', 1, 1), file('src/deep/b.ts', 10, 0, { kind: 'added' }), file('logo.png', null, null)])).toBe(
      [' a.txt         |   2 +-', ' src/deep/b.ts |  10 ++++++++++', ' logo.png      | Bin', ' 3 files changed, 11 insertions(+), 1 deletion(-)'].join('\n'),
    )
  })

  test('fits the screen, whatever the counts and names are', () => {
    const rows = stat([file(`${'long/'.repeat(40)}name.ts`, 5000, 4000), file('b', 1, 0)], 60).split('\n')
    expect(rows.slice(0, 2).every((row) => row.length <= 60)).toBe(true)
    expect(rows[0]).toContain('/name.ts | 9000 +')
    expect(rows[1]).toMatch(/\| {4}1 \+$/)
  })

  test('says what both names of a rename share once, and the change of a mode', () => {
    const rows = stat([
      file('src/new/a.ts', 0, 0, { kind: 'renamed', from: 'src/old/a.ts' }),
      file('y', 0, 0, { kind: 'renamed', from: 'x' }),
      file('run', 0, 0, { mode: { from: '100644', to: '100755' } }),
    ])
    expect(rows).toContain('src/{old => new}/a.ts | 0')
    expect(rows).toContain('x => y')
    expect(rows).toContain('| 0 (mode 100644 -> 100755)')
  })

  test('names files as git does, with what no line can hold', () => {
    const rows = stat([
      file('in a\nb.txt', 1, 0),
      file('say "x"\\\t\x1b[31m\x7f', 1, 0),
      file('"l\\377"', 1, 0),
      file('it’s 漢字 (1).txt', 1, 0),
      file('d/a\tb', 0, 0, { kind: 'renamed', from: 'd/c' }),
    ])
    for (const name of ['"in a\\nb.txt" ', '"say \\"x\\"\\\\\\t\\033[31m\\177" ', '"l\\377" ', 'it’s 漢字 (1).txt ', 'd/c => "d/a\\tb" ']) expect(rows).toContain(` ${name}`)
  })

  test('is nothing where nothing changed', () => expect(stat([])).toBe(''))
})

describe('paths of a session', () => {
  const place = { cwd: '/work/shop/src', tops: ['/home/w/k3f9/shop', '/work/shop'] }

  test.each([
    ['from here, in the tree that it was started from', 'a.ts', ['src/a.ts']],
    ['upwards', '../docs/', ['docs']],
    ['absolute, in either tree', '/home/w/k3f9/shop/x', ['x']],
    ['as git quotes them', '"a\\377"', ['"a\\377"']],
    ['all of it', '..', []],
  ])('%s', (_name, word, expected) => expect(treePaths([word], place)).toEqual(expected))

  test('are meant from the top where this is another place', () => expect(treePaths(['src/a.ts', './b'], { ...place, cwd: '/elsewhere' })).toEqual(['src/a.ts', 'b']))

  test.each(['../../etc', '/etc/passwd', '', 'a\0b'])('outside or empty is a mistake: %j', (word) => {
    expect(() => treePaths([word], place)).toThrow(/outside the tree|empty/)
  })
})

test.each([
  ['1 3-5', [1, 3, 4, 5]],
  ['2,2', [2]],
  ['', []],
  ['0', undefined],
  ['6', undefined],
  ['4-2', undefined],
  ['a', undefined],
])('numbers of a list: %j', (line, expected) => expect(numbersFrom(line, 5)).toEqual(expected))

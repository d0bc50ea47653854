// Hunks: applied to the old text they give the new one, nothing shorter does, and however large the texts are they come soon.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutHunks, difference } from '../../src/drivers/acp/diff.ts'

const noNewline = '\\ No newline at end of file'

/** As `patch` does it, and as strict: every line that is to go or to stay must be there. */
function applied(oldText: string, hunks: string): string {
  const old = oldText === '' ? [] : oldText.replace(/\n$/, '').split('\n')
  const made: string[] = []
  let at = 0
  let open: boolean | undefined
  let mark = ''
  const take = (count: number): void => {
    made.push(...old.slice(at, at + count))
    at += count
  }
  let counts = { old: 0, new: 0 }
  for (const row of hunks === '' ? [] : hunks.split('\n')) {
    const header = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@$/.exec(row)
    if (header && counts.old + counts.new === 0) {
      const [start = 0, length = 1, newStart = 0, newLength = 1] = header.slice(1).map((text) => (text === undefined ? undefined : Number(text)))
      take((length === 0 ? start : start - 1) - at)
      expect(made.length).toBe(newLength === 0 ? newStart : newStart - 1)
      counts = { old: length, new: newLength }
    } else if (row === noNewline && mark !== '') {
      if (mark !== '-') open = true
      else open ??= false
    } else {
      mark = row.slice(0, 1)
      expect([' ', '-', '+']).toContain(mark)
      if (mark !== '+') expect(old[at]).toBe(row.slice(1))
      if (mark === ' ') take(1)
      else if (mark === '-') at += 1
      else made.push(row.slice(1))
      counts = { old: counts.old - (mark === '+' ? 0 : 1), new: counts.new - (mark === '-' ? 0 : 1) }
    }
  }
  expect(counts).toEqual({ old: 0, new: 0 })
  take(old.length - at)
  const isOpen = open ?? (oldText !== '' && !oldText.endsWith('\n'))
  return made.length === 0 ? '' : `${made.join('\n')}${isOpen ? '' : '\n'}`
}

const line = fc.constantFrom('a', 'b', 'c', '', '}', '-', '+x', '@@ -1 +1 @@', '\r', ' a', '🌲')
const textOf = (lines: fc.Arbitrary<readonly string[]>): fc.Arbitrary<string> =>
  fc.tuple(lines, fc.boolean()).map(([all, open]) => (all.length === 0 ? '' : `${all.join('\n')}${open ? '' : '\n'}`))
const anyText = textOf(fc.array(line, { maxLength: 40 }))
/** Mostly the same on both sides, as edits are. */
const edited = fc
  .tuple(fc.array(line, { minLength: 1, maxLength: 80 }), fc.array(fc.tuple(fc.nat(80), fc.nat(2), fc.array(line, { maxLength: 3 })), { maxLength: 6 }), fc.boolean(), fc.boolean())
  .map(([before, edits, open, newOpen]) => {
    const after = [...before]
    for (const [at, gone, come] of edits) after.splice(at, gone, ...come)
    const text = (lines: readonly string[], isOpen: boolean): string => (lines.length === 0 ? '' : `${lines.join('\n')}${isOpen ? '' : '\n'}`)
    return [text(before, open), text(after, newOpen)] as const
  })

test('hunks, applied to the old text, give the new text', () => {
  for (const texts of [fc.tuple(anyText, anyText), edited])
    fc.assert(
      fc.property(texts, ([before, after]) => {
        expect(applied(before, difference(before, after).hunks)).toBe(after)
      }),
      { numRuns: 1000 },
    )
})

/** The longest common subsequence, by the book. */
function common(before: readonly string[], after: readonly string[]): number {
  let row = Array.from<number>({ length: after.length + 1 }).fill(0)
  for (const one of before) {
    const next = [0]
    for (const [index, other] of after.entries()) next.push(one === other ? (row[index] ?? 0) + 1 : Math.max(next[index] ?? 0, row[index + 1] ?? 0))
    row = next
  }
  return row[after.length] ?? 0
}

test('as few lines go and come as can be, and they are counted', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 30 })
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      const { added, removed, hunks } = difference(before.map((one) => `${one}\n`).join(''), after.map((one) => `${one}\n`).join(''))
      const kept = common(before, after)
      expect([added, removed]).toEqual([after.length - kept, before.length - kept])
      const rows = hunks.split('\n')
      expect([rows.filter((row) => row.startsWith('+')).length, rows.filter((row) => row.startsWith('-')).length]).toEqual([added, removed])
    }),
  )
})

test('three lines around a change, changes that are near in one hunk', () => {
  const numbers = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => String(index + 1))
  const text = (lines: readonly string[]): string => `${lines.join('\n')}\n`
  const before = numbers(30)
  expect(difference(text(before), text(before.with(9, 'ten').with(15, 'sixteen').with(25, 'twenty-six'))).hunks).toBe(
    '@@ -7,13 +7,13 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13\n 14\n 15\n-16\n+sixteen\n 17\n 18\n 19\n@@ -23,7 +23,7 @@\n 23\n 24\n 25\n-26\n+twenty-six\n 27\n 28\n 29',
  )
  expect(difference(text(before), text(before.toSpliced(4, 1))).hunks).toBe('@@ -2,7 +2,6 @@\n 2\n 3\n 4\n-5\n 6\n 7\n 8')
})

test('a file that is new, gone, or the same', () => {
  expect(difference('', 'x\ny\n')).toEqual({ added: 2, removed: 0, hunks: '@@ -0,0 +1,2 @@\n+x\n+y' })
  expect(difference('x\n', '')).toEqual({ added: 0, removed: 1, hunks: '@@ -1 +0,0 @@\n-x' })
  expect(difference('x\n', 'x\n')).toEqual({ added: 0, removed: 0, hunks: '' })
})

test('that the last line has no end is told where that is a difference', () => {
  expect(difference('a\nb', 'a\nc').hunks).toBe('@@ -1,2 +1,2 @@\n a\n-b\n+c')
  expect(difference('a\nb', 'a\nb\n').hunks).toBe(`@@ -1,2 +1,2 @@\n a\n-b\n${noNewline}\n+b`)
  expect(difference('', 'a').hunks).toBe(`@@ -0,0 +1 @@\n+a\n${noNewline}`)
})

const source = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => (index % 5 === 4 ? '}' : `  const value${index} = ${index % 11}`))

test.each<[string, (lines: readonly string[]) => readonly string[]]>([
  ['with 500 lines changed', (lines) => lines.map((one, index) => (index % 10 === 0 ? `${one} // new` : one))],
  ['in which every line is another', (lines) => lines.map((one) => `${one};`)],
  ['upside down', (lines) => lines.toReversed()],
  ['indented, but for its braces', (lines) => lines.map((one) => (one === '}' ? one : `  ${one}`))],
])('a file of 5,000 lines %s is told soon, and rightly', (_, edit) => {
  const before = `${source(5000).join('\n')}\n`
  const after = `${edit(source(5000)).join('\n')}\n`
  const startedAtMs = performance.now()
  const { hunks } = difference(before, after)
  expect(performance.now() - startedAtMs).toBeLessThan(1000)
  expect(applied(before, hunks)).toBe(after)
})

test('long hunks are cut at the end of a line, and what is left out is counted', () => {
  const { hunks } = difference('', Array.from({ length: 100 }, (_, index) => `line ${index}\n`).join(''))
  const cut = cutHunks(hunks, 200)
  expect(cut).toMatch(/^@@ -0,0 \+1,100 @@\n(\+line \d+\n)+\\ … \d+ more lines$/)
  const kept = cut.split('\n').slice(0, -1)
  expect(hunks.startsWith(kept.join('\n'))).toBe(true)
  expect(cut.split('\n').at(-1)).toBe(`\\ … ${hunks.split('\n').length - kept.length} more lines`)
  expect(kept.join('\n').length).toBeLessThanOrEqual(200)
  expect(cutHunks(hunks, hunks.length)).toBe(hunks)
  expect(cutHunks(difference('', 'x'.repeat(10_000)).hunks, 8192)).toBe('@@ -0,0 +1 @@\n\\ … 2 more lines')
})

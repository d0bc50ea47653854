// The words of an announcement, and quiet hours.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type News, announce, isQuiet, short } from '../../src/core/announcement.ts'
import { defaultNotify } from '../../src/config/notify-settings.ts'
import { printableLine } from '../../src/core/terminal-text.ts'

const news = (session: string, more: Partial<News> = {}): News => ({
  about: 'needs-you',
  of: `of-${session}`,
  atMs: 0,
  session,
  label: null,
  title: `Title of ${session}`,
  agent: 'claude',
  cwd: '/w',
  project: 'shop',
  request: null,
  text: 'permission: go on?',
  ...more,
})

test('one session by its name, several by their number, many cut', () => {
  const titles = (all: readonly News[]): readonly string[] => {
    const { title, body } = announce('needs-you', all)
    return [title, ...body.split('\n')]
  }
  expect(titles([news('a', { label: 'api' })])).toEqual(['api needs you', 'permission: go on? · shop'])
  expect(titles([news('a'), news('a', { of: 'other', text: 'question: which?' })])).toEqual(['Title of a needs you', 'permission: go on?; question: which? · shop'])
  expect(titles([news('a'), news('b', { project: '' })])).toEqual(['2 sessions need you', 'Title of a: permission: go on? · shop', 'Title of b: permission: go on?'])
  expect(titles(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((id) => news(id))).slice(-2)).toEqual(['Title of e: permission: go on? · shop', 'and 2 more'])
  expect(announce('completed', [news('a', { about: 'completed', text: '' })])).toMatchObject({ title: 'Title of a completed', body: 'shop' })
  expect(announce('failed', [news('a'), news('b')]).title).toBe('2 sessions failed')
})

test('whatever agents say: a printable line for the title, few for the body, all short', () => {
  const text = fc.string({ unit: 'binary', maxLength: 300 })
  const some = fc.record({ session: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), label: fc.option(text), title: text, text, project: text })
  fc.assert(
    fc.property(fc.array(some, { minLength: 1, maxLength: 20 }), (all) => {
      const { title, body } = announce(
        'needs-you',
        all.map((one) => news(one.session, one)),
      )
      expect(title).toBe(printableLine(title))
      expect(title.length).toBeLessThan(150)
      const lines = body.split('\n')
      expect(lines.length).toBeLessThanOrEqual(6)
      for (const line of lines) expect(line).toBe(printableLine(line))
      expect([...body].length).toBeLessThan(1600)
    }),
  )
})

test('a short text is cut between characters', () => {
  expect([short('abcdef', 6), short('abcdefg', 6), short('𝒜𝒜𝒜𝒜', 3), short(' a\nb\t', 9), short('', 3)]).toEqual(['abcdef', 'abcde…', '𝒜𝒜…', 'a b', ''])
})

test('quiet hours go over midnight, or do not', () => {
  const at = (from: number, to: number, minutes: readonly number[]): readonly boolean[] => minutes.map((minute) => isQuiet({ ...defaultNotify, quiet: { from, to } }, minute))
  expect(at(22 * 60, 7 * 60, [0, 419, 420, 1319, 1320, 1439])).toEqual([true, true, false, false, true, true])
  expect(at(9 * 60, 17 * 60, [0, 539, 540, 1019, 1020])).toEqual([false, false, true, true, false])
  expect(isQuiet(defaultNotify, 0)).toBe(false)
})

// What is said of a task while it is written.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type TaskFacts, advise } from '../../src/tui/list/advisor.ts'

const calm: TaskFacts = { changedFiles: 0, others: [], isCommand: false, wantsShell: false }
const place = 'names no file or directory'
const result = 'says not how to see that it is done'
const limits = 'no limits'

test('nothing is said of nothing', () => {
  expect(advise('', { ...calm, changedFiles: 9, others: ['a'] })).toBeUndefined()
  expect(advise(' \n ', calm)).toBeUndefined()
})

test.each([
  'Add rate limiting to POST /login in src/auth; 429 with Retry-After; leave the schema alone',
  'Fix the flaky test in test/server.test.ts without changing its timeouts',
  'Rename `loadConfig` to readConfig everywhere; the build must pass and nothing else may change, only names',
  'Why does the daemon in src/daemon/main.ts need two seconds to start?',
  'Explain how the parser in lib/parse.rb handles quotes',
  'Review the changes in src/api and list what could break',
])('%s: nothing is missing', (task) => {
  expect(advise(task, calm)).toBeUndefined()
})

describe('what is missing is said', () => {
  test.each([
    ['fix it', 'very short'],
    ['make faster please', 'very short'],
    ['Make the whole thing much better than it was before', place],
    ['Make the login much faster, the tests must pass, change nothing else', place],
    ['Rewrite the login flow in src/auth to use the new session store, do not touch the schema', result],
    ['Add tests for the edge cases of the parser in src/parse.ts please', limits],
  ])('%s', (task, missing) => {
    expect(advise(task, calm)).toContain(missing)
  })
})

test('the most important first, and no more than two things', () => {
  const said = advise('Make the whole thing much better than it was before', { ...calm, others: ['api'], changedFiles: 3 })
  expect(said).toBe('api is at work here too · 3 files not committed')
  expect(advise('Make the whole thing much better than it was before', { ...calm, changedFiles: 1 })).toBe(`1 file not committed · ${place}`)
  expect(advise('Fix src/a.ts', { ...calm, others: ['a', 'b'] })).toMatch(/^2 sessions are at work here too/)
})

test('a sentence that is only begun is not corrected', () => {
  expect(advise('Make the login much', calm)).toBeUndefined()
  expect(advise('Make the login much faster.', calm)).toContain(place)
})

test('a command is only told what no shell reads', () => {
  expect(advise('npm test', { ...calm, isCommand: true, others: ['a'], changedFiles: 3 })).toBeUndefined()
  expect(advise('npm test | tee log', { ...calm, isCommand: true, wantsShell: true })).toContain('no shell reads this')
})

test('scripts without spaces are no short tasks', () => {
  expect(advise('ログイン画面の速度を改善してください。テストが通ること。', calm)).not.toContain('very short')
  expect(advise('修复登录', calm)).toContain('very short')
})

test('always one printable line, soon', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.array(fc.string({ unit: 'binary' }), { maxLength: 3 }), fc.option(fc.nat(99)), (task, others, changed) => {
      const said = advise(task, { ...calm, others, changedFiles: changed ?? undefined })
      expect(said ?? '').not.toMatch(/[\0-\x1f\x7f-\x9f]/)
    }),
  )
  const long = `${'a/'.repeat(50_000)} ${'x.'.repeat(50_000)} ${'A'.repeat(100_000)}`
  // Some patterns would take the square of it, which is minutes.
  expect(advise(long, calm)).toBe(advise(long, calm))
})

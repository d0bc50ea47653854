// What the screens remember, in a file that several of them write.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { KeptState } from '../../src/tui/kept-state.ts'

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'os-'))
  file = join(folder, 'state', 'screens.json')
})
afterEach(() => rmSync(folder, { recursive: true }))

test('drafts and filters are there again, also after a close in a hurry', () => {
  const kept = new KeptState(file)
  kept.draft = 'a task'
  kept.keepDraftFor('k3f9x2ab', 'half a thought')
  kept.saveFilter('mine', 'status:waiting')
  kept.keepDraftFor('m4c8d1ef', 'another')
  kept.close()
  const again = new KeptState(file)
  expect([again.draft, again.draftFor('k3f9x2ab'), again.draftFor('m4c8d1ef'), again.draftFor('nobody01')]).toEqual(['a task', 'half a thought', 'another', ''])
  expect(again.filters).toEqual({ mine: 'status:waiting' })
})

test('two screens do not write over what the other one remembers', () => {
  const [first, second] = [new KeptState(file), new KeptState(file)]
  first.keepDraftFor('k3f9x2ab', 'of the first')
  first.close()
  second.keepDraftFor('m4c8d1ef', 'of the second')
  second.saveFilter('mine', 'status:waiting')
  second.close()
  first.keepDraftFor('k3f9x2ab', '')
  first.close()
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
    draft: '',
    filters: { mine: 'status:waiting' },
    drafts: { m4c8d1ef: 'of the second' },
    forms: {},
    comments: {},
    reviewed: {},
  })
})

test('half filled in questions are there again, until they are none any more', () => {
  const kept = new KeptState(file)
  kept.keepFormsFor('k3f9x2ab', { q1: { user: 'me', tones: ['warm', 'dry'] }, q2: { port: '80' } })
  kept.keepFormsFor('m4c8d1ef', { q3: { user: 'you' } })
  kept.close()
  const again = new KeptState(file)
  expect(again.formsFor('k3f9x2ab')).toEqual({ q1: { user: 'me', tones: ['warm', 'dry'] }, q2: { port: '80' } })
  again.keepFormsFor('k3f9x2ab', {})
  again.close()
  expect(new KeptState(file).formsFor('k3f9x2ab')).toEqual({})
  expect(new KeptState(file).formsFor('m4c8d1ef')).toEqual({ q3: { user: 'you' } })
})

test('comments and what was reviewed are there again, and what is no comment is none', () => {
  const comment = { path: 'a.ts', scope: 'all', side: 'new', first: 1, last: 2, quote: ['+a', '+b'], text: 'why?' } as const
  const kept = new KeptState(file)
  kept.keepCommentsFor('k3f9x2ab', [comment])
  kept.keepReviewedFor('k3f9x2ab', { 'a.ts': ['aa'] })
  kept.keepReviewedFor('m4c8d1ef', { 'a.ts': ['aa'] })
  kept.keepReviewedFor('m4c8d1ef', {})
  kept.close()
  const again = new KeptState(file)
  expect([again.commentsFor('k3f9x2ab'), again.reviewedFor('k3f9x2ab'), again.reviewedFor('m4c8d1ef')]).toEqual([[comment], { 'a.ts': ['aa'] }, {}])
  writeFileSync(file, JSON.stringify({ comments: { k3f9x2ab: [{ ...comment, first: 'x' }], m4c8d1ef: [comment] }, reviewed: { k3f9x2ab: { 'a.ts': 'aa' } } }))
  const odd = new KeptState(file)
  expect([odd.commentsFor('k3f9x2ab'), odd.commentsFor('m4c8d1ef'), odd.reviewedFor('k3f9x2ab')]).toEqual([[], [comment], {}])
})

test('only the last drafts are kept, and none that is very long', () => {
  const kept = new KeptState(file)
  for (let index = 0; index < 60; index++) kept.keepDraftFor(`session${index}`, 'x')
  kept.keepDraftFor('long', 'x'.repeat(200_000))
  kept.close()
  const again = new KeptState(file)
  expect([again.draftFor('session9'), again.draftFor('session10'), again.draftFor('session59'), again.draftFor('long')]).toEqual(['', 'x', 'x', ''])
})

test.each(['', '{', '[]', '{"forms": {"k3f9x2ab": {"q1": {"a": 1}}, "b": 1, "c": {"q": []}}}', '{"draft": 1, "filters": {"a": 2, "b": "c"}, "drafts": "x"}'])(
  'a file with %j in it does no harm',
  (content) => {
    writeFileSync(join(folder, 'screens.json'), content)
    const kept = new KeptState(join(folder, 'screens.json'))
    expect([kept.draft, kept.draftFor('k3f9x2ab'), kept.formsFor('k3f9x2ab')]).toEqual(['', '', {}])
    kept.keepDraftFor('__proto__', 'x')
    kept.close()
  },
)

test('a place that cannot be written costs nothing else', () => {
  writeFileSync(join(folder, 'state'), 'a file, not a folder')
  const kept = new KeptState(file)
  kept.keepDraftFor('k3f9x2ab', 'half a thought')
  kept.close()
  expect(kept.draftFor('k3f9x2ab')).toBe('half a thought')
})

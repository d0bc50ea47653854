// The list as it looks: screens of sessions of every kind, hostile and wide ones among them.

import { visibleWidth } from '@earendil-works/pi-tui'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { anySessions } from './arbitrary-sessions.ts'
import { FakeClient } from '../cli/fake-client.ts'
import { control, expectGolden, keys } from './headless.ts'
import { listOn, stateOf } from './list-on-stage.ts'
import { FixedSessions, richSessions } from './list-sessions.ts'

// The clock in the first row is the machine's.
beforeAll(() => {
  process.env['TZ'] = 'UTC'
})

const sizes = [
  { columns: 80, rows: 24 },
  { columns: 120, rows: 40 },
  { columns: 200, rows: 60 },
  { columns: 40, rows: 15 },
]
const named = ({ columns, rows }: { readonly columns: number; readonly rows: number }): string => `${columns}x${rows}`

const rich = (size: { readonly columns: number; readonly rows: number }) => listOn({ ...size, sessions: new FixedSessions(richSessions) })

test.each(sizes)('every kind of session at $columns x $rows', async (size) => {
  const { screen, until } = rich(size)
  await until((rows) => rows.some((row) => row.includes('(main, clean)')) || size.rows < 18)
  expectGolden(`list-${named(size)}`, screen())
})

test.each(sizes)('a question is asked in the peek at $columns x $rows', async (size) => {
  const client = new FakeClient()
    .create('k3f9x2ab', { prompt: 'Add a /users/preferences endpoint with validation and tests.' })
    .report('k3f9x2ab', { type: 'entry', entryId: '1.1', entry: { kind: 'tool', title: 'npm test -- preferences', toolKind: 'execute', status: 'completed', output: '18 passed' } })
    .say('k3f9x2ab', '1.2', 'The old preference store is **not used** any more. I would like to remove it.')
  const { screen, type, until } = listOn({ ...size, client, sessions: new FixedSessions(richSessions) })
  type('j', keys.space)
  await until((rows) => rows.some((row) => row.startsWith('   The old')) && (rows.some((row) => row.includes('(main, clean)')) || size.rows < 18))
  expectGolden(`list-peek-${named(size)}`, screen())
})

const moments: readonly (readonly [string, readonly string[]])[] = [
  ['dispatch', ['n', 'Make the login page much faster than it is']],
  ['filter', ['/', 'agent:claude,codex tidy']],
  ['no-match', ['/', 'status:wrong', keys.enter]],
  ['question', ['j', 'S']],
  ['marked', ['m', 'm', 'A', 's']],
  ['projects', ['p', 'G']],
  ['name', ['L']],
  ['reply', ['j', 'r', 'Only if nothing imports it']],
]

test.each(moments)('%s at 80 x 24', async (name, typed) => {
  const { screen, type, until } = listOn({ sessions: new FixedSessions(richSessions), list: { directory: async () => stateOf(3) } })
  await until((rows) => rows.some((row) => row.includes('(main, 3 changed)')))
  type(...typed)
  if (name === 'reply') await until((rows) => rows.some((row) => row.includes('nothing was said yet')))
  expectGolden(`list-${name}-80x24`, screen())
})

test('nothing at all at 80 x 24', async () => {
  const { screen, until } = listOn({ sessions: new FixedSessions() })
  await until((rows) => rows.some((row) => row.includes('(main, clean)')))
  expectGolden('list-empty-80x24', screen())
})

/** Each ends somewhere else. */
const ways: readonly (readonly string[])[] = [
  [],
  [keys.space],
  ['G', keys.space, 'r', 'some words that are long enough to need a second row, or a third'],
  ['n', '@codex #shop Make everything better than it is'],
  ['n', '!npm test | tee'],
  ['/', 'status:nothing'],
  ['/', 'a', keys.enter, 's', 'p', 'A', 'M'],
  ['/', 'x', control('s'), 'name', keys.enter, keys.escape, '/', '/'],
  ['L'],
  ['G', 'D'],
  ['G', 'k', 'p', keys.space],
]

test('whatever sessions there are and whatever was done: no row too many and none too wide', () => {
  fc.assert(
    fc.property(anySessions, fc.constantFrom(...ways), fc.integer({ min: 1, max: 130 }), fc.integer({ min: 1, max: 40 }), fc.boolean(), (sessions, way, columns, rows, color) => {
      const { list, type, hangUp } = listOn({ columns: 60, rows: 20, sessions: new FixedSessions(sessions), parts: { color } })
      type(...way)
      const painted = list.render({ columns, rows })
      hangUp()
      expect(painted.length).toBeLessThanOrEqual(rows)
      for (const row of painted) expect(visibleWidth(row), JSON.stringify(row)).toBeLessThanOrEqual(columns)
      expect(painted.join('').replaceAll(/\x1b\[[\d;]*m|\x1b_pi:c\x07/g, '')).not.toMatch(/[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
    }),
    { numRuns: 150 },
  )
})

test('the same is painted again as the same rows', () => {
  const { list } = rich({ columns: 100, rows: 30 })
  const size = { columns: 100, rows: 30 }
  expect(list.render(size)).toBe(list.render(size))
})

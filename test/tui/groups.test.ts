// In which groups sessions stand, and in which order.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Arranging, arrange, keyOf, sameKey, sinceMs, sorts, standing } from '../../src/tui/list/groups.ts'
import type { SessionView } from '../../src/core/view.ts'
import { anySessions } from './arbitrary-sessions.ts'
import { minutesAgo, request, view } from './list-sessions.ts'

const byAttention: Arranging = { sort: 'attention', by: 'standing' }
const arranged = (sessions: readonly SessionView[], how: Arranging = byAttention) => arrange(sessions.map((one) => keyOf(one, how)))
const ids = (sessions: readonly SessionView[], how: Arranging = byAttention): readonly string[] => arranged(sessions, how).flatMap((group) => group.ids)
const anyArranging = fc.record({ sort: fc.constantFrom(...sorts), by: fc.constantFrom('standing' as const, 'project' as const) })

test('every session stands in exactly one group, and no group is empty', () => {
  fc.assert(
    fc.property(anySessions, anyArranging, (sessions, how) => {
      const groups = arranged(sessions, how)
      expect(groups.every((group) => group.ids.length > 0)).toBe(true)
      expect(new Set(groups.map((group) => group.key)).size).toBe(groups.length)
      expect(ids(sessions, how).toSorted()).toEqual(sessions.map((one) => one.id).toSorted())
    }),
  )
})

test('the order does not depend on the order in which they were told', () => {
  fc.assert(
    fc.property(anySessions, anyArranging, fc.infiniteStream(fc.nat()), (sessions, how, chance) => {
      const shuffled = sessions.map((one) => ({ one, at: chance.next().value as number })).toSorted((a, b) => a.at - b.at)
      expect(
        ids(
          shuffled.map(({ one }) => one),
          how,
        ),
      ).toEqual(ids(sessions, how))
    }),
  )
})

test('those that need the user come first, then those at work; pinned ones lead each group', () => {
  fc.assert(
    fc.property(anySessions, fc.constantFrom(...sorts), (sessions, sort) => {
      const places = ['needs-you', 'working', 'completed']
      const found = new Map(sessions.map((one) => [one.id, one]))
      const rows = ids(sessions, { sort, by: 'standing' }).flatMap((id) => found.get(id) ?? [])
      const ranks = rows.map((one) => places.indexOf(standing(one)) * 2 + (one.pinned ? 0 : 1))
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b))
    }),
  )
})

test('of what needs the user the oldest question is on top', () => {
  fc.assert(
    fc.property(anySessions, (sessions) => {
      const waiting = sessions.filter((one) => standing(one) === 'needs-you').map((one) => ({ ...one, pinned: false }))
      const found = new Map(waiting.map((one) => [one.id, sinceMs(one)]))
      const since = ids(waiting).map((id) => found.get(id) ?? 0)
      expect(since).toEqual(since.toSorted((a, b) => a - b))
    }),
  )
})

test('what a session says moves no row', () => {
  const before = view('saysaaaa', { activity: 'one', updatedAt: minutesAgo(9) })
  const after = { ...before, activity: 'two', updatedAt: minutesAgo(0), entries: 99, unseen: 4 }
  for (const sort of sorts) expect(sameKey(keyOf(before, { sort, by: 'standing' }), keyOf(after, { sort, by: 'standing' }))).toBe(true)
})

test('a question counts from when it was asked, a lost one only where there is no other', () => {
  const asked = view('asksaaaa', {
    changedAt: minutesAgo(1),
    requests: [request('lostlost', 'a', { lost: true, askedAt: minutesAgo(90) }), request('openopen', 'b', { askedAt: minutesAgo(8) })],
  })
  expect(sinceMs(asked)).toBe(Date.parse(minutesAgo(8)))
  expect(sinceMs({ ...asked, requests: asked.requests.slice(0, 1) })).toBe(Date.parse(minutesAgo(90)))
  expect(sinceMs({ ...asked, requests: [] })).toBe(Date.parse(minutesAgo(1)))
})

test('other orders: last change, start, cost', () => {
  const sessions = [
    view('aaaaaaaa', { createdAt: minutesAgo(30), changedAt: minutesAgo(1), usage: { inputTokens: 5, outputTokens: 5, costUsd: null } }),
    view('bbbbbbbb', { createdAt: minutesAgo(20), changedAt: minutesAgo(3), usage: { inputTokens: 9e8, outputTokens: 5, costUsd: null } }),
    view('cccccccc', { createdAt: minutesAgo(10), changedAt: minutesAgo(2), usage: { inputTokens: 1, outputTokens: 0, costUsd: 0.01 } }),
  ]
  expect(sorts.map((sort) => ids(sessions, { sort, by: 'standing' }).map((id) => id[0]))).toEqual([
    ['c', 'b', 'a'],
    ['a', 'c', 'b'],
    ['c', 'b', 'a'],
    ['c', 'b', 'a'],
  ])
})

test('projects stand in the order of their names', () => {
  const sessions = ['Zoo', 'api', 'shop'].map((name, index) => view(`proj000${index}`, { project: { name, branch: null } }))
  expect(arranged(sessions, { sort: 'attention', by: 'project' }).map((group) => group.title)).toEqual(['api', 'shop', 'Zoo'])
})

// How a pause reads in lists: by the clock of this machine.

import { expect, test } from 'vitest'
import { pausedText, summaryOf } from '../../src/text/format.ts'

const at = (day: number, hour: number, minute: number): number => new Date(2026, 10, day, hour, minute).getTime()
const paused = (untilMs: number | null, why = 'rate limit of anthropic') => ({
  status: 'paused' as const,
  reason: `${why}, as core says it`,
  paused: { until: untilMs === null ? null : new Date(untilMs).toISOString(), why },
})

test.each([
  [at(23, 14, 30), at(23, 14, 18), 'rate limit of anthropic, until 14:30 (in 12m)'],
  [at(23, 9, 5), at(23, 14, 18), 'rate limit of anthropic, until 09:05'],
  [at(24, 9, 5), at(23, 14, 18), 'rate limit of anthropic, until 09:05 (in 18h 47m)'],
  [at(26, 9, 5), at(23, 14, 18), 'rate limit of anthropic, until 2026-11-26 09:05 (in 2d 18h)'],
  [null, at(23, 14, 18), 'rate limit of anthropic, as core says it'],
])('until %s, at %s: %s', (untilMs, nowMs, text) => {
  expect(pausedText(paused(untilMs), nowMs)).toBe(text)
})

test('what an agent says of it is one printable line', () => {
  expect(pausedText(paused(at(23, 14, 30), 'limit\u001b[2J\nof'), at(23, 14, 18))).toMatch(/^limit\P{Cc}*of, until 14:30/u)
  expect(summaryOf({ ...paused(null, 'a\u0007b'), activity: 'before', title: 'x', requests: [] })).toMatch(/^a\P{Cc}*b, as core says it$/u)
})

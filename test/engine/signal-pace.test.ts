import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SignalPace } from '../../src/engine/signal-pace.ts'

const news = fc.array(fc.tuple(fc.constantFrom('state', 'words'), fc.integer({ min: 0, max: 3000 })), { maxLength: 60 })

test('the first states after a while are recorded at once, then two a second', () => {
  const pace = new SignalPace()
  const at: number[] = []
  for (let nowMs = 0; nowMs < 3000; nowMs += 10) {
    if (pace.waitMs('state', nowMs) > 0) continue
    pace.recorded('state', nowMs)
    at.push(nowMs)
  }
  expect(at).toEqual([0, 10, 20, 30, 500, 1000, 1500, 2000, 2500])
  expect(pace.waitMs('state', 10_000)).toBe(0)
})

test('words of a moment ago do not hold up a state', () => {
  const pace = new SignalPace()
  pace.recorded('words', 1000)
  expect(pace.waitMs('state', 1001)).toBe(0)
  expect(pace.waitMs('words', 1001)).toBe(1999)
})

test('words that go on changing are recorded less and less often', () => {
  const pace = new SignalPace()
  const at: number[] = []
  for (let nowMs = 0; nowMs < 60_000; nowMs += 100) {
    if (pace.waitMs('words', nowMs) > 0) continue
    pace.recorded('words', nowMs)
    at.push(nowMs)
  }
  expect(at).toEqual([0, 2000, 6000, 14_000, 24_000, 34_000, 44_000, 54_000])
})

test('whatever comes, four states are at once and two a second the most, and nothing waits for ever', () => {
  fc.assert(
    fc.property(news, (all) => {
      const pace = new SignalPace()
      let nowMs = 0
      const states: number[] = []
      for (const [kind, passedMs] of all) {
        nowMs += passedMs
        const waitMs = pace.waitMs(kind, nowMs)
        expect(waitMs).toBeGreaterThanOrEqual(0)
        expect(waitMs).toBeLessThanOrEqual(kind === 'state' ? 500 : 10_000)
        if (waitMs > 0) continue
        pace.recorded(kind, nowMs)
        if (kind === 'state') states.push(nowMs)
      }
      for (const [from, first] of states.entries()) for (const [more, last] of states.slice(from).entries()) expect(more + 1).toBeLessThanOrEqual(4 + (last - first) / 500)
    }),
  )
})

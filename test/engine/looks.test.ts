import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Looks } from '../../src/engine/looks.ts'

let at: number[] = []
let looks: Looks
beforeEach(() => {
  vi.useFakeTimers({ now: 0, toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  at = []
  looks = new Looks(() => {
    at.push(Math.round(performance.now()))
    looks.seen(false)
  })
})
afterEach(() => {
  looks.stop()
  vi.useRealTimers()
})

/** Prints so many bytes every so often, for so long. */
function print(bytes: number, everyMs: number, forMs: number): void {
  for (let passedMs = 0; passedMs < forMs; passedMs += everyMs) {
    looks.heard(bytes)
    vi.advanceTimersByTime(everyMs)
  }
}

test('one look when the output has come to rest, and none after it', () => {
  print(1000, 50, 1000)
  expect(at).toEqual([])
  vi.advanceTimersByTime(10_000)
  expect(at).toEqual([1100])
  expect(vi.getTimerCount()).toBe(0)
})

test('output that never comes to rest is looked through now and then', () => {
  print(100, 80, 60_000)
  expect(at[0]).toBeLessThanOrEqual(2100)
  expect(at.length).toBeGreaterThan(15)
  expect(at.length).toBeLessThan(31)
})

test('a title that blinks is looked at less and less often', () => {
  print(35, 500, 120_000)
  expect(at.length).toBeLessThan(20)
  expect(at.slice(0, 3)).toEqual([150, 650, 1150])
  expect((at.at(-1) ?? 0) - (at.at(-2) ?? 0)).toBeGreaterThanOrEqual(14_000)
})

test('what is painted after a long time of small things is looked at soon', () => {
  print(35, 500, 120_000)
  const before = at.length
  const nowMs = performance.now()
  looks.heard(2000)
  vi.advanceTimersByTime(3500)
  expect(at.length).toBe(before + 1)
  expect((at.at(-1) ?? 0) - nowMs).toBeLessThanOrEqual(3200)
})

test('a screen that is painted again and again costs a look every few seconds', () => {
  print(4000, 300, 120_000)
  expect(at.length).toBeLessThan(60)
})

test('something new is followed closely', () => {
  looks = new Looks(() => {
    at.push(performance.now())
    looks.seen(true)
  })
  print(35, 500, 10_000)
  expect(at.length).toBe(20)
})

test('a look can be asked for, and stopped', () => {
  looks.soon(700)
  vi.advanceTimersByTime(700)
  expect(at).toEqual([700])
  looks.soon(700)
  looks.stop()
  vi.advanceTimersByTime(10_000)
  expect(at).toEqual([700])
})

// How often it is passed on that somebody writes in a tree: under a held clock, with a disk that a test plays.

import { expect, test } from 'vitest'
import { TreeWatches } from '../../src/engine/tree-watches.ts'

class World {
  nowMs = 1_000_000
  readonly told: string[] = []
  readonly warnings: string[] = []
  readonly refreshed: string[] = []
  readonly touched = new Map<string, () => void>()
  refuses = false
  readonly #waiting: { readonly dueMs: number; readonly fire: () => void }[] = []
  readonly end = new AbortController()
  readonly watches = new TreeWatches({
    watchTree: (top, touched) => {
      this.touched.set(top, touched)
      return {
        refresh: async () => {
          this.refreshed.push(top)
          if (this.refuses) throw new Error('too many')
        },
        [Symbol.dispose]: () => void this.touched.delete(top),
      }
    },
    tell: (sessions) => void this.told.push(`${(this.nowMs - 1_000_000) / 1000}s ${sessions.join(' ')}`),
    nowMs: () => this.nowMs,
    delay: (ms) => new Promise((fire) => void this.#waiting.push({ dueMs: this.nowMs + ms, fire })),
    warn: (_facts, message) => void this.warnings.push(message),
    signal: this.end.signal,
  })

  /** Each second something is written there. */
  async writes(top: string, seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      this.touched.get(top)?.()
      await this.pass(1000)
    }
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms
    for (const one of this.#waiting.filter(({ dueMs }) => dueMs <= this.nowMs)) {
      this.#waiting.splice(this.#waiting.indexOf(one), 1)
      one.fire()
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('the first write is told at once, the next ones every five seconds', async () => {
  const here = new World()
  here.watches.follow(new Map([['/a', ['one', 'two']]]))
  await here.writes('/a', 12)
  expect(here.told).toEqual(['0s one two', '5s one two', '10s one two'])
})

test('writes of which nothing comes are told ever more seldom, until something comes of one', async () => {
  const here = new World()
  here.watches.follow(new Map([['/a', ['one']]]))
  const told = async (seconds: number, isChanged: boolean): Promise<number> => {
    const before = here.told.length
    for (let second = 0; second < seconds; second += 1) {
      const known = here.told.length
      await here.writes('/a', 1)
      if (here.told.length > known) here.watches.looked('/a', isChanged)
    }
    return here.told.length - before
  }
  expect(await told(600, false)).toBeLessThan(15)
  expect(await told(100, true)).toBeGreaterThan(4)
  expect(await told(60, true)).toBeGreaterThan(10)
})

test('a tree that takes long to read is read more seldom, though it changes all the time', async () => {
  const here = new World()
  here.watches.follow(new Map([['/a', ['one']]]))
  await here.writes('/a', 1)
  here.watches.looked('/a', true, 2000)
  await here.writes('/a', 90)
  expect(here.told).toEqual(['0s one', '40s one', '80s one'])
})

test('nobody is told of a tree that is followed no more, and nothing is left watched in the end', async () => {
  const here = new World()
  here.watches.follow(new Map([['/a', ['one']], ['/b', ['two']]])) // prettier-ignore
  await here.writes('/a', 2)
  here.watches.follow(new Map([['/b', ['two', 'more']]]))
  expect([...here.touched.keys()]).toEqual(['/b'])
  await here.pass(60_000)
  await here.writes('/b', 1)
  expect(here.told).toEqual(['0s one', '62s two more'])
  here.end.abort()
  expect([...here.touched.keys()]).toEqual([])
})

test('of very many trees the last ones are watched', () => {
  const here = new World()
  here.watches.follow(new Map(Array.from({ length: 100 }, (_, n) => [`/${n}`, [`s${n}`]])))
  expect(here.touched.size).toBe(20)
  expect(here.touched.has('/99')).toBe(true)
})

test('a tree that cannot be watched is warned of, and the others go on', async () => {
  const here = new World()
  here.refuses = true
  here.watches.follow(new Map([['/a', ['one']]]))
  await here.pass(0)
  expect(here.warnings).toEqual(['not all of a tree is watched: conflicts there may be seen no sooner than when a turn ends, or when asked for'])
  here.touched.get('/a')?.()
  expect(here.told).toEqual(['0s one'])
  here.watches.looked('/a', true)
  await here.pass(0)
  expect([here.refreshed, here.warnings.length]).toEqual([['/a', '/a'], 1])
})

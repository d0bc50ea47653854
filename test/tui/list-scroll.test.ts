// Which lines of the list are on the screen.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Group } from '../../src/tui/list/groups.ts'
import { type Place, placesOf, visibleFrom } from '../../src/tui/list/scroll.ts'

const group = (key: string, count: number): Group => ({ key, title: key, ids: Array.from({ length: count }, (_, number) => `${key}${number}`) })
const look = { height: 20, airy: true, whole: false, cuts: (one: Group) => one.key === 'done' }
const sessions = (places: readonly Place[]): number => places.reduce((sum, place) => sum + (place.kind === 'session' ? 1 : place.kind === 'more' ? place.count : 0), 0)
const anyGroups = fc
  .tuple(fc.nat(30), fc.nat(30), fc.nat(60))
  .map(([needs, works, done]) => [group('needs', needs), group('works', works), group('done', done)].filter((one) => one.ids.length > 0))

test('every session has a place, or is counted in the row that stands for those that do not fit', () => {
  fc.assert(
    fc.property(anyGroups, fc.nat(40), fc.boolean(), fc.boolean(), (groups, height, airy, whole) => {
      const places = placesOf(groups, { ...look, height, airy, whole })
      expect(sessions(places)).toBe(groups.reduce((sum, one) => sum + one.ids.length, 0))
      expect(whole && places.some((place) => place.kind === 'more')).toBe(false)
      // A row that says "1 more" could be that one.
      expect(places.every((place) => place.kind !== 'more' || place.count > 1)).toBe(true)
    }),
  )
})

test('what is over is cut to what fits, but not to nothing', () => {
  const places = placesOf([group('needs', 2), group('done', 40)], look)
  expect(places).toHaveLength(20)
  expect(places.at(-1)).toEqual({ kind: 'more', count: 26, first: 'done14' })
  expect(placesOf([group('works', 40), group('done', 40)], look).at(-1)).toEqual({ kind: 'more', count: 37, first: 'done3' })
})

test('never more lines than there is room for, and the cursor among them', () => {
  fc.assert(
    fc.property(anyGroups, fc.integer({ min: 1, max: 40 }), fc.nat(200), fc.nat(200), fc.boolean(), (groups, height, top, at, airy) => {
      const places = placesOf(groups, { ...look, height, airy, whole: true })
      const indexes = places.flatMap((place, index) => (place.kind === 'session' ? [index] : []))
      const cursor = indexes[at % Math.max(1, indexes.length)]
      const seen = visibleFrom(places, top, height, cursor)
      expect(seen.shown.length).toBe(Math.min(height, places.length))
      if (cursor !== undefined) expect(seen.shown).toContainEqual(places[cursor])
      // The same again: nothing moves by itself.
      expect(visibleFrom(places, seen.top, height, cursor)).toEqual(seen)
    }),
  )
})

test('what lies beyond is counted', () => {
  fc.assert(
    fc.property(anyGroups, fc.integer({ min: 4, max: 40 }), fc.nat(200), (groups, height, top) => {
      const places = placesOf(groups, { ...look, height, airy: true, whole: true })
      const { shown } = visibleFrom(places, top, height, undefined)
      const beyond = shown.reduce((sum, place) => sum + (place.kind === 'beyond' ? place.count : 0), 0)
      expect(sessions(shown) + beyond).toBe(sessions(places))
    }),
  )
})

test('no room shows nothing', () => {
  expect(visibleFrom(placesOf([group('works', 3)], look), 0, 0, 1)).toEqual({ top: 0, shown: [] })
})

// Choosing one of several things.

import fc from 'fast-check'
import { visibleWidth } from '@earendil-works/pi-tui'
import { expect, test } from 'vitest'
import { Picker, type PickerItem } from '../../src/tui/picker.ts'
import type { Size, View } from '../../src/tui/view.ts'
import { type Headless, expectGolden, keys, paste, stageOn } from './headless.ts'

const models: readonly PickerItem[] = [
  { value: 'opus', label: 'Opus', description: 'for the hardest work' },
  { value: 'sonnet', label: 'Sonnet', description: 'for most of it', current: true },
  { value: 'haiku', label: 'Haiku 漢字' },
]

function picking(items: readonly PickerItem[] = models, size: Size = { columns: 60, rows: 8 }) {
  const headless: Headless = stageOn(size)
  const chosen: string[] = []
  let closed = 0
  const picker = new Picker(headless.stage, { title: 'which model?', items, chosen: (value) => chosen.push(value), closed: () => (closed += 1) })
  const view: View = { render: (given) => picker.render(given), input: (data) => picker.input(data), title: () => 'picking', close: () => {} }
  void headless.run(view)
  return { ...headless, picker, chosen, closed: () => closed }
}

test('what holds now is where one begins', () => {
  const { screen, type, chosen } = picking()
  expectGolden('picker', screen())
  type(keys.enter)
  expect(chosen).toEqual(['sonnet'])
})

test('the arrows go round', () => {
  const { type, chosen } = picking()
  type(keys.down, keys.down, keys.enter, keys.up, keys.enter)
  expect(chosen).toEqual(['opus', 'haiku'])
})

test('what is typed filters, by name and by description, and Escape takes the filter away before it closes', () => {
  const { type, screen, chosen, closed } = picking()
  type('hard')
  expect(screen().slice(0, 3)).toEqual([' which model?  hard', ' ▸ Opus  for the hardest work', ''])
  type(keys.enter)
  expect(chosen).toEqual(['opus'])
  type('x')
  expect(screen()[1]).toBe('   nothing like that')
  type(keys.enter, keys.down, keys.escape)
  expect([chosen, closed(), screen()[3]]).toEqual([['opus'], 0, '   Haiku 漢字'])
  type(keys.escape)
  expect(closed()).toBe(1)
})

test('a list that is longer than the screen goes with the cursor', () => {
  const many = Array.from({ length: 40 }, (_, index): PickerItem => ({ value: `v${index}`, label: `Item ${index}` }))
  const { type, screen, chosen } = picking(many, { columns: 40, rows: 5 })
  type(keys.pageDown, keys.pageDown, keys.down)
  expect(screen()).toEqual([' which model?  type to filter  10 of 40', '   Item 7', '   Item 8', ' ▸ Item 9', '   Item 10'])
  type(keys.enter, keys.pageUp, keys.pageUp, keys.pageUp, keys.enter)
  expect(chosen).toEqual(['v9', 'v0'])
})

test('whatever is in it and typed: it fits, and only what is in it is chosen', () => {
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.string({ unit: fc.constantFrom('a', ' ', '漢', '👩‍👩‍👧', '\n', '\x1b'), maxLength: 60 }))
  const item = fc.record({ value: text, label: text, description: text, current: fc.boolean() })
  const key = fc.oneof(fc.constantFrom(...Object.values(keys)), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }), text.map(paste))
  const { stage } = stageOn({ columns: 60, rows: 8 })
  fc.assert(
    fc.property(
      fc.array(item, { maxLength: 20 }),
      fc.array(key, { maxLength: 20 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 0, max: 10 }),
      (items, typed, columns, rows) => {
        const chosen: string[] = []
        const picker = new Picker(stage, { title: 'which?', items, chosen: (value) => chosen.push(value), closed: () => {} })
        for (const each of typed) {
          picker.input(each)
          const shown = picker.render({ columns, rows })
          expect(shown.length).toBeLessThanOrEqual(rows)
          expect(Math.max(0, ...shown.map(visibleWidth))).toBeLessThanOrEqual(columns)
          // oxlint-disable-next-line no-control-regex
          expect(shown.join('').replaceAll(/\x1b\[\d+m|\x1b_pi:c\x07/g, '')).not.toMatch(/[\0-\x1f\x7f-\x9f\u202a-\u202e]|\p{Cs}/u)
        }
        expect(chosen.filter((value) => !items.some((one) => one.value === value))).toEqual([])
      },
    ),
    { numRuns: 60 },
  )
})

// A question where it is answered with one key.

import { visibleWidth } from '@earendil-works/pi-tui'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkAnswer } from '../../src/core/requests.ts'
import type { RequestView } from '../../src/core/view.ts'
import { foremostRequest, numberedAnswers, questionRows, quickAnswer, takesText } from '../../src/tui/list/question.ts'
import { askOf } from '../../src/client/answers.ts'
import { themeFor } from '../../src/tui/theme.ts'
import { anyText } from './arbitrary-sessions.ts'
import { request } from './list-sessions.ts'

type FieldOf = RequestView['fields'][number]
const field = (type: FieldOf['type'], more: Partial<FieldOf> = {}): FieldOf => ({ name: 'tone', label: 'Tone', type, required: true, ...more })
const form = (...fields: readonly FieldOf[]): RequestView => request('askedaaa', 'which tone', { kind: 'question', options: [], fields })
const choices = [
  { value: 'f', label: 'formal' },
  { value: 'c', label: 'casual' },
]

test('digits are options by their places, also where an id is another digit', () => {
  const tricky = request('askedaaa', 'which', {
    options: [
      { id: '2', label: 'first', kind: 'other' },
      { id: '1', label: 'second', kind: 'other' },
    ],
  })
  expect(numberedAnswers(tricky)).toEqual([
    { label: 'first', answer: { kind: 'option', optionId: '2' } },
    { label: 'second', answer: { kind: 'option', optionId: '1' } },
  ])
})

test('digits are the choices of an only field, and yes and no', () => {
  expect(numberedAnswers(form(field('choice', { choices }))).map(({ answer }) => answer)).toEqual([
    { kind: 'form', fields: { tone: 'f' } },
    { kind: 'form', fields: { tone: 'c' } },
  ])
  expect(numberedAnswers(form(field('boolean'))).map(({ answer }) => answer)).toEqual([
    { kind: 'form', fields: { tone: true } },
    { kind: 'form', fields: { tone: false } },
  ])
  for (const other of [form(field('text')), form(field('choices', { choices })), form(field('boolean'), field('text', { name: 'more' }))])
    expect(numberedAnswers(other)).toEqual([])
})

test('what a digit answers fits the question', () => {
  const anyRequest = fc.oneof(
    fc
      .uniqueArray(fc.record({ id: fc.string(), label: anyText }), { selector: (one) => one.id, maxLength: 12 })
      .map((options) => request('askedaaa', 'x', { options: options.map((one) => ({ ...one, kind: 'other' as const })) })),
    fc.constantFrom(form(field('choice', { choices })), form(field('boolean')), form(field('text'))),
  )
  fc.assert(
    fc.property(anyRequest, (asked) => {
      for (const { answer } of numberedAnswers(asked)) expect(checkAnswer(askOf(asked), answer)).toBeUndefined()
      expect(numberedAnswers(asked).length).toBeLessThanOrEqual(9)
    }),
  )
})

test('one key allows once or rejects, and never for ever', () => {
  const asked = request('askedaaa', 'may I')
  expect([quickAnswer(asked, 'allow'), quickAnswer(asked, 'deny')]).toEqual([
    { kind: 'option', optionId: 'once' },
    { kind: 'option', optionId: 'no' },
  ])
  const ever = request('askedaaa', 'may I', { options: [{ id: 'allow', label: 'allow', kind: 'allow', scope: 'always' }] })
  expect([quickAnswer(ever, 'allow'), quickAnswer(ever, 'deny')]).toEqual([undefined, undefined])
})

test('words answer an only field of text that is no secret', () => {
  expect(
    [form(field('text')), form(field('integer')), form(field('text', { secret: true })), form(field('boolean')), form(field('text'), field('text')), request('a', 'b')].map(
      takesText,
    ),
  ).toEqual([true, true, false, false, false, false])
})

test('an open question comes before one that was lost', () => {
  const lost = request('lostlost', 'a', { lost: true })
  const open = request('openopen', 'b')
  expect(foremostRequest([lost, open])).toBe(open)
  expect(foremostRequest([lost])).toBe(lost)
  expect(foremostRequest([])).toBeUndefined()
})

test('all of it is shown, no row too wide, nothing of it but text', () => {
  fc.assert(
    fc.property(anyText, fc.option(anyText), fc.array(anyText, { maxLength: 9 }), fc.boolean(), fc.integer({ min: 20, max: 120 }), (title, detail, labels, lost, columns) => {
      const asked = request('askedaaa', title, { detail, lost, options: labels.map((label, index) => ({ id: String(index), label, kind: 'other' as const })) })
      const rows = questionRows(asked, 2, columns, themeFor(false), { reply: 'r', open: 'Enter' })
      for (const row of rows) {
        expect(visibleWidth(row)).toBeLessThanOrEqual(columns)
        expect(row.replaceAll(/\x1b\[\d*m/g, '')).not.toMatch(/[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
      }
      const shown = rows
        .join(' ')
        .replaceAll(/\x1b\[\d*m/g, '')
        .replaceAll(/\s+/g, ' ')
      for (const [index] of labels.entries()) expect(shown).toContain(`${index + 1}`)
      expect(shown).toMatch(lost ? /lost: its/ : /and 2 more/)
    }),
  )
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRefusal } from '../../src/core/errors.ts'
import { type Answer, type Ask, type Field, type Words, answerFrom, answerText, checkAnswer, findOption, withoutSecrets } from '../../src/core/requests.ts'
import { permission, question, secretQuestion } from './play.ts'

const option = (optionId: string): Answer => ({ kind: 'option', optionId })
const form = (fields: Record<string, string | number | boolean | readonly string[]>): Answer => ({ kind: 'form', fields })
const refused = (message: string): unknown => expect.objectContaining({ refused: 'no-such-option', message: expect.stringContaining(message) })

const choosing = (...options: Ask['options']): Ask => ({ id: 'reqchoic', kind: 'permission', title: 'May I?', options })
const asking = (...fields: readonly (Partial<Field> & Pick<Field, 'type'>)[]): Ask => ({
  id: 'reqfield',
  kind: 'question',
  title: 'Tell me',
  options: [],
  fields: fields.map((field, index) => Object.assign({ name: `f${index}`, label: `F ${index}`, required: true }, field)),
})

describe('a choice', () => {
  const numbers = choosing({ id: 'a', label: '2', kind: 'other' }, { id: '1', label: 'First id', kind: 'other' }, { id: 'c', label: '1984', kind: 'other' })
  test.each<[string, Ask, string, string | undefined]>([
    ['the id', permission, 'no', 'no'],
    ['the number', permission, '2', 'yes'],
    ['the name, in any case', permission, 'allow ONCE', 'yes'],
    ['the id, in any case', permission, 'NO', 'no'],
    ['allow: the first that holds once', permission, 'allow', 'yes'],
    ['deny: the first rejection', permission, 'deny', 'no'],
    ['reject: the same', permission, ' Reject ', 'no'],
    ['the id before the number', numbers, '1', '1'],
    ['the number before the name', numbers, '2', '1'],
    ['a number that is none, as a name', numbers, '1984', 'c'],
    ['nothing', permission, '', undefined],
    ['number 0', permission, '0', undefined],
    ['a number beyond the last', permission, '4', undefined],
    ['part of a name', permission, 'Allow', 'yes'],
    ['part of another name', permission, 'onc', undefined],
    [
      'allow where "always" is called so',
      choosing({ id: 'allow', label: 'Allow', kind: 'allow', scope: 'always' }, { id: 'o', label: 'Once', kind: 'allow', scope: 'once' }),
      'allow',
      'o',
    ],
    ['allow where there is only "always"', choosing({ id: 'allow', label: 'allow', kind: 'allow', scope: 'always' }), 'allow', undefined],
    ['deny where there is only "always"', choosing({ id: 'never', label: 'Never', kind: 'reject', scope: 'always' }), 'deny', 'never'],
    ['deny: once before always', choosing({ id: 'deny', label: 'Never', kind: 'reject', scope: 'always' }, { id: 'n', label: 'No', kind: 'reject', scope: 'once' }), 'deny', 'n'],
    ['allow as a plain choice', choosing({ id: 'x', label: 'Allow', kind: 'other' }), 'allow', 'x'],
    ['deny as a plain choice', choosing({ id: 'x', label: 'Deny', kind: 'other' }), 'deny', 'x'],
    ['always, by its own name', permission, 'Allow always', 'always'],
  ])('%s', (_, ask, choice, expected) => expect(findOption(ask, choice)?.id).toBe(expected))

  test('"allow" is never an option that holds for ever, whatever it is called', () => {
    const word = fc.constantFrom('allow', 'Allow', 'ALLOW', 'deny', 'yes', '1', 'always')
    const anyOption = fc.record({ id: word, label: word, kind: fc.constantFrom('allow', 'reject', 'other'), scope: fc.constantFrom('once', 'always', undefined) })
    fc.assert(
      fc.property(fc.array(anyOption, { maxLength: 5 }), (options) => {
        expect(findOption(choosing(...(options as Ask['options'])), 'allow')?.scope).not.toBe('always')
      }),
    )
  })
})

describe('words become an answer, or a refusal that says what would be one', () => {
  const several = asking({ type: 'text', name: 'name' }, { type: 'integer', name: 'age' })
  const oneRequired = asking({ type: 'text', name: 'name' }, { type: 'integer', name: 'age', required: false })
  const optional = asking({ type: 'text', name: 'name', required: false }, { type: 'text', name: 'nick', required: false })
  const colours = [
    { value: 'r', label: 'Red' },
    { value: 'g', label: 'Green' },
  ]
  const both: Ask = { ...question, options: [{ id: 'skip', label: 'Skip', kind: 'reject' }] }
  test.each<[string, Ask, Words, unknown]>([
    ['a choice', permission, { choice: 'allow' }, option('yes')],
    ['a choice that is none', permission, { choice: 'perhaps' }, refused('"perhaps" is no answer to "delete old.txt"')],
    ['nothing at all', permission, {}, refused('answered by a choice')],
    ['fields for a choice', permission, { fields: { x: '1' } }, refused('answered by a choice')],
    ['a choice and fields', permission, { choice: 'allow', fields: { x: '1' } }, refused('not by both')],
    ['a refusal to answer', question, { decline: true }, { kind: 'decline' }],
    ['a refusal of a permission', permission, { decline: true }, { kind: 'decline' }],
    ['a refusal of what cannot be refused', choosing({ id: 'ok', label: 'OK', kind: 'other' }), { decline: true }, refused('cannot be declined')],
    ['free text for the only field', question, { choice: 'formal' }, form({ tone: 'formal' })],
    ['a number as free text', question, { choice: '7' }, form({ tone: '7' })],
    ['the field by name', question, { fields: { tone: 'formal' } }, form({ tone: 'formal' })],
    ['free text and the same field by name', question, { choice: 'formal', fields: { tone: 'other' } }, refused('several fields')],
    ['an option beside fields', both, { choice: 'skip' }, option('skip')],
    ['free text beside options', both, { choice: 'formal' }, form({ tone: 'formal' })],
    ['free text for the only field that must be given', oneRequired, { choice: 'Ann', fields: { age: '7' } }, form({ name: 'Ann', age: 7 })],
    ['free text for several fields', several, { choice: 'Ann' }, refused('several fields')],
    ['free text for several optional fields', optional, { choice: 'Ann' }, refused('several fields')],
    ['several fields by name', several, { fields: { name: 'Ann', age: '7' } }, form({ name: 'Ann', age: 7 })],
    ['a missing field', several, { fields: { name: 'Ann' } }, refused('missing: age')],
    ['no field of several optional ones', optional, { fields: {} }, form({})],
    ['an unknown field', several, { fields: { name: 'Ann', age: '7', size: '4' } }, refused('has no field "size"')],
    ['an inherited name as a field', several, { fields: { name: 'Ann', age: '7', constructor: '4' } }, refused('has no field "constructor"')],
    ['an integer', asking({ type: 'integer' }), { choice: ' -12 ' }, form({ f0: -12 })],
    ['a fraction as an integer', asking({ type: 'integer' }), { choice: '1.5' }, refused('"1.5" does not fit field "f0" (integer)')],
    ['a fraction as a number', asking({ type: 'number' }), { choice: '1.5' }, form({ f0: 1.5 })],
    ['no number', asking({ type: 'number' }), { choice: 'many' }, refused('does not fit')],
    ['an empty number', asking({ type: 'number' }), { choice: ' ' }, refused('does not fit')],
    ['an endless number', asking({ type: 'number' }), { choice: 'Infinity' }, refused('does not fit')],
    ['yes', asking({ type: 'boolean' }), { choice: 'Yes ' }, form({ f0: true })],
    ['no', asking({ type: 'boolean' }), { choice: 'n' }, form({ f0: false })],
    ['neither yes nor no', asking({ type: 'boolean' }), { choice: 'yesterday' }, refused('(boolean)')],
    ['a choice by value', asking({ type: 'choice', choices: colours }), { choice: 'g' }, form({ f0: 'g' })],
    ['a choice by label', asking({ type: 'choice', choices: colours }), { choice: 'green' }, form({ f0: 'g' })],
    ['a choice by number', asking({ type: 'choice', choices: colours }), { choice: '1' }, form({ f0: 'r' })],
    ['no choice', asking({ type: 'choice', choices: colours }), { choice: 'blue' }, refused('"blue" does not fit field "f0" (r | g)')],
    ['several choices', asking({ type: 'choices', choices: colours }), { choice: 'Red, 2' }, form({ f0: ['r', 'g'] })],
    ['several choices with a wrong one', asking({ type: 'choices', choices: colours }), { choice: 'r,blue' }, refused('does not fit')],
  ])('%s', (_, ask, words, expected) => expect(answerFrom(ask, words)).toEqual(expected))

  test('a refusal lists the choices, or the fields', () => {
    expect(answerFrom(permission, { choice: 'x' })).toHaveProperty('hint', 'choose one of: 1 always (Allow always), 2 yes (Allow once), 3 no (Reject)')
    expect(answerFrom(several, { choice: 'x' })).toHaveProperty('hint', 'choose one of: --field name=… --field age=…')
    const keys = { ...permission, options: permission.options.map((option, index) => ({ ...option, id: String(index + 1) })) }
    expect(answerFrom(keys, { choice: 'x' })).toHaveProperty('hint', 'choose one of: 1 (Allow always), 2 (Allow once), 3 (Reject)')
  })

  test('a secret that does not fit is not repeated', () => {
    const pin = asking({ type: 'integer', name: 'pin', secret: true })
    expect(JSON.stringify(answerFrom(pin, { fields: { pin: 'hunter2' } }))).not.toContain('hunter2')
  })

  test('what words became is always an answer that fits', () => {
    const fieldType = fc.constantFrom<Field['type']>('text', 'number', 'integer', 'boolean', 'choice', 'choices')
    const anyAsk = fc.record({ types: fc.array(fc.record({ type: fieldType, required: fc.boolean() }), { maxLength: 3 }), options: fc.boolean() })
    const said = fc.constantFrom('', 'x', '1', '2', 'red', 'g', 'yes', 'allow', 'r,g', '1.5', 'no')
    fc.assert(
      fc.property(anyAsk, fc.option(said), fc.dictionary(fc.constantFrom('f0', 'f1', 'f9'), said), fc.boolean(), ({ types, options }, choice, fields, decline) => {
        const ask = { ...asking(...types.map((field) => ({ ...field, choices: colours }))), options: options ? permission.options : [] }
        const answer = answerFrom(ask, { ...(choice === null ? {} : { choice }), fields, decline })
        if (!isRefusal(answer)) expect(checkAnswer(ask, answer)).toBeUndefined()
      }),
    )
  })
})

test.each<[string, Ask, Answer, string]>([
  ['an option that is none', permission, option('maybe'), 'has no option "maybe"'],
  ['a form for a choice', permission, form({ x: 1 }), 'answered by a choice'],
  ['a form without a field that must be there', question, form({}), 'missing: tone'],
  ['a form with a field too many', question, form({ tone: 'x', more: 'y' }), 'has no field "more"'],
  ['a number for text', question, form({ tone: 7 }), 'does not fit'],
  ['text for a number', asking({ type: 'number' }), form({ f0: '7' }), 'does not fit'],
  ['a fraction for an integer', asking({ type: 'integer' }), form({ f0: 0.5 }), 'does not fit'],
  ['text for yes or no', asking({ type: 'boolean' }), form({ f0: 'yes' }), 'does not fit'],
  ['no choice', asking({ type: 'choice', choices: [{ value: 'r', label: 'Red' }] }), form({ f0: 'Red' }), 'does not fit'],
  ['one choice for several', asking({ type: 'choices', choices: [{ value: 'r', label: 'Red' }] }), form({ f0: 'r' }), 'does not fit'],
])('an answer of another client is checked too: %s', (_, ask, answer, message) => expect(checkAnswer(ask, answer)).toEqual(refused(message)))

test('only values of secret fields are hidden', () => {
  expect(withoutSecrets(secretQuestion, form({ user: 'me', token: 'hunter2' }))).toEqual({ answer: form({ user: 'me', token: '(secret)' }), secret: true })
  expect(withoutSecrets(question, form({ tone: 'formal' }))).toEqual({ answer: form({ tone: 'formal' }), secret: false })
  expect(withoutSecrets(permission, option('yes'))).toEqual({ answer: option('yes'), secret: false })
})

test('an answer in words', () => {
  expect(answerText(permission, option('yes'))).toBe('Allow once')
  expect(answerText(permission, option('gone'))).toBe('gone')
  expect(answerText(question, form({ tone: 'formal' }))).toBe('formal')
  expect(answerText(question, form({ tone: 'formal', days: ['mo', 'tu'] }))).toBe('tone: formal, days: mo,tu')
  expect(answerText(question, { kind: 'decline' })).toBe('declined')
})

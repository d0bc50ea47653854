// Questions of agents: what is shown of them, what each key answers, and what never happens.

import fc from 'fast-check'
import { visibleWidth } from '@earendil-works/pi-tui'
import { describe, expect, test } from 'vitest'
import { askOf } from '../../src/client/answers.ts'
import type { Entry } from '../../src/core/events.ts'
import { type Answer, type Field, type Option, checkAnswer } from '../../src/core/requests.ts'
import type { RequestView } from '../../src/core/view.ts'
import { RequestDialog } from '../../src/tui/dialog/request-dialog.ts'
import type { Size, View } from '../../src/tui/view.ts'
import { type Headless, control, expectGolden, keys, paste, stageOn } from './headless.ts'

const question: RequestView = { id: 'q7m2', kind: 'question', title: 'which tone?', detail: null, options: [], fields: [], askedAt: '2026-11-23T14:00:00.000Z', lost: false }

const options = {
  once: { id: 'allow-once', label: 'Allow once', kind: 'allow', scope: 'once' },
  always: { id: 'allow-always', label: 'Always allow npm test', kind: 'allow', scope: 'always' },
  no: { id: 'reject-once', label: 'Reject', kind: 'reject', scope: 'once' },
} as const satisfies Record<string, Option>

const permission: RequestView = {
  ...question,
  kind: 'permission',
  title: 'npm test -- preferences',
  detail: 'npm test -- preferences --reporter=verbose && rm -rf coverage',
  options: [options.always, options.once, options.no],
}

interface Given {
  readonly size?: Size
  readonly entry?: Entry
  /** Whether it was on the screen long enough to be answered. */
  readonly settled?: boolean
}

function asking(request: RequestView, { size = { columns: 80, rows: 24 }, entry, settled = true }: Given = {}) {
  const headless: Headless = stageOn(size)
  const answers: Answer[] = []
  let later = 0
  const left: string[] = []
  const dialog = new RequestDialog(headless.stage, request, {
    ...(entry ? { entry } : {}),
    answer: (answer) => answers.push(answer),
    later: () => (later += 1),
  })
  const view: View = {
    render: (given) => dialog.render(given),
    input: (data) => {
      if (!dialog.input(data)) left.push(data)
    },
    title: () => 'asking',
    close: () => {},
  }
  void headless.run(view)
  if (settled) headless.client.nowMs += 400
  return { ...headless, dialog, answers, left, later: () => later }
}

const chosen = (optionId: string, note?: string): Answer => ({ kind: 'option', optionId, ...(note === undefined ? {} : { note }) })
const form = (fields: Extract<Answer, { kind: 'form' }>['fields']): Answer => ({ kind: 'form', fields })

describe('a permission', () => {
  test.each([
    [keys.enter, 'allow-once'],
    [`${keys.up}${keys.enter}`, 'allow-always'],
    [`${keys.down}${keys.enter}`, 'reject-once'],
    ['1', 'allow-always'],
    ['2', 'allow-once'],
    ['3', 'reject-once'],
    ['y', 'allow-once'],
    ['n', 'reject-once'],
  ])('is answered with %j by %s', (typed, optionId) => {
    const { type, answers } = asking(permission)
    type(typed)
    expect(answers).toEqual([chosen(optionId)])
  })

  test('is never allowed for ever by y, nor rejected for ever where once can be', () => {
    const { type, answers, left } = asking({ ...permission, options: [options.always, { id: 'never', label: 'Never', kind: 'reject', scope: 'always' }, options.no] })
    type('y')
    expect([answers, left]).toEqual([[], ['y']])
    type('n')
    expect(answers).toEqual([chosen('reject-once')])
  })

  test('takes no answer in its first moment, whatever is typed, and says so with nothing', () => {
    const { type, answers, client, left } = asking(permission, { settled: false })
    client.nowMs += 399
    type('y', 'n', '1', '2', '3', keys.enter, 'r', 'because', keys.enter)
    expect(answers).toEqual([])
    expect(left.filter((key) => 'yn123r\r'.includes(key))).toEqual([])
    client.nowMs += 1
    type('y')
    expect(answers).toEqual([chosen('allow-once')])
  })

  test('takes none in the first moment after it got the keys from something else', () => {
    const { type, answers, client, dialog, stage } = asking(permission, { settled: false })
    dialog.focused = false
    stage.tui.renderNow()
    client.nowMs += 10_000
    dialog.focused = true
    type(keys.enter, keys.enter)
    expect(answers).toEqual([])
    client.nowMs += 400
    type(keys.enter)
    expect(answers).toHaveLength(1)
  })

  test('that was never painted takes none either', () => {
    const headless = stageOn({ columns: 80, rows: 24 })
    const answers: Answer[] = []
    const dialog = new RequestDialog(headless.stage, permission, { answer: (answer) => answers.push(answer), later: () => {} })
    headless.client.nowMs += 10_000
    expect(dialog.input('y')).toBe(true)
    expect(answers).toEqual([])
  })

  test('is answered once by a key that is hit twice, and again later if the answer did not arrive', () => {
    const { type, answers, client } = asking(permission)
    type('y', 'y', keys.enter)
    expect(answers).toHaveLength(1)
    client.nowMs += 400
    type('y')
    expect(answers).toHaveLength(2)
  })

  test('is rejected with a reason', () => {
    const { type, answers, screen } = asking(permission)
    type('r', 'use the 2nd runner, not y', keys.left, 'm')
    expectGolden('dialog-reason', screen())
    type(keys.enter)
    expect(answers).toEqual([chosen('reject-once', 'use the 2nd runner, not my')])
  })

  test('is rejected with a reason by the last row too; without one it is just rejected', () => {
    const { type, answers } = asking(permission)
    type('4', keys.enter)
    expect(answers).toEqual([chosen('reject-once')])
  })

  test('goes back from the reason to the options with Escape, and away with another', () => {
    const { type, answers, later } = asking(permission)
    type('r', 'x', keys.escape)
    expect(later()).toBe(0)
    type(keys.escape)
    expect([later(), answers]).toEqual([1, []])
  })

  test.each(['r', '4'])('is rejected with a reason in the way of the agent, where it has one, by %j', (typed) => {
    const why = { id: 'reject-why', label: 'Reject and say why', kind: 'reject', scope: 'once' } as const
    const { type, screen, answers } = asking({ ...permission, options: [options.always, options.once, options.no, why] })
    expect(
      screen()
        .join('\n')
        .match(/say why/g),
    ).toHaveLength(1)
    type(typed)
    expect(answers).toEqual([chosen('reject-why')])
  })

  test('that cannot be rejected offers no reason', () => {
    const { type, screen, left } = asking({ ...permission, options: [options.once] })
    expect(screen().join('\n')).not.toContain('say why')
    type('r', 'n')
    expect(left).toEqual(['r', 'n'])
  })

  test('leaves the keys that it does not know to others', () => {
    const { type, left } = asking(permission)
    type('q', control('o'), '\x1bOP', '9', paste('1'))
    expect(left).toEqual(['q', control('o'), '\x1bOP', '9', paste('1')])
  })

  test('shows a command that is too long for the screen bit by bit, to its end', () => {
    const words = Array.from({ length: 400 }, (_, index) => `word${index}`)
    const { type, screen } = asking({ ...permission, title: 'run it', detail: words.join(' ') }, { size: { columns: 40, rows: 15 } })
    const seen = new Set<string>()
    for (let page = 0; page < 40; page += 1) {
      for (const word of screen()
        .join(' ')
        .match(/word\d+/g) ?? [])
        seen.add(word)
      expect(screen().join('\n')).toContain('Reject')
      type(keys.pageDown)
    }
    expect(seen).toEqual(new Set(words))
    expect(screen().join('\n')).toContain('↑')
    expect(screen().join('\n')).not.toContain('↓')
  })

  test('with more options than rows goes to the one that is meant', () => {
    const many = Array.from({ length: 30 }, (_, index): Option => ({ id: `o${index}`, label: `Option ${index}`, kind: 'other' }))
    const { type, screen, answers } = asking({ ...permission, options: many }, { size: { columns: 40, rows: 8 } })
    type(...Array.from({ length: 20 }, () => keys.down))
    expect(screen().join('\n')).toContain('▸    Option 20')
    type(keys.enter)
    expect(answers).toEqual([chosen('o20')])
  })

  test('brings no control bytes to the screen', () => {
    const evil = 'x\x1b]2;evil\x07\x1b[2J\x9b31m\u202ey'
    const { screen, title } = asking({ ...permission, title: evil, detail: evil, options: [{ ...options.once, label: evil }] })
    expect(title()).toBe('asking')
    expect(screen().filter((row) => row.includes('x\ufffdy'))).toHaveLength(3)
  })

  test('that was lost says what can be done, and takes no answer', () => {
    const { type, answers, screen, left } = asking({ ...permission, lost: true })
    expectGolden('dialog-lost', screen())
    type('y', '1', keys.enter, 'R')
    expect([answers, left]).toEqual([[], ['y', '1', keys.enter, 'R']])
  })
})

describe('a form', () => {
  const name: Field = { name: 'name', label: 'Name', type: 'text', required: true, description: 'of the service, in lower case' }
  const port: Field = { name: 'port', label: 'Port', type: 'integer', required: false, initial: 8080 }
  const tone: Field = { name: 'tone', label: 'Tone', type: 'choice', required: true, choices: ['formal', 'casual'].map((value) => ({ value, label: value })) }
  const parts: Field = {
    name: 'parts',
    label: 'Parts',
    type: 'choices',
    required: false,
    initial: ['b, c'],
    choices: ['a', 'b, c'].map((value) => ({ value, label: `part ${value}` })),
  }
  const verbose: Field = { name: 'verbose', label: 'Say more', type: 'boolean', required: false }
  const token: Field = { name: 'token', label: 'Token', type: 'text', required: false, secret: true }
  const whole: RequestView = { ...question, title: 'How should the service be set up?', fields: [name, port, tone, parts, verbose, token] }

  test('is filled in from field to field and answered with Enter on the last one', () => {
    const { type, answers } = asking(whole)
    type('shop', keys.enter, keys.backspace, '1', keys.tab, keys.down, keys.enter, keys.space, keys.tab, '1', keys.tab, 'hush', keys.enter)
    expect(answers).toEqual([form({ name: 'shop', port: 8081, tone: 'casual', parts: ['a', 'b, c'], verbose: true, token: 'hush' })])
  })

  test('leaves out what was left out', () => {
    const { type, answers } = asking({ ...whole, fields: [name, port, verbose, token] })
    type('shop', keys.tab, control('u'), keys.controlEnter)
    expect(answers).toEqual([form({ name: 'shop' })])
  })

  test('says under the field what does not fit, and goes there', () => {
    const { type, answers, screen } = asking(whole)
    type(keys.tab, 'x', keys.controlEnter)
    expect(answers).toEqual([])
    expectGolden('dialog-form-wrong', screen())
    type('shop', keys.tab, keys.backspace, keys.tab, '2', keys.controlEnter)
    expect(answers).toEqual([form({ name: 'shop', port: 8080, tone: 'casual', parts: ['b, c'] })])
  })

  test('is declined where that can be done', () => {
    const { type, answers } = asking({ ...whole, fields: [name] })
    type(keys.shiftTab, keys.enter)
    expect(answers).toEqual([{ kind: 'decline' }])
  })

  test('takes every letter as text, also those that answer elsewhere', () => {
    const { type, answers } = asking({ ...whole, fields: [name] })
    type('yn1 r', paste('two\r\nlines\t!\r'), keys.enter)
    expect(answers).toEqual([form({ name: 'yn1 rtwo lines !' })])
  })

  test('is not answered in its first moment', () => {
    const { type, answers, client } = asking({ ...whole, fields: [name] }, { settled: false })
    type('shop', keys.enter, keys.controlEnter)
    expect(answers).toEqual([])
    client.nowMs += 400
    type(keys.enter)
    expect(answers).toEqual([form({ name: 'shop' })])
  })

  test('a choice that may be left out can be taken back', () => {
    const { type, answers } = asking({ ...whole, fields: [name, { ...tone, required: false }] })
    type('shop', keys.tab, keys.space, keys.space, keys.controlEnter)
    expect(answers).toEqual([form({ name: 'shop' })])
  })

  test('a single choice is answered by its number', () => {
    const { type, answers } = asking({
      ...question,
      fields: [tone],
      options: [
        { id: 'formal', label: 'formal', kind: 'other' },
        { id: 'casual', label: 'casual', kind: 'other' },
      ],
    })
    type('2')
    expect(answers).toEqual([chosen('casual')])
  })

  test('shows of a secret only how long it is, wherever it comes from', () => {
    const secret = 'Zq9XwKvJ8'
    const { type, written, answers, screen } = asking({
      ...whole,
      fields: [
        { ...token, initial: secret, required: true },
        { ...token, name: 'pin', label: 'PIN', type: 'integer' },
      ],
    })
    type(keys.tab, paste(secret), keys.controlEnter)
    expect(screen().join('\n')).toContain('the given value')
    expect(screen().join('\n')).toContain('•••••••••')
    type(control('u'), '4711', keys.enter)
    expect(answers).toEqual([form({ token: secret, pin: 4711 })])
    // oxlint-disable-next-line no-control-regex
    const painted = written().replaceAll(/\x1b\[[\d;?<>]*[A-Za-z]/g, '')
    expect([...secret].filter((_, index) => painted.includes(secret.slice(index, index + 2)) && index < secret.length - 1)).toEqual([])
    expect(painted).not.toMatch(/47|71|11/)
  })
})

describe('looks right', () => {
  const sizes: readonly Size[] = [
    { columns: 80, rows: 24 },
    { columns: 40, rows: 15 },
  ]
  const deletion: Entry = {
    kind: 'tool',
    title: 'delete src/legacy/prefs.ts',
    toolKind: 'edit',
    status: 'pending',
    paths: ['/work/shop/src/legacy/prefs.ts', '/work/shop/src/main.ts'],
    changes: [
      {
        path: '/work/shop/src/legacy/prefs.ts',
        added: 1,
        removed: 2,
        diff: "@@ -1,4 +1,3 @@\n import { store } from './store.ts'\n-export const prefs = store('prefs')\n-export const load = () => prefs.load()\n+export const prefs = undefined // 漢字 and a line that is long enough to be wrapped somewhere\n export {}\n",
      },
    ],
  }
  const kinds: Readonly<Record<string, { readonly request: RequestView; readonly entry?: Entry }>> = {
    command: { request: permission },
    edit: { request: { ...permission, title: 'edit src/legacy/prefs.ts', detail: null, options: [options.once, options.always, options.no] }, entry: deletion },
    'edit-told': {
      request: {
        ...permission,
        title: 'edit prefs.ts',
        detail: '/work/shop/src/prefs.ts\n@@ -10,3 +10,3 @@\n const a = 1\n-const b = 2\n+const b = 3\n const c = 4\nand nothing else',
        options: [options.once, options.no],
      },
    },
    form: {
      request: {
        ...question,
        title: 'How should the service be set up?',
        detail: 'It is made new.\nNothing that there is will be changed.',
        fields: [
          { name: 'name', label: 'Name', type: 'text', required: true, description: 'of the service, in lower case', initial: 'shop' },
          { name: 'port', label: 'Port', type: 'integer', required: false, initial: 8080 },
          { name: 'tone', label: 'Tone', type: 'choice', required: true, choices: ['formal', 'casual'].map((value) => ({ value, label: value })), initial: 'casual' },
          { name: 'verbose', label: 'Say more', type: 'boolean', required: false },
          { name: 'token', label: 'Token', type: 'text', required: false, secret: true, initial: 'hush' },
        ],
      },
    },
    choice: { request: { ...question, options: ['formal', 'casual 漢字'].map((label): Option => ({ id: label, label, kind: 'other' })) } },
    auth: {
      request: {
        ...question,
        kind: 'auth',
        title: 'log in to Gemini',
        detail: 'Authentication required\nLog in with Google: opens a browser\nAPI key: reads GEMINI_API_KEY',
        options: ['Log in with Google', 'API key', 'try again'].map((label): Option => ({ id: label, label, kind: 'other' })),
      },
    },
    error: {
      request: {
        ...question,
        kind: 'error',
        title: 'the agent has forgotten this conversation',
        detail: 'It was asked to go on with its session 4711 and said: Resource not found',
        options: [
          { id: 'new', label: 'start a new conversation', kind: 'other' },
          { id: 'stop', label: 'stop', kind: 'reject' },
        ],
      },
    },
  }
  test.each(Object.keys(kinds).flatMap((kind) => sizes.map((size) => [kind, size] as const)))('%s at %o', (kind, size) => {
    const { request, entry } = kinds[kind] ?? { request: permission }
    const { screen } = asking(request, { size, ...(entry ? { entry } : {}) })
    expectGolden(`dialog-${kind}-${size.columns}x${size.rows}`, screen())
  })

  test('without colours, and without focus', () => {
    const headless = stageOn({ columns: 80, rows: 24, parts: { color: false } })
    const dialog = new RequestDialog(headless.stage, permission, { answer: () => {}, later: () => {} })
    dialog.focused = false
    const rows = dialog.render({ columns: 80, rows: 24 })
    // oxlint-disable-next-line no-control-regex
    expect(rows.join('\n')).not.toMatch(/\x1b\[(?:3[0-7]|9[0-7]|4[0-7])m/)
    expect(rows.join('\n')).not.toContain('▸')
  })
})

describe('whatever is asked and typed', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.string({ unit: fc.constantFrom('a', ' ', '漢', '👩‍👩‍👧', 'e\u0301', '\n', '\t', '\x1b', '\x9b'), maxLength: 200 }),
  )
  const option = fc.record({
    id: fc.string({ minLength: 1, maxLength: 4 }),
    label: text,
    kind: fc.constantFrom('allow', 'reject', 'other'),
    scope: fc.constantFrom('once', 'always', undefined),
  })
  const field = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    label: text,
    type: fc.constantFrom('text', 'number', 'integer', 'boolean', 'choice', 'choices'),
    required: fc.boolean(),
    description: fc.option(text, { nil: undefined }),
    choices: fc.option(fc.array(fc.record({ value: fc.string({ maxLength: 4 }), label: text }), { maxLength: 12 }), { nil: undefined }),
    initial: fc.oneof(fc.constant(undefined), fc.string({ maxLength: 5 }), fc.double(), fc.boolean(), fc.array(fc.string({ maxLength: 4 }), { maxLength: 3 })),
    secret: fc.boolean(),
  })
  const request = fc.record({
    id: fc.constant('q'),
    kind: fc.constantFrom('permission', 'question', 'auth', 'error'),
    title: text,
    detail: fc.option(text, { nil: null }),
    options: fc.array(option, { maxLength: 12 }),
    fields: fc.uniqueArray(field, { maxLength: 4, selector: ({ name }) => name }),
    askedAt: fc.constant(question.askedAt),
    lost: fc.boolean(),
  }) as unknown as fc.Arbitrary<RequestView>
  const key = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...Object.values(keys), 'y', 'n', 'r', '1', '2', '9', 'x', control('u')) },
    { weight: 1, arbitrary: text.map(paste) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }) },
  )
  const size = fc.record({ columns: fc.integer({ min: 1, max: 90 }), rows: fc.integer({ min: 0, max: 30 }) })

  const headless = stageOn({ columns: 80, rows: 24 })

  test('it fits, and is only answered with what fits the question', () => {
    fc.assert(
      fc.property(request, fc.array(key, { maxLength: 40 }), size, fc.boolean(), (given, typed, shownAt, settled) => {
        const answers: Answer[] = []
        const dialog = new RequestDialog(headless.stage, given, { answer: (answer) => answers.push(answer), later: () => {} })
        dialog.render(shownAt)
        for (const each of typed) {
          if (settled) headless.client.nowMs += 400
          dialog.input(each)
          const rows = dialog.render(shownAt)
          expect(rows.length).toBeLessThanOrEqual(shownAt.rows)
          expect(Math.max(0, ...rows.map(visibleWidth))).toBeLessThanOrEqual(shownAt.columns)
          // Nothing but our own styles and the place of the cursor.
          // oxlint-disable-next-line no-control-regex
          expect(rows.join('').replaceAll(/\x1b\[\d+m|\x1b_pi:c\x07/g, '')).not.toMatch(/[\0-\x1f\x7f-\x9f\u202a-\u202e]|\p{Cs}/u)
        }
        if (!settled || given.lost) expect(answers).toEqual([])
        expect(answers.filter((answer) => checkAnswer(askOf(given), answer) !== undefined)).toEqual([])
      }),
      { numRuns: 150 },
    )
  })
})

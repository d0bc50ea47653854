// The conversation on a terminal: what stands where, where the keys go, what is asked of the daemon and when. The engine is in memory; its sessions are made by the core's own decisions.

import { visibleWidth } from '@earendil-works/pi-tui'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Submission } from '../../src/core/api.ts'
import type { Envelope, Event } from '../../src/core/events.ts'
import type { Ask } from '../../src/core/requests.ts'
import { refusal } from '../../src/core/errors.ts'
import { DaemonUnreachable } from '../../src/sdk/client.ts'
import type { Forms } from '../../src/tui/kept-state.ts'
import { type ConversationParts, type ConversationView, type Leaving, openConversation } from '../../src/tui/conversation/conversation-view.ts'
import { FakeClient } from '../cli/fake-client.ts'
import { type Headless, alt, control, expectGolden, keys, paste, stageOn } from './headless.ts'

// Marks say a time of day.
process.env['TZ'] = 'UTC'

const id = 'k3f9x2ab'

interface Talk extends Headless {
  readonly view: ConversationView
  readonly left: readonly Leaving[]
  readonly helped: readonly (readonly string[])[]
  /** Commands of this kind that reached the daemon. */
  readonly told: <Type extends Submission['command']['type']>(type: Type) => readonly Extract<Submission['command'], { type: Type }>[]
  /** Until what was typed has had its effect. */
  readonly happens: (that: () => boolean) => Promise<void>
}

interface Opening {
  readonly columns?: number
  readonly rows?: number
  readonly from?: 'start' | 'unseen'
  readonly parts?: Partial<ConversationParts>
  readonly stage?: NonNullable<Parameters<typeof stageOn>[0]['parts']>
  /** What is on the screen when it has been read. */
  readonly shows?: string
}

/** Turns of the event loop, until something is so. */
async function until(happened: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000
  while (!happened()) {
    if (performance.now() > deadline) throw new Error(`never happened: ${happened.toString()}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function talk(client: FakeClient, { columns = 80, rows = 24, from = 'unseen', parts = {}, stage = {}, shows = 'I will start with' }: Opening = {}): Promise<Talk> {
  const headless = stageOn({ columns, rows, client, parts: stage })
  const left: Leaving[] = []
  const helped: (readonly string[])[] = []
  const view = openConversation(headless.stage, {
    session: client.view(id),
    from,
    leave: (leaving) => left.push(leaving),
    environment: async () => ({ HOME: '/home/me' }),
    help: (above) => helped.push(above),
    logs: () => {},
    review: (toolCalls) => toolCalls(),
    land: () => {},
    ...parts,
  })
  const over = headless.run(view)
  onTestFinished(async () => {
    headless.hangUp()
    await over
  })
  const all = (): string => headless.screen().join('\n')
  await headless.until(() => all().includes(shows))
  return {
    ...headless,
    view,
    left,
    helped,
    told: (type) => client.submitted.flatMap(({ command }) => (command.type === type ? [command as never] : [])),
    happens: until,
  }
}

const said = (): FakeClient =>
  new FakeClient()
    .create(id, { label: 'backend-api', title: 'Add an endpoint', prompt: 'Add a /users/preferences endpoint with validation and tests.' })
    .say(id, '1.1', 'I will start with the schema and the route.')

const text = ({ screen }: Headless): string => screen().join('\n')
const composerRow = (on: Headless): string => on.screen().at(-2) ?? ''
const statusRow = (on: Headless): string => on.screen().at(-1) ?? ''

describe('what stands there', () => {
  const busy = (): FakeClient => {
    const client = said()
    client.report(id, { type: 'entry', entryId: '1.2', entry: { kind: 'tool', title: 'src/db/schema.ts', toolKind: 'read', status: 'completed' } })
    client.report(id, {
      type: 'entry',
      entryId: '1.3',
      entry: { kind: 'tool', title: 'src/routes/preferences.ts', toolKind: 'edit', status: 'completed', changes: [{ path: 'src/routes/preferences.ts', added: 84, removed: 0 }] },
    })
    client.command(id, { type: 'show', entries: 4 })
    client.nowMs += 120_000
    client.report(id, {
      type: 'entry',
      entryId: '1.4',
      entry: { kind: 'tool', title: 'npm test -- preferences', toolKind: 'execute', status: 'completed', output: '18 passed, 2 failed\n' },
    })
    client.say(id, '1.5', 'Two tests fail because the old store still writes first.')
    client.report(id, { type: 'offers', offer: { modes, currentMode: 'ask', models: [{ id: 'sonnet', name: 'sonnet' }], currentModel: 'sonnet' } })
    client.report(id, { type: 'usage', usage: { inputTokens: 45_000, outputTokens: 3_100, costUsd: null } })
    client.report(id, { type: 'entry', entryId: '1.6', entry: { kind: 'tool', title: 'src/legacy/prefs.ts', toolKind: 'delete', status: 'pending' } })
    client.report(id, { type: 'asks', ask: { ...permission, entryId: '1.6' } })
    client.command(id, { type: 'prompt', text: 'Then update the documentation.' })
    client.nowMs += 12_000
    return client
  }

  test.each([
    ['80x24', 80, 24],
    ['120x40', 120, 40],
    ['40x15', 40, 15],
  ])('the whole screen at %s', async (name, columns, rows) => {
    const on = await talk(busy(), { columns, rows, shows: 'allow once' })
    expectGolden(`conversation-${name}`, on.screen())
  })

  test('any size is filled and never overflows', async () => {
    const on = await talk(busy(), { shows: 'allow once' })
    for (const columns of [1, 2, 3, 7, 20, 39, 40, 80, 133]) {
      for (const rows of [1, 2, 3, 4, 5, 9, 10, 11, 24, 60]) {
        const painted = on.view.render({ columns, rows })
        expect({ columns, rows, painted: painted.length }).toEqual({ columns, rows, painted: rows })
        expect(painted.filter((row) => visibleWidth(row) > columns)).toEqual([])
      }
    }
  })

  test('whatever is typed and happens, the screen is whole and the conversation can be left', async () => {
    const key = fc.constantFrom(
      ...Object.values(keys),
      control('c'),
      control('t'),
      alt('m'),
      '\x1b[1;3A',
      '\x1b[1;5H',
      '\x1b[<64;5;5M',
      'a',
      '1',
      'y',
      'r',
      '/',
      '漢',
      '/mode',
      '/diff',
      '/stop',
      '/resume',
      '/label x',
      paste('b\n😀'),
    )
    const deed = fc.constantFrom<(client: FakeClient, number: number) => void>(
      (client, number) => client.say(id, `1.${number}`, `Sentence **${number}**.`),
      (client, number) => client.draft({ session: id, entryId: `1.${number}`, kind: 'message', from: 0, text: '# draft\n```ts\nconst' }),
      (client, number) => client.report(id, { type: 'asks', ask: { ...permission, id: `q${number}` } }),
      (client, number) => client.report(id, { type: 'entry', entryId: `1.${number}`, entry: { kind: 'tool', title: 'npm test', toolKind: 'execute', status: 'running' } }),
      (client) => client.command(id, { type: 'prompt', text: 'more' }),
      (client) => client.endTurn(id),
      (client) => client.exit(id, 1),
      (client) => (client.nowMs += 900),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(key, deed), { maxLength: 40 }), fc.constantFrom([80, 24], [40, 15], [20, 7]), async (steps, [columns = 80, rows = 24]) => {
        const client = said()
        const headless = stageOn({ columns, rows, client })
        const left: Leaving[] = []
        const parts = { session: client.view(id), from: 'unseen', environment: async () => ({}), help: () => {}, logs: () => {}, review: () => {}, land: () => {} } as const
        const view = openConversation(headless.stage, { ...parts, leave: (leaving) => left.push(leaving) })
        const over = headless.run(view)
        for (const [number, step] of steps.entries()) {
          if (typeof step === 'string') headless.type(step)
          else {
            try {
              step(client, number + 2)
            } catch {
              // It cannot happen to this session now.
            }
          }
          if (number % 4 === 0) await new Promise((resolve) => setImmediate(resolve))
          const painted = view.render({ columns, rows })
          expect(painted).toHaveLength(rows)
          expect(painted.filter((row) => visibleWidth(row) > columns)).toEqual([])
        }
        // Whatever is open or written: closed, cleared, left.
        for (let tries = 0; left.length === 0 && tries < 4; tries += 1) {
          headless.type(keys.escape, control('c'))
          headless.type(control('d'))
        }
        expect(left).toHaveLength(1)
        headless.hangUp()
        await over
      }),
      { numRuns: 40 },
    )
  })

  test('what others said cannot bring control bytes, and the title says who needs the user', async () => {
    const client = new FakeClient().create(id, { label: 'api\x1b]2;evil\x07', title: 't', prompt: 'a\x1b[2J' }).say(id, '1.1', 'b\x1b]52;c;ZXZpbA==\x07')
    const on = await talk(client, { shows: 'b' })
    expect(on.title()).toBe('● api')
    client.ask(id, 'q1', 'sure\x1b[31m ?')
    await on.until(() => on.title() === '◆ api')
    expect(on.written()).not.toContain('\x1b]52')
    expect(on.written()).not.toContain('\x1b]2;evil')
  })

  test('text grows as it is said, and is there once when it is a fact', async () => {
    const client = said()
    const on = await talk(client)
    client.draft({ session: id, entryId: '1.2', kind: 'message', from: 0, text: 'Two tests fail' })
    await on.until(() => text(on).includes('Two tests fail'))
    client.draft({ session: id, entryId: '1.2', kind: 'message', from: 14, text: ' because of the store' })
    await on.until(() => text(on).includes('Two tests fail because of the store'))
    // Lost on the way: what follows it says nothing by itself.
    client.draft({ session: id, entryId: '1.2', kind: 'message', from: 99, text: 'nonsense' })
    client.say(id, '1.2', 'Two tests fail because of the store, I think.')
    await on.until(() => text(on).includes('I think.'))
    expect(text(on).match(/Two tests fail/g)).toHaveLength(1)
    expect(text(on)).not.toContain('nonsense')
  })

  test('what a tool prints is shown while it runs, each time instead of the time before', async () => {
    const client = said()
    const on = await talk(client)
    const tool = { kind: 'tool', title: 'npm test', toolKind: 'execute' } as const
    client.report(id, { type: 'entry', entryId: '1.2', entry: { ...tool, status: 'running' } })
    client.draft({ session: id, entryId: '1.2', kind: 'output', from: 0, text: '3 passed' })
    await on.until(() => text(on).includes('3 passed'))
    client.draft({ session: id, entryId: '1.2', kind: 'output', from: 0, text: '9 passed' })
    await on.until(() => text(on).includes('9 passed'))
    expect(text(on)).not.toContain('3 passed')
    client.report(id, { type: 'entry', entryId: '1.2', entry: { ...tool, status: 'completed', output: 'all 20 passed' } })
    await on.until(() => text(on).includes('all 20 passed'))
    expect(text(on)).not.toContain('9 passed')
  })

  test('a mark stands before what was not seen, and it counts as seen once it is on the screen', async () => {
    const client = said().command(id, { type: 'show', entries: 1 })
    client.nowMs += 1000
    client.say(id, '1.2', 'And now the tests.')
    const on = await talk(client)
    expect(text(on)).toMatch(/── 2 new since \d\d:\d\d/)
    await on.happens(() => client.view(id).unseen === 0)
    // What comes later is seen when the turn is over, or something is asked.
    client.say(id, '1.3', 'Done.')
    client.endTurn(id)
    await on.happens(() => client.view(id).unseen === 0)
    expect(on.told('show').map(({ entries }) => entries)).toEqual([3, 4])
  })

  test('what is scrolled out of sight is not seen', async () => {
    const client = said()
    for (let number = 2; number <= 40; number += 1) client.say(id, `1.${number}`, `Sentence ${number}.`)
    const on = await talk(client, { shows: 'Sentence 40.' })
    await on.happens(() => client.view(id).unseen === 0)
    on.type(keys.pageUp)
    client.say(id, '1.41', 'Sentence 41.').say(id, '1.42', 'Sentence 42.').endTurn(id)
    await on.until(() => text(on).includes(', 2 new, Ctrl-End to the end'))
    expect(text(on)).not.toContain('Sentence 42.')
    expect(client.view(id).unseen).toBe(2)
    on.type('x')
    expect(text(on)).not.toContain('Sentence 42.')
    on.type('\x1b[1;5F')
    expect(text(on)).toContain('Sentence 42.')
    expect(text(on)).not.toContain('to the end')
    await on.happens(() => client.view(id).unseen === 0)
  })

  test('keys and the wheel scroll', async () => {
    const client = said()
    for (let number = 2; number <= 60; number += 1) client.say(id, `1.${number}`, `Sentence ${number}.`)
    const on = await talk(client, { shows: 'Sentence 60.' })
    on.type('\x1b[1;5H')
    expect(text(on)).toContain('Add a /users/preferences endpoint')
    on.type('\x1b[1;5F', '\x1b[1;5A')
    expect(text(on)).not.toContain('Sentence 60.')
    on.type('\x1b[1;5B')
    expect(text(on)).toContain('Sentence 60.')
    on.type('\x1b[<64;10;5M')
    await on.until(() => !text(on).includes('Sentence 60.'))
  })
})

const modes = [
  { id: 'ask', name: 'ask' },
  { id: 'code', name: 'code' },
  { id: 'bypass', name: 'Bypass Permissions' },
]

const permission: Ask = {
  id: 'q7m2aaaa',
  kind: 'permission',
  title: 'delete src/legacy/prefs.ts',
  detail: 'The old preference store is not used any more.',
  options: [
    { id: 'once', label: 'allow once', kind: 'allow', scope: 'once' },
    { id: 'always', label: 'always for this session', kind: 'allow', scope: 'always' },
    { id: 'no', label: 'reject', kind: 'reject', scope: 'once' },
  ],
}

describe('what is written', () => {
  test('Enter sends it, with an environment for a run that it may start', async () => {
    const client = said().endTurn(id)
    const on = await talk(client)
    on.type('go on', keys.enter)
    await on.until(() => text(on).includes('go on'))
    await on.happens(() => client.facts(id).some((event) => event.type === 'prompt-queued' && event.text === 'go on'))
    expect(client.submitted.find(({ command }) => command.type === 'prompt')?.environment).toEqual({ HOME: '/home/me' })
    expect(composerRow(on)).toMatch(/^ › (?!go on)/)
  })

  test('one with several lines, pasted or typed', async () => {
    const on = await talk(said().endTurn(id))
    on.type('first', keys.shiftEnter, paste('second\r\nthird'), keys.enter)
    await on.happens(() => on.told('prompt').length === 1)
    expect(on.told('prompt')).toEqual([{ type: 'prompt', text: 'first\nsecond\nthird' }])
  })

  test('while it works prompts wait above the composer, in their order', async () => {
    const client = said()
    const on = await talk(client)
    on.type('one', keys.enter, 'two', keys.enter)
    await on.until(() => text(on).includes('queued: two'))
    expect(client.session(id).queue.map((prompt) => prompt.text)).toEqual(['one', 'two'])
    expect(text(on)).toMatch(/queued: one\n queued: two {2}\(Alt-↑ takes it back\)/)
    expect(text(on).match(/\bone\b/g)).toHaveLength(1)
    client.endTurn(id)
    await on.until(() => !text(on).includes('queued: one'))
    expect(text(on)).toMatch(/you {3}one/)
    expect(text(on)).toContain('queued: two')
  })

  test('a prompt that was queued stands where its turn began, behind what was said before, also when it is opened again', async () => {
    const client = said()
    const on = await talk(client)
    on.type('and the docs', keys.enter)
    await on.until(() => text(on).includes('queued: and the docs'))
    client.say(id, '1.2', 'The route is there.').draft({ session: id, entryId: '1.3', kind: 'message', from: 0, text: 'Now the tests' })
    await on.until(() => text(on).includes('Now the tests'))
    client.say(id, '1.3', 'Now the tests pass.').endTurn(id).say(id, '1.4', 'I begin with the docs.')
    const order = /The route is there[^]*Now the tests pass[^]*you {3}and the docs[^]*I begin with the docs/
    await on.until(() => order.test(text(on)))
    expect(text(await talk(client, { shows: 'I begin with the docs' }))).toMatch(order)
  })

  test('the newest queued one is taken back to be written anew', async () => {
    const client = said()
    const on = await talk(client)
    on.type('one', keys.enter, 'two', keys.enter)
    await on.until(() => text(on).includes('queued: two'))
    on.type('\x1b[1;3A')
    await on.until(() => composerRow(on) === ' › two')
    expect(client.session(id).queue.map((prompt) => prompt.text)).toEqual(['one'])
    on.type('!')
    expect(composerRow(on)).toBe(' › two!')
    on.type('\x1b[1;3A')
    await on.until(() => text(on).includes(' › one\n   two!'))
    expect(client.session(id).queue).toEqual([])
    on.type('\x1b[1;3A')
    expect(statusRow(on)).toBe(' nothing is queued')
  })

  test('what is refused stands in the composer again, before what was written since', async () => {
    const client = said().report(id, { type: 'lost', cause: 'killed' })
    const on = await talk(client)
    on.type('go on', keys.enter, 'now')
    await on.until(() => text(on).includes(' › go on\n   now'))
    expect(on.screen().slice(-2).join('')).toMatch(/^ session k3f9x2ab has no agent at work.*; offstage resume k3f9x2ab starts it again$/)
    expect(on.view.known.unsent).toEqual([])
  })

  test('so does what a daemon does not take, with all that was to follow', async () => {
    const client = said()
    client.submit = () => Promise.reject(new DaemonUnreachable('no daemon answers', 'offstage daemon start starts one'))
    const on = await talk(client)
    on.type('one', keys.enter, 'two', keys.enter)
    await on.until(() => statusRow(on).includes('no daemon answers; offstage daemon start starts one'))
    on.type(keys.escape)
    expect(text(on)).toContain(' › one\n\n   two')
  })

  test('a daemon that takes long is seen to', async () => {
    const client = said()
    const on = await talk(client)
    client.hangs.add('submit')
    on.type('one', keys.enter)
    expect(text(on)).not.toContain('sending')
    await on.until(() => text(on).includes(' sending: one'))
    expect(on.view.known.unsent).toEqual(['one'])
  })

  test('what was written before comes back', async () => {
    const on = await talk(said().endTurn(id))
    on.type(keys.up)
    expect(text(on)).toContain(' › Add a /users/preferences endpoint with validation and tests.')
    on.type(control('c'), 'draft', control('c'))
    expect(text(on)).not.toContain('› draft')
    on.type(keys.up)
    expect(composerRow(on)).toBe(' › draft')
  })

  test("the user's editor gets it and gives it back", async () => {
    const on = await talk(said(), { stage: { edit: async (given, suffix) => `${given} and more (${suffix})\n` } })
    on.type('text', control('g'))
    await on.until(() => composerRow(on) === ' › text and more (.md)')
  })
})

describe('what is asked', () => {
  test('a digit answers it, once its user had the time to see it', async () => {
    const client = said()
    const on = await talk(client)
    client.report(id, { type: 'asks', ask: permission })
    await on.until(() => text(on).includes('allow once'))
    client.nowMs += 5000
    on.type('1')
    await on.happens(() => on.told('answer').length === 1)
    expect(on.told('answer')).toEqual([{ type: 'answer', requestId: permission.id, answer: { kind: 'option', optionId: 'once' } }])
    await on.until(() => !text(on).includes('always for this session'))
    expect(text(on)).not.toContain('from elsewhere')
  })

  test('letters are written meanwhile, and then keys are for what is written', async () => {
    const client = said()
    const on = await talk(client)
    client.report(id, { type: 'asks', ask: permission })
    await on.until(() => text(on).includes('allow once'))
    client.nowMs += 5000
    on.type('keep it, 1', keys.enter)
    await on.happens(() => on.told('prompt').length === 1)
    expect(on.told('prompt')).toEqual([{ type: 'prompt', text: 'keep it, 1' }])
    expect(on.told('answer')).toEqual([])
    expect(client.session(id).requests).toHaveLength(1)
  })

  test('words that were begun before it came are no answer', async () => {
    const client = said()
    const on = await talk(client)
    on.type('rejec')
    client.report(id, { type: 'asks', ask: permission })
    await on.until(() => text(on).includes('allow once'))
    client.nowMs += 5000
    expect(statusRow(on)).toBe(' Enter sends this · Ctrl-C clears it, then keys answer')
    on.type('t', keys.enter)
    await on.happens(() => on.told('prompt').length === 1)
    expect(on.told('answer')).toEqual([])
    on.type('allow', keys.enter)
    await on.happens(() => on.told('answer').length === 1)
    expect(on.told('answer')[0]?.answer).toEqual({ kind: 'option', optionId: 'once' })
  })

  test('it is put off with Escape and comes back with Tab', async () => {
    const client = said()
    const on = await talk(client)
    client.report(id, { type: 'asks', ask: permission })
    await on.until(() => text(on).includes('allow once'))
    client.nowMs += 5000
    on.type(keys.escape)
    expect(text(on)).toContain(' ◆ delete src/legacy/prefs.ts ? press Tab to answer')
    expect(text(on)).not.toContain('always for this session')
    on.type('1')
    expect(composerRow(on)).toBe(' › 1')
    on.type(keys.backspace, keys.tab)
    expect(text(on)).toContain('always for this session')
    expect(on.told('answer')).toEqual([])
    expect(on.told('interrupt')).toEqual([])
  })

  test('the transcript can be scrolled beside it', async () => {
    const client = said()
    for (let number = 2; number <= 40; number += 1) client.say(id, `1.${number}`, `Sentence ${number}.`)
    client.report(id, { type: 'asks', ask: permission })
    const on = await talk(client, { shows: 'allow once' })
    expect(text(on)).toContain('Sentence 40.')
    on.type(keys.pageUp)
    expect(text(on)).not.toContain('Sentence 40.')
    expect(text(on)).toContain('always for this session')
  })

  test('answered by somebody else it closes at once and says so', async () => {
    const client = said()
    const on = await talk(client)
    client.report(id, { type: 'asks', ask: permission })
    await on.until(() => text(on).includes('allow once'))
    client.command(id, { type: 'answer', requestId: permission.id, answer: { kind: 'option', optionId: 'always' } })
    await on.until(() => statusRow(on).includes('answered by a person, not here, at 14:00:00: always for this session'))
    expect(text(on)).toMatch(/always for this session \(answered by a person, not here, at 14:00:00\)/)
    expect(text(on)).not.toContain('2 always')
    client.report(id, { type: 'asks', ask: { ...permission, id: 'q7m2bbbb', title: 'delete it again' } })
    await on.until(() => text(on).includes('delete it again'))
    client.report(id, { type: 'withdraws', requestId: 'q7m2bbbb' })
    await on.until(() => statusRow(on).includes('not asked any more: withdrawn by the agent, at 14:00:00'))
  })

  test('text answers a question with one field', async () => {
    const client = said()
    const on = await talk(client)
    client.report(id, {
      type: 'asks',
      ask: { id: 'q1', kind: 'question', title: 'Which tone?', options: [], fields: [{ name: 'tone', label: 'Tone', type: 'text', required: true }] },
    })
    await on.until(() => text(on).includes('Which tone?'))
    client.nowMs += 5000
    on.type('formal', keys.enter)
    await on.happens(() => on.told('answer').length === 1)
    expect(on.told('answer')[0]?.answer).toEqual({ kind: 'form', fields: { tone: 'formal' } })
    expect(on.told('prompt')).toEqual([])
  })

  test('a command is one there too, and no answer; other text with a slash is an answer', async () => {
    const client = said()
    const on = await talk(client)
    client.report(id, {
      type: 'asks',
      ask: { id: 'q1', kind: 'question', title: 'Which file?', options: [], fields: [{ name: 'file', label: 'File', type: 'text', required: true }] },
    })
    await on.until(() => text(on).includes('Which file?'))
    client.nowMs += 5000
    on.type('/label files', keys.enter)
    await on.happens(() => on.told('label').length === 1)
    expect(on.told('answer')).toEqual([])
    client.nowMs += 5000
    on.type('/etc/hosts', keys.enter)
    await on.happens(() => on.told('answer').length === 1)
    expect(on.told('answer')[0]?.answer).toEqual({ kind: 'form', fields: { file: '/etc/hosts' } })
  })

  test('words that the daemon does not take as an answer come back', async () => {
    const client = said()
    client.report(id, { type: 'asks', ask: permission })
    const on = await talk(client, { shows: 'allow once' })
    client.submit = () => Promise.reject(new DaemonUnreachable('no daemon answers', 'offstage daemon start starts one'))
    on.type('allow once', keys.enter)
    await on.until(() => statusRow(on).includes('no daemon answers'))
    expect(composerRow(on)).toBe(' › allow once')
    expect(client.session(id).requests).toHaveLength(1)
  })

  test('a form is filled in, field by field', async () => {
    const client = said()
    const on = await talk(client)
    const fields = [
      {
        name: 'tone',
        label: 'Tone',
        type: 'choice',
        required: true,
        choices: [
          { value: 'formal', label: 'Formal' },
          { value: 'casual', label: 'Casual' },
        ],
      },
      { name: 'words', label: 'Words', type: 'integer', required: true },
    ] as const
    client.report(id, { type: 'asks', ask: { id: 'q1', kind: 'question', title: 'How is it to be written?', options: [], fields } })
    await on.until(() => text(on).includes('How is it to be written?'))
    client.nowMs += 5000
    on.type(keys.down, keys.enter, '200', keys.enter)
    await on.happens(() => on.told('answer').length === 1)
    expect(on.told('answer')[0]?.answer).toEqual({ kind: 'form', fields: { tone: 'casual', words: 200 } })
  })

  test('/decline answers nothing', async () => {
    const client = said()
    const on = await talk(client)
    on.type('/decline', keys.enter)
    expect(statusRow(on)).toBe(' it asks nothing')
    client.report(id, { type: 'asks', ask: permission })
    await on.until(() => text(on).includes('allow once'))
    on.type('/decline', keys.enter)
    await on.happens(() => on.told('answer').length === 1)
    expect(on.told('answer')[0]?.answer).toEqual({ kind: 'decline' })
  })

  test('two conversations with one session: each sees what the other does', async () => {
    const client = said()
    const first = await talk(client)
    const second = await talk(client)
    client.report(id, { type: 'asks', ask: permission })
    await first.until(() => text(first).includes('allow once'))
    await second.until(() => text(second).includes('allow once'))
    client.nowMs += 5000
    first.type('1')
    await second.until(() => statusRow(second).includes('answered by a person, not here, at 14:00:05: allow once'))
    second.type('and the docs', keys.enter)
    await first.until(() => text(first).includes('queued: and the docs'))
    first.type('\x1b[1;3A')
    await first.until(() => composerRow(first) === ' › and the docs')
    await second.until(() => !text(second).includes('queued'))
  })
})

describe('while it is paused', () => {
  test('the header says in how many minutes it goes on, and the row below why', async () => {
    const client = said()
    const on = await talk(client)
    client.report(id, { type: 'paused', untilMs: client.nowMs + 150_000, why: 'usage limit' })
    await on.until((screen) => screen[0]?.endsWith('‖ paused, goes on in 2m') === true)
    expect(statusRow(on)).toBe(' usage limit, until 14:02 (in 2m) · /bg leaves it running · F1 help')
    client.nowMs += 100_000
    on.type(control('l'))
    expect(on.screen()[0]).toMatch(/‖ paused, goes on in <1m$/)
    // It can be interrupted as any other.
    on.type(keys.escape, keys.escape)
    await on.happens(() => on.told('interrupt').length === 1)
  })

  test('without a time it says since when', async () => {
    const client = said()
    const on = await talk(client)
    client.report(id, { type: 'paused', untilMs: null, why: 'usage limit' })
    await on.until((screen) => screen[0]?.endsWith('‖ paused 0s') === true)
    expect(statusRow(on)).toMatch(/^ usage limit; it is not known until when · /)
    client.report(id, { type: 'continued' })
    await on.until((screen) => /● working/.test(screen[0] ?? ''))
  })
})

describe('a form that is half filled in', () => {
  const login: Ask = {
    id: 'ffffffff',
    kind: 'question',
    title: 'Log in',
    options: [],
    fields: [
      { name: 'user', label: 'User', type: 'text', required: true },
      { name: 'token', label: 'Token', type: 'text', required: true, secret: true },
      { name: 'scopes', label: 'Scopes', type: 'choices', required: false, choices: ['read', 'write'].map((value) => ({ value, label: value })) },
    ],
  }
  const asked = (): FakeClient => said().report(id, { type: 'asks', ask: login })
  const filled = (on: Talk): void => {
    on.type('me', keys.tab, paste('canary'), keys.tab, keys.down, keys.space)
    expect(text(on)).toMatch(/me[^]*••••••[^]*\[x\] write/)
  }

  test('is put off and comes back as it was, without its secret', async () => {
    const client = asked()
    const on = await talk(client, { shows: 'Scopes' })
    filled(on)
    on.type(keys.escape)
    expect(text(on)).not.toContain('Scopes')
    on.type(keys.tab)
    expect(text(on)).toMatch(/▸ me[^]*\[x\] write/)
    expect(text(on)).not.toContain('•')
    client.nowMs += 400
    on.type(keys.tab, 'other', keys.controlEnter)
    await on.happens(() => on.told('answer').length === 1)
    expect(on.told('answer')[0]?.answer).toEqual({ kind: 'form', fields: { user: 'me', token: 'other', scopes: ['write'] } })
  })

  test('is found again however the conversation was left; nothing of a secret was kept, and nothing at all once it is answered', async () => {
    const client = asked()
    let kept: Forms = { 'none any more': { user: 'x' } }
    const forms = (): NonNullable<ConversationParts['forms']> => ({ kept, keep: (all) => (kept = all) })
    const first = await talk(client, { shows: 'Scopes', parts: { forms: forms() } })
    filled(first)
    expect(kept).toEqual({ ffffffff: { user: 'me', scopes: ['write'] } })
    const second = await talk(client, { shows: 'Scopes', parts: { forms: forms() } })
    expect(text(second)).toMatch(/▸ me[^]*\[x\] write/)
    client.command(id, { type: 'answer', requestId: 'ffffffff', answer: { kind: 'decline' } })
    await second.happens(() => Object.keys(kept).length === 0)
  })
})

describe('how it is left', () => {
  const atWork = {
    'while it is silent': said,
    'in the middle of a tool call': () => said().report(id, { type: 'entry', entryId: '1.2', entry: { kind: 'tool', title: 'npm test', toolKind: 'execute', status: 'running' } }),
    'while something is asked': () => said().report(id, { type: 'asks', ask: permission }),
    'while no daemon answers': () => {
      const client = said()
      for (const method of ['submit', 'get', 'list'] as const) client.hangs.add(method)
      return client
    },
  }

  test.each(Object.entries(atWork))('/bg %s, at once', async (_, client) => {
    const on = await talk(client())
    on.type('text that is not sent', control('c'))
    on.type('/bg --label rate limits')
    on.type(keys.enter)
    // Nothing was waited for.
    expect(on.left).toMatchObject([{ how: 'bg', label: 'rate limits', session: { id }, known: { title: 'Add an endpoint', label: 'backend-api', over: false } }])
    // Nothing more happens to it.
    on.type('x', keys.enter, control('d'))
    expect(on.left).toHaveLength(1)
  })

  test('/bg before anything was read', async () => {
    const client = said()
    client.watch = async function* () {
      await new Promise(() => {})
      yield { kind: 'caught-up', cursor: 0 }
    }
    const on = await talk(client, { shows: '●' })
    expect(on.screen()[0]).toMatch(/^ backend-api · talker · shop +● working/)
    expect(text(on)).not.toContain('loading')
    await on.until(() => text(on).includes('   loading …'))
    on.type('/bg', keys.enter)
    expect(on.left).toMatchObject([{ how: 'bg' }])
  })

  test('Ctrl-D on an empty composer, and a second Ctrl-C', async () => {
    const client = said().endTurn(id)
    const first = await talk(client)
    first.type('ab', keys.left, control('d'))
    expect(first.left).toEqual([])
    expect(composerRow(first)).toBe(' › a')
    first.type(keys.backspace, control('d'))
    expect(first.left).toMatchObject([{ how: 'bg' }])

    const second = await talk(client)
    second.type('ab', control('c'))
    expect(second.left).toEqual([])
    second.type(control('c'))
    expect(statusRow(second)).toBe(' Ctrl-C again leaves it running')
    client.nowMs += 1001
    second.type(control('c'))
    expect(second.left).toEqual([])
    second.type(control('c'))
    expect(second.left).toMatchObject([{ how: 'bg' }])
    expect(second.told('interrupt')).toEqual([])
  })

  test('what was being written is there when it is opened again, and what was sent is not', async () => {
    let draft = ''
    const keep = (written: string): void => void (draft = written)
    const first = await talk(said(), { parts: { draft: { text: draft, keep } } })
    first.type('half a thought', control('o'))
    expect(draft).toBe('half a thought')
    const second = await talk(said(), { parts: { draft: { text: draft, keep } } })
    expect(composerRow(second)).toBe(' › half a thought')
    second.type(' more', keys.enter)
    await second.happens(() => second.told('prompt').length === 1)
    expect(second.told('prompt')).toMatchObject([{ text: 'half a thought more' }])
    expect(draft).toBe('')
    second.type('/bg', keys.enter)
    expect(second.left).toMatchObject([{ how: 'bg' }])
    expect(draft).toBe('')
  })

  test('a key between two of Ctrl-C or Escape makes each the first', async () => {
    const on = await talk(said())
    on.type(keys.escape, keys.pageUp, keys.escape)
    expect(on.told('interrupt')).toEqual([])
    on.type(control('c'), keys.pageDown, control('c'))
    expect(on.left).toEqual([])
  })

  test('Ctrl-C interrupts a turn', async () => {
    const on = await talk(said())
    on.type(control('c'))
    await on.happens(() => on.told('interrupt').length === 1)
    expect(statusRow(on)).toBe(' interrupting; Ctrl-C again leaves it running')
  })

  test('Escape interrupts when it is pressed again soon', async () => {
    const client = said()
    const on = await talk(client)
    on.type(keys.escape)
    expect(statusRow(on)).toBe(' Esc again interrupts')
    client.nowMs += 2001
    on.type(keys.escape)
    expect(on.told('interrupt')).toEqual([])
    client.nowMs += 1000
    on.type(keys.escape)
    await on.happens(() => on.told('interrupt').length === 1)
    expect(text(on)).not.toContain('again interrupts')
    client.endTurn(id)
    await on.until(() => on.screen()[0]?.includes('✓') ?? false)
    on.type(keys.escape, keys.escape)
    expect(on.told('interrupt')).toHaveLength(1)
  })

  test('to the list, to another one, to a new one', async () => {
    const client = said().create('m4c8d1ef', { label: 'docs', title: 'Write docs' })
    const toList = await talk(client)
    toList.type(control('o'))
    expect(toList.left).toMatchObject([{ how: 'list', session: { id } }])
    const sessions = await talk(client)
    sessions.type('/sessions', keys.enter)
    expect(sessions.left).toMatchObject([{ how: 'list' }])
    const anew = await talk(client)
    anew.type('/new', keys.enter)
    expect(anew.left).toMatchObject([{ how: 'new' }])
    const other = await talk(client)
    other.type('/switch backend-api', keys.enter)
    await other.until(() => statusRow(other) === ' you are in it')
    other.type('/switch nobody', keys.enter)
    await other.until(() => statusRow(other).includes('no session matches "nobody"'))
    other.type('/switch docs', keys.enter)
    await other.happens(() => other.left.length === 1)
    expect(other.left).toMatchObject([{ how: 'switched', to: { id: 'm4c8d1ef' } }])
  })

  test('/exit ends it, /end another one', async () => {
    const client = said().create('m4c8d1ef', { title: 'Write docs' })
    const on = await talk(client)
    on.type('/end m4c8', keys.enter)
    await on.until(() => statusRow(on).includes('ended m4c8d1ef  Write docs: 3 processes ended'))
    expect(client.view('m4c8d1ef').archived).toBe(true)
    expect(on.left).toEqual([])
    on.type('/exit', keys.enter)
    await on.happens(() => on.left.length === 1)
    expect(on.left).toMatchObject([{ how: 'ended', text: `ended ${id}: 3 processes ended` }])
  })

  test('what was to be started here and cannot be is left with the reason', async () => {
    const client = new FakeClient()
    client.onStart = null
    client.create(id, { title: 'Add an endpoint', prompt: 'Add an endpoint' })
    const on = await talk(client, { from: 'start', shows: 'you   Add an endpoint' })
    client.report(id, { type: 'not-started', why: 'there is no program talker' })
    await on.happens(() => on.left.length === 1)
    expect(on.left).toMatchObject([{ how: 'not-started', text: expect.stringContaining('was not started: there is no program talker') }])
  })

  test('what it does and asks is known for the lines that are left', async () => {
    const client = said().report(id, {
      type: 'entry',
      entryId: '1.2',
      entry: { kind: 'tool', title: 'edit a.ts', toolKind: 'edit', status: 'completed', changes: [{ path: 'a.ts', added: 1, removed: 0 }] },
    })
    const on = await talk(client)
    expect(on.view.known).toEqual({ title: 'Add an endpoint', label: 'backend-api', doing: 'edit a.ts', asks: false, over: false, filesChanged: 1, unsent: [] })
    client.report(id, { type: 'asks', ask: permission })
    await on.until(() => text(on).includes('allow once'))
    expect(on.view.known).toMatchObject({ doing: 'delete src/legacy/prefs.ts', asks: true })
  })
})

describe('commands', () => {
  const offering = (): FakeClient =>
    said().report(id, {
      type: 'offers',
      offer: {
        modes,
        currentMode: 'ask',
        models: [
          { id: 'm-1', name: 'Sonnet' },
          { id: 'm-2', name: 'Opus' },
        ],
        currentModel: 'm-1',
        options: [{ id: 'effort', name: 'Thought level', current: 'low', choices: [{ id: 'low', name: 'Low' }, { id: 'high', name: 'High' }] }], // prettier-ignore
      },
    })

  test('another option of the agent is picked and then its value, or both are named', async () => {
    const on = await talk(offering())
    on.type('/set', keys.enter)
    expect(text(on)).toMatch(/which option\?[^]*Thought level +Low/)
    on.type(keys.enter)
    expect(text(on)).toMatch(/which Thought level\?[^]*Low[^]*High/)
    on.type(keys.down, keys.enter)
    await on.happens(() => on.told('choose').length === 1)
    on.type('/set thought low', keys.enter)
    await on.happens(() => on.told('choose').length === 2)
    expect(on.told('choose').map(({ what, value }) => `${what} ${value}`)).toEqual(['effort high', 'effort low'])
    on.type('/set colour red', keys.enter)
    await on.until(() => statusRow(on).includes('the agent has no option "colour"; choose one of: effort'))
  })

  test('a mode is picked, named, or the next one', async () => {
    const client = offering()
    const on = await talk(client)
    on.type('/mode', keys.enter)
    expect(text(on)).toContain('which mode?')
    expect(text(on)).toContain('Bypass Permissions')
    on.type(keys.down, keys.enter)
    await on.happens(() => on.told('choose').length === 1)
    expect(text(on)).not.toContain('which mode?')
    client.report(id, { type: 'offers', offer: { currentMode: 'code' } })
    await on.until(() => statusRow(on).includes('code mode'))
    on.type(keys.shiftTab)
    await on.happens(() => on.told('choose').length === 2)
    on.type('/mode bypass permissions', keys.enter)
    await on.happens(() => on.told('choose').length === 3)
    on.type('/mode xyz', keys.enter)
    await on.until(() => statusRow(on).includes('the agent has no mode "xyz"; choose one of: ask, code, bypass'))
    expect(on.told('choose').map(({ what, value }) => `${what} ${value}`)).toEqual(['mode code', 'mode bypass', 'mode bypass'])
  })

  test('a model is picked or left as it is', async () => {
    const on = await talk(offering())
    on.type(alt('m'))
    expect(text(on)).toContain('which model?')
    on.type(keys.escape)
    expect(text(on)).not.toContain('which model?')
    on.type('/model opus', keys.enter)
    await on.happens(() => on.told('choose').length === 1)
    expect(on.told('choose')).toEqual([{ type: 'choose', what: 'model', value: 'm-2' }])
  })

  test('an agent that offers no modes says so', async () => {
    const on = await talk(said())
    on.type(keys.shiftTab)
    await on.until(() => statusRow(on) === ' this agent offers no modes to choose from')
    on.type('/model', keys.enter)
    expect(statusRow(on)).toBe(' this agent offers no models to choose from')
    expect(on.told('choose')).toEqual([])
  })

  test('Alt-D and /diff show what was changed in its tree, /land what would come of landing it', async () => {
    const opened: string[] = []
    const on = await talk(said(), { parts: { review: () => opened.push('review'), land: () => opened.push('land') } })
    on.type(alt('d'), '/diff', keys.enter, '/land', keys.enter)
    expect(opened).toEqual(['review', 'review', 'land'])
  })

  test('/check and /land yes give the checks an environment', async () => {
    const client = said()
    const changes = { from: 'main', to: 'it', files: [], added: 0, removed: 0 }
    client.plan = ({ session }) => ({ session, into: 'main', how: 'merge', behind: 0, ahead: 1, uncommitted: 0, changes, conflicts: [], checks: [], against: [] })
    const submitted: Submission[] = []
    client.submit = async (submission) => {
      submitted.push(submission)
      return refusal('at-work', 'not now')
    }
    const on = await talk(client)
    on.type('/check', keys.enter)
    await until(() => submitted.some(({ command }) => command.type === 'check'))
    on.type('/land yes', keys.enter)
    await until(() => submitted.some(({ command }) => command.type === 'land'))
    expect(submitted.flatMap(({ command, environment }) => (command.type === 'check' || command.type === 'land' ? [environment] : []))).toEqual([
      { HOME: '/home/me' },
      { HOME: '/home/me' },
    ])
  })

  test('where the tree cannot be asked, what its tool calls changed is shown file by file', async () => {
    const client = said()
    const change = (number: number, path: string, diff: string): void => {
      client.report(id, {
        type: 'entry',
        entryId: `1.${number}`,
        entry: { kind: 'tool', title: path, toolKind: 'edit', status: 'completed', changes: [{ path, added: 1, removed: 1, diff }] },
      })
    }
    const on = await talk(client)
    on.type('/diff', keys.enter)
    expect(text(on)).toContain('no tool call has changed a file so far')
    on.type(keys.escape)
    change(2, 'src/a.ts', '@@ -1,1 +1,1 @@\n-old a\n+new a\n')
    change(3, 'src/b.ts', `@@ -1,40 +1,40 @@\n${Array.from({ length: 40 }, (_, line) => ` line ${line}`).join('\n')}\n-old b\n+new b\n`)
    change(4, 'src/a.ts', '@@ -9,1 +9,1 @@\n-older a\n+newer a\n')
    await on.until(() => text(on).includes('src/b.ts'))
    on.type('/diff', keys.enter)
    expect(on.screen()[0]).toBe(' backend-api · 2 files changed  +3 −3')
    expect(text(on)).toMatch(/ src\/a\.ts {2}\+2 −2[^]*new a[^]*newer a[^]*src\/b\.ts {2}\+1 −1/)
    on.type('n')
    expect(on.screen()[2]).toContain('src/b.ts')
    on.type('G')
    expect(text(on)).toContain('new b')
    on.type('q')
    expect(statusRow(on)).toContain('F1 help')
    expect(composerRow(on)).toMatch(/^ › /)
  })

  test('/help and F1 hand over what can be typed', async () => {
    const on = await talk(said())
    on.type('/help', keys.enter, '\x1bOP')
    expect(on.helped).toHaveLength(2)
    expect(on.helped[0]?.join('\n')).toMatch(/\/bg \[--label L\] +leave it running[^]*The agent's own commands[^]*\/review +review the changes/)
  })

  test("the agent's own commands are prompts, and one that is not there suggests the nearest", async () => {
    const on = await talk(said().endTurn(id))
    on.type('/review the diff', keys.enter)
    await on.happens(() => on.told('prompt').length === 1)
    expect(on.told('prompt')).toEqual([{ type: 'prompt', text: '/review the diff' }])
    on.type('/reviw it', keys.enter)
    expect(statusRow(on)).toBe(' there is no /reviw; did you mean /review?')
    on.type(keys.end)
    expect(composerRow(on)).toBe(' › /reviw it')
    on.type(control('c'), '/usr/bin is a path', keys.enter)
    await on.happens(() => on.told('prompt').length === 2)
  })

  test('commands are completed', async () => {
    const on = await talk(said())
    on.type('/mod')
    await on.until(() => text(on).includes('/model'))
    on.type('e')
    await on.until(() => !text(on).includes("choose the agent's mode\n") || text(on).includes('/model'))
    on.type(control('c'), '/revi')
    await on.until(() => text(on).includes('review the changes'))
    on.type(keys.tab)
    expect(composerRow(on)).toBe(' › /review')
  })

  test('a whole command is taken by one Enter, though others begin like it', async () => {
    const on = await talk(offering())
    on.type('/mode')
    await on.until(() => text(on).includes('/model'))
    on.type(keys.enter)
    expect(text(on)).toContain('which mode?')
    on.type(keys.escape, '/mod')
    await on.until(() => text(on).includes('/model'))
    on.type(keys.enter)
    expect(text(on)).not.toContain('which mode?')
  })

  test('/label names it, /agents lists agents, /logs opens its log', async () => {
    const client = said()
    const opened: string[] = []
    const on = await talk(client, { parts: { logs: () => opened.push('log') } })
    on.type('/label new name', keys.enter)
    await on.until(() => on.screen()[0]?.startsWith(' new name · ') ?? false)
    expect(on.title()).toBe('● new name')
    on.type('/logs', keys.enter, alt('l'))
    expect(opened).toEqual(['log', 'log'])
    on.type('/agents', keys.enter)
    await on.until(() => text(on).includes('any other agent that speaks ACP'))
    on.type(keys.escape)
    expect(text(on)).toContain('I will start with')
  })

  test('what stands still says how it goes on, and /resume does it', async () => {
    const client = said().report(id, { type: 'asks', ask: permission }).report(id, { type: 'lost', cause: 'killed' })
    const on = await talk(client, { columns: 120, shows: '/resume' })
    expect(statusRow(on)).toContain('it had asked: delete src/legacy/prefs.ts · /resume CHOICE answers that, /resume goes on without')
    on.type('/resume perhaps', keys.enter)
    await on.until(() => text(on).includes('"perhaps" is no answer'))
    on.type('/resume allow once', keys.enter)
    await on.happens(() => on.told('resume').length === 1)
    expect(on.told('resume')).toEqual([{ type: 'resume', answer: { requestId: permission.id, answer: { kind: 'option', optionId: 'once' } } }])
    expect(client.submitted.find(({ command }) => command.type === 'resume')?.environment).toEqual({ HOME: '/home/me' })
    on.type('/stop', keys.enter)
    await on.until(() => statusRow(on).includes('stopped: 3 processes ended'))
    expect(on.left).toEqual([])
    on.type('/resume', keys.enter)
    await on.happens(() => on.told('resume').length === 2)
    expect(client.session(id).runs).toBe(3)
  })
})

describe('the daemon', () => {
  test('one that is gone is tried again, and nothing is lost meanwhile', async () => {
    const client = said()
    const watch = client.watch.bind(client)
    let broken = 0
    client.watch = async function* (query, signal) {
      broken += 1
      if (broken === 1) {
        const away = new AbortController()
        for await (const frame of watch(query, away.signal)) {
          yield frame
          if (frame.kind === 'caught-up') throw new DaemonUnreachable('the connection to the daemon was lost', 'agents stay at work')
        }
      }
      yield* watch(query, signal)
    }
    const on = await talk(client, { shows: 'the connection to the daemon was lost; it is tried again' })
    on.type('text')
    client.say(id, '1.2', 'Said meanwhile.')
    await on.until(() => text(on).includes('Said meanwhile.'))
    expect(text(on)).not.toContain('it is tried again')
    expect(composerRow(on)).toBe(' › text')
    expect(broken).toBe(2)
  })

  test('ten thousand facts are read, and keys are taken meanwhile', async () => {
    const client = said()
    const envelopes = tenThousand()
    const last = envelopes.at(-1)?.cursor ?? 0
    client.watch = async function* (_, signal) {
      for (const envelope of envelopes) yield { kind: 'fact', envelope }
      yield { kind: 'caught-up', cursor: last }
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    }
    const on = await talk(client, { shows: 'backend-api' })
    on.type('typed meanwhile')
    expect(composerRow(on)).toBe(' › typed meanwhile')
    expect(text(on)).not.toContain('Sentence')
    await on.until(() => text(on).includes('Sentence 9994.'))
    expect(composerRow(on)).toBe(' › typed meanwhile')
  })
})

/** Facts of one long turn: thoughts, sentences and tool calls. */
function tenThousand(): readonly Envelope[] {
  const facts: Event[] = [
    { type: 'created', spec: { kind: 'agent', driver: 'acp', agent: 'talker', argv: ['talker'], cwd: '/work/shop' }, title: 'Add an endpoint', label: 'backend-api' },
    { type: 'prompt-queued', promptId: 'p1', text: 'Do all of it' },
    { type: 'run-starting', run: 1, because: 'created', environmentNames: [] },
    { type: 'run-started', run: 1, keeper: { pid: 10, start: 1 }, child: { pid: 11, start: 1 } },
    { type: 'agent-ready', run: 1, agentRef: 'a', how: 'new', canResume: true, offer: {} },
    { type: 'turn-started', run: 1, turn: 1, promptId: 'p1' },
  ]
  for (let number = 1; facts.length < 10_000; number += 1) {
    const entryId = `1.${number}`
    const change = { path: `src/file-${number % 300}.ts`, added: 3, removed: 1, diff: '@@ -1,3 +1,5 @@\n a\n-b\n+c\n+d\n+e\n f\n' }
    if (number % 3 === 0) {
      facts.push({ type: 'entry-written', run: 1, entryId, entry: { kind: 'tool', title: `edit ${change.path}`, toolKind: 'edit', status: 'completed', changes: [change] } })
    } else
      facts.push({ type: 'entry-written', run: 1, entryId, entry: { kind: 'message', text: `Sentence ${number}. ${'It goes on with **some** words and _code_. '.repeat(6)}` } })
  }
  return facts.map((event, index) => ({ session: id, seq: index + 1, cursor: index + 1, atMs: Date.UTC(2026, 10, 23, 14) + index, by: 'agent', event }))
}

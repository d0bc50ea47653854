// What a person does outside for an agent: opens an address, logs in, waits for a limit to be over.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { limitHint } from '../../src/drivers/acp/limits.ts'
import { placeOf } from '../../src/drivers/acp/visits.ts'
import { AcpScript, launchWith } from './acp-script.ts'

// Addresses

const visit = (url = 'https://example.org/device?code=1', message = 'Log in there\nand come back'): object => ({ mode: 'url', message, elicitationId: 'e1', url })

const asked = (url?: string): AcpScript => {
  const script = new AcpScript()
  script.inTurn()
  return script.request(1, 'elicitation/create', visit(url))
}

test('an address is shown whole, with the place that it leads to in front, and opened by nobody but a person', () => {
  const script = asked()
  expect(script.lastAsk()).toEqual({
    id: script.lastAsk().id,
    kind: 'question',
    title: 'open example.org: Log in there',
    detail: 'https://example.org/device?code=1\nLog in there\nand come back\nOffstage does not open it: open it yourself, if you trust the agent and the address.',
    options: [
      { id: 'open', label: 'I open it now', kind: 'other' },
      { id: 'done', label: 'I have done what is asked there', kind: 'other' },
      { id: 'decline', label: 'decline', kind: 'reject' },
    ],
  })
  expect(script.sent().filter(({ id }) => id === 1)).toEqual([])
})

test('whoever opens it has consented, and is waited for until the agent or the person says that it is done', () => {
  const opened = asked().answer({ kind: 'option', optionId: 'open' })
  expect(opened.lastSent()).toMatchObject({ id: 1, result: { action: 'accept' } })
  expect(opened.lastAsk()).toMatchObject({ title: 'finish at example.org', options: [{ id: 'done' }] })
  const { id } = opened.lastAsk()
  opened.seen()
  opened
    .notify('elicitation/complete', { elicitationId: 'another' })
    .notify('elicitation/complete', { elicitationId: 'e1' })
    .notify('elicitation/complete', { elicitationId: 'e1' })
  expect(opened.seen()).toEqual([{ kind: 'report', report: { type: 'withdraws', requestId: id } }])
  const done = asked().answer({ kind: 'option', optionId: 'open' })
  const sent = done.sent().length
  done.answer({ kind: 'option', optionId: 'done' })
  expect(done.sent()).toHaveLength(sent)
})

test('it may be done already, declined, or be over with its turn', () => {
  const done = asked().answer({ kind: 'option', optionId: 'done' })
  expect([done.lastSent()?.result, done.lastAsk().title]).toEqual([{ action: 'accept' }, 'open example.org: Log in there'])
  expect(asked().answer({ kind: 'option', optionId: 'decline' }).lastSent()?.result).toEqual({ action: 'decline' })
  expect(asked().answer({ kind: 'decline' }).lastSent()?.result).toEqual({ action: 'decline' })
  expect(asked().cancelRequest().lastSent()?.result).toEqual({ action: 'cancel' })
})

test('an agent that sees it done before anybody has answered has no consent yet: only a person gives that', () => {
  const script = asked()
  const { id } = script.lastAsk()
  script.seen()
  expect(script.notify('elicitation/complete', { elicitationId: 'e1' }).seen()).toEqual([])
  script.order({ type: 'answer', requestId: id, answer: { kind: 'option', optionId: 'done' }, secret: false })
  expect(script.lastSent()).toMatchObject({ id: 1, result: { action: 'accept' } })
})

test('the same answer once more sends and asks the same', () => {
  const script = asked().answer({ kind: 'option', optionId: 'open' })
  const first = script.sent().filter(({ id }) => id === 1)
  const asks = script.outputs.filter((output) => output.kind === 'report' && output.report.type === 'asks').length
  script.orderAgain((outputs) => {
    const asksSoFar = outputs.flatMap((output) => (output.kind === 'report' && output.report.type === 'asks' ? [output.report.ask] : []))
    return { type: 'answer', requestId: asksSoFar[0]?.id ?? '', answer: { kind: 'option', optionId: 'open' }, secret: false }
  })
  expect(script.sent().filter(({ id }) => id === 1)).toEqual([...first, ...first])
  expect(script.outputs.filter((output) => output.kind === 'report' && output.report.type === 'asks')).toHaveLength(asks)
})

test('an answer to an address is recalled from what was sent', () => {
  for (const optionId of ['open', 'decline']) {
    const script = asked()
    const requestId = script.lastAsk().id
    const sent = script.answer({ kind: 'option', optionId }).outputs.findLast((output) => output.kind === 'send')
    const recalled = sent?.kind === 'send' && asked().conversation.recall?.(1, sent.send.id, sent.send.bytes)
    expect(recalled).toEqual({ type: 'answer', requestId, answer: { kind: 'option', optionId }, secret: false })
  }
})

test('before the session is there it is a log-in', () => {
  const script = new AcpScript().initialized({ authMethods: [{ id: 'web', name: 'In a browser' }] }).fail('session/new', { code: -32000, message: 'log in' })
  script.answer({ kind: 'option', optionId: 'web' }).request(1, 'elicitation/create', visit())
  expect(script.lastAsk().kind).toBe('auth')
})

test('an address to which nobody should be sent is declined at once, and that is said without its control characters', () => {
  const script = asked('http://example.org/\u001b[2J')
  expect(script.lastSent()).toMatchObject({ id: 1, result: { action: 'decline' } })
  const note = script.reports().find(({ type }) => type === 'note')
  expect(note?.type === 'note' && note.text).toMatch(/^the agent wanted an address opened that is neither https nor on this machine; it was declined: http:\/\/example\.org/)
  expect(JSON.stringify(note)).not.toContain('\\u001b')
})

test('where an address leads is never in doubt', () => {
  expect(['https://example.org', 'HTTPS://Example.ORG:8443/a?b#c', 'http://127.0.0.1:9/x', 'http://localhost/', 'http://[::1]:80/'].map(placeOf)).toEqual([
    'example.org',
    'example.org:8443',
    '127.0.0.1:9',
    'localhost',
    '[::1]:80',
  ])
  const bad = [
    '',
    'example.org',
    'http://example.org',
    'http://localhost.example.org/',
    'http://127.0.0.1.example.org/',
    'https://github.com@example.org/',
    'https://github.com:x@example.org/',
    'https://example.org\\@github.com/',
    'https://exämple.org/',
    'https://example.org/ß',
    'https://example.org/a b',
    'https://example.org\u0000/',
    'https:example.org',
    'https:///example.org',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'data:text/html,x',
    'vscode://x',
    ' https://example.org',
    'https://example.org\n',
    `https://example.org/${'x'.repeat(5000)}`,
  ]
  expect(bad.filter((url) => placeOf(url) !== undefined)).toEqual([])
  // What we call its place is what a browser goes to.
  fc.assert(
    fc.property(
      fc.oneof(
        fc.webUrl({ withQueryParameters: true, withFragments: true }),
        fc.string({ unit: 'binary' }).map((text) => `https://${text}`),
      ),
      (url) => {
        const place = placeOf(url)
        if (place !== undefined) expect(new URL(url).host).toBe(place.replace(/:443$/, '').replace(/^(127.*|localhost|\[::1\]):80$/, '$1'))
      },
    ),
  )
})

// Logging in

const expired = { code: -32000, message: 'token expired' }

const refused = (): AcpScript => {
  const script = new AcpScript({ launch: launchWith({ agent: 'claude' }) })
  script
    .initialized({
      authMethods: [
        { id: 'key', name: 'Use a key' },
        { id: 'tty', name: 'Terminal', type: 'terminal' },
        { id: 'again', name: 'Misnamed' },
      ],
    }) // prettier-ignore
    .respond('session/new', { sessionId: 'agent-session' })
    .prompt('do it')
    .seen()
  return script.fail('session/prompt', expired)
}

test('a turn that is refused for want of a log-in asks for one before it ends, and says how it is done elsewhere', () => {
  const script = refused()
  expect(script.reports().map(({ type }) => type)).toEqual(['asks', 'turn-ended'])
  expect(script.lastAsk()).toMatchObject({
    kind: 'auth',
    title: 'log in to talker; your last prompt was not taken',
    detail: expect.stringMatching(/^token expired\nUse a key\n[^]*outside of Offstage: run claude and log in there/) as string,
    options: [
      { id: 'key', label: 'Use a key', kind: 'other' },
      { id: 'again', label: 'I have logged in: send the prompt again', kind: 'other', again: true },
      { id: 'leave', kind: 'reject' },
    ],
  })
})

test('logging in sends the prompt to nobody: that is asked afterwards', () => {
  const script = refused().answer({ kind: 'option', optionId: 'key' })
  expect(script.lastSent()).toMatchObject({ method: 'authenticate', params: { methodId: 'key' } })
  script.fail('authenticate', { code: -32603, message: 'wrong key' })
  expect(script.lastAsk()).toMatchObject({ kind: 'auth', detail: expect.stringMatching(/^wrong key\n/) as string })
  const sent = script.answer({ kind: 'option', optionId: 'key' }).sent().length
  script.respond('authenticate', {})
  expect(script.lastAsk()).toMatchObject({ title: 'logged in: send the prompt again?', options: [{ id: 'again', again: true }, { id: 'leave' }] })
  expect(script.answer({ kind: 'option', optionId: 'again' }).sent()).toHaveLength(sent)
  // The session gives the prompt, with an id of its own.
  script.prompt('do it', 'prompt02').seen()
  expect(script.respond('session/prompt', { stopReason: 'end_turn' }).reports()).toEqual([{ type: 'turn-ended', promptId: 'prompt02', stopReason: 'end_turn' }])
})

test('leaving it, and a choice of ours by the name of a method, log in nowhere', () => {
  for (const optionId of ['leave', 'again']) {
    const script = refused()
    const sent = script.sent().length
    expect(script.answer({ kind: 'option', optionId }).sent()).toHaveLength(sent)
  }
})

test('logging in again is recalled from what was sent', () => {
  const script = refused()
  const requestId = script.lastAsk().id
  const sent = script.answer({ kind: 'option', optionId: 'key' }).outputs.findLast((output) => output.kind === 'send')
  expect(sent?.kind === 'send' && refused().conversation.recall?.(1, sent.send.id, sent.send.bytes)).toEqual({
    type: 'answer',
    requestId,
    answer: { kind: 'option', optionId: 'key' },
    secret: false,
  })
})

// Limits

test('what was said before a pause is recorded before it, and what is said after it is another entry', () => {
  const script = new AcpScript()
  script.inTurn()
  script.seen()
  script.say('I begin').notify('_offstage/paused', { sessionId: 'agent-session', until: null, why: 'limit' }).say(' and go on')
  script.respond('session/prompt', { stopReason: 'end_turn' })
  expect(script.reports().slice(0, 3)).toMatchObject([
    { type: 'entry', entryId: '1.1', entry: { kind: 'message', text: 'I begin' } },
    { type: 'paused', untilMs: null, why: 'limit' },
    { type: 'entry', entryId: '1.2', entry: { kind: 'message', text: ' and go on' } },
  ])
})

test('a turn that stands still says until when, and that it goes on', () => {
  const script = new AcpScript()
  script.inTurn()
  const tell = (params: object): unknown => script.notify('_offstage/paused', { sessionId: 'agent-session', ...params }).reports()
  expect(tell({ until: '2026-11-23T14:30:00Z', why: 'rate limit of anthropic\nmore' })).toEqual([
    { type: 'paused', untilMs: Date.UTC(2026, 10, 23, 14, 30), why: 'rate limit of anthropic' },
  ])
  expect(tell({ until: null, why: '' })).toEqual([{ type: 'paused', untilMs: null, why: '' }])
  expect(tell({ until: 'soon', why: 7 })).toEqual([{ type: 'paused', untilMs: null, why: '' }])
  expect(tell({ sessionId: 'another', why: 'x' })).toEqual([])
  expect(
    script
      .notify('_offstage/paused', [] as object)
      .notify('_offstage/continued', { sessionId: 'agent-session' })
      .reports(),
  ).toEqual([{ type: 'continued' }])
  script.respond('session/prompt', { stopReason: 'end_turn' }).seen()
  expect(script.notify('_offstage/paused', { sessionId: 'agent-session', until: null, why: 'late' }).reports()).toEqual([])
})

test.each([
  ['Claude AI usage limit reached|1763900000', '; a rate limit: send the prompt again when it is over (at 2025-11-23T12:13:20.000Z)'],
  ["You've hit your usage limit. Try again in 3 hours 5 minutes.", '; a rate limit: send the prompt again when it is over (in 3 hours 5 minutes)'],
  ['429 Too Many Requests', '; a rate limit: send the prompt again when it is over'],
  ['Your limit will reset at 3pm (Europe/Berlin). Rate limit exceeded', '; a rate limit: send the prompt again when it is over (at 3pm (Europe/Berlin))'],
  ['You exceeded your current quota, please retry in 20.5s', '; a rate limit: send the prompt again when it is over (in 20.5s)'],
  ['RESOURCE_EXHAUSTED', '; a rate limit: send the prompt again when it is over'],
  ['Internal error', ''],
  ['write failed: disk quota exceeded', ''],
  ['the connection was reset at 10.0.0.1', ''],
  ['line 4290 is wrong', ''],
])('what an error says of a limit: %s', (said, hint) => {
  expect(limitHint(said)).toBe(hint)
})

test('an error about a limit ends the turn as failed, and says what to do', () => {
  const script = new AcpScript()
  script.inTurn()
  expect(script.fail('session/prompt', { code: -32603, message: 'Internal error', data: { details: '429 rate limited, retry after 30 seconds' } }).reports()).toEqual([
    {
      type: 'turn-ended',
      promptId: 'prompt01',
      stopReason: 'error',
      message: 'Internal error: 429 rate limited, retry after 30 seconds; a rate limit: send the prompt again when it is over (after 30 seconds)',
    },
  ])
})

test('an error of any length ends a turn with a message that can be read, at once', () => {
  const script = new AcpScript()
  script.inTurn().fail('session/prompt', { code: 1, message: `rate limit; retry in${' '.repeat(2_000_000)}x` })
  const [ended] = script.reports()
  expect(ended?.type === 'turn-ended' && ended.message?.length).toBeLessThan(5000)
})

// What comes of a turn that was refused for want of a log-in, of a turn that stands still, of options and of the end: what is decided, and what follows by itself.

import { expect, test } from 'vitest'
import type { Event } from '../../src/core/events.ts'
import { lastChosen } from '../../src/core/session.ts'
import { Play, agentReady, asked, completed, created, folded, given, idle, logIn, permission, queued, started, starting, turnStarted, waiting, working } from './play.ts'

const refusedTurn: Event = { type: 'turn-ended', run: 1, turn: 1, stopReason: 'error', message: 'log in' }
const wanting = [...working, asked(logIn), refusedTurn]
const answer = (optionId: string, note?: string) =>
  ({ type: 'answer', requestId: logIn.id, answer: { kind: 'option', optionId, ...(note === undefined ? {} : { note }) } }) as const
const answered = (optionId: string): Event => ({ type: 'answered', requestId: logIn.id, answer: { kind: 'option', optionId } })

test('the question outlives the turn that was refused, and other ones of it do not', () => {
  given(...working, asked(), asked(logIn))
    .when({ report: { type: 'turn-ended', promptId: 'p1', stopReason: 'error', message: 'log in' } })
    .gives([{ type: 'request-closed', requestId: permission.id, because: 'withdrawn' }, refusedTurn])
})

test('what waits is not sent before somebody has said what is to come of it', () => {
  given(...wanting)
    .when({ type: 'prompt', text: 'and this' })
    .gives([{ type: 'prompt-queued', promptId: 'cmd', text: 'and this' }])
  given(...wanting, queued('p2', 'and this'))
    .when(answer('leave'))
    .gives([answered('leave'), { type: 'turn-started', run: 1, turn: 2, promptId: 'p2' }])
})

test('sent again it goes before what waits, as a new prompt of the user', () => {
  given(...wanting, queued('p2', 'and this'))
    .when(answer('again', ' please '))
    .gives([
      { type: 'answered', requestId: logIn.id, answer: { kind: 'option', optionId: 'again', note: ' please ' } },
      { type: 'prompt-queued', promptId: 'cmd', text: 'tidy up\n\nplease', again: true },
      { type: 'turn-started', run: 1, turn: 2, promptId: 'cmd' },
    ])
})

test('while the agent logs in nothing is sent; what it says of it is asked about', () => {
  const loggingIn = [...wanting, queued('p2', 'and this'), answered('key')]
  expect(folded(loggingIn).loggingIn).toBe(true)
  given(...wanting, queued('p2', 'and this'))
    .when(answer('key'))
    .gives([answered('key')])
  const after = { ...logIn, id: 'reqafter', kind: 'question' as const, options: logIn.options.slice(1) }
  given(...loggingIn)
    .when({ report: { type: 'asks', ask: after } })
    .gives([asked(after)])
  expect(folded([...loggingIn, asked(after)]).loggingIn).toBe(false)
  // Its end is the end of that.
  expect(folded([...loggingIn, { type: 'run-lost', run: 1, cause: 'gone' }])).toMatchObject({ loggingIn: false, prompt: null })
})

test('what an agent asks while it logs in is not the end of that: what waits goes on waiting', () => {
  const visit = { ...permission, id: 'reqvisit', kind: 'question' as const }
  const visiting = [...wanting, queued('p2', 'and this'), answered('key'), asked(visit)]
  expect(folded(visiting)).toMatchObject({ loggingIn: true, prompt: { promptId: 'p1' } })
  given(...visiting)
    .when({ type: 'answer', requestId: visit.id, answer: { kind: 'option', optionId: visit.options[0]?.id ?? '' } })
    .gives([{ type: 'answered', requestId: visit.id, answer: { kind: 'option', optionId: visit.options[0]?.id ?? '' } }])
})

test('with the process goes the question whether to send the prompt again: a new one has never heard of it', () => {
  const exited = { type: 'exited', exit: { code: 0 }, outEnd: 9, errEnd: 0 } as const
  const withdrawn: Event = { type: 'request-closed', requestId: logIn.id, because: 'withdrawn' }
  given(...wanting)
    .when({ report: { type: 'lost', cause: 'gone' } })
    .gives([withdrawn, { type: 'run-lost', run: 1, cause: 'gone' }])
  given(...wanting)
    .when({ report: exited })
    .gives([withdrawn, { ...exited, type: 'run-exited', run: 1 }])
})

test('an agent that wants a log-in does not give its process back', () => {
  given(...wanting)
    .when({ report: { type: 'idle' } })
    .gives([])
  given(...wanting, answered('key'))
    .when({ report: { type: 'idle' } })
    .gives([])
})

test('a prompt that was taken is not kept to be sent again', () => {
  expect(folded(completed).prompt).toBeNull()
  expect(folded(working).prompt).toEqual({ promptId: 'p1', text: 'tidy up' })
})

test('a pause counts once, within a turn, and is no silence', () => {
  const pause = { type: 'paused', untilMs: 5, why: 'limit' } as const
  const paused: Event = { ...pause, run: 1 }
  given(...working)
    .when({ report: pause })
    .gives([paused])
  given(...working, paused)
    .when({ report: pause })
    .gives([])
  given(...working, paused)
    .when({ report: { ...pause, untilMs: 9 } })
    .gives([{ ...paused, untilMs: 9 }])
  given(...completed)
    .when({ report: pause })
    .gives([])
  given(...working, paused)
    .when({ report: { type: 'silent', forMs: 9 } })
    .gives([])
  given(...working, paused)
    .when({ report: { type: 'continued' } })
    .gives([{ type: 'continued', run: 1 }])
  given(...working)
    .when({ report: { type: 'continued' } })
    .gives([])
})

const effort = { id: 'effort', name: 'Effort', current: 'low', choices: [{ id: 'low', name: 'Low' }, { id: 'high', name: 'High' }] } // prettier-ignore
const offering: readonly Event[] = [created, starting(), started(), { ...agentReady(), offer: { options: [effort] } } as Event]

test('an option of the agent is chosen by its id, from what it offers', () => {
  const chosen: Event = { type: 'chosen', run: 1, what: 'effort', value: 'high' }
  given(...offering)
    .when({ type: 'choose', what: 'effort', value: 'high' })
    .gives([chosen])
  given(...offering)
    .when({ type: 'choose', what: 'effort', value: 'deep' })
    .gives({ refused: 'no-such-option', message: 'the agent of session sess0001 has no effort "deep"', hint: 'choose one of: low, high' })
  given(...offering)
    .when({ type: 'choose', what: 'tone', value: 'x' })
    .gives({ refused: 'no-such-option', message: 'the agent of session sess0001 has no option "tone"', hint: 'its options are: effort' })
  given(...idle)
    .when({ type: 'choose', what: 'tone', value: 'x' })
    .gives({ refused: 'no-such-option', hint: 'it has mode and model only' })
})

test('the next run gets what the user has set, as the agent has it then, and nothing that nobody has set', () => {
  const chosen: Event = { type: 'chosen', run: 1, what: 'effort', value: 'high' }
  const now = (current: string): Event => ({ type: 'agent-offers', run: 1, offer: { options: [{ ...effort, current }] } })
  expect(lastChosen(folded([...offering, now('high')]))).toEqual({})
  expect(lastChosen(folded([...offering, chosen]))).toEqual({ lastOptions: { effort: 'low' } })
  expect(lastChosen(folded([...offering, chosen, now('high')]))).toEqual({ lastOptions: { effort: 'high' } })
})

test('an agent at rest is told that it is about to be ended; one at work, not ready, or a program is not', () => {
  const told = (events: readonly Event[]): readonly string[] => {
    const play = new Play()
    for (const event of events) play.append(event)
    const before = play.effects.length
    play.append({ type: 'stop-asked', then: 'stopped' })
    return play.effects.slice(before).map((effect) => (effect.type === 'order' ? effect.order.type : effect.type))
  }
  expect(told(completed)).toEqual(['close', 'stop-run'])
  for (const events of [working, waiting, [created, starting(), started()], [...completed, queued('p2'), turnStarted(2, 'p2')]]) expect(told(events)).toEqual(['stop-run'])
})

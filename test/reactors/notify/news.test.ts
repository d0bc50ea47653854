// What there is to tell of a session in each state, and what stays of it.

import { expect, test } from 'vitest'
import type { Event } from '../../../src/core/events.ts'
import { newsOf } from '../../../src/reactors/notify/news.ts'
import {
  agentReady,
  asked,
  completed,
  created,
  createdTerminal,
  exited,
  folded,
  given,
  halted,
  idle,
  lost,
  question,
  queued,
  sessionId,
  started,
  starting,
  stopAsked,
  stopped,
  turnEnded,
  turnStarted,
  waiting,
  working,
} from '../../core/play.ts'

const told = (events: readonly Event[]): readonly (readonly [string, string, string])[] => newsOf(folded(events), 'shop').map(({ about, of, text }) => [about, of, text])
const terminal = [createdTerminal, starting(), started()]
const ended = (stopReason: 'refusal' | 'cancelled' | 'max_tokens'): Event => ({ type: 'turn-ended', run: 1, turn: 1, stopReason })

test.each<[string, readonly Event[], readonly (readonly [string, string, string])[]]>([
  ['at work', working, []],
  ['ready for its first prompt', idle, []],
  [
    'two requests',
    [...waiting, asked(question)],
    [
      ['needs-you', 'reqperm1', 'permission: delete old.txt'],
      ['needs-you', 'reqform1', 'question: Which tone?'],
    ],
  ],
  ['a request that was lost with its process', [...waiting, lost()], [['needs-you', 'reqperm1', 'lost permission: delete old.txt']]],
  [
    'no environment',
    [created, queued(), starting(), { type: 'environment-missing', run: 1 }],
    [['needs-you', 'run 1 since 4000', `needs an environment: offstage resume ${sessionId}`]],
  ],
  ['a turn that ended', completed, [['completed', 'turn 1', 'the turn ended']]],
  [
    'the same, after its process was given back',
    [...completed, { type: 'stop-asked', then: 'given-back' }, exited(), { type: 'given-back' }],
    [['completed', 'turn 1', 'the turn ended']],
  ],
  ['the same, in another run', [...completed, exited(), starting(2), started(2), agentReady(2)], [['completed', 'turn 1', 'the turn ended']]],
  ['the next turn', [...completed, queued('p2'), turnStarted(2, 'p2'), turnEnded(2)], [['completed', 'turn 2', 'the turn ended']]],
  ['a turn at its limit', [...working, ended('max_tokens')], [['completed', 'turn 1', 'the agent stopped at its limit (max_tokens)']]],
  ['a turn that the agent refused', [...working, ended('refusal')], [['failed', 'run 1 turn 1', 'the agent refused']]],
  ['a turn that its user interrupted', [...working, ended('cancelled')], []],
  ['an agent that ended in the middle', [...working, exited(3)], [['failed', 'run 1 turn 1', 'the agent ended in the middle of its turn (exit code 3)']]],
  ['an agent that failed again', [...working, exited(3), starting(2), started(2), exited(4, 2)], [['failed', 'run 2 turn 1', 'the agent ended before it was ready (exit code 4)']]],
  ['an agent that left unasked', [...idle, exited()], []],
  ['stopped by its user', halted, []],
  ['being stopped', [...waiting, stopAsked()], []],
  ['archived', [...completed, stopAsked('archived'), exited(), stopped, { type: 'archived' }], []],
  ['removed', [...completed, { type: 'removed' }], []],
  ['a terminal that runs', terminal, []],
  ['a terminal that ended well', [...terminal, exited()], [['completed', 'run 1', 'exit code 0']]],
  ['a terminal that ended badly', [...terminal, exited(2)], [['failed', 'run 1 turn 0', 'exit code 2']]],
])('%s', (_state, events, expected) => {
  expect(told(events)).toEqual(expected)
})

test('a mute is recorded when it changes something', () => {
  given(...working)
    .when({ type: 'mute', muted: true })
    .gives([{ type: 'muted', muted: true }])
  given(...working)
    .when({ type: 'mute', muted: false })
    .gives([])
  given(...working, { type: 'muted', muted: true })
    .when({ type: 'mute', muted: false })
    .gives([{ type: 'muted', muted: false }])
})

test('what was told is recorded whatever the session does, and only the newest of it is kept', () => {
  const notified = (of: string) => ({ type: 'notified', about: 'completed', of, channel: 'command', how: 'told' }) as const
  given(...halted)
    .when({ report: notified('turn 1') })
    .gives([notified('turn 1')])
  const many = folded([...completed, ...Array.from({ length: 300 }, (_, index) => notified(`turn ${index}`))])
  expect(many.told).toHaveLength(100)
  expect(many.told.at(-1)).toBe('command completed turn 299')
})

test('a turn is as long as it took, however often its process goes and comes', () => {
  const after = (...more: readonly Event[]) => folded([...working, turnEnded(), ...more]).work
  const first = after()
  expect(first).toEqual({ beganAtMs: 6000, endedAtMs: 7000 })
  expect(after({ type: 'stop-asked', then: 'given-back' }, exited(), { type: 'given-back' }, starting(2), started(2), agentReady(2))).toEqual(first)
  expect(after(queued('p2'), turnStarted(2, 'p2'))).toEqual({ beganAtMs: 9000, endedAtMs: null })
})

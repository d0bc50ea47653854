import { expect, test } from 'vitest'
import type { Event } from '../../src/core/events.ts'
import { type Status, statusOf, statuses } from '../../src/core/status.ts'
import { viewOf } from '../../src/core/view.ts'
import {
  agentReady,
  asked,
  completed,
  created,
  createdTerminal,
  exited,
  folded,
  halted,
  idle,
  lost,
  permission,
  question,
  queued,
  sessionId,
  started,
  starting,
  stopAsked,
  stopped,
  turnStarted,
  waiting,
  working,
} from './play.ts'

const terminal = [createdTerminal, starting(), started()]
const spoke = (text: string): Event => ({ type: 'entry-written', run: 1, entryId: '1.1', entry: { kind: 'message', text } })
const ended = (stopReason: 'max_tokens' | 'refusal' | 'cancelled' | 'error', message?: string): Event => ({
  type: 'turn-ended',
  run: 1,
  turn: 1,
  stopReason,
  ...(message === undefined ? {} : { message }),
})
const notStarted: Event = { type: 'run-not-started', run: 1, why: 'no such program: scripted' }
const failed: Event = { type: 'run-failed', run: 1, why: 'this is no agent' }
const missing: Event = { type: 'environment-missing', run: 1 }
const closed: Event = { type: 'request-closed', requestId: permission.id, because: 'cancelled' }

const table: readonly (readonly [string, readonly Event[], Status, string])[] = [
  ['created', [created, queued()], 'queued', 'waiting to be started'],
  ['being started', [created, starting()], 'starting', 'the program is being started'],
  ['started', [created, starting(), started()], 'starting', 'waiting for the agent to be ready'],
  ['ready without a prompt', idle, 'waiting', 'waiting for its first prompt'],
  ['in a turn', working, 'working', 'at work'],
  ['in a turn that says something', [...working, spoke('  Reading the tests.\nThen more')], 'working', 'Reading the tests.'],
  ['interrupted', [...working, { type: 'interrupted', run: 1, turn: 1 }], 'working', 'interrupting'],
  ['asking', waiting, 'waiting', 'permission: delete old.txt'],
  ['answered', [...waiting, { type: 'answered', requestId: permission.id, answer: { kind: 'option', optionId: 'yes' } }], 'working', 'at work'],
  ['asking before it is ready', [created, starting(), started(), asked(question)], 'waiting', 'question: Which tone?'],
  ['done', completed, 'completed', 'the turn ended'],
  ['done and working again', [...completed, queued('p2'), turnStarted(2, 'p2')], 'working', 'at work'],
  ['at its limit', [...working, ended('max_tokens')], 'completed', 'the agent stopped at its limit (max_tokens)'],
  ['cut short', [...working, ended('cancelled')], 'completed', 'the turn was interrupted'],
  ['refusing', [...working, ended('refusal', '')], 'failed', 'the agent refused'],
  ['refusing with a reason', [...working, ended('refusal', 'not this')], 'failed', 'not this'],
  ['in error', [...working, ended('error', 'overloaded')], 'failed', 'overloaded'],
  ['in error without a word', [...working, ended('error', '')], 'failed', 'the agent reported an error'],
  ['done and gone', [...completed, exited()], 'completed', 'the turn ended'],
  ['done and crashed', [...completed, exited(1)], 'completed', 'the turn ended'],
  ['done and lost', [...completed, lost()], 'completed', 'the turn ended'],
  ['gone without a prompt', [...idle, exited()], 'completed', 'the agent left'],
  ['crashed without a prompt', [...idle, exited(1)], 'failed', 'the agent ended (exit code 1)'],
  ['lost without a prompt', [...idle, lost()], 'failed', 'run lost: its keeper ended unexpectedly'],
  ['crashed in a turn', [...working, exited(1)], 'failed', 'the agent ended in the middle of its turn (exit code 1)'],
  ['gone in a turn', [...working, exited(0)], 'failed', 'the agent ended in the middle of its turn (exit code 0)'],
  [
    'crashed with last words',
    [...working, { type: 'run-exited', run: 1, exit: { signal: 'SIGSEGV' }, outEnd: 1, errEnd: 1, lastWords: 'one\nout of memory\n' }],
    'failed',
    'the agent ended in the middle of its turn (killed by SIGSEGV): out of memory',
  ],
  ['gone before it was ready', [created, queued(), starting(), started(), exited(0)], 'failed', 'the agent ended before it was ready (exit code 0)'],
  ['lost in a turn', [...working, lost()], 'failed', 'run lost: its keeper ended unexpectedly'],
  ['lost with a question', [...waiting, lost()], 'waiting', 'lost permission: delete old.txt'],
  ['gone with a question', [...waiting, exited(1)], 'waiting', 'lost permission: delete old.txt'],
  ['not startable', [created, queued(), starting(), notStarted], 'failed', 'no such program: scripted'],
  ['not startable, nobody says why', [created, starting(), { ...notStarted, why: '' } as Event], 'failed', 'failed'],
  ['unusable', [created, queued(), starting(), started(), failed], 'failed', 'this is no agent'],
  ['without an environment', [created, queued(), starting(), missing], 'waiting', `needs an environment: offstage resume ${sessionId}`],
  ['being stopped', [...working, stopAsked()], 'working', 'being stopped'],
  ['stopped', [...working, stopAsked(), exited(), stopped], 'stopped', 'stopped'],
  ['stopped when it was done', halted, 'stopped', 'stopped'],
  ['stopped with a question', [...waiting, stopAsked(), closed, exited(1), stopped], 'stopped', 'stopped'],
  ['stopped, its exit not seen', [...working, stopAsked(), stopped], 'stopped', 'stopped'],
  ['stopped when it was lost', [...working, stopAsked(), lost(), stopped], 'stopped', 'stopped'],
  ['stopped without an environment', [created, starting(), missing, stopAsked(), stopped], 'stopped', 'stopped'],
  ['ended when it was done', [...completed, stopAsked('archived'), exited(), stopped, { type: 'archived' }], 'completed', 'the turn ended'],
  ['ended in a turn', [...working, stopAsked('archived'), exited(), stopped, { type: 'archived' }], 'stopped', 'stopped'],
  ['ended when it had failed', [...working, lost(), stopAsked('archived'), stopped, { type: 'archived' }], 'failed', 'run lost: its keeper ended unexpectedly'],
  ['resumed', [...halted, starting(2)], 'starting', 'the program is being started'],
  ['resumed after a stop', [...halted, starting(2), started(2), agentReady(2)], 'waiting', 'waiting for a prompt'],
  ['resumed when it was done', [...completed, exited(), starting(2), started(2), agentReady(2)], 'completed', 'the turn ended'],
  ['a terminal at work', terminal, 'working', 'the program runs'],
  ['a terminal that ended', [...terminal, exited()], 'completed', 'exit code 0'],
  ['a terminal that failed', [...terminal, exited(2)], 'failed', 'exit code 2'],
  ['a terminal that was lost', [...terminal, lost()], 'failed', 'run lost: its keeper ended unexpectedly'],
  ['a terminal that was stopped', [...terminal, stopAsked(), exited(143), stopped], 'stopped', 'stopped'],
  ['a terminal resumed and lost', [...terminal, exited(), starting(2), started(2), lost(2)], 'failed', 'run lost: its keeper ended unexpectedly'],
]

test.each(table)('%s', (_, events, status, reason) => {
  const derived = statusOf(folded(events))
  expect({ status: derived.status, reason: derived.reason }).toEqual({ status, reason })
  expect(derived.evidence.every((fact) => fact.trim() !== '')).toBe(true)
})

test('every status that there is so far is in the table', () => {
  expect(new Set(table.map(([, , status]) => status))).toEqual(new Set(statuses.filter((status) => status !== 'paused')))
})

test('the evidence names the process and what it is about', () => {
  expect(statusOf(folded(working)).evidence).toEqual(['turn 1 is open', 'run 1 is alive, pid 201'])
  expect(statusOf(folded([...waiting, asked(question)])).evidence).toEqual([`request ${permission.id} is open, and 1 more`, 'run 1 is alive, pid 201'])
  expect(statusOf(folded([...completed, lost()])).evidence).toEqual(['outcome done', 'run 1 was lost: its keeper ended unexpectedly'])
})

test('a view says since when, for how long, and how much nobody saw', () => {
  const session = folded([...completed, { type: 'shown', entries: 1 }, spoke('bye')])
  const view = viewOf(session, 60_000)
  expect(view).toMatchObject({
    createdAt: '1970-01-01T00:00:01.000Z',
    changedAt: '1970-01-01T00:00:07.000Z',
    updatedAt: '1970-01-01T00:00:09.000Z',
    elapsedMs: 6_000,
    entries: 2,
    unseen: 1,
    run: { number: 1, pid: 201, alive: true },
    outcome: { kind: 'done', summary: 'the turn ended', checks: [] },
  })
  expect(viewOf(folded(working), 60_000).elapsedMs).toBe(59_000)
  expect(viewOf(folded(terminal), 60_000, { entries: 40 })).toMatchObject({ kind: 'terminal', entries: 40, unseen: 40, size: { columns: 80, rows: 24 } })
})

test('a view of a run that nobody hears of says so', () => {
  const view = viewOf(folded(working), 60_000, { noSignal: true })
  expect(view).toMatchObject({ status: 'working', reason: 'no signal; last known: at work' })
  expect(view.evidence[0]).toBe('the keeper of its run does not answer')
})

import { expect, test } from 'vitest'
import type { Event } from '../../src/core/events.ts'
import type { Claim, Notice, PartClaim, Signal } from '../../src/core/signal.ts'
import { type Status, statusOf, statuses } from '../../src/core/status.ts'
import { viewOf } from '../../src/core/view.ts'
import {
  agentReady,
  agentSpec,
  asked,
  completed,
  created,
  createdTerminal,
  exited,
  folded,
  halted,
  idle,
  logIn,
  lost,
  permission,
  question,
  queued,
  sessionId,
  started,
  starting,
  stopAsked,
  stopped,
  terminalSpec,
  turnEnded,
  turnStarted,
  waiting,
  working,
} from './play.ts'

const terminal = [createdTerminal, starting(), started()]
const prompted: readonly Event[] = [{ type: 'created', spec: { ...terminalSpec, prompted: true }, title: 'fix it' }, starting(), started()]
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

const signaled = (signal: Signal): Event => ({ type: 'signaled', run: 1, signal })
const by = (state: Claim['state'], more: Partial<Claim> = {}): Claim => ({ source: 'OSC 7501', state, atOffset: 10, ...more })
const part = (id: string, state: Claim['state']): PartClaim => ({ id, state, message: `of ${id}`, atOffset: 10 })
const notice: Notice = { source: 'OSC 9', text: 'tests passed', atOffset: 20 }
const paused = (untilMs: number | null): Event => ({ type: 'paused', run: 1, untilMs, why: 'rate limit of anthropic' })
const shown: Event = { type: 'shown', entries: 0 }

const table: readonly (readonly [string, readonly Event[], Status, string])[] = [
  ['created', [created, queued()], 'queued', 'waiting to be started'],
  ['being started', [created, starting()], 'starting', 'the program is being started'],
  ['started', [created, starting(), started()], 'starting', 'waiting for the agent to be ready'],
  ['ready without a prompt', idle, 'waiting', 'waiting for its first prompt'],
  ['in a turn', working, 'working', 'at work'],
  ['in a turn that says something', [...working, spoke('  Reading the tests.\nThen more')], 'working', 'Reading the tests.'],
  ['interrupted', [...working, { type: 'interrupted', run: 1, turn: 1 }], 'working', 'interrupting'],
  ['paused', [...working, paused(1_795_028_400_000)], 'paused', 'rate limit of anthropic, until 2026-11-18T19:00:00.000Z'],
  ['paused for nobody knows how long', [...working, { type: 'fell-silent', run: 1, forMs: 9 }, { ...paused(null), why: ' ' } as Event], 'paused', 'paused'],
  ['paused and asking', [...working, paused(null), asked()], 'waiting', 'permission: delete old.txt'],
  ['paused and interrupted', [...working, paused(null), { type: 'interrupted', run: 1, turn: 1 }], 'working', 'interrupting'],
  ['going on', [...working, paused(null), { type: 'continued', run: 1 }], 'working', 'at work'],
  ['paused until its turn ended', [...working, paused(null), turnEnded()], 'completed', 'the turn ended'],
  ['paused and lost', [...working, paused(null), lost()], 'failed', 'run lost: its keeper ended unexpectedly'],
  [
    'logging in',
    [...working, asked(logIn), ended('error', 'log in'), { type: 'answered', requestId: logIn.id, answer: { kind: 'option', optionId: 'key' } }],
    'working',
    'logging in',
  ],
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
  ['a terminal at work', terminal, 'working', 'no signal: the program runs'],
  ['a command on pipes', [{ type: 'created', spec: { ...terminalSpec, driver: 'command' }, title: 'make' }, starting(), started()], 'working', 'the program runs'],
  ['a terminal with a title', [...terminal, signaled({ claims: [], title: 'vim' })], 'working', 'no signal: the program runs'],
  ['a terminal that says it works', [...terminal, signaled({ claims: [by('working', { message: 'building' })], worked: true })], 'working', 'building'],
  ['a terminal that says so by its title', [...terminal, signaled({ claims: [by('working', { source: 'title' })], title: 'Fix it', worked: true })], 'working', 'Fix it'],
  ['a terminal that says so and nothing else', [...terminal, signaled({ claims: [by('working')] })], 'working', 'at work, as it says itself'],
  ['a terminal that is blocked', [...terminal, signaled({ claims: [by('blocked', { kind: 'permission', message: 'rm -r?' })] })], 'waiting', 'permission: rm -r?'],
  ['a terminal that is blocked by nobody knows what', [...terminal, signaled({ claims: [by('blocked')] })], 'waiting', 'blocked: it asks for you'],
  ['a terminal in error', [...terminal, signaled({ claims: [by('error', { title: 'Tests' })] })], 'waiting', 'error: Tests'],
  ['a terminal that is done', [...terminal, signaled({ claims: [by('done')] })], 'completed', 'done, as it says itself'],
  ['a terminal that is done and says what', [...terminal, signaled({ claims: [by('done', { message: 'deployed' })] })], 'completed', 'done: deployed'],
  ['a terminal that is idle', [...terminal, signaled({ claims: [by('idle')] })], 'waiting', 'waiting for a prompt'],
  ['a terminal that is idle and was told what to do', [...prompted, signaled({ claims: [by('idle')] })], 'starting', 'it has not begun with its first prompt'],
  ['a terminal that is idle after it did it', [...prompted, signaled({ claims: [by('idle')], worked: true })], 'completed', 'idle again, as it says itself'],
  [
    'a terminal that was told so in an earlier run',
    [...prompted, lost(), starting(2), { ...started(2) }, { type: 'signaled', run: 2, signal: { claims: [by('idle')] } }],
    'waiting',
    'waiting for a prompt',
  ],
  ['a terminal that is idle after it worked', [...terminal, signaled({ claims: [by('idle')], title: 'Fix it', worked: true })], 'completed', 'idle again: Fix it'],
  [
    'a terminal that says one thing better than the other',
    [...terminal, signaled({ claims: [by('done'), by('working', { source: 'title' })] })],
    'completed',
    'done, as it says itself',
  ],
  [
    'a terminal that works, and a part of it asks',
    [...terminal, signaled({ claims: [by('working')], parts: [part('a', 'working'), part('b', 'blocked')] })],
    'waiting',
    'blocked: of b',
  ],
  ['a terminal of which only parts speak', [...terminal, signaled({ claims: [], parts: [part('a', 'done'), part('b', 'working')] })], 'working', 'of b'],
  ['a terminal that notifies', [...terminal, signaled({ claims: [], notice })], 'waiting', 'says: tests passed'],
  ['a terminal that notified and was looked at', [...terminal, signaled({ claims: [], notice }), shown], 'working', 'no signal: the program runs'],
  [
    'a terminal that says again what was looked at',
    [...terminal, signaled({ claims: [], notice }), shown, signaled({ claims: [], notice })],
    'working',
    'no signal: the program runs',
  ],
  [
    'a terminal that notifies anew',
    [...terminal, signaled({ claims: [], notice }), shown, signaled({ claims: [], notice: { ...notice, atOffset: 99 } })],
    'waiting',
    'says: tests passed',
  ],
  ['a terminal that notifies and works on', [...terminal, signaled({ claims: [by('working')], notice })], 'working', 'at work, as it says itself'],
  ['a terminal whose bell rang', [...terminal, signaled({ claims: [], bell: { atOffset: 3 } })], 'working', 'its bell rang: the program runs'],
  ['a terminal that was done and ended', [...terminal, signaled({ claims: [by('done')] }), exited(2)], 'failed', 'exit code 2'],
  ['a terminal that was blocked and is being stopped', [...terminal, signaled({ claims: [by('blocked')] }), stopAsked()], 'working', 'being stopped'],
  ['a terminal that was blocked and runs again', [...terminal, signaled({ claims: [by('blocked')] }), exited(), starting(2), started(2)], 'working', 'no signal: the program runs'],
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
  expect(new Set(table.map(([, , status]) => status))).toEqual(new Set(statuses))
})

test('what is paused says in a view until when, and since when it is so', () => {
  const view = viewOf(folded([...working, paused(1_795_028_400_000)]), 60_000)
  expect([view.paused, view.changedAt]).toEqual([{ until: '2026-11-18T19:00:00.000Z', why: 'rate limit of anthropic' }, '1970-01-01T00:00:07.000Z'])
  expect(viewOf(folded([...working, paused(0), { type: 'continued', run: 1 }]), 60_000).paused).toBeNull()
  expect(viewOf(folded([...working, paused(0), asked()]), 60_000).paused).toBeNull()
})

test('the evidence names the process and what it is about', () => {
  expect(statusOf(folded(working)).evidence).toEqual(['turn 1 is open', 'run 1 is alive, pid 201'])
  expect(statusOf(folded([...waiting, asked(question)])).evidence).toEqual([`request ${permission.id} is open, and 1 more`, 'run 1 is alive, pid 201'])
  expect(statusOf(folded([...completed, lost()])).evidence).toEqual(['outcome done, as its agent says: nothing was checked', 'run 1 was lost: its keeper ended unexpectedly'])
})

test('what a terminal says of itself is evidence with its source and its time', () => {
  const blocked = [...terminal, signaled({ claims: [by('blocked', { kind: 'auth' }), by('working', { source: 'title' })], title: 'x', worked: true })]
  expect(statusOf(folded(blocked)).evidence).toEqual(['OSC 7501, since 1970-01-01T00:00:04.000Z: blocked (auth)', 'run 1 is alive, pid 201'])
  expect(statusOf(folded([...terminal, signaled({ claims: [], notice })])).evidence[0]).toBe('OSC 9, since 1970-01-01T00:00:04.000Z: tests passed')
  const more = folded([
    ...blocked,
    signaled({ claims: [by('blocked', { kind: 'auth' }), by('idle', { source: 'title', atOffset: 50 })], title: 'x', bell: { atOffset: 60 }, worked: true }),
  ])
  expect(viewOf(more, 60_000)).toMatchObject({
    activity: 'x',
    progress: null,
    changedAt: '1970-01-01T00:00:04.000Z',
    signals: [
      { source: 'OSC 7501', value: 'blocked (auth)', since: '1970-01-01T00:00:04.000Z' },
      { source: 'title', value: 'idle', since: '1970-01-01T00:00:05.000Z' },
      { source: 'window title', value: 'x', since: '1970-01-01T00:00:04.000Z' },
      { source: 'bell', value: 'rang', since: '1970-01-01T00:00:05.000Z' },
    ],
  })
  expect(viewOf(folded([...terminal, signaled({ claims: [by('working', { progress: 7 })] })]), 60_000).progress).toBe(7)
  expect(viewOf(folded([...blocked, exited()]), 60_000)).toMatchObject({ signals: [], progress: null, activity: 'x' })
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

test('a view says what is being said: the last line of it that says something', () => {
  const session = folded([...working, spoke('before')])
  const activity = (saying: string): string => viewOf(session, 60_000, { saying }).activity
  expect([activity('One.\n\n  Two, three \n\n'), activity(' \n'), activity('x'.repeat(300)).length]).toEqual(['Two, three', 'before', 200])
  // No half of a character.
  expect(activity(`${'x'.repeat(199)}🌲`).isWellFormed()).toBe(true)
})

test('a view names the project that it is told of, else the directory', () => {
  const session = folded(working)
  expect(viewOf(session, 60_000, { project: { name: 'offstage', branch: 'main' } }).project).toEqual({ name: 'offstage', branch: 'main' })
  expect(viewOf(session, 60_000).project).toEqual({ name: 'shop', branch: null })
  expect(viewOf(folded([{ ...created, spec: { ...agentSpec, cwd: '/' } } as Event]), 60_000).project.name).toBe('/')
})

test('a view of a run that cannot be taken up again says why', () => {
  const view = viewOf(folded(working), 60_000, { noSignal: true, stuck: 'its output cannot be understood: too deep' })
  expect([view.status, view.reason]).toEqual(['working', 'no signal: its output cannot be understood: too deep'])
  expect(view.evidence[0]).toBe('tried again and again; last known: at work')
})

test('a view of a run that is held says so before it is recorded', () => {
  const live = viewOf(folded(terminal), 60_000, { held: 'the disk is full' })
  const recorded = viewOf(folded([...terminal, { type: 'held', run: 1, why: 'the disk is full' }]), 60_000)
  expect([live.status, live.reason, live.evidence]).toEqual([recorded.status, recorded.reason, recorded.evidence])
  expect(live.reason).toBe('held: the disk is full')
})

test('a view of a run that nobody hears of says so', () => {
  const view = viewOf(folded(working), 60_000, { noSignal: true })
  expect(view).toMatchObject({ status: 'working', reason: 'no signal; last known: at work' })
  expect(view.evidence[0]).toBe('the keeper of its run does not answer')
})

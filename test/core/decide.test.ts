import { describe, expect, test } from 'vitest'
import { authorOf, restartDelayMs, settle } from '../../src/core/decide.ts'
import type { Event } from '../../src/core/events.ts'
import type { Command, Report } from '../../src/core/inputs.ts'
import { statusOf } from '../../src/core/status.ts'
import {
  Play,
  agentReady,
  agentSpec,
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
  permission,
  question,
  queued,
  ready,
  secretQuestion,
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

const runStarting = (run: number, because: 'prompt' | 'resume', resumes: { resumes?: string } = { resumes: 'ref-1' }, environmentNames = ['PATH']): Event => ({
  type: 'run-starting',
  run,
  because,
  ...resumes,
  environmentNames,
})
const closed = (requestId: string, because: 'withdrawn' | 'cancelled' | 'superseded' | 'answered-in-prompt'): Event => ({ type: 'request-closed', requestId, because })
const yes = { type: 'answer', requestId: permission.id, answer: { kind: 'option', optionId: 'yes' } } as const
const answeredYes: Event = { type: 'answered', requestId: permission.id, answer: { kind: 'option', optionId: 'yes' } }
const create = { type: 'create', spec: agentSpec, title: 'Tidy up' } as const
const starts = { type: 'started', keeper: { pid: 101, start: 5 }, child: { pid: 201, start: 6 } } as const
const ends = { type: 'exited', exit: { code: 0 }, outEnd: 10, errEnd: 0 } as const
const waitOrStop = {
  id: 'reqerr01',
  kind: 'error' as const,
  title: 'the agent does not answer',
  options: [
    { id: 'wait', label: 'go on waiting', kind: 'other' as const },
    { id: 'stop', label: 'stop it', kind: 'reject' as const },
  ],
}
const removed: Event = { type: 'removed' }
const terminalLive = [createdTerminal, starting(), started()]
const missing: Event = { type: 'environment-missing', run: 1 }

// Creating

test('a session begins with its specification, its prompt and its first run', () =>
  given()
    .when({ ...create, label: 'backend', prompt: 'tidy up' })
    .gives([{ ...created, label: 'backend' } as Event, { type: 'prompt-queued', promptId: 'cmd', text: 'tidy up' }, starting()]))

test('a session may begin without a prompt, and an empty label is none', () =>
  given()
    .when({ ...create, label: '' })
    .gives([created, starting()]))

test('an id is used once', () =>
  given(...idle)
    .when(create)
    .gives({ refused: 'exists' }))

test('a session with an empty prompt is not begun', () =>
  given()
    .when({ ...create, prompt: ' \n' })
    .gives({ refused: 'invalid' }))

test('a terminal is not begun with a prompt', () =>
  given()
    .when({ ...create, spec: terminalSpec, prompt: 'ls' })
    .gives({ refused: 'not-supported' }))

test.each(['prompt', 'interrupt', 'stop', 'end', 'resume', 'label', 'remove', 'restore', 'show', 'answer', 'pin', 'withdraw', 'choose'] as const)(
  '%s of a session that is not there is refused',
  (type) =>
    given()
      .when({ type, text: '', label: '', entries: 0, requestId: 'x', ...(type === 'answer' ? { answer: { kind: 'decline' } } : {}) } as never)
      .gives({ refused: 'unknown-session' }),
)

test('a report for a session that is not there is refused', () => given().when({ report: starts, run: 1 }).gives({ refused: 'unknown-session' }))

// Prompts

test('a prompt to an idle agent starts a turn', () =>
  given(...idle)
    .when({ type: 'prompt', text: 'go' })
    .gives([queued('cmd', 'go'), turnStarted(1, 'cmd')]))

test('a prompt to an agent at work is queued, and starts when the turn has ended', () => {
  given(...working)
    .when({ type: 'prompt', text: 'go' })
    .gives([queued('cmd', 'go')])
  given(...working, queued('p2', 'go'))
    .when({ report: { type: 'turn-ended', promptId: 'p1', stopReason: 'end_turn' } })
    .gives([turnEnded(), turnStarted(2, 'p2')])
})

test('a prompt before the agent is ready is queued, and starts when it is', () => {
  given(created, starting())
    .when({ type: 'prompt', text: 'go' })
    .gives([queued('cmd', 'go')])
  given(created, starting(), started(), queued()).when({ report: ready }).gives([agentReady(), turnStarted()])
})

test('a prompt to an agent that left in peace brings it back', () =>
  given(...completed, exited())
    .when({ type: 'prompt', text: 'go' })
    .gives([queued('cmd', 'go'), runStarting(2, 'prompt')]))

test('an agent that comes back without an environment of its own gets the names of the one before', () =>
  given(...completed, exited())
    .when({ type: 'prompt', text: 'go' }, [])
    .gives([queued('cmd', 'go'), runStarting(2, 'prompt')]))

test('what an agent asked before it left is not open for its next run', () =>
  given(...completed, asked(), exited())
    .when({ type: 'prompt', text: 'go' })
    .gives([closed(permission.id, 'superseded'), queued('cmd', 'go'), runStarting(2, 'prompt')]))

test.each([
  ['that failed', [...working, exited(1)]],
  ['that left in the middle of its turn', [...working, exited(0)]],
  ['that was lost', [...working, lost()]],
  ['that was lost at rest', [...completed, lost()]],
  ['that was stopped', halted],
  ['that was never started', [created, starting(), { type: 'run-not-started', run: 1, why: 'no such program' } as Event]],
  ['that cannot be resumed', [created, starting(), started(), agentReady(1, false), queued(), turnStarted(), turnEnded(), exited()]],
])('a prompt to an agent %s is refused with what to do', (_, events) =>
  given(...events)
    .when({ type: 'prompt', text: 'go' })
    .gives({ refused: 'not-running', hint: `offstage resume ${sessionId} starts it again` }),
)

test('a prompt to a session that waits for an environment is queued, and one that brings an environment starts it', () => {
  given(created, starting(), missing)
    .when({ type: 'prompt', text: 'go' }, [])
    .gives([queued('cmd', 'go')])
  given(created, starting(), missing)
    .when({ type: 'prompt', text: 'go' })
    .gives([queued('cmd', 'go'), runStarting(2, 'prompt', {})])
})

test('an empty prompt, a prompt to a terminal, to a removed session or to one that is being stopped is refused', () => {
  given(...idle)
    .when({ type: 'prompt', text: ' ' })
    .gives({ refused: 'invalid' })
  given(...terminalLive)
    .when({ type: 'prompt', text: 'ls' })
    .gives({ refused: 'not-supported' })
  given(...halted, removed)
    .when({ type: 'prompt', text: 'go' })
    .gives({ refused: 'removed', hint: `offstage restore ${sessionId} brings it back` })
  given(...working, stopAsked())
    .when({ type: 'prompt', text: 'go' })
    .gives({ refused: 'stopping' })
})

// Answers

test('an answer to an open question is recorded', () =>
  given(...waiting)
    .when(yes)
    .gives([answeredYes]))

test('a second answer is refused and says why', () =>
  given(...waiting, answeredYes)
    .when(yes)
    .gives({ refused: 'not-asked', message: `request ${permission.id} is not open any more: answered` }))

test.each([
  ['nobody asked', working, 'has no request'],
  ['was withdrawn', [...waiting, closed(permission.id, 'withdrawn')], 'not open any more: withdrawn'],
  ['was cancelled', [...waiting, closed(permission.id, 'cancelled')], 'not open any more: cancelled'],
])('an answer to a question that %s is refused', (_, events, why) =>
  given(...events)
    .when(yes)
    .gives({ refused: 'not-asked', message: expect.stringContaining(why) }),
)

test('an answer after the death of the run is refused with how it can be given still', () => {
  for (const end of [exited(1), lost(), { type: 'run-failed', run: 1, why: 'x' } as Event]) {
    given(...waiting, end)
      .when(yes)
      .gives({ refused: 'not-asked', message: 'the process that asked "delete old.txt" is gone', hint: expect.stringContaining('resume') })
  }
})

test.each(['constructor', '__proto__', 'toString'])('an answer to "%s" is refused like any other unknown id', (requestId) =>
  given(...waiting)
    .when({ ...yes, requestId })
    .gives({ refused: 'not-asked', message: `session ${sessionId} has no request ${requestId}` }),
)

test('an answer that is none of the choices is refused with the choices', () =>
  given(...waiting)
    .when({ ...yes, answer: { kind: 'option', optionId: 'maybe' } })
    .gives({ refused: 'no-such-option', hint: 'choose one of: 1 always (Allow always), 2 yes (Allow once), 3 no (Reject)' }))

test('a secret is not in the fact that it was given', () =>
  given(...working, asked(secretQuestion))
    .when({ type: 'answer', requestId: secretQuestion.id, answer: { kind: 'form', fields: { user: 'me', token: 'hunter2' } } })
    .gives([{ type: 'answered', requestId: secretQuestion.id, answer: { kind: 'form', fields: { user: 'me', token: '(secret)' } }, secret: true }]))

const secretlyAnswered: Event = { type: 'answered', requestId: secretQuestion.id, answer: { kind: 'form', fields: { user: 'me', token: '(secret)' } }, secret: true }

test('a secret answer that was not delivered opens its question again, and it can be answered again', () => {
  const undelivered: Report = { type: 'answer-undelivered', requestId: secretQuestion.id }
  const reopened: Event = { type: 'request-reopened', requestId: secretQuestion.id }
  given(...working, asked(secretQuestion), secretlyAnswered)
    .when({ report: undelivered })
    .gives([reopened])
  given(...working, asked(secretQuestion), secretlyAnswered, reopened)
    .when({ report: undelivered })
    .gives([])
  given(...working, asked(secretQuestion), secretlyAnswered, reopened)
    .when({ type: 'answer', requestId: secretQuestion.id, answer: { kind: 'form', fields: { user: 'me', token: 'hunter3' } } })
    .gives([secretlyAnswered])
})

test.each([
  ['when the turn is over', [turnEnded()]],
  ['in a stop', [stopAsked()]],
  ['when the run is over', [exited()]],
  ['in the next run', [exited(), starting(2), started(2)]],
])('a secret answer that was not delivered opens nothing %s', (_, after) =>
  given(...working, asked(secretQuestion), secretlyAnswered, ...after)
    .when({ report: { type: 'answer-undelivered', requestId: secretQuestion.id } })
    .gives([]),
)

test('a secret answer that was not delivered opens nothing where there was no program yet', () =>
  given(created, starting(), asked(secretQuestion), secretlyAnswered, missing)
    .when({ report: { type: 'answer-undelivered', requestId: secretQuestion.id } })
    .gives([]))

test('an answer that was no secret is not asked for again', () =>
  given(...waiting, answeredYes)
    .when({ report: { type: 'answer-undelivered', requestId: permission.id } })
    .gives([]))

test('what is said with the choice of an option is the next prompt, which begins when the turn is over', () => {
  const denied = { kind: 'option', optionId: 'no', note: 'move it to old/ first' } as const
  const answer = { type: 'answer', requestId: permission.id, answer: denied } as const
  const facts: readonly Event[] = [
    { type: 'answered', requestId: permission.id, answer: denied },
    { type: 'prompt-queued', promptId: 'cmd', text: 'move it to old/ first' },
  ]
  given(...waiting)
    .when(answer)
    .gives(facts)
  given(...waiting, ...facts)
    .when({ report: { type: 'turn-ended', promptId: 'p1', stopReason: 'end_turn' } })
    .gives([turnEnded(), turnStarted(2, 'cmd')])
  // The same once more is refused and queues nothing.
  given(...waiting, ...facts)
    .when(answer)
    .gives({ refused: 'not-asked' })
  given(...waiting)
    .when({ ...answer, answer: { ...denied, note: ' \n' } })
    .gives([{ type: 'answered', requestId: permission.id, answer: { ...denied, note: ' \n' } }])
})

test('what is said with the choice that stops the agent is told to nobody', () => {
  const play = new Play()
  for (const event of [...idle, asked(waitOrStop)]) play.append(event)
  play.submit(play.command({ type: 'answer', requestId: 'reqerr01', answer: { kind: 'option', optionId: 'stop', note: 'too slow' } }))
  expect([play.session?.stopping, play.session?.queue]).toEqual(['stopped', []])
})

test('what is said with the answer to a question that was lost is told in the prompt', () =>
  given(...waiting, lost())
    .when({ type: 'resume', answer: { requestId: permission.id, answer: { kind: 'option', optionId: 'no', note: 'keep it' } } })
    .gives([
      closed(permission.id, 'answered-in-prompt'),
      { type: 'prompt-queued', promptId: 'cmd', text: 'Before you were restarted you asked:\n\n> delete old.txt\n\nMy answer: Reject\n\nkeep it\n\nPlease go on from there.' },
      runStarting(2, 'resume'),
    ]))

test('a prompt that waits is taken back, one that the agent is at work on is not', () => {
  given(...working, queued('p2', 'and this'))
    .when({ type: 'withdraw', promptId: 'p2' })
    .gives([{ type: 'prompt-withdrawn', promptId: 'p2' }])
  given(...working, queued('p2', 'and this'), { type: 'prompt-withdrawn', promptId: 'p2' })
    .when({ type: 'withdraw', promptId: 'p2' })
    .gives({ refused: 'not-asked', message: 'prompt p2 is not queued, or not any more' })
  given(...working)
    .when({ type: 'withdraw', promptId: 'p1' })
    .gives({ refused: 'not-asked', message: 'the agent is at work on prompt p1 already', hint: `offstage interrupt ${sessionId} ends its turn` })
  given(...working, queued('p2'), { type: 'prompt-withdrawn', promptId: 'p2' })
    .when({ report: { type: 'turn-ended', promptId: 'p1', stopReason: 'end_turn' } })
    .gives([turnEnded()])
})

const offering: readonly Event[] = [
  ...idle,
  { type: 'agent-offers', run: 1, offer: { modes: [{ id: 'ask', name: 'Ask' }, { id: 'plan', name: 'Plan' }], currentMode: 'ask' } }, // prettier-ignore
]

test('a mode is chosen among those that the agent offers, at rest and at work, and told to it', () => {
  given(...offering)
    .when({ type: 'choose', what: 'mode', value: 'plan' })
    .gives([{ type: 'chosen', run: 1, what: 'mode', value: 'plan' }])
  const play = new Play()
  for (const event of [...offering, queued(), turnStarted()]) play.append(event)
  play.submit(play.command({ type: 'choose', what: 'mode', value: 'plan' }))
  expect(play.effects.at(-1)).toEqual({ type: 'order', run: 1, seq: 8, order: { type: 'choose', what: 'mode', value: 'plan' } })
  // It is in the mode that it says that it is in.
  expect(play.session?.offer.currentMode).toBe('ask')
})

test.each<[string, readonly Event[], object]>([
  ['that the agent does not have', offering, { refused: 'no-such-option', hint: 'choose one of: ask, plan' }],
  ['of an agent that has none', idle, { refused: 'not-supported' }],
  ['of a terminal', terminalLive, { refused: 'not-supported' }],
  ['of an agent that is not ready', [created, starting(), started()], { refused: 'not-running', hint: 'try again when it is ready' }],
  ['of an agent that left', [...offering, queued(), turnStarted(), turnEnded(), exited()], { refused: 'not-running', hint: 'the next prompt brings it back' }],
  ['of an agent that was lost', [...offering, lost()], { refused: 'not-running', hint: `offstage resume ${sessionId} starts it again` }],
  ['of an agent that is being stopped', [...offering, stopAsked()], { refused: 'stopping' }],
  ['of a removed session', [...offering, stopAsked('removed'), exited(), stopped, removed], { refused: 'removed' }],
])('a mode %s is refused', (_, events, expected) =>
  given(...events)
    .when({ type: 'choose', what: 'mode', value: 'yolo' })
    .gives(expected),
)

test('"stop it" to a question about an agent that does not get ready stops it', () => {
  given(created, queued(), starting(), started(), asked(waitOrStop), asked(secretQuestion))
    .when({ type: 'answer', requestId: waitOrStop.id, answer: { kind: 'option', optionId: 'stop' } })
    .gives([
      { type: 'answered', requestId: waitOrStop.id, answer: { kind: 'option', optionId: 'stop' } },
      stopAsked(),
      closed(secretQuestion.id, 'cancelled'),
      { type: 'prompt-withdrawn', promptId: 'p1' },
    ])
  given(created, starting(), started(), asked(waitOrStop))
    .when({ type: 'answer', requestId: waitOrStop.id, answer: { kind: 'option', optionId: 'wait' } })
    .gives([{ type: 'answered', requestId: waitOrStop.id, answer: { kind: 'option', optionId: 'wait' } }])
})

test("an agent's own option that is called stop stops nothing", () => {
  const ask = { ...permission, options: [{ id: 'stop', label: 'Stop', kind: 'reject' as const }] }
  given(...working, asked(ask))
    .when({ type: 'answer', requestId: ask.id, answer: { kind: 'option', optionId: 'stop' } })
    .gives([{ type: 'answered', requestId: ask.id, answer: { kind: 'option', optionId: 'stop' } }])
})

// Interrupting

test('an interrupt cancels the turn and its questions, but not those of Offstage', () =>
  given(...waiting, asked(waitOrStop))
    .when({ type: 'interrupt' })
    .gives([{ type: 'interrupted', run: 1, turn: 1 }, closed(permission.id, 'cancelled')]))

test('a second interrupt of the same turn says nothing new', () =>
  given(...working, { type: 'interrupted', run: 1, turn: 1 })
    .when({ type: 'interrupt' })
    .gives([]))

test('a question asked after the interrupt is cancelled at once', () =>
  given(...working, { type: 'interrupted', run: 1, turn: 1 })
    .when({ report: { type: 'asks', ask: permission } })
    .gives([asked(), closed(permission.id, 'cancelled')]))

test('a program in a terminal can be interrupted at any time', () =>
  given(...terminalLive)
    .when({ type: 'interrupt' })
    .gives([{ type: 'interrupted', run: 1, turn: 0 }]))

test.each([
  ['an idle agent', idle, 'nothing-to-interrupt'],
  ['an agent that starts', [created, queued(), starting()], 'nothing-to-interrupt'],
  ['an agent that left', [...completed, exited()], 'nothing-to-interrupt'],
  ['a terminal that ended', [...terminalLive, exited()], 'nothing-to-interrupt'],
  ['a session that is being stopped', [...working, stopAsked()], 'stopping'],
  ['a removed session', [...halted, removed], 'removed'],
] as const)('an interrupt of %s is refused', (_, events, refused) =>
  given(...events)
    .when({ type: 'interrupt' })
    .gives({ refused }),
)

// Stopping, ending, removing

const swept: Report = { type: 'swept', ended: 1 }

test('a stop is asked for first, cancels questions, withdraws prompts, and is proven later', () => {
  given(...waiting, queued('p2'))
    .when({ type: 'stop' })
    .gives([stopAsked(), closed(permission.id, 'cancelled'), { type: 'prompt-withdrawn', promptId: 'p2' }])
  given(...working, stopAsked())
    .when({ report: swept })
    .gives([stopped])
})

test('no turn starts in a stop, whatever is in the queue', () => {
  expect(settle(folded([...idle, queued()]))).toEqual([turnStarted()])
  expect(settle(folded([...idle, queued(), stopAsked()]))).toEqual([])
})

test('a stop while the run is being started is carried through', () => {
  given(created, queued(), starting())
    .when({ type: 'stop' })
    .gives([stopAsked(), { type: 'prompt-withdrawn', promptId: 'p1' }])
  // The program comes up nevertheless, gets ready, is ended.
  given(created, starting(), stopAsked()).when({ report: starts }).gives([started()])
  given(created, starting(), stopAsked(), started(), agentReady()).when({ report: swept }).gives([stopped])
  given(created, starting(), stopAsked())
    .when({ report: { type: 'not-started', why: 'no such program' } })
    .gives([{ type: 'run-not-started', run: 1, why: 'no such program' }])
})

test('whatever is asked during a stop is cancelled at once', () => {
  for (const ask of [permission, waitOrStop])
    given(...working, stopAsked())
      .when({ report: { type: 'asks', ask } })
      .gives([asked(ask), closed(ask.id, 'cancelled')])
})

test('a run that ends or is lost in a stop is recorded, and the stop is proven still', () => {
  given(...working, stopAsked())
    .when({ report: ends })
    .gives([exited()])
  given(...working, stopAsked(), lost())
    .when({ report: swept })
    .gives([stopped])
})

test('a stop of what is stopped, or is being stopped or removed, says nothing new', () => {
  given(...halted)
    .when({ type: 'stop' })
    .gives([])
  for (const then of ['stopped', 'archived', 'removed'] as const)
    given(...working, stopAsked(then))
      .when({ type: 'stop' })
      .gives([])
})

test('a stop of a session whose agent left sweeps what it may have left behind', () =>
  given(...completed, exited())
    .when({ type: 'stop' })
    .gives([stopAsked()]))

test('an end stops and archives', () => {
  given(...working)
    .when({ type: 'end' })
    .gives([stopAsked('archived')])
  given(...working, stopAsked('archived'))
    .when({ report: swept })
    .gives([stopped, { type: 'archived' }])
})

test('an end during a stop adds to it', () =>
  given(...working, stopAsked())
    .when({ type: 'end' })
    .gives([stopAsked('archived')]))

test('an end of what is stopped archives at once, and once', () => {
  given(...halted)
    .when({ type: 'end' })
    .gives([{ type: 'archived' }])
  given(...halted, { type: 'archived' })
    .when({ type: 'end' })
    .gives([])
  given(...working, stopAsked('archived'))
    .when({ type: 'end' })
    .gives([])
  given(...working, stopAsked('removed'))
    .when({ type: 'end' })
    .gives([])
})

test('a removal stops first, and needs no stop where nothing runs', () => {
  given(...working)
    .when({ type: 'remove' })
    .gives([stopAsked('removed')])
  given(...working, stopAsked('removed'))
    .when({ report: swept })
    .gives([stopped, removed])
  given(...completed, exited())
    .when({ type: 'remove' })
    .gives([removed])
  given(...working, stopAsked())
    .when({ type: 'remove' })
    .gives([stopAsked('removed')])
})

test('a second removal says nothing new', () => {
  given(...halted, removed)
    .when({ type: 'remove' })
    .gives([])
  given(...working, stopAsked('removed'))
    .when({ type: 'remove' })
    .gives([])
})

test('a sweep that nobody asked for says nothing', () =>
  given(...working)
    .when({ report: swept })
    .gives([]))

test('what was removed or archived can be restored, and nothing else', () => {
  given(...halted, removed)
    .when({ type: 'restore' })
    .gives([{ type: 'restored' }])
  given(...halted, { type: 'archived' })
    .when({ type: 'restore' })
    .gives([{ type: 'restored' }])
  given(...idle)
    .when({ type: 'restore' })
    .gives({ refused: 'not-removed' })
  given(...working, stopAsked('removed'))
    .when({ type: 'restore' })
    .gives({ refused: 'stopping' })
})

// Resuming

test('a session that has no run is resumed with the session of its agent', () => {
  for (const events of [halted, [...completed, exited()], [...working, lost()], [...working, exited(1)], [...halted, { type: 'archived' } as Event]])
    given(...events)
      .when({ type: 'resume' })
      .gives([runStarting(2, 'resume')])
})

test('an agent that cannot resume starts anew', () =>
  given(created, starting(), started(), agentReady(1, false), exited())
    .when({ type: 'resume' })
    .gives([runStarting(2, 'resume', {})]))

test('a session that waits for an environment goes on with the one that comes with a resume', () =>
  given(created, queued(), starting(), missing)
    .when({ type: 'resume' }, ['API_KEY', 'PATH'])
    .gives([runStarting(2, 'resume', {}, ['API_KEY', 'PATH'])]))

const played = (...events: readonly Event[]): Play => {
  const one = new Play()
  for (const event of events) one.append(event)
  return one
}

describe('a run whose environment died with the daemon', () => {
  const play = (): Play => {
    const one = played(created, queued(), starting())
    one.submit(one.report({ type: 'environment-missing' }))
    return one
  }

  test('is asked about, so that it is listed and can be answered', () => {
    const one = play()
    expect(one.session?.requests.map(({ kind, about, options }) => [kind, about, options.map(({ id }) => id)])).toEqual([['error', 'environment', ['retry', 'stop']]])
    expect(one.session && statusOf(one.session)).toMatchObject({ status: 'waiting', reason: `error: needs an environment: offstage resume ${sessionId} gives it one` })
  })

  test.each<[string, (requestId: string) => Command]>([
    ['an answer that brings one', (requestId) => ({ type: 'answer', requestId, answer: { kind: 'option', optionId: 'retry' } })],
    ['a resume', () => ({ type: 'resume' })],
    ['a prompt', () => ({ type: 'prompt', text: 'more' })],
  ])('goes on with %s, and asks no more', (_, command) => {
    const one = play()
    const { decided } = one.submit(one.command(command(one.session?.requests[0]?.id ?? ''), ['API_KEY', 'PATH']))
    expect(decided).toContainEqual(expect.objectContaining({ type: 'run-starting', run: 2, environmentNames: ['API_KEY', 'PATH'] }))
    expect([one.session?.requests, one.session?.environmentMissing]).toEqual([[], false])
  })

  test('is stopped by the answer that says so', () => {
    const one = play()
    one.submit(one.command({ type: 'answer', requestId: one.session?.requests[0]?.id ?? '', answer: { kind: 'option', optionId: 'stop' } }))
    expect([one.session?.stopping, one.session?.requests]).toEqual(['stopped', []])
  })

  test('asks nothing while it is being stopped', () => {
    const one = played(created, starting(), stopAsked())
    one.submit(one.report({ type: 'environment-missing' }))
    expect(one.session?.requests).toEqual([])
  })
})

test('a resume supersedes what was lost', () =>
  given(...waiting, lost())
    .when({ type: 'resume' })
    .gives([closed(permission.id, 'superseded'), runStarting(2, 'resume')]))

test('a resume with an answer puts question and answer into a prompt; other lost questions are superseded', () =>
  given(...waiting, asked(question), asked({ ...permission, id: 'reqperm2' }), lost())
    .when({ type: 'resume', answer: { requestId: question.id, answer: { kind: 'form', fields: { tone: 'formal' } } } })
    .gives([
      closed(question.id, 'answered-in-prompt'),
      closed(permission.id, 'superseded'),
      closed('reqperm2', 'superseded'),
      queued('cmd', 'Before you were restarted you asked:\n\n> Which tone?\n> It is for the greeting.\n> Both work.\n\nMy answer: formal\n\nPlease go on from there.'),
      runStarting(2, 'resume'),
    ]))

test.each([
  ['a live session', idle, undefined, 'already-running'],
  ['a session that starts', [created, starting()], undefined, 'already-running'],
  ['a removed session', [...halted, removed], undefined, 'removed'],
  ['a session that is being stopped', [...working, stopAsked()], undefined, 'stopping'],
  ['a session with an answer to what it never asked', [...waiting, lost()], { requestId: 'reqnever', answer: { kind: 'decline' } }, 'not-asked'],
  ['a session with an answer that is no choice', [...waiting, lost()], { requestId: permission.id, answer: { kind: 'option', optionId: 'maybe' } }, 'no-such-option'],
  [
    'a session with a secret',
    [...working, asked(secretQuestion), lost()],
    { requestId: secretQuestion.id, answer: { kind: 'form', fields: { user: 'me', token: 'hunter2' } } },
    'not-supported',
  ],
] as const)('a resume of %s is refused', (_, events, answer, refused) =>
  given(...events)
    .when({ type: 'resume', ...(answer ? { answer } : {}) })
    .gives({ refused }),
)

// Reports

test.each([
  ['an older run', [...halted, starting(2), started(2)], 1],
  ['a run to come', idle, 2],
])('every report of %s is refused', (_, events, run) => {
  for (const report of [starts, ends, swept, ready, { type: 'lost', cause: 'x' }, { type: 'note', text: 'x' }, { type: 'asks', ask: permission }] as const)
    given(...events)
      .when({ report, run })
      .gives({ refused: 'stale-run' })
})

test.each<[Report, readonly Event[]]>([
  [starts, idle],
  [{ type: 'not-started', why: 'x' }, idle],
  [{ type: 'environment-missing' }, idle],
  [ends, [...completed, exited()]],
  [{ type: 'lost', cause: 'x' }, [...completed, exited()]],
  [{ type: 'failed', why: 'x' }, [...completed, exited()]],
  [{ type: 'entry', entryId: '1.9', entry: { kind: 'message', text: 'late' } }, [...completed, exited()]],
  [{ type: 'asks', ask: permission }, [...working, lost()]],
  [{ type: 'turn-ended', promptId: 'p1', stopReason: 'end_turn' }, [...working, lost()]],
  [{ type: 'turn-ended', promptId: 'p9', stopReason: 'end_turn' }, working],
  [{ type: 'turn-ended', promptId: 'p1', stopReason: 'end_turn' }, completed],
  [ready, [created, starting()]],
])('a report that comes when it cannot be is refused: %o', (report, events) =>
  given(...events)
    .when({ report })
    .gives({ refused: 'stale-run' }),
)

test('a note is taken also when the run is over', () =>
  given(...completed, exited())
    .when({ report: { type: 'note', text: 'odd line' } })
    .gives([{ type: 'noted', run: 1, text: 'odd line' }]))

test('what was asked on the way to ready is settled by being ready, once', () => {
  given(created, starting(), started(), asked(waitOrStop))
    .when({ report: ready })
    .gives([closed(waitOrStop.id, 'withdrawn'), agentReady()])
  given(...waiting)
    .when({ report: ready })
    .gives([])
})

test('the end of a turn takes its open questions with it', () =>
  given(...waiting)
    .when({ report: { type: 'turn-ended', promptId: 'p1', stopReason: 'cancelled' } })
    .gives([closed(permission.id, 'withdrawn'), { type: 'turn-ended', run: 1, turn: 1, stopReason: 'cancelled' }]))

test('a question is asked once, whatever became of it', () => {
  const again: Report = { type: 'asks', ask: permission }
  given(...waiting)
    .when({ report: again })
    .gives([])
  given(...waiting, answeredYes)
    .when({ report: again })
    .gives([])
})

test('only an open question is withdrawn', () => {
  given(...waiting)
    .when({ report: { type: 'withdraws', requestId: permission.id } })
    .gives([closed(permission.id, 'withdrawn')])
  given(...waiting, answeredYes)
    .when({ report: { type: 'withdraws', requestId: permission.id } })
    .gives([])
})

test('a run that cannot be used ends with its reason', () =>
  given(created, starting(), started())
    .when({ report: { type: 'failed', why: 'this is no agent' } })
    .gives([{ type: 'run-failed', run: 1, why: 'this is no agent' }]))

// The rest

test('a label is set and taken away', () => {
  given(...idle)
    .when({ type: 'label', label: 'backend' })
    .gives([{ type: 'labelled', label: 'backend' }])
  given(...idle)
    .when({ type: 'label', label: '' })
    .gives([{ type: 'labelled', label: null }])
})

test('a session is pinned once, and taken down again', () => {
  given(...idle)
    .when({ type: 'pin', pinned: true })
    .gives([{ type: 'pinned', pinned: true }])
  given(...halted, { type: 'pinned', pinned: true })
    .when({ type: 'pin', pinned: true })
    .gives([])
  given(...idle, { type: 'pinned', pinned: true })
    .when({ type: 'pin', pinned: false })
    .gives([{ type: 'pinned', pinned: false }])
})

test('what was shown only grows, and not beyond what there is', () => {
  given(...waiting)
    .when({ type: 'show', entries: 1 })
    .gives([{ type: 'shown', entries: 1 }])
  given(...waiting)
    .when({ type: 'show', entries: 99 })
    .gives([{ type: 'shown', entries: 2 }])
  given(...waiting, { type: 'shown', entries: 2 })
    .when({ type: 'show', entries: 1 })
    .gives([])
  // How many lines a live terminal has is not in the facts.
  given(...terminalLive)
    .when({ type: 'show', entries: 99 })
    .gives([{ type: 'shown', entries: 99 }])
})

test('a fact is by the user only if a command made it', () => {
  const play = new Play()
  expect(authorOf(play.command({ type: 'stop' }))).toBe('user')
  expect(authorOf(play.report(ready, 1))).toBe('agent')
  expect(authorOf(play.report({ type: 'asks', ask: permission }, 1))).toBe('agent')
  expect(authorOf(play.report({ type: 'asks', ask: waitOrStop }, 1))).toBe('offstage')
  expect(authorOf(play.report(swept, 1))).toBe('offstage')
})

test('orders carry the sequence number of their fact, and nothing is told to a process that is gone', () => {
  const play = new Play()
  for (const event of [...waiting, answeredYes]) play.append(event)
  expect(play.effects).toEqual([
    { type: 'start-run', run: 1 },
    { type: 'order', run: 1, seq: 6, order: { type: 'prompt', promptId: 'p1', text: 'tidy up' } },
    { type: 'order', run: 1, seq: 8, order: { type: 'answer', requestId: permission.id, answer: { kind: 'option', optionId: 'yes' }, secret: false } },
  ])
  const stoppedLate = new Play()
  for (const event of [...waiting, lost(), stopAsked(), closed(permission.id, 'cancelled')]) stoppedLate.append(event)
  expect(stoppedLate.effects.slice(2)).toEqual([
    { type: 'release-run', run: 1 },
    { type: 'stop-run', run: 1 },
  ])
})

test('lines of a terminal are counted by run', () => {
  const session = folded([...terminalLive, { type: 'shown', entries: 40 }, { type: 'run-exited', run: 1, exit: { code: 0 }, outEnd: 1, errEnd: 0, lines: 50 }, starting(2)])
  expect({ entries: session.entries, shown: session.shown }).toEqual({ entries: 0, shown: 0 })
})

test('a fact of a case that only a newer version knows changes nothing but the count', () => {
  const before = folded(waiting)
  const after = folded([...waiting, { type: 'dreamt', of: 'sheep' } as unknown as Event])
  expect(after).toEqual({ ...before, seq: before.seq + 1, updatedAtMs: after.updatedAtMs })
  const unknownEntry = folded([...working, { type: 'entry-written', run: 1, entryId: '1.1', entry: { kind: 'drawing' } } as unknown as Event])
  expect(unknownEntry.entries).toBe(2)
  expect(folded([...working, { ...turnEnded(), stopReason: 'bored' } as unknown as Event]).outcome).toEqual({ kind: 'done', summary: 'the turn ended (bored)' })
})

test('an agent that is lost again and again is started three times by policy, each time a while later, and then no more', () => {
  const ofAuto: Event = { type: 'created', spec: { ...agentSpec, resume: 'auto' }, title: 'Tidy up' }
  const lostRun = (run: number): readonly Event[] => [started(run), { type: 'run-lost', run, cause: 'its keeper ended' }]
  const begun: readonly Event[] = [ofAuto, starting(), started(), agentReady(), queued(), turnStarted(), { type: 'run-lost', run: 1, cause: 'its keeper ended' }]
  const byPolicy = (run: number): Event => ({ type: 'run-starting', run, because: 'policy', resumes: 'ref-1', environmentNames: [] })
  const after = (times: number): readonly Event[] => [...begun, ...[2, 3, 4].slice(0, times).flatMap((run) => [byPolicy(run), ...lostRun(run)])]
  expect([0, 1, 2, 3].map((times) => restartDelayMs(folded(after(times))))).toEqual([1000, 5000, 25_000, undefined])
  // Whoever asks for it begins anew.
  expect(restartDelayMs(folded([...after(3), runStarting(5, 'resume'), ...lostRun(5)]))).toBe(1000)
})

test('an agent that could not even be started, or is no use, is not started again by policy', () => {
  const ofAuto: Event = { type: 'created', spec: { ...agentSpec, resume: 'auto' }, title: 'Tidy up' }
  const died: readonly Event[] = [ofAuto, starting(), started(), agentReady(), queued(), turnStarted(), exited(1)]
  const byPolicy: Event = { type: 'run-starting', run: 2, because: 'policy', resumes: 'ref-1', environmentNames: [] }
  expect(restartDelayMs(folded(died))).toBe(1000)
  for (const over of [
    [{ type: 'run-not-started', run: 2, why: 'its directory is gone' }],
    [started(2), { type: 'run-failed', run: 2, why: 'it speaks another protocol' }],
  ] as const)
    expect(restartDelayMs(folded([...died, byPolicy, ...over]))).toBeUndefined()
})

// Whatever comes in, in whatever order: what always holds of a session. A tiny engine plays random inputs; after each one everything is checked that must hold then.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isRefusal } from '../../src/core/errors.ts'
import type { AgentOffer, Entry, Envelope, Event, ResumePolicy } from '../../src/core/events.ts'
import type { Command, Input, Report } from '../../src/core/inputs.ts'
import { choicesOf } from '../../src/core/offer.ts'
import { type Effect, recover } from '../../src/core/react.ts'
import { type Answer, type Ask, type Request, checkAnswer } from '../../src/core/requests.ts'
import { type Session, evolve, fold } from '../../src/core/session.ts'
import { type Claim, type Signal, newsOf, stateSources } from '../../src/core/signal.ts'
import { statusOf, statuses } from '../../src/core/status.ts'
import { counts, transcriptOf } from '../../src/core/transcript.ts'
import { viewOf } from '../../src/core/view.ts'
import { Play, agentSpec, logIn, permission, question, ready, secretQuestion, terminalSpec } from './play.ts'

/** What a step wants to do; ids in it are numbers that are resolved against what the session has when it is played. */
type Step =
  | { readonly do: 'command'; readonly command: Command; readonly environment: boolean }
  | { readonly do: 'answer' | 'resume-answering' | 'withdraw' | 'undelivered'; readonly nth: number; readonly how: number }
  | { readonly do: 'entry'; readonly again: boolean; readonly what: number }
  | { readonly do: 'take-back'; readonly nth: number }
  | { readonly do: 'ask'; readonly nth: number; readonly template: number }
  | { readonly do: 'report'; readonly report: Report }
  /** Some earlier report once more: now, or as if it came from its own run. */
  | { readonly do: 'repeat'; readonly nth: number; readonly ofItsRun: boolean }
  /** What an orderly engine and agent would say next. */
  | { readonly do: 'go-on' }

const errorAsk: Ask = {
  id: '',
  kind: 'error',
  title: 'the agent does not answer',
  options: [
    { id: 'wait', label: 'go on waiting', kind: 'other' },
    { id: 'stop', label: 'stop it', kind: 'reject' },
  ],
}
const templates: readonly Ask[] = [permission, question, secretQuestion, errorAsk, logIn, logIn]

const offer: AgentOffer = {
  modes: [
    { id: 'ask', name: 'Ask' },
    { id: 'code', name: 'Code' },
  ],
  currentMode: 'ask',
  options: [
    {
      id: 'effort',
      name: 'Effort',
      current: 'low',
      choices: [
        { id: 'low', name: 'Low' },
        { id: 'high', name: 'High' },
      ],
    },
  ],
}

const text = fc.constantFrom('do it', 'and this', ' ', 'ünï\u2028code')
const identity = fc.record({ pid: fc.integer({ min: 1, max: 9 }), start: fc.integer({ min: 0, max: 9 }) })
const exit = fc.oneof(fc.record({ code: fc.constantFrom(0, 1) }), fc.record({ signal: fc.constant('SIGKILL') }))

const commandStep: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('command'),
  environment: fc.boolean(),
  command: fc.oneof(
    { weight: 6, arbitrary: fc.record({ type: fc.constant('prompt'), text }) },
    { weight: 2, arbitrary: fc.constant({ type: 'interrupt' } as const) },
    { weight: 2, arbitrary: fc.constantFrom({ type: 'stop' } as const, { type: 'end' } as const, { type: 'remove' } as const) },
    { weight: 2, arbitrary: fc.constant({ type: 'resume' } as const) },
    { weight: 1, arbitrary: fc.constant({ type: 'restore' } as const) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('label'), label: fc.constantFrom('', 'backend') }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('pin'), pinned: fc.boolean() }) },
    {
      weight: 2,
      arbitrary: fc.record({ type: fc.constant('choose'), what: fc.constantFrom('mode', 'model', 'effort', 'never'), value: fc.constantFrom('ask', 'code', 'high', 'none') }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('withdraw'), promptId: fc.constantFrom('cmd00001', 'never') }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('show'), entries: fc.nat(12) }) },
    { weight: 1, arbitrary: fc.constant({ type: 'create', spec: agentSpec, title: 'again' } as const) },
  ),
})

/** What the driver of a terminal might make of what a program says: never an empty word, no undefined field. */
const offset = fc.nat(99)
const signal: fc.Arbitrary<Signal> = fc
  .record({
    states: fc.array(fc.option(fc.constantFrom<Claim['state']>('idle', 'working', 'blocked', 'done', 'error')), { minLength: 3, maxLength: 3 }),
    more: fc.constantFrom<Partial<Claim>>({}, { message: 'says what' }, { progress: 50 }, { kind: 'permission', message: ' ' }),
    parts: fc.constantFrom<Pick<Signal, 'parts'>>({}, { parts: [{ id: 'a', state: 'blocked', atOffset: 5 }] }, { parts: [{ id: 'a/b', state: 'done', atOffset: 6 }] }),
    title: fc.constantFrom<Pick<Signal, 'title'>>({}, { title: 'a title' }),
    notice: fc.option(fc.record({ text: fc.constantFrom('look', 'here'), atOffset: offset })),
    bell: fc.option(offset),
    worked: fc.boolean(),
    atOffset: offset,
  })
  .map(({ states, more, parts, title, notice, bell, worked, atOffset }) => ({
    claims: stateSources.flatMap((source, nth) => (states[nth] ? [{ source, state: states[nth], ...more, atOffset }] : [])),
    ...parts,
    ...title,
    ...(notice ? { notice: { source: 'OSC 9' as const, ...notice } } : {}),
    ...(bell === null ? {} : { bell: { atOffset: bell } }),
    ...(worked ? { worked: true as const } : {}),
  }))

const reportStep: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('report'),
  report: fc.oneof(
    fc.record({ type: fc.constant('started'), keeper: identity, child: identity }),
    fc.record({ type: fc.constant('not-started'), why: fc.constantFrom('', 'no such program') }),
    fc.record({ type: fc.constant('failed'), why: fc.constantFrom('', 'not an agent') }),
    fc.constant({ type: 'environment-missing' } as const),
    fc.record({
      type: fc.constant('ready'),
      agentRef: fc.constantFrom('ref-1', 'ref-2'),
      how: fc.constant('new'),
      canResume: fc.boolean(),
      offer: fc.constantFrom({ currentMode: 'ask' }, offer),
    }),
    fc.record({ type: fc.constant('offers'), offer: fc.constantFrom({}, { currentMode: 'code' }, { currentMode: undefined } as object) }),
    fc.record({
      type: fc.constant('turn-ended'),
      promptId: fc.constantFrom('cmd00001', 'cmd00002', 'cmd00003'),
      stopReason: fc.constantFrom('end_turn', 'max_tokens', 'refusal', 'cancelled', 'error'),
      message: fc.constantFrom(undefined, '', 'it broke'),
    }),
    fc.record({ type: fc.constant('usage'), usage: fc.record({ inputTokens: fc.nat(9), outputTokens: fc.nat(9), costUsd: fc.constantFrom(null, 0.5) }) }),
    fc.record({
      type: fc.constant('exited'),
      exit,
      outEnd: fc.nat(99),
      errEnd: fc.nat(99),
      lines: fc.constantFrom(undefined),
      lastWords: fc.constantFrom(undefined, '  \n', 'Segmentation fault'),
    }),
    fc.record({ type: fc.constant('lost'), cause: fc.constant('its keeper ended') }),
    fc.record({ type: fc.constant('swept'), ended: fc.nat(3) }),
    fc.record({ type: fc.constant('note'), text: fc.constant('odd line') }),
    fc.record({ type: fc.constant('deferred'), why: fc.constant('no room') }),
    fc.record({ type: fc.constant('held'), why: fc.constantFrom('the disk is full', 'too much output') }),
    fc.record({ type: fc.constant('silent'), forMs: fc.nat(9) }),
    { weight: 2, arbitrary: fc.record({ type: fc.constant('paused'), untilMs: fc.constantFrom(null, 0, 8.64e15), why: fc.constantFrom('', 'rate limit') }) },
    { weight: 2, arbitrary: fc.constant({ type: 'continued' } as const) },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('signals'), signal }) },
    fc.constantFrom<Report>({ type: 'may-start' }, { type: 'idle' }, { type: 'drop-output' }, { type: 'released' }, { type: 'spoke' }),
  ),
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.constant({ do: 'go-on' } as const) },
  { weight: 7, arbitrary: commandStep },
  { weight: 4, arbitrary: reportStep },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ask'), nth: fc.nat(9), template: fc.nat(5) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('answer', 'answer', 'resume-answering', 'withdraw', 'undelivered'), nth: fc.nat(9), how: fc.nat(5) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('entry'), again: fc.boolean(), what: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('take-back'), nth: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat'), nth: fc.nat(30), ofItsRun: fc.boolean() }) },
)

const scenario = fc.record({
  terminal: fc.boolean(),
  prompt: fc.boolean(),
  resume: fc.constantFrom(undefined, 'ask', 'auto', 'never'),
  steps: fc.array(step, { maxLength: 60, size: 'max' }),
})
type Scenario = { readonly terminal: boolean; readonly prompt: boolean; readonly resume: ResumePolicy | undefined; readonly steps: readonly Step[] }

const formAnswers: readonly Answer[] = [
  { kind: 'option', optionId: 'yes' },
  { kind: 'option', optionId: 'stop', note: 'never mind' },
  { kind: 'option', optionId: 'no', note: 'not that file' },
  { kind: 'option', optionId: 'no', note: ' ' },
  { kind: 'option', optionId: 'again' },
  { kind: 'option', optionId: 'again', note: 'please' },
  { kind: 'option', optionId: 'key' },
  { kind: 'option', optionId: 'leave' },
  { kind: 'form', fields: { tone: 'formal' } },
  { kind: 'form', fields: { user: 'me', token: 'hunter2' } },
  { kind: 'decline' },
]

/** Of which kind an entry is never changes. */
const entryOf = (number: number, what: number): Entry => {
  const title = `call ${what % 2}`
  const status = (['running', 'failed', 'completed'] as const)[what % 3] ?? 'pending'
  switch (number % 4) {
    case 0:
      return { kind: 'plan', steps: (['completed', 'pending', 'completed'] as const).slice(0, what % 4).map((state) => ({ text: state, status: state })) }
    case 1:
      return { kind: 'message', text: `said ${number}` }
    case 2:
      return { kind: 'tool', title, toolKind: 'execute', status }
    default:
      return { kind: 'tool', title, toolKind: 'execute', status, changes: [{ path: `/w/${number % 3}`, added: what, removed: 1 }] }
  }
}

const answerTo = (request: Request | undefined, how: number): Answer => {
  const fitting = request ? formAnswers.filter((answer) => !checkAnswer(request, answer)) : []
  return (how === 0 ? { kind: 'form', fields: { tone: 'formal' } } : fitting[how % Math.max(1, fitting.length)]) ?? { kind: 'decline' }
}

/** Plays steps against a session, and knows what an orderly world would say next. */
class World {
  readonly play = new Play()
  readonly #told: { readonly run: number; readonly report: Report }[] = []
  readonly #entries = new Map<number, number>()
  readonly #askedIds: string[] = []

  get session(): Session | undefined {
    return this.play.session
  }

  create({ terminal, prompt, resume }: Scenario): Input {
    const spec = { ...(terminal ? terminalSpec : agentSpec), ...(resume ? { resume } : {}) }
    return this.play.command({ type: 'create', spec, title: 'a session', ...(prompt && !terminal ? { prompt: 'begin' } : {}) })
  }

  input(one: Step): Input | undefined {
    const input = this.#input(one)
    if (input?.kind === 'report') this.#told.push(input)
    return input
  }

  #input(one: Step): Input | undefined {
    const { play, session } = this
    const run = session?.runs ?? 0
    switch (one.do) {
      case 'command':
        return play.command(one.command, one.environment ? ['PATH', 'API_KEY'] : [])
      case 'report':
        return play.report(one.report)
      case 'repeat': {
        const told = this.#told[one.nth % Math.max(1, this.#told.length)]
        // An entry of an older run has another number: only its own run can say it again.
        if (!told || (told.report.type === 'entry' && told.run !== run)) return undefined
        return play.report(told.report, one.ofItsRun ? told.run : run)
      }
      case 'entry': {
        // As drivers do it: numbers grow within a run, and only the newest entry is written again.
        const last = this.#entries.get(run) ?? 0
        const number = one.again && last > 0 ? last : last + 1
        const report: Report = { type: 'entry', entryId: `${run}.${number}`, entry: entryOf(number, one.what) }
        const process = session?.process.kind
        if (process === 'live' || process === 'starting') this.#entries.set(run, number)
        return play.report(report)
      }
      case 'take-back': {
        const queue = session?.queue ?? []
        return play.command({ type: 'withdraw', promptId: queue[one.nth % Math.max(1, queue.length)]?.promptId ?? 'never' })
      }
      case 'ask': {
        const template = templates[one.template] ?? permission
        const id = one.nth < 3 ? (this.#askedIds[one.nth] ?? `req${String(this.#askedIds.length).padStart(5, '0')}`) : `req${String(this.#askedIds.length).padStart(5, '0')}`
        this.#askedIds.push(id)
        return play.report({ type: 'asks', ask: { ...template, id } })
      }
      case 'withdraw':
      case 'undelivered': {
        const secret = session?.secretlyAnswered[0]?.id
        const requestId = (one.nth > 4 ? secret : undefined) ?? this.#askedIds[one.nth % Math.max(1, this.#askedIds.length)] ?? 'never'
        return play.report(one.do === 'withdraw' ? { type: 'withdraws', requestId } : { type: 'answer-undelivered', requestId })
      }
      case 'answer':
      case 'resume-answering': {
        const open = session?.requests ?? []
        const request = open[one.nth % Math.max(1, open.length)]
        // Now and then one that is over already.
        const requestId = one.nth > 7 ? this.#askedIds[0] : request?.id
        const answer = { requestId: requestId ?? 'never', answer: answerTo(request, one.how) }
        return play.command(one.do === 'answer' ? { type: 'answer', ...answer } : { type: 'resume', answer })
      }
      case 'go-on': {
        const next = session && orderly(session)
        return next && play.report(next)
      }
    }
  }
}

function orderly(session: Session): Report | undefined {
  const { process, turn } = session
  if (process.kind === 'starting') return { type: 'started', keeper: { pid: 1, start: 1 }, child: { pid: 2, start: 2 } }
  if (session.stopping && process.kind === 'live') return { type: 'exited', exit: { signal: 'SIGTERM' }, outEnd: 1, errEnd: 1 }
  if (session.stopping) return { type: 'swept', ended: 1 }
  if (process.kind !== 'live') return undefined
  if (!process.ready) return { ...ready, offer }
  if (turn.kind === 'working') return { type: 'turn-ended', promptId: turn.promptId, stopReason: turn.interrupted ? 'cancelled' : 'end_turn' }
  return undefined
}

/** Plays a scenario; `check` is called after each input with what came of it. */
function playAll(scenario: Scenario, check: (seen: { input: Input; before: Session | undefined; decided: readonly Event[] | 'refused'; world: World }) => void): World {
  const world = new World()
  const give = (input: Input | undefined): void => {
    if (!input) return
    const before = world.session
    const { decided } = world.play.submit(input)
    check({ input, before, decided: isRefusal(decided) ? 'refused' : decided, world })
  }
  give(world.create(scenario))
  for (const one of scenario.steps) give(world.input(one))
  return world
}

// The long version: npm run soak.
const runs = { numRuns: process.env['SOAK'] === undefined ? 600 : 50_000 }

const always = (check: Parameters<typeof playAll>[1]): void =>
  fc.assert(
    fc.property(scenario, (one) => void playAll(one, check)),
    runs,
  )
const inTheEnd = (check: (world: World, session: Session) => void): void =>
  fc.assert(
    fc.property(scenario, (one) => {
      const world = playAll(one, () => {})
      if (!world.session) throw new Error('nothing was created')
      check(world, world.session)
    }),
    runs,
  )

const isLive = (session: Session): boolean => session.process.kind === 'live' || session.process.kind === 'starting'

test('replaying the log gives the live state, from any point of it', () => {
  inTheEnd(({ play }, session) => {
    expect(fold(play.log)).toStrictEqual(session)
    const middle = Math.ceil(play.log.length / 2)
    // As a log keeps it.
    const half = JSON.parse(JSON.stringify(fold(play.log.slice(0, middle)))) as Session
    expect(fold(play.log.slice(middle), half)).toEqual(session)
    expect(session.seq).toBe(play.log.length)
  })
})

test('the status of every state has a known name, a reason and evidence, and a view survives JSON', () => {
  always(({ world }) => {
    if (!world.session) return
    const { status, reason, evidence } = statusOf(world.session)
    expect(statuses).toContain(status)
    expect(reason.trim()).not.toBe('')
    expect(evidence.length).toBeGreaterThan(0)
    const view = viewOf(world.session, 10_000_000, { entries: world.session.entries })
    expect(JSON.parse(JSON.stringify(view))).toStrictEqual(view)
    expect(view.unseen).toBeGreaterThanOrEqual(0)
    expect(view.elapsedMs).toBeGreaterThanOrEqual(0)
    expect(view.status === 'waiting' && view.requests.every((request) => request.lost) ? view.reason : 'asks').toMatch(
      /asks|lost|environment|prompt|^(?:permission|blocked|error|says): ./,
    )
  })
})

test('what a program says of itself is known while it lives, is not recorded twice, and calls for nobody who has looked', () => {
  always(({ input, decided, world: { session } }) => {
    if (session?.signal) expect(isLive(session)).toBe(true)
    if (input.kind === 'report' && input.report.type === 'signals' && decided !== 'refused' && session?.signal) expect(newsOf(session.signal, input.report.signal)).toBe('none')
    if (input.kind === 'command' && input.command.type === 'show' && decided !== 'refused' && session) {
      expect([session.signal?.signal.notice, session.signal?.signal.bell]).toEqual([undefined, undefined])
    }
    if (session?.process.kind === 'live' && session.spec.kind === 'agent') expect(statusOf(session).reason).not.toMatch(/^says: /)
  })
})

test('an open question has a live process to answer, a lost one has none: its own run is over', () => {
  always(({ world: { session } }) => {
    for (const request of session?.requests ?? []) {
      // Offstage asks for the environment of a run that could not begin.
      if (request.about === 'environment') expect([session?.environmentMissing, request.lost]).toEqual([true, false])
      else expect(session && isLive(session) && request.run === session.runs).toBe(!request.lost)
      expect(session && Object.hasOwn(session.closedRequests, request.id)).toBe(false)
    }
    const ids = session?.requests.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids?.length ?? 0)
  })
})

test('a turn is open only in a live agent that was ready, and one at a time', () => {
  inTheEnd(({ play }) => {
    let open: number | undefined
    let turns = 0
    for (const { event } of play.log) {
      switch (event.type) {
        case 'turn-started':
          expect(open).toBeUndefined()
          expect(event.turn).toBe(++turns)
          open = event.turn
          break
        case 'turn-ended':
          expect(event.turn).toBe(open)
          open = undefined
          break
        case 'run-exited':
        case 'run-lost':
        case 'run-failed':
        case 'run-not-started':
        case 'stopped':
          open = undefined
      }
    }
    let session: Session | undefined
    for (const envelope of play.log) {
      session = evolve(session, envelope)
      if (session.turn.kind === 'working') expect(session.process).toMatchObject({ kind: 'live', ready: true })
    }
    expect(session?.turn.kind === 'working' ? session.turn.turn : undefined).toBe(open)
  })
})

const ofType = <K extends Event['type']>(log: readonly Envelope[], type: K): (Envelope & { readonly event: Extract<Event, { type: K }> })[] =>
  log.filter((one): one is Envelope & { readonly event: Extract<Event, { type: K }> } => one.event.type === type)

test('a prompt is given by a person, starts one turn at most, never after it was withdrawn, and reaches its agent exactly once', () => {
  inTheEnd(({ play }) => {
    const { log } = play
    const queued = ofType(log, 'prompt-queued')
    expect(queued.every(({ by, command }) => by === 'user' && command !== undefined)).toBe(true)
    const started = ofType(log, 'turn-started').map(({ event, seq }) => ({ promptId: event.promptId, seq }))
    expect(new Set(started.map(({ promptId }) => promptId)).size).toBe(started.length)
    for (const { promptId, seq } of started) {
      expect(queued.filter(({ event }) => event.promptId === promptId)).toHaveLength(1)
      expect(ofType(log, 'prompt-withdrawn').filter(({ event, seq: at }) => event.promptId === promptId && at < seq)).toEqual([])
    }
    const sent = play.effects.flatMap((effect) => (effect.type === 'order' && effect.order.type === 'prompt' ? [{ ...effect.order, seq: effect.seq }] : []))
    expect(sent).toEqual(started.map(({ promptId, seq }) => ({ type: 'prompt', promptId, text: queued.find(({ event }) => event.promptId === promptId)?.event.text, seq })))
  })
})

test('only a command starts anything, unless it was asked for before: a run that waited for room, an agent that is to come back by policy, a prompt that came while its process was given back', () => {
  always(({ input, before, decided, world }) => {
    const starting = decided === 'refused' ? [] : decided.filter((event) => event.type === 'run-starting' || event.type === 'prompt-queued')
    if (input.kind === 'report') {
      const waited = before?.deferred !== null && input.report.type === 'may-start'
      const byPolicy = before?.spec.resume === 'auto' && before.spec.kind === 'agent' && before.restarts < 3 && input.report.type === 'may-start'
      const givenBack = before?.stopping === 'given-back' && input.report.type === 'swept' && before.queue.length > 0
      if (!waited && !byPolicy && !givenBack) expect(starting).toEqual([])
      expect(starting.filter((event) => event.type === 'prompt-queued')).toEqual([])
    } else if (input.command.type === 'answer') expect(starting.some((event) => event.type === 'run-starting') && !before?.environmentMissing).toBe(false)
    else if (!['create', 'resume', 'prompt'].includes(input.command.type)) expect(starting).toEqual([])
    const numbers = ofType(world.play.log, 'run-starting').map(({ event }) => event.run)
    expect(numbers).toEqual(numbers.map((_, index) => index + 1))
    expect(world.play.effects.filter((effect) => effect.type === 'start-run')).toHaveLength(numbers.length)
  })
})

test('an answer counts once', () => {
  always(({ input, before, decided, world }) => {
    if (input.kind !== 'command' || input.command.type !== 'answer') return
    const { requestId, answer } = input.command
    // A program in a terminal takes no prompt, so there is nobody to be told more.
    const saysMore = before?.spec.kind === 'terminal' && answer.kind === 'option' && (answer.note ?? '').trim() !== ''
    const wasOpen = !saysMore && before?.requests.some((request) => request.id === requestId && !request.lost && !checkAnswer(request, answer))
    expect(decided !== 'refused').toBe(wasOpen ?? false)
    // The same again, at once.
    const second = world.play.submit(world.play.command(input.command))
    if (decided !== 'refused') expect(second.decided).toMatchObject({ refused: 'not-asked' })
  })
})

test('a turn stands still only while it is open, is not silent then, and says so', () => {
  always(({ world: { session } }) => {
    if (!session?.paused) return
    expect([session.turn.kind, session.silent]).toEqual(['working', false])
    const open = session.requests.some(({ lost }) => !lost)
    if (session.spec.kind === 'agent' && !open && !session.stopping && session.held === null && session.turn.kind === 'working' && !session.turn.interrupted)
      expect(statusOf(session).status).toBe('paused')
    expect(viewOf(session, 1).paused !== null).toBe(statusOf(session).status === 'paused')
  })
})

test('no turn begins while it is asked whether a prompt is to be sent again, or while its agent logs in; that outlives its turn and nothing else', () => {
  inTheEnd(({ play: { log } }) => {
    let session: Session | undefined
    for (const envelope of log) {
      if (envelope.event.type === 'turn-started') {
        expect(session?.requests.filter(({ lost, options }) => !lost && options.some(({ again }) => again))).toEqual([])
        expect(session?.loggingIn).toBe(false)
      }
      session = evolve(session, envelope)
      if (session.loggingIn) expect(session.process).toMatchObject({ kind: 'live', ready: true })
      if (envelope.event.type === 'turn-ended') for (const { lost, options } of session.requests) expect(lost || options.some(({ again }) => again)).toBe(true)
    }
  })
})

test('what a person sends again is what the turn before was told, with what is said besides, and goes before what waits', () => {
  always(({ input, before, decided, world: { session } }) => {
    if (input.kind !== 'command' || input.command.type !== 'answer' || decided === 'refused') return
    const queued = decided.find((event) => event.type === 'prompt-queued')
    if (!queued?.again) return
    const note = (input.command.answer.kind === 'option' && input.command.answer.note) || ''
    expect(queued).toEqual({ type: 'prompt-queued', promptId: input.id, text: [before?.prompt?.text, note].filter(Boolean).join('\n\n'), again: true })
    expect(session?.turn.kind === 'working' ? [session.turn.promptId, input.id] : [session?.queue[0]?.promptId]).toContain(input.id)
  })
})

test('an agent is told that it is about to be ended when it rests, and each time once', () => {
  inTheEnd(({ play: { log, effects } }) => {
    const told = effects.flatMap((effect) => (effect.type === 'order' && effect.order.type === 'close' ? [effect.seq] : []))
    const resting: number[] = []
    let session: Session | undefined
    for (const envelope of log) {
      const process = session?.process
      if (envelope.event.type === 'stop-asked' && session?.spec.kind === 'agent' && process?.kind === 'live' && process.ready && session.turn.kind === 'idle')
        resting.push(envelope.seq)
      session = evolve(session, envelope)
    }
    expect(told).toEqual(resting)
  })
})

test('what is added to the choice of an option is the next prompt, unless it ends the session or says nothing', () => {
  always(({ input, before, decided }) => {
    if (input.kind !== 'command' || input.command.type !== 'answer' || decided === 'refused') return
    const { answer } = input.command
    const note = answer.kind === 'option' && !decided.some((event) => event.type === 'stop-asked') ? (answer.note ?? '').trim() : ''
    const queued = decided.flatMap((event) => (event.type === 'prompt-queued' ? [event] : []))
    if (answer.kind === 'option' && answer.optionId === 'again' && before?.prompt) return expect(queued).toHaveLength(1)
    expect(queued).toEqual(note === '' ? [] : [{ type: 'prompt-queued', promptId: input.id, text: note }])
  })
})

test('a prompt is taken back only while it is queued, and no turn begins with it then', () => {
  always(({ input, before, decided, world }) => {
    if (input.kind !== 'command' || input.command.type !== 'withdraw') return
    const { promptId } = input.command
    const wasQueued = before?.queue.some((prompt) => prompt.promptId === promptId) ?? false
    expect(decided === 'refused').toBe(!wasQueued)
    if (wasQueued) expect(world.session?.queue.some((prompt) => prompt.promptId === promptId)).toBe(false)
  })
})

test('only what a live agent offers is chosen, and it is told of it once', () => {
  always(({ input, before, decided, world }) => {
    if (input.kind !== 'command' || input.command.type !== 'choose' || decided === 'refused') return
    const { what, value } = input.command
    expect(before?.process).toMatchObject({ kind: 'live', ready: true })
    expect(choicesOf(before?.offer ?? {}, what)?.all.map(({ id }) => id)).toContain(value)
    expect(world.session && world.session.setOptions.includes('effort')).toBe(what === 'effort' || before?.setOptions.includes('effort'))
    expect(decided).toEqual([{ type: 'chosen', run: before?.runs, what, value }])
  })
  inTheEnd(({ play: { log, effects } }) => {
    const told = effects.flatMap((effect) => (effect.type === 'order' && effect.order.type === 'choose' ? [{ run: effect.run, seq: effect.seq, order: effect.order }] : []))
    expect(told).toEqual(ofType(log, 'chosen').map(({ seq, event: { run, what, value } }) => ({ run, seq, order: { type: 'choose', what, value } })))
  })
})

test('a pin that changes nothing is no fact', () => {
  always(({ input, before, decided, world }) => {
    if (input.kind !== 'command' || input.command.type !== 'pin' || !before) return
    expect(decided).toEqual(before.pinned === input.command.pinned ? [] : [{ type: 'pinned', pinned: input.command.pinned }])
    expect(world.session?.pinned).toBe(input.command.pinned)
  })
})

test('plan, changes and drift are what the entries say', () => {
  inTheEnd(({ play: { log } }, session) => {
    const newest = new Map<string, Entry>()
    const settled: { readonly id: string; readonly key: string; readonly atMs: number }[] = []
    let plan: readonly { readonly status: string }[] = []
    let turn: { readonly atMs: number; readonly from: number } | undefined
    for (const { event, atMs } of log) {
      if (event.type === 'turn-started') turn = { atMs, from: settled.length }
      if (event.type !== 'entry-written') continue
      const { entry, entryId } = event
      newest.set(entryId, entry)
      if (entry.kind === 'plan') plan = entry.steps
      if (entry.kind === 'tool' && entry.status !== 'running' && !settled.some(({ id }) => id === entryId)) settled.push({ id: entryId, key: entry.title, atMs })
    }
    const tools = [...newest.values()].flatMap((entry) => (entry.kind === 'tool' && entry.status === 'completed' ? (entry.changes ?? []) : []))
    const view = viewOf(session, 10_000_000)
    expect(view.plan).toEqual(plan.length > 0 ? { done: plan.filter(({ status }) => status === 'completed').length, total: plan.length } : null)
    expect([session.progress.added, session.progress.removed]).toEqual([tools.reduce((sum, { added }) => sum + added, 0), tools.reduce((sum, { removed }) => sum + removed, 0)])
    expect(view.changes?.files ?? 0).toBeGreaterThanOrEqual(new Set(tools.map(({ path }) => path)).size)
    expect(view.drift === null).toBe(session.turn.kind === 'idle')
    if (!view.drift) return
    const inTurn = settled.slice(turn?.from)
    const row = inTurn.slice(inTurn.findLastIndex(({ key }) => key !== inTurn.at(-1)?.key) + 1)
    expect(view.drift.repeats).toEqual(row.length > 1 ? { title: row[0]?.key, times: row.length, since: new Date(row[0]?.atMs ?? 0).toISOString() } : null)
    expect(Date.parse(view.drift.unchangedSince)).toBeGreaterThanOrEqual(turn?.atMs ?? 0)
  })
})

test('every answer and every cancelled question is told to the run that asked, once', () => {
  inTheEnd(({ play: { log, effects } }) => {
    const askedBy = new Map(ofType(log, 'asked').map(({ event }) => [event.ask.id, event.run]))
    const reopened = new Set(ofType(log, 'request-reopened').map(({ event }) => event.requestId))
    const told = effects.flatMap((effect) =>
      effect.type === 'order' && (effect.order.type === 'answer' || effect.order.type === 'cancel-request') ? [{ run: effect.run, id: effect.order.requestId }] : [],
    )
    for (const { run, id } of told) expect(run).toBe(askedBy.get(id))
    const ids = told.map(({ id }) => id).filter((id) => !reopened.has(id))
    expect(new Set(ids).size).toBe(ids.length)
    expect(JSON.stringify(log)).not.toContain('hunter2')
  })
})

test('a run that is over says nothing any more, apart from notes', () => {
  inTheEnd(({ play: { log } }) => {
    const over = new Set<number>()
    let failed: number | undefined
    for (const { event } of log) {
      const isOwn = event.type === 'noted' || event.type === 'output-dropped' || (event.type === 'asked' && event.ask.about === 'environment')
      if ('run' in event && !isOwn) expect(over.has(event.run)).toBe(false)
      if (
        event.type === 'run-exited' ||
        event.type === 'run-lost' ||
        event.type === 'run-not-started' ||
        event.type === 'environment-missing' ||
        event.type === 'run-deferred' ||
        event.type === 'run-failed'
      )
        over.add(event.run)
      if (event.type === 'run-starting') failed = event.run
      if (event.type === 'stopped' && failed !== undefined) over.add(failed)
    }
  })
})

test('a report of an older run is refused and changes nothing', () => {
  always(({ input, before, decided, world }) => {
    if (input.kind !== 'report' || !before || input.run === before.runs) return
    expect(decided).toBe('refused')
    expect(world.session).toBe(before)
  })
})

test('a removed session stays removed until it is restored, and nothing of it runs', () => {
  always(({ input, before, world: { session } }) => {
    if (!before?.removed) return
    const restored = input.kind === 'command' && input.command.type === 'restore'
    expect(session?.removed).toBe(!restored)
    expect(isLive(before)).toBe(false)
  })
})

test('whatever happened before: stop, then proof that nothing is left, and the session is stopped and asks nothing', () => {
  inTheEnd(({ play }, session) => {
    const { decided } = play.submit(play.command({ type: 'stop' }))
    expect(isRefusal(decided)).toBe(false)
    const then = play.session?.stopping
    play.submit(play.report({ type: 'swept', ended: 0 }))
    const after = play.session ?? session
    expect(after.stopping).toBeNull()
    expect(after.halted).toBe(true)
    expect(after.requests.filter((request) => !request.lost)).toEqual([])
    expect(after.process.kind).not.toMatch(/live|starting/)
    if (then === 'stopped') expect(statusOf(after).status).toBe('stopped')
    expect(recover(after)).toEqual([{ type: 'release-run', run: after.runs }])
  })
})

test('whatever happened before: stop, restore and resume bring an agent back, and it takes a prompt', () => {
  inTheEnd(({ play }, session) => {
    if (session.spec.resume === 'never') return
    for (const command of [{ type: 'stop' }, { type: 'restore' }, { type: 'resume' }] as const) {
      play.submit(play.command(command))
      if (play.session?.stopping) play.submit(play.report({ type: 'swept', ended: 0 }))
    }
    play.submit(play.report({ type: 'started', keeper: { pid: 1, start: 1 }, child: { pid: 2, start: 2 } }))
    play.submit(play.report(ready))
    expect(play.session?.process).toMatchObject({ kind: 'live', ready: true })
    if (session.spec.kind === 'terminal') return
    expect(play.session && statusOf(play.session).status).toMatch(/waiting|completed/)
    const { followed } = play.submit(play.command({ type: 'prompt', text: 'go' }))
    expect(followed).toMatchObject([{ type: 'turn-started' }])
    expect(play.session && statusOf(play.session).status).toBe('working')
  })
})

test('a session counts the lines that its transcript has', () => {
  inTheEnd(({ play: { log } }, session) => {
    if (session.spec.kind !== 'agent') return
    const { lines } = transcriptOf(log)
    expect(lines.filter(counts)).toHaveLength(session.entries)
    expect(session.shown).toBeLessThanOrEqual(session.entries)
    const open = lines.flatMap((line) => (line.kind === 'request' && (line.state === 'open' || line.state === 'lost') ? [{ id: line.id, lost: line.state === 'lost' }] : []))
    const byId = (one: { id: string }, other: { id: string }): number => (one.id < other.id ? -1 : 1)
    expect(open.toSorted(byId)).toEqual(session.requests.map(({ id, lost }) => ({ id, lost })).toSorted(byId))
  })
})

test('a new daemon adopts what was live and goes on with a stop that was under way', () => {
  always(({ world: { session } }) => {
    if (!session) return
    const kinds = recover(session).map(({ type }: Effect) => type)
    expect(kinds.includes('adopt-run')).toBe(isLive(session))
    if (session.stopping) expect(kinds).toContain('stop-run')
    expect(kinds).not.toContain('start-run')
  })
})

test('the random inputs reach what they are meant to reach', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(scenario, (one) => {
      const world = playAll(one, ({ decided, world }) => {
        if (decided === 'refused') seen.add('refused')
        if (world.session) seen.add(`status ${statusOf(world.session).status}`)
      })
      for (const { event } of world.play.log) seen.add(event.type)
      if (world.play.log.some(({ event }) => event.type === 'prompt-queued' && event.again)) seen.add('sent again')
      for (const request of world.session?.requests ?? []) seen.add(request.lost ? 'lost request' : 'open request')
    }),
    { numRuns: Math.max(2000, runs.numRuns), seed: 7 },
  )
  const types = Object.keys({
    'turn-ended': 0,
    'request-reopened': 0,
    interrupted: 0,
    'run-failed': 0,
    'run-not-started': 0,
    'environment-missing': 0,
    archived: 0,
    restored: 0,
    removed: 0,
    shown: 0,
    answered: 0,
    pinned: 0,
    chosen: 0,
    'prompt-withdrawn': 0,
    paused: 0,
    continued: 0,
  })
  expect([...seen]).toEqual(
    expect.arrayContaining([...types, 'sent again', 'lost request', 'open request', ...statuses.filter((status) => status !== 'queued').map((status) => `status ${status}`)]),
  )
})

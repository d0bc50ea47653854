import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Entry, Envelope, Event } from '../../src/core/events.ts'
import { type Line, Transcript, counts, transcriptOf, unseenIn } from '../../src/core/transcript.ts'
import {
  Play,
  agentReady,
  asked,
  completed,
  exited,
  lost,
  permission,
  question,
  queued,
  secretQuestion,
  started,
  starting,
  stopAsked,
  stopped,
  turnStarted,
  waiting,
  working,
} from './play.ts'

const linesOf = (events: readonly Event[]): readonly Line[] => {
  const play = new Play()
  for (const event of events) play.append(event)
  return transcriptOf(play.log).lines
}

const entry = (entryId: string, written: Entry): Event => ({ type: 'entry-written', run: 1, entryId, entry: written })
const tool = (status: 'running' | 'completed'): Entry => ({ kind: 'tool', title: 'npm test', toolKind: 'execute', status })
const brief = (lines: readonly Line[]): readonly string[] =>
  lines.map((line) => {
    switch (line.kind) {
      case 'prompt':
        return `you: ${line.text} (${line.state})`
      case 'entry':
        return `${line.id} ${line.entry.kind}${line.entry.kind === 'tool' ? ` ${line.entry.status}` : ''}`
      case 'request':
        return `${line.request.title} (${line.state}${line.answer === undefined ? '' : `: ${line.answer}`})`
      case 'notice':
        return `* ${line.text}`
    }
  })

test('what was said, done and asked, in order, each in its newest state', () => {
  const lines = linesOf([
    ...working,
    entry('1.1', { kind: 'message', text: 'I run the tests.' }),
    entry('1.2', tool('running')),
    asked(),
    { type: 'answered', requestId: permission.id, answer: { kind: 'option', optionId: 'yes' } },
    entry('1.2', tool('completed')),
    { type: 'turn-ended', run: 1, turn: 1, stopReason: 'end_turn' },
  ])
  expect(brief(lines)).toEqual(['you: tidy up (sent)', '1.1 message', '1.2 tool completed', 'delete old.txt (answered: Allow once)'])
  // In the place and with the time of its first state.
  expect(lines[2]?.atMs).toBe(8_000)
})

test('a prompt is queued, then sent, or withdrawn', () => {
  expect(brief(linesOf([...working, queued('p2', 'and this'), queued('p3', 'and that'), { type: 'prompt-withdrawn', promptId: 'p3' }]))).toEqual([
    'you: tidy up (sent)',
    'you: and that (withdrawn)',
    'you: and this (queued)',
  ])
  expect(brief(linesOf([...completed, queued('p2', 'and this'), turnStarted(2, 'p2')]))).toEqual(['you: tidy up (sent)', 'you: and this (sent)'])
})

const said = (entryId: string): Event => entry(entryId, { kind: 'message', text: 'x' })
const overtaken: readonly Event[] = [...working, said('1.1'), queued('p2', 'and this'), queued('p3', 'and that'), said('1.2'), asked()]

test('a prompt stands behind what is said while it is queued, and where its turn began from then on', () => {
  expect(brief(linesOf(overtaken))).toEqual(['you: tidy up (sent)', '1.1 message', '1.2 message', 'delete old.txt (open)', 'you: and this (queued)', 'you: and that (queued)'])
  const next: readonly Event[] = [...overtaken, { type: 'turn-ended', run: 1, turn: 1, stopReason: 'end_turn' }, turnStarted(2, 'p2'), said('1.3')]
  expect(brief(linesOf(next)).slice(3)).toEqual(['delete old.txt (open)', 'you: and this (sent)', '1.3 message', 'you: and that (queued)'])
})

test('what was not seen is what was written after it was looked at, wherever it stands', () => {
  const lines = linesOf(overtaken)
  // Looked at when both prompts were queued: what was said since stands before them.
  expect(unseenIn(lines, 4)).toEqual({ place: 2, count: 2, sinceMs: lines[5]?.atMs })
  expect(unseenIn(lines, 3)).toEqual({ place: 2, count: 3, sinceMs: lines[4]?.atMs })
  expect(unseenIn(lines, 6)).toBeUndefined()
  expect(unseenIn(lines, 0)).toEqual({ place: 0, count: 6, sinceMs: undefined })
})

test('a question that died with its process is lost, and may be answered in a prompt', () => {
  const died = [...waiting, asked(question), { type: 'answered', requestId: permission.id, answer: { kind: 'option', optionId: 'no' } } as Event, lost()]
  expect(brief(linesOf(died))).toEqual(['you: tidy up (sent)', 'delete old.txt (answered: Reject)', 'Which tone? (lost)', '* run lost: its keeper ended unexpectedly'])
  expect(linesOf(died)[2]).toMatchObject({ request: { lost: true } })
  const resumed: readonly Event[] = [...died, { type: 'request-closed', requestId: question.id, because: 'answered-in-prompt' }, queued('p2', 'formal'), starting(2)]
  expect(brief(linesOf(resumed)).slice(2)).toEqual(['Which tone? (answered-in-prompt)', '* run lost: its keeper ended unexpectedly', '* run 2 starts', 'you: formal (queued)'])
})

test('a secret answer is not shown, and its question may be open again', () => {
  const answered: Event = { type: 'answered', requestId: secretQuestion.id, answer: { kind: 'form', fields: { user: 'me', token: '(secret)' } }, secret: true }
  expect(brief(linesOf([...working, asked(secretQuestion), answered])).at(-1)).toBe('Log in (answered: user: me, token: (secret))')
  expect(brief(linesOf([...working, asked(secretQuestion), answered, { type: 'request-reopened', requestId: secretQuestion.id }])).at(-1)).toBe('Log in (open)')
})

test('what happened to the run is told, but does not count as unseen', () => {
  const lines = linesOf([
    ...working,
    { type: 'interrupted', run: 1, turn: 1 },
    { type: 'turn-ended', run: 1, turn: 1, stopReason: 'cancelled' },
    { type: 'noted', run: 1, text: 'a line that is no JSON' },
    stopAsked(),
    { type: 'run-exited', run: 1, exit: { signal: 'SIGTERM' }, outEnd: 1, errEnd: 1, lastWords: 'bye' },
    stopped,
    { type: 'run-starting', run: 2, because: 'resume', resumes: 'ref-1', environmentNames: [] },
    started(2),
    agentReady(2),
    exited(0, 2),
  ])
  expect(brief(lines)).toEqual([
    'you: tidy up (sent)',
    '* interrupted',
    '* the turn ended: cancelled',
    '* a line that is no JSON',
    '* the program ended (killed by SIGTERM)\nbye',
    '* stopped',
    "* run 2 goes on with the agent's session ref-1",
    '* the program ended (exit code 0)',
  ])
  expect(lines.filter(counts)).toHaveLength(1)
})

/** Written down as plainly as can be: the whole list is made anew for every fact. */
function plainly(facts: readonly Envelope[]): readonly Line[] {
  let lines: readonly Line[] = []
  const queue: Extract<Line, { kind: 'prompt' }>[] = []
  let counted = 0
  const put = (line: Line): void => {
    const known = lines.find((one) => one.kind === line.kind && one.id === line.id)
    if (!known && (line.kind === 'entry' || line.kind === 'request')) counted += 1
    lines = known ? lines.map((one) => (one === known ? { ...line, atMs: known.atMs } : one)) : [...lines, line]
  }
  const change = (kind: Line['kind'], id: string, to: object): void => {
    lines = lines.map((one) => (one.kind === kind && one.id === id ? ({ ...one, ...to } as Line) : one))
  }
  for (const { event, seq, atMs } of facts) {
    const notice = (text: string): void => put({ kind: 'notice', id: String(seq), atMs, text })
    if (event.type === 'prompt-queued') {
      counted += 1
      queue.push({ kind: 'prompt', id: event.promptId, atMs, nth: counted, text: event.text, state: 'queued' })
    }
    if (event.type === 'prompt-withdrawn' || event.type === 'turn-started') {
      const at = queue.findIndex((one) => one.id === event.promptId)
      const [prompt] = at === -1 ? [] : queue.splice(at, 1)
      if (prompt) put({ ...prompt, state: event.type === 'turn-started' ? 'sent' : 'withdrawn' })
    }
    if (event.type === 'entry-written') put({ kind: 'entry', id: event.entryId, atMs, entry: event.entry })
    if (event.type === 'asked') put({ kind: 'request', id: event.ask.id, atMs, request: { ...event.ask, run: event.run, askedAtMs: atMs, lost: false }, state: 'open' })
    if (event.type === 'request-closed') change('request', event.requestId, { state: event.because })
    if (event.type === 'noted') notice(event.text)
    if (event.type === 'run-lost') {
      lines = lines.map((one) => (one.kind === 'request' && one.state === 'open' ? { ...one, request: { ...one.request, lost: true }, state: 'lost' } : one))
      notice(`run lost: ${event.cause}`)
    }
  }
  return [...lines, ...queue]
}

const id = fc.constantFrom('a', 'b', 'c', '1')
const anyFact: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ type: fc.constant('prompt-queued'), promptId: id, text: fc.string() }),
  fc.record({ type: fc.constant('prompt-withdrawn'), promptId: id }),
  fc.record({ type: fc.constant('turn-started'), run: fc.constant(1), turn: fc.constant(1), promptId: id }),
  fc.record({ type: fc.constant('entry-written'), run: fc.constant(1), entryId: id, entry: fc.record({ kind: fc.constant('message'), text: fc.string() }) }),
  fc.record({ type: fc.constant('asked'), run: fc.constant(1), ask: id.map((one) => ({ ...permission, id: one })) }),
  fc.record({ type: fc.constant('request-closed'), requestId: id, because: fc.constantFrom('withdrawn', 'cancelled') }),
  fc.record({ type: fc.constant('noted'), run: fc.constant(1), text: fc.string() }),
  fc.record({ type: fc.constant('run-lost'), run: fc.constant(1), cause: fc.string() }),
)
const anyFacts = fc
  .array(anyFact, { maxLength: 60 })
  .map((events) => events.map((event, index): Envelope => ({ session: 'sess0001', seq: index + 1, cursor: index + 1, atMs: 1000 * index, by: 'offstage', event })))

test('a transcript that grows is the same as one that is written anew, and each fact names exactly the lines that it has changed', () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const transcript = new Transcript()
      for (const [index, envelope] of facts.entries()) {
        const before = [...transcript.lines]
        const changed = transcript.add(envelope)
        expect(transcript.lines).toEqual(plainly(facts.slice(0, index + 1)))
        expect(new Set(changed)).toEqual(new Set(transcript.lines.filter((line) => !before.includes(line))))
      }
    }),
    { numRuns: 300 },
  )
})

test('a long transcript takes time by its length, not by its square', () => {
  const facts = (count: number): readonly Envelope[] =>
    Array.from({ length: count }, (_, index) => {
      const event: Event = entry(`1.${Math.floor(index / 2)}`, { kind: 'message', text: `said ${index}` })
      return { session: 'sess0001', seq: index + 1, cursor: index + 1, atMs: index, by: 'agent', event }
    })
  const taken = (count: number): number => {
    const all = facts(count)
    const startedAtMs = performance.now()
    expect(transcriptOf(all).lines).toHaveLength(count / 2)
    return performance.now() - startedAtMs
  }
  taken(20_000)
  // The square of it took 20 s.
  expect(Math.min(taken(100_000), taken(100_000))).toBeLessThan(1500)
})

test('a tool call of which no end was told is not finished when its turn or its run is over, and says its end if it comes later', () => {
  const call = (status: 'pending' | 'running' | 'completed', output?: string): Event =>
    entry('1.1', { kind: 'tool', title: 'make', toolKind: 'execute', status, ...(output === undefined ? {} : { output }) })
  const done: Event = { type: 'turn-ended', run: 1, turn: 1, stopReason: 'end_turn' }
  const toolOf = (events: readonly Event[]): unknown => {
    const found = linesOf(events).find((line) => line.kind === 'entry')
    return found?.kind === 'entry' && found.entry.kind === 'tool' ? [found.entry.status, found.entry.output] : undefined
  }
  for (const over of [[done], [{ ...done, stopReason: 'cancelled' } as Event], [lost()], [exited()], [stopAsked(), stopped]])
    expect(toolOf([...working, call('running'), ...over])).toEqual(['failed', '(not finished)'])
  expect(toolOf([...working, call('pending', 'a line'), done])).toEqual(['failed', 'a line\n(not finished)'])
  expect(toolOf([...working, call('completed', 'a line'), done])).toEqual(['completed', 'a line'])
  expect(toolOf([...working, call('running'), done, call('completed')])).toEqual(['completed', undefined])
  expect(toolOf([...working, call('running'), { ...done, stopReason: 'error' } as Event, lost()])).toEqual(['failed', '(not finished)'])
  expect(toolOf([...working, call('running')])).toEqual(['running', undefined])
})

test('a fact of a case that only a newer version knows leaves it as it is', () => {
  expect(linesOf([...waiting, { type: 'dreamt' } as unknown as Event])).toEqual(linesOf(waiting))
})

test('names of files that hold line feeds stay on their line', () => {
  const lines = linesOf([...working, { type: 'undone', before: 7, files: ['a\nb.txt', 'c\td.txt'] }])
  const [told] = lines.flatMap((line) => (line.kind === 'notice' ? [line.text] : []))
  expect(told).toBe('undone in 2 files: "a\\nb.txt", "c\\td.txt"; snapshot 7 has all as it was')
})

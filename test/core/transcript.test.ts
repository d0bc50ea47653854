import { expect, test } from 'vitest'
import type { Entry, Event } from '../../src/core/events.ts'
import { type Line, counts, emptyTranscript, transcribe } from '../../src/core/transcript.ts'
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
  return play.log.reduce(transcribe, emptyTranscript).lines
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
    'you: and this (queued)',
    'you: and that (withdrawn)',
  ])
  expect(brief(linesOf([...completed, queued('p2', 'and this'), turnStarted(2, 'p2')]))).toEqual(['you: tidy up (sent)', 'you: and this (sent)'])
})

test('a question that died with its process is lost, and may be answered in a prompt', () => {
  const died = [...waiting, asked(question), { type: 'answered', requestId: permission.id, answer: { kind: 'option', optionId: 'no' } } as Event, lost()]
  expect(brief(linesOf(died))).toEqual(['you: tidy up (sent)', 'delete old.txt (answered: Reject)', 'Which tone? (lost)', '* run lost: its keeper ended unexpectedly'])
  expect(linesOf(died)[2]).toMatchObject({ request: { lost: true } })
  const resumed: readonly Event[] = [...died, { type: 'request-closed', requestId: question.id, because: 'answered-in-prompt' }, queued('p2', 'formal'), starting(2)]
  expect(brief(linesOf(resumed)).slice(2)).toEqual(['Which tone? (answered-in-prompt)', '* run lost: its keeper ended unexpectedly', 'you: formal (queued)', '* run 2 starts'])
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

test('a fact of a case that only a newer version knows leaves it as it is', () => {
  expect(linesOf([...waiting, { type: 'dreamt' } as unknown as Event])).toEqual(linesOf(waiting))
})

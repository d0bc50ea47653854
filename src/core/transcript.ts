// The transcript as the fold of a session's facts: what was said, done and asked, in order, each entry in its newest state.

import type { Entry, Envelope } from './events.ts'
import { type Request, answerText } from './requests.ts'
import { exitText } from './session.ts'

export type Line =
  | { readonly kind: 'prompt'; readonly id: string; readonly atMs: number; readonly text: string; readonly state: 'queued' | 'sent' | 'withdrawn' }
  | { readonly kind: 'entry'; readonly id: string; readonly atMs: number; readonly entry: Entry }
  | { readonly kind: 'request'; readonly id: string; readonly atMs: number; readonly request: Request; readonly state: string; readonly answer?: string }
  /** What happened to the run itself: it ended, was lost, was resumed, a note. */
  | { readonly kind: 'notice'; readonly id: string; readonly atMs: number; readonly text: string }

export interface Transcript {
  readonly lines: readonly Line[]
}

export const emptyTranscript: Transcript = { lines: [] }

/** Whether this line counts as one that can be unseen: the same ones that `entries` of the session counts. */
export const counts = (line: Line): boolean => line.kind !== 'notice'

function put(before: Transcript, line: Line): Transcript {
  const index = before.lines.findLastIndex((one) => one.id === line.id && one.kind === line.kind)
  return { lines: index === -1 ? [...before.lines, line] : before.lines.with(index, { ...line, atMs: before.lines[index]?.atMs ?? line.atMs }) }
}

function change<K extends Line['kind']>(before: Transcript, kind: K, id: string, how: (line: Extract<Line, { kind: K }>) => Line): Transcript {
  const index = before.lines.findLastIndex((line) => line.kind === kind && line.id === id)
  const line = before.lines[index]
  return line ? { lines: before.lines.with(index, how(line as Extract<Line, { kind: K }>)) } : before
}

/** The questions that are open are lost with the process that asked them. */
const losing = (before: Transcript): Transcript =>
  before.lines.some(isOpen) ? { lines: before.lines.map((line) => (isOpen(line) ? { ...line, request: { ...line.request, lost: true }, state: 'lost' } : line)) } : before

const isOpen = (line: Line): line is Extract<Line, { kind: 'request' }> => line.kind === 'request' && line.state === 'open'

export function transcribe(before: Transcript, envelope: Envelope): Transcript {
  const { event, atMs, seq } = envelope
  const notice = (text: string, to = before): Transcript => ({ lines: [...to.lines, { kind: 'notice', id: String(seq), atMs, text }] })
  switch (event.type) {
    case 'prompt-queued':
      return put(before, { kind: 'prompt', id: event.promptId, atMs, text: event.text, state: 'queued' })
    case 'prompt-withdrawn':
      return change(before, 'prompt', event.promptId, (line) => ({ ...line, state: 'withdrawn' }))
    case 'turn-started':
      return change(before, 'prompt', event.promptId, (line) => ({ ...line, state: 'sent' }))
    case 'entry-written':
      return put(before, { kind: 'entry', id: event.entryId, atMs, entry: event.entry })
    case 'asked':
      return put(before, { kind: 'request', id: event.ask.id, atMs, request: { ...event.ask, run: event.run, askedAtMs: atMs, lost: false }, state: 'open' })
    case 'answered':
      return change(before, 'request', event.requestId, (line) => ({ ...line, state: 'answered', answer: answerText(line.request, event.answer) }))
    case 'request-reopened':
      return change(before, 'request', event.requestId, ({ answer: _, ...line }) => ({ ...line, state: 'open' }))
    case 'request-closed':
      return change(before, 'request', event.requestId, (line) => ({ ...line, state: event.because }))
    case 'turn-ended':
      return event.stopReason === 'end_turn' ? before : notice(event.message || `the turn ended: ${event.stopReason}`)
    case 'interrupted':
      return notice('interrupted')
    case 'run-starting':
      return event.run === 1 ? before : notice(event.resumes === undefined ? `run ${event.run} starts` : `run ${event.run} goes on with the agent's session ${event.resumes}`)
    case 'run-not-started':
      return notice(`not started: ${event.why}`, losing(before))
    case 'run-failed':
      return notice(`the agent cannot be used: ${event.why}`, losing(before))
    case 'environment-missing':
      return notice('waits for an environment', losing(before))
    case 'run-exited':
      return notice(`the program ended (${exitText(event.exit)})${event.lastWords ? `\n${event.lastWords}` : ''}`, losing(before))
    case 'run-lost':
      return notice(`run lost: ${event.cause}`, losing(before))
    case 'run-deferred':
      return notice(`waits: ${event.why}`, losing(before))
    case 'held':
      return notice(`held: ${event.why}`)
    case 'released':
      return notice('goes on')
    case 'output-dropped':
      return notice('its raw output was removed by age or size; what is shown here stays')
    case 'given-back':
      return notice('its process was given back until the next prompt')
    case 'stopped':
      return notice('stopped')
    case 'noted':
      return notice(event.text)
    default:
      return before
  }
}

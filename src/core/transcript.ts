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

type PromptLine = Extract<Line, { kind: 'prompt' }>
type RequestLine = Extract<Line, { kind: 'request' }>

/** Whether this line counts as one that can be unseen: the same ones that `entries` of the session counts. */
export const counts = (line: Line): boolean => line.kind !== 'notice'

/** Of one session, as it grows with the facts. A line whose state is newer is another object in the same place. */
export class Transcript {
  readonly #lines: Line[] = []
  readonly #placeOf = new Map<string, number>()
  /** Places of open questions. */
  readonly #open = new Set<number>()

  get lines(): readonly Line[] {
    return this.#lines
  }

  /** Takes the next fact in. The places of the lines that it made or changed. */
  add(envelope: Envelope): readonly number[] {
    const { event, atMs, seq } = envelope
    const notice = (text: string): readonly number[] => [this.#put({ kind: 'notice', id: String(seq), atMs, text })]
    /** The questions that are open are lost with the process that asked them. */
    const ending = (text: string): readonly number[] => [...this.#loseQuestions(), ...notice(text)]
    switch (event.type) {
      case 'prompt-queued':
        return [this.#put({ kind: 'prompt', id: event.promptId, atMs, text: event.text, state: 'queued' })]
      case 'prompt-withdrawn':
        return this.#prompt(event.promptId, 'withdrawn')
      case 'turn-started':
        return this.#prompt(event.promptId, 'sent')
      case 'entry-written':
        return [this.#put({ kind: 'entry', id: event.entryId, atMs, entry: event.entry })]
      case 'asked':
        return [this.#put({ kind: 'request', id: event.ask.id, atMs, request: { ...event.ask, run: event.run, askedAtMs: atMs, lost: false }, state: 'open' })]
      case 'answered':
        return this.#request(event.requestId, (line) => ({ ...line, state: 'answered', answer: answerText(line.request, event.answer) }))
      case 'request-reopened':
        return this.#request(event.requestId, ({ answer: _, ...line }) => ({ ...line, state: 'open' }))
      case 'request-closed':
        return this.#request(event.requestId, (line) => ({ ...line, state: event.because }))
      case 'turn-ended':
        return event.stopReason === 'end_turn' ? [] : notice(event.message || `the turn ended: ${event.stopReason}`)
      case 'interrupted':
        return notice('interrupted')
      case 'run-starting':
        return event.run === 1 ? [] : notice(event.resumes === undefined ? `run ${event.run} starts` : `run ${event.run} goes on with the agent's session ${event.resumes}`)
      case 'run-not-started':
        return ending(`not started: ${event.why}`)
      case 'run-failed':
        return ending(`the agent cannot be used: ${event.why}`)
      case 'environment-missing':
        return ending('waits for an environment')
      case 'run-exited':
        return ending(`the program ended (${exitText(event.exit)})${event.lastWords ? `\n${event.lastWords}` : ''}`)
      case 'run-lost':
        return ending(`run lost: ${event.cause}`)
      case 'run-deferred':
        return ending(`waits: ${event.why}`)
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
        return []
    }
  }

  /** A new line, or a newer state of the one that it was first, in its place and with its time. */
  #put(line: Line): number {
    const key = `${line.kind} ${line.id}`
    const known = this.#placeOf.get(key)
    const place = known ?? this.#lines.length
    this.#placeOf.set(key, place)
    this.#lines[place] = known === undefined ? line : { ...line, atMs: this.#lines[known]?.atMs ?? line.atMs }
    if (line.kind === 'request') {
      if (line.state === 'open') this.#open.add(place)
      else this.#open.delete(place)
    }
    return place
  }

  #line(kind: Line['kind'], id: string): Line | undefined {
    const place = this.#placeOf.get(`${kind} ${id}`)
    return place === undefined ? undefined : this.#lines[place]
  }

  #prompt(id: string, state: PromptLine['state']): readonly number[] {
    const line = this.#line('prompt', id)
    return line?.kind === 'prompt' ? [this.#put({ ...line, state })] : []
  }

  #request(id: string, newer: (line: RequestLine) => RequestLine): readonly number[] {
    const line = this.#line('request', id)
    return line?.kind === 'request' ? [this.#put(newer(line))] : []
  }

  #loseQuestions(): readonly number[] {
    return [...this.#open].flatMap((place) => {
      const line = this.#lines[place]
      return line?.kind === 'request' ? [this.#put({ ...line, request: { ...line.request, lost: true }, state: 'lost' })] : []
    })
  }
}

export function transcriptOf(envelopes: Iterable<Envelope>): Transcript {
  const transcript = new Transcript()
  for (const envelope of envelopes) transcript.add(envelope)
  return transcript
}

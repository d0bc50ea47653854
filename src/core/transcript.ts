// The transcript as the fold of a session's facts: what was said, done and asked, in order, each entry in its newest state. Owns that order: a prompt stands where its turn began, and behind everything as long as it is queued.

import type { Entry, Envelope, Event } from './events.ts'
import { type Request, answerText } from './requests.ts'
import { exitText } from './session.ts'
import { pathLine } from './terminal-text.ts'
import { checkText } from './tree.ts'
import type { CheckResult } from './workspace.ts'

export type Line =
  /** `by`: nobody typed it. `nth`: which one it was of the lines that count, when it was written. What was said until its turn began stands before it. */
  | {
      readonly kind: 'prompt'
      readonly id: string
      readonly atMs: number
      readonly nth: number
      readonly text: string
      readonly state: 'queued' | 'sent' | 'withdrawn'
      readonly by?: 'offstage'
    }
  | { readonly kind: 'entry'; readonly id: string; readonly atMs: number; readonly entry: Entry }
  | { readonly kind: 'request'; readonly id: string; readonly atMs: number; readonly request: Request; readonly state: string; readonly answer?: string }
  /** What happened to the run itself: it ended, was lost, was resumed, a note. */
  | { readonly kind: 'notice'; readonly id: string; readonly atMs: number; readonly text: string }

type PromptLine = Extract<Line, { kind: 'prompt' }>
type RequestLine = Extract<Line, { kind: 'request' }>

/** Whether this line counts as one that can be unseen: the same ones that `entries` of the session counts. */
export const counts = (line: Line): boolean => line.kind !== 'notice'

export interface Unseen {
  /** Of the first line that was not seen. */
  readonly place: number
  readonly count: number
  /** Of the last one that was. */
  readonly sinceMs: number | undefined
}

/** `shown`: how many of the lines that count had been written when their end was seen. Undefined: all of them. */
export function unseenIn(lines: readonly Line[], shown: number): Unseen | undefined {
  const prompts = new Set(lines.flatMap((line) => (line.kind === 'prompt' ? [line.nth] : [])))
  let other = 0
  const nthOf = (line: Line): number => {
    if (line.kind === 'prompt') return line.nth
    do other += 1
    while (prompts.has(other))
    return other
  }
  let newestSeen = 0
  let sinceMs: number | undefined
  let place: number | undefined
  let count = 0
  for (const [index, line] of lines.entries()) {
    if (!counts(line)) continue
    const nth = nthOf(line)
    if (nth > shown) {
      place ??= index
      count += 1
    } else if (nth > newestSeen) {
      newestSeen = nth
      sinceMs = line.atMs
    }
  }
  return place === undefined ? undefined : { place, count, sinceMs }
}

/** Of one session, as it grows with the facts. A line whose state is newer is another object in the same place. */
export class Transcript {
  /** What has its place for good. */
  readonly #settled: Line[] = []
  /** Prompts whose turn has not begun, behind all of that. */
  #queued: readonly PromptLine[] = []
  #lines: readonly Line[] | undefined
  readonly #placeOf = new Map<string, number>()
  /** Places of open questions. */
  readonly #open = new Set<number>()
  /** Places of tool calls that are not over. */
  readonly #underWay = new Set<number>()
  #counted = 0

  get lines(): readonly Line[] {
    this.#lines ??= this.#queued.length === 0 ? this.#settled : [...this.#settled, ...this.#queued]
    return this.#lines
  }

  /** Takes the next fact in. The lines that it made or changed. */
  add(envelope: Envelope): readonly Line[] {
    this.#lines = undefined
    return this.#take(envelope)
  }

  #take(envelope: Envelope): readonly Line[] {
    const { event, atMs, seq } = envelope
    const notice = (text: string): readonly Line[] => [this.#put({ kind: 'notice', id: String(seq), atMs, text })]
    /** The questions that are open are lost with the process that asked them, and what it was about to do is not done any more. */
    const ending = (text: string): readonly Line[] => [...this.#loseQuestions(), ...this.#leaveUnfinished(), ...notice(text)]
    switch (event.type) {
      case 'prompt-queued':
        return this.#queue(
          { kind: 'prompt', id: event.promptId, atMs, nth: this.#counted + 1, text: event.text, state: 'queued', ...(event.because ? { by: 'offstage' } : {}) },
          event.again === true,
        )
      case 'prompt-withdrawn':
        return this.#prompt(event.promptId, 'withdrawn')
      case 'turn-started':
        return [...this.#prompt(event.promptId, 'sent'), ...(event.note === undefined ? [] : notice(event.note))]
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
        return [...this.#leaveUnfinished(), ...(event.stopReason === 'end_turn' ? [] : notice(event.message || `the turn ended: ${event.stopReason}`))]
      case 'interrupted':
        return notice('interrupted')
      case 'run-starting':
        if (event.resumes !== undefined) return notice(`run ${event.run} goes on with the agent's session ${event.resumes}`)
        return event.run === 1 ? [] : notice(`run ${event.run} starts`)
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
      case 'continued':
        return notice('goes on')
      case 'paused':
        return notice(`paused: ${event.why}${event.untilMs === null ? '' : `, until ${new Date(event.untilMs).toISOString()}`}`)
      case 'output-dropped':
        return notice('its raw output was removed by age or size; what is shown here stays')
      case 'given-back':
        return notice('its process was given back until the next prompt')
      case 'stopped':
        return [...this.#leaveUnfinished(), ...notice('stopped')]
      case 'noted':
        return notice(event.text)
      default: {
        const text = treeNotice(event)
        return text === undefined ? [] : notice(text)
      }
    }
  }

  /** A new line, or a newer state of the one that it was first, in its place and with its time. */
  #put<Made extends Line>(line: Made): Made {
    const key = keyOf(line)
    const known = this.#placeOf.get(key)
    const place = known ?? this.#settled.length
    const made = known === undefined ? line : { ...line, atMs: this.#settled[known]?.atMs ?? line.atMs }
    this.#placeOf.set(key, place)
    this.#settled[place] = made
    if (known === undefined && line.kind !== 'prompt' && counts(line)) this.#counted += 1
    if (line.kind === 'request') {
      if (line.state === 'open') this.#open.add(place)
      else this.#open.delete(place)
    }
    if (line.kind === 'entry' && line.entry.kind === 'tool') {
      if (line.entry.status === 'pending' || line.entry.status === 'running') this.#underWay.add(place)
      else this.#underWay.delete(place)
    }
    return made
  }

  #queue(prompt: PromptLine, isNext: boolean): readonly Line[] {
    this.#counted += 1
    this.#queued = isNext ? [prompt, ...this.#queued] : [...this.#queued, prompt]
    return [prompt]
  }

  /** It is told the agent now, or never: from here on it has a place. */
  #prompt(id: string, state: PromptLine['state']): readonly Line[] {
    const prompt = this.#queued.find((one) => one.id === id)
    if (!prompt) return []
    this.#queued = this.#queued.filter((one) => one !== prompt)
    return [this.#put({ ...prompt, state })]
  }

  #request(id: string, newer: (line: RequestLine) => RequestLine): readonly Line[] {
    const place = this.#placeOf.get(`request ${id}`)
    const line = place === undefined ? undefined : this.#settled[place]
    return line?.kind === 'request' ? [this.#put(newer(line))] : []
  }

  /** A call that nobody has told the end of, when its turn or its run is over. One that goes on behind that says so later. */
  #leaveUnfinished(): readonly Line[] {
    return [...this.#underWay].flatMap((place) => {
      const line = this.#settled[place]
      if (line?.kind !== 'entry' || line.entry.kind !== 'tool') return []
      const output = [line.entry.output ?? '', notFinished].filter((part) => part !== '').join('\n')
      return [this.#put({ ...line, entry: { ...line.entry, status: 'failed', output } })]
    })
  }

  #loseQuestions(): readonly Line[] {
    return [...this.#open].flatMap((place) => {
      const line = this.#settled[place]
      return line?.kind === 'request' ? [this.#put({ ...line, request: { ...line.request, lost: true }, state: 'lost' })] : []
    })
  }
}

/** What happened in its tree, as far as it is of the conversation. */
function treeNotice(event: Event): string | undefined {
  const held = (count: number): string => `${count} ${count === 1 ? 'file' : 'files'}`
  const names = (paths: readonly string[] = []): string =>
    paths.length === 0 ? '' : `: ${paths.slice(0, 5).map(pathLine).join(', ')}${paths.length > 5 ? ` and ${paths.length - 5} more` : ''}`
  switch (event.type) {
    case 'workspace-preparing':
      return event.from === undefined ? undefined : `its worktree ${event.gone ? 'was not there any more, and ' : ''}is made again`
    case 'workspace-ready':
      return (
        [
          ...(event.detached ? ['its branch has moved on, or is checked out elsewhere: HEAD of its worktree is detached'] : []),
          ...(event.setup ? [`its tree is set up${withOutput(event.setup.output)}`] : []),
        ].join('\n') || undefined
      )
    case 'workspace-failed':
      return event.reason
    case 'workspace-removed':
      return `its worktree ${event.gone ? 'was gone already' : 'is removed'}; snapshot ${event.snapshot} has ${event.gone ? 'what it was' : 'all of it'}${event.branchKept ? '; its branch stays' : ''}`
    case 'workspace-kept':
      return `its worktree stays: ${event.reason}`
    case 'step-started':
      return event.what === 'set-up' ? `set-up: ${event.command}` : undefined
    case 'snapshots-dropped':
      return `snapshots ${event.numbers.join(', ')} went by age`
    case 'snapshot-failed':
      return `no snapshot: ${event.reason}`
    case 'checked':
      return event.problem === undefined ? event.results.map(checked).join('\n') : `not checked: ${event.problem}`
    case 'checks-cut-short':
      return 'its checks were cut short: it goes on'
    case 'undone':
      return `undone in ${held(event.files.length)}${names(event.files)}; snapshot ${event.before} has all as it was${event.inside ? `; not undone, as repositories of their own${names(event.inside)}` : ''}`
    case 'undo-failed':
      return `not undone: ${event.reason}${names(event.paths)}`
    case 'landed':
      return `landed in ${event.into}: ${event.commit.slice(0, 8)}, ${held(event.files)}${event.published === undefined ? '' : `; ${event.published}`}`
    case 'land-failed':
      return `not landed: ${event.reason}${names(event.paths)}`
    case 'conflicts-forecast':
      return event.with.length === 0 && !event.branch
        ? 'no conflicts with other sessions any more'
        : [
            ...event.with.map(({ session, paths }) => `conflicts with session ${session}${names(paths)}`),
            ...(event.branch ? [`conflicts with what came to ${event.branch.name}${names(event.branch.paths)}`] : []),
          ].join('\n')
    default:
      return undefined
  }
}

const checked = (result: CheckResult): string =>
  `check ${result.exitCode === 0 ? 'passed' : 'failed'}: ${checkText(result)}, ${(result.ms / 1000).toFixed(1)} s${result.exitCode === 0 ? '' : withOutput(result.output)}`

const withOutput = (output: string): string => (output.trim() === '' ? '' : `\n${output.trimEnd()}`)

const notFinished = '(not finished)'

const keyOf = ({ kind, id }: Line): string => `${kind} ${id}`

export function transcriptOf(envelopes: Iterable<Envelope>): Transcript {
  const transcript = new Transcript()
  for (const envelope of envelopes) transcript.add(envelope)
  return transcript
}

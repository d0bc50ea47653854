// A session as the fold of its events: four axes (process, turn, attention, outcome) and what lists need. The status people see is derived from it (status.ts), never stored.

import { tellingKey } from './announcement.ts'
import { unknownCase } from './errors.ts'
import type { AgentOffer, Entry, Envelope, Event, Exit, LaunchSpec, ProcessIdentity, Usage } from './events.ts'
import type { SessionId } from './ids.ts'
import { type Progress, afterEntry, noProgress, turnBegins } from './progress.ts'
import { type Answer, type Request, asksAgain } from './requests.ts'
import { type SessionTree, checkText, evolveTree, failedChecks, newTree } from './tree.ts'
import { type RecordedSignal, type Signal, foremost, lookedAt, recordSignal, stateKey, wordsOf } from './signal.ts'
import type { CheckResult, LinesChanged } from './workspace.ts'

export type ProcessState =
  | { readonly kind: 'none' }
  | { readonly kind: 'starting'; readonly run: number }
  | { readonly kind: 'live'; readonly run: number; readonly keeper: ProcessIdentity; readonly child: ProcessIdentity; readonly ready: boolean }
  | { readonly kind: 'exited'; readonly run: number; readonly exit: Exit }
  | { readonly kind: 'lost'; readonly run: number; readonly cause: string }
  /** It was not started, or cannot be spoken to. */
  | { readonly kind: 'unusable'; readonly run: number; readonly why: string }

export type TurnState = { readonly kind: 'idle' } | { readonly kind: 'working'; readonly turn: number; readonly promptId: string; readonly interrupted: boolean }

export interface Outcome {
  readonly kind: 'done' | 'verified' | 'check-failed' | 'failed' | 'stopped' | 'cut-short' | 'limited'
  readonly summary: string
  /** What Offstage ran itself. */
  readonly checks?: readonly CheckResult[]
}

export interface QueuedPrompt {
  readonly promptId: string
  readonly text: string
}

export interface Session {
  readonly id: SessionId
  readonly seq: number
  readonly spec: LaunchSpec
  readonly title: string
  readonly label: string | null
  readonly pinned: boolean
  readonly muted: boolean
  /** What the user was told of, and by which channel: the newest ones, `tellingKey` each. */
  readonly told: readonly string[]
  readonly createdAtMs: number
  readonly updatedAtMs: number
  /** When the status axes last changed: "in this state since". */
  readonly changedAtMs: number
  readonly endedAtMs: number | null
  /** The newest turn of an agent, or run of a terminal, or time that it said it works. */
  readonly work: { readonly beganAtMs: number; readonly endedAtMs: number | null }
  readonly runs: number
  /** Sequence number of the newest `run-starting`; 0 before the first. */
  readonly startSeq: number
  readonly process: ProcessState
  readonly turn: TurnState
  readonly turns: number
  readonly queue: readonly QueuedPrompt[]
  readonly tree: SessionTree
  /** Of the open turn, or of the newest one if that ended in an error. */
  readonly prompt: QueuedPrompt | null
  /** The user has chosen how to log in, and the agent has not said what came of it. */
  readonly loggingIn: boolean
  /** Open and lost ones, oldest first. */
  readonly requests: readonly Request[]
  /** Ids of the newest ones that are over, and how: for a clear refusal of a second answer. */
  readonly closedRequests: Readonly<Record<string, string>>
  /** Answered with a secret in this turn: such an answer can die with the daemon, and its question is open again then. */
  readonly secretlyAnswered: readonly Request[]
  readonly outcome: Outcome | null
  /** A stop was asked for and is not proven yet. */
  readonly stopping: 'stopped' | 'archived' | 'removed' | 'given-back' | null
  /** It was stopped and not resumed since. */
  readonly halted: boolean
  readonly archived: boolean
  readonly removed: boolean
  readonly agentRef: string | null
  readonly canResume: boolean
  readonly agentName: string | null
  readonly offer: AgentOffer
  /** Ids of its agent's options that the user has set: its next run gets what they are then. */
  readonly setOptions: readonly string[]
  /** When the newest run that is over ended. */
  readonly runEndedAtMs: number | null
  /** A run waits for an environment that only a client can give. */
  readonly environmentMissing: boolean
  /** Why its run waits for room, if it does. */
  readonly deferred: string | null
  /** Why its program is held, if it is. */
  readonly held: string | null
  /** Its turn is open and nothing came of it for long. */
  readonly silent: boolean
  /** Its turn is open and stands still, as its agent says itself. */
  readonly paused: { readonly untilMs: number | null; readonly why: string } | null
  /** Its raw bytes were removed up to this run. */
  readonly droppedRun: number
  /** Starts by policy since anybody, or a turn's end, said that it goes on. */
  readonly restarts: number
  readonly environmentNames: readonly string[]
  /** Transcript entries so far (prompts included), or lines of a terminal. */
  readonly entries: number
  readonly shown: number
  readonly shownAtMs: number
  readonly lastEntryId: string | null
  /** The last tool call or sentence, one line; of a terminal what it says it does, or its title. */
  readonly activity: string
  readonly progress: Progress
  /** What git has counted last, of a worktree, and how far `progress` was then. */
  readonly counted: { readonly changed: LinesChanged; readonly at: LinesChanged } | null
  /** What the program of a live terminal says of itself, if anything. */
  readonly signal: RecordedSignal | null
  readonly exit: Exit | null
  readonly lastWords: string | null
  readonly usage: Usage | null
  readonly notes: readonly string[]
  /** Added to the sequence number of a fact that gives an order: the id of its input. Only where the facts were told again after a loss. */
  readonly orderBase?: number
}

/** So often in a row is an agent started again by policy. */
export const mostRestarts = 3

const keptNotes = 20
const keptClosed = 200
const keptTold = 100
const keptOptions = 50

const activityOf = (text: string): string => text.trim().split('\n', 1)[0]?.slice(0, 200) ?? ''

function created(envelope: Envelope, event: Extract<Event, { type: 'created' }>): Session {
  return {
    id: envelope.session,
    seq: envelope.seq,
    spec: event.spec,
    title: event.title,
    label: event.label ?? null,
    pinned: false,
    muted: false,
    told: [],
    createdAtMs: envelope.atMs,
    updatedAtMs: envelope.atMs,
    changedAtMs: envelope.atMs,
    endedAtMs: null,
    work: { beganAtMs: envelope.atMs, endedAtMs: null },
    runs: 0,
    startSeq: 0,
    process: { kind: 'none' },
    turn: { kind: 'idle' },
    turns: 0,
    queue: [],
    tree: newTree,
    prompt: null,
    loggingIn: false,
    requests: [],
    closedRequests: {},
    secretlyAnswered: [],
    outcome: null,
    stopping: null,
    halted: false,
    archived: false,
    removed: false,
    agentRef: null,
    canResume: false,
    agentName: null,
    offer: {},
    setOptions: [],
    runEndedAtMs: null,
    environmentMissing: false,
    deferred: null,
    held: null,
    silent: false,
    paused: null,
    restarts: 0,
    droppedRun: 0,
    environmentNames: [],
    entries: 0,
    shown: 0,
    shownAtMs: 0,
    lastEntryId: null,
    activity: '',
    progress: noProgress,
    counted: null,
    signal: null,
    exit: null,
    lastWords: null,
    usage: null,
    notes: [],
  }
}

export function exitText(exit: Exit): string {
  if ('code' in exit) return `exit code ${exit.code}`
  return exit.outOfMemory ? `killed by ${exit.signal}: the system ran out of memory` : `killed by ${exit.signal}`
}

/** The session after one more fact. Throws on a log that does not begin with `created` or has a gap: that is a damaged log, not a state. */
export function evolve(before: Session | undefined, envelope: Envelope): Session {
  const { event } = envelope
  if (!before) {
    if (event.type !== 'created') throw new Error(`session ${envelope.session}: the log begins with ${event.type}`)
    return created(envelope, event)
  }
  if (envelope.seq !== before.seq + 1) throw new Error(`session ${before.id}: event ${envelope.seq} follows ${before.seq}`)
  const applied = apply(before, event, envelope.atMs)
  const tree = evolveTree(applied.tree, event, envelope.atMs, before.spec)
  const after = tree === applied.tree ? applied : { ...applied, tree }
  const changed =
    after.tree.state !== before.tree.state ||
    after.tree.checking !== before.tree.checking ||
    after.process !== before.process ||
    after.turn !== before.turn ||
    (after.requests !== before.requests && !(saysBlocked(before) && saysBlocked(after))) ||
    after.outcome !== before.outcome ||
    after.stopping !== before.stopping ||
    after.paused !== before.paused ||
    !saysTheSame(before, after)
  const quiet = event.type === 'shown' || event.type === 'notified'
  const startSeq = event.type === 'run-starting' ? envelope.seq : before.startSeq
  return { ...after, seq: envelope.seq, startSeq, updatedAtMs: quiet ? before.updatedAtMs : envelope.atMs, changedAtMs: changed ? envelope.atMs : before.changedAtMs }
}

/** What its screen asks in detail a moment later is no other state. */
const saysBlocked = ({ spec, signal }: Session): boolean => spec.kind === 'terminal' && signal !== null && foremost(signal.signal)?.state === 'blocked'

const saysTheSame = (before: Session, after: Session): boolean =>
  before.signal === after.signal || (before.signal && stateKey(before.signal.signal)) === (after.signal && stateKey(after.signal.signal))

/** The session that these facts make, oldest first. */
/** `from`: what the facts before these made. */
export const fold = (envelopes: Iterable<Envelope>, from?: Session): Session | undefined => {
  let session = from
  for (const envelope of envelopes) session = evolve(session, envelope)
  return session
}

/** The agent's own session that its next run is to go on with. */
export const goesOnWith = ({ spec, agentRef, canResume }: Session): string | undefined => (agentRef === null ? spec.continues : canResume ? agentRef : undefined)

/** The mode and the model that its agent had last, of those that it offers, and the options that the user has set. */
export const lastChosen = ({
  offer,
  setOptions,
}: Session): { readonly lastMode?: string; readonly lastModel?: string; readonly lastOptions?: Readonly<Record<string, string>> } => {
  const mode = offer.modes?.find(({ id }) => id === offer.currentMode)
  const model = offer.models?.find(({ id }) => id === offer.currentModel)
  const options = (offer.options ?? []).filter(({ id }) => setOptions.includes(id)).map(({ id, current }) => [id, current] as const)
  return {
    ...(mode ? { lastMode: mode.id } : {}),
    ...(model ? { lastModel: model.id } : {}),
    ...(options.length > 0 ? { lastOptions: Object.fromEntries(options) } : {}),
  }
}

const isIdleAgent = (session: Session): boolean => session.spec.kind === 'agent' && session.turn.kind === 'idle' && session.process.kind === 'live' && session.process.ready

/** A run is over: its turn ends with it, and its open questions are lost, because their ids died with the process. Unless it left at rest, it has not done its work. */
function runOver(before: Session, atMs: number, why: string, willingly = false): Session {
  const atRest = isIdleAgent(before) && (willingly || before.outcome !== null)
  const outcome: Outcome | null = atRest || before.stopping ? before.outcome : { kind: 'failed', summary: why }
  const work = { ...before.work, endedAtMs: before.work.endedAtMs ?? atMs }
  return {
    ...before,
    turn: { kind: 'idle' },
    outcome,
    endedAtMs: atMs,
    runEndedAtMs: atMs,
    work,
    requests: lost(before.requests),
    prompt: null,
    loggingIn: false,
    secretlyAnswered: [],
    held: null,
    silent: false,
    paused: null,
    signal: null,
  }
}

/** When its newest run that is over ended, if that is over now. */
const endedAtMs = ({ process, runEndedAtMs }: Session, atMs: number): number | null => (process.kind === 'live' ? atMs : runEndedAtMs)

const lost = (requests: readonly Request[]): readonly Request[] =>
  requests.some(dies) ? requests.map((request) => (dies(request) ? { ...request, lost: true } : request)) : requests

/** Offstage's own questions about the tree need no process. */
const dies = ({ lost: isLost, about }: Request): boolean => !isLost && about === undefined

/** What a new run keeps of the outcome before it: what was achieved, not what went wrong. */
const achieved = (session: Session): Outcome | null =>
  session.spec.kind === 'terminal' || session.outcome?.kind === 'failed' || session.outcome?.kind === 'stopped' ? null : session.outcome

function withEntry(before: Session, entryId: string, entry: Entry, atMs: number): Session {
  // Entry ids of one run only grow, and only the newest ones are written again, so a new one is one that was not seen as the last or before it.
  const isNew = entryNumber(entryId) > entryNumber(before.lastEntryId)
  return {
    ...before,
    entries: isNew ? before.entries + 1 : before.entries,
    lastEntryId: isNew ? entryId : before.lastEntryId,
    activity: entryActivity(entry) || before.activity,
    progress: afterEntry(before.progress, entryId, entry, atMs),
  }
}

/** Entry ids are `RUN.NUMBER`, both counted upwards. */
function entryNumber(entryId: string | null): number {
  if (entryId === null) return -1
  const [run, number] = entryId.split('.')
  return Number(run) * 2 ** 32 + Number(number)
}

function entryActivity(entry: Entry): string {
  switch (entry.kind) {
    case 'message':
    case 'thought':
      // The middle of a message says nothing of what it is about.
      return entry.continues ? '' : activityOf(entry.text)
    case 'tool':
      return activityOf(entry.title)
    case 'plan':
      return activityOf(entry.steps.find((step) => step.status === 'in_progress')?.text ?? '')
    default:
      return unknownCase(entry, '')
  }
}

function close(before: Session, requestId: string, how: string): Session {
  // Not all of them for ever: every close copies them, and a session may ask thousands of times.
  const closedRequests = Object.fromEntries([...Object.entries(before.closedRequests).slice(1 - keptClosed), [requestId, how]])
  return { ...before, requests: before.requests.filter((request) => request.id !== requestId), closedRequests }
}

function apply(before: Session, event: Event, atMs: number): Session {
  switch (event.type) {
    case 'created':
      throw new Error(`session ${before.id}: created twice`)
    case 'labelled':
      return { ...before, label: event.label }
    case 'pinned':
      return { ...before, pinned: event.pinned }
    case 'muted':
      return { ...before, muted: event.muted }
    case 'notified':
      return { ...before, told: [...before.told, tellingKey(event)].slice(-keptTold) }
    case 'prompt-queued': {
      const prompt = { promptId: event.promptId, text: event.text }
      return { ...before, queue: event.again ? [prompt, ...before.queue] : [...before.queue, prompt], entries: before.entries + 1 }
    }
    case 'prompt-withdrawn':
      return { ...before, queue: before.queue.filter((prompt) => prompt.promptId !== event.promptId) }
    case 'run-starting':
      return {
        ...before,
        runs: event.run,
        process: { kind: 'starting', run: event.run },
        outcome: achieved(before),
        environmentNames: event.environmentNames,
        environmentMissing: false,
        deferred: null,
        restarts: event.because === 'policy' ? before.restarts + 1 : 0,
        halted: false,
        archived: false,
        endedAtMs: null,
        exit: null,
        lastWords: null,
        signal: null,
        // Lines of a terminal are counted by run, and a new program has said nothing.
        ...(before.spec.kind === 'terminal' ? { entries: 0, shown: 0, activity: '', work: { beganAtMs: atMs, endedAtMs: null } } : {}),
      }
    case 'run-started':
      return { ...before, process: { kind: 'live', run: event.run, keeper: event.keeper, child: event.child, ready: before.spec.kind === 'terminal' } }
    case 'run-not-started':
      return { ...before, ...runOver(before, atMs, event.why), process: { kind: 'unusable', run: event.run, why: event.why } }
    case 'environment-missing':
      return { ...before, process: { kind: 'none' }, requests: lost(before.requests), secretlyAnswered: [], environmentMissing: true }
    case 'run-deferred':
      return { ...before, process: { kind: 'none' }, requests: lost(before.requests), secretlyAnswered: [], deferred: event.why }
    case 'held':
      return { ...before, held: event.why }
    case 'released':
      return { ...before, held: null }
    case 'fell-silent':
      return { ...before, silent: true }
    case 'spoke-again':
      return { ...before, silent: false }
    case 'paused':
      return { ...before, silent: false, paused: { untilMs: event.untilMs, why: event.why } }
    case 'continued':
      return { ...before, paused: null }
    case 'agent-ready':
      return {
        ...before,
        process: before.process.kind === 'live' ? { ...before.process, ready: true } : before.process,
        agentRef: event.agentRef,
        canResume: event.canResume,
        agentName: event.agentName ?? before.agentName,
        offer: event.offer,
      }
    case 'agent-offers':
      return { ...before, offer: { ...before.offer, ...event.offer } }
    case 'chosen':
      // What comes of it the agent says.
      if (event.what === 'mode' || event.what === 'model' || before.setOptions.includes(event.what)) return before
      return { ...before, setOptions: [...before.setOptions, event.what].slice(-keptOptions) }
    case 'turn-started':
      return {
        ...before,
        turn: { kind: 'working', turn: event.turn, promptId: event.promptId, interrupted: false },
        turns: event.turn,
        queue: before.queue.filter((prompt) => prompt.promptId !== event.promptId),
        prompt: before.queue.find((prompt) => prompt.promptId === event.promptId) ?? null,
        outcome: null,
        endedAtMs: null,
        work: { beganAtMs: atMs, endedAtMs: null },
        activity: '',
        progress: turnBegins(before.progress, atMs),
      }
    case 'entry-written':
      return withEntry(before, event.entryId, event.entry, atMs)
    case 'asked':
      return {
        ...before,
        requests: [...before.requests, { ...event.ask, run: event.run, askedAtMs: atMs, lost: false }],
        entries: before.entries + 1,
        // On the way it may ask other things, such as to open an address.
        loggingIn: before.loggingIn && !asksAgain(event.ask),
      }
    case 'answered': {
      const request = before.requests.find((one) => one.id === event.requestId)
      const after: Session = {
        ...close(before, event.requestId, 'answered'),
        tree: request ? treeAfterAnswer(before.tree, request, event.answer) : before.tree,
        loggingIn: before.loggingIn || (request !== undefined && logsIn(before, request, event.answer)),
      }
      return event.secret && request ? { ...after, secretlyAnswered: [...before.secretlyAnswered, request] } : after
    }
    case 'request-reopened': {
      const request = before.secretlyAnswered.find((one) => one.id === event.requestId)
      if (!request) return before
      const { [event.requestId]: _, ...closedRequests } = before.closedRequests
      return { ...before, closedRequests, requests: [...before.requests, request], secretlyAnswered: before.secretlyAnswered.filter((one) => one !== request) }
    }
    case 'request-closed':
      return close(before, event.requestId, event.because)
    case 'interrupted':
      return before.turn.kind === 'working' ? { ...before, turn: { ...before.turn, interrupted: true } } : before
    case 'turn-ended':
      return {
        ...before,
        turn: { kind: 'idle' },
        outcome: outcomeOf(event),
        usage: event.usage ?? before.usage,
        endedAtMs: atMs,
        work: { ...before.work, endedAtMs: atMs },
        prompt: event.stopReason === 'error' ? before.prompt : null,
        secretlyAnswered: [],
        silent: false,
        paused: null,
        restarts: 0,
      }
    case 'usage-reported':
      return { ...before, usage: event.usage }
    case 'stop-asked':
      return { ...before, stopping: event.then }
    case 'run-failed':
      return { ...runOver(before, atMs, event.why), process: { kind: 'unusable', run: event.run, why: event.why }, outcome: { kind: 'failed', summary: event.why } }
    case 'run-exited': {
      const when = isIdleAgent(before) ? '' : before.turn.kind === 'working' ? ' in the middle of its turn' : ' before it was ready'
      const isZero = 'code' in event.exit && event.exit.code === 0
      const over = runOver(before, atMs, `the agent ended${when} (${exitText(event.exit)})`, isZero)
      const ofTerminal: Outcome = isZero ? { kind: 'done', summary: 'exit code 0' } : { kind: 'failed', summary: exitText(event.exit) }
      return {
        ...over,
        process: { kind: 'exited', run: event.run, exit: event.exit },
        outcome: before.spec.kind === 'terminal' && !before.stopping ? ofTerminal : over.outcome,
        exit: event.exit,
        lastWords: event.lastWords ?? null,
        entries: event.lines ?? before.entries,
      }
    }
    case 'run-lost':
      return { ...runOver(before, atMs, `run lost: ${event.cause}`), process: { kind: 'lost', run: event.run, cause: event.cause } }
    case 'stopped': {
      const keeps = before.stopping !== 'stopped' && before.outcome !== null && before.turn.kind === 'idle'
      return {
        ...before,
        stopping: null,
        halted: true,
        environmentMissing: false,
        deferred: null,
        prompt: null,
        loggingIn: false,
        held: null,
        silent: false,
        paused: null,
        signal: null,
        process: before.process.kind === 'live' || before.process.kind === 'starting' ? { kind: 'none' } : before.process,
        runEndedAtMs: endedAtMs(before, atMs),
        turn: { kind: 'idle' },
        secretlyAnswered: [],
        outcome: keeps ? before.outcome : { kind: 'stopped', summary: 'stopped' },
        endedAtMs: before.endedAtMs ?? atMs,
      }
    }
    case 'given-back':
      return { ...before, stopping: null, runEndedAtMs: endedAtMs(before, atMs), process: { kind: 'none' }, exit: null, lastWords: null, signal: null }
    case 'archived':
      return { ...before, archived: true }
    case 'removed':
      return { ...before, removed: true }
    case 'restored':
      return { ...before, removed: false, archived: false }
    case 'shown':
      return { ...before, shown: Math.max(before.shown, event.entries), shownAtMs: atMs, signal: before.signal && lookedAt(before.signal) }
    case 'output-dropped':
      return { ...before, droppedRun: event.run }
    case 'rebuilt':
      // Whether somebody had stopped what is over is not known: no policy starts it again.
      return { ...before, orderBase: event.orderBase, ...(before.process.kind === 'live' || before.process.kind === 'starting' ? {} : { restarts: mostRestarts }) }
    case 'signaled':
      return {
        ...before,
        ...(begins(before, event.signal) ? { work: { beganAtMs: atMs, endedAtMs: null } } : {}),
        signal: recordSignal(before.signal, event.signal, atMs),
        activity: wordsOf(event.signal) || before.activity,
      }
    case 'checked':
      return { ...before, outcome: outcomeChecked(before.outcome, event), endedAtMs: atMs }
    case 'snapshot-taken':
      return counted(before, event.snapshot.changed)
    case 'undone':
      return counted(before, event.changed)
    // Its tree (tree.ts), and nothing else.
    case 'workspace-preparing':
    case 'workspace-ready':
    case 'workspace-failed':
    case 'workspace-removed':
    case 'workspace-kept':
    case 'step-started':
    case 'snapshot-asked':
    case 'snapshot-failed':
    case 'snapshots-dropped':
    case 'checks-started':
    case 'checks-cut-short':
    case 'undo-asked':
    case 'undoing':
    case 'undo-failed':
    case 'land-asked':
    case 'landing':
    case 'landed':
    case 'land-failed':
    case 'conflicts-forecast':
      return before
    case 'noted':
      return { ...before, notes: [...before.notes, event.text].slice(-keptNotes) }
    default:
      return unknownCase(event, before)
  }
}

function counted(before: Session, changed: LinesChanged | undefined): Session {
  const { files, added, removed } = before.progress
  return changed ? { ...before, counted: { changed, at: { files, added, removed } } } : before
}

/** What the session has changed: as git counts it, and what its tool calls say that came since. */
export function linesChanged({ progress, counted: known }: Session): LinesChanged {
  if (!known) return progress
  const since = (of: keyof LinesChanged): number => known.changed[of] + Math.max(0, progress[of] - known.at[of])
  return { files: since('files'), added: since('added'), removed: since('removed') }
}

/** What the user said to a question of Offstage's own about the tree. */
function treeAfterAnswer(tree: SessionTree, { about }: Request, answer: Answer): SessionTree {
  const said = answer.kind === 'option' ? answer.optionId : ''
  switch (about) {
    case 'trust':
      return said === 'once' || said === 'always' || said === 'without' ? { ...tree, trusted: said } : tree
    case 'workspace':
      return said === 'without' ? { ...tree, withoutSetup: true } : tree
    case 'conflict':
      return said === 'next' ? tree : { ...tree, note: null }
    default:
      return tree
  }
}

function outcomeChecked(before: Outcome | null, { results, problem }: Extract<Event, { type: 'checked' }>): Outcome {
  if (problem !== undefined) return { kind: 'done', summary: `not checked: ${problem}`, checks: results }
  const [failed, ...more] = failedChecks(results)
  if (failed) return { kind: 'check-failed', summary: `check failed: ${checkText(failed)}${more.length > 0 ? `, and ${more.length} more` : ''}`, checks: results }
  // By hand after an end that was none: what failed stays failed.
  if (before && before.kind !== 'done' && before.kind !== 'check-failed' && before.kind !== 'verified') return { ...before, checks: results }
  return { kind: 'verified', summary: results.length === 1 ? `verified: ${results[0]?.command}` : `verified: ${results.length} checks`, checks: results }
}

/** The agent of a session that was ready is told to log in, and says what came of it. */
const logsIn = ({ process }: Session, request: Request, answer: Answer): boolean =>
  process.kind === 'live' &&
  process.ready &&
  request.kind === 'auth' &&
  answer.kind === 'option' &&
  request.options.some(({ id, kind, again }) => id === answer.optionId && kind === 'other' && !again)

/** It works from now on, as it says itself. */
const begins = (before: Session, signal: Signal): boolean =>
  foremost(signal)?.state === 'working' && (before.signal === null || foremost(before.signal.signal)?.state !== 'working')

function outcomeOf(event: Extract<Event, { type: 'turn-ended' }>): Outcome {
  switch (event.stopReason) {
    case 'end_turn':
      return { kind: 'done', summary: 'the turn ended' }
    case 'max_tokens':
    case 'max_turn_requests':
      return { kind: 'limited', summary: `the agent stopped at its limit (${event.stopReason})` }
    case 'refusal':
      return { kind: 'failed', summary: event.message || 'the agent refused' }
    case 'cancelled':
      return { kind: 'cut-short', summary: 'the turn was interrupted' }
    case 'error':
      return { kind: 'failed', summary: event.message || 'the agent reported an error' }
    default:
      return unknownCase(event.stopReason, { kind: 'done', summary: `the turn ended (${String(event.stopReason)})` })
  }
}

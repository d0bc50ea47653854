// decide: which facts an input makes, or why it is refused. settle: which facts follow by themselves. Pure; nothing here performs anything.

import { type Refusal, refusal, unreachable } from './errors.ts'
import type { Author, Event, RunBecause } from './events.ts'
import { derivedId } from './ids.ts'
import type { Command, Input, Report } from './inputs.ts'
import { choicesOf } from './offer.ts'
import { type Answer, type Ask, type Request, answerText, asksAgain, checkAnswer, withoutSecrets } from './requests.ts'
import { type Session, goesOnWith, mostRestarts } from './session.ts'
import { newsOf, wantsALook } from './signal.ts'
import { type TreeReport, checksOf, decideTree, decideTreeCommand, isAboutTree, isOfTree, isPreparing, madeAgain, madeFrom, treeAnswered, treeGone } from './decide-tree.ts'
import { needsPreparing } from './place.ts'
import { isBeyond, isBusy, notReady } from './tree.ts'

/** The facts that this input makes now, possibly none; they are to be appended together. */
export function decide(session: Session | undefined, input: Input): readonly Event[] | Refusal {
  if (input.kind === 'command') {
    const { command, environmentNames = [] } = input
    const without = session && input.treeGone ? decideWithoutTree(session, command, environmentNames) : undefined
    return without ?? decideCommand(session, command, input.id, environmentNames)
  }
  if (!session) return refusal('unknown-session', 'a report for a session that is not there')
  if (isOfTree(input.report)) return decideTree(session, input.report)
  if (input.run !== session.runs) return refusal('stale-run', `run ${input.run} reported after run ${session.runs} had begun`)
  return decideReport(session, input.run, input.report)
}

/** Who the facts of this input are by. */
export function authorOf(input: Input): Author {
  if (input.kind === 'command') return 'user'
  switch (input.report.type) {
    case 'ready':
    case 'offers':
    case 'entry':
    case 'withdraws':
    case 'turn-ended':
    case 'usage':
    case 'signals':
    case 'paused':
    case 'continued':
      return 'agent'
    case 'asks':
      return input.report.ask.kind === 'error' || input.report.ask.about ? 'offstage' : 'agent'
    default:
      return 'offstage'
  }
}

/** What follows from the state by itself: the next queued prompt starts a turn as soon as there is an idle agent that is ready for it. */
export function settle(session: Session): readonly Event[] {
  const [next] = session.queue
  if (!next || session.stopping || session.turn.kind !== 'idle' || wantsLogIn(session) || isBusy(session.tree)) return []
  if (session.process.kind !== 'live' || !session.process.ready) return []
  // Whether it is told is being asked.
  const note = session.requests.some(({ about }) => about === 'conflict') ? null : session.tree.note
  return [{ type: 'turn-started', run: session.process.run, turn: session.turns + 1, promptId: next.promptId, ...(note === null ? {} : { note }) }]
}

/** Its agent takes no prompt before somebody has said what is to come of that. */
const wantsLogIn = ({ loggingIn, requests }: Session): boolean => loggingIn || requests.some((request) => !request.lost && asksAgain(request))

const isLive = (session: Session): boolean => session.process.kind === 'live' || session.process.kind === 'starting'

/** There may be processes of it, or its tree is being worked on. */
const isUnderWay = (session: Session): boolean => isLive(session) || isPreparing(session) || session.tree.checking !== null || session.tree.landing !== null

/** How long after its loss an agent is started again by policy; undefined when it is not. Three times at most until a turn of it ends or somebody asks for it. */
export function restartDelayMs(session: Session): number | undefined {
  const { spec, process, outcome, restarts } = session
  const wanted = spec.kind === 'agent' && spec.resume === 'auto' && session.canResume && session.agentRef !== null
  const over = (process.kind === 'lost' || process.kind === 'exited') && outcome?.kind === 'failed'
  return wanted && over && !session.halted && !session.removed && !session.stopping && restarts < mostRestarts ? 1000 * 5 ** restarts : undefined
}

/** Its process is gone without a fault, and the next prompt brings it back. */
const comesBack = (session: Session): boolean =>
  (session.process.kind === 'exited' || (session.process.kind === 'none' && session.runs > 0)) && !session.halted && session.outcome?.kind !== 'failed' && session.canResume

const runStarting = (session: Session, because: RunBecause, given: readonly string[]): Event => {
  const resumes = goesOnWith(session)
  // Without an environment of its own it gets the one before it.
  const environmentNames = given.length > 0 ? given : session.environmentNames
  return { type: 'run-starting', run: session.runs + 1, because, ...(resumes === undefined ? {} : { resumes }), environmentNames }
}

function decideCommand(session: Session | undefined, command: Command, id: string, environmentNames: readonly string[]): readonly Event[] | Refusal {
  if (command.type === 'create') {
    if (session) return refusal('exists', `session ${session.id} exists already`)
    if (command.prompt !== undefined && command.spec.kind === 'terminal') return refusal('not-supported', 'a terminal takes keystrokes, not prompts')
    if (command.spec.continues !== undefined && command.spec.driver !== 'acp') return refusal('not-supported', 'a program in a terminal cannot go on with a conversation by its id')
    if (command.prompt?.trim() === '') return refusal('invalid', 'the prompt is empty')
    const label = command.label ? { label: command.label } : {}
    const resumes = command.spec.continues === undefined ? {} : { resumes: command.spec.continues }
    const queued: readonly Event[] = command.prompt === undefined ? [] : [{ type: 'prompt-queued', promptId: id, text: command.prompt }]
    const created: readonly Event[] = [{ type: 'created', spec: command.spec, title: command.title, ...label }, ...queued]
    if (needsPreparing(command.spec)) return [...created, { type: 'workspace-preparing', start: true, environmentNames }]
    return [...created, { type: 'run-starting', run: 1, because: 'created', ...resumes, environmentNames }]
  }
  if (!session) return refusal('unknown-session', 'no such session', 'offstage sessions lists them')
  switch (command.type) {
    case 'label':
      return [{ type: 'labelled', label: command.label === '' ? null : command.label }]
    case 'pin':
      return command.pinned === session.pinned ? [] : [{ type: 'pinned', pinned: command.pinned }]
    case 'mute':
      return command.muted === session.muted ? [] : [{ type: 'muted', muted: command.muted }]
    case 'show':
      return decideShow(session, command.entries)
    case 'restore':
      if (session.tree.state === 'removing') return refusal('stopping', `the worktree of session ${session.id} is being removed`, 'try again when that is over')
      if (session.removed || session.archived) return [{ type: 'restored' }, ...madeAgain(session)]
      return session.stopping ? stillStopping(session) : refusal('not-removed', `session ${session.id} is in the list`)
    case 'remove':
      if (session.stopping === 'removed') return []
      // Its worktree stayed, for a reason that may be gone by now.
      if (session.removed) return session.spec.worktree && (session.tree.state === 'ready' || session.tree.state === 'failed') ? [{ type: 'removed' }] : []
      return isUnderWay(session) || session.stopping ? stopAsked(session, 'removed') : [...closed(session.requests.filter(isAboutTree), 'cancelled'), { type: 'removed' }]
    case 'stop':
      if (session.stopping && session.stopping !== 'given-back') return []
      return session.halted && !isUnderWay(session) ? [] : stopAsked(session, 'stopped')
    case 'end':
      if (session.stopping === 'archived' || session.stopping === 'removed') return []
      if (!isUnderWay(session) && !session.stopping && session.halted) return session.archived ? [] : [{ type: 'archived' }]
      return stopAsked(session, 'archived')
    case 'undo':
    case 'land':
    case 'snapshot':
    case 'check':
      return gone(session) ?? decideTreeCommand(session, command)
    case 'prompt':
      return decidePrompt(session, id, command.text, environmentNames)
    case 'answer':
      return decideAnswer(session, id, command.requestId, command.answer, environmentNames)
    case 'withdraw':
      return decideWithdraw(session, command.promptId)
    case 'choose':
      return decideChoose(session, command.what, command.value)
    case 'interrupt':
      return decideInterrupt(session)
    case 'resume':
      return decideResume(session, id, command.answer, environmentNames)
    default:
      return unreachable(command)
  }
}

function decideShow(session: Session, entries: number): readonly Event[] {
  // How many lines a terminal has is known to its run only.
  const shown = session.spec.kind === 'agent' ? Math.min(entries, session.entries) : entries
  // A notice may have come without a new line.
  return shown > session.shown || wantsALook(session.signal) ? [{ type: 'shown', entries: Math.max(shown, session.shown) }] : []
}

function stopAsked(session: Session, then: 'stopped' | 'archived' | 'removed'): readonly Event[] {
  const withdrawn = session.queue.map((prompt): Event => ({ type: 'prompt-withdrawn', promptId: prompt.promptId }))
  return [{ type: 'stop-asked', then }, ...closed(session.requests, 'cancelled'), ...withdrawn]
}

const closed = (requests: readonly Request[], because: 'cancelled' | 'withdrawn' | 'superseded'): readonly Event[] =>
  requests.map((request) => ({ type: 'request-closed', requestId: request.id, because }))

const stillStopping = (session: Session): Refusal => refusal('stopping', `session ${session.id} is being stopped`)

const resumeHint = (session: Session): string => `offstage resume ${session.id} starts it again`

function gone(session: Session): Refusal | undefined {
  if (session.removed) return refusal('removed', `session ${session.id} was removed`, `offstage restore ${session.id} brings it back`)
  if (session.stopping && session.stopping !== 'given-back') return stillStopping(session)
  return undefined
}

/** No program of it can start again. */
function beyond({ id, tree }: Session): Refusal | undefined {
  if (!isBeyond(tree)) return undefined
  const landed = tree.landed ? `; what it did is in ${tree.landed.into}` : ''
  return refusal('no-snapshot', `the worktree of session ${id} is removed, and its snapshots went by age${landed}`, 'start a new session')
}

function decidePrompt(session: Session, promptId: string, text: string, environmentNames: readonly string[]): readonly Event[] | Refusal {
  const no = gone(session)
  if (no) return no
  if (session.spec.kind === 'terminal') return refusal('not-supported', `session ${session.id} is a terminal: it takes keystrokes, not prompts`)
  if (text.trim() === '') return refusal('invalid', 'the prompt is empty')
  const none = beyond(session)
  if (none) return none
  const prompt: Event = { type: 'prompt-queued', promptId, text }
  if (isPreparing(session)) return [prompt]
  // What was done is not what will be: the checks of that are of no use any more.
  const cut: readonly Event[] = session.tree.checking === null ? [] : [{ type: 'checks-cut-short', turn: session.tree.checking }]
  const queued = [...cut, prompt]
  if (isLive(session)) return queued
  if (session.deferred !== null || (session.environmentMissing && environmentNames.length === 0)) return queued
  // What was lost with the former run stays unanswered: this one knows nothing of it.
  if (comesBack(session) || session.environmentMissing) {
    return [...closed(session.requests, 'superseded'), ...queued, beginning(session, 'prompt', environmentNames)]
  }
  return refusal('not-running', `session ${session.id} has no agent at work (${endText(session)}), so it cannot take a prompt`, resumeHint(session))
}

function decideWithdraw(session: Session, promptId: string): readonly Event[] | Refusal {
  if (session.queue.some((prompt) => prompt.promptId === promptId)) return [{ type: 'prompt-withdrawn', promptId }]
  const isOpen = session.turn.kind === 'working' && session.turn.promptId === promptId
  return refusal(
    'not-asked',
    isOpen ? `the agent is at work on prompt ${promptId} already` : `prompt ${promptId} is not queued, or not any more`,
    isOpen ? `offstage interrupt ${session.id} ends its turn` : undefined,
  )
}

function decideChoose(session: Session, what: string, value: string): readonly Event[] | Refusal {
  const no = gone(session)
  if (no) return no
  if (session.spec.kind === 'terminal') return refusal('not-supported', `session ${session.id} is a terminal: it has no ${what}s to choose from`)
  if (session.process.kind !== 'live' || !session.process.ready || session.stopping) {
    const hint = isLive(session) ? 'try again when it is ready' : comesBack(session) ? 'the next prompt brings it back' : resumeHint(session)
    return refusal('not-running', `the agent of session ${session.id} is not running, so its ${what} cannot be set`, hint)
  }
  const options = (session.offer.options ?? []).map(({ id }) => id)
  const choices = choicesOf(session.offer, what)?.all
  if (!choices)
    return refusal(
      'no-such-option',
      `the agent of session ${session.id} has no option "${what}"`,
      options.length > 0 ? `its options are: ${options.join(', ')}` : 'it has mode and model only',
    )
  if (choices.length === 0) return refusal('not-supported', `the agent of session ${session.id} offers no ${what}s to choose from`)
  if (choices.some((choice) => choice.id === value)) return [{ type: 'chosen', run: session.process.run, what, value }]
  return refusal('no-such-option', `the agent of session ${session.id} has no ${what} "${value}"`, `choose one of: ${choices.map(({ id }) => id).join(', ')}`)
}

function endText(session: Session): string {
  if (session.halted) return 'stopped'
  return session.outcome?.summary ?? session.process.kind
}

function decideAnswer(session: Session, id: string, requestId: string, answer: Answer, environmentNames: readonly string[]): readonly Event[] | Refusal {
  const request = session.requests.find((one) => one.id === requestId)
  if (!request) {
    const how = Object.hasOwn(session.closedRequests, requestId) ? session.closedRequests[requestId] : undefined
    return refusal(
      'not-asked',
      how ? `request ${requestId} is not open any more: ${how}` : `session ${session.id} has no request ${requestId}`,
      'offstage requests lists what is open',
    )
  }
  if (request.lost)
    return refusal('not-asked', `the process that asked "${request.title}" is gone`, `offstage resume ${session.id} --answer … starts the agent again and tells it your answer`)
  const unfit = checkAnswer(request, answer)
  if (unfit) return unfit
  const kept = withoutSecrets(request, answer)
  const answered: Event = { type: 'answered', requestId, answer: kept.answer, ...(kept.secret ? { secret: true } : {}) }
  // Offstage's own questions about an agent that does not get ready offer to stop it.
  const stops = (request.kind === 'error' || request.about !== undefined) && answer.kind === 'option' && answer.optionId === 'stop'
  const note = answer.kind === 'option' ? (answer.note ?? '') : ''
  if (note.trim() !== '' && session.spec.kind === 'terminal')
    return refusal('not-supported', `session ${session.id} is a terminal: it takes no words besides the answer`, `offstage switch ${session.id} opens it`)
  const again = answer.kind === 'option' && request.options.some((option) => option.id === answer.optionId && option.again)
  // It goes before what waits, and says what there is to say besides as well.
  if (again && session.prompt)
    return [answered, { type: 'prompt-queued', promptId: id, text: [session.prompt.text, note.trim()].filter((part) => part !== '').join('\n\n'), again: true }]
  const others = { ...session, requests: session.requests.filter((one) => one !== request) }
  if (request.about === 'environment' && !stops) return [answered, ...closed(others.requests, 'superseded'), beginning(session, 'resume', environmentNames)]
  if (request.about && !stops) return [answered, ...treeAnswered(session, request, answer, id, environmentNames)]
  // The agent hears it as the user's next prompt, when the turn that asked is over.
  if (!stops) return note.trim() === '' ? [answered] : [answered, { type: 'prompt-queued', promptId: id, text: note }]
  return [answered, ...stopAsked(others, 'stopped')]
}

function decideInterrupt(session: Session): readonly Event[] | Refusal {
  const no = gone(session)
  if (no) return no
  const nothing = refusal('nothing-to-interrupt', `session ${session.id} is not at work`)
  if (session.process.kind !== 'live') return nothing
  const { run } = session.process
  if (session.spec.kind === 'terminal') return [{ type: 'interrupted', run, turn: 0 }]
  if (session.turn.kind !== 'working') return nothing
  // Offstage's own requests are not of the turn: what they are about goes on being so.
  const ofTurn = session.requests.filter((request) => request.kind !== 'error' && !isAboutTree(request))
  return session.turn.interrupted ? [] : [{ type: 'interrupted', run, turn: session.turn.turn }, ...closed(ofTurn, 'cancelled')]
}

/** The prompt that tells a restarted agent what was answered to the question it died with. The user sees it before it is sent. */
export function lostAnswerPrompt(request: Request, answer: Answer): string {
  const detail = request.detail ? `\n${request.detail}` : ''
  const note = answer.kind === 'option' ? (answer.note ?? '').trim() : ''
  return `Before you were restarted you asked:\n\n> ${`${request.title}${detail}`.split('\n').join('\n> ')}\n\nMy answer: ${answerText(request, answer)}${note === '' ? '' : `\n\n${note}`}\n\nPlease go on from there.`
}

/** Where somebody deleted or moved its worktree. Undefined: that is of no matter to this command. */
function decideWithoutTree(session: Session, command: Command, environmentNames: readonly string[]): readonly Event[] | Refusal | undefined {
  switch (command.type) {
    case 'prompt':
      return session.spec.kind === 'terminal' ? undefined : (gone(session) ?? treeGone(session))
    case 'resume':
    case 'undo':
    case 'land':
    case 'snapshot':
    case 'check':
      return gone(session) ?? treeGone(session)
    case 'restore':
      return decideTreeRestored(session, environmentNames)
    default:
      return undefined
  }
}

/** As its newest snapshot has it. An agent at rest goes back first: it would go on where nothing is. */
function decideTreeRestored(session: Session, environmentNames: readonly string[]): readonly Event[] | Refusal | undefined {
  const { id, tree, removed, archived } = session
  const isAway = removed || archived
  if (session.stopping) return stillStopping(session)
  if (!tree.snapshot) return isAway ? undefined : treeGone(session)
  if (isBusy(tree) || (isLive(session) && !isIdle(session)))
    return refusal('at-work', `session ${id} is at work where its worktree was`, `offstage stop ${id}, and then offstage restore ${id}`)
  return [
    ...(isAway ? [{ type: 'restored' } as const] : []),
    ...(isLive(session) ? [{ type: 'stop-asked', then: 'given-back' } as const] : []),
    { type: 'workspace-preparing', from: tree.snapshot.commit, gone: true, ...(environmentNames.length > 0 ? { environmentNames } : {}) },
  ]
}

const treePreparing = ({ tree }: Session, environmentNames: readonly string[]): Event => ({
  type: 'workspace-preparing',
  start: true,
  ...madeFrom(tree),
  ...(environmentNames.length > 0 ? { environmentNames } : {}),
})

/** A program of it, or its tree first. */
const beginning = (session: Session, because: RunBecause, environmentNames: readonly string[]): Event =>
  notReady(session.tree, session.spec) === undefined ? runStarting(session, because, environmentNames) : treePreparing(session, environmentNames)

/** Only a client can give it one, with the answer or with `resume`. */
const environmentAsk = ({ id, seq }: Session): Ask => ({
  id: derivedId(id, seq, 'environment'),
  kind: 'error',
  title: `needs an environment: offstage resume ${id} gives it one`,
  detail: 'It is kept in memory only, and the daemon that had it is gone.',
  options: [
    { id: 'retry', label: 'start it with mine', kind: 'other' },
    { id: 'stop', label: 'stop it', kind: 'reject' },
  ],
  about: 'environment',
})

function decideResume(session: Session, id: string, reply: { requestId: string; answer: Answer } | undefined, environmentNames: readonly string[]): readonly Event[] | Refusal {
  const no = gone(session)
  if (no) return no
  if (session.spec.resume === 'never') return refusal('not-supported', `session ${session.id} was started with the resume policy "never"`, 'start a new session')
  if (isPreparing(session)) return refusal('already-running', `the tree of session ${session.id} is being made`, `offstage logs -f ${session.id} shows how far it is`)
  const none = beyond(session)
  if (none) return none
  const state = notReady(session.tree, session.spec)
  if (state === 'failed' || state === 'removed') return [...closed(session.requests, 'superseded'), treePreparing(session, environmentNames)]
  // Started again by policy, it may be told the answer to a question that it lost.
  const lost = reply && session.requests.some((one) => one.id === reply.requestId && one.lost)
  if (isLive(session) && !lost) return refusal('already-running', `session ${session.id} has a live run already`, `offstage switch ${session.id} opens it`)
  const starting = isLive(session) ? [] : [runStarting(session, 'resume', environmentNames)]
  if (!reply) return [...closed(session.requests, 'superseded'), ...starting]
  const request = session.requests.find((one) => one.id === reply.requestId)
  if (!request) return refusal('not-asked', `session ${session.id} has no lost question ${reply.requestId}`, 'offstage requests lists what is open')
  const unfit = checkAnswer(request, reply.answer)
  if (unfit) return unfit
  if (withoutSecrets(request, reply.answer).secret) return refusal('not-supported', 'a secret cannot be told in a prompt', `${resumeHint(session)}; the agent can ask again`)
  return [
    { type: 'request-closed', requestId: request.id, because: 'answered-in-prompt' },
    ...closed(
      session.requests.filter((one) => one !== request && !isLive(session)),
      'superseded',
    ),
    { type: 'prompt-queued', promptId: id, text: lostAnswerPrompt(request, reply.answer) },
    ...starting,
  ]
}

type RunReport = Exclude<Report, TreeReport>

function decideReport(session: Session, run: number, report: RunReport): readonly Event[] | Refusal {
  const live = isLive(session)
  const over = refusal('stale-run', `run ${run} reported "${report.type}" after it was over`)
  switch (report.type) {
    case 'started':
      return session.process.kind === 'starting' ? [{ type: 'run-started', run, keeper: report.keeper, child: report.child }] : over
    case 'not-started':
      return session.process.kind === 'starting' ? [{ type: 'run-not-started', run, why: report.why }] : over
    case 'failed':
      return live ? [{ type: 'run-failed', run, why: report.why }] : over
    case 'environment-missing':
      if (session.process.kind !== 'starting') return over
      return [{ type: 'environment-missing', run }, ...(session.stopping ? [] : [{ type: 'asked', run, ask: environmentAsk(session) } as const])]
    case 'exited': {
      if (!live) return over
      const { type: _, ...facts } = report
      return [...goneWithProgram(session), { type: 'run-exited', run, ...facts }]
    }
    case 'lost':
      return live ? [...goneWithProgram(session), { type: 'run-lost', run, cause: report.cause }] : over
    case 'swept':
      return swept(session, report.ended)
    case 'deferred':
      return session.process.kind === 'starting' ? [{ type: 'run-deferred', run, why: report.why }] : over
    case 'may-start':
      return mayStart(session)
    case 'held':
      return live && session.held !== report.why ? [{ type: 'held', run, why: report.why }] : []
    case 'released':
      return live && session.held !== null ? [{ type: 'released', run }] : []
    case 'silent':
      return session.turn.kind === 'working' && !session.silent && !session.paused ? [{ type: 'fell-silent', run, forMs: report.forMs }] : []
    case 'spoke':
      return session.silent ? [{ type: 'spoke-again', run }] : []
    case 'idle':
      return isIdle(session) ? [{ type: 'stop-asked', then: 'given-back' }] : []
    case 'drop-output':
      return mayDropOutput(session) ? [{ type: 'output-dropped', run }] : []
    case 'signals':
      if (!live) return over
      return session.process.kind !== 'live' || newsOf(session.signal, report.signal) === 'none' ? [] : [{ type: 'signaled', run, signal: report.signal }]
    case 'notified':
      return [report]
    case 'note':
      return [{ type: 'noted', run, text: report.text }]
    case 'answer-undelivered':
      if (!live || session.stopping) return []
      return session.secretlyAnswered.some((request) => request.id === report.requestId) ? [{ type: 'request-reopened', requestId: report.requestId }] : []
    default:
      return live ? decideAgentReport(session, run, report) : over
  }
}

/** What nobody can be told any more: a new run knows neither what stood on the screen of this one, nor the prompt that this one has not taken. */
const goneWithProgram = ({ spec, requests }: Session): readonly Event[] =>
  closed(
    requests.filter((request) => request.about === 'snapshot' || (!isAboutTree(request) && (spec.kind === 'terminal' || asksAgain(request)))),
    'withdrawn',
  )

function swept(session: Session, ended: number): readonly Event[] {
  switch (session.stopping) {
    case null:
      return []
    case 'stopped':
      return [{ type: 'stopped', ended }]
    case 'archived':
      return [{ type: 'stopped', ended }, { type: 'archived' }]
    case 'removed':
      return [{ type: 'stopped', ended }, { type: 'removed' }]
    case 'given-back':
      // What waits for its tree begins when that is ready.
      return [{ type: 'given-back' }, ...(session.queue.length > 0 && !isPreparing(session) ? [runStarting(session, 'prompt', [])] : [])]
  }
}

/** Nothing of an open session goes: it was ended or removed by its user, nothing of it runs, and nobody waits for anything of it. */
export const mayDropOutput = (session: Session): boolean =>
  (session.archived || session.removed) && !isLive(session) && !session.stopping && session.droppedRun < session.runs && session.requests.length === 0

function mayStart(session: Session): readonly Event[] {
  if (session.deferred !== null && !session.stopping && !session.removed) return [runStarting(session, session.runs === 1 ? 'created' : 'resume', [])]
  return restartDelayMs(session) === undefined ? [] : [runStarting(session, 'policy', [])]
}

/** An agent at rest that can be brought back as it was. */
export const isIdle = (session: Session): boolean =>
  session.spec.kind === 'agent' &&
  session.spec.resume !== 'never' &&
  session.process.kind === 'live' &&
  session.process.ready &&
  session.turn.kind === 'idle' &&
  session.queue.length === 0 &&
  session.requests.length === 0 &&
  !session.loggingIn &&
  session.outcome !== null &&
  session.canResume &&
  !isBusy(session.tree) &&
  !session.stopping

type AgentReport = Extract<Report, { type: 'ready' | 'offers' | 'entry' | 'asks' | 'withdraws' | 'turn-ended' | 'usage' | 'paused' | 'continued' }>

function decideAgentReport(session: Session, run: number, report: AgentReport): readonly Event[] | Refusal {
  const open = session.requests.filter((request) => !request.lost)
  switch (report.type) {
    case 'ready': {
      if (session.process.kind !== 'live') return refusal('stale-run', `run ${run} reported "ready" before it was started`)
      if (session.process.ready) return []
      const { type: _, ...facts } = report
      // Whatever was asked on the way to "ready" (log in, wait for an answer) is settled by it.
      return [
        ...closed(
          open.filter((request) => !isAboutTree(request)),
          'withdrawn',
        ),
        { type: 'agent-ready', run, ...facts },
      ]
    }
    case 'offers':
      return [{ type: 'agent-offers', run, offer: report.offer }]
    case 'entry':
      return [{ type: 'entry-written', run, entryId: report.entryId, entry: report.entry }]
    case 'usage':
      return [{ type: 'usage-reported', run, usage: report.usage }]
    case 'paused': {
      const { untilMs, why } = report
      const known = session.paused?.untilMs === untilMs && session.paused.why === why
      return session.turn.kind === 'working' && !known ? [{ type: 'paused', run, untilMs, why }] : []
    }
    case 'continued':
      return session.paused ? [{ type: 'continued', run }] : []
    case 'asks': {
      const { ask } = report
      if (Object.hasOwn(session.closedRequests, ask.id) || session.requests.some((request) => request.id === ask.id)) return []
      const asked: Event = { type: 'asked', run, ask }
      // Asked after an interrupt or a stop: ACP wants every permission of a cancelled turn answered "cancelled".
      const cancels = session.stopping !== null || (session.turn.kind === 'working' && session.turn.interrupted && ask.kind !== 'error')
      return cancels ? [asked, { type: 'request-closed', requestId: ask.id, because: 'cancelled' }] : [asked]
    }
    case 'withdraws':
      return open.some((request) => request.id === report.requestId) ? [{ type: 'request-closed', requestId: report.requestId, because: 'withdrawn' }] : []
    case 'turn-ended': {
      if (session.turn.kind !== 'working' || session.turn.promptId !== report.promptId)
        return refusal('stale-run', `the answer to prompt ${report.promptId} came, which is not the open one`)
      const { type: _, promptId: __, ...facts } = report
      const ofTurn = open.filter((request) => !asksAgain(request) && !isAboutTree(request))
      return [...closed(ofTurn, 'withdrawn'), { type: 'turn-ended', run, turn: session.turn.turn, ...facts }, ...checksOf(session, session.turn.turn, report.stopReason)]
    }
    default:
      return unreachable(report)
  }
}

// The one status that people see, derived from the axes, with its reason and the evidence for it. Never stored.

import { unknownCase, unreachable } from './errors.ts'
import type { Request } from './requests.ts'
import { type Session, exitText } from './session.ts'
import { type RecordedSignal, type SignalSource, foremost, signalRows, wordsOf } from './signal.ts'

export type Status = 'queued' | 'starting' | 'working' | 'waiting' | 'paused' | 'completed' | 'failed' | 'stopped'

export const statuses: readonly Status[] = ['queued', 'starting', 'working', 'waiting', 'paused', 'completed', 'failed', 'stopped']

export interface Derived {
  readonly status: Status
  readonly reason: string
  /** The facts behind it, most telling first. */
  readonly evidence: readonly string[]
}

const requestText = (request: Request): string => `${request.kind}: ${request.title}`

export function statusOf(session: Session): Derived {
  const { process, turn } = session
  const open = session.requests.filter((request) => !request.lost)
  const [asking] = open
  const runFact = processText(session)
  const derived = (status: Status, reason: string, ...evidence: readonly string[]): Derived => ({
    status,
    reason: reason.trim() === '' ? status : reason,
    evidence: [...evidence, runFact],
  })

  if (session.stopping && session.stopping !== 'given-back') return derived('working', 'being stopped', 'a stop was asked for and is not proven yet')
  if (asking) {
    const said = session.signal ? evidenceOf(session.signal, foremost(session.signal.signal)?.source ?? 'bell') : []
    return derived('waiting', requestText(asking), `request ${asking.id} is open${open.length > 1 ? `, and ${open.length - 1} more` : ''}`, ...said)
  }
  if (session.environmentMissing)
    return derived('waiting', `needs an environment: offstage resume ${session.id}`, 'the environment is kept in memory only, and the daemon that had it is gone')
  if (session.deferred !== null) return derived('queued', session.deferred, 'it is started as soon as there is room')
  const { tree } = session
  if (tree.state === 'preparing') return derived('starting', tree.step ? `set-up: ${tree.step.command}` : 'its tree is being made', 'its program starts when its tree is ready')
  if (tree.checking !== null && turn.kind === 'idle') return derived('working', tree.step ? `check: ${tree.step.command}` : 'its checks run', `turn ${tree.checking} has ended`)
  if (tree.landing) return derived('working', `landing into ${tree.landing.land.into}${tree.step ? `: ${tree.step.command}` : ''}`, 'it was asked for')
  if (tree.undoing) return derived('working', 'undoing', 'it was asked for')
  const [lostOne] = session.requests
  const lost = (): Derived =>
    derived('waiting', `lost ${lostOne ? requestText(lostOne) : ''}`, `request ${lostOne?.id} died with its process; offstage resume ${session.id} --answer …`)
  switch (process.kind) {
    case 'starting':
      return derived('starting', 'the program is being started')
    case 'live':
      if (session.held !== null) return derived('working', `held: ${session.held}`, 'its output is not read, so it stands still when it writes')
      if (session.spec.kind === 'terminal') return ofTerminal(session, derived)
      if (!process.ready) return derived('starting', 'waiting for the agent to be ready')
      if (session.paused && turn.kind === 'working' && !turn.interrupted)
        return derived('paused', pausedText(session.paused), 'its agent says so, and that it goes on by itself', `turn ${turn.turn} is open`)
      if (session.loggingIn) return derived('working', 'logging in', 'its agent was told to log in and has not answered')
      if (session.silent) return derived('working', 'no signal: its turn is open and nothing comes of it', `turn ${turn.kind === 'working' ? turn.turn : session.turns} is open`)
      if (turn.kind === 'working') return derived('working', turn.interrupted ? 'interrupting' : session.activity || 'at work', `turn ${turn.turn} is open`)
      if (lostOne) return lost()
      return session.outcome
        ? atRest(session, derived)
        : derived('waiting', session.turns === 0 ? 'waiting for its first prompt' : 'waiting for a prompt', 'no prompt was given to this run yet')
    case 'lost':
    case 'none':
    case 'exited':
    case 'unusable': {
      if (lostOne && !session.halted) return lost()
      if (session.outcome) return atRest(session, derived)
      if (session.queue.length > 0) return derived('queued', 'waiting to be started')
      return derived('completed', 'the agent left')
    }
    default:
      return unreachable(process)
  }
}

/** Of one that is waiting: for a prompt and nothing else, and whoever started it knows. Nobody is called for that. */
export const isNewcomer = ({ spec, requests, environmentMissing, restarts, signal }: Session): boolean =>
  requests.length === 0 &&
  !environmentMissing &&
  (spec.kind === 'agent' ? restarts === 0 : signal?.signal.notice === undefined && signal?.signal.claims.every(({ state }) => state === 'idle') === true)

/** With the time as ISO 8601: whoever shows it knows the clock. */
const pausedText = ({ untilMs, why }: NonNullable<Session['paused']>): string =>
  [why.trim() || 'paused', ...(untilMs === null ? [] : [`until ${new Date(untilMs).toISOString()}`])].join(', ')

type Derive = (status: Status, reason: string, ...evidence: readonly string[]) => Derived

/** By what the program says of itself. Its silence is no evidence of anything. */
function ofTerminal({ spec, runs, signal: recorded }: Session, derived: Derive): Derived {
  // What runs on pipes has no terminal to say it to.
  if (spec.driver !== 'terminal') return derived('working', 'the program runs')
  if (!recorded) return derived('working', 'no signal: the program runs')
  const { notice, bell, worked } = recorded.signal
  const claim = foremost(recorded.signal)
  const words = wordsOf(recorded.signal)
  const evidence = evidenceOf(recorded, claim?.source ?? notice?.source ?? 'bell')
  if (!claim) {
    if (notice) return derived('waiting', `says: ${notice.text}`, ...evidence)
    return derived('working', bell ? 'its bell rang: the program runs' : 'no signal: the program runs', ...evidence)
  }
  switch (claim.state) {
    case 'working':
      return derived('working', words || 'at work, as it says itself', ...evidence)
    case 'blocked':
      return derived('waiting', `${claim.kind ?? 'blocked'}: ${words || 'it asks for you'}`, ...evidence)
    case 'error':
      return derived('waiting', `error: ${words || 'as it says itself'}`, ...evidence)
    case 'done':
      return derived('completed', words ? `done: ${words}` : 'done, as it says itself', ...evidence)
    case 'idle':
      if (worked) return derived('completed', words ? `idle again: ${words}` : 'idle again, as it says itself', ...evidence)
      if (spec.prompted && runs === 1) return derived('starting', 'it has not begun with its first prompt', ...evidence)
      return derived('waiting', 'waiting for a prompt', ...evidence)
    default:
      return unknownCase(claim.state, derived('working', `says ${String(claim.state)}`, ...evidence))
  }
}

/** What is said by the source that counts, and since when. */
const evidenceOf = (recorded: RecordedSignal, source: SignalSource): readonly string[] =>
  signalRows(recorded)
    .filter((row) => row.source === source)
    .slice(0, 3)
    .map(({ value, sinceMs }) => `${source}, since ${new Date(sinceMs).toISOString()}: ${value}`)

function atRest(session: Session, derived: Derive): Derived {
  const outcome = session.outcome
  if (!outcome) return derived('completed', 'ended')
  const evidence = `outcome ${outcome.kind}${outcome.kind === 'done' && session.spec.kind === 'agent' ? ', as its agent says: nothing was checked' : ''}`
  const lastLine = session.lastWords?.trim().split('\n').at(-1)
  switch (outcome.kind) {
    case 'failed':
      return derived('failed', lastLine ? `${outcome.summary}: ${lastLine}` : outcome.summary, evidence)
    case 'stopped':
      return derived('stopped', outcome.summary, evidence)
    default:
      return derived('completed', outcome.summary, evidence)
  }
}

function processText(session: Session): string {
  const { process } = session
  switch (process.kind) {
    case 'none':
      return 'no process'
    case 'starting':
      return `run ${process.run} is being started`
    case 'live':
      return `run ${process.run} is alive, pid ${process.child.pid}`
    case 'exited':
      return `run ${process.run} ended: ${exitText(process.exit)}`
    case 'lost':
      return `run ${process.run} was lost: ${process.cause}`
    case 'unusable':
      return `run ${process.run} could not be used: ${process.why}`
    default:
      return unreachable(process)
  }
}

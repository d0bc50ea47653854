// decide, as far as it is about a session's tree: what the engine did in it, what a person wants of it, and Offstage's own questions about it. Pure.

import { type Refusal, refusal, unreachable } from './errors.ts'
import type { Event, StopReason } from './events.ts'
import { derivedId } from './ids.ts'
import type { Command, Report, WorkspaceReport } from './inputs.ts'
import type { Answer, Ask, Option, Request } from './requests.ts'
import { type Session, goesOnWith } from './session.ts'
import { foremost } from './signal.ts'
import { type SessionTree, checkText, failedChecks, isBeyond, isBusy, notReady } from './tree.ts'
import type { ObjectId } from './workspace.ts'

export type TreeReport = WorkspaceReport | Extract<Report, { type: 'asks-about' }>
type TreeCommand = Extract<Command, { type: 'undo' | 'land' | 'snapshot' | 'check' }>

const ofTree: Readonly<Record<TreeReport['type'], true>> = {
  'asks-about': true,
  'workspace-ready': true,
  'workspace-failed': true,
  'workspace-removed': true,
  'workspace-kept': true,
  'step-started': true,
  'snapshot-taken': true,
  'snapshot-failed': true,
  'snapshots-dropped': true,
  checked: true,
  undoing: true,
  undone: true,
  'undo-failed': true,
  landing: true,
  landed: true,
  'land-failed': true,
  'conflicts-forecast': true,
}

/** It counts whatever the session's run is. */
export const isOfTree = (report: Report): report is TreeReport => Object.hasOwn(ofTree, report.type)

export const isAboutTree = ({ about }: Request): boolean => about !== undefined

export const isPreparing = ({ tree }: Session): boolean => tree.state === 'preparing'

/** The worktree of one that comes back; in place, its ports. */
export function madeAgain({ spec, tree, removed }: Session): readonly Event[] {
  const isGone = spec.worktree ? tree.state === 'removed' && !isBeyond(tree) : removed && Object.keys(tree.ports).length > 0
  return isGone ? [{ type: 'workspace-preparing', ...madeFrom(tree) }] : []
}

/** What a tree that is gone, or was being made of it, is made of. */
export function madeFrom({ state, from, snapshot }: SessionTree): { readonly from?: ObjectId } {
  const commit = state === 'removed' ? snapshot?.commit : (from ?? undefined)
  return commit === undefined ? {} : { from: commit }
}

/** What follows from the end of a turn: what the user wants to be sure of is checked, unless the agent is told to go on anyway. */
export function checksOf(session: Session, turn: number, stopReason: StopReason): readonly Event[] {
  const wanted = stopReason === 'end_turn' && hasChecks(session) && session.queue.length === 0 && !session.stopping && session.tree.landing === null
  return wanted ? [{ type: 'checks-started', turn }] : []
}

/** Its worktree may go when a snapshot has all of it: it was ended or removed, and nothing is under way. */
export const mayExpire = ({ spec, tree, archived, removed, process, stopping }: Session): boolean =>
  spec.worktree !== undefined &&
  (archived || removed) &&
  !stopping &&
  process.kind !== 'live' &&
  process.kind !== 'starting' &&
  (tree.state === 'ready' || tree.state === 'failed') &&
  !isBusy(tree)

/** Somebody deleted or moved its worktree. */
export function treeGone({ id, tree, spec }: Session): Refusal {
  const { path = spec.cwd, branch = '' } = spec.worktree ?? {}
  const hint = tree.snapshot ? `offstage restore ${id} brings it back as it was in snapshot ${tree.snapshot.n}` : `no snapshot of it is kept; what was committed is on ${branch}`
  return refusal('no-worktree', `the worktree of session ${id} is not there any more: ${path}`, hint)
}

const hasChecks = ({ spec, tree }: Session): boolean => (spec.checks ?? []).length > 0 && tree.trusted !== 'without'

const isEnding = ({ stopping }: Session): boolean => stopping !== null && stopping !== 'given-back'

export function decideTree(session: Session, report: TreeReport): readonly Event[] | Refusal {
  const { tree } = session
  const over = refusal('stale-run', `"${report.type}" was reported of session ${session.id}, which does not wait for it`)
  switch (report.type) {
    case 'asks-about': {
      const { ask } = report
      const isKnown = Object.hasOwn(session.closedRequests, ask.id) || session.requests.some(({ id }) => id === ask.id)
      return isKnown || isEnding(session) || session.removed ? [] : [{ type: 'asked', run: session.runs, ask }]
    }
    case 'workspace-ready':
      return tree.state === 'preparing' ? [report, ...(session.stopping ? [] : started(session))] : over
    case 'workspace-failed':
      if (tree.state !== 'preparing') return over
      return [report, ...(isEnding(session) ? [] : [{ type: 'asked', run: session.runs, ask: failedAsk(session, report) } as const])]
    case 'workspace-removed':
      // Or of a session that was ended long ago: by the user's configuration.
      return tree.state === 'removing' || mayExpire(session) ? [report] : over
    case 'workspace-kept':
      return tree.state === 'removing' ? [report] : over
    case 'snapshot-taken':
      return report.snapshot.n > tree.snapshots && !isBeyond(tree) ? [report] : over
    case 'snapshot-failed':
      // Whoever asked for one hears of it each time.
      return tree.unkept === report.reason && report.why !== 'asked' ? [] : [report]
    case 'snapshots-dropped':
      return session.removed && report.numbers.length > 0 ? [report] : over
    case 'checked':
      return tree.checking === report.turn ? [report, ...toldOf(session, report)] : over
    case 'undoing':
    case 'undone':
    case 'undo-failed':
      return tree.undoing ? [report] : over
    case 'landing':
    case 'landed':
    case 'land-failed':
      return tree.landing ? [report] : over
    case 'step-started':
      return report.step > tree.steps ? [report] : over
    case 'conflicts-forecast': {
      // What was asked about is not so any more; what is now, is asked anew.
      const asked = session.requests.filter(({ about }) => about === 'conflict')
      return [report, ...asked.map(({ id }): Event => ({ type: 'request-closed', requestId: id, because: 'withdrawn' }))]
    }
    default:
      return unreachable(report)
  }
}

/** Its program, where somebody waits for that. */
function started(session: Session): readonly Event[] {
  const { tree, runs, queue } = session
  if (!tree.starts && queue.length === 0) return []
  const resumes = goesOnWith(session)
  const environmentNames = tree.environmentNames.length > 0 ? tree.environmentNames : session.environmentNames
  return [{ type: 'run-starting', run: runs + 1, because: runs === 0 ? 'created' : 'resume', ...(resumes === undefined ? {} : { resumes }), environmentNames }]
}

function failedAsk(session: Session, { at, reason, output }: Extract<Event, { type: 'workspace-failed' }>): Ask {
  const retry: Option = { id: 'retry', label: 'try again', kind: 'other' }
  const without: readonly Option[] = at === 'tree' ? [] : [{ id: 'without', label: 'start without it', kind: 'allow', scope: 'once' }]
  const stop: Option = { id: 'stop', label: 'stop it', kind: 'reject' }
  return {
    id: derivedId(session.id, session.seq, 'workspace'),
    kind: 'error',
    title: reason,
    ...(output ? { detail: output } : {}),
    options: [retry, ...without, stop],
    about: 'workspace',
  }
}

/** By the user's policy, so often in a row. */
function toldOf(session: Session, { turn, results }: Extract<Event, { type: 'checked' }>): readonly Event[] {
  const failed = failedChecks(results)
  const { spec, tree, queue, process } = session
  const isWanted = failed.length > 0 && tree.checkFailures < (spec.checkRetries ?? 0) && queue.length === 0 && process.kind === 'live' && !session.stopping
  if (!isWanted) return []
  const where = spec.checksIn === undefined ? '' : ` in ${spec.checksIn}`
  const text = [
    `Offstage ran the checks of this session${where} after your turn, and they failed. Please find the cause and mend it.`,
    ...failed.map((result) => `$ ${checkText(result)}\n${result.output.trimEnd()}`),
  ].join('\n\n')
  return [{ type: 'prompt-queued', promptId: derivedId(session.id, turn, 'check', session.seq), text, because: 'check-failed' }]
}

/** What follows from the answer to a question about the tree, besides that it was given. */
export function treeAnswered(session: Session, { about }: Request, answer: Answer, id: string, environmentNames: readonly string[]): readonly Event[] {
  const said = answer.kind === 'option' ? answer.optionId : ''
  const { tree } = session
  switch (about) {
    case 'workspace':
      return [{ type: 'workspace-preparing', ...madeFrom(tree), ...(tree.starts ? { start: true } : {}), ...(environmentNames.length > 0 ? { environmentNames } : {}) }]
    case 'conflict':
      return said === 'now' && tree.note !== null ? [{ type: 'prompt-queued', promptId: id, text: tree.note }] : []
    default:
      return []
  }
}

export function decideTreeCommand(session: Session, command: TreeCommand): readonly Event[] | Refusal {
  const { id, tree, turn, spec } = session
  const busy = busyText(session)
  switch (command.type) {
    case 'snapshot':
      return busy === undefined || tree.checking !== null || turn.kind === 'working'
        ? [{ type: 'snapshot-asked' }]
        : refusal('at-work', `session ${id}: ${busy}`, 'try again when that is over')
    case 'undo':
      if (turn.kind === 'working' || worksInTerminal(session))
        return refusal('at-work', `the agent of session ${id} is at work in that tree`, `offstage interrupt ${id} ends its turn; or wait until it has`)
      if (busy !== undefined) return refusal('at-work', `session ${id}: ${busy}`, 'try again when that is over')
      if (tree.snapshots === 0) return refusal('no-snapshot', `there is no snapshot of session ${id}`, tree.unkept ?? `offstage snapshots ${id} lists what there is`)
      return [{ type: 'undo-asked', what: command.what }]
    case 'land':
      if (!spec.worktree)
        return refusal('no-worktree', `session ${id} works in ${spec.cwd} itself: there is nothing to land`, `offstage diff ${id} shows what it changed; commit it as you like`)
      if (turn.kind === 'working') return refusal('at-work', `the agent of session ${id} is at work`, `offstage wait ${id}, or offstage interrupt ${id}`)
      if (busy !== undefined) return refusal('at-work', `session ${id}: ${busy}`, 'try again when that is over')
      return [{ type: 'land-asked', land: command.land }]
    case 'check':
      if (!hasChecks(session)) return refusal('no-checks', `session ${id} has no checks`, 'they are given when it is started: offstage bg --check "npm test" …')
      if (turn.kind === 'working') return refusal('at-work', `the agent of session ${id} is at work`, `offstage wait ${id}, or offstage interrupt ${id}`)
      if (busy !== undefined) return refusal('at-work', `session ${id}: ${busy}`, 'try again when that is over')
      if (notReady(tree, spec))
        return refusal('no-worktree', `the tree of session ${id} is not ready${tree.trouble === null ? '' : `: ${tree.trouble}`}`, `offstage resume ${id} makes it`)
      return [{ type: 'checks-started', turn: session.turns }]
    default:
      return unreachable(command)
  }
}

/** As it says itself. */
const worksInTerminal = ({ spec, process, signal }: Session): boolean =>
  spec.kind === 'terminal' && process.kind === 'live' && signal !== null && foremost(signal.signal)?.state === 'working'

function busyText({ tree }: Session): string | undefined {
  if (!isBusy(tree)) return undefined
  if (tree.landing) return `it is being landed into ${tree.landing.land.into}`
  if (tree.undoing) return 'something is being undone'
  if (tree.checking !== null) return 'its checks run'
  return tree.state === 'removing' ? 'its worktree is being removed' : 'its tree is being made'
}

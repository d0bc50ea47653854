// react: what is to be done because of one fact. recover: what is to be done about a session that a new daemon finds. Pure; the engine performs.

import { restartDelayMs } from './decide.ts'
import type { Envelope, Event, Land, Undo } from './events.ts'
import type { RequestId } from './ids.ts'
import type { Answer, Request } from './requests.ts'
import type { Session } from './session.ts'
import { isBusy } from './tree.ts'
import type { SnapshotWhy } from './workspace.ts'

/** What the agent of a run is to be told. Its input id is the sequence number of the fact that caused it, so a repeat is recognised by the keeper. */
export type Order =
  /** `note`: what Offstage says besides, in a block of its own. */
  | { readonly type: 'prompt'; readonly promptId: string; readonly text: string; readonly note?: string }
  | { readonly type: 'answer'; readonly requestId: RequestId; readonly answer: Answer; readonly secret: boolean }
  | { readonly type: 'cancel-request'; readonly requestId: RequestId }
  | { readonly type: 'interrupt' }
  | { readonly type: 'choose'; readonly what: string; readonly value: string }
  /** Its process is about to be ended while it rests: it may put its things in order first. */
  | { readonly type: 'close' }

export type Effect =
  | { readonly type: 'start-run'; readonly run: number }
  | { readonly type: 'adopt-run'; readonly run: number }
  | { readonly type: 'order'; readonly run: number; readonly seq: number; readonly order: Order }
  /** End the process tree of the current run and prove it gone. */
  | { readonly type: 'stop-run'; readonly run: number }
  /** Unless something else happens first, report `may-start` then. */
  | { readonly type: 'restart'; readonly run: number; readonly afterMs: number }
  /** The end of the run is recorded: the keeper may leave. */
  | { readonly type: 'release-run'; readonly run: number }
  /** Make the tree, or go on making it: ends in `workspace-ready` or `workspace-failed`. What is there already is not made again. */
  | { readonly type: 'prepare-workspace' }
  /** Ends in `snapshot-taken`, `snapshot-failed`, or nothing where the tree is as at the last one. */
  | { readonly type: 'snapshot'; readonly why: SnapshotWhy; readonly turn: number }
  /** What is to come of a snapshot that failed: `retry`, `without` or `stop`. */
  | { readonly type: 'snapshot-answered'; readonly requestId: RequestId; readonly optionId: string }
  /** Run the checks of this turn, or go on: ends in `checked`. */
  | { readonly type: 'check'; readonly turn: number }
  | { readonly type: 'stop-steps' }
  /** Ends in `undone` or `undo-failed`. `going`: the files are being written, a former daemon died over it. */
  | { readonly type: 'undo'; readonly what: Undo; readonly going?: Extract<Event, { readonly type: 'undoing' }> }
  /** Ends in `landed` or `land-failed`. `going`: the branch may have moved already. */
  | { readonly type: 'land'; readonly land: Land; readonly going?: Extract<Event, { readonly type: 'landing' }> }
  /** Snapshot, then remove: ends in `workspace-removed` or `workspace-kept`. In place: only its ports are given back. */
  | { readonly type: 'dispose-workspace' }

export function react(before: Session | undefined, envelope: Envelope, after: Session): readonly Effect[] {
  const { event, seq } = envelope
  const run = after.runs
  switch (event.type) {
    case 'run-starting':
      return [{ type: 'start-run', run }]
    case 'turn-started': {
      const prompt = before?.queue.find((one) => one.promptId === event.promptId)
      const note = event.note === undefined ? {} : { note: event.note }
      return prompt ? [{ type: 'order', run, seq, order: { type: 'prompt', promptId: prompt.promptId, text: prompt.text, ...note } }] : []
    }
    case 'answered': {
      const request = before?.requests.find((one) => one.id === event.requestId)
      if (request?.about) return answeredAbout(request.about, event.requestId, event.answer)
      return [{ type: 'order', run, seq, order: { type: 'answer', requestId: event.requestId, answer: event.answer, secret: event.secret ?? false } }]
    }
    case 'request-closed': {
      const request = before?.requests.find((one) => one.id === event.requestId)
      return event.because === 'cancelled' && request && !request.lost && !request.about
        ? [{ type: 'order', run, seq, order: { type: 'cancel-request', requestId: request.id } }]
        : []
    }
    case 'chosen':
      return [{ type: 'order', run, seq, order: { type: 'choose', what: event.what, value: event.value } }]
    case 'interrupted':
      return [{ type: 'order', run, seq, order: { type: 'interrupt' } }]
    case 'stop-asked':
      return [
        ...(before && isBusy(before.tree) ? [{ type: 'stop-steps' } as const] : []),
        ...(before && isAtRest(before) ? [{ type: 'order', run, seq, order: { type: 'close' } } as const] : []),
        { type: 'stop-run', run },
      ]
    case 'run-failed':
      return [{ type: 'stop-run', run }]
    case 'workspace-preparing':
      return [{ type: 'prepare-workspace' }]
    case 'turn-ended':
      return [{ type: 'snapshot', why: 'turn-end', turn: event.turn }]
    case 'snapshot-asked':
      return [{ type: 'snapshot', why: 'asked', turn: after.turns }]
    case 'checks-started':
      return [{ type: 'check', turn: event.turn }]
    case 'checks-cut-short':
      return [{ type: 'stop-steps' }]
    case 'undo-asked':
      return [{ type: 'undo', what: event.what }]
    case 'land-asked':
      return [{ type: 'land', land: event.land }]
    case 'removed':
      return after.tree.state === 'removing' || Object.keys(after.tree.ports).length > 0 ? [{ type: 'dispose-workspace' }] : []
    case 'run-exited':
    case 'run-lost':
      return [{ type: 'release-run', run }, ...restart(after)]
    default:
      return []
  }
}

/** What it changes in the fold is there; this is what is to be done besides. */
function answeredAbout(about: NonNullable<Request['about']>, requestId: RequestId, answer: Answer): readonly Effect[] {
  if (about === 'trust') return [{ type: 'prepare-workspace' }]
  return about === 'snapshot' ? [{ type: 'snapshot-answered', requestId, optionId: answer.kind === 'option' ? answer.optionId : '' }] : []
}

const isAtRest = ({ spec, process, turn }: Session): boolean => spec.kind === 'agent' && process.kind === 'live' && process.ready && turn.kind === 'idle'

function restart(session: Session): readonly Effect[] {
  const afterMs = restartDelayMs(session)
  return afterMs === undefined ? [] : [{ type: 'restart', run: session.runs, afterMs }]
}

/** For a session as the log has it at the start of a daemon. Orders that did not reach the agent are found by the engine, from the keeper's highest input id. */
export function recover(session: Session): readonly Effect[] {
  const effects: Effect[] = []
  if (session.process.kind === 'live' || session.process.kind === 'starting') effects.push({ type: 'adopt-run', run: session.process.run })
  // The daemon that recorded the end may have died before the keeper was told, or before the last of its processes was ended.
  else if (session.runs > 0) effects.push({ type: 'release-run', run: session.runs })
  if (session.stopping) effects.push({ type: 'stop-run', run: session.runs })
  const { tree } = session
  if (tree.state === 'preparing') effects.push({ type: 'prepare-workspace' })
  if (tree.wanted) effects.push({ type: 'snapshot', why: 'asked', turn: session.turns })
  if (tree.checking !== null) effects.push({ type: 'check', turn: tree.checking })
  if (tree.undoing) effects.push({ type: 'undo', what: tree.undoing.what, ...(tree.undoing.going ? { going: tree.undoing.going } : {}) })
  // After what was being written there.
  if (tree.state === 'removing') effects.push({ type: 'dispose-workspace' })
  if (tree.landing) effects.push({ type: 'land', land: tree.landing.land, ...(tree.landing.going ? { going: tree.landing.going } : {}) })
  // What runs was to be ended; also what has just been begun again.
  const isStopped = session.stopping !== null && session.stopping !== 'given-back'
  if (isStopped || (tree.step && !isBusy(tree))) effects.push({ type: 'stop-steps' })
  return [...effects, ...restart(session)]
}

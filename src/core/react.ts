// react: what is to be done because of one fact. recover: what is to be done about a session that a new daemon finds. Pure; the engine performs.

import { restartDelayMs } from './decide.ts'
import type { Envelope } from './events.ts'
import type { RequestId } from './ids.ts'
import type { Answer } from './requests.ts'
import type { Session } from './session.ts'

/** What the agent of a run is to be told. Its input id is the sequence number of the fact that caused it, so a repeat is recognised by the keeper. */
export type Order =
  | { readonly type: 'prompt'; readonly promptId: string; readonly text: string }
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

export function react(before: Session | undefined, envelope: Envelope, after: Session): readonly Effect[] {
  const { event, seq } = envelope
  const run = after.runs
  switch (event.type) {
    case 'run-starting':
      return [{ type: 'start-run', run }]
    case 'turn-started': {
      const prompt = before?.queue.find((one) => one.promptId === event.promptId)
      return prompt ? [{ type: 'order', run, seq, order: { type: 'prompt', promptId: prompt.promptId, text: prompt.text } }] : []
    }
    case 'answered':
      return [{ type: 'order', run, seq, order: { type: 'answer', requestId: event.requestId, answer: event.answer, secret: event.secret ?? false } }]
    case 'request-closed': {
      const request = before?.requests.find((one) => one.id === event.requestId)
      return event.because === 'cancelled' && request && !request.lost ? [{ type: 'order', run, seq, order: { type: 'cancel-request', requestId: request.id } }] : []
    }
    case 'chosen':
      return [{ type: 'order', run, seq, order: { type: 'choose', what: event.what, value: event.value } }]
    case 'interrupted':
      return [{ type: 'order', run, seq, order: { type: 'interrupt' } }]
    case 'stop-asked':
      return before && isAtRest(before)
        ? [
            { type: 'order', run, seq, order: { type: 'close' } },
            { type: 'stop-run', run },
          ]
        : [{ type: 'stop-run', run }]
    case 'run-failed':
      return [{ type: 'stop-run', run }]
    case 'run-exited':
    case 'run-lost':
      return [{ type: 'release-run', run }, ...restart(after)]
    default:
      return []
  }
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
  return [...effects, ...restart(session)]
}

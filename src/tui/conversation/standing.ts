// How a session stands, for the rows above and below its transcript: what is known of it from its facts, and from others who know what is no fact. Pure.

import { choicesOf } from '../../client/choosing.ts'
import type { Session } from '../../core/session.ts'
import { statusOf } from '../../core/status.ts'
import { printableLine } from '../../core/terminal-text.ts'
import type { SessionView } from '../../core/view.ts'
import { goesOnChangesAtMs, goesOnText } from '../../text/paused-text.ts'
import { agentLabel, duration, nameOf, pausedText, shortNumber } from '../../text/format.ts'
import { shownStatus } from '../../text/status-words.ts'
import { type Header, type Piece, noSignal } from './rows.ts'
import { wayOn } from './way-on.ts'

export interface Standing {
  readonly header: Header
  /** When what the header shows is different, if nothing happens. */
  readonly changesAtMs: number | undefined
}

/** `session` is undefined until its facts were read; `view` is how somebody told it last. */
export function standingOf(session: Session | undefined, view: SessionView, nowMs: number): Standing {
  const status = session ? statusOf(session).status : view.status
  const shown = shownStatus({ status, outcome: session ? session.outcome : view.outcome })
  const sinceMs = session ? session.changedAtMs : Date.parse(view.changedAt)
  const goesOn = status !== 'completed' && status !== 'failed' && status !== 'stopped'
  const age = Math.max(0, nowMs - sinceMs)
  const step = age < 60_000 ? 1000 : 60_000
  const paused = session ? pausedIn(session) : view.paused
  const pause = paused?.until ? paused : undefined
  const { name, branch } = view.project
  return {
    header: {
      name: nameOf(session ?? view),
      about: [agentLabel(view.agent), printableLine([name, ...(branch === null ? [] : [branch])].join(' '))],
      status: shown,
      word: shown !== status ? 'checks failed' : pause ? `paused, ${goesOnText(pause, nowMs)}` : goesOn ? `${wordOf(session, view)} ${duration(age)}` : status,
    },
    changesAtMs: pause ? goesOnChangesAtMs(pause, nowMs) : goesOn ? sinceMs + (Math.floor(age / step) + 1) * step : undefined,
  }
}

function pausedIn(session: Session): SessionView['paused'] {
  const { paused } = session
  return paused && statusOf(session).status === 'paused' ? { until: paused.untilMs === null ? null : new Date(paused.untilMs).toISOString(), why: paused.why } : null
}

function wordOf(session: Session | undefined, view: SessionView): string {
  if (!session) return view.status
  const { status } = statusOf(session)
  if (session.stopping && session.stopping !== 'given-back') return 'stopping'
  if (session.silent || (view.status === status && view.reason.startsWith(noSignal))) return noSignal
  if (session.held !== null) return 'held'
  return session.turn.kind === 'working' && session.turn.interrupted && status === 'working' ? 'interrupting' : status
}

export interface StatusAbout {
  readonly session: Session | undefined
  readonly agent: string
  /** Why it cannot be followed now. */
  readonly trouble: string | undefined
  /** It asks, and there is something written that keys go to. */
  readonly writesBeside: boolean
  readonly helpKey: string
  readonly nowMs: number
}

export function statusPieces({ session, agent, trouble, writesBeside, helpKey, nowMs }: StatusAbout): readonly Piece[] {
  const leave: Piece = { text: '/bg leaves it running', rank: 0 }
  const help: Piece = { text: helpKey === '' ? '' : `${helpKey} help`, rank: 4 }
  if (trouble !== undefined)
    return [
      { text: `${printableLine(trouble)}; it is tried again`, rank: 0 },
      { ...leave, rank: 1 },
    ]
  const way = session && wayOn(session)
  if (way !== undefined) return [{ text: way, rank: 0 }, help]
  if (writesBeside) return [{ text: 'Enter sends this · Ctrl-C clears it, then keys answer', rank: 0 }]
  const paused = session && pausedIn(session)
  if (paused)
    return [
      { text: pausedText({ paused, reason: `${paused.why || 'paused'}; it is not known until when` }, nowMs), rank: 0 },
      { ...leave, rank: 1 },
      { ...help, rank: 2 },
    ]
  if (session?.held)
    return [
      { text: `held: ${printableLine(session.held)}`, rank: 0 },
      { ...leave, rank: 1 },
    ]
  const { offer = {}, usage = null, spec } = session ?? {}
  const named = (what: 'mode' | 'model'): string => {
    const { all, current } = choicesOf(offer, what)
    const id = current ?? spec?.[what]
    return printableLine(all.find((choice) => choice.id === id)?.name || (id ?? ''))
  }
  const mode = named('mode')
  const tokens = usage ? usage.inputTokens + usage.outputTokens : 0
  return [
    { text: [agentLabel(agent), named('model')].filter((part) => part !== '').join(' '), rank: 3 },
    { text: mode === '' || /\bmode$/i.test(mode) ? mode : `${mode} mode`, rank: 1 },
    { text: tokens === 0 ? '' : `${shortNumber(tokens)} tokens`, rank: 6 },
    { text: usage?.costUsd ? `$${usage.costUsd.toFixed(2)}` : '', rank: 5 },
    leave,
    help,
  ]
}

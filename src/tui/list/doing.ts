// What a session does now, or how it ended, as words and a few figures behind them. Pure; printable.

import type { RequestView, SessionView } from '../../core/view.ts'
import { count, statusMark, summaryOf } from '../../text/format.ts'
import { shownStatus } from '../../text/status-words.ts'
import { cellText } from '../cells.ts'

export interface Piece {
  readonly text: string
  readonly style: 'plain' | 'dim' | 'added' | 'removed' | 'warning'
}

export interface Doing {
  readonly text: string
  /** That it wanders. */
  readonly note: string | undefined
  /** That its work conflicts with that of others: the same, shorter and shorter. The shortest has room behind any text. */
  readonly conflict: readonly string[]
  /** What stands behind the text as long as there is room, the most important first. */
  readonly tails: readonly (readonly Piece[])[]
}

const noSignal = /^no signal\b/
const isUnderWay: ReadonlySet<string> = new Set(['being stopped', 'interrupting', 'undoing'])

/** Every state has a shape of its own. */
export function markOf(session: SessionView): string {
  const { reason, requests } = session
  const status = shownStatus(session)
  const [asking] = requests
  if (status === 'waiting' && (asking?.kind === 'auth' || asking?.kind === 'error')) return '▲'
  return status === 'working' && noSignal.test(reason) ? statusMark.starting : statusMark[status]
}

interface Besides {
  readonly note: string | undefined
  /** Of one that is paused: when it goes on. */
  readonly pause: string | undefined
  /** Names of sessions that its work conflicts with. */
  readonly conflict?: { readonly names: string; readonly path: string } | undefined
}

export function doingOf(session: SessionView, { note, pause, conflict }: Besides): Doing {
  const tails = session.status === 'waiting' ? [] : [...landedOf(session), ...changesOf(session), ...planOf(session), ...queuedOf(session)]
  const words = session.paused && pause !== undefined ? `${pause}: ${session.paused.why || 'as its agent says'}` : wordsOf(session)
  return { text: `${session.archived ? 'archived, ' : ''}${cellText(words)}`, note, conflict: conflict ? conflictTexts(session, conflict) : [], tails }
}

/** A question is more important. */
const conflictTexts = ({ status }: SessionView, { names, path }: NonNullable<Besides['conflict']>): readonly string[] =>
  status === 'waiting' ? ['≠'] : [`≠ conflicts with ${names}: ${path}`, `≠ conflicts with ${names}`, `≠ ${names}`, '≠']

function wordsOf(session: SessionView): string {
  const { status, reason, outcome, activity, requests } = session
  const last = cellText(activity)
  const after = (word: string): string => (last === '' ? word : `${word}: ${last}`)
  if (isUnderWay.has(reason) || (isOurs(session) && (status === 'working' || status === 'starting'))) return reason
  switch (status) {
    case 'waiting': {
      const open = requests.filter((one) => !one.lost)
      const [asking] = open.length > 0 ? open : requests
      return asking ? `${questionText(asking)}${requests.length > 1 ? `  and ${requests.length - 1} more` : ''}` : summaryOf(session)
    }
    case 'completed':
      if (session.landFailed !== null) return `not landed: ${session.landFailed}`
      if (outcome?.kind === 'verified') return `verified, ${count(outcome.checks.length, 'check')}`
      if (outcome?.kind === 'check-failed') return outcome.summary
      return outcome?.kind === 'done' && session.kind === 'agent' ? after('done') : last !== '' && outcome ? `${cellText(outcome.summary)}: ${last}` : cellText(reason)
    case 'failed':
      return outcome?.kind === 'check-failed' ? outcome.summary : `failed: ${cellText(reason)}`
    case 'stopped':
      return after('stopped')
    default:
      return summaryOf(session)
  }
}

/** Offstage itself is at it: making its tree, checking, landing. */
const isOurs = ({ landing, checking, workspace }: SessionView): boolean => landing !== null || checking || workspace.state === 'preparing'

/** In one line, as a question. */
export function questionText({ title, kind, lost }: Pick<RequestView, 'title' | 'kind' | 'lost'>): string {
  const text = cellText(title)
  const mark = /[?？]$/.test(text) ? '' : kind === 'permission' ? ' ?' : kind === 'question' ? '?' : ''
  return `${lost ? 'lost: ' : ''}${text}${mark}`
}

export function changesOf({ changes }: Pick<SessionView, 'changes'>): Doing['tails'] {
  if (!changes || changes.added + changes.removed === 0) return []
  return [
    [
      { text: `+${changes.added}`, style: 'added' },
      { text: ` −${changes.removed}`, style: 'removed' },
    ],
  ]
}

const landedOf = ({ landed }: SessionView): Doing['tails'] => (landed && !landed.changedSince ? [[{ text: 'landed', style: 'plain' }]] : [])

function planOf({ plan, progress, status }: SessionView): Doing['tails'] {
  if (status !== 'working' && status !== 'paused') return []
  const text = plan ? `${plan.done}/${plan.total}` : progress === null ? '' : `${progress}%`
  return text === '' ? [] : [[{ text, style: 'dim' }]]
}

const queuedOf = ({ queued, status }: SessionView): Doing['tails'] =>
  queued === 0 || (status !== 'working' && status !== 'paused') ? [] : [[{ text: `${queued} queued`, style: 'dim' }]]

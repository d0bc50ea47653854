// Signs that a session goes round in circles: nothing changed for long, or the same step again and again. Facts, no verdicts.

import type { SessionView } from '../../core/view.ts'
import { duration } from '../../text/format.ts'
import { cellText } from '../cells.ts'

const fewestRepeats = 3

/** Undefined while it does not wander. */
export function driftNote({ status, drift }: Pick<SessionView, 'status' | 'drift'>, nowMs: number, afterMs: number): string | undefined {
  if (!drift || status !== 'working') return undefined
  const { repeats, unchangedSince } = drift
  const repeatedMs = repeats ? nowMs - Date.parse(repeats.since) : 0
  if (repeats && repeats.times >= fewestRepeats && repeatedMs >= afterMs) return `same step ${repeats.times} times for ${duration(repeatedMs)}: ${cellText(repeats.title)}`
  const unchangedMs = nowMs - Date.parse(unchangedSince)
  return unchangedMs >= afterMs ? `no file changed for ${duration(unchangedMs)}` : undefined
}

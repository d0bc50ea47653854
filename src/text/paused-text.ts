// How long a session still stands still, as its agent says itself, counted in whole minutes: it is another text once a minute. Pure.

import type { SessionView } from '../core/view.ts'
import { duration } from './format.ts'

type Paused = Pick<NonNullable<SessionView['paused']>, 'until'>

const minuteMs = 60_000

/** `goes on in 42m`. */
export function goesOnText({ until }: Paused, nowMs: number): string {
  if (until === null) return 'paused'
  const leftMs = Date.parse(until) - nowMs
  return leftMs <= 0 ? 'goes on now' : `goes on in ${leftMs < minuteMs ? '<1m' : duration(leftMs)}`
}

/** When that is another text. */
export function goesOnChangesAtMs({ until }: Paused, nowMs: number): number | undefined {
  const leftMs = until === null ? 0 : Date.parse(until) - nowMs
  return leftMs <= 0 ? undefined : nowMs + Math.min(leftMs, (leftMs % minuteMs) + 1)
}

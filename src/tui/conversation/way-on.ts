// How a session goes on that stands still, in a few words. Pure.

import type { Session } from '../../core/session.ts'
import { printableLine } from '../../core/terminal-text.ts'

/** Undefined when there is nothing to be said: it is at work, or the next prompt is all that it needs. */
export function wayOn(session: Session): string | undefined {
  const { process, spec, stopping } = session
  if (session.removed) return `removed · offstage restore ${session.id} brings it back`
  if (stopping && stopping !== 'given-back') return undefined
  const lost = session.requests.find((request) => request.lost)
  const asked = lost && `it had asked: ${printableLine(lost.title)} · /resume CHOICE answers that`
  if (process.kind === 'starting') return undefined
  if (process.kind === 'live') return asked
  if (session.environmentMissing) return '/resume gives it the environment that it waits for'
  if (session.deferred !== null) return `waits: ${printableLine(session.deferred)}`
  if (spec.resume === 'never') return 'over; it was started so that it is never resumed · /new starts another'
  if (asked !== undefined && !session.halted) return `${asked}, /resume goes on without`
  if (session.halted) return 'stopped · /resume starts it again'
  if (session.outcome?.kind === 'failed') return `failed · /resume starts it again`
  if (process.kind === 'exited' && !session.canResume) return 'its agent left · /resume starts it again'
  return undefined
}

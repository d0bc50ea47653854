// A turn that stands still for a while, as an agent tells it by the extension notifications `_offstage/paused` and `_offstage/continued`.

import type { Report } from '../../core/inputs.ts'
import { pausedNotification } from './schema.ts'
import type { State } from './state.ts'
import { firstLine } from './text.ts'

/** Nothing outside a turn, and nothing of another session. */
export function pauseReport(state: State, method: '_offstage/paused' | '_offstage/continued', params: unknown): Report | undefined {
  const parsed = pausedNotification.safeParse(params)
  if (!parsed.success || !state.turn || (parsed.data.sessionId && parsed.data.sessionId !== state.agentRef)) return undefined
  if (method === '_offstage/continued') return { type: 'continued' }
  const untilMs = Date.parse(parsed.data.until ?? '')
  return { type: 'paused', untilMs: Number.isNaN(untilMs) ? null : untilMs, why: firstLine(parsed.data.why) }
}

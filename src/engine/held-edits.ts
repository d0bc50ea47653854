// By the policy "hold": a permission for files that other sessions have changed says so. Asks no git; what was found last counts.

import type { Entry, Envelope } from '../core/events.ts'
import type { Report } from '../core/inputs.ts'
import { type ConflictPolicy, withWarning } from '../core/overlap.ts'
import type { Forecasts } from './forecasts.ts'

export interface HeldEditsDeps {
  /** Undefined: nothing is held. */
  readonly conflictPolicy?: (() => Promise<ConflictPolicy>) | undefined
  readonly alsoChanged: Forecasts['alsoChanged']
}

/** Tool calls that change files. */
const changing: ReadonlySet<string> = new Set(['edit', 'delete', 'move'])

/** The same reports, with what there is to warn of. `entries`: of the session, the newest facts; those of the reports count as well. */
export async function withWarnings(deps: HeldEditsDeps, session: string, reports: readonly Report[], entries: () => Iterable<Envelope>): Promise<readonly Report[]> {
  if (!reports.some(isPermission) || (await deps.conflictPolicy?.()) !== 'hold') return reports
  const calls = new Map<string, readonly string[]>()
  const note = (entryId: string, entry: Entry): void => {
    if (entry.kind === 'tool' && changing.has(entry.toolKind)) calls.set(entryId, [...new Set([...(entry.paths ?? []), ...(entry.changes ?? []).map(({ path }) => path)])])
  }
  for (const { event } of entries()) if (event.type === 'entry-written') note(event.entryId, event.entry)
  return reports.map((report) => {
    if (report.type === 'entry') note(report.entryId, report.entry)
    if (!isPermission(report)) return report
    return { ...report, ask: withWarning(report.ask, deps.alsoChanged(session, calls.get(report.ask.entryId ?? '') ?? [])) }
  })
}

const isPermission = (report: Report): report is Extract<Report, { readonly type: 'asks' }> =>
  report.type === 'asks' && report.ask.kind === 'permission' && report.ask.entryId !== undefined

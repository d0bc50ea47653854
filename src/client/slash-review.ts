// `/undo`, `/land` and `/check` of a conversation: without "yes" they show what would happen, with it they do it. In rows; whoever shows them indents and pages.

import type { Undo } from '../core/events.ts'
import { failedChecks } from '../core/tree.ts'
import type { Client } from '../sdk/client.ts'
import { checkRows, checksLine } from '../text/checks-text.ts'
import { type Paint, count } from '../text/format.ts'
import { askedFor } from './asked-for.ts'
import { previewOf, previewText, someOf, undoText } from './changes.ts'
import { runChecks } from './checking.ts'
import { CommandFailed, exitCodes } from './failures.ts'
import { handOverHint, landedText, landingEnd, planOf, planRows, queueLanding } from './landing.ts'
import type { Slash } from './slash.ts'
import type { Environment } from './submit.ts'

export interface Look {
  readonly paint: Paint
  readonly columns: number
}

export type Review = Extract<Slash, { readonly kind: 'undo' | 'land' | 'check' }>

/** `environment`: for the checks, where that of its run is gone. Throws CommandFailed. */
export async function reviewRows(
  client: Client,
  session: string,
  slash: Review,
  look: Look,
  environment: () => Promise<Environment>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  switch (slash.kind) {
    case 'undo':
      return await undoRows(client, session, { kind: 'turns', turn: slash.turn === 'last' ? 0 : (slash.turn ?? 'all') }, slash.yes, look, signal)
    case 'land':
      return await landRows(client, session, slash.yes, environment, signal)
    case 'check': {
      const results = await runChecks(client, session, () => {}, await environment(), signal)
      return failedChecks(results).length === 0 ? [`verified: ${checksLine(results)}`] : checkRows(results, look.paint).map((row) => row.slice(3))
    }
  }
}

async function undoRows(client: Client, session: string, what: Undo, yes: boolean, { paint, columns }: Look, signal: AbortSignal): Promise<readonly string[]> {
  const found = await previewOf(client, session, what, signal)
  if (found.files.length === 0) return ['nothing is to be taken back: its files are so already']
  if (!yes)
    return [
      ...previewText(found, paint, columns).split('\n'),
      `/undo${what.kind !== 'turns' || what.turn === 'all' ? '' : ` ${what.turn === 0 ? 'last' : what.turn}`} yes   takes back ${undoText(what)}`,
    ]
  const end = await askedFor(client, { session, command: { type: 'undo', what }, asked: 'undo-asked', ends: ['undone', 'undo-failed'] }, signal)
  if (end.type === 'undo-failed')
    throw new CommandFailed('undo-failed', `${end.reason}${end.paths && end.paths.length > 0 ? `: ${someOf(end.paths)}` : ''}`, { exitCode: exitCodes.failed, hint: end.hint })
  return [`took back ${undoText(what)}: ${count(end.files.length, 'file')} written; offstage restore ${session}@${end.before} brings it back`]
}

async function landRows(client: Client, session: string, yes: boolean, environment: () => Promise<Environment>, signal: AbortSignal): Promise<readonly string[]> {
  const plan = await planOf(client, { session }, signal)
  const stands = plan.against.length > 0 || plan.conflicts.length > 0
  if (!yes || stands) return [...planRows(plan, true), plan.conflicts.length > 0 ? handOverHint(session) : stands ? 'it cannot land now' : `/land yes   lands it in ${plan.into}`]
  const queued = await queueLanding(client, session, { into: plan.into, how: plan.how, checks: true }, await environment(), signal)
  const { text, hint } = landedText({ id: session }, await landingEnd(client, queued, () => {}, signal))
  return [text, ...(hint === undefined ? [] : [hint])]
}

// Landing, as any client does it: the plan first, then one session after the other in the order given, each waited for. And what the agent is asked to do about a conflict, as the user's own prompt.

import type { LandingQuery } from '../core/api.ts'
import { isRefusal } from '../core/errors.ts'
import type { Event, Land } from '../core/events.ts'
import { printableLine } from '../core/terminal-text.ts'
import type { LandingPlan } from '../core/workspace.ts'
import type { SessionView } from '../core/view.ts'
import type { Client } from '../sdk/client.ts'
import { totalText } from '../text/changes-text.ts'
import { checksLine } from '../text/checks-text.ts'
import { count } from '../text/format.ts'
import { nextFact } from './asked-for.ts'
import { someOf } from './changes.ts'
import { type CommandFailed, failureOf, refusedError } from './failures.ts'
import { type Environment, submit } from './submit.ts'

export type Landed = Extract<Event, { readonly type: 'landed' | 'land-failed' }>

/** Throws CommandFailed. */
export async function planOf(client: Client, query: LandingQuery, signal: AbortSignal): Promise<LandingPlan> {
  const plan = await client.landing(query, signal)
  if (isRefusal(plan)) throw failureOf(plan)
  return plan
}

/** The one that is made of what is not committed is among them. */
export const commitsText = ({ ahead, uncommitted }: Pick<LandingPlan, 'ahead' | 'uncommitted'>): string =>
  uncommitted === 0
    ? count(ahead, 'commit')
    : `${count(ahead, 'commit')}, ${ahead === 1 ? '' : 'one of them '}still to be made: ${count(uncommitted, 'file')} ${uncommitted === 1 ? 'is' : 'are'} not committed`

/** What would happen, a line each. */
export function planRows({ into, how, ahead, behind, uncommitted, changes, conflicts, checks, against }: LandingPlan, withChecks: boolean): readonly string[] {
  const hasAll = changes.files.length === 0 && ahead > 0
  const commits = `${commitsText({ ahead, uncommitted })}${hasAll ? ', nothing of which is missing there' : ''}`
  return [
    `${how} into ${printableLine(into)}: ${changes.files.length > 0 ? totalText(changes) : hasAll ? 'no changes of files' : 'nothing to bring'}`,
    [commits, ...(behind > 0 ? [`${printableLine(into)} is ${behind} ahead of its base`] : [])].join(', '),
    ...(conflicts.length > 0 ? [`conflicts: ${someOf(conflicts)}`] : []),
    checks.length === 0 ? 'no checks' : withChecks ? `checks on the merged tree: ${checks.map(printableLine).join(', ')}` : 'without its checks',
    ...against.map((one) => `not now: ${printableLine(one)}`),
  ]
}

export interface Queued {
  readonly session: string
  readonly after: number
}

/** Durable when it resolves: it lands whatever becomes of this client. `environment`: for its checks, where that of its run is gone. Throws CommandFailed. */
export async function queueLanding(client: Client, session: string, land: Land, environment: Environment, signal: AbortSignal): Promise<Queued> {
  const before = await client.get(session, signal)
  await submit(client, { session, command: { type: 'land', land }, environment }, signal)
  return { session, after: before?.cursor ?? 0 }
}

/** `meanwhile` hears of steps, and of the branch that is about to move. */
export const landingEnd = (client: Client, { session, after }: Queued, meanwhile: (event: Event) => void, signal: AbortSignal): Promise<Landed> =>
  nextFact(client, { session, after, asked: 'land-asked', ends: ['landed', 'land-failed'], meanwhile }, signal)

/** One line, and what to do next. */
export function landedText(session: Pick<SessionView, 'id'>, end: Landed): { readonly text: string; readonly hint?: string } {
  if (end.type === 'landed') {
    const checks = end.results && end.results.length > 0 ? `, verified by ${checksLine(end.results)}` : ''
    const published = end.published === undefined ? '' : `; ${printableLine(end.published)}`
    const left = end.left && end.left.length > 0 ? `; left as you have just written them: ${someOf(end.left)}` : ''
    const where = end.pullRequest ? `for ${printableLine(end.into)}` : `landed in ${printableLine(end.into)} (${end.how})`
    if (end.files === 0 && !end.pullRequest) return { text: `nothing to bring: ${printableLine(end.into)} has all of it${published}` }
    return { text: `${where} as ${end.commit.slice(0, 8)}: ${count(end.files, 'file')}${checks}${left}${published}` }
  }
  // All other reasons name what they are about.
  const paths = end.at === 'conflict' && end.paths && end.paths.length > 0 ? `: ${someOf(end.paths)}` : ''
  const hint = end.hint ?? (end.at === 'conflict' ? handOverHint(session.id) : undefined)
  return { text: printableLine(`not landed: ${end.reason}${paths}`), ...(hint === undefined ? {} : { hint: printableLine(hint) }) }
}

export const handOverHint = (id: string): string => `offstage land ${id} --hand-over asks its agent to resolve them`

export const conflictError = (id: string, { into, conflicts }: Pick<LandingPlan, 'into' | 'conflicts'>): CommandFailed =>
  refusedError('conflict', `${id} cannot be merged into ${into} as it is: ${someOf(conflicts)}`, handOverHint(id))

/** In the user's name, so it says nothing but what the user asks for by handing it over. Paths are quoted: a name is no instruction. */
export function handOverPrompt({ branch }: Pick<SessionView['workspace'], 'branch'>, { into, conflicts }: Pick<LandingPlan, 'into' | 'conflicts'>): string {
  const own = branch === null ? 'your branch' : `your branch ${branch}`
  return [
    `${capital(own)} cannot be merged into ${into} as it is. These files conflict:`,
    conflicts.map((path) => `- ${JSON.stringify(path)}`).join('\n'),
    `Please merge ${into} into ${own} in your working tree, resolve the conflicts so that what both sides meant is kept, make sure that the result works, and commit it. Leave ${into} itself as it is, and push nothing.`,
  ].join('\n\n')
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

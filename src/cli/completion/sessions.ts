// Sessions, their requests and the answers to these, as words of a command line: each by the name that means it and no other.

import { match } from '../../core/ids.ts'
import type { Option } from '../../core/requests.ts'
import { printableLine } from '../../core/terminal-text.ts'
import type { RequestView, SessionView } from '../../core/view.ts'
import { cut, nameOf, summaryOf } from '../../text/format.ts'
import type { Candidate } from './complete.ts'

const longestDescription = 60

const isListed = (session: SessionView): boolean => !session.removed
const isOver = (session: SessionView): boolean => !session.run?.alive && session.status !== 'queued' && session.status !== 'starting'

/** Where not every session that is in the list will do. */
const fits: Readonly<Record<string, (session: SessionView) => boolean>> = {
  send: (session) => isListed(session) && (session.kind === 'agent' || !isOver(session)),
  interrupt: (session) => isListed(session) && !isOver(session),
  stop: (session) => isListed(session) && !isOver(session),
  end: (session) => isListed(session) && !session.archived,
  resume: (session) => isListed(session) && isOver(session),
  restore: (session) => session.removed || session.archived || session.workspace.snapshots > 0,
  land: (session) => isListed(session) && session.workspace.kind === 'worktree',
  check: (session) => isListed(session) && session.checks.length > 0,
}

/** Those that this verb can do something with, one word each: its label, or its id where that was begun, or where the label would not mean it. */
export function sessionsFor(verb: string, all: readonly SessionView[], typed: string, others: readonly string[]): readonly Candidate[] {
  const meant = verb === 'restore' ? all.filter((session) => session.removed || session.archived || session.workspace.snapshots > 0) : all.filter(isListed)
  const named = others.flatMap((word) => {
    const found = match(meant, word)
    return found.kind === 'one' ? [found.found.id] : []
  })
  const fitting = meant.filter((session) => (fits[verb] ?? isListed)(session) && !named.includes(session.id))
  // Those that left the list are rarely meant.
  return [...fitting.filter((one) => !one.archived), ...fitting.filter((one) => one.archived)].map((session) => sessionCandidate(session, meant, typed))
}

function sessionCandidate(session: SessionView, all: readonly SessionView[], typed: string): Candidate {
  const label = labelOf(session, all)
  const summary = summaryOf(session)
  if (label !== undefined && label.startsWith(typed)) return { value: label, description: described(session.id, session.status, summary) }
  const name = nameOf(session)
  return { value: session.id, description: described(name, session.status, summary === name ? '' : summary) }
}

/** The label, if the same word typed again finds this session and looks like what it is. */
function labelOf(session: SessionView, all: readonly SessionView[]): string | undefined {
  const { label } = session
  if (label === null || label === '' || label.startsWith('-') || printableLine(label) !== label) return undefined
  const found = match(all, label)
  return found.kind === 'one' && found.found === session ? label : undefined
}

const described = (...parts: readonly string[]): string =>
  cut(
    parts
      .filter((part) => part !== '')
      .map(printableLine)
      .join('  '),
    longestDescription,
  )

/** Those that sessions of the same repository were started from, or have landed in; without such a session, of all. */
export function branchesOf(all: readonly SessionView[], typedSession: string): readonly Candidate[] {
  const repository = only(all, typedSession)?.workspace.repository
  const branches = all
    .filter((session) => isListed(session) && (!repository || session.workspace.repository === repository))
    .flatMap(({ workspace, landed }) => [workspace.from, landed?.into ?? null, workspace.kind === 'in-place' ? workspace.branch : null])
  return [...new Set(branches)].filter((branch) => branch !== null).map((value) => ({ value, description: '' }))
}

interface Asking {
  readonly session: SessionView
  readonly request: RequestView
}

const asking = (all: readonly SessionView[], which: 'open' | 'lost'): readonly Asking[] =>
  all.filter(isListed).flatMap((session) => session.requests.filter((request) => request.lost === (which === 'lost')).map((request) => ({ session, request })))

/** Each open request by one word: the label of its session if it is the only one there, else its own id. */
export function openRequests(all: readonly SessionView[], typed: string): readonly Candidate[] {
  const open = asking(all, 'open')
  return open.map(({ session, request }) => {
    const alone = open.filter((one) => one.session === session).length === 1
    const names = alone ? [labelOf(session, all.filter(isListed)), request.id, session.id] : [request.id]
    const value = names.find((name) => name?.startsWith(typed)) ?? request.id
    return { value, description: described(value === request.id ? nameOf(session) : request.id, `${request.kind}: ${request.title}`) }
  })
}

/** The questions that died with the process of this session. */
export const lostRequestsOf = (all: readonly SessionView[], typedSession: string): readonly Candidate[] =>
  asking(all, 'lost')
    .filter(({ session }) => session === only(all, typedSession))
    .map(({ request }) => ({ value: request.id, description: described(`${request.kind}: ${request.title}`) }))

function only(all: readonly SessionView[], typed: string): SessionView | undefined {
  const found = match(all.filter(isListed), typed)
  return found.kind === 'one' ? found.found : undefined
}

/** The request that `typed` means: by its own id, a beginning of it, or as the only one of its session. */
function requestOf(all: readonly SessionView[], typed: string, which: 'open' | 'lost'): RequestView | undefined {
  const asked = asking(all, which)
  const session = only(all, typed)
  const [first, ...more] = session ? asked.filter((one) => one.session === session) : asked.filter(({ request }) => typed !== '' && request.id.startsWith(typed))
  return more.length === 0 ? first?.request : undefined
}

/** What its agent offers as answers: the ids of its options, or the choices of its only field. */
export function choicesFor(all: readonly SessionView[], typed: string, which: 'open' | 'lost'): readonly Candidate[] {
  const request = requestOf(all, typed, which)
  if (!request) return []
  const [field, ...others] = request.fields
  if (request.options.length > 0) return request.options.map((option, index) => ({ value: wordOf(option, index), description: described(option.label) }))
  return field && others.length === 0 ? valuesOf(field) : []
}

/** An id that cannot be typed is chosen by its number. */
const wordOf = ({ id }: Option, index: number): string => (printableLine(id) === id && id !== '' && !id.startsWith('-') ? id : String(index + 1))

/** `NAME=VALUE` for each value of a form that is chosen from a list. */
export const fieldsFor = (all: readonly SessionView[], typed: string, which: 'open' | 'lost'): readonly Candidate[] =>
  (requestOf(all, typed, which)?.fields ?? []).flatMap((field) => valuesOf(field).map(({ value, description }) => ({ value: `${field.name}=${value}`, description })))

function valuesOf({ type, choices }: RequestView['fields'][number]): readonly Candidate[] {
  if (type === 'boolean') return ['yes', 'no'].map((value) => ({ value, description: '' }))
  return (choices ?? []).map(({ value, label }) => ({ value, description: label === value ? '' : described(label) }))
}

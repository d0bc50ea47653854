// Sessions of one repository whose work overlaps: in which order they are best landed, whose recorded forecast is not true any more, and in which words an agent or its user is told. Pure; what overlaps was found by git.

import type { Event } from './events.ts'
import { type SessionId, derivedId } from './ids.ts'
import type { Ask } from './requests.ts'
import { printableLine } from './terminal-text.ts'
import type { Conflict, Forecast, TreePath } from './workspace.ts'

/** Of a session, as its facts say it. */
export interface Overlapping {
  readonly id: SessionId
  readonly label: string | null
  /** Its agent takes prompts: it can be told. */
  readonly takesPrompts: boolean
  /** When it changed its tree last, as far as is known. */
  readonly wroteAtMs: number
  /** As recorded, and what its agent is still to be told. */
  readonly conflicts: ForecastFact['with']
  readonly branch?: ForecastFact['branch']
  readonly note: string | null
}

/** Of a session in a forecast. */
export interface Landable {
  readonly id: SessionId
  readonly files: number
  readonly added: number
  readonly removed: number
  /** Its own branch, and the one that it was started from. Absent: it works in place and has no branch to land. */
  readonly branch?: string
  readonly from?: string
  /** That one has changed since in a way that conflicts with it. */
  readonly conflictsWithBranch?: true
}

/** What is done about a conflict: the later writer is told with its next prompt, its user is asked first, edits wait in their permission requests, or it is only shown. */
export type ConflictPolicy = 'tell' | 'ask' | 'hold' | 'show'

type ForecastFact = Extract<Event, { readonly type: 'conflicts-forecast' }>

export interface ForecastNews {
  readonly session: SessionId
  readonly report: ForecastFact
  /** To be asked besides. */
  readonly ask?: Ask
}

/** More are conflicts all the same, and are not named in facts. */
const mostPaths = 50
const namedPaths = 5

/** Fewest conflicts first, then the smallest; but what was started from another's branch comes after that one. Sessions in place are only told of. */
export function landingOrder(sessions: readonly Landable[], conflicts: readonly Pick<Conflict, 'sessions' | 'paths'>[]): Forecast['order'] {
  const against = new Map(sessions.map(({ id }) => [id, opponentsOf(id, conflicts)]))
  const count = ({ id, conflictsWithBranch }: Landable): number => (against.get(id)?.length ?? 0) + (conflictsWithBranch ? 1 : 0)
  const size = ({ added, removed }: Landable): number => added + removed
  const left = sessions.toSorted((one, other) => count(one) - count(other) || size(one) - size(other) || one.files - other.files || (one.id < other.id ? -1 : 1))
  const order: { readonly id: SessionId; readonly why: string }[] = []
  while (left.length > 0) {
    const waitsFor = (one: Landable): Landable | undefined => left.find((other) => other !== one && other.branch !== undefined && other.branch === one.from)
    // Two that were each started from the other cannot be; if they are, none of them waits.
    const next = left.find((one) => waitsFor(one) === undefined) ?? left[0]
    if (!next) break
    left.splice(left.indexOf(next), 1)
    const parent = sessions.find((other) => other !== next && other.branch !== undefined && other.branch === next.from)
    order.push({ id: next.id, why: [...(parent ? [`started from the branch of ${parent.id}`] : []), ...(next.conflictsWithBranch ? [`conflicts with what came to ${next.from}`] : []), conflictWords(against.get(next.id) ?? []), sizeWords(next), ...(next.branch === undefined ? ['in place: commit what it changed'] : [])].join('; ') }) // prettier-ignore
  }
  return order
}

const opponentsOf = (id: SessionId, conflicts: readonly Pick<Conflict, 'sessions' | 'paths'>[]): readonly SessionId[] =>
  conflicts
    .filter(({ sessions, paths }) => paths.length > 0 && sessions.includes(id))
    .map(({ sessions: [one, other] }) => (one === id ? other : one))
    .toSorted()

const conflictWords = (others: readonly SessionId[]): string => (others.length === 0 ? 'conflicts with no other session' : `conflicts with ${listed(others, namedPaths)}`)
const sizeWords = ({ files, added, removed }: Landable): string => `${files} ${files === 1 ? 'file' : 'files'}, +${added} -${removed}`

/** Whose facts are to be recorded now, each with what its agent is told. `unknown`: sessions that nothing could be found out about this time; what is recorded of them stays. */
export function forecastNews(
  sessions: readonly Overlapping[],
  found: { readonly conflicts: readonly Conflict[]; readonly branches?: ReadonlyMap<SessionId, NonNullable<ForecastFact['branch']>>; readonly unknown: ReadonlySet<SessionId> },
  policy: ConflictPolicy,
): readonly ForecastNews[] {
  const byId = new Map(sessions.map((session) => [session.id, session]))
  return sessions.flatMap((session): readonly ForecastNews[] => {
    if (found.unknown.has(session.id)) return []
    const stays = session.conflicts.filter((one) => found.unknown.has(one.session))
    const now = found.conflicts.flatMap((conflict) => {
      const { sessions: [one, other], paths } = conflict // prettier-ignore
      const against = one === session.id ? other : other === session.id ? one : undefined
      return against === undefined || paths.length === 0 || found.unknown.has(against) ? [] : [{ session: against, paths: paths.slice(0, mostPaths), sameTree: conflict.sameTree }]
    })
    const all = [...stays, ...now.map(({ session: id, paths }) => ({ session: id, paths }))].toSorted((one, other) => (one.session < other.session ? -1 : 1))
    const met = found.branches?.get(session.id)
    const branch = met && { name: met.name, paths: met.paths.slice(0, mostPaths) }
    if (sameConflicts(session.conflicts, all) && JSON.stringify(session.branch) === JSON.stringify(branch)) return []
    const toTell = now.filter((one) => {
      const other = byId.get(one.session)
      if (!other || toBeTold(session, other) !== session) return false
      const before = session.conflicts.find((known) => known.session === one.session)
      return session.note?.includes(one.session) || !before || one.paths.some((path) => !before.paths.includes(path))
    })
    const note = toTell.length > 0 && (policy === 'tell' || policy === 'ask') ? noteText(toTell.map((one) => ({ ...one, label: byId.get(one.session)?.label ?? null }))) : undefined
    const report: ForecastFact = { type: 'conflicts-forecast', with: all, ...(branch ? { branch } : {}), ...(note === undefined ? {} : { note }) }
    return [{ session: session.id, report, ...(note !== undefined && policy === 'ask' ? { ask: conflictAsk(session.id, note) } : {}) }]
  })
}

/** The one that wrote later, or the only one that can be told. */
function toBeTold(one: Overlapping, other: Overlapping): Overlapping | undefined {
  if (!one.takesPrompts || !other.takesPrompts) return [one, other].find(({ takesPrompts }) => takesPrompts)
  if (one.wroteAtMs !== other.wroteAtMs) return one.wroteAtMs > other.wroteAtMs ? one : other
  return one.id > other.id ? one : other
}

const sameConflicts = (one: ForecastFact['with'], other: ForecastFact['with']): boolean => JSON.stringify(sorted(one)) === JSON.stringify(sorted(other))

const sorted = (conflicts: ForecastFact['with']): readonly (readonly unknown[])[] =>
  conflicts.map(({ session, paths }) => [session, paths.toSorted()] as const).toSorted(([one], [other]) => (one < other ? -1 : 1))

/** What the agent hears: in Offstage's own name, about sessions and files only. Names are untrusted and stay one line. */
export function noteText(
  conflicts: readonly { readonly session: SessionId; readonly label: string | null; readonly paths: readonly TreePath[]; readonly sameTree?: true | undefined }[],
): string {
  const who = ({ session, label }: { readonly session: SessionId; readonly label: string | null }): string => (label === null ? session : `${session} (${printableLine(label)})`)
  const sentences = conflicts.map((one) => {
    const files = listed(one.paths.map(quotedPath), namedPaths)
    return one.sameTree
      ? `session ${who(one)} works in this same directory and has changed ${files} too.`
      : `session ${who(one)} has changes in a tree of its own, not landed yet, that conflict with yours in ${files}.`
  })
  const advice = [
    ...(conflicts.some(({ sameTree }) => !sameTree) ? ['Keep what you change there small, or leave it to that session where your task allows.'] : []),
    ...(conflicts.some(({ sameTree }) => sameTree) ? ['Read a file again before you change it, and leave changes that are not yours.'] : []),
  ]
  return ['Note from Offstage, not from the user:', ...sentences, ...advice].join(' ')
}

function conflictAsk(session: SessionId, note: string): Ask {
  return {
    id: derivedId(session, 'conflict', note),
    kind: 'question',
    title: 'its changes conflict with those of another session: is its agent to be told?',
    detail: note,
    options: [
      { id: 'now', label: 'tell it as soon as its turn is over', kind: 'other' },
      { id: 'next', label: 'tell it with my next prompt', kind: 'other' },
      { id: 'leave', label: 'leave it', kind: 'reject', scope: 'once' },
    ],
    about: 'conflict',
  }
}

/** A permission for files that other sessions have changed says so, in front of everything else. `paths`: below the top of its tree. */
export function withWarning(ask: Ask, others: readonly { readonly session: SessionId; readonly label: string | null; readonly paths: readonly TreePath[] }[]): Ask {
  if (ask.kind !== 'permission' || others.length === 0) return ask
  const lines = others.map(({ session, label, paths }) => {
    const name = label === null ? session : `${session} (${printableLine(label)})`
    return `Offstage: session ${name} changes ${paths.length === 1 ? 'this file' : 'these files'} too: ${listed(paths.map(quotedPath), namedPaths)}`
  })
  return { ...ask, detail: [...lines, ...(ask.detail === undefined ? [] : ['', ask.detail])].join('\n') }
}

function quotedPath(path: TreePath): string {
  const line = printableLine(path).slice(0, 200)
  return /^[\w./@+-]+$/.test(line) ? line : JSON.stringify(line)
}

/** `a, b and 3 more`. */
function listed(names: readonly string[], most: number): string {
  const shown = names.length > most + 1 ? [...names.slice(0, most), `${names.length - most} more`] : names
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}

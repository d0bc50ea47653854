// From what a person typed to the session or request that is meant, or the candidates.

import { match } from '../core/ids.ts'
import { printableLine } from '../core/terminal-text.ts'
import type { RequestView, SessionView } from '../core/view.ts'
import type { Client } from '../sdk/client.ts'
import { type Candidate, CommandFailed, exitCodes, refusedError } from './failures.ts'

const listHint = 'offstage sessions lists them'
const shownCandidates = 8

const candidateOf = ({ id, label, title }: Candidate): Candidate => ({ id, label, title })
/** One label, and often one title: the time tells them apart. */
const datedOf = ({ id, label, title, updatedAt }: SessionView): Candidate => ({ id, label, title, updatedAt })

/** Every session that a name can mean, removed ones too. */
export const allSessions = (client: Client, signal: AbortSignal): Promise<readonly SessionView[]> => client.list({ all: true }, signal)

/** The session that is in the list (archived ones count) by exact id, exact label or unique beginning of an id. */
export async function findSession(client: Client, typed: string, signal: AbortSignal): Promise<SessionView> {
  return pickSession(await allSessions(client, signal), typed)
}

export async function findSessions(client: Client, typed: readonly string[], signal: AbortSignal): Promise<readonly SessionView[]> {
  const all = await allSessions(client, signal)
  const found = typed.map((one) => pickSession(all, one))
  return found.filter((one, index) => found.findIndex((other) => other.id === one.id) === index)
}

export function pickSession(all: readonly SessionView[], typed: string): SessionView {
  const listed = all.filter((session) => !session.removed)
  const matched = match(listed, typed)
  if (matched.kind === 'one') return matched.found
  if (matched.kind === 'several') {
    // A label that was used before means the session that still is in the list.
    const [present, ...others] = matched.candidates.filter((session) => !session.archived)
    if (!present || others.length > 0) throw ambiguous(typed, matched.candidates)
    return present
  }
  const removed = match(
    all.filter((session) => session.removed),
    typed,
  )
  if (removed.kind === 'one') throw refusedError('removed', `session ${removed.found.id} was removed`, `offstage restore ${removed.found.id} brings it back`)
  if (removed.kind === 'several') throw removedOnes(typed, removed.candidates)
  throw unknownSession(typed, listed)
}

/** All of them went; which one is meant only the user knows. */
export const removedOnes = (typed: string, removed: readonly SessionView[]): CommandFailed =>
  new CommandFailed('ambiguous', `"${printableLine(typed)}" fits ${removed.length} ${removed.every((one) => one.removed) ? 'removed' : 'removed or archived'} sessions`, {
    exitCode: exitCodes.unknown,
    hint: 'offstage restore ID brings one of them back',
    candidates: removed
      .toSorted((one, other) => other.updatedAt.localeCompare(one.updatedAt))
      .slice(0, shownCandidates)
      .map(datedOf),
  })

export const ambiguous = (typed: string, candidates: readonly Candidate[]): CommandFailed =>
  new CommandFailed('ambiguous', `"${typed}" fits ${candidates.length} sessions`, {
    exitCode: exitCodes.unknown,
    hint: 'give more of the id',
    candidates: candidates.slice(0, shownCandidates).map(candidateOf),
  })

export function unknownSession(typed: string, known: readonly Candidate[]): CommandFailed {
  const near = known.filter((session) => isNear(session, typed))
  const candidates = (near.length > 0 ? near : known).slice(0, shownCandidates).map(candidateOf)
  return new CommandFailed('unknown-session', `no session matches "${typed}"`, {
    exitCode: exitCodes.unknown,
    hint: known.length === 0 ? 'there are no sessions yet' : listHint,
    candidates,
  })
}

function isNear({ id, label, title }: Candidate, typed: string): boolean {
  const part = typed.toLowerCase()
  return part.length >= 2 && (id.startsWith(part.slice(0, 3)) || (label ?? '').toLowerCase().includes(part) || title.toLowerCase().includes(part))
}

export interface FoundRequest {
  readonly session: SessionView
  readonly request: RequestView
}

/** A request by its own id (or a unique beginning of it), or the only open one of a session. */
export async function findRequest(client: Client, typed: string, signal: AbortSignal): Promise<FoundRequest> {
  const all = await allSessions(client, signal)
  const listed = all.filter((session) => !session.removed)
  const requests = listed.flatMap((session) => session.requests.map((request) => ({ id: request.id, label: null, title: request.title, found: { session, request } })))
  const exact = requests.find((one) => one.id === typed)
  const bySession = match(listed, typed)
  if (exact && !(bySession.kind === 'one' && bySession.found.id === typed)) return exact.found
  if (bySession.kind === 'one') return onlyRequest(bySession.found)
  const byPrefix = match(requests, typed)
  if (bySession.kind === 'none' && byPrefix.kind === 'one') return byPrefix.found.found
  if (bySession.kind === 'none' && byPrefix.kind === 'several') {
    throw new CommandFailed('ambiguous', `"${typed}" fits ${byPrefix.candidates.length} requests`, {
      exitCode: exitCodes.unknown,
      hint: 'give more of the id',
      candidates: byPrefix.candidates.map(candidateOf),
    })
  }
  return onlyRequest(pickSession(all, typed))
}

/** The one request that a session has open; lost ones only when no other is. */
export function onlyRequest(session: SessionView): FoundRequest {
  const open = session.requests.filter((request) => !request.lost)
  const asked = open.length > 0 ? open : session.requests
  const [first] = asked
  if (!first) {
    // Not all that a program shows can be answered by a command.
    const inItsScreen = session.kind === 'terminal' && session.status === 'waiting'
    throw refusedError(
      'not-asked',
      `session ${session.id} has no open request`,
      inItsScreen ? `it waits in its own screen: offstage switch ${session.id}` : 'offstage requests lists what is open',
    )
  }
  if (asked.length > 1) {
    throw new CommandFailed('ambiguous', `session ${session.id} has ${asked.length} open requests`, {
      exitCode: exitCodes.unknown,
      hint: 'offstage answer REQUEST CHOICE answers one of them',
      candidates: asked.map(({ id, title }) => ({ id, label: null, title })),
    })
  }
  return { session, request: first }
}

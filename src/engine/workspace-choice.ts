// Where a session that is being created is to work: in place, or in a worktree of its own. Decided once, before it is recorded; nothing is made here.

import { realpath } from 'node:fs/promises'
import { terminalProgram } from '../catalogue/index.ts'
import { type Refusal, refusal } from '../core/errors.ts'
import type { LaunchSpec } from '../core/events.ts'
import type { SessionId } from '../core/ids.ts'
import { directoryOf } from '../core/place.ts'
import type { Session } from '../core/session.ts'
import type { Place, Worktree } from '../core/workspace.ts'
import { type RepositoryAt, type TreeState, WorkspaceFailed, type Workspaces } from '../workspace/workspaces.ts'

export type ChoiceDeps = {
  readonly workspaces: Pick<Workspaces, 'repositoryAt' | 'stateOf' | 'planWorktree'>
  readonly sessions: () => Iterable<Session | undefined>
}

/** Files that are named to a person. */
const mostNamed = 200

/** What it does to the files of its tree nobody types: an agent, also one in a terminal. */
export const isAgent = (spec: LaunchSpec): boolean => spec.kind === 'agent' || (spec.driver === 'terminal' && terminalProgram(spec.argv) !== undefined)

/** The spec as it is to be recorded, or why that is impossible. Throws what the world does to it. */
export async function chooseWorkspace(deps: ChoiceDeps, session: SessionId, label: string | null, spec: LaunchSpec, signal: AbortSignal): Promise<LaunchSpec | Refusal> {
  const wish = spec.workspace ?? 'in-place'
  if (wish === 'in-place' || (wish === 'auto' && !isAgent(spec))) return inPlace(spec)
  const at = await deps.workspaces.repositoryAt(spec.cwd, signal)
  if (wish === 'auto') {
    const others = async () => (at ? sessionsIn(deps, at, signal) : [])
    const auto = await autoAt(at, others, () => deps.workspaces.stateOf(spec.cwd, signal))
    if (auto.kind === 'in-place') return inPlace(spec)
  }
  if (!at)
    return refusal('no-worktree', `${spec.cwd} is in no git repository, so there can be no worktree of it`, 'run git init and commit something there, or start it with --in-place')
  if (at.noWorktrees !== undefined) return refusal('no-worktree', `no worktree can be made of ${at.top}: ${at.noWorktrees}`, 'start it with --in-place')
  try {
    const planned = await deps.workspaces.planWorktree(at, { session, label }, signal)
    const { carries, ...rest } = spec
    return { ...rest, worktree: { ...planned, ...(carries ? { carries } : {}) } satisfies Worktree }
  } catch (cause) {
    if (!(cause instanceof WorkspaceFailed)) throw cause
    return refusal('no-worktree', cause.message, cause.hint ?? 'start it with --in-place')
  }
}

/** The user's own tree is made ready by the user: only what the program is given, and what is checked, is left. */
function inPlace(spec: LaunchSpec): LaunchSpec {
  const { preparation, carries: _, worktree: __, trust, ...rest } = spec
  const { ports, environment } = preparation ?? {}
  const kept = { ...(ports && ports.length > 0 ? { ports } : {}), ...(environment && Object.keys(environment).length > 0 ? { environment } : {}) }
  const runs = kept.environment !== undefined || (spec.checks ?? []).length > 0
  return { ...rest, ...(Object.keys(kept).length > 0 ? { preparation: kept } : {}), ...(trust && runs ? { trust } : {}) }
}

/** What is not needed is not asked for. */
async function autoAt(
  at: RepositoryAt | undefined,
  others: () => Promise<readonly SessionId[]>,
  state: () => Promise<Pick<TreeState, 'changed' | 'untracked'>>,
): Promise<Place['auto']> {
  if (!at) return { kind: 'in-place', why: 'it is in no git repository' }
  if (at.noWorktrees !== undefined) return { kind: 'in-place', why: at.noWorktrees }
  if (at.bare) return { kind: 'worktree', why: 'the repository is bare' }
  const [other] = await others()
  if (other !== undefined) return { kind: 'worktree', why: `session ${other} works in the same tree` }
  const { changed, untracked } = await state()
  if (changed.length + untracked.length > 0) return { kind: 'worktree', why: `${changed.length + untracked.length} files there are not committed` }
  return { kind: 'in-place', why: 'nobody else works there, and all is committed' }
}

/** Live agents that work in this tree itself. */
async function sessionsIn({ workspaces, sessions }: ChoiceDeps, at: RepositoryAt, signal: AbortSignal): Promise<readonly SessionId[]> {
  const found: SessionId[] = []
  for (const session of sessions()) {
    if (!session || !isAgent(session.spec) || !isAtWork(session)) continue
    const directory = await realpath(directoryOf(session.spec)).catch(() => directoryOf(session.spec))
    // One inside may have a repository of its own there; only those are worth asking git about.
    if (!`${directory}/`.startsWith(`${at.top}/`)) continue
    const { top } = directory === at.top ? at : ((await workspaces.repositoryAt(directory, signal).catch(() => undefined)) ?? {})
    if (top === at.top) found.push(session.id)
  }
  return found
}

/** The same where there is no repository: in this directory, in one that it lies in, or in one below that has no repository of its own. */
async function sessionsAround({ workspaces, sessions }: ChoiceDeps, cwd: string, signal: AbortSignal): Promise<readonly SessionId[]> {
  const here = await realpath(cwd).catch(() => cwd)
  const isIn = (inner: string, outer: string): boolean => `${inner}/`.startsWith(outer.endsWith('/') ? outer : `${outer}/`)
  const found: SessionId[] = []
  for (const session of sessions()) {
    if (!session || !isAgent(session.spec) || !isAtWork(session)) continue
    const directory = await realpath(directoryOf(session.spec)).catch(() => directoryOf(session.spec))
    if (!isIn(here, directory) && !isIn(directory, here)) continue
    if (directory === here || !(await workspaces.repositoryAt(directory, signal).catch(() => undefined))) found.push(session.id)
  }
  return found
}

const isAtWork = ({ process, tree, deferred, removed }: Session): boolean =>
  !removed && (process.kind === 'live' || process.kind === 'starting' || tree.state === 'preparing' || deferred !== null)

/** Throws WorkspaceFailed. */
export async function placeOf(deps: ChoiceDeps, cwd: string, signal: AbortSignal): Promise<Place> {
  const at = await deps.workspaces.repositoryAt(cwd, signal)
  const sessions = at ? await sessionsIn(deps, at, signal) : await sessionsAround(deps, cwd, signal)
  const hasState = at && at.noWorktrees === undefined && !at.bare
  const state = hasState ? await deps.workspaces.stateOf(cwd, signal) : { changed: [], untracked: [], ahead: null, behind: null }
  const auto = await autoAt(
    at,
    async () => sessions,
    async () => state,
  )
  if (!at || at.noWorktrees !== undefined) return { sessions, auto }
  return {
    repository: {
      top: at.top,
      branch: at.branch,
      head: at.head,
      ahead: state.ahead,
      behind: state.behind,
      changed: state.changed.slice(0, mostNamed),
      untracked: state.untracked.slice(0, mostNamed),
    },
    sessions,
    auto,
  }
}

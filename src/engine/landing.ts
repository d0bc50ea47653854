// The queue of landings. Those of one repository go one after the other, each merged and checked on top of those before it; one that fails is set aside with its reason, the rest go on.
// Decides the order of steps and reports them; runs no git, no program, and remembers nothing over a restart: what was not over is asked for again, by the facts of its session.

import { setTimeout as wait } from 'node:timers/promises'
import type { LandingQuery } from '../core/api.ts'
import type { Event, Land } from '../core/events.ts'
import type { SessionId } from '../core/ids.ts'
import { printableLine } from '../core/terminal-text.ts'
import type { CheckResult, Changes, LandHow, LandingPlan, ObjectId, TreePath, Worktree } from '../core/workspace.ts'
import { type MergePreview, type Merged, type Workspaces, WorkspaceFailed } from '../workspace/workspaces.ts'
import { Mailbox } from './mailbox.ts'

/** What of a session lands. */
export interface Landing {
  readonly session: SessionId
  /** In one line; of the commits that nobody gave a message for. */
  readonly title: string
  /** Of the session: its worktree, else its `cwd`. */
  readonly directory: string
  readonly worktree?: Worktree
  /** As `workspace-ready` has it. */
  readonly base: ObjectId
  /** The session's, whether or not they are wanted this time. */
  readonly checks: readonly string[]
}

export type LandingReport = Extract<Event, { readonly type: 'landing' | 'landed' | 'land-failed' }>
type Going = Extract<Event, { readonly type: 'landing' }>
type Failed = Extract<Event, { readonly type: 'land-failed' }>

export interface LandingDeps {
  readonly workspaces: Pick<
    Workspaces,
    'repositoryAt' | 'treeOfBranch' | 'mergeFor' | 'previewMerge' | 'temporaryTree' | 'mayFollow' | 'moveBranch' | 'mayPublish' | 'publish' | 'compare' | 'treeNow'
  >
  /** Of this session; resolves when it is durable. */
  readonly report: (report: LandingReport) => Promise<void>
  /** Makes a temporary tree of the merged commit ready (what is to be brought, the set-up), and runs these commands in it, one after the other, up to the first that fails.
   *  `problem`: why they could not be run; the set-up failed, for one. */
  readonly runSteps: (tree: string, commands: readonly string[], signal: AbortSignal) => Promise<{ readonly results: readonly CheckResult[]; readonly problem?: string }>
  /** Takes one of the user's tree, before its files follow the branch. Throws WorkspaceFailed. */
  readonly snapshot: (tree: string, signal: AbortSignal) => Promise<void>
  /** Of the daemon: nothing else ends what has begun to move; the next daemon goes on with it. */
  readonly closing: AbortSignal
}

/** So often is it merged and checked anew, when the branch moves meanwhile. */
const mostAttempts = 5
/** While another git is at work in the tree, or a disk is full. */
const patienceMs = [100, 500, 2000, 10_000]

interface Lane {
  readonly waiting: (() => Promise<void>)[]
  busy: boolean
}

/** Of one daemon. */
export class LandingQueue {
  readonly #lanes = new Map<string, Lane>()
  /** In the order in which they were asked for, though it takes a while to find out of which repository each is. */
  readonly #arrivals = new Mailbox()
  readonly #patienceMs: readonly number[]

  constructor(parts: { readonly patienceMs?: readonly number[] } = {}) {
    this.#patienceMs = parts.patienceMs ?? patienceMs
  }

  /** Ends with `landed` or `land-failed` reported, whatever happens; rejects only with the signal's reason, or with what `report` threw.
   *  `going`: a former daemon died over it; it goes before what waits. */
  land(deps: LandingDeps, of: Landing, land: Land, going: Going | undefined, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const run = (): Promise<void> => landOne({ deps, of, land, patienceMs: this.#patienceMs, signal }, going).then(resolve, reject)
      void this.#arrivals.put(async () => {
        const lane = this.#lane(await laneOf(deps, of, signal))
        if (going) lane.waiting.unshift(run)
        else lane.waiting.push(run)
        void this.#next(lane)
      })
    })
  }

  #lane(name: string): Lane {
    const lane = this.#lanes.get(name) ?? { waiting: [], busy: false }
    this.#lanes.set(name, lane)
    return lane
  }

  async #next(lane: Lane): Promise<void> {
    if (lane.busy) return
    lane.busy = true
    for (let run = lane.waiting.shift(); run; run = lane.waiting.shift()) await run()
    lane.busy = false
  }
}

/** All worktrees of a repository are one lane. */
async function laneOf({ workspaces }: LandingDeps, { worktree, directory }: Landing, signal: AbortSignal): Promise<string> {
  const repository = worktree?.repository ?? directory
  return workspaces.repositoryAt(repository, signal).then(
    (at) => at?.common ?? repository,
    () => repository,
  )
}

interface One {
  readonly deps: LandingDeps
  readonly of: Landing
  readonly land: Land
  readonly patienceMs: readonly number[]
  signal: AbortSignal
}

async function landOne(one: One, going: Going | undefined): Promise<void> {
  const { deps } = one
  let end: LandingReport | undefined
  try {
    if (going) end = await goOn(one, going)
    for (let attempt = 0; !end && attempt < mostAttempts; attempt += 1) end = await landFresh(one)
    end ??= failed('moved', `${one.land.into} moved each time that it was merged and checked`, 'try again when it rests')
  } catch (cause) {
    one.signal.throwIfAborted()
    end = failedBy(cause)
  }
  await deps.report(end)
}

const failed = (at: Failed['at'], reason: string, hint?: string, more: Pick<Failed, 'paths' | 'results'> = {}): Failed => ({
  type: 'land-failed',
  at,
  reason: printableLine(reason),
  ...(hint !== undefined && { hint: printableLine(hint) }),
  ...more,
})

function failedBy(cause: unknown): Failed {
  if (!(cause instanceof WorkspaceFailed)) return failed('failed', cause instanceof Error ? cause.message : String(cause))
  return failed(cause.kind === 'refused' ? 'precondition' : 'failed', cause.message, cause.hint, cause.paths.length > 0 ? { paths: cause.paths } : {})
}

/** Undefined: the branch is somewhere else than it was, so all is done anew. */
async function goOn(one: One, going: Going): Promise<LandingReport | undefined> {
  const { signal } = one
  one.signal = one.deps.closing
  const moved = await move(one, going, true)
  if (!moved.moved) {
    one.signal = signal
    return undefined
  }
  // What has moved is told so, also where its files cannot be counted.
  const { files } = await one.deps.workspaces.compare(going.repository, { from: going.old, to: going.new }, one.signal).catch(() => {
    one.signal.throwIfAborted()
    return { files: [] }
  })
  return landed(one, { commit: going.new, files: files.length }, moved)
}

/** Undefined: the branch moved meanwhile. */
async function landFresh(one: One): Promise<LandingReport | undefined> {
  const { deps, of, land, signal } = one
  const { workspaces } = deps
  const repository = of.worktree?.repository ?? of.directory
  const [refused] = land.publish === 'pull-request' ? requestAgainst(of) : []
  if (refused) return failed('precondition', refused.reason, refused.hint)
  const merged = await workspaces.mergeFor({ ...wishOf(of, land.into, land.how), title: of.title, message: messageFor(of, land) }, signal)
  if (merged.kind === 'conflict') return failed('conflict', `it conflicts with ${land.into}`, undefined, { paths: merged.paths })
  // For others to take over: what is here stays where it is.
  const isHere = land.publish !== 'pull-request'
  const tree = isHere ? await workspaces.treeOfBranch(repository, merged.ref, signal) : undefined
  // What is in the way is better known before the checks than after them.
  if (tree !== undefined) await patiently(one, () => workspaces.mayFollow(tree, { old: merged.old, new: merged.commit }, signal))
  if (merged.commit === merged.old && land.publish !== 'pull-request') return landed(one, merged, { left: [] })
  const { results, failure } = await check(one, repository, merged)
  if (failure) return failure
  if (!isHere) {
    const published = await workspaces.publish({ repository, branch: of.worktree?.branch ?? land.into, how: 'pull-request', into: land.into, title: of.title }, signal)
    return { type: 'landed', into: land.into, how: land.how, commit: merged.tip, files: merged.files, ...(results && { results }), pullRequest: true, published }
  }
  const going: Going = { type: 'landing', repository, ref: merged.ref, old: merged.old, new: merged.commit, ...(tree !== undefined && { tree }) }
  if (tree !== undefined) await snapshotOf(one, tree)
  signal.throwIfAborted()
  await deps.report(going)
  one.signal = deps.closing
  const moved = await move(one, going, false)
  if (moved.moved) return landed(one, merged, { ...moved, results })
  one.signal = signal
  return undefined
}

const wishOf = (of: Landing, into: string, how: LandHow) => ({
  session: of.session,
  directory: of.directory,
  ...(of.worktree && { worktree: of.worktree }),
  base: of.base,
  repository: of.worktree?.repository ?? of.directory,
  into,
  how,
})

function messageFor({ title, worktree }: Landing, { how, message }: Land): string {
  return message ?? (how === 'merge' ? `Merge branch '${worktree?.branch ?? ''}'\n\n${title}` : title)
}

/** On the merged tree, not on the session's: what lands is what was checked. */
async function check(one: One, repository: string, merged: Merged): Promise<{ readonly results?: readonly CheckResult[]; readonly failure?: Failed }> {
  const { deps, of, land, signal } = one
  if (!land.checks || of.checks.length === 0) return {}
  const tree = await deps.workspaces.temporaryTree(repository, merged.commit, signal)
  try {
    const { results, problem } = await deps.runSteps(tree.path, of.checks, signal)
    const bad = results.find(({ exitCode }) => exitCode !== 0)
    if (problem !== undefined) return { failure: failed('checks', problem, `or without them: offstage land ${of.session} --no-check`, { results }) }
    if (bad) return { failure: failed('checks', `${bad.command} failed on what it would be together with ${land.into}`, `offstage logs ${of.session} has its output`, { results }) }
    return { results }
  } finally {
    // Where git refuses, the next landing tries again.
    await tree.remove().catch(() => {})
  }
}

async function snapshotOf({ deps, signal }: One, tree: string): Promise<void> {
  try {
    await deps.snapshot(tree, signal)
  } catch (cause) {
    // It is for what is written at the very moment: nothing else in that tree is touched but what git has.
    if (!(cause instanceof WorkspaceFailed) || cause.kind !== 'impossible') throw cause
  }
}

/** With patience: another git's lock is gone soon, and a branch that has moved is not left without its files. */
async function move(one: One, { repository, ref, old, new: commit, tree }: Going, going: boolean): Promise<{ readonly moved: boolean; readonly left: readonly TreePath[] }> {
  const of = { repository, ref, old, new: commit, ...(tree !== undefined && { tree }), reflog: `offstage: land ${one.of.session}` }
  let result = await patiently(one, () => one.deps.workspaces.moveBranch({ ...of, going }, one.signal))
  for (const ms of one.patienceMs) {
    if (result.behind === undefined) return result
    await pause(ms, one.signal)
    result = await patiently(one, () => one.deps.workspaces.moveBranch({ ...of, going: true }, one.signal))
  }
  if (result.behind !== undefined) throw new WorkspaceFailed('failed', result.behind, { hint: `offstage land ${one.of.session} goes on with them` })
  return result
}

const pause = (ms: number, signal: AbortSignal): Promise<void> => wait(ms, undefined, { signal }).catch(() => signal.throwIfAborted())

async function patiently<T>({ patienceMs: delays, signal }: One, attempt: () => Promise<T>): Promise<T> {
  for (const ms of delays) {
    try {
      return await attempt()
    } catch (cause) {
      if (!(cause instanceof WorkspaceFailed) || cause.kind !== 'busy') throw cause
      await pause(ms, signal)
    }
  }
  return attempt()
}

async function landed(
  one: One,
  of: Pick<Merged, 'commit' | 'files'>,
  more: { readonly left: readonly TreePath[]; readonly results?: readonly CheckResult[] | undefined },
): Promise<LandingReport> {
  const { land } = one
  const published = land.publish === undefined ? undefined : await pushed(one)
  return {
    type: 'landed',
    into: land.into,
    how: land.how,
    commit: of.commit,
    files: of.files,
    ...(more.results && { results: more.results }),
    ...(more.left.length > 0 && { left: more.left }),
    ...published,
  }
}

/** What has landed stays so, whatever becomes of this. */
async function pushed({ deps, of, land, signal }: One): Promise<{ readonly published: string; readonly unpublished?: true }> {
  const repository = of.worktree?.repository ?? of.directory
  try {
    return { published: await deps.workspaces.publish({ repository, branch: land.into, how: 'push', into: land.into, title: of.title }, signal) }
  } catch (cause) {
    signal.throwIfAborted()
    const hint = cause instanceof WorkspaceFailed && cause.hint !== undefined ? ` (${printableLine(cause.hint)})` : ''
    return { published: `not pushed: ${printableLine(cause instanceof Error ? cause.message : String(cause))}${hint}`, unpublished: true }
  }
}

/** What would happen if it landed now. Makes nothing but objects in the store. Throws WorkspaceFailed. */
export async function planLanding({ workspaces }: Pick<LandingDeps, 'workspaces'>, of: Landing, wish: Omit<LandingQuery, 'session'>, signal: AbortSignal): Promise<LandingPlan> {
  const repository = of.worktree?.repository ?? of.directory
  const into = wish.into ?? of.worktree?.from ?? (await workspaces.repositoryAt(repository, signal))?.branch
  if (into === undefined || into === null)
    throw new WorkspaceFailed('refused', `it is not clear into which branch ${of.session} is to land: none was checked out when it was started`, {
      hint: `offstage land ${of.session} --into BRANCH`,
    })
  // Not for long: what it took along of the user's is not to be brought in.
  const how = wish.how ?? (of.worktree && of.base !== of.worktree.base ? 'squash' : 'merge')
  const preview = await workspaces.previewMerge(wishOf(of, into, how), signal)
  // What is checked out here does not move by a pull request.
  const here = wish.publish === 'pull-request' ? requestAgainst(of) : await inTheWay(workspaces, repository, into, preview, signal)
  const unpublishable = wish.publish === undefined ? [] : await againstPublishing(workspaces, { of, repository, into, how: wish.publish }, signal)
  const against = [...preview.against, ...here, ...unpublishable].map(({ reason, hint }) => (hint === undefined ? reason : `${reason}: ${hint}`))
  return {
    session: of.session,
    into,
    how,
    behind: preview.behind,
    ahead: preview.ahead,
    uncommitted: preview.uncommitted.length,
    changes: await changesFor(workspaces, of, into, preview, signal),
    conflicts: preview.conflicts,
    checks: of.checks,
    against,
  }
}

/** What the branch would get; where that cannot be said, what the session has changed. */
async function changesFor(workspaces: LandingDeps['workspaces'], of: Landing, into: string, { old, tree, conflicts }: MergePreview, signal: AbortSignal): Promise<Changes> {
  const ends = conflicts.length > 0 ? { from: of.base, to: (await workspaces.treeNow(of.directory, signal)).tree } : { from: old, to: tree }
  const { files } = await workspaces.compare(of.directory, ends, signal)
  const sum = (count: 'added' | 'removed'): number => files.reduce((total, file) => total + (file[count] ?? 0), 0)
  return { from: conflicts.length > 0 ? `base ${of.base.slice(0, 7)}` : into, to: `session ${of.session}`, files, added: sum('added'), removed: sum('removed') }
}

async function inTheWay(
  workspaces: LandingDeps['workspaces'],
  repository: string,
  into: string,
  { old, tree }: MergePreview,
  signal: AbortSignal,
): Promise<MergePreview['against']> {
  try {
    const checkedOut = await workspaces.treeOfBranch(repository, `refs/heads/${into}`, signal)
    if (checkedOut !== undefined) await workspaces.mayFollow(checkedOut, { old, new: tree }, signal)
    return []
  } catch (cause) {
    if (!(cause instanceof WorkspaceFailed)) throw cause
    return [{ reason: cause.message, ...(cause.hint !== undefined && { hint: cause.hint }) }]
  }
}

/** Better known before anything is merged than when it has landed. */
async function againstPublishing(
  workspaces: LandingDeps['workspaces'],
  { of, repository, into, how }: { readonly of: Landing; readonly repository: string; readonly into: string; readonly how: NonNullable<Land['publish']> },
  signal: AbortSignal,
): Promise<MergePreview['against']> {
  try {
    const branch = how === 'push' ? into : (of.worktree?.branch ?? into)
    await workspaces.mayPublish({ repository, branch, how, into }, signal)
    return []
  } catch (cause) {
    if (!(cause instanceof WorkspaceFailed)) throw cause
    return [{ reason: cause.message, ...(cause.hint !== undefined && { hint: cause.hint }) }]
  }
}

/** Its branch is what others get, whole. */
function requestAgainst({ session, worktree, base }: Landing): MergePreview['against'] {
  if (!worktree || base === worktree.base) return []
  return [
    {
      reason: `session ${session} began with changes of yours that were not committed, which a pull request of its branch would publish`,
      hint: `bring in only what came after them: offstage land ${session} --squash`,
    },
  ]
}

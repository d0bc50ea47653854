// Which sessions are in each other's way, of each repository: knows whose work counts and where it is, reads the trees that may have changed, and asks git only when one has. Keeps what it found in memory, and records nothing.

import { EventEmitter, on } from 'node:events'
import { join } from 'node:path'
import type { SessionId } from '../core/ids.ts'
import { type Landable, type Overlapping, landingOrder } from '../core/overlap.ts'
import { directoryOf } from '../core/place.ts'
import type { Session } from '../core/session.ts'
import type { ChangedFile, Forecast, ObjectId, TreePath } from '../core/workspace.ts'
import { type ForecastBefore, type ForecastFound, type RepositoryAt, type WorkOf, type Workspaces, workKey } from '../workspace/workspaces.ts'
import { TreeWatches } from './tree-watches.ts'

export interface ForecastsDeps {
  readonly workspaces: Pick<Workspaces, 'repositoryAt' | 'treeAside' | 'tipsOf' | 'forecast' | 'watchTree'>
  readonly sessions: () => readonly Session[]
  readonly nowMs: () => number
  readonly delay: (ms: number) => Promise<void>
  readonly warn: (facts: object, message: string) => void
  /** Of all that goes on by itself. */
  readonly signal: AbortSignal
}

/** What was found out of one repository, or of nothing where all is over. */
export interface Outlook {
  readonly forecasts: readonly Forecast[]
  /** Sessions that something could not be read of this time. */
  readonly unknown: ReadonlySet<SessionId>
}

/** A session whose work counts, in its repository. */
interface Placed {
  readonly session: Session
  readonly at: RepositoryAt
  readonly base: ObjectId
  /** Of one whose tree is not on the disk any more, or changes no more: its newest snapshot's. */
  readonly kept: ObjectId | undefined
}

interface TreeRead {
  readonly tree: ObjectId
  readonly head: ObjectId | null
  readonly objects?: string
  /** When it was found to be another one; 0: never since the daemon began. */
  readonly changedAtMs: number
}

const timeLimitMs = 60_000
/** Trees that are read at the same time. */
const atOnce = 3
/** After a start others have more to do. */
const firstLookMs = 10_000

export class Forecasts {
  readonly #deps: ForecastsDeps
  /** Null: there was no repository. */
  readonly #places = new Map<string, RepositoryAt | null>()
  readonly #trees = new Map<string, TreeRead>()
  /** By the repository's common directory. */
  readonly #found = new Map<string, { readonly key: string; readonly forecast: Forecast; readonly before: ForecastBefore }>()

  readonly #watches: TreeWatches
  readonly #written = new EventEmitter<{ touched: [readonly SessionId[]] }>()

  constructor(deps: ForecastsDeps) {
    this.#deps = deps
    const { watchTree } = deps.workspaces
    this.#watches = new TreeWatches({ ...deps, watchTree, tell: (sessions) => void this.#written.emit('touched', sessions) })
  }

  /** Sessions in whose trees something was written, as the disk says it: a hint. First those that were at work while nobody looked. Of a repository in which only one has work it is not asked. Throws when aborted. */
  async *touched(signal: AbortSignal): AsyncGenerator<SessionId> {
    const told = on(this.#written, 'touched', { signal })
    await this.#deps.delay(firstLookMs)
    for (const session of this.#deps.sessions()) if (session.process.kind === 'live' && workOf(session)) yield session.id
    for await (const [sessions] of told) yield* sessions
  }

  /** As it is now. `changed`: only trees of these sessions are read again, and of repositories without any of them is told what was found before. `cwd`: only of the repository there. Throws the signal's reason. */
  async outlook(of: { readonly changed?: ReadonlySet<SessionId>; readonly cwd?: string }, signal: AbortSignal): Promise<Outlook> {
    const { changed, cwd } = of
    const limited = AbortSignal.any([signal, AbortSignal.timeout(timeLimitMs)])
    if (!changed) this.#places.clear()
    const wanted = cwd === undefined ? undefined : (await this.#placeAt(cwd, limited))?.common
    if (cwd !== undefined && wanted === undefined) return { forecasts: [], unknown: new Set() }
    const { placed, hinted, unknown } = await this.#place(changed, limited, signal)
    const groups = Map.groupBy(placed, ({ at }) => at.common)
    for (const common of this.#found.keys()) if (!groups.has(common)) this.#found.delete(common)
    this.#watch([...groups.values()].filter(({ length }) => length > 1).flat())
    const forecasts: Forecast[] = []
    for (const [common, members] of groups) {
      if (wanted !== undefined && common !== wanted) continue
      if (changed && !hinted.has(common)) {
        const known = this.#found.get(common)
        if (known) forecasts.push(known.forecast)
        else for (const { session } of members) unknown.add(session.id)
        continue
      }
      if (changed && members.length < 2 && !(await this.#careful(members, unknown, signal, () => this.#hasMoved(common, members, limited)))) {
        this.#found.delete(common)
        continue
      }
      const forecast = await this.#careful(members, unknown, signal, () => this.#forecast(common, members, changed, unknown, limited))
      if (forecast) forecasts.push(forecast)
    }
    return { forecasts, unknown }
  }

  /** What the facts say of every session that is not removed, for whoever compares it with an outlook. */
  overlapping(): readonly Overlapping[] {
    return this.#deps
      .sessions()
      .filter(({ removed }) => !removed)
      .map((session) => ({
        id: session.id,
        label: session.label,
        takesPrompts: session.spec.kind === 'agent' && !session.archived,
        wroteAtMs: Math.max(this.#trees.get(topOf(session, this.#places.get(placeOf(session)) ?? undefined))?.changedAtMs ?? 0, lastWrite(session)),
        conflicts: session.tree.conflicts,
        branch: session.tree.branchConflict ?? undefined,
        note: session.tree.note,
      }))
  }

  /** Which of these files (absolute) other sessions of the repository have changed, as of the last time that anybody looked. For a question that cannot wait. */
  alsoChanged(id: SessionId, paths: readonly string[]): readonly { readonly session: SessionId; readonly label: string | null; readonly paths: readonly TreePath[] }[] {
    const sessions = this.#deps.sessions()
    const own = sessions.find((session) => session.id === id)
    const at = own && this.#places.get(placeOf(own))
    if (!own || !at) return []
    const below = treePaths(own, at, paths)
    return (this.#found.get(at.common)?.before.found.works ?? []).flatMap(({ session, files }) => {
      const other = session === id ? undefined : sessions.find((one) => one.id === session)
      const names = new Set(files.flatMap(({ path, from = path }) => [path, from]))
      const both = below.filter((path) => names.has(path))
      return other && both.length > 0 ? [{ session, label: other.label, paths: both }] : []
    })
  }

  /** Sessions whose work is not landed and lies in a repository of git; and the repositories that something may have changed in. */
  async #place(
    changed: ReadonlySet<SessionId> | undefined,
    limited: AbortSignal,
    signal: AbortSignal,
  ): Promise<{ readonly placed: readonly Placed[]; readonly hinted: ReadonlySet<string>; readonly unknown: Set<SessionId> }> {
    const unknown = new Set<SessionId>()
    const hinted = new Set<string>()
    const placed: Placed[] = []
    for (const session of this.#deps.sessions()) {
      const work = workOf(session)
      if (!work && !changed?.has(session.id)) continue
      const at = await this.#careful([{ session }], unknown, signal, () => this.#placeAt(placeOf(session), limited))
      if (at && changed?.has(session.id)) hinted.add(at.common)
      if (at && work) placed.push({ session, at, ...work })
    }
    return { placed, hinted, unknown }
  }

  /** Those that are read when they change. */
  #watch(placed: readonly Placed[]): void {
    const trees = Map.groupBy(placed.filter(({ kept }) => kept === undefined), (one) => topOf(one.session, one.at)) // prettier-ignore
    this.#watches.follow(new Map(Array.from(trees, ([top, inside]) => [top, inside.map(({ session }) => session.id)])))
  }

  async #placeAt(directory: string, signal: AbortSignal): Promise<RepositoryAt | undefined> {
    const known = this.#places.get(directory)
    if (known !== undefined) return known ?? undefined
    const at = await this.#deps.workspaces.repositoryAt(directory, signal)
    this.#places.set(directory, at ?? null)
    return at
  }

  async #forecast(common: string, members: readonly Placed[], changed: ReadonlySet<SessionId> | undefined, unknown: Set<SessionId>, signal: AbortSignal): Promise<Forecast> {
    const before = this.#found.get(common)
    try {
      return await this.#compare(common, members, changed, unknown, signal)
    } catch (cause) {
      signal.throwIfAborted()
      if (!changed || !before) throw cause
      // A tree that nothing refers to may have been swept away since it was read.
      return await this.#compare(common, members, undefined, unknown, signal)
    }
  }

  async #compare(common: string, members: readonly Placed[], changed: ReadonlySet<SessionId> | undefined, unknown: Set<SessionId>, signal: AbortSignal): Promise<Forecast> {
    const waiting = [...Map.groupBy(members.filter(({ kept }) => kept === undefined), (one) => topOf(one.session, one.at))] // prettier-ignore
    const read = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [top, inside] = next
        if (changed && this.#trees.has(top) && !inside.some(({ session }) => changed.has(session.id))) continue
        const isRead = await this.#careful(inside, unknown, signal, () => this.#read(top, signal))
        // What cannot be read is tried ever more seldom.
        if (!isRead) this.#watches.looked(top, false)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, read))
    const known = members.filter(({ session }) => !unknown.has(session.id)).toSorted((one, other) => (one.session.id < other.session.id ? -1 : 1))
    const inTree = Map.groupBy(known, (one) => topOf(one.session, one.at))
    const repository = mainTop(common, known)
    const tipOf = await this.#tips(repository, known, signal)
    const works = known.flatMap((one) => this.#work(one, tipOf(one), (inTree.get(topOf(one.session, one.at))?.length ?? 1) > 1))
    const key = works.map(workKey).join()
    const before = this.#found.get(common)
    if (before?.key === key) return before.forecast
    const found = await this.#deps.workspaces.forecast(repository, works, before?.before, signal)
    const forecast = forecastOf(repository, found, known)
    this.#found.set(common, { key, forecast, before: { works, found } })
    return forecast
  }

  /** Of the branches that they go to. */
  async #tips(repository: string, members: readonly Placed[], signal: AbortSignal): Promise<(one: Placed) => ObjectId | undefined> {
    const branches = [...new Set(members.flatMap(({ session }) => targetOf(session) ?? []))]
    const tips = await this.#deps.workspaces.tipsOf(repository, branches, signal)
    return ({ session }) => {
      const branch = targetOf(session)
      return branch === undefined ? undefined : tips[branches.indexOf(branch)]
    }
  }

  /** Something came to the branch of one of them. */
  async #hasMoved(common: string, members: readonly Placed[], signal: AbortSignal): Promise<boolean> {
    const tipOf = await this.#tips(mainTop(common, members), members, signal)
    return members.some((one) => (tipOf(one) ?? one.base) !== one.base)
  }

  async #read(top: string, signal: AbortSignal): Promise<true> {
    const before = this.#trees.get(top)
    const beganAtMs = this.#deps.nowMs()
    const { tree, head, objects } = await this.#deps.workspaces.treeAside(top, signal)
    const tookMs = this.#deps.nowMs() - beganAtMs
    const changedAtMs = before === undefined ? 0 : before.tree === tree ? before.changedAtMs : this.#deps.nowMs()
    this.#trees.set(top, { tree, head, changedAtMs, ...(objects === undefined ? {} : { objects }) })
    this.#watches.looked(top, before?.tree !== tree, tookMs)
    return true
  }

  #work({ session, at, base, kept }: Placed, target: ObjectId | undefined, shares: boolean): readonly WorkOf[] {
    const top = topOf(session, at)
    const read: Pick<TreeRead, 'tree' | 'head' | 'objects'> | undefined = kept === undefined ? this.#trees.get(top) : { tree: kept, head: null }
    if (!read) return []
    const touched = shares ? { touched: treePaths(session, at, session.progress.newestFiles) } : {}
    return [
      {
        session: session.id,
        directory: top,
        base,
        tree: read.tree,
        head: read.head,
        ...(read.objects === undefined ? {} : { objects: read.objects }),
        ...(session.spec.worktree ? { ...(target && { target }) } : { inPlace: true, ...leftAs(session), ...touched }),
      },
    ]
  }

  /** What cannot be found out about some is no trouble of the others. */
  async #careful<Found>(members: readonly { readonly session: Session }[], unknown: Set<SessionId>, signal: AbortSignal, find: () => Promise<Found>): Promise<Found | undefined> {
    try {
      return await find()
    } catch (cause) {
      signal.throwIfAborted()
      const ids = members.map(({ session }) => session.id)
      for (const id of ids) unknown.add(id)
      this.#deps.warn({ sessions: ids, error: cause instanceof Error ? cause.message : String(cause) }, 'nothing can be said about conflicts of these sessions now')
      return undefined
    }
  }
}

/** Where its repository is asked for. */
const placeOf = ({ spec, tree }: Session): string => (spec.worktree && tree.state === 'removed' ? spec.worktree.repository : directoryOf(spec))

const topOf = ({ spec }: Session, at: RepositoryAt | undefined): string => spec.worktree?.path ?? at?.top ?? spec.cwd

/** What of its work counts, if any. */
function workOf({ spec, tree, turn, removed, archived }: Session): Pick<Placed, 'base' | 'kept'> | undefined {
  const { first, snapshot, landed } = tree
  const isLanded = landed !== null && turn.kind === 'idle' && (snapshot === null || snapshot.atMs <= landed.atMs || snapshot.tree === landed.was)
  if (removed || isLanded) return undefined
  if (!spec.worktree) return first && !archived ? { base: first.commit, kept: undefined } : undefined
  const base = tree.base ?? spec.worktree.base
  // Before a landing one is taken of the tree that it lands in.
  const kept = snapshot?.why === 'land' ? undefined : snapshot?.tree
  if (tree.state === 'ready') return { base, kept: archived ? kept : undefined }
  return tree.state === 'removed' && kept !== undefined ? { base, kept } : undefined
}

/** The branch that it goes to. None where it began with what was not committed there: that is no work of its own. */
const targetOf = ({ spec: { worktree } }: Session): string | undefined => (worktree?.carries === undefined ? worktree?.from : undefined)

/** Its tree as it left it, where it is not at work. */
function leftAs({ spec, turn, process, tree: { snapshot, unkept } }: Session): Pick<WorkOf, 'until'> {
  const rests = spec.kind === 'agent' ? turn.kind === 'idle' : process.kind !== 'live'
  return rests && unkept === null && snapshot?.why === 'turn-end' ? { until: snapshot.tree } : {}
}

/** As its tool calls and snapshots tell it. */
const lastWrite = ({ progress, tree, createdAtMs }: Session): number =>
  Math.max(createdAtMs, progress.files > 0 ? progress.changedAtMs : 0, tree.snapshot?.why === 'turn-end' ? tree.snapshot.atMs : 0)

/** As its agent names them, absolute or from where it works. Those outside of its tree are left out. */
function treePaths(session: Session, at: RepositoryAt, paths: readonly string[]): readonly TreePath[] {
  const cwd = directoryOf(session.spec)
  const below = session.spec.worktree?.below ?? at.below
  const top = topOf(session, at)
  return paths.flatMap((path) => {
    if (!path.startsWith('/')) return [join(below, path)]
    if (path.startsWith(`${cwd}/`)) return [join(below, path.slice(cwd.length + 1))]
    return path.startsWith(`${top}/`) ? [path.slice(top.length + 1)] : []
  })
}

/** The user's own tree of a repository, where git keeps it as it usually does. */
const mainTop = (common: string, members: readonly Placed[]): string => (common.endsWith('/.git') ? common.slice(0, -'/.git'.length) : (members[0]?.at.top ?? common))

function forecastOf(repository: string, { works, pairs }: ForecastFound, members: readonly Placed[]): Forecast {
  const worked = works.filter(({ files }) => files.length > 0)
  const sum = (files: readonly ChangedFile[], side: 'added' | 'removed'): number => files.reduce((total, file) => total + (file[side] ?? 0), 0)
  const worktreeOf = (id: SessionId) => members.find(({ session }) => session.id === id)?.session.spec.worktree
  const sessions = worked.map(({ session, files, onBranch }) => {
    const name = worktreeOf(session)?.from
    const branch = name === undefined || onBranch.length === 0 ? {} : { branch: { name, paths: onBranch } }
    return { id: session, files: files.length, added: sum(files, 'added'), removed: sum(files, 'removed'), ...branch }
  })
  const conflicts = pairs.map((pair) => ({ ...pair, repository }))
  const landable = sessions.map(({ branch, ...one }): Landable => {
    const worktree = worktreeOf(one.id)
    const moved = branch ? { conflictsWithBranch: true as const } : {}
    return worktree ? { ...one, branch: worktree.branch, ...(worktree.from === undefined ? {} : { from: worktree.from }), ...moved } : one
  })
  return { repository, sessions, conflicts, order: landingOrder(landable, conflicts) }
}

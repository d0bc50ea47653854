// The Api on this machine: one actor per session over one log, and the fan-out of what they do.

import { existsSync } from 'node:fs'
import type {
  Accepted,
  Api,
  ChangesFound,
  ChangesQuery,
  Frame,
  Hit,
  ListFrame,
  OutputFrame,
  OutputQuery,
  Screen,
  ScreenQuery,
  SearchQuery,
  Submission,
  WatchQuery,
} from '../core/api.ts'
import type { Delivery } from '../core/announcement.ts'
import { treeGone } from '../core/decide-tree.ts'
import { type Refusal, refusal } from '../core/errors.ts'
import { isId, type SessionId } from '../core/ids.ts'
import type { ForecastNews } from '../core/overlap.ts'
import type { Session } from '../core/session.ts'
import type { Forecast, LandHow, LandingPlan, Place, Snapshot } from '../core/workspace.ts'
import type { SessionView } from '../core/view.ts'
import { WorkspaceFailed } from '../workspace/workspaces.ts'
import { changesOf } from './changes.ts'
import { crashPoint } from './crash-point.ts'
import { Feed } from './feed.ts'
import { Forecasts } from './forecasts.ts'
import { isTreeGone } from './gone-tree.ts'
import { ListFeed, sayingTogetherMs } from './list-feed.ts'
import { landingOf } from './land-session.ts'
import { Mailbox } from './mailbox.ts'
import { type EngineDeps, type EngineParts, startSize } from './parts.ts'
import { retainTrees } from './retain-trees.ts'
import { applyRetention } from './retention.ts'
import { Room } from './room.ts'
import { SessionActor, placeOf as shownPlaceOf } from './session-actor.ts'
import { treeOf } from './tree-work.ts'
import { StateFolders } from './state-files.ts'
import { markTypes, marksOf } from './tree-marks.ts'
import { type ChoiceDeps, chooseWorkspace, placeOf } from './workspace-choice.ts'

const adoptionDeadlineMs = 2000
const chunkBytes = 64 * 1024
/** A disk that does not answer holds up nobody else's start for longer. */
const choosingMs = 15_000
/** Nor who asks what is kept: a snapshot of a turn is given up before. */
const keepingMs = 15_000

export class Engine implements Api {
  readonly #deps: EngineDeps
  readonly #feed: Feed
  readonly #list: ListFeed
  readonly #actors = new Map<SessionId, SessionActor>()
  /** Who is created next sees who was created before. */
  readonly #choosing = new Mailbox()
  /** For a reactor, and for whoever asks. */
  readonly forecasts: Forecasts

  private constructor(parts: EngineParts) {
    this.#feed = new Feed(parts.log)
    this.#list = new ListFeed({
      ids: () => [...this.#actors.keys()].reverse(),
      ready: (ids) => this.#deps.projects.refresh(this.#directories(ids)),
      view: (id) => this.#actors.get(id)?.view(),
    })
    const changed: EngineDeps['changed'] = (session, withinMs) => this.#list.changed(session, withinMs)
    const publish: EngineDeps['publish'] = (frame) => {
      this.#feed.publish(frame)
      if (frame.kind === 'fact') changed(frame.envelope.session)
      else if (frame.draft.kind !== 'output') changed(frame.draft.session, sayingTogetherMs)
    }
    const sessions = (): readonly Session[] => Array.from(this.#actors.values(), ({ session }) => session).filter((session) => session !== undefined)
    this.forecasts = new Forecasts({ ...parts, workspaces: parts.trees.workspaces, sessions })
    const alsoChanged: EngineDeps['alsoChanged'] = (id, paths) => this.forecasts.alsoChanged(id, paths)
    this.#deps = { ...parts, publish, changed, alsoChanged, room: new Room(parts, () => this.#waiting()), stateFolders: new StateFolders() }
  }

  /** Resolves when every live run is adopted or its end recorded, at the latest after 2 s: then what is not is shown as "no signal". */
  static async open(parts: EngineParts): Promise<Engine> {
    const engine = new Engine(parts)
    for (const id of parts.log.sessions()) {
      try {
        engine.#actors.set(id, new SessionActor(id, engine.#deps))
      } catch (cause) {
        // Facts that make no session are a damage of this one, not of the others.
        parts.warn({ session: id, error: String(cause) }, 'the log of this session cannot be folded; it is left as it is and not shown')
      }
    }
    const waiting = new Set(engine.#actors.values())
    const adopted = [...waiting].map((actor) =>
      actor
        .recover()
        .catch((cause: unknown) => parts.warn({ session: actor.id, error: String(cause) }, 'recovery failed'))
        .finally(() => waiting.delete(actor)),
    )
    await Promise.race([Promise.all(adopted), parts.delay(adoptionDeadlineMs)])
    for (const actor of waiting) actor.markNoSignal()
    engine.#deps.room.freed()
    crashPoint('daemon.adopted')
    return engine
  }

  /** Live runs. */
  get runs(): number {
    return [...this.#actors.values()].filter((actor) => actor.run && !actor.run.over).length
  }

  /** Removes raw output that nobody needs any more. For the daemon, now and then. */
  async applyRetention(): Promise<void> {
    await retainTrees([...this.#actors.values()], this.#deps)
    const dropped = await applyRetention([...this.#actors.values()], this.#deps.keepers, this.#deps.limits, this.#deps.nowMs())
    if (dropped > 0) this.#deps.warn({ sessions: dropped }, 'raw output of ended sessions was removed by age or size')
  }

  /** For a reactor. `attached`: terminals that show it now. */
  state(id: SessionId): { readonly session: Session; readonly attached: number } | undefined {
    const actor = this.#actors.get(id)
    return actor?.session && { session: actor.session, attached: actor.run?.attached ?? 0 }
  }

  get ids(): readonly SessionId[] {
    return [...this.#actors.keys()]
  }

  /** A reactor has told the user of it, or was to. */
  async notified(id: SessionId, deliveries: readonly Delivery[]): Promise<void> {
    await this.#actors.get(id)?.notified(deliveries)
  }

  /** A reactor has found out with whom its work cannot be merged. */
  async forecast({ session, report, ask }: ForecastNews): Promise<void> {
    await this.#actors.get(session)?.report(this.#actors.get(session)?.session?.runs ?? 0, [report, ...(ask ? [{ type: 'asks-about', ask } as const] : [])])
  }

  /** This daemon leaves on purpose: no keeper is to start another one. */
  leave(): void {
    for (const actor of this.#actors.values()) actor.run?.goodbye()
  }

  async submit(submission: Submission, signal: AbortSignal): Promise<Accepted | Refusal> {
    if (submission.environment) this.#deps.environmentGiven?.(submission.environment)
    const { command, session } = submission
    const asksForPlace = command.type === 'create' && (command.spec.workspace !== undefined || command.spec.worktree !== undefined) && !this.#actors.get(session)?.session
    if (!asksForPlace) return this.#submit(submission)
    return this.#choosing.put(async () => {
      if (this.#actors.get(session)?.session) return this.#submit(submission)
      const deadline = AbortSignal.timeout(choosingMs)
      try {
        const spec = await chooseWorkspace(this.#choice, session, command.label ?? null, command.spec, AbortSignal.any([signal, deadline]))
        if ('refused' in spec) return spec
        crashPoint('create.chosen')
        return await this.#submit({ ...submission, command: { ...command, spec } })
      } catch (cause) {
        if (deadline.aborted && !signal.aborted) return refusal('no-worktree', `git does not answer in ${command.spec.cwd}`, 'start it with --in-place')
        if (!(cause instanceof WorkspaceFailed)) throw cause
        return refusal('no-worktree', cause.message, cause.hint ?? 'start it with --in-place')
      }
    })
  }

  get #choice(): ChoiceDeps {
    return { workspaces: this.#deps.trees.workspaces, sessions: () => Array.from(this.#actors.values(), ({ session }) => session) }
  }

  async #submit(submission: Submission): Promise<Accepted | Refusal> {
    let actor = this.#actors.get(submission.session)
    if (!actor) {
      if (submission.command.type !== 'create') return unknown(submission.session)
      if (!isId(submission.session) || !isId(submission.commandId)) return refusal('invalid', `"${submission.session}" is no session id: 8 characters of a-z0-9`)
      actor = new SessionActor(submission.session, this.#deps)
      this.#actors.set(submission.session, actor)
    }
    const refused = await actor.submit(submission)
    await actor.begun()
    await this.#deps.projects.refresh(this.#directories([submission.session]))
    const session = actor.view()
    if (!session) this.#actors.delete(submission.session)
    return refused ?? (session ? { seq: actor.session?.seq ?? 0, session } : unknown(submission.session))
  }

  async list(query: { readonly all: boolean }, _signal: AbortSignal): Promise<readonly SessionView[]> {
    await this.#deps.projects.refresh(this.#directories([...this.#actors.keys()]))
    const views: SessionView[] = []
    for (const actor of this.#actors.values()) {
      if (!query.all && (actor.session?.archived || actor.session?.removed)) continue
      const view = actor.view()
      if (view) views.push(view)
    }
    return views.reverse()
  }

  sessions(signal: AbortSignal): AsyncIterable<ListFrame> {
    return this.#list.watch(signal)
  }

  search(query: SearchQuery, signal: AbortSignal): Promise<readonly Hit[]> {
    return this.#deps.search.search(query, signal)
  }

  async get(session: SessionId, _signal: AbortSignal): Promise<{ session: SessionView; cursor: number } | undefined> {
    await this.#deps.projects.refresh(this.#directories([session]))
    const view = this.#actors.get(session)?.view()
    return view && { session: view, cursor: this.#deps.log.cursor() }
  }

  watch(query: WatchQuery, signal: AbortSignal): AsyncIterable<Frame> {
    const drafts = (): Exclude<Frame, { kind: 'caught-up' }>[] =>
      [...this.#actors.values()]
        .filter((actor) => query.session === undefined || query.session === actor.id)
        .flatMap((actor) => actor.drafts().map((draft) => ({ kind: 'draft', draft })))
    return this.#feed.watch(query, drafts, signal)
  }

  async *output(query: OutputQuery, signal: AbortSignal): AsyncIterable<OutputFrame> {
    const actor = this.#actors.get(query.session)
    const number = query.run ?? actor?.session?.runs ?? 0
    if (!actor || number === 0) return
    const { keepers } = this.#deps
    const end = await keepers.logEnd(query.session, number, query.stream)
    for (let offset = query.from < 0 ? Math.max(0, end + query.from) : query.from; !signal.aborted;) {
      const run = actor.run?.number === number ? actor.run : undefined
      // Asked for before reading: what comes in between wakes it.
      const more = query.follow && run && !run.over ? run.more(signal) : undefined
      const read = await keepers.readLog(query.session, number, query.stream, offset, chunkBytes)
      if (read.bytes.length > 0) {
        yield { stream: query.stream, ...read }
        offset = read.offset + read.bytes.length
      } else if (more) await more
      else return
    }
  }

  async screen(query: ScreenQuery, signal: AbortSignal): Promise<Screen | undefined> {
    const session = this.#actors.get(query.session)?.session
    const run = query.run ?? session?.runs ?? 0
    if (session?.spec.driver !== 'terminal' || run === 0) return undefined
    const of = { session: session.id, run, size: startSize(session.spec) }
    if (query.text) {
      const found = await this.#deps.screens.text(of)
      return found && { ...of.size, offset: found.offset, bytes: new Uint8Array(), text: found.rows }
    }
    return this.#deps.screens.snapshot({ ...of, ...(query.size ? { resizeTo: query.size } : {}) }, signal)
  }

  place(query: { readonly cwd: string }, signal: AbortSignal): Promise<Place> {
    return placeOf(this.#choice, query.cwd, signal)
  }

  async changes(query: ChangesQuery, signal: AbortSignal): Promise<ChangesFound | Refusal> {
    const actor = this.#actors.get(query.session)
    if (!actor?.session) return unknown(query.session)
    const { session } = actor
    const top = treeOf(session.spec)
    const others = Array.from(this.#actors.values(), ({ session: other }) => other)
      .filter((other) => other && other.id !== session.id && !session.spec.worktree && treeOf(other.spec) === top && overlaps(session, other))
      .flatMap((other) => other?.id ?? [])
    return changesOf(this.#deps.trees.workspaces, session, marksOf(actor.facts(0, markTypes)), query, others, signal)
  }

  async snapshots(session: SessionId, _signal: AbortSignal): Promise<readonly Snapshot[]> {
    const actor = this.#actors.get(session)
    if (!actor?.session) return []
    await Promise.race([actor.kept(), this.#deps.delay(keepingMs)])
    return marksOf(actor.facts(0, markTypes)).snapshots
  }

  async conflicts(query: { readonly cwd?: string }, signal: AbortSignal): Promise<readonly Forecast[]> {
    return (await this.forecasts.outlook(query, signal)).forecasts
  }

  async landing(query: { readonly session: SessionId; readonly into?: string; readonly how?: LandHow }, signal: AbortSignal): Promise<LandingPlan | Refusal> {
    const session = this.#actors.get(query.session)?.session
    if (!session) return unknown(query.session)
    if (!session.spec.worktree)
      return refusal(
        'no-worktree',
        `session ${session.id} works in ${session.spec.cwd} itself: there is nothing to land`,
        `offstage diff ${session.id} shows what it changed; commit it as you like`,
      )
    const { path } = session.spec.worktree
    if (isTreeGone(session)) return treeGone(session)
    if (!existsSync(path)) return refusal('no-worktree', `the worktree of session ${session.id} is not there: ${path}`, `offstage why ${session.id} says more`)
    const { trees } = this.#deps
    try {
      return await trees.planLanding({ workspaces: trees.workspaces }, landingOf(session), query, signal)
    } catch (cause) {
      if (!(cause instanceof WorkspaceFailed)) throw cause
      return refusal('invalid', cause.message, cause.hint)
    }
  }

  async write(session: SessionId, bytes: Uint8Array, _signal: AbortSignal): Promise<Refusal | undefined> {
    const run = this.#terminal(session)
    if ('refused' in run) return run
    return (await run.write(bytes)) ? undefined : refusal('not-running', `the program of session ${session} takes no input any more`)
  }

  async resize(session: SessionId, size: { readonly columns: number; readonly rows: number }, _signal: AbortSignal): Promise<Refusal | undefined> {
    const run = this.#terminal(session)
    if ('refused' in run) return run
    run.resize(size.columns, size.rows)
    return undefined
  }

  #directories(ids: readonly SessionId[]): readonly string[] {
    return ids.flatMap((id) => {
      const session = this.#actors.get(id)?.session
      return session ? shownPlaceOf(session) : []
    })
  }

  /** Sessions whose runs wait for room, the oldest first. */
  #waiting(): readonly SessionActor[] {
    const deferred = [...this.#actors.values()].filter((actor) => actor.session?.deferred)
    return deferred.toSorted((one, other) => (one.session?.createdAtMs ?? 0) - (other.session?.createdAtMs ?? 0))
  }

  #terminal(id: SessionId) {
    const actor = this.#actors.get(id)
    if (!actor?.session) return unknown(id)
    if (actor.session.spec.kind !== 'terminal') return refusal('not-supported', `session ${id} is an agent: it takes prompts, not keystrokes`)
    if (!actor.run || actor.run.over) return refusal('not-running', `session ${id} has no program running`, `offstage resume ${id} starts it again`)
    return actor.run
  }
}

/** They were at work at the same time, or may have been. */
const overlaps = (one: Session, other: Session): boolean => (one.endedAtMs ?? Infinity) >= other.createdAtMs && (other.endedAtMs ?? Infinity) >= one.createdAtMs

const unknown = (id: string): Refusal => refusal('unknown-session', `there is no session ${id}`, 'offstage sessions lists them')

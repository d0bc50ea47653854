// The Api on this machine: one actor per session over one log, and the fan-out of what they do.

import type { Accepted, Api, Frame, Hit, ListFrame, OutputFrame, OutputQuery, Screen, ScreenQuery, SearchQuery, Submission, WatchQuery } from '../core/api.ts'
import type { Delivery } from '../core/announcement.ts'
import { type Refusal, refusal } from '../core/errors.ts'
import { isId, type SessionId } from '../core/ids.ts'
import type { Session } from '../core/session.ts'
import type { SessionView } from '../core/view.ts'
import { crashPoint } from './crash-point.ts'
import { Feed } from './feed.ts'
import { ListFeed, sayingTogetherMs } from './list-feed.ts'
import { type EngineDeps, type EngineParts, startSize } from './parts.ts'
import { applyRetention } from './retention.ts'
import { Room } from './room.ts'
import { SessionActor } from './session-actor.ts'
import { StateFolders } from './state-files.ts'

const adoptionDeadlineMs = 2000
const chunkBytes = 64 * 1024

export class Engine implements Api {
  readonly #deps: EngineDeps
  readonly #feed: Feed
  readonly #list: ListFeed
  readonly #actors = new Map<SessionId, SessionActor>()

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
    this.#deps = { ...parts, publish, changed, room: new Room(parts, () => this.#waiting()), stateFolders: new StateFolders() }
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

  /** This daemon leaves on purpose: no keeper is to start another one. */
  leave(): void {
    for (const actor of this.#actors.values()) actor.run?.goodbye()
  }

  async submit(submission: Submission, _signal: AbortSignal): Promise<Accepted | Refusal> {
    if (submission.environment) this.#deps.environmentGiven?.(submission.environment)
    let actor = this.#actors.get(submission.session)
    if (!actor) {
      if (submission.command.type !== 'create') return unknown(submission.session)
      if (!isId(submission.session) || !isId(submission.commandId)) return refusal('invalid', `"${submission.session}" is no session id: 8 characters of a-z0-9`)
      actor = new SessionActor(submission.session, this.#deps)
      this.#actors.set(submission.session, actor)
    }
    const refused = await actor.submit(submission)
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
    return ids.flatMap((id) => this.#actors.get(id)?.session?.spec.cwd ?? [])
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

const unknown = (id: string): Refusal => refusal('unknown-session', `there is no session ${id}`, 'offstage sessions lists them')

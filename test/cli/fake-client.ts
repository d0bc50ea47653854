// An honest engine in memory: the core's own decisions over a list of facts, without processes. Tests say what the program does.

import type {
  Accepted,
  ChangesFound,
  ChangesQuery,
  Draft,
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
} from '../../src/core/api.ts'
import type { NotifyReport } from '../../src/core/announcement.ts'
import { authorOf, decide, settle } from '../../src/core/decide.ts'
import { type Refusal, isRefusal, refusal } from '../../src/core/errors.ts'
import type { Envelope, Event, LaunchSpec } from '../../src/core/events.ts'
import type { Input, Report } from '../../src/core/inputs.ts'
import { type Session, evolve } from '../../src/core/session.ts'
import { type SessionView, viewOf } from '../../src/core/view.ts'
import type { Forecast, LandHow, LandingPlan, Place, Snapshot } from '../../src/core/workspace.ts'
import type { Client, DaemonStatus } from '../../src/sdk/client.ts'

type Method = 'submit' | 'list' | 'get' | 'write'

export const talker: LaunchSpec = { kind: 'agent', driver: 'acp', agent: 'talker', argv: ['talker', '--acp'], cwd: '/work/shop' }
export const shell: LaunchSpec = { kind: 'terminal', driver: 'terminal', agent: 'bash', argv: ['bash'], cwd: '/work/shop', size: { columns: 80, rows: 24 } }

export class FakeClient implements Client {
  readonly #sessions = new Map<string, { session: Session; facts: Envelope[] }>()
  readonly #facts: Envelope[] = []
  readonly #watchers = new Set<(frame: Frame) => void>()
  readonly #outputs = new Map<string, { bytes: Uint8Array; wake: Set<() => void> }>()
  /** Never answered. */
  readonly hangs = new Set<Method>()
  readonly submitted: Submission[] = []
  readonly written: { readonly session: string; readonly text: string }[] = []
  /** What stands on the screens of terminals, as text. */
  readonly screens = new Map<string, readonly string[]>()
  /** What every search finds. */
  hits: readonly Hit[] = []
  readonly searched: SearchQuery[] = []
  /** What a session that is started anywhere would work in. */
  there: Place = { sessions: [], auto: { kind: 'in-place', why: 'no repository' } }
  /** What each question about changes is answered. */
  changed: (query: ChangesQuery) => ChangesFound | Refusal = () => refusal('no-snapshot', 'there is no snapshot')
  readonly askedChanges: ChangesQuery[] = []
  kept: readonly Snapshot[] = []
  /** Before it says what is kept. */
  keeping: () => Promise<void> = async () => {}
  /** Somebody has deleted the worktree of any session. */
  treeGone = false
  forecasts: readonly Forecast[] = []
  plan: (query: { readonly session: string; readonly into?: string; readonly how?: LandHow }) => LandingPlan | Refusal = () => refusal('no-worktree', 'there is nothing to land')
  /** What becomes of what the engine does in a tree, by the fact that asks for it. */
  onTree: (id: string, event: Event) => readonly Report[] = () => []
  /** What a test gives is left out unless one is asked for. */
  notifications: NotifyReport = { tells: ['needs-you'], onScreen: false, minDurationMs: 0, quiet: null, channels: [], problem: null }
  /** What becomes of a start: null leaves it starting. */
  onStart: Report | null = { type: 'started', keeper: { pid: 10, start: 1 }, child: { pid: 11, start: 1 } }
  /** An agent that was started is ready at once. */
  readyAtOnce = true
  /** How many processes a stop ends; null: the stop is never proven. */
  stopEnds: number | null = 3
  nowMs = Date.UTC(2026, 10, 23, 14, 0, 0)
  closed = false
  stopped = false

  async submit(submission: Submission, _signal: AbortSignal): Promise<Accepted | Refusal> {
    this.submitted.push(submission)
    if (this.hangs.has('submit')) return await new Promise<never>(() => {})
    const { session, commandId, command, environment } = submission
    const gone = this.treeGone ? { treeGone: true as const } : {}
    const refused = this.#input(session, { kind: 'command', id: commandId, command, environmentNames: Object.keys(environment ?? {}), ...gone })
    if (refused) return refused
    return { seq: this.session(session).seq, session: this.view(session) }
  }

  async list({ all }: { readonly all: boolean }): Promise<readonly SessionView[]> {
    if (this.hangs.has('list')) return await new Promise<never>(() => {})
    return [...this.#sessions.keys()]
      .map((id) => this.view(id))
      .filter((view) => all || !(view.archived || view.removed))
      .toReversed()
  }

  async *sessions(signal: AbortSignal): AsyncIterable<ListFrame> {
    const changed = new Set<string>([...this.#sessions.keys()].toReversed())
    let caughtUp = false
    let wake = (): void => {}
    const hear = (frame: Frame): void => {
      if (frame.kind !== 'caught-up') changed.add(frame.kind === 'fact' ? frame.envelope.session : frame.draft.session)
      wake()
    }
    const abort = (): void => wake()
    signal.addEventListener('abort', abort)
    this.#watchers.add(hear)
    try {
      while (!signal.aborted) {
        const [id] = changed
        if (id !== undefined) {
          changed.delete(id)
          yield { kind: 'session', session: this.view(id) }
        } else if (!caughtUp) {
          caughtUp = true
          yield { kind: 'caught-up' }
        } else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      signal.removeEventListener('abort', abort)
      this.#watchers.delete(hear)
    }
  }

  async search(query: SearchQuery): Promise<readonly Hit[]> {
    this.searched.push(query)
    return this.hits.slice(0, query.limit)
  }

  async get(session: string): Promise<{ session: SessionView; cursor: number } | undefined> {
    if (this.hangs.has('get')) return await new Promise<never>(() => {})
    return this.#sessions.has(session) ? { session: this.view(session), cursor: this.#facts.length } : undefined
  }

  async *watch({ session, after, follow }: WatchQuery, signal: AbortSignal): AsyncIterable<Frame> {
    const waiting: Frame[] = []
    let wake = (): void => {}
    const hear = (frame: Frame): void => {
      const of = frame.kind === 'fact' ? frame.envelope.session : frame.kind === 'draft' ? frame.draft.session : undefined
      if (session !== undefined && of !== session) return
      waiting.push(frame)
      wake()
    }
    const abort = (): void => wake()
    signal.addEventListener('abort', abort)
    if (follow) this.#watchers.add(hear)
    try {
      for (const envelope of [...this.#facts]) if (envelope.cursor > after && (session === undefined || envelope.session === session)) yield { kind: 'fact', envelope }
      yield { kind: 'caught-up', cursor: this.#facts.length }
      while (follow && !signal.aborted) {
        const frame = waiting.shift()
        if (frame) yield frame
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      signal.removeEventListener('abort', abort)
      this.#watchers.delete(hear)
    }
  }

  async *output({ session, stream, from, follow }: OutputQuery, signal: AbortSignal): AsyncIterable<OutputFrame> {
    const kept = this.#output(session, stream)
    let offset = from < 0 ? Math.max(0, kept.bytes.length + from) : from
    while (!signal.aborted) {
      const bytes = kept.bytes.slice(offset)
      if (bytes.length > 0) yield { stream, offset, bytes }
      offset += bytes.length
      if (kept.bytes.length > offset) continue
      if (!follow || this.session(session).process.kind !== 'live') return
      await new Promise<void>((resolve) => {
        kept.wake.add(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }

  async place(): Promise<Place> {
    return this.there
  }

  async changes(query: ChangesQuery): Promise<ChangesFound | Refusal> {
    this.askedChanges.push(query)
    return this.changed(query)
  }

  async snapshots(): Promise<readonly Snapshot[]> {
    await this.keeping()
    return this.kept
  }

  async conflicts(): Promise<readonly Forecast[]> {
    return this.forecasts
  }

  async landing(query: { readonly session: string; readonly into?: string; readonly how?: LandHow }): Promise<LandingPlan | Refusal> {
    return this.plan(query)
  }

  async write(session: string, bytes: Uint8Array): Promise<Refusal | undefined> {
    if (this.session(session).process.kind !== 'live') return refusal('not-running', `session ${session} has no program running`)
    this.written.push({ session, text: new TextDecoder().decode(bytes) })
    return undefined
  }

  async screen({ session, text }: ScreenQuery): Promise<Screen | undefined> {
    const rows = this.screens.get(session)
    return text && rows ? { columns: 80, rows: rows.length, offset: 0, bytes: new Uint8Array(), text: rows } : undefined
  }

  async resize(): Promise<Refusal | undefined> {
    return undefined
  }

  async notify({ test }: { readonly test: boolean }): Promise<NotifyReport> {
    return { ...this.notifications, channels: this.notifications.channels.map(({ result, ...channel }) => (test && result ? { ...channel, result } : channel)) }
  }

  async daemonStatus(): Promise<DaemonStatus> {
    return {
      pid: 4242,
      version: '0.1.0',
      startedAt: new Date(this.nowMs - 60_000).toISOString(),
      home: '/home/me/.local/state/offstage',
      sessions: this.#sessions.size,
      runs: 1,
      notices: [],
    }
  }

  async stopDaemon(): Promise<void> {
    this.stopped = true
  }

  close(): void {
    this.closed = true
  }

  // What tests say.

  session(id: string): Session {
    const found = this.#sessions.get(id)
    if (!found) throw new Error(`no session ${id}`)
    return found.session
  }

  openPrompt(id: string): string {
    const { turn } = this.session(id)
    return turn.kind === 'working' ? turn.promptId : ''
  }

  view = (id: string): SessionView => viewOf(this.session(id), this.nowMs)

  facts = (id: string): readonly Event[] => this.#facts.filter((fact) => fact.session === id).map((fact) => fact.event)

  /** A session as a client would make it. */
  create(id: string, more: { readonly spec?: LaunchSpec; readonly title?: string; readonly label?: string; readonly prompt?: string } = {}): this {
    const { spec = talker, title = 'Add an endpoint', ...rest } = more
    return this.command(id, { type: 'create', spec, title, ...rest })
  }

  command(id: string, command: Submission['command']): this {
    const refused = this.#input(id, { kind: 'command', id: `cmd${String(this.#facts.length).padStart(5, '0')}`, command, environmentNames: ['HOME', 'PATH'] })
    if (refused) throw new Error(refused.message)
    return this
  }

  report(id: string, report: Report): this {
    const refused = this.#input(id, { kind: 'report', run: this.session(id).runs, report })
    if (refused) throw new Error(refused.message)
    return this
  }

  say(id: string, entryId: string, text: string): this {
    return this.report(id, { type: 'entry', entryId, entry: { kind: 'message', text } })
  }

  ask(id: string, requestId: string, title: string, detail?: string): this {
    const options = [
      { id: 'once', label: 'allow once', kind: 'allow', scope: 'once' },
      { id: 'no', label: 'reject', kind: 'reject', scope: 'once' },
    ] as const
    return this.report(id, { type: 'asks', ask: { id: requestId, kind: 'permission', title, ...(detail === undefined ? {} : { detail }), options } })
  }

  endTurn(id: string): this {
    const { turn } = this.session(id)
    if (turn.kind !== 'working') throw new Error('no turn is open')
    return this.report(id, { type: 'turn-ended', promptId: turn.promptId, stopReason: 'end_turn' })
  }

  draft(draft: Draft): this {
    for (const hear of [...this.#watchers]) hear({ kind: 'draft', draft })
    return this
  }

  print(id: string, bytes: Uint8Array | string, stream: 'out' | 'err' = 'out'): this {
    const kept = this.#output(id, stream)
    kept.bytes = Buffer.concat([kept.bytes, Buffer.from(bytes)])
    this.#wakeOutputs(id)
    return this
  }

  exit(id: string, code: number): this {
    this.report(id, { type: 'exited', exit: { code }, outEnd: this.#output(id, 'out').bytes.length, errEnd: 0 })
    this.#wakeOutputs(id)
    return this
  }

  #output(id: string, stream: string) {
    const key = `${id} ${stream}`
    const kept = this.#outputs.get(key) ?? { bytes: new Uint8Array(), wake: new Set<() => void>() }
    this.#outputs.set(key, kept)
    return kept
  }

  #wakeOutputs(id: string): void {
    for (const stream of ['out', 'err']) {
      const { wake } = this.#output(id, stream)
      const woken = [...wake]
      wake.clear()
      for (const resolve of woken) resolve()
    }
  }

  #input(id: string, input: Input): Refusal | undefined {
    const before = this.#sessions.get(id)?.session
    const events = decide(before, input)
    if (isRefusal(events)) return events
    this.#append(id, events, input)
    for (let more = this.#follows(id); more.length > 0; more = this.#follows(id)) this.#append(id, more, input)
    return undefined
  }

  #follows = (id: string): readonly Event[] => {
    const session = this.#sessions.get(id)?.session
    return session ? settle(session) : []
  }

  #append(id: string, events: readonly Event[], input: Input): void {
    for (const event of events) {
      const kept = this.#sessions.get(id)
      const command = input.kind === 'command' ? { command: input.id } : {}
      const envelope: Envelope = { session: id, seq: (kept?.session.seq ?? 0) + 1, cursor: this.#facts.length + 1, atMs: this.nowMs, by: authorOf(input), ...command, event }
      this.#facts.push(envelope)
      this.#sessions.set(id, { session: evolve(kept?.session, envelope), facts: [...(kept?.facts ?? []), envelope] })
      for (const hear of [...this.#watchers]) hear({ kind: 'fact', envelope })
    }
    for (const event of events) this.#perform(id, event)
  }

  #perform(id: string, event: Event): void {
    for (const report of this.onTree(id, event)) this.report(id, report)
    if (event.type === 'run-starting' && this.onStart) {
      this.report(id, this.onStart)
      if (this.onStart.type === 'started' && this.readyAtOnce && this.session(id).spec.kind === 'agent') this.ready(id)
    }
    if (event.type === 'stop-asked' && this.stopEnds !== null) {
      const ended = this.stopEnds
      if (this.session(id).process.kind === 'live') this.report(id, { type: 'exited', exit: { signal: 'SIGTERM' }, outEnd: 0, errEnd: 0 })
      this.report(id, { type: 'swept', ended })
      this.#wakeOutputs(id)
    }
  }

  ready(id: string): this {
    const offer = { commands: [{ name: 'review', description: 'review the changes' }] }
    return this.report(id, { type: 'ready', agentRef: 'agent-ref', how: 'new', canResume: true, offer })
  }
}

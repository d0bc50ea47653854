// One session: its state, its mailbox, its run. The only writer of its facts. Everything goes one way: decide -> append (durable) -> evolve -> publish -> perform.

import { quirksOf } from '../catalogue/index.ts'
import type { Delivery } from '../core/announcement.ts'
import type { Draft, Submission } from '../core/api.ts'
import { authorOf, decide, settle } from '../core/decide.ts'
import { type Refusal, isRefusal } from '../core/errors.ts'
import type { Envelope, Event } from '../core/events.ts'
import type { Input, Report } from '../core/inputs.ts'
import { directoryOf } from '../core/place.ts'
import { type Effect, type Order, react, recover } from '../core/react.ts'
import type { Answer } from '../core/requests.ts'
import { type Session, evolve, fold } from '../core/session.ts'
import type { SessionView } from '../core/view.ts'
import { viewOf } from '../core/view.ts'
import type { Checkpoint } from '../drivers/driver.ts'
import type { NewEvent, StoredCheckpoint, StoredFold } from '../store/event-log.ts'
import { type CrashPoint, crashPoint } from './crash-point.ts'
import { isTreeGone } from './gone-tree.ts'
import { withWarnings } from './held-edits.ts'
import { printingTogetherMs } from './list-feed.ts'
import type { EngineDeps } from './parts.ts'
import { SessionWorkspace } from './session-workspace.ts'
import type { OrderEffect, TreeOwner } from './tree-work.ts'
import { StartFailed } from './keepers.ts'
import { Mailbox } from './mailbox.ts'
import { logBytes } from './retention.ts'
import { NotUnderstood, Run, type RunOwner } from './run.ts'

const pageSize = 10_000
/** A permission is asked soon after its tool call was told of. */
const newestFacts = 1000
const storeRetryMs = 1000
const lastWordsMs = 5000
/** An agent at rest that is about to be ended has so long to put its things in order. */
const closeMs = 1000
const minuteMs = 60_000
/** Facts of a session with a live run: no more than these, about, are read when a daemon starts. */
const foldEvery = 100
/** How soon a run that could not be adopted is looked for again; twice as long each time. */
const seekMs = 500
const longestSeekMs = 30_000
/** A run of which a step has failed this often at the same place is shown as stuck. */
const patience = 3

const pointAfter: Partial<Record<Event['type'], CrashPoint>> = {
  'run-starting': 'start.recorded',
  'turn-started': 'prompt.recorded',
  asked: 'asked.recorded',
  answered: 'answer.recorded',
  'turn-ended': 'turn-end.recorded',
  'run-exited': 'exit.recorded',
  'stop-asked': 'stop.recorded',
  removed: 'remove.recorded',
  'workspace-preparing': 'workspace.recorded',
  'workspace-ready': 'workspace.ready',
  'workspace-removed': 'removed.recorded',
  'checks-started': 'checks.recorded',
  checked: 'checked.recorded',
  'undo-asked': 'undo.asked',
  'land-asked': 'land.asked',
  landing: 'landing.recorded',
  landed: 'landed.recorded',
}

const isLive = (session: Session | undefined): boolean => session?.process.kind === 'live' || session?.process.kind === 'starting'
/** What it is shown to belong to: its worktree, as long as there is one. */
export const placeOf = ({ spec, tree }: Session): string => (tree.state === 'none' || tree.state === 'ready' ? directoryOf(spec) : spec.cwd)
const errorText = (cause: unknown): string => (cause instanceof Error ? (cause.stack ?? cause.message) : String(cause))

/** How long an agent that cannot load in the minute of its last word has to wait for another one. */
function minuteToWait({ spec, runs, agentRef, canResume, runEndedAtMs }: Session, nowMs: number): number {
  if (runs < 2 || !canResume || agentRef === null || runEndedAtMs === null || spec.driver !== 'acp' || !quirksOf(spec.agent).loadAfterMinute) return 0
  const leftMs = (Math.floor(runEndedAtMs / minuteMs) + 1) * minuteMs - nowMs
  // A clock that was set back says nothing of the minute.
  return leftMs > 0 && leftMs <= minuteMs ? leftMs + 100 : 0
}

const followUp = (session: Session | undefined): readonly Event[] => (session ? settle(session) : [])

export class SessionActor implements RunOwner, TreeOwner {
  readonly id: string
  readonly #deps: EngineDeps
  readonly #mailbox = new Mailbox()
  #session: Session | undefined
  #run: Run | undefined
  /** Of the command that started the newest run. In memory only. */
  #environment: Readonly<Record<string, string>> | undefined
  readonly #workspace: SessionWorkspace
  /** A run that begins when its tree is kept. */
  #beginning: Promise<void> | undefined
  /** The answer that is being recorded and delivered, with its secret fields. In memory only. */
  #secret: { readonly requestId: string; readonly answer: Answer } | undefined
  /** Runs whose processes are being ended. */
  readonly #stopping = new Set<number>()
  /** Facts whose orders were not handed to the run so far, because one before them is. */
  readonly #untold = new Set<number>()
  #noSignal = false
  /** Of the newest run: how often its steps have failed since its checkpoint was there, how far it was understood at best, and why. */
  #failures: { readonly run: number; readonly from: string; readonly times: number; readonly reached: number; readonly why: string } | undefined
  /** Why the store took nothing when it was tried last. */
  #storeTrouble: unknown
  /** Up to which fact the log keeps what they make. */
  #foldedSeq: number
  /** How to reject each command that waits its turn. */
  readonly #asked = new Set<(cause: unknown) => void>()

  constructor(id: string, deps: EngineDeps) {
    this.id = id
    this.#deps = deps
    const kept = this.#keptFold()
    this.#foldedSeq = kept?.seq ?? 0
    this.#workspace = new SessionWorkspace(this, deps)
    this.#session = fold(this.facts(this.#foldedSeq), kept)
  }

  get session(): Session | undefined {
    return this.#session
  }

  get run(): Run | undefined {
    return this.#run
  }

  get holds(): boolean {
    return this.#workspace.holding
  }

  get environment(): Readonly<Record<string, string>> | undefined {
    return this.#environment
  }

  /** Resolves when a run that was asked for is begun, as far as something had to be kept before. */
  begun(): Promise<void> {
    return this.#beginning ?? Promise.resolve()
  }

  view(): SessionView | undefined {
    if (!this.#session) return undefined
    const attach = this.#run?.attach && !this.#run.over ? { attach: this.#run.attach } : {}
    const entries = this.#run?.lines()
    const stuck = this.#stuck()
    const draft = this.drafts().findLast(({ kind }) => kind !== 'output')
    return viewOf(this.#session, this.#deps.nowMs(), {
      project: this.#deps.projects.of(placeOf(this.#session)),
      ...attach,
      ...(draft ? { saying: draft.text } : {}),
      ...(entries === undefined ? {} : { entries }),
      ...(this.#noSignal && isLive(this.#session) ? { noSignal: true } : {}),
      ...(stuck === undefined ? {} : { stuck }),
      ...(this.#run?.held === undefined ? {} : { held: this.#run.held }),
    })
  }

  /** Why its run comes no further, until it does. */
  #stuck(): string | undefined {
    const failures = this.#failures
    if (!failures || failures.times < patience || !isLive(this.#session) || this.#session?.runs !== failures.run) return undefined
    return this.#run && this.#run.received > failures.reached ? undefined : failures.why
  }

  /** What is half said right now. */
  drafts(): readonly Draft[] {
    return this.#run?.drafts() ?? []
  }

  /** For a session that the log had when this daemon started: adopts its run or records how it ended, and goes on with what was under way. Resolves when all is known that
   *  its program has said so far. */
  async recover(): Promise<void> {
    this.#workspace.recovers()
    await this.#mailbox.put(async () => {
      if (!this.#session) return
      for (const effect of recover(this.#session)) await this.attempt(effect)
    })
    await this.#run?.caughtUp()
  }

  /** The deadline for adoption passed without a word from its keeper. */
  markNoSignal(): void {
    if (!this.#run && isLive(this.#session)) this.#setNoSignal(true)
  }

  #setNoSignal(noSignal: boolean): void {
    if (this.#noSignal === noSignal) return
    this.#noSignal = noSignal
    this.#deps.changed(this.id)
  }

  /** Rejects at once while the store takes nothing: what is observed waits for it in the mailbox, a person must not. What was rejected is never done later. */
  submit(submission: Submission): Promise<Refusal | undefined> {
    if (this.#storeTrouble !== undefined) return Promise.reject(this.#storeTrouble)
    const { promise, resolve, reject } = Promise.withResolvers<Refusal | undefined>()
    this.#asked.add(reject)
    void this.#mailbox.put(async () => {
      // Rejected while it waited.
      if (!this.#asked.delete(reject)) return
      await this.#command(submission).then(resolve, reject)
    })
    return promise
  }

  async #command({ command, commandId, environment }: Submission): Promise<Refusal | undefined> {
    const known = this.#session !== undefined && this.#deps.log.hasCommand(this.id, commandId)
    // These go on with what it was started with, where that is known.
    const goesOn = command.type === 'check' || command.type === 'land' || command.type === 'answer'
    const given = goesOn && this.#environment ? undefined : environment
    if (given) {
      this.#environment = given
      this.#workspace.environmentGiven()
    }
    const environmentNames = Object.keys(given ?? {}).sort()
    if (known) {
      // The client did not hear the reply. If the start that it asked for waits for the environment that came along now, go on with it.
      if (this.#session?.environmentMissing && environment) await this.#apply([{ kind: 'command', id: `${commandId}+`, command: { type: 'resume' }, environmentNames }], 'command')
      return undefined
    }
    if (command.type === 'answer') {
      const no = await this.#run?.mayAnswer(command.requestId, command.answer)
      if (no) return no
      this.#secret = command
    }
    const gone = this.#session && isTreeGone(this.#session) ? { treeGone: true as const } : {}
    const [refused] = await this.#apply([{ kind: 'command', id: commandId, command, environmentNames, ...gone }], 'command').finally(() => (this.#secret = undefined))
    // One that failed is tried again with every command.
    if (this.#session?.stopping) this.#stopInBackground(this.#session.runs)
    return refused
  }

  /** Reports of one step of a run: appended together, with the driver's checkpoint. */
  report(run: number, reports: readonly Report[]): Promise<void> {
    return this.#mailbox.put(() => this.reportNow(run, reports))
  }

  /** The same, for somebody who is in the mailbox already. */
  async reportNow(run: number, reports: readonly Report[]): Promise<void> {
    const told = await withWarnings(this.#deps, this.id, reports, () => this.facts(Math.max(0, (this.#session?.seq ?? 0) - newestFacts)))
    const refused = await this.#apply(
      told.map((report) => ({ kind: 'report', run, report })),
      'report',
    )
    for (const refusal of refused) this.#deps.warn({ session: this.id, run }, `report refused: ${refusal.message}`)
  }

  /** In order with everything else of this session. */
  inTurn<T>(step: () => Promise<T> | T): Promise<T> {
    // A run that comes further again is not stuck any more, and no fact says so.
    if (this.#failures) this.#deps.changed(this.id, printingTogetherMs)
    return this.#mailbox.put(step)
  }

  /** Keeps the driver's checkpoint without a fact, so that little has to be read again after a crash. */
  async keepCheckpoint(run: Run): Promise<void> {
    // The former run may still be saying its last words.
    if (this.#run !== run) return
    try {
      await this.#deps.log.append({ session: this.id, expectedSeq: this.#session?.seq ?? 0, events: [], ...this.#checkpointOf(run) })
    } catch (cause) {
      this.#deps.warn({ session: this.id, run: run.number, error: String(cause) }, 'no checkpoint could be kept')
    }
  }

  /** Of a state that was told of every order up to `seq`, and whose keeper has them: later ones are given again by whoever adopts the run. */
  #checkpointOf(run: Run): { readonly checkpoint: StoredCheckpoint } {
    const open = [...this.#untold, ...(run.unheard === undefined ? [] : [run.unheard])]
    return { checkpoint: { run: run.number, seq: Math.min(this.#session?.seq ?? 0, ...open.map((seq) => seq - 1)), value: run.checkpoint() } }
  }

  /** The connection to a keeper ended before its run did: find out what there is, as a new daemon would. For somebody who is in the mailbox. */
  async lineLost(run: Run): Promise<void> {
    run.detach()
    if (this.#run !== run || !isLive(this.#session)) return run.release()
    this.#run = undefined
    if (await this.#adopt(run.number)) run.release()
    else this.#seek(run.number, run)
  }

  /** For somebody who is in the mailbox. */
  async stepFailed(run: Run, cause: unknown): Promise<void> {
    this.#deps.warn({ session: this.id, run: run.number, error: errorText(cause) }, 'a step failed; the run is adopted again')
    run.detach()
    if (this.#run !== run || !isLive(this.#session)) return run.release()
    this.#run = undefined
    const times = this.#countFailure(run.number, cause, run.received)
    this.#seek(run.number, run, Math.min(seekMs * 2 ** (times - 1), longestSeekMs))
  }

  /** How often a step of this run has failed now without having come any further in between. */
  #countFailure(run: number, cause: unknown, received = 0): number {
    const stored = this.#deps.log.checkpoint(this.id)
    const checkpoint = stored?.run === run ? (stored.value as Checkpoint) : undefined
    const from = `${checkpoint?.outOffset ?? 0} ${checkpoint?.errOffset ?? 0}`
    const before = this.#failures?.run === run && this.#failures.from === from ? this.#failures : undefined
    const times = (before?.times ?? 0) + 1
    this.#deps.changed(this.id)
    this.#failures = {
      run,
      from,
      times,
      reached: Math.max(received, before?.reached ?? 0),
      why: cause instanceof NotUnderstood ? cause.message : `its run fails again and again: ${String(cause)}`,
    }
    return times
  }

  /** Looks again, less and less often, for a run that could not be adopted. `former`: whose readers wait for it. Not in the mailbox. */
  #seek(run: number, former?: Run, firstMs = seekMs): void {
    this.#setNoSignal(true)
    const look = async (): Promise<void> => {
      for (let afterMs = firstMs; !this.#deps.signal.aborted; afterMs = Math.min(2 * afterMs, longestSeekMs)) {
        await this.#deps.delay(afterMs)
        try {
          if (await this.inTurn(() => this.#run !== undefined || this.#adopt(run))) break
        } catch (cause) {
          this.#countFailure(run, cause)
          this.#deps.warn({ session: this.id, run, error: errorText(cause) }, 'the run could not be adopted')
        }
      }
      former?.release()
    }
    void look()
  }

  /** There may be room for its run now. */
  mayStart(): Promise<void> {
    return this.report(this.#session?.runs ?? 0, [{ type: 'may-start' }])
  }

  /** The user was told of it, or was to be. */
  notified(deliveries: readonly Delivery[]): Promise<void> {
    return this.inTurn(() =>
      this.reportNow(
        this.#session?.runs ?? 0,
        deliveries.map((delivery) => ({ type: 'notified', ...delivery })),
      ),
    )
  }

  /** Durable first: if the daemon dies in between, the next look removes the rest. */
  dropOutput(): Promise<void> {
    return this.inTurn(async () => {
      const runs = this.#session?.runs ?? 0
      await this.reportNow(runs, [{ type: 'drop-output' }])
      if (this.#session?.droppedRun === runs) await logBytes(this.#deps.keepers, this.#session, runs, true)
    })
  }

  /** Durable first, as above: what is still there is named again by the next look. */
  dropSnapshots(directory: string, numbers: readonly number[]): Promise<void> {
    return this.inTurn(async () => {
      // It may have come back meanwhile.
      if (!this.#session?.removed) return
      await this.reportNow(this.#session.runs, [{ type: 'snapshots-dropped', numbers }])
      await this.#deps.trees.workspaces.dropSnapshots(directory, this.id, numbers, this.#deps.signal)
    })
  }

  /** Of a session that was ended long ago: its worktree goes, if a snapshot has all of it. */
  expireWorktree(): Promise<void> {
    return this.#workspace.expire()
  }

  /** Resolves when what its facts so far want kept of its tree is, or could not be. */
  async kept(): Promise<void> {
    // A fact is published before what it wants is begun.
    await this.#mailbox.put(() => {})
    await this.#workspace.kept()
  }

  publishDraft(draft: Draft): void {
    this.#deps.publish({ kind: 'draft', draft })
  }

  async #apply(inputs: readonly Input[], kind: 'command' | 'report'): Promise<readonly Refusal[]> {
    const before = this.#session
    const news: NewEvent[] = []
    const refusals: Refusal[] = []
    let state = before
    const add = (event: Event, input: Input): void => {
      const made: NewEvent = { atMs: this.#deps.nowMs(), by: authorOf(input), ...(input.kind === 'command' ? { command: input.id } : {}), event }
      news.push(made)
      state = evolve(state, { session: this.id, seq: (state?.seq ?? 0) + 1, cursor: 0, ...made })
    }
    for (const input of inputs) {
      const events = decide(state, input)
      if (isRefusal(events)) {
        refusals.push(events)
        continue
      }
      for (const event of events) add(event, input)
      // Nobody would hear a prompt that a run takes after its end.
      if (!this.#run?.dead) for (let follow = followUp(state); follow.length > 0; follow = followUp(state)) for (const event of follow) add(event, input)
    }
    if (news.length === 0) return refusals
    const run = this.#run
    const seq = before?.seq ?? 0
    const checkpoint = run && !run.over ? this.#checkpointOf(run) : {}
    // An event may rest on bytes of the log: they are on disk before it is.
    if (kind === 'report' && run && !run.over) await this.#deps.keepers.sync(this.id, run.number, run.received)
    const kept = this.#foldToKeep(before, state)
    const envelopes = await this.#append({ session: this.id, expectedSeq: seq, events: news, ...checkpoint, ...(kept ? { fold: kept } : {}) }, kind)
    if (kept) this.#foldedSeq = kept.seq
    let stepwise = before
    const effects: Effect[] = []
    const steps: { readonly before: Session | undefined; readonly event: Event; readonly after: Session }[] = []
    for (const envelope of envelopes) {
      const after = evolve(stepwise, envelope)
      effects.push(...react(stepwise, envelope, after))
      steps.push({ before: stepwise, event: envelope.event, after })
      stepwise = after
    }
    this.#session = stepwise
    for (const envelope of envelopes) {
      const point = pointAfter[envelope.event.type]
      if (point) crashPoint(point)
      this.#deps.publish({ kind: 'fact', envelope })
    }
    for (const effect of effects) if (effect.type === 'order') this.#untold.add(effect.seq)
    for (const step of steps) this.#workspace.follow(step.before, step.event, step.after)
    if (isLive(before) && !isLive(stepwise)) this.#deps.room.give(this.id)
    for (const effect of effects) await this.attempt(effect)
    if (effects.length > 0) this.#deps.changed(this.id)
    if (this.#session) this.#run?.follow(this.#session)
    return refusals
  }

  /** The facts are recorded: what cannot be done about them now is no failure of whoever caused them. */
  async attempt(effect: Effect): Promise<void> {
    try {
      await this.#perform(effect)
    } catch (cause) {
      this.#deps.warn({ session: this.id, effect: effect.type, error: errorText(cause) }, 'not done so far')
      if (effect.type === 'order' && this.#run) await this.stepFailed(this.#run, cause)
      else if ((effect.type === 'start-run' || effect.type === 'adopt-run') && isLive(this.#session)) this.#seek(effect.run)
    } finally {
      if (effect.type === 'order' && !this.#workspace.holds(effect)) this.#untold.delete(effect.seq)
    }
  }

  /** A command fails with the store; what was observed is kept and tried again, because nobody will observe it a second time. */
  async #append(append: Parameters<EngineDeps['log']['append']>[0], kind: 'command' | 'report'): Promise<readonly Envelope[]> {
    for (;;) {
      try {
        const envelopes = await this.#deps.log.append(append)
        this.#storeTrouble = undefined
        return envelopes
      } catch (cause) {
        if (kind === 'command' || (cause instanceof Error && cause.name === 'AppendConflict')) throw cause
        this.#storeTrouble = cause
        for (const reject of this.#asked) reject(cause)
        this.#asked.clear()
        this.#deps.warn({ session: this.id, error: String(cause) }, 'the store takes no facts; trying again')
        await this.#deps.delay(storeRetryMs)
      }
    }
  }

  async #perform(effect: Effect): Promise<void> {
    switch (effect.type) {
      case 'start-run':
        return this.#startWhenKept(effect.run)
      case 'adopt-run':
        if (!(await this.#adopt(effect.run))) this.#seek(effect.run)
        return
      case 'order':
        return this.#workspace.hold(effect) ? undefined : this.#order(effect)
      case 'stop-run':
        return this.#stopInBackground(effect.run)
      case 'restart':
        void this.#deps.delay(effect.afterMs).then(() => (this.#deps.signal.aborted ? undefined : this.report(effect.run, [{ type: 'may-start' }])))
        return
      case 'release-run':
        if (this.#run) this.#run.release()
        // A former daemon recorded the end and died before it could tell the keeper.
        else await this.#deps.keepers.release(this.id, effect.run, this.#deps.signal)
        return
      default:
        return this.#workspace.perform(effect)
    }
  }

  /** For a run that is being adopted: what its keeper does not have. */
  hold(run: number, seq: number, order: Order): boolean {
    const held = this.#workspace.hold({ type: 'order', run, seq, order })
    if (held) this.#untold.add(seq)
    return held
  }

  async #order({ run, seq, order }: OrderEffect): Promise<void> {
    if (this.#run?.number !== run || this.#run.over) return
    // Stopped while it waited.
    if (order.type === 'prompt' && this.#session?.stopping) return
    const told: Order = order.type === 'answer' && order.secret ? { ...order, answer: this.#secret?.requestId === order.requestId ? this.#secret.answer : order.answer } : order
    await this.#run.order(seq, told)
  }

  /** Not in the mailbox while the tree is being kept. */
  async #startWhenKept(run: number): Promise<void> {
    const kept = this.#environment && this.#workspace.beforeStart()
    if (!kept) return this.#start(run)
    this.#beginning = kept
      .then(() =>
        this.inTurn(async () => {
          const { process, stopping } = this.#session ?? {}
          if (process?.kind === 'starting' && process.run === run && !stopping && !this.#deps.signal.aborted) await this.#start(run)
        }),
      )
      .catch((cause: unknown) => this.#deps.warn({ session: this.id, run, error: errorText(cause) }, 'not started'))
  }

  async #start(run: number): Promise<void> {
    const session = this.#session
    if (!session) return
    if (!this.#environment) return this.reportNow(run, [{ type: 'environment-missing' }])
    const waitMs = minuteToWait(session, this.#deps.nowMs())
    if (waitMs > 0) {
      void this.#deps.delay(waitMs).then(() => (this.#deps.signal.aborted ? undefined : this.mayStart()))
      return this.reportNow(run, [
        { type: 'deferred', why: `waits for the next minute: ${session.spec.agent} loses a conversation that is taken up in the minute of its last word` },
      ])
    }
    const noRoom = await this.#deps.room.take(this.id)
    if (noRoom !== undefined) return this.reportNow(run, [{ type: 'deferred', why: noRoom }])
    this.#run = undefined
    try {
      const started = await Run.start(this, session, session.startSeq, { ...this.#environment, ...this.#workspace.additions() }, this.#deps)
      this.#run = started.run
      await this.#begin(started)
    } catch (cause) {
      if (!(cause instanceof StartFailed)) throw cause
      this.#deps.room.give(this.id)
      await this.reportNow(run, [{ type: 'not-started', why: cause.message }])
    }
  }

  /** False if its keeper lives and does not answer. */
  async #adopt(run: number): Promise<boolean> {
    const session = this.#session
    if (!session || session.runs !== run || session.startSeq === 0) return true
    if (!isLive(session)) {
      // Ended while nobody could speak to its keeper.
      await this.#deps.keepers.release(this.id, run, this.#deps.signal)
      return true
    }
    const stored = this.#deps.log.checkpoint(this.id)
    const checkpoint = stored?.run === run ? stored : undefined
    const orders = this.#ordersAfter(Math.max(session.startSeq, checkpoint?.seq ?? 0))
    const adopted = await Run.adopt(this, session, session.startSeq, checkpoint?.value as Checkpoint | undefined, orders, this.#deps)
    if (!adopted) return false
    this.#deps.room.keep(this.id)
    this.#run = adopted.run
    await this.#begin(adopted)
    this.#setNoSignal(false)
    // Its keeper died without ending what it kept.
    if (this.session?.process.kind === 'lost') await this.#deps.keepers.sweep(this.id, run, this.#deps.signal)
    return true
  }

  async #begin({ run, begin }: { readonly run?: Run; readonly begin: () => Promise<void> }): Promise<void> {
    try {
      await begin()
    } catch (cause) {
      run?.detach()
      this.#run = undefined
      throw cause
    }
  }

  /** Orders of facts after this one, whose sends may not have reached the keeper. Secret answers are not in the log: they come without their values. */
  #ordersAfter(seq: number): readonly { readonly seq: number; readonly order: Order }[] {
    const orders: { seq: number; order: Order }[] = []
    const kept = this.#keptFold()
    // One of a later fact says nothing of what was before it.
    let before = kept && kept.seq <= seq ? kept : undefined
    for (const envelope of this.facts(before?.seq ?? 0)) {
      const after = evolve(before, envelope)
      if (envelope.seq > seq) for (const effect of react(before, envelope, after)) if (effect.type === 'order') orders.push({ seq: effect.seq, order: effect.order })
      before = after
    }
    return orders
  }

  #keptFold(): Session | undefined {
    return this.#deps.log.fold(this.id, this.#deps.version)?.value as Session | undefined
  }

  /** Of a run that lives, what was before these facts: their orders may have to be given again. */
  #foldToKeep(before: Session | undefined, after: Session | undefined): StoredFold | undefined {
    const value = isLive(after) ? before : after
    const due = value && value.seq - this.#foldedSeq >= (isLive(after) ? foldEvery : 1)
    return due ? { seq: value.seq, version: this.#deps.version, value } : undefined
  }

  *facts(after: number, types?: readonly Event['type'][]): Iterable<Envelope> {
    for (let seq = after; ;) {
      const page = this.#deps.log.history({ session: this.id, after: seq, limit: pageSize, ...(types ? { types } : {}) })
      yield* page
      const last = page.at(-1)
      if (!last || page.length < pageSize) return
      seq = last.seq
    }
  }

  #stopInBackground(run: number): void {
    if (this.#stopping.has(run)) return
    this.#stopping.add(run)
    void this.#stop(run)
  }

  /** Not in the mailbox: while the tree is being ended, its last words still come in. */
  async #stop(run: number): Promise<void> {
    try {
      const closed = this.#run?.number === run ? this.#run.closed() : undefined
      if (closed) await Promise.race([closed, this.#deps.delay(closeMs)])
      const ended = await this.#deps.keepers.sweep(this.id, run, this.#deps.signal)
      crashPoint('stop.swept')
      // The last words of a flood may take longer to read than anybody wants to wait.
      if (this.#run?.number === run) await Promise.race([this.#run.settled(), this.#deps.delay(lastWordsMs)])
      await this.report(run, [{ type: 'swept', ended }])
    } catch (cause) {
      this.#deps.warn({ session: this.id, run, error: String(cause) }, 'stop failed')
    } finally {
      this.#stopping.delete(run)
    }
  }
}

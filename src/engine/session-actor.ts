// One session: its state, its mailbox, its run. The only writer of its facts. Everything goes one way: decide -> append (durable) -> evolve -> publish -> perform.

import type { Draft, Submission } from '../core/api.ts'
import { authorOf, decide, settle } from '../core/decide.ts'
import { type Refusal, isRefusal } from '../core/errors.ts'
import type { Envelope, Event } from '../core/events.ts'
import type { Input, Report } from '../core/inputs.ts'
import { type Effect, type Order, react, recover } from '../core/react.ts'
import type { Answer } from '../core/requests.ts'
import { type Session, evolve, fold } from '../core/session.ts'
import type { SessionView } from '../core/view.ts'
import { viewOf } from '../core/view.ts'
import type { Checkpoint } from '../drivers/driver.ts'
import type { NewEvent } from '../store/event-log.ts'
import { type CrashPoint, crashPoint } from './crash-point.ts'
import type { EngineDeps } from './parts.ts'
import { StartFailed } from './keepers.ts'
import { Mailbox } from './mailbox.ts'
import { Run, type RunOwner } from './run.ts'

const pageSize = 10_000
const storeRetryMs = 1000
const lastWordsMs = 5000

const pointAfter: Partial<Record<Event['type'], CrashPoint>> = {
  'run-starting': 'start.recorded',
  'turn-started': 'prompt.recorded',
  asked: 'asked.recorded',
  answered: 'answer.recorded',
  'turn-ended': 'turn-end.recorded',
  'run-exited': 'exit.recorded',
  'stop-asked': 'stop.recorded',
  removed: 'remove.recorded',
}

const followUp = (session: Session | undefined): readonly Event[] => (session ? settle(session) : [])

export class SessionActor implements RunOwner {
  readonly id: string
  readonly #deps: EngineDeps
  readonly #mailbox = new Mailbox()
  #session: Session | undefined
  #run: Run | undefined
  /** Of the command that started the newest run. In memory only. */
  #environment: Readonly<Record<string, string>> | undefined
  /** Answers with secret fields between "recorded" and "delivered". In memory only. */
  readonly #secrets = new Map<string, Answer>()
  #isStopping = false
  #noSignal = false

  constructor(id: string, deps: EngineDeps) {
    this.id = id
    this.#deps = deps
    this.#session = fold(this.#facts(0))
  }

  get session(): Session | undefined {
    return this.#session
  }

  get run(): Run | undefined {
    return this.#run
  }

  view(): SessionView | undefined {
    if (!this.#session) return undefined
    const attach = this.#run?.attach && !this.#run.over ? { attach: this.#run.attach } : {}
    const entries = this.#run?.lines()
    return viewOf(this.#session, this.#deps.nowMs(), { ...attach, ...(entries === undefined ? {} : { entries }), ...(this.#noSignal ? { noSignal: true } : {}) })
  }

  /** What is half said right now. */
  draft(): Draft | undefined {
    return this.#run?.draft()
  }

  /** For a session that the log had when this daemon started: adopts its run or records how it ended, and goes on with what was under way. Resolves when all is known that
   *  its program has said so far. */
  async recover(): Promise<void> {
    await this.#mailbox.put(async () => {
      if (!this.#session) return
      for (const effect of recover(this.#session)) await this.#perform(effect)
    })
    await this.#run?.caughtUp()
  }

  /** The deadline for adoption passed without a word from its keeper. */
  markNoSignal(): void {
    this.#noSignal = true
  }

  submit(submission: Submission): Promise<Refusal | undefined> {
    return this.#mailbox.put(async () => {
      const { command, commandId, environment } = submission
      const known = this.#session !== undefined && this.#deps.log.hasCommand(this.id, commandId)
      if (environment) this.#environment = environment
      const environmentNames = Object.keys(environment ?? {}).sort()
      if (known) {
        // The client did not hear the reply. If the start that it asked for waits for the environment that came along now, go on with it.
        if (this.#session?.environmentMissing && environment)
          await this.#apply([{ kind: 'command', id: `${commandId}+`, command: { type: 'resume' }, environmentNames }], 'command')
        return undefined
      }
      if (command.type === 'answer') this.#secrets.set(command.requestId, command.answer)
      if (command.type === 'prompt' && !environment && this.#environment === undefined && this.#session?.process.kind === 'exited')
        this.#deps.warn({ session: this.id }, 'no environment in memory for the next run')
      const [refused] = await this.#apply([{ kind: 'command', id: commandId, command, environmentNames }], 'command')
      return refused
    })
  }

  /** Reports of one step of a run: appended together, with the driver's checkpoint. */
  report(run: number, reports: readonly Report[]): Promise<void> {
    return this.#mailbox.put(() => this.reportNow(run, reports))
  }

  /** The same, for somebody who is in the mailbox already. */
  async reportNow(run: number, reports: readonly Report[]): Promise<void> {
    const refused = await this.#apply(
      reports.map((report) => ({ kind: 'report', run, report })),
      'report',
    )
    for (const refusal of refused) this.#deps.warn({ session: this.id, run }, `report refused: ${refusal.message}`)
  }

  /** In order with everything else of this session. */
  inTurn<T>(step: () => Promise<T> | T): Promise<T> {
    return this.#mailbox.put(step)
  }

  /** Keeps the driver's checkpoint without a fact, so that little has to be read again after a crash. */
  async keepCheckpoint(run: Run): Promise<void> {
    const seq = this.#session?.seq ?? 0
    await this.#deps.log.append({ session: this.id, expectedSeq: seq, events: [], checkpoint: { run: run.number, seq, value: run.checkpoint() } })
  }

  /** The connection to a keeper ended before its run did: find out what there is, as a new daemon would. For somebody who is in the mailbox. */
  async lineLost(run: Run): Promise<void> {
    if (this.#run !== run || !this.#session || this.#session.process.kind !== 'live') return
    await this.#adopt(run.number)
    if (this.session?.process.kind === 'lost') await this.#deps.keepers.sweep(this.id, run.number, this.#deps.signal)
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
    const checkpoint = run && !run.over ? { checkpoint: { run: run.number, seq, value: run.checkpoint() } } : {}
    // An event may rest on bytes of the log: they are on disk before it is.
    if (kind === 'report' && run && !run.over) await this.#deps.keepers.sync(this.id, run.number, run.received)
    const envelopes = await this.#append({ session: this.id, expectedSeq: seq, events: news, ...checkpoint }, kind)
    let stepwise = before
    const effects: Effect[] = []
    for (const envelope of envelopes) {
      const after = evolve(stepwise, envelope)
      effects.push(...react(stepwise, envelope, after))
      stepwise = after
    }
    this.#session = stepwise
    for (const envelope of envelopes) {
      const point = pointAfter[envelope.event.type]
      if (point) crashPoint(point)
      this.#deps.publish({ kind: 'fact', envelope })
    }
    for (const effect of effects) await this.#perform(effect)
    return refusals
  }

  /** A command fails with the store; what was observed is kept and tried again, because nobody will observe it a second time. */
  async #append(append: Parameters<EngineDeps['log']['append']>[0], kind: 'command' | 'report'): Promise<readonly Envelope[]> {
    for (;;) {
      try {
        return await this.#deps.log.append(append)
      } catch (cause) {
        if (kind === 'command' || (cause instanceof Error && cause.name === 'AppendConflict')) throw cause
        this.#deps.warn({ session: this.id, error: String(cause) }, 'the store takes no facts; trying again')
        await this.#deps.delay(storeRetryMs)
      }
    }
  }

  async #perform(effect: Effect): Promise<void> {
    switch (effect.type) {
      case 'start-run':
        return this.#start(effect.run)
      case 'adopt-run':
        return this.#adopt(effect.run)
      case 'order':
        return this.#order(effect.run, effect.seq, effect.order)
      case 'stop-run':
        if (!this.#isStopping) void this.#stop(effect.run)
        return
      case 'release-run':
        if (this.#run) this.#run.release()
        // A former daemon recorded the end and died before it could tell the keeper.
        else await this.#deps.keepers.release(this.id, effect.run, this.#deps.signal)
        return
    }
  }

  async #order(run: number, seq: number, order: Order): Promise<void> {
    if (this.#run?.number !== run || this.#run.over) return
    const told: Order = order.type === 'answer' && order.secret ? { ...order, answer: this.#secrets.get(order.requestId) ?? order.answer } : order
    await this.#run.order(seq, told)
    if (order.type === 'answer') this.#secrets.delete(order.requestId)
  }

  async #start(run: number): Promise<void> {
    const session = this.#session
    if (!session) return
    if (!this.#environment) return this.reportNow(run, [{ type: 'environment-missing' }])
    const seq = session.seq
    try {
      const started = await Run.start(this, session, this.#startSeq(run) ?? seq, this.#environment, this.#deps)
      this.#run = started.run
      await started.begin()
    } catch (cause) {
      if (!(cause instanceof StartFailed)) throw cause
      await this.reportNow(run, [{ type: 'not-started', why: cause.message }])
    }
  }

  async #adopt(run: number): Promise<void> {
    const session = this.#session
    if (!session) return
    const startSeq = this.#startSeq(run)
    if (startSeq === undefined) return
    const stored = this.#deps.log.checkpoint(this.id)
    const checkpoint = stored?.run === run ? stored : undefined
    const orders = this.#ordersAfter(checkpoint?.seq ?? startSeq)
    const adopted = await Run.adopt(this, session, startSeq, checkpoint?.value as Checkpoint | undefined, orders, this.#deps)
    this.#run = adopted.run
    this.#noSignal = false
    await adopted.begin()
  }

  /** Orders of facts after this one, whose sends may not have reached the keeper. Secret answers are not in the log: they come without their values. */
  #ordersAfter(seq: number): readonly { readonly seq: number; readonly order: Order }[] {
    const orders: { seq: number; order: Order }[] = []
    let before: Session | undefined
    for (const envelope of this.#facts(0)) {
      const after = evolve(before, envelope)
      if (envelope.seq > seq) for (const effect of react(before, envelope, after)) if (effect.type === 'order') orders.push({ seq: effect.seq, order: effect.order })
      before = after
    }
    return orders
  }

  #startSeq(run: number): number | undefined {
    for (const { seq, event } of this.#facts(0)) if (event.type === 'run-starting' && event.run === run) return seq
    return undefined
  }

  *#facts(after: number): Iterable<Envelope> {
    for (let cursor = after; ;) {
      const page = this.#deps.log.read({ session: this.id, after: cursor, limit: pageSize })
      yield* page
      const last = page.at(-1)
      if (!last || page.length < pageSize) return
      cursor = last.cursor
    }
  }

  /** Not in the mailbox: while the tree is being ended, its last words still come in. */
  async #stop(run: number): Promise<void> {
    this.#isStopping = true
    try {
      const ended = await this.#deps.keepers.sweep(this.id, run, this.#deps.signal)
      crashPoint('stop.swept')
      // The last words of a flood may take longer to read than anybody wants to wait.
      await Promise.race([this.#run?.settled(), this.#deps.delay(lastWordsMs)])
      await this.report(run, [{ type: 'swept', ended }])
    } catch (cause) {
      this.#deps.warn({ session: this.id, run, error: String(cause) }, 'stop failed')
    } finally {
      this.#isStopping = false
    }
  }
}

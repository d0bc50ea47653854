// One live run, as its session's actor holds it: the line to the keeper and the driver's conversation. Bytes in, reports out; orders in, inputs out. It decides nothing.

import type { Draft } from '../core/api.ts'
import { terminalProgram } from '../catalogue/index.ts'
import { isIdle } from '../core/decide.ts'
import type { Refusal } from '../core/errors.ts'
import { derivedId } from '../core/ids.ts'
import type { Report } from '../core/inputs.ts'
import { directoryOf } from '../core/place.ts'
import type { Order } from '../core/react.ts'
import type { Answer } from '../core/requests.ts'
import { type Session, goesOnWith, lastChosen } from '../core/session.ts'
import { type Signal, newsOf } from '../core/signal.ts'
import type { Checkpoint, Conversation, Driver, FileResult, Launch, Output, Send } from '../drivers/driver.ts'
import { crashPoint, crashesAt, die } from './crash-point.ts'
import { printingTogetherMs } from './list-feed.ts'
import { type EngineDeps, startSize } from './parts.ts'
import { SignalPace } from './signal-pace.ts'
import type { Variables } from './state-files.ts'
import { TerminalEvidence } from './terminal-evidence.ts'
import { type Found, type RunLine, StartFailed, longestTalkBytes } from './keepers.ts'
import { Quiet } from './quiet.ts'

/** A checkpoint is kept without a fact after this many bytes, but not more often than that: a restart reads again no more than what came in this time. */
const checkpointEveryBytes = 1024 * 1024
const checkpointEveryMs = 1000
/** When a program that printed so much has been quiet for a moment, its screen is prepared for whoever attaches; if it is never quiet, now and then. */
const screenEveryBytes = 1024 * 1024
const screenAfterMs = 250
const screenEveryMs = 30_000
/** A keeper that does not acknowledge in this time holds nobody up any longer; its answer still counts when it comes. */
const ackDeadlineMs = 5000
/** Of a flood of questions to its terminal, so many wait for their answers; the rest stays without. */
const mostAnswers = 64
const heldWhy = { disk: 'the disk is full: free some space, and it goes on by itself', limit: 'it has said too much' }

/** The actor whose run it is: everything that a run does to its session goes through here, in the actor's order. */
export interface RunOwner {
  readonly session: Session | undefined
  /** In order with everything else of this session. */
  inTurn<T>(step: () => Promise<T> | T): Promise<T>
  /** Reports of one step, appended together with the run's checkpoint. For somebody whose turn it is. */
  reportNow(run: number, reports: readonly Report[]): Promise<void>
  /** Keeps the driver's checkpoint without a fact. */
  keepCheckpoint(run: Run): Promise<void>
  /** Whether this order, which its keeper does not have, is given later. For somebody whose turn it is. */
  hold(run: number, seq: number, order: Order): boolean
  /** Orders wait: its agent has not been told of the turn that is open. */
  readonly holds: boolean
  /** The connection to the keeper ended before the run did. */
  lineLost(run: Run): Promise<void>
  /** A step of this run failed half way: what its driver took in and nobody recorded has to be read again. */
  stepFailed(run: Run, cause: unknown): Promise<void>
  publishDraft(draft: Draft): void
}

type Ended = Extract<Found, { kind: 'ended' }>

/** A driver failed over what the program said. It would again. */
export class NotUnderstood extends Error {}

export class Run {
  readonly number: number
  readonly #actor: RunOwner
  readonly #deps: EngineDeps
  readonly #session: Session
  readonly #conversation: Conversation
  readonly #driver: Driver
  readonly #line: RunLine | undefined
  readonly #over = Promise.withResolvers<void>()
  #isOver = false
  #isDetached = false
  /** Orders that were sent and not acknowledged: a checkpoint kept now must not claim that they arrived. */
  readonly #unheard = new Set<number>()
  /** What is half said, and what running tool calls have printed, by entry. */
  readonly #drafts = new Map<string, Draft>()
  #newDrafts: Extract<Output, { kind: 'draft' }>[] = []
  #bytesSinceCheckpoint = 0
  #checkpointAtMs = 0
  #bytesSinceScreen = 0
  #screenAtMs = performance.now()
  readonly #settled: Quiet
  /** Received and not taken yet: everything that came in while the actor was busy becomes one step. */
  #waiting: { readonly stream: 'out' | 'err'; readonly offset: number; readonly bytes: Uint8Array }[] = []
  #step: Promise<void> | undefined
  readonly #caughtUp = Promise.withResolvers<void>()
  #received = 0
  readonly #advanced = new Set<() => void>()
  #held: string | undefined
  #attached = 0
  readonly #unready: Quiet
  readonly #stalled: Quiet
  readonly #idle: Quiet
  /** What the agent had started for itself before it got its first prompt; what is started later is somebody's work. Unknown to a daemon that came later. */
  #own: ReadonlySet<number> | undefined
  #signalTimer: NodeJS.Timeout | undefined
  /** The timer is for a state, which nothing overtakes. */
  #stateWaits = false
  readonly #pace = new SignalPace()
  /** Of a terminal whose program the catalogue knows. */
  readonly #evidence: TerminalEvidence | undefined
  /** What was said last of which nothing is new. */
  #known: Signal | undefined
  #seenTo: number
  /** Answers to what it asks its terminal, in the order of the questions, because ids only grow. No step waits for them. */
  #answers: Promise<void> = Promise.resolve()
  #answering = 0
  /** Until its agent has answered that it is about to be ended. */
  #closing: PromiseWithResolvers<void> | undefined
  /** Open while it is held because it has said too much. */
  #limitRequest: string | undefined

  private constructor(actor: RunOwner, session: Session, driver: Driver, conversation: Conversation, line: RunLine | undefined, deps: EngineDeps) {
    this.number = session.runs
    this.#actor = actor
    this.#session = session
    this.#driver = driver
    this.#conversation = conversation
    this.#line = line
    this.#deps = deps
    this.#seenTo = session.signal?.seenTo ?? 0
    this.#unready = new Quiet(deps.initializeTimeoutMs, () => void this.#inTurn(() => this.#stillNotReady()))
    this.#stalled = new Quiet(deps.limits.stallAfterMs, () => void this.#inTurn(() => this.#fellSilent()))
    this.#settled = new Quiet(screenAfterMs, () => this.#advanceScreen())
    this.#evidence = line && this.#evidenceOf(session)
    this.#idle = new Quiet(deps.limits.idleAfterMs, () => void this.#inTurn(() => this.#wasIdle()))
  }

  /** Executes the program. The returned run reads nothing until `begin`. Throws StartFailed. */
  static async start(
    actor: RunOwner,
    session: Session,
    seq: number,
    environment: Readonly<Record<string, string>>,
    deps: EngineDeps,
  ): Promise<{ run: Run; begin: () => Promise<void> }> {
    const driver = await deps.driver(session.spec.driver)
    if (session.runs > 1) await deps.keepers.sweep(session.id, session.runs - 1, deps.signal).catch(notSwept)
    const line = await deps.keepers.start(
      { session: session.id, run: session.runs, spec: session.spec, title: session.title, label: session.label, mode: driver.mode, environment },
      deps.signal,
    )
    crashPoint('start.connected')
    const { conversation, outputs } = driver.begin(launchOf(session, seq, deps))
    if (line.attends) conversation.live?.(0)
    const run = new Run(actor, session, driver, conversation, line, deps)
    const begin = async (): Promise<void> => {
      const reports = await run.#perform(outputs)
      await actor.reportNow(run.number, [{ type: 'started', ...line.kept }, ...reports])
      run.#listen(line, { out: 0, err: 0 }, environment)
    }
    return { run, begin }
  }

  /** The run as a former daemon left it. `begin` gives the orders again that may not have arrived, and goes on reading from the checkpoint. Undefined when its keeper lives
   *  and does not answer. */
  static async adopt(
    actor: RunOwner,
    session: Session,
    seq: number,
    checkpoint: Checkpoint | undefined,
    orders: readonly { readonly seq: number; readonly order: Order }[],
    deps: EngineDeps,
  ): Promise<{ run?: Run; begin: () => Promise<void> } | undefined> {
    const driver = await deps.driver(session.spec.driver)
    const launch = launchOf(session, seq, deps)
    const fresh = checkpoint ? undefined : driver.begin(launch)
    const conversation = fresh ? fresh.conversation : driver.restore(launch, checkpoint as Checkpoint)
    const found = await deps.keepers.find(session.id, session.runs, deps.signal)
    if (found.kind === 'silent') return undefined
    if (found.kind === 'never') {
      const report: Report = session.process.kind === 'starting' ? { type: 'environment-missing' } : { type: 'lost', cause: 'nothing is left of its run folder' }
      return { begin: () => actor.reportNow(session.runs, [report]) }
    }
    const line = found.kind === 'live' ? found.line : undefined
    if (line?.attends) conversation.live?.(line.outEnd)
    const run = new Run(actor, session, driver, conversation, line, deps)
    const from = checkpoint ? { out: checkpoint.outOffset, err: checkpoint.errOffset } : { out: 0, err: 0 }
    const begin = async (): Promise<void> => {
      const reports: Report[] = [...(await run.#perform(fresh?.outputs ?? []))]
      for (const { seq: orderSeq, order } of orders) {
        const missing = line !== undefined && line.highestOrder < orderSeq + orderBase(session)
        const undelivered = order.type === 'answer' && missing
        // Nobody can say what the keys would be pressed on by now: what the screen still asks is asked again.
        if (undelivered && session.spec.kind === 'terminal') reports.push({ type: 'note', text: 'an answer was not typed: the daemon ended right before it' })
        else if (undelivered && order.secret) reports.push({ type: 'answer-undelivered', requestId: order.requestId })
        else if (missing && actor.hold(session.runs, orderSeq, order)) continue
        else reports.push(...(await run.#perform(conversation.order(orderSeq + orderBase(session), order))))
      }
      reports.push(...(await run.#perform(conversation.openCalls().map((call) => ({ kind: 'file', call })))))
      if (session.process.kind === 'starting' && line) reports.unshift({ type: 'started', ...line.kept })
      if (reports.length > 0) await actor.reportNow(run.number, reports)
      if (line) run.#listen(line, from)
      else await run.#finish(found as Ended, from)
    }
    return { run, begin }
  }

  get over(): boolean {
    return this.#isOver
  }

  /** Nobody hears what is sent any more. */
  get dead(): boolean {
    return this.#line === undefined
  }

  get attach(): { readonly socket: string; readonly nonce: string } | undefined {
    return this.#line?.attach
  }

  /** Resolves when everything is taken that the keeper had when this daemon came, or the run is over. */
  caughtUp(): Promise<void> {
    return Promise.race([this.#caughtUp.promise, this.#over.promise])
  }

  /** How far its output was received. */
  get received(): number {
    return this.#received
  }

  /** Why its output is not read by its keeper, now: also when nobody could record it. */
  get held(): string | undefined {
    return this.#held
  }

  /** Terminals that show it, as far as its keeper says so. */
  get attached(): number {
    return this.#attached
  }

  /** Resolves when its agent is ready to be ended; undefined where it was not told that it is about to be. */
  closed(): Promise<void> | undefined {
    return this.#closing && Promise.race([this.#closing.promise, this.#over.promise])
  }

  /** Resolves when the end of the run is recorded. */
  settled(): Promise<void> {
    return this.#over.promise
  }

  lines(): number | undefined {
    return this.#conversation.lines()
  }

  drafts(): readonly Draft[] {
    return this.#isOver ? [] : [...this.#drafts.values()]
  }

  checkpoint(): Checkpoint {
    return this.#conversation.checkpoint()
  }

  /** The lowest order that its keeper may not have, if there is one. */
  get unheard(): number | undefined {
    return this.#unheard.size === 0 ? undefined : Math.min(...this.#unheard) - orderBase(this.#session)
  }

  /** Takes nothing more from its keeper: another one goes on with it. Whoever waits for its output or its end waits on, until `release`. */
  detach(): void {
    this.#isDetached = true
    this.#stopTimers()
    this.#line?.close()
  }

  goodbye(): void {
    this.#line?.goodbye()
  }

  /** The session as it is now: what is to be noticed depends on it. */
  follow(session: Session): void {
    const seenTo = session.signal?.seenTo ?? 0
    if (seenTo > this.#seenTo) {
      this.#seenTo = seenTo
      this.#conversation.looked?.()
    }
    if (session.spec.kind !== 'agent' || this.#isOver || this.#isDetached || !this.#line) return
    if (session.turn.kind === 'working' && !session.silent && !session.paused) this.#stalled.watch()
    else this.#stalled.stop()
    if (isIdle(session)) this.#idle.watch()
    else this.#idle.stop()
  }

  #stopTimers(): void {
    this.#unready.stop()
    clearTimeout(this.#signalTimer)
    this.#evidence?.stop()
    this.#settled.stop()
    this.#stalled.stop()
    this.#idle.stop()
  }

  async order(seq: number, order: Order): Promise<void> {
    if (order.type === 'answer' && order.requestId === this.#limitRequest) {
      this.#limitRequest = undefined
      if (order.answer.kind === 'option' && order.answer.optionId === 'more') this.#line?.limit((Math.floor(this.#received / longestTalkBytes) + 2) * longestTalkBytes)
      return
    }
    if (order.type === 'answer' && this.#evidence) {
      const keys = this.#evidence.keysOf(order.requestId)
      if (keys) await this.#send({ lane: 1, id: seq + orderBase(this.#session), bytes: keys })
      return
    }
    if (order.type === 'interrupt' && this.#driver.interruptBySignal) {
      this.#line?.interrupt()
      return
    }
    const reports = await this.#perform(this.#conversation.order(seq + orderBase(this.#session), order))
    if (order.type === 'prompt') {
      this.#stalled.heard()
      crashPoint('prompt.sent')
    }
    if (order.type === 'close' && this.#conversation.closing) this.#closing ??= Promise.withResolvers()
    if (reports.length > 0) await this.#actor.reportNow(this.number, reports)
  }

  /** Keystrokes. Resolves when the keeper has them; false when the program takes no input any more. */
  async write(bytes: Uint8Array): Promise<boolean> {
    if (!this.#line) return false
    return (await this.#line.input({ lane: 0, id: 0, bytes })) !== 'closed'
  }

  /** Of a terminal: whether the keys of an answer may be pressed now. For somebody whose turn it is. */
  mayAnswer(requestId: string, answer: Answer): Promise<Refusal | undefined> {
    return this.#evidence?.mayAnswer(requestId, answer) ?? Promise.resolve(undefined)
  }

  resize(columns: number, rows: number): void {
    this.#line?.resize(columns, rows)
  }

  /** The end of the run is recorded. */
  release(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopTimers()
    this.#line?.collect()
    this.#wakeReaders()
    this.#over.resolve()
  }

  /** Resolves when more output was received, at the end of the run, or when the signal aborts. */
  more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#advanced.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#advanced.add(wake)
      signal.addEventListener('abort', wake)
      if (signal.aborted || this.#isOver) wake()
    })
  }

  #wakeReaders(): void {
    for (const wake of [...this.#advanced]) wake()
  }

  /** `environment`: of the run, if this daemon knows it. */
  #listen(line: RunLine, from: { out: number; err: number }, environment?: Variables): void {
    this.#received = from.out
    const { process } = this.#actor.session ?? this.#session
    if (process.kind === 'live') void this.caughtUp().then(() => !this.#isOver && !this.#isDetached && this.#evidence?.begin(process.child, environment))
    line.onAttended((offset, viewers) => {
      this.#attached = viewers
      this.#conversation.attended?.(offset, viewers)
    })
    line.onHeld((why) => {
      this.#held = why && heldWhy[why]
      this.#deps.changed(this.#session.id)
      void this.#inTurn(() => this.#recordHeld(why))
    })
    if (from.out >= line.outEnd) this.#caughtUp.resolve()
    line.read(from, (stream, offset, bytes) => {
      this.#heard()
      this.#waiting.push({ stream, offset, bytes })
      return (this.#step ??= this.#inTurn(() => this.#receive(line)))
    })
    void line.exit.then((end) => this.#inTurn(() => this.#exited(end)))
    void line.closed.then(() => this.#inTurn(() => (this.#deps.signal.aborted ? undefined : this.#actor.lineLost(this))))
    if (this.#session.spec.kind !== 'agent') return
    this.#unready.watch()
  }

  /** A step in the actor's order, as long as it is this run that speaks with the keeper. Never rejects: a failure ends the line, not the daemon. */
  #inTurn(step: () => Promise<void> | undefined): Promise<void> {
    return this.#actor.inTurn(async () => {
      if (this.#isOver || this.#isDetached) return
      try {
        await step()
      } catch (cause) {
        await this.#actor.stepFailed(this, cause)
      }
    })
  }

  async #receive(line: RunLine): Promise<void> {
    const frames = this.#waiting
    this.#waiting = []
    this.#step = undefined
    // It may have waited long for its turn.
    this.#heard()
    const reports: Report[] = this.#actor.session?.silent ? [{ type: 'spoke' }] : []
    for (const { stream, offset, bytes } of frames) {
      reports.push(...(await this.#perform(this.#understood(stream, offset, bytes))))
      if (stream === 'out') this.#received = offset + bytes.length
      this.#bytesSinceCheckpoint += bytes.length
      this.#bytesSinceScreen += bytes.length
    }
    crashPoint('bytes.reduced')
    if (!this.#conversation.closing) this.#closing?.resolve()
    this.#followScreen()
    // What it said before this daemon came is not told again step by step.
    if (this.#received >= line.outEnd) {
      reports.push(...(this.#evidence?.heard(frames.reduce((sum, { bytes }) => sum + bytes.length, 0)) ?? []))
      reports.push(...this.#signals())
    }
    if (reports.some((report) => report.type === 'ready')) this.#own = new Set((await this.#deps.keepers.processes(this.#session.id, this.number)).map(({ pid }) => pid))
    if (reports.length > 0) {
      this.#bytesSinceCheckpoint = 0
      await this.#actor.reportNow(this.number, reports)
    } else if (this.#bytesSinceCheckpoint >= checkpointEveryBytes && performance.now() - this.#checkpointAtMs >= checkpointEveryMs) {
      this.#bytesSinceCheckpoint = 0
      this.#checkpointAtMs = performance.now()
      await this.#actor.keepCheckpoint(this)
    }
    this.#publishDrafts()
    if (this.#received >= line.outEnd) this.#caughtUp.resolve()
    if (this.#session.spec.kind === 'terminal') this.#deps.changed(this.#session.id, printingTogetherMs)
    this.#wakeReaders()
  }

  #heard(): void {
    this.#stalled.heard()
    this.#idle.heard()
  }

  #understood(stream: 'out' | 'err', offset: number, bytes: Uint8Array): readonly Output[] {
    try {
      return this.#conversation.receive(stream, offset, bytes)
    } catch (cause) {
      throw new NotUnderstood(`its output cannot be understood: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  }

  #followScreen(): void {
    if (this.#bytesSinceScreen < screenEveryBytes || this.#session.spec.driver !== 'terminal') return
    if (performance.now() - this.#screenAtMs >= screenEveryMs) this.#advanceScreen()
    else this.#settled.watch()
  }

  #advanceScreen(): void {
    const { id, spec } = this.#session
    this.#bytesSinceScreen = 0
    this.#screenAtMs = performance.now()
    this.#deps.screens.advance({ session: id, run: this.number, size: startSize(spec) })
  }

  #evidenceOf(session: Session): TerminalEvidence | undefined {
    const known = session.spec.driver === 'terminal' ? terminalProgram(session.spec.argv) : undefined
    return (
      known &&
      new TerminalEvidence({
        run: this.number,
        known,
        deps: this.#deps,
        session: () => this.#actor.session ?? session,
        told: () => this.#conversation.signal?.(),
        received: () => this.#received,
        inTurn: (step) => this.#inTurn(step),
        changed: async (reports) => {
          const all = [...reports, ...this.#signals()]
          if (all.length > 0) await this.#actor.reportNow(this.number, all)
        },
      })
    )
  }

  /** What the program says of itself, if it is news and time for it. */
  #signals(): readonly Report[] {
    const now = this.#evidence ? this.#evidence.signal() : this.#conversation.signal?.()
    const { session } = this.#actor
    if (!now || !session || now === this.#known || (this.#signalTimer && this.#stateWaits)) return []
    clearTimeout(this.#signalTimer)
    this.#signalTimer = undefined
    const news = newsOf(session.signal, now)
    if (news === 'none') {
      this.#known = now
      return []
    }
    const nowMs = performance.now()
    const leftMs = this.#pace.waitMs(news, nowMs)
    if (leftMs === 0) {
      this.#pace.recorded(news, nowMs)
      return [{ type: 'signals', signal: now }]
    }
    this.#stateWaits = news === 'state'
    this.#signalTimer = setTimeout(() => {
      this.#signalTimer = undefined
      void this.#inTurn(() => this.#reportSignals())
    }, Math.ceil(leftMs)).unref()
    return []
  }

  async #reportSignals(): Promise<void> {
    const reports = this.#signals()
    if (reports.length > 0) await this.#actor.reportNow(this.number, reports)
  }

  async #exited(end: Awaited<RunLine['exit']>): Promise<void> {
    const reports = await this.#perform(this.#conversation.ended())
    await this.#actor.reportNow(this.number, [...reports, { type: 'exited', ...end, ...this.#last() }])
    // Also when the report was refused because the run had failed before.
    this.release()
    this.#line?.close()
  }

  #last(): { lines?: number; lastWords?: string } {
    const lines = this.#conversation.lines()
    const lastWords = this.#conversation.lastWords()
    return { ...(lines === undefined ? {} : { lines }), ...(lastWords ? { lastWords } : {}) }
  }

  /** The keeper is gone: what it wrote is read from the folder, then the end is recorded. */
  async #finish(found: Ended, from: { out: number; err: number }): Promise<void> {
    const reports: Report[] = []
    for (const stream of ['out', 'err'] as const) {
      for (let offset = from[stream]; ;) {
        const { offset: at, bytes } = await this.#deps.keepers.readLog(this.#session.id, this.number, stream, offset, 64 * 1024)
        if (bytes.length === 0) break
        reports.push(...(await this.#perform(this.#understood(stream, at, bytes))))
        offset = at + bytes.length
      }
    }
    reports.push(...(await this.#perform(this.#conversation.ended())))
    reports.push(found.exit ? { type: 'exited', ...found.exit, ...this.#last() } : { type: 'lost', cause: found.cause })
    await this.#actor.reportNow(this.number, reports)
    this.release()
  }

  /** Waiting for a person's answer is no silence, nor is what was not asked yet. */
  async #fellSilent(): Promise<void> {
    if (this.#actor.holds || this.#actor.session?.requests.some((request) => !request.lost)) return this.#stalled.watch()
    // Heard while this waited for its turn.
    if (!this.#stalled.isQuiet) return this.#stalled.watch()
    await this.#actor.reportNow(this.number, [{ type: 'silent', forMs: this.#deps.limits.stallAfterMs }])
  }

  /** Its process goes only if nothing else would go with it. */
  async #wasIdle(): Promise<void> {
    const { session } = this.#actor
    if (!session || !isIdle(session)) return
    const now = await this.#deps.keepers.processes(session.id, this.number)
    const child = session.process.kind === 'live' ? session.process.child.pid : 0
    if (now.every(({ pid }) => pid === child || this.#own?.has(pid))) await this.#actor.reportNow(this.number, [{ type: 'idle' }])
    else this.#idle.watch()
  }

  async #recordHeld(why: 'disk' | 'limit' | undefined): Promise<void> {
    if (why === undefined) return this.#actor.reportNow(this.number, [{ type: 'released' }])
    if (why === 'disk') return this.#actor.reportNow(this.number, [{ type: 'held', why: heldWhy.disk }])
    const said = Math.round(this.#received / longestTalkBytes)
    this.#limitRequest = derivedId(this.#session.id, this.number, 'limit', said)
    const ask = {
      id: this.#limitRequest,
      kind: 'error' as const,
      title: `the agent has said ${said} GB in this run and is held`,
      options: [
        { id: 'more', label: 'let it go on', kind: 'allow' as const, scope: 'once' as const },
        { id: 'stop', label: 'stop it', kind: 'reject' as const },
      ],
    }
    await this.#actor.reportNow(this.number, [
      { type: 'held', why: heldWhy.limit },
      { type: 'asks', ask },
    ])
  }

  async #stillNotReady(): Promise<void> {
    const { session } = this.#actor
    if (session?.process.kind !== 'live' || session.process.ready || session.requests.length > 0) return
    const seconds = Math.round(this.#deps.initializeTimeoutMs / 1000)
    const ask = {
      id: derivedId(session.id, this.number, 'initialize'),
      kind: 'error' as const,
      title: `the agent does not answer: not ready after ${seconds} s`,
      detail: this.#conversation.lastWords() ?? '',
      options: [
        { id: 'wait', label: 'go on waiting', kind: 'other' as const },
        { id: 'stop', label: 'stop it', kind: 'reject' as const },
      ],
    }
    await this.#actor.reportNow(this.number, [{ type: 'asks', ask }])
  }

  /** Sends, file calls and drafts at once and in order; the reports are returned, to be appended together. */
  async #perform(outputs: readonly Output[]): Promise<readonly Report[]> {
    const reports: Report[] = []
    for (const output of outputs) {
      switch (output.kind) {
        case 'report':
          if (output.report.type === 'entry') this.#said(output.report)
          reports.push(output.report)
          break
        case 'give-up':
          // It may go on talking faster than anybody can read; its end is not to wait for that.
          this.#line?.unread()
          reports.push({ type: 'failed', why: output.why })
          break
        case 'draft':
          this.#newDrafts.push(output)
          break
        case 'send':
          if (output.send.mayBeLost) this.#answer(output.send.id, async () => output.send.bytes)
          else await this.#send(output.send)
          break
        case 'cursor':
          this.#answer(output.offset, () => this.#cursorReport(output))
          break
        case 'file':
          reports.push(...(await this.#perform(this.#conversation.reply(output.call.callId, await this.#fileCall(output.call)))))
          break
      }
    }
    return reports
  }

  #fileCall({ operation, approved }: Extract<Output, { kind: 'file' }>['call']): Promise<FileResult> {
    const root = directoryOf(this.#session.spec)
    return operation.kind === 'read'
      ? this.#deps.files.read(
          root,
          operation.path,
          { ...(operation.line === undefined ? {} : { line: operation.line }), ...(operation.limit === undefined ? {} : { limit: operation.limit }) },
          approved,
        )
      : this.#deps.files.write(root, operation.path, operation.content, approved)
  }

  async #send(send: Send): Promise<void> {
    if (!this.#line) return
    if (crashesAtHalf(send)) {
      await this.#line.inputHalf?.(send)
      die('answer.half')
    }
    if (send.lane === 1) this.#unheard.add(send.id)
    // Without an acknowledgement an order stays unheard: whoever adopts the run gives it again.
    const acknowledged = this.#line.input({ lane: send.lane, id: send.id, bytes: send.bytes, ...(send.secret ? { secret: true } : {}) }).then(
      () => {
        if (send.lane === 1) this.#unheard.delete(send.id)
      },
      () => {},
    )
    // A checkpoint after these bytes must not be kept before the keeper has the reply to them.
    if (send.lane === 2) await Promise.race([acknowledged, this.#line.closed, this.#deps.delay(ackDeadlineMs)])
  }

  #answer(id: number, make: () => Promise<Uint8Array | undefined>): void {
    const line = this.#line
    if (!line || this.#answering >= mostAnswers) return
    this.#answering += 1
    const answer = async (): Promise<void> => {
      try {
        const bytes = await make()
        if (bytes && !this.#isOver && !this.#isDetached) await line.input({ lane: 2, id, bytes })
      } catch {
        // The line is gone, and whoever adopts the run answers nothing that was asked before.
      } finally {
        this.#answering -= 1
      }
    }
    this.#answers = this.#answers.then(answer)
  }

  /** CPR, as xterm makes it. Undefined if no screen says it in time. */
  async #cursorReport({ offset, extended }: Extract<Output, { kind: 'cursor' }>): Promise<Uint8Array | undefined> {
    const { id, spec } = this.#session
    const place = await this.#deps.screens.cursor({ session: id, run: this.number, size: startSize(spec) }, offset)
    return place ? Buffer.from(`\x1b[${extended ? '?' : ''}${place.row};${place.column}R`) : undefined
  }

  /** The entry is a fact now: what was half said of it is of no use to anybody. A tool call may print more until it is over. */
  #said({ entryId, entry }: Extract<Report, { type: 'entry' }>): void {
    if (entry.kind === 'tool' && entry.status !== 'completed' && entry.status !== 'failed') return
    this.#drafts.delete(entryId)
    this.#newDrafts = this.#newDrafts.filter((draft) => draft.entryId !== entryId)
  }

  /** After the facts of the same bytes, so that nobody sees a sentence before the tool call that came before it. */
  #publishDrafts(): void {
    for (const { entryId, draft: kind, from, text, continues } of this.#newDrafts) {
      const before = this.#drafts.get(entryId)?.text.slice(0, from) ?? ''
      const draft: Draft = { session: this.#session.id, entryId, kind, from, text, ...(continues ? { continues } : {}) }
      this.#drafts.set(entryId, { ...draft, from: 0, text: before + text })
      this.#actor.publishDraft(draft)
    }
    this.#newDrafts = []
  }
}

/** Only answers are cut in half by a test: they are what a person gave. */
const crashesAtHalf = (send: Send): boolean => send.lane === 1 && Buffer.from(send.bytes).includes('"outcome"') && crashesAt('answer.half')

const notSwept = (cause: unknown): never => {
  throw new StartFailed(`what is left of the run before it cannot be ended: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
}

/** From the sequence number of a fact to the id of its input. */
const orderBase = (session: Session): number => session.orderBase ?? 0

const launchOf = (session: Session, seq: number, deps: EngineDeps): Launch => {
  // What its first run has begun is no memory of that run's own.
  const resumes = session.runs > 1 ? goesOnWith(session) : session.spec.continues
  const last = session.runs > 1 ? lastChosen(session) : {}
  return {
    session: session.id,
    run: session.runs,
    spec: session.spec,
    ...(resumes === undefined ? {} : { resumes }),
    ...last,
    seq: seq + orderBase(session),
    version: deps.version,
  }
}

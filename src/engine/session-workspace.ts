// What is done in the tree of one session, in its order: made ready, kept by snapshots, checked, taken back, removed. Owned by the session's actor; performs what the facts ask for and
// reports what came of it, never in the actor's mailbox. It decides nothing, and runs no git.

import { existsSync } from 'node:fs'
import { workspaceEnvironment } from '../config/project-file.ts'
import type { Event } from '../core/events.ts'
import type { Report } from '../core/inputs.ts'
import type { Effect } from '../core/react.ts'
import type { Session } from '../core/session.ts'
import { foremost } from '../core/signal.ts'
import type { Snapshot, SnapshotWhy } from '../core/workspace.ts'
import { WorkspaceFailed } from '../workspace/workspaces.ts'
import { runChecks } from './checks.ts'
import { crashPoint } from './crash-point.ts'
import { disposeWorkspace, expireWorktree } from './dispose-workspace.ts'
import { goneFailure, isTreeGone } from './gone-tree.ts'
import { landSession } from './land-session.ts'
import { Mailbox } from './mailbox.ts'
import type { EngineDeps } from './parts.ts'
import { prepareWorkspace } from './prepare-workspace.ts'
import { type StepEnd, runStep, sweepStep } from './steps.ts'
import { markTypes, marksOf } from './tree-marks.ts'
import { performUndo } from './undo.ts'
import { type OrderEffect, type TreeOwner, type TreeWork, type Variables, askId, messageOf, treeOf } from './tree-work.ts'
import { isAgent } from './workspace-choice.ts'

export type TreeEffect = Exclude<Effect, { type: 'start-run' | 'adopt-run' | 'order' | 'stop-run' | 'restart' | 'release-run' }>

/** Whoever was to be told that it is begun asks again when its daemon is dead, and brings the environment along. */
const askAgainMs = 5000
/** What a daemon that died had begun at the end of a turn is looked for so long. */
const recentMs = 600_000
/** No prompt waits longer for what was there before it. */
const turnSnapshotMs = 10_000
const otherSnapshotMs = 600_000

class TookTooLong extends WorkspaceFailed {}

export class SessionWorkspace {
  readonly #deps: EngineDeps
  readonly #owner: TreeOwner
  /** One thing at a time in a tree; checks run beside it. */
  readonly #inTree = new Mailbox()
  readonly #taking = new Mailbox()
  /** Of what a stop ends: preparing, checks, a landing. */
  #under = new AbortController()
  /** Steps that run now, or may. */
  readonly #running = new Set<number>()
  readonly #environmentCame = Promise.withResolvers<void>()
  #wasHereBefore = false
  /** A former daemon died over a landing. */
  #landingLeft = false
  #refsAdopted = false
  /** Snapshots of turns cannot be taken here, and that was told. */
  #impossible = false
  /** The user goes on without them, until one can be taken again. */
  #without = false
  /** Orders for the agent that wait until the tree is kept as it is. The first is a prompt. */
  readonly #held: OrderEffect[] = []
  #given: OrderEffect | undefined
  /** The newest snapshot that was begun of itself, and all before it. */
  #kept: Promise<void> = Promise.resolve()
  #asked: { readonly requestId: string; readonly answered: (optionId: string) => void } | undefined

  constructor(owner: TreeOwner, deps: EngineDeps) {
    this.#owner = owner
    this.#deps = deps
  }

  /** This daemon found the session in the log. The one before may have died between the end of a turn and its snapshot. */
  recovers(): void {
    this.#wasHereBefore = true
    const { session } = this.#owner
    this.#landingLeft = session !== undefined && session.tree.landing !== null
    if (!session || session.spec.kind !== 'agent' || session.turn.kind !== 'idle' || session.turns === 0) return
    const { work, tree, turns } = session
    const mayBeMissing = tree.snapshot?.turn !== turns || tree.snapshot.why === 'turn-start'
    const isRecent = work.endedAtMs !== null && this.#deps.nowMs() - work.endedAtMs < recentMs
    if (mayBeMissing && isRecent && this.#keepsTurns()) this.#begin('snapshot', () => this.#snapshot('turn-end', turns))
  }

  /** Ports, what the project says, and where it works; for every program of the session. */
  additions(ports = this.#owner.session?.tree.ports ?? {}): Variables {
    const { spec, tree } = this.#owner.session ?? {}
    if (!spec || !tree || !(spec.worktree || spec.preparation)) return {}
    const { worktree } = spec
    return {
      ...workspaceEnvironment(tree.trusted === 'without' ? {} : (spec.preparation ?? {}), this.#owner.id, ports),
      ...(worktree ? { OFFSTAGE_WORKTREE: worktree.path, OFFSTAGE_REPOSITORY: worktree.repository } : {}),
    }
  }

  /** In the actor's mailbox; what it begins goes on outside of it. */
  perform(effect: TreeEffect): void {
    switch (effect.type) {
      case 'prepare-workspace':
        return this.#begin(effect.type, (work) => prepareWorkspace(work))
      case 'snapshot':
        return this.#begin(effect.type, () => this.#snapshot(effect.why, effect.turn))
      case 'snapshot-answered':
        if (this.#asked?.requestId === effect.requestId) this.#asked.answered(effect.optionId)
        return
      case 'check':
        return this.#check(effect.turn)
      case 'stop-steps':
        return void this.#careful(effect.type, () => this.stop())
      case 'undo':
        return this.#begin(effect.type, (work) => performUndo(work, effect.what, effect.going))
      case 'land':
        // Not in the tree's order: it waits for others that land, and a snapshot is not to wait for them.
        return void this.#careful(effect.type, () => landSession(this.#work(), effect.land, effect.going, this.#takesOverLanding()))
      case 'dispose-workspace':
        return this.#begin(effect.type, (work) => disposeWorkspace(work))
    }
  }

  #takesOverLanding(): boolean {
    const isLeft = this.#landingLeft
    this.#landingLeft = false
    return isLeft
  }

  /** Beside what is done in the tree, but not before the turn is kept that they are about. */
  #check(turn: number): void {
    const work = this.#work()
    void this.#careful('check', async () => {
      await this.#inTree.put(() => {})
      await runChecks(work, turn)
    })
  }

  /** Ends what runs, with proof. What was being made stays as far as it has come. */
  async stop(): Promise<void> {
    this.#under.abort(new Error('stopped'))
    this.#under = new AbortController()
    const { step } = this.#owner.session?.tree ?? {}
    const running = new Set([...this.#running, ...(step ? [step.step] : [])])
    for (const one of running) await sweepStep(this.#deps, this.#owner.id, one, this.#deps.signal)
    for (const one of running) this.#running.delete(one)
  }

  /** For somebody in the mailbox: whether this order waits. A prompt does until the tree is kept as it is before it, and so does what comes after it. */
  hold(order: OrderEffect): boolean {
    if (order === this.#given || (this.#held.length === 0 && !(order.order.type === 'prompt' && this.#keepsTurns()))) return false
    // Of a run that is adopted again while it waits.
    if (this.#held.some(({ run, seq }) => run === order.run && seq === order.seq)) return true
    if (this.#held.push(order) === 1) void this.#careful('prompt', () => this.#giveHeld())
    return true
  }

  get holding(): boolean {
    return this.#held.length > 0
  }

  holds(order: OrderEffect): boolean {
    return order !== this.#given && this.#held.includes(order)
  }

  /** Before a program in a terminal begins, of which nobody will hear when it writes. Undefined: nothing is to be kept. */
  beforeStart(): Promise<void> | undefined {
    const { session } = this.#owner
    if (session?.spec.kind !== 'terminal' || !this.#keepsTurns()) return undefined
    return this.#inTree.put(() => this.#snapshot('start', session.tree.rests))
  }

  /** After each fact. */
  follow(before: Session | undefined, event: Event, after: Session): void {
    const isOver = before?.process.kind === 'live' && after.process.kind !== 'live'
    if (isOver) this.#dropHeld()
    if (after.spec.kind !== 'terminal' || !before || !this.#keepsTurns()) return
    const rests = event.type === 'signaled' && isWorking(before) && !isWorking(after)
    if (isOver || rests) this.#begin('snapshot', () => this.#snapshot('turn-end', (this.#owner.session?.tree.rests ?? 0) + 1))
  }

  /** Nobody may resume it meanwhile: the removal holds the mailbox. */
  async expire(): Promise<void> {
    await this.#careful('expire', () => this.#inTree.put(() => expireWorktree(this.#work())))
  }

  #keepsTurns(): boolean {
    const { session } = this.#owner
    return session !== undefined && isAgent(session.spec) && !this.#impossible
  }

  #begin(name: TreeEffect['type'], step: (work: TreeWork) => Promise<void>): void {
    const over = this.#careful(name, () => this.#inTree.put(() => step(this.#work())))
    if (name === 'snapshot') this.#kept = over
  }

  /** Resolves when the snapshots that were begun are over, one way or the other. */
  kept(): Promise<void> {
    return this.#kept
  }

  /** What fails here fails neither the actor nor the daemon; every part reports its own failures. */
  async #careful(name: string, step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (cause) {
      if (!this.#deps.signal.aborted)
        this.#deps.warn({ session: this.#owner.id, effect: name, error: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) }, 'not done in the tree')
    }
  }

  #work(): TreeWork {
    const owner = this.#owner
    const deps = this.#deps
    const { session } = owner
    if (!session) throw new Error('there is no session yet')
    const signal = AbortSignal.any([deps.signal, this.#under.signal])
    return {
      deps,
      owner,
      signal,
      directory: treeOf(session.spec),
      // As it is now, not as it was when the work began.
      get session() {
        return owner.session ?? session
      },
      marks: () => marksOf(owner.facts(0, markTypes)),
      report: (...reports) => this.#report(reports),
      take: (why, turn, of) => this.#take(why, turn, of ?? {}),
      takeNow: async (why) => {
        const { turns, tree } = owner.session ?? session
        const taken = await this.#take(why, turns, {})
        const now = taken ?? owner.session?.tree.snapshot ?? tree.snapshot
        if (!now) throw new WorkspaceFailed('failed', `no snapshot of ${treeOf(session.spec)} could be taken`)
        return now
      },
      step: (what, command, where) => this.#step(what, command, where, signal),
      additions: (ports) => this.additions(ports),
      environment: (waits) => this.#environment(waits),
    }
  }

  async #environment(waits?: 'waits'): Promise<Variables | undefined> {
    const child = this.#owner.session?.process.kind === 'live' ? this.#owner.session.process.child : undefined
    const known = this.#owner.environment ?? (child && (await this.#deps.trees.environmentOf(child)))
    if (known || !waits) return known
    await Promise.race([this.#environmentCame.promise, this.#deps.delay(askAgainMs)])
    return this.#owner.environment
  }

  /** The actor has one now. */
  environmentGiven(): void {
    this.#environmentCame.resolve()
  }

  #report(reports: readonly Report[]): Promise<void> {
    return this.#owner.inTurn(() => this.#owner.reportNow(this.#owner.session?.runs ?? 0, reports))
  }

  async #step(what: 'set-up' | 'check' | 'landing', command: string, where: Parameters<TreeWork['step']>[2], signal: AbortSignal): Promise<StepEnd> {
    const { id } = this.#owner
    const step = await this.#owner.inTurn(async () => {
      signal.throwIfAborted()
      const next = (this.#owner.session?.tree.steps ?? 0) + 1
      this.#running.add(next)
      await this.#owner.reportNow(this.#owner.session?.runs ?? 0, [{ type: 'step-started', step: next, what, command }])
      return next
    })
    crashPoint('step.recorded')
    // Stopped in between: whoever stops it may have looked before it was there.
    signal.throwIfAborted()
    try {
      const end = await runStep(this.#deps, { session: id, step, command, ...where }, signal)
      crashPoint('step.ended')
      return end
    } finally {
      if (signal.aborted && !this.#deps.signal.aborted) await sweepStep(this.#deps, id, step, this.#deps.signal)
      this.#running.delete(step)
    }
  }

  /** One after the other, also beside the tree's order: each has a number of its own. */
  #take(why: SnapshotWhy, turn: number, of: { readonly directory?: string; readonly whole?: true }): Promise<Snapshot | undefined> {
    return this.#taking.put(() => this.#takeNext(why, turn, of))
  }

  async #takeNext(why: SnapshotWhy, turn: number, { directory, whole }: { readonly directory?: string; readonly whole?: true }): Promise<Snapshot | undefined> {
    const { session, id } = this.#owner
    if (!session) return undefined
    const { trees, nowMs, signal } = this.#deps
    const inTree = directory ?? treeOf(session.spec)
    const limitMs = why === 'turn-start' || why === 'turn-end' || why === 'start' ? turnSnapshotMs : otherSnapshotMs
    const limit = AbortSignal.timeout(limitMs)
    const both = AbortSignal.any([signal, limit])
    try {
      if (directory === undefined && isTreeGone(session)) throw goneFailure(session)
      await this.#adoptRefs(inTree, both)
      const { snapshots, snapshot } = this.#owner.session?.tree ?? session.tree
      // Whoever asks for one waits for one.
      const unless = snapshot && !whole && directory === undefined && why !== 'asked' ? { unless: { tree: snapshot.tree, commit: snapshot.commit } } : {}
      const base = directory === undefined && session.spec.worktree ? { base: session.tree.base ?? session.spec.worktree.base } : {}
      const wish = { directory: inTree, session: id, n: snapshots + 1, why, turn: turnOf(session, why, turn), atMs: nowMs(), ...base, ...unless, ...(whole ? { whole } : {}) }
      const taken = await trees.workspaces.takeSnapshot(wish, both)
      crashPoint('snapshot.made')
      if (taken) await this.#report([{ type: 'snapshot-taken', snapshot: taken }])
      crashPoint('snapshot.recorded')
      this.#without = false
      return taken
    } catch (cause) {
      signal.throwIfAborted()
      if (limit.aborted) throw new TookTooLong('impossible', `a snapshot of ${inTree} took longer than ${limitMs / 1000} s`, { cause })
      throw cause
    }
  }

  /** What a daemon took that died before it could say so, has a number already. */
  async #adoptRefs(directory: string, signal: AbortSignal): Promise<void> {
    if (this.#refsAdopted) return
    // Of a session that this daemon has begun there is none.
    const known = this.#owner.session?.tree.snapshots ?? 0
    if (this.#wasHereBefore) {
      const found = await this.#deps.trees.workspaces.snapshotsOf(directory, this.#owner.id, signal)
      const missing = found.filter(({ n }) => n > known).toSorted((one, other) => one.n - other.n)
      if (missing.length > 0) await this.#report(missing.map((snapshot) => ({ type: 'snapshot-taken', snapshot })))
    }
    this.#refsAdopted = true
  }

  /** Ends recorded, one way or the other. */
  async #snapshot(why: SnapshotWhy, turn: number): Promise<void> {
    if ((why === 'turn-end' || why === 'turn-start' || why === 'start') && !this.#keepsTurns()) return
    const { session } = this.#owner
    if (why !== 'asked' && session?.spec.worktree && !existsSync(session.spec.worktree.path) && !isTreeGone(session)) return
    try {
      await this.#take(why, turn, {})
    } catch (cause) {
      if (this.#deps.signal.aborted) return
      await this.#failed(why, turn, cause)
    }
  }

  async #failed(why: SnapshotWhy, turn: number, cause: unknown): Promise<void> {
    if (cause instanceof WorkspaceFailed && cause.kind === 'impossible' && !(cause instanceof TookTooLong)) this.#impossible = true
    await this.#report([{ type: 'snapshot-failed', why, turn, reason: messageOf(cause) }])
  }

  /** Keeps the tree as it is before the prompt, then gives the orders that wait. */
  async #giveHeld(): Promise<void> {
    await this.#inTree.put(() => this.#keepBeforePrompt())
    await this.#owner.inTurn(async () => {
      for (let next = this.#held[0]; next; next = this.#held[0]) {
        this.#given = next
        await this.#owner.attempt(next)
        this.#held.shift()
      }
      this.#given = undefined
    })
  }

  async #keepBeforePrompt(): Promise<void> {
    const [prompt] = this.#held
    for (;;) {
      const turn = this.#owner.session?.turns ?? 0
      // Nobody waits for it any more.
      if (!prompt || this.#held[0] !== prompt || this.#deps.signal.aborted) return
      try {
        await this.#take('turn-start', turn, {})
        return await this.#withdrawAsk(turn)
      } catch (cause) {
        if (this.#deps.signal.aborted) return
        await this.#failed('turn-start', turn, cause)
        const isOfWorld = !(cause instanceof WorkspaceFailed) || cause.kind !== 'impossible'
        if (!isOfWorld || this.#without) return
        const said = await this.#askedAbout(prompt.seq, messageOf(cause))
        this.#without = said === 'without'
        if (said !== 'retry') return
      }
    }
  }

  /** What is to come of a prompt before which nothing could be kept. */
  async #askedAbout(seq: number, reason: string): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>()
    const requestId = askId(this.#owner.session, 'snapshot', seq)
    this.#asked = { requestId, answered: resolve }
    const ask = {
      id: requestId,
      kind: 'error' as const,
      about: 'snapshot' as const,
      title: 'what is there now cannot be kept, so this turn could not be undone',
      detail: reason,
      options: [
        { id: 'retry', label: 'try again', kind: 'other' as const },
        { id: 'without', label: 'go on without', kind: 'allow' as const, scope: 'once' as const },
        { id: 'stop', label: 'stop it', kind: 'reject' as const },
      ],
    }
    await this.#report([{ type: 'asks-about', ask }])
    return promise
  }

  /** One that a former daemon asked, and that is over. */
  async #withdrawAsk(turn: number): Promise<void> {
    const open = this.#owner.session?.requests.filter(({ about }) => about === 'snapshot') ?? []
    if (open.length > 0 && turn > 0) await this.#report(open.map(({ id }) => ({ type: 'withdraws', requestId: id })))
  }

  #dropHeld(): void {
    if (this.#held.length === 0) return
    // Their run is over: what is given now is given to nobody.
    this.#asked?.answered('stop')
  }
}

/** A program in a terminal has no turns that anybody tells of: they are counted by its rests. */
const turnOf = ({ spec, tree }: Session, why: SnapshotWhy, turn: number): number => (spec.kind === 'terminal' && why !== 'turn-start' && why !== 'turn-end' ? tree.rests : turn)

const isWorking = ({ signal }: Session): boolean => signal !== null && foremost(signal.signal)?.state === 'working'

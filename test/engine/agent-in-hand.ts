// An engine whose agents, clock and delays the test holds in its hand: keepers without processes, so that a run costs nothing and every moment of it can be stopped at.

import type { Exit, LaunchSpec } from '../../src/core/events.ts'
import { isRefusal } from '../../src/core/errors.ts'
import type { Command } from '../../src/core/inputs.ts'
import type { SessionView } from '../../src/core/view.ts'
import { drivers } from '../../src/drivers/index.ts'
import { Engine } from '../../src/engine/engine.ts'
import type { Found, Keepers, RunLine } from '../../src/engine/keepers.ts'
import type { Limits, Trees } from '../../src/engine/parts.ts'
import type { EventLog } from '../../src/store/event-log.ts'
import { memoryLog } from '../../src/store/memory-log.ts'
import { never, newId, until } from '../home.ts'
import { noTrees } from './fake-workspaces.ts'

export interface Told {
  readonly id?: number
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly result?: unknown
}

/** What the agent answers to a message that it is told; nothing: it does not answer. */
export type Script = (message: Told) => unknown

/** One run: its bytes, and what it was told. */
class RunInHand {
  readonly told: Told[] = []
  readonly #answer: Script
  readonly #ended = Promise.withResolvers<{ exit: Exit; outEnd: number; errEnd: number }>()
  #out = Buffer.alloc(0)
  #highest = 0
  #reader: ((offset: number, bytes: Uint8Array) => void) | undefined

  readonly environment: Readonly<Record<string, string>>

  constructor(answer: Script, environment: Readonly<Record<string, string>>) {
    this.#answer = answer
    this.environment = environment
  }

  say(message: object): void {
    this.print(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  }

  /** As a program in a terminal does. */
  print(text: string): void {
    const bytes = Buffer.from(text)
    const offset = this.#out.length
    this.#out = Buffer.concat([this.#out, bytes])
    this.#reader?.(offset, bytes)
  }

  respond(method: string, result: unknown): void {
    const asked = this.told.findLast((message) => message.method === method)
    this.say(isError(result) ? { id: asked?.id, error: result.error } : { id: asked?.id, result })
  }

  end(exit: Exit): void {
    this.#ended.resolve({ exit, outEnd: this.#out.length, errEnd: 0 })
  }

  bytes(from: number, max: number): Uint8Array {
    return this.#out.subarray(from, from + max)
  }

  get size(): number {
    return this.#out.length
  }

  line(run: number): RunLine {
    return {
      kept: { keeper: { pid: 1000 + run, start: 1 }, child: { pid: 2000 + run, start: 1 } },
      outEnd: this.#out.length,
      highestOrder: this.#highest,
      attach: { socket: '', nonce: '' },
      read: (from, onBytes) => {
        this.#reader = (offset, bytes) => void onBytes('out', offset, bytes)
        if (this.#out.length > from.out) this.#reader(from.out, this.#out.subarray(from.out))
      },
      unread: () => {},
      input: async ({ lane, id, bytes }) => {
        if (lane === 1 && id <= this.#highest) return 'duplicate'
        if (lane === 1) this.#highest = id
        for (const text of Buffer.from(bytes).toString().trim().split('\n')) this.#hear(JSON.parse(text) as Told)
        return 'accepted'
      },
      resize: () => {},
      interrupt: () => {},
      exit: this.#ended.promise,
      closed: new Promise(() => {}),
      onHeld: () => {},
      limit: () => {},
      attends: false,
      onAttended: () => {},
      goodbye: () => {},
      collect: () => {},
      close: () => {
        this.#reader = undefined
      },
    }
  }

  #hear(message: Told): void {
    this.told.push(message)
    if (message.method === undefined || message.id === undefined) return
    const result = this.#answer(message)
    if (result === undefined) return
    queueMicrotask(() => this.say(isError(result) ? { id: message.id, error: result.error } : { id: message.id, result }))
  }
}

/** A command that Offstage runs itself. */
export class StepInHand {
  readonly number: number
  readonly command: string
  readonly directory: string
  /** From there. */
  readonly below: string | undefined
  readonly environment: Readonly<Record<string, string>>
  said = ''
  readonly #ended = Promise.withResolvers<{ exit: Exit; outEnd: number; errEnd: number }>()
  #exit: Exit | undefined

  constructor(number: number, spec: LaunchSpec, environment: Readonly<Record<string, string>>) {
    this.number = number
    const [, , , , command = '', below] = spec.argv
    this.command = command
    this.below = below
    this.directory = spec.cwd
    this.environment = environment
  }

  end(exit: Exit, said = ''): void {
    if (this.#exit) return
    this.said = said
    this.#exit = exit
    this.#ended.resolve({ exit, outEnd: said.length, errEnd: 0 })
  }

  found(): Found {
    return this.#exit ? { kind: 'ended', cause: '', exit: { exit: this.#exit, outEnd: this.said.length, errEnd: 0 } } : { kind: 'live', line: this.line() }
  }

  line(): RunLine {
    const none = { ...new RunInHand(() => undefined, {}).line(this.number) }
    const left = Promise.withResolvers<void>()
    return { ...none, exit: this.#ended.promise, collect: left.resolve, closed: left.promise }
  }
}

const isStep = (session: string): boolean => session.endsWith('.steps')

const isError = (result: unknown): result is { readonly error: unknown } => typeof result === 'object' && result !== null && 'error' in result

const noLimits: Limits = { maxLiveRuns: 0, minFreeMemoryBytes: 0, stallAfterMs: 0, idleAfterMs: 0, keepOutputMs: 0, keepOutputBytes: 0, keepSnapshotsMs: 0, keepWorktreesMs: 0 }

export class EngineInHand {
  nowMs = Date.UTC(2026, 10, 23, 14, 30, 20)
  readonly runs: RunInHand[] = []
  /** What Offstage runs itself, by number. */
  readonly steps: StepInHand[] = []
  readonly swept: number[] = []
  /** False: nothing is ended before the daemon dies. */
  sweeps = true
  /** What the daemon's log would say. */
  readonly warned: string[] = []
  /** Delays that nobody has let pass. */
  readonly delays: { readonly ms: number; readonly pass: () => void }[] = []
  readonly log: EventLog = memoryLog()
  readonly #script: Script
  readonly #trees: Trees
  readonly #limits: Limits
  #end = new AbortController()
  #engine: Promise<Engine>

  constructor(script: Script, more: { readonly trees?: Trees; readonly limits?: Partial<Limits> } = {}) {
    this.#script = script
    this.#trees = more.trees ?? noTrees()
    this.#limits = { ...noLimits, ...more.limits }
    this.#engine = this.#open()
  }

  #open(): Promise<Engine> {
    const unused = (): never => {
      throw new Error('unused')
    }
    const keepers: Keepers = {
      start: async ({ session, run, spec, environment }) => {
        if (isStep(session)) return (this.steps[run] = new StepInHand(run, spec, environment)).line()
        const made = new RunInHand(this.#script, environment)
        this.runs[run] = made
        return made.line(run)
      },
      find: async (session, run) => {
        if (isStep(session)) return this.steps[run]?.found() ?? { kind: 'never' }
        const found = this.runs[run]
        return found ? { kind: 'live', line: found.line(run) } : { kind: 'never' }
      },
      release: async () => {},
      sweep: async (session, run) => {
        if (!this.sweeps) return new Promise(() => {})
        if (isStep(session)) {
          this.steps[run]?.end({ signal: 'SIGTERM' })
          return 1
        }
        // Of the run before the first there is nothing to be ended.
        if (!this.swept.includes(run)) this.swept.push(run)
        this.runs[run]?.end({ signal: 'SIGTERM' })
        return 1
      },
      processes: async () => [],
      sync: async () => {},
      readLog: async (session, run, stream, from, max) =>
        isStep(session)
          ? { offset: from, bytes: Buffer.from(this.steps[run]?.said ?? '').subarray(from, from + max) }
          : { offset: from, bytes: stream === 'out' ? (this.runs[run]?.bytes(from, max) ?? new Uint8Array()) : new Uint8Array() },
      logEnd: async (session, run) => (isStep(session) ? (this.steps[run]?.said.length ?? 0) : (this.runs[run]?.size ?? 0)),
      logBytes: async () => 0,
    }
    const { signal } = this.#end
    return Engine.open({
      log: this.log,
      keepers,
      driver: (name) => drivers[name](),
      files: { read: unused, write: unused },
      screens: { snapshot: async () => undefined, cursor: async () => undefined, text: async () => undefined, advance: () => {} },
      projects: { refresh: async () => {}, of: () => ({ name: 'shop', branch: null }) },
      search: { search: unused },
      trees: this.#trees,
      nowMs: () => this.nowMs,
      delay: (ms) => new Promise((pass) => this.delays.push({ ms, pass })),
      warn: (_, message) => void this.warned.push(message),
      signal,
      version: '0.0.0',
      availableMemory: async () => undefined,
      limits: this.#limits,
      initializeTimeoutMs: 0,
    })
  }

  /** The daemon dies; another one takes over what it finds. */
  async another(): Promise<void> {
    this.#end.abort()
    this.#end = new AbortController()
    this.#engine = this.#open()
    await this.#engine
  }

  /** The engine ends. */
  close(): void {
    this.#end.abort()
  }

  run(number: number): RunInHand {
    const run = this.runs[number]
    if (!run) throw new Error(`there is no run ${number}`)
    return run
  }

  async create(spec: Partial<LaunchSpec>, prompt?: string): Promise<string> {
    const session = newId()
    await this.#submit(session, {
      type: 'create',
      title: 'test',
      spec: { kind: 'agent', driver: 'acp', agent: 'test', argv: ['test'], cwd: '/w/shop', ...spec },
      ...(prompt === undefined ? {} : { prompt }),
    })
    return session
  }

  tell(session: string, command: Command, environment?: Readonly<Record<string, string>>): Promise<void> {
    return this.#submit(session, command, environment)
  }

  async #submit(session: string, command: Command, environment: Readonly<Record<string, string>> = { PATH: '/bin' }): Promise<void> {
    const engine = await this.#engine
    const reply = await engine.submit({ session, commandId: newId(), command, environment }, never)
    if (isRefusal(reply)) throw new Error(reply.message)
  }

  engine(): Promise<Engine> {
    return this.#engine
  }

  async until(session: string, like: (view: SessionView) => boolean): Promise<SessionView> {
    return until(await this.#engine, session, like)
  }

  /** Resolves when the agent was told this so often. */
  async heard(run: number, method: string, times = 1): Promise<void> {
    while ((this.runs[run]?.told.filter((message) => message.method === method).length ?? 0) < times) await new Promise((resolve) => setImmediate(resolve))
  }

  /** Lets the first delay of that length pass, as soon as somebody waits for one. */
  async pass(ms: number): Promise<void> {
    for (;;) {
      const index = this.delays.findIndex((one) => one.ms === ms)
      const [found] = index === -1 ? [] : this.delays.splice(index, 1)
      if (found) return found.pass()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

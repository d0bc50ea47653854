// Who keeps the sessions of the long run busy: a record of every fact as a client got it, and for each session a user who prompts, answers, and starts again what was killed.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Submission } from '../../src/core/api.ts'
import { type Refusal, isRefusal } from '../../src/core/errors.ts'
import type { Envelope } from '../../src/core/events.ts'
import type { Command } from '../../src/core/inputs.ts'
import { type Session, evolve } from '../../src/core/session.ts'
import { type Client, DaemonUnreachable } from '../../src/sdk/index.ts'
import { type TestHome, never, newId } from '../home.ts'
import { pause } from '../machine.ts'
import { numbers, programSpec, talkerSpec } from '../sessions.ts'

const stuckMs = 120_000

export interface Player {
  readonly id: string
  readonly name: string
  readonly cwd: string
  readonly kind: 'talker' | 'terminal' | 'command'
}

/** Everything that one watcher was told, from the first fact on, over all deaths of daemons. */
export class Record {
  readonly facts = new Map<string, Envelope[]>()
  readonly problems: string[] = []
  /** Ids of prompts that are recorded. */
  readonly prompts = new Set<string>()
  readonly #sessions = new Map<string, Session>()
  readonly #waiting = new Map<string, Set<() => void>>()
  readonly #end = new AbortController()
  #cursor = 0

  wrong(text: string): void {
    console.log(text)
    this.problems.push(text)
  }

  session(id: string): Session | undefined {
    return this.#sessions.get(id)
  }

  get count(): number {
    return [...this.facts.values()].reduce((sum, facts) => sum + facts.length, 0)
  }

  /** Until `close`. Begins again, behind the last fact, whenever no daemon can be had. */
  async keep(home: TestHome): Promise<void> {
    while (!this.#end.signal.aborted) {
      try {
        const client = await home.client()
        for await (const frame of client.watch({ after: this.#cursor, follow: true }, this.#end.signal)) if (frame.kind === 'fact') this.#take(frame.envelope)
        client.close()
      } catch (cause) {
        if (!(cause instanceof DaemonUnreachable)) throw cause
        await pause(20)
      }
    }
  }

  #take(envelope: Envelope): void {
    const { session, seq, cursor } = envelope
    const facts = this.facts.get(session) ?? []
    if (seq !== facts.length + 1) this.wrong(`${session}: fact ${seq} came after fact ${facts.length}`)
    if (cursor <= this.#cursor) this.wrong(`${session}: cursor ${cursor} came after ${this.#cursor}`)
    this.#cursor = cursor
    if (envelope.event.type === 'prompt-queued') this.prompts.add(envelope.event.promptId)
    facts.push(envelope)
    this.facts.set(session, facts)
    this.#sessions.set(session, evolve(this.#sessions.get(session), envelope))
    for (const wake of this.#waiting.get(session) ?? []) wake()
  }

  /** As soon as the session is like that. A problem, and undefined, when that takes longer. */
  async until(id: string, like: (session: Session) => boolean, withinMs = stuckMs): Promise<Session | undefined> {
    const waiting = this.#waiting.get(id) ?? new Set()
    this.#waiting.set(id, waiting)
    const deadline = Date.now() + withinMs
    for (;;) {
      const session = this.#sessions.get(id)
      if (session && like(session)) return session
      if (Date.now() > deadline) {
        const last = (this.facts.get(id) ?? []).slice(-5).map(({ event }) => JSON.stringify(event).slice(0, 200))
        this.wrong(`${id} is stuck: ${like.toString()} is not true of ${JSON.stringify(session?.process)}; last: ${last.join(' ')}`)
        return undefined
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer)
          waiting.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, 1000)
        waiting.add(wake)
      })
    }
  }

  close(): void {
    this.#end.abort()
  }
}

/** Asked again, with the same id, as long as no daemon answers: what a script does on exit code 5. */
async function insist<T>(ask: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + stuckMs; ;) {
    try {
      return await ask()
    } catch (cause) {
      if (!(cause instanceof DaemonUnreachable) || Date.now() > deadline) throw cause
      await pause(20)
    }
  }
}

export class Players {
  readonly record = new Record()
  readonly all: Player[] = []
  /** Answers that were accepted. */
  answers = 0
  #finishing = false
  readonly #home: TestHome
  readonly #clients: (Promise<Client> | undefined)[] = [undefined, undefined, undefined]
  readonly #random: (below: number) => number

  constructor(home: TestHome, random: (below: number) => number) {
    this.#home = home
    this.#random = random
  }

  /** With one of several clients, so that several of them start a daemon at once. */
  ask<T>(question: (client: Client) => Promise<T>): Promise<T> {
    const which = this.#random(this.#clients.length)
    return insist(async () => {
      // All who ask this one wait for the same start of a daemon.
      const asked = (this.#clients[which] ??= this.#home.client())
      try {
        return await question(await asked)
      } catch (cause) {
        if (this.#clients[which] === asked) this.#clients[which] = undefined
        throw cause
      }
    })
  }

  submit(session: string, command: Command, commandId = newId()): Promise<Refusal | object> {
    const submission: Submission = { session, commandId, command, environment: this.#home.env }
    return this.ask((client) => client.submit(submission, never))
  }

  async begin(kind: Player['kind'], name: string): Promise<void> {
    const player: Player = { id: newId(), name, cwd: join(this.#home.project, name), kind }
    mkdirSync(player.cwd)
    const argv = [process.execPath, numbers, name, ...(kind === 'command' ? ['--both'] : [])]
    const spec = kind === 'talker' ? talkerSpec(player.cwd) : programSpec(player.cwd, argv, kind)
    const made = await this.submit(player.id, { type: 'create', spec, title: name })
    if (isRefusal(made)) throw new Error(made.message)
    this.all.push(player)
  }

  /** Keeps the session busy until `finish`. */
  play(player: Player): Promise<void> {
    return player.kind === 'talker' ? this.#talk(player) : this.#watchOver(player)
  }

  finish(): void {
    this.#finishing = true
  }

  /** A program: whenever its run is over it is started again. */
  async #watchOver({ id }: Player): Promise<void> {
    while (!this.#finishing) {
      const over = await this.record.until(id, (session) => this.#finishing || isOver(session), Infinity)
      if (!over) return
      if (!this.#finishing) await this.#resume(id)
    }
  }

  async #resume(id: string, answer?: Extract<Command, { type: 'resume' }>['answer']): Promise<void> {
    const { runs } = (await this.record.until(id, () => true)) as Session
    const reply = await this.submit(id, { type: 'resume', ...(answer ? { answer } : {}) })
    if (isRefusal(reply) && reply.refused !== 'already-running') this.record.wrong(`${id}: resume was refused: ${reply.message}`)
    await this.record.until(id, (session) => session.runs > runs)
  }

  async #talk({ id, name }: Player): Promise<void> {
    for (let n = 1; !this.#finishing; n++) {
      const asks = this.#random(3) > 0
      const text = `chunks ${10 + this.#random(30)} ${20 + this.#random(40)}\n${asks ? `ask ${name} question ${n}\n` : ''}tool step ${n}\nsay end ${name} ${n}`
      const promptId = newId()
      const sent = await this.submit(id, { type: 'prompt', text }, promptId)
      if (isRefusal(sent)) {
        // Its agent was killed, and we had not heard of it yet.
        if (sent.refused !== 'not-running') this.record.wrong(`${id}: a prompt was refused: ${sent.message}`)
        await this.#resume(id)
        continue
      }
      if (!(await this.#see(id, promptId))) return
    }
  }

  /** Until the turn of this prompt is over, however. False when it is stuck. */
  async #see(id: string, promptId: string): Promise<boolean> {
    if (!(await this.record.until(id, () => this.record.prompts.has(promptId)))) return false
    for (;;) {
      const session = await this.record.until(id, (one) => isOver(one) || ofAgent(one) !== undefined || isDone(one, promptId))
      if (!session) return false
      const request = ofAgent(session)
      if (isOver(session)) {
        const answer = request?.lost && this.#random(2) === 0 ? { requestId: request.id, answer: { kind: 'option' as const, optionId: 'allow' } } : undefined
        await this.#resume(id, answer)
        // What was queued behind the lost turn is sent now; the lost one is not.
        if (isDone(this.record.session(id) as Session, promptId)) return true
      } else if (request) await this.#answer(id, request.id)
      else return true
    }
  }

  /** Two people at once: one of them is told that it is answered. */
  async #answer(id: string, requestId: string): Promise<void> {
    const command: Command = { type: 'answer', requestId, answer: { kind: 'option', optionId: 'allow' } }
    const replies = await Promise.all([this.submit(id, command), this.submit(id, command)])
    const refused = replies.filter((reply) => isRefusal(reply))
    this.answers += 2 - refused.length
    for (const reply of refused) if (reply.refused !== 'not-asked') this.record.wrong(`${id}: an answer was refused: ${reply.message}`)
    await this.record.until(id, (session) => !session.requests.some((request) => request.id === requestId && !request.lost))
    if (refused.length === 0) this.record.wrong(`${id}: request ${requestId} was answered twice`)
  }
}

/** Not for the environment of a run, which comes with the next command. */
const ofAgent = ({ requests }: Session): Session['requests'][number] | undefined => requests.find(({ about }) => about === undefined)

const isOver = ({ process }: Session): boolean => process.kind === 'exited' || process.kind === 'lost'

/** Neither waiting nor at work. */
const isDone = (session: Session, promptId: string): boolean =>
  !session.queue.some((prompt) => prompt.promptId === promptId) && !(session.turn.kind === 'working' && session.turn.promptId === promptId)

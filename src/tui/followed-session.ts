// One session as its own facts make it, and what is being said in it right now: read from the beginning, then followed. Asks again when the daemon went away. Paints nothing.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { failureFrom } from '../client/failures.ts'
import type { Draft, Frame } from '../core/api.ts'
import type { Envelope } from '../core/events.ts'
import { type Session, evolve } from '../core/session.ts'
import { Transcript } from '../core/transcript.ts'
import type { Client } from '../sdk/client.ts'
import { followAgain } from './again.ts'

/** The whole text so far of what is no fact yet. */
export interface Saying {
  readonly entryId: string
  readonly kind: Draft['kind']
  readonly text: string
  /** It goes on where the entry before it was cut. */
  readonly continues?: true
}

export interface Told {
  /** Once: everything that was there has been read. */
  readonly caughtUp: () => void
  /** After it had caught up: these facts came together, or only drafts did. */
  readonly changed: (facts: readonly Envelope[]) => void
  /** The daemon cannot be reached; it is tried again. */
  readonly failed: () => void
}

/** So many frames are taken before keys get their turn. */
const framesInARow = 256

export class FollowedSession {
  readonly #client: Client
  readonly #id: string
  readonly #signal: AbortSignal
  readonly #told: Told
  readonly #transcript = new Transcript()
  readonly #drafts = new Map<string, Saying>()
  /** Messages and thoughts that are facts. */
  readonly #written = new Set<string>()
  #session: Session | undefined
  #cursor = 0
  #caughtUp = false
  #trouble: string | undefined
  #version = 0
  #batch: Envelope[] | undefined

  constructor(client: Client, id: string, signal: AbortSignal, told: Told) {
    this.#client = client
    this.#id = id
    this.#signal = signal
    this.#told = told
    void this.#follow()
  }

  /** Undefined until it has caught up: what it was is nothing to be shown. */
  get session(): Session | undefined {
    return this.#caughtUp ? this.#session : undefined
  }

  get transcript(): Transcript {
    return this.#transcript
  }

  get drafts(): readonly Saying[] {
    return [...this.#drafts.values()]
  }

  get caughtUp(): boolean {
    return this.#caughtUp
  }

  /** Why it cannot be followed now, if it cannot. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** Another number whenever something of it is different. */
  get version(): number {
    return this.#version
  }

  #follow(): Promise<void> {
    let taken = 0
    return followAgain<Frame>(
      (signal) => this.#client.watch({ session: this.#id, after: this.#cursor, follow: true }, signal),
      {
        take: (frame) => {
          this.#take(frame)
          taken += 1
          return taken % framesInARow === 0 ? nextTurn() : undefined
        },
        failed: (cause) => {
          this.#trouble = failureFrom(cause).message
          this.#told.failed()
        },
      },
      this.#signal,
    )
  }

  #take(frame: Frame): void {
    this.#trouble = undefined
    this.#version += 1
    switch (frame.kind) {
      case 'fact':
        this.#fact(frame.envelope)
        return this.#tell(frame.envelope)
      case 'draft':
        this.#draft(frame.draft)
        return this.#tell(undefined)
      case 'caught-up':
        // It comes again when the connection was made anew.
        if (this.#caughtUp) return
        this.#caughtUp = true
        this.#told.caughtUp()
    }
  }

  #fact(envelope: Envelope): void {
    const { event } = envelope
    this.#session = evolve(this.#session, envelope)
    this.#cursor = envelope.cursor
    this.#transcript.add(envelope)
    switch (event.type) {
      case 'entry-written': {
        const { entry, entryId } = event
        if (entry.kind === 'message' || entry.kind === 'thought') this.#written.add(entryId)
        // What a tool prints goes on being told until it is over.
        if (entry.kind !== 'tool' || entry.status === 'completed' || entry.status === 'failed') this.#drafts.delete(entryId)
        return
      }
      case 'turn-ended':
      case 'run-exited':
      case 'run-failed':
      case 'run-lost':
      case 'stopped':
        return this.#drafts.clear()
    }
  }

  #draft({ entryId, kind, from, text, continues }: Draft): void {
    if (kind === 'output') {
      this.#drafts.set(entryId, { entryId, kind, text })
      return
    }
    const said = this.#drafts.get(entryId)?.text ?? ''
    // What was lost on the way, and what goes on after it was a fact, comes with the next fact.
    if (from > said.length || this.#written.has(entryId)) return
    const all = from === said.length ? said + text : said.slice(0, from) + text
    this.#drafts.set(entryId, { entryId, kind, text: all, ...(continues ? { continues } : {}) })
  }

  #tell(fact: Envelope | undefined): void {
    if (!this.#caughtUp) return
    if (this.#batch) {
      if (fact) this.#batch.push(fact)
      return
    }
    this.#batch = fact ? [fact] : []
    setImmediate(() => {
      const batch = this.#batch ?? []
      this.#batch = undefined
      if (!this.#signal.aborted) this.#told.changed(batch)
    })
  }
}

// The event log in memory, for tests: the same answers as the one on disk, and nothing is left of it.

import type { Envelope, Event } from '../core/events.ts'
import type { SessionId } from '../core/ids.ts'
import { type Append, AppendConflict, type EventLog, type HistoryQuery, StoreFailed, type StoredCheckpoint, type StoredFold, checkLimit } from './event-log.ts'

/** Facts and checkpoints are kept as JSON, so that what comes back is nobody's own object and has been through what a disk does to it. */
export class MemoryLog implements EventLog {
  readonly #facts: (Omit<Envelope, 'event'> & { readonly body: string })[] = []
  readonly #lastSeq = new Map<SessionId, number>()
  readonly #checkpoints = new Map<SessionId, string>()
  readonly #folds = new Map<SessionId, string>()
  #closed = false

  // Async only to make a throw a rejection; everything happens at once, in the order of the calls.
  async append({ session, expectedSeq, events, checkpoint, fold }: Append): Promise<readonly Envelope[]> {
    if (this.#closed) throw new StoreFailed('memory', 'the log is closed')
    const bodies = events.map((one) => JSON.stringify(one.event))
    const kept = checkpoint && JSON.stringify({ ...checkpoint, value: checkpoint.value ?? null })
    const folded = fold && JSON.stringify({ ...fold, value: fold.value ?? null })
    const lastSeq = this.#lastSeq.get(session) ?? 0
    if (lastSeq !== expectedSeq) throw new AppendConflict(session, expectedSeq, lastSeq)
    const first = this.#facts.length
    for (const [index, { atMs, by, command }] of events.entries()) {
      this.#facts.push({ session, seq: lastSeq + 1 + index, cursor: this.#facts.length + 1, atMs, by, ...(command === undefined ? {} : { command }), body: bodies[index] ?? '' })
    }
    this.#lastSeq.set(session, lastSeq + events.length)
    if (kept !== undefined) this.#checkpoints.set(session, kept)
    if (folded !== undefined) this.#folds.set(session, folded)
    return this.#facts.slice(first).map(envelope)
  }

  read({ session, after, limit }: { readonly session?: SessionId; readonly after: number; readonly limit: number }): readonly Envelope[] {
    checkLimit(limit)
    const later = this.#facts.slice(Math.max(0, after))
    return later
      .filter((one) => session === undefined || one.session === session)
      .slice(0, limit)
      .map(envelope)
  }

  history({ session, after, limit, types }: HistoryQuery): readonly Envelope[] {
    checkLimit(limit)
    return this.#facts
      .filter((one) => one.session === session && one.seq > after)
      .map(envelope)
      .filter(({ event }) => types === undefined || types.includes(event.type))
      .slice(0, limit)
  }

  fold(session: SessionId, version: string): StoredFold | undefined {
    const kept = this.#folds.get(session)
    const fold = kept === undefined ? undefined : (JSON.parse(kept) as StoredFold)
    return fold?.version === version ? fold : undefined
  }

  checkpoint(session: SessionId): StoredCheckpoint | undefined {
    const kept = this.#checkpoints.get(session)
    return kept === undefined ? undefined : (JSON.parse(kept) as StoredCheckpoint)
  }

  hasCommand(session: SessionId, command: string): boolean {
    return this.#facts.some((one) => one.session === session && one.command === command)
  }

  sessions(): readonly SessionId[] {
    return this.#facts.filter((one) => one.seq === 1).map((one) => one.session)
  }

  cursor(): number {
    return this.#facts.length
  }

  close(): void {
    this.#closed = true
  }
}

export const memoryLog = (): MemoryLog => new MemoryLog()

const envelope = ({ body, ...fact }: Omit<Envelope, 'event'> & { readonly body: string }): Envelope => ({ ...fact, event: JSON.parse(body) as Event })

// Fan-out: frames from the actors to any number of watchers. A watcher that is too slow loses drafts and reads facts from the log again; it never holds anybody up.

import type { Frame, WatchQuery } from '../core/api.ts'
import type { Envelope } from '../core/events.ts'
import type { EventLog } from '../store/event-log.ts'

type Live = Exclude<Frame, { kind: 'caught-up' }>

interface Watcher {
  readonly session: string | undefined
  readonly buffer: Live[]
  overflown: boolean
  wake: () => void
}

const bufferedFrames = 1000
const pageSize = 500

export class Feed {
  readonly #log: EventLog
  readonly #watchers = new Set<Watcher>()

  constructor(log: EventLog) {
    this.#log = log
  }

  publish(frame: Live): void {
    const session = frame.kind === 'fact' ? frame.envelope.session : frame.draft.session
    for (const watcher of this.#watchers) {
      if (watcher.session !== undefined && watcher.session !== session) continue
      if (watcher.buffer.length >= bufferedFrames) {
        watcher.buffer.length = 0
        watcher.overflown = true
      }
      if (!watcher.overflown) watcher.buffer.push(frame)
      watcher.wake()
    }
  }

  /** Facts after the query's cursor, then live. `draftsNow` are what is half said when the watch has caught up. */
  async *watch(query: WatchQuery, draftsNow: () => readonly Live[], signal: AbortSignal): AsyncIterable<Frame> {
    const watcher: Watcher = { session: query.session, buffer: [], overflown: false, wake: () => {} }
    const wakeUp = (): void => watcher.wake()
    if (query.follow) this.#watchers.add(watcher)
    signal.addEventListener('abort', wakeUp)
    try {
      let cursor = query.after
      for (const envelope of this.#history(query, cursor)) {
        cursor = envelope.cursor
        yield { kind: 'fact', envelope }
        if (signal.aborted) return
      }
      yield { kind: 'caught-up', cursor }
      if (!query.follow) return
      for (const draft of draftsNow()) yield draft
      while (!signal.aborted) {
        if (watcher.overflown) {
          watcher.overflown = false
          for (const envelope of this.#history(query, cursor)) {
            cursor = envelope.cursor
            yield { kind: 'fact', envelope }
          }
          continue
        }
        const frame = watcher.buffer.shift()
        if (!frame) {
          await new Promise<void>((resolve) => {
            watcher.wake = resolve
            if (signal.aborted) resolve()
          })
          watcher.wake = () => {}
          continue
        }
        if (frame.kind === 'fact') {
          if (frame.envelope.cursor <= cursor) continue
          cursor = frame.envelope.cursor
        }
        yield frame
      }
    } finally {
      this.#watchers.delete(watcher)
      signal.removeEventListener('abort', wakeUp)
    }
  }

  *#history(query: WatchQuery, after: number): Iterable<Envelope> {
    const session = query.session === undefined ? {} : { session: query.session }
    for (let cursor = after; ;) {
      const page = this.#log.read({ ...session, after: cursor, limit: pageSize })
      yield* page
      const last = page.at(-1)
      if (!last || page.length < pageSize) return
      cursor = last.cursor
    }
  }
}

// The live list: which sessions have changed, to any number of watchers. A watcher holds ids and nothing else, so a slow one costs no memory and misses no last state.

import type { ListFrame } from '../core/api.ts'
import type { SessionId } from '../core/ids.ts'
import type { SessionView } from '../core/view.ts'

/** What changes within this time is told once. */
const togetherMs = 25
/** What is only being said, or printed, is not read word by word. */
export const sayingTogetherMs = 100
export const printingTogetherMs = 1000

export interface Listed {
  /** Newest first. */
  readonly ids: () => readonly SessionId[]
  /** Resolves when their views can be made. */
  readonly ready: (ids: readonly SessionId[]) => Promise<void>
  readonly view: (id: SessionId) => SessionView | undefined
}

interface Watcher {
  readonly changed: Set<SessionId>
  /** Runs, or has run out, since one of them changed. */
  timer: NodeJS.Timeout | undefined
  dueAtMs: number
  isDue: boolean
  wake: () => void
}

export class ListFeed {
  readonly #listed: Listed
  readonly #watchers = new Set<Watcher>()

  constructor(listed: Listed) {
    this.#listed = listed
  }

  /** To be told at the latest after this time. */
  changed(session: SessionId, withinMs = togetherMs): void {
    if (this.#watchers.size === 0) return
    const dueAtMs = performance.now() + withinMs
    for (const watcher of this.#watchers) {
      watcher.changed.add(session)
      if (watcher.timer && watcher.dueAtMs <= dueAtMs) continue
      clearTimeout(watcher.timer)
      watcher.dueAtMs = dueAtMs
      watcher.timer = setTimeout(() => {
        watcher.isDue = true
        watcher.wake()
      }, withinMs).unref()
    }
  }

  async *watch(signal: AbortSignal): AsyncIterable<ListFrame> {
    const watcher: Watcher = { changed: new Set(), timer: undefined, dueAtMs: 0, isDue: false, wake: () => {} }
    const wakeUp = (): void => watcher.wake()
    this.#watchers.add(watcher)
    signal.addEventListener('abort', wakeUp)
    try {
      yield* this.#tell(this.#listed.ids(), watcher, signal)
      if (signal.aborted) return
      yield { kind: 'caught-up' }
      while (!signal.aborted) {
        if (!watcher.isDue) {
          await new Promise<void>((resolve) => {
            watcher.wake = resolve
            if (signal.aborted) resolve()
          })
          continue
        }
        watcher.isDue = false
        watcher.timer = undefined
        yield* this.#tell([...watcher.changed], watcher, signal)
      }
    } finally {
      clearTimeout(watcher.timer)
      this.#watchers.delete(watcher)
      signal.removeEventListener('abort', wakeUp)
    }
  }

  async *#tell(ids: readonly SessionId[], watcher: Watcher, signal: AbortSignal): AsyncIterable<ListFrame> {
    await this.#listed.ready(ids)
    for (const id of ids) {
      if (signal.aborted) return
      // As it is now: only what changes from here on is to be told again.
      watcher.changed.delete(id)
      const session = this.#listed.view(id)
      if (session) yield { kind: 'session', session }
    }
  }
}

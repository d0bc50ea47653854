// All sessions as the daemon knows them, kept up to date while the screens are open.

import { setTimeout as delay } from 'node:timers/promises'
import type { ListFrame } from '../core/api.ts'
import type { SessionView } from '../core/view.ts'
import type { Client } from '../sdk/client.ts'
import { followAgain } from './again.ts'

export class LiveSessions {
  readonly #views = new Map<string, SessionView>()
  readonly #client: Client
  readonly #signal: AbortSignal
  readonly #changed: () => void
  readonly #failed: (cause: unknown) => void
  readonly #told = Promise.withResolvers<void>()
  #caughtUp = false

  /** `changed` is called when everything was told once, and then after every change, as often as they come. `failed`: the daemon cannot be reached; it is tried again. */
  constructor(client: Client, signal: AbortSignal, told: { readonly changed: () => void; readonly failed: (cause: unknown) => void }) {
    this.#client = client
    this.#signal = signal
    this.#changed = told.changed
    this.#failed = told.failed
    void this.#watch()
  }

  /** Everything that there is was told once. */
  get caughtUp(): boolean {
    return this.#caughtUp
  }

  /** Resolves then, or after so long. */
  async told(withinMs: number): Promise<void> {
    const waited = new AbortController()
    await Promise.race([this.#told.promise, delay(withinMs, undefined, { signal: waited.signal }).catch(() => {})])
    waited.abort()
  }

  /** Removed and archived ones too, in no order. */
  all(): readonly SessionView[] {
    return [...this.#views.values()]
  }

  get(id: string): SessionView | undefined {
    return this.#views.get(id)
  }

  /** As a reply to a command told it: sooner than the watch. */
  put(view: SessionView): void {
    this.#views.set(view.id, view)
    this.#changed()
  }

  #watch(): Promise<void> {
    return followAgain<ListFrame>(
      (signal) => this.#client.sessions(signal),
      {
        take: (frame) => {
          if (frame.kind === 'session') this.#views.set(frame.session.id, frame.session)
          else {
            this.#caughtUp = true
            this.#told.resolve()
          }
          if (this.#caughtUp) this.#changed()
        },
        failed: (cause) => this.#failed(cause),
      },
      this.#signal,
    )
  }
}

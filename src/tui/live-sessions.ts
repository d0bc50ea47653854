// All sessions as the daemon knows them, kept up to date while the screens are open. Of what no fact tells (the branch of a project) it asks anew when somebody looks and when a turn has ended; it never polls.

import { setTimeout as delay } from 'node:timers/promises'
import type { ListFrame } from '../core/api.ts'
import type { SessionView } from '../core/view.ts'
import type { Client } from '../sdk/client.ts'
import { followAgain } from './again.ts'

/** The daemon looks at a directory once in two seconds. */
const lookedAtAfterMs = 2100

export class LiveSessions {
  readonly #views = new Map<string, SessionView>()
  readonly #client: Client
  readonly #signal: AbortSignal
  readonly #changed: () => void
  readonly #failed: (cause: unknown) => void
  readonly #told = Promise.withResolvers<void>()
  #caughtUp = false
  #asking = false
  /** Those whose turn has ended since it was looked. */
  readonly #ended = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  /** `changed` is called when everything was told once, and then after every change, as often as they come. `failed`: the daemon cannot be reached; it is tried again. */
  constructor(client: Client, signal: AbortSignal, told: { readonly changed: () => void; readonly failed: (cause: unknown) => void }) {
    this.#client = client
    this.#signal = signal
    this.#changed = told.changed
    this.#failed = told.failed
    void this.#watch()
    signal.addEventListener('abort', () => clearTimeout(this.#timer), { once: true })
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

  /** Somebody looks at them again: branches may be other ones meanwhile. */
  lookAgain(): void {
    if (!this.#caughtUp || this.#asking) return
    this.#asking = true
    this.#client
      .list({ all: true }, this.#signal)
      .then((found) => this.#takeProjects(found.map(({ id, project }) => [id, project])))
      .catch(() => {}) // the watch tells that the daemon is away
      .finally(() => (this.#asking = false))
  }

  #lookAfterTurns(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const ids = [...this.#ended]
      this.#ended.clear()
      for (const id of ids) {
        this.#client.get(id, this.#signal).then(
          (found) => found && this.#takeProjects(this.all().flatMap((view) => (view.cwd === found.session.cwd ? [[view.id, found.session.project] as const] : []))),
          () => {},
        )
      }
    }, lookedAtAfterMs)
  }

  #takeProjects(found: readonly (readonly [id: string, project: SessionView['project']])[]): void {
    let changed = false
    for (const [id, project] of found) {
      const view = this.#views.get(id)
      if (!view || (view.project.name === project.name && view.project.branch === project.branch)) continue
      this.#views.set(id, { ...view, project })
      changed = true
    }
    if (changed && !this.#signal.aborted) this.#changed()
  }

  #take(view: SessionView): void {
    if (this.#views.get(view.id)?.status === 'working' && view.status !== 'working' && view.status !== 'paused') {
      this.#ended.add(view.id)
      this.#lookAfterTurns()
    }
    this.#views.set(view.id, view)
  }

  #watch(): Promise<void> {
    return followAgain<ListFrame>(
      (signal) => this.#client.sessions(signal),
      {
        take: (frame) => {
          if (frame.kind === 'session') this.#take(frame.session)
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

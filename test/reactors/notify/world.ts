// Sessions in memory under a clock that tests hold, and a notifier that looks at them. What its channels were given is kept.

import type { Announcement, Delivery, NotifySettings, NoticeChannel } from '../../../src/core/announcement.ts'
import { defaultNotify } from '../../../src/config/notify-settings.ts'
import type { Delivered } from '../../../src/reactors/notify/channel.ts'
import { Notifier } from '../../../src/reactors/notify/notifier.ts'
import { FakeClient } from '../../cli/fake-client.ts'

export interface Told {
  readonly channel: NoticeChannel
  readonly announcement: Announcement
  readonly atMs: number
  /** One of its sessions was muted then. */
  readonly muted: boolean
}

/** Everything that can run now has run. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

export class World {
  readonly client = new FakeClient()
  readonly told: Told[] = []
  readonly recorded: (Delivery & { readonly session: string })[] = []
  settings: NotifySettings = { ...defaultNotify, minDurationMs: 0 }
  channels: readonly NoticeChannel[] = ['command']
  /** How long a channel takes, and what becomes of it. */
  takesMs = 0
  result: Delivered = { how: 'told' }
  minuteOfDay = 720
  attached = new Set<string>()
  readonly warnings: string[] = []
  #timers: { readonly dueMs: number; readonly fire: () => void }[] = []
  #daemon = new AbortController()

  /** A daemon; the one before it is gone. */
  async start(): Promise<void> {
    this.stop()
    this.#daemon = new AbortController()
    const { signal } = this.#daemon
    const ids = (await this.client.list({ all: true })).map(({ id }) => id)
    const [some] = ids
    const cursor = some === undefined ? 0 : ((await this.client.get(some))?.cursor ?? 0)
    const notifier = new Notifier({
      api: this.client,
      cursor: () => cursor,
      ids: () => ids,
      look: (id) => ({ session: this.client.session(id), attached: this.attached.has(id) ? 1 : 0 }),
      projectOf: async () => 'shop',
      record: async (session, deliveries) => {
        for (const delivery of deliveries) {
          this.recorded.push({ session, ...delivery })
          this.client.report(session, { type: 'notified', ...delivery })
        }
      },
      settings: async () => this.settings,
      channels: () =>
        this.channels.map((name) => ({
          name,
          by: 'a test',
          deliver: async (announcement) => {
            this.told.push({ channel: name, announcement, atMs: this.client.nowMs, muted: announcement.news.some(({ session }) => this.client.session(session).muted) })
            if (this.takesMs > 0) await this.#delay(this.takesMs, signal)
            return this.result
          },
        })),
      nowMs: () => this.client.nowMs,
      monotonicMs: () => this.client.nowMs,
      minuteOfDay: () => this.minuteOfDay,
      delay: (ms) => this.#delay(ms, signal),
      warn: (_facts, message) => void this.warnings.push(message),
    })
    void notifier.run(signal).catch((cause: unknown) => void this.warnings.push(String(cause)))
    await settled()
  }

  stop(): void {
    this.#daemon.abort()
  }

  /** Time passes, and everything happens that it brings. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.client.nowMs + ms
    for (;;) {
      await settled()
      const [next] = this.#timers.toSorted((one, other) => one.dueMs - other.dueMs)
      if (!next || next.dueMs > untilMs) break
      this.client.nowMs = Math.max(this.client.nowMs, next.dueMs)
      this.#timers = this.#timers.filter((one) => one !== next)
      next.fire()
    }
    this.client.nowMs = untilMs
  }

  /** An agent at work. */
  work(id: string, label = id): void {
    this.client.create(id, { label, prompt: 'go' })
  }

  get titles(): readonly string[] {
    return this.told.map(({ announcement }) => announcement.title)
  }

  #delay(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#timers.push({ dueMs: this.client.nowMs + ms, fire: resolve })
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }
}

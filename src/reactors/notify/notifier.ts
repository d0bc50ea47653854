// Tells the user what needs them, completed or failed, when nobody looks. It follows facts; it decides nothing about a session and costs nothing while nothing happens.
// Told first and recorded then: a daemon that dies in between tells it twice, never not at all.

import { type Announcement, type Delivery, type News, type NotifySettings, type NoticeChannel, announce, isQuiet, newsKinds, tellingKey } from '../../core/announcement.ts'
import type { Api } from '../../core/api.ts'
import type { Event } from '../../core/events.ts'
import type { SessionId } from '../../core/ids.ts'
import type { Channel } from './channel.ts'
import { dueMs, isSettled } from './moment.ts'
import { type Look, newsOf, unwanted, wasTold } from './news.ts'

export interface NotifierDeps {
  readonly api: Pick<Api, 'watch'>
  /** Of the newest fact. */
  readonly cursor: () => number
  readonly ids: () => readonly SessionId[]
  readonly look: (id: SessionId) => Look | undefined
  readonly projectOf: (directory: string) => Promise<string>
  readonly record: (id: SessionId, deliveries: readonly Delivery[]) => Promise<void>
  readonly settings: () => Promise<NotifySettings>
  readonly channels: (settings: NotifySettings) => readonly Channel[]
  readonly nowMs: () => number
  /** Never goes back. */
  readonly monotonicMs: () => number
  readonly minuteOfDay: (ms: number) => number
  readonly delay: (ms: number) => Promise<void>
  readonly warn: (facts: object, message: string) => void
}

/** What is older than this when a daemon starts is not told any more. */
const oldMs = 600_000

/** They come by the hundred, and change nothing that is told. */
const silent: ReadonlySet<Event['type']> = new Set(['entry-written', 'usage-reported', 'notified'])

const lanes: readonly NoticeChannel[] = ['desktop', 'command', 'webhook']

interface Noted {
  readonly session: SessionId
  readonly of: string
}

const nameOf = ({ session, of }: Noted): string => `${session} ${of}`

export class Notifier {
  readonly #deps: NotifierDeps
  /** What each session had to tell when it was looked at last. */
  readonly #known = new Map<SessionId, ReadonlySet<string>>()
  /** Since when. */
  readonly #noted = new Map<string, Noted & { readonly sinceMs: number }>()
  /** Its moment is over; it waits for the channel to be free. */
  readonly #waiting = new Map<NoticeChannel, Map<string, Noted>>()
  readonly #busy = new Set<NoticeChannel>()
  /** Told and not recorded so far. */
  readonly #unrecorded = new Set<string>()
  #isGathering = false

  constructor(deps: NotifierDeps) {
    this.#deps = deps
  }

  /** Resolves when aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { api, cursor, ids, nowMs } = this.#deps
    const after = cursor()
    const recentMs = nowMs() - oldMs
    for (const id of ids()) this.#lookAt(id, signal, recentMs)
    for await (const frame of api.watch({ after, follow: true }, signal)) {
      if (frame.kind === 'fact' && !silent.has(frame.envelope.event.type)) this.#lookAt(frame.envelope.session, signal)
    }
  }

  /** Notes what is new since the last look, from this time on. */
  #lookAt(id: SessionId, signal: AbortSignal, fromMs = -Infinity): void {
    const look = this.#deps.look(id)
    const before = this.#known.get(id)
    const news = look ? newsOf(look.session, '') : []
    if (news.length === 0) this.#known.delete(id)
    else this.#known.set(id, new Set(news.map(({ of }) => of)))
    const fresh = news.filter(({ of, atMs }) => !before?.has(of) && atMs >= fromMs)
    for (const { session, of } of fresh) this.#noted.set(nameOf({ session, of }), { session, of, sinceMs: this.#deps.monotonicMs() })
    if (fresh.length > 0) void this.#gather(signal)
  }

  /** What comes within a moment is told together, and what is over by then not at all. */
  async #gather(signal: AbortSignal): Promise<void> {
    if (this.#isGathering) return
    this.#isGathering = true
    while (this.#noted.size > 0 && !signal.aborted) {
      const since = (): number[] => [...this.#noted.values()].map(({ sinceMs }) => sinceMs)
      const waitMs = dueMs(since()) - this.#deps.monotonicMs()
      if (waitMs > 0) {
        await this.#deps.delay(waitMs)
        continue
      }
      for (const [name, noted] of this.#noted) {
        if (!isSettled(noted.sinceMs, this.#deps.monotonicMs())) continue
        this.#noted.delete(name)
        for (const lane of lanes) this.#queue(lane).set(name, noted)
      }
      for (const lane of lanes) void this.#serve(lane, signal)
    }
    this.#isGathering = false
  }

  #queue(lane: NoticeChannel): Map<string, Noted> {
    const queue = this.#waiting.get(lane) ?? new Map<string, Noted>()
    this.#waiting.set(lane, queue)
    return queue
  }

  /** One announcement at a time: what comes while a channel takes its time is told together after it. */
  async #serve(lane: NoticeChannel, signal: AbortSignal): Promise<void> {
    if (this.#busy.has(lane)) return
    this.#busy.add(lane)
    const queue = this.#queue(lane)
    while (queue.size > 0 && !signal.aborted) {
      const noted = [...queue.values()]
      queue.clear()
      try {
        const settings = await this.#deps.settings()
        const channel = this.#deps.channels(settings).find(({ name }) => name === lane)
        if (!channel) continue
        for (const about of newsKinds) {
          const news = (await this.#still(noted)).filter((one) => one.about === about && this.#wants(one, lane, settings))
          if (news.length > 0 && !signal.aborted) await this.#tell(channel, announce(about, news), settings, signal)
        }
      } catch (cause) {
        this.#deps.warn({ channel: lane, error: String(cause) }, 'a notification failed')
      }
    }
    this.#busy.delete(lane)
  }

  /** What of it is still so. */
  async #still(noted: readonly Noted[]): Promise<readonly News[]> {
    const names = new Set(noted.map(nameOf))
    const news: News[] = []
    for (const id of new Set(noted.map(({ session }) => session))) {
      const cwd = this.#deps.look(id)?.session.spec.cwd
      const project = cwd === undefined ? '' : await this.#deps.projectOf(cwd)
      const look = this.#deps.look(id)
      if (look) news.push(...newsOf(look.session, project).filter((one) => names.has(nameOf(one))))
    }
    return news
  }

  #wants(news: News, lane: NoticeChannel, settings: NotifySettings): boolean {
    const look = this.#deps.look(news.session)
    return look !== undefined && !wasTold(news, look.session, lane) && !this.#unrecorded.has(keyOf(news, lane)) && unwanted(news, look, settings) === undefined
  }

  async #tell(channel: Channel, announcement: Announcement, settings: NotifySettings, signal: AbortSignal): Promise<void> {
    const { nowMs, minuteOfDay } = this.#deps
    const quiet = isQuiet(settings, minuteOfDay(nowMs()))
    const { how, detail } = quiet ? ({ how: 'suppressed', detail: 'quiet hours' } as const) : await channel.deliver(announcement, signal)
    // Whoever comes next tells it.
    if (signal.aborted) return
    for (const [session, news] of Map.groupBy(announcement.news, (one) => one.session)) {
      const deliveries = news.map(({ about, of }): Delivery => ({ about, of, channel: channel.name, how, ...(detail === undefined ? {} : { detail }) }))
      const keys = news.map((one) => keyOf(one, channel.name))
      for (const key of keys) this.#unrecorded.add(key)
      // Not awaited: a disk that is full holds up the record, not what else there is to tell.
      void this.#deps
        .record(session, deliveries)
        .catch((cause: unknown) => this.#deps.warn({ session, error: String(cause) }, 'what the user was told could not be recorded'))
        .finally(() => {
          for (const key of keys) this.#unrecorded.delete(key)
        })
    }
  }
}

const keyOf = (news: News, channel: NoticeChannel): string => `${news.session} ${tellingKey({ ...news, channel })}`

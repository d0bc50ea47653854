// A tap on the shoulder through the terminal that the screens are on: when a session begins to need the user, is done or has failed. Several within a moment are told as one. What was so when the screens came is not told.

import { type NewsAbout, type News, type NotifySettings, announce, isQuiet, newsKinds, wantsKind } from '../core/announcement.ts'
import type { SessionView } from '../core/view.ts'
import { summaryOf } from '../text/format.ts'
import { terminalNotice } from '../text/terminal-notice.ts'

export interface RingParts {
  readonly settings: NotifySettings
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: () => number
  readonly sessions: () => readonly SessionView[]
  /** What the user has before the eyes now. */
  readonly isSeen: (session: SessionView) => boolean
  readonly write: (sequence: string) => void
}

const momentMs = 1000

export class Ring {
  readonly #parts: RingParts
  #known: ReadonlyMap<string, string> | undefined
  readonly #fresh = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(parts: RingParts) {
    this.#parts = parts
  }

  /** Something has changed. */
  look(): void {
    const before = this.#known
    const sessions = this.#parts.sessions()
    this.#known = new Map(sessions.map((session) => [session.id, stateOf(session)]))
    if (!before) return
    for (const session of sessions) if (before.has(session.id) && before.get(session.id) !== stateOf(session) && aboutOf(session) !== undefined) this.#fresh.add(session.id)
    if (this.#fresh.size > 0) this.#timer ??= setTimeout(() => this.#tell(), momentMs)
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #tell(): void {
    const { settings, now, sessions, isSeen, env, write } = this.#parts
    this.#timer = undefined
    const at = new Date(now())
    const fresh = sessions().filter((session) => this.#fresh.has(session.id))
    this.#fresh.clear()
    if (!settings.terminal || isQuiet(settings, at.getHours() * 60 + at.getMinutes())) return
    const told = fresh.filter((session) => !session.muted && !session.archived && !session.removed && (settings.onScreen || !isSeen(session)))
    for (const about of newsKinds) {
      const news = told.filter((session) => aboutOf(session) === about && wants(settings, about, session)).map((session) => newsOf(about, session))
      if (news.length > 0) write(terminalNotice(env, announce(about, news)))
    }
  }
}

function aboutOf(session: SessionView): NewsAbout | undefined {
  switch (session.status) {
    case 'waiting':
      return session.newcomer ? undefined : 'needs-you'
    case 'failed':
    case 'completed':
      return session.status
    default:
      return undefined
  }
}

const wants = (settings: NotifySettings, about: NewsAbout, session: SessionView): boolean =>
  wantsKind(settings, about) && (about !== 'completed' || (session.elapsedMs >= settings.minDurationMs && session.outcome?.kind !== 'cut-short'))

const stateOf = (session: SessionView): string => [session.status, ...session.requests.map((request) => request.id)].join(' ')

const newsOf = (about: NewsAbout, session: SessionView): News => ({
  about,
  of: session.requests[0]?.id ?? session.changedAt,
  atMs: Date.parse(session.changedAt),
  session: session.id,
  label: session.label,
  title: session.title,
  agent: session.agent,
  cwd: session.cwd,
  project: session.project.name,
  request: session.requests[0]?.id ?? null,
  text: summaryOf(session),
})

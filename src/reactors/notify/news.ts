// What there is to tell of a session as it is now, and what of it is wanted. Pure.

import type { Delivery, News, NewsAbout, NotifySettings } from '../../core/announcement.ts'
import { tellingKey, wantsKind } from '../../core/announcement.ts'
import { restartDelayMs } from '../../core/decide.ts'
import type { Session } from '../../core/session.ts'
import { isNewcomer, statusOf } from '../../core/status.ts'

/** A person who reads along has been shown the last words of a turn a moment before it ends. */
const slackMs = 5000

/** A session as its reactor sees it. `attached`: terminals that show it now. */
export interface Look {
  readonly session: Session
  readonly attached: number
}

/** Each stays, under the same `of`, for as long as it is so. */
export function newsOf(session: Session, project: string): readonly News[] {
  if (session.archived || session.removed || session.stopping) return []
  const { id, label, title, spec } = session
  const news = (about: NewsAbout, of: string, atMs: number, text: string, request: string | null = null): News => ({
    about,
    of,
    atMs,
    session: id,
    label,
    title,
    agent: spec.agent,
    cwd: spec.cwd,
    project,
    request,
    text,
  })
  const { status, reason } = statusOf(session)
  switch (status) {
    case 'waiting': {
      const open = session.requests.filter((request) => !request.lost)
      const asked = open.length > 0 ? open : session.environmentMissing ? [] : session.requests
      const since = `run ${session.runs} since ${session.changedAtMs}`
      // What a program says that it asks, and what its screen shows a moment later, is one thing.
      const ofTerminal = spec.kind === 'terminal' && session.signal !== null
      if (asked.length > 0)
        return asked.map((request) =>
          news(
            'needs-you',
            ofTerminal ? since : request.id,
            ofTerminal ? session.changedAtMs : request.askedAtMs,
            `${request.lost ? 'lost ' : ''}${request.kind}: ${request.title}`,
            request.id,
          ),
        )
      return isNewcomer(session) ? [] : [news('needs-you', since, session.changedAtMs, reason)]
    }
    case 'completed': {
      // The user has cut it short, or it was never given anything to do.
      if (session.outcome?.kind === 'cut-short' || (spec.kind === 'agent' && session.turns === 0)) return []
      const text = session.activity || reason
      if (spec.kind === 'agent') return [news('completed', `turn ${session.turns}`, session.work.endedAtMs ?? session.changedAtMs, text)]
      const says = session.process.kind === 'live'
      return [
        news('completed', says ? `run ${session.runs} since ${session.changedAtMs}` : `run ${session.runs}`, says ? session.changedAtMs : (session.work.endedAtMs ?? 0), text),
      ]
    }
    case 'failed':
      // It is tried again by itself.
      if (restartDelayMs(session) !== undefined) return []
      return [news('failed', `run ${session.runs} turn ${session.turns}`, session.endedAtMs ?? session.changedAtMs, reason)]
    default:
      return []
  }
}

/** Why this is not told by any channel, if it is not. */
export function unwanted(news: News, { session, attached }: Look, settings: NotifySettings): string | undefined {
  if (session.muted) return 'the session is muted'
  if (!wantsKind(settings, news.about)) return `${news.about} is off`
  if (!settings.onScreen && isOnScreen(news, session, attached)) return 'it is on a screen'
  if (news.about === 'completed' && news.atMs - session.work.beganAtMs < settings.minDurationMs) return 'it took a moment only'
  return undefined
}

export const wasTold = (news: News, session: Session, channel: Delivery['channel']): boolean => session.told.includes(tellingKey({ ...news, channel }))

/** Somebody's terminal is attached, or somebody was shown all of it since. */
function isOnScreen(news: News, session: Session, attached: number): boolean {
  if (attached > 0) return true
  const slack = news.about === 'needs-you' ? 0 : slackMs
  const isShown = session.spec.kind === 'terminal' || session.shown >= session.entries
  return isShown && session.shownAtMs >= news.atMs - slack
}

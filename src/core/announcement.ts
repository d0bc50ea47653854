// What the user is told when nobody looks: about what, in which words, by whose settings. Pure. Texts of agents and programs are untrusted; here they become short printable lines.

import type { RequestId, SessionId } from './ids.ts'
import { printableLine } from './terminal-text.ts'

export type NewsAbout = 'needs-you' | 'completed' | 'failed'

/** What the daemon can tell by. Terminals are told by the clients that have one. */
export type NoticeChannel = 'desktop' | 'command' | 'webhook'

export interface Delivery {
  readonly about: NewsAbout
  /** A request's id, or what else tells this news from any other of the session. */
  readonly of: string
  readonly channel: NoticeChannel
  /** `suppressed`: it is not told by this channel, now or later. */
  readonly how: 'told' | 'failed' | 'suppressed'
  readonly detail?: string
}

/** One of these is in `told` of a session for each delivery. */
export const tellingKey = ({ about, of, channel }: Pick<Delivery, 'about' | 'of' | 'channel'>): string => `${channel} ${about} ${of}`

/** The table `[notify]` of the configuration. */
export interface NotifySettings {
  readonly needsYou: boolean
  readonly completed: boolean
  readonly failed: boolean
  /** Also of sessions that are on somebody's screen. */
  readonly onScreen: boolean
  /** By the clients that have one. */
  readonly terminal: boolean
  /** `auto`: where a desktop is seen and its program is there. */
  readonly desktop: boolean | 'auto'
  readonly command?: readonly [string, ...string[]]
  readonly webhook?: Webhook
  /** Minutes of the local day; `from` is in it, `to` is not. */
  readonly quiet?: { readonly from: number; readonly to: number }
  /** What took less than this is not announced when it completes. */
  readonly minDurationMs: number
}

export interface Webhook {
  readonly url: string
  /** Where the secret is, never what it is. */
  readonly secret?: { readonly file: string } | { readonly variable: string }
}

export const wantsKind = ({ needsYou, completed, failed }: NotifySettings, about: NewsAbout): boolean => ({ 'needs-you': needsYou, completed, failed })[about]

export const isQuiet = ({ quiet }: NotifySettings, minuteOfDay: number): boolean =>
  quiet !== undefined && (quiet.from <= quiet.to ? minuteOfDay >= quiet.from && minuteOfDay < quiet.to : minuteOfDay >= quiet.from || minuteOfDay < quiet.to)

/** How it is with notifications: the object of `offstage notify --json`. */
export interface NotifyReport {
  readonly tells: readonly NewsAbout[]
  readonly onScreen: boolean
  readonly minDurationMs: number
  /** `22:00-07:00`, and whether it is that now. */
  readonly quiet: { readonly hours: string; readonly now: boolean } | null
  readonly channels: readonly ChannelReport[]
  /** Why the configuration is not read: what was set before holds. */
  readonly problem: string | null
}

export interface ChannelReport {
  readonly channel: NoticeChannel | 'terminal'
  readonly on: boolean
  /** By what, or why not. */
  readonly detail: string
  /** Of a test. */
  readonly result?: { readonly how: 'told' | 'failed'; readonly detail?: string }
}

/** One thing that there is to tell of a session. */
export interface News {
  readonly about: NewsAbout
  readonly of: string
  readonly atMs: number
  readonly session: SessionId
  readonly label: string | null
  readonly title: string
  readonly agent: string
  readonly cwd: string
  readonly project: string
  /** The request that it is about. */
  readonly request: RequestId | null
  /** What it asks, did or failed by. */
  readonly text: string
}

/** All news about the same of one moment, in words. */
export interface Announcement {
  readonly about: NewsAbout
  readonly title: string
  /** A line for each session, at most six. */
  readonly body: string
  readonly news: readonly News[]
}

const longestName = 60
const longestText = 160
const mostLines = 5
const verbs: Readonly<Record<NewsAbout, readonly [one: string, several: string]>> = {
  'needs-you': ['needs you', 'need you'],
  failed: ['failed', 'failed'],
  completed: ['completed', 'completed'],
}

/** In this order, so that what needs the user is told first. */
export const newsKinds: readonly NewsAbout[] = ['needs-you', 'failed', 'completed']

/** `news` are all about the same, one at least. */
export function announce(about: NewsAbout, news: readonly News[]): Announcement {
  const bySession = Map.groupBy(news, ({ session }) => session)
  const [one, several] = verbs[about]
  const [first] = news
  const alone = first && bySession.size === 1
  const lines = [...bySession.values()].map((of) => {
    const [{ project } = { project: '' }] = of
    const what = short(
      of
        .map(({ text }) => short(text, longestText))
        .filter((text) => text !== '')
        .join('; '),
      longestText,
    )
    const words = [what, short(project, longestName)].filter((part) => part !== '').join(' · ')
    return alone ? words : [nameOf(of[0]), words].filter((part) => part !== '').join(': ')
  })
  const body = lines.length > mostLines ? [...lines.slice(0, mostLines), `and ${lines.length - mostLines} more`] : lines
  return { about, title: alone ? `${nameOf(first)} ${one}` : `${bySession.size} sessions ${several}`, body: body.join('\n'), news }
}

const nameOf = (news: News | undefined): string => (news ? short(news.label ?? news.title, longestName) || news.session : '')

/** One printable line of at most so many characters. */
export function short(text: string, longest: number): string {
  const line = printableLine(text)
  const characters = [...line.slice(0, 2 * longest + 2)]
  return characters.length > longest
    ? `${characters
        .slice(0, longest - 1)
        .join('')
        .trimEnd()}…`
    : line
}

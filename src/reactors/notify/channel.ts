// What a way of telling is: it takes an announcement and says what became of it. It never throws and never takes for ever.

import { type Announcement, type NoticeChannel, short } from '../../core/announcement.ts'
import { printableLine } from '../../core/terminal-text.ts'

export interface Delivered {
  readonly how: 'told' | 'failed'
  /** One printable line: why not, or by how many tries. */
  readonly detail?: string
}

export interface Channel {
  readonly name: NoticeChannel
  /** By what it tells. No secret: of an address only the host. */
  readonly by: string
  readonly deliver: (announcement: Announcement, signal: AbortSignal) => Promise<Delivered>
}

export type Environment = Readonly<Record<string, string | undefined>>

const longest = 500

/** What programs and web hooks are given: one JSON object. Texts are short and printable. Fields are added, never changed. */
export const messageOf = ({ about, title, body, news }: Announcement, nowMs: number): string =>
  JSON.stringify({
    type: about,
    timestamp: new Date(nowMs).toISOString(),
    title,
    body,
    sessions: news.map((one) => ({
      id: one.session,
      label: one.label === null ? null : short(one.label, longest),
      title: short(one.title, longest),
      agent: short(one.agent, longest),
      cwd: printableLine(one.cwd),
      project: one.project,
      request: one.request,
      text: short(one.text, longest),
      at: new Date(one.atMs).toISOString(),
    })),
  })

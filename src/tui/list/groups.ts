// Which sessions stand together and in which order. Pure. The order is total and made of what seldom changes, so that rows stay where they are.

import { printableLine } from '../../core/terminal-text.ts'
import type { Status } from '../../core/status.ts'
import type { SessionView } from '../../core/view.ts'

export type Standing = 'needs-you' | 'working' | 'completed'

export const sorts = ['attention', 'change', 'start', 'cost'] as const
export type Sort = (typeof sorts)[number]

export interface Arranging {
  readonly sort: Sort
  readonly by: 'standing' | 'project'
}

export interface Group {
  readonly key: string
  readonly title: string
  readonly ids: readonly string[]
}

const standingTitles: Readonly<Record<Standing, string>> = { 'needs-you': 'Needs you', working: 'Working', completed: 'Completed' }
const standings: readonly Standing[] = ['needs-you', 'working', 'completed']

/** Of the group that may be cut: what is over needs nobody. */
export const completedKey = String(standings.indexOf('completed'))

const standingOf: Readonly<Record<Status, Standing>> = {
  waiting: 'needs-you',
  queued: 'working',
  starting: 'working',
  working: 'working',
  // It goes on by itself.
  paused: 'working',
  completed: 'completed',
  failed: 'completed',
  stopped: 'completed',
}

export const standing = ({ status }: Pick<SessionView, 'status'>): Standing => standingOf[status]

/** Since when it is as it is now: of one that asks, since its oldest question. */
export function sinceMs({ requests, changedAt, status }: Pick<SessionView, 'requests' | 'changedAt' | 'status'>): number {
  const asking = status === 'waiting' ? (requests.find((one) => !one.lost) ?? requests[0]) : undefined
  return Date.parse(asking?.askedAt ?? changedAt)
}

/** Where a session belongs. Two keys of one session that are the same mean the same place. */
export interface Key {
  readonly id: string
  readonly group: string
  readonly title: string
  /** Compared from the first to the last, smaller ones first. */
  readonly ranks: readonly number[]
}

export function keyOf(session: SessionView, { sort, by }: Arranging): Key {
  const stands = standing(session)
  const place = standings.indexOf(stands)
  const pinned = session.pinned ? 0 : 1
  const rank = rankOf(session, sort, stands)
  const { id } = session
  if (by === 'standing') return { id, group: String(place), title: standingTitles[stands], ranks: [pinned, rank] }
  const title = printableLine(session.project.name)
  return { id, group: title.toLowerCase(), title, ranks: [pinned, place, rank] }
}

export const sameKey = (one: Key, other: Key): boolean =>
  one.id === other.id && one.group === other.group && one.title === other.title && one.ranks.every((rank, index) => rank === other.ranks[index])

function rankOf(session: SessionView, sort: Sort, stands: Standing): number {
  const newestFirst = (at: string): number => -Date.parse(at)
  switch (sort) {
    case 'attention':
      if (stands === 'needs-you') return sinceMs(session)
      return newestFirst(stands === 'working' ? session.createdAt : session.changedAt)
    case 'change':
      return newestFirst(session.changedAt)
    case 'start':
      return newestFirst(session.createdAt)
    case 'cost':
      return costRank(session)
  }
}

/** What costs money comes before what only has tokens. */
const costRank = ({ usage }: SessionView): number => -((usage.costUsd ?? 0) * 1e12 + usage.inputTokens + usage.outputTokens)

/** Groups with somebody in them, each in its order. */
export function arrange(keys: readonly Key[]): readonly Group[] {
  const ordered = keys.toSorted(compare)
  const groups: { key: string; title: string; ids: string[] }[] = []
  for (const { group, title, id } of ordered) {
    const last = groups.at(-1)
    if (last?.key === group) last.ids.push(id)
    else groups.push({ key: group, title, ids: [id] })
  }
  return groups
}

function compare(one: Key, other: Key): number {
  if (one.group !== other.group) return one.group < other.group ? -1 : 1
  for (const [index, rank] of one.ranks.entries()) {
    const difference = rank - (other.ranks[index] ?? 0)
    if (difference !== 0) return difference
  }
  return one.id < other.id ? -1 : one.id > other.id ? 1 : 0
}

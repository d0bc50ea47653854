// The sessions that are in the list, in their groups and order, as of now. Arranged anew only when something changed that the arrangement depends on; asks nobody and shows nothing.

import type { SessionView } from '../../core/view.ts'
import { shownStatus } from '../../text/status-words.ts'
import { type Filter, fitsFields, fitsWords, isEmpty, noFilter } from './filter.ts'
import { type Arranging, type Group, type Key, arrange, keyOf, sameKey, standing } from './groups.ts'
import { type Words, nothingWidest, widestOf, wordsOf } from './rows.ts'
import type { Widest } from './columns.ts'

/** Where sessions come from: `LiveSessions`. */
export interface Sessions {
  readonly caughtUp: boolean
  all(): readonly SessionView[]
  get(id: string): SessionView | undefined
  put(view: SessionView): void
  /** What no fact tells may be otherwise meanwhile. */
  lookAgain?(): void
}

/** What to show, and how. */
export interface Choice extends Arranging {
  readonly archived: boolean
  readonly filter: Filter
  /** Where the words of the filter were found in transcripts, by session. */
  readonly excerpts: ReadonlyMap<string, string>
}

export const firstChoice: Choice = { sort: 'attention', by: 'standing', archived: false, filter: noFilter, excerpts: new Map() }

export interface Counts {
  readonly needYou: number
  readonly working: number
  readonly done: number
  readonly failed: number
  /** Of all that could be there, and those that the filter leaves. */
  readonly all: number
  readonly fitting: number
  /** Archived ones that would fit, were they shown. */
  readonly archivedFitting: number
}

interface Known {
  readonly session: SessionView
  readonly words: Words
  /** Undefined: it is not shown. */
  readonly key: Key | undefined
  readonly isCounted: boolean
  readonly fitsArchived: boolean
}

export class Listing {
  readonly #sessions: Sessions
  readonly #home: string | undefined
  #choice: Choice = firstChoice
  #known = new Map<string, Known>()
  #groups: readonly Group[] = []
  #order: readonly string[] = []
  #counts: Counts = { needYou: 0, working: 0, done: 0, failed: 0, all: 0, fitting: 0, archivedFitting: 0 }
  #widest = nothingWidest

  constructor(sessions: Sessions, home: string | undefined) {
    this.#sessions = sessions
    this.#home = home
  }

  get choice(): Choice {
    return this.#choice
  }

  choose(changed: Partial<Choice>): void {
    this.#choice = { ...this.#choice, ...changed }
    this.#known = new Map()
    this.refresh()
  }

  get groups(): readonly Group[] {
    return this.#groups
  }

  /** Ids as they stand below each other. */
  get order(): readonly string[] {
    return this.#order
  }

  get counts(): Counts {
    return this.#counts
  }

  get widest(): Widest {
    return this.#widest
  }

  session(id: string): SessionView | undefined {
    return this.#known.get(id)?.session
  }

  words(id: string): Words | undefined {
    return this.#known.get(id)?.words
  }

  /** Takes in what has changed. */
  refresh(): void {
    const before = this.#known
    let changed = false
    const known = new Map<string, Known>()
    for (const session of this.#sessions.all()) {
      if (session.removed) continue
      const last = before.get(session.id)
      const next = last?.session === session ? last : this.#look(session)
      known.set(session.id, next)
      changed ||= next !== last
    }
    if (!changed && known.size === before.size) return
    this.#known = known
    this.#count()
    if (known.size === before.size && samePlaces(known, before)) return
    this.#groups = arrange([...known.values()].flatMap(({ key }) => (key ? [key] : [])))
    this.#order = this.#groups.flatMap(({ ids }) => ids)
  }

  #look(session: SessionView): Known {
    const { filter, excerpts, archived } = this.#choice
    const fits = isEmpty(filter) || (fitsFields(session, filter) && (fitsWords(session, filter) || excerpts.has(session.id)))
    const isThere = archived || !session.archived
    return {
      session,
      words: wordsOf(session, this.#home),
      key: fits && isThere ? keyOf(session, this.#choice) : undefined,
      isCounted: isThere,
      fitsArchived: fits && !isThere,
    }
  }

  #count(): void {
    const counts = { needYou: 0, working: 0, done: 0, failed: 0, all: 0, fitting: 0, archivedFitting: 0 }
    let widest = nothingWidest
    for (const { session, words, key, isCounted, fitsArchived } of this.#known.values()) {
      if (fitsArchived) counts.archivedFitting += 1
      if (key) counts.fitting += 1
      if (!isCounted) continue
      widest = widestOf(widest, words)
      counts.all += 1
      counts[countOf(session)] += 1
    }
    this.#counts = counts
    if (!sameWidths(widest, this.#widest)) this.#widest = widest
  }

  /** Undefined: the words of the filter are in the row itself. */
  excerptOf(session: SessionView): string | undefined {
    const { filter, excerpts } = this.#choice
    const excerpt = excerpts.get(session.id)
    return excerpt === undefined || filter.words.length === 0 || fitsWords(session, filter) ? undefined : excerpt
  }
}

function countOf(session: SessionView): 'needYou' | 'working' | 'done' | 'failed' {
  if (shownStatus(session) === 'failed') return 'failed'
  const stands = standing(session)
  return stands === 'needs-you' ? 'needYou' : stands === 'working' ? 'working' : 'done'
}

function samePlaces(known: ReadonlyMap<string, Known>, before: ReadonlyMap<string, Known>): boolean {
  for (const [id, { key }] of known) {
    const last = before.get(id)
    if (!last || (key === undefined) !== (last.key === undefined)) return false
    if (key && last.key && !sameKey(key, last.key)) return false
  }
  return true
}

const sameWidths = (one: Widest, other: Widest): boolean =>
  one.name === other.name && one.agent === other.agent && one.project === other.project && one.projectAndBranch === other.projectAndBranch && one.directory === other.directory

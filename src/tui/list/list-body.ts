// The rows of the list: the cursor on a session, the marked ones, and the part that is scrolled into sight. Paints only what is visible.

import type { SessionView } from '../../core/view.ts'
import { goesOnText } from '../../text/paused-text.ts'
import type { Theme } from '../theme.ts'
import type { Size } from '../view.ts'
import { age } from './age.ts'
import { type Columns, type Widest, columnsFor } from './columns.ts'
import { conflictOf } from './tree-row.ts'
import { driftNote } from './drift.ts'
import { type Group, completedKey, sinceMs, standing } from './groups.ts'
import type { Listing } from './listing.ts'
import { beside, paintRow } from './rows.ts'
import { type Place, placesOf, visibleFrom } from './scroll.ts'

export class ListBody {
  readonly #listing: Listing
  readonly #theme: Theme
  readonly #driftAfterMs: number
  readonly #marks = new Set<string>()
  #cursor: string | undefined
  #index = 0
  /** The cursor goes there as soon as it is in the list, unless it is moved before. */
  #wanted: string | undefined
  #top = 0
  /** The cursor is kept in sight; the wheel leaves it. */
  #keepsCursor = true
  /** The last group is shown whole. */
  #isWhole = false
  #height = 0
  #shown: readonly Place[] = []
  #columns: { readonly widest: Widest; readonly total: number; readonly columns: Columns } | undefined
  #youngestMs = Infinity

  constructor(listing: Listing, theme: Theme, driftAfterMs: number) {
    this.#listing = listing
    this.#theme = theme
    this.#driftAfterMs = driftAfterMs
  }

  /** The one under the cursor. */
  get session(): SessionView | undefined {
    this.#settle()
    return this.#cursor === undefined ? undefined : this.#listing.session(this.#cursor)
  }

  /** The marked ones that are in the list, else the one under the cursor. */
  get targets(): readonly SessionView[] {
    const marked = this.marked
    const { session } = this
    return marked.length > 0 ? marked : session ? [session] : []
  }

  get marked(): readonly SessionView[] {
    if (this.#marks.size === 0) return []
    return this.#listing.order.filter((id) => this.#marks.has(id)).flatMap((id) => this.#listing.session(id) ?? [])
  }

  /** Of what was painted last: for how long the newest of it has been so. */
  get youngestMs(): number {
    return this.#youngestMs
  }

  mark(): void {
    this.#settle()
    const id = this.#cursor
    if (id === undefined) return
    if (!this.#marks.delete(id)) this.#marks.add(id)
    this.move(1)
  }

  markAll(): void {
    const { order } = this.#listing
    const all = order.every((id) => this.#marks.has(id))
    this.#marks.clear()
    if (!all) for (const id of order) this.#marks.add(id)
  }

  unmark(): void {
    this.#marks.clear()
  }

  select(id: string): void {
    this.#wanted = id
    this.#keepsCursor = true
    this.#settle()
  }

  move(by: number): void {
    this.#settle()
    this.#moveTo(this.#index + by)
  }

  page(direction: 1 | -1): void {
    this.move(direction * Math.max(1, this.#height - 2))
  }

  first(): void {
    this.#moveTo(0)
  }

  last(): void {
    this.#moveTo(this.#listing.order.length - 1)
  }

  /** The next one that needs the user, from the cursor on and round. Whether there is one. */
  nextWaiting(): boolean {
    this.#settle()
    const { order } = this.#listing
    const following = [...order.slice(this.#index + 1), ...order.slice(0, this.#index + 1)]
    const found = following.find((id) => {
      const session = this.#listing.session(id)
      return session && standing(session) === 'needs-you'
    })
    if (found !== undefined) this.select(found)
    return found !== undefined
  }

  scroll(rows: number): void {
    this.#keepsCursor = false
    this.#isWhole = true
    this.#top = Math.max(0, this.#top + rows)
  }

  /** What stands in this row of what was painted last. */
  at(row: number): Place | undefined {
    return this.#shown[row]
  }

  /** Exactly `rows` rows, or fewer when there is no more. */
  render({ columns: total, rows }: Size, nowMs: number, airy: boolean): readonly string[] {
    this.#settle()
    this.#height = rows
    const { shown, top } = this.#visible(rows, airy)
    this.#shown = shown
    this.#top = top
    this.#youngestMs = Infinity
    const columns = this.#columnsFor(total)
    return shown.map((place) => this.#row(place, columns, total, nowMs))
  }

  #visible(height: number, airy: boolean): { readonly shown: readonly Place[]; readonly top: number } {
    const { groups, choice } = this.#listing
    const cuts = (group: Group): boolean => choice.by === 'standing' && group.key === completedKey
    const places = (whole: boolean): readonly Place[] => placesOf(groups, { height, airy, whole, cuts })
    const cursorIn = (all: readonly Place[]): number => all.findIndex((place) => place.kind === 'session' && place.id === this.#cursor)
    const short = places(false)
    const at = cursorIn(short)
    if (at === -1 && this.#cursor !== undefined) this.#isWhole = true
    const seen = (all: readonly Place[]) => visibleFrom(all, this.#top, height, this.#keepsCursor && this.#cursor !== undefined ? cursorIn(all) : undefined)
    if (!this.#isWhole) return seen(short)
    const whole = seen(places(true))
    // Short again only where that moves nothing but the last row.
    this.#isWhole = whole.top > 0 || !this.#keepsCursor || at === -1 || at >= height - 1
    return this.#isWhole ? whole : seen(short)
  }

  #row(place: Place, columns: Columns, total: number, nowMs: number): string {
    const { bold, dim } = this.#theme
    switch (place.kind) {
      case 'blank':
        return ''
      case 'heading':
        return bold(beside(place.title, total).slice(4)) + (this.#listing.choice.by === 'project' ? dim(`  ${place.count}`) : '')
      case 'more':
        return dim(beside(`… ${place.count} more`, total))
      case 'beyond':
        return dim(beside(`${place.where === 'above' ? '↑' : '↓'} ${place.count} more`, total))
      case 'session':
        return this.#sessionRow(place.id, columns, nowMs)
    }
  }

  #sessionRow(id: string, columns: Columns, nowMs: number): string {
    const session = this.#listing.session(id)
    const words = this.#listing.words(id)
    if (!session || !words) return ''
    const sinceAge = nowMs - sinceMs(session)
    this.#youngestMs = Math.min(this.#youngestMs, sinceAge)
    const state = {
      selected: id === this.#cursor,
      marked: this.#marks.has(id),
      since: age(sinceAge),
      all: age(standing(session) === 'completed' ? session.elapsedMs : nowMs - Date.parse(session.createdAt)),
      pause: session.paused ? goesOnText(session.paused, nowMs) : undefined,
      note: driftNote(session, nowMs, this.#driftAfterMs),
      conflict: conflictOf(session, (other) => this.#listing.words(other)?.name ?? other),
      excerpt: this.#listing.excerptOf(session),
    }
    return paintRow(session, words, columns, state, this.#theme)
  }

  #columnsFor(total: number): Columns {
    const { widest } = this.#listing
    if (this.#columns?.widest !== widest || this.#columns.total !== total) this.#columns = { widest, total, columns: columnsFor(widest, total) }
    return this.#columns.columns
  }

  #moveTo(index: number): void {
    const { order } = this.#listing
    this.#index = Math.max(0, Math.min(index, order.length - 1))
    this.#cursor = order[this.#index]
    this.#wanted = undefined
    this.#keepsCursor = true
  }

  /** The cursor is on a session that is there: where it was is remembered, and so is the place that it had. */
  #settle(): void {
    this.#listing.refresh()
    const { order } = this.#listing
    const wanted = this.#wanted === undefined ? -1 : order.indexOf(this.#wanted)
    if (wanted !== -1) {
      this.#cursor = this.#wanted
      this.#wanted = undefined
    }
    const at = this.#cursor === undefined ? -1 : order.indexOf(this.#cursor)
    if (at !== -1) this.#index = at
    else {
      this.#wanted ??= this.#cursor
      this.#index = Math.max(0, Math.min(this.#index, order.length - 1))
      this.#cursor = order[this.#index]
    }
  }
}

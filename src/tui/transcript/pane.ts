// The transcript as a window of rows on all that was said and done. Virtual: what is not seen is not rendered. Owns the place that is looked at, folds and the search; it stays at the end unless it is scrolled.

import type { Entry } from '../../core/events.ts'
import type { Line } from '../../core/transcript.ts'
import { goesOn, joinedLine, partsFrom, textOf } from '../../text/joined-lines.ts'
import { agentLabel, clock } from '../../text/format.ts'
import { searchPattern } from '../../text/search-pattern.ts'
import { filled } from '../cells.ts'
import type { Theme } from '../theme.ts'
import type { Saying } from '../followed-session.ts'
import type { Size } from '../view.ts'
import { Blocks } from './blocks.ts'
import { prepareHighlighting } from './highlight.ts'
import type { Piece } from './pieces.ts'
import { mayHold } from './line-text.ts'
import { type Mark, type Row, blank, painted, plainOf, span } from './rows.ts'
import { Sections } from './sections.ts'

export interface PaneContent {
  readonly lines: readonly Line[]
  /** Whole texts so far, of entries that follow the lines but for prompts that are queued; `output`: of the tool calls among them. */
  readonly drafts: readonly Saying[]
  /** Index of the first line that was not seen: a mark stands before it. */
  readonly fresh?: { readonly from: number; readonly count: number; readonly sinceMs: number | undefined } | undefined
}

export interface PaneAbout {
  readonly agent: string
  readonly cwd: string
  readonly kind: 'agent' | 'terminal'
  /** What is painted may look otherwise now: the colours of code came. */
  readonly changed?: () => void
}

/** Of a row: which item (a line or a draft), which piece of it (0: what stands before it, such as a heading), which row of the piece. */
interface Place {
  readonly item: number
  readonly piece: number
  readonly row: number
}

/** The top row. As the piece had so many rows when it was scrolled to, its place in a piece of another width is known. */
interface Anchor extends Place {
  /** Of its item: others may be left out before it. */
  readonly key: string | undefined
  readonly width: number
  readonly of: number
}

interface Kept {
  readonly folded: boolean
  readonly live: string | undefined
  readonly pieces: readonly Piece[]
}

const empty: PaneContent = { lines: [], drafts: [] }
const start: Place = { item: 0, piece: 0, row: 0 }
/** Words may be broken at the end of a row. */
const rowBreak = String.raw`(?:\n *)?`
const longestWords = 200
const keptGrowing = 8
/** So far an item may come to stand from where it stood. */
const movedAtMost = 8

export class TranscriptPane {
  readonly #theme: Theme
  readonly #about: PaneAbout
  readonly #blocks: Blocks
  readonly #kept = new WeakMap<Line, Kept>()
  /** Of the entries that are being said. */
  readonly #growing = new Map<string, { readonly line: Line; readonly sections: Sections }>()
  #folded = true
  /** Undefined: at the end. */
  #anchor: Anchor | undefined
  #content = empty
  /** So many lines have their place; behind them comes what is being said, then the prompts that are queued. */
  #settled = 0
  #saying: readonly Saying[] = []
  /** The item that a mark stands before. */
  #freshItem: number | undefined
  #size: Size = { columns: 80, rows: 1 }
  /** Where the rows that were painted last come from. */
  #visible: readonly Place[] = []
  /** So many items were there when the end was left. */
  #known = 0
  #search: { readonly words: string; readonly pattern: RegExp; readonly at: Place | undefined } | undefined

  constructor(theme: Theme, about: PaneAbout) {
    this.#theme = theme
    this.#about = about
    this.#blocks = new Blocks(theme, about.cwd)
  }

  /** Exactly so many rows, none wider. */
  render(content: PaneContent, size: Size): readonly string[] {
    this.#take(content, size)
    let places = this.#anchor ? this.#down(this.#resized(this.#anchor)) : undefined
    if (!places || places.length < size.rows) {
      this.#anchor = undefined
      places = this.#up()
    }
    this.#visible = places
    const rows = places.map((place) => this.#row(place))
    const marks = this.#marksIn(rows)
    const shown = rows.map((row, index) => painted(row, size.columns, marks[index], this.#theme.inverse))
    return filled(shown, size.rows)
  }

  /** Upwards if it is negative. */
  scroll(rows: number): void {
    const top = this.#anchor ? this.#resized(this.#anchor) : this.#up()[0]
    if (!top) return
    this.#look(this.#moved(top, rows))
  }

  toEnd(): void {
    this.#anchor = undefined
  }

  toStart(): void {
    this.#look(start)
  }

  get atEnd(): boolean {
    return this.#anchor === undefined
  }

  /** What stands below; undefined at the end. */
  hint(content: PaneContent): string | undefined {
    if (!this.#anchor) return undefined
    this.#take(content, this.#size)
    const last = this.#visible.at(-1)?.item ?? 0
    const all = this.#items()
    const below = Math.max(0, all - 1 - last)
    const newer = Math.max(0, all - this.#known)
    return `↓ ${below === 0 ? 'more' : `${below} more`}${newer > 0 ? `, ${newer} new` : ''}`
  }

  /** Thoughts and what tools printed, all at once. */
  toggleFold(): void {
    this.#folded = !this.#folded
    if (this.#anchor && this.#anchor.piece > 0) this.#anchor = { ...this.#anchor, piece: 1, row: 0 }
  }

  /** Goes to the next row that holds the words, unfolds what it is in, and shows them wherever they are seen. Without words there is nothing to be shown any more. */
  find(content: PaneContent, words: string, direction: 1 | -1): boolean {
    const wanted = words.trim().slice(0, longestWords)
    const before = this.#search?.words === wanted ? this.#search.at : undefined
    if (wanted === '') {
      this.#search = undefined
      return false
    }
    this.#take(content, this.#size)
    const pattern = searchPattern(wanted, rowBreak)
    this.#search = { words: wanted, pattern, at: before }
    const from = before ?? (direction === 1 ? this.#visible[0] : this.#visible.at(-1)) ?? start
    for (let item = from.item; item >= 0 && item < this.#items(); item += direction) {
      const line = this.#item(item)
      if (!line || !mayHold(line, wanted)) continue
      const places = this.#matchesIn(item, pattern)
      const found = places[direction === 1 ? 'find' : 'findLast']((place) => {
        const order = compare(place, from) * direction
        return before ? order > 0 : order >= 0
      })
      if (!found) continue
      this.#search = { words: wanted, pattern, at: found }
      if (!this.#visible.some((place) => compare(place, found) === 0)) this.#look(this.#moved(found, -Math.floor(this.#size.rows / 3)))
      return true
    }
    return false
  }

  #take(content: PaneContent, size: Size): void {
    this.#content = content
    this.#size = size
    this.#settled = content.lines.findLastIndex((line) => line.kind !== 'prompt' || line.state !== 'queued') + 1
    this.#saying = content.drafts.filter(({ kind }) => kind !== 'output')
    this.#freshItem = content.fresh && content.fresh.count > 0 ? this.#itemOf(content.fresh.from) : undefined
    // Those that are over become lines, and are cut as they were.
    for (const id of this.#growing.keys()) {
      if (this.#growing.size <= keptGrowing) break
      if (content.drafts.every(({ entryId }) => entryId !== id)) this.#growing.delete(id)
    }
  }

  #items(): number {
    return this.#content.lines.length + this.#saying.length
  }

  /** A message that was cut stands whole where it begins, and nothing where it goes on. */
  #item(item: number): Line | undefined {
    const line = this.#partAt(item)
    if (line?.kind !== 'entry' || !('text' in line.entry)) return line
    if (line.entry.continues && goesOn(item, this.#partAt)) return undefined
    if (!goesOn(item + 1, this.#partAt)) return line
    const parts = partsFrom(item, this.#partAt)
    const isGrowing = item + parts.length > this.#settled
    return isGrowing ? this.#growingLine(line.id, { kind: line.entry.kind, text: textOf(parts) }) : joinedLine(parts)
  }

  readonly #partAt = (item: number): Line | undefined => {
    const { lines } = this.#content
    if (item < this.#settled) return lines[item]
    const draft = this.#saying[item - this.#settled]
    if (!draft) return lines[item - this.#saying.length]
    return this.#growingLine(draft.entryId, { kind: draft.kind === 'thought' ? 'thought' : 'message', text: draft.text, ...(draft.continues ? { continues: true } : {}) })
  }

  /** The item that shows this line. */
  #itemOf(place: number): number {
    let item = place >= this.#settled && place < this.#content.lines.length ? place + this.#saying.length : place
    while (goesOn(item, this.#partAt)) item -= 1
    return item
  }

  #growingLine(id: string, entry: Extract<Entry, { readonly text: string }>): Line {
    const kept = this.#growing.get(id)
    if (kept?.line.kind === 'entry' && kept.line.entry.kind === entry.kind && 'text' in kept.line.entry && kept.line.entry.text === entry.text) return kept.line
    const line: Line = { kind: 'entry', id, atMs: 0, entry }
    this.#growing.set(id, { line, sections: kept?.sections ?? new Sections() })
    return line
  }

  /** What was found is not folded. */
  #pieces(item: number, folded = this.#folded && this.#search?.at?.item !== item): readonly Piece[] {
    const line = this.#item(item)
    if (!line) return []
    const live = line.kind === 'entry' && line.entry.kind === 'tool' ? this.#content.drafts.find(({ kind, entryId }) => kind === 'output' && entryId === line.id)?.text : undefined
    const kept = this.#kept.get(line)
    if (kept?.folded === folded && kept.live === live) return kept.pieces
    const pieces = this.#blocks.of(line, { folded, live, sections: this.#growing.get(line.id)?.sections })
    for (const { language } of pieces) if (language !== undefined) void prepareHighlighting(language).then((news) => news && this.#about.changed?.())
    this.#kept.set(line, { folded, live, pieces })
    return pieces
  }

  #rows(item: number, piece: number): readonly Row[] {
    return piece === 0 ? this.#lead(item) : (this.#pieces(item)[piece - 1]?.rows(this.#size.columns) ?? [])
  }

  #row({ item, piece, row }: Place): Row {
    return this.#rows(item, piece)[row] ?? blank
  }

  /** What stands before an item: a blank row, the mark of what is new, who is talking. */
  #lead(item: number): readonly Row[] {
    const line = this.#item(item)
    const { fresh } = this.#content
    const rows: Row[] = []
    const before = this.#before(item, () => true)
    if (fresh && this.#freshItem === item) rows.push(...(before ? [blank] : []), this.#freshMark(fresh))
    if (!line || !isSeen(line)) return rows
    const by = authorOf(line)
    const names = by === 'agent' && authorOf(this.#before(item, (one) => authorOf(one) !== undefined)) !== 'agent'
    if (rows.length === 0 && before && (names || this.#isApart(before, line))) rows.push(blank)
    if (names) rows.push([span(' '), span(agentLabel(this.#about.agent), this.#theme.bold)])
    return rows
  }

  #before(item: number, which: (line: Line) => boolean): Line | undefined {
    for (let at = item - 1; at >= 0; at--) {
      const line = this.#item(at)
      if (line && isSeen(line) && which(line)) return line
    }
    return undefined
  }

  #isApart(before: Line, line: Line): boolean {
    if (this.#isStep(line)) return !(this.#isStep(before) || (before.kind === 'entry' && before.entry.kind === 'message' && !before.entry.text.trim().includes('\n')))
    return true
  }

  /** One of several rows that belong together. */
  #isStep(line: Line): boolean {
    return line.kind === 'notice' || (line.kind === 'entry' && (line.entry.kind === 'tool' || (line.entry.kind === 'thought' && this.#folded)))
  }

  #freshMark({ count: many, sinceMs }: NonNullable<PaneContent['fresh']>): Row {
    const mark = ` ── ${many} new${sinceMs === undefined ? '' : ` since ${this.#sinceText(sinceMs)}`} `
    return [span(mark + '─'.repeat(Math.max(2, this.#size.columns - mark.length)), this.#theme.accent)]
  }

  /** With its day, when something newer is of another one. */
  #sinceText(sinceMs: number): string {
    const time = clock(sinceMs).slice(0, 5)
    const day = (ms: number): string => new Date(ms).toDateString()
    const newest = this.#content.lines.at(-1)?.atMs ?? sinceMs
    return day(newest) === day(sinceMs) ? time : `${day(sinceMs).slice(0, -5)} ${time}`
  }

  /** The last places, as many as fit. */
  #up(): readonly Place[] {
    const places: Place[] = []
    for (const place of this.#backwards({ item: this.#items(), piece: 0, row: 0 })) {
      places.push(place)
      if (places.length >= this.#size.rows) break
    }
    return places.reverse()
  }

  /** From this place on, as many as fit. */
  #down(top: Place): readonly Place[] {
    const places: Place[] = []
    for (const place of this.#forwards(top)) {
      places.push(place)
      if (places.length >= this.#size.rows) break
    }
    return places
  }

  /** This place and the ones after it. */
  *#forwards(from: Place): Iterable<Place> {
    const items = this.#items()
    for (let { item, piece, row } = from; item < items; item += 1, piece = 0, row = 0) {
      const pieces = this.#pieces(item).length
      for (; piece <= pieces; piece += 1, row = 0) for (const many = this.#rows(item, piece).length; row < many; row += 1) yield { item, piece, row }
    }
  }

  /** The places before this one, the nearest first. */
  *#backwards(from: Place): Iterable<Place> {
    for (let row = from.row - 1; row >= 0; row--) yield { ...from, row }
    for (let { item, piece } = from; item >= 0; item -= 1, piece = item < 0 ? 0 : this.#pieces(item).length + 1) {
      while (--piece >= 0) for (let row = this.#rows(item, piece).length - 1; row >= 0; row--) yield { item, piece, row }
    }
  }

  #moved(top: Place, rows: number): Place {
    let place = top
    let left = Math.abs(rows)
    if (rows < 0) {
      for (const before of this.#backwards(top)) {
        if (left-- === 0) break
        place = before
      }
      return place
    }
    for (const after of this.#forwards(top)) {
      place = after
      if (left-- === 0) break
    }
    return place
  }

  /** This is the top row from now on, unless the end comes in sight. */
  #look(top: Place): void {
    if (!this.#anchor) this.#known = this.#items()
    const places = this.#down(top)
    const first = places[0]
    const isLast = compare(this.#up()[0] ?? start, first ?? start) <= 0
    this.#anchor = first && !isLast ? { ...first, key: keyOf(this.#item(first.item)), width: this.#size.columns, of: this.#rows(first.item, first.piece).length } : undefined
  }

  #resized({ item: was, key, piece, row, width, of }: Anchor): Place {
    const item = this.#near(was, key)
    if (item === undefined) return { item: Math.max(0, Math.min(was, this.#items() - 1)), piece: 0, row: 0 }
    const many = this.#rows(item, piece).length
    const same = width === this.#size.columns || of === many
    return { item, piece, row: Math.min(same ? row : Math.floor((row * many) / Math.max(1, of)), Math.max(0, many - 1)) }
  }

  #near(item: number, key: string | undefined): number | undefined {
    for (let away = 0; away <= movedAtMost; away += 1) for (const at of [item - away, item + away]) if (at >= 0 && keyOf(this.#item(at)) === key) return at
    return undefined
  }

  /** Also in what is folded now. */
  #matchesIn(item: number, pattern: RegExp): readonly Place[] {
    const rows = this.#pieces(item, false).flatMap((piece, index) =>
      piece.rows(this.#size.columns).map((row, at) => ({ text: plainOf(row), place: { item, piece: index + 1, row: at } })),
    )
    const starts = startsOf(rows.map(({ text }) => text))
    const all = rows.map(({ text }) => text).join('\n')
    return Array.from(all.matchAll(pattern), ({ index }) => rows[starts.findLastIndex((at) => at <= index)]?.place)
      .filter((place) => place !== undefined)
      .filter((place, index, places) => place !== places[index - 1])
  }

  /** What is searched for, in each of the rows that follow one another. */
  #marksIn(rows: readonly Row[]): readonly (readonly Mark[])[] {
    if (!this.#search) return []
    const texts = rows.map(plainOf)
    const starts = startsOf(texts)
    const found = Array.from(texts.join('\n').matchAll(this.#search.pattern), (match): Mark => [match.index, match.index + match[0].length])
    return texts.map((text, index) => {
      const at = starts[index] ?? 0
      return found.flatMap(([from, to]): readonly Mark[] => {
        const first = Math.max(0, from - at, text.length - text.trimStart().length)
        const last = Math.min(text.length, to - at)
        return first < last ? [[first, last]] : []
      })
    })
  }
}

const compare = (a: Place, b: Place): number => a.item - b.item || a.piece - b.piece || a.row - b.row

/** Where each of these begins when they are joined by one character. */
function startsOf(texts: readonly string[]): readonly number[] {
  let at = 0
  return texts.map((text) => {
    const start = at
    at += text.length + 1
    return start
  })
}

const keyOf = (line: Line | undefined): string | undefined => line && `${line.kind} ${line.id}`

const authorOf = (line: Line | undefined): 'you' | 'agent' | undefined => (!line || line.kind === 'notice' ? undefined : line.kind === 'prompt' ? 'you' : 'agent')

const isSeen = (line: Line): boolean => line.kind !== 'entry' || !('text' in line.entry) || line.entry.text.trim() !== ''

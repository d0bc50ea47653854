// The output of a terminal or program as a window of rows on its pages. Owns the place that is looked at and the search.

import { failureFrom } from '../../client/failures.ts'
import { searchPattern } from '../../text/search-pattern.ts'
import { filled } from '../cells.ts'
import { type Mark, type Row, chopped, painted, plainOf, span, withoutTabs } from '../transcript/rows.ts'
import type { Size, Stage } from '../view.ts'
import type { LogBody } from './log-body.ts'
import { OutputPages, type Page, pageBytes, sizeText } from './output-pages.ts'

/** Of a row: its page, the line in it, the row of the line. */
interface Place {
  readonly page: number
  readonly line: number
  readonly row: number
}

/** Where a walk came to; `needs`: a page that is not in memory. */
interface Walk {
  readonly places: readonly Place[]
  readonly needs?: number
}

const start: Place = { page: 0, line: 0, row: 0 }
const margin = ' '
const againAfterMs = 1000

export class OutputBody implements LogBody {
  readonly #stage: Stage
  readonly #pages: OutputPages
  readonly #signal: AbortSignal
  readonly #entries: number
  readonly #rows = new WeakMap<Page, { readonly width: number; readonly lines: Map<number, readonly Row[]> }>()
  #ready = false
  /** Undefined: at the end. */
  #top: Place | undefined
  #size: Size = { columns: 80, rows: 1 }
  #visible: readonly Place[] = []
  #search: { readonly words: string; readonly pattern: RegExp; readonly at: Place | undefined } | undefined

  /** `entries`: of the session, as it was told when this was opened. */
  constructor(stage: Stage, about: { readonly session: string; readonly run: number; readonly entries: number }, signal: AbortSignal) {
    this.#stage = stage
    this.#signal = signal
    this.#entries = about.entries
    this.#pages = new OutputPages(stage.client, about, signal)
    void this.#follow()
  }

  get ready(): boolean {
    return this.#ready
  }

  get atEnd(): boolean {
    return this.#top === undefined
  }

  get seen(): number {
    return this.#entries
  }

  get place(): string {
    const whole = sizeText(this.#pages.end)
    const at = this.#visible.at(-1)
    if (!this.#top || !at) return `end of ${whole}`
    const { end, last } = this.#pages
    const from = at.page * pageBytes
    const length = (at.page === last ? end : from + pageBytes) - from
    const part = (at.line + 1) / Math.max(1, this.#pages.page(at.page)?.lines.length ?? 1)
    return `${Math.min(99, Math.floor(((from + length * part) * 100) / end))} % of ${whole}`
  }

  render(size: Size): readonly string[] {
    this.#size = size
    let walk = this.#top ? this.#down(this.#top) : this.#atTheEnd()
    if (this.#top && walk.needs === undefined && walk.places.length < size.rows) {
      this.#top = undefined
      walk = this.#atTheEnd()
    }
    if (walk.needs !== undefined) this.#load(walk.needs)
    this.#visible = walk.places
    const rows = walk.places.map((place) => {
      const row = this.#rowsOf(place.page, place.line)[place.row] ?? []
      return margin + painted(row, size.columns - 1, this.#marksIn(place), this.#stage.theme.inverse)
    })
    return filled(rows, size.rows)
  }

  scroll(rows: number): void {
    const end = this.#top ? undefined : this.#atTheEnd()
    if (end?.needs !== undefined) return this.#load(end.needs, () => this.scroll(rows))
    const top = this.#top ?? end?.places[0]
    if (!top || rows === 0) return
    const { places, needs } = rows < 0 ? this.#up(top, -rows) : this.#down(top, rows + 1)
    const reached = rows < 0 ? places[0] : places.at(-1)
    if (reached) this.#look(reached)
    const left = rows < 0 ? rows + places.length : rows + 1 - places.length
    if (needs !== undefined && left !== 0) this.#load(needs, () => this.scroll(left))
  }

  toStart(): void {
    this.#top = start
  }

  toEnd(): void {
    this.#top = undefined
  }

  /** Nothing in it is folded. */
  toggleFold(): void {}

  async find(words: string, direction: 1 | -1, signal: AbortSignal): Promise<boolean> {
    const wanted = words.trim()
    const before = this.#search?.words === wanted ? this.#search.at : undefined
    if (wanted === '') {
      this.#search = undefined
      return false
    }
    const pattern = searchPattern(wanted)
    this.#search = { words: wanted, pattern, at: before }
    const from = before ?? (direction === 1 ? this.#visible[0] : this.#visible.at(-1)) ?? start
    for await (const page of this.#pages.through(from.page, direction, signal)) {
      const isNext = (line: number): boolean => page.number !== from.page || (line - from.line) * direction >= (before ? 1 : 0)
      const line = page.lines[direction === 1 ? 'findIndex' : 'findLastIndex']((text, index) => isNext(index) && text.search(pattern) !== -1)
      if (line === -1) continue
      await this.#pages.load(page.number)
      const at = startOfMatch(this.#rowsOf(page.number, line), pattern)
      const found = { page: page.number, line, row: at }
      this.#search = { words: wanted, pattern, at: found }
      if (!this.#visible.some((place) => compare(place, found) === 0)) {
        const third = Math.floor(this.#size.rows / 3)
        let above = this.#up(found, third)
        for (; above.needs !== undefined; above = this.#up(found, third)) await this.#pages.load(above.needs)
        this.#look(above.places[0] ?? found)
      }
      return true
    }
    return false
  }

  async text(most: number, signal: AbortSignal): Promise<{ readonly text: string; readonly isWhole: boolean }> {
    const first = Math.max(0, Math.floor((this.#pages.end - most) / pageBytes) + 1)
    const from = this.#pages.end <= most ? 0 : first
    const parts: string[] = []
    for await (const { lines } of this.#pages.through(from, 1, signal)) if (lines.length > 0) parts.push(lines.join('\n'))
    return { text: parts.join('\n'), isWhole: from === 0 }
  }

  async #follow(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        return await this.#pages.follow({
          ready: () => {
            this.#ready = true
            this.#stage.repaint()
          },
          grown: () => this.#stage.repaint(),
        })
      } catch (cause) {
        if (this.#signal.aborted) return
        this.#stage.complain(cause)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, againAfterMs)
          this.#signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
        })
      }
    }
  }

  #load(page: number, then: () => void = () => {}): void {
    this.#pages.load(page).then(
      () => {
        then()
        this.#stage.repaint()
      },
      (cause: unknown) => this.#stage.say(failureFrom(cause).message, 'error'),
    )
  }

  #look(top: Place): void {
    const { places, needs } = this.#down(top)
    const end = this.#atTheEnd().places[0]
    const isLast = needs === undefined && (places.length < this.#size.rows || (end !== undefined && compare(end, top) <= 0))
    this.#top = isLast ? undefined : top
  }

  #atTheEnd(): Walk {
    return this.#up({ page: this.#pages.last + 1, line: 0, row: 0 })
  }

  /** From this place on. */
  #down(from: Place, many = this.#size.rows): Walk {
    const places: Place[] = []
    let { line, row } = from
    for (let at: number | undefined = from.page; at !== undefined; at = this.#pages.beside(at, 1), line = 0, row = 0) {
      const page = this.#pages.page(at)
      if (!page) return { places, needs: at }
      for (; line < page.lines.length; line += 1, row = 0) {
        for (const all = this.#rowsOf(at, line).length; row < all; row += 1) {
          if (places.length >= many) return { places }
          places.push({ page: at, line, row })
        }
      }
    }
    return { places }
  }

  /** Those before this place. */
  #up(before: Place, many = this.#size.rows): Walk {
    const places: Place[] = []
    const result = (): readonly Place[] => places.toReversed()
    let first = true
    for (let at: number | undefined = before.page > this.#pages.last ? this.#pages.last : before.page; at !== undefined; at = this.#pages.beside(at, -1)) {
      const page = this.#pages.page(at)
      if (!page) return { places: result(), needs: at }
      const isSame = first && at === before.page
      first = false
      for (let line = isSame ? before.line : page.lines.length - 1; line >= 0; line -= 1) {
        for (let row = (isSame && line === before.line ? before.row : this.#rowsOf(at, line).length) - 1; row >= 0; row -= 1) {
          places.push({ page: at, line, row })
          if (places.length >= many) return { places: result() }
        }
      }
    }
    return { places: result() }
  }

  #rowsOf(number: number, line: number): readonly Row[] {
    const page = this.#pages.page(number)
    if (!page) return []
    const width = Math.max(1, this.#size.columns - margin.length)
    let kept = this.#rows.get(page)
    if (kept?.width !== width) {
      kept = { width, lines: new Map() }
      this.#rows.set(page, kept)
    }
    let rows = kept.lines.get(line)
    if (!rows) {
      rows = chopped([span(withoutTabs(page.lines[line] ?? ''))], width)
      kept.lines.set(line, rows)
    }
    return rows
  }

  /** What is searched for, in this row; it may begin in the row before. */
  #marksIn({ page, line, row }: Place): readonly Mark[] {
    if (!this.#search) return []
    const rows = this.#rowsOf(page, line)
    const starts = rowStarts(rows)
    const [from, to] = [starts[row] ?? 0, starts[row + 1] ?? Number.POSITIVE_INFINITY]
    return Array.from(rows.map(plainOf).join('').matchAll(this.#search.pattern), (match): Mark => [match.index, match.index + match[0].length]).flatMap(
      ([begin, end]): readonly Mark[] => (begin < to && end > from ? [[Math.max(begin, from) - from, Math.min(end, to) - from]] : []),
    )
  }
}

const compare = (a: Place, b: Place): number => a.page - b.page || a.line - b.line || a.row - b.row

function rowStarts(rows: readonly Row[]): readonly number[] {
  let at = 0
  return rows.map((row) => {
    const from = at
    at += plainOf(row).length
    return from
  })
}

/** The row in which the first match begins. */
function startOfMatch(rows: readonly Row[], pattern: RegExp): number {
  const at = rows.map(plainOf).join('').search(pattern)
  return Math.max(
    0,
    rowStarts(rows).findLastIndex((from) => from <= at),
  )
}

// The line where a filter is written: it counts with every key. Owns the text, the search through transcripts behind it, and the filters that were given names.

import { Picker, type PickerItem } from '../picker.ts'
import type { Size, Stage } from '../view.ts'
import { fit } from '../cells.ts'
import { type Filter, filterFrom, isEmpty, noFilter } from './filter.ts'
import type { Listing } from './listing.ts'
import { OneLine } from './one-line.ts'

export interface SavedFilters {
  readonly filters: Readonly<Record<string, string>>
  saveFilter(name: string, filter: string | undefined): void
}

const searchedAfterMs = 150
const mostHits = 200
/** Shorter words are in everything. */
const shortestWord = 2

export class FilterLine {
  readonly #stage: Stage
  readonly #listing: Listing
  readonly #saved: SavedFilters
  readonly #line: OneLine
  #naming: OneLine | undefined
  #picker: Picker | undefined
  #filter: Filter = noFilter
  #timer: NodeJS.Timeout | undefined
  #searching = new AbortController()

  constructor(stage: Stage, listing: Listing, saved: SavedFilters) {
    this.#stage = stage
    this.#listing = listing
    this.#saved = saved
    this.#line = new OneLine(stage.theme, { prompt: '/', placeholder: 'words, status:waiting agent:codex project:shop branch:x label:y' })
  }

  get text(): string {
    return this.#line.text.trim()
  }

  /** What is wrong with it. */
  get hint(): string | undefined {
    return this.#filter.hint
  }

  get isEmpty(): boolean {
    return isEmpty(this.#filter)
  }

  clear(): void {
    this.#line.text = ''
    this.#apply()
  }

  /** `done`: the filter stays, or is gone. */
  input(data: string, done: () => void): void {
    if (this.#picker) return this.#picker.input(data)
    if (this.#naming) return this.#name(this.#naming, data)
    switch (this.#stage.keymap.action('filter', data)) {
      case 'filter.apply':
        return done()
      case 'filter.back':
        this.clear()
        return done()
      case 'filter.save':
        if (this.text === '') this.#stage.say('write a filter first')
        else this.#naming = new OneLine(this.#stage.theme, { prompt: 'save as:', placeholder: 'a name for this filter' })
        return
    }
    if (data === '/' && this.#line.text === '') return this.#pick()
    this.#line.input(data)
    this.#apply()
  }

  /** The line, and above it the saved filters while one is chosen. */
  render({ columns, rows }: Size): readonly string[] {
    const picker = this.#picker?.render({ columns, rows: Math.max(1, rows - 1) }) ?? []
    return [...picker, (this.#naming ?? this.#line).render(columns)].slice(-rows)
  }

  /** What the filter leaves, or what is wrong with it. */
  foot(columns: number): string {
    const { theme } = this.#stage
    const { hint } = this.#filter
    return hint === undefined ? theme.dim(` ${fit(this.#hints(), columns - 2)}`) : theme.warning(` ${fit(hint, columns - 2)}`)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#searching.abort()
  }

  #hints(): string {
    const { keymap } = this.#stage
    if (this.#naming) return 'Enter saves it   Esc back'
    if (this.#picker) return 'Enter chooses   Esc back'
    const { fitting, all, archivedFitting } = this.#listing.counts
    const archived = archivedFitting > 0 ? `, ${archivedFitting} archived (${keymap.hint('list.all')})` : ''
    const saved = this.text !== '' ? `${keymap.hint('filter.save')} save` : Object.keys(this.#saved.filters).length > 0 ? '/ saved ones' : ''
    return [`${fitting} of ${all}${archived}`, `${keymap.hint('filter.apply')} keep`, saved, `${keymap.hint('filter.back')} clear`].filter((part) => part !== '').join('   ')
  }

  #name(line: OneLine, data: string): void {
    switch (this.#stage.keymap.action('filter', data)) {
      case 'filter.apply':
        if (line.text.trim() === '') return
        this.#saved.saveFilter(line.text.trim(), this.text)
        this.#stage.say(`saved: // chooses ${line.text.trim()} again`)
        this.#naming = undefined
        return
      case 'filter.back':
        this.#naming = undefined
        return
      default:
        line.input(data)
    }
  }

  #pick(): void {
    const items = Object.entries(this.#saved.filters).map(([name, filter]): PickerItem => ({ value: name, label: name, description: filter }))
    if (items.length === 0) return this.#stage.say(`no filter was saved yet: ${this.#stage.keymap.hint('filter.save')} saves one`)
    const closed = (): void => (this.#picker = undefined)
    this.#picker = new Picker(this.#stage, {
      title: 'saved filters',
      items,
      chosen: (name) => {
        this.#picker = undefined
        this.#line.text = this.#saved.filters[name] ?? ''
        this.#apply()
      },
      closed,
    })
  }

  #apply(): void {
    this.#filter = filterFrom(this.text)
    const searched = this.#filter.words.filter((word) => word.length >= shortestWord)
    this.#listing.choose({ filter: this.#filter, ...(searched.length === 0 ? { excerpts: new Map() } : {}) })
    clearTimeout(this.#timer)
    this.#searching.abort()
    if (searched.length > 0) this.#timer = setTimeout(() => void this.#search(searched.join(' ')), searchedAfterMs)
  }

  async #search(text: string): Promise<void> {
    const searching = (this.#searching = new AbortController())
    try {
      const hits = await this.#stage.client.search({ text, limit: mostHits }, AbortSignal.any([searching.signal, this.#stage.signal]))
      if (searching.signal.aborted) return
      const excerpts = new Map<string, string>()
      for (const { session, excerpt } of hits) if (!excerpts.has(session)) excerpts.set(session, excerpt)
      this.#listing.choose({ excerpts })
      this.#stage.repaint()
    } catch (thrown) {
      if (!searching.signal.aborted) this.#stage.complain(thrown)
    }
  }
}

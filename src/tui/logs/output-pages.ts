// The output of a program as lines of text, page by page of its bytes: whatever its length, only the pages that are looked at are in memory. Owns them and the one that grows; knows nothing of rows.
//
// A page is made of the lines that begin in so many bytes of the log, so that any page can be made without those before it. One with bytes and no line feed begins where it begins. The last page
// grows: it has everything up to the end.

import { plainText } from '../../core/terminal-text.ts'
import type { Client } from '../../sdk/client.ts'

export const pageBytes = 64 * 1024
const keptPages = 128
/** Read at once when many are gone through. */
const pagesInBlock = 16
const lineFeed = 10

export interface Page {
  readonly number: number
  readonly lines: readonly string[]
}

/** Bytes that follow each other. */
interface Part {
  readonly offset: number
  readonly bytes: Uint8Array
}

const endOf = ({ offset, bytes }: Part): number => offset + bytes.length
/** The page that has the end in it: the one before may still get the rest of its last line. */
const lastPage = (end: number): number => Math.max(0, Math.floor((end + 1) / pageBytes) - 1)
const windowStart = (page: number): number => Math.max(0, page * pageBytes - 1)

export class OutputPages {
  readonly #client: Pick<Client, 'output'>
  readonly #session: string
  readonly #run: number
  readonly #signal: AbortSignal
  readonly #kept = new Map<number, Page>()
  readonly #loading = new Map<number, Promise<void>>()
  /** Not kept by the keeper, as far as somebody came across it: from, to. */
  readonly #holes: (readonly [number, number])[] = []
  /** Pages without a line, such as of a program that only moves its cursor. */
  readonly #empty = new Set<number>()
  #tail: readonly Part[] = []
  #end = 0
  #last = 0
  #growing: Page | undefined

  constructor(client: Pick<Client, 'output'>, about: { readonly session: string; readonly run: number }, signal: AbortSignal) {
    this.#client = client
    this.#session = about.session
    this.#run = about.run
    this.#signal = signal
  }

  /** In bytes, as far as it is known. */
  get end(): number {
    return this.#end
  }

  get last(): number {
    return this.#last
  }

  /** Follows the end until the program has ended. `ready`: once, when everything that was there was read. `grown`: after each thing that came. */
  async follow(told: { readonly ready: () => void; readonly grown: () => void }): Promise<void> {
    let end = 0
    for await (const frame of this.#output(-1, false, this.#signal)) end = endOf(frame)
    this.#last = lastPage(end)
    this.#tail = []
    if (end === 0) told.ready()
    let behind = end > 0
    for await (const { offset, bytes } of this.#output(windowStart(this.#last), true, this.#signal)) {
      this.#take({ offset, bytes })
      if (behind && this.#end >= end) {
        behind = false
        told.ready()
      }
      told.grown()
    }
    if (behind && !this.#signal.aborted) told.ready()
  }

  /** Undefined: it is not in memory. */
  page(number: number): Page | undefined {
    if (number !== this.#last) return this.#kept.get(number)
    this.#growing ??= pageOf(this.#tail, number, startOf(this.#tail, number), this.#end)
    return this.#growing
  }

  load(number: number): Promise<void> {
    if (this.page(number)) return Promise.resolve()
    const known = this.#loading.get(number)
    if (known) return known
    const loading = this.#read(number, 1, this.#signal)
      .then((pages) => pages.forEach((page) => this.#keep(page)))
      .finally(() => this.#loading.delete(number))
    this.#loading.set(number, loading)
    return loading
  }

  /** The number of the page beside this one that may have lines; undefined at the ends. */
  beside(number: number, direction: 1 | -1): number | undefined {
    for (let next = number + direction; next >= 0 && next <= this.#last; next += direction) {
      // The end of its last line may lie in the page after it.
      const hole = this.#holes.find(([from, to]) => from <= windowStart(next) && (next + 2) * pageBytes <= to)
      if (hole) next = direction === 1 ? Math.floor(hole[1] / pageBytes) - 2 : Math.floor(hole[0] / pageBytes) + 1
      else if (next === this.#last || !this.#empty.has(next)) return next
    }
    return undefined
  }

  /** From this page on, in this direction, without keeping them. */
  async *through(number: number, direction: 1 | -1, signal: AbortSignal): AsyncIterable<Page> {
    const both = AbortSignal.any([signal, this.#signal])
    for (let at: number | undefined = number; at !== undefined && !both.aborted;) {
      // The last one may grow meanwhile.
      const isLast: boolean = at >= this.#last
      const first: number = direction === 1 || isLast ? at : Math.max(0, at - pagesInBlock + 1)
      const final: number = direction === -1 || isLast ? at : Math.min(at + pagesInBlock, this.#last) - 1
      const growing = isLast ? this.page(at) : undefined
      const pages = growing ? [growing] : await this.#read(first, final - first + 1, both)
      if (both.aborted) return
      yield* direction === 1 ? pages : pages.toReversed()
      at = this.beside(direction === 1 ? final : first, direction)
    }
  }

  #keep(page: Page): void {
    if (page.lines.length === 0) this.#empty.add(page.number)
    this.#kept.set(page.number, page)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= keptPages) break
      this.#kept.delete(oldest)
    }
  }

  async *#output(from: number, follow: boolean, signal: AbortSignal): AsyncIterable<Part> {
    yield* this.#client.output({ session: this.#session, run: this.#run, stream: 'out', from, follow }, signal)
  }

  #take(part: Part): void {
    this.#tail = joined([...this.#tail, part])
    this.#end = endOf(part)
    this.#growing = undefined
    while (lastPage(this.#end) > this.#last) {
      const from = startOf(this.#tail, this.#last)
      const to = startOf(this.#tail, this.#last + 1)
      this.#keep(pageOf(this.#tail, this.#last, from, to))
      this.#last += 1
      this.#tail = cut(this.#tail, windowStart(this.#last), this.#end)
    }
  }

  /** Pages that do not grow any more. */
  async #read(first: number, many: number, signal: AbortSignal): Promise<readonly Page[]> {
    const from = windowStart(first)
    const to = (first + many + 1) * pageBytes
    const read: Part[] = []
    for await (const part of this.#output(from, false, signal)) {
      const last = read.at(-1)
      if (!last && part.offset > from) await this.#noteHole(from, part.offset, signal)
      if (last && part.offset > endOf(last)) this.#holes.push([endOf(last), part.offset])
      read.push(part)
      if (endOf(part) >= to) break
    }
    if (signal.aborted) return []
    const parts = joined(read)
    return Array.from({ length: many }, (_, index) => pageOf(parts, first + index, startOf(parts, first + index), startOf(parts, first + index + 1)))
  }

  /** Its beginning is found by halves, so that nobody walks through it page by page. */
  async #noteHole(within: number, to: number, signal: AbortSignal): Promise<void> {
    let there = 0
    let missing = within
    while (missing - there > pageBytes) {
      const middle = Math.floor((there + missing) / 2)
      let found = false
      for await (const { offset } of this.#output(middle, false, signal)) {
        found = offset === middle
        break
      }
      if (signal.aborted) return
      if (found) there = middle
      else missing = middle
    }
    this.#holes.push([missing, to])
  }
}

/** Those that follow each other as one. */
function joined(parts: readonly Part[]): readonly Part[] {
  const groups: Part[][] = []
  for (const part of parts) {
    const group = groups.at(-1)
    const last = group?.at(-1)
    if (group && last && endOf(last) === part.offset) group.push(part)
    else groups.push([part])
  }
  return groups.map((group) => ({ offset: group[0]?.offset ?? 0, bytes: group.length === 1 && group[0] ? group[0].bytes : Buffer.concat(group.map(({ bytes }) => bytes)) }))
}

const cut = (parts: readonly Part[], from: number, to: number): readonly Part[] =>
  parts.flatMap((part) => {
    const [begin, end] = [Math.max(from, part.offset), Math.min(to, endOf(part))]
    return begin < end ? [{ offset: begin, bytes: part.bytes.subarray(begin - part.offset, end - part.offset) }] : []
  })

/** Behind the first line feed of its bytes, counted from the one before them. */
function startOf(parts: readonly Part[], number: number): number {
  if (number === 0) return 0
  for (const { offset, bytes } of cut(parts, windowStart(number), windowStart(number + 1))) {
    const at = bytes.indexOf(lineFeed)
    if (at !== -1) return offset + at + 1
  }
  return number * pageBytes
}

function pageOf(parts: readonly Part[], number: number, from: number, to: number): Page {
  const lines: string[] = []
  for (const [index, part] of parts.entries()) {
    for (const { bytes } of cut([part], from, to)) {
      const text = plainText(bytes)
      if (text === '') continue
      for (const line of (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')) lines.push(line)
    }
    const next = parts[index + 1]
    if (next && endOf(part) > from && endOf(part) <= to) lines.push(`… ${sizeText(next.offset - endOf(part))} were not kept …`)
  }
  return { number, lines }
}

/** `950 B`, `12 kB`, `3.4 MB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 999_500) return `${Math.round(bytes / 1000)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

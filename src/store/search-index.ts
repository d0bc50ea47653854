// Full text over what the log says, in an FTS5 table in a file of its own. A cache: it is brought up to date when somebody searches, made anew when it is gone, damaged or of another log, and nobody but
// a search ever waits for it. The log knows nothing of it.

import { createHash } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { setImmediate as breath } from 'node:timers/promises'
import type { Hit, SearchQuery } from '../core/api.ts'
import type { Envelope } from '../core/events.ts'
import type { EventLog } from './event-log.ts'
import { type SearchDatabase, isDamage, kinds, merge, numberOf, openSearchDatabase, stateOf } from './search-database.ts'
import { type Term, excerptOf, indexedText, matchOf, piecesOf, searchedOf, shownText, termsOf } from './search-text.ts'
import { SQLITE_ERROR, SQLITE_FULL, primaryCode } from './sqlite-codes.ts'

/** The loop goes round after this time. */
const sliceMs = 8
/** UTF-16 units of text. */
const commitEvery = 1_000_000
/** Of every commit, spent on making searches fast. */
const mergeMs = 4
const pageSize = 20

/** The index can be neither read nor made anew. Sessions know nothing of it. */
export class SearchFailed extends Error {
  constructor(path: string, what: string, options?: ErrorOptions) {
    super(`cannot search: ${path} ${what}`, options)
    this.name = 'SearchFailed'
  }
}

export interface SearchParts {
  /** In a folder that may be missing. */
  readonly path: string
  readonly log: EventLog
  /** Name of what a directory belongs to. */
  readonly projectOf: (directory: string) => Promise<string>
}

export class SearchIndex {
  readonly #parts: SearchParts
  #opened: SearchDatabase | undefined
  #updating: Promise<SearchDatabase> | undefined
  /** A search failed over what is in it. */
  #isSuspect = false

  constructor(parts: SearchParts) {
    this.#parts = parts
  }

  /** Of everything that was recorded before: at most three of a session, the best first, of those that are as good the newest. Throws SearchFailed, and what the log throws. */
  async search(query: SearchQuery, signal: AbortSignal): Promise<readonly Hit[]> {
    const terms = termsOf(query.text)
    if (terms.length === 0) return []
    for (let isRetry = false; ; isRetry = true) {
      const opened = await this.#upToDate().catch((cause: unknown) => {
        throw this.#explained(cause)
      })
      signal.throwIfAborted()
      try {
        return await excerpted(found(opened, terms, query.limit), terms)
      } catch (cause) {
        if (isRetry || !isDamage(cause)) throw this.#explained(cause)
        this.#isSuspect = true
      }
    }
  }

  close(): void {
    this.#opened?.database.close()
    this.#opened = undefined
  }

  /** For any number of searches at once. */
  #upToDate(): Promise<SearchDatabase> {
    return (this.#updating ??= this.#update().finally(() => (this.#updating = undefined)))
  }

  async #update(): Promise<SearchDatabase> {
    const { path } = this.#parts
    if (this.#isSuspect || !existsSync(path)) this.#discard()
    try {
      return await this.#follow()
    } catch (cause) {
      // Tables that are not as they should be are an error of what is asked.
      if (!isDamage(cause) && primaryCode(cause) !== SQLITE_ERROR) throw cause
      this.#discard()
      return this.#follow()
    }
  }

  #discard(): void {
    this.close()
    this.#isSuspect = false
    for (const end of ['', '-journal', '-wal', '-shm']) rmSync(this.#parts.path + end, { force: true })
  }

  async #follow(): Promise<SearchDatabase> {
    const { log, path } = this.#parts
    this.#opened ??= openSearchDatabase(path)
    if (!isOf(log, this.#opened)) {
      this.#discard()
      this.#opened = openSearchDatabase(path)
    }
    const writing = new Writing(this.#opened)
    try {
      let { cursor } = stateOf(this.#opened)
      for (;;) {
        const page = log.read({ after: cursor, limit: pageSize })
        for (const envelope of page) {
          await this.#take(envelope, writing)
          cursor = envelope.cursor
        }
        if (page.length === 0) break
      }
      writing.commit()
    } catch (cause) {
      writing.undo()
      throw cause
    }
    return this.#opened
  }

  async #take(envelope: Envelope, writing: Writing): Promise<void> {
    const { event, session } = envelope
    const removed = event.type === 'removed' ? 1 : event.type === 'restored' ? 0 : undefined
    const keyed = searchedOf(envelope, event.type === 'created' ? await this.#parts.projectOf(event.spec.cwd) : '')
    if (keyed.length > 0 || removed !== undefined) {
      const { run } = writing.opened
      const of = numberOf(writing.opened, session)
      if (removed !== undefined) run.removed.run(removed, of)
      // A title that only repeats the prompt would be found beside it.
      if (event.type === 'prompt-queued' && repeats(String(run.title.get(of)?.['text'] ?? ''), shownText(event.text))) forget(writing.opened, of, 'title')
      for (const { key, texts } of keyed) {
        forget(writing.opened, of, key)
        for (const { kind, text } of texts) {
          for (const piece of piecesOf(shownText(text))) {
            const { lastInsertRowid: number } = run.say.run(of, key, kinds.indexOf(kind), envelope.seq, envelope.atMs)
            run.keep.run(number, piece)
            run.index.run(number, indexedText(piece))
            await writing.wrote(piece.length)
          }
        }
      }
    }
    await writing.done(envelope)
  }

  #explained(cause: unknown): unknown {
    const code = primaryCode(cause)
    const isOfFile = cause instanceof Error && 'syscall' in cause
    if (code === undefined && !isOfFile) return cause
    const isFull = code === SQLITE_FULL || (isOfFile && 'code' in cause && cause.code === 'ENOSPC')
    const what = isFull ? 'takes nothing: the disk is full; free some space' : `cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`
    return new SearchFailed(this.#parts.path, what, { cause })
  }
}

/** What is written to the index, in large transactions; the loop goes round in the midst of them. */
class Writing {
  readonly opened: SearchDatabase
  #sinceMs = performance.now()
  #length = 0
  #last: Envelope | undefined

  constructor(opened: SearchDatabase) {
    this.opened = opened
    opened.database.exec('begin')
  }

  async wrote(length: number): Promise<void> {
    this.#length += length
    if (this.#length >= commitEvery) {
      this.commit()
      this.opened.database.exec('begin')
    }
    if (performance.now() - this.#sinceMs < sliceMs) return
    await breath()
    this.#sinceMs = performance.now()
  }

  /** Everything up to this fact is written. */
  async done(envelope: Envelope): Promise<void> {
    this.#last = envelope
    await this.wrote(0)
  }

  commit(): void {
    const { run, database } = this.opened
    this.#length = 0
    if (this.#last) {
      run.keepState.run(this.#last.cursor, markOf(this.#last))
      merge(this.opened, mergeMs)
    }
    database.exec('commit')
  }

  undo(): void {
    const { database } = this.opened
    // SQLite has rolled back by itself after some errors.
    if (database.isOpen && database.isTransaction) database.exec('rollback')
  }
}

/** Whether the index was made of this log: the fact that it ends with is there, word for word. */
function isOf(log: EventLog, opened: SearchDatabase): boolean {
  const { cursor, mark } = stateOf(opened)
  if (cursor === 0) return true
  const [last] = log.read({ after: cursor - 1, limit: 1 })
  return last !== undefined && markOf(last) === mark
}

const markOf = (envelope: Envelope): string => createHash('sha256').update(JSON.stringify(envelope)).digest('hex')

function forget({ run }: SearchDatabase, session: number, key: string): void {
  for (const { number } of run.former.all(session, key)) {
    for (const table of ['unsay', 'unkeep', 'forget'] as const) run[table].run(Number(number))
  }
}

const repeats = (title: string, prompt: string): boolean => title !== '' && prompt.startsWith(title.replace(/…$/, ''))

type Found = Omit<Hit, 'excerpt'> & { readonly text: string }

const found = ({ run }: SearchDatabase, terms: readonly Term[], limit: number): readonly Found[] =>
  run.find.all(matchOf(terms), limit).map((row) => ({
    session: String(row['id']),
    seq: Number(row['seq']),
    atMs: Number(row['at_ms']),
    kind: kinds[Number(row['kind'])] ?? 'message',
    text: String(row['text']),
  }))

async function excerpted(all: readonly Found[], terms: readonly Term[]): Promise<readonly Hit[]> {
  const hits: Hit[] = []
  let sinceMs = performance.now()
  for (const { text, ...hit } of all) {
    hits.push({ ...hit, excerpt: excerptOf(text, terms) })
    if (performance.now() - sinceMs < sliceMs) continue
    await breath()
    sinceMs = performance.now()
  }
  return hits
}

// What the screens remember from one visit to the next: the task that was being written, and the filters that were given names. One small file of the user's own; losing it loses nothing else.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

interface State {
  readonly draft: string
  readonly filters: Readonly<Record<string, string>>
}

const nothing: State = { draft: '', filters: {} }
const writtenAfterMs = 500

export class KeptState {
  readonly #file: string
  #state: State
  #timer: NodeJS.Timeout | undefined

  constructor(file: string) {
    this.#file = file
    this.#state = readState(file)
  }

  get draft(): string {
    return this.#state.draft
  }

  set draft(draft: string) {
    if (draft === this.#state.draft) return
    this.#state = { ...this.#state, draft }
    this.#timer ??= setTimeout(() => this.save(), writtenAfterMs)
  }

  get filters(): Readonly<Record<string, string>> {
    return this.#state.filters
  }

  /** Undefined: the name is forgotten. */
  saveFilter(name: string, filter: string | undefined): void {
    const { [name]: _, ...others } = this.#state.filters
    this.#state = { ...this.#state, filters: filter === undefined ? others : { ...others, [name]: filter } }
    this.save()
  }

  /** What is not written yet, now. A disk that takes nothing costs what would have been remembered. */
  save(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 })
      const whole = `${this.#file}.${process.pid}`
      writeFileSync(whole, `${JSON.stringify(this.#state)}\n`, { mode: 0o600 })
      renameSync(whole, this.#file)
    } catch {
      // It is a convenience; the sessions are kept elsewhere.
    }
  }

  /** Writes what waits to be written. */
  close(): void {
    if (this.#timer) this.save()
  }
}

function readState(file: string): State {
  try {
    const found: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof found !== 'object' || found === null) return nothing
    const draft = 'draft' in found && typeof found.draft === 'string' ? found.draft : ''
    const filters = 'filters' in found && typeof found.filters === 'object' && found.filters !== null ? Object.entries(found.filters) : []
    return { draft, filters: Object.fromEntries(filters.filter((one): one is [string, string] => typeof one[1] === 'string')) }
  } catch {
    return nothing
  }
}

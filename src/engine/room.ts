// How many runs may be alive at once, and who waits. A run that finds no room is deferred; whoever waits longest is asked first when one ends.

import type { EngineParts } from './parts.ts'

/** Somebody who may be told that there is room. */
interface Waiting {
  mayStart(): Promise<void>
}

/** Memory comes back without anybody saying so: how often a run that waits for it looks again. */
const memoryEveryMs = 30_000
const megabyte = 1024 * 1024

export class Room {
  readonly #parts: EngineParts
  readonly #waiting: () => readonly Waiting[]
  readonly #taken = new Set<string>()
  #looksAgain = false

  constructor(parts: EngineParts, waiting: () => readonly Waiting[]) {
    this.#parts = parts
    this.#waiting = waiting
  }

  /** Takes a place for a run of this session, or says why there is none. */
  async take(session: string): Promise<string | undefined> {
    const { maxLiveRuns, minFreeMemoryBytes } = this.#parts.limits
    const others = this.#taken.size - (this.#taken.has(session) ? 1 : 0)
    if (maxLiveRuns > 0 && others >= maxLiveRuns) return `waits for room: ${others} runs are alive, and the limit is ${maxLiveRuns}`
    const available = minFreeMemoryBytes > 0 ? await this.#parts.availableMemory() : undefined
    if (available !== undefined && available < minFreeMemoryBytes) {
      if (!this.#looksAgain) setTimeout(() => this.#look(), memoryEveryMs).unref()
      this.#looksAgain = true
      return `waits for memory: ${Math.round(available / megabyte)} MB are available, and ${Math.round(minFreeMemoryBytes / megabyte)} MB are to stay free`
    }
    this.#taken.add(session)
    return undefined
  }

  /** For a run that is alive already. */
  keep(session: string): void {
    this.#taken.add(session)
  }

  give(session: string): void {
    if (this.#taken.delete(session)) this.freed()
  }

  /** Asks those who wait, as many as there are places. */
  freed(): void {
    const { maxLiveRuns } = this.#parts.limits
    const places = maxLiveRuns > 0 ? maxLiveRuns - this.#taken.size : Infinity
    for (const one of this.#waiting().slice(0, Math.max(0, places))) void one.mayStart()
  }

  #look(): void {
    this.#looksAgain = false
    this.freed()
  }
}

// Prompts on their way to the daemon, in the order in which they were written. Keeps each until the daemon has it; what it does not take is given back, with all that was to follow.

export interface OutboxParts {
  /** Settles when the daemon has taken it. */
  readonly deliver: (text: string) => Promise<void>
  readonly lost: (text: string, cause: unknown) => void
  readonly changed: () => void
}

/** A daemon that takes longer is seen to take long. */
const slowAfterMs = 200

export class Outbox {
  readonly #parts: OutboxParts
  readonly #texts: string[] = []
  #slow = false
  #busy = false

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  /** All that the daemon has not taken yet. */
  get unsent(): readonly string[] {
    return this.#texts
  }

  /** Those of them that are worth showing. */
  get late(): readonly string[] {
    return this.#slow ? this.#texts : []
  }

  send(text: string): void {
    this.#texts.push(text)
    if (!this.#busy) void this.#run()
  }

  async #run(): Promise<void> {
    this.#busy = true
    for (let [text] = this.#texts; text !== undefined; [text] = this.#texts) {
      const timer = setTimeout(() => this.#isSlow(true), slowAfterMs)
      try {
        await this.#parts.deliver(text)
        this.#texts.shift()
      } catch (cause) {
        this.#parts.lost(this.#texts.splice(0).join('\n\n'), cause)
      } finally {
        clearTimeout(timer)
        this.#isSlow(false)
      }
    }
    this.#busy = false
  }

  #isSlow(slow: boolean): void {
    if (slow === this.#slow) return
    this.#slow = slow
    this.#parts.changed()
  }
}

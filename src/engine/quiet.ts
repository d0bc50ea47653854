// Notices that nothing happened for a while. One timer, set again only when it fires, so that hearing something costs nothing.

export class Quiet {
  readonly #afterMs: number
  readonly #onQuiet: () => void
  #lastMs = performance.now()
  #timer: NodeJS.Timeout | undefined

  /** `afterMs` 0: never quiet. Times are monotonic. Whoever makes it ends it with `stop`. */
  constructor(afterMs: number, onQuiet: () => void) {
    this.#afterMs = afterMs
    this.#onQuiet = onQuiet
  }

  heard(): void {
    this.#lastMs = performance.now()
  }

  /** From now on, until it was quiet once or `stop`. */
  watch(): void {
    this.heard()
    if (this.#afterMs > 0) this.#timer ??= this.#set(this.#afterMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #set(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      const leftMs = this.#afterMs - (performance.now() - this.#lastMs)
      this.#timer = leftMs > 0 ? this.#set(Math.ceil(leftMs)) : undefined
      if (leftMs <= 0) this.#onQuiet()
    }, ms).unref()
  }
}

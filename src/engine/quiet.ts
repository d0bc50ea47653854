// Notices that nothing happened for a while. One timer, set again only when it fires, so that hearing something costs nothing. A process that stood still itself takes
// nobody's word for silence: what was said meanwhile is read first.

/** A timer that fires so much late tells of ourselves: stopped, or starved. */
const lateMs = 100
/** For reading what came in meanwhile. */
const graceMs = 1000

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

  /** Nothing was heard for that long up to now. */
  get isQuiet(): boolean {
    return performance.now() - this.#lastMs >= this.#afterMs
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #set(ms: number): NodeJS.Timeout {
    const dueMs = performance.now() + ms
    return setTimeout(() => {
      const nowMs = performance.now()
      const leftMs = Math.max(this.#afterMs - (nowMs - this.#lastMs), nowMs - dueMs > lateMs ? graceMs : 0)
      this.#timer = leftMs > 0 ? this.#set(Math.ceil(leftMs)) : undefined
      if (leftMs <= 0) this.#onQuiet()
    }, ms).unref()
  }
}

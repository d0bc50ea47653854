// When the list is painted without a key: soon after sessions have changed, all changes of that time together, and when what it says of the time is old. One timer.

/** What the user does is painted at once; changes of sessions are this far apart, so that they are seen soon and frames that cost more take no larger part of the processor. */
const leastEveryMs = 25
const mostEveryMs = 100
const partOfFrame = 12

export class Pace {
  readonly #repaint: () => void
  readonly #frameMs: () => number
  /** When it was painted, or that was asked for. */
  #lastMs = -Infinity
  #paintedMs = -Infinity
  #dueMs = Infinity
  #timer: NodeJS.Timeout | undefined

  /** `frameMs`: what the last frame took. */
  constructor(repaint: () => void, frameMs: () => number) {
    this.#repaint = repaint
    this.#frameMs = frameMs
  }

  /** Something changed: it is painted soon. */
  soon(): void {
    this.#paintBy(this.#lastMs + this.#everyMs)
  }

  /** It was painted so recently that it can wait; it is painted when it was long enough. */
  waits(): boolean {
    const dueMs = this.#paintedMs + this.#everyMs
    if (performance.now() >= dueMs) return false
    this.#paintBy(dueMs)
    return true
  }

  /** It is painted now, and stays so for this long if nothing happens. */
  painted(goodForMs: number): void {
    this.#paintedMs = this.#lastMs = performance.now()
    this.rest()
    this.#paintBy(this.#paintedMs + goodForMs)
  }

  /** Nothing is painted any more unless something changes. */
  rest(): void {
    clearTimeout(this.#timer)
    this.#dueMs = Infinity
  }

  get #everyMs(): number {
    return Math.min(mostEveryMs, Math.max(leastEveryMs, partOfFrame * this.#frameMs()))
  }

  #paintBy(dueMs: number): void {
    if (this.#dueMs <= dueMs) return
    this.rest()
    this.#dueMs = dueMs
    const paint = (): void => {
      this.rest()
      this.#lastMs = performance.now()
      this.#repaint()
    }
    this.#timer = setTimeout(paint, Math.max(0, dueMs - performance.now()))
  }
}

// When to look at the screen of a program: a moment after its output has come to rest, or now and then if it never does; less often while every look shows the same, and never while nothing is
// printed. It only says when.

/** Nothing was printed for this long. */
const restMs = 150
/** A spinner turns beside some dialogs. */
const restlessMs = 2000
/** Between two looks, at first and at last. */
const leastMs = 400
const mostMs = 15_000
/** So many looks in a row that show nothing new are made as soon as may be. */
const patience = 10
/** A dialog takes more to be painted; a title that blinks does not. */
const smallBytes = 200

export class Looks {
  readonly #look: () => void
  #timer: NodeJS.Timeout | undefined
  /** When it fires. */
  #timerAtMs = Infinity
  #heardAtMs = -Infinity
  #lookedAtMs = -Infinity
  /** Since the last look. */
  #firstAtMs = -Infinity
  /** Printed without a rest, now and at most since the last look. */
  #bytes = 0
  #most = 0
  #same = 0

  /** Whoever makes it ends it with `stop`. */
  constructor(look: () => void) {
    this.#look = look
  }

  heard(bytes: number): void {
    const nowMs = performance.now()
    this.#bytes = (nowMs - this.#heardAtMs < restMs ? this.#bytes : 0) + bytes
    this.#most = Math.max(this.#most, this.#bytes)
    this.#heardAtMs = nowMs
    if (this.#firstAtMs <= this.#lookedAtMs) this.#firstAtMs = nowMs
    // More was printed than what it was waiting with.
    if (this.#timer && this.#timerAtMs > this.#dueAtMs()) this.stop()
    this.#timer ??= this.#set(this.#dueAtMs() - this.#heardAtMs)
  }

  /** Also if nothing is printed. */
  soon(ms: number): void {
    this.#same = 0
    clearTimeout(this.#timer)
    this.#timer = this.#set(ms)
  }

  /** What was seen. */
  seen(isNew: boolean): void {
    this.#same = isNew ? 0 : this.#same + 1
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #set(ms: number): NodeJS.Timeout {
    this.#timerAtMs = performance.now() + ms
    return setTimeout(() => this.#due(), Math.ceil(ms)).unref()
  }

  #due(): void {
    const nowMs = performance.now()
    const waitMs = this.#dueAtMs() - nowMs
    if (waitMs > 0) {
      this.#timer = this.#set(waitMs)
      return
    }
    this.#timer = undefined
    this.#lookedAtMs = nowMs
    this.#most = 0
    this.#look()
  }

  #dueAtMs(): number {
    return Math.max(Math.min(this.#heardAtMs + restMs, this.#firstAtMs + restlessMs), this.#lookedAtMs + this.#everyMs())
  }

  #everyMs(): number {
    const doublings = Math.max(0, this.#same - (this.#most < smallBytes ? 2 : patience))
    return Math.min(leastMs * 2 ** Math.min(doublings, 10), this.#most < smallBytes ? mostMs : mostMs / 5)
  }
}

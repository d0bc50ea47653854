// When what a program says of itself is recorded: a new state at once, several in a row too, then twice a second at most; other words less often, and less and less often while they go on changing.
// Told the time; sets no timer.

/** A state more is due every so often, and this many may be recorded one after the other when there were none for a while. */
const stateEveryMs = 500
const statesAtOnce = 4
const wordsEveryMs = 2000
const longestWordsEveryMs = 10_000

export class SignalPace {
  /** Of the states that were recorded, as if each had been when it was due. */
  #statesDueMs = -Infinity
  #recordedAtMs = -Infinity
  #wordsEveryMs = wordsEveryMs

  /** How long it has to wait: 0 if it may be recorded now. */
  waitMs(news: 'state' | 'words', nowMs: number): number {
    if (news === 'words') return Math.max(0, this.#recordedAtMs + this.#wordsEveryMs - nowMs)
    return Math.max(0, this.#statesDueMs - (statesAtOnce - 1) * stateEveryMs - nowMs)
  }

  recorded(news: 'state' | 'words', nowMs: number): void {
    if (news === 'state') {
      this.#statesDueMs = Math.max(this.#statesDueMs, nowMs) + stateEveryMs
      this.#wordsEveryMs = wordsEveryMs
    } else {
      const goesOn = nowMs - this.#recordedAtMs < 2 * this.#wordsEveryMs
      this.#wordsEveryMs = goesOn ? Math.min(2 * this.#wordsEveryMs, longestWordsEveryMs) : wordsEveryMs
    }
    this.#recordedAtMs = nowMs
  }
}

// One thing at a time, in order: how a session actor serialises what comes in. A thing that throws does not stop the next one.

export class Mailbox {
  #tail: Promise<unknown> = Promise.resolve()
  #waiting = 0

  /** Runs `step` after everything that was put in before it; resolves or rejects with what it gives. */
  put<T>(step: () => Promise<T> | T): Promise<T> {
    this.#waiting += 1
    const result = this.#tail.then(step)
    this.#tail = result.then(this.#done, this.#done)
    return result
  }

  /** Steps not finished. */
  get waiting(): number {
    return this.#waiting
  }

  #done = (): void => {
    this.#waiting -= 1
  }
}

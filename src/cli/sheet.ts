// A sheet for everything that is not a terminal: text goes out once and in order, the line that is being said as it grows.

import type { Sheet } from './narration.ts'

export class PlainSheet implements Sheet {
  readonly #out: (text: string) => void
  /** What is out of a line that is not complete. */
  #begun = ''

  constructor(out: (text: string) => void) {
    this.#out = out
  }

  print(text: string): void {
    if (this.#begun === '') this.#out(text)
    else if (text.startsWith(this.#begun)) this.#out(text.slice(this.#begun.length))
    else this.#out(`\n${text}`)
    this.#begun = ''
  }

  tail(row: string): void {
    if (row === '' || row === this.#begun) return
    if (!row.startsWith(this.#begun)) return
    this.#out(row.slice(this.#begun.length))
    this.#begun = row
  }
}

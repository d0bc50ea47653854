// The end of one output stream, and how many lines it had. Its place in a checkpoint is where the tail begins, so that no output is kept in the checkpoint itself: after a restart
// the last few kB are read from the log again.

import { plainText } from '../core/terminal-text.ts'

const tailBytes = 4096
const lastWordsLength = 2000

const LF = 0x0a

function countLines(bytes: Uint8Array): number {
  let lines = 0
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) lines += 1
  return lines
}

export class OutputTail {
  #end: number
  #lines: number
  /** The newest bytes are at its end; up to twice the tail, so that small chunks are not copied again and again. */
  readonly #buffer = new Uint8Array(2 * tailBytes)
  #length = 0

  /** `lines` before `offset`. */
  constructor(offset: number, lines: number) {
    this.#end = offset
    this.#lines = lines
  }

  get lines(): number {
    return this.#lines
  }

  receive(offset: number, bytes: Uint8Array): void {
    const fresh = offset < this.#end ? bytes.subarray(this.#end - offset) : bytes
    if (fresh.length === 0) return
    // A part of the log that was trimmed away: what comes after it is no continuation.
    if (offset > this.#end) this.#length = 0
    this.#end = offset + bytes.length
    this.#lines += countLines(fresh)
    const kept = fresh.subarray(-tailBytes)
    if (this.#length + kept.length > this.#buffer.length) {
      const stays = Math.min(this.#length, tailBytes)
      this.#buffer.copyWithin(0, this.#length - stays, this.#length)
      this.#length = stays
    }
    this.#buffer.set(kept, this.#length)
    this.#length += kept.length
  }

  /** Where to begin again, and the lines before that. */
  place(): { readonly offset: number; readonly lines: number } {
    const tail = this.#tail()
    return { offset: this.#end - tail.length, lines: this.#lines - countLines(tail) }
  }

  /** The last lines as text: without controls, without the picture of a full-screen program. Undefined if there is no text. */
  text(): string | undefined {
    const tail = this.#tail()
    let from = 0
    if (this.#end > tail.length) {
      // Its first line is not whole, perhaps not even its first character or sequence.
      const lineEnd = tail.indexOf(LF)
      from = lineEnd === -1 ? 0 : lineEnd + 1
    }
    const screen = /\x1b\[\?(?:1049|1047|47)([hl])/g // oxlint-disable-line no-control-regex
    const latin = String.fromCharCode(...tail)
    for (const match of latin.matchAll(screen)) from = match[1] === 'l' ? match.index + match[0].length : tail.length
    const text = plainText(tail.subarray(from)).trim()
    if (text === '') return undefined
    return text.slice(-lastWordsLength).toWellFormed()
  }

  #tail(): Uint8Array {
    return this.#buffer.subarray(Math.max(0, this.#length - tailBytes), this.#length)
  }
}

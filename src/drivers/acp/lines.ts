// Cuts a byte stream into lines at LF. By hand, because Node's readline also breaks at U+2028, which JSON strings may hold.

import { decode, joined } from '../utf8.ts'

const lineFeed = 0x0a
const openingBrace = 0x7b
const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0d

export interface Line {
  /** Bytes that are no UTF-8 became U+FFFD. */
  readonly text: string
  /** Offset of the byte after its LF. */
  readonly end: number
  /** In bytes, with its LF. */
  readonly length: number
}

/** One stream's unfinished line and the place where it begins. It is not part of a checkpoint: its bytes are read again. */
export class LineCutter {
  #start: number
  #pieces: Uint8Array[] = []
  #length = 0

  constructor(start: number) {
    this.#start = start
  }

  /** Offset of the first byte that belongs to no finished line. */
  get start(): number {
    return this.#start
  }

  /** Bytes of the unfinished line. */
  get pending(): number {
    return this.#length
  }

  /** Offset of the next byte that is expected. */
  get end(): number {
    return this.#start + this.#length
  }

  /** Whether what is there of the unfinished line cannot become a JSON object. */
  get pendingIsNoObject(): boolean {
    const first = this.#pieces.flatMap((piece) => [...piece.subarray(0, 16)]).find((byte) => !isBlank(byte))
    return first !== undefined && first !== openingBrace
  }

  /** The lines that these bytes finish. Bytes that were there already are left out. Throws on a gap. */
  *push(offset: number, bytes: Uint8Array): Generator<Line> {
    if (offset > this.end) throw new Error(`output goes on at byte ${offset}, but only the bytes before ${this.end} are known`)
    const fresh = bytes.subarray(this.end - offset)
    let from = 0
    for (let at = fresh.indexOf(lineFeed); at !== -1; at = fresh.indexOf(lineFeed, from)) {
      this.#pieces.push(fresh.subarray(from, at))
      this.#length += at + 1 - from
      from = at + 1
      yield this.#take()
    }
    if (from === fresh.length) return
    // Copied, because the giver may use its buffer again.
    this.#pieces.push(fresh.slice(from))
    this.#length += fresh.length - from
  }

  /** What came after the last LF, when nothing more will come. */
  finish(): Line | undefined {
    return this.#length === 0 ? undefined : this.#take()
  }

  #take(): Line {
    const [only] = this.#pieces
    const text = decode(this.#pieces.length === 1 && only ? only : joined(this.#pieces))
    const length = this.#length
    this.#start += length
    this.#pieces = []
    this.#length = 0
    return { text, end: this.#start, length }
  }
}

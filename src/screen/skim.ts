// Reads a part of a log that is too long to be drawn: only what sets a lasting state (modes, attributes, margins, character sets, titles, links, the alternate screen) is kept, text and moves are not.

import { sequenceAt } from './sequence-filter.ts'

const ESC = 0x1b
const SHIFT_OUT = 0x0e
const SHIFT_IN = 0x0f
/** Attributes that were changed so often without a reset are no longer kept one by one. */
const mostRenditions = 64

/** ESC and one of these: reset, keypad, saved cursor, character sets. */
const escapes = new Set([...'c=>78no|}~()*+'].map((letter) => letter.charCodeAt(0)))
/** Commands: titles, colours, the pointer. */
const commands = new Set([0, 1, 2, 4, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 22, 104, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119])

export class Skimmer {
  #kept: Uint8Array[] = []
  /** Since attributes were last reset. */
  #renditions: Uint8Array[] = []
  #link: Uint8Array | undefined
  #held: Uint8Array = new Uint8Array(0)

  /** The sequences in these bytes that matter, in order, as far as nothing later can undo them. */
  skim(chunk: Uint8Array): Uint8Array {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    this.#held = new Uint8Array(0)
    let at = bytes.indexOf(ESC)
    while (at >= 0) {
      const sequence = sequenceAt(bytes, at)
      if (sequence.kind !== 'whole') {
        if (sequence.kind === 'half') this.#held = sequence.held
        break
      }
      if (!sequence.instead) this.#keep(bytes.subarray(at, sequence.end))
      at = bytes.indexOf(ESC, sequence.end)
    }
    const shift = Math.max(bytes.lastIndexOf(SHIFT_OUT), bytes.lastIndexOf(SHIFT_IN))
    if (shift >= 0) this.#kept.push(bytes.slice(shift, shift + 1))
    const kept = Buffer.concat(this.#kept)
    this.#kept = []
    return kept
  }

  /** What remains to be said when nothing more is skimmed. */
  end(): Uint8Array {
    const rest = Buffer.concat([...this.#renditions, ...(this.#link ? [this.#link] : [])])
    this.#renditions = []
    this.#link = undefined
    return rest
  }

  #keep(sequence: Uint8Array): void {
    const kind = sequence[1] as number
    if (kind === 0x5b) this.#keepControl(sequence)
    else if (kind === 0x5d) this.#keepCommand(sequence)
    else if (escapes.has(kind)) this.#kept.push(sequence)
  }

  #keepControl(sequence: Uint8Array): void {
    const final = String.fromCharCode(sequence.at(-1) as number)
    const first = String.fromCharCode(sequence[2] as number)
    const intermediate = String.fromCharCode(sequence.at(-2) as number)
    switch (final) {
      case 'm':
        if (first === '>') this.#kept.push(sequence)
        else this.#keepRendition(sequence)
        return
      case 'h':
      case 'l':
      case 'r':
        this.#kept.push(sequence)
        return
      case 'p':
        if (intermediate === '!') this.#kept.push(sequence)
        return
      case 'q':
        if (intermediate === ' ' || intermediate === '"') this.#kept.push(sequence)
        return
      case 'u':
        if (first === '>' || first === '<' || first === '=') this.#kept.push(sequence)
        return
      case 'n':
      case 'f':
        if (first === '>') this.#kept.push(sequence)
        return
      case 't':
        if (first === '2') this.#kept.push(sequence)
    }
  }

  #keepRendition(sequence: Uint8Array): void {
    if (sequence.length === 3 || (sequence[2] === 0x30 && (sequence.length === 4 || sequence[3] === 0x3b))) this.#renditions = []
    this.#renditions.push(sequence.slice())
    if (this.#renditions.length <= mostRenditions) return
    this.#kept.push(...this.#renditions)
    this.#renditions = []
  }

  #keepCommand(sequence: Uint8Array): void {
    let number = 0
    let at = 2
    for (; at < 6 && (sequence[at] as number) >= 0x30 && (sequence[at] as number) <= 0x39; at += 1) number = number * 10 + (sequence[at] as number) - 0x30
    if (number === 8) this.#link = sequence.slice()
    else if (at > 2 && commands.has(number)) this.#kept.push(sequence)
  }
}

// What a person types into an attached terminal: bytes for the program, and the keys after the prefix, which are ours. Pure.
// Programs may have switched the terminal to richer ways of telling keys, where the prefix is no longer its one byte, so those are understood as well:
// kitty's keyboard protocol (CSI code ; modifiers : event u, https://sw.kovidgoyal.net/kitty/keyboard-protocol) and xterm's modifyOtherKeys (CSI 27 ; modifiers ; code ~).

export type Typed =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'key'; readonly key: string; /** What came after it in the same piece. */ readonly rest: Uint8Array }

const ESC = 0x1b
const longestKey = 48
const ctrl = 4
const shift = 1
/** Caps lock and num lock are no modifiers that anybody meant. */
const locks = 64 | 128

interface Key {
  readonly code: number
  readonly modifiers: number
  readonly event: 'press' | 'release'
  readonly length: number
}

export class PrefixKeys {
  readonly #prefix: number
  #prefixed = false
  /** The beginning of a key's sequence, cut by the end of a read. */
  #held: Uint8Array = new Uint8Array()

  /** `prefix`: a control character, 1 to 31. */
  constructor(prefix: number) {
    this.#prefix = prefix
  }

  push(piece: Uint8Array): readonly Typed[] {
    const bytes = this.#held.length === 0 ? piece : Uint8Array.from([...this.#held, ...piece])
    this.#held = new Uint8Array()
    const typed: Typed[] = []
    let from = 0
    let at = 0
    const send = (to: number): void => {
      if (to > from) typed.push({ kind: 'bytes', bytes: bytes.subarray(from, to) })
    }
    while (at < bytes.length) {
      const key = keyAt(bytes, at)
      if (key === 'cut') {
        send(at)
        this.#held = bytes.slice(at)
        return typed
      }
      const isPrefix = bytes[at] === this.#prefix || (key !== undefined && this.#isPrefix(key))
      const length = key?.length ?? 1
      if (!isPrefix && !this.#prefixed) {
        at += length
        continue
      }
      send(at)
      const begin = at
      at += length
      from = at
      // The prefix was kept from the program when it was pressed, so its release (and that of the modifier keys) is too.
      if (key?.event === 'release' || (key && this.#prefixed && isModifierKey(key.code))) continue
      if (!this.#prefixed) {
        this.#prefixed = true
        continue
      }
      this.#prefixed = false
      // Twice: the program gets it once, in the way that it came.
      if (isPrefix) typed.push({ kind: 'bytes', bytes: bytes.subarray(begin, at) })
      else typed.push({ kind: 'key', key: String.fromCodePoint(characterOf(key, bytes[begin] as number)), rest: bytes.subarray(at) })
    }
    send(at)
    return typed
  }

  #isPrefix(key: Key): boolean {
    return key.code === (this.#prefix < ESC ? this.#prefix + 0x60 : this.#prefix + 0x40) && (key.modifiers & ~locks) === ctrl
  }
}

function characterOf(key: Key | undefined, byte: number): number {
  if (!key) return byte
  const shifted = (key.modifiers & shift) !== 0 && key.code >= 0x61 && key.code <= 0x7a
  // A key told by its position: `?` is a shifted `/` on the keyboards that have it there.
  if ((key.modifiers & shift) !== 0 && key.code === 0x2f) return 0x3f
  return key.code > 0x10ffff ? 0 : shifted ? key.code - 0x20 : key.code
}

const isModifierKey = (code: number): boolean => code >= 57_358 && code <= 57_454

/** A key that is told by a sequence; 'cut' if the bytes end within what may be one. Escape alone, and ESC [ alone, may be what a person typed: they are never held back. */
function keyAt(bytes: Uint8Array, at: number): Key | 'cut' | undefined {
  if (bytes[at] !== ESC || bytes[at + 1] !== 0x5b) return undefined
  let end = at + 2
  while (end < bytes.length && end - at < longestKey && isParameter(bytes[end] as number)) end += 1
  if (end === at + 2) return undefined
  if (end === bytes.length) return end - at < longestKey ? 'cut' : undefined
  const final = bytes[end]
  if (final !== 0x75 && final !== 0x7e) return undefined
  const fields = String.fromCharCode(...bytes.subarray(at + 2, end)).split(';')
  const length = end + 1 - at
  if (final === 0x7e) {
    if (fields.length !== 3 || fields[0] !== '27') return undefined
    return { code: Number(fields[2]), modifiers: Number(fields[1]) - 1, event: 'press', length }
  }
  const [code] = (fields[0] ?? '').split(':')
  const [modifiers, event] = (fields[1] ?? '').split(':')
  return { code: Number(code), modifiers: Math.max(0, Number(modifiers || '1') - 1), event: event === '3' ? 'release' : 'press', length }
}

const isParameter = (byte: number): boolean => byte >= 0x30 && byte <= 0x3b

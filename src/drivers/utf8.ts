// Text to bytes and back. Bytes that are no UTF-8 become U+FFFD.

/** Globals of every JavaScript runtime that the bare language library does not name. */
interface Runtime {
  readonly TextDecoder: new () => { decode(bytes: Uint8Array): string }
  readonly TextEncoder: new () => { encode(text: string): Uint8Array }
}

const { TextDecoder, TextEncoder } = globalThis as unknown as Runtime
const decoder = new TextDecoder()
const encoder = new TextEncoder()

export const decode = (bytes: Uint8Array): string => decoder.decode(bytes)
export const encode = (text: string): Uint8Array => encoder.encode(text)

export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

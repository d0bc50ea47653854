// Ids of sessions and requests: 8 characters of a-z0-9. Random ones are made at the edge and handed in; this file only shapes and matches them.

export type SessionId = string
export type RequestId = string

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'
const idLength = 8

/** An id from at least 8 random bytes. Skewed by 256 mod 36, which does not matter for names. */
export function idFromBytes(bytes: Uint8Array): string {
  if (bytes.length < idLength) throw new RangeError(`an id needs ${idLength} bytes, got ${bytes.length}`)
  let id = ''
  for (const byte of bytes.subarray(0, idLength)) id += alphabet[byte % alphabet.length]
  return id
}

export const isId = (text: string): boolean => /^[a-z0-9]{8}$/.test(text)

/** An id that depends on nothing but its parts, so that bytes read again after a crash name the same request again (FNV-1a, 64 bit). */
export function derivedId(...parts: readonly (string | number)[]): string {
  let hash = 0xcbf29ce484222325n
  for (const char of parts.join('\u0000')) {
    hash ^= BigInt(char.codePointAt(0) ?? 0)
    hash = (hash * 0x100000001b3n) & 0xffffffffffffffffn
  }
  let id = ''
  for (let i = 0; i < idLength; i++) {
    id += alphabet[Number(hash % 36n)]
    hash /= 36n
  }
  return id
}

export interface Named {
  readonly id: string
  readonly label?: string | null
}

export type Match<T> = { readonly kind: 'one'; readonly found: T } | { readonly kind: 'none' } | { readonly kind: 'several'; readonly candidates: readonly T[] }

/** Finds by exact id, then exact label, then unique prefix of an id, in this order. */
export function match<T extends Named>(all: readonly T[], text: string): Match<T> {
  if (text === '') return { kind: 'none' }
  const byId = all.find((one) => one.id === text)
  if (byId) return { kind: 'one', found: byId }
  const byLabel = all.filter((one) => one.label === text)
  const candidates = byLabel.length > 0 ? byLabel : all.filter((one) => one.id.startsWith(text))
  const [first] = candidates
  if (!first) return { kind: 'none' }
  return candidates.length === 1 ? { kind: 'one', found: first } : { kind: 'several', candidates }
}

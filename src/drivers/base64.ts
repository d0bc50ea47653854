// Text in base64, as terminals are sent it.

/** Globals of every JavaScript runtime that the bare language library does not name. */
interface Runtime {
  readonly atob: (text: string) => string
  readonly TextDecoder: new (label: string, options: { readonly fatal: boolean; readonly ignoreBOM: boolean }) => { decode(bytes: Uint8Array): string }
}

const { atob, TextDecoder } = globalThis as unknown as Runtime
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of standard base64, padded or not. Undefined if it is no base64, or what it says is no UTF-8. */
export function textOfBase64(encoded: string): string | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) return undefined
  try {
    return strict.decode(Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0)))
  } catch {
    return undefined
  }
}

// The command line as bash hands it over, raw: its words, and how the rest of a word is written behind what stays of it. Nothing is ever expanded: `$x` and `$(x)` are read as they stand.

export type Quote = '' | '"' | "'"

export interface RawWord {
  readonly raw: string
  readonly value: string
  /** The quote that is open at its end. */
  readonly quote: Quote
  /** It is where a redirection goes to or comes from. */
  readonly redirects: boolean
}

/** The words of a line; the last one is being typed, and '' after a blank. */
export function readLine(line: string): readonly RawWord[] {
  const words: RawWord[] = []
  let raw = ''
  let value = ''
  let quote: Quote = ''
  let begun = false
  let redirects = false
  const finish = (): void => {
    if (begun) words.push({ raw, value, quote, redirects })
    if (begun) redirects = false
    raw = value = ''
    begun = false
  }
  const chars = [...line]
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? ''
    const next = chars[at + 1]
    if (quote === '' && /[ \t\n]/.test(char)) {
      finish()
      continue
    }
    if (quote === '' && /[<>]/.test(char)) {
      // What stands before it without a blank is a word, or the number of what is redirected.
      if (/^\d*$/.test(raw)) [raw, value, begun] = ['', '', false]
      finish()
      redirects = true
      continue
    }
    // `2>&1`, `>|`
    if (redirects && !begun && /[&|]/.test(char)) continue
    begun = true
    raw += char
    if (quote === "'" ? char === "'" : quote === '"' && char === '"') quote = ''
    else if (quote === "'") value += char
    else if (char === '\\' && quote === '"' && !(next !== undefined && '$`"\\\n'.includes(next))) value += char
    else if (char === '\\') {
      at += 1
      raw += next ?? ''
      // A backslash before a line's end joins the lines.
      if (next !== '\n') value += next ?? ''
    } else if (quote === '' && (char === '"' || char === "'")) quote = char
    else value += char
  }
  return [...words, { raw, value, quote, redirects }]
}

/** The text so that bash reads exactly it behind an open quote, or behind none. A "!" recalls nothing, a new quote is closed again. */
export function quoted(text: string, quote: Quote): string {
  switch (quote) {
    case "'":
      return text.replaceAll("'", String.raw`'\''`)
    case '"':
      return text.replaceAll(/["\\$`]/g, String.raw`\$&`).replaceAll('!', String.raw`"\!"`)
    default:
      return text.replaceAll(/[^\p{L}\p{N}\p{M}_@%+=:,./-]/gu, String.raw`\$&`)
  }
}

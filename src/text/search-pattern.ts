// What a person searches for, as a pattern.

const escaped = (text: string): string => text.replaceAll(/[$()*+./?[\\\]^{|}]/g, String.raw`\$&`)

/** Its place in a text, without regard to case unless it has capitals. Between two of its characters there may be what `between` says. */
export const searchPattern = (text: string, between = ''): RegExp =>
  new RegExp(between === '' ? escaped(text) : Array.from(text, escaped).join(between), /\p{Lu}/u.test(text) ? 'gu' : 'giu')

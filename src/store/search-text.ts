// What is searched, and for what: the texts of a fact, the words of a query, the place in a text where they are. Pure; knows of SQLite only how FTS5 is asked.

import type { Hit } from '../core/api.ts'
import type { Entry, Envelope } from '../core/events.ts'
import { printableLine } from '../core/terminal-text.ts'

/** What stands under one key of a session, in the place of what stood there before. */
export interface Keyed {
  readonly key: string
  readonly texts: readonly { readonly kind: Hit['kind']; readonly text: string }[]
}

/** What can be found of this fact. `project`: the name of the one that a new session works in. */
export function searchedOf({ event }: Envelope, project: string): readonly Keyed[] {
  switch (event.type) {
    case 'created':
      return [one('title', 'name', event.title), one('label', 'name', event.label ?? ''), one('place', 'place', `${event.spec.agent} ${event.spec.cwd} ${project}`)]
    case 'labelled':
      return [one('label', 'name', event.label ?? '')]
    case 'prompt-queued':
      return [one(`prompt ${event.promptId}`, 'prompt', event.text)]
    case 'asked':
      return [one(`question ${event.ask.id}`, 'question', `${event.ask.title}\n${event.ask.detail ?? ''}`)]
    case 'entry-written':
      return [{ key: `entry ${event.entryId}`, texts: textsOf(event.entry) }]
    default:
      return []
  }
}

const one = (key: string, kind: Hit['kind'], text: string): Keyed => ({ key, texts: [{ kind, text }] })

function textsOf(entry: Entry): Keyed['texts'] {
  switch (entry.kind) {
    case 'message':
    case 'thought':
      return [{ kind: entry.kind, text: entry.text }]
    case 'tool': {
      const paths = new Set([...(entry.paths ?? []), ...(entry.changes ?? []).map(({ path }) => path)])
      return [
        { kind: 'tool', text: `${entry.title}\n${entry.output ?? ''}` },
        { kind: 'file', text: [...paths].join(' ') },
      ]
    }
    default:
      return []
  }
}

/** One line, without anything that a terminal would obey. */
export const shownText = (text: string): string => printableLine(text).normalize('NFC')

const pieceLength = 16_384

/** A long text in pieces, so that none takes long; words stay whole. */
export function* piecesOf(text: string): Iterable<string> {
  for (let from = 0; from < text.length;) {
    const space = from + pieceLength < text.length ? text.lastIndexOf(' ', from + pieceLength) : text.length
    const to = space > from ? space : from + pieceLength
    yield text.slice(from, to)
    from = to
  }
}

/** As the tokenizer unicode61 of FTS5 sees them. */
const letters = String.raw`\p{L}\p{N}\p{Co}`
const word = `[${letters}]`
const words = new RegExp(`${word}+`, 'gu')
const withoutSpaces = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}`
const seams = new RegExp(String.raw`(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=[${withoutSpaces}])(?=${word})|(?<=${word})(?=[${withoutSpaces}])`, 'gu')

/** Where one of them may be, found in one pass, and the word there. */
const seam = new RegExp(String.raw`[\p{Ll}\p{N}]\p{Lu}|\p{Lu}\p{Lu}\p{Ll}|[${withoutSpaces}]`, 'gu')
const around = new RegExp(`(?<=(${word}*))${word}*`, 'uy')

/** `parseHTTPResponse` in its parts, and each character of a script that puts no spaces between words. */
const apart = (text: string): string => text.replace(seams, ' ')

/** What the index is given: the text, and behind it the words that have parts, in parts. */
export function indexedText(text: string): string {
  const parts = new Set<string>()
  for (seam.lastIndex = 0; seam.test(text);) {
    around.lastIndex = seam.lastIndex
    const [rest = '', begin = ''] = around.exec(text) ?? []
    seam.lastIndex += rest.length
    parts.add(apart(begin + rest))
  }
  return parts.size === 0 ? text : `${text} ${[...parts].join(' ')}`
}

export interface Term {
  /** At least one word. More than one, of a quotation or a path: they follow each other. */
  readonly words: readonly string[]
  /** The last word may be the beginning of one. */
  readonly isPrefix: boolean
}

export function termsOf(query: string): readonly Term[] {
  // A quotation that is not closed is still being typed.
  const quotations = [...shownText(query).matchAll(/"([^"]*)("|$)|[^\s"]+/gu)]
  const terms = quotations.flatMap((match): readonly Term[] => {
    const own = (match[1] ?? match[0]).match(words)
    return own ? [{ words: own, isPrefix: match[2] !== '"' }] : []
  })
  const last = terms.at(-1)
  if (!last?.isPrefix) return terms.map((term) => ({ ...term, isPrefix: false }))
  const others = terms.slice(0, -1).map((term) => ({ ...term, isPrefix: false }))
  const [begun = ''] = last.words.slice(-1)
  if (begun.length > 1 || new RegExp(`[${withoutSpaces}]`, 'u').test(begun)) return [...others, last]
  // Every other text has a word that begins with this letter. A figure of its own is a word.
  const rest = last.words.slice(0, -1)
  if (rest.length > 0) return [...others, { words: rest, isPrefix: false }]
  return others.length > 0 && /\p{L}/u.test(begun) ? others : [...others, { ...last, isPrefix: false }]
}

/** For `match` of FTS5. Nothing but letters and digits of the query is in it, in quotes. */
export function matchOf(terms: readonly Term[]): string {
  const phrases = ({ words: own, isPrefix }: Term): readonly string[] => {
    const whole = own.join(' ')
    return [...new Set([whole, apart(whole)])].map((phrase) => `"${phrase}"${isPrefix ? '*' : ''}`)
  }
  return terms.map((term) => `(${phrases(term).join(' OR ')})`).join(' AND ')
}

const excerptLength = 160
const before = 40
const mostMatches = 200

/** The words around the place where most of the terms are, in one line; what was found is between U+0001 and U+0002. */
export function excerptOf(text: string, terms: readonly Term[]): string {
  const folded = fold(text)
  const whole = matchesIn(folded, terms, true)
  // In the midst of a word: a part of an identifier, or a word of a script without spaces.
  const matches = whole.length > 0 ? whole : matchesIn(folded, terms, false)
  const [from, to] = windowOf(text, matches)
  let excerpt = from > 0 ? '…' : ''
  let at = from
  for (const match of matches) {
    if (match.from < at || match.to > to) continue
    excerpt += `${text.slice(at, match.from)}\u0001${text.slice(match.from, match.to)}\u0002`
    at = match.to
  }
  return `${excerpt}${text.slice(at, to)}${to < text.length ? '…' : ''}`.toWellFormed()
}

interface Match {
  readonly from: number
  readonly to: number
  readonly term: number
}

function matchesIn(folded: string, terms: readonly Term[], isWhole: boolean): readonly Match[] {
  const pattern = terms.map(({ words: own, isPrefix }) => {
    const phrase = own.map((text) => fold(text)).join(`[^${letters}]*`)
    return `(${phrase}${isPrefix ? `${word}*` : isWhole ? `(?!${word})` : ''})`
  })
  const matches: Match[] = []
  if (terms.length === 0) return matches
  for (const found of folded.matchAll(new RegExp(`${isWhole ? `(?<!${word})` : ''}(?:${pattern.join('|')})`, 'gu'))) {
    matches.push({ from: found.index, to: found.index + found[0].length, term: found.findIndex((group, index) => index > 0 && group !== undefined) })
    if (matches.length >= mostMatches) break
  }
  return matches
}

function windowOf(text: string, matches: readonly Match[]): readonly [from: number, to: number] {
  let [best] = matches
  let most = 0
  for (const [index, first] of matches.entries()) {
    const terms = new Set<number>()
    for (let next = index; next < matches.length && (matches[next]?.to ?? 0) <= first.from + excerptLength - before; next += 1) terms.add(matches[next]?.term ?? 0)
    if (terms.size <= most) continue
    most = terms.size
    best = first
  }
  const start = Math.max(0, (best?.from ?? 0) - before)
  // From the beginning of a word on, if there is one before what was found.
  const space = start === 0 ? -1 : text.indexOf(' ', start)
  const from = space !== -1 && space < (best?.from ?? 0) ? space + 1 : start
  return [from, Math.min(text.length, Math.max(from + excerptLength, Math.min(best?.to ?? 0, from + 2 * excerptLength)))]
}

/** Small letters without marks, each where it was. */
const fold = (text: string): string =>
  /^[\0-\x7f]*$/.test(text)
    ? text.toLowerCase()
    : text.replace(/[A-Z]|[^\0-\x7f]/gu, (char) => {
        const plain = char
          .normalize('NFD')
          .replace(/\p{M}+/gu, '')
          .toLowerCase()
        return plain.length === char.length ? plain : char
      })

// Words as a POSIX shell splits and quotes them, with nothing expanded: no shell is there to do it.

import { type Refusal, refusal } from '../core/errors.ts'

/** Refused with `invalid`. */
export function splitWords(line: string): readonly string[] | Refusal {
  const words: string[] = []
  let word: string | undefined
  let quote: '' | '"' | "'" = ''
  for (let at = 0; at < line.length; at++) {
    const char = line[at] as string
    const next = line[at + 1]
    if (quote === "'") {
      if (char === "'") quote = ''
      else word += char
    } else if (char === '\\' && quote === '"' && !(next !== undefined && '$`"\\\n'.includes(next))) word += char
    else if (char === '\\') {
      if (next === undefined) return refusal('invalid', `nothing follows the backslash at the end of ${JSON.stringify(line)}`, 'double it, or put the word in single quotes')
      at += 1
      // A backslash before a line's end joins the lines.
      if (next !== '\n') word = (word ?? '') + next
    } else if (quote === '"') {
      if (char === '"') quote = ''
      else word += char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (/[ \t\n]/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + char
  }
  if (quote !== '') return refusal('invalid', `a quote (${quote}) is not closed in ${JSON.stringify(line)}`, 'close it, or write it with a backslash before it')
  if (word !== undefined) words.push(word)
  return words
}

/** The words as one line that splits into the same words again. */
export const commandLine = (words: readonly string[]): string => words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ')

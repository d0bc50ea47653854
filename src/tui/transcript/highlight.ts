// Code in colours: which language it is in, and its words painted by our theme. The grammars are loaded when the first code in one of them is seen; until then, and where it is too long for a frame, code is plain.

import type { Theme } from '../theme.ts'
import type * as Grammars from './grammars.ts'
import { type Row, type Style, linesOf, painted, span, withoutTabs } from './rows.ts'

/** Text of one meaning, as highlight.js names it; undefined: plain. */
export interface Word {
  readonly text: string
  readonly scope: string | undefined
}

/** UTF-16 units; all of it takes 2 ms. Longer lines are made by programs, and take some grammars the square of their length. */
const longestCode = 2000
const longestLine = 200

const languages: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    bash: 'bash sh zsh shell console fish bashrc',
    c: 'c h',
    cpp: 'cpp cc cxx hpp hh hxx c++',
    csharp: 'csharp cs c#',
    css: 'css scss less',
    diff: 'diff patch',
    dockerfile: 'dockerfile containerfile',
    go: 'go golang',
    ini: 'ini toml cfg conf properties',
    java: 'java',
    javascript: 'javascript js jsx mjs cjs',
    json: 'json jsonc json5 jsonl ndjson',
    kotlin: 'kotlin kt kts',
    lua: 'lua',
    makefile: 'makefile make mk',
    markdown: 'markdown md mdx',
    php: 'php',
    python: 'python py pyi',
    ruby: 'ruby rb gemfile rakefile',
    rust: 'rust rs',
    sql: 'sql',
    swift: 'swift',
    typescript: 'typescript ts tsx mts cts',
    xml: 'xml html htm svg vue xhtml plist',
    yaml: 'yaml yml',
  }).flatMap(([language, names]) => names.split(' ').map((name) => [name, language])),
)

/** As a code block names it, or the ending or name of a file. Undefined: none that is known. */
export const languageNamed = (name: string | undefined): string | undefined => (name === undefined ? undefined : languages[name.toLowerCase()])

export function languageOf(path: string): string | undefined {
  const [first = '', ...rest] = path.slice(path.lastIndexOf('/') + 1).split('.')
  return languageNamed(rest.at(-1)) ?? (/file$/i.test(first) ? languageNamed(first) : undefined)
}

let grammars: typeof Grammars | undefined
let loading: Promise<typeof Grammars> | undefined
const ready = new Map<string, Promise<void>>()
const known = new Set<string>()

/** Grows with every language that becomes ready: what was painted before may look otherwise now. */
export const highlighting = (): number => known.size

/** Loads what it takes to highlight this language. Whether there is something new to be seen. */
export async function prepareHighlighting(language: string | undefined): Promise<boolean> {
  if (language === undefined || known.has(language)) return false
  let preparing = ready.get(language)
  if (!preparing) {
    preparing = prepare(language)
    ready.set(language, preparing)
  }
  await preparing
  return known.has(language)
}

async function prepare(language: string): Promise<void> {
  // Code that stays plain is no reason to fail.
  const loaded = await (loading ??= import('./grammars.ts')).catch(() => undefined)
  if (!loaded) return
  loaded.learn(language)
  grammars = loaded
  known.add(language)
}

const styleOf = (scope: string, theme: Theme): Style | undefined => {
  switch (scope.split('.', 1)[0]) {
    case 'keyword':
    case 'selector-tag':
    case 'name':
    case 'doctag':
      return theme.keyword
    case 'string':
    case 'regexp':
    case 'symbol':
    case 'char':
    case 'link':
    case 'code':
      return theme.string
    case 'number':
    case 'literal':
      return theme.number
    case 'comment':
    case 'quote':
    case 'meta':
      return theme.comment
    case 'section':
    case 'strong':
      return theme.bold
    case 'emphasis':
      return theme.italic
    case 'addition':
      return theme.added
    case 'deletion':
      return theme.removed
    default:
      return undefined
  }
}

/** A row for each line. Printable text goes in. `language`: as `languageNamed` and `languageOf` say. */
export function highlightedRows(code: string, language: string | undefined, theme: Theme): readonly Row[] {
  const lines = code.split('\n').map(withoutTabs)
  const text = lines.join('\n')
  if (!grammars || language === undefined || !known.has(language) || text.length > longestCode || lines.some((line) => line.length > longestLine))
    return lines.map((line) => [span(line)])
  return linesOf(grammars.wordsOf(text, language).map((word) => span(word.text, word.scope === undefined ? undefined : styleOf(word.scope, theme))))
}

/** The same, painted; `language` as a code block names it. Asks nobody to load anything. */
export const highlight = (code: string, language: string | undefined, theme: Theme): string[] =>
  highlightedRows(code, languageNamed(language), theme).map((row) => painted(row, Number.POSITIVE_INFINITY))

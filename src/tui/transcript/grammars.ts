// The grammars of highlight.js that are bundled, and code cut into words by them. Loaded when it is first needed.

import highlighter from 'highlight.js/lib/core'
import bash from 'highlight.js/lib/languages/bash'
import c from 'highlight.js/lib/languages/c'
import cpp from 'highlight.js/lib/languages/cpp'
import csharp from 'highlight.js/lib/languages/csharp'
import css from 'highlight.js/lib/languages/css'
import diff from 'highlight.js/lib/languages/diff'
import dockerfile from 'highlight.js/lib/languages/dockerfile'
import go from 'highlight.js/lib/languages/go'
import ini from 'highlight.js/lib/languages/ini'
import java from 'highlight.js/lib/languages/java'
import javascript from 'highlight.js/lib/languages/javascript'
import json from 'highlight.js/lib/languages/json'
import kotlin from 'highlight.js/lib/languages/kotlin'
import lua from 'highlight.js/lib/languages/lua'
import makefile from 'highlight.js/lib/languages/makefile'
import markdown from 'highlight.js/lib/languages/markdown'
import php from 'highlight.js/lib/languages/php'
import python from 'highlight.js/lib/languages/python'
import ruby from 'highlight.js/lib/languages/ruby'
import rust from 'highlight.js/lib/languages/rust'
import sql from 'highlight.js/lib/languages/sql'
import swift from 'highlight.js/lib/languages/swift'
import typescript from 'highlight.js/lib/languages/typescript'
import xml from 'highlight.js/lib/languages/xml'
import yaml from 'highlight.js/lib/languages/yaml'
import type { Word } from './highlight.ts'

const grammars: Readonly<Record<string, typeof bash>> = {
  bash,
  c,
  cpp,
  csharp,
  css,
  diff,
  dockerfile,
  go,
  ini,
  java,
  javascript,
  json,
  kotlin,
  lua,
  makefile,
  markdown,
  php,
  python,
  ruby,
  rust,
  sql,
  swift,
  typescript,
  xml,
  yaml,
}

/** Compiles a grammar, which takes some milliseconds: not within a frame. */
export function learn(language: string): void {
  const grammar = grammars[language]
  if (!grammar) return
  highlighter.registerLanguage(language, grammar)
  highlighter.highlight('', { language })
}

const entities: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#x27;': "'" }

/** The whole code, in words. */
export function wordsOf(code: string, language: string): readonly Word[] {
  // Its HTML has nothing in it but these three things.
  const html = highlighter.highlight(code, { language, ignoreIllegals: true }).value
  const open: string[] = []
  const words: Word[] = []
  for (const [part, scope] of html.matchAll(/<span class="(?:hljs|language)-([^" ]*)[^"]*">|<\/span>|[^<]+/g)) {
    if (scope !== undefined) open.push(scope)
    else if (part === '</span>') open.pop()
    else words.push({ text: part.replace(/&(?:amp|lt|gt|quot|#x27);/g, (entity) => entities[entity] ?? entity), scope: open.at(-1) })
  }
  return words
}

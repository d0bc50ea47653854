// What a text may be completed with: commands after a slash, files and agents after @, projects after #. Each looks only at what stands before the cursor; none of them writes.

import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setImmediate as breath } from 'node:timers/promises'
import { fuzzyFilter, fuzzyMatch } from '@earendil-works/pi-tui'
import { filesIn } from '../workspace/git.ts'
import type { CompletionItem, CompletionSource } from './composer.ts'

export interface SlashCommand {
  /** Without the slash. */
  readonly name: string
  readonly description: string
}

interface Found {
  readonly from: number
  readonly items: readonly CompletionItem[]
}

const mostItems = 50

/** The word that the cursor is at the end of, if it begins with `sign`: at the beginning of the text, or anywhere. */
function wordAt(text: string, cursor: number, sign: string, where: 'first' | 'anywhere'): { readonly from: number; readonly query: string } | undefined {
  const before = text.slice(0, cursor)
  const query = /(?:[^\s"]|"[^"\n]*(?:"|$))*$/.exec(before)?.[0] ?? ''
  const from = cursor - query.length
  if (!query.startsWith(sign) || (where === 'first' && before.slice(0, from).trim() !== '')) return undefined
  return { from, query: query.slice(sign.length).replaceAll('"', '') }
}

/** Asked anew each time: an agent's commands change. */
export function slashCompletions(commands: () => readonly SlashCommand[]): CompletionSource {
  return {
    suggestions: async (text, cursor) => {
      const word = wordAt(text, cursor, '/', 'first')
      if (!word) return undefined
      const all = commands()
      // What is complete is not in the way of Enter.
      if (all.some(({ name }) => name === word.query) && !all.some(({ name }) => name !== word.query && name.startsWith(word.query))) return undefined
      return named(word, all, ({ name, description }) => ({ value: `/${name} `, label: `/${name}`, description }))
    },
  }
}

export interface AgentChoice {
  readonly name: string
  /** What there is to be said of it. */
  readonly about: string
  readonly installed: boolean
}

/** A name of an agent as the first word, `@codex`: those that can be used before those that are missing. */
export function agentCompletions(agents: () => readonly AgentChoice[]): CompletionSource {
  return {
    suggestions: async (text, cursor) => {
      const word = wordAt(text, cursor, '@', 'first')
      if (!word) return undefined
      const item = ({ name, about, installed }: AgentChoice): CompletionItem => ({
        value: `@${name} `,
        label: `@${name}`,
        description: about,
        ...(installed ? {} : { faint: true }),
      })
      const [there, missing] = [true, false].map((installed) =>
        named(
          word,
          agents().filter((one) => one.installed === installed),
          item,
        ),
      )
      return { from: word.from, items: [...(there?.items ?? []), ...(missing?.items ?? [])] }
    },
  }
}

/** A directory by its last name, `#shop`; by its whole path where two have the same. */
export function projectCompletions(directories: () => readonly string[]): CompletionSource {
  return {
    suggestions: async (text, cursor) => {
      const word = wordAt(text, cursor, '#', 'anywhere')
      if (!word) return undefined
      const all = directories()
      const projects = all.map((directory) => ({
        directory,
        name: all.some((other) => other !== directory && basename(other) === basename(directory)) ? directory : basename(directory),
      }))
      return named(word, projects, ({ name, directory }) => ({ value: `#${name} `, label: `#${name}`, description: directory }))
    },
  }
}

function named<T extends { readonly name: string }>(
  { from, query }: { readonly from: number; readonly query: string },
  all: readonly T[],
  item: (one: T) => CompletionItem,
): Found {
  return { from, items: fuzzyFilter([...all], query, ({ name }) => name).map(item) }
}

const listedWithinMs = 5000
const sortedAtOnce = 4000

/** A path below `cwd` anywhere, `@src/main.ts`: files that git knows or would add, changed ones first; where git knows nothing, one directory after the other. */
export function fileCompletions(cwd: string, env: Readonly<Record<string, string | undefined>>): CompletionSource {
  let listed: { readonly from: number; readonly files: Promise<readonly string[] | undefined> } | undefined
  return {
    suggestions: async (text, cursor, signal) => {
      const word = wordAt(text, cursor, '@', 'anywhere')
      if (!word) return undefined
      const { from, query } = word
      // One list for each word; it is not begun anew with each letter, however long git takes.
      if (listed?.from !== from || query === '') listed = { from, files: filesIn(cwd, env, AbortSignal.timeout(listedWithinMs)).catch(() => undefined) }
      const files = await listed.files
      if (signal.aborted) return undefined
      const paths = files ? await nearestTo(query, files, signal) : await entriesBeside(cwd, query)
      return { from, items: paths.map((path) => ({ value: path.endsWith('/') ? `@${quoted(path)}` : `@${quoted(path)} `, label: path })) }
    },
  }
}

const quoted = (path: string): string => (/\s/.test(path) ? `"${path}"` : path)

/** A match in the file's own name counts more than one in its folders, and an earlier file more than a later one. */
async function nearestTo(query: string, files: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
  if (query === '') return files.slice(0, mostItems)
  const found: { readonly path: string; readonly score: number }[] = []
  for (const [index, path] of files.entries()) {
    if (index % sortedAtOnce === sortedAtOnce - 1) {
      await breath()
      if (signal.aborted) return []
    }
    const whole = fuzzyMatch(query, path)
    if (!whole.matches) continue
    const own = fuzzyMatch(query, basename(path))
    found.push({ path, score: own.matches ? own.score - 100 : whole.score })
  }
  return found
    .toSorted((a, b) => a.score - b.score)
    .slice(0, mostItems)
    .map(({ path }) => path)
}

async function entriesBeside(cwd: string, query: string): Promise<readonly string[]> {
  const folder = query.endsWith('/') ? query : query.includes('/') ? `${dirname(query)}/` : ''
  const entries = await readdir(join(cwd, folder), { withFileTypes: true }).catch(() => [])
  const paths = entries.map((entry) => `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`).toSorted()
  return fuzzyFilter(paths, query.slice(folder.length), (path) => path.slice(folder.length)).slice(0, mostItems)
}

/** All of them at once: the first that knows something says what is completed, and those that mean the same word add to it. */
export function combined(...sources: readonly CompletionSource[]): CompletionSource {
  return {
    suggestions: async (text, cursor, signal) => {
      const all = await Promise.all(sources.map((source) => source.suggestions(text, cursor, signal)))
      const found = all.filter((one) => one !== undefined && one.items.length > 0)
      const from = found[0]?.from
      return from === undefined ? undefined : { from, items: found.flatMap((one) => (one?.from === from ? one.items : [])) }
    },
  }
}

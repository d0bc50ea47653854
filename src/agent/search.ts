// The program of the thread that looks through files, for the tools grep and find: a pattern of a model may take for ever, and a thread can be ended in the middle.
// Leaves out what version control leaves out, as far as simple patterns say so.

import { type Dirent, existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join, matchesGlob, relative } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'

export interface Search {
  /** Absolute; a file or a folder. */
  readonly root: string
  /** Of file names; undefined: all. */
  readonly glob: string | undefined
  /** Of lines; undefined: only names are looked for. */
  readonly pattern: { readonly source: string; readonly ignoreCase: boolean } | undefined
  readonly most: number
}

export interface Found {
  /** Paths, or `path:line:text`. */
  readonly lines: readonly string[]
  readonly more: boolean
  readonly problem?: string
}

const largestFile = 4 * 1024 * 1024
const longestLine = 400
const alwaysIgnored = new Set(['.git', '.hg', '.svn', 'node_modules', '.venv', '__pycache__'])

export function searchFiles({ root, glob, pattern, most }: Search): Found {
  const expression = pattern && new RegExp(pattern.source, pattern.ignoreCase ? 'iu' : 'u')
  const lines: string[] = []
  for (const path of filesBelow(root, [])) {
    const below = relative(root, path)
    if (glob !== undefined && below !== '' && !matchesGlob(below, glob) && !matchesGlob(below, `**/${glob}`)) continue
    for (const line of expression ? matchesIn(path, expression) : [path]) {
      if (lines.length >= most) return { lines, more: true }
      lines.push(line)
    }
  }
  return { lines, more: false }
}

function* matchesIn(path: string, expression: RegExp): Generator<string> {
  let text: string
  try {
    if (statSync(path).size > largestFile) return
    text = readFileSync(path, 'utf8')
  } catch {
    return
  }
  if (text.slice(0, 8192).includes('\0')) return
  let number = 0
  for (const line of text.split('\n')) {
    number++
    if (expression.test(line)) yield `${path}:${number}:${line.length > longestLine ? `${line.slice(0, longestLine)}…` : line}`
  }
}

type Ignores = (path: string, isFolder: boolean) => boolean

function* filesBelow(path: string, above: readonly Ignores[]): Generator<string> {
  let entries: Dirent[]
  try {
    entries = readdirSync(path, { withFileTypes: true })
  } catch {
    if (existsSync(path)) yield path
    return
  }
  const ignores = [...above, ...ignoresOf(path)]
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const at = join(path, entry.name)
    // Links are not followed: they may lead outside, or round and round.
    if (alwaysIgnored.has(entry.name) || ignores.some((does) => does(at, entry.isDirectory()))) continue
    if (entry.isDirectory()) yield* filesBelow(at, ignores)
    else if (entry.isFile()) yield at
  }
}

/** Patterns of a .gitignore; those that take something back are left out. */
function ignoresOf(folder: string): readonly Ignores[] {
  let text: string
  try {
    text = readFileSync(join(folder, '.gitignore'), 'utf8')
  } catch {
    return []
  }
  return text.split('\n').flatMap((line): readonly Ignores[] => {
    const pattern = line.trim()
    if (pattern === '' || pattern.startsWith('#') || pattern.startsWith('!')) return []
    const onlyFolders = pattern.endsWith('/')
    const bare = pattern.replace(/\/$/, '')
    const anchored = bare.includes('/')
    const glob = anchored ? bare.replace(/^\//, '') : `**/${bare}`
    return [(path, isFolder) => (isFolder || !onlyFolders) && (matchesGlob(relative(folder, path), glob) || (!anchored && matchesGlob(relative(folder, path), bare)))]
  })
}

const port = parentPort
if (port) {
  const search = workerData as Search
  try {
    port.postMessage(searchFiles(search), [])
  } catch (thrown) {
    port.postMessage({ lines: [], more: false, problem: thrown instanceof Error ? thrown.message : String(thrown) } satisfies Found, [])
  }
}

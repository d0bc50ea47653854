// The tools that find things: lines in files, files by their names, and what is in a folder. Nothing is ever downloaded: ripgrep where it is on PATH, else a thread of our own.

import { spawn } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { printable } from '../../core/terminal-text.ts'
import type { Place, Workspace } from '../permission/workspace.ts'
import { programOutside } from '../program-outside.ts'
import type { Found, Search } from '../search.ts'
import type { ToolResult } from '../thinker.ts'
import { type OwnTool, done, failed, fileProblem, flag, integer, maybeNumber, maybeText, schema, shown, string, text } from './step.ts'

export interface LookFrom {
  readonly workspace: Workspace
  readonly env: Readonly<Record<string, string>>
  /** The program of the thread. */
  readonly searchProgram: URL
  readonly openFolders: (path: string) => boolean
}

const mostLines = 200
const mostEntries = 1000

export function lookTools(from: LookFrom): readonly OwnTool[] {
  const { workspace, openFolders } = from
  const reading = (place: Place) => (openFolders(place.path) ? {} : { action: { kind: 'read', place } as const })
  const grep: OwnTool = {
    name: 'grep',
    description: `Finds lines by a regular expression, in a file or below a folder, as path:line:text. At most ${mostLines} lines. Leaves out what .gitignore names.`,
    input: schema(
      {
        pattern: string('regular expression'),
        path: string('file or folder; the workspace if left out'),
        glob: string('only files with such names, e.g. *.ts or src/**/*.py'),
        ignore_case: flag('take capital and small letters as the same'),
        limit: integer('how many lines at most'),
      },
      ['pattern'],
    ),
    look(input) {
      const pattern = text(input, 'pattern')
      const place = workspace.place(maybeText(input, 'path') ?? '.')
      const search: Search = {
        root: place.path,
        glob: maybeText(input, 'glob'),
        pattern: { source: pattern, ignoreCase: input['ignore_case'] === true },
        most: Math.min(maybeNumber(input, 'limit') ?? mostLines, mostLines),
      }
      return {
        title: `grep ${pattern} in ${shown(workspace.root, place.path)}`,
        kind: 'search',
        paths: [place.path],
        ...reading(place),
        run: async (signal) => {
          const found = await stat(place.path).catch(() => undefined)
          // A pipe would be waited for.
          if (found && !found.isFile() && !found.isDirectory()) return failed(`${place.path} is neither a file nor a folder`)
          const ripgrep = programOutside('rg', from.env, [workspace.root])
          return told(workspace, ripgrep === undefined ? await inThread(from.searchProgram, search, signal) : await byRipgrep(ripgrep, from.env, search, signal))
        },
      }
    },
  }
  const find: OwnTool = {
    name: 'find',
    description: `Finds files by a pattern of their names, e.g. *.test.ts or src/**/index.*. At most ${mostEntries}. Leaves out what .gitignore names.`,
    input: schema({ pattern: string('glob pattern'), path: string('folder to begin in; the workspace if left out') }, ['pattern']),
    look(input) {
      const glob = text(input, 'pattern')
      const place = workspace.place(maybeText(input, 'path') ?? '.')
      return {
        title: `find ${glob} in ${shown(workspace.root, place.path)}`,
        kind: 'search',
        paths: [place.path],
        ...reading(place),
        run: async (signal) => told(workspace, await inThread(from.searchProgram, { root: place.path, glob, pattern: undefined, most: mostEntries }, signal)),
      }
    },
  }
  const ls: OwnTool = {
    name: 'ls',
    description: 'Lists a folder; folders end with a slash.',
    input: schema({ path: string('folder; the workspace if left out') }, []),
    look(input) {
      const place = workspace.place(maybeText(input, 'path') ?? '.')
      return { title: `ls ${shown(workspace.root, place.path)}`, kind: 'search', paths: [place.path], ...reading(place), run: () => list(place.path) }
    },
  }
  return [grep, find, ls]
}

async function list(path: string): Promise<ToolResult> {
  try {
    if ((await stat(path)).isFile()) return done(path)
    const entries = await readdir(path, { withFileTypes: true })
    const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).toSorted()
    const more = names.length > mostEntries ? [`(${names.length - mostEntries} more)`] : []
    return done(printable([...names.slice(0, mostEntries), ...more].join('\n')) || '(the folder is empty)')
  } catch (thrown) {
    return failed(fileProblem(path, thrown))
  }
}

function told(workspace: Workspace, { lines, more, problem }: Found): ToolResult {
  if (problem !== undefined) return failed(problem)
  if (lines.length === 0) return done('(nothing found)')
  return done(printable(lines.map((line) => shown(workspace.root, line)).join('\n')) + (more ? '\n(there is more; make the pattern narrower)' : ''))
}

async function inThread(program: URL, search: Search, signal: AbortSignal): Promise<Found> {
  const nothing: Found = { lines: [], more: false, problem: 'cancelled by the user' }
  if (signal.aborted) return nothing
  const thread = new Worker(program, { workerData: search, env: {}, resourceLimits: { maxOldGenerationSizeMb: 256 } })
  const { promise, resolve } = Promise.withResolvers<Found>()
  const cancel = (): void => resolve(nothing)
  signal.addEventListener('abort', cancel, { once: true })
  thread.once('message', resolve)
  thread.once('error', (thrown) => resolve({ ...nothing, problem: `the search failed: ${thrown instanceof Error ? thrown.message : String(thrown)}` }))
  const found = await promise
  signal.removeEventListener('abort', cancel)
  void thread.terminate()
  return found
}

async function byRipgrep(program: string, env: Readonly<Record<string, string>>, { root, glob, pattern, most }: Search, signal: AbortSignal): Promise<Found> {
  const args = [
    '--no-config',
    '--line-number',
    '--with-filename',
    '--no-heading',
    '--color=never',
    '--max-columns=400',
    '--max-columns-preview',
    '--hidden',
    '--glob=!.git',
    '--sort=path',
  ]
  if (pattern?.ignoreCase) args.push('--ignore-case')
  if (glob !== undefined) args.push(`--glob=${glob}`)
  const child = spawn(program, [...args, `--regexp=${pattern?.source ?? ''}`, '--', root], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const { promise, resolve } = Promise.withResolvers<Found>()
  let printed = ''
  let problem = ''
  const lines = (): readonly string[] => printed.split('\n').filter((line) => line !== '')
  const cancel = (): void => {
    child.kill('SIGKILL')
    resolve({ lines: [], more: false, problem: 'cancelled by the user' })
  }
  signal.addEventListener('abort', cancel, { once: true })
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    printed += more
    if (lines().length > most) child.kill('SIGKILL')
  })
  child.stderr.setEncoding('utf8').on('data', (more: string) => void (problem = (problem + more).slice(0, 2000)))
  child.once('error', (thrown) => resolve({ lines: [], more: false, problem: thrown.message }))
  // 1: nothing found. 2: also where only some file could not be read.
  child.once('close', (code) =>
    resolve(code === 2 && printed === '' ? { lines: [], more: false, problem: problem.trim() } : { lines: lines().slice(0, most), more: lines().length > most }),
  )
  const found = await promise
  signal.removeEventListener('abort', cancel)
  return found
}

// The files in which known agents keep the state of each of their processes: watched, not asked for again and again, and believed only of a process that is the very one. What stands in them is
// untrusted. Folders are watched once for all who want to know, and only as long as there is one.

import { type FSWatcher, watch } from 'node:fs'
import { constants, open, readFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { z } from 'zod'
import type { StateFiles } from '../catalogue/dialog.ts'
import type { ProcessIdentity } from '../core/events.ts'
import { type Claim, longestSignalText } from '../core/signal.ts'
import { printableLine } from '../core/terminal-text.ts'

/** It takes less than 1 kB. */
const longestFile = 64 * 1024
const longestEnvironment = 2 * 1024 * 1024

export type Variables = Readonly<Record<string, string | undefined>>

/** The folder by the environment that its program was started with. Undefined where that does not say. */
export function folderOf({ folders }: StateFiles, env: Variables): string | undefined {
  for (const folder of folders) {
    const [, variable, below] = /^\$(\w+)\|(.*)$/.exec(folder) ?? [undefined, 'HOME', folder]
    const base = env[variable ?? '']
    if (base !== undefined && isAbsolute(base)) return join(base, below ?? '')
  }
  return undefined
}

/** What `folderOf` needs of an environment, of a process that was started with it. Empty where that cannot be seen. */
export async function variablesOf({ folders }: StateFiles, pid: number): Promise<Variables> {
  const names = new Set(['HOME', ...folders.flatMap((folder) => /^\$(\w+)\|/.exec(folder)?.[1] ?? [])])
  const text = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
  const pairs = (text.length > longestEnvironment ? '' : text)
    .split('\0')
    .map((pair): [string, string] => [pair.slice(0, Math.max(0, pair.indexOf('='))), pair.slice(pair.indexOf('=') + 1)])
  return Object.fromEntries(pairs.filter(([name]) => names.has(name)))
}

/** What its file says of this process. Undefined: nothing, or nothing of this very one. */
export async function readState(files: StateFiles, folder: string, process: ProcessIdentity): Promise<Pick<Claim, 'state' | 'kind' | 'message'> | undefined> {
  // Where the system tells no start of a process, a file of a former one with the same pid looks alike.
  if (process.start === 0) return undefined
  const said = saidSchema.safeParse(await jsonOf(join(folder, `${process.pid}.json`)))
  if (!said.success || String(said.data['pid']) !== String(process.pid) || String(said.data[files.processStart]) !== String(process.start)) return undefined
  const name = said.data[files.state]
  const state = typeof name === 'string' && Object.hasOwn(files.states, name) ? files.states[name] : undefined
  if (state === undefined) return undefined
  if (state !== 'blocked') return { state }
  const waitsFor = said.data[files.waitsFor]
  const message = typeof waitsFor === 'string' ? printableLine(waitsFor.slice(0, longestSignalText)).toWellFormed() : ''
  const kind = files.kinds.find(({ words }) => message.includes(words))?.kind
  return { state, ...(kind ? { kind } : {}), ...(message === '' ? {} : { message }) }
}

const saidSchema = z.record(z.string(), z.unknown())

/** Undefined for what is no plain file, too long, or no JSON. */
async function jsonOf(path: string): Promise<unknown> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    const { size } = await file.stat().then((stat) => (stat.isFile() ? stat : { size: Infinity }))
    if (size > longestFile) return undefined
    const { buffer, bytesRead } = await file.read(Buffer.alloc(longestFile + 1), 0, longestFile + 1, 0)
    return bytesRead > longestFile ? undefined : JSON.parse(buffer.toString('utf8', 0, bytesRead))
  } catch {
    return undefined
  }
}

/** Called with the name of what has changed in a folder. */
type Listener = (name: string) => void

export class StateFolders {
  readonly #watched = new Map<string, { readonly watcher: FSWatcher; readonly listeners: Set<Listener> }>()

  /** Ends it. Undefined while the folder is not there, or cannot be watched. */
  watch(folder: string, listener: Listener): (() => void) | undefined {
    const watched = this.#watched.get(folder) ?? this.#open(folder)
    if (!watched) return undefined
    watched.listeners.add(listener)
    return () => {
      watched.listeners.delete(listener)
      if (watched.listeners.size === 0) this.#close(folder)
    }
  }

  #open(folder: string) {
    try {
      const listeners = new Set<Listener>()
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        if (name) for (const listener of [...listeners]) listener(name)
      })
      watcher.on('error', () => this.#close(folder))
      const watched = { watcher, listeners }
      this.#watched.set(folder, watched)
      return watched
    } catch {
      return undefined
    }
  }

  #close(folder: string): void {
    this.#watched.get(folder)?.watcher.close()
    this.#watched.delete(folder)
  }
}

// A new database in the place of a damaged one, or of none, so that a crash anywhere leaves either the old one or the new one to go on with, and nothing is ever removed but
// what this file made itself:
//   1. `.rebuilding` is written while the damaged one is in place; one that is left over is begun again
//   2. `.rebuilt.json` says what the user is to be told; `.rebuilding` becomes `.rebuilt`: from here on every start goes on with 3
//   3. the damaged one and what lies beside it are renamed, then `.rebuilt` takes its place

import { closeSync, existsSync, fsyncSync, openSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { addNotice } from '../config/notices.ts'
import type { Paths } from '../config/paths.ts'
import { crashPoint } from './crash-point.ts'

/** SQLite's own files. The main one is the last to be moved away: without the other two it might look sound and be older than it is. */
const parts = ['-wal', '-shm', ''] as const

const rebuilding = ({ database }: Paths): string => `${database}.rebuilding`
const rebuilt = ({ database }: Paths): string => `${database}.rebuilt`
const told = ({ database }: Paths): string => `${database}.rebuilt.json`

interface Told {
  /** ISO 8601 without colons: part of the damaged file's new name. */
  readonly stamp: string
  readonly notice: string
}

/** `build` writes and closes a whole database at the path that it is given, and resolves to what the user is told, given where the damaged one will lie, if there is one. */
export async function replaceDatabase(paths: Paths, nowMs: number, build: (path: string, damaged: string | undefined) => Promise<string>): Promise<void> {
  for (const part of parts) rmSync(`${rebuilding(paths)}${part}`, { force: true })
  const stamp = new Date(nowMs).toISOString().replaceAll(':', '')
  const notice = await build(rebuilding(paths), existsSync(paths.database) ? damagedPath(paths, stamp) : undefined)
  writeFileSync(told(paths), JSON.stringify({ stamp, notice } satisfies Told), { mode: 0o600, flush: true })
  renameSync(rebuilding(paths), rebuilt(paths))
  syncFolder(paths)
  crashPoint('rebuild.built')
  finishReplacement(paths)
}

const damagedPath = ({ database }: Paths, stamp: string): string => `${database}.damaged-${stamp}`

/** What a daemon that died in the middle of a replacement left to do; nothing, as a rule. To be called before the database is opened. */
export function finishReplacement(paths: Paths): void {
  if (!existsSync(rebuilt(paths))) return
  const { stamp, notice } = JSON.parse(readFileSync(told(paths), 'utf8')) as Told
  addNotice(paths.home, notice)
  for (const part of parts) if (existsSync(`${paths.database}${part}`)) renameSync(`${paths.database}${part}`, unused(damagedPath(paths, stamp), part))
  syncFolder(paths)
  crashPoint('rebuild.aside')
  renameSync(rebuilt(paths), paths.database)
  syncFolder(paths)
  rmSync(told(paths), { force: true })
}

/** Nothing that was set aside is ever overwritten. */
function unused(path: string, part: string): string {
  for (let number = 1; ; number += 1) {
    const free = `${path}${number === 1 ? '' : `.${number}`}${part}`
    if (!existsSync(free)) return free
  }
}

/** SQLite begins a new database where there is no file or an empty one. Where there were runs, it was removed or cut off. */
export function isCutOff(paths: Paths): boolean {
  return (statSync(paths.database, { throwIfNoEntry: false })?.size ?? 0) === 0 && readdirSync(paths.runs).length > 0
}

function syncFolder({ database }: Paths): void {
  const folder = openSync(dirname(database), 'r')
  fsyncSync(folder)
  closeSync(folder)
}

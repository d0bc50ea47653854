// What the user has to know and nobody was there to be told, until it was shown: a small file in the home.

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const fileIn = (home: string): string => join(home, 'notices.json')

/** Oldest first. A file that cannot be read holds none. */
export function readNotices(home: string): readonly string[] {
  try {
    const kept: unknown = JSON.parse(readFileSync(fileIn(home), 'utf8'))
    return Array.isArray(kept) ? kept.filter((one) => typeof one === 'string') : []
  } catch {
    return []
  }
}

/** Once, however often it is added. */
export function addNotice(home: string, text: string): void {
  const kept = readNotices(home)
  if (kept.includes(text)) return
  writeFileSync(`${fileIn(home)}.new`, `${JSON.stringify([...kept, text], undefined, 2)}\n`, { mode: 0o600, flush: true })
  renameSync(`${fileIn(home)}.new`, fileIn(home))
}

export const clearNotices = (home: string): void => rmSync(fileIn(home), { force: true })

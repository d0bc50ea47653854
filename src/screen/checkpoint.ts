// The file `screen` in a run folder: a snapshot, so that a log need not be read from its beginning. A cache: whatever is odd about it, it is not there.
// One line of JSON, then the snapshot's bytes.

import { constants } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Snapshot } from './messages.ts'

const version = 1
const longestHeader = 1024
/** A thousand lines of 2000 columns in changing colours. */
const largest = 64 * 1024 * 1024

export interface Checkpoint extends Snapshot {
  /** How many of the run's size changes are in it. */
  readonly sizes: number
}

export async function readCheckpoint(folder: string): Promise<Checkpoint | undefined> {
  try {
    await using file = await open(join(folder, 'screen'), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const stat = await file.stat()
    if (!stat.isFile() || stat.size > largest) return undefined
    const content = await file.readFile()
    const end = content.subarray(0, longestHeader).indexOf(0x0a)
    const header: unknown = JSON.parse(content.toString('utf8', 0, end))
    if (typeof header !== 'object' || header === null || !('version' in header) || header.version !== version) return undefined
    const number = (name: string): number => {
      const value: unknown = (header as Readonly<Record<string, unknown>>)[name]
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new Error(`no ${name}`)
      return value
    }
    const bytes = content.subarray(end + 1)
    // Half of it is worse than none.
    if (number('length') !== bytes.length) return undefined
    return { offset: number('offset'), columns: number('columns'), rows: number('rows'), sizes: number('sizes'), bytes }
  } catch {
    return undefined
  }
}

/** Does nothing where that cannot be: the folder is gone, the disk is full. */
export async function writeCheckpoint(folder: string, { bytes, ...rest }: Checkpoint): Promise<void> {
  const path = join(folder, 'screen')
  const temporary = `${path}.tmp`
  try {
    await rm(temporary, { force: true })
    {
      await using file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
      await file.writeFile(Buffer.concat([Buffer.from(`${JSON.stringify({ version, ...rest, length: bytes.length })}\n`), bytes]))
    }
    await rename(temporary, path)
  } catch {
    await rm(temporary, { force: true }).catch(() => {})
  }
}

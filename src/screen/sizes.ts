// The sizes that a run's PTY had over time: the file `sizes` in its folder, which the keeper appends to. Older keepers write none.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TerminalSize } from '../core/events.ts'

/** In force from the byte at `offset` of the output on. */
export interface SizeChange extends TerminalSize {
  readonly offset: number
}

/** In ascending order of their offsets; a last line that is still being written is left out. */
export async function readSizes(folder: string): Promise<readonly SizeChange[]> {
  const text = await readFile(join(folder, 'sizes'), 'latin1').catch(() => '')
  const changes: SizeChange[] = []
  for (const [, offset, columns, rows] of text.matchAll(/^(\d{1,15}) (\d{1,5}) (\d{1,5})(?: .*)?\n/gm)) {
    const change = { offset: Number(offset), columns: Number(columns), rows: Number(rows) }
    if (change.columns > 0 && change.rows > 0 && change.offset >= (changes.at(-1)?.offset ?? 0)) changes.push(change)
  }
  return changes
}

// What the tool calls of a session say that they changed, by file. Pure.

import type { Line } from '../core/transcript.ts'

export interface ChangedFile {
  readonly path: string
  readonly added: number
  readonly removed: number
  /** Hunks, oldest call first. A call that told only counts has none. */
  readonly diffs: readonly string[]
}

/** In the order in which they were changed first. */
export function changedFiles(lines: readonly Line[]): readonly ChangedFile[] {
  const files = new Map<string, ChangedFile>()
  for (const line of lines) {
    if (line.kind !== 'entry' || line.entry.kind !== 'tool' || line.entry.status !== 'completed') continue
    for (const { path, added, removed, diff } of line.entry.changes ?? []) {
      const before = files.get(path) ?? { path, added: 0, removed: 0, diffs: [] }
      files.set(path, { path, added: before.added + added, removed: before.removed + removed, diffs: diff === undefined ? before.diffs : [...before.diffs, diff] })
    }
  }
  return [...files.values()]
}

export const changesTotal = (files: readonly ChangedFile[]): { readonly added: number; readonly removed: number } => ({
  added: files.reduce((sum, file) => sum + file.added, 0),
  removed: files.reduce((sum, file) => sum + file.removed, 0),
})

// Which hunks of a session the user has read and found good: by their content, so that a mark is gone when the hunk is another one. Pure but for the digest.

import { createHash } from 'node:crypto'
import type { PatchFile } from '../../core/patch.ts'
import type { TreePath } from '../../core/workspace.ts'

/** Digests of hunks, by path. */
export type Reviewed = Readonly<Record<TreePath, readonly string[]>>

export type FileMark = 'all' | 'some' | 'none'

/** Without its numbers: what is inserted above it does not change it. */
function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 20)
}

const kept = new WeakMap<PatchFile, readonly string[]>()

/** One for each hunk; of a file that has none (binary, moved, another mode) one for all of it. `bytes` are always those that it was parsed of. */
export function marksOf(bytes: Uint8Array, part: PatchFile): readonly string[] {
  const marks = kept.get(part) ?? marksAnew(bytes, part)
  kept.set(part, marks)
  return marks
}

export const marksOfAll = ({ bytes, parts }: { readonly bytes: Uint8Array; readonly parts: readonly PatchFile[] }): readonly string[] =>
  parts.flatMap((part) => marksOf(bytes, part))

function marksAnew(bytes: Uint8Array, part: PatchFile): readonly string[] {
  if (part.hunks.length === 0) return [digest(bytes.subarray(part.start, part.end))]
  return part.hunks.map(({ start, end }) => {
    const head = bytes.indexOf(0x0a, start)
    return digest(bytes.subarray(head === -1 ? end : head, end))
  })
}

export const isReviewed = (reviewed: Reviewed, path: TreePath, mark: string): boolean => Object.hasOwn(reviewed, path) && (reviewed[path]?.includes(mark) ?? false)

export function fileMark(reviewed: Reviewed, path: TreePath, marks: readonly string[]): FileMark {
  const read = marks.filter((mark) => isReviewed(reviewed, path, mark)).length
  return read === 0 ? 'none' : read === marks.length ? 'all' : 'some'
}

/** With these marks, or, if all of them were there, without them. */
export function toggled(reviewed: Reviewed, path: TreePath, marks: readonly string[]): Reviewed {
  const before = Object.hasOwn(reviewed, path) ? (reviewed[path] ?? []) : []
  const { [path]: _, ...others } = reviewed
  const all = marks.every((mark) => before.includes(mark))
  const after = all ? before.filter((mark) => !marks.includes(mark)) : [...new Set([...before, ...marks])]
  return after.length === 0 ? others : { ...others, [path]: after }
}

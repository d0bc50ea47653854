// Which of the files that a review shows the user has read: the marks that were kept, held against the hunks that there are now.

import type { ChangedFile, TreePath } from '../../core/workspace.ts'
import type { ChangesShown, FilePatch } from './changes-shown.ts'
import { type FileMark, type Reviewed, fileMark, isReviewed, marksOfAll, toggled } from './reviewed.ts'

export interface KeptMarks {
  readonly reviewed: Reviewed
  readonly keepReviewed: (reviewed: Reviewed) => void
}

export class MarksShown {
  readonly #changes: ChangesShown
  readonly #kept: KeptMarks
  readonly #changed: () => void
  #reviewed: Reviewed
  /** Of files whose patch is known: the digests of their hunks. */
  readonly #marks = new Map<TreePath, readonly string[]>()
  #found: object | undefined

  constructor(changes: ChangesShown, kept: KeptMarks, changed: () => void) {
    this.#changes = changes
    this.#kept = kept
    this.#changed = changed
    this.#reviewed = kept.reviewed
  }

  isReviewed(path: TreePath, mark: string): boolean {
    return isReviewed(this.#reviewed, path, mark)
  }

  of({ path }: ChangedFile): FileMark {
    return fileMark(this.#reviewed, path, this.#marks.get(path) ?? ['?'])
  }

  /** Whether some of them are new; if all were there, they are gone now. */
  toggle({ path }: ChangedFile, marks: readonly string[]): boolean {
    const isNew = marks.some((mark) => !this.isReviewed(path, mark))
    this.#reviewed = toggled(this.#reviewed, path, marks)
    this.#kept.keepReviewed(this.#reviewed)
    return isNew
  }

  /** Other changes, or more of their patches, are known. */
  told(): void {
    const { found, files } = this.#changes
    if (found && this.#found !== found) {
      this.#found = found
      this.#marks.clear()
      const marked = files.filter(({ path }) => Object.hasOwn(this.#reviewed, path))
      if (marked.length > 0) void this.#findMarks(marked, found)
    }
    for (const file of files) {
      const patch = this.#changes.patchOf(file)
      if (patch?.kind === 'patch' && !this.#marks.has(file.path)) this.#learn(file.path, patch)
    }
  }

  /** Whether what was reviewed is still what it was. */
  async #findMarks(files: readonly ChangedFile[], found: object): Promise<void> {
    const patches = await this.#changes.patchesOf(files)
    if (this.#found !== found) return
    for (const [path, patch] of patches) this.#learn(path, patch)
    this.#changed()
  }

  #learn(path: TreePath, patch: Pick<FilePatch, 'bytes' | 'parts'>): void {
    this.#marks.set(path, marksOfAll(patch))
  }
}

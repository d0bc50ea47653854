// Both sides of a review: the files, and the patch of the one under the cursor; beside each other, or one behind the other where it is narrow. Owns which of them has the keys and where each stands, and asks for the patch that is looked at.

import type { ChangedFile } from '../../core/workspace.ts'
import { cellPath, cellText, fit, fitStyled, spaces } from '../cells.ts'
import { languageOf, prepareHighlighting } from '../transcript/highlight.ts'
import type { Mouse, Size, Stage } from '../view.ts'
import type { ChangesShown, FilePatch } from './changes-shown.ts'
import type { Comment } from './comments.ts'
import { FilePane } from './file-pane.ts'
import type { MarksShown } from './marks-shown.ts'
import { itemsOf } from './patch-items.ts'
import { PatchPane } from './patch-pane.ts'
import { marksOf } from './reviewed.ts'
import type { RowCursor } from './row-cursor.ts'

export interface PanesParts {
  readonly changes: ChangesShown
  readonly marks: MarksShown
  readonly comments: () => readonly Comment[]
}

/** Narrower than this files and patch stand not beside but behind each other. */
const besideFrom = 100
/** The cursor passes by many files on its way to one. */
const loadedAfterMs = 40

export class Panes {
  readonly files: FilePane
  readonly patch: PatchPane
  /** The patch that is on the screen, and whose; keys act on no other. */
  painted: { readonly file: ChangedFile; readonly patch: FilePatch } | undefined
  readonly #stage: Stage
  readonly #parts: PanesParts
  #side: 'files' | 'patch' = 'files'
  #filesWidth = 0
  #asking: { readonly path: string; readonly of: object | undefined; readonly timer: NodeJS.Timeout } | undefined
  #laid: { readonly patch: object; readonly comments: readonly Comment[]; readonly width: number } | undefined

  constructor(stage: Stage, parts: PanesParts) {
    this.#stage = stage
    this.#parts = parts
    this.files = new FilePane(stage.theme)
    this.patch = new PatchPane(stage.theme)
  }

  /** The one that has the keys. */
  get side(): 'files' | 'patch' {
    return this.#side
  }

  get cursor(): RowCursor {
    return (this.#side === 'files' ? this.files : this.patch).cursor
  }

  get areBeside(): boolean {
    return this.#stage.size().columns >= besideFrom
  }

  paintedOf({ path }: ChangedFile): FilePatch | undefined {
    return this.painted?.file.path === path ? this.painted.patch : undefined
  }

  turnTo(side: 'files' | 'patch'): void {
    if (side === 'files' || this.files.file) this.#side = side
    if (side === 'files') this.patch.endRange()
  }

  /** Just as high as it may be, or less. */
  render(file: ChangedFile, size: Size): readonly string[] {
    if (size.columns < besideFrom) {
      this.#filesWidth = size.columns
      return this.#side === 'files' ? this.#fileRows(size) : this.#patchRows(file, size)
    }
    const width = (this.#filesWidth = Math.max(28, Math.min(48, Math.floor(size.columns * 0.32))))
    const left = this.#fileRows({ columns: width - 1, rows: size.rows })
    const right = this.#patchRows(file, { columns: size.columns - width - 2, rows: size.rows })
    return Array.from({ length: size.rows }, (_, row) => `${left[row] ?? spaces(width - 1)} ${this.#stage.theme.dim('│')} ${right[row] ?? ''}`)
  }

  /** `row`: from the first row of what was painted last. */
  mouse({ kind, column, row, delta }: Mouse): boolean {
    const overFiles = this.areBeside ? column < this.#filesWidth : this.#side === 'files'
    const { cursor } = overFiles ? this.files : this.patch
    if (kind === 'wheel') cursor.scroll(delta)
    else {
      // The first row of a patch names its file.
      const at = row - (overFiles ? 0 : 1)
      if (at < 0) return false
      cursor.click(at)
      this.#side = overFiles && kind === 'click' ? 'files' : 'patch'
    }
    return true
  }

  close(): void {
    clearTimeout(this.#asking?.timer)
  }

  #fileRows(size: Size): readonly string[] {
    const { changes, marks, comments } = this.#parts
    return this.files.render(size, {
      focused: this.#side === 'files',
      mark: (file) => marks.of(file),
      hasComments: ({ path }) => comments().some((one) => one.path === path && one.scope === changes.scope),
    })
  }

  #patchRows(file: ChangedFile, { columns, rows }: Size): readonly string[] {
    const { theme } = this.#stage
    const patch = this.#parts.changes.patchOf(file)
    const counts = file.added === null || file.removed === null ? '' : `  ${theme.added(`+${file.added}`)} ${theme.removed(`−${file.removed}`)}`
    const named = fitStyled(` ${theme.bold(fit(cellPath(file.path), Math.max(4, columns - 18)))}${counts}`, columns)
    if (patch?.kind !== 'patch') {
      if (!patch) this.#ask(file)
      return [named, patch?.kind === 'failed' ? theme.warning(fit(`   ! ${cellText(patch.why)}`, columns)) : '']
    }
    this.painted = { file, patch }
    const comments = this.#parts.comments()
    if (this.#laid?.patch !== patch || this.#laid.comments !== comments || this.#laid.width !== columns) {
      if (this.#laid?.patch !== patch) void prepareHighlighting(languageOf(file.path)).then((news) => news && this.#stage.repaint())
      this.#laid = { patch, comments, width: columns }
      this.patch.show(file, patch, itemsOf(file, patch, { comments, scope: this.#parts.changes.scope, width: columns }))
    }
    const body = this.patch.render(
      { columns, rows: rows - 1 },
      { focused: this.#side === 'patch', isReviewed: ({ part, index }) => this.#parts.marks.isReviewed(file.path, marksOf(patch.bytes, part)[index] ?? '') },
    )
    return [named, ...body]
  }

  /** The first file at once, others when the cursor has stayed on them. */
  #ask(file: ChangedFile): void {
    const of = this.#parts.changes.found
    const isFirst = this.#asking?.of !== of
    if (!isFirst && this.#asking?.path === file.path) return
    clearTimeout(this.#asking?.timer)
    this.#asking = { path: file.path, of, timer: setTimeout(() => this.#parts.changes.ask(file), isFirst ? 0 : loadedAfterMs) }
  }
}

// The files of a review, one row each: what became of it, its name cut in the middle, how much. Paints only what is seen.

import { sliceByColumn, visibleWidth } from '@earendil-works/pi-tui'
import type { ChangedFile } from '../../core/workspace.ts'
import { cellPath, fit, left } from '../cells.ts'
import type { Theme } from '../theme.ts'
import type { Size } from '../view.ts'
import type { FileMark } from './reviewed.ts'
import { RowCursor } from './row-cursor.ts'

const kindLetters: Readonly<Record<ChangedFile['kind'], string>> = { added: 'A', modified: 'M', deleted: 'D', renamed: 'R', 'type-changed': 'T' }
const markSigns: Readonly<Record<FileMark, string>> = { all: '✓', some: '~', none: ' ' }

export interface FileLooks {
  readonly focused: boolean
  readonly mark: (file: ChangedFile) => FileMark
  readonly hasComments: (file: ChangedFile) => boolean
}

export class FilePane {
  readonly cursor = new RowCursor()
  readonly #theme: Theme
  #files: readonly ChangedFile[] = []

  constructor(theme: Theme) {
    this.#theme = theme
  }

  /** The cursor stays on its file. */
  show(files: readonly ChangedFile[]): void {
    if (files === this.#files) return
    const path = this.file?.path
    this.#files = files
    const at = files.findIndex((file) => file.path === path)
    this.cursor.stand(files.length, at === -1 ? this.cursor.at : at)
  }

  get file(): ChangedFile | undefined {
    return this.#files[this.cursor.at]
  }

  /** At most `rows` rows, each just as wide as it may be. */
  render({ columns, rows }: Size, looks: FileLooks): readonly string[] {
    const top = this.cursor.topOf(rows)
    return this.#files.slice(top, top + rows).map((file, index) => this.#row(file, top + index === this.cursor.at, columns, looks))
  }

  #row(file: ChangedFile, isHere: boolean, columns: number, { focused, mark, hasComments }: FileLooks): string {
    const { accent, added, removed, bold, dim } = this.#theme
    const [plus, minus] = countsOf(file)
    const before = `${isHere ? (focused ? bold(accent('▸')) : dim('▸')) : ' '}${added(markSigns[mark(file)])}${kindLetters[file.kind]}${accent(hasComments(file) ? '*' : ' ')}`
    const width = columns - 4 - 2 - plus.length - minus.length
    if (width < 4) return fit(`${isHere ? '▸' : ' '}${cellPath(file.path)}`, columns)
    const name = left(fitMiddle(cellPath(file.path), width), width)
    return `${before}${isHere ? bold(name) : name}  ${minus === '' ? dim(plus) : added(plus) + removed(minus)}`
  }
}

/** Where no lines changed, what else did. */
function countsOf({ kind, added, removed, mode }: ChangedFile): readonly [plus: string, minus: string] {
  if (added === null || removed === null) return ['binary', '']
  if (added + removed > 0) return [`+${added}`, ` −${removed}`]
  return [kind === 'added' || kind === 'deleted' ? 'empty' : mode ? 'mode' : '', '']
}

/** At most so wide: the beginning says where, the end says what. */
export function fitMiddle(text: string, width: number): string {
  const whole = visibleWidth(text)
  if (whole <= width) return text
  if (width < 3) return fit(text, width)
  const end = Math.ceil((width - 1) * 0.6)
  const start = width - 1 - end
  return `${sliceByColumn(text, 0, start, true)}…${sliceByColumn(text, whole - end, end, true)}`
}

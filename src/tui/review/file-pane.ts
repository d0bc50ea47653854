// The files of a review, one row each: what became of it, its name cut in the middle, how much. Owns cursor and scroll; paints only what is seen.

import { sliceByColumn, visibleWidth } from '@earendil-works/pi-tui'
import type { ChangedFile } from '../../core/workspace.ts'
import { cellText, fit, left } from '../cells.ts'
import type { Theme } from '../theme.ts'
import type { Size } from '../view.ts'
import type { FileMark } from './reviewed.ts'

const kindLetters: Readonly<Record<ChangedFile['kind'], string>> = { added: 'A', modified: 'M', deleted: 'D', renamed: 'R', 'type-changed': 'T' }
const markSigns: Readonly<Record<FileMark, string>> = { all: '✓', some: '~', none: ' ' }

export interface FileLooks {
  readonly focused: boolean
  readonly mark: (file: ChangedFile) => FileMark
  readonly hasComments: (file: ChangedFile) => boolean
}

export class FilePane {
  readonly #theme: Theme
  #files: readonly ChangedFile[] = []
  #at = 0
  #top = 0
  #rows = 1

  constructor(theme: Theme) {
    this.#theme = theme
  }

  /** The cursor stays on its file. */
  show(files: readonly ChangedFile[]): void {
    if (files === this.#files) return
    const path = this.file?.path
    this.#files = files
    const at = files.findIndex((file) => file.path === path)
    this.#goTo(at === -1 ? this.#at : at)
  }

  get file(): ChangedFile | undefined {
    return this.#files[this.#at]
  }

  move(by: number): void {
    this.#goTo(this.#at + by)
  }

  page(direction: 1 | -1): void {
    this.move(direction * Math.max(1, this.#rows - 1))
  }

  first(): void {
    this.#goTo(0)
  }

  last(): void {
    this.#goTo(this.#files.length - 1)
  }

  click(row: number): void {
    this.#goTo(this.#top + row)
  }

  scroll(rows: number): void {
    this.#top = Math.max(0, Math.min(this.#files.length - this.#rows, this.#top + rows))
    this.#at = Math.max(this.#top, Math.min(this.#top + this.#rows - 1, this.#at))
  }

  /** At most `rows` rows, each just as wide as it may be. */
  render({ columns, rows }: Size, looks: FileLooks): readonly string[] {
    this.#rows = Math.max(1, rows)
    this.#top = Math.max(0, Math.min(Math.max(this.#at - this.#rows + 1, Math.min(this.#top, this.#at)), Math.max(0, this.#files.length - this.#rows)))
    return this.#files.slice(this.#top, this.#top + rows).map((file, index) => this.#row(file, this.#top + index === this.#at, columns, looks))
  }

  #goTo(index: number): void {
    this.#at = Math.max(0, Math.min(index, this.#files.length - 1))
  }

  #row(file: ChangedFile, isHere: boolean, columns: number, { focused, mark, hasComments }: FileLooks): string {
    const { accent, added, removed, bold, dim } = this.#theme
    const [plus, minus] = countsOf(file)
    const before = `${isHere ? (focused ? bold(accent('▸')) : dim('▸')) : ' '}${added(markSigns[mark(file)])}${kindLetters[file.kind]}${accent(hasComments(file) ? '*' : ' ')}`
    const width = columns - 4 - 2 - plus.length - minus.length
    if (width < 4) return fit(`${isHere ? '▸' : ' '}${cellText(file.path)}`, columns)
    const name = left(fitMiddle(cellText(file.path), width), width)
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

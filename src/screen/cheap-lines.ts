// Makes xterm's empty lines cheap, and its lines such that a snapshot can say them. It fills each cell of a new or a cleared line by itself, so 16 bytes that enter and leave the alternate screen took 50 us; here a line is a copy, in the memory of one that went.

import { type Attributes, cellFlags, combinedContent, contentMask, type Core, type Extended, type Line, type ScreenBuffer, widthShift } from './xterm-insides.ts'

/** Code points in one cell: a base and its marks. */
const longestCluster = 16
const mostSpareLines = 200
const spareLines: PoolLine[] = []

type PoolLine = Line & { clone(blank: true): PoolLine; copyFrom(line: Line, blank: true): void }
type OpenBuffer = ScreenBuffer & { readonly _bufferService: { readonly cols: number }; readonly _hasScrollback: boolean }
interface BufferPrototype {
  getBlankLine: (this: OpenBuffer, attributes: Attributes, isWrapped?: boolean) => PoolLine
  clear: (this: OpenBuffer) => void
  cheap?: true
}
type OpenLine = { _data: Uint32Array; _combined: Record<number, string>; _extendedAttrs: Record<number, Extended>; length: number; _cacheValid: boolean }
interface LinePrototype {
  fill: (this: OpenLine, cell: { content: number; fg: number; bg: number }, respectProtect?: boolean) => void
  insertCells: (this: OpenLine, position: number, count: number, cell: { content: number; fg: number; bg: number }) => void
  addCodepointToCell: (this: OpenLine, index: number, codePoint: number, width: number) => void
}

/** Changes the classes of all terminals, at the first call. */
export function makeLinesCheap(core: Core): void {
  const buffer = Object.getPrototypeOf(core._bufferService.buffer) as BufferPrototype
  if (buffer.cheap) return
  buffer.cheap = true
  const { getBlankLine, clear } = buffer
  let blank: PoolLine | undefined
  buffer.getBlankLine = function (attributes, isWrapped = false) {
    const columns = this._bufferService.cols
    if (!blank || blank.length !== columns || blank._data[1] !== attributes.fg >>> 0 || blank._data[2] !== attributes.bg >>> 0) {
      const made = getBlankLine.call(this, attributes, isWrapped)
      // Such lines are more than their numbers.
      if ((attributes.bg & cellFlags.extended) !== 0) return made
      blank = made.clone(true)
      return made
    }
    let line = spareLines.pop()
    if (line?.length === columns) line.copyFrom(blank, true)
    else line = blank.clone(true)
    line._isWrapped = isWrapped
    return line
  }
  buffer.clear = function () {
    // The lines of an alternate screen that was left serve the next one.
    if (!this._hasScrollback) for (let row = 0; row < this.lines.length; row += 1) spare(this.lines.get(row))
    clear.call(this)
  }
  const line = Object.getPrototypeOf(core._bufferService.buffer.lines.get(0)) as LinePrototype
  const { fill, addCodepointToCell, insertCells } = line
  let filled = new Uint32Array(0)
  line.fill = function (cell, respectProtect) {
    if (respectProtect === true || (cell.bg & cellFlags.extended) !== 0 || (cell.content & combinedContent) !== 0) return fill.call(this, cell, respectProtect)
    if (filled.length !== this._data.length || filled[0] !== cell.content || filled[1] !== cell.fg >>> 0 || filled[2] !== cell.bg >>> 0) {
      filled = new Uint32Array(this._data.length)
      for (let index = 0; index < filled.length; index += 3) filled.set([cell.content, cell.fg, cell.bg], index)
    }
    this._cacheValid = false
    this._combined = {}
    this._extendedAttrs = {}
    this._data.set(filled)
  }
  line.insertCells = function (position, count, cell) {
    insertCells.call(this, position, count, cell)
    // xterm leaves the second half of a wide character that was pushed apart.
    const index = 3 * (position + count)
    if (position + count < this.length && ((this._data[index] ?? 0) & (contentMask | (3 << widthShift))) === 0)
      this._data.set([cell.content, cell.fg, cell.bg & ~cellFlags.extended], index)
  }
  // Marks change no width: xterm gives a narrow character that of the wide one that found no room after it.
  line.addCodepointToCell = function (index, codePoint) {
    const content = this._data[index * 3] ?? 0
    if ((content & contentMask) === 0) {
      // A mark alone stands on a space.
      this._combined[index] = ` ${String.fromCodePoint(codePoint)}`
      this._data[index * 3] = combinedContent | (1 << widthShift)
      this._cacheValid = false
    } else if ((content & combinedContent) === 0 || (this._combined[index]?.length ?? 0) < longestCluster) addCodepointToCell.call(this, index, codePoint, 0)
  }
}

/** Nothing refers to this line any more: it is used for the next blank one. */
export function spare(line: Line | undefined): void {
  if (spareLines.length > 0 && spareLines[0]?.length !== line?.length) spareLines.length = 0
  if (line && spareLines.length < mostSpareLines) spareLines.push(line as PoolLine)
}

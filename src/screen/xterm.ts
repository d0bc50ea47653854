// Opens xterm's headless terminal so that hostile bytes cost it little, that it counts cells as today's terminals do, and that all of its state can be said in a snapshot.

import xterm from '@xterm/headless'
import type { Terminal } from '@xterm/headless'
import type { TerminalSize } from '../core/events.ts'
import { boundWork, Work } from './bounded-work.ts'
import { makeLinesCheap } from './cheap-lines.ts'
import { keepLinks } from './links.ts'
import { isWideSinceUnicode6 } from './widths.ts'
import type { Charset, Core, Extended } from './xterm-insides.ts'

/** Lines above the screen that are kept; older ones are in the byte log. */
export const scrollbackLines = 1000
/** Columns and rows; a cell takes 12 bytes. */
const largestSide = 2000

export interface HeadlessTerminal {
  readonly terminal: Terminal
  readonly core: Core
  readonly work: Work
}

export function openTerminal(size: TerminalSize): HeadlessTerminal {
  const { columns, rows } = boundedSize(size)
  const terminal = new xterm.Terminal({
    cols: columns,
    rows,
    scrollback: scrollbackLines,
    allowProposedApi: true,
    convertEol: false,
    logLevel: 'off',
    windowOptions: { pushTitle: true, popTitle: true },
    vtExtensions: { kittyKeyboard: true, win32InputMode: true },
  })
  const core = (terminal as unknown as { readonly _core: Core })._core
  makeLinesCheap(core)
  countWidths(terminal, core)
  keepLinks(core)
  const work = new Work()
  boundWork(core, work)
  saveWholeCursor(core)
  return { terminal, core, work }
}

export function boundedSize({ columns, rows }: TerminalSize): TerminalSize {
  return { columns: Math.min(Math.max(columns, 2), largestSide), rows: Math.min(Math.max(rows, 1), largestSide) }
}

// A mark belongs to the cell on its left, whatever came in between, or stands on a space. xterm gives one that follows nothing a cell of width 0, which leads the cursor out of the line.
function countWidths(terminal: Terminal, core: Core): void {
  const old = core.unicodeService._providers['6']
  if (!old) throw new Error('xterm has no widths of Unicode 6')
  const wcwidth = (codePoint: number): 0 | 1 | 2 => (isWideSinceUnicode6(codePoint) ? 2 : old.wcwidth(codePoint))
  terminal.unicode.register({
    version: 'offstage',
    wcwidth,
    charProperties(codePoint, preceding) {
      // Latin letters, most of what comes. A cluster of one cell, in xterm's layout.
      if (codePoint < 0x300 && codePoint >= 0x20 && (codePoint < 0x7f || codePoint >= 0xa0)) return 1 << 1
      const width = wcwidth(codePoint)
      if (width > 0) return width << 1
      // xterm's layout: bit 0 joins, bits 1 and 2 are the width of the whole cluster.
      if (preceding !== 0) return (preceding & 6) | 1
      const { buffer } = core._bufferService
      if (buffer.x === 0) {
        // xterm looks where the cursor is after this.
        buffer.lines.get(buffer.ybase + buffer.y)?.replaceCells(0, 1, buffer.getNullCell(core._inputHandler._curAttrData))
        buffer.x = 1
      }
      return 1
    },
  })
  terminal.unicode.activeVersion = 'offstage'
}

// xterm's saved cursor has no underline style, and its restored flags may contradict what is current; the alternate screen's outlives that screen. So none of that can be said in a snapshot.
function saveWholeCursor(core: Core): void {
  const handler = core._inputHandler
  const { saveCursor, restoreCursor } = handler
  const empty = handler._curAttrData.extended.clone()
  const all = [0, 1, 2, 3]
  handler.saveCursor = () => {
    const { buffer } = core._bufferService
    saveCursor.call(handler)
    buffer.savedExtended = handler._curAttrData.extended.clone()
    buffer.savedCharsets = all.map((set) => core._charsetService._charsets[set])
    return true
  }
  handler.restoreCursor = () => {
    const current = handler._curAttrData
    const { buffer } = core._bufferService
    // Where nothing was saved, xterm would leave the character sets as they are.
    buffer.savedCharsets = all.map((set) => buffer.savedCharsets[set])
    const extended = (buffer.savedExtended ?? empty).clone() as { _urlId: number } & Extended
    extended._urlId = current.extended._urlId
    restoreCursor.call(handler)
    current.extended = extended
    current.updateExtended()
    return true
  }
  handler._parser.registerCsiHandler({ intermediates: '!', final: 'p' }, () => {
    core._bufferService.buffer.savedExtended = empty
    return false
  })
  core._bufferService.buffers.onBufferActivate(({ inactiveBuffer, activeBuffer }) => {
    if (activeBuffer !== core._bufferService.buffers.normal) return
    inactiveBuffer.savedX = inactiveBuffer.savedY = inactiveBuffer.savedGlevel = 0
    inactiveBuffer.savedCurAttrData.fg = inactiveBuffer.savedCurAttrData.bg = 0
    inactiveBuffer.savedCharset = undefined
    inactiveBuffer.savedCharsets = []
    inactiveBuffer.savedOriginMode = false
    inactiveBuffer.savedWraparoundMode = true
    inactiveBuffer.savedExtended = empty
  })
}

let designations: ReadonlyMap<Charset, string> | undefined

/** The final byte that designates a character set; `B` for ASCII. */
export function designationOf(charset: Charset | undefined): string {
  if (charset === undefined) return 'B'
  designations ??= learnDesignations()
  return designations.get(charset) ?? 'B'
}

function learnDesignations(): ReadonlyMap<Charset, string> {
  const { core, terminal } = openTerminal({ columns: 2, rows: 1 })
  const found = new Map<Charset, string>()
  // Those that several letters stand for are named by the first.
  for (const letter of '0AB4C5RQKYE6ZH7=') {
    core._inputHandler.selectCharset(`(${letter}`)
    const charset = core._charsetService._charsets[0]
    if (charset && !found.has(charset)) found.set(charset, letter)
  }
  terminal.dispose()
  return found
}

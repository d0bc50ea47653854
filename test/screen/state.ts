// Everything that a terminal's further behaviour can depend on, as one value that can be compared: cells with their attributes and links, cursors, modes, titles.

import { type Core, type Line, repeated, type ScreenBuffer, cellFlags } from '../../src/screen/xterm-insides.ts'
import { designationOf } from '../../src/screen/xterm.ts'

export function stateOf(core: Core): object {
  const { _bufferService: service, _inputHandler: handler, coreService, mouseStateService, _charsetService, optionsService } = core
  const { normal, alt } = service.buffers
  const onAlternate = service.buffer === alt
  const { kittyKeyboard } = coreService
  return {
    size: [service.cols, service.rows],
    onAlternate,
    normal: bufferState(core, normal),
    alternate: onAlternate ? bufferState(core, alt) : undefined,
    cursor: [service.buffer.x, service.buffer.y, coreService.isCursorHidden],
    attributes: attributesText(core, handler._curAttrData.fg, handler._curAttrData.bg, handler._curAttrData.extended),
    repeats: repeated(core),
    modes: { ...coreService.modes, ...coreService.decPrivateModes, convertEol: optionsService.options.convertEol },
    mouse: [mouseStateService.activeProtocol, mouseStateService.activeEncoding],
    charsets: [...[0, 1, 2, 3].map((set) => designationOf(_charsetService._charsets[set])), _charsetService.glevel],
    keyboard: {
      flags: kittyKeyboard.flags,
      other: onAlternate ? kittyKeyboard.mainFlags : kittyKeyboard.altFlags,
      stacks: [kittyKeyboard.mainStack, kittyKeyboard.altStack],
    },
    titles: [handler._windowTitle, handler._iconName, handler._windowTitleStack, handler._iconNameStack],
  }
}

function bufferState(core: Core, buffer: ScreenBuffer): object {
  const { cols, rows } = core._bufferService
  const lines: string[] = []
  for (let row = 0; row < buffer.lines.length; row += 1) {
    const line = buffer.lines.get(row)
    if (line) lines.push(`${line._isWrapped ? '+' : ' '}${lineText(core, line, cols)}`)
  }
  return {
    lines,
    ybase: buffer.ybase,
    margins: [buffer.scrollTop, buffer.scrollBottom],
    tabs: Object.keys(buffer.tabs)
      .map(Number)
      .filter((column) => column < cols && buffer.tabs[column] === true),
    saved: {
      at: [Math.min(buffer.savedX, cols - 1), Math.min(Math.max(buffer.savedY - buffer.ybase, 0), rows - 1)],
      attributes: attributesText(core, buffer.savedCurAttrData.fg, buffer.savedCurAttrData.bg, buffer.savedExtended && { _ext: buffer.savedExtended._ext, _urlId: 0 }),
      charsets: [...[0, 1, 2, 3].map((set) => designationOf(buffer.savedCharsets[set])), buffer.savedGlevel],
      modes: [buffer.savedOriginMode, buffer.savedWraparoundMode],
    },
  }
}

/** A mark where the attributes change, then the characters; `_` is a cell where nothing was printed. */
function lineText(core: Core, line: Line, columns: number): string {
  let text = ''
  let before = attributesText(core, 0, 0, undefined)
  for (let column = 0; column < columns; column += 1) {
    const content = line._data[3 * column] ?? 0
    const fg = line._data[3 * column + 1] ?? 0
    const bg = line._data[3 * column + 2] ?? 0
    const attributes = attributesText(core, fg, bg, (bg & cellFlags.extended) === 0 ? undefined : line._extendedAttrs[column])
    const width = content >>> 22
    const code = content & 0x1fffff
    const printed = (content & 0x200000) !== 0 ? (line._combined[column] ?? '') : code === 0 ? '' : String.fromCodePoint(code)
    if (width === 0 && printed === '') continue
    if (attributes !== before) text += `{${attributes}}`
    before = attributes
    // An empty cell with more than a background looks like a space, and is none only because half a wide character went.
    text += printed === '' ? (fg !== 0 || (bg & ~cellFlags.colour) !== 0 ? ' ' : '_') : printed
    if (width !== 1) text += `<${width}>`
  }
  return text.replace(/_+$/, (empty) => (before === '0,0,' ? '' : empty))
}

function attributesText(core: Core, fg: number, bg: number, extended: { readonly _ext: number; readonly _urlId: number } | undefined): string {
  const link = core._oscLinkService.getLinkData(extended?._urlId ?? 0)
  const underline = (extended?._ext ?? 0) & ((fg & cellFlags.underline) === 0 ? cellFlags.colour : -1)
  return `${fg.toString(16)},${(bg & ~cellFlags.extended).toString(16)},${underline === 0 ? '' : underline.toString(16)}${link ? ` ${link.id ?? ''};${link.uri}` : ''}`
}

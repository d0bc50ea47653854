// Says a terminal's whole state in bytes: written to a terminal of the same size that was just reset, they give the same lines, attributes, links, modes, saved cursors, titles and half-received sequence.
// Nothing in them asks, rings or copies. Not xterm's addon-serialize: that knows no links, saved cursors, character sets or tabs, and guesses at coloured cells and wrapped lines.

import { cellFlags, codePointMask, combinedContent, contentMask, type Core, type Extended, type Line, repeated, type ScreenBuffer, widthShift } from './xterm-insides.ts'
import { designationOf } from './xterm.ts'

export interface SnapshotOf {
  readonly core: Core
  /** What puts a terminal into the modes that xterm does not keep. */
  readonly untracked: string
  /** The first part of a sequence or a character whose rest has not come. */
  readonly held: Uint8Array
  /** How many lines above the screen go in. */
  readonly scrollback: number
}

export function snapshotOf({ core, untracked, held, scrollback }: SnapshotOf): Uint8Array {
  const { buffers, buffer, cols } = core._bufferService
  const onAlternate = buffer === buffers.alt
  const out = new Output()
  const painter = new Painter(core, out)
  out.text(keyboardBehind(core, onAlternate))
  painter.lines(buffers.normal, scrollback)
  const ownTabs = !hasDefaultTabs(buffers.normal, cols)
  if (ownTabs) painter.tabs(buffers.normal)
  if (onAlternate) {
    painter.margins(buffers.normal)
    painter.savedCursor(buffers.normal, buffers.normal.scrollTop)
    // Saves the cursor, as the program did. Some terminals fill the other screen with the current colour, others do not clear it.
    out.text('\x1b[?1049h')
    painter.leaveSavedCursor(buffers.normal)
    // In most terminals both screens have the same margins and tabs, in some each has its own.
    out.text('\x1b[r\x1b[H\x1b[2J')
    painter.lines(buffer, 0)
    if (ownTabs || !hasDefaultTabs(buffer, cols)) painter.tabs(buffer)
  }
  if (hasSavedCursor(buffer)) {
    painter.savedCursor(buffer, 0)
    out.text('\x1b7')
    painter.leaveSavedCursor(buffer)
  }
  painter.margins(buffer)
  out.text(titles(core))
  out.text(untracked)
  out.text(keyboard(core, onAlternate))
  out.text(modes(core))
  painter.cursor(buffer)
  out.bytes(held)
  return out.taken()
}

interface Pen {
  readonly fg: number
  readonly bg: number
  /** Underline style and colour. */
  readonly underline: number
  readonly link: number
}
const plain: Pen = { fg: 0, bg: 0, underline: 0, link: 0 }

/** Writes cells and cursors; knows which attributes the reading terminal has. */
class Painter {
  readonly #core: Core
  readonly #out: Output
  readonly #columns: number
  readonly #rows: number
  readonly #renditions = new Map<string, string>()
  #pen = plain

  constructor(core: Core, out: Output) {
    this.#core = core
    this.#out = out
    this.#columns = core._bufferService.cols
    this.#rows = core._bufferService.rows
  }

  /** The newest lines, from the top of an empty screen in its default modes. Leaves plain attributes, and the cursor somewhere. */
  lines(buffer: ScreenBuffer, scrollback: number): void {
    const first = Math.max(0, buffer.ybase - scrollback)
    let last = buffer.lines.length - 1
    // A screen that never scrolled needs no empty lines at its end.
    if (buffer.ybase === 0) while (last > 0 && isEmpty(buffer.lines.get(last))) last -= 1
    const top = buffer.lines.get(0)
    // What it went on from is no more.
    if (top) top._isWrapped = false
    let before: Line | undefined
    for (let row = first; row <= last; row += 1) {
      const line = buffer.lines.get(row)
      if (!line) break
      const wraps = before && line._isWrapped && this.#wrap(before, line)
      if (before && !wraps) {
        // The line that comes in at the bottom is filled with the current colour.
        if ((this.#pen.bg & cellFlags.colour) !== 0) this.#use(plain)
        this.#out.text('\r\n')
      }
      this.#cells(line, wraps === 'by-text')
      before = line
    }
    this.#use(plain)
  }

  tabs(buffer: ScreenBuffer): void {
    this.#out.text('\x1b[3g')
    for (const column of Object.keys(buffer.tabs).map(Number)) if (buffer.tabs[column] === true && column < this.#columns) this.#out.text(`\x1b[${column + 1}G\x1bH`)
  }

  /** Where they are not the whole screen. Moves the cursor. */
  margins({ scrollTop, scrollBottom }: ScreenBuffer): void {
    if (scrollTop !== 0 || scrollBottom !== this.#rows - 1) this.#out.text(`\x1b[${scrollTop + 1};${scrollBottom + 1}r`)
  }

  /** Brings everything that DECSC saves into the state that was saved. `top`: where the upper margin is now. */
  savedCursor(buffer: ScreenBuffer, top: number): void {
    this.#use({ ...penOf({ ...buffer.savedCurAttrData, extended: buffer.savedExtended }), link: 0 })
    this.#out.text(charsets(buffer.savedCharsets, buffer.savedGlevel))
    if (buffer.savedOriginMode) this.#out.text('\x1b[?6h')
    if (!buffer.savedWraparoundMode) this.#out.text('\x1b[?7l')
    this.#moveTo(Math.max(buffer.savedY - buffer.ybase - (buffer.savedOriginMode ? top : 0), 0), Math.min(buffer.savedX, this.#columns - 1))
  }

  /** Back into the default modes. */
  leaveSavedCursor(buffer: ScreenBuffer): void {
    this.#use(plain)
    if (buffer.savedOriginMode) this.#out.text('\x1b[?6l')
    if (!buffer.savedWraparoundMode) this.#out.text('\x1b[?7h')
    const used = charsets(buffer.savedCharsets, buffer.savedGlevel)
    if (used !== '') this.#out.text('\x1b(B\x1b)B\x1b*B\x1b+B\x0f')
  }

  /** Attributes, character sets, the modes that change how text is written, and the cursor, which may be about to wrap. */
  cursor(buffer: ScreenBuffer): void {
    const { coreService, _charsetService, _inputHandler, optionsService } = this.#core
    const { modes, decPrivateModes } = coreService
    const pen = penOf(_inputHandler._curAttrData)
    // Just printed: nothing has changed since, so it can be printed once more, and what repeats or marks it (REP, combining characters) finds it.
    const again = repeated(this.#core) !== undefined ? this.#before(buffer) : undefined
    const wrapping = buffer.x >= this.#columns
    // It moves the cursor.
    if (decPrivateModes.origin) this.#out.text('\x1b[?6h')
    const row = Math.min(buffer.y, this.#rows - 1) - (decPrivateModes.origin ? buffer.scrollTop : 0)
    const last = wrapping && !again ? this.#before(buffer) : undefined
    if (last) {
      this.#moveTo(row, last.column)
      this.#use(penAt(buffer.lines.get(buffer.ybase + buffer.y), last.column))
      // A string terminator does nothing, but what was printed is not the last thing any more.
      this.#out.text(`${last.text}\x1b\\`)
    } else this.#moveTo(row, again ? again.column : Math.min(buffer.x, this.#columns - 1))
    this.#use(pen)
    this.#out.text(charsets(_charsetService._charsets, _charsetService.glevel))
    if (modes.insertMode) this.#out.text('\x1b[4h')
    if (optionsService.options.convertEol) this.#out.text('\x1b[20h')
    if (!decPrivateModes.wraparound) this.#out.text('\x1b[?7l')
    if (decPrivateModes.synchronizedOutput) this.#out.text('\x1b[?2026h')
    if (!again) return
    // It pushes the rest of the line to the right.
    if (modes.insertMode) this.#out.text(`\x1b[${again.width}P`)
    this.#out.text(again.text)
  }

  /** The character on the left of the cursor. */
  #before(buffer: ScreenBuffer): { readonly column: number; readonly width: number; readonly text: string } | undefined {
    const line = buffer.lines.get(buffer.ybase + buffer.y)
    const end = Math.min(buffer.x, this.#columns)
    if (!line || end === 0) return undefined
    const column = end > 1 && widthAt(line, end - 1) === 0 ? end - 2 : end - 1
    const text = textAt(line, column)
    return text === '' ? undefined : { column, width: end - column, text }
  }

  #moveTo(row: number, column: number): void {
    this.#out.text(`\x1b[${row + 1};${column + 1}H`)
  }

  /** Makes the next line one that goes on from this one: by its first character where that comes about like this, else by spaces that are taken away again. */
  #wrap(before: Line, line: Line): 'by-text' | 'by-spaces' | undefined {
    const end = this.#columns - 1
    const full = widthAt(before, end) === 0 || textAt(before, end) !== '' || !(isBlank(before, end) || isColoured(before, end))
    if (full && textAt(line, 0) !== '') return 'by-text'
    // The line above is out of reach.
    if (this.#rows === 1) return undefined
    this.#use(plain)
    // The cursor stands behind the last cell, if that is full.
    if (!full) this.#out.text(`\x1b[${end + 1}G `)
    this.#out.text(' \r\x1b[X')
    if (full) return 'by-spaces'
    this.#out.text(`\x1b[A\x1b[${end + 1}G`)
    this.#use(penAt(before, end))
    this.#out.text('\x1b[X')
    this.#use(plain)
    this.#out.text('\x1b[B\r')
    return 'by-spaces'
  }

  /** From the cursor at the begin of the line, or `wrapping`: its first character brings the cursor there. */
  #cells(line: Line, wrapping: boolean): void {
    const out = this.#out
    const columns = Math.min(line.length, this.#columns)
    const cells = line._data
    /** Cells passed over since the cursor. */
    let gap = 0
    for (let column = 0; column < columns; column += 1) {
      const content = cells[3 * column] as number
      if ((content & contentMask) === 0) {
        if (isBlank(line, column)) {
          gap += 1
          continue
        }
        if (isColoured(line, column)) {
          let end = column + 1
          while (end < columns && (cells[3 * end] as number) === content && isColoured(line, end) && cells[3 * end + 2] === cells[3 * column + 2]) end += 1
          if (gap > 0) out.text(`\x1b[${gap}C`)
          this.#use({ ...plain, bg: cells[3 * column + 2] as number })
          out.text(`\x1b[${end - column}X`)
          gap = end - column
          column = end - 1
          continue
        }
      }
      if (gap > 0) out.text(`\x1b[${gap}C`)
      gap = 0
      const fg = cells[3 * column + 1] as number
      const bg = cells[3 * column + 2] as number
      if ((bg & cellFlags.extended) !== 0 || fg !== this.#pen.fg || bg !== this.#pen.bg || this.#pen.link !== 0 || this.#pen.underline !== 0) this.#use(penAt(line, column))
      if ((content & combinedContent) === 0) out.codePoint(content & codePointMask || 0x20)
      else out.text(line._combined[column] ?? ' ')
      if (content >>> widthShift === 2) column += 1
      if (wrapping) {
        wrapping = false
        // As with a new line: where the screen scrolled, the rest of it now has this colour.
        if ((bg & cellFlags.colour) !== 0 && column + 1 < columns) {
          this.#use(plain)
          out.text('\x1b[K')
        }
      }
    }
  }

  #use(pen: Pen): void {
    const now = this.#pen
    if (pen === now) return
    if (pen.link !== now.link) {
      const link = this.#core._oscLinkService.getLinkData(pen.link)
      this.#out.text(link ? `\x1b]8;${link.id === undefined ? '' : `id=${link.id}`};${link.uri}\x1b\\` : '\x1b]8;;\x1b\\')
    }
    if (pen.fg !== now.fg || pen.bg !== now.bg || pen.underline !== now.underline) {
      const key = `${pen.fg} ${pen.bg} ${pen.underline}`
      let rendition = this.#renditions.get(key)
      if (rendition === undefined) this.#renditions.set(key, (rendition = renditionOf(pen)))
      this.#out.text(rendition)
      // xterm's SGR 0 ends this, and others' does not.
      if (((pen.bg | now.bg) & cellFlags.protected) !== 0) this.#out.text((pen.bg & cellFlags.protected) === 0 ? '\x1b[0"q' : '\x1b[1"q')
    }
    this.#pen = pen
  }
}

function renditionOf({ fg, bg, underline }: Pen): string {
  const parameters: (number | string)[] = [0]
  if (fg & cellFlags.bold) parameters.push(1)
  if (bg & cellFlags.dim) parameters.push(2)
  if (bg & cellFlags.italic) parameters.push(3)
  const style = (underline >>> 26) & 7
  if (fg & cellFlags.underline) parameters.push(style <= 1 ? 4 : `4:${style}`)
  if (fg & cellFlags.blink) parameters.push(5)
  if (fg & cellFlags.inverse) parameters.push(7)
  if (fg & cellFlags.invisible) parameters.push(8)
  if (fg & cellFlags.strikethrough) parameters.push(9)
  if (bg & cellFlags.overline) parameters.push(53)
  parameters.push(...colourOf(fg, 30), ...colourOf(bg, 40))
  // xterm keeps SGR 59 as white.
  if ((underline & cellFlags.colour) === cellFlags.colour) parameters.push(59)
  else if ((underline & cellFlags.colourMode) === 0x2000000) parameters.push(`58:5:${underline & 0xff}`)
  else if ((underline & cellFlags.colourMode) === 0x3000000) parameters.push(`58:2::${(underline >>> 16) & 0xff}:${(underline >>> 8) & 0xff}:${underline & 0xff}`)
  return `\x1b[${parameters.join(';')}m`
}

function colourOf(attribute: number, base: 30 | 40): (number | string)[] {
  switch (attribute & cellFlags.colourMode) {
    case 0x1000000:
      return [(attribute & 8 ? base + 60 : base) + (attribute & 7)]
    case 0x2000000:
      return [base + 8, 5, attribute & 0xff]
    case 0x3000000:
      return [base + 8, 2, (attribute >>> 16) & 0xff, (attribute >>> 8) & 0xff, attribute & 0xff]
    default:
      return []
  }
}

function penOf({ fg, bg, extended }: { readonly fg: number; readonly bg: number; readonly extended?: Extended | undefined }): Pen {
  return { fg, bg: bg & ~cellFlags.extended, underline: extended?._ext ?? 0, link: extended?._urlId ?? 0 }
}

function penAt(line: Line | undefined, column: number): Pen {
  if (!line) return plain
  const bg = line._data[3 * column + 2] as number
  return penOf({ fg: line._data[3 * column + 1] as number, bg, extended: (bg & cellFlags.extended) === 0 ? undefined : line._extendedAttrs[column] })
}

const widthAt = (line: Line, column: number): number => (line._data[3 * column] as number) >>> widthShift

/** Empty where nothing was printed, and in the second half of a wide character. */
function textAt(line: Line, column: number): string {
  const content = line._data[3 * column] as number
  if ((content & combinedContent) !== 0) return line._combined[column] ?? ''
  return (content & codePointMask) === 0 ? '' : String.fromCodePoint(content & codePointMask)
}

/** As it is in a fresh line; the second half of a wide character counts as that, and is never asked for. */
const isBlank = (line: Line, column: number): boolean => line._data[3 * column + 1] === 0 && line._data[3 * column + 2] === 0

/** As erasing leaves it: nothing but a background. */
const isColoured = (line: Line, column: number): boolean =>
  line._data[3 * column + 1] === 0 && ((line._data[3 * column + 2] as number) & ~cellFlags.colour) === 0 && !isBlank(line, column)

function isEmpty(line: Line | undefined): boolean {
  return !line || (!line._isWrapped && line._data.every((value, index) => (index % 3 === 0 ? (value & contentMask) === 0 : value === 0)))
}

function charsets(sets: Core['_charsetService']['_charsets'], level: number): string {
  let text = ''
  for (const [index, slot] of ['(', ')', '*', '+'].entries()) {
    const letter = designationOf(sets[index])
    if (letter !== 'B') text += `\x1b${slot}${letter}`
  }
  return text + (['', '\x0e', '\x1bn', '\x1bo'][level] ?? '')
}

function hasSavedCursor(buffer: ScreenBuffer): boolean {
  const { savedX, savedY, ybase, savedCurAttrData, savedExtended, savedGlevel, savedOriginMode, savedWraparoundMode, savedCharsets } = buffer
  const moved = savedX !== 0 || savedY > ybase
  const drawn = savedCurAttrData.fg !== 0 || (savedCurAttrData.bg & ~cellFlags.extended) !== 0 || (savedExtended?._ext ?? 0) !== 0
  return moved || drawn || savedOriginMode || !savedWraparoundMode || charsets(savedCharsets, savedGlevel) !== ''
}

function hasDefaultTabs({ tabs }: ScreenBuffer, columns: number): boolean {
  for (let column = 0; column < columns; column += 1) if ((tabs[column] === true) !== (column % 8 === 0)) return false
  return true
}

function titles({ _inputHandler }: Core): string {
  const { _windowTitle, _iconName, _windowTitleStack, _iconNameStack } = _inputHandler
  const window = (title: string): string => `\x1b]2;${title}\x1b\\`
  const icon = (name: string): string => `\x1b]1;${name}\x1b\\`
  let text = ''
  for (const title of _windowTitleStack) text += `${window(title)}\x1b[22;2t`
  for (const name of _iconNameStack) text += `${icon(name)}\x1b[22;1t`
  if (_windowTitle !== '' || _windowTitleStack.length > 0) text += window(_windowTitle)
  if (_iconName !== '' || _iconNameStack.length > 0) text += icon(_iconName)
  return text
}

/** Flags and stack of the keyboard protocol for the screen that is shown. */
function keyboard({ coreService }: Core, onAlternate: boolean): string {
  const { flags, mainStack, altStack } = coreService.kittyKeyboard
  return keyboardStack(flags, onAlternate ? altStack : mainStack)
}

/** The same for the other screen, where that is not as at the start; to be said before anything is drawn. */
function keyboardBehind({ coreService }: Core, onAlternate: boolean): string {
  const { mainFlags, altFlags, mainStack, altStack } = coreService.kittyKeyboard
  if (onAlternate) return keyboardStack(mainFlags, mainStack)
  const text = keyboardStack(altFlags, altStack)
  return text === '' ? '' : `\x1b[?1047h${text}\x1b[?1047l`
}

function keyboardStack(flags: number, stack: readonly number[]): string {
  const [first, ...rest] = [...stack, flags]
  return `${first ? `\x1b[=${first}u` : ''}${rest.map((pushed) => `\x1b[>${pushed}u`).join('')}`
}

/** Those that change neither the cursor nor how text is written. */
function modes({ coreService, mouseStateService }: Core): string {
  const { decPrivateModes, isCursorHidden } = coreService
  const { applicationCursorKeys, applicationKeypad, bracketedPasteMode, colorSchemeUpdates, reverseWraparound, sendFocus, win32InputMode, cursorStyle, cursorBlink } =
    decPrivateModes
  let text = ''
  const set = (mode: number | undefined, on: boolean): void => {
    if (on) text += `\x1b[?${mode}h`
  }
  set(1, applicationCursorKeys)
  if (applicationKeypad) text += '\x1b='
  set(2004, bracketedPasteMode)
  set(2031, colorSchemeUpdates)
  set(45, reverseWraparound)
  set(1004, sendFocus)
  set(9001, win32InputMode)
  const { activeProtocol, activeEncoding } = mouseStateService
  if (activeProtocol !== 'NONE') set({ X10: 9, VT200: 1000, DRAG: 1002, ANY: 1003 }[activeProtocol], true)
  if (activeEncoding !== 'DEFAULT') set({ SGR: 1006, SGR_PIXELS: 1016 }[activeEncoding], true)
  if (isCursorHidden) text += '\x1b[?25l'
  if (cursorStyle !== undefined) text += `\x1b[${{ block: 2, underline: 4, bar: 6 }[cursorStyle] - (cursorBlink === true ? 1 : 0)} q`
  return text
}

/** Bytes that grow. */
class Output {
  #buffer = Buffer.allocUnsafe(65_536)
  #length = 0

  text(text: string): void {
    if (text === '') return
    this.#reserve(text.length * 3)
    this.#length += this.#buffer.write(text, this.#length)
  }

  codePoint(value: number): void {
    this.#reserve(4)
    if (value < 0x80) this.#buffer[this.#length++] = value
    else this.#length += this.#buffer.write(String.fromCodePoint(value), this.#length)
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  taken(): Uint8Array {
    return new Uint8Array(this.#buffer.subarray(0, this.#length))
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + more))
    larger.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = larger
  }
}

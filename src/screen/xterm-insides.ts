// The parts of xterm's headless terminal that are read or replaced here. The version is pinned exactly in package.json; test/screen fails when one of these parts moves.

/** Flags of a cell's `fg` and `bg`, as in xterm's buffer/Constants.ts. */
export const cellFlags = {
  colourMode: 0x3000000,
  colour: 0x3ffffff,
  inverse: 0x4000000,
  bold: 0x8000000,
  underline: 0x10000000,
  blink: 0x20000000,
  invisible: 0x40000000,
  strikethrough: 0x80000000,
  italic: 0x4000000,
  dim: 0x8000000,
  extended: 0x10000000,
  protected: 0x20000000,
  overline: 0x40000000,
} as const

/** Parts of a cell's content. */
export const codePointMask = 0x1fffff
export const combinedContent = 0x200000
export const contentMask = codePointMask | combinedContent
export const widthShift = 22

/** Underline style (bits 26 to 28) and colour, and the number of the link. */
export interface Extended {
  readonly _ext: number
  readonly _urlId: number
  clone(): Extended
}

export interface Attributes {
  fg: number
  bg: number
  extended: Extended
  updateExtended(): void
  clone(): Attributes
}

export interface Line {
  /** Three numbers a cell: content (21 bits of code point, one that says it is combined, two of width), fg, bg. */
  readonly _data: Uint32Array
  readonly _combined: Readonly<Record<number, string>>
  readonly _extendedAttrs: Readonly<Record<number, Extended | undefined>>
  readonly length: number
  _isWrapped: boolean
  replaceCells(from: number, to: number, cell: NullCell): void
  resize(columns: number, cell: NullCell): void
}

export type NullCell = object

export type Charset = object

export interface ScreenBuffer {
  readonly lines: { readonly length: number; maxLength: number; get(index: number): Line | undefined; set(index: number, line: Line): void }
  x: number
  y: number
  readonly ybase: number
  readonly scrollTop: number
  readonly scrollBottom: number
  readonly tabs: Readonly<Record<number, boolean | undefined>>
  savedX: number
  savedY: number
  readonly savedCurAttrData: { fg: number; bg: number }
  /** Ours: what xterm does not save. */
  savedExtended?: Extended
  savedCharset: Charset | undefined
  savedCharsets: (Charset | undefined)[]
  savedGlevel: number
  savedOriginMode: boolean
  savedWraparoundMode: boolean
  getBlankLine(attributes: Attributes, isWrapped?: boolean): Line
  getNullCell(attributes?: Attributes): NullCell
}

export interface Parameters {
  readonly params: Int32Array
  readonly length: number
}

export interface Core {
  readonly coreService: {
    isCursorHidden: boolean
    readonly modes: { readonly insertMode: boolean }
    readonly decPrivateModes: {
      readonly applicationCursorKeys: boolean
      readonly applicationKeypad: boolean
      readonly bracketedPasteMode: boolean
      readonly colorSchemeUpdates: boolean
      readonly cursorBlink: boolean | undefined
      readonly cursorStyle: 'block' | 'underline' | 'bar' | undefined
      readonly origin: boolean
      readonly reverseWraparound: boolean
      readonly sendFocus: boolean
      readonly synchronizedOutput: boolean
      readonly win32InputMode: boolean
      readonly wraparound: boolean
    }
    readonly kittyKeyboard: {
      readonly flags: number
      readonly mainFlags: number
      readonly altFlags: number
      readonly mainStack: readonly number[]
      readonly altStack: readonly number[]
    }
  }
  readonly mouseStateService: { readonly activeProtocol: 'NONE' | 'X10' | 'VT200' | 'DRAG' | 'ANY'; readonly activeEncoding: 'DEFAULT' | 'SGR' | 'SGR_PIXELS' }
  readonly optionsService: { readonly options: { convertEol: boolean } }
  readonly _charsetService: { readonly glevel: number; readonly _charsets: readonly (Charset | undefined)[] }
  readonly _bufferService: {
    readonly cols: number
    readonly rows: number
    readonly buffer: ScreenBuffer
    readonly buffers: {
      readonly normal: ScreenBuffer
      readonly alt: ScreenBuffer
      onBufferActivate(listener: (event: { activeBuffer: ScreenBuffer; inactiveBuffer: ScreenBuffer }) => void): unknown
    }
  }
  readonly _oscLinkService: Links
  readonly unicodeService: { wcwidth(codePoint: number): 0 | 1 | 2; readonly _providers: Readonly<Record<string, { wcwidth(codePoint: number): 0 | 1 | 2 }>> }
  readonly _inputHandler: {
    readonly _windowTitle: string
    readonly _iconName: string
    readonly _windowTitleStack: readonly string[]
    readonly _iconNameStack: readonly string[]
    readonly _curAttrData: Attributes
    readonly _parser: {
      precedingJoinState: number
      readonly currentState: number
      registerCsiHandler(id: { readonly prefix?: string; readonly intermediates?: string; readonly final: string }, handler: (parameters: Parameters) => boolean): unknown
      registerEscHandler(id: { readonly intermediates?: string; readonly final: string }, handler: () => boolean): unknown
    }
    parse(bytes: Uint8Array): unknown
    /** Code points. */
    print: (text: Uint32Array, from: number, to: number) => void
    saveCursor: () => boolean
    restoreCursor: () => boolean
    screenAlignmentPattern(): boolean
    selectCharset(designation: string): boolean
    _eraseAttrData(): Attributes
  }
}

export interface Link {
  readonly id?: string | undefined
  readonly uri: string
}

export interface Links {
  registerLink(link: Link): number
  addLineToLink(id: number, row: number): void
  getLinkData(id: number): Link | undefined
}

/** The number of cells on the left of the cursor that hold what was just printed, with nothing in between; REP repeats it. */
export function repeated({ _bufferService, _inputHandler }: Core): 1 | 2 | undefined {
  const width = (_inputHandler._parser.precedingJoinState >> 1) & 3
  const { buffer, cols } = _bufferService
  const column = Math.min(buffer.x, cols) - width
  const content = buffer.lines.get(buffer.ybase + buffer.y)?._data[3 * column] ?? 0
  // A wide character that found no room was printed nowhere.
  return (width === 1 || width === 2) && column >= 0 && (content & contentMask) !== 0 && content >>> widthShift === width ? width : undefined
}

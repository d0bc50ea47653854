// The status line of an attachment: when it is drawn, what it says, and whether the user wants it. It draws when the program has been quiet for a moment, and where nobody knows that this does no harm it stays away.
// Owns its timers until `close`. Writes nothing itself.

import { rowsAboveLine } from '../../client/program-size.ts'
import { ShorterScreen } from './screen.ts'
import type { Rows } from './arrangement.ts'
import { paintedLine, type LineParts, statusText } from './text.ts'

export interface LineSource {
  readonly shown: boolean
  readonly color: boolean
  readonly parts: () => LineParts
  /** Called whenever the parts have changed; one listener. */
  readonly onChange: (listener: () => void) => void
}

export interface LineDeps {
  readonly source: LineSource
  /** How the prefix key is called. */
  readonly prefix: string
  readonly write: (text: string) => void
  /** The terminal takes something. */
  readonly takes: () => boolean
}

const quietMs = 30
const sayingMs = 4000

export class StatusLine {
  readonly #deps: LineDeps
  #screen: ShorterScreen | undefined
  #shown: boolean
  /** What has to be arranged as soon as the program is not in the midst of a sequence. */
  #due: { readonly size: Rows; readonly resized: boolean } | undefined
  #stale = true
  #said: string | undefined
  #quiet: NodeJS.Timeout | undefined
  #saying: NodeJS.Timeout | undefined

  constructor(deps: LineDeps) {
    this.#deps = deps
    this.#shown = deps.source.shown
    deps.source.onChange(() => this.#changed())
  }

  /** The line is there, and not the program's. */
  get present(): boolean {
    return this.#screen?.hasLine ?? false
  }

  get screen(): ShorterScreen | undefined {
    return this.#screen
  }

  /** How many rows of a terminal are the program's. */
  rowsOf(all: number): number {
    return this.#shown ? rowsAboveLine(all) : all
  }

  toggle(): void {
    this.#shown = !this.#shown
  }

  /** The terminal was cleared. */
  begin(program: number, terminal: { readonly cols: number; readonly rows: number }): string {
    this.#screen = new ShorterScreen(this.#sizeFor(program, terminal))
    this.#wake()
    return this.#screen.begin()
  }

  /** `program`: the rows that it has, whoever gave them. `resized`: the terminal has another size than before. */
  arrange(program: number, terminal: { readonly cols: number; readonly rows: number }, resized: boolean): void {
    const screen = this.#screen
    if (!screen) return
    const size = this.#sizeFor(program, terminal)
    const now = this.#due?.size ?? screen.size
    if (size.rows === now.rows && size.all === now.all && size.columns === now.columns) return
    this.#due = { size, resized: resized || (this.#due?.resized ?? false) }
    this.#settle()
  }

  /** Output on its way to the terminal. */
  pass(bytes: Uint8Array): Uint8Array {
    const screen = this.#screen
    if (!screen) return bytes
    const passed = screen.push(bytes)
    if (this.#due && screen.atRest) {
      // Behind these bytes.
      queueMicrotask(() => this.#settle())
    }
    if (screen.hasLine && (this.#stale || screen.erased)) this.#wake()
    return passed
  }

  /** In the place of the line, for a few seconds. */
  say(text: string): void {
    clearTimeout(this.#saying)
    this.#said = text
    this.#saying = setTimeout(() => {
      this.#said = undefined
      this.#changed()
    }, sayingMs)
    this.#changed()
  }

  /** The terminal takes something again. */
  wake(): void {
    if (this.present && (this.#stale || this.#screen?.erased)) this.#wake()
  }

  close(): void {
    clearTimeout(this.#quiet)
    clearTimeout(this.#saying)
    this.#screen = undefined
  }

  #sizeFor(program: number, { cols: columns, rows: all }: { readonly cols: number; readonly rows: number }): Rows {
    const fits = this.rowsOf(all) < all && program < all
    return { columns, rows: fits ? program : all, all }
  }

  #settle(): void {
    const screen = this.#screen
    if (!screen?.atRest || !this.#due) return
    const { size, resized } = this.#due
    this.#due = undefined
    const arranging = screen.fit(size, resized)
    if (arranging !== '') this.#deps.write(arranging)
    this.#stale = true
    this.#wake()
  }

  #changed(): void {
    this.#stale = true
    if (this.present) this.#wake()
  }

  #wake(): void {
    if (this.#quiet) this.#quiet.refresh()
    else this.#quiet = setTimeout(() => this.#draw(), quietMs)
  }

  #draw(): void {
    this.#quiet = undefined
    const screen = this.#screen
    if (!screen?.hasLine || !this.#deps.takes()) return
    const { columns } = screen.size
    const { source, prefix } = this.#deps
    const drawing = screen.draw(paintedLine(this.#said ?? statusText(source.parts(), prefix, columns), columns, source.color))
    // Whoever passes the next bytes wakes it again.
    if (drawing === undefined) return
    this.#stale = false
    this.#deps.write(drawing)
  }
}

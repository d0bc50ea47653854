// What one terminal shows, computed from the bytes that a program wrote to it: feed it bytes and sizes in their order, ask it for a snapshot or the cursor. Answers nothing, and hostile bytes cost it bounded memory.

import type { TerminalSize } from '../core/events.ts'
import { SequenceFilter } from './sequence-filter.ts'
import { snapshotOf } from './snapshot.ts'
import { UntrackedModes } from './untracked-modes.ts'
import type { Core } from './xterm-insides.ts'
import { boundedSize, type HeadlessTerminal, openTerminal, scrollbackLines } from './xterm.ts'

export interface CursorPosition {
  /** From 1, counted from the top margin in origin mode. */
  readonly row: number
  /** From 1. */
  readonly column: number
}

/** Bytes of input that share one allowance of work. */
const refillAfter = 65_536

export class Screen {
  readonly #headless: HeadlessTerminal
  readonly #filter = new SequenceFilter()
  readonly #untracked: UntrackedModes
  readonly #parse: (bytes: Uint8Array) => void
  #sinceRefill = 0

  /** Sides are bounded to 2 x 1 and 2000 x 2000. */
  constructor(size: TerminalSize) {
    this.#headless = openTerminal(size)
    const { terminal, core } = this.#headless
    this.#untracked = new UntrackedModes(terminal, core)
    this.#parse = (bytes) => void core._inputHandler.parse(bytes)
  }

  /** xterm's insides, for tests. */
  get core(): Core {
    return this.#headless.core
  }

  get size(): TerminalSize {
    const { cols, rows } = this.#headless.terminal
    return { columns: cols, rows }
  }

  /** Everything is carried out when it returns. */
  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + refillAfter - this.#sinceRefill)
      this.#filter.push(bytes.subarray(at, end), this.#parse)
      this.#sinceRefill = (this.#sinceRefill + end - at) % refillAfter
      if (this.#sinceRefill === 0) this.#headless.work.refill()
      at = end
    }
  }

  /** Bytes are missing here: what is half received will not be completed. */
  skip(): void {
    this.#filter.reset()
  }

  /** Long lines are wrapped anew, as terminals do it. */
  resize(size: TerminalSize): void {
    const { columns, rows } = boundedSize(size)
    if (columns === this.size.columns && rows === this.size.rows) return
    const { terminal, core } = this.#headless
    terminal.resize(columns, rows)
    // xterm leaves the alternate screen what is beyond its right edge, and, while it is not shown, room for lines above it.
    const { buffer, buffers } = core._bufferService
    const { alt } = buffers
    if (buffer !== alt) alt.lines.maxLength = rows
    for (let row = 0; row < alt.lines.length; row += 1) alt.lines.get(row)?.resize(columns, alt.getNullCell())
    for (const one of [buffers.normal, alt]) one.savedY = Math.min(one.savedY, one.ybase + rows - 1)
    // The cursor may have moved away from what was printed last.
    core._inputHandler._parser.precedingJoinState = 0
  }

  cursor(): CursorPosition {
    const { core } = this.#headless
    const { buffer, cols } = core._bufferService
    const top = core.coreService.decPrivateModes.origin ? buffer.scrollTop : 0
    return { row: buffer.y - top + 1, column: Math.min(buffer.x + 1, cols) }
  }

  /** What stands in each row, without colours and without blanks at its end. */
  rows(): readonly string[] {
    const { active } = this.#headless.terminal.buffer
    return Array.from(
      { length: this.size.rows },
      (_, row) =>
        active
          .getLine(active.baseY + row)
          ?.translateToString(true)
          .trimEnd() ?? '',
    )
  }

  /** Bytes that bring a terminal of this size, just reset, into this very state. At most `scrollback` lines (1000 are kept) above the screen are in it. */
  snapshot(scrollback = scrollbackLines): Uint8Array {
    return snapshotOf({ core: this.#headless.core, untracked: this.#untracked.sequences(), held: this.#filter.held, scrollback })
  }

  dispose(): void {
    this.#headless.terminal.dispose()
  }
}

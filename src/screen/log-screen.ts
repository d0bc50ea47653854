// The screen of one run, fed from its log: knows how far it has read, applies the sizes where they belong, goes over gaps, and skims what is too long to be drawn.

import { readLog } from '../keeper/run-folder.ts'
import { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.ts'
import type { ScreenOf, Snapshot } from './messages.ts'
import { Screen } from './screen.ts'
import { readSizes, type SizeChange } from './sizes.ts'
import { Skimmer } from './skim.ts'
import type { TerminalSize } from '../core/events.ts'

const mebibyte = 1024 * 1024
/** Drawn before anything else is looked at. */
const stepBytes = 64 * 1024
/** A longer way to the end is skimmed, but for the last part. */
const longestWay = 8 * mebibyte
const drawnOfLongWay = mebibyte
/** Where time is short even so. */
const drawnAtLeast = 64 * 1024
/** Where a line or a sequence should begin after a gap. */
const longestLine = 8192
/** Laying out long lines anew takes milliseconds, and of many sizes in a row only the last are seen. */
const mostSizesInStep = 4
/** Read since the last checkpoint. */
const checkpointEvery = mebibyte

export class LogScreen {
  readonly #folder: string
  readonly #from: ScreenOf | Checkpoint
  /** Made when something new is to be drawn: a checkpoint can be handed on as it is. */
  #made: Screen | undefined
  #offset: number
  #sizes: readonly SizeChange[] = []
  /** How many of the sizes are applied. */
  #applied: number
  #checkpointed: number
  #resized = false

  private constructor(folder: string, from: ScreenOf | Checkpoint) {
    this.#folder = folder
    this.#from = from
    this.#offset = this.#checkpointed = 'bytes' in from ? from.offset : 0
    this.#applied = 'bytes' in from ? from.sizes : 0
  }

  /** From its checkpoint, or from the beginning of the log where there is none of at most that many bytes. */
  static async open(of: ScreenOf, most: number): Promise<LogScreen> {
    const checkpoint = await readCheckpoint(of.folder)
    return new LogScreen(of.folder, checkpoint && checkpoint.offset <= most ? checkpoint : of)
  }

  get #screen(): Screen {
    if (this.#made) return this.#made
    const from = this.#from
    const restored = 'bytes' in from
    this.#made = new Screen(restored ? from : from.size)
    if (restored) this.#made.write(from.bytes)
    return this.#made
  }

  /** Bytes of the log that are in it. */
  get offset(): number {
    return this.#offset
  }

  /** Reads up to there, whatever it takes; when `hurry` is past (as of performance.now), what remains is skimmed but for its end. */
  async readTo(end: number, hurry: number): Promise<void> {
    await this.#lookAtSizes()
    if (end - this.#offset > longestWay) await this.#skimTo(end - drawnOfLongWay, hurry)
    while (this.#offset < end) {
      if (performance.now() > hurry && end - this.#offset > drawnAtLeast) await this.#skimTo(end - drawnAtLeast, hurry)
      await this.#draw(end)
    }
    this.#applySizes()
  }

  /** Reads a small part of the way. Whether there is more. */
  async readStep(end: number): Promise<boolean> {
    await this.#lookAtSizes()
    if (end - this.#offset > longestWay) await this.#skimTo(end - drawnOfLongWay, performance.now() + 100)
    if (this.#offset < end) await this.#draw(end)
    this.#applySizes()
    return this.#offset < end
  }

  resize(size: TerminalSize): void {
    const now = this.#made?.size ?? ('bytes' in this.#from ? this.#from : this.#from.size)
    if (size.columns === now.columns && size.rows === now.rows) return
    this.#screen.resize(size)
    this.#resized = true
  }

  snapshot(): Snapshot {
    const from = this.#from
    if (!this.#made && 'bytes' in from) return { offset: from.offset, columns: from.columns, rows: from.rows, bytes: Uint8Array.from(from.bytes) }
    return { offset: this.#offset, ...this.#screen.size, bytes: this.#screen.snapshot() }
  }

  rows(): readonly string[] {
    return this.#screen.rows()
  }

  cursor(): ReturnType<Screen['cursor']> {
    return this.#screen.cursor()
  }

  /** If it is `due`: a mebibyte was read since the last one; else if anything was. */
  async checkpoint(due: 'by-length' | 'by-change'): Promise<void> {
    const read = this.#offset - this.#checkpointed
    if (due === 'by-length' ? read < checkpointEvery : read === 0 && !this.#resized) return
    this.#checkpointed = this.#offset
    this.#resized = false
    await writeCheckpoint(this.#folder, { ...this.snapshot(), sizes: this.#applied } satisfies Checkpoint)
  }

  dispose(): void {
    this.#made?.dispose()
  }

  async #draw(end: number): Promise<void> {
    const from = this.#offset
    const { offset, bytes } = await readLog(this.#folder, 'out', from, Math.min(stepBytes, end - from))
    // The log ends earlier than it did: nothing will be there.
    if (bytes.length === 0) {
      this.#offset = end
      return
    }
    let at = 0
    if (offset > from) {
      this.#screen.skip()
      at = beginning(bytes)
    }
    const inside = this.#sizes.slice(this.#applied).filter((size) => size.offset > offset && size.offset < offset + bytes.length)
    for (const { offset: next } of inside.slice(-mostSizesInStep)) {
      this.#offset = Math.max(offset + at, this.#offset)
      this.#applySizes()
      if (next - offset <= at) continue
      this.#screen.write(bytes.subarray(at, next - offset))
      at = next - offset
    }
    this.#offset = offset + at
    this.#applySizes()
    this.#screen.write(bytes.subarray(at))
    this.#offset = offset + bytes.length
  }

  async #skimTo(end: number, hurry: number): Promise<void> {
    const skimmer = new Skimmer()
    this.#screen.skip()
    while (this.#offset < end && performance.now() < hurry) {
      const { offset, bytes } = await readLog(this.#folder, 'out', this.#offset, Math.min(mebibyte, end - this.#offset))
      if (bytes.length === 0) break
      this.#screen.write(skimmer.skim(bytes))
      this.#offset = offset + bytes.length
    }
    this.#screen.write(skimmer.end())
    this.#screen.skip()
    const { offset, bytes } = await readLog(this.#folder, 'out', Math.max(end, this.#offset), longestLine)
    this.#offset = offset + beginning(bytes)
    this.#applySizes()
  }

  async #lookAtSizes(): Promise<void> {
    this.#sizes = await readSizes(this.#folder)
  }

  /** Those in force at this offset; only the last of them is seen. */
  #applySizes(): void {
    let newest: SizeChange | undefined
    for (let next = this.#sizes[this.#applied]; next && next.offset <= this.#offset; next = this.#sizes[this.#applied]) {
      newest = next
      this.#applied += 1
    }
    if (newest) this.#screen.resize(newest)
  }
}

/** Where a line or a sequence begins in bytes that begin anywhere; 0 if that is far. */
function beginning(bytes: Uint8Array): number {
  for (let index = 0; index < Math.min(bytes.length, longestLine); index += 1) {
    if (bytes[index] === 0x1b) return index
    if (bytes[index] === 0x0a) return index + 1
  }
  return 0
}

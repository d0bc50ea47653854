// The cursor that a terminal keeps for whoever saves it. There is one place (in most terminals one for each of both screens), and the program knows of no other user: so what it saved is remembered here, and said out loud
// when it restores it after we have used the place.

import type { ProgramCursor } from './cursor.ts'

/** Whether the terminal's saved cursor is ours, and not what the program saved. */
type Taken = 'no' | 'perhaps' | 'yes'

const shifts = ['\x0f', '\x0e', '\x1bn', '\x1bo']

export class SavedCursor {
  readonly #cursor: ProgramCursor
  /** At the start it is whatever the user's shell saved. */
  #taken: readonly Taken[] = ['yes', 'yes']

  constructor(cursor: ProgramCursor) {
    this.#cursor = cursor
  }

  /** To use the place loses nothing. */
  get isFree(): boolean {
    const { saved, autowrap, autowrapIsSure } = this.#cursor
    if (!saved.byProgram) return true
    // Some terminals restore with the cursor whether lines wrap.
    return this.#place() === undefined ? this.#state === 'yes' : autowrapIsSure && saved.autowrap === autowrap
  }

  /** By the program, or by a reset of the terminal. */
  reset(): void {
    this.#taken = ['no', 'no']
  }

  save(): void {
    this.#cursor.save()
    this.#taken = this.#taken.map((one, screen) => (screen === this.#screen ? 'no' : one))
  }

  /** What is to be said behind the terminal's own restoring, if that is not enough. */
  restore(): string {
    const place = this.#state === 'no' ? undefined : this.#place()
    this.#cursor.restore()
    if (place === undefined) return ''
    this.save()
    return `${place}\x1b7`
  }

  /** Done with the cursor where it is, by the terminal. Some restore no styles of underlines. */
  keeping(text: string): string {
    this.#taken = this.#taken.map((one, screen) => (screen === this.#screen ? 'yes' : one === 'no' ? 'perhaps' : one))
    const { pen } = this.#cursor
    return `\x1b7${text}\x1b8${pen.isPlain || !pen.known ? '' : pen.toString()}`
  }

  /** The same where the cursor was restored just now: what is saved is what was saved. */
  keepingRestored(text: string): string {
    const taken = this.#taken
    const kept = this.keeping(text)
    this.#taken = taken
    return kept
  }

  get #screen(): 0 | 1 {
    return this.#cursor.onAlternate ? 1 : 0
  }

  get #state(): Taken {
    return this.#taken[this.#screen] ?? 'yes'
  }

  /** Puts the cursor where the program had saved it, with its attributes; undefined if that is not known, or is restored otherwise in each terminal. */
  #place(): string | undefined {
    const { rows, columns, saved } = this.#cursor
    const { row, left, right, origin, pen, sets, shift, protects } = saved
    const shifting = shifts[shift]
    if (row === undefined || left !== right || right >= columns || origin || protects || !pen.known || pen.isUnderlined) return undefined
    if (shifting === undefined || sets.some((one) => one.includes(' '))) return undefined
    const designations = sets.map((letter, set) => `\x1b${'()*+'[set]}${letter}`).join('')
    // Ours may have been saved in origin mode.
    return `\x1b[?6l\x1b[${Math.min(row, rows - 1) + 1};${left + 1}H${pen.toString()}${designations}${shifting}`
  }
}

// Rows that are more than there is room for: which of them are seen. What they say is their owner's.

import type { ActionName } from './actions.ts'
import { filled } from './cells.ts'
import type { Mouse } from './view.ts'

export class ScrolledRows {
  #top = 0
  #room = 1
  #all = 0

  /** Those that are seen: so many as there is room for, blank ones below the last. */
  show(rows: readonly string[], room: number): readonly string[] {
    this.#room = room
    this.#all = rows.length
    this.to(this.#top)
    return filled(rows.slice(this.#top, this.#top + room), room)
  }

  get top(): number {
    return this.#top
  }

  /** How far down they go. 0: all of them are seen. */
  get most(): number {
    return Math.max(0, this.#all - this.#room)
  }

  /** `3–20 of 45`; empty where all of them are seen. */
  get place(): string {
    return this.most === 0 ? '' : `${this.#top + 1}–${this.#top + this.#room} of ${this.#all}`
  }

  to(row: number): void {
    this.#top = Math.max(0, Math.min(this.most, row))
  }

  by(rows: number): void {
    this.to(this.#top + rows)
  }

  /** Whether it is one that moves them. */
  act(action: ActionName | undefined): boolean {
    switch (action) {
      case 'logs.up':
      case 'dialog.up':
        this.by(-1)
        return true
      case 'logs.down':
      case 'dialog.down':
        this.by(1)
        return true
      case 'logs.page-up':
      case 'dialog.scroll-up':
        this.by(-this.#room)
        return true
      case 'logs.page-down':
      case 'dialog.scroll-down':
        this.by(this.#room)
        return true
      case 'logs.first':
        this.to(0)
        return true
      case 'logs.last':
        this.to(Infinity)
        return true
      default:
        return false
    }
  }

  wheel({ kind, delta }: Mouse): boolean {
    if (kind !== 'wheel') return false
    this.by(delta)
    return true
  }
}

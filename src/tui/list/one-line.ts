// One line to be written at the bottom of the list: a filter, a name. Enter and Escape are the caller's.

import { CURSOR_MARKER } from '@earendil-works/pi-tui'
import { LineInput } from '../line-input.ts'
import type { Theme } from '../theme.ts'
import { fit } from '../cells.ts'

export class OneLine {
  readonly #input: LineInput
  readonly #theme: Theme
  readonly #prompt: string
  readonly #placeholder: string

  constructor(theme: Theme, about: { readonly prompt: string; readonly placeholder: string; readonly text?: string }) {
    this.#theme = theme
    this.#prompt = about.prompt
    this.#placeholder = about.placeholder
    this.#input = new LineInput(about.text)
  }

  get text(): string {
    return this.#input.text
  }

  set text(text: string) {
    this.#input.text = text
  }

  input(data: string): void {
    this.#input.input(data)
  }

  render(columns: number): string {
    const prompt = ` ${this.#prompt} `
    const room = columns - prompt.length - 1
    if (room < 4) return fit(prompt + this.text, columns)
    const row = this.text === '' ? CURSOR_MARKER + this.#theme.dim(fit(this.#placeholder, room)) : this.#input.row(room, true)
    return this.#theme.accent(prompt) + row
  }
}

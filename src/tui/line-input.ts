// One line of text to write: pi-tui's input, without control bytes. Of a secret only how long it is can be seen.

import { CURSOR_MARKER, Input, type Keybinding, TUI_KEYBINDINGS, getKeybindings } from '@earendil-works/pi-tui'
import { printable } from '../core/terminal-text.ts'
import { pastedText, typedCharacter } from './keymap.ts'

const editingKeys = Object.keys(TUI_KEYBINDINGS).filter((name): name is Keybinding => name.startsWith('tui.editor.'))

export class LineInput {
  readonly #input = new Input({ prompt: '' })
  readonly #secret: boolean

  constructor(initial = '', secret = false) {
    this.#secret = secret
    this.text = initial
  }

  get text(): string {
    return this.#input.getValue()
  }

  set text(text: string) {
    this.#input.setValue(inOneLine(text))
    this.#input.handleInput('\x1b[F')
  }

  /** Whether it is a key that writes or edits. */
  input(data: string): boolean {
    const pasted = pastedText(data)
    const typed = typedCharacter(data)
    if (pasted !== undefined) this.#input.handleInput(`\x1b[200~${inOneLine(pasted)}\x1b[201~`)
    else if (typed !== undefined) this.#input.handleInput(printable(typed))
    else if (this.#edits(data)) this.#input.handleInput(data)
    else return false
    return true
  }

  /** One row. */
  row(width: number, focused: boolean): string {
    if (width <= 0) return ''
    if (!this.#secret) {
      this.#input.focused = focused
      // The terminal's own cursor stands there: no second one is painted.
      return this.#input.render(width)[0]?.replace('\x1b[7m', '').replace('\x1b[27m', '').trimEnd() ?? ''
    }
    return '•'.repeat(Math.min([...this.text].length, width - 1)) + (focused ? CURSOR_MARKER : '')
  }

  #edits(data: string): boolean {
    const bindings = getKeybindings()
    const names = editingKeys.filter((name) => bindings.matches(data, name))
    // Where the cursor is in a secret cannot be seen.
    if (this.#secret) return names.some((name) => /deleteCharBackward|deleteToLineStart|undo/.test(name))
    // What deletes forwards leaves a conversation where there is nothing to delete.
    return names.length > 0 && this.text !== ''
  }
}

const inOneLine = (text: string): string => printable(text.replace(/[\r\n]+$/, '').replace(/\r\n?/g, '\n')).replace(/[\n\t]/g, ' ')

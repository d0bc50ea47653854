// What a program told its terminal that xterm's headless terminal does not keep, because it concerns keys, colours and windows that it does not have. Read from the same parser, so it is as old as the screen.

import type { Core } from './xterm-insides.ts'
import type { Terminal } from '@xterm/headless'

/** Private modes without a place in xterm. Each can be set at any time without an answer of the terminal (2048 tells the size at once; who asked for that expects it at any time). */
const privateModes: readonly number[] = [
  5, // reverse screen
  8, // keys repeat
  12, // cursor blinks
  67, // backspace sends BS
  1005, // mouse reports in UTF-8
  1007, // the wheel sends arrow keys on the alternate screen
  1015, // mouse reports as urxvt sends them
  1034, // meta sets the eighth bit
  1035,
  1036, // meta sends ESC
  1039, // alt sends ESC
  1070, // own colour registers for pictures
  2027, // grapheme clusters
  2048, // size reports in the input
  7727, // mintty's application escape key
]
/** As the terminal has it at its start. */
const onAtStart: ReadonlySet<number> = new Set([8, 1035])

/** Set by `OSC number ; value`, in one number `value ; value` for the following ones. */
const firstColour = 10
const lastColour = 19
/** Nothing of a colour or a shape but letters, digits and what stands between them: no question, no control. */
const harmless = /^[\w#:/.,% +-]{1,64}$/
const mostPaletteColours = 512

export class UntrackedModes {
  /** In the order of the last change, which matters for mouse reports. */
  readonly #modes = new Map<number, boolean>()
  readonly #palette = new Map<string, string>()
  readonly #colours = new Map<number, string>()
  #pointer = ''
  /** XTMODKEYS and XTFMTKEYS: resource and final byte to value. */
  readonly #keys = new Map<string, string>()

  constructor(terminal: Terminal, core: Core) {
    const { parser } = terminal
    const csi = core._inputHandler._parser
    for (const final of ['h', 'l']) {
      csi.registerCsiHandler({ prefix: '?', final }, ({ params, length }) => {
        for (let index = 0; index < length; index += 1) this.#setMode(params[index] ?? 0, final === 'h')
        return false
      })
    }
    for (const final of ['m', 'f']) {
      csi.registerCsiHandler({ prefix: '>', final }, ({ params, length }) => {
        if (length < 2) this.#forgetKeys(final, length === 1 && params[0] !== 0 ? params[0] : undefined)
        else if ((params[0] ?? 0) < 10) this.#keys.set(`${params[0]}${final}`, String(params[1]))
        return false
      })
    }
    csi.registerCsiHandler({ prefix: '>', final: 'n' }, ({ params }) => {
      this.#keys.set(`${params[0] ?? 0}m`, '-1')
      return false
    })
    csi.registerEscHandler({ final: 'c' }, () => {
      // xterm leaves these as they are.
      core.coreService.isCursorHidden = false
      core.optionsService.options.convertEol = false
      this.#forgetAll()
      return false
    })
    const command = (number: number, keep: (value: string) => void): void => {
      parser.registerOscHandler(number, (value) => {
        keep(value)
        return false
      })
    }
    command(4, (value) => this.#setPalette(value.split(';')))
    command(104, (value) => {
      if (value === '') this.#palette.clear()
      else for (const index of value.split(';')) this.#palette.delete(index)
    })
    for (let number = firstColour; number <= lastColour; number += 1) {
      command(number, (value) => value.split(';').forEach((colour, index) => this.#setColour(number + index, colour)))
      command(number + 100, () => this.#colours.delete(number))
    }
    command(22, (value) => {
      if (value === '' || harmless.test(value)) this.#pointer = value
    })
  }

  /** What puts a fresh terminal into these modes; asks nothing of it. */
  sequences(): string {
    let text = ''
    for (const [mode, on] of this.#modes) if (on !== onAtStart.has(mode)) text += `\x1b[?${mode}${on ? 'h' : 'l'}`
    for (const [index, colour] of this.#palette) text += `\x1b]4;${index};${colour}\x1b\\`
    for (const [number, colour] of this.#colours) text += `\x1b]${number};${colour}\x1b\\`
    if (this.#pointer !== '') text += `\x1b]22;${this.#pointer}\x1b\\`
    for (const [key, value] of this.#keys) {
      text += value === '-1' ? `\x1b[>${key.slice(0, -1)}n` : `\x1b[>${key.slice(0, -1)};${value}${key.slice(-1)}`
    }
    return text
  }

  #setMode(mode: number, on: boolean): void {
    if (!privateModes.includes(mode)) return
    this.#modes.delete(mode)
    this.#modes.set(mode, on)
  }

  #setPalette(slots: readonly string[]): void {
    for (let index = 0; index + 1 < slots.length; index += 2) {
      const colour = slots[index + 1] ?? ''
      if (!/^\d{1,3}$/.test(slots[index] ?? '') || !harmless.test(colour) || this.#palette.size >= mostPaletteColours) continue
      this.#palette.set(slots[index] ?? '', colour)
    }
  }

  #setColour(number: number, colour: string): void {
    if (number <= lastColour && harmless.test(colour)) this.#colours.set(number, colour)
  }

  #forgetKeys(final: string, resource: number | undefined): void {
    if (resource !== undefined) this.#keys.delete(`${resource}${final}`)
    else for (const key of this.#keys.keys()) if (key.endsWith(final)) this.#keys.delete(key)
  }

  #forgetAll(): void {
    this.#modes.clear()
    this.#palette.clear()
    this.#colours.clear()
    this.#pointer = ''
    this.#keys.clear()
  }
}

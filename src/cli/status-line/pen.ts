// The attributes that characters are printed with, as SGR sets them (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html), so that they can be said once more. Pure.

/** Bits 1 to 9 are the attributes of that number: bold, faint, italic, (underlined,) blinking, rapidly blinking, inverse, hidden, crossed out; bit 10 is overlined. */
type Attributes = number

const overlined = 10
const off: Readonly<Record<number, Attributes>> = { 22: 0b110, 23: 0b1000, 25: 0b1100000, 27: 1 << 7, 28: 1 << 8, 29: 1 << 9, 55: 1 << overlined }
/** Above these a colour is one of 256, or red, green and blue; below it is the number that sets it. */
const indexed = 0x1000000
const direct = 0x2000000

export class Pen {
  /** False after something that is not followed here. */
  known = true
  #attributes: Attributes = 0
  /** 0: none; 1 to 5: its style. */
  #underline = 0
  #foreground = 0
  #background = 0
  #lineColour = 0

  get isPlain(): boolean {
    return this.known && this.#attributes === 0 && this.#underline === 0 && this.#foreground === 0 && this.#background === 0 && this.#lineColour === 0
  }

  /** Underlines have styles and colours, which not all terminals save with the cursor. */
  get isUnderlined(): boolean {
    return this.#underline !== 0 || this.#lineColour !== 0
  }

  reset(): void {
    this.#attributes = this.#underline = this.#foreground = this.#background = this.#lineColour = 0
    this.known = true
  }

  copy(): Pen {
    const copy = new Pen()
    copy.#attributes = this.#attributes
    copy.#underline = this.#underline
    copy.#foreground = this.#foreground
    copy.#background = this.#background
    copy.#lineColour = this.#lineColour
    copy.known = this.known
    return copy
  }

  /** SGR with parameters that are all numbers. */
  set(numbers: ArrayLike<number>, count: number): void {
    if (count === 0) return this.reset()
    for (let at = 0; at < count; at += 1) {
      const number = numbers[at] ?? 0
      if (number !== 38 && number !== 48 && number !== 58) this.#one(number)
      else if (numbers[at + 1] === 5 && at + 2 < count) {
        this.#colour(number, indexed | ((numbers[at + 2] ?? 0) & 0xff))
        at += 2
      } else if (numbers[at + 1] === 2 && at + 4 < count) {
        this.#colour(number, direct | rgb(numbers[at + 2], numbers[at + 3], numbers[at + 4]))
        at += 4
      } else {
        this.known = false
        return
      }
    }
  }

  /** SGR of which some parameters have parts. */
  setParts(parameters: string): void {
    let numbers: number[] = []
    const whole = (): void => {
      if (numbers.length > 0) this.set(numbers, numbers.length)
      numbers = []
    }
    for (const parameter of parameters.split(';')) {
      const parts = parameter.split(':').map((part) => Number.parseInt(part, 10) || 0)
      const [number = 0, kind = 0] = parts
      if (parts.length === 1) {
        numbers.push(number)
        continue
      }
      whole()
      if (number === 4) this.#underline = Math.min(kind, 5)
      else if (kind === 5) this.#colour(number, indexed | ((parts[2] ?? 0) & 0xff))
      else if (kind === 2) this.#colour(number, direct | rgb(...parts.slice(parts.length > 5 ? 3 : 2)))
      else this.known = false
    }
    whole()
  }

  #one(number: number): void {
    if (number === 0) this.reset()
    else if (number === 4) this.#underline = 1
    else if (number === 21) this.#underline = 2
    else if (number === 24) this.#underline = 0
    else if (number < 10) this.#attributes |= 1 << number
    else if (off[number] !== undefined) this.#attributes &= ~off[number]
    else if (number === 53) this.#attributes |= 1 << overlined
    else if ((number >= 30 && number < 38) || (number >= 90 && number < 98)) this.#foreground = number
    else if (number === 39) this.#foreground = 0
    else if ((number >= 40 && number < 48) || (number >= 100 && number < 108)) this.#background = number
    else if (number === 49) this.#background = 0
    else if (number === 59) this.#lineColour = 0
    // Fonts, frames and what else hardly a terminal knows.
    else if (number < 30 || (number > 49 && number < 76)) this.known &&= number === 10 || number === 54 || number === 65 || number === 75
  }

  #colour(of: number, colour: number): void {
    if (of === 38) this.#foreground = colour
    else if (of === 48) this.#background = colour
    else if (of === 58) this.#lineColour = colour
    else this.known = false
  }

  /** What sets these attributes, whatever they were. */
  toString(): string {
    const parameters = ['0']
    for (let bit = 1; bit <= 9; bit += 1) if ((this.#attributes & (1 << bit)) !== 0) parameters.push(String(bit))
    if ((this.#attributes & (1 << overlined)) !== 0) parameters.push('53')
    if (this.#underline !== 0) parameters.push(this.#underline === 1 ? '4' : `4:${this.#underline}`)
    if (this.#foreground !== 0) parameters.push(colourText(this.#foreground, 38))
    if (this.#background !== 0) parameters.push(colourText(this.#background, 48))
    if (this.#lineColour !== 0) parameters.push(colourText(this.#lineColour, 58))
    return `\x1b[${parameters.join(';')}m`
  }
}

const rgb = (red = 0, green = 0, blue = 0): number => ((red & 0xff) << 16) | ((green & 0xff) << 8) | (blue & 0xff)

function colourText(colour: number, of: 38 | 48 | 58): string {
  const parts = (colour & direct) !== 0 ? ['2', (colour >> 16) & 0xff, (colour >> 8) & 0xff, colour & 0xff] : ['5', colour & 0xff]
  if (colour < indexed) return String(colour)
  // Few terminals know this one with semicolons.
  return of === 58 ? ['58', ...(parts.length === 4 ? ['2', '', ...parts.slice(1)] : parts)].join(':') : [of, ...parts].join(';')
}

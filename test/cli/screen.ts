// What a terminal shows of the bytes it was sent: enough of one to read a conversation. Rows that scrolled away are kept.

export class Screen {
  readonly #rows: string[][] = [[]]
  #row = 0
  #column = 0
  /** Everything that it did not understand. */
  readonly strange: string[] = []

  write(text: string): void {
    // oxlint-disable-next-line no-control-regex
    for (const [part] of text.matchAll(/\x1b\[([0-9;?]*)([A-Za-z])|[^]/gu)) this.#part(part)
  }

  get text(): string {
    return this.#rows
      .map((row) =>
        Array.from(row, (char) => char ?? ' ')
          .join('')
          .trimEnd(),
      )
      .join('\n')
  }

  #part(part: string): void {
    if (part === '\n') {
      this.#row += 1
      this.#column = 0
      while (this.#rows.length <= this.#row) this.#rows.push([])
    } else if (part === '\r') this.#column = 0
    else if (part.startsWith('\x1b[')) this.#sequence(part)
    else if (part < ' ' || part === '\x7f') this.strange.push(part)
    else {
      const row = this.#rows[this.#row] ?? []
      row[this.#column] = part
      this.#column += 1
    }
  }

  #sequence(part: string): void {
    const number = Number(part.slice(2, -1)) || 1
    switch (part.at(-1)) {
      case 'A':
        this.#row = Math.max(0, this.#row - number)
        return
      case 'C':
        this.#column += number
        return
      case 'J':
        this.#rows.length = this.#row + 1
        this.#rows[this.#row]?.splice(this.#column)
        return
      case 'm':
        return
      default:
        if (part !== '\x1b[?2004h' && part !== '\x1b[?2004l') this.strange.push(part)
    }
  }
}

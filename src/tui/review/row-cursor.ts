// Where a reader is in a list that is longer than its pane: the row of the cursor, and the first row that is seen. What the rows say is the pane's.

export class RowCursor {
  #count = 0
  #at = 0
  #top = 0
  #rows = 1

  get at(): number {
    return this.#at
  }

  /** The list is of so many rows now. */
  stand(count: number, at: number): void {
    this.#count = count
    this.goTo(at)
  }

  goTo(row: number): void {
    this.#at = Math.max(0, Math.min(row, this.#count - 1))
  }

  /** With what comes below it in sight. */
  goToHead(row: number): void {
    this.goTo(row)
    if (row < this.#top || row > this.#top + this.#rows / 2) this.#top = Math.max(0, row - 2)
  }

  move(by: number): void {
    this.goTo(this.#at + by)
  }

  page(direction: 1 | -1): void {
    this.move(direction * Math.max(1, this.#rows - 1))
  }

  first(): void {
    this.goTo(0)
  }

  last(): void {
    this.goTo(this.#count - 1)
  }

  /** The cursor goes to this row of what was painted last. */
  click(row: number): void {
    this.goTo(this.#top + row)
  }

  /** The cursor stays in sight. */
  scroll(rows: number): void {
    this.#top = Math.max(0, Math.min(this.#count - this.#rows, this.#top + rows))
    this.#at = Math.max(this.#top, Math.min(this.#top + this.#rows - 1, this.#at))
  }

  /** The first one of so many that are seen: the cursor among them, and nothing left free. */
  topOf(rows: number): number {
    this.#rows = Math.max(1, rows)
    const near = Math.max(this.#at - this.#rows + 1, Math.min(this.#top, this.#at))
    this.#top = Math.max(0, Math.min(near, Math.max(0, this.#count - this.#rows)))
    return this.#top
  }
}

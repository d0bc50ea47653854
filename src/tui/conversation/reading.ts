// The transcript in front of its reader: which lines stand in the pane, where it is scrolled to, what was not seen before, and what has been seen now.

import { type Unseen, unseenIn } from '../../core/transcript.ts'
import { type PaneContent, TranscriptPane } from '../transcript/pane.ts'
import type { Size, Stage } from '../view.ts'
import type { FollowedSession } from '../followed-session.ts'
import { fitStyled } from '../cells.ts'
import { type Elsewhere, shownLines } from './shown-lines.ts'

export interface ReadingParts {
  readonly about: { readonly agent: string; readonly cwd: string; readonly kind: 'agent' | 'terminal' }
  /** So many entries stood on a person's screen, up to the end. */
  readonly seen: (entries: number) => void
}

export class Reading {
  readonly #stage: Stage
  readonly #followed: FollowedSession
  readonly #parts: ReadingParts
  readonly #pane: TranscriptPane
  #unseen: Unseen | undefined
  #content: { readonly version: string; readonly content: PaneContent } | undefined
  #pageRows = 1
  #painted = 0
  #due = false

  constructor(stage: Stage, followed: FollowedSession, parts: ReadingParts) {
    this.#stage = stage
    this.#followed = followed
    this.#parts = parts
    this.#pane = new TranscriptPane(stage.theme, { ...parts.about, changed: () => stage.repaint() })
  }

  /** Everything that was there is there. `marks`: before what was not seen. */
  begin(marks: boolean): void {
    const { session, transcript } = this.#followed
    if (marks) this.#unseen = unseenIn(transcript.lines, session?.shown ?? 0)
    this.#due = true
  }

  /** What is at the end now is worth being recorded as seen as soon as it is. */
  expect(): void {
    this.#due = true
  }

  /** What has been painted, if that is more than was told. */
  tell(): void {
    if (this.#painted > (this.#followed.session?.shown ?? 0)) this.#parts.seen(this.#painted)
  }

  scroll(by: number): void {
    this.#pane.scroll(by)
    if (this.#pane.atEnd) this.#due = true
  }

  page(direction: 1 | -1): void {
    this.scroll(direction * Math.max(1, this.#pageRows - 1))
  }

  toStart(): void {
    this.#pane.toStart()
  }

  toEnd(): void {
    this.#pane.toEnd()
    this.#due = true
  }

  toggleFold(): void {
    this.#pane.toggleFold()
  }

  /** Exactly so many rows. */
  render({ columns, rows }: Size, elsewhere: Elsewhere): readonly string[] {
    this.#pageRows = rows
    if (rows < 1) return []
    const content = this.#contentBeside(elsewhere)
    const shown = this.#pane.render(content, { columns, rows })
    if (this.#pane.atEnd) this.#stands(this.#followed.session?.entries ?? 0)
    const below = rows > 2 ? this.#pane.hint(content) : undefined
    if (below === undefined) return shown
    const { keymap, theme } = this.#stage
    return [...shown.slice(0, -1), theme.accent(fitStyled(` ${below}, ${keymap.hint('conversation.last')} to the end`, columns, '…'))]
  }

  /** The same object as long as nothing of it is different. */
  #contentBeside(elsewhere: Elsewhere): PaneContent {
    const version = [this.#followed.version, elsewhere.request, elsewhere.remarks.size, ...elsewhere.prompts].join(' ')
    if (this.#content?.version === version) return this.#content.content
    const unseen = this.#unseen
    const { lines, from } = shownLines(this.#followed.transcript.lines, elsewhere, unseen?.place ?? -1)
    const content: PaneContent = { lines, drafts: this.#followed.drafts, ...(unseen ? { fresh: { from, count: unseen.count, sinceMs: unseen.sinceMs } } : {}) }
    this.#content = { version, content }
    return content
  }

  #stands(entries: number): void {
    this.#painted = entries
    if (!this.#due) return
    this.#due = false
    // Not in the midst of painting.
    queueMicrotask(() => this.tell())
  }
}

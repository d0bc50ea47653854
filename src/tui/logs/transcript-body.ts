// The transcript of an agent session as what a log shows.

import { counts } from '../../core/transcript.ts'
import type { FollowedSession } from '../followed-session.ts'
import { type PaneAbout, type PaneContent, TranscriptPane } from '../transcript/pane.ts'
import type { Size, Stage } from '../view.ts'
import type { LogBody } from './log-body.ts'
import { transcriptText } from './transcript-text.ts'

export class TranscriptBody implements LogBody {
  readonly #followed: FollowedSession
  readonly #pane: TranscriptPane
  readonly #agent: string

  constructor(stage: Stage, followed: FollowedSession, about: Omit<PaneAbout, 'changed'>) {
    this.#followed = followed
    this.#agent = about.agent
    this.#pane = new TranscriptPane(stage.theme, { ...about, changed: () => stage.repaint() })
  }

  get ready(): boolean {
    return this.#followed.caughtUp
  }

  get atEnd(): boolean {
    return this.#pane.atEnd
  }

  get place(): string {
    return this.#pane.hint(this.#content) ?? 'end'
  }

  get seen(): number {
    return this.#followed.transcript.lines.filter(counts).length
  }

  get #content(): PaneContent {
    return { lines: this.#followed.transcript.lines, drafts: this.#followed.drafts }
  }

  render(size: Size): readonly string[] {
    return this.#pane.render(this.#content, size)
  }

  scroll(rows: number): void {
    this.#pane.scroll(rows)
  }

  toStart(): void {
    this.#pane.toStart()
  }

  toEnd(): void {
    this.#pane.toEnd()
  }

  toggleFold(): void {
    this.#pane.toggleFold()
  }

  find(words: string, direction: 1 | -1): Promise<boolean> {
    return Promise.resolve(this.#pane.find(this.#content, words, direction))
  }

  text(most: number): Promise<{ readonly text: string; readonly isWhole: boolean }> {
    const text = transcriptText(this.#followed.transcript.lines, this.#agent)
    return Promise.resolve({ text: text.slice(-most).toWellFormed(), isWhole: text.length <= most })
  }
}

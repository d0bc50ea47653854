// What the user says about lines of a review: the comments so far, the one that is being written, and the prompt that they become, which is shown before it is sent.

import { nameOf } from '../../text/format.ts'
import { fit } from '../cells.ts'
import { Composer } from '../composer.ts'
import type { Size, Stage } from '../view.ts'
import type { Scope } from './changes-shown.ts'
import { type Comment, linesText, promptOf, samePlace, withComment } from './comments.ts'
import { type Prompting, offerPrompt } from './prompting.ts'

export interface KeptComments {
  readonly comments: readonly Comment[]
  readonly keepComments: (comments: readonly Comment[]) => void
}

export class Commenting {
  readonly #stage: Stage
  readonly #kept: KeptComments
  readonly #written: () => void
  #comments: readonly Comment[]
  #writing: { readonly about: Comment; readonly composer: Composer } | undefined

  /** `written`: one more is there. */
  constructor(stage: Stage, kept: KeptComments, written: () => void) {
    this.#stage = stage
    this.#kept = kept
    this.#written = written
    this.#comments = kept.comments
  }

  get comments(): readonly Comment[] {
    return this.#comments
  }

  /** One is being written: it takes all keys. */
  get open(): boolean {
    return this.#writing !== undefined
  }

  /** A new one, or, where there is one in that place, that one anew. */
  write(about: Comment): void {
    const before = this.#comments.find((one) => samePlace(one, about)) ?? about
    const composer = new Composer(this.#stage, { placeholder: 'what about it?' })
    composer.focused = true
    composer.text = before.text
    this.#writing = { about: before, composer }
  }

  input(data: string): void {
    if (!this.#writing) return
    const { about, composer } = this.#writing
    switch (this.#stage.keymap.action('dispatch', data)) {
      case 'dispatch.start':
        this.#writing = undefined
        this.#keep(withComment(this.#comments, { ...about, text: composer.text.trim() }))
        return this.#written()
      case 'dispatch.new-line':
        return composer.newLine()
      case 'dispatch.back':
        this.#writing = undefined
        return
      default:
        composer.input(data)
    }
  }

  /** None while nothing is written. `rows`: of the whole screen. */
  render({ columns, rows }: Size): readonly string[] {
    if (!this.#writing) return []
    const { theme, keymap } = this.#stage
    const { about, composer } = this.#writing
    return [
      theme.dim(` ${fit(`${linesText(about)}: Enter keeps it, ${keymap.hint('dispatch.back')} leaves it`, columns - 2)}`),
      ...composer.render({ columns, rows: Math.max(1, Math.min(6, Math.floor(rows / 3))) }),
    ]
  }

  /** `compared`: of each scope, in words. */
  send({ session, environment }: Pick<Prompting, 'session' | 'environment'>, compared: (scope: Scope) => string): void {
    const comments = this.#comments
    if (comments.length === 0) return this.#stage.say(`no comments so far: ${this.#stage.keymap.hint('review.comment')} on a line writes one`)
    const sent = (): void => {
      // Those that were written meanwhile are not sent.
      this.#keep(this.#comments.filter((one) => !comments.includes(one)))
      this.#stage.say(`sent to ${nameOf(session)}`)
    }
    offerPrompt(this.#stage, { session, text: promptOf(comments, compared), environment, sent })
  }

  #keep(comments: readonly Comment[]): void {
    this.#comments = comments
    this.#kept.keepComments(comments)
  }
}

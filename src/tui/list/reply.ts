// What is written to a session without opening it: the answer to its question where words are one, else a prompt. Kept until it was taken.

import { answerTo } from '../../client/answers.ts'
import type { RequestView, SessionView } from '../../core/view.ts'
import { nameOf } from '../../text/format.ts'
import { Composer } from '../composer.ts'
import type { Stage } from '../view.ts'
import type { Deeds } from './deeds.ts'
import { foremostRequest, takesText } from './question.ts'

export class Reply {
  readonly session: SessionView
  readonly composer: Composer
  /** Undefined: it is a prompt. */
  readonly #request: RequestView | undefined

  constructor(stage: Stage, session: SessionView) {
    this.session = session
    const request = foremostRequest(session.requests)
    this.#request = request && takesText(request) ? request : undefined
    const prompt = `a prompt for ${nameOf(session)}${session.status === 'working' || session.status === 'paused' || session.requests.length > 0 ? ', read when its turn is over' : ''}`
    this.composer = new Composer(stage, { placeholder: this.#request ? `your answer to ${nameOf(session)}` : prompt })
  }

  /** What was being written may go on only to the same question. */
  isFor(session: SessionView): boolean {
    const request = foremostRequest(session.requests)
    return this.session.id === session.id && (request && takesText(request) ? request.id : undefined) === this.#request?.id
  }

  /** Whether it was taken. Throws CommandFailed when it is no answer. */
  async send(deeds: Deeds): Promise<boolean> {
    const { text } = this.composer
    if (this.#request) return await deeds.answer(this.session, this.#request, answerTo(this.#request, { choice: text.trim() }))
    return await deeds.start([this.session], { type: 'prompt', text })
  }
}

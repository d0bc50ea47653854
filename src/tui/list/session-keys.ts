// What the keys do to the session under the cursor, or to all that are marked. Asks before anything that ends a process or takes a row away, and answers only a question that was read.

import { printableLine } from '../../core/terminal-text.ts'
import type { RequestView, SessionView } from '../../core/view.ts'
import { agentLabel, count, nameOf } from '../../text/format.ts'
import type { ActionName } from '../actions.ts'
import type { Stage } from '../view.ts'
import type { Deeds } from './deeds.ts'
import { OneLine } from './one-line.ts'
import { type NumberedAnswer, numberedAnswers, quickAnswer } from './question.ts'
import { Reply } from './reply.ts'

/** Who has the keys. */
export type Focus =
  | { readonly kind: 'list' | 'dispatch' | 'filter' }
  | { readonly kind: 'reply'; readonly reply: Reply }
  | { readonly kind: 'line'; readonly line: OneLine; readonly done: (text: string) => void }
  | { readonly kind: 'question'; readonly text: string; readonly yes: () => void }

export interface Targets {
  /** The one under the cursor. */
  readonly session: SessionView
  /** The marked ones, else that one. */
  readonly all: readonly SessionView[]
  /** The question that is on the screen and was read. */
  readonly answerable: RequestView | undefined
}

export interface SessionKeysParts {
  readonly stage: Stage
  readonly deeds: Deeds
  readonly turnTo: (focus: Focus) => void
  /** The question, and what was said, is to be seen. */
  readonly show: () => void
  readonly unmark: () => void
}

export class SessionKeys {
  readonly #parts: SessionKeysParts
  readonly #replies = new Map<string, Reply>()
  /** Questions whose answer is on its way: a key that is pressed twice is one answer. */
  readonly #answered = new Set<string>()

  constructor(parts: SessionKeysParts) {
    this.#parts = parts
  }

  act(action: ActionName, { session, all, answerable }: Targets): void {
    const { stage, deeds, unmark } = this.#parts
    switch (action) {
      case 'list.copy-id':
        return stage.copy(session.id)
      case 'list.reply':
        return this.#beginReply(session)
      case 'list.answer-yes':
        return this.#answerWord(session, answerable, 'allow')
      case 'list.answer-no':
        return this.#answerWord(session, answerable, 'deny')
      case 'list.label':
        return this.#beginLabel(session, all)
      case 'list.pin':
        void deeds.command(all, { type: 'pin', pinned: !all.every((one) => one.pinned) })
        return unmark()
      case 'list.interrupt':
        void deeds.command(all, { type: 'interrupt' })
        return unmark()
      case 'list.resume':
        void deeds.start(all, { type: 'resume' })
        return unmark()
      case 'list.stop':
        return this.#ask(all.some(isAtWork), `stop ${these(all)}? ${ends(all)}, the ${all.length === 1 ? 'session stays' : 'sessions stay'}.`, () => deeds.end(all, 'stop'))
      case 'list.archive':
        if (all.every((one) => one.archived)) return deeds.restore(all)
        return this.#ask(all.some(isAtWork), `end and archive ${these(all)}? ${ends(all)}.`, () => deeds.end(all, 'end'))
      case 'list.remove': {
        const also = all.some(isAtWork) ? `${ends(all)}. ` : ''
        return this.#ask(true, `remove ${these(all)}? ${also}${stage.keymap.hint('list.undo')} brings ${all.length === 1 ? 'it' : 'them'} back.`, () => deeds.end(all, 'remove'))
      }
      default:
    }
  }

  /** The answer that this digit stands for. */
  answerNumber(digit: number, { session, answerable }: Targets): void {
    const chosen = answerable && numberedAnswers(answerable)[digit - 1]
    if (chosen) this.#answer(session, answerable, chosen)
  }

  reply(reply: Reply, data: string): void {
    const { stage, turnTo } = this.#parts
    const { composer } = reply
    switch (composer.completing ? undefined : stage.keymap.action('dispatch', data)) {
      case 'dispatch.start':
        if (composer.text.trim() !== '') void this.#send(reply)
        return
      case 'dispatch.new-line':
        return composer.newLine()
      case 'dispatch.back':
        return turnTo({ kind: 'list' })
      default:
        composer.input(data)
    }
  }

  /** What cannot be taken back by the next key is asked first. */
  #ask(isNeeded: boolean, text: string, perform: () => void): void {
    const yes = (): void => {
      perform()
      this.#parts.unmark()
    }
    if (isNeeded) this.#parts.turnTo({ kind: 'question', text, yes })
    else yes()
  }

  #beginLabel(session: SessionView, targets: readonly SessionView[]): void {
    const { stage, deeds, turnTo, unmark } = this.#parts
    const line = new OneLine(stage.theme, { prompt: targets.length > 1 ? `name of ${targets.length}:` : 'name:', placeholder: nameOf(session), text: session.label ?? '' })
    const done = (label: string): void => {
      void deeds.command(targets, { type: 'label', label })
      unmark()
    }
    turnTo({ kind: 'line', line, done })
  }

  #beginReply(session: SessionView): void {
    const { stage, show, turnTo } = this.#parts
    if (session.kind === 'terminal') return stage.say(`a terminal takes keystrokes: ${stage.keymap.hint('list.open')} opens it`)
    show()
    const kept = this.#replies.get(session.id)
    const reply = kept?.isFor(session) ? kept : new Reply(stage, session)
    this.#replies.set(session.id, reply)
    turnTo({ kind: 'reply', reply })
  }

  /** It stays as it is until it was taken. */
  async #send(reply: Reply): Promise<void> {
    const { stage, deeds, turnTo } = this.#parts
    try {
      if (!(await reply.send(deeds))) return
      if (this.#replies.get(reply.session.id) === reply) this.#replies.delete(reply.session.id)
      if (reply.composer.focused) turnTo({ kind: 'list' })
      stage.repaint()
    } catch (thrown) {
      stage.complain(thrown)
    }
  }

  /** Without the question in sight the key shows it first. */
  #answerWord(session: SessionView, request: RequestView | undefined, word: 'allow' | 'deny'): void {
    if (session.requests.length > 0) this.#parts.show()
    if (!request) return
    const answer = quickAnswer(request, word)
    if (answer) this.#answer(session, request, { label: word, answer })
    else this.#parts.stage.say(`it has no answer that means ${word === 'allow' ? '"allow once"' : '"reject"'}`)
  }

  /** Only to a question that is still asked. The answer to one that was lost starts its agent, which is asked first. */
  #answer(session: SessionView, request: RequestView, { label, answer }: NumberedAnswer): void {
    if (this.#answered.has(request.id) || session.requests.every((one) => one.id !== request.id)) return
    const { deeds, turnTo } = this.#parts
    const tell = (): void => {
      this.#answered.add(request.id)
      void deeds.answer(session, request, answer).then((isTaken) => isTaken || this.#answered.delete(request.id))
    }
    if (request.lost) turnTo({ kind: 'question', text: `start ${agentLabel(session.agent)} again and tell it: ${printableLine(label)}?`, yes: tell })
    else tell()
  }
}

/** A terminal may hold more than it says. */
const isAtWork = ({ run, status, kind }: SessionView): boolean =>
  run?.alive === true && (kind === 'terminal' || !(status === 'completed' || status === 'failed' || status === 'stopped')) ? true : status === 'starting'

const ends = (targets: readonly SessionView[]): string => (targets.filter(isAtWork).length === 1 ? 'The process ends' : 'The processes end')

const these = (targets: readonly SessionView[]): string => (targets.length === 1 && targets[0] ? nameOf(targets[0]) : count(targets.length, 'session'))

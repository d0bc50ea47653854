// What the user writes: the composer, and what becomes of its text when it is sent: a command, an answer to what is asked, a prompt. What is not taken comes back.

import { matchesKey } from '@earendil-works/pi-tui'
import { failureOf } from '../../client/failures.ts'
import { type Slash, slashFrom, slashHelp } from '../../client/slash.ts'
import { isRefusal } from '../../core/errors.ts'
import { answerFrom } from '../../core/requests.ts'
import type { QueuedPrompt } from '../../core/session.ts'
import { combined, fileCompletions, slashCompletions } from '../completions.ts'
import { Composer } from '../composer.ts'
import type { Size, Stage } from '../view.ts'
import type { Asked } from './asked.ts'
import type { FollowedSession } from '../followed-session.ts'
import type { ConversationParts } from './leaving.ts'
import type { Orders } from './orders.ts'

export interface WritingParts {
  readonly cwd: string
  readonly draft: ConversationParts['draft']
  readonly followed: FollowedSession
  readonly orders: Orders
  readonly asked: Asked
  /** Whether that is done with the text. */
  readonly obey: (slash: Slash, text: string) => boolean
  /** A prompt is on its way. */
  readonly sent: () => void
}

/** Commands that want to know what the session offers, or has done. */
const readsFirst: ReadonlySet<Slash['kind']> = new Set(['choose', 'diff', 'resume', 'decline', 'unknown'])
/** Keys that an open list of completions takes before anything else. */
const forTheList = ['tab', 'up', 'down', 'enter', 'escape'] as const

export class Writing {
  readonly #stage: Stage
  readonly #parts: WritingParts
  #composer: Composer
  /** The question that stood there when the text was begun: only that one is answered by it. */
  #begunBefore: string | undefined
  /** Queued prompts that are on their way back. */
  readonly #takingBack = new Set<string>()

  constructor(stage: Stage, parts: WritingParts) {
    this.#stage = stage
    this.#parts = parts
    this.#composer = this.#newComposer([])
    this.#composer.text = parts.draft?.text ?? ''
  }

  /** The session has been read: its prompts are what was written before. */
  begin(): void {
    const { lines } = this.#parts.followed.transcript
    const { text } = this.#composer
    this.#composer = this.#newComposer(lines.flatMap((line) => (line.kind === 'prompt' && line.state !== 'withdrawn' ? [line.text] : [])))
    if (text !== '') this.#composer.text = text
  }

  get isEmpty(): boolean {
    return this.#composer.text === ''
  }

  /** Keys are for the text although something is asked, and the text is not for that. */
  get isBeside(): boolean {
    const { asked } = this.#parts
    return asked.open && !this.isEmpty && this.#begunBefore !== asked.request?.id
  }

  /** Prompts behind the one that the agent hears next. */
  get queued(): readonly QueuedPrompt[] {
    const { session } = this.#parts.followed
    if (!session) return []
    return session.turn.kind === 'working' ? session.queue : session.queue.slice(1)
  }

  render(size: Size): readonly string[] {
    return this.#composer.render(size)
  }

  input(data: string): void {
    const { asked } = this.#parts
    if (this.isEmpty) this.#begunBefore = asked.open ? asked.request?.id : undefined
    this.#composer.input(data)
  }

  /** Whether it was a key for the list of completions that is open. */
  completes(data: string): boolean {
    if (!this.#composer.completing || !forTheList.some((key) => matchesKey(data, key))) return false
    const before = this.#composer.text
    this.#composer.input(data)
    // A command that was whole already is not held up by others that begin like it.
    return !(matchesKey(data, 'enter') && before.startsWith('/') && this.#composer.text.trimEnd() === before)
  }

  /** What is written now is found again, however this is left. */
  keep(): void {
    this.#parts.draft?.keep(this.#composer.text)
  }

  newLine(): void {
    this.#composer.newLine()
  }

  /** It can be had again with the arrow up. */
  clear(): void {
    this.#composer.take()
  }

  send(): void {
    const text = this.#composer.text.trim()
    if (text === '') return
    const slash = slashFrom(text)
    if (slash) {
      if (!this.#parts.followed.caughtUp && readsFirst.has(slash.kind)) this.#stage.say('it is being read; try again in a moment')
      else if (this.#parts.obey(slash, text)) this.#composer.take()
      return
    }
    if (this.#answers(text)) return
    this.#composer.take()
    this.prompt(text)
  }

  prompt(text: string): void {
    this.#parts.sent()
    this.#parts.orders.outbox.send(text)
  }

  /** What was not sent stands before what is being written now. */
  putBack(text: string): void {
    const written = this.#composer.text
    this.#composer.text = written === '' ? text : `${text}\n${written}`
    this.#begunBefore = undefined
    this.keep()
    this.#stage.repaint()
  }

  takeBack(): void {
    const newest = this.queued.findLast(({ promptId }) => !this.#takingBack.has(promptId))
    if (!newest) return this.#stage.say('nothing is queued')
    this.#takingBack.add(newest.promptId)
    const { orders } = this.#parts
    orders.ask(async () => {
      try {
        await orders.submit({ type: 'withdraw', promptId: newest.promptId })
        this.putBack(newest.text)
      } finally {
        this.#takingBack.delete(newest.promptId)
      }
    })
  }

  /** In the user's own editor. */
  edit(): void {
    this.#parts.orders.ask(async () => {
      const text = await this.#stage.edit(this.#composer.text, '.md')
      if (text !== undefined) this.#composer.text = text.trimEnd()
      this.keep()
      this.#stage.repaint()
    })
  }

  /** Whether the words were for what is asked: they are, if they were begun in front of it and are an answer, or can be nothing else. */
  #answers(text: string): boolean {
    const { asked, orders } = this.#parts
    const { request } = asked
    if (!request || !asked.open || request.id !== this.#begunBefore) return false
    const answer = answerFrom(request, { choice: text })
    if (!isRefusal(answer)) {
      this.#composer.take()
      orders.answer(request, answer, () => this.putBack(text))
      return true
    }
    if (request.options.length > 0 || request.fields?.length !== 1) return false
    this.#stage.complain(failureOf(answer))
    return true
  }

  #newComposer(history: readonly string[]): Composer {
    const { cwd, followed } = this.#parts
    const commands = () => [
      ...slashHelp.map(([usage, description]) => ({ name: /^\/(\w+)/.exec(usage)?.[1] ?? '', description })),
      ...(followed.session?.offer.commands ?? []).map(({ name, description }) => ({ name: name.replace(/^\//, ''), description })),
    ]
    const completions = combined(slashCompletions(commands), fileCompletions(cwd, this.#stage.env))
    const composer = new Composer(this.#stage, { placeholder: 'write a prompt, or / for commands', history, completions })
    composer.focused = true
    return composer
  }
}

// What the user asks of one session, on its way to the daemon: each command with an id of its own, prompts in their order, failures told. Nothing here waits for anything but the daemon, and nobody waits for this.

import { failureOf } from '../../client/failures.ts'
import { newId } from '../../client/submit.ts'
import { isRefusal } from '../../core/errors.ts'
import type { Envelope } from '../../core/events.ts'
import type { Command } from '../../core/inputs.ts'
import type { Answer, Request } from '../../core/requests.ts'
import type { SessionView } from '../../core/view.ts'
import type { Stage } from '../view.ts'
import { Outbox } from './outbox.ts'

type Environment = Readonly<Record<string, string>>

export interface OrderParts {
  readonly session: string
  /** For a run that a prompt or an answer starts. */
  readonly environment: () => Promise<Environment>
  /** Gets the text of a prompt back that the daemon does not take. */
  readonly unsent: (text: string) => void
  /** What a reply told of the session. */
  readonly told: (session: SessionView) => void
  /** What waits to be sent is different. */
  readonly changed: () => void
}

export class Orders {
  readonly #stage: Stage
  readonly #parts: OrderParts
  readonly #ours = new Set<string>()
  /** Not the stage's: what was asked for is not taken back by leaving. */
  readonly #signal = new AbortController().signal
  #environment: Promise<Environment> | undefined
  #answering: string | undefined
  #shown = 0
  readonly outbox: Outbox

  constructor(stage: Stage, parts: OrderParts) {
    this.#stage = stage
    this.#parts = parts
    this.outbox = new Outbox({
      deliver: async (text) => this.submit({ type: 'prompt', text }, await this.environment()),
      lost: (text, cause) => {
        parts.unsent(text)
        stage.complain(cause)
      },
      changed: parts.changed,
    })
    // Read before it is needed, so that a prompt leaves at once.
    this.environment().catch(() => {})
  }

  /** Whether this came of a command that was given here. */
  isOurs({ command }: Envelope): boolean {
    return command !== undefined && this.#ours.has(command)
  }

  environment(): Promise<Environment> {
    this.#environment ??= this.#parts.environment().catch((cause: unknown) => {
      this.#environment = undefined
      throw cause
    })
    return this.#environment
  }

  /** Throws CommandFailed when it is refused. */
  async submit(command: Command, environment?: Environment): Promise<void> {
    const commandId = newId()
    this.#ours.add(commandId)
    const reply = await this.#stage.client.submit({ session: this.#parts.session, commandId, command, ...(environment ? { environment } : {}) }, this.#signal)
    if (isRefusal(reply)) throw failureOf(reply)
    this.#parts.told(reply.session)
  }

  ask(perform: () => Promise<void>): void {
    perform().catch((cause: unknown) => this.#stage.complain(cause))
  }

  /** A key that comes before the daemon has taken it does not answer again. `lost`: it is not taken. */
  answer({ id: requestId, about }: Request, answer: Answer, lost: () => void = () => {}): void {
    if (this.#answering === requestId) return
    this.#answering = requestId
    this.ask(async () => {
      try {
        // What Offstage asks itself is asked before something begins.
        await this.submit({ type: 'answer', requestId, answer }, about === undefined ? undefined : await this.environment())
      } catch (cause) {
        lost()
        throw cause
      } finally {
        this.#answering = undefined
      }
    })
  }

  /** All of these entries stood on a person's screen. */
  show(entries: number): void {
    if (entries <= this.#shown) return
    this.#shown = entries
    this.submit({ type: 'show', entries }).catch(() => {})
  }
}

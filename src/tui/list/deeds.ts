// What is done to sessions from the list: asked of the daemon beside the screen, which never waits. Remembers what can be brought back.

import { endSession, endedText } from '../../client/ending.ts'
import { submit } from '../../client/submit.ts'
import type { Command } from '../../core/inputs.ts'
import type { Answer } from '../../core/requests.ts'
import type { RequestView, SessionView } from '../../core/view.ts'
import { count, nameOf } from '../../text/format.ts'
import type { Stage } from '../view.ts'

type Environment = (session: SessionView) => Promise<Record<string, string>>

export class Deeds {
  readonly #stage: Stage
  readonly #environment: Environment
  /** The last ones at the end; those that went together come back together. */
  readonly #gone: (readonly SessionView[])[] = []

  constructor(stage: Stage, environment: Environment) {
    this.#stage = stage
    this.#environment = environment
  }

  command(targets: readonly SessionView[], command: Command): Promise<boolean> {
    return this.#each(targets, async ({ id }) => void (await submit(this.#stage.client, { session: id, command }, this.#stage.signal)))
  }

  end(targets: readonly SessionView[], type: 'stop' | 'end' | 'remove'): void {
    const done = { stop: 'stopped', end: 'archived', remove: 'removed' }[type]
    const { client, signal, keymap } = this.#stage
    const gone: SessionView[] = []
    const texts: string[] = []
    void this.#each(
      targets,
      async (session) => {
        const ended = await endSession(client, session.id, type, signal)
        gone.push(session)
        texts.push(ended.processes === undefined ? `${done} ${nameOf(session)}` : endedText(`${done} ${nameOf(session)}`, ended))
      },
      () => {
        if (gone.length === 0) return
        if (type !== 'stop') this.#gone.push(gone)
        const [text = ''] = texts
        const back =
          type === 'stop'
            ? `${keymap.hint('list.resume')} starts ${texts.length === 1 ? 'it' : 'them'} again`
            : `${keymap.hint('list.undo')} brings ${texts.length === 1 ? 'it' : 'them'} back`
        this.#stage.say(`${texts.length === 1 ? text : `${done} ${count(texts.length, 'session')}`}   ${back}`)
      },
    )
  }

  restore(targets: readonly SessionView[]): void {
    // A worktree that is made again is set up again.
    void this.#each(targets, async (session) => {
      const environment = session.workspace.kind === 'worktree' ? { environment: await this.#environment(session) } : {}
      await submit(this.#stage.client, { session: session.id, command: { type: 'restore' }, ...environment }, this.#stage.signal)
    })
  }

  undo(): void {
    const last = this.#gone.pop()
    if (!last) return this.#stage.say('nothing was archived or removed here')
    this.restore(last)
    const [first] = last
    this.#stage.say(last.length === 1 && first ? `${nameOf(first)} is back` : `${count(last.length, 'session')} are back`)
  }

  /** What may start an agent: a prompt, or `resume`, with the answer to a question that its process is gone with, or the answer to one of Offstage's own. Whether all were taken. */
  start(targets: readonly SessionView[], command: Extract<Command, { type: 'prompt' | 'resume' | 'answer' }>): Promise<boolean> {
    return this.#each(targets, async (session) => {
      const environment = await this.#environment(session)
      await submit(this.#stage.client, { session: session.id, command, environment }, this.#stage.signal)
    })
  }

  /** To the question that was on the screen, and to no other. */
  answer(session: SessionView, request: RequestView, answer: Answer): Promise<boolean> {
    if (request.lost) return this.start([session], { type: 'resume', answer: { requestId: request.id, answer } })
    const command = { type: 'answer', requestId: request.id, answer } as const
    return session.run?.alive ? this.command([session], command) : this.start([session], command)
  }

  /** Whether all of it was done. The first failure is told. */
  async #each(targets: readonly SessionView[], perform: (session: SessionView) => Promise<void>, then: () => void = () => {}): Promise<boolean> {
    const results = await Promise.allSettled(targets.map(perform))
    then()
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) this.#stage.complain(failed.reason)
    return !failed
  }
}

// Agent View for a screen reader: the sessions as numbered lines, then every change as a line of its own; nothing is drawn, moved or written over. Lines that are typed open, answer and leave.

import type { SessionView } from '../core/view.ts'
import { printableLine } from '../core/terminal-text.ts'
import { answerOrder, answerTo } from '../client/answers.ts'
import { exitCodes, failureFrom, failureText, usageError } from '../client/failures.ts'
import { onlyRequest, pickSession } from '../client/find.ts'
import { environmentFor } from '../client/launch.ts'
import { submit } from '../client/submit.ts'
import type { Client } from '../sdk/client.ts'
import { agentLabel, clock, count, duration, nameOf } from '../text/format.ts'
import { choicesText } from '../text/request-text.ts'
import { workText } from '../text/sessions-table.ts'
import { openSession } from './foreground.ts'
import { readLines } from './read-lines.ts'
import { Mailbox } from './mailbox.ts'
import type { Context } from './verb.ts'

type Happening =
  | { readonly kind: 'session'; readonly session: SessionView }
  | { readonly kind: 'caught-up' }
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'failed'; readonly cause: unknown }
  | { readonly kind: 'leave' }

const help = `Type a number, an id or a label to open a session. "answer 1 allow" answers what session 1 asks. "list" says all again, "quit" leaves; every session goes on.`

export async function openSpokenList(context: Context): Promise<number> {
  const client = await context.client()
  return await new SpokenList(context, client).run()
}

class SpokenList {
  readonly #context: Context
  readonly #client: Client
  readonly #mailbox = new Mailbox<Happening>()
  readonly #sessions = new Map<string, SessionView>()
  readonly #said = new Map<string, string>()
  /** Numbers stay with their sessions while the list is open. */
  readonly #numbers: string[] = []
  #caughtUp = false

  constructor(context: Context, client: Client) {
    this.#context = context
    this.#client = client
  }

  async run(): Promise<number> {
    const { signal } = this.#context
    const leave = (): void => this.#mailbox.put({ kind: 'leave' })
    signal.addEventListener('abort', leave, { once: true })
    void this.#watch()
    let stop = this.#read()
    for (;;) {
      const happening = await this.#mailbox.take()
      if (happening.kind === 'leave') break
      if (happening.kind !== 'line') {
        this.#take(happening)
        continue
      }
      try {
        const opened = await this.#typed(happening.text.trim())
        if (opened === 'leave') break
        if (opened) {
          stop()
          await openSession(this.#context, this.#client, opened, { from: 'unseen', reads: true })
          stop = this.#read()
          this.#sayAll()
        }
      } catch (thrown) {
        if (signal.aborted) break
        this.#context.out(failureText(failureFrom(thrown)))
      }
    }
    stop()
    signal.removeEventListener('abort', leave)
    return exitCodes.done
  }

  #read(): () => void {
    return readLines(
      this.#context.stdin,
      (text) => this.#mailbox.put({ kind: 'line', text }),
      () => this.#mailbox.put({ kind: 'leave' }),
    )
  }

  async #watch(): Promise<void> {
    try {
      for await (const frame of this.#client.sessions(this.#context.signal)) this.#mailbox.put(frame)
    } catch (cause) {
      this.#mailbox.put({ kind: 'failed', cause })
    }
  }

  #take(happening: Exclude<Happening, { kind: 'line' | 'leave' }>): void {
    switch (happening.kind) {
      case 'failed':
        return this.#context.out(failureText(failureFrom(happening.cause)))
      case 'caught-up':
        if (!this.#caughtUp) this.#sayAll()
        this.#caughtUp = true
        return
      case 'session': {
        const { session } = happening
        this.#sessions.set(session.id, session)
        if (!this.#numbers.includes(session.id)) this.#numbers.push(session.id)
        if (this.#caughtUp) this.#change(session)
      }
    }
  }

  /** Only what a person would want to hear: a new state, a new question. Not each step of the work. */
  #change(session: SessionView): void {
    const state = stateOf(session)
    if (this.#said.get(session.id) === state) return
    this.#said.set(session.id, state)
    this.#context.out(`${clock(this.#context.now())} ${this.#line(session)}\n`)
  }

  #sayAll(): void {
    const listed = this.#numbers.flatMap((id) => this.#sessions.get(id) ?? []).filter((session) => !session.removed && !session.archived)
    const waiting = listed.filter((session) => session.status === 'waiting').length
    for (const session of this.#sessions.values()) this.#said.set(session.id, stateOf(session))
    this.#context.out(`${count(listed.length, 'session')}${waiting === 0 ? '' : `, ${waiting} of them ${waiting === 1 ? 'needs' : 'need'} you`}.\n`)
    for (const session of listed) this.#context.out(`${this.#line(session)}\n`)
    this.#context.out(`${help}\n`)
  }

  #line(session: SessionView): string {
    const [request] = session.requests
    const since = duration(this.#context.now() - Date.parse(session.changedAt))
    const asks = session.status === 'waiting' && request && !request.lost ? ` ${choicesText(request).replaceAll(/ {2,}/g, ', ')}.` : ''
    const work = workText(session, [...this.#sessions.values()]).replace('≠ ', '')
    const state = session.removed ? 'removed' : session.archived ? 'archived' : session.status === 'waiting' ? 'needs you' : session.status
    return `${this.#numbers.indexOf(session.id) + 1}. ${nameOf(session)}, ${agentLabel(session.agent)} in ${printableLine(session.project.name)}: ${state} for ${since}, ${sentence(work)}${asks}`
  }

  async #typed(text: string): Promise<SessionView | 'leave' | undefined> {
    if (text === '') return undefined
    if (['quit', 'q', 'exit'].includes(text)) return 'leave'
    if (['list', 'ls', 'help', '?'].includes(text)) {
      this.#sayAll()
      return undefined
    }
    const answer = /^answer(?:\s+(\S+)(?:\s+(.+))?)?$/.exec(text)
    if (!answer) return this.#meant(text)
    const [, which = '', choice = ''] = answer
    if (which === '') throw usageError('whose question is to be answered, and with what?', 'for example: answer 1 allow')
    const { session, request } = onlyRequest(this.#meant(which))
    if (choice === '') throw usageError(`${nameOf(session)} is to be answered with what?`, choicesText(request).replaceAll(/ {2,}/g, ', '))
    const given = answerTo(request, { choice })
    const order = await answerOrder(session, request.id, given, () => environmentFor(this.#context.env, session.agent, session.cwd))
    await submit(this.#client, order, this.#context.signal)
    this.#context.out(`answered ${nameOf(session)}.\n`)
    return undefined
  }

  #meant(typed: string): SessionView {
    const numbered = /^\d+$/.test(typed) ? this.#sessions.get(this.#numbers[Number(typed) - 1] ?? '') : undefined
    return numbered ?? pickSession([...this.#sessions.values()], typed)
  }
}

const sentence = (text: string): string => (/[.!?…]$/.test(text) ? text : `${text}.`)

const stateOf = (session: SessionView): string =>
  [session.status, session.archived, session.removed, ...session.requests.map((request) => request.id), session.outcome?.kind ?? ''].join(' ')

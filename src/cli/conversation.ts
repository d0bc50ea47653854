// A conversation with one agent in the foreground: tells what happens, takes lines as prompts, answers and commands. It waits for nothing but the next thing that happens, so
// leaving is possible at any moment; whatever it asks of the daemon reports back as one more thing that happened.

import type { Frame } from '../core/api.ts'
import { isRefusal } from '../core/errors.ts'
import type { Envelope } from '../core/events.ts'
import type { Command } from '../core/inputs.ts'
import { type Answer, type Request, answerFrom } from '../core/requests.ts'
import { type Session, evolve } from '../core/session.ts'
import { type Status, statusOf } from '../core/status.ts'
import { printableLine } from '../core/terminal-text.ts'
import { type Transcript, counts, emptyTranscript, transcribe } from '../core/transcript.ts'
import type { SessionView } from '../core/view.ts'
import type { Client } from '../sdk/client.ts'
import { type Ended, endSession, endedText } from './ending.ts'
import { CommandFailed, failureOf } from './failures.ts'
import { findSession } from './find.ts'
import { type FormInProgress, beginForm, fieldPrompt, takeField } from './form.ts'
import { agentLabel, nameOf, padded, type Paint, shortPath } from './format.ts'
import { Mailbox } from './mailbox.ts'
import { Narration, type Sheet, fromUnseen } from './narration.ts'
import { nearest } from './nearest.ts'
import { sessionsTable } from './sessions-table.ts'
import { type Slash, slashFrom, slashHelp, slashNames } from './slash.ts'
import { newId } from './submit.ts'
import type { Context } from './verb.ts'

/** Where a conversation is held: a terminal, or streams. */
export interface Surface extends Sheet {
  readonly interactive: boolean
  readonly columns: () => number
  doing(text: string): void
  hide(hidden: boolean): void
}

export interface ConversationParts {
  readonly context: Context
  readonly client: Client
  readonly session: SessionView
  readonly surface: Surface
  readonly paint: Paint
  /** Tell everything, or what was not seen. */
  readonly from: 'start' | 'unseen'
  readonly mailbox: Mailbox<Happening>
  /** For a run that a prompt starts. */
  readonly environment: () => Promise<Readonly<Record<string, string>>>
}

export type Happening =
  | { readonly kind: 'frame'; readonly frame: Frame }
  | { readonly kind: 'watch-ended'; readonly cause: unknown }
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'interrupt' }
  /** Ctrl-D, or the terminal is gone, or a signal. */
  | { readonly kind: 'leave' }
  /** No more lines come from a pipe. */
  | { readonly kind: 'eof' }
  | { readonly kind: 'accepted'; readonly seq: number }
  | { readonly kind: 'failed'; readonly cause: unknown }
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'over'; readonly ending: Ending }

export type Ending =
  | { readonly kind: 'left'; readonly label: string | undefined }
  | { readonly kind: 'ended'; readonly text: string }
  | { readonly kind: 'switched'; readonly to: SessionView }
  /** A pipe has no more lines and the agent is at rest. */
  | { readonly kind: 'rest' }

const twiceWithinMs = 1000

export class Conversation {
  readonly #parts: ConversationParts
  readonly #narration: Narration
  #session: Session | undefined
  #transcript: Transcript = emptyTranscript
  #caughtUp = false
  #shown = 0
  /** From a pipe: lines that wait until the agent can take them. */
  readonly #lines: string[] = []
  #noMoreLines = false
  #unanswered = 0
  #acceptedSeq = 0
  #interruptedAtMs = -Infinity
  #form: FormInProgress | undefined
  #ending = false

  constructor(parts: ConversationParts) {
    this.#parts = parts
    this.#narration = new Narration(parts.surface, { agent: parts.session.agent, paint: parts.paint, columns: parts.surface.columns })
  }

  /** As it was last known, also before the daemon has said anything. */
  get status(): Status {
    return this.#session ? statusOf(this.#session).status : this.#parts.session.status
  }

  get known(): { readonly title: string; readonly label: string | null; readonly doing: string; readonly asks: boolean; readonly over: boolean; readonly filesChanged: number } {
    const { session: view } = this.#parts
    const session = this.#session
    const paths = this.#transcript.lines.flatMap((line) => (line.kind === 'entry' && line.entry.kind === 'tool' ? (line.entry.changes ?? []).map((change) => change.path) : []))
    const asking = this.#openRequest()
    const over = this.status === 'failed' || this.status === 'stopped'
    return { title: view.title, label: session ? session.label : view.label, doing: asking?.title ?? session?.activity ?? view.activity, asks: asking !== undefined, over, filesChanged: new Set(paths).size }
  }

  async run(signal: AbortSignal): Promise<Ending> {
    const { mailbox, client, session } = this.#parts
    const watching = new AbortController()
    void this.#watch(client.watch({ session: session.id, after: 0, follow: true }, AbortSignal.any([signal, watching.signal])))
    try {
      for (;;) {
        const ending = this.#handle(await mailbox.take())
        if (ending) return ending
      }
    } finally {
      watching.abort()
      this.#narration.settle()
      this.#show()
    }
  }

  async #watch(frames: AsyncIterable<Frame>): Promise<void> {
    const { mailbox } = this.#parts
    try {
      for await (const frame of frames) mailbox.put({ kind: 'frame', frame })
      mailbox.put({ kind: 'watch-ended', cause: undefined })
    } catch (cause) {
      mailbox.put({ kind: 'watch-ended', cause })
    }
  }

  #handle(happening: Happening): Ending | undefined {
    switch (happening.kind) {
      case 'frame':
        return this.#frame(happening.frame)
      case 'watch-ended':
        if (happening.cause === undefined) return { kind: 'left', label: undefined }
        throw happening.cause
      case 'line':
        if (this.#parts.surface.interactive) return this.#line(happening.text)
        this.#lines.push(happening.text)
        return this.#nextLine()
      case 'interrupt':
        return this.#interrupt()
      case 'leave':
        return { kind: 'left', label: undefined }
      case 'eof':
        this.#noMoreLines = true
        return this.#nextLine()
      case 'accepted':
        this.#unanswered -= 1
        this.#acceptedSeq = Math.max(this.#acceptedSeq, happening.seq)
        return this.#nextLine()
      case 'failed':
        this.#unanswered -= 1
        this.#ending = false
        this.#complain(happening.cause)
        return this.#nextLine()
      case 'say':
        this.#narration.mark(happening.text)
        return undefined
      case 'over':
        return happening.ending
    }
  }

  #frame(frame: Frame): Ending | undefined {
    switch (frame.kind) {
      case 'fact':
        return this.#fact(frame.envelope)
      case 'draft':
        if (this.#caughtUp) this.#narration.draft(frame.draft)
        return undefined
      case 'caught-up':
        // It comes again when the connection was made anew.
        if (this.#caughtUp) return undefined
        this.#caughtUp = true
        this.#begin()
        return this.#nextLine()
    }
  }

  #fact(envelope: Envelope): Ending | undefined {
    const before = this.#transcript
    this.#session = evolve(this.#session, envelope)
    this.#transcript = transcribe(before, envelope)
    if (!this.#caughtUp) return undefined
    if (this.#transcript !== before) {
      const atWork = this.#session.turn.kind === 'working'
      for (const [index, line] of this.#transcript.lines.entries()) if (line !== before.lines[index]) this.#narration.line(line, atWork)
    }
    const { event } = envelope
    if (event.type === 'asked' || event.type === 'turn-ended' || event.type === 'run-exited') this.#show()
    if (this.#form && !this.#session.requests.some((request) => request.id === this.#form?.request.id)) this.#form = undefined
    this.#showDoing()
    if (event.type === 'stopped' && !this.#ending) return { kind: 'ended', text: `${this.#parts.session.id} was stopped` }
    return this.#nextLine()
  }

  /** Everything that was there when we came. */
  #begin(): void {
    const { surface, from, paint, session } = this.#parts
    const { lines } = this.#transcript
    const { known, context, fresh, unseen } = from === 'start' ? { known: [], context: [], fresh: lines, unseen: 0 } : fromUnseen(lines, this.#session?.shown ?? 0)
    if (surface.interactive) this.#header()
    this.#narration.passOver(known)
    for (const line of context) this.#narration.standing(line)
    if (unseen > 0 && from === 'unseen') {
      const mark = ` ── ${unseen} new `
      this.#narration.gap()
      this.#narration.mark(`${paint.dim(mark + '─'.repeat(Math.max(2, Math.min(78, surface.columns() - 2) - mark.length)))}`)
    }
    for (const line of fresh) this.#narration.standing(line)
    this.#narration.settle()
    // A question from before the first unseen line still waits.
    for (const request of this.#session?.requests ?? []) {
      const line = known.find((one) => one.kind === 'request' && one.id === request.id)
      if (line) this.#narration.again(line)
    }
    if (session.removed) this.#narration.mark('   (removed)')
    this.#show()
    this.#showDoing()
  }

  #header(): void {
    const { session, paint, context } = this.#parts
    const parts = [nameOf(this.#session ? { ...session, label: this.#session.label } : session), agentLabel(session.agent), shortPath(session.cwd, context.env['HOME'])]
    this.#narration.mark(` ${paint.bold(session.id)} · ${parts.join(' · ')}\n ${paint.dim('/bg leaves it running · /help')}`)
  }

  /** All that was told stood on a person's screen. */
  #show(): void {
    const { client, session, surface, context } = this.#parts
    const entries = this.#transcript.lines.filter(counts).length
    if (!surface.interactive || !this.#caughtUp || entries <= Math.max(this.#shown, this.#session?.shown ?? 0)) return
    this.#shown = entries
    void client.submit({ session: session.id, commandId: newId(), command: { type: 'show', entries } }, context.signal).catch(() => {})
  }

  #showDoing(): void {
    const { surface } = this.#parts
    const session = this.#session
    const request = this.#openRequest()
    // Several fields are asked for one after the other, and what is secret must not be seen while it is typed.
    if (request && !this.#form && request.options.length === 0 && ((request.fields?.length ?? 0) > 1 || request.fields?.[0]?.secret)) this.#form = beginForm(request)
    surface.hide(this.#form?.field.secret ?? false)
    if (!session) return
    const { status, reason } = statusOf(session)
    if (this.#form) surface.doing(fieldPrompt(this.#form))
    else if (request) surface.doing(request.options.length > 0 ? 'number to answer, or text to say something else' : 'type your answer')
    else if (status === 'working' || status === 'starting' || status === 'queued') surface.doing(`${status === 'working' ? '●' : '◌'} ${reason}`)
    else surface.doing('')
  }

  #openRequest(): Request | undefined {
    return this.#session?.requests.find((request) => !request.lost)
  }

  /** From a pipe a line is taken when the agent can take one, so that a script's second line does not answer what was not asked yet. */
  #nextLine(): Ending | undefined {
    if (this.#parts.surface.interactive) return undefined
    for (;;) {
      const [line] = this.#lines
      if (line !== undefined && slashFrom(line) !== undefined) {
        this.#lines.shift()
        const ending = this.#line(line)
        if (ending) return ending
        continue
      }
      if (!this.#caughtUp || this.#unanswered > 0 || !this.#session || this.#session.seq < this.#acceptedSeq || !this.#takesLine()) return undefined
      if (line === undefined) return this.#noMoreLines ? { kind: 'rest' } : undefined
      this.#lines.shift()
      const ending = this.#line(line)
      if (ending) return ending
    }
  }

  #takesLine(): boolean {
    switch (this.status) {
      case 'waiting':
        // A prompt that is on its way to an agent that just got ready looks like this too.
        return this.#openRequest() !== undefined || this.#session?.queue.length === 0 || this.#session?.process.kind !== 'live'
      case 'completed':
        return this.#session?.queue.length === 0
      case 'failed':
      case 'stopped':
        return true
      default:
        return false
    }
  }

  #line(text: string): Ending | undefined {
    const slash = slashFrom(text)
    if (slash) return this.#slash(slash, text)
    if (this.#form) {
      this.#field(text)
      return undefined
    }
    if (text.trim() === '') return undefined
    const request = this.#openRequest()
    const answer = request && answerFrom(request, { choice: text.trim() })
    if (request && answer && !isRefusal(answer)) this.#answer(request, answer)
    else if (request && this.#beginForm(request)) this.#field(text)
    else this.#prompt(text.trim())
    return undefined
  }

  #prompt(text: string): void {
    const { environment } = this.#parts
    this.#ask(async () => this.#submit({ type: 'prompt', text }, await environment()))
  }

  #answer(request: Request, answer: Answer): void {
    this.#ask(() => this.#submit({ type: 'answer', requestId: request.id, answer }))
  }

  /** A question with several fields is answered one line at a time. */
  #beginForm(request: Request): boolean {
    this.#form = beginForm(request)
    return this.#form !== undefined
  }

  #field(text: string): void {
    if (!this.#form) return
    const next = takeField(this.#form, text.trim())
    switch (next.kind) {
      case 'wrong':
        this.#narration.mark(`   ${next.message}`)
        break
      case 'next':
        this.#form = next.form
        break
      case 'done':
        this.#answer(this.#form.request, next.answer)
        this.#form = undefined
    }
    this.#showDoing()
  }

  async #submit(command: Command, environment?: Readonly<Record<string, string>>): Promise<void> {
    const { client, session, context, mailbox } = this.#parts
    const reply = await client.submit({ session: session.id, commandId: newId(), command, ...(environment ? { environment } : {}) }, context.signal)
    mailbox.put(isRefusal(reply) ? { kind: 'failed', cause: failureOf(reply) } : { kind: 'accepted', seq: reply.seq })
  }

  /** Asks something of the daemon; its failure is one more thing that happened. */
  #ask(perform: () => Promise<void>): void {
    this.#unanswered += 1
    perform().catch((cause: unknown) => this.#parts.mailbox.put({ kind: 'failed', cause }))
  }

  #complain(cause: unknown): void {
    const { paint } = this.#parts
    const message = printableLine(cause instanceof Error ? cause.message : String(cause))
    const hint = cause instanceof CommandFailed && cause.hint !== undefined ? `\n     ${paint.dim(printableLine(cause.hint))}` : ''
    this.#narration.mark(`   ${paint.status('failed', '✗')} ${message}${hint}`)
  }

  #interrupt(): Ending | undefined {
    const { context, paint } = this.#parts
    const now = context.now()
    if (now - this.#interruptedAtMs <= twiceWithinMs) return { kind: 'left', label: undefined }
    this.#interruptedAtMs = now
    this.#form = undefined
    if (this.#session?.turn.kind === 'working') this.#ask(() => this.#submit({ type: 'interrupt' }))
    else this.#narration.mark(`   ${paint.dim('Ctrl-C again leaves it running · /exit ends it · /help')}`)
    this.#showDoing()
    return undefined
  }

  #slash(slash: Slash, text: string): Ending | undefined {
    const { session, client, context, paint } = this.#parts
    const reply = (perform: () => Promise<Happening>): undefined => {
      this.#ask(async () => {
        const happening = await perform()
        this.#parts.mailbox.put(happening)
        this.#parts.mailbox.put({ kind: 'accepted', seq: 0 })
      })
    }
    switch (slash.kind) {
      case 'bg':
        return { kind: 'left', label: slash.label }
      case 'help':
        this.#narration.mark(slashHelp.map(([command, does]) => `   ${padded(command, 18)}${paint.dim(does)}`).join('\n'))
        return undefined
      case 'wrong':
        this.#narration.mark(`   ${printableLine(slash.message)}`)
        return undefined
      case 'sessions':
        return reply(async () => {
          const sessions = await client.list({ all: false }, context.signal)
          const table = sessionsTable(sessions, { columns: this.#parts.surface.columns(), color: context.color, home: context.env['HOME'] })
          return { kind: 'say', text: table.trimEnd() }
        })
      case 'switch':
        return reply(async () => {
          const to = await findSession(client, slash.to, context.signal)
          return to.id === session.id ? { kind: 'say', text: '   you are in it' } : { kind: 'over', ending: { kind: 'switched', to } }
        })
      case 'end':
        return slash.which === undefined ? this.#endThis('end', 'ended') : reply(() => this.#endOther(slash.which ?? ''))
      case 'stop':
        return this.#endThis('stop', 'stopped')
      case 'label':
        this.#ask(() => this.#submit({ type: 'label', label: slash.text }))
        this.#narration.mark(slash.text === '' ? '   it has no label now' : `   labelled ${printableLine(slash.text)}`)
        return undefined
      case 'decline': {
        const request = this.#openRequest()
        const answer = request && answerFrom(request, { decline: true })
        this.#form = undefined
        if (!request || !answer) this.#narration.mark('   it asks nothing')
        else if (isRefusal(answer)) this.#complain(failureOf(answer))
        else this.#answer(request, answer)
        this.#showDoing()
        return undefined
      }
      case 'unknown':
        return this.#unknownSlash(slash.name, text)
    }
  }

  /** The agent may have commands of its own. */
  #unknownSlash(name: string, text: string): undefined {
    const offered = this.#session?.offer.commands ?? []
    if (offered.some((command) => command.name.replace(/^\//, '') === name)) return void this.#prompt(text.trim())
    const near = nearest(name, [...slashNames, ...offered.map((command) => command.name.replace(/^\//, ''))])
    this.#narration.mark(`   there is no /${printableLine(name)}; ${near === undefined ? '/help says what there is' : `did you mean /${printableLine(near)}?`}`)
  }

  #endThis(type: 'stop' | 'end', done: string): undefined {
    const { session, client, context, mailbox, surface } = this.#parts
    if (this.#ending) return
    this.#ending = true
    surface.doing(type === 'end' ? 'ending …' : 'stopping …')
    this.#ask(async () => {
      const ended: Ended = await endSession(client, session.id, type, context.signal)
      const back = type === 'stop' ? `\n   offstage resume ${session.id}   starts it again` : ''
      mailbox.put({ kind: 'over', ending: { kind: 'ended', text: `${endedText(`${done} ${session.id}`, ended)}${back}` } })
    })
  }

  async #endOther(typed: string): Promise<Happening> {
    const { client, session, context } = this.#parts
    const found = await findSession(client, typed, context.signal)
    const ended = await endSession(client, found.id, 'end', context.signal)
    const text = endedText(`ended ${found.id}  ${nameOf(found)}`, ended)
    return found.id === session.id ? { kind: 'over', ending: { kind: 'ended', text } } : { kind: 'say', text: `   ${text}` }
  }
}

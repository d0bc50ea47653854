// A conversation with one agent in the foreground: tells what happens, takes lines as prompts, answers and commands. It waits for nothing but the next thing that happens, so
// leaving is possible at any moment; whatever it asks of the daemon reports back as one more thing that happened.

import type { Frame } from '../core/api.ts'
import { isRefusal } from '../core/errors.ts'
import type { Envelope } from '../core/events.ts'
import type { Command } from '../core/inputs.ts'
import { type Answer, type Request, answerFrom } from '../core/requests.ts'
import { type Session, evolve } from '../core/session.ts'
import { type Status, statusOf } from '../core/status.ts'
import { printable, printableLine } from '../core/terminal-text.ts'
import { Transcript, counts } from '../core/transcript.ts'
import type { ConversationParts, Ending, Happening } from './conversation-parts.ts'
import { CommandFailed, failureOf } from '../client/failures.ts'
import { type FormInProgress, beginForm, fieldPrompt, takeField } from '../client/form.ts'
import { agentLabel, nameOf, shortPath } from '../text/format.ts'
import { Narration, fromUnseen } from './narration.ts'
import { slashFrom } from '../client/slash.ts'
import { type Commanded, obey } from './slash-commands.ts'
import { newId } from '../client/submit.ts'

const twiceWithinMs = 1000

export class Conversation {
  readonly #parts: ConversationParts
  readonly #narration: Narration
  #session: Session | undefined
  readonly #transcript = new Transcript()
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
    return {
      title: view.title,
      label: session ? session.label : view.label,
      doing: asking?.title ?? session?.activity ?? view.activity,
      asks: asking !== undefined,
      over,
      filesChanged: new Set(paths).size,
    }
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
        this.#complain(happening.cause, happening.text)
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
        return this.#notStarted() ?? this.#nextLine()
    }
  }

  #fact(envelope: Envelope): Ending | undefined {
    this.#session = evolve(this.#session, envelope)
    const changed = this.#transcript.add(envelope)
    if (!this.#caughtUp) return undefined
    for (const line of changed) this.#narration.line(line, this.#session.turn.kind === 'working')
    const { event } = envelope
    if (event.type === 'asked' || event.type === 'turn-ended' || event.type === 'run-exited') this.#show()
    if (this.#form && !this.#session.requests.some((request) => request.id === this.#form?.request.id)) this.#form = undefined
    this.#showDoing()
    if (event.type === 'stopped' && !this.#ending) return { kind: 'ended', text: `${this.#parts.session.id} was stopped` }
    return this.#notStarted() ?? this.#nextLine()
  }

  #notStarted(): Ending | undefined {
    const { process } = this.#session ?? {}
    return this.#parts.from === 'start' && process?.kind === 'unusable' ? { kind: 'not-started', why: process.why } : undefined
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
    if (slash) return obey(slash, text, this.#commanded())
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
    this.#ask(async () => this.#submit({ type: 'prompt', text }, await environment()), text)
  }

  #answer(request: Request, answer: Answer): void {
    // What Offstage asks itself is asked before something begins.
    const { environment } = this.#parts
    this.#ask(async () => this.#submit({ type: 'answer', requestId: request.id, answer }, request.about === undefined ? undefined : await environment()))
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
    if (isRefusal(reply)) throw failureOf(reply)
    mailbox.put({ kind: 'accepted', seq: reply.seq })
  }

  /** Asks something of the daemon; its failure is one more thing that happened. `text` is what the user wrote and would not like to lose. */
  #ask(perform: () => Promise<void>, text?: string): void {
    this.#unanswered += 1
    perform().catch((cause: unknown) => this.#parts.mailbox.put({ kind: 'failed', cause, text }))
  }

  #complain(cause: unknown, text: string | undefined): void {
    const { paint } = this.#parts
    const message = printableLine(cause instanceof Error ? cause.message : String(cause))
    const hint = cause instanceof CommandFailed && cause.hint !== undefined ? `\n     ${paint.dim(printableLine(cause.hint))}` : ''
    const lost = text === undefined ? '' : `\n     ${paint.dim(`not sent: ${printable(text).replaceAll('\n', '\n     ')}`)}`
    this.#narration.mark(`   ${paint.status('failed', '✗')} ${message}${hint}${lost}`)
  }

  #commanded(): Commanded {
    return {
      ...this.#parts,
      say: (said) => this.#narration.mark(said),
      ask: (perform) => this.#ask(perform),
      submit: (command, given) => this.#submit(command, given),
      prompt: (prompt) => this.#prompt(prompt),
      decline: () => this.#decline(),
      offer: this.#session?.offer ?? {},
      requests: this.#session?.requests ?? [],
      lines: this.#transcript.lines,
      beginEnding: () => {
        const first = !this.#ending
        this.#ending = true
        return first
      },
    }
  }

  #decline(): void {
    const request = this.#openRequest()
    const answer = request && answerFrom(request, { decline: true })
    this.#form = undefined
    if (!request || !answer) this.#narration.mark('   it asks nothing')
    else if (isRefusal(answer)) this.#complain(failureOf(answer), undefined)
    else this.#answer(request, answer)
    this.#showDoing()
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
}

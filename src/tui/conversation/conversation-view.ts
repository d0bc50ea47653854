// A conversation with one agent on the whole screen: its transcript, what it asks, what is written to it. Owns where the keys go and what stands where; what is true it takes from the session's facts only.
// It waits for nothing, so leaving is possible at any moment.

import { failureOf, failureText } from '../../client/failures.ts'
import { slashFrom } from '../../client/slash.ts'
import { notStarted } from '../../client/started.ts'
import { isRefusal } from '../../core/errors.ts'
import type { Envelope } from '../../core/events.ts'
import { answerFrom } from '../../core/requests.ts'
import { statusOf } from '../../core/status.ts'
import { type SessionView, viewOf } from '../../core/view.ts'
import { nameOf, statusMark } from '../../text/format.ts'
import { shownStatus } from '../../text/status-words.ts'
import type { Mouse, Size, Stage, View } from '../view.ts'
import { Asked } from './asked.ts'
import { openChanges } from './changes-page.ts'
import { Choosing } from './choosing.ts'
import { type Commanded, commandRows, obey } from './commands.ts'
import { FollowedSession } from '../followed-session.ts'
import { laidOut } from './layout.ts'
import type { ConversationParts, Known, Way } from './leaving.ts'
import { Orders } from './orders.ts'
import { Reading } from './reading.ts'
import { headerRow, statusRow, waitingRows } from './rows.ts'
import { standingOf, statusPieces } from './standing.ts'
import { Writing } from './writing.ts'

export type { ConversationParts, Known, Leaving } from './leaving.ts'

const interruptWithinMs = 2000
const leaveWithinMs = 1000
const loadingAfterMs = 100
/** Clocks may be put back. */
const longestWaitMs = 60_000
const mostWaiting = 3

export const openConversation = (stage: Stage, parts: ConversationParts): ConversationView => new ConversationView(stage, parts)

export class ConversationView implements View {
  readonly #stage: Stage
  readonly #parts: ConversationParts
  readonly #closing = new AbortController()
  readonly #followed: FollowedSession
  readonly #orders: Orders
  readonly #reading: Reading
  readonly #asked: Asked
  readonly #choosing: Choosing
  readonly #writing: Writing
  /** As it was told last by somebody who knows more than the facts. */
  #told: SessionView
  #page: View | undefined
  #slow = false
  #escapedAtMs = -Infinity
  #cancelledAtMs = -Infinity
  #tick: NodeJS.Timeout | undefined
  readonly #loading: NodeJS.Timeout
  #left = false

  constructor(stage: Stage, parts: ConversationParts) {
    this.#stage = stage
    this.#parts = parts
    this.#told = parts.session
    const { id, agent, cwd, kind } = parts.session
    this.#orders = new Orders(stage, {
      session: id,
      environment: parts.environment,
      unsent: (text) => (this.#left ? stage.say(`not sent: ${text}`, 'error') : this.#writing.putBack(text)),
      told: (session) => (this.#told = session),
      changed: () => stage.repaint(),
    })
    this.#followed = new FollowedSession(stage.client, id, this.#closing.signal, {
      caughtUp: () => this.#begin(),
      changed: (facts) => this.#changed(facts),
      failed: () => stage.repaint(),
    })
    this.#reading = new Reading(stage, this.#followed, { about: { agent, cwd, kind }, seen: (entries) => this.#orders.show(entries) })
    this.#asked = new Asked(stage, { followed: this.#followed, orders: this.#orders, forms: parts.forms, obeys: (text) => this.#obeys(text) })
    this.#choosing = new Choosing(stage, this.#orders)
    this.#writing = new Writing(stage, {
      cwd,
      draft: parts.draft,
      followed: this.#followed,
      orders: this.#orders,
      asked: this.#asked,
      obey: (slash, text) => obey(slash, text, this.#commanded()),
      sent: () => this.#reading.toEnd(),
    })
    this.#loading = setTimeout(() => {
      this.#slow = true
      stage.repaint()
    }, loadingAfterMs)
  }

  get known(): Known {
    const { session } = this.#followed
    const { status, title, label, activity, changes } = this.#view
    const { request } = this.#asked
    return {
      title,
      label,
      doing: request?.title ?? activity,
      asks: request !== undefined || (!session && this.#newest.requests.length > 0),
      over: status === 'failed' || status === 'stopped',
      filesChanged: changes?.files ?? 0,
      unsent: this.#orders.outbox.unsent,
    }
  }

  get #newest(): SessionView {
    return this.#parts.newest?.() ?? this.#told
  }

  get #view(): SessionView {
    const { session } = this.#followed
    return session ? viewOf(session, this.#stage.now(), { project: this.#newest.project }) : this.#newest
  }

  title(): string {
    const { session } = this.#followed
    const status = shownStatus(session ? { status: statusOf(session).status, outcome: session.outcome } : this.#newest)
    return `${statusMark[status]} ${nameOf(session ?? this.#newest)}`
  }

  render(size: Size): readonly string[] {
    if (this.#page) return this.#page.render(size)
    const { theme, keymap, now } = this.#stage
    const { columns } = size
    const { session, trouble } = this.#followed
    const nowMs = now()
    const { header, changesAtMs } = standingOf(session, this.#newest, nowMs)
    this.#wakeAt(changesAtMs, nowMs)
    const pieces = statusPieces({ session, agent: this.#parts.session.agent, trouble, writesBeside: this.#writing.isBeside, helpKey: keymap.hint('anywhere.help'), nowMs })
    const parts = {
      header: headerRow(header, columns, theme),
      transcript: (given: Size) => this.#transcriptRows(given),
      asked: (given: Size) => (this.#choosing.open ? this.#choosing.render(given) : this.#asked.render(given, this.#keysAnswer)),
      waiting: this.#waitingRows(columns),
      composer: (given: Size) => this.#writing.render(given),
      status: statusRow(pieces, columns, theme),
      elsewhere: this.#choosing.open,
    }
    return laidOut(size, parts, theme)
  }

  #transcriptRows({ columns, rows }: Size): readonly string[] {
    if (!this.#followed.caughtUp) return Array.from({ length: rows }, (_, row) => (row === 0 && this.#slow ? this.#stage.theme.dim('   loading …') : ''))
    const prompts = new Set(this.#writing.queued.map(({ promptId }) => promptId))
    return this.#reading.render({ columns, rows }, { prompts, request: this.#asked.request?.id, remarks: this.#asked.remarks })
  }

  #waitingRows(columns: number): readonly string[] {
    const { theme, keymap } = this.#stage
    const takesBack = keymap.hint('conversation.edit-queued')
    const texts = this.#writing.queued.map(({ text }) => text)
    return [
      ...waitingRows(texts, { word: 'queued:', after: takesBack === '' ? '' : `(${takesBack} takes it back)`, most: mostWaiting }, columns, theme),
      ...waitingRows(this.#orders.outbox.late, { word: 'sending:', after: '', most: mostWaiting }, columns, theme),
    ]
  }

  /** One timer, for the next moment at which a row shows something else. */
  #wakeAt(atMs: number | undefined, nowMs: number): void {
    clearTimeout(this.#tick)
    this.#tick = atMs === undefined || this.#closing.signal.aborted ? undefined : setTimeout(() => this.#stage.repaint(), Math.max(1, Math.min(longestWaitMs, atMs - nowMs)))
  }

  #begin(): void {
    clearTimeout(this.#loading)
    this.#reading.begin(this.#parts.from === 'unseen')
    this.#writing.begin()
    this.#changed([])
  }

  #changed(facts: readonly Envelope[]): void {
    for (const fact of facts) {
      this.#asked.heard(fact)
      const { type } = fact.event
      if (type === 'asked' || type === 'turn-ended' || type === 'run-exited') this.#reading.expect()
      if (type === 'turn-ended') this.#lookAgain()
      if (type === 'agent-offers') this.#choosing.told()
    }
    this.#asked.sync()
    const { session } = this.#followed
    if (this.#parts.from === 'start' && session?.process.kind === 'unusable' && session.runs === 1 && session.turns === 0)
      this.#leave({ how: 'not-started', text: failureText(notStarted(session.id, session.process.why)) })
    this.#stage.repaint()
  }

  /** Its branch may be another one now. */
  #lookAgain(): void {
    if (this.#parts.newest) return
    this.#stage.client.get(this.#told.id, this.#closing.signal).then(
      (found) => {
        if (found) this.#told = found.session
        this.#stage.repaint()
      },
      () => {},
    )
  }

  // Keys.

  /** Something is asked, it is not put off, and nothing is being written. */
  get #keysAnswer(): boolean {
    return this.#asked.open && this.#writing.isEmpty
  }

  input(data: string): void {
    if (this.#left) return
    if (this.#page) this.#page.input(data)
    else this.#key(data)
    this.#writing.keep()
    this.#stage.repaint()
  }

  mouse(event: Mouse): boolean {
    if (this.#page) return this.#page.mouse?.(event) ?? false
    if (event.kind !== 'wheel') return false
    this.#reading.scroll(event.delta)
    return true
  }

  #key(data: string): void {
    const { keymap } = this.#stage
    const writing = this.#writing
    const action = keymap.action('conversation', data)
    // What is to be pressed twice is pressed twice with nothing between.
    if (action !== 'conversation.interrupt') this.#escapedAtMs = -Infinity
    if (action !== 'conversation.cancel') this.#cancelledAtMs = -Infinity
    switch (action) {
      case 'anywhere.help':
        return this.#help()
      case 'conversation.cancel':
        return this.#cancel()
      case 'conversation.list':
        return this.#leave({ how: 'list' })
      case 'conversation.leave':
        if (writing.isEmpty) return this.#leave({ how: 'bg' })
        break
      default:
        break
    }
    if (this.#choosing.open) return this.#choosing.input(data)
    if (this.#keysAnswer && this.#asked.input(data)) return undefined
    if (writing.isEmpty && keymap.action('dialog', data) === 'dialog.next' && this.#asked.comeBack()) return undefined
    if (writing.completes(data)) return undefined
    switch (action) {
      case 'conversation.send':
        return writing.send()
      case 'conversation.new-line':
        return writing.newLine()
      case 'conversation.interrupt':
        return this.#escape()
      case 'conversation.page-up':
        return this.#reading.page(-1)
      case 'conversation.page-down':
        return this.#reading.page(1)
      case 'conversation.line-up':
        return this.#reading.scroll(-1)
      case 'conversation.line-down':
        return this.#reading.scroll(1)
      case 'conversation.first':
        return this.#reading.toStart()
      case 'conversation.last':
        return this.#reading.toEnd()
      case 'conversation.fold':
        return this.#reading.toggleFold()
      case 'conversation.edit-queued':
        return writing.takeBack()
      case 'conversation.editor':
        return writing.edit()
      case 'conversation.mode':
        return this.#followed.session && this.#choosing.nextMode(this.#followed.session.offer)
      case 'conversation.model':
        return this.#pick('model')
      case 'conversation.logs':
        return this.#parts.logs()
      case 'conversation.review':
        return this.#review()
      default:
        return writing.input(data)
    }
  }

  /** Whether this is one of our commands; it is done then. */
  #obeys(text: string): boolean {
    const slash = slashFrom(text)
    return slash !== undefined && slash.kind !== 'unknown' && obey(slash, text, this.#commanded())
  }

  get #isWorking(): boolean {
    const { session } = this.#followed
    return session ? session.turn.kind === 'working' : this.#newest.status === 'working'
  }

  #escape(): void {
    if (!this.#isWorking) return
    const now = this.#stage.now()
    const again = now - this.#escapedAtMs <= interruptWithinMs
    this.#escapedAtMs = again ? -Infinity : now
    if (again) {
      this.#stage.hush()
      this.#interrupt()
    } else this.#stage.say(`${this.#stage.keymap.hint('conversation.interrupt')} again interrupts`)
  }

  #interrupt(): void {
    this.#orders.ask(() => this.#orders.submit({ type: 'interrupt' }))
  }

  #cancel(): void {
    if (this.#choosing.open) return this.#choosing.close()
    if (!this.#writing.isEmpty) return this.#writing.clear()
    const now = this.#stage.now()
    if (now - this.#cancelledAtMs <= leaveWithinMs) return this.#leave({ how: 'bg' })
    this.#cancelledAtMs = now
    const working = this.#isWorking
    if (working) this.#interrupt()
    this.#stage.say(`${working ? 'interrupting; ' : ''}${this.#stage.keymap.hint('conversation.cancel')} again leaves it running`)
  }

  #pick(what: string | undefined): void {
    const { session } = this.#followed
    if (session) this.#choosing.pick(session.offer, what)
  }

  #review(): void {
    const { stage, name, lines, page } = this.#commanded()
    this.#parts.review(() => page(openChanges(stage, name, lines, () => page(undefined))))
  }

  #help(): void {
    this.#parts.help(commandRows(this.#followed.session?.offer, this.#stage))
  }

  #commanded(): Commanded {
    const { session, transcript } = this.#followed
    return {
      stage: this.#stage,
      id: this.#told.id,
      name: nameOf(session ?? this.#newest),
      session,
      lines: transcript.lines,
      signal: this.#closing.signal,
      background: (label) => this.#leave({ how: 'bg', label }),
      toList: () => this.#leave({ how: 'list' }),
      another: () => this.#leave({ how: 'new' }),
      switchTo: (to) => this.#leave({ how: 'switched', to }),
      ended: (text) => this.#leave({ how: 'ended', text }),
      ask: (perform) => this.#orders.ask(perform),
      submit: (command, environment) => this.#orders.submit(command, environment),
      environment: () => this.#orders.environment(),
      prompt: (text) => this.#writing.prompt(text),
      decline: () => this.#decline(),
      pick: (what) => this.#pick(what),
      page: (page) => {
        this.#page = page
        this.#stage.repaint()
      },
      help: () => this.#help(),
      logs: () => this.#parts.logs(),
      review: () => this.#review(),
      land: () => this.#parts.land(),
    }
  }

  #decline(): void {
    const { request } = this.#asked
    if (!request) return this.#stage.say('it asks nothing')
    const answer = answerFrom(request, { decline: true })
    if (isRefusal(answer)) this.#stage.complain(failureOf(answer))
    else this.#orders.answer(request, answer)
  }

  #leave(way: Way): void {
    if (this.#left) return
    this.#left = true
    this.#parts.leave({ ...way, session: this.#view, known: this.known })
  }

  resumed(): void {
    this.#stage.repaint()
  }

  close(): void {
    this.#left = true
    this.#reading.tell()
    this.#closing.abort()
    clearTimeout(this.#tick)
    clearTimeout(this.#loading)
  }
}

// What the agent asks, in front of its user: the dialog of the oldest open question, put off or not, and what became of questions that others have answered.

import type { Envelope } from '../../core/events.ts'
import type { Answer, Request } from '../../core/requests.ts'
import { requestView } from '../../core/view.ts'
import { printableLine } from '../../core/terminal-text.ts'
import { statusMark } from '../../text/format.ts'
import { RequestDialog } from '../dialog/request-dialog.ts'
import type { Size, Stage } from '../view.ts'
import type { FollowedSession } from '../followed-session.ts'
import type { Orders } from './orders.ts'
import { fitted } from './rows.ts'

export interface AskedParts {
  readonly followed: FollowedSession
  readonly orders: Orders
  /** Whether these words, written as an answer, were a command. */
  readonly obeys: (text: string) => boolean
}

export class Asked {
  readonly #stage: Stage
  readonly #followed: FollowedSession
  readonly #orders: Orders
  readonly #obeys: AskedParts['obeys']
  readonly #remarks = new Map<string, string>()
  #dialog: RequestDialog | undefined
  #about: Request | undefined
  /** Its user answers it later. */
  #putOff = false

  constructor(stage: Stage, { followed, orders, obeys }: AskedParts) {
    this.#stage = stage
    this.#followed = followed
    this.#orders = orders
    this.#obeys = obeys
  }

  /** The oldest question that can be answered. */
  get request(): Request | undefined {
    return this.#followed.session?.requests.find((request) => !request.lost)
  }

  /** That one, or else the oldest that was lost with its process: to be read. */
  get #shown(): Request | undefined {
    return this.request ?? this.#followed.session?.requests[0]
  }

  /** It stands there and takes keys, as long as nothing else does. */
  get open(): boolean {
    return this.#dialog !== undefined && !this.#putOff
  }

  /** By request: what is to be said of its answer besides. */
  get remarks(): ReadonlyMap<string, string> {
    return this.#remarks
  }

  /** After the facts are other ones. */
  sync(): void {
    const request = this.#shown
    if (request?.id === this.#about?.id && request?.lost === this.#about?.lost) return
    this.#about = request
    this.#putOff = false
    this.#dialog = request && this.#dialogOf(request)
  }

  /** Something was answered or closed: said, unless it was done here. */
  heard(envelope: Envelope): void {
    const { event, by } = envelope
    if (this.#orders.isOurs(envelope)) return
    if (event.type === 'answered') {
      const how = by === 'user' ? 'answered from elsewhere' : `answered by ${by}`
      const line = this.#followed.transcript.lines.findLast((one) => one.kind === 'request' && one.id === event.requestId)
      this.#remarks.set(event.requestId, how)
      this.#stage.say(line?.kind === 'request' ? `${how}: ${line.answer ?? ''}  (${line.request.title})` : how)
    }
    if (event.type === 'request-closed' && event.requestId === this.#dialog?.requestId) this.#stage.say(`it is not asked any more: ${event.because}`)
  }

  /** Whether it took the key. */
  input(data: string): boolean {
    return this.open && (this.#dialog?.input(data) ?? false)
  }

  /** Whether it had been put off. */
  comeBack(): boolean {
    const wasPutOff = this.#dialog !== undefined && this.#putOff
    this.#putOff = false
    return wasPutOff
  }

  /** `focused`: keys go there. */
  render(size: Size, focused: boolean): readonly string[] {
    if (!this.#dialog) return []
    this.#dialog.focused = focused
    return this.#putOff ? [this.#line(size.columns)] : this.#dialog.render(size)
  }

  #dialogOf(request: Request): RequestDialog {
    const line = this.#followed.transcript.lines.findLast((one) => one.kind === 'entry' && one.id === request.entryId)
    return new RequestDialog(this.#stage, requestView(request), {
      ...(line?.kind === 'entry' ? { entry: line.entry } : {}),
      answer: (answer) => this.#answer(request, answer),
      later: () => (this.#putOff = true),
    })
  }

  #answer(request: Request, answer: Answer): void {
    const [written, ...others] = answer.kind === 'form' ? Object.values(answer.fields) : []
    if (typeof written !== 'string' || others.length > 0 || !this.#obeys(written)) return this.#orders.answer(request.id, answer)
    // The command does not stand in the field any more.
    this.#dialog = this.#dialogOf(request)
  }

  #line(columns: number): string {
    const { theme, keymap } = this.#stage
    const title = printableLine(this.#about?.title ?? '')
    const how = ` press ${keymap.hint('dialog.next')} to ${this.#about?.lost ? 'read it' : 'answer'}`
    const words = fitted(` ${statusMark.waiting} ${title}${/[?？]$/.test(title) ? '' : ' ?'}`, Math.max(1, columns - how.length))
    return fitted(`${theme.status('waiting', words)}${theme.dim(how)}`, columns)
  }
}

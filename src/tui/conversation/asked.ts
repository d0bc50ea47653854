// What the agent asks, in front of its user: the dialog of the oldest open question, put off or not, and what became of questions that others have answered.

import type { Author, Envelope } from '../../core/events.ts'
import type { Answer, Request } from '../../core/requests.ts'
import type { Forms } from '../kept-state.ts'
import { requestView } from '../../core/view.ts'
import { clock, statusMark } from '../../text/format.ts'
import { closedText } from '../../text/request-text.ts'
import { questionText } from '../list/doing.ts'
import { RequestDialog } from '../dialog/request-dialog.ts'
import type { Size, Stage } from '../view.ts'
import type { FollowedSession } from '../followed-session.ts'
import type { ConversationParts } from './leaving.ts'
import type { Orders } from './orders.ts'
import { fitStyled } from '../cells.ts'

export interface AskedParts {
  readonly followed: FollowedSession
  readonly orders: Orders
  /** What is filled in is found again, however this is left. */
  readonly forms: ConversationParts['forms']
  /** Whether these words, written as an answer, were a command. */
  readonly obeys: (text: string) => boolean
}

const answeredBy: Readonly<Record<Author, string>> = { user: 'answered by a person, not here,', agent: 'answered by the agent itself', offstage: 'answered by Offstage' }

export class Asked {
  readonly #stage: Stage
  readonly #followed: FollowedSession
  readonly #orders: Orders
  readonly #obeys: AskedParts['obeys']
  readonly #keep: (forms: Forms) => void
  #forms: Forms
  readonly #remarks = new Map<string, string>()
  #dialog: RequestDialog | undefined
  #about: Request | undefined
  /** Its user answers it later. */
  #putOff = false

  constructor(stage: Stage, { followed, orders, obeys, forms }: AskedParts) {
    this.#stage = stage
    this.#followed = followed
    this.#orders = orders
    this.#obeys = obeys
    this.#forms = forms?.kept ?? {}
    this.#keep = forms?.keep ?? (() => {})
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
    this.#forget()
    const request = this.#shown
    if (request?.id === this.#about?.id && request?.lost === this.#about?.lost) return
    this.#about = request
    this.#putOff = false
    this.#dialog = request && this.#dialogOf(request)
  }

  /** Something was answered or closed: said, unless it was done here. A fact tells who caused it, and not from where. */
  heard(envelope: Envelope): void {
    const { event, by, atMs } = envelope
    if (this.#orders.isOurs(envelope)) return
    if (event.type === 'answered') {
      const how = `${answeredBy[by]} at ${clock(atMs)}`
      const line = this.#followed.transcript.lines.findLast((one) => one.kind === 'request' && one.id === event.requestId)
      this.#remarks.set(event.requestId, how)
      this.#stage.say(line?.kind === 'request' ? `${how}: ${line.answer ?? ''}  (${line.request.title})` : how)
    }
    if (event.type === 'request-closed' && event.requestId === this.#dialog?.requestId)
      this.#stage.say(`not asked any more: ${closedText(event.because)}, at ${clock(atMs)}${this.#about ? `  (${this.#about.title})` : ''}`)
  }

  /** Whether it took the key. */
  input(data: string): boolean {
    const dialog = this.#dialog
    if (!dialog || !this.open) return false
    const taken = dialog.input(data)
    if (taken && dialog === this.#dialog) this.#keepForm(dialog.requestId, dialog.draft)
    return taken
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
      draft: this.#forms[request.id],
      answer: (answer) => this.#answer(request, answer),
      later: () => this.#later(request),
    })
  }

  /** It comes back with what is filled in, without secrets: those are not kept, not even here. */
  #later(request: Request): void {
    if (this.#dialog) this.#keepForm(request.id, this.#dialog.draft)
    this.#dialog = this.#dialogOf(request)
    this.#putOff = true
  }

  #keepForm(request: string, form: Forms[string]): void {
    const { [request]: _, ...others } = this.#forms
    this.#forms = Object.keys(form).length === 0 ? others : { ...others, [request]: form }
    this.#keep(this.#forms)
  }

  /** Whatever is not asked any more. */
  #forget(): void {
    const { session } = this.#followed
    const forms = Object.entries(this.#forms)
    const asked = forms.filter(([id]) => session?.requests.some((request) => request.id === id))
    if (!session || asked.length === forms.length) return
    this.#forms = Object.fromEntries(asked)
    this.#keep(this.#forms)
  }

  #answer(request: Request, answer: Answer): void {
    const [written, ...others] = answer.kind === 'form' ? Object.values(answer.fields) : []
    if (typeof written !== 'string' || others.length > 0 || !this.#obeys(written)) return this.#orders.answer(request, answer)
    // The command does not stand in the field any more.
    this.#keepForm(request.id, {})
    this.#dialog = this.#dialogOf(request)
  }

  #line(columns: number): string {
    const { theme, keymap } = this.#stage
    const title = this.#about ? questionText({ ...this.#about, lost: false }) : ''
    const how = ` press ${keymap.hint('dialog.next')} to ${this.#about?.lost ? 'read it' : 'answer'}`
    const words = fitStyled(` ${statusMark.waiting} ${title}`, Math.max(1, columns - how.length), '…')
    return fitStyled(`${theme.status('waiting', words)}${theme.dim(how)}`, columns, '…')
  }
}

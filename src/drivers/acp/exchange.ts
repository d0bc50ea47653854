// What one line of the agent, or one order, brings about: outputs in order, and all that is to be sent as one send in the lane of its cause.

import type { Entry } from '../../core/events.ts'
import { derivedId } from '../../core/ids.ts'
import type { Report } from '../../core/inputs.ts'
import type { Ask } from '../../core/requests.ts'
import type { FileCall, Launch, Output } from '../driver.ts'
import { notificationLine, requestLine } from './rpc.ts'
import type { AskedFor, State } from './state.ts'
import { encode, joined } from '../utf8.ts'

export interface Cause {
  readonly lane: 1 | 2
  /** Sequence number of the fact, or offset of the line's end. */
  readonly id: number
}

export class Exchange {
  readonly launch: Launch
  readonly state: State
  readonly cause: Cause
  readonly outputs: Output[] = []

  constructor(launch: Launch, state: State, cause: Cause) {
    this.launch = launch
    this.state = state
    this.cause = cause
  }

  /** The JSON-RPC id of a request that this cause brings about; even ones are of lane 1, so that no two are the same. */
  get requestId(): number {
    return this.cause.lane === 1 ? 2 * this.cause.id : 2 * this.cause.id + 1
  }

  report(report: Report): void {
    this.outputs.push({ kind: 'report', report })
  }

  entry(entryId: string, entry: Entry): void {
    this.report({ type: 'entry', entryId, entry })
  }

  /** Asks a person. `at`: offset of the end of the line that made it necessary, which gives the request its id; `of`: which one of several because of that line. */
  ask(what: Omit<Ask, 'id'>, askedFor: AskedFor, at: number, of?: string): void {
    const id = derivedId(this.launch.session, this.launch.run, at, ...(of === undefined ? [] : [of]))
    if (this.state.requests.some((one) => one.id === id)) return
    this.state.requests.push({ id, at, answeredBy: null, secret: false, ...askedFor })
    this.report({ type: 'asks', ask: { id, ...what } })
  }

  note(text: string): void {
    this.report({ type: 'note', text })
  }

  nextEntryId(): string {
    this.state.entries += 1
    return `${this.launch.run}.${this.state.entries}`
  }

  file(call: FileCall): void {
    this.outputs.push({ kind: 'file', call })
  }

  request(method: string, params: object): number {
    this.send(requestLine(this.requestId, method, params))
    return this.requestId
  }

  notify(method: string, params: object): void {
    this.send(notificationLine(method, params))
  }

  /** A cause has one id, so several lines go as one send, at the place of the first. */
  send(line: string, secret = false): void {
    const bytes = encode(line)
    const index = this.outputs.findIndex((output) => output.kind === 'send')
    const before = this.outputs[index]
    if (before?.kind !== 'send') {
      this.outputs.push({ kind: 'send', send: { ...this.cause, bytes, ...(secret ? { secret } : {}) } })
      return
    }
    const together = joined([before.send.bytes, bytes])
    this.outputs[index] = { kind: 'send', send: { ...before.send, bytes: together, ...(secret ? { secret } : {}) } }
  }

  giveUp(why: string): void {
    this.state.phase = { step: 'gave-up' }
    this.outputs.push({ kind: 'give-up', why })
  }
}

// A conversation with the ACP driver in which the test plays the agent, line by line. What was played is a recording for the driver contract.

import type { Report } from '../../src/core/inputs.ts'
import type { Answer, Ask } from '../../src/core/requests.ts'
import type { Order } from '../../src/core/react.ts'
import { acpDriver } from '../../src/drivers/acp/index.ts'
import type { Conversation, FileCall, FileResult, Launch, Output, Send } from '../../src/drivers/driver.ts'
import type { Recording, Step } from './driver-contract.ts'

export interface Sent {
  readonly id?: number | string
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly result?: Record<string, unknown>
  readonly error?: { readonly code: number; readonly message: string }
}

export const launch: Launch = {
  session: 'k3f9x2ab',
  run: 1,
  spec: { kind: 'agent', driver: 'acp', agent: 'talker', argv: ['talker'], cwd: '/w/shop' },
  seq: 3,
  version: '0.1.0',
}

export const launchWith = (changes: Partial<Launch['spec']>): Launch => ({ ...launch, spec: { ...launch.spec, ...changes } })

const agentRef = 'agent-session'

export class AcpScript {
  readonly steps: Step[] = []
  readonly outputs: Output[] = []
  readonly conversation: Conversation
  readonly launch: Launch
  readonly files: ((call: FileCall) => FileResult) | undefined
  #offset = 0
  #errOffset = 0
  #seq: number
  #told = 0

  constructor(options: { readonly launch?: Launch; readonly files?: (call: FileCall) => FileResult } = {}) {
    this.launch = options.launch ?? launch
    this.files = options.files
    this.#seq = this.launch.seq + 2
    const { conversation, outputs } = acpDriver.begin(this.launch)
    this.conversation = conversation
    this.#perform(outputs)
  }

  #perform(outputs: readonly Output[]): void {
    for (const output of outputs) {
      this.outputs.push(output)
      if (output.kind === 'file' && this.files) this.#perform(this.conversation.reply(output.call.callId, this.files(output.call)))
    }
  }

  raw(bytes: string | Uint8Array): this {
    const buffer = Buffer.from(bytes)
    this.steps.push({ stream: 'out', bytes: buffer })
    this.#perform(this.conversation.receive('out', this.#offset, buffer))
    this.#offset += buffer.length
    return this
  }

  err(bytes: string | Uint8Array): this {
    const buffer = Buffer.from(bytes)
    this.steps.push({ stream: 'err', bytes: buffer })
    this.#perform(this.conversation.receive('err', this.#errOffset, buffer))
    this.#errOffset += buffer.length
    return this
  }

  line(message: object): this {
    return this.raw(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  }

  request(id: number | string, method: string, params: object = {}): this {
    return this.line({ id, method, params: { sessionId: agentRef, ...params } })
  }

  notify(method: string, params: object): this {
    return this.line({ method, params })
  }

  update(sessionUpdate: string, update: object = {}): this {
    return this.notify('session/update', { sessionId: agentRef, update: { sessionUpdate, ...update } })
  }

  say(text: string, messageId?: string): this {
    return this.update('agent_message_chunk', { content: { type: 'text', text }, ...(messageId ? { messageId } : {}) })
  }

  think(text: string): this {
    return this.update('agent_thought_chunk', { content: { type: 'text', text } })
  }

  /** The response to the newest request of that method. */
  respond(method: string, result: unknown): this {
    return this.line({ id: this.#idOf(method), result })
  }

  fail(method: string, error: { code: number; message: string; data?: unknown }): this {
    return this.line({ id: this.#idOf(method), error })
  }

  #idOf(method: string): number {
    const sent = this.sent().findLast((one) => one.method === method)
    if (typeof sent?.id !== 'number')
      throw new Error(
        `${method} was not sent; sent were: ${this.sent()
          .map((one) => one.method ?? 'a response')
          .join(', ')}`,
      )
    return sent.id
  }

  order(order: Order | ((outputs: readonly Output[]) => Order)): this {
    this.#seq += 2
    return this.orderAgain(order)
  }

  /** The same order with the same sequence number. */
  orderAgain(order: Order | ((outputs: readonly Output[]) => Order)): this {
    this.steps.push({ seq: this.#seq, order })
    this.#perform(this.conversation.order(this.#seq, typeof order === 'function' ? order(this.outputs) : order))
    return this
  }

  prompt(text: string, promptId = 'prompt01'): this {
    return this.order({ type: 'prompt', promptId, text })
  }

  /** Answers the newest ask. */
  answer(answer: Answer, secret = false): this {
    return this.order((outputs) => ({ type: 'answer', requestId: lastAsk(outputs).id, answer, secret }))
  }

  cancelRequest(): this {
    return this.order((outputs) => ({ type: 'cancel-request', requestId: lastAsk(outputs).id }))
  }

  initialized(response: object = {}): this {
    return this.respond('initialize', {
      protocolVersion: 1,
      agentCapabilities: { loadSession: true, sessionCapabilities: { resume: {} } },
      agentInfo: { name: 'talker', version: '2.0' },
      ...response,
    })
  }

  ready(session: object = {}): this {
    return this.initialized().respond('session/new', { sessionId: agentRef, ...session })
  }

  /** Ready and in its first turn; what it took to get there is forgotten. */
  inTurn(text = 'do it'): this {
    this.ready().prompt(text).seen()
    return this
  }

  end(): readonly Report[] {
    return this.conversation.ended().flatMap((output) => (output.kind === 'report' ? [output.report] : []))
  }

  /** What was put out since this was last asked, drafts left out. */
  seen(): readonly Output[] {
    const fresh = this.outputs.slice(this.#told).filter((output) => output.kind !== 'draft')
    this.#told = this.outputs.length
    return fresh
  }

  reports(): readonly Report[] {
    return this.seen().flatMap((output) => (output.kind === 'report' ? [output.report] : []))
  }

  /** All messages that were sent so far. */
  sent(): readonly Sent[] {
    return this.outputs.flatMap((output) => (output.kind === 'send' ? messagesOf(output.send) : []))
  }

  lastSent(): Sent | undefined {
    return this.sent().at(-1)
  }

  lastAsk(): Ask {
    return lastAsk(this.outputs)
  }

  recording(name: string): Recording {
    return { name, launch: this.launch, steps: this.steps, ...(this.files ? { files: this.files } : {}) }
  }
}

export const messagesOf = (send: Send): readonly Sent[] =>
  Buffer.from(send.bytes)
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Sent)

export function lastAsk(outputs: readonly Output[]): Ask {
  for (const output of outputs.toReversed()) if (output.kind === 'report' && output.report.type === 'asks') return output.report.ask
  throw new Error('nothing was asked')
}

// The Agent Client Protocol, version 1, as a reducer: lines of the agent and orders of the session in, reports and sends out. Everything between is JSON (state.ts), so
// that a conversation can be taken up by another daemon in the middle. https://agentclientprotocol.com/protocol/v1/overview

import type { StopReason } from '../../core/events.ts'
import type { Order } from '../../core/react.ts'
import { printable } from '../../core/terminal-text.ts'
import type { Checkpoint, Conversation, Driver, FileCall, FileResult, Launch, Output } from '../driver.ts'
import { OutputTail } from '../output-tail.ts'
import { answer, askForm, askPermission, settleOld, withdraw } from './asks.ts'
import { askToLogInAgain, loggedIn } from './log-in.ts'
import { visitCompleted } from './visits.ts'
import { limitHint } from './limits.ts'
import { choose, chosen } from './choose.ts'
import { Exchange } from './exchange.ts'
import { causeOf, fileRequest, fileResult, findCall, openCalls } from './files.ts'
import { handshakeResponse, initialize } from './handshake.ts'
import { type Line, LineCutter } from './lines.ts'
import { recall, resumed } from './recall.ts'
import { type Message, type Outcome, type RpcId, authRequired, errorLine, errorText, invalidParams, methodNotFound, readMessage } from './rpc.ts'
import { noteMark, promptResponse } from './schema.ts'
import { endSpeech, pauseSpeech } from './speech.ts'
import { pauseReport } from './pauses.ts'
import { type State, freshState, restoredState } from './state.ts'
import { receiveUpdate, takeUsage } from './updates.ts'
import { cut } from './text.ts'
import { forgetTools } from './tools.ts'

const longestLineBytes = 64 * 1024 * 1024
const mostSkippedBytes = 1024 * 1024
const shownSkipped = 200
const longestError = 4096

const nothingDrafted = { entryId: '', length: 0 }

const copied = (state: unknown): unknown => JSON.parse(JSON.stringify(state))

export const acpDriver: Driver = {
  mode: 'pipes',
  begin(launch) {
    const conversation = new AcpConversation(launch, { outOffset: 0, errOffset: 0, state: freshState(launch) })
    return { conversation, outputs: conversation.begin() }
  },
  restore: (launch, checkpoint) => new AcpConversation(launch, checkpoint),
  resumed,
}

class AcpConversation implements Conversation {
  readonly #launch: Launch
  readonly #state: State
  readonly #out: LineCutter
  readonly #err: OutputTail
  #drafted = nothingDrafted
  /** The end of what running tool calls have printed, as it was told, by entry. */
  #printed: ReadonlyMap<string, string> = new Map()

  constructor(launch: Launch, { outOffset, errOffset, state }: Checkpoint) {
    this.#launch = launch
    this.#state = restoredState(launch, copied(state))
    this.#out = new LineCutter(outOffset)
    this.#err = new OutputTail(errOffset, 0)
  }

  begin(): readonly Output[] {
    const exchange = this.#exchange(1, this.#launch.seq)
    initialize(exchange)
    return exchange.outputs
  }

  #exchange(lane: 1 | 2, id: number): Exchange {
    return new Exchange(this.#launch, this.#state, { lane, id })
  }

  get #gaveUp(): boolean {
    return this.#state.phase.step === 'gave-up'
  }

  receive(stream: 'out' | 'err', offset: number, bytes: Uint8Array): readonly Output[] {
    if (stream === 'err') {
      this.#err.receive(offset, bytes)
      return []
    }
    const outputs: Output[] = []
    for (const line of this.#out.push(offset, bytes)) if (!this.#gaveUp) outputs.push(...this.#line(line))
    if (!this.#gaveUp) outputs.push(...this.#tooMuch())
    outputs.push(...this.#draft(outputs), ...this.#outputDrafts())
    return outputs
  }

  /** What is half said beyond what was told of it. Whoever listens forgets drafts of an entry when it is reported, and a new daemon has none: both get the whole text. */
  #draft(outputs: readonly Output[]): readonly Output[] {
    const { half } = this.#state
    if (outputs.some((output) => output.kind === 'report' && output.report.type === 'entry' && output.report.entryId === this.#drafted.entryId)) this.#drafted = nothingDrafted
    if (!half) return []
    const from = half.entryId === this.#drafted.entryId ? this.#drafted.length : 0
    if (half.text.length === half.written || half.text.length === from) return []
    this.#drafted = { entryId: half.entryId, length: half.text.length }
    return [{ kind: 'draft', entryId: half.entryId, draft: half.kind, from, text: half.text.slice(from), ...(half.continues ? { continues: true } : {}) }]
  }

  #outputDrafts(): readonly Output[] {
    const before = this.#printed
    const now = this.#state.tools.flatMap(({ entryId, tail }): (readonly [string, string])[] => (tail === undefined || tail === '' ? [] : [[entryId, tail]]))
    if (now.length === 0 && before.size === 0) return []
    this.#printed = new Map(now)
    return now.flatMap(([entryId, text]) => (before.get(entryId) === text ? [] : [{ kind: 'draft', entryId, draft: 'output', from: 0, text }]))
  }

  #line(line: Line): readonly Output[] {
    const exchange = this.#exchange(2, line.end)
    const text = line.text.trim()
    if (text === '') return []
    const message = readMessage(text)
    if (message) receiveMessage(exchange, message)
    else this.#skip(exchange, text, line.length)
    return exchange.outputs
  }

  #skip(exchange: Exchange, text: string, bytes: number): void {
    const { state } = exchange
    state.skippedBytes += bytes
    if (state.skipped !== null) return
    state.skipped = printable(text.slice(0, shownSkipped)).trim()
    exchange.note(`the agent wrote something that is not JSON-RPC (skipped): ${state.skipped}`)
  }

  /** The unfinished line counts too: a program that is no agent may never end one. */
  #tooMuch(): readonly Output[] {
    const exchange = this.#exchange(2, this.#out.end)
    const { phase, skippedBytes, skipped } = this.#state
    const pending = this.#out.pending
    const skipping = (): number => skippedBytes + (this.#out.pendingIsNoObject ? pending : 0)
    if (phase.step === 'initialize' && skipping() > mostSkippedBytes) {
      exchange.giveUp(`it wrote more than 1 MB that is not JSON-RPC and did not answer the first message: is it an ACP agent?${skipped ? ` It began with: ${skipped}` : ''}`)
    } else if (pending > longestLineBytes) {
      exchange.giveUp('the agent wrote a line of more than 64 MB')
    }
    return exchange.outputs
  }

  order(seq: number, order: Order): readonly Output[] {
    const exchange = this.#exchange(1, seq)
    if (!this.#gaveUp) receiveOrder(exchange, order)
    return exchange.outputs
  }

  recall(lane: 1 | 2, id: number, bytes: Uint8Array | undefined): Order | undefined {
    return this.#gaveUp ? undefined : recall(this.#exchange(lane, id), bytes)
  }

  reply(callId: string, result: FileResult): readonly Output[] {
    const call = findCall(this.#state, callId)
    if (!call || call.asked || this.#gaveUp) return []
    const { lane, id } = causeOf(call)
    const exchange = this.#exchange(lane, id)
    fileResult(exchange, call, result)
    return exchange.outputs
  }

  get closing(): boolean {
    return this.#state.closing !== null
  }

  openCalls(): readonly FileCall[] {
    return this.#gaveUp ? [] : openCalls(this.#state)
  }

  ended(): readonly Output[] {
    const last = this.#out.finish()
    if (this.#gaveUp) return []
    const exchange = this.#exchange(2, this.#out.end)
    // A program that was killed may have left out its last LF. Nobody is there to be answered any more.
    const message = last && readMessage(last.text.trim())
    if (message && message.kind !== 'request') receiveMessage(exchange, message)
    endSpeech(exchange)
    return exchange.outputs.filter((output) => output.kind === 'report')
  }

  lines(): undefined {
    return undefined
  }

  lastWords(): string | undefined {
    return this.#err.text() ?? (this.#state.skipped || undefined)
  }

  checkpoint(): Checkpoint {
    return { outOffset: this.#out.start, errOffset: this.#err.place().offset, state: copied(this.#state) }
  }
}

function receiveMessage(exchange: Exchange, message: Message): void {
  switch (message.kind) {
    case 'response':
      return receiveResponse(exchange, message.id, message.outcome)
    case 'request':
      return receiveRequest(exchange, message.id, message.method, message.params)
    case 'notification':
      return receiveNotification(exchange, message.method, message.params)
  }
}

function receiveNotification(exchange: Exchange, method: string, params: unknown): void {
  switch (method) {
    case 'session/update':
      return receiveUpdate(exchange, params)
    case '$/cancel_request':
      return withdraw(exchange, params)
    case 'elicitation/complete':
      return visitCompleted(exchange, params)
    case '_offstage/paused':
    case '_offstage/continued': {
      const report = pauseReport(exchange.state, method, params)
      if (!report) return
      // What was said before stands before it.
      endSpeech(exchange)
      exchange.report(report)
    }
  }
}

/** A response that nobody waits for, or waits for no longer, is left alone. */
function receiveResponse(exchange: Exchange, id: RpcId, outcome: Outcome): void {
  const { phase, turn, choices, loggingIn, closing } = exchange.state
  const choice = choices.find((one) => one.id === id)
  if ('id' in phase && phase.id === id) handshakeResponse(exchange, phase, outcome)
  else if (turn?.id === id) endTurn(exchange, turn.promptId, outcome)
  else if (choice) chosen(exchange, choice, outcome)
  else if (loggingIn === id) loggedIn(exchange, outcome)
  else if (closing === id) exchange.state.closing = null
}

function receiveRequest(exchange: Exchange, id: RpcId, method: string, params: unknown): void {
  const understood = dispatch(exchange, id, method, params)
  if (understood === undefined) exchange.send(errorLine(id, methodNotFound, `method not found: ${method}`))
  else if (!understood) exchange.send(errorLine(id, invalidParams, `invalid parameters of ${method}`))
}

function dispatch(exchange: Exchange, id: RpcId, method: string, params: unknown): boolean | undefined {
  switch (method) {
    case 'session/request_permission':
      return askPermission(exchange, id, params)
    case 'elicitation/create':
      return askForm(exchange, id, params)
    case 'fs/read_text_file':
      return fileRequest(exchange, id, 'read', params)
    case 'fs/write_text_file':
      return fileRequest(exchange, id, 'write', params)
    default:
      return undefined
  }
}

function receiveOrder(exchange: Exchange, order: Order): void {
  const { state } = exchange
  switch (order.type) {
    case 'prompt':
      return prompt(exchange, order)
    case 'interrupt':
      if (state.turn) exchange.notify('session/cancel', { sessionId: state.agentRef })
      return
    case 'answer':
    case 'cancel-request':
      return answer(exchange, order)
    case 'choose':
      return choose(exchange, order)
    case 'close':
      if (state.canClose && state.phase.step === 'ready' && !state.turn) state.closing = exchange.request('session/close', { sessionId: state.agentRef })
      return
  }
}

function prompt(exchange: Exchange, { promptId, text, note }: Extract<Order, { type: 'prompt' }>): void {
  const { state } = exchange
  if (state.phase.step !== 'ready') return
  const id = exchange.requestId
  // The same order once more makes the same send, as long as the agent has not answered it.
  if (id <= state.lastPrompt && state.turn?.id !== id) return
  if (id > state.lastPrompt) {
    endSpeech(exchange)
    settleOld(exchange)
    forgetTools(state)
    state.plan = null
    state.history = false
  }
  state.lastPrompt = id
  state.turn = {
    promptId,
    id: exchange.request('session/prompt', {
      sessionId: state.agentRef,
      prompt: [{ type: 'text', text }, ...(note === undefined ? [] : [{ type: 'text', text: note, _meta: { [noteMark]: true } }])],
    }),
  }
}

const stopReasons: readonly string[] = ['end_turn', 'max_tokens', 'max_turn_requests', 'refusal', 'cancelled'] satisfies StopReason[]
const isStopReason = (text: string): text is StopReason => stopReasons.includes(text)

function endTurn(exchange: Exchange, promptId: string, outcome: Outcome): void {
  const { state, cause } = exchange
  pauseSpeech(exchange)
  state.turn = null
  state.turnEndedAt = cause.id
  const parsed = 'result' in outcome ? promptResponse.safeParse(outcome.result) : undefined
  const used = parsed?.data?.usage
  if (used) state.usage = { ...state.usage, inputTokens: state.usage.inputTokens + used.inputTokens, outputTokens: state.usage.outputTokens + used.outputTokens }
  const usage = takeUsage(state)
  const ended = { type: 'turn-ended', promptId, ...(usage ? { usage } : {}) } as const
  if ('error' in outcome) {
    const said = cut(errorText(outcome.error), longestError)
    const wantsLogIn = outcome.error.code === authRequired
    // First, so that no other prompt is sent before somebody has said what is to come of it.
    if (wantsLogIn) askToLogInAgain(exchange, said)
    return exchange.report({ ...ended, stopReason: 'error', message: wantsLogIn ? `the agent wants you to log in: ${said}` : `${said}${limitHint(said)}` })
  }
  const stopReason = parsed?.data?.stopReason ?? ''
  if (isStopReason(stopReason)) exchange.report({ ...ended, stopReason })
  else exchange.report({ ...ended, stopReason: 'error', message: `the agent ended the turn without a reason that is known${stopReason ? `: ${stopReason}` : ''}` })
}

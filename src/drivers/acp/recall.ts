// The other way round: of which order an input was made that a keeper logged. For a database that was lost, whose facts are told again from the byte logs.

import { derivedId } from '../../core/ids.ts'
import type { Order } from '../../core/react.ts'
import type { Answer } from '../../core/requests.ts'
import type { Exchange } from './exchange.ts'
import { type Message, type RpcId, readMessage } from './rpc.ts'
import { elicitationResponse, permissionResponse, sentAuthenticate, sentChoice, sentPrompt, sentResume } from './schema.ts'
import type { Pending, State } from './state.ts'
import { decode } from '../utf8.ts'

/** What the exchange's cause sent was this; no bytes if they were secret. File calls that it answered are settled. Nothing if no order was behind it. */
export function recall(exchange: Exchange, bytes: Uint8Array | undefined): Order | undefined {
  const { state, cause } = exchange
  const open = state.requests.filter((one) => one.answeredBy === null)
  if (bytes === undefined) {
    const asked = open.find((one) => one.kind === 'form')
    return asked && { type: 'answer', requestId: asked.id, answer: { kind: 'form', fields: {} }, secret: true }
  }
  const messages = decode(bytes)
    .split('\n')
    .flatMap((line) => readMessage(line) ?? [])
  const answered = new Set<RpcId>(messages.flatMap((message) => (message.kind === 'response' ? [message.id] : [])))
  state.calls = state.calls.filter((call) => !answered.has(call.rpcId))
  if (cause.lane === 2) return undefined
  // A prompt goes together with the responses to what it leaves behind.
  const prompt = messages.find((message) => message.kind === 'request' && message.method === 'session/prompt')
  for (const message of prompt ? [prompt] : messages) {
    const order = orderOf(exchange, message, open)
    if (order) return order
  }
  return undefined
}

/** The agent's own session id that this input asked it to go on with. */
export function resumed(bytes: Uint8Array): string | undefined {
  for (const line of decode(bytes).split('\n')) {
    const message = readMessage(line)
    if (message?.kind === 'request' && (message.method === 'session/resume' || message.method === 'session/load')) return sentResume.safeParse(message.params).data?.sessionId
  }
  return undefined
}

function orderOf({ launch, state, cause }: Exchange, message: Message, open: readonly Pending[]): Order | undefined {
  if (message.kind === 'response') {
    const asked = open.find((one) => 'rpcId' in one && one.rpcId === message.id)
    return asked && 'result' in message.outcome ? responseOf(asked, message.outcome.result) : undefined
  }
  const chosen = (kinds: readonly Pending['kind'][], optionOf: (asked: Pending) => string): Order | undefined => {
    const asked = open.find((one) => kinds.includes(one.kind))
    return asked && { type: 'answer', requestId: asked.id, answer: { kind: 'option', optionId: optionOf(asked) }, secret: false }
  }
  switch (message.method) {
    case 'session/prompt': {
      const sent = sentPrompt.safeParse(message.params)
      if (!sent.success) return undefined
      const said = (isNote: boolean): readonly string[] => sent.data.prompt.flatMap(({ text, _meta }) => ((_meta !== undefined) === isNote ? [text] : []))
      const [note] = said(true)
      return { type: 'prompt', promptId: derivedId(launch.session, launch.run, 'prompt', cause.id), text: said(false).join(''), ...(note === undefined ? {} : { note }) }
    }
    case 'session/cancel':
      return { type: 'interrupt' }
    case 'session/set_mode':
    case 'session/set_model':
    case 'session/set_config_option':
      return choiceOf(state, message.method, message.params, chosen)
    case 'authenticate': {
      const sent = sentAuthenticate.safeParse(message.params)
      return sent.success ? chosen(['auth', 'log-in-again'], () => sent.data.methodId) : undefined
    }
    case 'session/new':
    case 'session/resume':
    case 'session/load':
      return chosen(['auth', 'forgotten'], (asked) => (asked.kind === 'auth' ? 'retry' : 'new'))
    default:
      return undefined
  }
}

/** On the way to the session it is what a person chose in the place of what is gone. */
function choiceOf(state: State, method: string, params: unknown, instead: (kinds: readonly Pending['kind'][], optionOf: () => string) => Order | undefined): Order | undefined {
  const { modeId, modelId, configId, value } = sentChoice.safeParse(params).data ?? {}
  const what =
    method === 'session/set_mode' ? 'mode' : method === 'session/set_model' ? 'model' : ((['mode', 'model'] as const).find((one) => state.optionIds[one] === configId) ?? configId)
  const given = modeId ?? modelId ?? value
  if (what === undefined || given === undefined) return undefined
  return state.phase.step === 'ready' ? { type: 'choose', what, value: given } : instead(['gone'], () => given)
}

function responseOf(asked: Pending, result: unknown): Order {
  const given = asked.kind === 'form' ? formAnswer(asked.only, result) : asked.kind === 'visit' ? visitAnswer(result) : permissionAnswer(result)
  return given ? { type: 'answer', requestId: asked.id, answer: given, secret: false } : { type: 'cancel-request', requestId: asked.id }
}

function permissionAnswer(result: unknown): Answer | undefined {
  const optionId = permissionResponse.safeParse(result).data?.outcome.optionId
  return optionId === undefined ? undefined : { kind: 'option', optionId }
}

/** Whether it was about to be opened, or had been, is not told the agent. */
function visitAnswer(result: unknown): Answer | undefined {
  const action = elicitationResponse.safeParse(result).data?.action
  return action === 'accept' ? { kind: 'option', optionId: 'open' } : action === 'decline' ? { kind: 'option', optionId: 'decline' } : undefined
}

function formAnswer(only: Extract<Pending, { kind: 'form' }>['only'], result: unknown): Answer | undefined {
  const sent = elicitationResponse.safeParse(result).data
  if (sent?.action === 'decline') return { kind: 'decline' }
  if (sent?.action !== 'accept') return undefined
  if (Object.keys(sent.content).length === 0) return { kind: 'option', optionId: 'accept' }
  const value = only ? sent.content[only.name] : undefined
  return value === undefined ? { kind: 'form', fields: sent.content } : { kind: 'option', optionId: String(value) }
}

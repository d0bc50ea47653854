// What the agent asks of a person: permissions and forms become asks, answers become its responses.

import { directoryOf } from '../../core/place.ts'
import type { Answer, Field, FieldValue, Option } from '../../core/requests.ts'
import type { Order } from '../../core/react.ts'
import type { Exchange } from './exchange.ts'
import { answerOutside } from './files.ts'
import { authenticate, chosenInstead, open } from './handshake.ts'
import { logInAgain } from './log-in.ts'
import { type RpcId, errorLine, requestCancelled, resultLine } from './rpc.ts'
import { type FormProperty, cancelRequest, elicitationRequest, permissionRequest } from './schema.ts'
import { endSpeech } from './speech.ts'
import type { AskedFor, Pending } from './state.ts'
import { answerVisit, askToVisit } from './visits.ts'
import { commandOf, cut, diffsOf, firstLine, shownPath, subjectOf } from './text.ts'
import { findTool, updateTool } from './tools.ts'

/** Answered requests that are kept, so that an order that is given again sends the same again. */
const answeredButKept = 8

const optionKinds: Readonly<Record<string, Pick<Option, 'kind' | 'scope'>>> = {
  allow_once: { kind: 'allow', scope: 'once' },
  allow_always: { kind: 'allow', scope: 'always' },
  reject_once: { kind: 'reject', scope: 'once' },
  reject_always: { kind: 'reject', scope: 'always' },
}

function asOption(id: string, name: string, acpKind: string): Option {
  const label = cut(name, 200)
  return { id, label, ...(optionKinds[acpKind] ?? { kind: 'other' }) }
}

/** Returns false if the request makes no sense. */
export function askPermission(exchange: Exchange, rpcId: RpcId, params: unknown): boolean {
  const parsed = permissionRequest.safeParse(params)
  if (!parsed.success) return false
  const { toolCall, options } = parsed.data
  const { state, launch } = exchange
  endSpeech(exchange)
  if (options.length === 0) {
    exchange.note('the agent asked for a permission without any option to choose; it was answered "cancelled"')
    exchange.send(resultLine(rpcId, cancelled))
    return true
  }
  const tool = updateTool(exchange, toolCall)
  const path = diffsOf(toolCall.content ?? [])[0]?.path ?? toolCall.locations?.[0]?.path ?? tool?.paths[0] ?? tool?.changes[0]?.path
  const named = firstLine(tool?.title || toolCall.title || commandOf(toolCall.rawInput) || 'use a tool')
  const shown = path === undefined ? '' : shownPath(directoryOf(launch.spec), path)
  const tellsPath = ['edit', 'delete', 'move'].includes(tool?.kind ?? toolCall.kind ?? '') && shown !== '' && !named.includes(shown.split('/').at(-1) ?? shown)
  const title = cut(tellsPath ? `${named}: ${shown}` : named, 300)
  const detail = subjectOf(toolCall.content ?? [], toolCall.rawInput) || findTool(state, toolCall.toolCallId)?.subject || ''
  const reject = options.find((option) => option.kind === 'reject_once') ?? options.find((option) => option.kind === 'reject_always')
  exchange.ask(
    {
      kind: 'permission',
      title,
      ...(detail === '' || detail === title ? {} : { detail }),
      options: options.map((option) => asOption(option.optionId, option.name, option.kind)),
      ...(tool ? { entryId: tool.entryId } : {}),
    },
    { kind: 'permission', rpcId, reject: reject?.optionId ?? null },
    exchange.cause.id,
  )
  return true
}

const cancelled = { outcome: { outcome: 'cancelled' } }
const declined = { action: 'decline' }

/** Returns false if the request makes no sense. */
export function askForm(exchange: Exchange, rpcId: RpcId, params: unknown): boolean {
  const parsed = elicitationRequest.safeParse(params)
  if (!parsed.success) return false
  const { message, mode, requestedSchema, url, elicitationId } = parsed.data
  endSpeech(exchange)
  if (mode === 'url' && url && elicitationId) {
    askToVisit(exchange, rpcId, { message, url, elicitationId })
    return true
  }
  if (mode !== 'form') {
    exchange.note(cut(`the agent asked a question in a form that Offstage does not have (${mode}${url ? `: ${url}` : ''}); it was declined: ${message}`, 500))
    exchange.send(resultLine(rpcId, declined))
    return true
  }
  const fields = Object.entries(requestedSchema?.properties ?? {}).map(([name, property]) => fieldOf(name, property, requestedSchema?.required?.includes(name) ?? false))
  const [only] = fields.length === 1 ? fields : []
  const title = firstLine(message) || only?.label || 'the agent asks'
  const toolCallId = (params as { readonly toolCallId?: unknown }).toolCallId
  const entryId = typeof toolCallId === 'string' ? findTool(exchange.state, toolCallId)?.entryId : undefined
  exchange.ask(
    {
      kind: 'question',
      title,
      ...(message.trim() === title ? {} : { detail: cut(message.trim(), 4096) }),
      options: fields.length === 0 ? [{ id: 'accept', label: 'accept', kind: 'other' }] : only ? fieldOptions(only) : [],
      ...(fields.length === 0 ? {} : { fields }),
      ...(entryId === undefined ? {} : { entryId }),
    },
    { kind: 'form', rpcId, only: only && (only.type === 'choice' || only.type === 'boolean') ? { name: only.name, type: only.type } : null },
    exchange.cause.id,
  )
  return true
}

/** A single choice can be answered by its number, as a permission is. */
function fieldOptions(field: Field): readonly Option[] {
  if (field.type === 'choice') return (field.choices ?? []).map((choice) => ({ id: choice.value, label: choice.label, kind: 'other' }))
  if (field.type !== 'boolean') return []
  return [
    { id: 'true', label: 'yes', kind: 'other' },
    { id: 'false', label: 'no', kind: 'other' },
  ]
}

function fieldOf(name: string, property: FormProperty, required: boolean): Field {
  const items = property.type === 'array' ? property.items : property
  const titled = items && ('anyOf' in items ? (items.anyOf ?? items.oneOf) : items.oneOf)
  const choices = titled?.map((one) => ({ value: one.const, label: one.title || one.const })) ?? items?.enum?.map((value) => ({ value, label: value }))
  const initial = initialOf(property.default)
  return {
    name,
    label: property.title || name,
    type: typeOf(property.type, choices !== undefined),
    required,
    ...(property.description ? { description: cut(property.description, 1000) } : {}),
    ...(choices ? { choices } : {}),
    ...(initial === undefined ? {} : { initial }),
    ...(property.format === 'password' || property.writeOnly ? { secret: true } : {}),
  }
}

function typeOf(type: string, hasChoices: boolean): Field['type'] {
  if (type === 'array') return 'choices'
  if (type === 'boolean' || type === 'number' || type === 'integer') return type
  return hasChoices ? 'choice' : 'text'
}

function initialOf(value: unknown): FieldValue | undefined {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : undefined
}

/** The agent takes a question of its own back. */
export function withdraw(exchange: Exchange, params: unknown): void {
  const parsed = cancelRequest.safeParse(params)
  if (!parsed.success) return
  const { state } = exchange
  const pending = state.requests.find((one) => 'rpcId' in one && one.rpcId === parsed.data.requestId && one.answeredBy === null)
  if (!pending || !('rpcId' in pending)) return
  state.requests = state.requests.filter((one) => one !== pending)
  exchange.send(errorLine(pending.rpcId, requestCancelled, 'cancelled'))
  exchange.report({ type: 'withdraws', requestId: pending.id })
}

/** A person's answer, or the end of a question without one. Nothing comes of an answer that is not waited for. */
export function answer(exchange: Exchange, order: Extract<Order, { type: 'answer' | 'cancel-request' }>): void {
  const { state, cause } = exchange
  const pending = state.requests.find((one) => one.id === order.requestId)
  if (!pending) return
  if (pending.answeredBy !== null && pending.answeredBy !== cause.id && !pending.secret) return
  const given = order.type === 'answer' ? order.answer : null
  const secret = order.type === 'answer' && order.secret
  pending.answeredBy = cause.id
  pending.secret = secret
  respond(exchange, pending, given, secret)
  const answered = state.requests.filter((one) => one.answeredBy !== null)
  const dropped = new Set(answered.slice(0, -answeredButKept))
  state.requests = state.requests.filter((one) => !dropped.has(one))
}

function respond(exchange: Exchange, pending: Pending, given: Answer | null, secret: boolean): void {
  switch (pending.kind) {
    case 'permission': {
      const optionId = given?.kind === 'option' ? given.optionId : given?.kind === 'decline' ? pending.reject : null
      return exchange.send(resultLine(pending.rpcId, optionId === null ? cancelled : { outcome: { outcome: 'selected', optionId } }))
    }
    case 'form':
      return exchange.send(resultLine(pending.rpcId, formResult(pending.only, given)), secret)
    case 'outside':
      return answerOutside(exchange, pending.callId, given?.kind === 'option' && given.optionId === 'allow')
    case 'auth':
      if (given?.kind !== 'option' || !awaitsPerson(exchange)) return
      return given.optionId === 'retry' ? open(exchange, pending.how) : authenticate(exchange, given.optionId, pending.how)
    case 'forgotten':
      if (given?.kind === 'option' && given.optionId === 'new' && awaitsPerson(exchange)) open(exchange, 'new')
      return
    case 'gone':
      if (given?.kind === 'option' && awaitsPerson(exchange)) chosenInstead(exchange, pending, given.optionId)
      return
    case 'visit':
      return answerVisit(exchange, pending, given?.kind === 'option' ? given.optionId : given?.kind === 'decline' ? 'decline' : null)
    case 'log-in-again':
      if (given?.kind === 'option') logInAgain(exchange, given.optionId)
      return
    case 'visited':
    case 'logged-in':
      // What follows from it is the session's, or the agent's, to do.
      return
  }
}

/** The handshake has stopped for a person, or has gone on by this very order. */
const awaitsPerson = ({ state, requestId }: Exchange): boolean => state.phase.step === 'asked' || ('id' in state.phase && state.phase.id === requestId)

function formResult(only: Extract<AskedFor, { kind: 'form' }>['only'], given: Answer | null): object {
  if (!given) return { action: 'cancel' }
  if (given.kind === 'decline') return declined
  if (given.kind === 'form') return { action: 'accept', content: given.fields }
  return { action: 'accept', content: only ? { [only.name]: only.type === 'boolean' ? given.optionId === 'true' : given.optionId } : {} }
}

/** A new turn begins: whoever still waits for an answer of the last one will not get it. */
export function settleOld(exchange: Exchange): void {
  const { state } = exchange
  const isOld = (one: Pending): boolean => one.answeredBy !== null || one.at < state.turnEndedAt || one.kind === 'log-in-again' || one.kind === 'logged-in'
  for (const pending of state.requests.filter((one) => isOld(one) && one.answeredBy === null)) respond(exchange, pending, null, false)
  state.requests = state.requests.filter((one) => !isOld(one))
}

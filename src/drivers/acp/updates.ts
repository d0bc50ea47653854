// session/update of every kind. Unknown kinds and parts that do not fit are left alone: never a reason to fail.

import type { Usage } from '../../core/events.ts'
import { derivedId } from '../../core/ids.ts'
import type { Exchange } from './exchange.ts'
import { commandsOf, offer, takeOptions } from './offers.ts'
import { type SessionUpdate, sessionNotification, sessionUpdate } from './schema.ts'
import { endSpeech, say } from './speech.ts'
import type { State } from './state.ts'
import { blockText, cut } from './text.ts'
import { updateTool } from './tools.ts'

const mostSteps = 100

export function receiveUpdate(exchange: Exchange, params: unknown): void {
  const { state } = exchange
  const notification = sessionNotification.safeParse(params)
  if (!notification.success) return
  // Some agents tell of their subagents' sessions too.
  const { sessionId } = notification.data
  if (state.agentRef !== null && sessionId && sessionId !== state.agentRef) return
  const update = sessionUpdate.safeParse(notification.data.update)
  if (update.success) apply(exchange, update.data)
}

/** What an agent repeats of an old conversation is history: not said again. */
const repeats = (state: State): boolean => state.history || (state.phase.step === 'open' && state.phase.how !== 'new')

function apply(exchange: Exchange, update: SessionUpdate): void {
  const { state } = exchange
  switch (update.sessionUpdate) {
    case 'agent_message_chunk':
    case 'agent_thought_chunk': {
      const kind = update.sessionUpdate === 'agent_message_chunk' ? 'message' : 'thought'
      if (!repeats(state)) say(exchange, { kind, text: blockText(update.content), messageId: update.messageId ?? null })
      return
    }
    case 'tool_call':
    case 'tool_call_update':
      if (!repeats(state)) updateTool(exchange, update)
      return
    case 'plan':
      if (!repeats(state)) plan(exchange, update.entries)
      return
    case 'available_commands_update':
      return offer(exchange, commandsOf(update.availableCommands))
    case 'current_mode_update':
      return offer(exchange, { currentMode: update.currentModeId })
    case 'config_option_update':
      return takeOptions(exchange, update.configOptions)
    case 'usage_update':
      state.contextTokens = Math.max(0, update.used)
      if (update.cost?.currency.toUpperCase() === 'USD') state.usage = { ...state.usage, costUsd: update.cost.amount }
      if (!state.turn && state.phase.step === 'ready') reportUsage(exchange)
      return
    case 'notice':
      if (!repeats(state)) exchange.note(cut(update.description ? `${update.title}: ${update.description}` : update.title, 500))
  }
}

function plan(exchange: Exchange, entries: readonly { readonly content: string; readonly status: 'pending' | 'in_progress' | 'completed' }[]): void {
  const { state } = exchange
  const steps = entries.slice(0, mostSteps).map((entry) => ({ text: cut(entry.content, 500), status: entry.status }))
  const fingerprint = derivedId(JSON.stringify(steps))
  if (state.plan?.fingerprint === fingerprint || (!state.plan && steps.length === 0)) return
  if (!state.plan) endSpeech(exchange)
  const entryId = state.plan?.entryId ?? exchange.nextEntryId()
  state.plan = { entryId, fingerprint }
  exchange.entry(entryId, { kind: 'plan', steps })
}

/** Tokens as counted turn by turn; of an agent that counts none, at least what is in its context went in once. */
export function usageOf(state: State): Usage | undefined {
  const { inputTokens, outputTokens, costUsd } = state.usage
  const usage = inputTokens + outputTokens === 0 ? { inputTokens: state.contextTokens, outputTokens, costUsd } : state.usage
  return usage.inputTokens + usage.outputTokens === 0 && costUsd === null ? undefined : usage
}

/** The usage, and that it is told: the same is not told twice. */
export function takeUsage(state: State): Usage | undefined {
  const usage = usageOf(state)
  const told = JSON.stringify(usage)
  if (!usage || told === state.reportedUsage) return undefined
  state.reportedUsage = told
  return usage
}

function reportUsage(exchange: Exchange): void {
  const usage = takeUsage(exchange.state)
  if (usage) exchange.report({ type: 'usage', usage })
}

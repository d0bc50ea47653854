// Mode, model and other options: how an agent is told to take one, which is not the same for all of them, and what it says to that.

import type { AgentOffer } from '../../core/events.ts'
import type { Order } from '../../core/react.ts'
import type { Exchange } from './exchange.ts'
import { offer, takeOptions } from './offers.ts'
import { type Outcome, errorText } from './rpc.ts'
import { configResponse } from './schema.ts'
import type { Choice } from './state.ts'
import { cut } from './text.ts'

/** So many are waited for. */
const mostChoices = 16

/** Tells the agent to take it. Gives what is waited for. */
export function tell(exchange: Exchange, what: string, value: string): Choice {
  const { state } = exchange
  const sessionId = state.agentRef
  if (what !== 'mode' && what !== 'model') {
    const given = state.switches.includes(what) ? { type: 'boolean', value: value === 'true' } : { value }
    return { id: exchange.request('session/set_config_option', { sessionId, configId: what, ...given }), what, value, optionId: what }
  }
  // Agents with modes of the older kind besides config options mean the former.
  const optionId = what === 'mode' && state.ownModes ? undefined : state.optionIds[what]
  if (optionId !== undefined) return { id: exchange.request('session/set_config_option', { sessionId, configId: optionId, value }), what, value, optionId }
  const id = what === 'mode' ? exchange.request('session/set_mode', { sessionId, modeId: value }) : exchange.request('session/set_model', { sessionId, modelId: value })
  return { id, what, value }
}

/** What it has taken by its own account; where it says nothing, what it was told. Its offer is as it is now. */
export function takenOf(exchange: Exchange, { what, value, optionId }: Omit<Choice, 'id'>, result: unknown): string {
  const options = optionId === undefined ? undefined : configResponse.safeParse(result).data?.configOptions
  if (options) takeOptions(exchange, options)
  const taken = String(options?.find((option) => option.id === optionId)?.currentValue ?? value)
  offer(exchange, current(what, taken))
  return taken
}

/** What another option is now stands in the list of all. */
const current = (what: string, value: string): AgentOffer => (what === 'mode' ? { currentMode: value } : what === 'model' ? { currentModel: value } : {})

export function choose(exchange: Exchange, { what, value }: Extract<Order, { type: 'choose' }>): void {
  const { state, requestId } = exchange
  if (state.phase.step !== 'ready') return
  const others = state.choices.filter((choice) => choice.id !== requestId)
  // The same order once more makes the same send, as long as the agent has not answered it.
  if (requestId <= state.lastChoice && others.length === state.choices.length) return
  state.lastChoice = Math.max(state.lastChoice, requestId)
  state.choices = [...others, tell(exchange, what, value)].slice(-mostChoices)
}

export function chosen(exchange: Exchange, choice: Choice, outcome: Outcome): void {
  const { state } = exchange
  const { what, value } = choice
  state.choices = state.choices.filter((one) => one !== choice)
  if ('error' in outcome) return exchange.note(cut(`the agent does not take ${what} "${value}": ${errorText(outcome.error)}`, 500))
  const taken = takenOf(exchange, choice, outcome.result)
  if (taken !== value) exchange.note(cut(`the agent was told to take ${what} "${value}" and has "${taken}"`, 500))
}

// What the agent offers besides prompts: modes, models and commands, from the several places where the protocol has them.

import { type AgentMode, type AgentOffer } from '../../core/events.ts'
import { derivedId } from '../../core/ids.ts'
import type { Exchange } from './exchange.ts'
import type { ConfigOption, Opened } from './schema.ts'
import type { State } from './state.ts'
import { cut } from './text.ts'

const mostCommands = 200

/** The option that stands for the mode or the model. */
const optionFor = (options: readonly ConfigOption[] | null | undefined, category: 'mode' | 'model'): ConfigOption | undefined =>
  options?.find((option) => option.category === category && typeof option.currentValue === 'string') ??
  options?.find((option) => option.id === category && typeof option.currentValue === 'string')

const choicesOf = (option: ConfigOption): readonly AgentMode[] =>
  (option.options ?? []).flatMap((one) => ('options' in one ? one.options : [one])).map(({ value, name }) => ({ id: value, name }))

const optionOffer = (options: readonly ConfigOption[] | null | undefined): AgentOffer => {
  const mode = optionFor(options, 'mode')
  const model = optionFor(options, 'model')
  return {
    ...(mode ? { modes: choicesOf(mode), currentMode: String(mode.currentValue) } : {}),
    ...(model ? { models: choicesOf(model), currentModel: String(model.currentValue) } : {}),
  }
}

const offerOf = (opened: Opened): AgentOffer => ({
  ...(opened.models ? { models: opened.models.availableModels.map(({ modelId, name }) => ({ id: modelId, name })), currentModel: opened.models.currentModelId } : {}),
  ...optionOffer(opened.configOptions),
  ...(opened.modes ? { modes: opened.modes.availableModes, currentMode: opened.modes.currentModeId } : {}),
})

/** Modes that the agent has besides config options stay what they are: agents with both mean the former. */
const changedOptions = (before: { readonly ownModes: boolean }, options: readonly ConfigOption[]): AgentOffer => {
  const offer = optionOffer(options)
  if (!before.ownModes) return offer
  const { modes: _, currentMode: __, ...rest } = offer
  return rest
}

export const commandsOf = (commands: readonly { readonly name: string; readonly description: string }[]): AgentOffer => ({
  commands: commands.slice(0, mostCommands).map(({ name, description }) => ({ name, description: cut(description, 200) })),
})

const optionIdsOf = (options: readonly ConfigOption[] | null | undefined): State['optionIds'] => {
  const mode = optionFor(options, 'mode')
  const model = optionFor(options, 'model')
  return { ...(mode ? { mode: mode.id } : {}), ...(model ? { model: model.id } : {}) }
}

/** As the session begins with it. */
export function takeOpened(exchange: Exchange, opened: Opened): void {
  exchange.state.ownModes = Boolean(opened.modes)
  exchange.state.optionIds = optionIdsOf(opened.configOptions)
  offer(exchange, offerOf(opened))
}

/** Its config options as they are now. */
export function takeOptions(exchange: Exchange, options: readonly ConfigOption[]): void {
  const { state } = exchange
  state.optionIds = { ...state.optionIds, ...optionIdsOf(options) }
  offer(exchange, changedOptions(state, options))
}

const fingerprint = (value: unknown): string => derivedId(JSON.stringify(value))

const fingerprints = (offer: AgentOffer): Record<string, string> => Object.fromEntries(Object.entries(offer).map(([name, value]) => [name, fingerprint(value)]))

/** The offer as part of `ready`; from now on only changes are told. */
export function takeOffer(exchange: Exchange): AgentOffer {
  const { state } = exchange
  const { offer } = state
  state.offered = fingerprints(offer)
  state.offer = {}
  return offer
}

export function offer(exchange: Exchange, news: AgentOffer): void {
  const { state } = exchange
  if (state.phase.step !== 'ready') {
    state.offer = { ...state.offer, ...news }
    return
  }
  const marks = fingerprints(news)
  const changed: AgentOffer = Object.fromEntries(Object.entries(news).filter(([name]) => marks[name] !== state.offered[name]))
  if (Object.keys(changed).length === 0) return
  state.offered = { ...state.offered, ...marks }
  exchange.report({ type: 'offers', offer: changed })
}

// What the agent offers besides prompts: modes, models, other options and commands, from the several places where the protocol has them.

import type { AgentMode, AgentOffer, AgentOption } from '../../core/events.ts'
import { derivedId } from '../../core/ids.ts'
import type { Exchange } from './exchange.ts'
import type { ConfigOption, Opened } from './schema.ts'
import type { State } from './state.ts'
import { cut } from './text.ts'

const mostCommands = 200
const mostOptions = 32
const mostValues = 200

/** The option that stands for the mode or the model. */
const optionFor = (options: readonly ConfigOption[] | null | undefined, category: 'mode' | 'model'): ConfigOption | undefined =>
  options?.find((option) => option.category === category && typeof option.currentValue === 'string') ??
  options?.find((option) => option.id === category && typeof option.currentValue === 'string')

const choicesOf = (option: ConfigOption): readonly AgentMode[] =>
  (option.options ?? []).flatMap((one) => ('options' in one ? one.options : [one])).map(({ value, name }) => ({ id: value, name }))

const isSwitch = ({ currentValue }: ConfigOption): boolean => typeof currentValue === 'boolean'

const onOrOff: readonly AgentMode[] = [
  { id: 'true', name: 'on' },
  { id: 'false', name: 'off' },
]

const asOption = (option: ConfigOption): AgentOption => ({
  id: option.id,
  name: cut(option.name || option.id, 100),
  ...(option.description ? { description: cut(option.description, 300) } : {}),
  current: String(option.currentValue),
  choices: isSwitch(option) ? onOrOff : choicesOf(option).slice(0, mostValues),
})

/** What stands for neither the mode nor the model. Those names are taken. */
const othersOf = (options: readonly ConfigOption[] | null | undefined): readonly ConfigOption[] => {
  const taken = [optionFor(options, 'mode'), optionFor(options, 'model')]
  return (options ?? []).filter((option) => !taken.includes(option) && option.id !== 'mode' && option.id !== 'model').slice(0, mostOptions)
}

const optionOffer = (options: readonly ConfigOption[] | null | undefined): AgentOffer => {
  const mode = optionFor(options, 'mode')
  const model = optionFor(options, 'model')
  const others = othersOf(options)
  return {
    ...(others.length > 0 ? { options: others.map(asOption) } : {}),
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
const changedOptions = (before: State, options: readonly ConfigOption[]): AgentOffer => {
  const had = before.offered['options'] !== undefined || before.offer.options !== undefined
  const offer = { ...(had ? { options: [] } : {}), ...optionOffer(options) }
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

const switchesOf = (options: readonly ConfigOption[]): readonly string[] => othersOf(options).flatMap((option) => (isSwitch(option) ? [option.id] : []))

/** As the session begins with it. */
export function takeOpened(exchange: Exchange, opened: Opened): void {
  exchange.state.ownModes = Boolean(opened.modes)
  exchange.state.optionIds = optionIdsOf(opened.configOptions)
  exchange.state.switches = switchesOf(opened.configOptions ?? [])
  offer(exchange, offerOf(opened))
}

/** Its config options as they are now. */
export function takeOptions(exchange: Exchange, options: readonly ConfigOption[]): void {
  const { state } = exchange
  state.optionIds = { ...state.optionIds, ...optionIdsOf(options) }
  state.switches = switchesOf(options)
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

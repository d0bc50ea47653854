// What there is to choose from of an agent's offer: its modes, its models, and options of its own by their ids. Pure.

import type { AgentMode, AgentOffer } from './events.ts'

export interface Choices {
  readonly all: readonly AgentMode[]
  readonly current: string | undefined
}

/** `what`: mode, model, or the id of an option. Undefined: there is no such option. */
export function choicesOf(offer: AgentOffer, what: string): Choices | undefined {
  if (what === 'mode') return { all: offer.modes ?? [], current: offer.currentMode }
  if (what === 'model') return { all: offer.models ?? [], current: offer.currentModel }
  const option = offer.options?.find(({ id }) => id === what)
  return option && { all: option.choices, current: option.current }
}

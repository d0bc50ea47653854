// What a person's word for a mode, a model or another option of the agent's own means. Pure.

import type { AgentMode, AgentOffer } from '../core/events.ts'
import { type Choices, choicesOf as offered } from '../core/offer.ts'
import { printableLine } from '../core/terminal-text.ts'
import { nearest } from '../text/nearest.ts'
import { CommandFailed, exitCodes, refusedError } from './failures.ts'

/** Of mode, model, or an option by its id. */
export const choicesOf = (offer: AgentOffer, what: string): Choices => offered(offer, what) ?? { all: [], current: undefined }

/** The agent's own options besides mode and model, as choices. */
export const optionsOf = (offer: AgentOffer): Choices => ({ all: offer.options ?? [], current: undefined })

/** What to choose: mode, model, or the option that is meant by its id, its name or the beginning of one. Throws CommandFailed. */
export const whatIsMeant = (offer: AgentOffer, typed: string): string => (typed === 'mode' || typed === 'model' ? typed : chosenFrom(optionsOf(offer), 'option', typed).id)

/** By id, by name, or by what only one of them begins with. Throws CommandFailed. */
export function chosenFrom({ all }: Choices, what: string, typed: string): AgentMode {
  if (all.length === 0) throw nothingOffered(what)
  const wanted = typed.toLowerCase()
  const words = (choice: AgentMode): readonly string[] => [choice.id.toLowerCase(), choice.name.toLowerCase()]
  const exact = all.find((choice) => choice.id === typed) ?? all.find((choice) => words(choice).includes(wanted))
  if (exact) return exact
  const [first, ...others] = all.filter((choice) => words(choice).some((word) => word.startsWith(wanted)))
  if (first && others.length === 0) return first
  const near = nearest(wanted, all.flatMap(words))
  const hint = near === undefined ? `choose one of: ${all.map(({ id }) => printableLine(id)).join(', ')}` : `did you mean ${printableLine(near)}?`
  throw new CommandFailed('no-such-option', `the agent has no ${printableLine(what)} "${printableLine(typed)}"`, { exitCode: exitCodes.refused, hint })
}

export const nothingOffered = (what: string): CommandFailed => refusedError('not-supported', `this agent offers no ${printableLine(what)}s to choose from`)

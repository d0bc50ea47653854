// What a person's word for a mode or a model of the agent's own means. Pure.

import type { AgentMode, AgentOffer, Choosable } from '../core/events.ts'
import { printableLine } from '../core/terminal-text.ts'
import { nearest } from '../text/nearest.ts'
import { CommandFailed, exitCodes, refusedError } from './failures.ts'

export interface Choices {
  readonly all: readonly AgentMode[]
  readonly current: string | undefined
}

export const choicesOf = (offer: AgentOffer, what: Choosable): Choices =>
  what === 'mode' ? { all: offer.modes ?? [], current: offer.currentMode } : { all: offer.models ?? [], current: offer.currentModel }

/** By id, by name, or by what only one of them begins with. Throws CommandFailed. */
export function chosenFrom({ all }: Choices, what: Choosable, typed: string): AgentMode {
  if (all.length === 0) throw nothingOffered(what)
  const wanted = typed.toLowerCase()
  const words = (choice: AgentMode): readonly string[] => [choice.id.toLowerCase(), choice.name.toLowerCase()]
  const exact = all.find((choice) => choice.id === typed) ?? all.find((choice) => words(choice).includes(wanted))
  if (exact) return exact
  const [first, ...others] = all.filter((choice) => words(choice).some((word) => word.startsWith(wanted)))
  if (first && others.length === 0) return first
  const near = nearest(wanted, all.flatMap(words))
  const hint = near === undefined ? `choose one of: ${all.map(({ id }) => id).join(', ')}` : `did you mean ${near}?`
  throw new CommandFailed('no-such-option', `the agent has no ${what} "${printableLine(typed)}"`, { exitCode: exitCodes.refused, hint })
}

export const nothingOffered = (what: Choosable): CommandFailed => refusedError('not-supported', `this agent offers no ${what}s to choose from`)

// Choosing a mode, a model or another option of the agent's own: from a list, or the next one with a key.

import { choicesOf, nothingOffered, optionsOf } from '../../client/choosing.ts'
import type { AgentOffer } from '../../core/events.ts'
import { printableLine } from '../../core/terminal-text.ts'
import { Picker } from '../picker.ts'
import type { Size, Stage } from '../view.ts'
import type { Orders } from './orders.ts'

export class Choosing {
  readonly #stage: Stage
  readonly #orders: Orders
  #picker: Picker | undefined
  /** The next key goes on from there, before the agent has said that it is so. */
  #wanted: string | undefined

  constructor(stage: Stage, orders: Orders) {
    this.#stage = stage
    this.#orders = orders
  }

  /** Its list takes all keys. */
  get open(): boolean {
    return this.#picker !== undefined
  }

  /** The agent has said what is so. */
  told(): void {
    this.#wanted = undefined
  }

  render(size: Size): readonly string[] {
    return this.#picker?.render(size) ?? []
  }

  input(data: string): void {
    this.#picker?.input(data)
  }

  close(): void {
    this.#picker = undefined
    this.#stage.repaint()
  }

  /** Without `what`: which option first. Throws CommandFailed where there is nothing to choose from. */
  pick(offer: AgentOffer, what: string | undefined): void {
    if (what === undefined) return this.#pickOption(offer)
    const { all, current } = choicesOf(offer, what)
    if (all.length === 0) throw nothingOffered(what)
    const items = all.map(({ id, name }) => {
      const description = name === '' || name === id ? {} : { description: printableLine(id) }
      return { value: id, label: printableLine(name || id), ...description, current: id === current }
    })
    const chosen = (value: string): void => {
      this.close()
      this.#choose(what, value)
    }
    this.#picker = new Picker(this.#stage, { title: `which ${printableLine(nameOf(offer, what))}?`, items, chosen, closed: () => this.close() })
  }

  #pickOption(offer: AgentOffer): void {
    const { all } = optionsOf(offer)
    if (all.length === 0) throw nothingOffered('option')
    const items = (offer.options ?? []).map(({ id, name, description = '', current, choices }) => {
      const is = choices.find((choice) => choice.id === current)?.name || current
      return { value: id, label: printableLine(name || id), description: printableLine([is, description].filter((part) => part !== '').join('   ')) }
    })
    this.#picker = new Picker(this.#stage, { title: 'which option?', items, chosen: (id) => this.pick(offer, id), closed: () => this.close() })
  }

  /** The mode after the current one, round and round. Throws CommandFailed where there is none. */
  nextMode(offer: AgentOffer): void {
    const { all, current } = choicesOf(offer, 'mode')
    const from = this.#wanted ?? current
    const next = all[(all.findIndex((mode) => mode.id === from) + 1) % all.length]
    if (!next) throw nothingOffered('mode')
    this.#wanted = next.id
    this.#choose('mode', next.id)
  }

  #choose(what: string, value: string): void {
    this.#orders.ask(() => this.#orders.submit({ type: 'choose', what, value }))
  }
}

const nameOf = (offer: AgentOffer, what: string): string => offer.options?.find(({ id }) => id === what)?.name ?? what

// Which key does what: the actions with the keys that the user's configuration gives them. Pure.

import { type KeyId, decodeKittyPrintable, matchesKey } from '@earendil-works/pi-tui'
import { type ActionName, type Place, actions } from './actions.ts'

type Keys = Readonly<Partial<Record<string, readonly string[]>>>

/** The character that this key types, if it is one. */
export function typedCharacter(data: string): string | undefined {
  const decoded = decodeKittyPrintable(data)
  if (decoded !== undefined) return decoded
  const [first, ...rest] = data
  // oxlint-disable-next-line no-control-regex
  return first !== undefined && rest.length === 0 && !/[\0-\x1f\x7f-\x9f]/.test(first) ? first : undefined
}

/** What was pasted, if this is a paste. */
export function pastedText(data: string): string | undefined {
  return data.startsWith('\x1b[200~') ? data.slice(6, data.endsWith('\x1b[201~') ? -6 : undefined) : undefined
}

export class Keymap {
  readonly #keys: Keys

  /** `changed`: by the names of actions; an action without a key cannot be done by one. */
  constructor(changed: Keys = {}) {
    this.#keys = changed
  }

  /** A key that the user gave to another action of the place is not its own any more. */
  keysOf(name: ActionName): readonly string[] {
    const chosen = this.#keys[name]
    if (chosen) return chosen
    const { place, keys } = actions[name]
    const taken = namesIn(place).flatMap((other) => this.#keys[other] ?? [])
    return taken.length === 0 ? keys : keys.filter((key) => !taken.includes(key))
  }

  /** The first key of an action, as people write it, and behind it what it does; empty when it has none. */
  hint(name: ActionName, does?: string): string {
    const [first] = this.keysOf(name)
    return first === undefined ? '' : does === undefined ? shownKey(first) : `${shownKey(first)} ${does}`
  }

  /** What this key does there. */
  action(place: Place, data: string): ActionName | undefined {
    return this.#first(place, data) ?? this.#first('anywhere', data)
  }

  #first(place: Place, data: string): ActionName | undefined {
    return namesIn(place).find((name) => this.keysOf(name).some((key) => isKey(data, key)))
  }
}

const actionNames = Object.keys(actions) as ActionName[]

export const namesIn = (place: Place): readonly ActionName[] => actionNames.filter((name) => actions[name].place === place)

/** A key that would do two things in one place, if there is one. */
export function givenTwice(chosen: Keys): { readonly key: string; readonly names: readonly [ActionName, ActionName] } | undefined {
  const owners = new Map<string, ActionName>()
  for (const name of actionNames) {
    for (const key of new Set(chosen[name])) {
      const own = `${actions[name].place} ${key}`
      const other = owners.get(own)
      if (other !== undefined) return { key, names: [other, name] }
      owners.set(own, name)
    }
  }
  return undefined
}

function isKey(data: string, key: string): boolean {
  if ([...key].length === 1) return typedCharacter(data) === key
  // In raw mode Enter is a carriage return; the library takes both for Enter.
  if (data === '\n') return key === 'ctrl+j'
  return matchesKey(data, key as KeyId)
}

const shownNames: Readonly<Record<string, string>> = { escape: 'Esc', pageUp: 'PgUp', pageDown: 'PgDn', up: '↑', down: '↓', left: '←', right: '→' }

/** `ctrl+x` as `Ctrl-X`. */
export function shownKey(key: string): string {
  if (key.length === 1) return key
  return key
    .split('+')
    .map((part) => shownNames[part] ?? (part.length === 1 ? part.toUpperCase() : part[0]?.toUpperCase() + part.slice(1)))
    .join('-')
}

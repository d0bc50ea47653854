// The tables `[agents.NAME]` of config.toml: agents of the user's own, and what is to be different about those of the catalogue.

import { agentNamed } from '../catalogue/index.ts'
import type { Source } from './config.ts'

/** Of an agent of the catalogue, what is left out is as the catalogue says. */
export interface AgentSetting {
  /** One program, found by PATH, or its path. */
  readonly command?: string
  /** Of `command`; without one, further arguments of the catalogue's. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly protocol?: 'acp' | 'terminal'
  /** For whoever names none. Empty: whatever it begins with. */
  readonly mode?: string
  /** How the command line of a terminal program takes its first prompt, at `{prompt}`. Empty: not at all. */
  readonly prompt?: readonly string[]
}

const keys = ['command', 'args', 'env', 'protocol', 'mode', 'prompt']

/** Throws ConfigInvalid. */
export function agentSettings(source: Source): Readonly<Record<string, AgentSetting>> {
  return Object.fromEntries(Object.keys(source.optionalTable(['agents'])).map((name) => [name, agentSetting(source, name)]))
}

function agentSetting(source: Source, name: string): AgentSetting {
  const path = ['agents', name]
  if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(name)) throw source.invalid(path, `${JSON.stringify(name)} cannot be an agent's name`, 'use letters, digits, ".", "_" and "-"')
  source.table(path, keys)
  const command = source.text([...path, 'command'])
  const known = agentNamed(name)
  if (command === '' || (command === undefined && !known)) throw source.invalid(path, `agent ${name} has no command`, `add a line such as: command = "${name}"`)
  const protocol = source.text([...path, 'protocol'])
  if (protocol !== undefined && protocol !== 'acp' && protocol !== 'terminal')
    throw source.invalid([...path, 'protocol'], `protocol ${JSON.stringify(protocol)} is not known`, 'write protocol = "acp" or "terminal"')
  if (command === undefined && protocol !== undefined && !known?.[protocol])
    throw source.invalid([...path, 'protocol'], `agent ${name} is not known to be spoken to by ${protocol}`, `add the program that does it: command = "…"`)
  const mode = source.text([...path, 'mode'])
  const prompt = words(source, [...path, 'prompt'], 'write for example: prompt = ["--message", "{prompt}"]')
  if (prompt !== undefined && prompt.length > 0 && !prompt.some((word) => word.includes('{prompt}')))
    throw source.invalid([...path, 'prompt'], 'prompt has no place for the prompt', 'write for example: prompt = ["--message", "{prompt}"]')
  return {
    ...(command === undefined ? {} : { command }),
    args: words(source, [...path, 'args'], 'write for example: args = ["--acp"]') ?? [],
    env: environment(source, [...path, 'env']),
    ...(protocol === undefined ? {} : { protocol }),
    ...(mode === undefined ? {} : { mode }),
    ...(prompt === undefined ? {} : { prompt }),
  }
}

export function words(source: Source, path: readonly string[], hint: string): readonly string[] | undefined {
  const value = source.at(path)
  if (value === undefined) return undefined
  if (!Array.isArray(value) || !value.every((one) => isText(one))) throw source.invalid(path, `${path.at(-1)} is not a list of strings`, hint)
  return value
}

export function environment(source: Source, path: readonly string[]): Readonly<Record<string, string>> {
  const found = Object.entries(source.optionalTable(path))
  return Object.fromEntries(
    found.map(([name, value]) => {
      if (name === '' || name.includes('=') || name.includes('\0'))
        throw source.invalid(path, `${JSON.stringify(name)} cannot be a variable's name`, 'write for example: env = { LANG = "C" }')
      if (!isText(value)) throw source.invalid([...path, name], `${name} is not a string`, `write it in quotes: ${name} = "…"`)
      return [name, value]
    }),
  )
}

/** Null bytes end an argument or a variable before its time. */
const isText = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0')

// The table `[models]` of config.toml, and which providers of models are known by name. Only names and addresses: no key is ever written there.

import type { Source } from './config.ts'
import { isLoopback } from './notify-settings.ts'

export type ModelApi = 'anthropic' | 'openai-completions' | 'openai-responses' | 'google'

/** A model that the user names, with what they know of it. */
export interface ModelSetting {
  readonly id: string
  readonly name?: string
  readonly contextWindow?: number
  readonly maxOutput?: number
  readonly images?: boolean
  readonly reasoning?: boolean
}

/** `[models.NAME]`. Of a known provider it sets what is different. */
export interface ProviderSetting {
  readonly url?: string
  readonly api?: ModelApi
  /** Name of the variable that holds the key. */
  readonly keyVariable?: string
  readonly models?: readonly ModelSetting[]
}

export interface ModelSettings {
  /** `PROVIDER/MODEL`: taken when none is named. */
  readonly default?: string
  /** What the own agent does when a limit of the provider is reached: go on by itself when it is reset, or ask first. */
  readonly onLimit: 'wait' | 'ask'
  /** A call of a model of which nothing comes for this long is given up, and made again. */
  readonly stallMs: number
  /** By name, in the order of the file. */
  readonly providers: Readonly<Record<string, ProviderSetting>>
  /** Where servers on this machine are looked for. */
  readonly local: Readonly<Record<string, string>>
}

interface KnownProvider {
  readonly name: string
  readonly url: string
  readonly api: ModelApi
  /** Variables that may hold its key, the first that is set counts. */
  readonly keyVariables: readonly string[]
}

/** In the order in which one of them is taken when none is named. */
export const knownProviders: Readonly<Record<string, KnownProvider>> = {
  anthropic: { name: 'Anthropic', url: 'https://api.anthropic.com', api: 'anthropic', keyVariables: ['ANTHROPIC_AUTH_TOKEN', 'ANTHROPIC_API_KEY'] },
  openai: { name: 'OpenAI', url: 'https://api.openai.com/v1', api: 'openai-responses', keyVariables: ['OPENAI_API_KEY'] },
  google: { name: 'Google', url: 'https://generativelanguage.googleapis.com/v1beta', api: 'google', keyVariables: ['GOOGLE_API_KEY', 'GEMINI_API_KEY'] },
  openrouter: { name: 'OpenRouter', url: 'https://openrouter.ai/api/v1', api: 'openai-completions', keyVariables: ['OPENROUTER_API_KEY'] },
}

/** Servers of models that people run themselves, with the addresses that they have unless told otherwise. */
export const localServers: Readonly<Record<string, string>> = {
  ollama: 'http://127.0.0.1:11434',
  'llama-cpp': 'http://127.0.0.1:8080',
  'lm-studio': 'http://127.0.0.1:1234',
  vllm: 'http://127.0.0.1:8000',
}

export const defaultModels: ModelSettings = { onLimit: 'wait', stallMs: 300_000, providers: {}, local: localServers }

const reserved = ['default', 'on_limit', 'stall_s', 'local']
const apis: readonly ModelApi[] = ['anthropic', 'openai-completions', 'openai-responses', 'google']

/** Every variable that holds a key of a model: no program that an agent runs needs them. */
export const secretVariables = (settings: ModelSettings): readonly string[] => [
  ...new Set([...Object.values(knownProviders).flatMap((one) => one.keyVariables), ...Object.values(settings.providers).flatMap((one) => one.keyVariable ?? [])]),
]

/** Throws ConfigInvalid. */
export function modelSettings(source: Source, stallMs: number | undefined): ModelSettings {
  const table = source.optionalTable(['models'])
  const names = Object.keys(table).filter((name) => !reserved.includes(name))
  const setting = source.text(['models', 'default'])
  return {
    ...(setting === undefined ? {} : { default: setting }),
    onLimit: onLimit(source),
    stallMs: stallMs ?? defaultModels.stallMs,
    providers: Object.fromEntries(names.map((name) => [name, providerSetting(source, name)])),
    local: localAt(source),
  }
}

function onLimit(source: Source): ModelSettings['onLimit'] {
  const value = source.text(['models', 'on_limit']) ?? defaultModels.onLimit
  if (value === 'wait' || value === 'ask') return value
  throw source.invalid(['models', 'on_limit'], `on_limit ${JSON.stringify(value)} is not known`, 'write on_limit = "wait" or "ask"')
}

function localAt(source: Source): ModelSettings['local'] {
  const path = ['models', 'local']
  if (source.at(path) === undefined) return localServers
  if (source.at(path) === false) return {}
  const names = Object.keys(localServers)
  const given = source.table(path, names)
  return Object.fromEntries(
    names.flatMap((name): readonly (readonly [string, string])[] => {
      if (given[name] === false) return []
      if (given[name] === undefined) return [[name, localServers[name] ?? '']]
      const url = addressAt(source, [...path, name])
      if (isLoopback(new URL(url).hostname)) return [[name, url]]
      throw source.invalid([...path, name], `${name} is not on this machine`, 'a server elsewhere is a provider of its own: [models.NAME] with url, api and models')
    }),
  )
}

function providerSetting(source: Source, name: string): ProviderSetting {
  const path = ['models', name]
  const isTable = typeof source.at(path) === 'object' && !Array.isArray(source.at(path))
  if (!isTable) throw source.invalid(path, `${JSON.stringify(name)} is not a setting`, `known here: ${reserved.join(', ')}; a provider is a table: [models.${name}]`)
  if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(name) || name === 'key' || Object.hasOwn(localServers, name))
    throw source.invalid(
      path,
      `${JSON.stringify(name)} cannot be a provider's name`,
      Object.hasOwn(localServers, name) ? `write [models.local] and ${name} = "http://127.0.0.1:PORT"` : 'use letters, digits, ".", "_" and "-"',
    )
  source.table(path, ['url', 'api', 'key_env', 'models'])
  const known = Object.hasOwn(knownProviders, name)
  const url = source.at([...path, 'url']) === undefined ? undefined : addressAt(source, [...path, 'url'])
  const api = apiAt(source, [...path, 'api'])
  const keyVariable = source.text([...path, 'key_env'])
  const models = modelsAt(source, [...path, 'models'])
  if (!known && url === undefined) throw source.invalid(path, `provider ${name} has no url`, 'add a line such as: url = "https://models.example.org/v1"')
  if (!known && api === undefined) throw source.invalid(path, `provider ${name} has no api`, `add one of: ${apis.map((one) => `api = "${one}"`).join(', ')}`)
  if (keyVariable !== undefined && !/^[A-Za-z_]\w*$/.test(keyVariable))
    throw source.invalid([...path, 'key_env'], "key_env cannot be a variable's name", 'write the name of the variable that holds the key, not the key')
  const elsewhere = url !== undefined && !isLoopback(new URL(url).hostname)
  if (elsewhere && keyVariable !== undefined && url.startsWith('http:'))
    throw source.invalid([...path, 'url'], `a key would go to ${new URL(url).hostname} unencrypted`, 'write https://, or leave key_env out')
  if (!known && elsewhere && models === undefined) throw source.invalid(path, `provider ${name} has no models`, 'add a line such as: models = ["MODEL"]')
  return {
    ...(url === undefined ? {} : { url }),
    ...(api === undefined ? {} : { api }),
    ...(keyVariable === undefined ? {} : { keyVariable }),
    ...(models === undefined ? {} : { models }),
  }
}

function addressAt(source: Source, path: readonly string[]): string {
  const name = path.at(-1) ?? ''
  const url = URL.parse(source.text(path) ?? '')
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw source.invalid(path, `${name} is not an address`, `write for example: ${name} = "http://127.0.0.1:8000/v1"`)
  if (url.username !== '' || url.password !== '' || url.search !== '')
    throw source.invalid(path, `${name} has a name, a password or a question in it`, 'keys go into a variable (key_env), or: offstage models key NAME')
  return url.href.replace(/\/+$/, '')
}

function apiAt(source: Source, path: readonly string[]): ModelApi | undefined {
  const value = source.text(path)
  const api = apis.find((one) => one === value)
  if (value !== undefined && api === undefined) throw source.invalid(path, `api ${JSON.stringify(value)} is not known`, `write one of: ${apis.join(', ')}`)
  return api
}

function modelsAt(source: Source, path: readonly string[]): readonly ModelSetting[] | undefined {
  const value = source.at(path)
  if (value === undefined) return undefined
  const wrong = (): Error => source.invalid(path, 'models is not a list of models', 'write for example: models = ["one", { id = "two", context_window = 131072, images = true }]')
  if (!Array.isArray(value) || value.length === 0) throw wrong()
  return value.map((one: unknown) => {
    const model = modelFrom(typeof one === 'string' ? { id: one } : one)
    if (!model) throw wrong()
    return model
  })
}

function modelFrom(value: unknown): ModelSetting | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { id, name, context_window: contextWindow, max_output: maxOutput, images, reasoning, ...unknown } = value as Readonly<Record<string, unknown>>
  const isCount = (number: unknown): number is number | undefined => number === undefined || (Number.isSafeInteger(number) && Number(number) > 0)
  const isFlag = (flag: unknown): flag is boolean | undefined => flag === undefined || typeof flag === 'boolean'
  // oxlint-disable-next-line no-control-regex
  if (typeof id !== 'string' || !/^[^\s\x00-\x1f]+$/.test(id) || (name !== undefined && typeof name !== 'string')) return undefined
  if (!isCount(contextWindow) || !isCount(maxOutput) || !isFlag(images) || !isFlag(reasoning) || Object.keys(unknown).length > 0) return undefined
  return {
    id,
    ...(name === undefined ? {} : { name }),
    ...(contextWindow === undefined ? {} : { contextWindow }),
    ...(maxOutput === undefined ? {} : { maxOutput }),
    ...(images === undefined ? {} : { images }),
    ...(reasoning === undefined ? {} : { reasoning }),
  }
}

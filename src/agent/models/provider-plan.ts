// Which providers of models there may be, by the configuration and the environment: where each is, how it is spoken to, where its key may come from. Pure; reads no key and asks nobody.

import { type ModelApi, type ModelSetting, type ModelSettings, knownProviders } from '../../config/model-settings.ts'
import { isLoopback } from '../../config/notify-settings.ts'

type Variables = Readonly<Record<string, string | undefined>>

export interface ProviderPlan {
  readonly id: string
  readonly name: string
  /** As its API's client wants it. */
  readonly url: string
  readonly api: ModelApi
  /** On this machine. */
  readonly local: boolean
  /** Found by itself on its usual port: not worth a word when nobody is there. */
  readonly usual: boolean
  readonly keyVariables: readonly string[]
  /** `never` where it would go over a network unencrypted. */
  readonly needsKey: 'always' | 'maybe' | 'never'
  /** Whether pi's catalogue of this provider's models counts. */
  readonly catalogue: boolean
  readonly models: readonly ModelSetting[]
  /** Taken of this provider's models when none is named, the first that there is. */
  readonly preferred: readonly string[]
  /** Whom to ask for the models that there are, if somebody is to be asked. */
  readonly asks?: { readonly kind: 'ollama' | 'openai'; readonly address: string }
}

/** Of each provider's models the one for everyday coding, newest first; pi's catalogue decides which of them there are. */
const preferredModels: Readonly<Record<string, readonly string[]>> = {
  anthropic: ['claude-sonnet-5', 'claude-sonnet-4-6', 'claude-sonnet-4-5'],
  openai: ['gpt-5.5', 'gpt-5.4', 'gpt-5.2'],
  google: ['gemini-3.1-pro-preview', 'gemini-2.5-pro'],
  openrouter: ['anthropic/claude-sonnet-5', 'openai/gpt-5.5', 'openrouter/auto'],
}

/** In the order in which one is taken when none is named: the user's own, those with a key, this machine's. */
export function providerPlans(settings: ModelSettings, env: Variables): readonly ProviderPlan[] {
  const own = Object.keys(settings.providers).filter((id) => !Object.hasOwn(knownProviders, id))
  return [
    ...own.map((id) => ownPlan(id, settings)),
    ...Object.keys(knownProviders).map((id) => knownPlan(id, settings, env)),
    ...Object.entries(settings.local).map(([id, url]) => localPlan(id, url)),
  ]
}

function ownPlan(id: string, { providers }: ModelSettings): ProviderPlan {
  const { url = '', api = 'openai-completions', keyVariable, models = [] } = providers[id] ?? {}
  const local = isLoopback(new URL(url).hostname)
  return {
    id,
    name: id,
    url: urlFor(api, url),
    api,
    local,
    usual: false,
    keyVariables: keyVariable === undefined ? [] : [keyVariable],
    needsKey: keyVariable !== undefined ? 'always' : local || url.startsWith('https:') ? 'maybe' : 'never',
    catalogue: false,
    models,
    preferred: models.map((one) => one.id),
    ...(models.length === 0 ? { asks: { kind: 'openai', address: url } as const } : {}),
  }
}

// ANTHROPIC_BASE_URL, ANTHROPIC_MODEL, OPENAI_BASE_URL and OPENAI_MODEL are what the providers' own programs read. The configuration of Offstage counts more.
function knownPlan(id: string, { providers }: ModelSettings, env: Variables): ProviderPlan {
  const known = knownProviders[id]
  if (!known) throw new Error(`not a known provider: ${id}`)
  const set = providers[id] ?? {}
  const prefix = id === 'anthropic' ? 'ANTHROPIC' : id === 'openai' ? 'OPENAI' : undefined
  const address = set.url ?? (prefix && httpAddress(env[`${prefix}_BASE_URL`]))
  const url = address ?? known.url
  const elsewhere = urlFor(known.api, url) !== known.url
  // Whoever stands in for OpenAI speaks its older API, as a rule.
  const api = set.api ?? (id === 'openai' && elsewhere ? 'openai-completions' : known.api)
  const local = isLoopback(new URL(url).hostname)
  const named = prefix && env[`${prefix}_MODEL`]?.trim()
  // Without an address of its own the variable may hold an alias that only Claude Code knows.
  const models = [...(named && elsewhere && !set.models?.some((one) => one.id === named) ? [{ id: named }] : []), ...(set.models ?? [])]
  const asks = local && models.length === 0 && api.startsWith('openai')
  return {
    id,
    name: known.name,
    url: urlFor(api, url),
    api,
    local,
    usual: !elsewhere,
    keyVariables: [...(set.keyVariable === undefined ? [] : [set.keyVariable]), ...known.keyVariables],
    needsKey: local ? 'maybe' : url.startsWith('https:') ? 'always' : 'never',
    catalogue: !asks && (!elsewhere || models.length === 0),
    models,
    preferred: [...(named ? [named] : []), ...models.map((one) => one.id), ...(preferredModels[id] ?? [])],
    ...(asks ? { asks: { kind: 'openai', address: url } as const } : {}),
  }
}

const localPlan = (id: string, url: string): ProviderPlan => ({
  id,
  name: id,
  url: urlFor('openai-completions', url),
  api: 'openai-completions',
  local: true,
  usual: true,
  keyVariables: [],
  needsKey: 'never',
  catalogue: false,
  models: [],
  preferred: [],
  asks: { kind: id === 'ollama' ? 'ollama' : 'openai', address: url },
})

/** Anthropic's client adds `/v1` itself, OpenAI's has to be told; people write both. */
function urlFor(api: ModelApi, url: string): string {
  const plain = url.replace(/\/+$/, '')
  if (api === 'anthropic') return plain.replace(/\/v1$/, '')
  return api.startsWith('openai') && new URL(plain).pathname === '/' ? `${plain}/v1` : plain
}

function httpAddress(text: string | undefined): string | undefined {
  const url = URL.parse(text?.trim() ?? '')
  return url && (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' ? url.href : undefined
}

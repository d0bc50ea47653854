// The providers of models as pi takes them, each made of its plan, its key and the models that it has: pi's catalogue, what the user named, or what a server says. The key stays inside.

import { type Api, type AuthResult, type Model, type ModelAuth, type Provider, type ProviderStreams, createProvider } from '@earendil-works/pi-ai'
import { anthropicMessagesApi } from '@earendil-works/pi-ai/api/anthropic-messages.lazy'
import { googleGenerativeAIApi } from '@earendil-works/pi-ai/api/google-generative-ai.lazy'
import { openAICompletionsApi } from '@earendil-works/pi-ai/api/openai-completions.lazy'
import { openAIResponsesApi } from '@earendil-works/pi-ai/api/openai-responses.lazy'
import { anthropicProvider } from '@earendil-works/pi-ai/providers/anthropic'
import { googleProvider } from '@earendil-works/pi-ai/providers/google'
import { openaiProvider } from '@earendil-works/pi-ai/providers/openai'
import { openrouterProvider } from '@earendil-works/pi-ai/providers/openrouter'
import type { FoundKey } from '../../config/model-keys.ts'
import type { ModelApi, ModelSetting } from '../../config/model-settings.ts'
import type { ServedModel } from '../../config/local-servers.ts'
import { notedStreams } from './noted-streams.ts'
import type { ProviderPlan } from './provider-plan.ts'

const piApis = {
  anthropic: 'anthropic-messages',
  'openai-completions': 'openai-completions',
  'openai-responses': 'openai-responses',
  google: 'google-generative-ai',
} as const satisfies Record<ModelApi, Api>

const streams: Readonly<Record<(typeof piApis)[ModelApi], () => ProviderStreams>> = {
  'anthropic-messages': anthropicMessagesApi,
  'openai-completions': openAICompletionsApi,
  'openai-responses': openAIResponsesApi,
  'google-generative-ai': googleGenerativeAIApi,
}

const catalogues: Readonly<Record<string, Provider>> = { anthropic: anthropicProvider(), openai: openaiProvider(), google: googleProvider(), openrouter: openrouterProvider() }

/** What clients that insist on a key are given where none is needed. */
const noKey = 'none'

/** The key as it is now. */
export type KeyOf = (signal: AbortSignal) => Promise<FoundKey | undefined>

/** Its models with the preferred one first. `served`: what the server that was asked says. The key is looked up for every call: who sets another one need not start anything again. */
export function providerFor(plan: ProviderPlan, keyOf: KeyOf, served: readonly ServedModel[]): Provider {
  let used: string | undefined
  const resolve = async ({ signal }: { readonly signal: AbortSignal }): Promise<AuthResult | undefined> => {
    const key = await keyOf(signal)
    used = key?.key
    return key || plan.needsKey !== 'always' ? { auth: authWith(plan, key), source: key?.from ?? 'no key' } : undefined
  }
  return createProvider<Api>({
    id: plan.id,
    name: plan.name,
    baseUrl: plan.url,
    auth: { apiKey: { name: `${plan.name} key`, resolve } },
    models: preferredFirst(modelsOf(plan, served), plan.preferred),
    api: Object.fromEntries(Object.entries(streams).map(([api, open]) => [api, notedStreams(open(), () => used)])),
  })
}

function authWith(plan: ProviderPlan, key: FoundKey | undefined): ModelAuth {
  // As a key, a token of a subscription would make pi speak in the name of another program.
  const isToken = key?.from === 'ANTHROPIC_AUTH_TOKEN' || (plan.api === 'anthropic' && key?.key.startsWith('sk-ant-oat'))
  return key && isToken ? { headers: { Authorization: `Bearer ${key.key}` } } : { apiKey: key?.key ?? noKey }
}

/** Whether its context window was said by somebody, and not assumed. */
export const knowsContextWindow = (plan: ProviderPlan, model: Model<Api>, served: readonly ServedModel[]): boolean =>
  catalogueModel(plan, model.id) !== undefined || [...plan.models, ...served].some((one) => one.id === model.id && one.contextWindow !== undefined)

function modelsOf(plan: ProviderPlan, served: readonly ServedModel[]): readonly Model<Api>[] {
  const named = [...plan.models, ...served].map((one) => modelFrom(plan, one))
  const listed = plan.catalogue ? (catalogues[plan.id]?.getModels() ?? []).filter((one) => !named.some(({ id }) => id === one.id)).map((one) => at(plan, one)) : []
  return [...named, ...listed]
}

function preferredFirst(models: readonly Model<Api>[], preferred: readonly string[]): readonly Model<Api>[] {
  const rank = ({ id }: Model<Api>): number => (preferred.includes(id) ? preferred.indexOf(id) : preferred.length)
  return models.toSorted((a, b) => rank(a) - rank(b))
}

const catalogueModel = (plan: ProviderPlan, id: string): Model<Api> | undefined => catalogues[plan.id]?.getModels().find((one) => one.id === id)

function modelFrom(plan: ProviderPlan, setting: ModelSetting): Model<Api> {
  const known = catalogueModel(plan, setting.id)
  // Small enough for what local servers load by default where they say nothing, as Ollama does.
  const contextWindow = setting.contextWindow ?? known?.contextWindow ?? (plan.local ? 32_768 : 128_000)
  const model: Model<Api> = known ?? {
    id: setting.id,
    name: setting.id,
    api: piApis[plan.api],
    provider: plan.id,
    baseUrl: plan.url,
    reasoning: false,
    input: ['text'],
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    contextWindow,
    maxTokens: 0,
  }
  return at(plan, {
    ...model,
    name: setting.name ?? model.name,
    reasoning: setting.reasoning ?? model.reasoning,
    input: setting.images === undefined ? model.input : setting.images ? ['text', 'image'] : ['text'],
    contextWindow,
    maxTokens: setting.maxOutput ?? known?.maxTokens ?? Math.min(16_384, Math.floor(contextWindow / 4)),
  })
}

/** As it is spoken to where the plan says that it is. Servers that only speak like OpenAI know less than OpenAI does. */
function at(plan: ProviderPlan, model: Model<Api>): Model<Api> {
  const api = piApis[plan.api]
  const elsewhere = catalogues[plan.id]?.baseUrl !== plan.url
  if (!elsewhere && (model.api === api || plan.id === 'openrouter')) return model
  const { compat, ...rest } = model
  if (api === 'openai-completions') return { ...rest, api, baseUrl: plan.url, ...(elsewhere ? { compat: plainCompletions(model.reasoning) } : {}) }
  return { ...rest, api, baseUrl: plan.url, ...(model.api === api && compat ? { compat } : {}) }
}

const plainCompletions = (reasoning: boolean): NonNullable<Model<'openai-completions'>['compat']> => ({
  supportsStore: false,
  supportsDeveloperRole: false,
  supportsReasoningEffort: reasoning,
  supportsStrictMode: false,
  maxTokensField: 'max_tokens',
})

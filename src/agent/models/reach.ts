// Which models can be reached now: the plans, with the keys that there are and what the servers of this machine say. Without pi's agent, so that a list of models is quick.

import type { Api, Model, Provider } from '@earendil-works/pi-ai'
import { ConfigInvalid, loadConfig } from '../../config/config.ts'
import { systemKeychain } from '../../config/keychain.ts'
import { type ServedModel, servedModels } from '../../config/local-servers.ts'
import { KeysUnusable, keysNow } from '../../config/model-keys.ts'
import type { ModelSettings } from '../../config/model-settings.ts'
import { HomeUnusable, pathsFrom } from '../../config/paths.ts'
import { type Refusal, refusal } from '../../core/errors.ts'
import { type ProviderPlan, providerPlans } from './provider-plan.ts'
import { type KeyOf, knowsContextWindow, providerFor } from './providers.ts'

export interface ModelsFrom {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly configFile: string
  readonly signal: AbortSignal
}

export type Reached = { readonly plan: ProviderPlan } & (
  | { readonly state: 'reachable'; readonly provider: Provider; readonly keyFrom: string | undefined; readonly sizeKnown: (model: Model<Api>) => boolean }
  /** No variable, keychain or file has one. */
  | { readonly state: 'no-key' }
  /** Its server does not answer as one, or has no models. */
  | { readonly state: 'not-running' }
)

export interface Reach {
  readonly settings: ModelSettings
  /** In the order in which one is taken when none is named. Asks the servers of this machine, for 300 ms at most. */
  look(signal: AbortSignal): Promise<readonly Reached[] | Refusal>
}

export const openReach = ({ env, configFile, signal }: ModelsFrom): Promise<Reach | Refusal> =>
  orRefusal(async () => {
    const { home, uid } = pathsFrom(env, process.getuid?.() ?? 0)
    const { models: settings } = await loadConfig({ configFile })
    const keyNow = keysNow({ env, home, uid, keychain: systemKeychain(env, process.platform), now: Date.now })
    const plans = providerPlans(settings, env).map((plan) => ({
      plan,
      keyOf: async (until: AbortSignal) => (plan.needsKey === 'never' ? undefined : await keyNow(plan.id, plan.keyVariables, until)),
    }))
    // A keychain may take its time once; those who look later find what it said.
    await Promise.all(plans.map(({ keyOf }) => keyOf(signal)))
    return { settings, look: (until) => orRefusal(() => Promise.all(plans.map(({ plan, keyOf }) => reach(plan, keyOf, until)))) }
  })

async function orRefusal<T>(attempt: () => Promise<T>): Promise<T | Refusal> {
  try {
    return await attempt()
  } catch (cause) {
    if (cause instanceof ConfigInvalid || cause instanceof KeysUnusable || cause instanceof HomeUnusable) return refusal('invalid', cause.message, cause.hint)
    throw cause
  }
}

async function reach(plan: ProviderPlan, keyOf: KeyOf, signal: AbortSignal): Promise<Reached> {
  const key = await keyOf(signal)
  if (plan.needsKey === 'always' && !key) return { plan, state: 'no-key' }
  const served: readonly ServedModel[] = plan.asks ? ((await servedModels(plan.asks.kind, plan.asks.address, signal)) ?? []) : []
  const provider = providerFor(plan, keyOf, served)
  if (provider.getModels().length === 0) return { plan, state: 'not-running' }
  return { plan, state: 'reachable', provider, keyFrom: key?.from, sizeKnown: (model) => knowsContextWindow(plan, model, served) }
}

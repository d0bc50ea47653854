// Which model is meant: by PROVIDER/MODEL, by a name that only one has, or by none. Pure.

import type { Api, Model } from '@earendil-works/pi-ai'
import { type ModelSettings, knownProviders } from '../../config/model-settings.ts'
import { type Refusal, refusal } from '../../core/errors.ts'
import type { ProviderPlan } from './provider-plan.ts'
import type { Reached } from './reach.ts'

type Found = Model<Api> | Refusal

export const idOf = (model: Model<Api>): string => `${model.provider}/${model.id}`

const modelsOf = (one: Reached): readonly Model<Api>[] => (one.state === 'reachable' ? one.provider.getModels() : [])

/** The one that is taken when none is named. A default that cannot be reached is not replaced by another: that one might cost, or be elsewhere. */
export function takenModel(reached: readonly Reached[], settings: ModelSettings): Found {
  if (settings.default !== undefined) return namedModel(settings.default, reached)
  return reached.flatMap(modelsOf)[0] ?? noModel
}

const noModel = refusal(
  'invalid',
  'no model can be reached',
  `set ${Object.values(knownProviders)
    .map((one) => one.keyVariables.at(-1))
    .join(' or ')}, run: offstage models key PROVIDER, or start a server of models on this machine, such as Ollama`,
)

/** `id`: `PROVIDER/MODEL`, or a MODEL that only one provider has. */
export function namedModel(id: string, reached: readonly Reached[]): Found {
  const slash = id.indexOf('/')
  const provider = reached.find(({ plan }) => slash > 0 && plan.id === id.slice(0, slash))
  const all = reached.flatMap(modelsOf)
  if (provider) return modelsOf(provider).find((one) => one.id === id.slice(slash + 1)) ?? missing(id, provider, all)
  const same = all.filter((one) => one.id === id)
  const [only] = same
  if (only === undefined) return refusal('invalid', `there is no model ${JSON.stringify(id)}`, near(id, all) ?? 'offstage models lists what can be reached')
  return same.length === 1 ? only : refusal('ambiguous', `several providers have a model ${JSON.stringify(id)}`, `name one: ${same.map(idOf).join(', ')}`)
}

function missing(id: string, { plan, state }: Reached, all: readonly Model<Api>[]): Refusal {
  const elsewhere = near(id.slice(id.indexOf('/') + 1), all)
  switch (state) {
    case 'no-key':
      return refusal('invalid', `there is no key for ${plan.name}`, whatToSet(plan))
    case 'not-running':
      return refusal('invalid', `no server with models answers at ${plan.asks?.address ?? plan.url}`, `start ${plan.name}, or set where it is in config.toml`)
    case 'reachable':
      return refusal(
        'invalid',
        `${plan.name} has no model ${JSON.stringify(id.slice(id.indexOf('/') + 1))} that is known here`,
        elsewhere ?? (plan.asks ? `offstage models ${plan.id} lists what it has` : `a newer one is named in config.toml: [models.${plan.id}] models = ["MODEL"]`),
      )
  }
}

/** Where a key for it may be put. */
export const whatToSet = (plan: ProviderPlan): string =>
  [...(plan.keyVariables.length > 0 ? [`set ${plan.keyVariables.at(-1)}`] : []), `run: offstage models key ${plan.id}`].join(', or ')

/** A model whose name has what was typed in it, if there are few. */
function near(typed: string, all: readonly Model<Api>[]): string | undefined {
  const name = typed.toLowerCase()
  const like = all.filter((one) => idOf(one).toLowerCase().includes(name))
  return typed.length > 2 && like.length > 0 ? `did you mean ${like.slice(0, 3).map(idOf).join(', ')}?` : undefined
}

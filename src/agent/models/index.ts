// The models of the own agent: which can be reached, which is meant, and pi's runtime that calls them. Everything else of the own agent knows models by this file only.
// It asks nobody but servers on this machine; a catalogue is never fetched.

import { type Api, InMemoryCredentialStore, type Model } from '@earendil-works/pi-ai'
import { ModelRuntime } from '@earendil-works/pi-coding-agent'
import { type ModelSettings, secretVariables } from '../../config/model-settings.ts'
import type { ModelChoice } from '../../config/models-report.ts'
import { type Refusal, isRefusal } from '../../core/errors.ts'
import { idOf, namedModel, takenModel } from './choose.ts'
import { type ModelsFrom, type Reached, openReach } from './reach.ts'
import { choicesOf } from './report.ts'

export type { ModelChoice } from '../../config/models-report.ts'
export { type ModelFailure, failureOf } from './failure.ts'
export type { ModelsFrom } from './reach.ts'

export interface Models {
  readonly settings: ModelSettings
  /** Variables that no program which the agent runs needs. */
  readonly secrets: readonly string[]
  /** What is reachable now, the one that is taken when none is named first (unless that cannot be reached: `find` says why). Half a second at most. */
  list(signal: AbortSignal): Promise<readonly ModelChoice[]>
  /** For pi's createAgentSession. Knows what the last `list` or `find` found. */
  readonly runtime: ModelRuntime
  /** `PROVIDER/MODEL` or a MODEL that only one provider has; without an id, the one that is taken when none is named. */
  find(id?: string): Promise<Model<Api> | Refusal>
}

export async function openModels(from: ModelsFrom): Promise<Models | Refusal> {
  const reach = await openReach(from)
  if (isRefusal(reach)) return reach
  const runtime = await ModelRuntime.create({
    credentials: new InMemoryCredentialStore(),
    modelsPath: null,
    refreshOnCreate: false,
    allowModelNetwork: false,
    // Nobody of ours asks for it. Whoever did would ask nobody: fetch never calls this port.
    catalogBaseUrl: 'http://127.0.0.1:9',
    signal: from.signal,
  })
  const known = new Map<string, string>()
  const look = async (signal: AbortSignal): Promise<readonly Reached[] | Refusal> => {
    const reached = await reach.look(signal)
    if (!isRefusal(reached) && register(runtime, known, reached)) await runtime.refresh({ allowNetwork: false, signal })
    return reached
  }
  return {
    settings: reach.settings,
    secrets: secretVariables(reach.settings),
    runtime,
    async list(signal) {
      const reached = await look(signal)
      if (isRefusal(reached)) return []
      const taken = takenModel(reached, reach.settings)
      const choices = reached.flatMap(choicesOf)
      const first = isRefusal(taken) ? undefined : choices.find((one) => one.id === idOf(taken))
      return first ? [first, ...choices.filter((one) => one !== first)] : choices
    },
    async find(id) {
      const reached = await look(from.signal)
      if (isRefusal(reached)) return reached
      return id === undefined ? takenModel(reached, reach.settings) : namedModel(id, reached)
    },
  }
}

/** Whether the runtime learned anything. `known`: by provider, the models that it has. */
function register(runtime: ModelRuntime, known: Map<string, string>, reached: readonly Reached[]): boolean {
  let learned = false
  for (const one of reached) {
    if (one.state !== 'reachable') continue
    const models = JSON.stringify(one.provider.getModels())
    if (known.get(one.plan.id) === models) continue
    known.set(one.plan.id, models)
    runtime.registerNativeProvider(one.provider)
    learned = true
  }
  return learned
}

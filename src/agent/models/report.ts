// What `offstage models` shows: every provider with its state, every model that can be reached, and which one is taken when none is named.

import type { ModelChoice, ModelsReport } from '../../config/models-report.ts'
import { type Refusal, isRefusal } from '../../core/errors.ts'
import { idOf, takenModel, whatToSet } from './choose.ts'
import { type ModelsFrom, type Reached, openReach } from './reach.ts'

export async function modelsReport(from: ModelsFrom): Promise<ModelsReport | Refusal> {
  const reach = await openReach(from)
  if (isRefusal(reach)) return reach
  const reached = await reach.look(from.signal)
  if (isRefusal(reached)) return reached
  const taken = takenModel(reached, reach.settings)
  return {
    providers: reached.map((one) => ({
      id: one.plan.id,
      name: one.plan.name,
      url: one.plan.url,
      local: one.plan.local,
      state: one.state,
      key: one.state === 'reachable' ? (one.keyFrom ?? null) : null,
      hint: one.state === 'no-key' ? whatToSet(one.plan) : null,
      usual: one.plan.usual,
    })),
    models: reached.flatMap(choicesOf),
    default: isRefusal(taken) ? null : idOf(taken),
    problem: isRefusal(taken) ? taken : null,
  }
}

export function choicesOf(one: Reached): readonly ModelChoice[] {
  if (one.state !== 'reachable') return []
  return one.provider.getModels().map((model) => ({
    id: idOf(model),
    name: model.name,
    provider: one.plan.id,
    local: one.plan.local,
    ...(one.sizeKnown(model) ? { contextWindow: model.contextWindow } : {}),
    images: model.input.includes('image'),
  }))
}

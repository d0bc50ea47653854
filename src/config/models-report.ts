// What the program `agent/models` says of the models that can be reached, as it is said: where keys come from by name, never a key.

import { type Refusal, isRefusal } from '../core/errors.ts'

export interface ModelChoice {
  /** `PROVIDER/MODEL` */
  readonly id: string
  readonly name: string
  readonly provider: string
  /** On this machine. */
  readonly local: boolean
  /** In tokens, where somebody said it. */
  readonly contextWindow?: number
  readonly images?: boolean
}

export interface ProviderReport {
  readonly id: string
  readonly name: string
  readonly url: string
  readonly local: boolean
  readonly state: 'reachable' | 'no-key' | 'not-running'
  /** Where its key comes from: a variable's name, `keychain` or `keys.toml`. */
  readonly key: string | null
  /** What makes it reachable. */
  readonly hint: string | null
  /** Nobody has set anything about it. */
  readonly usual: boolean
}

export interface ModelsReport {
  readonly providers: readonly ProviderReport[]
  readonly models: readonly ModelChoice[]
  /** The model that is taken when none is named. */
  readonly default: string | null
  /** Why there is none. */
  readonly problem: Refusal | null
}

export const reportText = (report: ModelsReport | Refusal): string => `${JSON.stringify(report)}\n`

/** What `reportText` made, or undefined. */
export function reportFrom(text: string): ModelsReport | Refusal | undefined {
  try {
    const said: unknown = JSON.parse(text)
    if (isRefusal(said)) return said
    return typeof said === 'object' && said !== null && 'providers' in said && 'models' in said ? (said as ModelsReport) : undefined
  } catch {
    return undefined
  }
}

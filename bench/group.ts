// What every group of figures is given.

import type { Figure } from './figure.ts'
import type { Machine } from './machine.ts'

export interface Bench {
  /** The unpacked package. */
  readonly packageFolder: string
  readonly machine: Machine
  /** Ends what the group began, last first, however the group ends. */
  readonly lifetime: AsyncDisposableStack
}

export type Group = (bench: Bench) => Promise<readonly Figure[]>

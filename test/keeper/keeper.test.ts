// The keeper of this source, by the contract of all keepers (more rounds in `npm run soak`).
import { describe } from 'vitest'
import { keeperContract } from './keeper-contract.ts'
import { binary } from './keepers.ts'
import { logLimitsContract } from './log-limits-contract.ts'

describe.concurrent('the keeper of this source', () => {
  keeperContract(binary)
  logLimitsContract(binary)
})

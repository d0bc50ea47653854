// The keeper of this source, by the contract of all keepers (more rounds in `npm run soak`).
import { keeperContract } from './keeper-contract.ts'
import { binary } from './keepers.ts'
import { logLimitsContract } from './log-limits-contract.ts'

keeperContract(binary)
logLimitsContract(binary)

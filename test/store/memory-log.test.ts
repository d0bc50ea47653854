import { memoryLog } from '../../src/store/memory-log.ts'
import { eventLogContract } from './event-log-contract.ts'

eventLogContract('in memory', memoryLog)

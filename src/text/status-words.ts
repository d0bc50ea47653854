// The words that people use for statuses.

import { type Status, statuses } from '../core/status.ts'

type Words = Readonly<Record<string, readonly Status[]>>

/** Those of the contract, each for itself. */
export const ownStatusWords: Words = Object.fromEntries(statuses.map((status) => [status, [status]]))

export const everydayStatusWords: Words = { running: ['queued', 'starting', 'working'], error: ['failed'] }

export const statusWords: Words = { ...everydayStatusWords, ...ownStatusWords }

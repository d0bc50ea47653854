// The words that people use for statuses.

import type { Outcome } from '../core/session.ts'
import { type Status, statuses } from '../core/status.ts'

/** What its mark, its colour and counts go by. An agent that says it is done is not, where a check says otherwise; its status stays `completed`. */
export const shownStatus = ({ status, outcome }: { readonly status: Status; readonly outcome: Pick<Outcome, 'kind'> | null }): Status =>
  status === 'completed' && outcome?.kind === 'check-failed' ? 'failed' : status

type Words = Readonly<Record<string, readonly Status[]>>

/** Those of the contract, each for itself. */
export const ownStatusWords: Words = Object.fromEntries(statuses.map((status) => [status, [status]]))

export const everydayStatusWords: Words = { running: ['queued', 'starting', 'working'], error: ['failed'] }

export const statusWords: Words = { ...everydayStatusWords, ...ownStatusWords }

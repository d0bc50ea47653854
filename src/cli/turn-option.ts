// `--turn N`, or `--turn last`.

import { usageError } from '../client/failures.ts'

/** Throws CommandFailed. */
export function turnFrom(given: string | undefined): number | 'last' | undefined {
  if (given === undefined || given === 'last') return given
  if (/^[1-9]\d{0,8}$/.test(given)) return Number(given)
  throw usageError(`"${given}" is no turn`, 'turns are numbered from 1: offstage snapshots ID lists them')
}

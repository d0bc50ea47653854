// Refusals: the expected answers to a command that cannot be carried out. A closed list, so that scripts can rely on the codes.

export type RefusalCode =
  | 'ambiguous'
  | 'already-running'
  /** A turn is open, or something else is being done in its tree. */
  | 'at-work'
  | 'conflict'
  | 'exists'
  | 'invalid'
  | 'no-checks'
  | 'no-snapshot'
  | 'no-such-option'
  | 'no-worktree'
  | 'not-asked'
  | 'not-removed'
  | 'not-running'
  | 'not-supported'
  | 'nothing-to-interrupt'
  | 'removed'
  | 'stale-run'
  | 'stopping'
  | 'unknown-agent'
  | 'unknown-request'
  | 'unknown-session'

/** What was refused and why, and what to do next. Returned, never thrown, below the wire. */
export interface Refusal {
  readonly refused: RefusalCode
  readonly message: string
  readonly hint?: string
}

export const refusal = (refused: RefusalCode, message: string, hint?: string): Refusal => (hint === undefined ? { refused, message } : { refused, message, hint })

export const isRefusal = (value: unknown): value is Refusal => typeof value === 'object' && value !== null && 'refused' in value

/** Exhaustiveness where a newer version may have added a case that this one reads: the compiler lists the places to change, and what is unknown changes nothing. */
export const unknownCase = <T>(_value: never, otherwise: T): T => otherwise

/** Exhaustiveness: the compiler lists the places to change when a case is added. */
export function unreachable(value: never): never {
  throw new Error(`unexpected case: ${JSON.stringify(value)}`)
}

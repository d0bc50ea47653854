// Whether a model does the same failing thing again and again. Pure.

export interface Repetition {
  readonly what: string
  readonly times: number
}

export const none: Repetition = { what: '', times: 0 }

/** From here on somebody is asked. */
export const tooOften = 3

/** After one more call: the same one with the same input in a row, failing every time. */
export function repeated(before: Repetition, name: string, input: unknown, failed: boolean): Repetition {
  if (!failed) return none
  const what = JSON.stringify([name, input])
  return { what, times: what === before.what ? before.times + 1 : 1 }
}

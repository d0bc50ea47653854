// How long news wait for company, and for somebody to see to them: a moment after the last one, two moments at the most. Pure.

export const momentMs = 1000

/** When to look at news that were noted at these times, one at least. */
export const dueMs = (noted: readonly number[]): number => Math.min(Math.max(...noted) + momentMs, Math.min(...noted) + 2 * momentMs)

/** What came just before two moments were over waits for the next time. */
export const isSettled = (notedMs: number, nowMs: number): boolean => nowMs - notedMs >= momentMs

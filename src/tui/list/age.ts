// How long something has been so, in at most four cells, and when the screen is to look at its clock again. Coarse, so that a screen at rest is hardly ever painted.

export const ageWidth = 4

const stepS = 15
const minuteMs = 60_000

/** `now`, `30s`, `14m`, `2h`, `3d`. */
export function age(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000)
  if (seconds < stepS) return 'now'
  if (seconds < 60) return `${seconds - (seconds % stepS)}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? `${hours}h` : `${Math.min(999, Math.floor(hours / 24))}d`
}

/** How long until what was painted now is old. All ages are looked at together, on the same beat of the clock: each at its own moment would be as many paintings as rows. */
export function nextLookMs(nowMs: number, youngestMs: number): number {
  const beatMs = youngestMs < minuteMs ? stepS * 1000 : minuteMs
  return beatMs - (nowMs % beatMs)
}

// What was probably meant: the known word with the fewest differences to the one that was typed.

/** The nearest of `known`, or undefined when nothing is near. */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Math.min(3, Math.floor(typed.length / 2) + 1)
  for (const one of known) {
    const differences = one.startsWith(typed) && typed.length > 1 ? 0 : distance(typed, one)
    if (differences < least) {
      best = one
      least = differences
    }
  }
  return best
}

/** Letters to add, remove, change or swap (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    const above = rows[i - 1] ?? []
    for (let j = 1; j <= b.length; j++) {
      const change = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (rows[i - 2]?.[j - 2] ?? 0) + 1 : Infinity
      row.push(Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, change, swap))
    }
    rows.push(row)
  }
  return rows[a.length]?.[b.length] ?? 0
}

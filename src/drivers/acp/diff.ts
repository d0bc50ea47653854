// Two texts as hunks of changed lines, as `diff -u` prints them (Myers, "An O(ND) Difference Algorithm", 1986). Bounded: what differs too much is one change from end to end.

/** Lines `from` to `to` (exclusive, counted from 0) of the old text are lines `newFrom` to `newTo` of the new one. */
interface Change {
  readonly from: number
  readonly to: number
  readonly newFrom: number
  readonly newTo: number
}

interface Difference {
  readonly added: number
  readonly removed: number
  /** Without the lines that name the files; '' if the texts are the same. */
  readonly hunks: string
}

const contextLines = 3
/** Lines removed and added. The memory that it takes grows with the square. */
const mostEdits = 1500
/** Comparisons of two lines: about 20 ms. */
const mostSteps = 4_000_000

const noNewline = '\\ No newline at end of file'

export function difference(oldText: string, newText: string): Difference {
  const [before, after] = linesOf(oldText, newText)
  const changes = changesBetween(before, after)
  return {
    added: changes.reduce((sum, { newFrom, newTo }) => sum + newTo - newFrom, 0),
    removed: changes.reduce((sum, { from, to }) => sum + to - from, 0),
    hunks: groupsOf(changes)
      .map((group) => hunkOf(group, before, after))
      .join('\n'),
  }
}

/** Where the texts differ in it, a last line without a line feed has that as a second row. Where neither has one nothing is said: agents tell of pieces of a file, too. */
function linesOf(oldText: string, newText: string): readonly [readonly string[], readonly string[]] {
  const isOpen = (text: string): boolean => text !== '' && !text.endsWith('\n')
  const differ = isOpen(oldText) !== isOpen(newText)
  const split = (text: string): readonly string[] => {
    if (text === '') return []
    const lines = text.split('\n')
    const last = lines.pop() ?? ''
    if (last !== '') lines.push(differ ? `${last}\n${noNewline}` : last)
    return lines
  }
  return [split(oldText), split(newText)]
}

function changesBetween(before: readonly string[], after: readonly string[]): readonly Change[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start++
  let end = 0
  while (end < before.length - start && end < after.length - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++
  const region: Change = { from: start, to: before.length - end, newFrom: start, newTo: after.length - end }
  if (region.from === region.to && region.newFrom === region.newTo) return []
  if (region.from === region.to || region.newFrom === region.newTo) return [region]
  // Numbers are compared faster than lines.
  const numbers = new Map<string, number>()
  const numbered = (lines: readonly string[]): Int32Array =>
    Int32Array.from(lines, (line) => {
      const number = numbers.get(line) ?? numbers.size
      numbers.set(line, number)
      return number
    })
  const found = shortestEdit(numbered(before.slice(region.from, region.to)), numbered(after.slice(region.newFrom, region.newTo)))
  return found?.map(({ from, to, newFrom, newTo }) => ({ from: from + start, to: to + start, newFrom: newFrom + start, newTo: newTo + start })) ?? [region]
}

/** Undefined if it would take too long to find. */
function shortestEdit(before: Int32Array, after: Int32Array): readonly Change[] | undefined {
  // How far down `before` each diagonal (place in `before` minus place in `after`) can be followed with so many edits; a row holds every second diagonal from -edits to edits.
  const rows: Int32Array[] = []
  let steps = 0
  for (let edits = 0; edits <= mostEdits; edits++) {
    const last = rows.at(-1)
    const row = new Int32Array(edits + 1)
    rows.push(row)
    for (let index = 0; index <= edits; index++) {
      const diagonal = 2 * index - edits
      let x = last ? reached(last, index) : 0
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) {
        x++
        steps++
      }
      row[index] = x
      if (x >= before.length && x - diagonal >= after.length) return changesAlong(rows, before.length, after.length)
    }
    steps += edits
    if (steps > mostSteps) return undefined
  }
  return undefined
}

/** Where a diagonal begins from the row before: one line further down `after` (a line added), or down `before` (one removed), whichever gets further. */
function reached(last: Int32Array, index: number): number {
  const adding = last[index] ?? -1
  const removing = (last[index - 1] ?? -2) + 1
  return Math.max(adding, removing)
}

/** The way back from the end, as runs of edits without a common line between. */
function changesAlong(rows: readonly Int32Array[], oldEnd: number, newEnd: number): readonly Change[] {
  const changes: Change[] = []
  let x = oldEnd
  let y = newEnd
  for (let edits = rows.length - 1; edits > 0; edits--) {
    const last = rows[edits - 1] ?? new Int32Array()
    const index = (x - y + edits) / 2
    const adds = (last[index] ?? -1) >= (last[index - 1] ?? -2) + 1
    const to = reached(last, index)
    const newTo = to - (x - y)
    const change: Change = adds ? { from: to, to, newFrom: newTo - 1, newTo } : { from: to - 1, to, newFrom: newTo, newTo }
    const next = changes.at(-1)
    if (next?.from === to && next.newFrom === newTo) changes[changes.length - 1] = { ...next, from: change.from, newFrom: change.newFrom }
    else changes.push(change)
    x = change.from
    y = change.newFrom
  }
  return changes.reverse()
}

/** Changes whose contexts touch are one hunk. */
function groupsOf(changes: readonly Change[]): readonly (readonly Change[])[] {
  const groups: Change[][] = []
  for (const change of changes) {
    const group = groups.at(-1)
    const before = group?.at(-1)
    if (group && before && change.from - before.to <= 2 * contextLines) group.push(change)
    else groups.push([change])
  }
  return groups
}

function hunkOf(group: readonly Change[], before: readonly string[], after: readonly string[]): string {
  const first = group[0]
  const last = group.at(-1)
  if (!first || !last) return ''
  const above = Math.min(contextLines, first.from)
  const below = Math.min(contextLines, before.length - last.to)
  const rows: string[] = []
  const put = (mark: ' ' | '-' | '+', lines: readonly string[]): void => {
    for (const line of lines) rows.push(`${mark}${line}`)
  }
  let at = first.from - above
  for (const { from, to, newFrom, newTo } of group) {
    put(' ', before.slice(at, from))
    put('-', before.slice(from, to))
    put('+', after.slice(newFrom, newTo))
    at = to
  }
  put(' ', before.slice(at, last.to + below))
  const place = (start: number, end: number): string => (end - start === 1 ? `${start + 1}` : `${end === start ? start : start + 1},${end - start}`)
  return [`@@ -${place(first.from - above, last.to + below)} +${place(first.newFrom - above, last.newTo + below)} @@`, ...rows].join('\n')
}

/** Up to about so many UTF-16 units, at a line's end; a last line tells how many more there are. */
export function cutHunks(hunks: string, limit: number): string {
  if (hunks.length <= limit) return hunks
  const end = hunks.lastIndexOf('\n', limit)
  const rest = hunks.slice(end + 1).split('\n').length
  return `${hunks.slice(0, end)}\n\\ … ${rest} more lines`
}

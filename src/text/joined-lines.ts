// What an agent said in one go, as one line again where it was cut because it was long: for whoever shows or prints it. Pure.

import type { Entry } from '../core/events.ts'
import type { Line } from '../core/transcript.ts'

type Said = Extract<Entry, { kind: 'message' | 'thought' }>
export type SaidLine = Extract<Line, { kind: 'entry' }> & { readonly entry: Said }

/** By the last part. The same parts give the same object again: what is made of it is kept by that. */
const known = new WeakMap<SaidLine, { readonly parts: readonly SaidLine[]; readonly joined: SaidLine }>()

/** All of them, each message whole. */
export function joinedLines(lines: readonly Line[]): readonly Line[] {
  const joined: Line[] = []
  for (let place = 0; place < lines.length;) {
    const parts = partsFrom(place, (at) => lines[at])
    const line = lines[place]
    if (line) joined.push(joinedLine(parts) ?? line)
    place += Math.max(1, parts.length)
  }
  return joined
}

/** Whether the line there belongs to the message of the one before it. */
export function goesOn(place: number, lineAt: (place: number) => Line | undefined): boolean {
  const line = lineAt(place)
  if (!line || !isSaid(line) || !line.entry.continues) return false
  const before = lineAt(place - 1)
  return before?.kind === 'entry' && before.entry.kind === line.entry.kind
}

/** Those of one message that begins there; none where something else stands. */
export function partsFrom(place: number, lineAt: (place: number) => Line | undefined): readonly SaidLine[] {
  const parts: SaidLine[] = []
  for (let at = place; at === place || goesOn(at, lineAt); at += 1) {
    const line = lineAt(at)
    if (!line || !isSaid(line)) break
    parts.push(line)
  }
  return parts
}

export function joinedLine(parts: readonly SaidLine[]): SaidLine | undefined {
  const [first] = parts
  const last = parts.at(-1)
  if (!first || !last || first === last) return first
  const before = known.get(last)
  if (before?.parts.length === parts.length && parts.every((part, index) => part === before.parts[index])) return before.joined
  const joined: SaidLine = { ...first, entry: { kind: first.entry.kind, text: textOf(parts) } }
  known.set(last, { parts, joined })
  return joined
}

export const textOf = (parts: readonly SaidLine[]): string => parts.map(({ entry }) => entry.text).join('')

const isSaid = (line: Line): line is SaidLine => line.kind === 'entry' && (line.entry.kind === 'message' || line.entry.kind === 'thought')

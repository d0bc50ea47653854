// Which lines of the list are on the screen. Pure: groups and a height go in, places come out; never more than there is room for, and the cursor always among them.

import type { Group } from './groups.ts'

export type Place =
  | { readonly kind: 'blank' }
  | { readonly kind: 'heading'; readonly title: string; readonly count: number }
  | { readonly kind: 'session'; readonly id: string }
  /** So many more in this group, which is cut. */
  | { readonly kind: 'more'; readonly count: number; readonly first: string }
  /** So many sessions above or below what is shown. */
  | { readonly kind: 'beyond'; readonly where: 'above' | 'below'; readonly count: number }

/** Of a group that is cut, so many are shown however little room there is. */
const fewestShown = 3

/** All places of the list from top to bottom. The last group is cut to what fits into `height`, unless it is to be `whole`. */
export function placesOf(
  groups: readonly Group[],
  look: { readonly height: number; readonly airy: boolean; readonly whole: boolean; readonly cuts: (group: Group) => boolean },
): readonly Place[] {
  const places: Place[] = []
  for (const group of groups) {
    if (look.airy && places.length > 0) places.push({ kind: 'blank' })
    places.push({ kind: 'heading', title: group.title, count: group.ids.length })
    const room = Math.max(fewestShown, look.height - places.length - 1)
    const shown = look.whole || !look.cuts(group) || group.ids.length <= room + 1 ? group.ids : group.ids.slice(0, room)
    for (const id of shown) places.push({ kind: 'session', id })
    const [first] = group.ids.slice(shown.length)
    if (first !== undefined) places.push({ kind: 'more', count: group.ids.length - shown.length, first })
  }
  return places
}

/** The lines from `top` on, which is moved so that `cursor` (an index into the places) is among them and nothing is left free. The first and last line say what lies beyond. */
export function visibleFrom(places: readonly Place[], top: number, height: number, cursor: number | undefined): { readonly top: number; readonly shown: readonly Place[] } {
  if (height <= 0) return { top: 0, shown: [] }
  if (places.length <= height) return { top: 0, shown: places }
  let first = Math.max(0, Math.min(top, places.length - height))
  if (cursor !== undefined) {
    const at = Math.max(0, Math.min(cursor, places.length - 1))
    // With its heading, where it is the first of its group, and with room for the lines that say what lies beyond.
    const margin = height > 3 ? 1 : 0
    const from = places[at - 1]?.kind === 'heading' && height > 3 ? at - 1 : at
    if (from - margin < first) first = from - margin
    if (at + margin >= first + height) first = at + margin - height + 1
    first = Math.max(0, Math.min(first, places.length - height))
  }
  return { top: first, shown: withEdges(places, first, height) }
}

const sessionsIn = (places: readonly Place[]): number => places.reduce((sum, place) => sum + (place.kind === 'session' ? 1 : place.kind === 'more' ? place.count : 0), 0)

function withEdges(places: readonly Place[], first: number, height: number): readonly Place[] {
  const shown = places.slice(first, first + height)
  if (height <= 3) return shown
  const above = first === 0 ? 0 : sessionsIn(places.slice(0, first + 1))
  const below = first + height >= places.length ? 0 : sessionsIn(places.slice(first + height - 1))
  if (above > 0) shown[0] = { kind: 'beyond', where: 'above', count: above }
  if (below > 0) shown[height - 1] = { kind: 'beyond', where: 'below', count: below }
  return shown
}

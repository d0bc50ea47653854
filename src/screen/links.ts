// Links (OSC 8) of one terminal. xterm looks through all lines of a link for each character of it, and never forgets one whose lines remain. Here equal links are one, and those that no cell has any more
// are dropped now and then.

import type { Core, Link, Links } from './xterm-insides.ts'

/** Characters. What browsers and terminals accept at least. */
const longestUri = 2083
/** Characters, of all links on one screen. */
const mostLinkText = 4_000_000

export function keepLinks(core: Core): void {
  const links = new Map<number, Link>()
  const ids = new Map<string, number>()
  let next = 1
  let text = 0
  let sweepAt = 1024
  const sweep = (): void => {
    const used = new Set<number>([core._inputHandler._curAttrData.extended._urlId])
    for (const buffer of [core._bufferService.buffers.normal, core._bufferService.buffers.alt]) {
      for (let row = 0; row < buffer.lines.length; row += 1)
        for (const extended of Object.values(buffer.lines.get(row)?._extendedAttrs ?? {})) if (extended) used.add(extended._urlId)
    }
    for (const [key, id] of ids) {
      if (used.has(id)) continue
      ids.delete(key)
      links.delete(id)
      text -= key.length
    }
    sweepAt = Math.max(1024, 2 * links.size)
  }
  Object.assign(core._oscLinkService, {
    registerLink({ id, uri }: Link): number {
      if (uri.length > longestUri) return 0
      const key = `${id ?? ''};${uri}`
      const known = ids.get(key)
      if (known !== undefined) return known
      if (links.size >= sweepAt) sweep()
      if (text + key.length > mostLinkText) return 0
      const number = next
      next += 1
      links.set(number, { id, uri })
      ids.set(key, number)
      text += key.length
      return number
    },
    addLineToLink: () => {},
    getLinkData: (id: number) => links.get(id),
  } satisfies Links)
}

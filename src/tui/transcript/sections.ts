// A Markdown text cut into sections that are rendered each by itself: between blocks, code by some dozens of lines, whatever is long at a size. So a long text costs what is seen of it, and one that grows
// costs its last section. Says nothing of how they look.

export interface Section {
  readonly kind: 'prose' | 'code'
  readonly text: string
  readonly language: string | undefined
  /** It is a piece of the same block as the one before: no blank row between them. */
  readonly goesOn: boolean
}

/** UTF-16 units. A table that is longer falls apart; one that grows is rendered again with each draft. */
const longestProse = 6000
const longestCode = 1800
const mostCodeLines = 32

interface Fence {
  readonly mark: string
  readonly language: string | undefined
}

interface Place {
  readonly at: number
  readonly fence: Fence | undefined
  readonly goesOn: boolean
}

interface Found {
  /** Undefined: nothing to be seen there. */
  readonly section: Section | undefined
  readonly next: Place
  /** Whatever is appended to the text, it stays. */
  readonly final: boolean
}

const begin: Place = { at: 0, fence: undefined, goesOn: false }

/** Of one text as it grows: sections that cannot change any more are the same objects each time. */
export class Sections {
  #seen = ''
  #place = begin
  #final: Section[] = []

  of(text: string): readonly Section[] {
    if (!text.startsWith(this.#seen)) {
      this.#place = begin
      this.#final = []
    }
    const open: Section[] = []
    let settled = true
    for (let place = this.#place; place.at < text.length;) {
      const { section, next, final } = nextSection(text, place)
      settled &&= final
      if (section) (settled ? this.#final : open).push(section)
      if (settled) this.#place = next
      place = next
    }
    this.#seen = text.slice(0, this.#place.at)
    return [...this.#final, ...open]
  }
}

const opening = /^( {0,3})(`{3,}(?=[^`]*$)|~{3,})[ \t]*([^\s`]*)/
const innerOpening = /^\s+(`{3,}(?=[^`]*$)|~{3,})/
const listItem = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)/

const nextSection = (text: string, place: Place): Found => (place.fence ? codeSection(text, place, place.fence) : proseSection(text, place))

/** A line without its line feed, where the next one begins, and whether it is whole. Of one that is longer than any section only its beginning. */
function lineAt(text: string, at: number): { readonly line: string; readonly next: number; readonly whole: boolean } {
  const near = text.slice(at, at + 2 * longestProse)
  const end = near.indexOf('\n')
  if (end === -1) return { line: near, next: at + near.length, whole: false }
  return { line: near.slice(0, near[end - 1] === '\r' ? end - 1 : end), next: at + end + 1, whole: true }
}

const isBlank = (line: string): boolean => line.trim() === ''

const closes = (line: string, mark: string): boolean => {
  const inner = line.trim()
  return inner.length >= mark.length && inner === (mark[0] ?? '').repeat(inner.length)
}

/** A place to cut a line that is too long: behind a space, never in the midst of a surrogate pair. */
function cutPlace(text: string, at: number, length: number): number {
  const space = text.slice(at, at + length).lastIndexOf(' ') + 1
  if (space > length / 2) return at + space
  const code = text.charCodeAt(at + length - 1)
  return at + length - (code >= 0xd800 && code <= 0xdbff ? 1 : 0)
}

function proseSection(text: string, { at, goesOn }: Place): Found {
  let start = at
  let first = lineAt(text, start)
  while (isBlank(first.line)) {
    start = first.next
    if (start >= text.length) return { section: undefined, next: { at: start, fence: undefined, goesOn: false }, final: false }
    first = lineAt(text, start)
  }
  const opened = opening.exec(first.line)
  if (opened) return { section: undefined, next: { at: first.next, fence: { mark: opened[2] ?? '```', language: opened[3] || undefined }, goesOn: false }, final: first.whole }
  const isList = listItem.test(first.line)
  const prose = (end: number, cut: boolean, final: boolean): Found => ({
    section: { kind: 'prose', text: text.slice(start, end), language: undefined, goesOn: goesOn && start === at },
    next: { at: end, fence: undefined, goesOn: cut },
    final,
  })
  let inner: string | undefined
  let afterBlank = false
  for (let position = start; position < text.length;) {
    const { line, next, whole } = lineAt(text, position)
    if (next - start > longestProse) return position > start ? prose(position, !afterBlank, true) : prose(cutPlace(text, start, longestProse), true, true)
    if (position > start) {
      if (inner !== undefined) {
        if (closes(line, inner)) inner = undefined
      } else if (isBlank(line)) afterBlank = true
      else {
        if (afterBlank && !/^\s/.test(line)) return prose(position, false, true)
        const fence = opening.exec(line)
        if (fence && !(isList && fence[1] !== '')) return prose(position, false, whole)
        inner = isList ? innerOpening.exec(line)?.[1] : undefined
        afterBlank = false
      }
    }
    position = next
  }
  return prose(text.length, false, false)
}

function codeSection(text: string, { at, goesOn }: Place, fence: Fence): Found {
  const code = (end: number, next: Place, final: boolean): Found => ({
    section: end > at ? { kind: 'code', text: text.slice(at, end).replace(/\r?\n$/, ''), language: fence.language, goesOn } : undefined,
    next,
    final,
  })
  let lines = 0
  for (let position = at; position < text.length; lines += 1) {
    const { line, next, whole } = lineAt(text, position)
    if (closes(line, fence.mark)) return code(position, { at: next, fence: undefined, goesOn: false }, whole)
    if (lines === mostCodeLines || (next - at > longestCode && position > at)) return code(position, { at: position, fence, goesOn: true }, true)
    if (next - at > longestCode) {
      const end = cutPlace(text, at, longestCode)
      return code(end, { at: end, fence, goesOn: true }, true)
    }
    // The beginning of the mark that will close it is not shown as code meanwhile.
    if (!whole && line !== '' && fence.mark.startsWith(line)) return code(position, { at: next, fence, goesOn: true }, false)
    position = next
  }
  return code(text.length, { at: text.length, fence, goesOn: true }, false)
}

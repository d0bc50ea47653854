// Which lines of a transcript stand in the pane. Pure.

import type { Line } from '../../core/transcript.ts'

export interface Elsewhere {
  /** Prompts that are listed above the composer. */
  readonly prompts: ReadonlySet<string>
  /** The request that a dialog shows. */
  readonly request: string | undefined
  /** What else is to be said of an answer, by request. */
  readonly remarks: ReadonlyMap<string, string>
}

/** Those that stand nowhere else on the screen, and the place of the first unseen one among them. */
export function shownLines(lines: readonly Line[], elsewhere: Elsewhere, unseenPlace: number): { readonly lines: readonly Line[]; readonly from: number } {
  const { prompts, request, remarks } = elsewhere
  if (prompts.size === 0 && request === undefined && remarks.size === 0) return { lines, from: unseenPlace }
  const shown: Line[] = []
  let from = 0
  for (const [place, line] of lines.entries()) {
    if (place === unseenPlace) from = shown.length
    if (line.kind === 'prompt' && line.state === 'queued' && prompts.has(line.id)) continue
    if (line.kind === 'request' && line.id === request && line.state === 'open') continue
    shown.push(line.kind === 'request' ? remarked(line, remarks) : line)
  }
  return { lines: shown, from: unseenPlace >= lines.length ? shown.length : from }
}

type RequestLine = Extract<Line, { kind: 'request' }>

// The same line gives the same object again: its rows are kept by that.
const known = new WeakMap<RequestLine, RequestLine>()

function remarked(line: RequestLine, remarks: ReadonlyMap<string, string>): RequestLine {
  const remark = remarks.get(line.id)
  if (remark === undefined || line.state !== 'answered') return line
  const before = known.get(line)
  if (before) return before
  const more = { ...line, answer: `${line.answer ?? 'answered'} (${remark})` }
  known.set(line, more)
  return more
}

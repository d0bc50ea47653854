// All words of a line of the transcript, seen or folded, for the search. What they look like is not known here.

import type { Entry } from '../../core/events.ts'
import type { Line } from '../../core/transcript.ts'

function textOf(line: Line): string {
  switch (line.kind) {
    case 'prompt':
    case 'notice':
      return line.text
    case 'request':
      return [line.request.title, line.request.detail, ...line.request.options.map(({ label }) => label), line.answer].join('\n')
    case 'entry':
      return entryText(line.entry)
  }
}

function entryText(entry: Entry): string {
  switch (entry.kind) {
    case 'message':
    case 'thought':
      return entry.text
    case 'plan':
      return entry.steps.map(({ text }) => text).join('\n')
    case 'tool':
      return [entry.toolKind, entry.title, entry.output, ...(entry.paths ?? []), ...(entry.changes ?? []).flatMap(({ path, diff }) => [path, diff])].join('\n')
  }
}

/** Markdown's own characters may stand between those that are seen. */
const squeezed = (text: string): string => text.replace(/[\s*_~`\\+-]+/g, '').toLowerCase()

/** Whether it may hold the words when it is rendered: sooner known than that. */
export function mayHold(line: Line, words: string): boolean {
  const wanted = squeezed(words)
  return wanted === '' ? textOf(line).includes(words) : squeezed(textOf(line)).includes(wanted)
}

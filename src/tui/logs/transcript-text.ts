// A whole transcript as one text, for a pager, an editor or the clipboard: what was said as it was written, what was done in a line and its output. Printable.

import type { Entry } from '../../core/events.ts'
import { printable, printableLine } from '../../core/terminal-text.ts'
import type { Line } from '../../core/transcript.ts'
import { outputLines, planMark, toolChanges, toolMark, toolWord } from '../../text/agent-text.ts'
import { agentLabel, withLocalTimes } from '../../text/format.ts'
import { joinedLines } from '../../text/joined-lines.ts'
import { choicesText, closedText } from '../../text/request-text.ts'

export function transcriptText(lines: readonly Line[], agent: string): string {
  const parts: string[] = []
  let author = ''
  for (const line of joinedLines(lines)) {
    const text = lineText(line)
    if (text.trim() === '') continue
    const by = line.kind === 'prompt' ? 'you' : line.kind === 'notice' ? author : agentLabel(agent)
    if (by !== author) parts.push(`## ${by}`)
    author = by
    parts.push(text)
  }
  return parts.join('\n\n')
}

const inner = (text: string): string => text.replace(/^(?=.)/gm, '    ')

function lineText(line: Line): string {
  switch (line.kind) {
    case 'prompt':
      return `${printable(line.text)}${line.state === 'queued' ? '\n(queued)' : line.state === 'withdrawn' ? '\n(not sent)' : ''}`
    case 'notice':
      return `· ${printable(withLocalTimes(line.text, line.atMs))}`
    case 'request': {
      const { title, detail } = line.request
      const answer = line.state === 'answered' ? (line.answer ?? line.state) : closedText(line.state)
      return [
        `◆ ${printableLine(title)}`,
        ...(detail ? [inner(printable(detail))] : []),
        `    ${choicesText(line.request)}`,
        ...(line.state === 'open' ? [] : [`    → ${printableLine(answer)}`]),
      ].join('\n')
    }
    case 'entry':
      return entryText(line.entry)
  }
}

function entryText(entry: Entry): string {
  switch (entry.kind) {
    case 'message':
      return printable(entry.text).trimEnd()
    case 'thought':
      return printable(entry.text).trimEnd().replace(/^/gm, '> ')
    case 'plan':
      return entry.steps.map(({ status, text }) => `${planMark[status]} ${printableLine(text)}`).join('\n')
    case 'tool': {
      const changed = toolChanges(entry)
      const head = `${toolMark[entry.status]} ${toolWord(entry)}${printable(entry.title).trim()}${changed ? `  ${changed.added} ${changed.removed}` : ''}`
      const diffs = (entry.changes ?? []).flatMap(({ path, diff }) => (diff ? [inner(`${printableLine(path)}\n${printable(diff)}`)] : []))
      return [head, ...diffs, ...(entry.output ? [inner(outputLines(entry.output.trimEnd()).join('\n'))] : [])].join('\n')
    }
  }
}

// Pieces of what an agent said and did as text: paragraphs that are wrapped, a line for each tool call, its plan. Printable whatever the agent wrote.

import type { Entry } from '../core/events.ts'
import { printable, printableLine } from '../core/terminal-text.ts'
import { type Paint, cut, displayWidth } from './format.ts'

export const indent = '   '

type Tool = Extract<Entry, { kind: 'tool' }>

const toolMark = { pending: '◦', running: '●', completed: '✓', failed: '✗' } as const
const toolStatus = { pending: 'queued', running: 'working', completed: 'completed', failed: 'failed' } as const
const shownOutputLines = 3

/** One line: `✓ edit src/a.ts   +84 −0`. */
export function toolLine(tool: Tool, paint: Paint, columns: number): string {
  const word = toolWord(tool)
  const added = tool.changes?.reduce((sum, change) => sum + change.added, 0) ?? 0
  const removed = tool.changes?.reduce((sum, change) => sum + change.removed, 0) ?? 0
  const changes = tool.changes === undefined || tool.changes.length === 0 ? '' : `  ${paint.added(`+${added}`)} ${paint.removed(`−${removed}`)}`
  const room = columns - indent.length - 4 - (changes === '' ? 0 : 12)
  return `${indent}${paint.status(toolStatus[tool.status], toolMark[tool.status])} ${cut(`${word}${printableLine(tool.title)}`, room)}${changes}`
}

/** The end of what a command printed, or of why a tool failed. */
export function toolOutput(tool: Tool, paint: Paint, columns: number): readonly string[] {
  if (tool.output === undefined || (tool.toolKind !== 'execute' && tool.status !== 'failed')) return []
  const lines = printable(tool.output)
    .split('\n')
    .map((line) => line.replaceAll('\t', '  ').trimEnd())
    .filter((line) => line !== '')
  return lines.slice(-shownOutputLines).map((line) => `${indent}  ${paint.dim(cut(line, columns - indent.length - 3))}`)
}

/** ACP's kinds in everyday words, where the title does not say it already. */
function toolWord({ toolKind, title }: Tool): string {
  const word = toolKind === 'execute' ? 'run' : toolKind === 'switch_mode' || toolKind === 'other' ? '' : toolKind
  const told = title.trim().toLowerCase()
  return word === '' || told.startsWith(word) || told.startsWith(toolKind) ? '' : `${word.padEnd(6)} `
}

export function planLines(plan: Extract<Entry, { kind: 'plan' }>, paint: Paint): readonly string[] {
  const mark = { pending: '◦', in_progress: '●', completed: '✓' } as const
  return plan.steps.map((step) => {
    const line = `${mark[step.status]} ${printableLine(step.text)}`
    return `${indent}${step.status === 'completed' ? paint.dim(line) : line}`
  })
}

/** A text with its own line breaks, indented, and wrapped where it is wider than the screen. */
export const paragraph = (text: string, columns: number): readonly string[] =>
  printable(text)
    .trimEnd()
    .split('\n')
    .flatMap((line) => wrap(line.replaceAll('\t', '    '), columns - indent.length))
    .map((line) => (line === '' ? '' : `${indent}${line}`))

/** Cut at spaces, long words anywhere. */
export function wrap(line: string, width: number): readonly string[] {
  const rows: string[] = []
  let rest = line
  for (;;) {
    const first = firstRow(rest, width)
    if (!first) return [...rows, rest.trimEnd()]
    rows.push(first.row)
    rest = first.rest
  }
}

/** The first row of a line that is too wide, and what follows it; undefined when it fits. */
export function firstRow(line: string, width: number): { readonly row: string; readonly rest: string } | undefined {
  if (displayWidth(line.trimEnd()) <= Math.max(1, width)) return undefined
  let used = 0
  let at = 0
  let space = -1
  for (const char of line) {
    if (char === ' ') space = at
    used += displayWidth(char)
    if (used > width && at > 0) break
    at += char.length
  }
  return space > 0 && line.slice(0, space).trim() !== '' ? { row: line.slice(0, space).trimEnd(), rest: line.slice(space + 1) } : { row: line.slice(0, at), rest: line.slice(at) }
}

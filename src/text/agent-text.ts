// Pieces of what an agent said and did as text: paragraphs that are wrapped, a line for each tool call, its plan. Printable whatever the agent wrote.

import type { Entry } from '../core/events.ts'
import { printable, printableLine } from '../core/terminal-text.ts'
import { type Paint, cut, displayWidth } from './format.ts'

export const indent = '   '

type Tool = Extract<Entry, { kind: 'tool' }>

export const toolMark = { pending: '◦', running: '●', completed: '✓', failed: '✗' } as const
export const toolStatus = { pending: 'queued', running: 'working', completed: 'completed', failed: 'failed' } as const
export const planMark = { pending: '◦', in_progress: '●', completed: '✓' } as const
/** Of what a tool printed, when not all of it is shown. */
export const shownOutputLines = 3

/** One line: `✓ edit src/a.ts   +84 −0`. */
export function toolLine(tool: Tool, paint: Paint, columns: number): string {
  const word = toolWord(tool)
  const changed = toolChanges(tool)
  const changes = changed ? `  ${paint.added(changed.added)} ${paint.removed(changed.removed)}` : ''
  const room = columns - indent.length - 4 - (changes === '' ? 0 : 12)
  return `${indent}${paint.status(toolStatus[tool.status], toolMark[tool.status])} ${cut(`${word}${printableLine(tool.title)}`, room)}${changes}`
}

/** `+84` and `−0`, if it says that it changed something. */
export function toolChanges({ changes = [] }: Tool): { readonly added: string; readonly removed: string } | undefined {
  if (changes.length === 0) return undefined
  const sum = (of: 'added' | 'removed'): number => changes.reduce((total, change) => total + change[of], 0)
  return { added: `+${sum('added')}`, removed: `−${sum('removed')}` }
}

/** The end of what a command printed, or of why a tool failed. */
export function toolOutput(tool: Tool, paint: Paint, columns: number): readonly string[] {
  if (!showsOutput(tool)) return []
  const lines = outputLines(tool.output ?? '').filter((line) => line !== '')
  return lines.slice(-shownOutputLines).map((line) => `${indent}  ${paint.dim(cut(line.replaceAll('\t', '  '), columns - indent.length - 3))}`)
}

/** What others found or read is long, and the agent says what matters of it. */
export const showsOutput = ({ toolKind, status }: Tool): boolean => toolKind === 'execute' || status === 'failed'

/** What a program printed, as lines; of one that was written several times over (a progress bar) its last state. */
export const outputLines = (output: string): readonly string[] =>
  output.split('\n').map((line) => {
    const end = line.trimEnd()
    return printable(end.slice(end.lastIndexOf('\r') + 1)).trimEnd()
  })

/** ACP's kinds in everyday words, where the title does not say it already. */
export function toolWord({ toolKind, title }: Tool): string {
  const word = toolKind === 'execute' ? 'run' : toolKind === 'switch_mode' || toolKind === 'other' ? '' : printableLine(toolKind)
  const told = title.trim().toLowerCase()
  return word === '' || told.startsWith(word) || told.startsWith(toolKind) ? '' : `${word.padEnd(6)} `
}

export function planLines(plan: Extract<Entry, { kind: 'plan' }>, paint: Paint): readonly string[] {
  return plan.steps.map((step) => {
    const line = `${planMark[step.status]} ${printableLine(step.text)}`
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

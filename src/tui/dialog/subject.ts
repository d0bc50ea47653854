// What a question is about, as rows: what it says itself, and what is known of the tool call behind it (paths, what would change). All of it: what does not fit is scrolled, never left out. Pure.

import type { Entry, FileChange } from '../../core/events.ts'
import { printable, printableLine } from '../../core/terminal-text.ts'
import type { RequestView } from '../../core/view.ts'
import { shortPath } from '../../text/format.ts'
import { questionText } from '../list/doing.ts'
import type { Theme } from '../theme.ts'
import { diffRows } from '../transcript/diff.ts'
import { type Row, type Style, indented, painted, span, withoutTabs, wrapped } from '../transcript/rows.ts'

interface About {
  readonly request: RequestView
  readonly entry: Entry | undefined
  readonly home: string | undefined
  readonly theme: Theme
}

type Tool = Extract<Entry, { kind: 'tool' }>

export function subjectRows({ request, entry, home, theme }: About, width: number): readonly string[] {
  const paragraph = (text: string, style?: Style, first: Row = [span('   ')], rest?: Row): readonly string[] =>
    indented(wrapped([span(printable(text).split('\n').map(withoutTabs).join('\n'), style)], width - 3), first, rest).map((row) => painted(row, width))
  const mark = request.lost ? theme.dim : (text: string): string => theme.status('waiting', text)
  const title = paragraph(questionText({ ...request, lost: false }), theme.bold, [span(' '), span('◆', mark), span(' ')], [span('   ')])
  const tool = entry?.kind === 'tool' ? entry : undefined
  const changes = (tool?.changes ?? []).filter(({ diff }) => diff !== undefined && diff !== '')
  const detail = withoutDiffs(request.detail ?? '', changes).trim()
  const said = `${request.title}\n${detail}`
  return [
    ...title,
    ...(tool ? pathsOf(tool, changes, said).flatMap((path) => paragraph(shortPath(path, home), theme.dim)) : []),
    ...(detail === '' ? [] : ['', ...detailRows(detail, paragraph, width, theme)]),
    ...changes.flatMap((change) => [
      '',
      painted([span('   '), span(shortPath(change.path, home), theme.bold), span(`  +${change.added}`, theme.added), span(` −${change.removed}`, theme.removed)], width),
      ...diffRows(change.diff ?? '', change.path, width - 3, theme).map((row) => `   ${row}`),
    ]),
  ]
}

/** Those that nothing else names. */
function pathsOf(tool: Tool, changes: readonly FileChange[], said: string): readonly string[] {
  const named = new Set(changes.map(({ path }) => path))
  const fileName = (path: string): string => path.split('/').at(-1) ?? path
  return (tool.paths ?? []).filter((path) => !named.has(path) && !said.includes(fileName(path)))
}

/** A driver tells what would change in words too; what is shown as a diff is not shown twice. */
function withoutDiffs(detail: string, changes: readonly FileChange[]): string {
  return changes.reduce((rest, { diff = '' }) => {
    const at = diff.trimEnd() === '' ? -1 : rest.indexOf(`\n${diff.trimEnd()}`)
    if (at === -1) return rest
    // The line before it names the file.
    const before = rest.slice(0, Math.max(0, rest.lastIndexOf('\n', at - 1) + 1))
    return before + rest.slice(at + 1 + diff.trimEnd().length).replace(/^\n/, '')
  }, detail)
}

/** Text, with its hunks as a diff. */
function detailRows(detail: string, paragraph: (text: string, style?: Style) => readonly string[], width: number, theme: Theme): readonly string[] {
  const lines = detail.replaceAll('\r\n', '\n').split('\n')
  const parts: { kind: 'text' | 'diff'; lines: string[]; path: string }[] = []
  for (const [index, line] of lines.entries()) {
    const last = parts.at(-1)
    const hunk = /^@@ -\d+(,\d+)? \+\d+(,\d+)? @@/.test(line)
    const kind = hunk || (last?.kind === 'diff' && /^[-+ \\]/.test(line)) ? 'diff' : 'text'
    if (last?.kind === kind) last.lines.push(line)
    else parts.push({ kind, lines: [line], path: printableLine(lines[index - 1] ?? '') })
  }
  return parts.flatMap((part) => (part.kind === 'text' ? paragraph(part.lines.join('\n')) : diffRows(part.lines.join('\n'), part.path, width - 3, theme).map((row) => `   ${row}`)))
}

// What the tool calls of a session changed, file by file, with their diffs.

import { pathLine } from '../../core/terminal-text.ts'
import type { Line } from '../../core/transcript.ts'
import { type ChangedFile, changedFiles, changesTotal } from '../../text/changed-files.ts'
import { count } from '../../text/format.ts'
import { diffRows } from '../transcript/diff.ts'
import { highlighting, languageOf, prepareHighlighting } from '../transcript/highlight.ts'
import type { Theme } from '../theme.ts'
import type { Stage, View } from '../view.ts'
import { openPage } from './page.ts'

export function openChanges(stage: Stage, name: string, lines: readonly Line[], back: () => void): View {
  const { theme } = stage
  const files = changedFiles(lines)
  const { added, removed } = changesTotal(files)
  const heads = new Set(files.map((file) => head(file, theme)))
  for (const { path } of files) void prepareHighlighting(languageOf(path)).then((news) => news && stage.repaint())
  return openPage(stage, {
    heading: files.length === 0 ? `${name} · changes` : `${name} · ${count(files.length, 'file')} changed  +${added} −${removed}`,
    rows: (columns) => files.flatMap((file, index) => [...(index === 0 ? [] : ['']), head(file, theme), ...diffs(file, columns, theme)]),
    nothing: 'no tool call has changed a file so far',
    version: highlighting,
    stops: (rows) => rows.flatMap((row, index) => (heads.has(row) ? [index] : [])),
    back,
  })
}

const head = ({ path, added, removed }: ChangedFile, theme: Theme): string => ` ${theme.bold(pathLine(path))}  ${theme.added(`+${added}`)} ${theme.removed(`−${removed}`)}`

function diffs({ path, diffs: all }: ChangedFile, columns: number, theme: Theme): readonly string[] {
  if (all.length === 0) return [theme.dim('   only the counts were told')]
  return all.flatMap((diff) => diffRows(diff, path, columns, theme))
}

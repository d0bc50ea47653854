// Each kind of line of the transcript as pieces: what was said, done, planned and asked. Folded, they say it in a few rows; unfolded, all that is known.

import type { Entry, FileChange } from '../../core/events.ts'
import { printable, printableLine } from '../../core/terminal-text.ts'
import type { Line } from '../../core/transcript.ts'
import { outputLines, planMark, showsOutput, shownOutputLines, toolChanges, toolMark, toolStatus, toolWord } from '../../text/agent-text.ts'
import { withLocalTimes } from '../../text/format.ts'
import { choicesText, closedText, questionText } from '../../text/request-text.ts'
import type { Theme } from '../theme.ts'
import { diffLines, diffSpanRows, digitsOf } from './diff.ts'
import { languageOf } from './highlight.ts'
import { MarkdownPieces, type Piece, atMost, piece, plainPieces } from './pieces.ts'
import { type Row, type Style, betweenEdges, chopped, cutRow, indented, span, withoutTabs, within, wrapped } from './rows.ts'
import type { Sections } from './sections.ts'

type Tool = Extract<Entry, { kind: 'tool' }>
type Plan = Extract<Entry, { kind: 'plan' }>
type PromptLine = Extract<Line, { kind: 'prompt' }>
type RequestLine = Extract<Line, { kind: 'request' }>

export interface Look {
  readonly folded: boolean
  /** What a running tool has printed so far. */
  readonly live?: string | undefined
  /** Of a text that grows: what it was cut into before. */
  readonly sections?: Sections | undefined
}

const indent = 3
const promptIndent = 7
const innerIndent = 5
const foldedDiffRows = 12
const foldedDetailLines = 12
const liveLines = 20
/** Diffs and outputs become rows by so many lines. */
const linesInPiece = 40

const margin: Row = [span(' '.repeat(indent))]
const innerMargin: Row = [span(' '.repeat(innerIndent))]

export class Blocks {
  readonly #theme: Theme
  readonly #cwd: string
  readonly #messages: MarkdownPieces
  readonly #thoughts: MarkdownPieces
  readonly #thought: Style

  constructor(theme: Theme, cwd: string) {
    this.#theme = theme
    this.#cwd = cwd.endsWith('/') ? cwd : `${cwd}/`
    this.#thought = within(theme.dim, theme.italic)
    this.#messages = new MarkdownPieces(theme, indent)
    this.#thoughts = new MarkdownPieces(theme, indent, this.#thought)
  }

  of(line: Line, look: Look): readonly Piece[] {
    switch (line.kind) {
      case 'prompt':
        return this.#prompt(line)
      case 'request':
        return this.#request(line, look)
      case 'notice':
        return this.#notice(withLocalTimes(line.text, line.atMs))
      case 'entry':
        return this.#entry(line.entry, look)
    }
  }

  #entry(entry: Entry, look: Look): readonly Piece[] {
    switch (entry.kind) {
      case 'message':
        return this.#messages.of(entry.text, look.sections)
      case 'thought':
        return look.folded ? this.#foldedThought(entry.text) : this.#thoughts.of(entry.text, look.sections)
      case 'tool':
        return this.#tool(entry, look)
      case 'plan':
        return this.#plan(entry)
    }
  }

  #prompt({ text, state }: PromptLine): readonly Piece[] {
    const theme = this.#theme
    const style = state === 'withdrawn' ? theme.dim : undefined
    const head: Row = [span(' '), span('you', within(style, theme.bold)), span('   ')]
    const [first, ...rest] = plainPieces(text.trim(), style, promptIndent)
    const note = state === 'queued' ? '(queued)' : state === 'withdrawn' ? '(not sent)' : undefined
    return [
      piece((width) => (first?.rows(width) ?? []).map((row, index) => (index === 0 ? [...head, ...row.slice(1)] : row))),
      ...rest,
      ...(note === undefined ? [] : plainPieces(note, theme.dim, promptIndent)),
    ]
  }

  #notice(text: string): readonly Piece[] {
    const { dim } = this.#theme
    return plainPieces(text, dim, innerIndent).map((part, index) =>
      index > 0 ? part : piece((width) => part.rows(width).map((row, at) => (at === 0 ? [...margin, span('· ', dim), ...row.slice(1)] : row))),
    )
  }

  #foldedThought(text: string): readonly Piece[] {
    const words = printableLine(text.slice(0, 600))
      .replace(/[*_#`]+/g, '')
      .replace(/ +/g, ' ')
    return words === '' ? [] : [piece((width) => [cutRow([...margin, span(`thought: ${words}`, this.#thought)], atMost(width, 0))])]
  }

  #plan({ steps }: Plan): readonly Piece[] {
    const { dim, bold } = this.#theme
    const style = { pending: undefined, in_progress: bold, completed: dim } as const
    return steps.map((step) =>
      piece((width) =>
        indented(wrapped([span(printableLine(step.text), style[step.status])], atMost(width, innerIndent)), [
          ...margin,
          span(`${planMark[step.status]} `, step.status === 'in_progress' ? (mark) => this.#theme.status('working', mark) : style[step.status]),
        ]),
      ),
    )
  }

  #request({ request, state, answer }: RequestLine, { folded }: Look): readonly Piece[] {
    const theme = this.#theme
    const isOpen = state === 'open'
    const detail = isOpen || !folded ? printable(request.detail ?? '').trimEnd() : ''
    const lines = detail === '' ? [] : detail.split('\n')
    const shown = folded ? lines.slice(0, foldedDetailLines) : lines
    const title = isOpen ? questionText(request) : printableLine(request.title)
    return [
      piece((width) =>
        indented(wrapped([span(title, isOpen ? theme.bold : undefined)], atMost(width, innerIndent)), [
          ...margin,
          span('◆ ', isOpen ? (mark) => theme.status('waiting', mark) : theme.dim),
        ]),
      ),
      ...inPieces(shown, (part, width) => part.flatMap((line) => wrapped([span(withoutTabs(line))], Math.max(1, width - innerIndent)))),
      ...this.#more(lines.length - shown.length),
      ...(isOpen || !folded ? plainPieces(choicesText(request), isOpen ? undefined : theme.dim, innerIndent) : []),
      ...(isOpen
        ? []
        : [
            piece((width) =>
              indented(wrapped([span(printableLine(state === 'answered' ? (answer ?? state) : closedText(state)))], atMost(width, innerIndent + 2)), [
                ...innerMargin,
                span('→ ', theme.dim),
              ]),
            ),
          ]),
    ]
  }

  #tool(tool: Tool, { folded, live }: Look): readonly Piece[] {
    const title = printableLine(tool.title)
    return [
      piece((width) => [this.#toolRow(tool, title, atMost(width, 0))]),
      ...(folded ? [] : this.#wholeTitle(tool, title)),
      ...this.#changes(tool, folded),
      ...this.#output(tool, folded, live),
    ]
  }

  #toolRow(tool: Tool, title: string, width: number): Row {
    const theme = this.#theme
    const changed = toolChanges(tool)
    const left = [...margin, span(toolMark[tool.status], (mark) => theme.status(toolStatus[tool.status], mark)), span(` ${toolWord(tool)}${title}`)]
    return betweenEdges(left, changed ? [span(changed.added, theme.added), span(' '), span(changed.removed, theme.removed)] : [], width)
  }

  /** A title of several lines, such as a command, and the paths that it does not name. */
  #wholeTitle(tool: Tool, title: string): readonly Piece[] {
    const whole = printable(tool.title).trim()
    const paths = (tool.paths ?? []).map((path) => this.#path(path)).filter((path) => !title.includes(path) && !tool.changes?.some((change) => this.#path(change.path) === path))
    const isCut = (width: number): boolean => whole.includes('\n') || this.#toolRow(tool, title, width).at(-1)?.text.endsWith('…') === true
    return [
      piece((width) =>
        isCut(atMost(width, 0))
          ? indented(
              whole.split('\n').flatMap((line) => wrapped([span(withoutTabs(line))], Math.max(1, width - innerIndent))),
              innerMargin,
              innerMargin,
            )
          : [],
      ),
      ...paths.map((path) => piece((width) => indented(chopped([span(path, this.#theme.dim)], width - innerIndent), innerMargin, innerMargin))),
    ]
  }

  #changes({ changes = [], title }: Tool, folded: boolean): readonly Piece[] {
    const withDiff = changes.filter((change) => change.diff !== undefined && change.diff !== '')
    const named = changes.length > 1 || !changes.every((change) => title.includes(this.#path(change.path).replace(/^.*\//, '')))
    if (!folded) return changes.flatMap((change) => [...(named ? [this.#changeHead(change)] : []), ...this.#diff(change)])
    const [first] = withDiff
    if (!first) return []
    const lines = diffLines(first.diff ?? '')
    // Only as many of them as can be seen; the rows that long lines take more are cut away.
    const shown = lines.slice(0, foldedDiffRows + 1)
    const rest = lines.length - shown.length + withDiff.slice(1).reduce((sum, change) => sum + (change.diff ?? '').split('\n').length, 0)
    return [
      ...(named ? [this.#changeHead(first)] : []),
      piece(
        (width) =>
          indented(
            diffSpanRows(shown, { path: first.path, width: Math.max(1, width - innerIndent), theme: this.#theme, digits: digitsOf(lines) }).slice(0, foldedDiffRows),
            innerMargin,
            innerMargin,
          ),
        languageOf(first.path),
      ),
      ...this.#more(rest),
    ]
  }

  #changeHead({ path, added, removed }: FileChange): Piece {
    const theme = this.#theme
    return piece((width) => [
      cutRow([...innerMargin, span(this.#path(path), theme.underline), span(' '), span(`+${added}`, theme.added), span(' '), span(`−${removed}`, theme.removed)], width),
    ])
  }

  #diff({ path, diff = '' }: FileChange): readonly Piece[] {
    if (diff === '') return []
    const lines = diffLines(diff)
    const digits = digitsOf(lines)
    return inPieces(lines, (part, width) => diffSpanRows(part, { path, width: Math.max(1, width - innerIndent), theme: this.#theme, digits }), languageOf(path))
  }

  #output(tool: Tool, folded: boolean, live: string | undefined): readonly Piece[] {
    const running = tool.status === 'running' || tool.status === 'pending'
    if (folded && !running && !showsOutput(tool)) return []
    // Only its end is looked at while it grows.
    const printed = running && live !== undefined ? live.slice(-liveLines * 200) : (tool.output ?? '')
    const lines = printed.trim() === '' ? [] : outputLines(printed.trimEnd()).filter((line) => line !== '' || !folded)
    const shown = folded ? lines.slice(-shownOutputLines) : running && live !== undefined ? lines.slice(-liveLines) : lines
    const { dim } = this.#theme
    return inPieces(shown, (part, width) =>
      part.flatMap((line) => {
        const row: Row = [span(withoutTabs(line), dim)]
        return folded ? [cutRow(row, Math.max(1, width - innerIndent))] : chopped(row, width - innerIndent)
      }),
    )
  }

  #more(lines: number): readonly Piece[] {
    return lines <= 0 ? [] : [piece(() => [[...innerMargin, span(`… ${lines} more`, this.#theme.dim)]])]
  }

  #path(path: string): string {
    return printableLine(path.startsWith(this.#cwd) ? path.slice(this.#cwd.length) : path)
  }
}

function inPieces<T>(lines: readonly T[], make: (part: readonly T[], width: number) => readonly Row[], language?: string): readonly Piece[] {
  return Array.from({ length: Math.ceil(lines.length / linesInPiece) }, (_, index) => {
    const part = lines.slice(index * linesInPiece, (index + 1) * linesInPiece)
    return piece((width) => indented(make(part, width), innerMargin, innerMargin), language)
  })
}

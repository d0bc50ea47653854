// Markdown as rows: a section of what an agent wrote, read by marked, painted by our theme. Links are text, formulas stay as they were written, nothing is left out.

import { Marked, type Token, type Tokens } from '@earendil-works/pi-tui'
import type { Theme } from '../theme.ts'
import { highlightedRows, languageNamed } from './highlight.ts'
import { type Row, type Span, type Style, blank, chopped, indented, span, widthOf, within, wrapped } from './rows.ts'

type Block =
  | Tokens.Blockquote
  | Tokens.Code
  | Tokens.Def
  | Tokens.Heading
  | Tokens.Hr
  | Tokens.HTML
  | Tokens.List
  | Tokens.Paragraph
  | Tokens.Space
  | Tokens.Table
  | Tokens.Text
  | Tokens.Checkbox
type Inline = Tokens.Br | Tokens.Checkbox | Tokens.Codespan | Tokens.Del | Tokens.Em | Tokens.Escape | Tokens.Image | Tokens.Link | Tokens.Strong | Tokens.Tag | Tokens.Text

// marked also declares a token of any shape, for extensions; there are none.
const blocksOf = (tokens: readonly Token[]): readonly Block[] => tokens as readonly Block[]
const inlinesOf = (tokens: readonly Token[]): readonly Inline[] => tokens as readonly Inline[]

const marked = new Marked()
const codeIndent: Row = [span('  ')]
const widestRule = 40

/** Printable text goes in. `base`: of everything in it. What would take marked long, or more stack than there is, stays as it is written. */
export const markdownRows = (text: string, width: number, theme: Theme, base?: Style): readonly Row[] =>
  isExcessive(text) ? wrapped([span(text.trimEnd(), base)], width) : blockRows(blocksOf(marked.lexer(text)), width, { theme, base })

/** It calls itself for each level, and takes the square of the number of marks in a paragraph. */
const tooDeep = /^(?:[ \t]*(?:>|[-+*]|\d{1,9}[.)])){16}/m
const mostMarks = 300
const marks = /[*_`[\]<!~]/g
const paragraphs = /\n(?=[ \t]*(?:[-+*>#|]|\d{1,9}[.)]))/

const isExcessive = (text: string): boolean =>
  tooDeep.test(text) || ((text.match(marks)?.length ?? 0) > mostMarks && text.split(paragraphs).some((paragraph) => (paragraph.match(marks)?.length ?? 0) > mostMarks))

interface Look {
  readonly theme: Theme
  readonly base: Style | undefined
}

/** As many blank rows between two blocks as the text has, but one at most. */
function blockRows(tokens: readonly Block[], width: number, look: Look): readonly Row[] {
  const rows: Row[] = []
  let gap = false
  let before: Block['type'] | undefined
  for (const token of tokens) {
    if (token.type === 'space') {
      gap = true
      continue
    }
    const apart = gap || token.type === 'table' || token.type === 'code' || before === 'table' || before === 'code'
    const more = rowsOf(token, width, look)
    if (more.length === 0) continue
    if (apart && rows.length > 0) rows.push(blank)
    for (const row of more) rows.push(row)
    gap = /\n[ \t]*\n\s*$/.test(token.raw)
    before = token.type
  }
  return rows
}

function rowsOf(token: Block, width: number, look: Look): readonly Row[] {
  const { theme, base } = look
  switch (token.type) {
    case 'heading': {
      const style = within(base, token.depth === 1 ? (text) => theme.heading(theme.underline(text)) : theme.heading)
      return wrapped(inline(token.tokens, { theme, base: style }), width)
    }
    case 'paragraph':
      return wrapped(inline(token.tokens, look), width)
    case 'text':
      return wrapped(token.tokens ? inline(token.tokens, look) : [span(token.text, base)], width)
    case 'code':
      return codeRows(token.text, languageNamed(token.lang?.split(/\s/, 1)[0]), width, theme)
    case 'list':
      return token.items.flatMap((item, index) => {
        const rows = listItem(item, token.ordered ? `${Number(token.start || 0) + index}. ` : '• ', width, look)
        return token.loose && index > 0 ? [blank, ...rows] : rows
      })
    case 'table':
      return tableRows(token, width, look)
    case 'blockquote': {
      const bar: Row = [span('│ ', theme.dim)]
      return indented(blockRows(blocksOf(token.tokens), Math.max(1, width - 2), { theme, base: within(base, theme.italic) }), bar, bar)
    }
    case 'hr':
      return [[span('─'.repeat(Math.min(width, widestRule)), theme.dim)]]
    case 'checkbox':
      return []
    default:
      return wrapped([span(token.raw.trimEnd(), base)], width)
  }
}

export const codeRows = (code: string, language: string | undefined, width: number, theme: Theme): readonly Row[] =>
  highlightedRows(code, language, theme).flatMap((row) => indented(chopped(row, width - 2), codeIndent))

function listItem(item: Tokens.ListItem, bullet: string, width: number, look: Look): readonly Row[] {
  const marker = item.task ? (item.checked ? '✓ ' : '◦ ') : bullet
  const rows = blockRows(blocksOf(item.tokens), Math.max(1, width - marker.length), look)
  return indented(rows.length === 0 ? [blank] : rows, [span(marker, look.base)])
}

function inline(tokens: readonly Token[], look: Look): readonly Span[] {
  const { theme, base } = look
  const styled = (token: { readonly tokens: readonly Token[] }, style: Style): readonly Span[] => inline(token.tokens, { theme, base: within(base, style) })
  return inlinesOf(tokens).flatMap((token): readonly Span[] => {
    switch (token.type) {
      case 'text':
        return token.tokens ? inline(token.tokens, look) : [span(token.text, base)]
      case 'escape':
        return [span(token.text, base)]
      case 'strong':
        return styled(token, theme.bold)
      case 'em':
        return styled(token, theme.italic)
      case 'codespan':
        return [span(theme.color ? token.text : `\`${token.text}\``, within(base, theme.code))]
      case 'link': {
        const plain = token.text === token.href || `mailto:${token.text}` === token.href || token.href === ''
        return [...styled(token, theme.link), ...(plain ? [] : [span(` (${token.href})`, within(base, theme.dim))])]
      }
      case 'image':
        return [span(`${token.text} (${token.href})`, within(base, theme.dim))]
      case 'br':
        return [span('\n')]
      case 'checkbox':
        return []
      default:
        return [span(token.raw, base)]
    }
  })
}

const columnGap = 2
const narrowestColumn = 4

function tableRows({ header, rows, align }: Tokens.Table, width: number, look: Look): readonly Row[] {
  const { theme, base } = look
  const bold: Look = { theme, base: within(base, theme.bold) }
  const head = header.map((cell) => inline(cell.tokens, bold))
  const body = rows.map((row) => row.map((cell) => inline(cell.tokens, look)))
  const room = width - columnGap * (head.length - 1)
  if (room < head.length * narrowestColumn) {
    // Too narrow for columns: each row as a list of its own.
    return body.flatMap((row, index) => [
      ...(index > 0 ? [blank] : []),
      ...row.flatMap((cell, column) => wrapped([...(head[column] ?? []), span(': ', bold.base), ...cell], width)),
    ])
  }
  const widths = columnWidths(
    head.map((cell, column) => Math.max(...[cell, ...body.map((row) => row[column] ?? [])].map(widthOf), 1)),
    room,
  )
  const rule: Row = [span(widths.map((columns) => '─'.repeat(columns)).join('  '), theme.dim)]
  const line = (cells: readonly Row[]): readonly Row[] => {
    const wrappedCells = widths.map((columns, column) => wrapped(cells[column] ?? [], columns))
    return Array.from({ length: Math.max(...wrappedCells.map((cell) => cell.length)) }, (_, index) =>
      widths.flatMap((columns, column) => {
        const cell = wrappedCells[column]?.[index] ?? []
        const free = Math.max(0, columns - widthOf(cell))
        const before = align[column] === 'right' ? free : align[column] === 'center' ? Math.floor(free / 2) : 0
        const after = column === widths.length - 1 ? 0 : free - before + columnGap
        return [span(' '.repeat(before)), ...cell, span(' '.repeat(after))]
      }),
    )
  }
  return [...line(head), rule, ...body.flatMap(line)]
}

/** The widest give way first. */
function columnWidths(natural: readonly number[], room: number): readonly number[] {
  const widths = [...natural]
  for (let over = widths.reduce((sum, one) => sum + one, 0) - room; over > 0;) {
    const widest = Math.max(...widths)
    const next = Math.max(narrowestColumn, ...widths.filter((one) => one < widest))
    const all = widths.filter((one) => one === widest).length
    const less = Math.min(Math.ceil(over / all), Math.max(1, widest - next))
    for (const [column, one] of widths.entries()) {
      if (one !== widest || over <= 0) continue
      widths[column] = one - Math.min(less, over)
      over -= Math.min(less, over)
    }
  }
  return widths
}

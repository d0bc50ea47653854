// Texts of the agent made fit for facts: cut to a size, content blocks and diffs as text.

import type { FileChange } from '../../core/events.ts'
import type { ContentBlock, ToolContent } from './schema.ts'

const detailLimit = 4096
/** More than this is not indented: that could make it 400 times as long. */
const longestIndented = 65_536

/** The place at or before `at` that does not part a surrogate pair. */
const safe = (text: string, at: number): number => {
  const code = text.charCodeAt(at - 1)
  return code >= 0xd800 && code <= 0xdbff ? at - 1 : at
}

export const cut = (text: string, limit: number): string => (text.length <= limit ? text : `${text.slice(0, safe(text, limit - 1))}…`)

/** Cut in the middle: of a command's output both the beginning and the end matter. */
export function cutMiddle(text: string, limit = detailLimit): string {
  if (text.length <= limit) return text
  const head = safe(text, Math.floor(limit / 4))
  const tail = safe(text, text.length - (limit - head - 60))
  return `${text.slice(0, head)}\n… ${tail - head} characters left out …\n${text.slice(tail)}`
}

/** Up to `limit` units, at a line's end if there is one in the second half. */
export function pieceOf(text: string, limit: number): string {
  const newline = text.lastIndexOf('\n', limit - 1)
  return text.slice(0, newline >= limit / 2 ? newline + 1 : safe(text, limit))
}

/** A path as people call it: inside the directory of the session without it. */
export function shownPath(cwd: string, path: string): string {
  const folder = cwd.endsWith('/') ? cwd : `${cwd}/`
  return path.startsWith(folder) && path.length > folder.length ? path.slice(folder.length) : path
}

export const firstLine = (text: string, limit = 200): string => cut(text.trim().split('\n', 1)[0] ?? '', limit)

export function blockText(block: ContentBlock): string {
  if ('text' in block) return block.text
  if ('resource' in block) return block.resource.text ?? `[${block.resource.uri}](${block.resource.uri})`
  if ('uri' in block) return `[${block.name}](${block.uri})`
  return 'mimeType' in block ? `[${block.type} ${block.mimeType}]` : `[${block.type}]`
}

/** What a tool's content says in words; its diffs are told apart. */
export const contentText = (content: readonly ToolContent[]): string =>
  content
    .flatMap((item) => (item.type === 'content' ? [blockText(item.content)] : []))
    .join('\n')
    .trimEnd()

type Diff = Extract<ToolContent, { type: 'diff' }>
export const diffsOf = (content: readonly ToolContent[]): readonly Diff[] => content.filter((item) => item.type === 'diff')

interface LinesChanged {
  readonly removed: readonly string[]
  readonly added: readonly string[]
}

const linesOf = (text: string | null | undefined): readonly string[] => (text ? text.replace(/\n$/, '').split('\n') : [])

/** The lines between what both have in common at the beginning and at the end. */
function changedRegion(diff: Diff): LinesChanged {
  const before = linesOf(diff.oldText)
  const after = linesOf(diff.newText)
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start++
  let end = 0
  while (end < before.length - start && end < after.length - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++
  return { removed: before.slice(start, before.length - end), added: after.slice(start, after.length - end) }
}

const exactUpTo = 1_000_000

/** Length of the longest common subsequence; beyond a size that matters, how many lines occur on both sides. */
function commonLines({ removed, added }: LinesChanged): number {
  if (removed.length * added.length > exactUpTo) {
    const left = new Map<string, number>()
    for (const line of removed) left.set(line, (left.get(line) ?? 0) + 1)
    return added.filter((line) => {
      const count = left.get(line) ?? 0
      left.set(line, count - 1)
      return count > 0
    }).length
  }
  let row = new Uint32Array(added.length + 1)
  for (const line of removed) {
    const next = new Uint32Array(added.length + 1)
    for (let i = 0; i < added.length; i++) next[i + 1] = line === added[i] ? (row[i] ?? 0) + 1 : Math.max(next[i] ?? 0, row[i + 1] ?? 0)
    row = next
  }
  return row[added.length] ?? 0
}

export function changeOf(diff: Diff): FileChange {
  const region = changedRegion(diff)
  const common = commonLines(region)
  return { path: diff.path, added: region.added.length - common, removed: region.removed.length - common }
}

/** For a person who has to judge it: what goes and what comes. */
export function diffText(diff: Diff): string {
  const { removed, added } = changedRegion(diff)
  return [diff.path, ...removed.map((line) => `- ${line}`), ...added.map((line) => `+ ${line}`)].join('\n')
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** The command of a tool's raw input, under the names that agents use. */
export function commandOf(rawInput: unknown): string | undefined {
  if (!isRecord(rawInput)) return undefined
  const command = rawInput['command'] ?? rawInput['cmd']
  if (typeof command === 'string') return command
  return Array.isArray(command) && command.every((word) => typeof word === 'string') ? command.join(' ') : undefined
}

export function rawOutputText(rawOutput: unknown): string {
  if (typeof rawOutput === 'string') return rawOutput
  if (!isRecord(rawOutput)) return ''
  const found = ['formatted_output', 'output', 'stdout', 'text', 'error'].map((name) => rawOutput[name]).find((value) => typeof value === 'string' && value !== '')
  return typeof found === 'string' ? found : ''
}

/** What a tool call is about, as far as its content and input say. */
export function subjectOf(content: readonly ToolContent[], rawInput: unknown): string {
  const diffs = diffsOf(content)
  const command = commandOf(rawInput)
  const said = [command ?? '', ...diffs.map(diffText), contentText(content)].filter((part) => part !== '')
  if (said.length > 0) return cutMiddle([...new Set(said)].join('\n'))
  if (!isRecord(rawInput) || Object.keys(rawInput).length === 0) return ''
  const flat = JSON.stringify(rawInput)
  return cutMiddle(flat.length > longestIndented ? flat : JSON.stringify(rawInput, undefined, 2))
}

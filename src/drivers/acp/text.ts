// Texts of the agent made fit for facts: cut to a size, content blocks and diffs as text.

import type { FileChange } from '../../core/events.ts'
import { cutHunks, difference } from './diff.ts'
import type { ContentBlock, ToolContent } from './schema.ts'

const detailLimit = 4096
/** In UTF-16 units, of one file. */
const longestDiff = 8192
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

/** Its last 4096 units. */
export const endOf = (text: string): string => {
  const from = text.length - detailLimit
  return from <= 0 ? text : text.slice(safe(text, from) === from ? from : from + 1)
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

export function changeOf({ path, oldText, newText }: Diff): FileChange {
  const { added, removed, hunks } = difference(oldText ?? '', newText)
  return { path, added, removed, ...(hunks === '' ? {} : { diff: cutHunks(hunks, longestDiff) }) }
}

/** For a person who has to judge it: what goes and what comes. */
const diffText = ({ path, oldText, newText }: Diff): string => `${path}\n${difference(oldText ?? '', newText).hunks}`.trimEnd()

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

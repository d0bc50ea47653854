// The patch of a file as what stands below each other: heads of hunks, lines, comments, and what is no change of lines. One item is one row, so that a long patch is scrolled without being painted. Pure.

import { wrapTextWithAnsi } from '@earendil-works/pi-tui'
import type { PatchFile, PatchHunk, PatchLine } from '../../core/patch.ts'
import { printable } from '../../core/terminal-text.ts'
import type { ChangedFile } from '../../core/workspace.ts'
import { cellPath, cellText } from '../cells.ts'
import type { FilePatch, Scope } from './changes-shown.ts'
import { type Comment, linesText, quoted } from './comments.ts'

/** In a file's patch. */
export interface HunkPlace {
  readonly part: PatchFile
  readonly hunk: PatchHunk
  /** From 0, as git prints them. */
  readonly index: number
}

export type Item =
  | ({ readonly kind: 'hunk' } & HunkPlace)
  | ({ readonly kind: 'line'; readonly at: number; readonly line: PatchLine } & HunkPlace)
  | { readonly kind: 'comment'; readonly comment: Comment; readonly text: string }
  /** About the file as a whole. */
  | { readonly kind: 'remark'; readonly text: string }

const widestComment = 100

export function itemsOf(file: ChangedFile, patch: FilePatch, about: { readonly comments: readonly Comment[]; readonly scope: Scope; readonly width: number }): readonly Item[] {
  const comments = about.comments.filter((one) => one.path === file.path && one.scope === about.scope)
  const width = Math.max(10, Math.min(widestComment, about.width - 8))
  const shown = new Set<Comment>()
  const items: Item[] = []
  const say = (comment: Comment, before: string): void => {
    shown.add(comment)
    const text = printable(before + comment.text.trim())
    for (const row of text.split('\n').flatMap((line) => wrapTextWithAnsi(line, width))) items.push({ kind: 'comment', comment, text: row })
  }
  for (const part of patch.parts) {
    for (const [index, hunk] of part.hunks.entries()) {
      items.push({ kind: 'hunk', part, hunk, index })
      for (const [at, line] of hunk.lines.entries()) {
        items.push({ kind: 'line', part, hunk, index, at, line })
        if (comments.length === 0) continue
        for (const comment of comments) if (endsHere(comment, line)) say(comment, '')
      }
    }
  }
  const body = items.splice(0)
  for (const text of [...remarks(file, patch), ...linkRemarks(file, patch)]) items.push({ kind: 'remark', text })
  // Its lines are other ones now; what was written about them stays.
  for (const comment of comments) if (!shown.has(comment)) say(comment, `on ${linesText(comment)}, not here any more: `)
  return [...items, ...body]
}

const endsHere = ({ side, last }: Comment, { kind, old, new: now }: PatchLine): boolean => (side === 'old' ? kind === 'removed' && old === last : now === last)

function remarks(file: ChangedFile, { parts, isCut }: FilePatch): readonly string[] {
  const hasLines = parts.some(({ hunks }) => hunks.length > 0)
  return [
    ...(file.from === undefined ? [] : [`renamed from ${cellPath(file.from)}`]),
    ...(file.mode === undefined || file.kind === 'added' || file.kind === 'deleted' ? [] : [`mode ${file.mode.from} → ${file.mode.to}${executable(file.mode)}`]),
    ...(parts.some(({ binary }) => binary) ? ['binary: no lines to show'] : []),
    ...(!hasLines && file.kind === 'added' && file.added === 0 ? ['a new file with nothing in it'] : []),
    ...(!hasLines && file.kind === 'deleted' && file.removed === 0 ? ['an empty file was removed'] : []),
    ...(isCut ? ['too large to be shown whole: the end is left out'] : []),
    ...(parts.length === 0 && !isCut ? ['nothing of it is different any more'] : []),
  ]
}

const executable = ({ from, to }: NonNullable<ChangedFile['mode']>): string =>
  from === '100644' && to === '100755' ? ': executable now' : from === '100755' && to === '100644' ? ': not executable any more' : ''

/** What a link leads to are its lines: nothing else says that it is no file with a line of text. */
function linkRemarks({ kind }: ChangedFile, { parts, bytes }: FilePatch): readonly string[] {
  const links = parts.filter(({ link }) => link)
  if (links.length === 0) return []
  const leads = (sign: PatchLine['kind']): string | undefined => {
    const lines = links.flatMap(({ hunks }) => hunks.flatMap((hunk) => hunk.lines.filter((line) => line.kind === sign)))
    return lines.length === 0 ? undefined : cellText(lines.map((line) => textOf(bytes, line, 400)).join('\n'))
  }
  const [was, is] = [leads('removed'), leads('added')]
  if (was !== undefined && is !== undefined) return [`a symbolic link: it led to ${was}, and leads to ${is} now`]
  if (is !== undefined) return [`${kind === 'type-changed' ? 'now ' : ''}a symbolic link to ${is}`]
  if (was !== undefined) return [kind === 'type-changed' ? `a file now: it was a symbolic link to ${was}` : `a symbolic link to ${was} was removed`]
  return ['a symbolic link']
}

const decoder = new TextDecoder()

/** What a terminal would obey is a part of the change, and is seen. */
// oxlint-disable-next-line no-control-regex
const escapes = /[\x1b\x80-\x9f]/g

/** As far as `most` bytes of it go. */
export function textOf(bytes: Uint8Array, { start, end }: Pick<PatchLine, 'start' | 'end'>, most: number): string {
  const isWhole = end - start <= most
  const text = decoder.decode(bytes.subarray(start, isWhole ? end : start + most)).replace(escapes, '␛')
  return isWhole && text.endsWith('\r') ? text.slice(0, -1) : text
}

export const endsWithReturn = (bytes: Uint8Array, { start, end }: Pick<PatchLine, 'start' | 'end'>): boolean => end > start && bytes[end - 1] === 0x0d

const signs = { same: ' ', added: '+', removed: '-' } as const

/** A comment that is not written yet, on the lines among these items. Undefined: there are none among them. */
export function commentOn(file: ChangedFile, scope: Scope, items: readonly Item[], bytes: Uint8Array): Comment | undefined {
  const lines = items.flatMap((item) => (item.kind === 'line' ? [item.line] : []))
  const now = lines.flatMap((line) => line.new ?? [])
  const old = lines.flatMap((line) => (line.kind === 'removed' ? (line.old ?? []) : []))
  const numbers = now.length > 0 ? now : old
  const [first, last] = [numbers[0], numbers.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const quote = quoted(lines.map((line) => signs[line.kind] + textOf(bytes, line, 1000)))
  return { path: file.path, scope, side: now.length > 0 ? 'new' : 'old', first, last, quote, text: '' }
}

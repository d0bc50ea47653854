// What `git diff` prints, taken apart: files, hunks and lines, as places in its bytes, so that nothing is lost of what is no UTF-8 and a large patch is cheap. Pure. Names become paths, text is the reader's.

import type { TreePath } from './workspace.ts'

export interface PatchLine {
  readonly kind: 'same' | 'added' | 'removed'
  /** Its bytes, without the sign and the line feed. A carriage return is one of them. */
  readonly start: number
  readonly end: number
  /** In the old and in the new file, from 1. */
  readonly old: number | null
  readonly new: number | null
  /** The file ends behind it without a line feed. */
  readonly endsFile?: true
}

export interface PatchSide {
  readonly first: number
  readonly count: number
}

export interface PatchHunk {
  readonly old: PatchSide
  readonly new: PatchSide
  /** Bytes from its `@@` to the next hunk or file. */
  readonly start: number
  readonly end: number
  /** What git printed behind the second `@@`: the line that it stands below. */
  readonly section: { readonly start: number; readonly end: number }
  readonly lines: readonly PatchLine[]
  /** Not all of it is there: the patch was cut. */
  readonly isCut: boolean
}

export interface PatchFile {
  readonly path: TreePath
  /** Of a rename or copy. */
  readonly from?: TreePath
  readonly kind: 'added' | 'modified' | 'deleted' | 'renamed' | 'copied'
  readonly mode?: { readonly from: string; readonly to: string }
  readonly binary: boolean
  /** A symbolic link: its text is where it leads. */
  readonly link?: true
  /** Bytes from its `diff --git` to the next file. */
  readonly start: number
  readonly end: number
  readonly hunks: readonly PatchHunk[]
}

const LF = 0x0a
const TAB = 0x09
const SPACE = 0x20
const QUOTE = 0x22
const PLUS = 0x2b
const MINUS = 0x2d
const BACKSLASH = 0x5c

/** A patch between two trees, with git's own prefixes `a/` and `b/`. What is none of it is passed over. */
export function parsePatch(patch: Uint8Array): readonly PatchFile[] {
  const files: PatchFile[] = []
  let at = 0
  while (at < patch.length) {
    if (!beginsWith(patch, at, 'diff --git ')) {
      at = nextLine(patch, at)
      continue
    }
    const file = fileAt(patch, at)
    if (file) files.push(file)
    at = file ? file.end : nextLine(patch, at)
  }
  return files
}

/** What its lines add and remove. */
export function countsOf({ hunks }: Pick<PatchFile, 'hunks'>): { readonly added: number; readonly removed: number } {
  const counts = { same: 0, added: 0, removed: 0 }
  for (const { lines } of hunks) for (const { kind } of lines) counts[kind] += 1
  return { added: counts.added, removed: counts.removed }
}

interface Header {
  kind: PatchFile['kind']
  oldMode?: string
  newMode?: string
  from?: TreePath
  to?: TreePath
  before?: TreePath | null | undefined
  after?: TreePath | null | undefined
  binary: boolean
  isLink: boolean
}

function fileAt(patch: Uint8Array, start: number): PatchFile | undefined {
  const named = namedTwice(patch, start + 'diff --git '.length, lineEnd(patch, start))
  const header: Header = { kind: 'modified', binary: false, isLink: false }
  const hunks: PatchHunk[] = []
  let at = nextLine(patch, start)
  while (at < patch.length && !beginsWith(patch, at, 'diff --git ')) {
    const hunk = beginsWith(patch, at, '@@ -') ? hunkAt(patch, at) : undefined
    if (hunk) hunks.push(hunk)
    else if (hunks.length === 0) readHeader(patch, at, header)
    at = hunk ? hunk.end : nextLine(patch, at)
  }
  const { kind, oldMode, newMode, binary, isLink } = header
  const path = header.to ?? header.after ?? header.before ?? named
  if (path === undefined) return undefined
  const mode = oldMode !== undefined && newMode !== undefined ? { mode: { from: oldMode, to: newMode } } : {}
  return { path, ...(header.from === undefined ? {} : { from: header.from }), kind, ...mode, binary, ...(isLink ? { link: true } : {}), start, end: at, hunks }
}

function readHeader(patch: Uint8Array, at: number, header: Header): void {
  const end = lineEnd(patch, at)
  if (/^(?:(?:new file|deleted file|new) mode|index \S+) 120000$/.test(ascii(patch, at, end))) header.isLink = true
  const [words = '', what] =
    /^(?:(old|new) mode |(?:new file|deleted file) mode |(?:rename|copy) (?:from|to) |--- |\+\+\+ |Binary files |GIT binary patch)/.exec(
      ascii(patch, at, Math.min(end, at + 40)),
    ) ?? []
  const from = at + words.length
  switch (words.trimEnd()) {
    case 'old mode':
    case 'new mode':
      header[what === 'old' ? 'oldMode' : 'newMode'] = ascii(patch, from, end)
      return
    case 'new file mode':
      header.kind = 'added'
      return
    case 'deleted file mode':
      header.kind = 'deleted'
      return
    case '---':
      header.before = sidePath(patch, from, end)
      return
    case '+++':
      header.after = sidePath(patch, from, end)
      return
    case 'Binary files':
    case 'GIT binary patch':
      header.binary = true
      return
    case '':
      return
    default:
      header.kind = words.startsWith('copy') ? 'copied' : 'renamed'
      if (words.endsWith('to ')) header.to = pathAt(patch, from, end)
      else header.from = pathAt(patch, from, end)
  }
}

function hunkAt(patch: Uint8Array, start: number): PatchHunk | undefined {
  const headEnd = lineEnd(patch, start)
  const head = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(ascii(patch, start, Math.min(headEnd, start + 80)))
  if (!head) return undefined
  const side = (first: string | undefined, count: string | undefined): PatchSide => ({ first: Number(first), count: count === undefined ? 1 : Number(count) })
  const [before, after] = [side(head[1], head[2]), side(head[3], head[4])]
  let [oldLeft, newLeft, old, now] = [before.count, after.count, before.first, after.first]
  const lines: PatchLine[] = []
  let at = nextLine(patch, start)
  while (at < patch.length) {
    const sign = patch[at]
    const end = lineEnd(patch, at)
    const next = nextLine(patch, at)
    if (sign === BACKSLASH) {
      const last = lines.at(-1)
      if (last) lines[lines.length - 1] = { ...last, endsFile: true }
    } else if (oldLeft <= 0 && newLeft <= 0) break
    else if (sign === PLUS) {
      lines.push({ kind: 'added', start: at + 1, end, old: null, new: now++ })
      newLeft -= 1
    } else if (sign === MINUS) {
      lines.push({ kind: 'removed', start: at + 1, end, old: old++, new: null })
      oldLeft -= 1
    } else if (sign === SPACE || sign === LF) {
      // By diff.suppressBlankEmpty an empty line has no sign.
      lines.push({ kind: 'same', start: sign === LF ? at : at + 1, end, old: old++, new: now++ })
      oldLeft -= 1
      newLeft -= 1
    } else break
    at = next
  }
  const behind = start + head[0].length
  const section = { start: Math.min(headEnd, patch[behind] === SPACE ? behind + 1 : behind), end: headEnd }
  return { old: before, new: after, start, end: at, section, lines, isCut: oldLeft > 0 || newLeft > 0 || (at === patch.length && patch[at - 1] !== LF) }
}

// Names.

/** `a/NAME b/NAME`, of a file that has one name only; both may be in quotes. */
function namedTwice(patch: Uint8Array, from: number, to: number): TreePath | undefined {
  const half = (to - from - 1) / 2
  if (!Number.isInteger(half) || half < 3 || patch[from + half] !== SPACE) return undefined
  return sidePath(patch, from + half + 1, to) ?? undefined
}

/** Behind `--- ` or `+++ `: null for a file that is not there. */
function sidePath(patch: Uint8Array, from: number, to: number): TreePath | null | undefined {
  if (patch[from] === QUOTE) return pathText(unquoted(patch, from, to).subarray(2))
  // Behind a name with spaces git puts a tab.
  const end = patch[to - 1] === TAB ? to - 1 : to
  if (ascii(patch, from, end) === '/dev/null') return null
  return end - from < 2 ? undefined : pathText(patch.subarray(from + 2, end))
}

const pathAt = (patch: Uint8Array, from: number, to: number): TreePath => pathText(patch[from] === QUOTE ? unquoted(patch, from, to) : patch.subarray(from, to))

const escapes: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 }

/** What git put into quotes, as C does. */
function unquoted(patch: Uint8Array, from: number, to: number): Uint8Array {
  const bytes: number[] = []
  for (let at = from + 1; at < to; at += 1) {
    const byte = patch[at] ?? 0
    if (byte === QUOTE) break
    if (byte !== BACKSLASH) {
      bytes.push(byte)
      continue
    }
    const octal = /^[0-3][0-7]{2}/.exec(ascii(patch, at + 1, Math.min(to, at + 4)))?.[0]
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8))
    else bytes.push(escapes[String.fromCharCode(patch[at + 1] ?? 0)] ?? patch[at + 1] ?? 0)
    at += octal === undefined ? 1 : 3
  }
  return Uint8Array.from(bytes)
}

const quotedForm = /^"(?:[^"\\]|\\[abtnvfr"\\]|\\[0-3][0-7]{2})*"$/

/** As a `TreePath` says it: in quotes where it is no UTF-8, or where it could be taken for one in quotes. */
function pathText(name: Uint8Array): TreePath {
  const text = utf8(name)
  if (text !== undefined && !quotedForm.test(text)) return text
  const inside = Array.from(name, (byte) => {
    if (byte === QUOTE || byte === BACKSLASH) return `\\${String.fromCharCode(byte)}`
    return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`
  })
  return `"${inside.join('')}"`
}

/** Undefined: it is none. */
function utf8(bytes: Uint8Array): string | undefined {
  try {
    return decodeURIComponent(Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''))
  } catch {
    return undefined
  }
}

// Bytes.

function beginsWith(bytes: Uint8Array, at: number, words: string): boolean {
  for (let index = 0; index < words.length; index += 1) if (bytes[at + index] !== words.charCodeAt(index)) return false
  return true
}

/** Of bytes that are compared with ASCII only. */
const ascii = (bytes: Uint8Array, from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, Math.min(to, from + 200)))

function lineEnd(bytes: Uint8Array, at: number): number {
  const end = bytes.indexOf(LF, at)
  return end === -1 ? bytes.length : end
}

const nextLine = (bytes: Uint8Array, at: number): number => Math.min(bytes.length, lineEnd(bytes, at) + 1)

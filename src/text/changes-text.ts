// Changes as text, as git prints them: a patch for a terminal, and the statistic of its files. Whatever names and contents hold is neutralised here; a pipe gets the bytes of the patch instead.

import { pathLine, printable } from '../core/terminal-text.ts'
import type { ChangedFile, Changes } from '../core/workspace.ts'
import { type Paint, count, cut, displayWidth, padded } from './format.ts'

/** A patch, line by line, with the colours that git gives it. */
export function patchText(patch: Uint8Array, paint: Paint): string {
  const lines = new TextDecoder().decode(patch).split('\n')
  if (lines.at(-1) === '') lines.pop()
  /** Lines that are left of the hunk, on each side: within it a line that begins with `---` was removed. */
  let left = { before: 0, after: 0 }
  return lines
    .map((line) => {
      const shown = visible(line)
      const hunk = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line)
      if (left.before <= 0 && left.after <= 0) {
        if (!hunk) return `${line.startsWith('\\') || line === '' ? shown : paint.bold(shown)}\n`
        left = { before: Number(hunk[1] ?? 1), after: Number(hunk[2] ?? 1) }
        return `${paint.status('working', shown)}\n`
      }
      const [mark] = line
      if (mark === '+') left = { ...left, after: left.after - 1 }
      else if (mark === '-') left = { ...left, before: left.before - 1 }
      else if (mark !== '\\') left = { before: left.before - 1, after: left.after - 1 }
      return `${mark === '+' ? paint.added(shown) : mark === '-' ? paint.removed(shown) : shown}\n`
    })
    .join('')
}

/** A carriage return before the line break is seen, as it may be all that changed. */
const visible = (line: string): string => (line.endsWith('\r') ? `${printable(line.slice(0, -1))}^M` : printable(line))

const widestName = 50

/** As `git diff --stat`, without its trailing line break; '' where nothing changed. */
export function statText(changes: Pick<Changes, 'files' | 'added' | 'removed'>, paint: Paint, columns: number): string {
  const { files } = changes
  if (files.length === 0) return ''
  const amounts = files.map(({ added, removed }) => (added === null || removed === null ? 'Bin' : String(added + removed)))
  const amountWidth = Math.max(...amounts.map((amount) => amount.length))
  const names = files.map(nameOfChange)
  const nameWidth = Math.min(Math.max(...names.map(displayWidth)), Math.max(10, Math.min(widestName, columns - amountWidth - 16)))
  const room = Math.max(6, columns - nameWidth - amountWidth - 6)
  const most = Math.max(...files.map(({ added, removed }) => (added ?? 0) + (removed ?? 0)))
  const scaled = (lines: number): number => (most <= room || lines === 0 ? lines : Math.max(1, Math.floor((lines * room) / most)))
  const rows = files.map((file, index) => {
    const bars = `${paint.added('+'.repeat(scaled(file.added ?? 0)))}${paint.removed('-'.repeat(scaled(file.removed ?? 0)))}`
    return ` ${padded(endOf(names[index] ?? '', nameWidth), nameWidth)} | ${(amounts[index] ?? '').padStart(amountWidth)}${bars === '' ? '' : ` ${bars}`}${remarkOn(file)}`
  })
  return [...rows, ` ${totalText(changes)}`].join('\n')
}

/** `3 files changed, 10 insertions(+), 2 deletions(-)`. */
export function totalText({ files, added, removed }: Pick<Changes, 'files' | 'added' | 'removed'>): string {
  const plus = added > 0 || removed === 0 ? [`${count(added, 'insertion')}(+)`] : []
  const minus = removed > 0 || added === 0 ? [`${count(removed, 'deletion')}(-)`] : []
  return [`${count(files.length, 'file')} changed`, ...plus, ...minus].join(', ')
}

const nameOfChange = ({ path, from }: ChangedFile): string => (from === undefined ? pathLine(path) : renameText(pathLine(from), pathLine(path)))

/** What both names begin and end with is said once: `src/{a => b}/index.ts`. */
function renameText(from: string, to: string): string {
  // What is in quotes is no name that could be cut.
  if (from.startsWith('"') || to.startsWith('"')) return `${from} => ${to}`
  const before = from.split('/')
  const after = to.split('/')
  let first = 0
  while (first < Math.min(before.length, after.length) - 1 && before[first] === after[first]) first += 1
  let last = 0
  while (last < Math.min(before.length, after.length) - 1 - first && before.at(-1 - last) === after.at(-1 - last)) last += 1
  if (first === 0 && last === 0) return `${from} => ${to}`
  const middle = (parts: readonly string[]): string => parts.slice(first, parts.length - last).join('/')
  return [...before.slice(0, first), `{${middle(before)} => ${middle(after)}}`, ...before.slice(before.length - last, before.length)].join('/')
}

/** The end of a long path says more than its beginning. */
function endOf(name: string, width: number): string {
  if (displayWidth(name) <= width) return name
  const characters = [...name]
  while (characters.length > 0 && displayWidth(characters.join('')) > width - 3) characters.shift()
  return cut(`...${characters.join('')}`, width)
}

function remarkOn({ kind, mode }: ChangedFile): string {
  if (kind === 'type-changed') return ' (type changed)'
  if (mode === undefined || kind === 'added' || kind === 'deleted') return ''
  return ` (mode ${mode.from} -> ${mode.to})`
}

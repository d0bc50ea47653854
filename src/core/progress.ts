// How far a session has come, as its entries say it: steps of the plan, files changed, tool calls that repeat. Bounded, however much is said. Judges nothing.

import type { Entry } from './events.ts'

interface LinesChanged {
  readonly added: number
  readonly removed: number
}

/** The same tool call again and again, without another one between. */
interface Row {
  readonly toolKind: string
  readonly title: string
  readonly times: number
  readonly sinceMs: number
}

interface Over extends LinesChanged {
  readonly entryId: string
}

export interface Progress extends LinesChanged {
  readonly plan: { readonly done: number; readonly total: number } | null
  /** How many different ones. One that was forgotten among the newest counts again. */
  readonly files: number
  readonly newestFiles: readonly string[]
  /** Tool calls that are over, the newest ones, with what each has changed: their entries may be written again. */
  readonly over: readonly Over[]
  /** When the turn began, or a file was changed in it. */
  readonly changedAtMs: number
  readonly row: Row | null
}

export const noProgress: Progress = { plan: null, files: 0, added: 0, removed: 0, newestFiles: [], over: [], changedAtMs: 0, row: null }

const keptFiles = 200
/** Drivers write only the newest ones again. */
const keptOver = 16

export const turnBegins = (before: Progress, atMs: number): Progress => ({ ...before, changedAtMs: atMs, row: null })

export function afterEntry(before: Progress, entryId: string, entry: Entry, atMs: number): Progress {
  switch (entry.kind) {
    case 'plan':
      return { ...before, plan: entry.steps.length === 0 ? null : { done: entry.steps.filter((step) => step.status === 'completed').length, total: entry.steps.length } }
    case 'tool':
      return afterTool(before, entryId, entry, atMs)
    default:
      return before
  }
}

function afterTool(before: Progress, entryId: string, entry: Extract<Entry, { kind: 'tool' }>, atMs: number): Progress {
  const known = before.over.find((one) => one.entryId === entryId)
  if (!known && entry.status !== 'completed' && entry.status !== 'failed') return before
  const changes = entry.status === 'completed' ? (entry.changes ?? []) : []
  const change = { entryId, added: sumOf(changes, 'added'), removed: sumOf(changes, 'removed') }
  const fresh = [...new Set(changes.map(({ path }) => path))].filter((path) => !before.newestFiles.includes(path))
  const isNews = changes.length > 0 && (known === undefined || known.added !== change.added || known.removed !== change.removed || fresh.length > 0)
  return {
    ...before,
    files: before.files + fresh.length,
    newestFiles: fresh.length === 0 ? before.newestFiles : [...before.newestFiles, ...fresh].slice(-keptFiles),
    added: before.added - (known?.added ?? 0) + change.added,
    removed: before.removed - (known?.removed ?? 0) + change.removed,
    over: known ? before.over.map((one) => (one === known ? change : one)) : [...before.over.slice(1 - keptOver), change],
    changedAtMs: isNews ? atMs : before.changedAtMs,
    row: known ? before.row : longer(before.row, entry, atMs),
  }
}

const sumOf = (changes: readonly LinesChanged[], side: keyof LinesChanged): number => changes.reduce((sum, change) => sum + change[side], 0)

function longer(row: Row | null, { toolKind, title }: { readonly toolKind: string; readonly title: string }, atMs: number): Row {
  return row?.toolKind === toolKind && row.title === title ? { ...row, times: row.times + 1 } : { toolKind, title, times: 1, sinceMs: atMs }
}

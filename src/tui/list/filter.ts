// What is typed after `/`: words that must occur, and `status:`, `agent:`, `project:`, `branch:`, `label:` with values of which one must fit. Pure.

import { printableLine } from '../../core/terminal-text.ts'
import type { Status } from '../../core/status.ts'
import type { SessionView } from '../../core/view.ts'
import { agentLabel, summaryOf } from '../../text/format.ts'
import { nearest } from '../../text/nearest.ts'
import { everydayStatusWords, ownStatusWords, shownStatus } from '../../text/status-words.ts'

const fields = ['status', 'agent', 'project', 'branch', 'label'] as const
type FilterField = (typeof fields)[number]

export interface Filter {
  /** Lower case. */
  readonly words: readonly string[]
  readonly fields: Readonly<Partial<Record<FilterField, readonly string[]>>>
  /** Undefined: any. */
  readonly statuses: ReadonlySet<Status> | undefined
  /** What was probably meant, or what there is, when a value is none. */
  readonly hint: string | undefined
}

export const noFilter: Filter = { words: [], fields: {}, statuses: undefined, hint: undefined }

/** `done` is what the screen's first row counts as that. */
const filterWords: Readonly<Record<string, readonly Status[]>> = { ...ownStatusWords, ...everydayStatusWords, done: ['completed', 'stopped'] }

export const isEmpty = ({ words, fields: given }: Filter): boolean => words.length === 0 && Object.keys(given).length === 0

export function filterFrom(text: string): Filter {
  const words: string[] = []
  const given: Partial<Record<FilterField, readonly string[]>> = {}
  for (const part of partsOf(text)) {
    const token = fieldFrom(part)
    if (!token) words.push(unquoted(part).toLowerCase())
    else if (token.values.length > 0) given[token.field] = [...(given[token.field] ?? []), ...token.values]
  }
  const ofStatus = statusesFrom(given.status)
  return { words: words.filter((word) => word !== ''), fields: given, ...ofStatus, hint: ofStatus.hint ?? words.map(fieldMeant).find((hint) => hint !== undefined) }
}

/** A word that looks like a field is one to be searched for; it may have been meant otherwise. */
function fieldMeant(word: string): string | undefined {
  const name = /^([a-z]+):/i.exec(word)?.[1]?.toLowerCase()
  if (name === undefined) return undefined
  const near = fields.find((field) => field.startsWith(name)) ?? nearest(name, fields)
  return near === undefined ? undefined : `did you mean ${near}: ?`
}

/** Apart at spaces, but for those between quotes. One that is not closed goes to the end. */
const partsOf = (text: string): readonly string[] => text.match(/(?:"[^"]*"?|[^\s"])+/g) ?? []

const unquoted = (text: string): string => text.replaceAll('"', '').trim()

function fieldFrom(part: string): { readonly field: FilterField; readonly values: readonly string[] } | undefined {
  const colon = part.indexOf(':')
  const field = fields.find((one) => one === part.slice(0, Math.max(0, colon)).toLowerCase())
  if (!field) return undefined
  const values = part.slice(colon + 1).split(',')
  return { field, values: values.map((value) => unquoted(value).toLowerCase()).filter((value) => value !== '') }
}

/** The beginning of a status means every one that begins so: it is being typed. */
function statusesFrom(values: readonly string[] | undefined): Pick<Filter, 'statuses' | 'hint'> {
  if (!values) return { statuses: undefined, hint: undefined }
  const known = Object.keys(filterWords)
  const found = (value: string): readonly string[] => (known.includes(value) ? [value] : known.filter((word) => word.startsWith(value)))
  const unknown = values.find((value) => found(value).length === 0)
  const near = unknown === undefined ? undefined : nearest(unknown, known)
  const hint = unknown === undefined ? undefined : `"${printableLine(unknown)}" is no status; ${near === undefined ? `one of ${known.join(', ')}` : `did you mean ${near}?`}`
  return { statuses: new Set(values.flatMap(found).flatMap((word) => filterWords[word] ?? [])), hint }
}

/** By its fields alone, whatever its words are. */
export function fitsFields(session: SessionView, { fields: given, statuses: wanted }: Filter): boolean {
  if (wanted && !wanted.has(shownStatus(session))) return false
  const holds = (field: FilterField, text: string): boolean => given[field]?.some((value) => text.toLowerCase().includes(value)) ?? true
  const { agent, project, label } = session
  return holds('agent', `${agentLabel(agent)} ${agent}`) && holds('project', project.name) && holds('branch', project.branch ?? '') && holds('label', label ?? '')
}

const texts = new WeakMap<SessionView, string>()

function textOf(session: SessionView): string {
  const known = texts.get(session)
  if (known !== undefined) return known
  const { id, label, title, agent, project, cwd } = session
  const text = [id, label ?? '', title, agentLabel(agent), project.name, project.branch ?? '', cwd, summaryOf(session)].join('\n').toLowerCase()
  texts.set(session, text)
  return text
}

export const fitsWords = (session: SessionView, { words }: Filter): boolean => words.every((word) => textOf(session).includes(word))

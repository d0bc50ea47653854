// What the screens remember from one visit to the next: what was being written, as a new task, in each conversation in the forms of open questions and on lines of a review, which hunks were reviewed, and the filters that were given names. One small file
// of the user's own, which several screens may write; losing it loses nothing else.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { FieldDraft, FormDraft } from './dialog/fields.ts'
import type { Comment } from './review/comments.ts'
import type { Reviewed } from './review/reviewed.ts'

/** By request. */
export type Forms = Readonly<Record<string, FormDraft>>

interface State {
  readonly draft: string
  readonly filters: Readonly<Record<string, string>>
  /** By session, the one that was written last at the end. */
  readonly drafts: Readonly<Record<string, string>>
  /** The same, of questions that are half answered. */
  readonly forms: Readonly<Record<string, Forms>>
  /** The same, of comments that are not sent. */
  readonly comments: Readonly<Record<string, readonly Comment[]>>
  /** The same, of hunks that the user found good. */
  readonly reviewed: Readonly<Record<string, Reviewed>>
}

type Change = (state: State) => State

const nothing: State = { draft: '', filters: {}, drafts: {}, forms: {}, comments: {}, reviewed: {} }
const writtenAfterMs = 500
const mostDrafts = 50
/** UTF-16 units. What is longer was pasted, and is somewhere else too. */
const longestDraft = 100_000
/** The same, of marks on hunks. */
const longestReviewed = 400_000

export class KeptState {
  readonly #file: string
  #state: State
  /** What the file does not have yet, by what it is about. */
  readonly #changes = new Map<string, Change>()
  #timer: NodeJS.Timeout | undefined

  constructor(file: string) {
    this.#file = file
    this.#state = readState(file)
  }

  get draft(): string {
    return this.#state.draft
  }

  set draft(draft: string) {
    if (draft !== this.draft) this.#change('draft', (state) => ({ ...state, draft }))
  }

  /** What was being written in a conversation. */
  draftFor(session: string): string {
    return this.#state.drafts[session] ?? ''
  }

  keepDraftFor(session: string, text: string): void {
    const draft = text.length > longestDraft ? '' : text
    if (draft === this.draftFor(session)) return
    this.#change(`draft for ${session}`, (state) => ({ ...state, drafts: asNewest(state.drafts, session, draft === '' ? undefined : draft) }))
  }

  /** What is filled in of the questions of a session. */
  formsFor(session: string): Forms {
    return this.#state.forms[session] ?? {}
  }

  keepFormsFor(session: string, forms: Forms): void {
    const text = JSON.stringify(forms)
    if (text.length > longestDraft || text === JSON.stringify(this.formsFor(session))) return
    this.#change(`forms for ${session}`, (state) => ({ ...state, forms: asNewest(state.forms, session, text === '{}' ? undefined : forms) }))
  }

  /** What was written about lines of its changes. */
  commentsFor(session: string): readonly Comment[] {
    return this.#state.comments[session] ?? []
  }

  keepCommentsFor(session: string, comments: readonly Comment[]): void {
    if (JSON.stringify(comments).length > longestDraft) return
    this.#change(`comments for ${session}`, (state) => ({ ...state, comments: asNewest(state.comments, session, comments.length === 0 ? undefined : comments) }))
  }

  /** What was reviewed of its changes. */
  reviewedFor(session: string): Reviewed {
    return this.#state.reviewed[session] ?? {}
  }

  keepReviewedFor(session: string, reviewed: Reviewed): void {
    const text = JSON.stringify(reviewed)
    if (text.length > longestReviewed) return
    this.#change(`reviewed for ${session}`, (state) => ({ ...state, reviewed: asNewest(state.reviewed, session, text === '{}' ? undefined : reviewed) }))
  }

  get filters(): Readonly<Record<string, string>> {
    return this.#state.filters
  }

  /** Undefined: the name is forgotten. */
  saveFilter(name: string, filter: string | undefined): void {
    this.#change(`filter ${name}`, (state) => {
      const { [name]: _, ...others } = state.filters
      return { ...state, filters: filter === undefined ? others : { ...others, [name]: filter } }
    })
    this.save()
  }

  #change(about: string, change: Change): void {
    this.#state = change(this.#state)
    this.#changes.set(about, change)
    this.#timer ??= setTimeout(() => this.save(), writtenAfterMs)
  }

  /** What is not written yet, now, and nothing else: other screens write here too. A disk that takes nothing costs what would have been remembered. */
  save(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 })
      const state = [...this.#changes.values()].reduce((found, change) => change(found), readState(this.#file))
      const whole = `${this.#file}.${process.pid}`
      writeFileSync(whole, `${JSON.stringify(state)}\n`, { mode: 0o600 })
      renameSync(whole, this.#file)
      this.#changes.clear()
    } catch {
      // It is a convenience; the sessions are kept elsewhere.
    }
  }

  /** Writes what waits to be written. */
  close(): void {
    if (this.#timer) this.save()
  }
}

/** Undefined: without it. */
function asNewest<Value>(all: Readonly<Record<string, Value>>, key: string, value: Value | undefined): Readonly<Record<string, Value>> {
  const { [key]: _, ...others } = all
  return Object.fromEntries([...Object.entries(others), ...(value === undefined ? [] : [[key, value] as const])].slice(-mostDrafts))
}

function readState(file: string): State {
  try {
    const found: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof found !== 'object' || found === null) return nothing
    const draft = 'draft' in found && typeof found.draft === 'string' ? found.draft : ''
    const isForm = (one: unknown): one is Forms => isRecord(one) && Object.values(one).every((form) => isRecord(form) && Object.values(form).every(isFieldDraft))
    return {
      draft,
      filters: only(isText, 'filters' in found && found.filters),
      drafts: only(isText, 'drafts' in found && found.drafts),
      forms: only(isForm, 'forms' in found && found.forms),
      comments: only(isComments, 'comments' in found && found.comments),
      reviewed: only(isReviewedOne, 'reviewed' in found && found.reviewed),
    }
  } catch {
    return nothing
  }
}

const isText = (one: unknown): one is string => typeof one === 'string'
const isFieldDraft = (one: unknown): one is FieldDraft => isText(one) || (Array.isArray(one) && one.every(isText))
const isComments = (one: unknown): one is readonly Comment[] => Array.isArray(one) && one.every(isComment)
const isReviewedOne = (one: unknown): one is Reviewed => isRecord(one) && Object.values(one).every((marks) => Array.isArray(marks) && marks.every(isText))
const isRecord = (one: unknown): one is object => typeof one === 'object' && one !== null && !Array.isArray(one)

function isComment(one: unknown): one is Comment {
  if (!isRecord(one) || !('path' in one && 'scope' in one && 'side' in one && 'first' in one && 'last' in one && 'quote' in one && 'text' in one)) return false
  const numbers = typeof one.first === 'number' && typeof one.last === 'number' && (one.scope === 'all' || typeof one.scope === 'number')
  return numbers && isText(one.path) && isText(one.text) && (one.side === 'old' || one.side === 'new') && Array.isArray(one.quote) && one.quote.every(isText)
}

function only<Value>(is: (one: unknown) => one is Value, found: unknown): Readonly<Record<string, Value>> {
  const all = isRecord(found) ? Object.entries(found) : []
  return Object.fromEntries(all.filter((one): one is [string, Value] => is(one[1])))
}

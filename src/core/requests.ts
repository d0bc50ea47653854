// What an agent asks and how it may be answered. Pure: turns the words of a person into an answer, or says why they are none.

import { type Refusal, refusal, unreachable } from './errors.ts'
import type { RequestId } from './ids.ts'

export type RequestKind = 'permission' | 'question' | 'auth' | 'error'

export interface Option {
  readonly id: string
  readonly label: string
  readonly kind: 'allow' | 'reject' | 'other'
  /** How long an allow or a reject holds. Absent for plain choices. */
  readonly scope?: 'once' | 'always'
  /** Whoever chooses it sends the prompt of the last turn, which the agent has not taken, once more. */
  readonly again?: true
}

export type FieldValue = string | number | boolean | readonly string[]

export interface Field {
  readonly name: string
  readonly label: string
  readonly type: 'text' | 'number' | 'integer' | 'boolean' | 'choice' | 'choices'
  readonly required: boolean
  readonly description?: string
  readonly choices?: readonly { readonly value: string; readonly label: string }[]
  readonly initial?: FieldValue
  /** The value is never stored, listed or logged. */
  readonly secret?: boolean
}

/** What a driver reports as asked. */
export interface Ask {
  readonly id: RequestId
  readonly kind: RequestKind
  readonly title: string
  readonly detail?: string
  readonly options: readonly Option[]
  readonly fields?: readonly Field[]
  /** The transcript entry of the tool call that it is about. */
  readonly entryId?: string
  /** Asked by Offstage about the session's tree, or for the environment of a run, not by an agent: what the answer does is decided here. */
  readonly about?: 'trust' | 'workspace' | 'snapshot' | 'conflict' | 'environment'
}

export interface Request extends Ask {
  readonly run: number
  readonly askedAtMs: number
  /** Its process is gone, so nobody waits for the answer any more: `resume --answer` says it in a new prompt. */
  readonly lost: boolean
}

export type Answer =
  /** `note`: what the agent is told besides, as the user's next prompt. */
  | { readonly kind: 'option'; readonly optionId: string; readonly note?: string }
  | { readonly kind: 'form'; readonly fields: Readonly<Record<string, FieldValue>> }
  | { readonly kind: 'decline' }

export interface Words {
  /** The free text or choice, e.g. `allow`, `2`, `formal`. */
  readonly choice?: string
  readonly fields?: Readonly<Record<string, string>>
  readonly decline?: boolean
}

const optionList = (ask: Ask): string =>
  ask.options.length > 0
    ? ask.options.map(({ id, label }, index) => (id === String(index + 1) ? `${id} (${label})` : `${index + 1} ${id} (${label})`)).join(', ')
    : (ask.fields ?? []).map((field) => `--field ${field.name}=…`).join(' ')

const noSuchOption = (ask: Ask, message: string): Refusal => refusal('no-such-option', message, `choose one of: ${optionList(ask)}`)

/** What `choice` means for this question: an option's id, its number, its name, `allow` (its first allow-once, never one that holds for ever) or `deny` (its first reject). */
export function findOption(ask: Ask, choice: string): Option | undefined {
  const wanted = choice.trim().toLowerCase()
  const once = (kind: Option['kind']): Option | undefined => ask.options.find((option) => option.kind === kind && option.scope !== 'always')
  const named = (option: Option): boolean => option.label.toLowerCase() === wanted || option.id.toLowerCase() === wanted
  // Before ids and names: an agent may have named its "always" so.
  if (wanted === 'allow') return once('allow') ?? ask.options.find((option) => named(option) && option.scope !== 'always')
  if (wanted === 'deny' || wanted === 'reject') return once('reject') ?? ask.options.find((option) => option.kind === 'reject') ?? ask.options.find(named)
  const numbered = /^\d+$/.test(wanted) ? ask.options[Number(wanted) - 1] : undefined
  return ask.options.find((option) => option.id === choice) ?? numbered ?? ask.options.find(named)
}

function parseField(field: Field, text: string): FieldValue | undefined {
  switch (field.type) {
    case 'text':
      return text
    case 'number':
    case 'integer': {
      const value = Number(text)
      return text.trim() === '' || !Number.isFinite(value) || (field.type === 'integer' && !Number.isInteger(value)) ? undefined : value
    }
    case 'boolean': {
      const yes = /^\s*(true|yes|y|1)\s*$/i.test(text)
      return yes || /^\s*(false|no|n|0)\s*$/i.test(text) ? yes : undefined
    }
    case 'choice':
      return chosen(field, text)
    case 'choices': {
      const parts = text.split(',').map((part) => chosen(field, part.trim()))
      return parts.every((part) => part !== undefined) ? parts : undefined
    }
  }
}

function chosen(field: Field, text: string): string | undefined {
  const choices = field.choices ?? []
  const found = choices.find((choice) => choice.value === text) ?? choices.find((choice) => choice.label.toLowerCase() === text.toLowerCase())
  return (found ?? (/^\d+$/.test(text) ? choices[Number(text) - 1] : undefined))?.value
}

/** Turns a person's words into an answer to this question, or says what would be one. */
export function answerFrom(ask: Ask, words: Words): Answer | Refusal {
  if (words.decline) return checkAnswer(ask, { kind: 'decline' }) ?? { kind: 'decline' }
  const fields = ask.fields ?? []
  const given = new Map(Object.entries(words.fields ?? {}))
  if (words.choice !== undefined) {
    const option = findOption(ask, words.choice)
    if (option && given.size > 0) return noSuchOption(ask, `"${ask.title}" is answered by a choice or by fields, not by both`)
    if (option) return { kind: 'option', optionId: option.id }
    if (fields.length === 0) return noSuchOption(ask, `"${words.choice}" is no answer to "${ask.title}"`)
    // Words without a name are for the only field, or for the only one that must be given.
    const required = fields.filter((field) => field.required)
    const [only, ...others] = required.length === 1 ? required : fields
    if (!only || others.length > 0 || given.has(only.name)) return noSuchOption(ask, `"${ask.title}" has several fields`)
    given.set(only.name, words.choice)
  }
  if (fields.length === 0) return noSuchOption(ask, `"${ask.title}" is answered by a choice`)
  const values: Record<string, FieldValue> = {}
  for (const [name, text] of given) {
    const field = fields.find((one) => one.name === name)
    if (!field) return noSuchOption(ask, `"${ask.title}" has no field "${name}"`)
    const value = parseField(field, text)
    if (value === undefined) return noSuchOption(ask, `"${field.secret ? 'the given value' : text}" does not fit field "${name}" (${fieldType(field)})`)
    values[name] = value
  }
  return checkAnswer(ask, { kind: 'form', fields: values }) ?? { kind: 'form', fields: values }
}

const fieldType = (field: Field): string => (field.choices ? field.choices.map((choice) => choice.value).join(' | ') : field.type)

function fits(field: Field, value: FieldValue): boolean {
  const isChoice = (one: unknown): boolean => (field.choices ?? []).some((choice) => choice.value === one)
  switch (field.type) {
    case 'text':
      return typeof value === 'string'
    case 'number':
      return typeof value === 'number' && Number.isFinite(value)
    case 'integer':
      return Number.isInteger(value)
    case 'boolean':
      return typeof value === 'boolean'
    case 'choice':
      return isChoice(value)
    case 'choices':
      return typeof value === 'object' && value.every(isChoice)
    default:
      return unreachable(field.type)
  }
}

/** Why this answer does not fit this question, if it does not. */
export function checkAnswer(ask: Ask, answer: Answer): Refusal | undefined {
  switch (answer.kind) {
    case 'option':
      return ask.options.some((option) => option.id === answer.optionId) ? undefined : noSuchOption(ask, `"${ask.title}" has no option "${answer.optionId}"`)
    case 'form': {
      const fields = ask.fields ?? []
      if (fields.length === 0) return noSuchOption(ask, `"${ask.title}" is answered by a choice`)
      const missing = fields.filter((field) => field.required && answer.fields[field.name] === undefined)
      if (missing.length > 0) return noSuchOption(ask, `missing: ${missing.map((field) => field.name).join(', ')}`)
      for (const [name, value] of Object.entries(answer.fields)) {
        const field = fields.find((one) => one.name === name)
        if (!field) return noSuchOption(ask, `"${ask.title}" has no field "${name}"`)
        if (!fits(field, value)) return noSuchOption(ask, `the value given for field "${name}" does not fit it (${fieldType(field)})`)
      }
      return undefined
    }
    case 'decline':
      return ask.kind === 'question' || ask.options.some((option) => option.kind === 'reject') ? undefined : noSuchOption(ask, `"${ask.title}" cannot be declined`)
  }
}

/** The answer without the values of secret fields, and whether there were any. */
export function withoutSecrets(ask: Ask, answer: Answer): { readonly answer: Answer; readonly secret: boolean } {
  if (answer.kind !== 'form') return { answer, secret: false }
  const hidden = new Set((ask.fields ?? []).filter((field) => field.secret).map((field) => field.name))
  const fields = Object.fromEntries(Object.entries(answer.fields).map(([name, value]) => [name, hidden.has(name) ? '(secret)' : value]))
  return { answer: { kind: 'form', fields }, secret: Object.keys(answer.fields).some((name) => hidden.has(name)) }
}

/** It is about the prompt of a turn that is over, which the agent has not taken. */
export const asksAgain = ({ options }: Ask): boolean => options.some(({ again }) => again)

/** What was answered, in words, for lists and transcripts. */
export function answerText(ask: Ask, answer: Answer): string {
  switch (answer.kind) {
    case 'option':
      return ask.options.find((option) => option.id === answer.optionId)?.label ?? answer.optionId
    case 'form':
      return Object.entries(answer.fields)
        .map(([name, value]) => (Object.keys(answer.fields).length === 1 ? String(value) : `${name}: ${String(value)}`))
        .join(', ')
    case 'decline':
      return 'declined'
  }
}

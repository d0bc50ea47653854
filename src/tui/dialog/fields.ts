// The fields of a form while they are filled in: what is written or chosen in each, and whether it fits. Knows nothing of other fields, and nothing of who asked.

import { visibleWidth } from '@earendil-works/pi-tui'
import { isRefusal } from '../../core/errors.ts'
import { type Ask, type Field, type FieldValue, answerFrom, checkAnswer } from '../../core/requests.ts'
import { printableLine } from '../../core/terminal-text.ts'
import { typedCharacter } from '../keymap.ts'
import { LineInput } from '../line-input.ts'
import type { Theme } from '../theme.ts'
import { type Row, indented, painted, span, wrapped } from '../transcript/rows.ts'

/** What stands in a field, as it was written, or the values that are chosen: so that it can be gone on with. */
export type FieldDraft = string | readonly string[]
/** By the names of fields, those that are not as they were at first. */
export type FormDraft = Readonly<Record<string, FieldDraft>>

/** Undefined: it is left out. */
export type Filled = { readonly value: FieldValue | undefined } | { readonly problem: string }

/** One field. A stop is a row of it that the cursor can be on. */
export interface FieldEditor {
  readonly field: Field
  readonly stops: number
  /** What is typed is text. */
  readonly writes: boolean
  /** Whether it took the key. */
  input(data: string, stop: number): boolean
  /** Space, or Enter when it chooses: on this row. */
  toggle(stop: number): void
  /** Enter on this row, before it leads on. */
  settle(stop: number): void
  /** The row that a digit means, if it means one. */
  stopOf(digit: number): number | undefined
  /** `stop`: where the cursor is, if it is in this field. */
  rows(width: number, stop: number | undefined, theme: Theme): readonly { readonly row: string; readonly focused: boolean }[]
  filled(): Filled
  /** Undefined: as it was at first, or a secret, which nobody keeps. */
  draft(): FieldDraft | undefined
}

const oneFieldAsk = (field: Field): Ask => ({ id: '', kind: 'question', title: '', options: [], fields: [field] })

/** `draft`: what stood in it when it was left. */
export function editorOf(field: Field, draft?: FieldDraft): FieldEditor {
  switch (field.type) {
    case 'text':
    case 'number':
    case 'integer':
      return lineEditor(field, draft)
    case 'boolean':
      return choiceEditor(
        field,
        [
          { value: true, label: 'yes' },
          { value: false, label: 'no' },
        ],
        draft,
      )
    case 'choice':
    case 'choices':
      return choiceEditor(field, field.choices ?? [], draft)
  }
}

function lineEditor(field: Field, draft: FieldDraft | undefined): FieldEditor {
  const initial = typeof field.initial === 'string' || typeof field.initial === 'number' ? String(field.initial) : ''
  const line = new LineInput(typeof draft === 'string' && !field.secret ? draft : initial, field.secret)
  const written = (): Filled => {
    const { text } = line
    if (field.type === 'text') return { value: text === '' && (field.required || initial === '') ? undefined : text }
    if (text.trim() === '') return { value: undefined }
    const answer = answerFrom(oneFieldAsk(field), { fields: { [field.name]: text } })
    return isRefusal(answer) ? { problem: answer.message } : { value: answer.kind === 'form' ? answer.fields[field.name] : undefined }
  }
  return {
    field,
    stops: 1,
    writes: true,
    input: (data) => line.input(data),
    toggle: () => {},
    settle: () => {},
    stopOf: () => undefined,
    rows: (width, stop, theme) => [{ row: stop === undefined && line.text === '' ? theme.dim('–') : line.row(width, stop !== undefined), focused: stop !== undefined }],
    filled: () => checked(field, written()),
    draft: () => (field.secret || line.text === initial ? undefined : line.text),
  }
}

function choiceEditor(field: Field, choices: readonly { readonly value: string | boolean; readonly label: string }[], draft: FieldDraft | undefined): FieldEditor {
  const many = field.type === 'choices'
  const isInitial = (value: string | boolean): boolean => (Array.isArray(field.initial) ? field.initial.includes(value) : field.initial === value)
  const values = choices.map(({ value }) => value)
  const initial = values.filter(isInitial)
  const kept = typeof draft === 'object' ? values.filter((value) => draft.includes(String(value))) : undefined
  let chosen: ReadonlySet<string | boolean> = new Set(kept ?? initial)
  let touched = kept !== undefined || initial.length > 0
  const choose = (stop: number, off: boolean): void => {
    const choice = choices[stop]
    if (!choice) return
    touched = true
    const { value } = choice
    if (chosen.has(value)) chosen = off ? new Set([...chosen].filter((one) => one !== value)) : chosen
    else chosen = new Set(many ? [...chosen, value] : [value])
  }
  const mark = (on: boolean): string => (many ? (on ? '[x]' : '[ ]') : on ? '(•)' : '( )')
  const filled = (): Filled => {
    const all = values.filter((value) => chosen.has(value))
    if (many) return { value: touched ? all.map(String) : undefined }
    return { value: all[0] }
  }
  return {
    field,
    stops: Math.max(1, choices.length),
    writes: false,
    input: () => false,
    toggle: (stop) => choose(stop, many || !field.required),
    settle: (stop) => {
      if (!many) choose(stop, false)
    },
    stopOf: (digit) => (digit <= choices.length ? digit - 1 : undefined),
    rows: (width, stop, theme) =>
      choices.length === 0
        ? [{ row: painted([span('there is nothing to choose', theme.dim)], width), focused: stop !== undefined }]
        : choices.flatMap(({ value, label }, index) => {
            const on = chosen.has(value)
            const head: Row = [span(`${mark(on)} `, on ? theme.accent : undefined)]
            const text = wrapped([span(printableLine(label), stop === index ? theme.bold : undefined)], width - visibleWidth(`${mark(on)} `))
            return indented(text, head).map((row) => ({ row: painted(row, width), focused: stop === index }))
          }),
    filled: () => checked(field, filled()),
    draft: () =>
      touched && !(initial.length === chosen.size && initial.every((value) => chosen.has(value))) ? values.filter((value) => chosen.has(value)).map(String) : undefined,
  }
}

function checked(field: Field, filled: Filled): Filled {
  if ('problem' in filled) return filled
  if (filled.value === undefined)
    return field.required ? { problem: field.type === 'text' || field.type === 'number' || field.type === 'integer' ? 'needed' : 'choose one' } : filled
  const refused = checkAnswer(oneFieldAsk(field), { kind: 'form', fields: { [field.name]: filled.value } })
  return refused ? { problem: refused.message } : filled
}

/** The digit that this key types, 1 to 9. */
export function digitOf(data: string): number | undefined {
  const typed = typedCharacter(data)
  return typed !== undefined && /^[1-9]$/.test(typed) ? Number(typed) : undefined
}

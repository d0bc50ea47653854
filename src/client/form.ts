// A question with several fields, answered one line at a time. Pure.

import { type Answer, type Field, type Request, answerFrom } from '../core/requests.ts'
import { isRefusal } from '../core/errors.ts'
import { printableLine } from '../core/terminal-text.ts'

export interface FormInProgress {
  readonly request: Request
  readonly field: Field
  /** The fields that come after this one. */
  readonly left: readonly Field[]
  readonly given: Readonly<Record<string, string>>
}

/** Undefined for a question that is not a form. */
export function beginForm(request: Request): FormInProgress | undefined {
  const [field, ...left] = request.fields ?? []
  return field && { request, field, left, given: {} }
}

export type FieldTaken =
  | { readonly kind: 'next'; readonly form: FormInProgress }
  | { readonly kind: 'done'; readonly answer: Answer }
  | { readonly kind: 'wrong'; readonly message: string }

/** An empty line leaves a field that is not needed as it is. */
export function takeField(form: FormInProgress, text: string): FieldTaken {
  const { request, field, left } = form
  if (text === '' && field.required) return { kind: 'wrong', message: `${labelOf(field)} is needed; /decline answers nothing` }
  const given = text === '' ? form.given : { ...form.given, [field.name]: text }
  const unfit = text === '' ? undefined : answerFrom({ ...request, options: [], fields: [{ ...field, required: true }] }, { fields: { [field.name]: text } })
  if (isRefusal(unfit)) return { kind: 'wrong', message: printableLine(unfit.message) }
  const [next, ...rest] = left
  if (next) return { kind: 'next', form: { request, field: next, left: rest, given } }
  const answer = answerFrom(request, { fields: given })
  return isRefusal(answer) ? { kind: 'wrong', message: printableLine(answer.message) } : { kind: 'done', answer }
}

/** What is to be typed now. */
export function fieldPrompt({ field }: FormInProgress): string {
  const choices = field.choices ? `: ${field.choices.map((choice, index) => `${index + 1} ${choice.label}`).join('   ')}` : field.type === 'boolean' ? ' (yes or no)' : ''
  return printableLine(`${labelOf(field)}${choices}${field.required ? '' : '   (Enter leaves it out)'}`)
}

const labelOf = (field: Field): string => printableLine(field.label || field.name)

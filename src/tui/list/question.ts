// A question of an agent where it is answered with one key: what the digits mean, and the rows that show it. Pure.

import { wrapTextWithAnsi } from '@earendil-works/pi-tui'
import { askOf } from '../../client/answers.ts'
import { printable } from '../../core/terminal-text.ts'
import { type Answer, findOption } from '../../core/requests.ts'
import type { RequestView } from '../../core/view.ts'
import type { Theme } from '../theme.ts'
import { cellPart, cellText } from '../cells.ts'
import { questionText } from './doing.ts'

export interface NumberedAnswer {
  readonly label: string
  readonly answer: Answer
}

/** The one that counts: an open one before those that were lost. */
export const foremostRequest = (requests: readonly RequestView[]): RequestView | undefined => requests.find((one) => !one.lost) ?? requests[0]

/** What the digits from 1 on answer. Empty: it is answered in words, or on a screen of its own. */
export function numberedAnswers({ options, fields }: RequestView): readonly NumberedAnswer[] {
  if (options.length > 0) return options.slice(0, 9).map(({ id, label }) => ({ label, answer: { kind: 'option', optionId: id } }))
  const [field, ...others] = fields
  if (!field || others.length > 0) return []
  const one = (label: string, value: string | boolean): NumberedAnswer => ({ label, answer: { kind: 'form', fields: { [field.name]: value } } })
  if (field.type === 'boolean') return [one('yes', true), one('no', false)]
  return field.type === 'choice' ? (field.choices ?? []).slice(0, 9).map(({ label, value }) => one(label, value)) : []
}

/** Allow once, never more; or reject. */
export function quickAnswer(request: RequestView, word: 'allow' | 'deny'): Answer | undefined {
  const option = findOption(askOf(request), word)
  return option && { kind: 'option', optionId: option.id }
}

/** Whether a line of text answers it, and none of it is a secret. */
export function takesText({ options, fields }: RequestView): boolean {
  const [field, ...others] = fields
  return options.length === 0 && others.length === 0 && (field?.type === 'text' || field?.type === 'number' || field?.type === 'integer') && !field.secret
}

/** How it is answered where the digits do not. */
function otherwise(request: RequestView, hints: { readonly reply: string; readonly open: string }): string {
  if (takesText(request)) return `${hints.reply} answers in your words`
  const { length } = request.fields
  return `${hints.open} opens it${length === 0 ? '' : `: it has ${length === 1 ? 'a field that is' : `${length} fields that are`} not filled in here`}`
}

/** All of it, as many rows as that takes. */
export function questionRows(request: RequestView, others: number, columns: number, theme: Theme, hints: { readonly reply: string; readonly open: string }): readonly string[] {
  const inner = Math.max(8, columns - 4)
  const indented = (text: string): readonly string[] => wrapTextWithAnsi(text, inner).map((row) => `   ${row}`)
  const more = others > 0 ? theme.dim(`   and ${others} more behind it`) : ''
  const [first = '', ...rest] = indented(theme.bold(cellText(questionText({ ...request, lost: false }))) + more)
  const mark = theme.status('waiting', request.kind === 'auth' || request.kind === 'error' ? '▲' : '◆')
  const title = [` ${mark} ${first.slice(3)}`, ...rest]
  const detail = request.detail === null || request.detail.trim() === '' ? [] : indented(printable(request.detail).replaceAll('\t', '  ').trimEnd())
  const lost = request.lost ? indented(theme.warning('lost: its process is gone; an answer starts the agent again and is told to it')) : []
  const answers = numberedAnswers(request)
  const keys = answers.map(({ label }, index) => `${theme.accent(String(index + 1))} ${cellPart(label).trim()}`)
  return [...title, ...detail, ...lost, ...(answers.length > 0 ? inRows(keys, answers, inner) : indented(theme.dim(otherwise(request, hints))))]
}

/** Next to each other as far as there is room. */
function inRows(keys: readonly string[], answers: readonly NumberedAnswer[], inner: number): readonly string[] {
  const whole = `   ${keys.join('   ')}`
  const rows = wrapTextWithAnsi(keys.map((key) => key.replaceAll(' ', '\u00a0')).join('   '), inner)
  if (rows.length === 1) return [whole]
  return answers.length > 4 ? keys.flatMap((key) => wrapTextWithAnsi(key, inner).map((row) => `   ${row}`)) : rows.map((row) => `   ${row.replaceAll('\u00a0', ' ').trimStart()}`)
}

// What can be gone to and chosen in a dialog, in its order: the fields of a form, the agent's options, and what Offstage adds. Pure.

import { askOf } from '../../client/answers.ts'
import { type Option, checkAnswer } from '../../core/requests.ts'
import { printableLine } from '../../core/terminal-text.ts'
import type { RequestView } from '../../core/view.ts'
import type { Theme } from '../theme.ts'
import { type Row, span } from '../transcript/rows.ts'
import { type FieldEditor, type FormDraft, editorOf } from './fields.ts'

export type Item =
  | { readonly kind: 'field'; readonly editor: FieldEditor }
  | { readonly kind: 'option'; readonly option: Option }
  | { readonly kind: 'reason'; readonly option: Option }
  | { readonly kind: 'send' }
  | { readonly kind: 'decline' }

export const stopsOf = (item: Item | undefined): number => (item?.kind === 'field' ? item.editor.stops : 1)

/** Where Enter does the least harm. */
export const isCautious = (item: Item): boolean => item.kind === 'field' || (item.kind === 'option' && item.option.scope !== 'always')

/** One that holds once before one that holds for ever. */
export const rejectOf = (options: readonly Option[]): Option | undefined =>
  options.find((option) => option.kind === 'reject' && option.scope !== 'always') ?? options.find((option) => option.kind === 'reject')

/** An agent that asks for the reason itself hears it in the same turn. */
export const reasonAskedBy = (options: readonly Option[]): Option | undefined => options.find(({ kind, label }) => kind === 'reject' && /\bsay why\b/i.test(label))

/** `draft`: what was filled in before. */
export function itemsOf(request: RequestView, draft: FormDraft = {}): readonly Item[] {
  const { options, fields } = request
  const [field, ...others] = fields
  // A single choice comes with its choices as options.
  const asOptions = options.length > 0 && others.length === 0 && (field?.type === 'choice' || field?.type === 'boolean')
  const form: readonly Item[] =
    field === undefined || asOptions
      ? []
      : [...fields.map((one): Item => ({ kind: 'field', editor: editorOf(one, Object.hasOwn(draft, one.name) ? draft[one.name] : undefined) })), { kind: 'send' }]
  const reject = rejectOf(options)
  const declinable = !reject && checkAnswer(askOf(request), { kind: 'decline' }) === undefined
  return [
    ...form,
    ...options.map((option): Item => ({ kind: 'option', option })),
    ...(reject && request.kind === 'permission' && !reasonAskedBy(options) ? [{ kind: 'reason' as const, option: reject }] : []),
    ...(declinable ? [{ kind: 'decline' as const }] : []),
  ]
}

export function labelOf(item: Exclude<Item, { kind: 'field' }>, theme: Theme): Row {
  switch (item.kind) {
    case 'option': {
      const { label, scope, id } = item.option
      return [span(printableLine(label) || printableLine(id)), ...(scope === 'always' ? [span('   holds from now on', theme.warning)] : [])]
    }
    case 'reason':
      return [span('reject and say why')]
    case 'send':
      return [span('answer')]
    case 'decline':
      return [span('decline to answer')]
  }
}

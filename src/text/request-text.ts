// A question or permission as text: its title, and what may be answered, numbered.

import type { Request } from '../core/requests.ts'
import { printable, printableLine } from '../core/terminal-text.ts'
import type { Paint } from './format.ts'

type Shown = Pick<Request, 'title' | 'kind' | 'options'> & { readonly fields?: Request['fields']; readonly detail?: string | null }

/** `1 allow once   2 always   3 reject`, or what the fields are. */
export function choicesText(request: Shown): string {
  if (request.options.length > 0) return request.options.map((option, index) => `${index + 1} ${printableLine(option.label)}`).join('   ')
  const fields = request.fields ?? []
  const [only] = fields
  if (fields.length === 1 && only)
    return only.choices
      ? only.choices.map((choice, index) => `${index + 1} ${printableLine(choice.label)}`).join('   ')
      : only.type === 'boolean'
        ? 'yes or no'
        : 'type your answer'
  return fields.map((field) => `${printableLine(field.name)}${field.required ? '' : ' (optional)'}`).join(', ')
}

const closings: Readonly<Record<string, string>> = {
  withdrawn: 'withdrawn by the agent',
  cancelled: 'cancelled by an interrupt or a stop',
  superseded: 'the session went on without an answer',
  'answered-in-prompt': 'answered in a prompt',
  lost: 'lost with its process',
}

/** How a question was closed that has no answer, by the state of its line or the reason of its fact. */
export const closedText = (because: string): string => (Object.hasOwn(closings, because) ? (closings[because] ?? because) : printableLine(because))

export const questionText = ({ title }: Pick<Shown, 'title'>): string => `${printableLine(title)}${/[?？]\s*$/.test(title) ? '' : ' ?'}`

/** What it is about, in rows. */
export function detailLines({ detail }: Pick<Shown, 'detail'>, most = Infinity): readonly string[] {
  const lines = detail ? printable(detail).trimEnd().split('\n') : []
  const cutOff = lines.length > most ? [`… ${lines.length - most} more lines`] : []
  return [...lines.slice(0, most), ...cutOff].map((line) => `     ${line}`)
}

/** The block in a conversation or a log; without a trailing line break. */
export function requestText(request: Shown, paint: Paint, most = 12): string {
  return [`   ${paint.status('waiting', '◆')} ${paint.bold(questionText(request))}`, ...detailLines(request, most), `     ${choicesText(request)}`].join('\n')
}

// The words of a command line as an answer: a choice, `--field NAME=VALUE`, or `--decline`.

import type { Words } from '../core/requests.ts'
import { usageError } from '../client/failures.ts'
import type { OptionSpec } from './verb.ts'

export const answerOptions: Readonly<Record<string, OptionSpec>> = {
  field: { type: 'string', multiple: true, value: 'K=V', help: 'the value of one field of a form' },
  decline: { type: 'boolean', help: 'say that you do not want to answer' },
}

export function wordsFrom(choice: string | undefined, fields: readonly string[], decline: boolean): Words {
  const given = Object.fromEntries(
    fields.map((pair) => {
      const at = pair.indexOf('=')
      if (at <= 0) throw usageError('--field takes NAME=VALUE', 'for example: --field tone=formal')
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
  const ways = [choice !== undefined, fields.length > 0, decline].filter(Boolean).length
  if (ways === 0) throw usageError('what is the answer?', 'give a choice, --field NAME=VALUE, or --decline')
  if (decline && ways > 1) throw usageError('--decline stands alone', 'leave out the other answer')
  return { ...(choice === undefined ? {} : { choice }), ...(fields.length === 0 ? {} : { fields: given }), ...(decline ? { decline } : {}) }
}

// A person's words as the answer to a question that is listed.

import { isRefusal } from '../core/errors.ts'
import { type Answer, type Ask, type Words, answerFrom } from '../core/requests.ts'
import type { RequestView } from '../core/view.ts'
import { failureOf } from './failures.ts'

export const askOf = ({ detail, ...request }: RequestView): Ask => ({ ...request, ...(detail === null ? {} : { detail }) })

/** Throws CommandFailed when it is no answer to this question. */
export function answerTo(request: RequestView, words: Words): Answer {
  const answer = answerFrom(askOf(request), words)
  if (isRefusal(answer)) throw failureOf(answer)
  return answer
}

// A person's words as the answer to a question that is listed.

import { isRefusal } from '../core/errors.ts'
import { type Answer, type Ask, type Words, answerFrom } from '../core/requests.ts'
import type { RequestView, SessionView } from '../core/view.ts'
import { failureOf } from './failures.ts'
import type { Environment, Order } from './submit.ts'

export const askOf = ({ detail, ...request }: RequestView): Ask => ({ ...request, ...(detail === null ? {} : { detail }) })

/** Throws CommandFailed when it is no answer to this question. */
export function answerTo(request: RequestView, words: Words): Answer {
  const answer = answerFrom(askOf(request), words)
  if (isRefusal(answer)) throw failureOf(answer)
  return answer
}

/** Where no program of the session runs, one may begin by this answer, or a set-up: with the environment of whoever gives it, where its own is gone. */
export async function answerOrder({ id, run }: SessionView, requestId: string, answer: Answer, environment: () => Promise<Environment>): Promise<Order> {
  return { session: id, command: { type: 'answer', requestId, answer }, ...(run?.alive ? {} : { environment: await environment() }) }
}

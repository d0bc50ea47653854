// `/resume`: the command that starts an agent again, with the answer to the question that its process died with if one is given. Pure.

import { isRefusal } from '../core/errors.ts'
import type { Command } from '../core/inputs.ts'
import { type Request, answerFrom } from '../core/requests.ts'
import { failureOf, refusedError } from './failures.ts'

/** Throws CommandFailed. */
export function resumeCommand(session: string, requests: readonly Request[], choice: string | undefined): Command {
  if (choice === undefined) return { type: 'resume' }
  const [lost, ...others] = requests.filter((request) => request.lost)
  if (!lost) throw refusedError('not-asked', 'no question was lost with its process', '/resume starts it without an answer')
  if (others.length > 0)
    throw refusedError('ambiguous', `${others.length + 1} questions were lost with its process`, `offstage resume ${session} --request ID --answer … answers one of them`)
  const answer = answerFrom(lost, { choice })
  if (isRefusal(answer)) throw failureOf(answer)
  return { type: 'resume', answer: { requestId: lost.id, answer } }
}

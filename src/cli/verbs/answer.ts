// `offstage answer`: answers a request by its id, or the only open one of a session.

import { answerText, withoutSecrets } from '../../core/requests.ts'
import { printableLine } from '../../core/terminal-text.ts'
import { answerOrder, answerTo, askOf } from '../../client/answers.ts'
import { answerOptions, wordsFrom } from '../answering.ts'
import { exitCodes } from '../../client/failures.ts'
import { findRequest } from '../../client/find.ts'
import { environmentFor } from '../../client/launch.ts'
import { nameOf } from '../../text/format.ts'
import { printResult } from '../result.ts'
import { submit } from '../../client/submit.ts'
import { type Args, type Context, type Verb, flag, jsonOption, texts, word } from '../verb.ts'

async function run(context: Context, args: Args): Promise<number> {
  const choice = args.words.length > 1 ? args.words.slice(1).join(' ') : undefined
  const words = wordsFrom(choice, texts(args, 'field'), flag(args, 'decline'))
  const client = await context.client()
  const { session: asking, request } = await findRequest(client, word(args), context.signal)
  const answer = answerTo(request, words)
  const order = await answerOrder(asking, request.id, answer, () => environmentFor(context.env, asking.agent, asking.cwd))
  const { session } = await submit(client, order, context.signal)
  const ask = askOf(request)
  printResult(context, session, `answered ${request.id} of ${nameOf(session)}  ${printableLine(request.title)}: ${answerText(ask, withoutSecrets(ask, answer).answer)}`)
  return exitCodes.done
}

const verb: Verb = {
  name: 'answer',
  aliases: [],
  summary: 'answer a question or a permission',
  usage: ['answer ID CHOICE', 'answer ID --field NAME=VALUE...', 'answer ID --decline'],
  about: [
    'ID is a request of "offstage requests", or a session that has one open. CHOICE is the number, id or name of an option; "allow" is its first one-time yes, "deny" its first no; or the text of an answer.',
    'A question is answered once: the second answer is refused.',
  ],
  options: { ...answerOptions, json: { ...jsonOption, help: 'print the session object' } },
  words: { min: 1, max: Infinity, name: 'an ID and a choice' },
  examples: ['offstage answer k3f9 allow', 'offstage answer q7m2 2', 'offstage answer docs-pass formal'],
  run,
}

export default verb

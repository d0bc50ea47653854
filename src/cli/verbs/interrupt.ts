// `offstage interrupt`: cancels the turn; the agent stays and waits for the next prompt.

import { nameOf } from '../../text/format.ts'
import { exitCodes } from '../../client/failures.ts'
import { findSession } from '../../client/find.ts'
import { submit } from '../../client/submit.ts'
import { type Args, type Context, type Verb, jsonOption, word } from '../verb.ts'
import { printResult } from '../result.ts'

async function run(context: Context, args: Args): Promise<number> {
  const client = await context.client()
  const found = await findSession(client, word(args), context.signal)
  const { session } = await submit(client, { session: found.id, command: { type: 'interrupt' } }, context.signal)
  printResult(context, session, `interrupted ${session.id}  ${nameOf(session)}`)
  return exitCodes.done
}

const verb: Verb = {
  name: 'interrupt',
  aliases: [],
  summary: 'cancel what the agent does now',
  usage: ['interrupt ID'],
  about: ['The session stays, and its agent too: send it what to do instead. A terminal gets Ctrl-C.'],
  options: { json: { ...jsonOption, help: 'print the session object' } },
  words: { min: 1, max: 1, name: 'an ID' },
  examples: ['offstage interrupt k3f9'],
  run,
}

export default verb

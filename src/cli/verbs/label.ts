// `offstage label`: names a session, or takes its name away.

import { exitCodes } from '../../client/failures.ts'
import { findSession } from '../../client/find.ts'
import { printResult } from '../result.ts'
import { submit } from '../../client/submit.ts'
import { type Args, type Context, type Verb, jsonOption, word } from '../verb.ts'

async function run(context: Context, args: Args): Promise<number> {
  const client = await context.client()
  const found = await findSession(client, word(args), context.signal)
  const label = args.words.slice(1).join(' ').trim()
  const { session } = await submit(client, { session: found.id, command: { type: 'label', label } }, context.signal)
  printResult(context, session, label === '' ? `${session.id} has no label now` : `${session.id} is labelled ${label}`)
  return exitCodes.done
}

const verb: Verb = {
  name: 'label',
  aliases: [],
  summary: 'name a session',
  usage: ['label ID TEXT', 'label ID ""'],
  about: ['An empty text removes the label.'],
  options: { json: { ...jsonOption, help: 'print the session object' } },
  words: { min: 2, max: Infinity, name: 'an ID and a text' },
  examples: ['offstage label k3f9 backend-api'],
  run,
}

export default verb

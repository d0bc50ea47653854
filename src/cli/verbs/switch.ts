// `offstage switch`: a session in the foreground, from what was not seen yet.

import { findSession } from '../../client/find.ts'
import { openSession } from '../foreground.ts'
import { jsonText } from '../../text/format.ts'
import { type Args, type Context, type Verb, flag, jsonOption, word } from '../verb.ts'

async function run(context: Context, args: Args): Promise<number> {
  const client = await context.client()
  const session = await findSession(client, word(args), context.signal)
  const readOnly = flag(args, 'read-only')
  const exitCode = await openSession(context, client, session, { from: 'unseen', reads: !context.json && !readOnly, readOnly })
  if (context.json) context.out(`${jsonText((await client.get(session.id, context.signal))?.session ?? session)}\n`)
  return exitCode
}

const verb: Verb = {
  name: 'switch',
  aliases: ['attach'],
  summary: 'bring a session to the foreground',
  usage: ['switch ID'],
  about: [
    'An agent: its conversation on the whole screen, with a mark before what you have not seen; F1 lists all keys, /bg or Ctrl-D leave it running.',
    'A terminal: its own screen, with a line below it. Ctrl-\\ then d leaves it running, s leaves it and lists the others, h hides the line, ? shows these keys; another prefix key is set by prefix_key in config.toml.',
    'Without a terminal: what was said, then live, in lines; lines of standard input are prompts and answers.',
  ],
  options: {
    'read-only': { type: 'boolean', help: 'only look: what is typed does not reach the program, and its size stays' },
    json: { ...jsonOption, help: 'wait until it is at rest and print the session object' },
  },
  words: { min: 1, max: 1, name: 'an ID' },
  examples: ['offstage switch k3f9', 'offstage switch backend-api', 'offstage switch --read-only k3f9'],
  run,
}

export default verb

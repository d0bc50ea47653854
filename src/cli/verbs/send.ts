// `offstage send`: a prompt for an agent, keystrokes for a terminal.

import { exitCodes, failureOf, usageError } from '../../client/failures.ts'
import { findSession } from '../../client/find.ts'
import { count, nameOf } from '../../text/format.ts'
import { environmentFor } from '../../client/launch.ts'
import { readAll } from '../launch.ts'
import { printResult } from '../result.ts'
import { submit } from '../../client/submit.ts'
import { type Args, type Context, type Verb, flag, jsonOption, word } from '../verb.ts'

async function run(context: Context, args: Args): Promise<number> {
  const given = args.words.slice(1)
  const text = given.length === 1 && given[0] === '-' ? await readAll(context.stdin) : given.join(' ')
  const client = await context.client()
  const found = await findSession(client, word(args), context.signal)
  if (found.kind === 'terminal') {
    const bytes = new TextEncoder().encode((await import('../terminal-text.ts')).typed(found, text, flag(args, 'enter')))
    if (bytes.length === 0) throw usageError('there is nothing to send', 'for example: offstage send ID "yes" --enter')
    const refused = await client.write(found.id, bytes, context.signal)
    if (refused) throw failureOf(refused)
    printResult(context, found, `sent ${count(bytes.length, 'byte')} to ${found.id}  ${nameOf(found)}`)
    return exitCodes.done
  }
  if (text.trim() === '') throw usageError('the prompt is empty', 'for example: offstage send ID "and add a test for it"')
  const environment = await environmentFor(context.env, found.agent, found.cwd)
  const { session } = await submit(client, { session: found.id, command: { type: 'prompt', text: text.trim() }, environment }, context.signal)
  printResult(context, session, `${session.queued > 0 ? `queued (${session.queued})` : 'sent'} to ${session.id}  ${nameOf(session)}`)
  return exitCodes.done
}

const verb: Verb = {
  name: 'send',
  aliases: [],
  summary: 'send a prompt, or keystrokes to a terminal',
  usage: ['send ID "TEXT"'],
  about: ['An agent that is at work gets it when its turn is over. "-" reads the text from standard input.'],
  options: { enter: { type: 'boolean', short: 'e', help: 'press Enter after it (terminals)' }, json: { ...jsonOption, help: 'print the session object' } },
  words: { min: 2, max: Infinity, name: 'an ID and a text' },
  examples: ['offstage send k3f9 "use the other endpoint"', 'offstage send bash1 "npm test" --enter'],
  run,
}

export default verb

// `offstage restore`: brings a removed or archived session back into the list.

import { match } from '../../core/ids.ts'
import type { SessionView } from '../../core/view.ts'
import { exitCodes } from '../../client/failures.ts'
import { allSessions, ambiguous, unknownSession } from '../../client/find.ts'
import { nameOf } from '../../text/format.ts'
import { printResult } from '../result.ts'
import { submit } from '../../client/submit.ts'
import { type Args, type Context, type Verb, jsonOption, word } from '../verb.ts'

async function run(context: Context, args: Args): Promise<number> {
  const client = await context.client()
  const found = pick(await allSessions(client, context.signal), word(args))
  const { session } = await submit(client, { session: found.id, command: { type: 'restore' } }, context.signal)
  printResult(context, session, `restored ${session.id}  ${nameOf(session)}`)
  return exitCodes.done
}

/** Those that can be restored are meant first; one that is in the list already is refused by name. */
function pick(all: readonly SessionView[], typed: string): SessionView {
  const away = all.filter((session) => session.removed || session.archived)
  for (const matched of [match(away, typed), match(all, typed)]) {
    if (matched.kind === 'one') return matched.found
    if (matched.kind === 'several') throw ambiguous(typed, matched.candidates)
  }
  throw unknownSession(typed, away)
}

const verb: Verb = {
  name: 'restore',
  aliases: [],
  summary: 'bring a removed or archived session back',
  usage: ['restore ID'],
  options: { json: { ...jsonOption, help: 'print the session object' } },
  words: { min: 1, max: 1, name: 'an ID' },
  examples: ['offstage sessions --all', 'offstage restore k3f9'],
  run,
}

export default verb

// `offstage check`: runs the checks of a session now, in its tree, and says what they came to.

import { exitCodes } from '../../client/failures.ts'
import { environmentFor } from '../../client/launch.ts'
import { runChecks } from '../../client/checking.ts'
import { findSession } from '../../client/find.ts'
import { checkRows } from '../../text/checks-text.ts'
import { jsonText, painter } from '../../text/format.ts'
import { printableLine } from '../../core/terminal-text.ts'
import { failedChecks } from '../../core/tree.ts'
import { type Args, type Context, type Verb, jsonOption, word } from '../verb.ts'

async function run(context: Context, args: Args): Promise<number> {
  const client = await context.client()
  const { id, agent, cwd } = await findSession(client, word(args), context.signal)
  const environment = await environmentFor(context.env, agent, cwd)
  const results = await runChecks(client, id, (command) => context.err(`   ${printableLine(command)} …\n`), environment, context.signal)
  context.out(
    context.json
      ? `${jsonText({ session: id, results })}\n`
      : checkRows(results, painter(context.color))
          .map((row) => `${row}\n`)
          .join(''),
  )
  return failedChecks(results).length === 0 ? exitCodes.done : exitCodes.failed
}

const verb: Verb = {
  name: 'check',
  aliases: [],
  summary: 'run the checks of a session now',
  usage: ['check ID'],
  about: [
    'Those that were given when it was started, or that its project names in .offstage.toml. Offstage runs them itself whenever a turn has ended as done. Exits with 1 if one fails.',
  ],
  options: { json: { ...jsonOption, help: 'print the results, one JSON object' } },
  words: { min: 1, max: 1, name: 'an ID' },
  examples: ['offstage check k3f9'],
  run,
}

export default verb

// `offstage agents`: which agents can be used here, the user's own first.

import { agentLines, agentsHere } from '../../client/agents.ts'
import { exitCodes } from '../../client/failures.ts'
import { jsonText, painter, tabbed } from '../../text/format.ts'
import { type Context, type Verb, jsonOption } from '../verb.ts'

async function run(context: Context): Promise<number> {
  const here = await agentsHere(context.env, context.cwd)
  const { agents } = here
  if (context.json) context.out(`${jsonText(agents, 2)}\n`)
  else if (!context.stdout.isTTY) {
    context.out(
      agents.map((one) => `${tabbed([one.name, one.installed ? 'installed' : 'missing', one.protocol, one.default ? 'default' : '', one.command, one.install ?? ''])}\n`).join(''),
    )
  } else context.out(`${agentLines(here, painter(context.color)).join('\n')}\n`)
  return exitCodes.done
}

const verb: Verb = {
  name: 'agents',
  aliases: [],
  summary: 'list the agents that can be used',
  usage: ['agents'],
  about: ['Into a pipe it prints one line each, tab-separated: name, installed or missing, protocol, default, command, how to install it.'],
  options: { json: { ...jsonOption, help: 'print one JSON array' } },
  words: { min: 0, max: 0, name: '' },
  examples: ['offstage agents'],
  run,
}

export default verb

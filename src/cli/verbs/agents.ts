// `offstage agents`: which agents can be used here, the user's own first.

import { exitCodes } from '../../client/failures.ts'
import { jsonText, padded, painter, tabbed } from '../../text/format.ts'
import { type Context, type Verb, jsonOption } from '../verb.ts'
import { printableLine } from '../../core/terminal-text.ts'

async function run(context: Context): Promise<number> {
  const [{ pathsFrom }, { loadConfig }, { listAgents }] = await Promise.all([import('../../config/paths.ts'), import('../../config/config.ts'), import('../../config/agents.ts')])
  const { configFile } = pathsFrom(context.env, process.getuid?.() ?? 0)
  const agents = listAgents(await loadConfig({ configFile, cwd: context.cwd }), { PATH: context.env['PATH'] })
  if (context.json) context.out(`${jsonText(agents, 2)}\n`)
  else if (!context.stdout.isTTY) {
    context.out(
      agents.map((one) => `${tabbed([one.name, one.installed ? 'installed' : 'missing', one.protocol, one.default ? 'default' : '', one.command, one.install ?? ''])}\n`).join(''),
    )
  } else {
    const paint = painter(context.color)
    const names = agents.map((one) => printableLine(one.name))
    const width = Math.max(...names.map((name) => name.length)) + 2
    const lines = agents.map((one, index) => {
      const how = one.installed
        ? `${printableLine(one.command)}${one.default ? paint.dim('   the default') : ''}`
        : paint.dim(one.install ?? `missing: ${printableLine(one.command)}`)
      return ` ${one.installed ? paint.status('completed', '✓') : paint.dim('·')} ${padded(names[index] ?? '', width)}${how}\n`
    })
    context.out(
      `${lines.join('')}\n any other agent that speaks ACP:   --agent "acp:COMMAND LINE"\n your own by name:                  [agents.NAME] in ${printableLine(configFile)}\n`,
    )
  }
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

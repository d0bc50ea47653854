// The agents that can be used here, as lines for a person: the user's own first.

import type { AgentListing } from '../config/agents.ts'
import { printableLine } from '../core/terminal-text.ts'
import { type Paint, padded } from '../text/format.ts'
import { ownConfig } from './own-config.ts'

type Variables = Readonly<Record<string, string | undefined>>

export interface AgentsHere {
  readonly agents: readonly AgentListing[]
  readonly configFile: string
}

/** Throws ConfigInvalid. */
export async function agentsHere(env: Variables, cwd: string): Promise<AgentsHere> {
  const [{ listAgents }, { config, configFile }] = await Promise.all([import('../config/agents.ts'), ownConfig(env, cwd)])
  return { agents: listAgents(config, { PATH: env['PATH'] }), configFile }
}

export function agentLines({ agents, configFile }: AgentsHere, paint: Pick<Paint, 'dim' | 'status'>): readonly string[] {
  const names = agents.map((one) => printableLine(one.name))
  const width = Math.max(...names.map((name) => name.length)) + 2
  const lines = agents.map((one, index) => {
    const how = one.installed
      ? `${printableLine(one.command)}${one.default ? paint.dim('   the default') : ''}`
      : paint.dim(one.install ?? `missing: ${printableLine(one.command)}`)
    return ` ${one.installed ? paint.status('completed', '✓') : paint.dim('·')} ${padded(names[index] ?? '', width)}${how}`
  })
  return [...lines, '', ' any other agent that speaks ACP:   --agent "acp:COMMAND LINE"', ` your own by name:                  [agents.NAME] in ${printableLine(configFile)}`]
}

// The agents that can be used here, as lines for a person: the user's own first.

import type { AgentListing, AgentWay } from '../config/agents.ts'
import type { Config } from '../config/config.ts'
import { printableLine } from '../core/terminal-text.ts'
import { type Paint, padded } from '../text/format.ts'
import { ownConfig } from './own-config.ts'

type Variables = Readonly<Record<string, string | undefined>>

export interface AgentsHere {
  readonly agents: readonly AgentListing[]
  readonly configFile: string
}

/** What the program of a way says of its version, where it was asked. */
export type KnownVersion = (way: AgentWay) => { readonly version: string; readonly tooOld: boolean } | undefined

/** Throws ConfigInvalid. */
export async function agentsHere(env: Variables, cwd: string): Promise<AgentsHere> {
  const [{ listChosenAgents }, { config, configFile }] = await Promise.all([import('../config/agents.ts'), ownConfig(env, cwd)])
  return { agents: await listChosenAgents(config, env, () => hasLocalModel(config)), configFile }
}

/** Loaded only where it is needed. */
export async function hasLocalModel({ models }: Pick<Config, 'models'>): Promise<boolean> {
  const servers = await import('../config/local-servers.ts')
  return await servers.hasLocalModel(models, AbortSignal.timeout(1000))
}

/** What there is to do before it can be used, or used well. One line each. */
export function adviceFor({ ways, loggedIn, login, installed, asksNothing }: AgentListing, versionOf: KnownVersion): readonly string[] {
  if (!installed) return []
  const old = ways.flatMap((way) => {
    const known = versionOf(way)
    return known?.tooOld ? [`${way.argv[0]} ${known.version} is too old, ${way.leastVersion} is needed: ${way.install}`] : []
  })
  const [taken] = ways
  const acp = ways.find(({ protocol }) => protocol === 'acp')
  const better = taken?.protocol === 'terminal' && acp?.installed === false && acp.install !== null ? [`with the adapter it is a conversation, not a terminal: ${acp.install}`] : []
  return [
    ...old,
    ...(loggedIn === false && login !== null ? [`it does not seem to be logged in: ${login}`] : []),
    ...better,
    ...(asksNothing ? ['it asks nothing: whatever it is told, it does'] : []),
  ]
}

export function agentLines({ agents, configFile }: AgentsHere, paint: Pick<Paint, 'dim' | 'status'>, versionOf: KnownVersion = () => undefined): readonly string[] {
  const names = agents.map((one) => printableLine(one.name))
  const width = Math.max(...names.map((name) => name.length)) + 2
  const lines = agents.flatMap((one, index) => {
    const [taken] = one.ways
    const other = one.ways.find((way) => way !== taken && way.installed)
    const parts = [
      printableLine(one.command),
      taken && printableLine(versionOf(taken)?.version ?? ''),
      one.loggedIn ? 'logged in' : '',
      other && (other.protocol === 'terminal' ? 'or --terminal' : ''),
      one.default ? 'the default' : '',
    ].filter((part) => part)
    const how = one.installed ? [parts[0], ...parts.slice(1).map((part) => paint.dim(part ?? ''))].join('   ') : paint.dim(printableLine(one.install ?? `missing: ${one.command}`))
    const advice = adviceFor(one, versionOf).map((line) => `   ${padded('', width)}${paint.dim(printableLine(line))}`)
    return [` ${one.installed ? paint.status('completed', '✓') : paint.dim('·')} ${padded(names[index] ?? '', width)}${how}`, ...advice]
  })
  return [...lines, '', ' any other agent that speaks ACP:   --agent "acp:COMMAND LINE"', ` your own by name:                  [agents.NAME] in ${printableLine(configFile)}`]
}

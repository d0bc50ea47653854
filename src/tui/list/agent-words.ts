// An agent in the words of the dispatch line: what is said beside its name, and what is in the way of starting it. Pure.

import type { AgentListing } from '../../config/agents.ts'
import { printableLine } from '../../core/terminal-text.ts'
import { agentLabel } from '../../text/format.ts'
import type { AgentChoice } from '../completions.ts'

type Known = Pick<AgentListing, 'name' | 'title' | 'installed' | 'default' | 'loggedIn'>

/** What is wrong with it, in two words. */
const fault = ({ installed, loggedIn }: Known): string | undefined => (!installed ? 'not installed' : loggedIn === false ? 'not logged in' : undefined)

export function agentText(agent: Known): string {
  const wrong = fault(agent)
  return `${agentLabel(agent.name)}${wrong === undefined ? '' : ` (${wrong})`}`
}

export function agentChoice(agent: Known): AgentChoice {
  const title = agent.title === agent.name ? 'agent' : agent.title
  return { name: agent.name, about: fault(agent) ?? (agent.default ? `${title}, the default` : title), installed: agent.installed }
}

/** Why it will not work, and what to do. `name`: the one that was asked for; without it, the one that is taken then. */
export function agentTrouble(agents: readonly AgentListing[], name: string | undefined): string | undefined {
  const agent = name === undefined ? agents.find((one) => one.default) : agents.find((one) => one.name === name)
  if (!agent) {
    const install = agents.find((one) => one.install !== null)?.install
    if (name !== undefined) return `no agent is called ${printableLine(name)}; Tab behind @ lists them`
    return `no agent is installed, and no model is set${install ? `: ${printableLine(install)}` : ''}; offstage agents says more`
  }
  const called = printableLine(agent.name)
  if (!agent.installed) return `${called} is not installed: ${printableLine(agent.install ?? `there is no program ${agent.command}`)}`
  return agent.loggedIn === false ? `${called} does not seem to be logged in${agent.login === null ? '' : `: ${printableLine(agent.login)}`}` : undefined
}

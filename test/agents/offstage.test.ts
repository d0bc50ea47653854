import { agentContract } from './contract.ts'
import { ownAgentOver } from './own-agent.ts'

const apis = ['openai-completions', 'openai-responses', 'anthropic', 'google'] as const

for (const api of apis) agentContract(ownAgentOver(api), `offstage over ${api}`)

// The catalogue: agents that speak ACP, by the names that people use for them.

export interface KnownAgent {
  readonly argv: readonly [string, ...string[]]
  readonly npm: string
}

// Commands as their own documentation gives them, each run against the ACP driver. The order is the order of choice.
export const knownAgents: Readonly<Record<string, KnownAgent>> = {
  claude: { argv: ['claude-agent-acp'], npm: '@agentclientprotocol/claude-agent-acp' },
  codex: { argv: ['codex-acp'], npm: '@agentclientprotocol/codex-acp' },
  gemini: { argv: ['gemini', '--acp'], npm: '@google/gemini-cli' },
  opencode: { argv: ['opencode', 'acp'], npm: 'opencode-ai' },
  qwen: { argv: ['qwen', '--acp'], npm: '@qwen-code/qwen-code' },
  copilot: { argv: ['copilot', '--acp'], npm: '@github/copilot' },
  cline: { argv: ['cline', '--acp'], npm: 'cline' },
  kilo: { argv: ['kilo', 'acp'], npm: '@kilocode/cli' },
  pi: { argv: ['pi-acp'], npm: 'pi-acp' },
}

// Claude Code. Over ACP by an adapter that brings a Claude Code of its own and shares the login.

import type { CatalogueAgent } from './agent.ts'
import { claudeDialogs, claudeStateFiles } from './dialogs/claude.ts'
import { claudeHooks } from './hooks.ts'

export const claude: CatalogueAgent = {
  name: 'claude',
  title: 'Claude Code',
  // In `auto`, which newer ones begin with, a model answers what the user is to be asked.
  acp: { command: ['claude-agent-acp'], install: 'npm i -g @agentclientprotocol/claude-agent-acp', mode: 'default' },
  terminal: {
    command: ['claude'],
    install: 'npm i -g @anthropic-ai/claude-code',
    leastVersion: '2.0',
    mode: 'default',
    arguments: { prompt: ['--', '{prompt}'], model: ['--model', '{model}'], mode: ['--permission-mode', '{mode}'], session: ['--session-id', '{session}'] },
    resume: ['--resume', '{session}'],
    dialogs: claudeDialogs,
    stateFiles: claudeStateFiles,
    hooks: claudeHooks,
  },
  login: {
    how: 'run claude and log in there, or set ANTHROPIC_API_KEY',
    variables: ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN', 'CLAUDE_CODE_USE_BEDROCK', 'CLAUDE_CODE_USE_VERTEX', 'CLAUDE_CODE_USE_FOUNDRY'],
    files: [
      { path: '.claude/.credentials.json' },
      { path: '$CLAUDE_CONFIG_DIR|.credentials.json' },
      { path: '.claude/settings.json', holds: ['apiKeyHelper', 'ANTHROPIC_', 'CLAUDE_CODE_USE_'] },
      { path: '$CLAUDE_CONFIG_DIR|settings.json', holds: ['apiKeyHelper', 'ANTHROPIC_', 'CLAUDE_CODE_USE_'] },
    ],
    complete: true,
  },
}

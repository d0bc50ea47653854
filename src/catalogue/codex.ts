// Codex. Over ACP by an adapter that brings a Codex of its own and shares its home.

import type { CatalogueAgent } from './agent.ts'
import { codexDialogs } from './dialogs/codex.ts'

export const codex: CatalogueAgent = {
  name: 'codex',
  title: 'Codex',
  // In `agent`, its default, a model answers what the user is to be asked. Adapters below 1.0 have other modes.
  acp: { command: ['codex-acp'], install: 'npm i -g @agentclientprotocol/codex-acp', leastVersion: '1.0', mode: 'workspace-write' },
  terminal: {
    command: ['codex', '--ask-for-approval', 'on-request'],
    install: 'npm i -g @openai/codex',
    mode: 'workspace-write',
    arguments: { prompt: ['--', '{prompt}'], model: ['--model', '{model}'], mode: ['--sandbox', '{mode}'] },
    // Which of the conversations of this directory it was, only the user knows.
    resume: ['resume'],
    dialogs: codexDialogs,
  },
  login: {
    // A key in the environment alone does not count: it asks whether to take it.
    how: 'run codex login',
    files: [
      { path: '.codex/auth.json' },
      { path: '$CODEX_HOME|auth.json' },
      { path: '.codex/config.toml', holds: ['model_provider', 'keyring'] },
      { path: '$CODEX_HOME|config.toml', holds: ['model_provider', 'keyring'] },
    ],
    complete: true,
  },
}

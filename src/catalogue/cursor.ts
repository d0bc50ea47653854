// Cursor's agent for the terminal.

import type { CatalogueAgent } from './agent.ts'

export const cursor: CatalogueAgent = {
  name: 'cursor',
  title: 'Cursor',
  acp: { command: ['cursor-agent', 'acp'], install: 'curl https://cursor.com/install -fsS | bash' },
  terminal: {
    command: ['cursor-agent'],
    install: 'curl https://cursor.com/install -fsS | bash',
    arguments: { prompt: ['--', '{prompt}'], model: ['--model', '{model}'], mode: ['--mode', '{mode}'] },
  },
  login: {
    how: 'run cursor-agent login, or set CURSOR_API_KEY',
    variables: ['CURSOR_API_KEY', 'CURSOR_AUTH_TOKEN'],
    // Elsewhere than on Linux it is in the keychain.
    files: [{ path: '.config/cursor/auth.json' }],
  },
}

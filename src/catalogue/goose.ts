// Goose.

import type { CatalogueAgent } from './agent.ts'

export const goose: CatalogueAgent = {
  name: 'goose',
  title: 'Goose',
  acp: { command: ['goose', 'acp'], install: 'curl -fsSL https://github.com/block/goose/releases/download/stable/download_cli.sh | bash', leastVersion: '1.8' },
  terminal: {
    command: ['goose'],
    install: 'curl -fsSL https://github.com/block/goose/releases/download/stable/download_cli.sh | bash',
    leastVersion: '1.0',
    arguments: { prompt: ['run', '--interactive', '--name={session}', '--text={prompt}'], noPrompt: ['session', '--name={session}'] },
    resume: ['session', '--resume', '--name={session}'],
  },
  login: {
    how: 'run goose configure, or set GOOSE_PROVIDER',
    variables: ['GOOSE_PROVIDER'],
    files: [{ path: '.config/goose/config.yaml', holds: ['GOOSE_PROVIDER', 'active_provider'] }],
    complete: true,
  },
  // In `auto`, its default, it never asks.
  environment: { GOOSE_MODE: 'approve' },
}

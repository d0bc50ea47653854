// Cline.

import type { CatalogueAgent } from './agent.ts'

export const cline: CatalogueAgent = {
  name: 'cline',
  title: 'Cline',
  acp: { command: ['cline', '--acp'], install: 'npm i -g cline', leastVersion: '2.0' },
  terminal: {
    // In a terminal it approves everything by itself, unless it is told not to.
    command: ['cline', '--tui', '--auto-approve', 'false'],
    install: 'npm i -g cline',
    leastVersion: '3.0',
    arguments: { prompt: ['--', '{prompt}'], model: ['--model', '{model}'] },
  },
  login: {
    how: 'run cline auth',
    variables: ['CLINE_API_KEY'],
    files: [{ path: '.cline/data/settings/providers.json' }, { path: '$CLINE_DIR|data/settings/providers.json' }, { path: '.cline/data/secrets.json' }],
    complete: true,
  },
}

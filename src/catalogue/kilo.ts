// Kilo, a descendant of opencode.

import type { CatalogueAgent } from './agent.ts'
import { modelKeys } from './model-keys.ts'

export const kilo: CatalogueAgent = {
  name: 'kilo',
  title: 'Kilo',
  acp: { command: ['kilo', 'acp'], install: 'npm i -g @kilocode/cli', leastVersion: '7.0' },
  terminal: {
    command: ['kilo'],
    install: 'npm i -g @kilocode/cli',
    arguments: { prompt: ['--prompt={prompt}'], model: ['--model={model}'] },
  },
  login: {
    how: 'run kilo auth login',
    variables: [...modelKeys, 'KILO_API_KEY'],
    files: [{ path: '$XDG_DATA_HOME|kilo/auth.json' }, { path: '.local/share/kilo/auth.json' }, { path: '.config/kilo/kilo.json', holds: ['"provider"'] }],
  },
  // Commands it asks about by rules of its own, which stay.
  environment: { KILO_PERMISSION: '{"edit":{"*":"ask"},"webfetch":"ask"}' },
}

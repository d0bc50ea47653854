// Aider. With a first prompt it asks about that, and ends after it.

import type { CatalogueAgent } from './agent.ts'
import { modelKeys } from './model-keys.ts'

export const aider: CatalogueAgent = {
  name: 'aider',
  title: 'Aider',
  terminal: {
    command: ['aider'],
    install: 'python -m pip install aider-install && aider-install',
    arguments: { prompt: ['--message={prompt}'], model: ['--model={model}'] },
    resume: ['--restore-chat-history'],
  },
  login: {
    how: 'set the API key of a model provider',
    variables: modelKeys,
    files: [
      { path: '.aider.conf.yml', holds: ['api-key', 'model'] },
      { path: '.env', holds: ['API_KEY'] },
    ],
  },
}

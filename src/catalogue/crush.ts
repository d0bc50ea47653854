// Crush. Its command line takes a first prompt only with `run`, where it asks nothing and ends after it.

import type { CatalogueAgent } from './agent.ts'
import { modelKeys } from './model-keys.ts'

export const crush: CatalogueAgent = {
  name: 'crush',
  title: 'Crush',
  terminal: { command: ['crush'], install: 'npm i -g @charmland/crush', arguments: {} },
  login: {
    how: 'run crush and choose a provider there',
    variables: modelKeys,
    files: [
      { path: '.local/share/crush/crush.json', holds: ['api_key', 'oauth'] },
      { path: '.config/crush/crush.json', holds: ['"providers"'] },
    ],
  },
}

// Amp. It has no ACP of its own, and its command line takes a first prompt only where it ends after it.

import type { CatalogueAgent } from './agent.ts'

export const amp: CatalogueAgent = {
  name: 'amp',
  title: 'Amp',
  terminal: { command: ['amp'], install: 'npm i -g @ampcode/cli', arguments: {} },
  login: { how: 'run amp login, or set AMP_API_KEY', variables: ['AMP_API_KEY'], files: [{ path: '.local/share/amp/secrets.json' }], complete: true },
}

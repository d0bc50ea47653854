// opencode.

import type { CatalogueAgent } from './agent.ts'
import { opencodeDialogs } from './dialogs/opencode.ts'
import { modelKeys } from './model-keys.ts'

export const opencode: CatalogueAgent = {
  name: 'opencode',
  title: 'opencode',
  acp: { command: ['opencode', 'acp'], install: 'npm i -g opencode-ai', leastVersion: '1.0' },
  terminal: {
    command: ['opencode'],
    install: 'npm i -g opencode-ai',
    arguments: { prompt: ['--prompt={prompt}'], model: ['--model={model}'] },
    dialogs: opencodeDialogs,
  },
  login: {
    how: 'run opencode auth login',
    variables: [...modelKeys, 'OPENCODE_API_KEY'],
    // Models that need no login are among its own.
    files: [{ path: '$XDG_DATA_HOME|opencode/auth.json' }, { path: '.local/share/opencode/auth.json' }, { path: '.config/opencode/opencode.json', holds: ['"provider"'] }],
  },
  // Everything is allowed by default. As objects they are merged into the rules that the user has, and replace none but those for everything; webfetch takes no object.
  environment: { OPENCODE_PERMISSION: '{"edit":{"*":"ask"},"bash":{"*":"ask"},"webfetch":"ask"}' },
}

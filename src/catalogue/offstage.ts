// Offstage's own agent, for any model. Its program is recorded by these words, and whoever starts a run puts this package's own in their place.

import type { CatalogueAgent } from './agent.ts'
import { modelKeys } from './model-keys.ts'

export const offstage: CatalogueAgent = {
  name: 'offstage',
  title: "Offstage's own",
  acp: { command: ['offstage', 'agent'], install: 'npm i -g offstage' },
  login: { how: 'set the API key of a model provider, or name a model server under [models] in config.toml', variables: modelKeys },
  own: true,
}

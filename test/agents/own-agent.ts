// The own agent as one of the agents of the tests, with a provider of models for each API.

import { type Setup, configuration } from './place.ts'

/** The APIs of models, and where the scripted model has each. */
const prefixes = { 'openai-completions': '/v1', 'openai-responses': '/v1', anthropic: '', google: '/v1beta' } as const

export const ownAgentOver = (api: keyof typeof prefixes): Setup => ({
  name: 'offstage',
  prepare({ model, write }) {
    write(
      '.config/offstage/config.toml',
      `${configuration}
[models]
default = "scripted/test-model"
local = false

[models.scripted]
url = "${model}${prefixes[api]}"
api = "${api}"
key_env = "SCRIPTED_KEY"
models = ["test-model"]
`,
    )
    return { SCRIPTED_KEY: 'key' }
  },
  writes: (path, content) => ({ call: 'write', input: { path, content } }),
})

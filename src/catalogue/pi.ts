// pi. Over ACP by an adapter that needs pi itself on PATH.

import type { CatalogueAgent } from './agent.ts'
import { modelKeys } from './model-keys.ts'

export const pi: CatalogueAgent = {
  name: 'pi',
  title: 'pi',
  acp: { command: ['pi-acp'], install: 'npm i -g pi-acp @earendil-works/pi-coding-agent' },
  terminal: {
    command: ['pi'],
    install: 'npm i -g @earendil-works/pi-coding-agent',
    arguments: { prompt: ['--', '{prompt}'], model: ['--model', '{model}'], session: ['--session-id', '{session}'] },
    resume: ['--session-id', '{session}'],
  },
  login: {
    how: 'run pi and log in there with /login, or set the API key of a model provider',
    variables: modelKeys,
    files: [
      { path: '.pi/agent/auth.json', holds: [':'] },
      { path: '.pi/agent/models.json', holds: ['"providers"'] },
      { path: '$PI_CODING_AGENT_DIR|auth.json', holds: [':'] },
      { path: '$PI_CODING_AGENT_DIR|models.json', holds: ['"providers"'] },
    ],
  },
  asksNothing: true,
}

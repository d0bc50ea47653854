// Gemini CLI.

import type { CatalogueAgent } from './agent.ts'
import { geminiDialogs } from './dialogs/gemini.ts'

export const gemini: CatalogueAgent = {
  name: 'gemini',
  title: 'Gemini CLI',
  acp: { command: ['gemini', '--acp'], install: 'npm i -g @google/gemini-cli', leastVersion: '0.33', mode: 'default', quirks: { loadAfterMinute: true } },
  terminal: {
    command: ['gemini'],
    install: 'npm i -g @google/gemini-cli',
    mode: 'default',
    arguments: { prompt: ['--prompt-interactive={prompt}'], model: ['--model={model}'], mode: ['--approval-mode={mode}'], session: ['--session-id={session}'] },
    resume: ['--resume={session}'],
    dialogs: geminiDialogs,
  },
  login: {
    how: 'run gemini and log in there, or set GEMINI_API_KEY',
    variables: ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_GENAI_USE_VERTEXAI', 'GOOGLE_GENAI_USE_GCA'],
    files: [
      { path: '.gemini/oauth_creds.json' },
      { path: '.gemini/gemini-credentials.json' },
      { path: '.gemini/.env', holds: ['API_KEY', 'GOOGLE_'] },
      { path: '.gemini/settings.json', holds: ['selectedType', 'selectedAuthType'] },
    ],
    complete: true,
  },
}

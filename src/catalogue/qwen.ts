// Qwen Code.

import type { CatalogueAgent } from './agent.ts'
import { qwenDialogs } from './dialogs/qwen.ts'

export const qwen: CatalogueAgent = {
  name: 'qwen',
  title: 'Qwen Code',
  // In `auto`, its default, it never asks.
  acp: { command: ['qwen', '--acp'], install: 'npm i -g @qwen-code/qwen-code', leastVersion: '0.10', mode: 'default' },
  terminal: {
    command: ['qwen'],
    install: 'npm i -g @qwen-code/qwen-code',
    mode: 'default',
    arguments: { prompt: ['--prompt-interactive={prompt}'], model: ['--model={model}'], mode: ['--approval-mode={mode}'], session: ['--session-id={session}'] },
    resume: ['--resume={session}'],
    dialogs: qwenDialogs,
  },
  login: {
    how: 'run qwen and log in there, or set OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL',
    variables: ['OPENAI_API_KEY', 'DASHSCOPE_API_KEY', 'BAILIAN_CODING_PLAN_API_KEY', 'GEMINI_API_KEY', 'ANTHROPIC_API_KEY'],
    files: [{ path: '.qwen/oauth_creds.json' }, { path: '.qwen/.env', holds: ['API_KEY'] }, { path: '.qwen/settings.json', holds: ['selectedType', 'apiKey', 'envKey'] }],
    complete: true,
  },
}

// GitHub Copilot CLI.

import type { CatalogueAgent } from './agent.ts'

export const copilot: CatalogueAgent = {
  name: 'copilot',
  title: 'GitHub Copilot CLI',
  acp: { command: ['copilot', '--acp'], install: 'npm i -g @github/copilot', leastVersion: '1.0' },
  terminal: {
    command: ['copilot'],
    install: 'npm i -g @github/copilot',
    arguments: { prompt: ['--interactive={prompt}'], model: ['--model={model}'], mode: ['--mode={mode}'], session: ['--session-id={session}'] },
    resume: ['--session-id={session}'],
  },
  login: {
    how: 'run copilot login, or set COPILOT_GITHUB_TOKEN',
    variables: ['COPILOT_GITHUB_TOKEN', 'GH_TOKEN', 'GITHUB_TOKEN', 'COPILOT_PROVIDER_BASE_URL'],
    files: [{ path: '.copilot/config.json', holds: ['loggedInUsers', 'logged_in_users', 'lastLoggedInUser', 'last_logged_in_user'] }, { path: '.config/gh/hosts.yml' }],
    complete: true,
  },
}

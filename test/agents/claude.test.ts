import { agentContract } from './contract.ts'
import type { Setup } from './place.ts'
import { terminalContract } from './terminal-contract.ts'

const claude: Setup = {
  name: 'claude',
  prepare({ model, project, write }) {
    write('.claude.json', { hasCompletedOnboarding: true, projects: { [project]: { hasTrustDialogAccepted: true } } })
    return {
      ANTHROPIC_BASE_URL: model,
      ANTHROPIC_AUTH_TOKEN: 'key',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_ERROR_REPORTING: '1',
      DISABLE_AUTOUPDATER: '1',
      CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: 'false',
      CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL: '1',
      // It refuses some modes to root otherwise.
      IS_SANDBOX: '1',
    }
  },
  writes: (path, content) => ({ call: 'Write', input: { file_path: path, content } }),
}

agentContract(claude)
terminalContract(claude)

import { agentContract } from './contract.ts'
import type { Setup } from './place.ts'
import { terminalContract } from './terminal-contract.ts'

const gemini: Setup = {
  name: 'gemini',
  prepare({ model, write }) {
    write('.gemini/settings.json', {
      security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
      privacy: { usageStatisticsEnabled: false },
      telemetry: { enabled: false },
      general: { enableAutoUpdate: false, enableAutoUpdateNotification: false, disableAutoUpdate: true },
      model: { name: 'gemini-2.5-pro' },
    })
    return { GOOGLE_GEMINI_BASE_URL: model, GEMINI_API_KEY: 'key', GEMINI_CLI_NO_RELAUNCH: 'true' }
  },
  writes: (path, content) => ({ call: 'write_file', input: { file_path: path, content } }),
}

agentContract(gemini)
terminalContract(gemini, 'title')

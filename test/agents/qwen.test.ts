import { agentContract } from './contract.ts'
import type { Setup } from './place.ts'
import { terminalContract } from './terminal-contract.ts'

const qwen: Setup = {
  name: 'qwen',
  prepare({ model, write }) {
    write('.qwen/settings.json', {
      $version: 3,
      security: { auth: { selectedType: 'openai' }, folderTrust: { enabled: false } },
      privacy: { usageStatisticsEnabled: false },
      telemetry: { enabled: false },
      memory: { enableManagedAutoMemory: false, enableManagedAutoDream: false },
      ui: { enableFollowupSuggestions: false },
      general: { enableAutoUpdate: false, disableUpdateNag: true },
    })
    return { OPENAI_BASE_URL: `${model}/v1`, OPENAI_API_KEY: 'key', OPENAI_MODEL: 'test-model' }
  },
  writes: (path, content) => ({ call: 'write_file', input: { file_path: path, content } }),
}

agentContract(qwen)
terminalContract(qwen, 'title')

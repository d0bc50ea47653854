import { agentContract } from './contract.ts'

agentContract({
  name: 'copilot',
  prepare({ model }) {
    return { COPILOT_PROVIDER_BASE_URL: `${model}/v1`, COPILOT_PROVIDER_TYPE: 'openai', COPILOT_PROVIDER_API_KEY: 'key', COPILOT_MODEL: 'test-model', COPILOT_OFFLINE: 'true' }
  },
  writes: (path, content) => ({ call: 'create', input: { path, file_text: content } }),
})

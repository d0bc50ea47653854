import { agentContract } from './contract.ts'

agentContract({
  name: 'opencode',
  prepare({ model, write }) {
    write('.config/opencode/opencode.json', {
      $schema: 'https://opencode.ai/config.json',
      model: 'scripted/test-model',
      small_model: 'scripted/test-model',
      provider: {
        scripted: { npm: '@ai-sdk/openai-compatible', name: 'Scripted', options: { baseURL: `${model}/v1`, apiKey: 'key' }, models: { 'test-model': { name: 'Test' } } },
      },
      autoupdate: false,
      share: 'disabled',
    })
    return { OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_LSP_DOWNLOAD: '1', npm_config_offline: 'true' }
  },
  writes: (path, content) => ({ call: 'write', input: { filePath: path, content } }),
})

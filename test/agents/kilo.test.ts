import { agentContract } from './contract.ts'

agentContract({
  name: 'kilo',
  prepare({ model, write }) {
    write('.config/kilo/kilo.json', {
      model: 'scripted/test-model',
      small_model: 'scripted/test-model',
      provider: {
        scripted: { npm: '@ai-sdk/openai-compatible', name: 'Scripted', options: { baseURL: `${model}/v1`, apiKey: 'key' }, models: { 'test-model': { name: 'Test' } } },
      },
      autoupdate: false,
      share: 'disabled',
    })
    return { KILO_DISABLE_AUTOUPDATE: '1', KILO_DISABLE_MODELS_FETCH: '1', KILO_DISABLE_LSP_DOWNLOAD: '1', KILO_TELEMETRY_LEVEL: 'off', npm_config_offline: 'true' }
  },
  // For its own models, whatever it is told.
  insists: ['CONNECT api.kilo.ai:443'],
  writes: (path, content) => ({ call: 'write', input: { filePath: path, content } }),
})

import { agentContract } from './contract.ts'

agentContract({
  name: 'cline',
  prepare({ model, write }) {
    const settings = { provider: 'openai-compatible', apiKey: 'key', model: 'test-model', baseUrl: `${model}/v1` }
    write('.cline/data/settings/providers.json', {
      version: 1,
      lastUsedProvider: 'openai-compatible',
      modes: {},
      providers: { 'openai-compatible': { settings, updatedAt: '2026-01-01T00:00:00.000Z', tokenSource: 'manual' } },
    })
    return { CLINE_API_KEY: 'key', CLINE_PROVIDER: 'openai-compatible', CLINE_MODEL: 'test-model', CLINE_TELEMETRY_DISABLED: '1', CLINE_NO_AUTO_UPDATE: '1' }
  },
  writes: (path, content) => ({ call: 'write_to_file', input: { path, content } }),
})

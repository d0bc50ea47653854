import { agentContract } from './contract.ts'

agentContract({
  name: 'pi',
  prepare({ model, write }) {
    write('.pi/agent/models.json', {
      providers: {
        scripted: {
          baseUrl: `${model}/v1`,
          apiKey: 'key',
          api: 'openai-completions',
          models: [{ id: 'test-model', name: 'Test', contextWindow: 128_000, maxTokens: 8192, input: ['text'], reasoning: false }],
        },
      },
    })
    write('.pi/agent/settings.json', { defaultProvider: 'scripted', defaultModel: 'test-model', quietStartup: true })
    return { PI_OFFLINE: '1', PI_TELEMETRY: '0', npm_config_registry: model }
  },
  writes: (path, content) => ({ call: 'write', input: { path, content } }),
  asksNothing: true,
})

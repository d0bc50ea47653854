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
    write('.cline/data/settings/global-settings.json', { telemetryOptOut: true, autoUpdateEnabled: false })
    // Over ACP it takes another provider than its own only by these.
    return { CLINE_API_KEY: 'key', CLINE_PROVIDER: 'openai-compatible', CLINE_MODEL: 'test-model' }
  },
  // Also where the user has declined telemetry.
  insists: ['CONNECT data.cline.bot:443'],
  writes: (path, content) => ({ call: 'run_commands', input: { commands: [`printf '${content.replaceAll('\n', '\\n')}' > ${path}`] } }),
})

import { join } from 'node:path'
import { agentContract } from './contract.ts'
import type { Setup } from './place.ts'
import { terminalContract } from './terminal-contract.ts'

const codex: Setup = {
  name: 'codex',
  prepare({ model, user, write }) {
    write(
      '.codex/config.toml',
      `model = "gpt-5.4"
model_provider = "scripted"
check_for_update_on_startup = false

[model_providers.scripted]
name = "Scripted"
base_url = "${model}/v1"
wire_api = "responses"
supports_websockets = false
env_key = "SCRIPTED_KEY"

[analytics]
enabled = false

[features]
plugins = false
apps = false
`,
    )
    return { CODEX_HOME: join(user, '.codex'), SCRIPTED_KEY: 'key' }
  },
  // For an announcement, also where tooltips are off.
  insists: ['CONNECT raw.githubusercontent.com:443'],
  writes: (path, content) => ({
    call: 'exec_command',
    input: { cmd: `printf '${content.replaceAll('\n', '\\n')}' > ${path}`, sandbox_permissions: 'require_escalated', justification: `to write ${path}` },
  }),
}

agentContract(codex)
terminalContract(codex)

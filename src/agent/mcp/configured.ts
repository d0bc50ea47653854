// Which MCP servers a session has: those of the user's own configuration, and those that its client handed over.

import type { McpServer } from '@agentclientprotocol/sdk'
import type { McpSetting } from '../../config/mcp-settings.ts'

/** What the client says of a name counts: it speaks of this session. */
export function configuredServers(settings: Readonly<Record<string, McpSetting>>, given: readonly McpServer[]): readonly McpServer[] {
  const names = new Set(given.map(({ name }) => name))
  const own = Object.entries(settings).filter(([name]) => !names.has(name))
  return [...own.map(([name, setting]) => asServer(name, setting)), ...given]
}

function asServer(name: string, setting: McpSetting): McpServer {
  const pairs = (values: Readonly<Record<string, string>>): { name: string; value: string }[] => Object.entries(values).map(([key, value]) => ({ name: key, value }))
  if ('command' in setting) return { name, command: setting.command, args: [...setting.args], env: pairs(setting.env) }
  return { name, type: setting.type, url: setting.url, headers: pairs(setting.headers) }
}

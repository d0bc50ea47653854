// The tables `[mcp.NAME]` of config.toml: MCP servers for Offstage's own agent. Only of the user's file: what is executed, and where keys are sent, is never a repository's choice.

import { isAbsolute } from 'node:path'
import { environment, words } from './agent-settings.ts'
import type { Source } from './config.ts'

export type McpSetting =
  | { readonly command: string; readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> }
  | { readonly type: 'http' | 'sse'; readonly url: string; readonly headers: Readonly<Record<string, string>> }

/** Throws ConfigInvalid. */
export function mcpSettings(source: Source): Readonly<Record<string, McpSetting>> {
  return Object.fromEntries(Object.keys(source.optionalTable(['mcp'])).map((name) => [name, mcpSetting(source, name)]))
}

function mcpSetting(source: Source, name: string): McpSetting {
  const path = ['mcp', name]
  if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(name)) throw source.invalid(path, `${JSON.stringify(name)} cannot be an MCP server's name`, 'use letters, digits, ".", "_" and "-"')
  const table = source.table(path)
  if ((table['command'] === undefined) === (table['url'] === undefined))
    throw source.invalid(
      path,
      `MCP server ${name} has ${table['url'] === undefined ? 'neither a command nor a url' : 'a command and a url'}`,
      'add one of them: command = "…", or url = "https://…"',
    )
  return table['url'] === undefined ? programSetting(source, path) : addressSetting(source, path)
}

function programSetting(source: Source, path: readonly string[]): McpSetting {
  source.table(path, ['command', 'args', 'env'])
  const command = source.text([...path, 'command']) ?? ''
  // A relative path would be another program in every repository.
  if (command === '' || (command.includes('/') && !isAbsolute(command)))
    throw source.invalid([...path, 'command'], `command ${JSON.stringify(command)} is neither the name of a program nor an absolute path`, 'write for example: command = "npx"')
  return { command, args: words(source, [...path, 'args'], 'write for example: args = ["-y", "some-server"]') ?? [], env: environment(source, [...path, 'env']) }
}

function addressSetting(source: Source, path: readonly string[]): McpSetting {
  source.table(path, ['url', 'headers', 'type'])
  const url = source.text([...path, 'url']) ?? ''
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:')
    throw source.invalid([...path, 'url'], 'url is not one of https or http', 'write for example: url = "https://example.com/mcp"')
  if (parsed.username !== '' || parsed.password !== '')
    throw source.invalid([...path, 'url'], 'url holds a password', 'write it as a header: headers = { Authorization = "Bearer …" }')
  const type = source.text([...path, 'type']) ?? 'http'
  if (type !== 'http' && type !== 'sse') throw source.invalid([...path, 'type'], `type ${JSON.stringify(type)} is not known`, 'write type = "http", or "sse" for an older server')
  const headers = environment(source, [...path, 'headers'])
  const wrong = Object.entries(headers).find(([header, value]) => !/^[!#$%&'*+.^_`|~\w-]+$/.test(header) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
  // Not the value: it may be a key.
  if (wrong)
    throw source.invalid([...path, 'headers', wrong[0]], `${JSON.stringify(wrong[0])} cannot be sent as a header`, 'write for example: headers = { Authorization = "Bearer …" }')
  return { type, url, headers }
}

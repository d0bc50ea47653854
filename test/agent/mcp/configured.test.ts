// MCP servers of the user's configuration: what can be written, and what is refused with the line where it stands.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { configuredServers } from '../../../src/agent/mcp/configured.ts'
import { type Config, loadConfig } from '../../../src/config/config.ts'

const top = mkdtempSync(join(tmpdir(), 'os-mcp-config-'))
afterAll(() => rmSync(top, { recursive: true, force: true }))
const configFile = join(top, 'config.toml')

function load(text: string, project?: string): Promise<Config> {
  writeFileSync(configFile, text)
  const cwd = join(top, 'project')
  mkdirSync(cwd, { recursive: true })
  writeFileSync(join(cwd, '.offstage.toml'), project ?? '')
  return loadConfig({ configFile, cwd })
}

test('servers of the configuration stand beside those of the client, whose word counts', async () => {
  const { mcp } = await load(`
[mcp.files]
command = "npx"
args = ["-y", "files"]
env = { TOKEN = "t" }
[mcp.web]
url = "https://example.com/mcp"
headers = { Authorization = "Bearer t" }
[mcp.old]
url = "http://127.0.0.1:4000/sse"
type = "sse"
`)
  const given = { name: 'old', command: '/bin/old', args: [], env: [] }
  expect(configuredServers(mcp, [given])).toEqual([
    { name: 'files', command: 'npx', args: ['-y', 'files'], env: [{ name: 'TOKEN', value: 't' }] },
    { name: 'web', type: 'http', url: 'https://example.com/mcp', headers: [{ name: 'Authorization', value: 'Bearer t' }] },
    given,
  ])
  expect(configuredServers((await load('')).mcp, [])).toEqual([])
})

test.each([
  ['a relative command', '[mcp.a]\ncommand = "./server"', /:2: .*neither the name of a program nor an absolute path/],
  ['no command', '[mcp.a]\nargs = []', /:1: .*neither a command nor a url/],
  ['two ways at once', '[mcp.a]\ncommand = "a"\nurl = "https://a"', /a command and a url/],
  ['a url of another kind', '[mcp.a]\nurl = "file:///x"', /:2: .*https or http/],
  ['a password in the url', '[mcp.a]\nurl = "https://me:secret@a/"', /:2: url holds a password/],
  ['an unknown setting', '[mcp.a]\ncommand = "a"\nshell = true', /:3: "shell" is not a setting/],
  ['an unknown type', '[mcp.a]\nurl = "https://a"\ntype = "tcp"', /:3: type "tcp" is not known/],
  ['a header that ends the request', '[mcp.a]\nurl = "https://a"\nheaders = { A = "secret\\r\\nB: c" }', /:3: "A" cannot be sent as a header/],
  ['a name that is none', '[mcp."a b"]\ncommand = "a"', /cannot be an MCP server's name/],
  ['a list for a name', 'mcp = []', /mcp is not a table/],
])('%s is refused', async (_, text, message) => {
  const failed: unknown = await load(text).catch((cause: unknown) => cause)
  expect(failed).toMatchObject({ name: 'ConfigInvalid', message: expect.stringMatching(message) })
  expect(String(failed)).not.toContain('secret')
})

test('a project cannot add a server', async () => {
  await expect(load('', '[mcp.a]\ncommand = "a"')).rejects.toMatchObject({
    message: expect.stringContaining('a project file cannot define MCP servers'),
    hint: expect.stringContaining('must not choose what is executed'),
  })
})

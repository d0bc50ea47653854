// MCP servers as programs and over HTTP: what the session gets of those that work, of those that do not, and of those that mean harm.

import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { McpServer } from '@agentclientprotocol/sdk'
import { afterAll, expect, test } from 'vitest'
import { type Mcp, type McpTool, connectMcp } from '../../../src/agent/mcp/index.ts'
import { never, settle } from '../../home.ts'

const top = realpathSync(mkdtempSync(join(tmpdir(), 'os-mcp-')))
afterAll(() => rmSync(top, { recursive: true, force: true }))
mkdirSync(join(top, 'project'))

const env = { PATH: process.env.PATH, HOME: join(top, 'user'), LANG: 'C.UTF-8', ANTHROPIC_API_KEY: 'the key of a model', OFFSTAGE_HOME: join(top, 'home') }
const program = (name: string, character: string, file = ''): McpServer => ({
  name,
  command: process.execPath,
  args: [join(import.meta.dirname, '..', '..', 'fixtures', 'mcp-server.ts'), character, file],
  env: [{ name: 'GIVEN', value: 'this' }],
})
const connect = (servers: readonly McpServer[], signal = never, more: { readonly connectMs?: number } = {}): Promise<Mcp> =>
  connectMcp(servers, { cwd: join(top, 'project'), env, signal, clientVersion: '1.2.3', ...more })
const named = ({ tools }: Mcp, name: string): McpTool => {
  const found = tools.find((one) => one.name === name)
  if (!found) throw new Error(`no tool ${name} among ${tools.map((one) => one.name).join(' ')}`)
  return found
}
const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
const pidsIn = (file: string): readonly number[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0)

test('the tools of a server are offered and called', async () => {
  await using mcp = await connect([program('files', 'plain')])
  expect(mcp.problems).toEqual([])
  const echo = named(mcp, 'files__echo')
  expect({ ...echo, call: undefined }).toEqual({
    name: 'files__echo',
    server: 'files',
    title: 'Echo it',
    description: 'does echo',
    inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
    readOnly: true,
    call: undefined,
  })
  expect(named(mcp, 'files__fail').readOnly).toBe(false)
  expect((await echo.call({ text: 'hello' }, never)).text).toMatch(/^\d+:hello$/)
  expect(await named(mcp, 'files__fail').call({}, never)).toEqual({ text: 'it did not work', images: [], isError: true })
})

test('a server gets what it was given and no keys, and works in the workspace', async () => {
  await using mcp = await connect([program('files', 'plain')])
  const told: unknown = JSON.parse((await named(mcp, 'files__environment').call({}, never)).text)
  expect(told).toMatchObject({ env: { GIVEN: 'this', HOME: join(top, 'user'), LANG: 'C.UTF-8' }, cwd: join(top, 'project') })
  expect(JSON.stringify(told)).not.toMatch(/ANTHROPIC|OFFSTAGE|the key/)
})

test('what is too much is cut, and what is no image is left out', async () => {
  await using mcp = await connect([program('files', 'plain')])
  const many = await named(mcp, 'files__many').call({}, never)
  expect(many.text.length).toBeLessThan(100_100)
  expect(many.text).toMatch(/\[cut: the answer had 300000 characters\]$/)
  const { images, text } = await named(mcp, 'files__images').call({}, never)
  expect(images).toEqual(Array.from({ length: 8 }, () => ({ data: 'QUJD', mimeType: 'image/png' })))
  expect(text.split('\n')).toEqual([...Array.from({ length: 4 }, () => '[an image that is too large, too many, or of an unknown kind was left out]'), 'and text'])
})

test('servers that fail are problems, and the others work', async () => {
  const nobody = await overHttp(() => undefined)
  nobody[Symbol.dispose]()
  await using mcp = await connect([
    program('unable', 'unable'),
    program('works', 'plain'),
    { name: 'missing', command: join(top, 'nothing'), args: [], env: [] },
    program('rejects', 'rejects'),
    program('works', 'plain'),
    { type: 'http', name: 'refused', url: nobody.url, headers: [] },
    { type: 'http', name: 'strange', url: 'file:///etc/passwd', headers: [] },
    { type: 'http', name: 'leaky', url: 'http://me:secret@127.0.0.1:9/', headers: [] },
  ])
  expect(new Set(mcp.tools.map(({ server }) => server))).toEqual(new Set(['works']))
  const problems = mcp.problems.toSorted()
  expect(problems).toEqual([
    expect.stringMatching(/^MCP server leaky: its url holds a password/),
    `MCP server missing: its command was not found: ${join(top, 'nothing')}`,
    expect.stringMatching(/^MCP server refused: .*ECONNREFUSED/),
    expect.stringMatching(/^MCP server rejects: .*licence has ended/),
    'MCP server strange: its url is not one of http or https',
    'MCP server unable: it ended with code 3: cannot reach the database',
    'MCP server works: there are two of this name: the second was left out',
  ])
  expect(problems.join()).not.toContain('secret')
})

test('a server that never answers costs its deadline and no more than itself', async () => {
  const file = join(top, 'silent')
  await using mcp = await connect([program('silent', 'silent', file), program('works', 'plain')], never, { connectMs: 1500 })
  expect(mcp.problems).toEqual(['MCP server silent: it did not answer in time'])
  expect(mcp.tools.length).toBeGreaterThan(0)
  expect(pidsIn(file).filter(isAlive)).toEqual([])
})

test('a hostile server can neither paint nor hide, nor take the name of another tool', async () => {
  await using mcp = await connect([program('hostile', 'hostile'), program('not a_name__', 'plain')])
  for (const { name, title, description } of mcp.tools) {
    expect(name).toMatch(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/)
    // oxlint-disable-next-line no-control-regex
    expect(title + description).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]|[\u{e0000}-\u{e007f}]/u)
    expect(description.length).toBeLessThanOrEqual(2000)
    expect(title).not.toContain('\n')
  }
  expect(named(mcp, 'hostile__seen')).toMatchObject({ title: 'Delete\ufffd everything yes' })
  expect(new Set(mcp.tools.map(({ name }) => name)).size).toBe(mcp.tools.length)
  expect(mcp.problems).toEqual([expect.stringContaining('two tools called twice'), expect.stringContaining('heavy')])
})

test('a server that dies fails the call, comes back once, and then no more', async () => {
  const file = join(top, 'dies')
  await using mcp = await connect([program('files', 'plain', file)])
  const died = await named(mcp, 'files__die').call({}, never)
  expect(died).toMatchObject({ isError: true, text: 'The MCP server files failed: it ended with code 7: out of luck; it is started again with the next call' })
  const both = await Promise.all([named(mcp, 'files__echo').call({ text: 'a' }, never), named(mcp, 'files__echo').call({ text: 'b' }, never)])
  expect(both.map(({ isError }) => isError)).toEqual([false, false])
  expect(pidsIn(file)).toHaveLength(2)
  await named(mcp, 'files__die').call({}, never)
  expect(await named(mcp, 'files__echo').call({}, never)).toMatchObject({ isError: true, text: expect.stringMatching(/ended with code 7: out of luck; it was started again once/) })
  expect(pidsIn(file)).toHaveLength(2)
})

test('a call that is cancelled throws the reason, and the server goes on', async () => {
  const file = join(top, 'cancels')
  await using mcp = await connect([program('files', 'plain', file)])
  const controller = new AbortController()
  const waiting = named(mcp, 'files__wait').call({}, controller.signal)
  await settle(
    () => readFileSync(file, 'utf8'),
    (text) => text.includes('waiting'),
  )
  const reason = new Error('cancelled')
  controller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  expect((await named(mcp, 'files__echo').call({}, never)).isError).toBe(false)
})

test('servers end with the session, whatever they do about it, and with them those that they started', async () => {
  const file = join(top, 'stubborn')
  const mcp = await connect([program('stubborn', 'stubborn', file), program('files', 'plain', file)])
  const pids = pidsIn(file)
  expect(pids.filter(isAlive)).toHaveLength(3)
  await Promise.all([mcp[Symbol.asyncDispose](), mcp[Symbol.asyncDispose]()])
  expect(
    await settle(
      () => pids.filter(isAlive),
      (left) => left.length === 0,
    ),
  ).toEqual([])
  expect(await mcp.tools[0]?.call({}, never)).toMatchObject({ isError: true })
})

test('a session that is ended while its servers start leaves none behind', async () => {
  const file = join(top, 'early')
  const controller = new AbortController()
  const connecting = connect([program('silent', 'silent', file)], controller.signal)
  await settle(
    () => {
      try {
        return pidsIn(file).length
      } catch {
        return 0
      }
    },
    (count) => count > 0,
  )
  controller.abort(new Error('ended'))
  await expect(connecting).rejects.toThrow('ended')
  expect(
    await settle(
      () => pidsIn(file).filter(isAlive),
      (left) => left.length === 0,
    ),
  ).toEqual([])
})

/** A server over HTTP. `answer` makes of a message what the body of the response is. */
async function overHttp(
  answer: (
    message: { readonly id?: number; readonly method: string; readonly params?: { readonly protocolVersion?: string } },
    request: IncomingMessage,
    response: ServerResponse,
  ) => object | undefined,
) {
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => {
      if (request.method !== 'POST') return void response.writeHead(405).end()
      const result = answer(JSON.parse(body), request, response)
      if (response.writableEnded || response.headersSent) return undefined
      if (result === undefined) return void response.writeHead(202).end()
      return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', ...result }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const stop = (): void => void server.closeAllConnections()
  return { url: `http://127.0.0.1:${port}/mcp`, [Symbol.dispose]: () => (stop(), void server.close()) }
}

const initialized = (id: number | undefined, version: string | undefined): object => ({
  id,
  result: { protocolVersion: version, capabilities: { tools: {} }, serverInfo: { name: 'http', version: '1' } },
})

test('a server over HTTP gets its headers; one that asks for a login says what to do', async () => {
  const seen: (string | undefined)[] = []
  using server = await overHttp(({ id, method, params }, request, response) => {
    seen.push(request.headers.authorization)
    if (request.headers.authorization !== 'Bearer t') return void response.writeHead(401).end()
    if (method === 'initialize') return initialized(id, params?.protocolVersion)
    if (method === 'tools/list') return { id, result: { tools: [{ name: 'ask', inputSchema: { type: 'object' } }] } }
    return method === 'tools/call' ? { id, result: { content: [], structuredContent: { answer: 42 } } } : undefined
  })
  const headers = [{ name: 'Authorization', value: 'Bearer t' }]
  await using mcp = await connect([
    { type: 'http', name: 'web', url: server.url, headers },
    { type: 'http', name: 'locked', url: server.url, headers: [] },
  ])
  expect(mcp.problems).toEqual(['MCP server locked: it does not let us in: put a token into its headers'])
  expect(await named(mcp, 'web__ask').call({}, never)).toEqual({ text: '{"answer":42}', images: [], isError: false })
  expect(seen).toContain('Bearer t')
})

test('a server over HTTP that answers without end is cut off', async () => {
  using server = await overHttp(({ id, method, params }, _, response) => {
    if (method === 'initialize') return initialized(id, params?.protocolVersion)
    if (method !== 'tools/list') return undefined
    response.writeHead(200, { 'content-type': 'application/json' })
    const more = (): void => {
      while (!response.destroyed && response.write(' '.repeat(65_536)));
      if (!response.destroyed) response.once('drain', more)
    }
    return void more()
  })
  await using mcp = await connect([{ type: 'http', name: 'endless', url: server.url, headers: [] }])
  expect(mcp.problems).toEqual([expect.stringMatching(/^MCP server endless: .*longer than 10 MB/)])
})

test('a server over HTTP does not send us, and the headers, elsewhere', async () => {
  let reached = 0
  using elsewhere = await overHttp(() => {
    reached += 1
    return undefined
  })
  using server = await overHttp((_, __, response) => void response.writeHead(307, { location: elsewhere.url }).end())
  await using mcp = await connect([{ type: 'http', name: 'sends', url: server.url, headers: [{ name: 'Authorization', value: 'Bearer t' }] }])
  expect(mcp.problems).toHaveLength(1)
  expect(reached).toBe(0)
})

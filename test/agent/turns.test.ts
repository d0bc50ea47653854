// Turns of the own agent: what is said, which tools are called, and what the model hears of it.

import { chmodSync, existsSync, readFileSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/config/package-root.ts'
import type * as acp from '@agentclientprotocol/sdk/unstable'
import { expect, test } from 'vitest'
import { type Setup, lastSent, makeHome, secretKey, startAgent } from './own-agent.ts'

/** One call of a tool in a fresh workspace, with everything allowed that is asked. */
async function call(tool: string, input: Record<string, unknown>, setup: Setup = {}) {
  const agent = await startAgent({ person: () => 'allow', ...setup, steps: [{ call: tool, input }] })
  await agent.say('go')
  return agent
}

test('what the model says arrives in pieces and before the end of the turn', async () => {
  await using agent = await startAgent({ steps: [{ say: 'Hello, wörld 👋', chunks: 3 }] })
  const response = await agent.say('Say hello')
  expect(response).toMatchObject({ stopReason: 'end_turn', usage: { inputTokens: 1200, outputTokens: 34 } })
  expect(agent.client.text).toBe('Hello, wörld 👋')
  expect(agent.client.updates.filter((update) => update.sessionUpdate === 'agent_message_chunk')).toHaveLength(3)
  expect(agent.client.updates).toContainEqual({ sessionUpdate: 'session_info_update', title: 'Say hello' })
  expect(agent.client.updates.find((update) => update.sessionUpdate === 'usage_update')).toMatchObject({ used: 1234 })
})

test('a model that refuses ends the turn as a refusal', async () => {
  await using agent = await startAgent({ steps: [{ refuse: 'I will not do that.' }] })
  expect(await agent.say('go')).toMatchObject({ stopReason: 'refusal' })
})

test.each(['anthropic', 'openai-completions', 'openai-responses', 'google'] as const)('a turn with a tool works over the API %s', async (api) => {
  using home = makeHome()
  home.put('a.txt', 'hello\n')
  const config = (url: string) =>
    `[models]\ndefault = "mine/test-model"\n[models.mine]\nurl = "${url}${{ anthropic: '', 'openai-completions': '/v1', 'openai-responses': '/v1', google: '/v1beta' }[api]}"\napi = "${api}"\nmodels = [{ id = "test-model" }]\n`
  await using agent = await startAgent({ home, config, steps: [{ call: 'read', input: { path: 'a.txt' } }, { say: 'It says hello.' }] })
  expect(await agent.say('go')).toMatchObject({ stopReason: 'end_turn' })
  expect(agent.client.calls).toMatchObject([{ title: 'read a.txt', status: 'completed', text: 'hello' }])
  expect(agent.client.text).toBe('It says hello.')
  expect(lastSent(agent.server)).toContain('hello')
  expect(agent.server.strays).toEqual([])
})

test('a picture goes to a model that sees, and one that does not is told of it', async () => {
  const prompt = [
    { type: 'text', text: 'What is this?' },
    { type: 'image', mimeType: 'image/png', data: 'iVBORw0KGgo=' },
  ] as const
  await using seeing = await startAgent({ config: '[models.anthropic]\nmodels = [{ id = "test-model", images = true }]\n' })
  await seeing.client.agent.request('session/prompt', { sessionId: seeing.sessionId, prompt: [...prompt] })
  expect(lastSent(seeing.server)).toContain('iVBORw0KGgo=')
  await using blind = await startAgent({ config: '[models.anthropic]\nmodels = [{ id = "test-model", images = false }]\n' })
  await blind.client.agent.request('session/prompt', { sessionId: blind.sessionId, prompt: [...prompt] })
  expect(lastSent(blind.server)).not.toContain('iVBORw0KGgo=')
  expect(lastSent(blind.server)).toContain('does not see pictures')
})

test('what is said while a turn goes on is heard by that turn, once', async () => {
  await using agent = await startAgent({ steps: [{ hang: 'Let me think.' }, { say: ' Blue it is.' }] })
  const first = agent.say('Paint it')
  await agent.server.waitForRequest(1)
  const second = agent.say('In blue')
  // Whatever comes after it finds it heard.
  await agent.setMode('ask')
  agent.server.release()
  expect([await first, await second]).toMatchObject([{ stopReason: 'end_turn' }, { stopReason: 'end_turn' }])
  expect(agent.client.text).toBe('Let me think. Blue it is.')
  expect(agent.server.requests).toHaveLength(2)
  expect(lastSent(agent.server).split('In blue')).toHaveLength(2)
})

test('files that a prompt points to are read, inside the workspace', async () => {
  using home = makeHome()
  const file = home.put('a.txt', 'what is in it')
  await using agent = await startAgent({ home })
  const { client, sessionId } = agent
  await client.agent.request('session/prompt', {
    sessionId,
    prompt: [
      { type: 'resource_link', name: 'a.txt', uri: `file://${file}` },
      { type: 'resource_link', name: 'hostname', uri: 'file:///etc/hostname' },
      { type: 'resource', resource: { uri: 'file:///b.txt', text: 'what was attached' } },
    ],
  })
  const sent = lastSent(agent.server)
  expect(sent).toContain('what is in it')
  expect(sent).toContain('what was attached')
  expect(sent).toContain('points to file:///etc/hostname')
})

test('tools of an MCP server are offered to the model and asked about', async () => {
  using home = makeHome()
  const server: acp.McpServer = { name: 'fixture', command: process.execPath, args: [join(packageRoot, 'test/fixtures/mcp-server.ts')], env: [] }
  await using agent = await startAgent({ home, person: () => 'allow' })
  const { client } = agent
  const { sessionId } = await client.agent.request('session/new', { cwd: home.workspace, mcpServers: [server] })
  await client.agent.request('session/prompt', { sessionId, prompt: [{ type: 'text', text: 'go' }] })
  expect(agent.server.requests[0]?.tools.filter((name) => name.startsWith('fixture__')).length).toBeGreaterThan(0)
})

test('where no sandbox can be made no session begins that wants one', async () => {
  await expect(startAgent({ config: '[agent]\nsandbox = true\n', env: { PATH: '/nowhere' } })).rejects.toThrow('sandbox')
})

test('the model is told what AGENTS.md says, of the folders down from the root of the repository, and what skills there are', async () => {
  using home = makeHome()
  home.put('.git/HEAD', 'ref: refs/heads/main\n')
  home.put('AGENTS.md', 'Always write tests.')
  home.put('CLAUDE.md', 'Not this one.')
  home.put('.agents/skills/release/SKILL.md', '---\nname: release\ndescription: How releases are made.\n---\nRead me.')
  await using agent = await startAgent({ home, steps: [{ say: 'ok' }] })
  await agent.say('go')
  const sent = lastSent(agent.server)
  expect(sent).toContain('Always write tests.')
  expect(sent).not.toContain('Not this one.')
  expect(sent).toContain('How releases are made.')
})

test('a CLAUDE.md is read where there is no AGENTS.md, and none that leads out of the project', async () => {
  using home = makeHome()
  home.put('CLAUDE.md', 'Be kind.')
  await using first = await startAgent({ home, steps: [{ say: 'ok' }] })
  await first.say('go')
  expect(lastSent(first.server)).toContain('Be kind.')
  using other = makeHome()
  home.put('secret', 'my secret')
  symlinkSync(join(home.workspace, 'secret'), join(other.workspace, 'AGENTS.md'))
  await using second = await startAgent({ home: other, steps: [{ say: 'ok' }] })
  await second.say('go')
  expect(lastSent(second.server)).not.toContain('my secret')
})

test('an edit is shown as a diff, asked for, made when it is allowed, and told to the model', async () => {
  using home = makeHome()
  const file = home.put('a.txt', 'one\ntwo\n')
  await using agent = await call('edit', { path: 'a.txt', edits: [{ old_text: 'two', new_text: 'three' }] }, { home })
  expect(agent.client.asks).toMatchObject([
    {
      toolCall: { title: 'edit a.txt', kind: 'edit', content: [{ type: 'diff', path: file, oldText: 'one\ntwo\n', newText: 'one\nthree\n' }], locations: [{ path: file }] },
      options: [{ kind: 'allow_once' }, { kind: 'allow_always', name: 'Allow all edits in the workspace, for this session' }, { kind: 'reject_once' }, { kind: 'reject_once' }],
    },
  ])
  expect(readFileSync(file, 'utf8')).toBe('one\nthree\n')
  expect(agent.client.calls).toMatchObject([{ title: 'edit a.txt', status: 'completed' }])
  expect(lastSent(agent.server)).toContain('changed ')
})

test('an edit that is rejected is not made, and the model hears why', async () => {
  using home = makeHome()
  const file = home.put('a.txt', 'one\n')
  const person: Setup['person'] = (what) => ('ask' in what ? 'reject-why' : 'that file is generated')
  await using agent = await call('write', { path: 'a.txt', content: 'two\n' }, { home, person })
  expect(readFileSync(file, 'utf8')).toBe('one\n')
  expect(agent.client.calls).toMatchObject([{ status: 'failed' }])
  expect(lastSent(agent.server)).toContain('says: that file is generated')
})

test('"always" is for what it says, for the rest of the session', async () => {
  const run = (command: string) => ({ call: 'shell', input: { command } })
  await using agent = await startAgent({
    person: (what) => ('ask' in what ? 'always' : undefined),
    steps: [run('echo one'), run('echo one two'), run('echo two'), { say: 'done' }],
  })
  await agent.say('go')
  expect(agent.client.asks.map(({ options }) => options[1]?.name)).toEqual(['Always allow `echo one …`, for this session', 'Always allow `echo two …`, for this session'])
  expect(agent.client.calls.map(({ text }) => text)).toEqual(['one', 'one two', 'two'])
})

test('files are read, found and listed without asking', async () => {
  using home = makeHome()
  home.put('src/a.ts', 'const a = 1\nconst b = 2\n')
  home.put('src/deep/b.ts', 'const b = 3\n')
  home.put('node_modules/x/a.ts', 'const b = 4\n')
  home.put('.gitignore', 'out/\n*.log\n')
  home.put('out/c.ts', 'const b = 5\n')
  home.put('x.log', 'const b = 6\n')
  const steps = [
    { call: 'read', input: { path: 'src/a.ts', offset: 2 } },
    { call: 'grep', input: { pattern: 'const b', glob: '*.ts' } },
    { call: 'grep', input: { pattern: 'CONST B = 3', ignore_case: true, path: 'src' } },
    { call: 'find', input: { pattern: '*.ts' } },
    { call: 'ls', input: { path: 'src' } },
  ]
  await using agent = await startAgent({ home, steps, env: { PATH: '/nowhere' } })
  await agent.say('go')
  expect(agent.client.asks).toEqual([])
  expect(agent.client.calls.map(({ text }) => text)).toEqual([
    'const b = 2',
    'src/a.ts:2:const b = 2\nsrc/deep/b.ts:1:const b = 3',
    'src/deep/b.ts:1:const b = 3',
    'src/a.ts\nsrc/deep/b.ts',
    'a.ts\ndeep/',
  ])
})

test('a pattern that takes for ever does not hold up a cancel', async () => {
  using home = makeHome()
  home.put('a.txt', `${'a'.repeat(60)}b\n`)
  await using agent = await startAgent({ home, steps: [{ call: 'grep', input: { pattern: '(a+)+$' } }], env: { PATH: '/nowhere' } })
  const turn = agent.say('go')
  await agent.client.until(() => agent.client.calls[0]?.status === 'in_progress')
  await agent.client.agent.notify('session/cancel', { sessionId: agent.sessionId })
  expect(await turn).toMatchObject({ stopReason: 'cancelled' })
})

test('a command prints as it goes, and says how it ended', async () => {
  await using agent = await call('shell', { command: 'echo out; echo err >&2; exit 3' })
  expect(agent.client.calls).toMatchObject([{ title: '`echo out; echo err >&2; exit 3`', status: 'failed' }])
  expect(agent.client.calls[0]?.text).toMatch(/out\nerr\n\(exit code 3\)|err\nout\n\(exit code 3\)/)
})

test('a command that takes too long is ended with all that it started', async () => {
  await using agent = await call('shell', { command: '(while :; do :; done) & while :; do :; done', timeout_s: 1 })
  expect(agent.client.calls[0]?.text).toContain('ended after 1 s')
})

test('no command has the key of a model in its environment, and the key is not written anywhere', async () => {
  using home = makeHome()
  await using agent = await call('shell', { command: 'env' }, { home, env: { OPENAI_API_KEY: secretKey, MY_OWN: 'kept' } })
  const printed = agent.client.calls[0]?.text ?? ''
  expect(printed).toContain('MY_OWN=kept')
  expect(printed).not.toContain(secretKey)
  expect(printed).not.toContain('ANTHROPIC_API_KEY')
  expect(filesBelow(home.home).filter((file) => readFileSync(file).includes(secretKey))).toEqual([])
  expect(filesBelow(home.home).length).toBeGreaterThan(0)
})

test('files are searched without a program that the repository brought along', async () => {
  using home = makeHome()
  home.put('a.txt', 'a heron\n')
  const planted = home.put('bin/rg', `#!/bin/sh\ntouch '${join(home.folder, 'ran')}'\n`)
  chmodSync(planted, 0o755)
  await using agent = await call('grep', { pattern: 'heron' }, { home, env: { PATH: `${join(home.workspace, 'bin')}:${process.env['PATH']}` } })
  expect(agent.client.calls[0]?.text).toContain('a heron')
  expect(existsSync(join(home.folder, 'ran'))).toBe(false)
})

test('the plan is shown as a check list', async () => {
  await using agent = await call('plan', {
    steps: [
      { step: 'look', status: 'completed' },
      { step: 'change', status: 'in_progress' },
    ],
  })
  expect(agent.client.updates).toContainEqual({
    sessionUpdate: 'plan',
    entries: [
      { content: 'look', priority: 'medium', status: 'completed' },
      { content: 'change', priority: 'medium', status: 'in_progress' },
    ],
  })
  expect(agent.client.calls).toEqual([])
})

test('a question is a form, and its answer is heard', async () => {
  const person: Setup['person'] = (what) => ('form' in what && what.form.message === 'Which colour?' ? 'red' : undefined)
  await using agent = await call('ask', { question: 'Which colour?', choices: ['red', 'blue'] }, { person })
  expect(agent.client.forms).toMatchObject([
    { mode: 'form', requestedSchema: { properties: { answer: { oneOf: [{ const: 'red' }, { const: 'blue' }, { const: 'something else' }] } } } },
  ])
  expect(lastSent(agent.server)).toContain('The user answers: red')
})

test('a client without forms is asked by options, and a question without choices is handed back', async () => {
  await using choices = await call('ask', { question: 'Which colour?', choices: ['red', 'blue'] }, { person: () => 'blue', capabilities: {} })
  expect(choices.client.asks).toMatchObject([{ options: [{ optionId: 'red' }, { optionId: 'blue' }] }])
  expect(lastSent(choices.server)).toContain('The user answers: blue')
  await using text = await call('ask', { question: 'Which name?' }, { capabilities: {} })
  expect(lastSent(text.server)).toContain('end your turn with the question')
})

test('the same failing step three times in a row asks what to do; "stop" ends the turn', async () => {
  const read = { call: 'read', input: { path: 'missing.txt' } }
  await using agent = await startAgent({ steps: () => read, person: (what) => ('form' in what ? 'stop' : undefined) })
  expect(await agent.say('go')).toMatchObject({ stopReason: 'end_turn' })
  expect(agent.client.calls).toHaveLength(3)
  expect(agent.client.forms[0]?.message).toContain('3 times in a row')
})

test('a tool that there is not fails three times and is asked about too; what is said instead is heard', async () => {
  const call = { call: 'teleport', input: { to: 'the moon' } }
  const person: Setup['person'] = (what) => ('form' in what ? (what.form.message.startsWith('What should') ? 'walk' : 'say') : undefined)
  await using agent = await startAgent({ steps: [call, call, call, { say: 'I walk.' }], person })
  expect(await agent.say('go')).toMatchObject({ stopReason: 'end_turn' })
  expect(agent.client.text).toBe('I walk.')
  expect(agent.client.calls.map(({ status }) => status)).toEqual(['failed', 'failed', 'failed'])
  expect(lastSent(agent.server)).toContain('walk')
})

test('another prompt in the middle of a turn is heard in that turn, and answered with it', async () => {
  const answer = Promise.withResolvers<string>()
  await using agent = await startAgent({ steps: [{ call: 'ask', input: { question: 'Go?', choices: ['yes'] } }, { say: 'done' }], person: () => answer.promise })
  const first = agent.say('go')
  await agent.client.until(() => agent.client.forms.length === 1)
  const second = agent.say('and mind the tests')
  // The prompt is on its way before the answer is: one stream, in order.
  await agent.setMode('ask')
  answer.resolve('yes')
  expect((await first).stopReason).toBe('end_turn')
  expect((await second).stopReason).toBe('end_turn')
  expect(agent.server.requests).toHaveLength(2)
  expect(lastSent(agent.server)).toContain('and mind the tests')
})

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []))
}

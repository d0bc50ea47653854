// Sessions of the own agent: what is kept of them, and how they are taken up again, by this process and by another after the first was killed.

import { spawn } from 'node:child_process'
import { readdirSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import * as acp from '@agentclientprotocol/sdk/unstable'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import { startModelServer } from '../fixtures/model-server/server.ts'
import { Client, type Home, connectAgent, environmentOf, lastSent, makeHome, startAgent } from './own-agent.ts'

/** The program itself. */
async function startProgram(home: Home, env: Record<string, string>) {
  const program = spawn(process.execPath, [join(packageRoot, 'src/agent/main.ts')], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => program.once('exit', () => resolve()))
  const stream = acp.ndJsonStream(Writable.toWeb(program.stdin), Readable.toWeb(program.stdout) as ReadableStream<Uint8Array>)
  const client = new Client(
    stream,
    () => 'allow',
    async () => {
      program.stdin.end()
      await ended
    },
  )
  const opened = await client.initialize()
  return { client, opened, program, ended, cwd: home.workspace }
}

test('a session is listed, loaded with what was said and done, and goes on', async () => {
  using home = makeHome()
  home.put('a.txt', 'hello\n')
  await using first = await startAgent({ home, steps: [{ call: 'read', input: { path: 'a.txt' }, say: 'Let me look.' }, { say: 'It says hello.' }] })
  await first.say('What does a.txt say?\nTell me.')
  const { sessions } = await first.client.agent.request('session/list', { cwd: home.workspace })
  expect(sessions).toMatchObject([{ sessionId: first.sessionId, cwd: home.workspace, title: 'What does a.txt say?' }])
  expect((await first.client.agent.request('session/list', { cwd: '/' })).sessions).toEqual([])

  await using second = await startAgent({ home, steps: [{ say: 'And now?' }] })
  const { sessionId } = first
  const loaded = await second.client.agent.request('session/load', { sessionId, cwd: home.workspace, mcpServers: [] })
  expect(loaded).toMatchObject({ modes: { currentModeId: 'ask' } })
  expect(second.client.updates.filter(({ sessionUpdate }) => sessionUpdate.endsWith('_chunk') || sessionUpdate === 'tool_call')).toMatchObject([
    { sessionUpdate: 'user_message_chunk', content: { text: 'What does a.txt say?\nTell me.' } },
    { sessionUpdate: 'agent_message_chunk', content: { text: 'Let me look.' } },
    { sessionUpdate: 'tool_call', title: 'read a.txt', status: 'completed', content: [{ content: { text: 'hello' } }] },
    { sessionUpdate: 'agent_message_chunk', content: { text: 'It says hello.' } },
  ])
  await second.client.agent.request('session/prompt', { sessionId, prompt: [{ type: 'text', text: 'go on' }] })
  expect(lastSent(second.server)).toContain('It says hello.')
})

test('a fork begins with what was said, and what is said later is its own', async () => {
  await using agent = await startAgent({ steps: [{ say: 'one' }, { say: 'two' }, { say: 'three' }] })
  const { client, sessionId, home } = agent
  await agent.say('first')
  const { sessionId: forked } = await client.agent.request('session/fork', { sessionId, cwd: home.workspace })
  await client.agent.request('session/prompt', { sessionId: forked, prompt: [{ type: 'text', text: 'in the fork' }] })
  expect(lastSent(agent.server)).toContain('first')
  await agent.say('in the old one')
  expect(lastSent(agent.server)).not.toContain('in the fork')
})

test('a closed session answers no prompts and can be resumed; a deleted one is gone', async () => {
  await using agent = await startAgent({ steps: [{ say: 'one' }] })
  const { client, sessionId, home } = agent
  await agent.say('first')
  await client.agent.request('session/close', { sessionId })
  await expect(agent.say('again')).rejects.toThrow()
  await client.agent.request('session/resume', { sessionId, cwd: home.workspace, mcpServers: [] })
  expect((await agent.say('again')).stopReason).toBe('end_turn')
  await client.agent.request('session/delete', { sessionId })
  await expect(client.agent.request('session/resume', { sessionId, cwd: home.workspace, mcpServers: [] })).rejects.toThrow()
  await expect(client.agent.request('session/resume', { sessionId: '../../etc/passwd', cwd: home.workspace, mcpServers: [] })).rejects.toThrow()
})

test('a conversation that is too long for its model is summarised, and goes on with the summary', async () => {
  const config = '[models.anthropic]\nmodels = [{ id = "test-model", context_window = 40000, max_output = 1000 }]\n'
  await using agent = await startAgent({ config, steps: [{ say: 'one' }, { say: 'two' }, { say: 'three' }] })
  await agent.say('first')
  await agent.say('banana')
  await agent.say(`third ${'x'.repeat(160_000)}`)
  expect(agent.client.thoughts).toContain('Summarised')
  expect(agent.server.asides).toHaveLength(1)
  expect(lastSent(agent.server)).not.toContain('banana')
  expect(lastSent(agent.server)).toContain('compacted into the following summary')
  expect(lastSent(agent.server)).toContain('third')
  // In full for people.
  const { updates } = agent.client
  updates.length = 0
  await agent.client.agent.request('session/load', { sessionId: agent.sessionId, cwd: agent.home.workspace, mcpServers: [] })
  expect(updates.find((update) => update.sessionUpdate === 'user_message_chunk')).toMatchObject({ content: { text: 'first' } })
})

test('a provider that says that it is too long has it summarised, and the turn goes on', async () => {
  const config = '[models.anthropic]\nmodels = [{ id = "test-model", context_window = 40000, max_output = 1000 }]\n'
  const tooLong = { status: 400, body: { type: 'error', error: { type: 'invalid_request_error', message: 'prompt is too long: 50000 tokens > 40000 maximum' } } }
  await using agent = await startAgent({ config, steps: [{ say: 'one' }, { say: 'two' }, tooLong, { say: 'three' }] })
  await agent.say(`apple ${'x'.repeat(60_000)}`)
  await agent.say(`banana ${'x'.repeat(60_000)}`)
  expect((await agent.say('cherry')).stopReason).toBe('end_turn')
  expect(agent.client.text).toBe('onetwothree')
  expect(lastSent(agent.server)).not.toContain('apple')
  expect(lastSent(agent.server)).toContain('cherry')
})

test('without a model a session waits for somebody to log in, and begins once there is one', async () => {
  using home = makeHome()
  const { url } = await startModelServer([]).then(async (server) => {
    await server[Symbol.asyncDispose]()
    return server
  })
  await using client = await connectAgent(home, environmentOf(home, undefined), { config: `[models.mine]\nurl = "${url}/v1"\napi = "openai-completions"\n` })
  const open = () => client.agent.request('session/new', { cwd: home.workspace, mcpServers: [] })
  await expect(open()).rejects.toMatchObject({ code: -32000, message: expect.stringContaining('no model can be reached') })
  await expect(client.agent.request('authenticate', { methodId: 'models' })).rejects.toMatchObject({ code: -32000 })
  await using server = await startModelServer([{ say: 'hello' }], { port: Number(new URL(url).port) })
  await client.agent.request('authenticate', { methodId: 'models' })
  const { sessionId } = await open()
  await client.agent.request('session/prompt', { sessionId, prompt: [{ type: 'text', text: 'go' }] })
  expect(client.text).toBe('hello')
  expect(server.requests).toHaveLength(1)
})

test('the program says how to get a model, takes a turn, and survives being killed in the middle of one', async () => {
  using home = makeHome()
  await using server = await startModelServer([{ call: 'shell', input: { command: 'echo started; sleep 60 & wait' } }, { say: 'I go on.' }])
  const env = environmentOf(home, server)
  await using _configured = await connectAgent(home, env)
  const { client, opened, program, ended } = await startProgram(home, env)
  expect(opened.authMethods?.[0]?.description).toContain('ANTHROPIC_API_KEY')
  const { sessionId } = await client.agent.request('session/new', { cwd: home.workspace, mcpServers: [] })
  client.agent.request('session/prompt', { sessionId, prompt: [{ type: 'text', text: 'go' }] }).catch(() => {})
  await client.until(() => client.calls[0]?.text.includes('started') ?? false)
  program.kill('SIGKILL')
  await ended
  killGroupsNamed(home.folder)

  const again = await startProgram(home, env)
  await using second = again.client
  await second.agent.request('session/load', { sessionId, cwd: home.workspace, mcpServers: [] })
  expect(second.updates.find((update) => update.sessionUpdate === 'user_message_chunk')).toMatchObject({ content: { text: 'go' } })
  expect(second.calls).toMatchObject([{ status: 'failed', text: expect.stringContaining('It may have taken effect') }])
  const { stopReason } = await second.agent.request('session/prompt', { sessionId, prompt: [{ type: 'text', text: 'and now?' }] })
  expect(stopReason).toBe('end_turn')
  expect(second.text).toBe('I go on.')
  expect(lastSent(server)).toContain('It may have taken effect')
  for (const file of readdirSync(home.home, { recursive: true, withFileTypes: true }))
    if (file.name.endsWith('.jsonl')) expect(statSync(join(file.parentPath, file.name)).mode & 0o077).toBe(0)
})

/** What a killed program has left at work; a keeper does the same. */
function killGroupsNamed(folder: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    try {
      if (readlinkSync(`/proc/${pid}/cwd`).startsWith(folder)) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // Gone, or not ours.
    }
  }
}

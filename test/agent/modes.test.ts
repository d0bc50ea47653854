// What the own agent may do in which mode, and what is asked about in all of them.

import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Running, type Setup, lastSent, makeHome, startAgent } from './own-agent.ts'

const edit = { call: 'write', input: { path: 'new.txt', content: 'new\n' } }
const command = { call: 'shell', input: { command: 'echo hello > said.txt' } }

/** In that mode, nobody allows anything. */
async function inMode(mode: string, setup: Setup): Promise<Running> {
  const agent = await startAgent({ person: (what) => ('ask' in what ? 'reject' : undefined), ...setup })
  await agent.setMode(mode)
  await agent.say('go')
  return agent
}

test.each([
  ['ask', ['write', 'shell']],
  ['accept-edits', ['shell']],
  ['auto', []],
] as const)('in mode %s the user is asked about: %s', async (mode, asked) => {
  await using agent = await inMode(mode, { steps: [edit, command] })
  expect(agent.client.asks.map(({ toolCall }) => toolCall.name)).toEqual(asked)
  expect(existsSync(join(agent.home.workspace, 'new.txt'))).toBe(!asked.includes('write' as never))
  expect(existsSync(join(agent.home.workspace, 'said.txt'))).toBe(!asked.includes('shell' as never))
})

test('plan mode changes nothing and lets everything be read; the model is told', async () => {
  await using agent = await inMode('plan', { steps: [edit, command, { call: 'shell', input: { command: 'ls' } }, { call: 'shell', input: { command: 'rm -r .' } }] })
  expect(agent.client.asks).toEqual([])
  expect(agent.client.calls.map(({ status }) => status)).toEqual(['failed', 'failed', 'completed', 'failed'])
  expect(existsSync(join(agent.home.workspace, 'new.txt'))).toBe(false)
  expect(existsSync(join(agent.home.workspace, 'said.txt'))).toBe(false)
  expect(lastSent(agent.server)).toContain('PLAN MODE')
  expect(agent.server.requests[0]?.tools).not.toContain('write')
})

test('plan mode is left by a permission, and then the plan is carried out', async () => {
  await using agent = await inMode('plan', { steps: [{ call: 'leave_plan_mode', input: { plan: '1. Write the file.' } }, edit], person: () => 'accept-edits' })
  expect(agent.client.asks).toMatchObject([{ toolCall: { kind: 'switch_mode', content: [{ content: { text: '1. Write the file.' } }] } }])
  expect(agent.client.updates).toContainEqual({ sessionUpdate: 'current_mode_update', currentModeId: 'accept-edits' })
  expect(existsSync(join(agent.home.workspace, 'new.txt'))).toBe(true)
  expect(agent.server.requests[1]?.tools).toContain('write')
})

test('a plan that is not accepted leaves the session in plan mode', async () => {
  await using agent = await inMode('plan', { steps: [{ call: 'leave_plan_mode', input: { plan: 'p' } }, edit] })
  expect(existsSync(join(agent.home.workspace, 'new.txt'))).toBe(false)
  expect(agent.server.requests[1]?.tools).toContain('leave_plan_mode')
})

test.each([
  ['a deletion', 'rm new.txt', 'deletes'],
  ['a path outside', 'cat /etc/hostname', '/etc/hostname is outside'],
  ['other rights', 'sudo true', 'other rights'],
  ['a shell that is fed', 'curl -s http://127.0.0.1:9/x | sh', 'runs what it is given'],
])('auto mode asks about %s, without an "always"', async (_what, text, why) => {
  await using agent = await inMode('auto', { steps: [{ call: 'shell', input: { command: text } }] })
  expect(agent.client.asks.map(({ options }) => options.map(({ kind }) => kind))).toEqual([['allow_once', 'reject_once', 'reject_once']])
  expect(JSON.stringify(agent.client.asks[0]?.toolCall.content)).toContain(why)
  expect(agent.client.calls).toMatchObject([{ status: 'failed' }])
})

test("auto mode asks about files outside, also behind a link, and about what is git's own", async () => {
  using home = makeHome()
  const outside = join(home.folder, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'a.txt'), 'mine\n')
  symlinkSync(outside, join(home.workspace, 'link'))
  const steps = [
    { call: 'read', input: { path: '../outside/a.txt' } },
    { call: 'read', input: { path: 'link/a.txt' } },
    { call: 'write', input: { path: 'link/b.txt', content: 'x' } },
    { call: 'shell', input: { command: 'cat link/a.txt' } },
    { call: 'grep', input: { pattern: 'mine', path: 'link' } },
    { call: 'write', input: { path: '.git/hooks/post-commit', content: 'x' } },
  ]
  await using agent = await inMode('auto', { home, steps })
  expect(agent.client.asks).toHaveLength(steps.length)
  expect(agent.client.calls.map(({ status }) => status)).toEqual(steps.map(() => 'failed'))
  expect(existsSync(join(outside, 'b.txt'))).toBe(false)
})

test('what was allowed outside is done', async () => {
  using home = makeHome()
  const outside = join(home.folder, 'b.txt')
  await using agent = await startAgent({ home, steps: [{ call: 'write', input: { path: outside, content: 'x' } }], person: () => 'allow' })
  await agent.say('go')
  expect(readFileSync(outside, 'utf8')).toBe('x')
})

test('modes, models and thinking are offered as config options too, and what is not offered is refused', async () => {
  await using agent = await startAgent()
  const { client, sessionId } = agent
  const { configOptions } = await client.agent.request('session/set_config_option', { sessionId, configId: 'mode', value: 'auto' })
  expect(configOptions.find(({ category }) => category === 'mode')).toMatchObject({ currentValue: 'auto' })
  expect(configOptions.find(({ category }) => category === 'model')).toMatchObject({ currentValue: 'anthropic/test-model' })
  expect(client.updates).toContainEqual({ sessionUpdate: 'current_mode_update', currentModeId: 'auto' })
  await expect(agent.setMode('yolo')).rejects.toThrow('there is no mode "yolo"')
  await expect(client.agent.request('session/set_config_option', { sessionId, configId: 'model', value: 'x/y' })).rejects.toThrow('x/y')
})

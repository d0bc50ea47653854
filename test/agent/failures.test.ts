// Models that fail, hang, refuse and break off, and turns that are cancelled in the middle of it.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Running, lastSent, startAgent } from './own-agent.ts'

const limited = { status: 429, headers: { 'retry-after': '1' } }

async function cancelled(agent: Running, turn: Promise<{ stopReason: string }>): Promise<number> {
  const fromMs = performance.now()
  await agent.client.agent.notify('session/cancel', { sessionId: agent.sessionId })
  expect((await turn).stopReason).toBe('cancelled')
  return performance.now() - fromMs
}

test('a limit pauses the turn until it is reset, and then the turn goes on', async () => {
  await using agent = await startAgent({ steps: [limited, { say: 'here I am' }], clientName: 'offstage' })
  const fromMs = Date.now()
  expect((await agent.say('go')).stopReason).toBe('end_turn')
  expect(agent.client.text).toBe('here I am')
  expect(agent.client.thoughts).toBe('')
  expect(agent.client.extensions).toMatchObject([
    { method: '_offstage/paused', params: { sessionId: agent.sessionId, why: expect.any(String) } },
    { method: '_offstage/continued', params: { sessionId: agent.sessionId } },
  ])
  const params = agent.client.extensions[0]?.params as { until: string } | undefined
  expect(Date.parse(params?.until ?? '')).toBeGreaterThanOrEqual(fromMs + 900)
})

test('a client that knows no pauses is told in words', async () => {
  await using agent = await startAgent({ steps: [limited, { say: 'here I am' }] })
  await agent.say('go')
  expect(agent.client.thoughts).toContain('A limit of the model is reached')
})

test('a cancel in the middle of a pause works at once', async () => {
  await using agent = await startAgent({ steps: [{ status: 429, headers: { 'retry-after': '3600' } }] })
  const turn = agent.say('go')
  await agent.client.until(() => agent.client.extensions.length === 1)
  expect(await cancelled(agent, turn)).toBeLessThan(100)
  expect(agent.client.extensions.map(({ method }) => method)).toEqual(['_offstage/paused', '_offstage/continued'])
})

test('with on_limit = "ask" somebody is asked before it goes on', async () => {
  await using agent = await startAgent({ config: '[models]\non_limit = "ask"\n', steps: [limited, { say: 'here I am' }], person: () => 'now' })
  await agent.say('go')
  expect(agent.client.forms[0]?.message).toContain('A limit of the model is reached')
  expect(agent.client.text).toBe('here I am')
})

test('a passing failure is tried again, and nothing is said or done twice', async () => {
  const write = { call: 'shell', input: { command: 'echo x >> count.txt' } }
  await using agent = await startAgent({ steps: [write, { status: 500 }, { status: 529 }, { say: 'done' }], person: () => 'allow' })
  expect((await agent.say('go')).stopReason).toBe('end_turn')
  expect(readFileSync(join(agent.home.workspace, 'count.txt'), 'utf8')).toBe('x\n')
  expect(agent.client.text).toBe('done')
  expect(agent.client.thoughts).toContain('Trying again')
  expect(agent.server.requests).toHaveLength(4)
})

test('after five tries somebody is asked, and who stops hears what went wrong', async () => {
  await using agent = await startAgent({ steps: () => ({ status: 503 }), person: () => 'stop' })
  await expect(agent.say('go')).rejects.toThrow('the model failed')
  expect(agent.server.requests).toHaveLength(6)
  expect(agent.client.forms[0]?.message).toContain('6 times in a row')
})

test('a text that breaks off in the middle stands, and the model is asked to go on from there', async () => {
  await using agent = await startAgent({ steps: [{ cut: 'The first half ' }, { say: 'and the second.' }] })
  expect((await agent.say('go')).stopReason).toBe('end_turn')
  expect(agent.client.text).toBe('The first half and the second.')
  expect(lastSent(agent.server)).toContain('The first half')
  expect(lastSent(agent.server)).toContain('broke off')
})

test('a model that falls silent counts as failed', async () => {
  await using agent = await startAgent({ config: '[models]\nstall_s = 1\n', steps: [{ hang: 'Well, ' }, { say: 'that was that.' }] })
  expect((await agent.say('go')).stopReason).toBe('end_turn')
  expect(agent.client.text).toBe('Well, that was that.')
})

test('a cancel in the middle of a hanging answer works at once, and what was said is remembered', async () => {
  await using agent = await startAgent({ steps: [{ hang: 'Let me think' }, { say: 'ok' }] })
  const turn = agent.say('go')
  await agent.client.until(() => agent.client.text === 'Let me think')
  expect(await cancelled(agent, turn)).toBeLessThan(100)
  await agent.say('go on')
  expect(lastSent(agent.server)).toContain('Let me think')
  expect(lastSent(agent.server)).toContain('the user cancelled here')
})

test('a cancel in the middle of a command ends its whole process group', async () => {
  const command = 'trap "" TERM; (trap "" TERM; while :; do sleep 0.01; done) & echo $! $$ > pids; while :; do sleep 0.01; done'
  await using agent = await startAgent({ steps: [{ call: 'shell', input: { command } }], person: () => 'allow' })
  const turn = agent.say('go')
  await agent.client.until(() => agent.client.calls[0]?.status === 'in_progress')
  await expect.poll(() => existsSync(join(agent.home.workspace, 'pids'))).toBe(true)
  const pids = readFileSync(join(agent.home.workspace, 'pids'), 'utf8').trim().split(' ').map(Number)
  expect(await cancelled(agent, turn)).toBeLessThan(200)
  await expect.poll(() => pids.filter((pid) => existsSync(`/proc/${pid}/cwd`))).toEqual([])
  expect(agent.client.calls).toMatchObject([{ status: 'failed' }])
})

test('a cancel takes an open question back', async () => {
  await using agent = await startAgent({ steps: [{ call: 'write', input: { path: 'a', content: 'x' } }] })
  const turn = agent.say('go')
  await agent.client.until(() => agent.client.asks.length === 1)
  expect(await cancelled(agent, turn)).toBeLessThan(100)
  expect(existsSync(join(agent.home.workspace, 'a'))).toBe(false)
})

test('a key that is refused is asked about', async () => {
  await using agent = await startAgent({ steps: [{ status: 401 }, { say: 'now it works' }], person: () => 'again' })
  await agent.say('go')
  expect(agent.client.forms[0]?.message).toContain('refuses the key')
  expect(agent.client.text).toBe('now it works')
})

test('a request that the provider does not take ends the turn with what it said', async () => {
  await using agent = await startAgent({ steps: [{ status: 400, body: { type: 'error', error: { type: 'invalid_request_error', message: 'tools: too many' } } }, { say: 'fine' }] })
  await expect(agent.say('go')).rejects.toThrow('tools: too many')
  expect((await agent.say('again')).stopReason).toBe('end_turn')
})

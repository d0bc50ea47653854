// What the engine does with agents about their start and their end, moment by moment, and what of it survives the daemon.

import { expect, onTestFinished, test } from 'vitest'
import { EngineInHand, type Script, type Told } from './agent-in-hand.ts'

const capabilities = (more: object = {}) => ({
  protocolVersion: 1,
  agentCapabilities: { loadSession: true, sessionCapabilities: { close: {}, ...more } },
  agentInfo: { name: 'talker' },
})

/** Answers all that is needed to get to work, but for the methods that are left to the test. */
const orderly =
  (more: Readonly<Record<string, unknown>> = {}): Script =>
  ({ method = '' }: Told) => {
    if (method in more) return more[method]
    if (method === 'initialize') return capabilities()
    if (method === 'session/new') return { sessionId: 'ref' }
    return method === 'session/prompt' ? { stopReason: 'end_turn' } : {}
  }

function inHand(script: Script): EngineInHand {
  const engine = new EngineInHand(script)
  onTestFinished(() => engine.close())
  return engine
}

const methods = (engine: EngineInHand, run: number): readonly (string | undefined)[] => engine.run(run).told.map(({ method }) => method)
/** Until what was begun has nothing more to do at once. */
const breath = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

test('an agent at rest that is stopped is told to close first, and ended when it has', async () => {
  const engine = inHand(orderly({ 'session/close': undefined }))
  const session = await engine.create({}, 'go')
  await engine.until(session, (view) => view.status === 'completed')
  await engine.tell(session, { type: 'stop' })
  await breath()
  expect([methods(engine, 1).at(-1), engine.swept]).toEqual(['session/close', []])
  engine.run(1).respond('session/close', {})
  await engine.until(session, (view) => view.status === 'stopped')
  expect(engine.swept).toEqual([1])
})

test('one that does not answer to that is ended a second later', async () => {
  const engine = inHand(orderly({ 'session/close': undefined }))
  const session = await engine.create({}, 'go')
  await engine.until(session, (view) => view.status === 'completed')
  await engine.tell(session, { type: 'end' })
  await breath()
  expect(engine.swept).toEqual([])
  await engine.pass(1000)
  await engine.until(session, (view) => view.archived)
  expect(engine.swept).toEqual([1])
})

test('one at work, and one that does not offer it, is ended at once', async () => {
  const working = inHand(orderly({ 'session/prompt': undefined }))
  const busy = await working.create({}, 'go')
  await working.until(busy, (view) => view.status === 'working')
  await working.tell(busy, { type: 'stop' })
  await working.until(busy, (view) => view.status === 'stopped')
  const plain = inHand(orderly({ initialize: { protocolVersion: 1 } }))
  const idle = await plain.create({}, 'go')
  await plain.until(idle, (view) => view.status === 'completed')
  await plain.tell(idle, { type: 'stop' })
  await plain.until(idle, (view) => view.status === 'stopped')
  for (const engine of [working, plain]) {
    expect(methods(engine, 1)).not.toContain('session/close')
    expect(engine.delays.map(({ ms }) => ms)).not.toContain(1000)
  }
})

test('an agent that loses what it loads in the minute of its last word is taken up in the next one', async () => {
  const engine = inHand(orderly())
  const session = await engine.create({ agent: 'gemini' }, 'go')
  await engine.until(session, (view) => view.status === 'completed')
  await engine.tell(session, { type: 'stop' })
  await engine.until(session, (view) => view.status === 'stopped')
  engine.nowMs += 15_000
  await engine.tell(session, { type: 'resume' })
  const waiting = await engine.until(session, (view) => view.status === 'queued')
  expect(waiting.reason).toBe('waits for the next minute: gemini loses a conversation that is taken up in the minute of its last word')
  engine.nowMs += 25_100
  await engine.pass(25_100)
  await engine.until(session, (view) => view.status === 'waiting')
  expect(methods(engine, 3)).toContain('session/load')
  // In another minute, and for another agent, nobody waits.
  await engine.tell(session, { type: 'stop' })
  await engine.until(session, (view) => view.status === 'stopped')
  engine.nowMs += 60_000
  await engine.tell(session, { type: 'resume' })
  await engine.until(session, (view) => view.status === 'waiting')
  const other = await engine.create({ agent: 'claude' }, 'go')
  await engine.until(other, (view) => view.status === 'completed')
  await engine.tell(other, { type: 'stop' })
  await engine.until(other, (view) => view.status === 'stopped')
  await engine.tell(other, { type: 'resume' })
  expect((await engine.until(other, (view) => view.run?.alive === true)).run?.number).toBe(2)
})

const offered = (...ids: string[]): object => ({ modes: { currentModeId: ids[0], availableModes: ids.map((id) => ({ id, name: id })) } })

test('the question about a mode that is gone survives the daemon, and so does its answer', async () => {
  const engine = inHand(
    orderly({
      initialize: capabilities({ resume: {} }),
      'session/new': { sessionId: 'ref', ...offered('plan') },
      'session/resume': offered('ask', 'yolo'),
      'session/set_mode': undefined,
    }),
  )
  const session = await engine.create({}, 'go')
  await engine.until(session, (view) => view.status === 'completed')
  await engine.tell(session, { type: 'stop' })
  await engine.until(session, (view) => view.status === 'stopped')
  await engine.tell(session, { type: 'resume' })
  await engine.tell(session, { type: 'prompt', text: 'on' })
  const waiting = await engine.until(session, (view) => view.requests.length > 0)
  expect([waiting.status, waiting.reason]).toEqual(['waiting', 'error: talker does not have the mode "plan" any more: which one?'])
  await engine.another()
  const again = await engine.until(session, (view) => view.requests.length > 0)
  expect(again.requests).toEqual(waiting.requests)
  await engine.tell(session, { type: 'answer', requestId: again.requests[0]?.id ?? '', answer: { kind: 'option', optionId: 'ask' } })
  await engine.another()
  expect(engine.run(2).told.filter(({ method }) => method === 'session/set_mode').map(({ params }) => params?.['modeId'])).toEqual(['ask']) // prettier-ignore
  expect(methods(engine, 2)).not.toContain('session/prompt')
  engine.run(2).respond('session/set_mode', {})
  expect((await engine.until(session, (view) => view.status === 'completed' && view.queued === 0)).mode).toBe('ask')
})

test('a prompt that was refused for want of a log-in reaches the agent once more when the user says so, and a pause is shown as one', async () => {
  const engine = inHand(orderly({ 'session/prompt': undefined, authenticate: {} }))
  const session = await engine.create({}, 'go')
  await engine.heard(1, 'session/prompt')
  engine.run(1).say({ method: '_offstage/paused', params: { sessionId: 'ref', until: '2026-11-23T14:45:00Z', why: 'rate limit' } })
  expect((await engine.until(session, (view) => view.status === 'paused')).reason).toBe('rate limit, until 2026-11-23T14:45:00.000Z')
  engine.run(1).say({ method: '_offstage/continued', params: { sessionId: 'ref' } })
  await engine.until(session, (view) => view.status === 'working')
  engine.run(1).respond('session/prompt', { error: { code: -32000, message: 'expired' } })
  const { requests } = await engine.until(session, (view) => view.status === 'waiting')
  await engine.tell(session, { type: 'prompt', text: 'later' })
  await engine.tell(session, { type: 'answer', requestId: requests[0]?.id ?? '', answer: { kind: 'option', optionId: 'again' } })
  const prompts = (): readonly unknown[] => engine.run(1).told.flatMap(({ method, params }) => (method === 'session/prompt' ? [params?.['prompt']] : []))
  const text = (said: string): unknown => [{ type: 'text', text: said }]
  await engine.heard(1, 'session/prompt', 2)
  expect(prompts()).toEqual(['go', 'go'].map(text))
  engine.run(1).respond('session/prompt', { stopReason: 'end_turn' })
  await engine.heard(1, 'session/prompt', 3)
  expect(prompts()).toEqual(['go', 'go', 'later'].map(text))
})

// What a run goes on with: the mode, the model and the options that it had, and a person where one of them is gone.

import { expect, test } from 'vitest'
import type { Launch, Output } from '../../src/drivers/driver.ts'
import { AcpScript, launch, launchWith } from './acp-script.ts'

const gaveUp = (script: AcpScript): string | undefined => script.outputs.flatMap((output: Output) => (output.kind === 'give-up' ? [output.why] : []))[0]

const modes = {
  modes: {
    currentModeId: 'ask',
    availableModes: [
      { id: 'ask', name: 'Ask first' },
      { id: 'yolo', name: 'yolo' },
    ],
  },
}
const select = (id: string, currentValue: string, category?: string): object => ({
  type: 'select',
  id,
  name: `the ${id}`,
  ...(category ? { category } : {}),
  currentValue,
  options: ['low', 'high'].map((value) => ({ value, name: value.toUpperCase() })),
})
const toggle = (id: string, currentValue: boolean): object => ({ type: 'boolean', id, name: id, description: 'on or off', currentValue })

const later: Launch = { ...launch, run: 2, resumes: 'agent-session' }
const resumed = (changes: Partial<Launch>, session: object): AcpScript =>
  new AcpScript({ launch: { ...later, ...changes } }).initialized({ agentCapabilities: { sessionCapabilities: { resume: {}, close: {} } } }).respond('session/resume', session)

test('a mode that it had and that is gone: nothing goes on before a person has chosen one of those that there are', () => {
  const script = resumed({ lastMode: 'plan', lastModel: 'high' }, { ...modes, configOptions: [select('llm', 'low', 'model')] })
  expect(script.reports().map(({ type }) => type)).toEqual(['asks'])
  expect(script.lastAsk()).toEqual({
    id: script.lastAsk().id,
    kind: 'error',
    title: 'talker does not have the mode "plan" any more: which one?',
    detail: 'The session is to go on in mode "plan". The agent does not offer it.\nNow it offers: ask (Ask first), yolo.\nNothing is done until you choose.',
    options: [
      { id: 'ask', label: 'Ask first', kind: 'other' },
      { id: 'yolo', label: 'yolo', kind: 'other' },
      { id: 'stop', label: 'stop', kind: 'reject' },
    ],
  })
  expect(script.sent().map(({ method }) => method)).toEqual(['initialize', 'session/resume'])
  // Prompts and choices that come meanwhile move nothing.
  const before = script.sent().length
  script.order({ type: 'choose', what: 'mode', value: 'yolo' }).prompt('go')
  expect(script.sent()).toHaveLength(before)
  script.answer({ kind: 'option', optionId: 'ask' })
  expect(script.lastSent()).toMatchObject({ method: 'session/set_mode', params: { modeId: 'ask' } })
  script.respond('session/set_mode', {}).respond('session/set_config_option', { configOptions: [select('llm', 'high', 'model')] })
  expect(script.reports().at(-1)).toMatchObject({ type: 'ready', how: 'resumed', offer: { currentMode: 'ask', currentModel: 'high' } })
})

test('stopping in its place sends nothing, and neither does an answer without a choice', () => {
  const script = resumed({ lastMode: 'plan' }, modes)
  const before = script.sent().length
  script.cancelRequest().answer({ kind: 'decline' }).answer({ kind: 'option', optionId: 'stop' }).answer({ kind: 'option', optionId: 'not there' })
  expect(script.sent()).toHaveLength(before)
})

test('the mode that a session was begun with asks too where it is gone later, and so does one that the catalogue has named', () => {
  expect(resumed({ spec: { ...launch.spec, mode: 'plan' } }, modes).lastAsk().title).toBe('talker does not have the mode "plan" any more: which one?')
  const codex = new AcpScript({ launch: launchWith({ agent: 'codex', mode: 'workspace-write' }) }).ready(modes)
  expect(codex.lastAsk().options.map(({ id }) => id)).toEqual(['ask', 'yolo', 'stop'])
  expect(gaveUp(codex)).toBeUndefined()
  // What somebody has typed is more likely misspelt.
  expect(gaveUp(new AcpScript({ launch: launchWith({ agent: 'codex', mode: 'workspace-rite' }) }).ready(modes))).toMatch(/^mode "workspace-rite" cannot be set/)
})

test('a mode that is refused or taken otherwise is asked about again, with what the agent says', () => {
  const script = resumed({ lastMode: 'yolo' }, modes).fail('session/set_mode', { code: -32603, message: 'not as root' })
  expect(script.lastAsk().detail).toMatch(/The agent says: not as root\n/)
  const first = script.lastAsk().id
  script.answer({ kind: 'option', optionId: 'yolo' }).fail('session/set_mode', { code: -32603, message: 'still not' })
  expect(script.lastAsk().id).not.toBe(first)
  expect(script.answer({ kind: 'option', optionId: 'ask' }).respond('session/set_mode', {}).reports().at(-1)).toMatchObject({ type: 'ready' })
})

test('an agent that has no modes any more goes on without one only when somebody says so', () => {
  const script = resumed({ lastMode: 'plan' }, {})
  expect(script.lastAsk().options.map(({ id }) => id)).toEqual(['own', 'stop'])
  expect(script.answer({ kind: 'option', optionId: 'own' }).reports().at(-1)).toMatchObject({ type: 'ready', offer: {} })
})

test('a model that is gone: another one, or its own', () => {
  const gone = (): AcpScript => resumed({ lastModel: 'huge' }, { configOptions: [select('llm', 'low', 'model')] })
  expect(gone().lastAsk()).toMatchObject({
    kind: 'error',
    title: 'talker does not have the model "huge" any more: which one?',
    options: [{ id: 'low' }, { id: 'high' }, { id: 'own', label: 'go on with low' }, { id: 'stop' }],
  })
  for (const [optionId, model] of [
    ['high', 'high'],
    ['own', 'low'],
  ] as const) {
    const script = gone().answer({ kind: 'option', optionId })
    expect(script.lastSent()).toMatchObject({ method: 'session/set_config_option', params: { configId: 'llm', value: model } })
    script.respond('session/set_config_option', { configOptions: [select('llm', model, 'model')] })
    expect(script.reports().at(-1)).toMatchObject({ type: 'ready', offer: { currentModel: model } })
  }
})

test('of many models not all are listed, and one by the name of a choice of ours is none', () => {
  const availableModels = ['stop', 'own', ...Array.from({ length: 70 }, (_, nth) => `m${nth}`)].map((modelId) => ({ modelId, name: modelId }))
  const { options } = resumed({ lastModel: 'huge' }, { models: { currentModelId: 'm1', availableModels } }).lastAsk()
  expect(options).toHaveLength(52)
  expect(options.filter(({ id }) => id === 'stop' || id === 'own').map(({ label }) => label)).toEqual(['go on with m1', 'stop'])
})

test('a mode that the agent leaves because of the model or an option asks too', () => {
  const [llm, effort] = [select('llm', 'low', 'model'), select('effort', 'low')]
  const mode = (currentValue: string): object => ({
    type: 'select',
    id: 'how',
    name: 'Mode',
    category: 'mode',
    currentValue,
    options: ['ask', 'yolo'].map((value) => ({ value, name: value })),
  })
  const script = resumed({ lastMode: 'ask', lastModel: 'high', lastOptions: { effort: 'high' } }, { configOptions: [mode('ask'), llm, effort] })
  script.respond('session/set_config_option', { configOptions: [mode('yolo'), select('llm', 'high', 'model'), effort] })
  script.respond('session/set_config_option', { configOptions: [mode('yolo'), select('llm', 'high', 'model'), select('effort', 'high')] })
  expect(script.reports().map(({ type }) => type)).toEqual(['asks'])
  expect(script.lastAsk().detail).toMatch(/^The session is to go on in mode "ask"\. The agent says: the agent is in "yolo" since the others are set\n/)
  // A person may want that.
  script
    .answer({ kind: 'option', optionId: 'yolo' })
    .respond('session/set_config_option', { configOptions: [mode('yolo'), select('llm', 'high', 'model'), select('effort', 'high')] })
  expect(script.reports().at(-1)).toMatchObject({ type: 'ready', offer: { currentMode: 'yolo', currentModel: 'high' } })
})

test("a mode that nobody has named is the agent's own affair, whatever changes it", () => {
  const script = resumed({ lastModel: 'high' }, { ...modes, configOptions: [select('llm', 'low', 'model')] })
  script.update('current_mode_update', { currentModeId: 'yolo' }).respond('session/set_config_option', { configOptions: [select('llm', 'high', 'model')] })
  expect(script.reports().at(-1)).toMatchObject({ type: 'ready', offer: { currentMode: 'yolo' } })
})

test('the choice in the place of what is gone survives the death of the daemon, and is recalled from what was sent', () => {
  const script = resumed({ lastMode: 'plan' }, modes)
  const { id } = script.lastAsk()
  const sent = script.answer({ kind: 'option', optionId: 'yolo' }).outputs.findLast((output) => output.kind === 'send')
  const again = resumed({ lastMode: 'plan' }, modes)
  expect(sent?.kind === 'send' && again.conversation.recall?.(1, sent.send.id, sent.send.bytes)).toEqual({
    type: 'answer',
    requestId: id,
    answer: { kind: 'option', optionId: 'yolo' },
    secret: false,
  })
})

// Options besides mode and model

test('other options of the agent are part of its offer, on or off as two choices', () => {
  const script = new AcpScript().ready({ ...modes, configOptions: [select('llm', 'low', 'model'), select('effort', 'low', 'thought_level'), toggle('fast', false)] })
  expect(script.reports().at(-1)).toMatchObject({
    type: 'ready',
    offer: {
      currentModel: 'low',
      options: [
        { id: 'effort', name: 'the effort', current: 'low', choices: [{ id: 'low', name: 'LOW' }, { id: 'high', name: 'HIGH' }] }, // prettier-ignore
        { id: 'fast', name: 'fast', description: 'on or off', current: 'false', choices: [{ id: 'true', name: 'on' }, { id: 'false', name: 'off' }] }, // prettier-ignore
      ],
    },
  })
})

test('an option is chosen by its id, as text or as on and off, and what the agent has then is told', () => {
  const script = new AcpScript().ready({ configOptions: [select('effort', 'low'), toggle('fast', false)] })
  script.order({ type: 'choose', what: 'effort', value: 'high' })
  expect(script.lastSent()).toMatchObject({ method: 'session/set_config_option', params: { sessionId: 'agent-session', configId: 'effort', value: 'high' } })
  script.seen()
  script.respond('session/set_config_option', { configOptions: [select('effort', 'high'), toggle('fast', false)] })
  expect(script.reports()).toMatchObject([{ type: 'offers', offer: { options: [{ id: 'effort', current: 'high' }, { id: 'fast' }] } }])
  script.order({ type: 'choose', what: 'fast', value: 'true' })
  expect(script.lastSent()?.params).toEqual({ sessionId: 'agent-session', configId: 'fast', type: 'boolean', value: true })
  const sent = script.outputs.findLast((output) => output.kind === 'send')
  expect(sent?.kind === 'send' && script.conversation.recall?.(1, sent.send.id, sent.send.bytes)).toEqual({ type: 'choose', what: 'fast', value: 'true' })
  script.seen()
  expect(script.fail('session/set_config_option', { code: -32603, message: 'not now' }).reports()).toEqual([{ type: 'note', text: 'the agent does not take fast "true": not now' }])
})

test('options that are all gone are told as gone, and ones that never were are not told', () => {
  const script = new AcpScript().ready({ configOptions: [select('effort', 'low')] })
  script.seen()
  expect(script.update('config_option_update', { configOptions: [] }).reports()).toEqual([{ type: 'offers', offer: { options: [] } }])
  const without = new AcpScript().ready({ configOptions: [select('llm', 'low', 'model')] })
  without.seen()
  expect(without.update('config_option_update', { configOptions: [select('llm', 'high', 'model')] }).reports()).toEqual([{ type: 'offers', offer: { currentModel: 'high' } }])
})

test('what the user had set is set again in the next run, one after the other, and what cannot be is noted', () => {
  const now = [select('effort', 'low'), toggle('fast', false), select('tone', 'high'), select('depth', 'low')]
  const script = resumed({ lastOptions: { effort: 'high', fast: 'true', tone: 'high', depth: 'deepest', gone: 'x' } }, { configOptions: now })
  expect(script.lastSent()?.params).toMatchObject({ configId: 'effort', value: 'high' })
  script.respond('session/set_config_option', { configOptions: [select('effort', 'high'), ...now.slice(1)] })
  expect(script.lastSent()?.params).toMatchObject({ configId: 'fast', type: 'boolean', value: true })
  script.fail('session/set_config_option', { code: -32603, message: 'no' })
  const reports = script.reports()
  expect(reports.slice(0, -1)).toEqual([
    { type: 'note', text: 'the agent does not take option fast "true", which it had before: no' },
    { type: 'note', text: 'the option depth cannot be "deepest" any more, as it was before; it is "low"' },
    { type: 'note', text: 'the option gone cannot be "x" any more, as it was before; the agent does not have it' },
  ])
  expect(reports.at(-1)).toMatchObject({ type: 'ready', offer: { options: [{ id: 'effort', current: 'high' }, { id: 'fast', current: 'false' }, { id: 'tone' }, { id: 'depth' }] } }) // prettier-ignore
  expect(script.sent().filter(({ method }) => method === 'session/set_config_option')).toHaveLength(2)
})

test('an offer is bounded, whatever an agent has', () => {
  const many = { ...select('x', 'low'), options: Array.from({ length: 1000 }, (_, nth) => ({ value: `v${nth}`, name: `V${nth}` })) }
  const script = new AcpScript().ready({ configOptions: Array.from({ length: 100 }, (_, nth) => ({ ...many, id: `x${nth}`, name: 'n'.repeat(5000) })) })
  const ready = script.reports().at(-1)
  const options = ready?.type === 'ready' ? (ready.offer.options ?? []) : []
  expect([options.length, options[0]?.choices.length, options[0]?.name.length]).toEqual([32, 200, 100])
})

// The end

test('an agent at rest that offers it is told to close its session, and is ready to be ended when it has answered', () => {
  const script = resumed({}, {})
  expect(script.conversation.closing).toBe(false)
  script.order({ type: 'close' })
  expect(script.lastSent()).toMatchObject({ method: 'session/close', params: { sessionId: 'agent-session' } })
  expect(script.conversation.closing).toBe(true)
  script.fail('session/close', { code: -32603, message: 'whatever' })
  expect(script.conversation.closing).toBe(false)
})

test('an agent that does not offer it, is not ready, or is at work is not told', () => {
  const silent = [new AcpScript().ready(), new AcpScript().initialized({ agentCapabilities: { sessionCapabilities: { close: {} } } }), resumed({}, {}).prompt('go')]
  for (const script of silent) {
    const before = script.sent().length
    script.order({ type: 'close' })
    expect([script.sent().length, script.conversation.closing]).toEqual([before, false])
  }
})

const continuing = (changes: Partial<Launch['spec']> = {}): Launch => ({ ...launchWith({ continues: 'agent-session', ...changes }), resumes: 'agent-session' })

test('a new session goes on with the named conversation of the agent’s own, in the mode that it was begun with', () => {
  const script = new AcpScript({ launch: continuing({ mode: 'yolo' }) }).initialized({ agentCapabilities: { loadSession: true } })
  expect(script.lastSent()).toMatchObject({ method: 'session/load', params: { sessionId: 'agent-session' } })
  script.respond('session/load', modes)
  expect(script.lastSent()).toMatchObject({ method: 'session/set_mode', params: { sessionId: 'agent-session', modeId: 'yolo' } })
  expect(script.respond('session/set_mode', {}).reports().at(-1)).toMatchObject({ type: 'ready', how: 'loaded', agentRef: 'agent-session' })
  const misspelt = new AcpScript({ launch: continuing({ mode: 'yoyo' }) }).initialized({ agentCapabilities: { loadSession: true } }).respond('session/load', modes)
  expect(gaveUp(misspelt)).toMatch(/^mode "yoyo" cannot be set/)
})

test('a conversation that cannot be gone on with is never replaced by a new one unasked', () => {
  const unable = new AcpScript({ launch: continuing() }).initialized({ agentCapabilities: {} })
  expect(gaveUp(unable)).toBe('the agent cannot go on with a conversation, so not with its session agent-session; start a new one without --continues')
  const forgotten = new AcpScript({ launch: continuing() }).initialized({ agentCapabilities: { loadSession: true } }).fail('session/load', { code: -32002, message: 'not found' })
  expect(forgotten.lastAsk().title).toBe('the agent has forgotten this conversation')
  for (const script of [unable, forgotten]) expect(script.sent().map(({ method }) => method)).not.toContain('session/new')
})

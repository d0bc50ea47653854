// The ACP driver with a test in the agent's place: each behaviour by the lines that bring it about.

import { expect, test } from 'vitest'
import type { Entry } from '../../src/core/events.ts'
import type { Report } from '../../src/core/inputs.ts'
import { acpDriver } from '../../src/drivers/acp/index.ts'
import type { Output } from '../../src/drivers/driver.ts'
import { AcpScript, launch, launchWith } from './acp-script.ts'

const entries = (script: AcpScript): readonly (readonly [string, Entry])[] =>
  script.reports().flatMap((report) => (report.type === 'entry' ? [[report.entryId, report.entry] as const] : []))
const gaveUp = (script: AcpScript): string | undefined => script.outputs.flatMap((output: Output) => (output.kind === 'give-up' ? [output.why] : []))[0]
const drafts = (script: AcpScript): readonly string[] =>
  script.outputs.flatMap((output) => (output.kind === 'draft' ? [`${output.entryId} ${output.draft} ${output.from} ${output.text}`] : []))
const text = (said: string): { content: { type: 'text'; text: string } } => ({ content: { type: 'text', text: said } })

// The handshake

test('the first send is initialize, in lane 1 with the id of the start, and declares forms and addresses but neither files nor terminals', () => {
  const script = new AcpScript()
  expect(script.outputs).toMatchObject([{ kind: 'send', send: { lane: 1, id: 3 } }])
  expect(script.sent()).toEqual([
    {
      jsonrpc: '2.0',
      id: 6,
      method: 'initialize',
      params: {
        protocolVersion: 1,
        clientInfo: { name: 'offstage', title: 'Offstage', version: '0.1.0' },
        clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false, elicitation: { form: {}, url: {} } },
      },
    },
  ])
})

test('a new session is asked for in the directory of the run, in lane 2 with the offset of the line that made it possible', () => {
  const script = new AcpScript().initialized()
  expect(script.lastSent()).toMatchObject({ method: 'session/new', params: { cwd: '/w/shop', mcpServers: [] } })
  const end = Buffer.from((script.steps[0] as unknown as { bytes: Buffer }).bytes).length
  expect(script.outputs.at(-1)).toMatchObject({ send: { lane: 2, id: end } })
  expect(script.lastSent()?.id).toBe(2 * end + 1)
})

test('a session that is there is reported ready, with what the agent offers', () => {
  const script = new AcpScript().ready({ modes: { currentModeId: 'ask', availableModes: [{ id: 'ask', name: 'Ask', description: 'x' }] } })
  expect(script.reports()).toEqual([
    {
      type: 'ready',
      agentRef: 'agent-session',
      how: 'new',
      canResume: true,
      agentName: 'talker',
      agentVersion: '2.0',
      offer: { modes: [{ id: 'ask', name: 'Ask' }], currentMode: 'ask' },
    },
  ])
})

test('a run that resumes uses session/resume where it is offered, otherwise session/load', () => {
  const resuming = { ...launch, resumes: 'old-session' }
  expect(new AcpScript({ launch: resuming }).initialized().lastSent()).toMatchObject({
    method: 'session/resume',
    params: { sessionId: 'old-session', cwd: '/w/shop', mcpServers: [] },
  })
  const loading = new AcpScript({ launch: resuming }).initialized({ agentCapabilities: { loadSession: true } })
  expect(loading.lastSent()).toMatchObject({ method: 'session/load', params: { sessionId: 'old-session', cwd: '/w/shop', mcpServers: [] } })
  expect(loading.respond('session/load', null).reports()).toMatchObject([{ type: 'ready', agentRef: 'old-session', how: 'loaded', canResume: true }])
})

test('an agent that can neither resume nor load starts anew, and that is said', () => {
  const script = new AcpScript({ launch: { ...launch, resumes: 'old-session' } }).initialized({ agentCapabilities: {} })
  expect(script.lastSent()?.method).toBe('session/new')
  expect(script.respond('session/new', { sessionId: 'fresh' }).reports()).toMatchObject([
    { type: 'note', text: 'the agent cannot resume a conversation: it starts without memory of what was said' },
    { type: 'ready', agentRef: 'fresh', how: 'new', canResume: false },
  ])
})

test('what an agent repeats around session/load is history: no entry, no draft', () => {
  const script = new AcpScript({ launch: { ...launch, resumes: 'agent-session' } }).initialized({ agentCapabilities: { loadSession: true } })
  script.update('user_message_chunk', text('old question')).say('old answer').update('tool_call', { toolCallId: 't', title: 'old' }).respond('session/load', {}).say('late history')
  expect(script.reports().map((report) => report.type)).toEqual(['ready'])
  expect(drafts(script)).toEqual([])
  script.prompt('go on').say('new answer').respond('session/prompt', { stopReason: 'end_turn' })
  expect(entries(script)).toEqual([['1.1', { kind: 'message', text: 'new answer' }]])
})

test('an agent that has forgotten the conversation: a person decides', () => {
  const script = new AcpScript({ launch: { ...launch, resumes: 'old-session' } }).initialized().fail('session/resume', { code: -32002, message: 'not found' })
  expect(script.lastAsk()).toMatchObject({
    kind: 'error',
    title: 'the agent has forgotten this conversation',
    detail: 'It was asked to go on with its session old-session and said: not found',
    options: [
      { id: 'new', label: 'start a new conversation', kind: 'other' },
      { id: 'stop', label: 'stop', kind: 'reject' },
    ],
  })
  script.answer({ kind: 'option', optionId: 'new' })
  expect(script.outputs.at(-1)).toMatchObject({ send: { lane: 1, id: 7 } })
  expect(script.lastSent()).toMatchObject({ id: 14, method: 'session/new' })
  expect(script.respond('session/new', { sessionId: 'fresh' }).reports().at(-1)).toMatchObject({ type: 'ready', agentRef: 'fresh', how: 'new' })
})

test('another version of the protocol, an error or nonsense in place of the first answers: given up with a clear text', () => {
  expect(gaveUp(new AcpScript().initialized({ protocolVersion: 2 }))).toMatch(/version 2 .* Offstage speaks version 1/)
  expect(gaveUp(new AcpScript().fail('initialize', { code: -32603, message: 'no licence' }))).toBe('the agent refused the first message: no licence')
  expect(gaveUp(new AcpScript().respond('initialize', 'hello'))).toBe('the agent answered the first message with something that is not ACP')
  expect(gaveUp(new AcpScript().initialized().fail('session/new', { code: -32603, message: 'Internal error', data: { details: 'no such directory' } }))).toBe(
    'the agent could not begin a session: Internal error: no such directory',
  )
  expect(gaveUp(new AcpScript().initialized().respond('session/new', {}))).toBe('the agent began a session without giving it an id')
})

test('nothing is read after giving up', () => {
  const script = new AcpScript().initialized({ protocolVersion: 2 })
  script.seen()
  script.say('hello').request(1, 'fs/read_text_file', { path: '/w/shop/a' }).prompt('hi')
  expect([script.seen(), script.end()]).toEqual([[], []])
})

test('an agent that wants a log-in: its methods are the choices, then the session is asked for again', () => {
  const script = new AcpScript().initialized({
    authMethods: [
      { id: 'key', name: 'Use a key', description: 'from the environment' },
      { id: 'tty', name: 'Terminal', type: 'terminal', args: ['login'] },
    ],
  })
  script.fail('session/new', { code: -32000, message: 'Authentication required' })
  expect(script.lastAsk()).toEqual({
    id: script.lastAsk().id,
    kind: 'auth',
    title: 'log in to talker',
    detail: 'Authentication required\nUse a key: from the environment\nTerminal: in a terminal of your own: start the agent with login, then try again',
    options: [
      { id: 'key', label: 'Use a key', kind: 'other' },
      { id: 'retry', label: 'try again', kind: 'other' },
    ],
  })
  const first = script.lastAsk().id
  expect(script.answer({ kind: 'option', optionId: 'key' }).lastSent()).toMatchObject({ method: 'authenticate', params: { methodId: 'key' } })
  script.fail('authenticate', { code: -32603, message: 'wrong key' })
  expect(script.lastAsk().detail).toMatch(/^wrong key\n/)
  expect(script.lastAsk().id).not.toBe(first)
  expect(script.answer({ kind: 'option', optionId: 'retry' }).lastSent()?.method).toBe('session/new')
  expect(script.respond('session/new', { sessionId: 's' }).reports().at(-1)).toMatchObject({ type: 'ready' })
})

// Mode and model

const modes = {
  modes: {
    currentModeId: 'ask',
    availableModes: [
      { id: 'ask', name: 'Ask first' },
      { id: 'plan', name: 'plan' },
    ],
  },
}
const option = (id: string, category: string, currentValue: string): object => ({
  type: 'select',
  id,
  category,
  name: id,
  currentValue,
  options: [
    { value: 'one', name: 'One' },
    { group: 'g', name: 'Group', options: [{ value: 'two', name: 'two' }] },
  ],
})

test('the mode is set before the agent is ready, and not if it is already in it', () => {
  const script = new AcpScript({ launch: launchWith({ mode: 'plan' }) }).ready(modes)
  expect(script.reports()).toEqual([])
  expect(script.lastSent()).toMatchObject({ method: 'session/set_mode', params: { sessionId: 'agent-session', modeId: 'plan' } })
  expect(script.respond('session/set_mode', null).reports()).toMatchObject([{ type: 'ready', offer: { currentMode: 'plan' } }])
  expect(new AcpScript({ launch: launchWith({ mode: 'ask' }) }).ready(modes).reports()).toMatchObject([{ type: 'ready' }])
})

test('an agent that is not in the mode that was asked for is not used', () => {
  expect(gaveUp(new AcpScript({ launch: launchWith({ mode: 'yolo' }) }).ready(modes))).toBe('mode "yolo" cannot be set; it offers: ask (Ask first), plan')
  expect(gaveUp(new AcpScript({ launch: launchWith({ mode: 'yolo' }) }).ready())).toBe('mode "yolo" cannot be set; it offers no modes to choose from')
  expect(gaveUp(new AcpScript({ launch: launchWith({ mode: 'plan' }) }).ready(modes).fail('session/set_mode', { code: -32603, message: 'not now' }))).toBe(
    'mode "plan" cannot be set (not now); it offers: ask (Ask first), plan',
  )
  const stuck = new AcpScript({ launch: launchWith({ mode: 'two' }) }).ready({ configOptions: [option('perms', 'mode', 'one')] })
  expect(gaveUp(stuck.respond('session/set_config_option', { configOptions: [option('perms', 'mode', 'one')] }))).toBe(
    'mode "two" cannot be set (the agent stays in "one"); it offers: one (One), two',
  )
})

test('mode and model as config options are set one after the other', () => {
  const script = new AcpScript({ launch: launchWith({ mode: 'two', model: 'two' }) }).ready({ configOptions: [option('perms', 'mode', 'one'), option('llm', 'model', 'one')] })
  expect(script.lastSent()).toMatchObject({ method: 'session/set_config_option', params: { configId: 'perms', value: 'two' } })
  script.respond('session/set_config_option', { configOptions: [option('perms', 'mode', 'two'), option('llm', 'model', 'one')] })
  expect(script.lastSent()).toMatchObject({ method: 'session/set_config_option', params: { configId: 'llm', value: 'two' } })
  script.respond('session/set_config_option', { configOptions: [option('perms', 'mode', 'two'), option('llm', 'model', 'two')] })
  expect(script.reports()).toMatchObject([{ type: 'ready', offer: { currentMode: 'two', currentModel: 'two', models: [{ id: 'one' }, { id: 'two' }] } }])
})

test('the older way to name a model is spoken too', () => {
  const models = { models: { currentModelId: 'a', availableModels: [{ modelId: 'a', name: 'A' }, { modelId: 'b', name: 'B' }] } } // prettier-ignore
  const script = new AcpScript({ launch: launchWith({ model: 'b' }) }).ready(models)
  expect(script.lastSent()).toMatchObject({ method: 'session/set_model', params: { sessionId: 'agent-session', modelId: 'b' } })
  expect(script.respond('session/set_model', {}).reports()).toMatchObject([{ type: 'ready', offer: { currentModel: 'b' } }])
  expect(gaveUp(new AcpScript({ launch: launchWith({ model: 'c' }) }).ready(models))).toBe('model "c" cannot be set; it offers: a (A), b (B)')
})

test('modes, models and commands that change later are told once', () => {
  const script = new AcpScript().ready({ ...modes, configOptions: [option('llm', 'model', 'one')] })
  script.seen()
  script.update('current_mode_update', { currentModeId: 'plan' }).update('current_mode_update', { currentModeId: 'plan' })
  script.update('available_commands_update', { availableCommands: [{ name: 'test', description: 'runs tests' }] })
  script.update('available_commands_update', { availableCommands: [{ name: 'test', description: 'runs tests' }] })
  script.update('config_option_update', { configOptions: [option('llm', 'model', 'two')] })
  script.update('session_info_update', { title: 'a title' })
  expect(script.reports()).toEqual([
    { type: 'offers', offer: { currentMode: 'plan' } },
    { type: 'offers', offer: { commands: [{ name: 'test', description: 'runs tests' }] } },
    { type: 'offers', offer: { currentModel: 'two' } },
  ])
})

const choosing = (what: 'mode' | 'model', value: string) => ({ type: 'choose', what, value }) as const

test('a mode that is chosen is set as the agent has it: its own way, or as a config option', () => {
  const own = new AcpScript().ready({ ...modes, configOptions: [option('perms', 'mode', 'one')] })
  own.seen()
  expect(own.order(choosing('mode', 'plan')).outputs.at(-1)).toMatchObject({ send: { lane: 1, id: 7 } })
  expect(own.lastSent()).toEqual({ jsonrpc: '2.0', id: 14, method: 'session/set_mode', params: { sessionId: 'agent-session', modeId: 'plan' } })
  own.seen()
  expect(own.respond('session/set_mode', {}).reports()).toEqual([{ type: 'offers', offer: { currentMode: 'plan' } }])
  const optional = new AcpScript().ready({ configOptions: [option('perms', 'mode', 'one'), option('llm', 'model', 'one')] })
  optional.seen()
  optional.order(choosing('model', 'two'))
  expect(optional.lastSent()).toMatchObject({ method: 'session/set_config_option', params: { configId: 'llm', value: 'two' } })
  optional.seen()
  optional.respond('session/set_config_option', { configOptions: [option('perms', 'mode', 'one'), option('llm', 'model', 'two')] })
  expect(optional.reports()).toEqual([{ type: 'offers', offer: { currentModel: 'two' } }])
  const older = new AcpScript().ready({ models: { currentModelId: 'a', availableModels: [{ modelId: 'a', name: 'A' }, { modelId: 'b', name: 'B' }] } }) // prettier-ignore
  expect(older.order(choosing('model', 'b')).lastSent()).toMatchObject({ method: 'session/set_model', params: { modelId: 'b' } })
})

test('the config option that stands for the mode may come later', () => {
  const script = new AcpScript().ready().update('config_option_update', { configOptions: [option('perms', 'mode', 'one')] })
  expect(script.order(choosing('mode', 'two')).lastSent()).toMatchObject({ method: 'session/set_config_option', params: { configId: 'perms', value: 'two' } })
})

test('a mode that the agent does not take, or takes otherwise, is noted, and what it has is told', () => {
  const refused = new AcpScript().ready(modes).order(choosing('mode', 'plan'))
  refused.seen()
  expect(refused.fail('session/set_mode', { code: -32603, message: 'Internal error', data: { details: 'not now' } }).reports()).toEqual([
    { type: 'note', text: 'the agent does not take mode "plan": Internal error: not now' },
  ])
  const other = new AcpScript().ready({ configOptions: [option('perms', 'mode', 'one')] }).order(choosing('mode', 'two'))
  other.seen()
  expect(other.respond('session/set_config_option', { configOptions: [option('perms', 'mode', 'three')] }).reports()).toEqual([
    { type: 'offers', offer: { currentMode: 'three' } },
    { type: 'note', text: 'the agent was told to take mode "two" and has "three"' },
  ])
})

test('several choices may be on their way, also in a turn; each answer is of its own', () => {
  const script = new AcpScript().ready({ ...modes, configOptions: [option('llm', 'model', 'one')] }).prompt('go')
  script.order(choosing('mode', 'plan')).order(choosing('model', 'two'))
  script.seen()
  script.respond('session/set_config_option', { configOptions: [option('llm', 'model', 'two')] }).respond('session/set_mode', {})
  script.respond('session/set_mode', {}).respond('session/prompt', { stopReason: 'end_turn' })
  expect(script.reports()).toMatchObject([{ type: 'offers', offer: { currentModel: 'two' } }, { type: 'offers', offer: { currentMode: 'plan' } }, { type: 'turn-ended' }])
})

test('a choice that is ordered again is sent the same again until it is answered, and not after', () => {
  const script = new AcpScript().ready(modes).order(choosing('mode', 'plan'))
  const [first] = script.seen().slice(-1)
  script.orderAgain(choosing('mode', 'plan'))
  expect(script.seen()).toEqual([first])
  script.respond('session/set_mode', {}).seen()
  script.orderAgain(choosing('mode', 'plan'))
  expect(script.seen()).toEqual([])
})

test('a choice before the agent is ready sends nothing', () => {
  const script = new AcpScript().initialized()
  script.seen()
  script.order(choosing('mode', 'plan'))
  expect(script.seen()).toEqual([])
})

test('a later run has the mode and the model that the one before had, whatever it was begun with', () => {
  const later = { ...launchWith({ mode: 'ask', model: 'one' }), run: 2, resumes: 'agent-session', lastMode: 'plan', lastModel: 'two' }
  const script = new AcpScript({ launch: later }).initialized().respond('session/resume', { ...modes, configOptions: [option('llm', 'model', 'one')] })
  expect(script.lastSent()).toMatchObject({ method: 'session/set_mode', params: { modeId: 'plan' } })
  script.respond('session/set_mode', {})
  expect(script.lastSent()).toMatchObject({ method: 'session/set_config_option', params: { configId: 'llm', value: 'two' } })
  script.respond('session/set_config_option', { configOptions: [option('llm', 'model', 'two')] })
  expect(script.reports().at(-1)).toMatchObject({ type: 'ready', how: 'resumed', offer: { currentMode: 'plan', currentModel: 'two' } })
})

test('a choice is recalled from what was sent', () => {
  const script = new AcpScript().ready({ ...modes, configOptions: [option('llm', 'model', 'one')] })
  const recalled = (order: ReturnType<typeof choosing>): unknown => {
    const [output] = script.order(order).outputs.slice(-1)
    return output?.kind === 'send' ? script.conversation.recall?.(1, output.send.id, output.send.bytes) : undefined
  }
  expect(recalled(choosing('mode', 'plan'))).toEqual(choosing('mode', 'plan'))
  expect(recalled(choosing('model', 'two'))).toEqual(choosing('model', 'two'))
})

// Turns

test('a prompt becomes session/prompt with the id of its fact; its response ends the turn', () => {
  const script = new AcpScript().ready().prompt('do\nit', 'prompt07')
  expect(script.outputs.at(-1)).toMatchObject({ kind: 'send', send: { lane: 1, id: 7 } })
  expect(script.lastSent()).toEqual({ jsonrpc: '2.0', id: 14, method: 'session/prompt', params: { sessionId: 'agent-session', prompt: [{ type: 'text', text: 'do\nit' }] } })
  script.seen()
  script.respond('session/prompt', { stopReason: 'max_tokens' })
  expect(script.reports()).toEqual([{ type: 'turn-ended', promptId: 'prompt07', stopReason: 'max_tokens' }])
})

test('the same order again makes the same send, until it was answered', () => {
  const script = new AcpScript().ready().prompt('do it')
  const [first] = script.seen().slice(-1)
  script.orderAgain({ type: 'prompt', promptId: 'prompt01', text: 'do it' })
  expect(script.seen()).toEqual([first])
  script.respond('session/prompt', { stopReason: 'end_turn' })
  script.seen()
  script.orderAgain({ type: 'prompt', promptId: 'prompt01', text: 'do it' })
  expect(script.seen()).toEqual([])
})

test('a second response to the same prompt, and one to nothing that was sent, are left alone', () => {
  const script = new AcpScript().inTurn()
  script
    .respond('session/prompt', { stopReason: 'end_turn' })
    .respond('session/prompt', { stopReason: 'end_turn' })
    .line({ id: 99, result: {} })
    .line({ id: 'x', error: { code: 1, message: 'no' } })
  expect(script.reports()).toEqual([{ type: 'turn-ended', promptId: 'prompt01', stopReason: 'end_turn' }])
})

test('an error in place of the response ends the turn as failed, with what the agent says', () => {
  const ended = (error: { code: number; message: string; data?: unknown }): readonly Report[] =>
    new AcpScript()
      .inTurn()
      .fail('session/prompt', error)
      .reports()
      .filter(({ type }) => type === 'turn-ended')
  const script = new AcpScript()
  script.inTurn()
  expect(script.fail('session/prompt', { code: -32603, message: 'Internal error', data: 'out of paper' }).reports()).toEqual([
    { type: 'turn-ended', promptId: 'prompt01', stopReason: 'error', message: 'Internal error: out of paper' },
  ])
  expect(ended({ code: -32000, message: 'token expired' })).toMatchObject([{ stopReason: 'error', message: 'the agent wants you to log in: token expired' }])
})

test('a stop reason that nobody knows is an error, not a success', () => {
  const script = new AcpScript()
  script.inTurn()
  expect(script.respond('session/prompt', { stopReason: 'bored' }).reports()).toMatchObject([
    { stopReason: 'error', message: 'the agent ended the turn without a reason that is known: bored' },
  ])
})

test('an interrupt is session/cancel, and nothing outside a turn', () => {
  const script = new AcpScript().ready()
  script.seen()
  expect(script.order({ type: 'interrupt' }).seen()).toEqual([])
  script.prompt('go').order({ type: 'interrupt' })
  expect(script.lastSent()).toEqual({ jsonrpc: '2.0', method: 'session/cancel', params: { sessionId: 'agent-session' } })
  expect(script.outputs.at(-1)).toMatchObject({ send: { lane: 1, id: 11 } })
})

test('tokens are counted over the turns, cost is as the agent says', () => {
  const script = new AcpScript()
  script.inTurn()
  script.update('usage_update', { used: 500, size: 1000, cost: { amount: 0.5, currency: 'USD' } })
  expect(script.reports()).toEqual([])
  script.respond('session/prompt', { stopReason: 'end_turn', usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 } })
  script.prompt('again', 'prompt02').respond('session/prompt', { stopReason: 'end_turn', usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 } })
  expect(script.reports()).toEqual([
    { type: 'turn-ended', promptId: 'prompt01', stopReason: 'end_turn', usage: { inputTokens: 10, outputTokens: 5, costUsd: 0.5 } },
    { type: 'turn-ended', promptId: 'prompt02', stopReason: 'end_turn', usage: { inputTokens: 11, outputTokens: 7, costUsd: 0.5 } },
  ])
  script
    .update('usage_update', { used: 600, size: 1000, cost: { amount: 0.75, currency: 'USD' } })
    .update('usage_update', { used: 600, size: 1000, cost: { amount: 0.75, currency: 'USD' } })
  expect(script.reports()).toEqual([{ type: 'usage', usage: { inputTokens: 11, outputTokens: 7, costUsd: 0.75 } }])
})

// What is said and done

test('chunks are one entry when something else begins, and drafts until then', () => {
  const script = new AcpScript()
  script.inTurn()
  script
    .think('Hm')
    .think(' …')
    .say('I ')
    .say('see')
    .update('tool_call', { toolCallId: 't1', title: 'Look', kind: 'read' })
    .say('Done')
    .respond('session/prompt', { stopReason: 'end_turn' })
  expect(entries(script)).toEqual([
    ['1.1', { kind: 'thought', text: 'Hm …' }],
    ['1.2', { kind: 'message', text: 'I see' }],
    ['1.3', { kind: 'tool', title: 'Look', toolKind: 'read', status: 'pending' }],
    ['1.4', { kind: 'message', text: 'Done' }],
  ])
  expect(drafts(script)).toEqual(['1.1 thought 0 Hm', '1.1 thought 2  …', '1.2 message 0 I ', '1.2 message 2 see', '1.4 message 0 Done'])
})

test('after a restart the first draft is the whole text so far', () => {
  const script = new AcpScript()
  script.inTurn()
  script.say('I ').say('see')
  const checkpoint = script.conversation.checkpoint()
  const restored = acpDriver.restore(script.launch, checkpoint)
  const line = Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', method: 'session/update', params: { update: { sessionUpdate: 'agent_message_chunk', ...text(' it') } } })}\n`)
  expect(restored.receive('out', checkpoint.outOffset, line)).toEqual([{ kind: 'draft', entryId: '1.1', draft: 'message', from: 0, text: 'I see it' }])
})

test('several chunks that arrive together are one draft', () => {
  const script = new AcpScript()
  script.inTurn()
  const chunk = (said: string): string =>
    `${JSON.stringify({ jsonrpc: '2.0', method: 'session/update', params: { sessionId: 'agent-session', update: { sessionUpdate: 'agent_message_chunk', ...text(said) } } })}\n`
  script.raw(chunk('a') + chunk('b') + chunk('c'))
  expect(drafts(script)).toEqual(['1.1 message 0 abc'])
})

test('another message id begins another entry', () => {
  const script = new AcpScript()
  script.inTurn()
  script.say('one', 'm1').say(' more', 'm1').say('two', 'm2').respond('session/prompt', { stopReason: 'end_turn' })
  expect(entries(script).map(([, entry]) => entry)).toEqual([
    { kind: 'message', text: 'one more' },
    { kind: 'message', text: 'two' },
  ])
})

test('a long text is cut into entries at the ends of lines, which are known as one text, and nothing of it is lost', () => {
  const script = new AcpScript()
  script.inTurn()
  const long = `${'🌲 a line of a long text\n'.repeat(2000)}${'x'.repeat(40_000)}`
  for (let at = 0; at < long.length; at += 1000) script.say(long.slice(at, at + 1000))
  const drafts = script.outputs.filter((output) => output.kind === 'draft')
  expect(new Set(drafts.map(({ entryId, continues = false }) => continues === (entryId !== '1.1')))).toEqual(new Set([true]))
  script.respond('session/prompt', { stopReason: 'end_turn' })
  const all = entries(script).map(([, entry]) => entry)
  const texts = all.map((entry) => (entry.kind === 'message' ? entry.text : ''))
  expect(all.map((entry) => entry.kind === 'message' && (entry.continues ?? false))).toEqual(texts.map((_, index) => index > 0))
  expect(texts.join('')).toBe(long)
  expect(texts.length).toBeGreaterThan(4)
  expect(texts.every((one) => one.length <= 16_384 && one.isWellFormed())).toBe(true)
  expect(texts[0]?.endsWith('\n')).toBe(true)
})

test('the last chunk of an agent that answers the prompt too early still belongs to its message', () => {
  const script = new AcpScript()
  script.inTurn()
  script.say('Hello wor').respond('session/prompt', { stopReason: 'end_turn' }).say('ld')
  expect(entries(script)).toEqual([
    ['1.1', { kind: 'message', text: 'Hello wor' }],
    ['1.1', { kind: 'message', text: 'Hello world' }],
  ])
})

test('what is said outside a turn is written as it grows, but not chunk by chunk for ever, and whole in the end', () => {
  const script = new AcpScript().ready()
  script.seen()
  for (let i = 0; i < 200; i++) script.say(`line ${i}\n`)
  script.prompt('stop')
  const written = entries(script)
  expect(written.length).toBeLessThan(20)
  expect(new Set(written.map(([id]) => id))).toEqual(new Set(['1.1']))
  expect(written.at(-1)?.[1]).toMatchObject({ text: Array.from({ length: 200 }, (_, i) => `line ${i}\n`).join('') })
})

test('other content is named in the text', () => {
  const script = new AcpScript()
  script.inTurn()
  const say = (content: object): unknown => script.update('agent_message_chunk', { content })
  say({ type: 'image', mimeType: 'image/png', data: 'AAAA' })
  say({ type: 'resource_link', name: 'notes', uri: 'file:///n.md' })
  say({ type: 'audio', mimeType: 'audio/wav', data: '' })
  say({ type: 'resource', resource: { uri: 'file:///a', text: 'inner' } })
  say({ type: 'hologram', data: '' })
  script.respond('session/prompt', { stopReason: 'end_turn' })
  expect(entries(script)).toEqual([['1.1', { kind: 'message', text: '[image image/png][notes](file:///n.md)[audio audio/wav]inner[unknown hologram]' }]])
})

test('a tool call is told when it begins, when its status changes and when it is over; content alone is only kept', () => {
  const script = new AcpScript()
  script.inTurn()
  const content = (said: string): object => ({ content: [{ type: 'content', ...text(said) }] })
  script.update('tool_call', { toolCallId: 't1', title: 'npm test', kind: 'execute', rawInput: { command: 'npm test' } })
  script.update('tool_call_update', { toolCallId: 't1', status: 'in_progress' })
  for (let i = 0; i < 10; i++) script.update('tool_call_update', { toolCallId: 't1', ...content(`line ${i}`) })
  script.update('tool_call_update', { toolCallId: 't1', status: 'completed', ...content('42 passed\n') })
  const tool = { kind: 'tool', title: 'npm test', toolKind: 'execute' }
  expect(entries(script)).toEqual([
    ['1.1', { ...tool, status: 'pending' }],
    ['1.1', { ...tool, status: 'running' }],
    ['1.1', { ...tool, status: 'completed', output: '42 passed' }],
  ])
})

test('a tool call that is first heard of by an update, and one whose title comes later', () => {
  const script = new AcpScript()
  script.inTurn()
  script.update('tool_call_update', { toolCallId: 't1', title: 'Terminal', status: 'pending' }).update('tool_call_update', { toolCallId: 't1', title: '`npm test`' })
  script.update('tool_call_update', { toolCallId: 't1', status: 'failed', rawOutput: { stdout: 'boom\n' } })
  expect(entries(script).map(([id, entry]) => [id, entry.kind === 'tool' && [entry.title, entry.status, entry.output]])).toEqual([
    ['1.1', ['Terminal', 'pending', undefined]],
    ['1.1', ['`npm test`', 'pending', undefined]],
    ['1.1', ['`npm test`', 'failed', 'boom']],
  ])
})

test('diffs become changes with hunks and with lines counted, locations become paths', () => {
  const script = new AcpScript()
  script.inTurn()
  const oldText = 'a\nb\nc\nd\ne\n'
  script.update('tool_call', {
    toolCallId: 't1',
    title: 'Edit',
    kind: 'edit',
    status: 'completed',
    locations: [{ path: '/w/shop/a.js', line: 3 }, { path: '/w/shop/a.js' }],
    content: [
      { type: 'diff', path: '/w/shop/a.js', oldText, newText: 'a\nB\nc\nd\nD\ne\n' },
      { type: 'diff', path: '/w/shop/new.js', newText: 'x\ny\n' },
    ],
  })
  expect(entries(script)).toEqual([
    [
      '1.1',
      {
        kind: 'tool',
        title: 'Edit',
        toolKind: 'edit',
        status: 'completed',
        paths: ['/w/shop/a.js'],
        changes: [
          { path: '/w/shop/a.js', added: 2, removed: 1, diff: '@@ -1,5 +1,6 @@\n a\n-b\n+B\n c\n d\n+D\n e' },
          { path: '/w/shop/new.js', added: 2, removed: 0, diff: '@@ -0,0 +1,2 @@\n+x\n+y' },
        ],
      },
    ],
  ])
})

test('of a call that changes much, not every hunk is kept, but every line is counted', () => {
  const script = new AcpScript()
  script.inTurn()
  const newText = 'one more line\n'.repeat(1000)
  script.update('tool_call', {
    toolCallId: 't1',
    title: 'Edit',
    status: 'completed',
    content: Array.from({ length: 10 }, (_, index) => ({ type: 'diff', path: `/w/${index}`, newText })),
  })
  const [[, entry] = []] = entries(script)
  const changes = entry?.kind === 'tool' ? (entry.changes ?? []) : []
  expect(changes.map(({ added }) => added)).toEqual(Array.from({ length: 10 }, () => 1000))
  expect(changes.findIndex(({ diff }) => diff === undefined)).toBe(3)
  expect(changes.slice(3).every(({ diff }) => diff === undefined)).toBe(true)
  expect(changes[0]?.diff).toMatch(/^@@ -0,0 \+1,1000 @@\n(\+one more line\n)+\\ … \d+ more lines$/)
})

test('what a running call prints is told as it grows, the end of it, and no more when it is over', () => {
  const script = new AcpScript()
  script.inTurn()
  const content = (said: string): object => ({ content: [{ type: 'content', ...text(said) }] })
  script.update('tool_call', { toolCallId: 't1', title: 'npm test', status: 'in_progress' }).update('tool_call', { toolCallId: 't2', title: 'build', status: 'in_progress' })
  script.update('tool_call_update', { toolCallId: 't1', ...content('one\n') }).update('tool_call_update', { toolCallId: 't2', rawOutput: { stdout: 'begun\n' } })
  script.update('tool_call_update', { toolCallId: 't1', title: 'npm test again' })
  script.update('tool_call_update', { toolCallId: 't1', ...content('one\ntwo\n') }).update('tool_call_update', { toolCallId: 't2', rawOutput: { stdout: 'begun\nlinked\n' } })
  expect(drafts(script)).toEqual(['1.1 output 0 one', '1.2 output 0 begun', '1.1 output 0 one\ntwo', '1.2 output 0 begun\nlinked'])
  script.update('tool_call_update', { toolCallId: 't1', ...content(`${'x'.repeat(9000)}🌲${'y'.repeat(4094)}z`) })
  expect(drafts(script).at(-1)).toBe(`1.1 output 0 ${'y'.repeat(4094)}z`)
  const told = drafts(script).length
  script.update('tool_call_update', { toolCallId: 't1', status: 'completed', ...content('one\ntwo\nthree\n') })
  script.update('tool_call_update', { toolCallId: 't1', ...content('one\ntwo\nthree\nfour\n') })
  expect(drafts(script)).toHaveLength(told)
  script.update('tool_call_update', { toolCallId: 't2', status: 'failed', rawOutput: { stdout: 'begun\nlinked\nbroken\n' } })
  expect(entries(script).at(-1)?.[1]).toMatchObject({ title: 'build', status: 'failed', output: 'begun\nlinked\nbroken' })
})

test('after a restart what a running call has printed is told again', () => {
  const script = new AcpScript()
  script.inTurn().update('tool_call', { toolCallId: 't1', title: 'build', status: 'in_progress', content: [{ type: 'content', ...text('one') }] })
  const checkpoint = script.conversation.checkpoint()
  const restored = acpDriver.restore(launch, checkpoint)
  const line = Buffer.from('{"jsonrpc":"2.0","method":"_vendor/ping","params":{}}\n')
  const draft = { kind: 'draft', entryId: '1.1', draft: 'output', from: 0, text: 'one' }
  expect(restored.receive('out', checkpoint.outOffset, line)).toEqual([draft])
  expect(restored.receive('out', checkpoint.outOffset + line.length, line)).toEqual([])
})

test('long output is cut in the middle, so that its end is seen', () => {
  const script = new AcpScript()
  script.inTurn()
  script.update('tool_call', { toolCallId: 't1', title: 'build', status: 'completed', content: [{ type: 'content', ...text(`begin ${'x'.repeat(100_000)} the end`) }] })
  const [[, entry] = []] = entries(script)
  const output = entry?.kind === 'tool' ? (entry.output ?? '') : ''
  expect(output.length).toBeLessThanOrEqual(4096)
  expect(output).toMatch(/^begin x+\n… \d+ characters left out …\nx+ the end$/)
})

test('the checkpoint does not grow with tool calls that are over', () => {
  const script = new AcpScript()
  script.inTurn()
  for (let i = 0; i < 500; i++)
    script.update('tool_call', { toolCallId: `t${i}`, title: `call ${i}`, status: 'completed', content: [{ type: 'content', ...text('y'.repeat(5000)) }] })
  expect(JSON.stringify(script.conversation.checkpoint()).length).toBeLessThan(32_000)
  script.seen()
  script.update('tool_call_update', { toolCallId: 't490', title: 'late news' })
  expect(script.reports()).toEqual([])
})

test('a plan is one entry a turn, written anew when it changes', () => {
  const script = new AcpScript()
  script.inTurn()
  const plan = (status: string): unknown => script.update('plan', { entries: [{ content: 'think', priority: 'high', status }] })
  plan('pending')
  plan('pending')
  plan('completed')
  script.respond('session/prompt', { stopReason: 'end_turn' }).prompt('next', 'prompt02')
  plan('pending')
  expect(entries(script)).toEqual([
    ['1.1', { kind: 'plan', steps: [{ text: 'think', status: 'pending' }] }],
    ['1.1', { kind: 'plan', steps: [{ text: 'think', status: 'completed' }] }],
    ['1.2', { kind: 'plan', steps: [{ text: 'think', status: 'pending' }] }],
  ])
})

test('unknown kinds, misshapen updates, our own echo and other sessions are left alone', () => {
  const script = new AcpScript()
  script.inTurn()
  script
    .update('telepathy', { thought: 'x' })
    .update('user_message_chunk', text('do it'))
    .update('tool_call', { title: 'no id' })
    .notify('session/update', { sessionId: 'agent-session' })
  script.notify('session/update', { sessionId: 'a-subagent', update: { sessionUpdate: 'agent_message_chunk', ...text('inner voice') } }).notify('_vendor/ping', {})
  expect(script.seen()).toEqual([])
  expect(script.update('notice', { severity: 'warning', title: 'low on credit', description: '3 left' }).reports()).toEqual([{ type: 'note', text: 'low on credit: 3 left' }])
})

// What is asked

const options = [
  { optionId: 'once', name: 'Allow once', kind: 'allow_once' },
  { optionId: 'always', name: 'Always allow', kind: 'allow_always' },
  { optionId: 'no', name: 'Reject', kind: 'reject_once' },
  { optionId: 'never', name: 'Never', kind: 'reject_always' },
]

test('a permission shows what it is about, and its answer is the chosen option', () => {
  const script = new AcpScript()
  script.inTurn()
  script
    .say('I clean up')
    .request(0, 'session/request_permission', { toolCall: { toolCallId: 't1', title: 'Bash', kind: 'execute', rawInput: { command: 'rm -rf dist' } }, options })
  const [message, tool, asks] = script.reports()
  expect([message, tool]).toMatchObject([
    { type: 'entry', entryId: '1.1', entry: { text: 'I clean up' } },
    { type: 'entry', entryId: '1.2', entry: { kind: 'tool', title: 'Bash', status: 'pending' } },
  ])
  expect(asks).toEqual({
    type: 'asks',
    ask: {
      id: expect.stringMatching(/^[a-z0-9]{8}$/),
      kind: 'permission',
      title: 'Bash',
      detail: 'rm -rf dist',
      options: [
        { id: 'once', label: 'Allow once', kind: 'allow', scope: 'once' },
        { id: 'always', label: 'Always allow', kind: 'allow', scope: 'always' },
        { id: 'no', label: 'Reject', kind: 'reject', scope: 'once' },
        { id: 'never', label: 'Never', kind: 'reject', scope: 'always' },
      ],
      entryId: '1.2',
    },
  })
  script.answer({ kind: 'option', optionId: 'always' })
  expect(script.lastSent()).toEqual({ jsonrpc: '2.0', id: 0, result: { outcome: { outcome: 'selected', optionId: 'always' } } })
})

test('what the tool call said before is shown when the permission itself says nothing', () => {
  const script = new AcpScript()
  script.inTurn()
  script.update('tool_call', {
    toolCallId: 't1',
    title: 'Write file',
    kind: 'edit',
    content: [{ type: 'diff', path: '/w/shop/src/a.js', oldText: 'one\ntwo\n', newText: 'one\n2\n' }],
  })
  script.request('p', 'session/request_permission', { toolCall: { toolCallId: 't1' }, options })
  expect(script.lastAsk()).toMatchObject({ title: 'Write file: src/a.js', detail: '/w/shop/src/a.js\n@@ -1,2 +1,2 @@\n one\n-two\n+2', entryId: '1.1' })
})

test('the input of a tool that nobody knows is shown', () => {
  const script = new AcpScript()
  script.inTurn()
  script.request(1, 'session/request_permission', { toolCall: { toolCallId: 't1', title: 'post_message', rawInput: { channel: '#all' } }, options })
  expect(script.lastAsk().detail).toBe('{\n  "channel": "#all"\n}')
})

test('declining takes the first reject, cancelling says cancelled', () => {
  const asked = (): AcpScript => {
    const script = new AcpScript()
    script.inTurn()
    return script.request(4, 'session/request_permission', { toolCall: { toolCallId: 't1', title: 'Bash' }, options })
  }
  expect(asked().answer({ kind: 'decline' }).lastSent()?.result).toEqual({ outcome: { outcome: 'selected', optionId: 'no' } })
  expect(asked().cancelRequest().lastSent()?.result).toEqual({ outcome: { outcome: 'cancelled' } })
})

test('a second answer, and one to something that was not asked, send nothing', () => {
  const script = new AcpScript()
  script.inTurn()
  script.request(4, 'session/request_permission', { toolCall: { toolCallId: 't1', title: 'Bash' }, options }).answer({ kind: 'option', optionId: 'once' })
  const [first] = script.seen().slice(-1)
  script.answer({ kind: 'option', optionId: 'no' })
  script.order({ type: 'answer', requestId: 'nonsense', answer: { kind: 'decline' }, secret: false })
  expect(script.seen()).toEqual([])
  expect(first).toMatchObject({ send: { lane: 1, id: 9 } })
})

test('an answer that is ordered again under its own number is sent the same again', () => {
  const script = new AcpScript()
  script.inTurn()
  script.request(4, 'session/request_permission', { toolCall: { toolCallId: 't1', title: 'Bash' }, options }).answer({ kind: 'option', optionId: 'once' })
  const [first] = script.seen().slice(-1)
  script.orderAgain({ type: 'answer', requestId: script.lastAsk().id, answer: { kind: 'option', optionId: 'once' }, secret: false })
  expect(script.seen()).toEqual([first])
})

test('a permission that is still open when the next turn begins is cancelled in the same breath', () => {
  const script = new AcpScript()
  script.inTurn()
  script.request(4, 'session/request_permission', { toolCall: { toolCallId: 't1', title: 'Bash' }, options }).respond('session/prompt', { stopReason: 'end_turn' })
  script.seen()
  script.prompt('next', 'prompt02')
  expect(script.seen()).toHaveLength(1)
  expect(script.sent().slice(-2)).toMatchObject([{ id: 4, result: { outcome: { outcome: 'cancelled' } } }, { method: 'session/prompt' }])
})

test('a permission without options, and requests that make no sense, are answered at once', () => {
  const script = new AcpScript()
  script.inTurn()
  script.request(1, 'session/request_permission', { toolCall: { toolCallId: 't1', title: 'Bash' }, options: [] })
  expect(script.lastSent()).toMatchObject({ id: 1, result: { outcome: { outcome: 'cancelled' } } })
  expect(script.request(2, 'session/request_permission', {}).lastSent()).toMatchObject({ id: 2, error: { code: -32602 } })
  expect(script.request(3, 'fs/read_text_file', {}).lastSent()).toMatchObject({ id: 3, error: { code: -32602 } })
  expect(script.request(4, 'terminal/create', { command: 'ls' }).lastSent()).toMatchObject({ id: 4, error: { code: -32601 } })
  expect(script.request('five', '_vendor/thing', {}).lastSent()).toMatchObject({ id: 'five', error: { code: -32601, message: 'method not found: _vendor/thing' } })
  expect(script.reports().map((report) => report.type)).toEqual(['note'])
})

const form = (properties: object, required: readonly string[] = []): object => ({
  mode: 'form',
  message: 'Which tone?\nIt is for the README.',
  requestedSchema: { type: 'object', properties, required },
})

test('a form with one choice can be answered by the choice', () => {
  const script = new AcpScript()
  script.inTurn()
  script.request(1, 'elicitation/create', form({ tone: { type: 'string', title: 'Tone', oneOf: [{ const: 'formal', title: 'Formal' }, { const: 'casual' }] } }, ['tone'])) // prettier-ignore
  expect(script.lastAsk()).toEqual({
    id: script.lastAsk().id,
    kind: 'question',
    title: 'Which tone?',
    detail: 'Which tone?\nIt is for the README.',
    options: [
      { id: 'formal', label: 'Formal', kind: 'other' },
      { id: 'casual', label: 'casual', kind: 'other' },
    ],
    fields: [
      {
        name: 'tone',
        label: 'Tone',
        type: 'choice',
        required: true,
        choices: [
          { value: 'formal', label: 'Formal' },
          { value: 'casual', label: 'casual' },
        ],
      },
    ],
  })
  expect(script.answer({ kind: 'option', optionId: 'casual' }).lastSent()?.result).toEqual({ action: 'accept', content: { tone: 'casual' } })
})

test('yes or no is a boolean in the answer', () => {
  const script = new AcpScript()
  script.inTurn()
  script.request(1, 'elicitation/create', form({ sure: { type: 'boolean', default: false } }))
  expect(script.lastAsk()).toMatchObject({ options: [{ id: 'true' }, { id: 'false' }], fields: [{ type: 'boolean', required: false, initial: false }] })
  expect(script.answer({ kind: 'option', optionId: 'false' }).lastSent()?.result).toEqual({ action: 'accept', content: { sure: false } })
})

test('every kind of field, and the answer by fields', () => {
  const script = new AcpScript()
  script.inTurn()
  script.request(
    1,
    'elicitation/create',
    form(
      {
        name: { type: 'string', title: 'Name', description: 'yours', default: 'Ada' },
        size: { type: 'string', enum: ['s', 'm'] },
        parts: { type: 'array', items: { anyOf: [{ const: 'a', title: 'A' }] }, default: ['a'] },
        plain: { type: 'array', items: { type: 'string', enum: ['x', 'y'] } },
        amount: { type: 'number' },
        count: { type: 'integer', default: 3 },
        token: { type: 'string', format: 'password' },
        other: { type: 'string', writeOnly: true },
      },
      ['name'],
    ),
  )
  expect(script.lastAsk().options).toEqual([])
  expect(script.lastAsk().fields).toEqual([
    { name: 'name', label: 'Name', type: 'text', required: true, description: 'yours', initial: 'Ada' },
    { name: 'size', label: 'size', type: 'choice', required: false, choices: [{ value: 's', label: 's' }, { value: 'm', label: 'm' }] }, // prettier-ignore
    { name: 'parts', label: 'parts', type: 'choices', required: false, choices: [{ value: 'a', label: 'A' }], initial: ['a'] },
    { name: 'plain', label: 'plain', type: 'choices', required: false, choices: [{ value: 'x', label: 'x' }, { value: 'y', label: 'y' }] }, // prettier-ignore
    { name: 'amount', label: 'amount', type: 'number', required: false },
    { name: 'count', label: 'count', type: 'integer', required: false, initial: 3 },
    { name: 'token', label: 'token', type: 'text', required: false, secret: true },
    { name: 'other', label: 'other', type: 'text', required: false, secret: true },
  ])
  const fields = { name: 'Grace', parts: ['a'], count: 4 }
  expect(script.answer({ kind: 'form', fields }).lastSent()?.result).toEqual({ action: 'accept', content: fields })
})

test('a secret answer is sent as secret, is in no checkpoint, and can be given again if it died on the way', () => {
  const script = new AcpScript()
  script.inTurn()
  script.request(1, 'elicitation/create', form({ token: { type: 'string', writeOnly: true } }))
  script.answer({ kind: 'form', fields: { token: 'hunter2' } }, true)
  expect(script.outputs.at(-1)).toMatchObject({ kind: 'send', send: { secret: true, lane: 1, id: 9 } })
  expect(JSON.stringify(script.conversation.checkpoint())).not.toContain('hunter2')
  script.answer({ kind: 'form', fields: { token: 'hunter3' } }, true)
  expect(script.outputs.at(-1)).toMatchObject({ send: { secret: true, lane: 1, id: 11 } })
  expect(script.lastSent()?.result).toEqual({ action: 'accept', content: { token: 'hunter3' } })
})

test('a form that is declined or cancelled', () => {
  const asked = (): AcpScript => {
    const script = new AcpScript()
    script.inTurn()
    return script.request(1, 'elicitation/create', form({ name: { type: 'string' } }))
  }
  expect(asked().answer({ kind: 'decline' }).lastSent()?.result).toEqual({ action: 'decline' })
  expect(asked().cancelRequest().lastSent()?.result).toEqual({ action: 'cancel' })
})

test('a question in a form that we do not have is declined at once, and that is said', () => {
  const script = new AcpScript()
  script.inTurn()
  script.request(1, 'elicitation/create', { mode: 'song', message: 'Sing it', elicitationId: 'e', url: 'https://example.org' })
  expect(script.lastSent()).toMatchObject({ id: 1, result: { action: 'decline' } })
  expect(script.outputs.at(-1)).toMatchObject({ send: { lane: 2 } })
  expect(script.reports()).toEqual([
    { type: 'note', text: 'the agent asked a question in a form that Offstage does not have (song: https://example.org); it was declined: Sing it' },
  ])
})

test('an agent that takes its question back', () => {
  const script = new AcpScript()
  script.inTurn()
  script.request(8, 'elicitation/create', form({ name: { type: 'string' } }))
  const { id } = script.lastAsk()
  script.seen()
  script.notify('$/cancel_request', { requestId: 8 }).notify('$/cancel_request', { requestId: 8 }).notify('$/cancel_request', { requestId: 77 })
  expect(script.reports()).toEqual([{ type: 'withdraws', requestId: id }])
  expect(script.lastSent()).toMatchObject({ id: 8, error: { code: -32800 } })
  expect(script.answer({ kind: 'decline' }).seen()).toEqual([])
})

test('requests get ids that depend on nothing but session, run and place', () => {
  const ask = (script: AcpScript): string => {
    script.inTurn()
    return script.request(1, 'session/request_permission', { toolCall: { toolCallId: 't1', title: 'Bash' }, options }).lastAsk().id
  }
  expect(ask(new AcpScript())).toBe(ask(new AcpScript()))
  expect(ask(new AcpScript())).not.toBe(ask(new AcpScript({ launch: { ...launch, run: 2 } })))
})

// Files

test('a file call is the engine’s work, and its result the response in the lane of the call', () => {
  const script = new AcpScript()
  script.inTurn()
  script.request(1, 'fs/write_text_file', { path: '/w/shop/a', content: 'x' })
  const [file] = script.seen()
  expect(file).toEqual({ kind: 'file', call: { callId: expect.any(String) as string, operation: { kind: 'write', path: '/w/shop/a', content: 'x' } } })
  const callId = file?.kind === 'file' ? file.call.callId : ''
  expect(script.conversation.openCalls()).toEqual([file?.kind === 'file' && file.call])
  const [reply] = script.conversation.reply(callId, { kind: 'done' })
  expect(reply).toMatchObject({ kind: 'send', send: { lane: 2, id: Number(callId) } })
  expect([script.conversation.openCalls(), script.conversation.reply(callId, { kind: 'done' })]).toEqual([[], []])
})

test('a file outside the workspace is a permission first; allowed, the call is made again as approved', () => {
  const script = new AcpScript({ files: (call) => (call.approved ? { kind: 'done', content: 'secret' } : { kind: 'outside', place: call.operation.path }) })
  script.inTurn()
  script.request('r', 'fs/read_text_file', { path: '/etc/hosts', line: 3, limit: 2 })
  expect(script.lastAsk()).toMatchObject({
    kind: 'permission',
    title: 'read /etc/hosts, outside the workspace',
    options: [
      { id: 'allow', kind: 'allow' },
      { id: 'reject', kind: 'reject' },
    ],
  })
  expect(script.conversation.openCalls()).toEqual([])
  script.seen()
  script.answer({ kind: 'option', optionId: 'allow' })
  expect(script.seen()).toMatchObject([
    { kind: 'file', call: { approved: '/etc/hosts', operation: { kind: 'read', path: '/etc/hosts', line: 3, limit: 2 } } },
    { kind: 'send', send: { lane: 1, id: 9 } },
  ])
  expect(script.lastSent()).toEqual({ jsonrpc: '2.0', id: 'r', result: { content: 'secret' } })
})

test('a permission outside the workspace names the place where the path really leads, and the approved call is for that place', () => {
  const script = new AcpScript({ files: (call) => (call.approved === undefined ? { kind: 'outside', place: '/real/file' } : { kind: 'done' }) })
  script.inTurn()
  script.request(1, 'fs/write_text_file', { path: '/w/shop/link/file', content: 'x' })
  expect(script.lastAsk()).toMatchObject({ title: 'write /real/file (as link/file), outside the workspace', detail: 'x' })
  script.seen()
  script.answer({ kind: 'option', optionId: 'allow' })
  expect(script.seen()[0]).toMatchObject({ kind: 'file', call: { approved: '/real/file', operation: { path: '/w/shop/link/file' } } })
})

test('a file outside that is rejected, and one that cannot be read, are errors for the agent', () => {
  const script = new AcpScript({
    files: (call) => (call.operation.path.startsWith('/etc') ? { kind: 'outside', place: call.operation.path } : { kind: 'failed', message: 'ENOENT' }),
  })
  script.inTurn()
  script.request(1, 'fs/read_text_file', { path: '/etc/shadow' }).answer({ kind: 'decline' })
  expect(script.lastSent()).toMatchObject({ id: 1, error: { message: '/etc/shadow is outside the workspace, and the user does not allow it' } })
  expect(script.request(2, 'fs/read_text_file', { path: '/w/shop/b' }).lastSent()).toMatchObject({ id: 2, error: { code: -32603, message: 'ENOENT' } })
})

// Lines

test('a line that is no JSON-RPC is skipped, and noted once without its control characters', () => {
  const script = new AcpScript()
  script.raw('\u001b[31mWARN\u001b[0m using old config\n{"level":"info","msg":"hi"}\n[1,2]\n\n').ready()
  expect(script.reports()).toMatchObject([{ type: 'note', text: 'the agent wrote something that is not JSON-RPC (skipped): WARN using old config' }, { type: 'ready' }])
})

test('what is nested deeper than 200 levels is no JSON-RPC: an update is noted once and passed over, a request is refused, an answer is an error', () => {
  const script = new AcpScript()
  const update = (rawInput: string): string =>
    `{"jsonrpc":"2.0","method":"session/update","params":{"update":{"sessionUpdate":"tool_call","toolCallId":"t","title":"deep","rawInput":${rawInput}}}}\n`
  const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`
  script.inTurn()
  script.seen()
  // Three levels are around it. Brackets in a text are none.
  script.raw(update(`[${nested(196)},"${'[{'.repeat(500)}\\"["]`))
  expect(entries(script).length).toBe(1)
  for (const json of [nested(198), nested(20_000), `${'{"a":'.repeat(300)}1${'}'.repeat(300)}`, '['.repeat(1_000_000)]) script.raw(update(json))
  expect(script.reports().flatMap((report) => (report.type === 'note' ? [report.text.slice(0, 80)] : []))).toEqual([
    expect.stringMatching(/^the agent wrote something that is not JSON-RPC \(skipped\): \{"jsonrpc"/),
  ])
  script.raw(`{"jsonrpc":"2.0","id":"p","method":"session/request_permission","params":{"toolCall":{"toolCallId":"t","rawInput":${nested(300)}},"options":[]}}\n`)
  expect(script.lastSent()).toMatchObject({ id: 'p', error: { code: -32602 } })
  const { id } = script.sent().findLast(({ method }) => method === 'session/prompt') ?? {}
  script.raw(`{"jsonrpc":"2.0","id":${id},"result":{"stopReason":"end_turn","_meta":${nested(300)}}}\n`)
  expect(script.reports().at(-1)).toMatchObject({ type: 'turn-ended', stopReason: 'error', message: 'its answer is nested deeper than 200 levels' })
})

test('input of a tool that would be long beyond measure if it were indented is told all the same', () => {
  const script = new AcpScript()
  script.inTurn()
  // 3 MB, and 600 MB with its indentation, which is more than a string can hold.
  const rawInput = `${'['.repeat(190)}${'1,'.repeat(1_500_000)}1${']'.repeat(190)}`
  script.raw(
    `{"jsonrpc":"2.0","id":1,"method":"session/request_permission","params":{"toolCall":{"toolCallId":"t","title":"wide","rawInput":${rawInput}},"options":[{"optionId":"yes","name":"Yes","kind":"allow_once"}]}}\n`,
  )
  expect([script.lastAsk().title, (script.lastAsk().detail ?? '').length <= 4096]).toEqual(['wide', true])
})

test('more than 1 MB of it before the first answer: it is no agent; the same after it is only skipped', () => {
  const lines = `${'x'.repeat(999)}\n`.repeat(1100)
  expect(gaveUp(new AcpScript().raw(lines))).toMatch(/is it an ACP agent\? It began with: xxx/)
  expect(gaveUp(new AcpScript().raw('y'.repeat(1_100_000)))).toMatch(/is it an ACP agent\?/)
  const afterwards = new AcpScript().ready().raw(lines)
  expect([gaveUp(afterwards), afterwards.prompt('hi').lastSent()?.method]).toEqual([undefined, 'session/prompt'])
})

test('a line of 10 MB in small pieces works, one of more than 64 MB does not', () => {
  const script = new AcpScript()
  script.inTurn()
  const said = '🌲x'.repeat(2_500_000)
  const line = Buffer.from(
    `${JSON.stringify({ jsonrpc: '2.0', method: 'session/update', params: { sessionId: 'agent-session', update: { sessionUpdate: 'agent_message_chunk', ...text(said) } } })}\n`,
  )
  for (let at = 0; at < line.length; at += 65_536) script.raw(line.subarray(at, at + 65_536))
  script.respond('session/prompt', { stopReason: 'end_turn' })
  expect(
    entries(script)
      .map(([, entry]) => (entry.kind === 'message' ? entry.text : ''))
      .join('') === said,
  ).toBe(true)
  const endless = new AcpScript().ready()
  const piece = Buffer.alloc(16 * 1024 * 1024, 'z')
  for (let i = 0; i < 4; i++) endless.raw(piece)
  expect(gaveUp(endless)).toBeUndefined()
  expect(gaveUp(endless.raw('z'))).toBe('the agent wrote a line of more than 64 MB')
})

test('bytes that were there already are left out, a gap is a bug', () => {
  const { conversation } = new AcpScript()
  conversation.receive('out', 0, Buffer.from('garb'))
  expect(conversation.receive('out', 0, Buffer.from('garbage\n'))).toMatchObject([{ report: { type: 'note', text: expect.stringMatching(/garbage$/) as string } }])
  expect(() => conversation.receive('out', 100, Buffer.from('x'))).toThrow('output goes on at byte 100, but only the bytes before 8 are known')
})

test('the end: what is half said is an entry, a last line without its end counts, a request from the dead does not', () => {
  const script = new AcpScript()
  script.inTurn()
  script.say('half').raw(JSON.stringify({ jsonrpc: '2.0', id: 14, result: { stopReason: 'end_turn' } }))
  expect(script.end()).toEqual([
    { type: 'entry', entryId: '1.1', entry: { kind: 'message', text: 'half' } },
    { type: 'turn-ended', promptId: 'prompt01', stopReason: 'end_turn' },
  ])
  const asking = new AcpScript()
  asking.inTurn()
  asking.raw(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'session/request_permission', params: { toolCall: { toolCallId: 't' }, options } }))
  expect(asking.end()).toEqual([])
})

test('its last words are the end of stderr without control characters, or else what it wrote in place of JSON-RPC', () => {
  const script = new AcpScript().err(`${'noise\n'.repeat(2000)}\u001b[31mError: no key\u001b[0m\n`)
  expect(script.conversation.lastWords()).toMatch(/noise\nError: no key$/)
  expect(script.conversation.lastWords()?.length).toBeLessThanOrEqual(4096)
  expect(new AcpScript().raw('Usage: agent [options]\n').conversation.lastWords()).toBe('Usage: agent [options]')
  expect(new AcpScript().conversation.lastWords()).toBeUndefined()
})

// The ACP driver under the contract of all drivers: recorded runs with everything in them that can be cut badly.

import type { FileCall, FileResult } from '../../src/drivers/driver.ts'
import { acpDriver } from '../../src/drivers/acp/index.ts'
import { AcpScript, launch, launchWith } from './acp-script.ts'
import { driverContract } from './driver-contract.ts'

const files = (call: FileCall): FileResult => {
  if (call.operation.path.startsWith('/etc') && call.approved === undefined) return { kind: 'outside', place: call.operation.path }
  if (call.operation.path.endsWith('missing')) return { kind: 'failed', message: 'no such file' }
  return call.operation.kind === 'read' ? { kind: 'done', content: 'what is in it' } : { kind: 'done' }
}

const permission = {
  toolCall: { toolCallId: 't2', title: 'Delete', kind: 'delete', locations: [{ path: '/w/shop/src/old.js' }] },
  options: [
    { optionId: 'yes', name: 'Allow', kind: 'allow_once' },
    { optionId: 'no', name: 'Reject', kind: 'reject_once' },
  ],
}

const conversation = (): AcpScript =>
  new AcpScript({ launch: launchWith({ mode: 'plan', model: 'large' }) })
    .err('starting … ')
    .initialized()
    .respond('session/new', {
      sessionId: 'agent-session',
      modes: {
        currentModeId: 'ask',
        availableModes: [
          { id: 'ask', name: 'Ask' },
          { id: 'plan', name: 'Plan' },
        ],
      },
      configOptions: [
        {
          type: 'select',
          id: 'llm',
          category: 'model',
          name: 'Model',
          currentValue: 'small',
          options: [
            { value: 'small', name: 'S' },
            { value: 'large', name: 'L' },
          ],
        },
      ],
    })
    .update('available_commands_update', { availableCommands: [{ name: 'compact', description: 'less' }] })
    .respond('session/set_mode', {})
    .respond('session/set_config_option', {
      configOptions: [{ type: 'select', id: 'llm', category: 'model', name: 'Model', currentValue: 'large', options: [{ value: 'large', name: 'L' }] }],
    })
    .prompt('fix the grüne Bäume 🌲')
    .think('Hm … 🤔')
    .say('Ich lese\u2028die 🌲')
    .say('n, dann ändere ich sie.')
    .update('plan', { entries: [{ content: 'read', status: 'in_progress', priority: 'high' }] })
    .update('tool_call', { toolCallId: 't1', title: 'Read src/tree.js', kind: 'read', locations: [{ path: '/w/shop/src/tree.js' }] })
    .update('tool_call_update', { toolCallId: 't1', status: 'in_progress' })
    .err('half a ch')
    .update('tool_call_update', { toolCallId: 't1', status: 'completed', content: [{ type: 'content', content: { type: 'text', text: 'a\nb' } }] })
    .update('plan', { entries: [{ content: 'read', status: 'completed', priority: 'high' }] })
    .request(0, 'session/request_permission', permission)
    .say('while I wait')
    .answer({ kind: 'option', optionId: 'yes' })
    .update('tool_call_update', { toolCallId: 't2', status: 'completed' })
    .raw('not JSON at all\r\n\n  \n')
    .raw(
      Buffer.concat([
        Buffer.from(
          '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"agent-session","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"bad ',
        ),
        Buffer.from([0xff, 0xc3]),
        Buffer.from('"}}}}\n'),
      ]),
    )
    .request('q', 'elicitation/create', {
      mode: 'form',
      message: 'Which?',
      requestedSchema: { type: 'object', properties: { tone: { type: 'string', enum: ['a', 'b'] } }, required: ['tone'] },
    })
    .answer({ kind: 'option', optionId: 'b' })
    .request(7, 'terminal/create', { command: 'ls' })
    .update('usage_update', { used: 100, size: 1000, cost: { amount: 0.25, currency: 'USD' } })
    .respond('session/prompt', { stopReason: 'end_turn', usage: { inputTokens: 10, outputTokens: 20, totalTokens: 30 } })
    .say(' And a late word')
    .update('current_mode_update', { currentModeId: 'ask' })
    .prompt('once more', 'prompt02')
    .say('half said whe')
    .err('n it broke\n')
    .raw('{"jsonrpc":"2.0","method":"session/upd')

const fileRun = (): AcpScript =>
  new AcpScript({ files })
    .ready()
    .prompt('write')
    .say('I write')
    .request(1, 'fs/write_text_file', { path: '/w/shop/a', content: 'ä\n' })
    .request(2, 'fs/read_text_file', { path: '/w/shop/missing' })
    .request(3, 'fs/read_text_file', { path: '/w/shop/a', line: 2, limit: 1 })
    .request(4, 'fs/write_text_file', { path: '/etc/hosts', content: '127.0.0.1' })
    .request(5, 'terminal/create', {})
    .answer({ kind: 'option', optionId: 'allow' })
    .request(6, 'fs/read_text_file', { path: '/etc/shadow' })
    .answer({ kind: 'option', optionId: 'reject' })
    .order({ type: 'interrupt' })
    .respond('session/prompt', { stopReason: 'cancelled' })

const openFileCalls = (): AcpScript =>
  new AcpScript().ready().prompt('write').request(1, 'fs/write_text_file', { path: '/w/shop/a', content: 'ä\n' }).request(2, 'fs/read_text_file', { path: '/w/shop/b' })

const loading = (): AcpScript =>
  new AcpScript({ launch: { ...launch, run: 2, resumes: 'agent-session' } })
    .initialized({ agentCapabilities: { loadSession: true } })
    .update('user_message_chunk', { content: { type: 'text', text: 'old' } })
    .say('old answer')
    .update('tool_call', { toolCallId: 't0', title: 'old tool' })
    .respond('session/load', null)
    .say('the rest of history')
    .prompt('new')
    .say('new answer')
    .respond('session/prompt', { stopReason: 'end_turn' })

const loggingIn = (): AcpScript =>
  new AcpScript()
    .initialized({ authMethods: [{ id: 'key', name: 'Use a key' }] })
    .fail('session/new', { code: -32000, message: 'Authentication required' })
    .answer({ kind: 'option', optionId: 'key' })
    .respond('authenticate', {})
    .fail('session/new', { code: -32000, message: 'Still not' })
    .answer({ kind: 'option', optionId: 'retry' })
    .respond('session/new', { sessionId: 'agent-session' })
    .prompt('go')
    .fail('session/prompt', { code: -32603, message: 'Internal error', data: { details: 'quota' } })

const llm = (currentValue: string): object => ({
  type: 'select',
  id: 'llm',
  category: 'model',
  name: 'Model',
  currentValue,
  options: ['small', 'large'].map((value) => ({ value, name: value })),
})

const longText = (): AcpScript => new AcpScript().inTurn().say('x🌲\n'.repeat(3000)).say('y'.repeat(20_000)).say('z').respond('session/prompt', { stopReason: 'max_tokens' })

const output = (text: string): object => ({ content: [{ type: 'content', content: { type: 'text', text } }] })

const choosing = (): AcpScript =>
  new AcpScript({ launch: { ...launch, run: 2, resumes: 'agent-session', lastMode: 'plan' } })
    .initialized()
    .respond('session/resume', {
      modes: {
        currentModeId: 'ask',
        availableModes: [
          { id: 'ask', name: 'Ask' },
          { id: 'plan', name: 'Plan' },
        ],
      },
      configOptions: [llm('small')],
    }) // prettier-ignore
    .respond('session/set_mode', {})
    .order({ type: 'choose', what: 'mode', value: 'ask' })
    .prompt('build')
    .update('tool_call', { toolCallId: 't1', title: 'make', status: 'in_progress' })
    .update('tool_call_update', { toolCallId: 't1', ...output('ä\n') })
    .order({ type: 'choose', what: 'model', value: 'large' })
    .update('tool_call_update', { toolCallId: 't1', ...output('ä\nüber 🌲\n') })
    .respond('session/set_mode', {})
    .update('tool_call_update', { toolCallId: 't1', rawOutput: 'raw' })
    .fail('session/set_config_option', { code: -32603, message: 'not now' })
    .order({ type: 'choose', what: 'model', value: 'large' })
    .update('tool_call_update', { toolCallId: 't1', status: 'completed', content: [{ type: 'diff', path: '/w/shop/a', oldText: 'eins\nzwei\n', newText: 'eins\n🌲\n' }] })
    .respond('session/set_config_option', { configOptions: [llm('large')] })
    .respond('session/prompt', { stopReason: 'end_turn' })

const ask = { currentModeId: 'ask', availableModes: [{ id: 'ask', name: 'Ask' }] }
const effort = (currentValue: string): object => ({ ...llm(currentValue), id: 'effort', category: 'thought_level' })
const fast = (currentValue: boolean): object => ({ type: 'boolean', id: 'fast', name: 'Fast', currentValue })

const goneAndSet = (): AcpScript =>
  new AcpScript({ launch: { ...launch, run: 2, resumes: 'agent-session', lastMode: 'plän', lastModel: 'huge', lastOptions: { effort: 'large', fast: 'true' } } })
    .initialized({ agentCapabilities: { sessionCapabilities: { resume: {}, close: {} } } })
    .respond('session/resume', { modes: ask, configOptions: [llm('small'), effort('small'), fast(false)] })
    .prompt('too early')
    .answer({ kind: 'option', optionId: 'ask' })
    .respond('session/set_mode', {})
    .answer({ kind: 'option', optionId: 'own' })
    .respond('session/set_config_option', { configOptions: [llm('small'), effort('small'), fast(false)] })
    .respond('session/set_config_option', { configOptions: [llm('small'), effort('large'), fast(false)] })
    .fail('session/set_config_option', { code: -32603, message: 'nö' })
    .order({ type: 'choose', what: 'fast', value: 'true' })
    .respond('session/set_config_option', { configOptions: [llm('small'), effort('large'), fast(true)] })
    .order({ type: 'close' })
    .respond('session/close', {})

const outside = (): AcpScript =>
  new AcpScript()
    .initialized({ authMethods: [{ id: 'key', name: 'Use a key' }] })
    .respond('session/new', { sessionId: 'agent-session' })
    .prompt('go')
    .notify('_offstage/paused', { sessionId: 'agent-session', until: '2026-11-23T14:30:00Z', why: 'Grenze überschritten' })
    .notify('_offstage/continued', { sessionId: 'agent-session' })
    .request(1, 'elicitation/create', { mode: 'url', message: 'Öffne', elicitationId: 'e1', url: 'https://example.org/a' })
    .answer({ kind: 'option', optionId: 'open' })
    .notify('elicitation/complete', { elicitationId: 'e1' })
    .request(2, 'elicitation/create', { mode: 'url', message: 'Again', elicitationId: 'e2', url: 'https://example.org/b' })
    .notify('elicitation/complete', { elicitationId: 'e2' })
    .request(3, 'elicitation/create', { mode: 'url', message: 'Never', elicitationId: 'e3', url: 'javascript:alert(1)' })
    .fail('session/prompt', { code: -32000, message: 'abgelaufen: ä' })
    .answer({ kind: 'option', optionId: 'key' })
    .fail('authenticate', { code: -32603, message: 'wrong' })
    .answer({ kind: 'option', optionId: 'key' })
    .respond('authenticate', {})
    .answer({ kind: 'option', optionId: 'again' })
    .prompt('go', 'prompt02')
    .respond('session/prompt', { stopReason: 'end_turn' })

driverContract('acp', acpDriver, () => [
  conversation().recording('a conversation'),
  fileRun().recording('files, inside and outside'),
  openFileCalls().recording('file calls without a reply'),
  loading().recording('a loaded session'),
  loggingIn().recording('logging in'),
  choosing().recording('modes and models chosen, and a call that prints'),
  longText().recording('long texts'),
  goneAndSet().recording('what is gone and what is set again'),
  outside().recording('what a person does outside'),
])

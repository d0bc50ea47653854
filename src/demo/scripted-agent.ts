// The agent of `offstage demo`: a program of its own that speaks the Agent Client Protocol on its stdin and stdout, as real agents do, and does what a scenario says.
//
//   node scripted-agent.ts fix-test | remove-legacy | write-docs
//
// OFFSTAGE_DEMO_PACE_MS: delay between steps (default 100). OFFSTAGE_DEMO_STATE: where conversations are kept (default: inside .git, else the temporary directory).

import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import * as acp from '@agentclientprotocol/sdk'
import { type Scenario, type Stage, type ToolResult, type ToolUse, type Work, scenarios } from './scenarios.ts'

interface Said {
  readonly by: 'user' | 'agent'
  readonly text: string
}

interface Conversation {
  readonly id: string
  readonly cwd: string
  mode: string
  said: Said[]
  /** The scenario was played to its end. */
  done: boolean
  /** "Always allow" was chosen. */
  trusted: boolean
}

interface Live {
  readonly conversation: Conversation
  turn: AbortController | undefined
  calls: number
}

const modes = [
  { id: 'ask', name: 'Ask before deleting' },
  { id: 'auto', name: 'Never ask' },
]

const paceMs = Number(process.env['OFFSTAGE_DEMO_PACE_MS'] ?? 100)

/** Returns when the client has closed the connection. */
async function serve(scenario: Scenario): Promise<void> {
  const live = new Map<string, Live>()
  let canAsk = false

  const open = (conversation: Conversation): { modes: acp.SessionModeState } => {
    live.set(conversation.id, { conversation, turn: undefined, calls: 0 })
    return { modes: { currentModeId: conversation.mode, availableModes: modes } }
  }
  const find = (sessionId: string): Live => {
    const found = live.get(sessionId)
    if (!found) throw acp.RequestError.resourceNotFound(sessionId)
    return found
  }

  const connection = acp
    .agent({ name: 'offstage-demo' })
    .onRequest('initialize', ({ params }) => {
      canAsk = Boolean(params.clientCapabilities?.elicitation?.form)
      return {
        protocolVersion: acp.PROTOCOL_VERSION,
        agentInfo: { name: 'offstage-demo', title: 'Scripted demo agent', version: '1.0.0' },
        agentCapabilities: { loadSession: true, sessionCapabilities: { resume: {} } },
        authMethods: [],
      }
    })
    .onRequest('session/new', async ({ params }) => {
      const conversation: Conversation = { id: randomUUID(), cwd: params.cwd, mode: 'ask', said: [], done: false, trusted: false }
      await save(conversation)
      return { sessionId: conversation.id, ...open(conversation) }
    })
    .onRequest('session/resume', async ({ params }) => open(await restore(params.sessionId, params.cwd)))
    .onRequest('session/load', async ({ params, client }) => {
      const conversation = await restore(params.sessionId, params.cwd)
      for (const { by, text } of conversation.said) {
        const sessionUpdate = by === 'user' ? 'user_message_chunk' : 'agent_message_chunk'
        await client.notify('session/update', { sessionId: conversation.id, update: { sessionUpdate, content: { type: 'text', text } } })
      }
      return open(conversation)
    })
    .onRequest('session/set_mode', async ({ params }) => {
      const { conversation } = find(params.sessionId)
      if (!modes.some((mode) => mode.id === params.modeId)) throw acp.RequestError.invalidParams(undefined, `there is no mode "${params.modeId}"`)
      conversation.mode = params.modeId
      await save(conversation)
      return {}
    })
    .onRequest('session/prompt', async ({ params, client }): Promise<acp.PromptResponse> => {
      const one = find(params.sessionId)
      const text = params.prompt.map((block) => (block.type === 'text' ? block.text : '')).join('\n')
      one.turn?.abort()
      const controller = new AbortController()
      one.turn = controller
      one.conversation.said.push({ by: 'user', text })
      await save(one.conversation)
      try {
        await turn(one, text, client, controller.signal, scenario, canAsk)
        return { stopReason: controller.signal.aborted ? 'cancelled' : 'end_turn' }
      } catch (error) {
        if (controller.signal.aborted) return { stopReason: 'cancelled' }
        throw error
      } finally {
        await save(one.conversation)
      }
    })
    .onNotification('session/cancel', ({ params }) => live.get(params.sessionId)?.turn?.abort())
    .connect(acp.ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>))
  await connection.closed
}

async function turn(live: Live, text: string, client: acp.AgentContext, signal: AbortSignal, scenario: Scenario, canAsk: boolean): Promise<void> {
  const stage = makeStage(live, text, client, signal, canAsk)
  if (live.conversation.done && !/\bagain\b/i.test(text)) {
    return stage.say('I am a script and have done what was written down for me. Say "again" and I do it once more; for everything else you need a real agent.')
  }
  await scenario(stage)
  live.conversation.done = true
}

/** What was answered to a question that died with an earlier process, as Offstage says it in a prompt. */
const earlierAnswer = (prompt: string): string | undefined => /^My answer: (.*)$/m.exec(prompt)?.[1]?.trim()

function makeStage(live: Live, prompt: string, client: acp.AgentContext, signal: AbortSignal, canAsk: boolean): Stage {
  const { conversation } = live
  const { id: sessionId, cwd } = conversation
  const pace = (part = 1): Promise<void> => delay(paceMs * part, undefined, { signal })
  const update = async (what: acp.SessionUpdate): Promise<void> => {
    signal.throwIfAborted()
    await client.notify('session/update', { sessionId, update: what })
  }

  const speak = async (sessionUpdate: 'agent_message_chunk' | 'agent_thought_chunk', text: string): Promise<void> => {
    for (const piece of text.match(/\S*\s*\S*\s*\S*\s*/g) ?? []) {
      if (piece === '') continue
      await update({ sessionUpdate, content: { type: 'text', text: piece } })
      await pace(0.2)
    }
    await pace()
  }

  const begin = async (use: ToolUse): Promise<acp.ToolCallUpdate & { title: string }> => {
    live.calls += 1
    const call = {
      toolCallId: `call-${randomUUID()}`,
      title: use.title,
      kind: use.kind,
      locations: (use.paths ?? []).map((path) => ({ path: join(cwd, path) })),
      ...(use.command === undefined ? {} : { rawInput: { command: use.command } }),
    }
    await update({ sessionUpdate: 'tool_call', ...call, status: 'pending' })
    await pace()
    return call
  }

  const said = (text: string): acp.ToolCallContent => ({ type: 'content', content: { type: 'text', text } })

  const finish = async (toolCallId: string, work: Work): Promise<ToolResult> => {
    await update({ sessionUpdate: 'tool_call_update', toolCallId, status: 'in_progress' })
    // What it printed is told again when it is over.
    const print = (text: string): void => void update({ sessionUpdate: 'tool_call_update', toolCallId, content: [said(text)] }).catch(() => {})
    const result = await work(print).catch((error: Error): ToolResult => ({ ok: false, text: error.message }))
    const content: acp.ToolCallContent[] = []
    if (result.edit) content.push({ type: 'diff', path: join(cwd, result.edit.path), oldText: result.edit.before, newText: result.edit.after })
    if (result.text !== undefined) content.push(said(result.text))
    await update({ sessionUpdate: 'tool_call_update', toolCallId, status: result.ok ? 'completed' : 'failed', content })
    await pace()
    return result
  }

  const permitted = async (call: acp.ToolCallUpdate): Promise<boolean> => {
    const earlier = earlierAnswer(prompt)
    if (conversation.mode === 'auto' || conversation.trusted) return true
    if (earlier !== undefined) return /allow/i.test(earlier)
    const { outcome } = await client.request('session/request_permission', {
      sessionId,
      toolCall: call,
      options: [
        { optionId: 'allow-once', name: 'Allow once', kind: 'allow_once' },
        { optionId: 'allow-always', name: 'Always allow', kind: 'allow_always' },
        { optionId: 'reject', name: 'Reject', kind: 'reject_once' },
      ],
    })
    if (outcome.outcome === 'cancelled') signal.throwIfAborted()
    if (outcome.outcome !== 'selected') return false
    conversation.trusted ||= outcome.optionId === 'allow-always'
    return outcome.optionId !== 'reject'
  }

  return {
    cwd,
    prompt,
    signal,
    async say(text) {
      await speak('agent_message_chunk', text)
      conversation.said.push({ by: 'agent', text })
    },
    think: (text) => speak('agent_thought_chunk', text),
    plan: (steps, done) =>
      update({
        sessionUpdate: 'plan',
        entries: steps.map((content, index) => ({ content, priority: 'medium', status: index < done ? 'completed' : index === done ? 'in_progress' : 'pending' })),
      }),
    async tool(use, work) {
      const call = await begin(use)
      return finish(call.toolCallId, work)
    },
    async guardedTool(use, work) {
      const call = await begin(use)
      if (await permitted(call)) return finish(call.toolCallId, work)
      await update({
        sessionUpdate: 'tool_call_update',
        toolCallId: call.toolCallId,
        status: 'failed',
        content: [said('not allowed')],
      })
      return undefined
    },
    async choose(question, choices) {
      const earlier = earlierAnswer(prompt)?.toLowerCase()
      const known = choices.find(({ id, name }) => id === earlier || name.toLowerCase() === earlier)
      if (known) return known.id
      // A client without forms: the first choice, rather than no work at all.
      if (!canAsk) return choices[0]?.id
      const response = await client.request('elicitation/create', {
        mode: 'form',
        sessionId,
        message: question,
        requestedSchema: {
          type: 'object',
          properties: { choice: { type: 'string', title: 'Choice', oneOf: choices.map(({ id, name }) => ({ const: id, title: name })) } },
          required: ['choice'],
        },
      })
      if (response.action === 'cancel') signal.throwIfAborted()
      const chosen = acp.CreateElicitationResponse.isAccept(response) ? response.content?.['choice'] : undefined
      return typeof chosen === 'string' ? chosen : undefined
    },
  }
}

async function stateFolder(cwd: string): Promise<string> {
  const given = process.env['OFFSTAGE_DEMO_STATE']
  if (given) return given
  const git = join(cwd, '.git')
  const isRepository = await stat(git).then(
    (found) => found.isDirectory(),
    () => false,
  )
  return join(isRepository ? git : tmpdir(), 'offstage-demo')
}

async function save(conversation: Conversation): Promise<void> {
  const folder = await stateFolder(conversation.cwd)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, `${conversation.id}.json`)
  await writeFile(`${file}.new`, JSON.stringify(conversation), { mode: 0o600 })
  await rename(`${file}.new`, file)
}

async function restore(id: string, cwd: string): Promise<Conversation> {
  if (!/^[\w-]+$/.test(id)) throw acp.RequestError.resourceNotFound(id)
  const text = await readFile(join(await stateFolder(cwd), `${id}.json`), 'utf8').catch(() => {
    throw acp.RequestError.resourceNotFound(id)
  })
  return { ...(JSON.parse(text) as Conversation), cwd }
}

const name = process.argv[2] ?? ''
const scenario = scenarios[name]
if (scenario) {
  await serve(scenario)
  process.exit(0)
}
process.stderr.write(`usage: scripted-agent ${Object.keys(scenarios).join(' | ')}\n`)
process.exit(2)

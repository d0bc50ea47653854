// The seam of thinker.ts on pi: its agent loop, its session files, its models. Nothing of pi that phones out, executes what a project brings, or writes outside the home is used:
// no settings, no extensions, no packages, no tools of its own.

import { randomUUID } from 'node:crypto'
import { Agent, type AgentMessage, type AgentTool, type StreamFn } from '@earendil-works/pi-agent-core'
import {
  type Api,
  type AssistantMessage,
  type Model,
  type UserMessage,
  clampThinkingLevel,
  createInitialSystemMessage,
  getSupportedThinkingLevels,
  isContextOverflow,
  toToolDeclaration,
} from '@earendil-works/pi-ai'
import { type ModelRuntime, type SessionManager, convertToLlm } from '@earendil-works/pi-coding-agent'
import { type Refusal, isRefusal, refusal } from '../../core/errors.ts'
import type { ModelState, Part, Remembered, Spent, Surroundings, Thinker, Thinkers, Tool, TurnEnd, Usage } from '../thinker.ts'
import { compact, contextTokens, needsCompaction } from './compaction.ts'
import { remembered } from './remembered.ts'
import { sessionFilesIn } from './session-files.ts'
import { steady } from './steady-stream.ts'

export interface PiFrom {
  /** Where the conversations lie. */
  readonly folder: string
  readonly models: { readonly runtime: ModelRuntime; find(id: string): Promise<Model<Api> | Refusal> }
}

type Level = ReturnType<typeof clampThinkingLevel>

const defaultLevel: Level = 'medium'

export function piThinkers({ folder, models }: PiFrom): Thinkers {
  const files = sessionFilesIn(folder)
  const begin = async (session: SessionManager | undefined, id: string, modelId: string, around: Surroundings): Promise<Thinker | Refusal> => {
    if (!session) return refusal('unknown-session', `there is no conversation ${id}`)
    const last = session.buildSessionProjection().model
    const before = last ? await models.find(`${last.provider}/${last.modelId}`) : undefined
    const model = before && !isRefusal(before) ? before : await models.find(modelId)
    return isRefusal(model) ? model : new PiThinker(session, model, models, around)
  }
  return {
    create: async (cwd, modelId, around) => {
      const model = await models.find(modelId)
      return isRefusal(model) ? model : new PiThinker(files.create(randomUUID(), cwd), model, models, around)
    },
    open: (id, cwd, modelId, around) => begin(files.open(id, cwd), id, modelId, around),
    fork: (id, cwd, modelId, around) => begin(files.fork(id, randomUUID(), cwd), id, modelId, around),
    list: (cwd, signal) => files.list(cwd, signal),
    remove: async (id) => files.remove(id),
  }
}

/** What the model reads where its text broke off. */
const goOn = '[Offstage: the connection broke off in the middle of your answer above. The user has seen it. Go on exactly where it ends, and repeat nothing.]'
const wasCancelled = '[Offstage: the user cancelled here.]'

class PiThinker implements Thinker {
  readonly #session: SessionManager
  readonly #models: PiFrom['models']
  readonly #around: Surroundings
  readonly #agent: Agent
  readonly #summaries: StreamFn
  #spent: Spent = nothingSpent
  /** Calls that have not reached their tool, with their input: such as the loop refuses. */
  readonly #begun = new Map<string, Readonly<Record<string, unknown>>>()

  constructor(session: SessionManager, model: Model<Api>, models: PiFrom['models'], around: Surroundings) {
    this.#session = session
    this.#models = models
    this.#around = around
    const call: StreamFn = (which, context, options) => models.runtime.streamSimple(which, context, { ...options, maxRetries: 0 })
    const { recover, stallMs } = around
    this.#summaries = steady({ call, recover, stallMs })
    const before = session.buildSessionProjection()
    const isNew = before.model === null
    const level = clampThinkingLevel(model, isNew ? defaultLevel : (before.thinkingLevel as Level))
    this.#agent = new Agent({
      initialState: { model, thinkingLevel: level, tools: [], messages: [] },
      convertToLlm,
      streamFn: steady({ call, recover, stallMs, brokeOff: () => this.#agent.steer(fromHarness(goOn)) }),
      sessionId: session.getSessionId(),
      transport: 'sse',
      toolExecution: 'sequential',
      // What was said is kept as it was said; whether it failed is for the model too.
      afterToolCall: async ({ result }) => (isFailed(result.details) ? { isError: true } : undefined),
      prepareRequest: async (_request, signal) => {
        if (needsCompaction(this.#session, this.#model)) await this.#compact(signal)
        return { context: this.#context(), model: this.#model, thinkingLevel: this.#agent.state.thinkingLevel }
      },
    })
    this.#agent.subscribe((event) => this.#receive(event))
    if (before.model?.provider !== model.provider || before.model.modelId !== model.id) session.appendModelChange(model.provider, model.id)
    if (isNew || before.thinkingLevel !== level) session.appendThinkingLevelChange(level)
  }

  get id(): string {
    return this.#session.getSessionId()
  }

  get cwd(): string {
    return this.#session.getCwd()
  }

  get #model(): Model<Api> {
    return this.#agent.state.model
  }

  get model(): ModelState {
    const model = this.#model
    return {
      id: `${model.provider}/${model.id}`,
      takesPictures: model.input.includes('image'),
      thinkingLevels: getSupportedThinkingLevels(model),
      thinkingLevel: this.#agent.state.thinkingLevel,
    }
  }

  get title(): string | undefined {
    return this.#session.getSessionName()
  }

  setTitle(title: string): void {
    this.#session.appendSessionInfo(title)
  }

  get usage(): Usage {
    const costs = this.#session.getEntries().map((entry) => {
      if (entry.type === 'message') return entry.message.role === 'assistant' ? entry.message.usage.cost.total : 0
      return entry.type === 'compaction' ? (entry.usage?.cost.total ?? 0) : 0
    })
    return { context: contextTokens(this.#session), window: this.#model.contextWindow, costUsd: costs.reduce((sum, cost) => sum + cost, 0) }
  }

  async setModel(id: string): Promise<Refusal | undefined> {
    const model = await this.#models.find(id)
    if (isRefusal(model)) return model
    this.#agent.state.model = model
    this.#session.appendModelChange(model.provider, model.id)
    this.setThinkingLevel(this.#agent.state.thinkingLevel)
    return undefined
  }

  setThinkingLevel(level: string): void {
    const taken = clampThinkingLevel(this.#model, level as Level)
    if (taken === this.#agent.state.thinkingLevel) return
    this.#agent.state.thinkingLevel = taken
    this.#session.appendThinkingLevelChange(taken)
  }

  steer(parts: readonly Part[]): void {
    this.#agent.steer(fromUser(parts))
  }

  remembered(): readonly Remembered[] {
    return remembered(this.#session.getBranch())
  }

  async prompt(parts: readonly Part[], signal: AbortSignal): Promise<TurnEnd> {
    this.#spent = nothingSpent
    if (signal.aborted) return { how: 'cancelled', spent: this.#spent }
    const abort = (): void => this.#agent.abort()
    signal.addEventListener('abort', abort, { once: true })
    try {
      await this.#run(() => this.#agent.prompt(fromUser(parts)))
      let last = this.#lastAnswer()
      if (last?.stopReason === 'error' && isContextOverflow(last, this.#model.contextWindow) && !signal.aborted && (await this.#compact(signal))) {
        await this.#run(() => this.#agent.continue())
        last = this.#lastAnswer()
      }
      // What arrived after the loop had looked for the last time.
      while (this.#agent.hasQueuedMessages() && !signal.aborted && last?.stopReason !== 'error') {
        await this.#run(() => this.#agent.continue())
        last = this.#lastAnswer()
      }
      return { ...endOf(last, signal), spent: this.#spent }
    } catch (thrown) {
      return signal.aborted ? { how: 'cancelled', spent: this.#spent } : { how: 'failed', why: textOf(thrown), spent: this.#spent }
    } finally {
      signal.removeEventListener('abort', abort)
      this.#agent.clearAllQueues()
    }
  }

  async #run(begin: () => Promise<void>): Promise<void> {
    const { messages, tools } = this.#context()
    this.#agent.state.messages = messages
    this.#agent.state.tools = tools
    await begin()
  }

  /** What the model is sent: what is in the file, below the instructions and tools of now. */
  #context(): { messages: AgentMessage[]; tools: AgentTool[] } {
    const tools = this.#around.tools().map((tool) => this.#piTool(tool))
    const head = createInitialSystemMessage(this.#around.instructions(), tools.map(toToolDeclaration))
    const said = this.#session.buildSessionProjection().messages.filter((message) => message.role !== 'system')
    return { messages: head ? [head, ...said] : said, tools }
  }

  #piTool(tool: Tool): AgentTool {
    return {
      name: tool.name,
      label: tool.name,
      description: tool.description,
      parameters: tool.input as AgentTool['parameters'],
      execute: async (id, input, signal) => {
        this.#begun.delete(id)
        const { text, pictures, failed } = await tool.run({ id, input: input as Readonly<Record<string, unknown>> }, signal ?? never)
        return { content: [{ type: 'text', text }, ...(pictures ?? []).map(({ mimeType, bytes }) => ({ type: 'image' as const, mimeType, data: bytes }))], details: { failed } }
      },
    }
  }

  async #receive(event: Parameters<Parameters<Agent['subscribe']>[0]>[0]): Promise<void> {
    switch (event.type) {
      case 'message_update': {
        const { assistantMessageEvent: news } = event
        if (news.type === 'text_delta') this.#around.think({ kind: 'text', text: news.delta })
        else if (news.type === 'thinking_delta') this.#around.think({ kind: 'thinking', text: news.delta })
        return
      }
      case 'message_end':
        return this.#keep(event.message)
      case 'tool_execution_start':
        this.#begun.set(event.toolCallId, event.args as Readonly<Record<string, unknown>>)
        return
      case 'tool_execution_end': {
        const { toolCallId: id, toolName, result } = event
        const input = this.#begun.get(id)
        if (!input || !this.#begun.delete(id) || this.#agent.signal?.aborted) return
        const [said] = (result as { readonly content: readonly { readonly text?: string }[] }).content
        return await this.#around.refused({ id, input }, toolName, said?.text ?? '')
      }
    }
  }

  /** Failed calls are not kept: they are made again or told of. */
  #keep(message: AgentMessage): void {
    if (message.role === 'user' || message.role === 'toolResult' || message.role === 'custom') {
      this.#session.appendMessage(message)
      return
    }
    if (message.role !== 'assistant') return
    this.#spent = plus(this.#spent, message.usage)
    const kept =
      message.stopReason === 'aborted' || message.stopReason === 'error'
        ? { ...message, content: message.content.filter((block) => block.type === 'text' && block.text !== ''), stopReason: 'stop' as const }
        : message
    if (kept.content.length === 0) return
    this.#session.appendMessage(kept)
    if (message.stopReason === 'aborted') this.#session.appendMessage(fromHarness(wasCancelled))
    this.#around.think({ kind: 'usage', usage: this.usage })
  }

  #lastAnswer(): AssistantMessage | undefined {
    return this.#agent.state.messages.findLast((message) => message.role === 'assistant')
  }

  async compact(signal: AbortSignal): Promise<Refusal | undefined> {
    return (await this.#compact(signal)) ? undefined : refusal('invalid', 'there is nothing to take out of the conversation yet')
  }

  async #compact(signal: AbortSignal | undefined): Promise<boolean> {
    const { think } = this.#around
    think({ kind: 'compacting', state: 'begun' })
    try {
      const done = await compact(this.#session, this.#model, this.#summaries, signal)
      think({ kind: 'compacting', state: done ? 'done' : 'failed', ...(done ? {} : { why: 'there is nothing to take out yet' }) })
      if (done) think({ kind: 'usage', usage: this.usage })
      return done
    } catch (thrown) {
      think({ kind: 'compacting', state: 'failed', why: textOf(thrown) })
      return false
    }
  }

  close(): void {
    this.#agent.abort()
  }
}

const never = new AbortController().signal

const textOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))

const isFailed = (details: unknown): boolean => typeof details === 'object' && details !== null && 'failed' in details && details.failed === true

const nothingSpent: Spent = { inputTokens: 0, outputTokens: 0, cachedReadTokens: 0, cachedWriteTokens: 0 }

const plus = (spent: Spent, { input, output, cacheRead, cacheWrite }: AssistantMessage['usage']): Spent => ({
  inputTokens: spent.inputTokens + input,
  outputTokens: spent.outputTokens + output,
  cachedReadTokens: spent.cachedReadTokens + cacheRead,
  cachedWriteTokens: spent.cachedWriteTokens + cacheWrite,
})

const fromUser = (parts: readonly Part[]): UserMessage => ({
  role: 'user',
  content: parts.map((part) => (part.kind === 'text' ? { type: 'text', text: part.text } : { type: 'image', mimeType: part.mimeType, data: part.bytes })),
  timestamp: Date.now(),
})

/** Not the user's words: kept apart from them in the file. */
const fromHarness = (text: string): Extract<AgentMessage, { role: 'custom' }> => ({ role: 'custom', customType: 'offstage', content: text, display: false, timestamp: Date.now() })

function endOf(last: AssistantMessage | undefined, signal: AbortSignal): Omit<TurnEnd, 'spent'> {
  if (signal.aborted || last?.stopReason === 'aborted') return { how: 'cancelled' }
  if (!last) return { how: 'failed', why: 'the model did not answer' }
  if (last.stopReason === 'length') return { how: 'length' }
  if (last.stopReason !== 'error') return { how: 'done' }
  const why = last.errorMessage ?? 'the model did not answer'
  return isRefusedByModel(why) ? { how: 'refusal', why } : { how: 'failed', why }
}

/** As pi words what providers call a refusal or a filtered answer. */
const isRefusedByModel = (why: string): boolean => /\brefus|content.?filter|safety/i.test(why)

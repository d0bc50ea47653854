// One session of a client: its mode and what was allowed in it, its turn, and everything that the client is told of it.

import type { AgentContext, ContentBlock, PromptResponse, SessionConfigOption, SessionModeState, SessionUpdate } from '@agentclientprotocol/sdk/unstable'
import { RequestError } from '@agentclientprotocol/sdk/unstable'
import { type Refusal, isRefusal } from '../core/errors.ts'
import { printableLine } from '../core/terminal-text.ts'
import { type Skill, instructions, projectFiles } from './instructions.ts'
import type { ModelChoice } from './models/index.ts'
import { type Mode, modeOf, modes } from './permission/decide.ts'
import { type Workspace, workspaceAt } from './permission/workspace.ts'
import { partsOf } from './prompt-parts.ts'
import { type Questions, questionsTo } from './questions.ts'
import { type RecoveryFrom, recover } from './recovery.ts'
import { none, repeated, tooOften } from './repetition.ts'
import { type StepsFrom, asTool, ownId, shownOf, tellRefused } from './steps.ts'
import type { Surroundings, Thinker, Thought, Tool, TurnEnd } from './thinker.ts'
import type { OwnTool } from './tools/step.ts'
import { planIn, planName, talkTools } from './tools/talk.ts'

/** What a client said that it can show. */
export interface ClientAbilities {
  readonly forms: boolean
  readonly notices: boolean
  readonly compaction: boolean
  /** Understands `_offstage/paused`. */
  readonly pauses: boolean
}

export interface ConversationFrom {
  readonly cwd: string
  readonly client: Pick<AgentContext, 'request' | 'notify'>
  readonly abilities: ClientAbilities
  /** All but those by which the model speaks with people. */
  readonly tools: (workspace: Workspace, takesPictures: () => boolean) => readonly OwnTool[]
  readonly skills: readonly Skill[]
  /** Where the user's own AGENTS.md lies. */
  readonly userFolder: string
  /** What holds for commands in the sandbox. */
  readonly sandbox: string | undefined
  readonly models: () => Promise<readonly ModelChoice[]>
  readonly stallMs: number
  readonly recovery: Pick<RecoveryFrom, 'failureOf' | 'onLimit' | 'now' | 'retryMs'>
  /** Makes or opens what is thought with. */
  readonly begin: (around: Surroundings) => Promise<Thinker | Refusal>
  /** Ends what the session alone uses. */
  readonly end: () => Promise<void>
}

interface Turn {
  readonly controller: AbortController
  readonly ended: Promise<PromptResponse>
}

const mostModels = 300
const longestTitle = 80

export async function openConversation(from: ConversationFrom): Promise<Conversation | Refusal> {
  const conversation = new Conversation(from)
  const refused = await conversation.begin()
  return refused ?? conversation
}

export class Conversation {
  readonly #from: ConversationFrom
  readonly #workspace: Workspace
  readonly #granted = new Set<string>()
  readonly #callIds = new Set<string>()
  #thinker: Thinker | undefined
  #tools: readonly { readonly own: OwnTool; readonly tool: Tool }[] = []
  #questions: Questions | undefined
  #mode: Mode = 'ask'
  #turn: Turn | undefined
  #project: ReturnType<typeof projectFiles> = []
  #models: readonly ModelChoice[] = []
  #repeated = none
  #compactions = 0

  constructor(from: ConversationFrom) {
    this.#from = from
    this.#workspace = workspaceAt(from.cwd)
  }

  async begin(): Promise<Refusal | undefined> {
    const { stallMs, begin, abilities, client, tools } = this.#from
    const thinker = await begin({
      stallMs,
      instructions: () => this.#instructions(),
      tools: () => this.#tools.filter(({ own }) => own.planMode !== (this.#mode === 'plan' ? 'never' : 'only')).map(({ tool }) => tool),
      think: (thought) => void this.#told(thought).catch(() => {}),
      refused: async (call, name, why) => {
        await tellRefused({ tell: (update) => this.tell(update) }, ownId(this.#callIds, call.id), name, call.input, why)
        if (this.#turn) await this.#did(name, call.input, true, this.#turn.controller.signal)
      },
      recover: (failure, signal) => recover(this.#recovery(), failure, signal),
    })
    if (isRefusal(thinker)) return thinker
    this.#thinker = thinker
    const questions = questionsTo(client, thinker.id, abilities.forms)
    this.#questions = questions
    const steps: StepsFrom = {
      mode: () => this.#mode,
      granted: this.#granted,
      ids: this.#callIds,
      questions,
      tell: (update) => this.tell(update),
      did: (...call) => this.#did(...call),
    }
    const talk = talkTools({ questions, tellPlan: (entries) => this.tell({ sessionUpdate: 'plan', entries: [...entries] }), setMode: (mode) => this.setMode(mode) })
    this.#tools = [...tools(this.#workspace, () => thinker.model.takesPictures), ...talk].map((own) => ({ own, tool: asTool(steps, own) }))
    this.#models = await this.#from.models()
    return undefined
  }

  get #thinks(): Thinker {
    if (!this.#thinker) throw new Error('the conversation was not begun')
    return this.#thinker
  }

  get #asks(): Questions {
    if (!this.#questions) throw new Error('the conversation was not begun')
    return this.#questions
  }

  get id(): string {
    return this.#thinks.id
  }

  async tell(update: SessionUpdate): Promise<void> {
    await this.#from.client.notify('session/update', { sessionId: this.id, update })
  }

  #instructions(): string {
    const { skills, sandbox } = this.#from
    return instructions({
      cwd: this.#workspace.root,
      mode: this.#mode,
      today: new Date().toISOString().slice(0, 10),
      platform: process.platform,
      project: this.#project,
      skills,
      sandbox,
    })
  }

  get modeState(): SessionModeState {
    const { sandbox } = this.#from
    return {
      currentModeId: this.#mode,
      availableModes: modes.map((mode) => ({ ...mode, description: sandbox === undefined ? mode.description : `${mode.description}; commands run in a sandbox` })),
    }
  }

  get configOptions(): SessionConfigOption[] {
    const { id, thinkingLevels, thinkingLevel } = this.#thinks.model
    const known = this.#models.some((one) => one.id === id) ? this.#models : [{ id, name: id }, ...this.#models]
    return [
      {
        type: 'select',
        id: 'mode',
        name: 'Mode',
        category: 'mode',
        currentValue: this.#mode,
        options: modes.map(({ id: value, name, description }) => ({ value, name, description })),
      },
      { type: 'select', id: 'model', name: 'Model', category: 'model', currentValue: id, options: known.slice(0, mostModels).map((one) => ({ value: one.id, name: one.name })) },
      ...(thinkingLevels.length < 2
        ? []
        : [
            {
              type: 'select' as const,
              id: 'thinking',
              name: 'Thinking',
              category: 'thought_level',
              currentValue: thinkingLevel,
              options: thinkingLevels.map((value) => ({ value, name: value })),
            },
          ]),
    ]
  }

  async setMode(mode: Mode): Promise<void> {
    if (mode === this.#mode) return
    this.#mode = mode
    await this.tell({ sessionUpdate: 'current_mode_update', currentModeId: mode })
    await this.tell({ sessionUpdate: 'config_option_update', configOptions: this.configOptions })
  }

  /** Refuses what is not offered. */
  async setOption(id: string, value: string): Promise<void> {
    const offered = this.configOptions.find((option) => option.id === id)
    if (!offered || offered.type !== 'select') throw RequestError.invalidParams(undefined, `there is no option ${JSON.stringify(id)}`)
    if (id === 'mode') {
      const mode = modeOf(value)
      if (!mode) throw RequestError.invalidParams(undefined, `there is no mode ${JSON.stringify(value)}`)
      return await this.setMode(mode)
    }
    if (id === 'model') {
      const refused = await this.#thinks.setModel(value)
      if (refused) throw RequestError.invalidParams(undefined, refused.message)
      return await this.tell({ sessionUpdate: 'usage_update', ...usageOf(this.#thinks) })
    }
    if (!this.#thinks.model.thinkingLevels.includes(value)) throw RequestError.invalidParams(undefined, `there is no thinking level ${JSON.stringify(value)}`)
    this.#thinks.setThinkingLevel(value)
  }

  /** What a client has to know that has just opened the session. */
  async introduce(): Promise<void> {
    await this.tell({ sessionUpdate: 'available_commands_update', availableCommands: [{ name: 'compact', description: 'replace what was said by a summary of it' }] })
    const { title } = this.#thinks
    if (title !== undefined) await this.tell({ sessionUpdate: 'session_info_update', title })
  }

  async replay(): Promise<void> {
    for (const one of this.#thinks.remembered()) {
      if (one.kind === 'user') for (const part of one.parts) await this.tell({ sessionUpdate: 'user_message_chunk', content: blockOf(part) })
      else if (one.kind === 'text') await this.tell({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: one.text } })
      else if (one.kind === 'thinking') await this.tell({ sessionUpdate: 'agent_thought_chunk', content: { type: 'text', text: one.text } })
      else if (one.name === planName) await this.tell({ sessionUpdate: 'plan', entries: [...planIn(one.call.input)] })
      else {
        const { call, name, result } = one
        const toolCallId = ownId(this.#callIds, call.id)
        const shown = result ? shownOf(result) : []
        await this.tell({
          sessionUpdate: 'tool_call',
          toolCallId,
          title: titleOf(name, call.input),
          name,
          kind: 'other',
          rawInput: call.input,
          status: result && !result.failed ? 'completed' : 'failed',
          content: shown,
        })
      }
    }
  }

  /** One that comes while a turn goes on is heard by that turn, and answered with it. */
  async prompt(blocks: readonly ContentBlock[]): Promise<PromptResponse> {
    const parts = await partsOf(blocks, this.#workspace, this.#thinks.model.takesPictures)
    if (this.#turn) {
      this.#thinks.steer(parts)
      return await this.#turn.ended
    }
    const controller = new AbortController()
    const ended = this.#take(parts, controller.signal)
    this.#turn = { controller, ended }
    try {
      return await ended
    } finally {
      this.#turn = undefined
    }
  }

  async #take(parts: Parameters<Thinker['prompt']>[0], signal: AbortSignal): Promise<PromptResponse> {
    const text = parts
      .flatMap((part) => (part.kind === 'text' ? [part.text] : []))
      .join('\n')
      .trim()
    if (text === '/compact') {
      const refused = await this.#thinks.compact(signal)
      if (refused && !signal.aborted) await this.note(refused.message)
      return { stopReason: signal.aborted ? 'cancelled' : 'end_turn' }
    }
    this.#project = projectFiles(this.#workspace.root, this.#from.userFolder)
    this.#repeated = none
    await this.#name(text)
    return response(await this.#thinks.prompt(parts, signal), signal)
  }

  async #name(text: string): Promise<void> {
    if (this.#thinks.title !== undefined) return
    const [line = ''] = text.split('\n', 1)
    const title = printableLine(line).trim()
    if (title === '') return
    this.#thinks.setTitle(title.length > longestTitle ? `${title.slice(0, longestTitle - 1).toWellFormed()}…` : title)
    await this.tell({ sessionUpdate: 'session_info_update', title: this.#thinks.title ?? null })
  }

  cancel(): void {
    this.#turn?.controller.abort(new Error('cancelled'))
  }

  async close(): Promise<void> {
    this.cancel()
    this.#thinker?.close()
    await this.#turn?.ended.catch(() => {})
    await this.#from.end()
  }

  /** A line for people that is not the model's. */
  async note(text: string): Promise<void> {
    if (this.#from.abilities.notices) await this.tell({ sessionUpdate: 'notice', severity: 'info', title: text })
    else await this.tell({ sessionUpdate: 'agent_thought_chunk', content: { type: 'text', text: `\n\n[${text}]\n\n` } })
  }

  async #told(thought: Thought): Promise<void> {
    switch (thought.kind) {
      case 'text':
        return await this.tell({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: thought.text } })
      case 'thinking':
        return await this.tell({ sessionUpdate: 'agent_thought_chunk', content: { type: 'text', text: thought.text } })
      case 'usage':
        return await this.tell({ sessionUpdate: 'usage_update', ...usageOf(this.#thinks) })
      case 'compacting':
        return await this.#compacting(thought)
    }
  }

  async #compacting({ state, why }: Extract<Thought, { kind: 'compacting' }>): Promise<void> {
    if (state === 'begun') this.#compactions++
    if (this.#from.abilities.compaction) {
      const status = state === 'begun' ? 'in_progress' : state === 'done' ? 'completed' : 'failed'
      return await this.tell({ sessionUpdate: 'compaction_update', compactionId: `compaction-${this.#compactions}`, status, ...(why === undefined ? {} : { error: why }) })
    }
    if (state === 'begun') await this.note('The conversation is getting long: what was said first is being summarised.')
    else await this.note(state === 'done' ? 'Summarised. The model goes on with the summary.' : `It could not be summarised: ${why ?? 'nobody says why'}.`)
  }

  #recovery(): RecoveryFrom {
    const { client, recovery, abilities } = this.#from
    const { id } = this
    return {
      ...recovery,
      questions: this.#asks,
      paused: async (untilMs, why) => {
        const until = untilMs === null ? null : new Date(untilMs).toISOString()
        await client.notify('_offstage/paused', { sessionId: id, until, why })
        if (!abilities.pauses) await this.note(`A limit of the model is reached: ${why}. Going on by itself${until === null ? '' : ` at ${until}`}.`)
      },
      continued: async () => await client.notify('_offstage/continued', { sessionId: id }),
      note: (text) => this.note(text),
    }
  }

  /** Somebody is asked when a model does the same failing thing again and again. */
  async #did(name: string, input: unknown, failed: boolean, signal: AbortSignal): Promise<void> {
    this.#repeated = repeated(this.#repeated, name, input, failed)
    if (this.#repeated.times < tooOften) return
    this.#repeated = none
    const { canWrite } = this.#asks
    const chosen = await this.#asks.choose(
      `The model has done the same thing ${tooOften} times in a row, and it failed every time: ${titleOf(name, input)}`,
      [{ id: 'go-on', name: 'Let it go on' }, ...(canWrite ? [{ id: 'say', name: 'Tell it something else' }] : []), { id: 'stop', name: 'Stop' }],
      signal,
    )
    if (chosen === 'go-on') return
    const text = chosen === 'say' ? await this.#asks.write('What should it do instead?', signal) : undefined
    if (text !== undefined) return this.#thinks.steer([{ kind: 'text', text }])
    this.#turn?.controller.abort(stoppedByUser)
  }
}

/** The turn ends because its user said so when asked, not by a cancel of the client. */
const stoppedByUser = new Error('stopped by the user')

function response({ how, why, spent }: TurnEnd, signal: AbortSignal): PromptResponse {
  const { inputTokens, outputTokens, cachedReadTokens, cachedWriteTokens } = spent
  const input = inputTokens + cachedReadTokens + cachedWriteTokens
  const usage = { inputTokens: input, outputTokens, cachedReadTokens, cachedWriteTokens, totalTokens: input + outputTokens }
  switch (how) {
    case 'done':
      return { stopReason: 'end_turn', usage }
    case 'length':
      return { stopReason: 'max_tokens', usage }
    case 'refusal':
      return { stopReason: 'refusal', usage }
    case 'cancelled':
      return { stopReason: signal.reason === stoppedByUser ? 'end_turn' : 'cancelled', usage }
    case 'failed':
      throw new RequestError(-32603, `the model failed: ${why ?? 'nobody says why'}`)
  }
}

const usageOf = (thinker: Thinker): { used: number; size: number; cost: { amount: number; currency: string } } => {
  const { context, window, costUsd } = thinker.usage
  return { used: context, size: window, cost: { amount: costUsd, currency: 'USD' } }
}

const blockOf = (part: Parameters<Thinker['prompt']>[0][number]): ContentBlock =>
  part.kind === 'text' ? { type: 'text', text: part.text } : { type: 'image', mimeType: part.mimeType, data: part.bytes }

/** Of a call that is long over, or made no sense. */
function titleOf(name: string, input: unknown): string {
  const { command, path, pattern, question } = typeof input === 'object' && input !== null ? (input as Readonly<Record<string, unknown>>) : {}
  if (typeof command === 'string') return `\`${printableLine(command)}\``
  const what = [path, pattern, question].find((one) => typeof one === 'string')
  return printableLine(typeof what === 'string' ? `${name} ${what}` : name)
}

// The own agent as a program that speaks the Agent Client Protocol: what a client asks for, and the sessions that are open. What they do is in conversation.ts.

import * as acp from '@agentclientprotocol/sdk/unstable'
import { type Refusal, isRefusal } from '../core/errors.ts'
import { type ClientAbilities, type Conversation, type ConversationFrom, openConversation } from './conversation.ts'
import { modeOf } from './permission/decide.ts'
import type { Surroundings, Thinker, Thinkers } from './thinker.ts'

/** What the program is made of; every function may take its time. */
export interface AgentParts {
  readonly version: string
  readonly thinkers: Thinkers
  /** The model of a new session, as PROVIDER/MODEL. */
  readonly defaultModel: () => Promise<string | Refusal>
  /** How somebody gets a model, for people. */
  readonly howToGetModel: string
  /** Everything of a session but who it speaks with and what it thinks with. Rejects with a RequestError. */
  readonly open: (where: {
    readonly cwd: string
    readonly mcpServers: readonly acp.McpServer[]
  }) => Promise<Omit<ConversationFrom, 'cwd' | 'client' | 'abilities' | 'begin'> & { readonly problems: readonly string[] }>
  readonly signal: AbortSignal
}

const authMethodId = 'models'

/** Resolves when the client has closed the connection and every session is ended. */
export async function serve(parts: AgentParts, stream: acp.Stream): Promise<void> {
  const { thinkers } = parts
  const open = new Map<string, Conversation>()
  let abilities: ClientAbilities = { forms: false, notices: false, compaction: false, pauses: false }

  const find = (sessionId: string): Conversation => {
    const found = open.get(sessionId)
    if (!found) throw acp.RequestError.resourceNotFound(sessionId)
    return found
  }
  const close = async (sessionId: string): Promise<void> => {
    const found = open.get(sessionId)
    open.delete(sessionId)
    await found?.close()
  }
  const needModel = (refused: Refusal): acp.RequestError => new acp.RequestError(-32000, `${refused.message}${refused.hint === undefined ? '' : `; ${refused.hint}`}`)
  const begin = async (
    client: acp.AgentContext,
    { cwd, mcpServers }: { readonly cwd: string; readonly mcpServers?: readonly acp.McpServer[] | null },
    think: (modelId: string, around: Surroundings) => Promise<Thinker | Refusal>,
  ): Promise<Conversation> => {
    if (!cwd.startsWith('/')) throw acp.RequestError.invalidParams(undefined, 'cwd has to be an absolute path')
    const model = await parts.defaultModel()
    if (isRefusal(model)) throw needModel(model)
    const { problems, ...from } = await parts.open({ cwd, mcpServers: mcpServers ?? [] })
    const conversation = await openConversation({ ...from, cwd, client, abilities, begin: (around) => think(model, around) }).catch(async (thrown: unknown) => {
      await from.end()
      throw thrown
    })
    if (isRefusal(conversation)) {
      await from.end()
      throw conversation.refused === 'unknown-session' ? acp.RequestError.resourceNotFound(conversation.message) : needModel(conversation)
    }
    await close(conversation.id)
    open.set(conversation.id, conversation)
    // After the response: a client does not know the session before.
    setImmediate(() => {
      void conversation.introduce().catch(() => {})
      for (const problem of problems) void conversation.note(problem).catch(() => {})
    })
    return conversation
  }
  const stateOf = (conversation: Conversation): { modes: acp.SessionModeState; configOptions: acp.SessionConfigOption[] } => ({
    modes: conversation.modeState,
    configOptions: conversation.configOptions,
  })

  const connection = acp
    .agent({ name: 'offstage' })
    .onRequest('initialize', ({ params }) => {
      const { elicitation, session } = params.clientCapabilities ?? {}
      abilities = {
        forms: Boolean(elicitation?.form),
        notices: Boolean(session?.notices),
        compaction: Boolean(session?.compaction),
        pauses: params.clientInfo?.name === 'offstage',
      }
      return {
        protocolVersion: acp.PROTOCOL_VERSION,
        agentInfo: { name: 'offstage', title: 'Offstage', version: parts.version },
        agentCapabilities: {
          loadSession: true,
          promptCapabilities: { image: true, embeddedContext: true },
          mcpCapabilities: { http: true, sse: true },
          sessionCapabilities: { list: {}, resume: {}, fork: {}, close: {}, delete: {} },
        },
        authMethods: [{ id: authMethodId, name: 'Set a key, or start a model on this machine', description: parts.howToGetModel }],
      }
    })
    .onRequest('authenticate', async ({ params }) => {
      if (params.methodId !== authMethodId) throw acp.RequestError.invalidParams(undefined, `there is no way to log in called ${JSON.stringify(params.methodId)}`)
      const model = await parts.defaultModel()
      if (isRefusal(model)) throw needModel(model)
      return {}
    })
    .onRequest('session/new', async ({ params, client }) => {
      const conversation = await begin(client, params, (modelId, around) => thinkers.create(params.cwd, modelId, around))
      return { sessionId: conversation.id, ...stateOf(conversation) }
    })
    .onRequest('session/load', async ({ params, client }) => {
      await close(params.sessionId)
      const conversation = await begin(client, params, (modelId, around) => thinkers.open(params.sessionId, params.cwd, modelId, around))
      await conversation.replay()
      return stateOf(conversation)
    })
    .onRequest('session/resume', async ({ params, client }) => {
      await close(params.sessionId)
      return stateOf(await begin(client, params, (modelId, around) => thinkers.open(params.sessionId, params.cwd, modelId, around)))
    })
    .onRequest('session/fork', async ({ params, client }) => {
      const conversation = await begin(client, params, (modelId, around) => thinkers.fork(params.sessionId, params.cwd, modelId, around))
      return { sessionId: conversation.id, ...stateOf(conversation) }
    })
    .onRequest('session/list', async ({ params }) => {
      const kept = await thinkers.list(params.cwd ?? undefined, parts.signal)
      return { sessions: kept.map(({ id, cwd, title, updatedAt }) => ({ sessionId: id, cwd, ...(title === undefined ? {} : { title }), updatedAt: updatedAt.toISOString() })) }
    })
    .onRequest('session/close', async ({ params }) => {
      find(params.sessionId)
      await close(params.sessionId)
      return {}
    })
    .onRequest('session/delete', async ({ params }) => {
      await close(params.sessionId)
      if (!(await thinkers.remove(params.sessionId))) throw acp.RequestError.resourceNotFound(params.sessionId)
      return {}
    })
    .onRequest('session/set_mode', async ({ params }) => {
      const conversation = find(params.sessionId)
      const mode = modeOf(params.modeId)
      if (!mode) throw acp.RequestError.invalidParams(undefined, `there is no mode ${JSON.stringify(params.modeId)}`)
      await conversation.setMode(mode)
      return {}
    })
    .onRequest('session/set_config_option', async ({ params }) => {
      const conversation = find(params.sessionId)
      await conversation.setOption(params.configId, String(params.value))
      return { configOptions: conversation.configOptions }
    })
    .onRequest('session/prompt', ({ params }) => find(params.sessionId).prompt(params.prompt))
    .onNotification('session/cancel', ({ params }) => open.get(params.sessionId)?.cancel())
    .connect(stream)

  const stop = (): void => connection.close()
  parts.signal.addEventListener('abort', stop, { once: true })
  await connection.closed
  parts.signal.removeEventListener('abort', stop)
  await Promise.allSettled([...open.values()].map((conversation) => conversation.close()))
}

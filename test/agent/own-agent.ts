// The own agent in this process, spoken to as a client does, with a scripted model behind it and a home and a workspace of its own.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as acp from '@agentclientprotocol/sdk/unstable'
import { isRefusal } from '../../src/core/errors.ts'
import { loadConfig } from '../../src/config/config.ts'
import { type Environment, pathsFrom, prepareHome } from '../../src/config/paths.ts'
import { openModels } from '../../src/agent/models/index.ts'
import { agentParts } from '../../src/agent/parts.ts'
import { serve } from '../../src/agent/serve.ts'
import { type ModelServer, type Step, startModelServer } from '../fixtures/model-server/server.ts'

export const secretKey = 'sk-test-0123456789-secret'

export type Ask = acp.RequestPermissionRequest
export type Form = acp.CreateElicitationRequest

/** What the person at the other end answers: the name or id of an option, or what goes into a form; undefined leaves the question open. */
export type Person = (what: { readonly ask: Ask } | { readonly form: Form }) => string | undefined | Promise<string | undefined>

export interface Setup {
  readonly steps?: Parameters<typeof startModelServer>[0]
  readonly person?: Person
  readonly capabilities?: acp.ClientCapabilities
  readonly config?: string | ((url: string) => string)
  readonly env?: Environment
  readonly home?: Home
  readonly retryMs?: number
  readonly clientName?: string
}

export type Home = ReturnType<typeof makeHome>

/** Folders below one that is removed. */
export function makeHome() {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'own-agent-')))
  const workspace = join(folder, 'project')
  mkdirSync(workspace)
  return {
    folder,
    workspace,
    home: join(folder, 'home'),
    configFile: join(folder, 'config', 'config.toml'),
    put(path: string, text: string): string {
      const file = join(workspace, path)
      mkdirSync(join(file, '..'), { recursive: true })
      writeFileSync(file, text)
      return file
    },
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })
    },
  }
}

export const environmentOf = (home: Home, server: ModelServer | undefined): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: home.folder,
  OFFSTAGE_HOME: home.home,
  OFFSTAGE_CONFIG: home.configFile,
  ...(server ? { ANTHROPIC_BASE_URL: server.url, ANTHROPIC_API_KEY: secretKey, ANTHROPIC_MODEL: 'test-model' } : {}),
})

/** No model of this machine may be found by accident. */
const quietModels = '[models.local]\nollama = false\nllama-cpp = false\nlm-studio = false\nvllm = false\n'

export class Client implements AsyncDisposable {
  readonly updates: acp.SessionUpdate[] = []
  readonly extensions: { readonly method: string; readonly params: unknown }[] = []
  readonly asks: Ask[] = []
  readonly forms: Form[] = []
  readonly agent: acp.ClientContext
  readonly #connection: acp.ClientConnection
  readonly #waiting = new Set<() => void>()
  readonly #dispose: () => Promise<void>

  constructor(stream: acp.Stream, person: Person | undefined, dispose: () => Promise<void>) {
    this.#dispose = dispose
    const heard = (): void => {
      for (const look of this.#waiting) look()
    }
    const extension =
      (method: string) =>
      ({ params }: { readonly params: unknown }): void => {
        this.extensions.push({ method, params })
        heard()
      }
    this.#connection = acp
      .client({ name: 'test' })
      .onNotification('session/update', ({ params }) => {
        this.updates.push(params.update)
        heard()
      })
      .onNotification('_offstage/paused', (params: unknown) => params, extension('_offstage/paused'))
      .onNotification('_offstage/continued', (params: unknown) => params, extension('_offstage/continued'))
      .onRequest('session/request_permission', async ({ params, signal }) => {
        this.asks.push(params)
        heard()
        const said = await person?.({ ask: params })
        const option = params.options.find(({ optionId, name }) => optionId === said || name === said)
        if (!option) await aborted(signal)
        return { outcome: option ? { outcome: 'selected', optionId: option.optionId } : { outcome: 'cancelled' } }
      })
      .onRequest('elicitation/create', async ({ params, signal }) => {
        this.forms.push(params)
        heard()
        const said = await person?.({ form: params })
        if (said === undefined) await aborted(signal)
        return said === undefined ? { action: 'cancel' } : { action: 'accept', content: { answer: said } }
      })
      .connect(stream)
    this.agent = this.#connection.agent
  }

  /** Resolves as soon as it is so; looked at whenever something was heard. */
  async until(fine: () => boolean, ms = 10_000): Promise<void> {
    if (fine()) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const look = (): void => void (fine() && resolve())
    this.#waiting.add(look)
    const timer = setTimeout(() => reject(new Error(`it did not come: ${JSON.stringify(this.updates.slice(-5))}`)), ms)
    await promise.finally(() => {
      clearTimeout(timer)
      this.#waiting.delete(look)
    })
  }

  async initialize(capabilities: acp.ClientCapabilities = { elicitation: { form: {} } }, name = 'test'): Promise<acp.InitializeResponse> {
    return await this.agent.request('initialize', { protocolVersion: acp.PROTOCOL_VERSION, clientInfo: { name, version: '1' }, clientCapabilities: capabilities })
  }

  /** Everything that was said so far. */
  get text(): string {
    return this.updates.flatMap((update) => (update.sessionUpdate === 'agent_message_chunk' && update.content.type === 'text' ? [update.content.text] : [])).join('')
  }

  get thoughts(): string {
    return this.updates.flatMap((update) => (update.sessionUpdate === 'agent_thought_chunk' && update.content.type === 'text' ? [update.content.text] : [])).join('')
  }

  /** Calls of tools with how far they are and what was shown of them last. */
  get calls(): readonly { readonly title: string; readonly status: string; readonly text: string }[] {
    const calls = new Map<string, { title: string; status: string; text: string }>()
    for (const update of this.updates) {
      if (update.sessionUpdate !== 'tool_call' && update.sessionUpdate !== 'tool_call_update') continue
      const before = calls.get(update.toolCallId) ?? { title: '', status: '', text: '' }
      const text = update.content?.flatMap((part) => (part.type === 'content' && part.content.type === 'text' ? [part.content.text] : [])).join('\n')
      calls.set(update.toolCallId, { title: update.title ?? before.title, status: update.status ?? before.status, text: text ?? before.text })
    }
    return [...calls.values()]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close()
    await this.#dispose()
  }
}

const aborted = (signal: AbortSignal): Promise<void> => new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))

export interface Running extends AsyncDisposable {
  readonly client: Client
  readonly server: ModelServer
  readonly home: Home
  readonly sessionId: string
  /** Says it and waits for the end of the turn. */
  readonly say: (text: string) => Promise<acp.PromptResponse>
  readonly setMode: (modeId: string) => Promise<void>
}

/** The agent with a client that has shaken hands. */
export async function connectAgent(home: Home, env: Environment, setup: Setup = {}): Promise<Client> {
  mkdirSync(join(home.configFile, '..'), { recursive: true })
  writeFileSync(home.configFile, `${typeof setup.config === 'string' ? setup.config : ''}\n${quietModels}`)
  const ending = new AbortController()
  const paths = pathsFrom(env, process.getuid?.() ?? 0)
  prepareHome(paths)
  const models = await openModels({ env, configFile: paths.configFile, signal: ending.signal })
  if (isRefusal(models)) throw new Error(models.message)
  const config = await loadConfig({ configFile: paths.configFile })
  const parts = agentParts({
    version: '1',
    env,
    paths,
    models,
    mcp: config.mcp,
    sandbox: config.ownAgent.sandbox ? { network: config.ownAgent.network } : undefined,
    searchProgram: new URL('../../src/agent/search.ts', import.meta.url),
    retryMs: setup.retryMs ?? 1,
    signal: ending.signal,
  })
  const toAgent = new TransformStream<acp.AnyMessage, acp.AnyMessage>()
  const toClient = new TransformStream<acp.AnyMessage, acp.AnyMessage>()
  const served = serve(parts, { writable: toClient.writable, readable: toAgent.readable })
  const client = new Client({ writable: toAgent.writable, readable: toClient.readable }, setup.person, async () => {
    ending.abort()
    await served
  })
  await client.initialize(setup.capabilities, setup.clientName)
  return client
}

export async function startAgent(setup: Setup = {}): Promise<Running> {
  const home = setup.home ?? makeHome()
  const server = await startModelServer(setup.steps ?? [])
  const stop = async (client?: Client): Promise<void> => {
    await client?.[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
    if (!setup.home) home[Symbol.dispose]()
  }
  const config = typeof setup.config === 'function' ? setup.config(server.url) : (setup.config ?? '')
  const client = await connectAgent(home, { ...environmentOf(home, server), ...setup.env }, { ...setup, config })
  const { sessionId } = await client.agent.request('session/new', { cwd: home.workspace, mcpServers: [] }).catch(async (thrown: unknown) => {
    await stop(client)
    throw thrown
  })
  return {
    client,
    server,
    home,
    sessionId,
    say: (text) => client.agent.request('session/prompt', { sessionId, prompt: [{ type: 'text', text }] }),
    setMode: async (modeId) => void (await client.agent.request('session/set_mode', { sessionId, modeId })),
    [Symbol.asyncDispose]: () => stop(client),
  }
}

/** The messages that the model was sent last, as JSON. */
export const lastSent = (server: ModelServer): string => JSON.stringify(server.requests.at(-1)?.body)

export type { Step }

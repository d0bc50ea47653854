// One MCP server for as long as the session lasts: connected within a deadline, brought back once if it dies, closed with everything that it started.

import {
  type Tool,
  Client,
  type FetchLike,
  ProtocolError,
  SdkHttpError,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type Transport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import type { McpServer } from '@agentclientprotocol/sdk'
import { boundedFetch } from './bounded-fetch.ts'
import { StdioTransport, serverEnvironment } from './stdio-transport.ts'
import { type ToolResult, toldLine, toldResult } from './told.ts'

export interface ConnectionFrom {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clientVersion: string
  readonly connectMs: number
}

/** Without any progress. */
const callMs = 600_000
const mostRestarts = 1

interface Live {
  readonly client: Client
  readonly transport: Transport
  ended: boolean
}

export class Connection {
  readonly server: McpServer
  readonly #from: ConnectionFrom
  #live: Live | undefined
  #coming: Promise<Live> | undefined
  #restarts = 0
  #closed = false

  constructor(server: McpServer, from: ConnectionFrom) {
    this.server = server
    this.#from = from
  }

  /** Connects and asks for the tools, within `connectMs`. Throws an Error whose message can be shown. */
  async open(signal: AbortSignal): Promise<readonly Tool[]> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(this.#from.connectMs)])
    const live = await this.#connect(deadline)
    try {
      const { tools } = await orAborted(live.client.listTools(undefined, { signal: deadline, timeout: this.#from.connectMs }), deadline)
      return tools
    } catch (cause) {
      const reason = why(cause, live.transport)
      await this.close()
      throw new Error(reason, { cause })
    }
  }

  /** Never throws because of the server: what went wrong is the result. Throws when the signal says so. */
  async call(tool: Tool, input: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<ToolResult> {
    signal.throwIfAborted()
    let live: Live
    try {
      live = await this.#alive(signal)
    } catch (cause) {
      signal.throwIfAborted()
      return this.#failed(cause instanceof Error ? cause.message : String(cause))
    }
    try {
      const { outputSchema: _, ...definition } = tool
      // With the definition it uses the schema of the listing that the user saw, and compiles none of the server's.
      const result = await live.client.callTool(
        { name: tool.name, arguments: { ...input } },
        { signal, timeout: callMs, resetTimeoutOnProgress: true, onprogress: () => {}, toolDefinition: definition },
      )
      return toldResult(result)
    } catch (cause) {
      signal.throwIfAborted()
      // The server forgot the session, so nothing was done.
      if (cause instanceof SdkHttpError && cause.status === 404) {
        live.ended = true
        if (this.#restarts < mostRestarts) return this.call(tool, input, signal)
      }
      const again = live.ended && this.#restarts < mostRestarts ? '; it is started again with the next call' : ''
      return this.#failed(`${why(cause, live.transport)}${again}`)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    const coming = await this.#coming?.catch(() => undefined)
    for (const live of new Set([coming, this.#live])) if (live) await closed(live)
  }

  #failed(reason: string): ToolResult {
    return { text: `The MCP server ${toldLine(this.server.name, 64)} failed: ${reason}`, images: [], isError: true }
  }

  async #alive(signal: AbortSignal): Promise<Live> {
    if (this.#closed) throw new Error('the session is being closed')
    if (this.#live && !this.#live.ended) return this.#live
    if (!this.#coming) {
      if (this.#restarts >= mostRestarts)
        throw new Error(`${this.#live ? why(undefined, this.#live.transport) : 'it is gone'}; it was started again once, and is not any more in this session`)
      this.#restarts += 1
      const old = this.#live
      // Its own deadline: the call that needs it may be cancelled while others wait too.
      this.#coming = (old ? closed(old) : Promise.resolve()).then(() => this.#connect(AbortSignal.timeout(this.#from.connectMs))).finally(() => (this.#coming = undefined))
    }
    return orAborted(this.#coming, signal)
  }

  // Most servers speak the protocol of 2025 and some end themselves at any other first word, so that comes first; a server that does not know it says so.
  async #connect(deadline: AbortSignal): Promise<Live> {
    const first = await this.#attempt('legacy', deadline).catch((cause: unknown) => cause)
    if (!(first instanceof Error)) return first as Live
    if (!(first.cause instanceof ProtocolError)) throw first
    return this.#attempt('auto', deadline)
  }

  async #attempt(mode: 'legacy' | 'auto', deadline: AbortSignal): Promise<Live> {
    const transport = transportFor(this.server, this.#from)
    const client = new Client({ name: 'offstage', version: this.#from.clientVersion }, { capabilities: {}, versionNegotiation: { mode } })
    const live: Live = { client, transport, ended: false }
    // Errors that arrive here are lines that are no messages, and streams that are opened again: nothing that a user can act on.
    Object.assign(client, { onclose: () => (live.ended = true), onerror: () => {} })
    try {
      await orAborted(client.connect(transport, { signal: deadline, timeout: this.#from.connectMs }), deadline)
      if (this.#closed) throw new Error('the session is being closed')
    } catch (cause) {
      const reason = why(cause, transport)
      await closed(live)
      throw new Error(reason, { cause })
    }
    this.#live = live
    return live
  }
}

function transportFor(server: McpServer, from: ConnectionFrom): Transport {
  if (!('type' in server)) return new StdioTransport({ command: server.command, args: server.args, cwd: from.cwd, env: serverEnvironment(from.env, server.env) })
  const url = URL.canParse(server.url) ? new URL(server.url) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) throw new Error('its url is not one of http or https')
  if (url.username !== '' || url.password !== '') throw new Error('its url holds a password: put it into its headers')
  const options = { requestInit: { headers: Object.fromEntries(server.headers.map(({ name, value }) => [name, value])) }, fetch: boundedFetch satisfies FetchLike }
  return server.type === 'sse' ? new SSEClientTransport(url, options) : new StreamableHTTPClientTransport(url, options)
}

async function closed({ client, transport }: Live): Promise<void> {
  const patience = AbortSignal.timeout(1000)
  if (transport instanceof StreamableHTTPClientTransport) await orAborted(transport.terminateSession(), patience).catch(() => {})
  await client.close().catch(() => {})
  // A client that never was connected does not know its transport.
  await transport.close().catch(() => {})
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort))
}

/** In words for people, with what the server said last. */
function why(cause: unknown, transport: Transport): string {
  const stdio = transport instanceof StdioTransport ? transport : undefined
  const said = stdio?.lastWords ? `: ${stdio.lastWords}` : ''
  return toldLine(`${stdio?.ending ?? reasonOf(cause)}${said}`, 400)
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return cause === undefined ? 'it is gone' : String(cause)
  if (cause.name === 'TimeoutError') return 'it did not answer in time'
  if (cause instanceof UnauthorizedError || (cause instanceof SdkHttpError && (cause.status === 401 || cause.status === 403)))
    return 'it does not let us in: put a token into its headers'
  if ('code' in cause && cause.code === 'ENOENT') return `its command was not found${'path' in cause ? `: ${String(cause.path)}` : ''}`
  // What fetch says of itself is nothing; its cause knows.
  return cause.message === 'fetch failed' && cause.cause instanceof Error ? `it cannot be reached: ${cause.cause.message}` : cause.message
}

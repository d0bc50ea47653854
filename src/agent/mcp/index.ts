// The MCP servers of a session and their tools. What a server offers is fixed when the session begins: it cannot change later what the user was shown and has allowed, so a notice that its list changed is ignored.

import type { McpServer } from '@agentclientprotocol/sdk'
import type { Tool } from '@modelcontextprotocol/client'
import type { Connection } from './connection.ts'
import type { ToldTool, ToolResult } from './told.ts'

export interface McpTool extends ToldTool {
  readonly server: string
  /** Failures of the server are results; throws only because of `signal`. */
  call(input: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<ToolResult>
}

export interface Mcp extends AsyncDisposable {
  readonly tools: readonly McpTool[]
  /** Servers that did not start and tools that were left out, each in a line that can be shown. */
  readonly problems: readonly string[]
}

export interface McpFrom {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Ends every server. */
  readonly signal: AbortSignal
  readonly clientVersion: string
  /** How long a server may take until its tools are known: 10 s. */
  readonly connectMs?: number
}

/** All at once, each within 10 s. A server that fails is a problem, not a failure of the session. Throws only because of the signal. */
export async function connectMcp(servers: readonly McpServer[], from: McpFrom): Promise<Mcp> {
  from.signal.throwIfAborted()
  if (servers.length === 0) return { tools: [], problems: [], [Symbol.asyncDispose]: async () => {} }
  // Heavy, and most sessions have no server.
  const [{ Connection }, { toldLine, toldTools }] = await Promise.all([import('./connection.ts'), import('./told.ts')])
  const problems: string[] = []
  const named = new Map<string, McpServer>()
  const problem = ({ name }: McpServer, what: string): number => problems.push(`MCP server ${toldLine(name, 64)}: ${what}`)
  for (const server of servers) {
    if (named.has(server.name)) problem(server, 'there are two of this name: the second was left out')
    else named.set(server.name, server)
  }
  const connections = [...named.values()].map((server) => new Connection(server, { connectMs: 10_000, ...from }))
  const close = once(async () => {
    from.signal.removeEventListener('abort', abort)
    await Promise.all(connections.map((connection) => connection.close()))
  })
  const abort = (): void => void close()
  from.signal.addEventListener('abort', abort)
  const lists = await Promise.all(connections.map((connection) => listed(connection, from.signal)))
  if (from.signal.aborted) {
    await close()
    from.signal.throwIfAborted()
  }
  const tools = lists.flatMap(({ connection, tools: offered, failed }): readonly McpTool[] => {
    if (failed !== undefined) problem(connection.server, failed)
    const { tools: told, leftOut } = toldTools(connection.server.name, offered)
    for (const what of leftOut) problem(connection.server, what)
    const originals = new Map(offered.toReversed().map((tool) => [tool.name, tool]))
    return told.map(({ original, ...tool }) => ({
      ...tool,
      server: connection.server.name,
      call: (input, signal) => connection.call(originals.get(original) as Tool, input, signal),
    }))
  })
  return { tools, problems, [Symbol.asyncDispose]: close }
}

async function listed(connection: Connection, signal: AbortSignal): Promise<{ readonly connection: Connection; readonly tools: readonly Tool[]; readonly failed?: string }> {
  try {
    return { connection, tools: await connection.open(signal) }
  } catch (cause) {
    return { connection, tools: [], failed: cause instanceof Error ? cause.message : String(cause) }
  }
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () => (running ??= run())
}

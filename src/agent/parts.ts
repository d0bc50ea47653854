// What the own agent is made of, put together: models, conversations on disk, tools, the sandbox and the MCP servers of a session.

import { mkdirSync, chmodSync, existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type McpServer, RequestError } from '@agentclientprotocol/sdk/unstable'
import type { McpSetting } from '../config/mcp-settings.ts'
import type { Environment, Paths } from '../config/paths.ts'
import { isRefusal } from '../core/errors.ts'
import { configuredServers } from './mcp/configured.ts'
import type { Mcp, McpFrom, McpTool } from './mcp/index.ts'
import { type Models, failureOf } from './models/index.ts'
import { isWithin } from './permission/workspace.ts'
import { piThinkers } from './pi/pi-thinker.ts'
import { skillsIn } from './pi/skills.ts'
import type { Sandbox } from './sandbox/index.ts'
import type { AgentParts } from './serve.ts'
import { editTool, writeTool } from './tools/change.ts'
import { lookTools } from './tools/look-around.ts'
import { readTool } from './tools/read.ts'
import { shellTool } from './tools/shell.ts'
import type { OwnTool } from './tools/step.ts'

export interface PartsFrom {
  readonly version: string
  readonly env: Environment
  readonly paths: Paths
  readonly models: Models
  /** Of the user's configuration. */
  readonly mcp: Readonly<Record<string, McpSetting>>
  /** Commands run in a sandbox. */
  readonly sandbox: { readonly network: boolean } | undefined
  readonly searchProgram: URL
  readonly retryMs: number
  readonly signal: AbortSignal
}

export function agentParts({ version, env, paths, models, mcp: configured, sandbox, searchProgram, retryMs, signal }: PartsFrom): AgentParts {
  const folder = join(paths.home, 'agent')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chmodSync(folder, 0o700)
  const childEnv = environmentOfChildren(env, models.secrets)
  const userFolder = dirname(paths.configFile)
  const userSkills = join(userFolder, 'skills')
  return {
    version,
    signal,
    thinkers: piThinkers({ folder: join(folder, 'sessions'), models }),
    howToGetModel:
      'Set ANTHROPIC_API_KEY, OPENAI_API_KEY, GEMINI_API_KEY or OPENROUTER_API_KEY where Offstage is started, keep a key with "offstage models key PROVIDER", or start a server of models on this machine (Ollama, LM Studio, llama.cpp). "offstage models" shows what can be reached.',
    async defaultModel() {
      const model = await models.find()
      return isRefusal(model) ? model : `${model.provider}/${model.id}`
    },
    async open({ cwd, mcpServers }) {
      if (!existsSync(cwd)) throw RequestError.invalidParams(undefined, `there is no folder ${cwd}`)
      const ended = new AbortController()
      const until = AbortSignal.any([signal, ended.signal])
      const box = sandbox === undefined ? undefined : await openSandbox(cwd, sandbox.network, env)
      const servers = configuredServers(configured, mcpServers.filter(isReached))
      const mcp = servers.length === 0 ? undefined : await openServers(servers, { cwd, env: childEnv, signal: until, clientVersion: version })
      const openFolders = (path: string): boolean => isWithin(userSkills, path)
      return {
        tools: (workspace, takesPictures) => [
          readTool({ workspace, takesPictures, openFolders }),
          ...lookTools({ workspace, env: childEnv, searchProgram, openFolders }),
          editTool(workspace),
          writeTool(workspace),
          shellTool({ workspace, env: childEnv, ...(box === undefined ? {} : { sandbox: box }) }),
          ...(mcp?.tools ?? []).map(mcpTool),
        ],
        skills: skillsIn([join(cwd, '.agents/skills'), join(cwd, '.claude/skills'), userSkills]),
        userFolder,
        sandbox: box?.description,
        models: () => models.list(until),
        stallMs: models.settings.stallMs,
        recovery: { failureOf, onLimit: models.settings.onLimit, now: Date.now, retryMs },
        problems: mcp?.problems ?? [],
        end: async () => {
          ended.abort()
          await mcp?.[Symbol.asyncDispose]()
        },
      }
    },
  }
}

/** What commands and servers get: everything but the keys of models. */
export function environmentOfChildren(env: Environment, secrets: readonly string[]): Readonly<Record<string, string>> {
  const hidden = new Set(secrets)
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined || hidden.has(name) ? [] : [[name, value]])))
}

type Reached = Parameters<typeof configuredServers>[1][number]

/** A client that offers servers over its own connection was not told that this can be done. */
const isReached = (server: McpServer): server is Reached => !('type' in server) || server.type !== 'acp'

async function openServers(servers: readonly Reached[], from: McpFrom): Promise<Mcp> {
  const { connectMcp } = await import('./mcp/index.ts')
  return await connectMcp(servers, from)
}

async function openSandbox(workspace: string, network: boolean, env: Environment): Promise<Sandbox> {
  const { sandboxFor } = await import('./sandbox/index.ts')
  const made = sandboxFor({ workspace, network, env })
  if (isRefusal(made)) throw new RequestError(-32603, `${made.message}${made.hint === undefined ? '' : `; ${made.hint}`}`)
  return made
}

const mcpTool = ({ name, title, server, description, inputSchema, readOnly, call }: McpTool): OwnTool => ({
  name,
  description,
  input: inputSchema,
  look: (input) => ({
    title: `${server}: ${title}`,
    kind: 'other',
    paths: [],
    action: { kind: 'mcp', tool: name, readOnly },
    run: async (signal) => {
      const { text, images, isError } = await call(input, signal)
      return { text, pictures: images.map(({ data, mimeType }) => ({ mimeType, bytes: data })), failed: isError }
    },
  }),
})

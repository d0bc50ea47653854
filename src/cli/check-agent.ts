// Whether an agent of the Agent Client Protocol answers as it should: starts it in an empty directory, says `initialize` and `session/new`, and tells what came back. No prompt is sent, so no model is called.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Fields, authRequired, conversation, fields, initializing, isFields, list, textOf } from './ask-acp.ts'
import { type AskedAgent, withAgent } from './ask-agent.ts'

type Variables = Readonly<Record<string, string | undefined>>

export interface CheckedAgent {
  /** A session could be opened, or only a login is missing. */
  readonly answers: boolean
  readonly needsLogin: boolean
  /** What went wrong, if anything did. */
  readonly problem: string | null
  readonly protocolVersion: number | null
  readonly agent: string | null
  readonly version: string | null
  readonly readyMs: number | null
  readonly modes: readonly string[]
  readonly currentMode: string | null
  readonly models: readonly string[]
  readonly currentModel: string | null
  readonly authMethods: readonly string[]
  /** Of: load, resume, list, fork, close, images, mcp-http, mcp-sse. */
  readonly can: readonly string[]
  readonly stderr: string
}

export interface Checking {
  readonly argv: readonly string[]
  readonly env: Variables
  readonly version: string
  readonly deadlineMs: number
}

const sessionDeadlineFactor = 2
const nothing: CheckedAgent = {
  answers: false,
  needsLogin: false,
  problem: null,
  protocolVersion: null,
  agent: null,
  version: null,
  readyMs: null,
  modes: [],
  currentMode: null,
  models: [],
  currentModel: null,
  authMethods: [],
  can: [],
  stderr: '',
}

export async function checkAgent({ argv, env, version, deadlineMs }: Checking, signal: AbortSignal): Promise<CheckedAgent> {
  const cwd = await mkdtemp(join(tmpdir(), 'offstage-check-'))
  try {
    return await withAgent({ argv, cwd, env }, (agent) => talk(agent, { cwd, version, deadlineMs }, signal))
  } catch (thrown) {
    signal.throwIfAborted()
    return { ...nothing, problem: thrown instanceof Error ? thrown.message : String(thrown) }
  } finally {
    await rm(cwd, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function talk(
  agent: AskedAgent,
  { cwd, version, deadlineMs }: { readonly cwd: string; readonly version: string; readonly deadlineMs: number },
  signal: AbortSignal,
): Promise<CheckedAgent> {
  const request = conversation(agent, signal)
  const failed = (so: CheckedAgent, problem: string): CheckedAgent => ({ ...so, problem, stderr: agent.errors() })
  const first = await request('initialize', initializing(version), deadlineMs)
  if ('error' in first) return failed(nothing, `initialize: ${first.error.message}`)
  const initialized = fromInitialize(first.result)
  if (initialized.protocolVersion !== 1) return failed(initialized, `it speaks version ${initialized.protocolVersion ?? '?'} of the protocol, and Offstage version 1`)
  const second = await request('session/new', { cwd, mcpServers: [] }, deadlineMs * sessionDeadlineFactor)
  if ('error' in second) {
    const needsLogin = second.error.code === authRequired
    return { ...failed(initialized, `session/new: ${second.error.message}`), answers: needsLogin, needsLogin }
  }
  return { ...initialized, ...fromSession(second.result), answers: true, readyMs: first.tookMs + second.tookMs, stderr: agent.errors() }
}

function fromInitialize({ protocolVersion, agentInfo, agentCapabilities, authMethods }: Fields): CheckedAgent {
  const { name, title, version } = fields(agentInfo)
  const can = fields(agentCapabilities)
  const session = fields(can['sessionCapabilities'])
  const isThere = (value: unknown): boolean => value === true || isFields(value)
  const abilities: readonly (readonly [string, unknown])[] = [
    ['load', can['loadSession']],
    ...['resume', 'list', 'fork', 'close'].map((ability) => [ability, session[ability]] as const),
    ['images', fields(can['promptCapabilities'])['image']],
    ['mcp-http', fields(can['mcpCapabilities'])['http']],
    ['mcp-sse', fields(can['mcpCapabilities'])['sse']],
  ]
  return {
    ...nothing,
    protocolVersion: typeof protocolVersion === 'number' ? protocolVersion : null,
    agent: textOf(title) ?? textOf(name) ?? null,
    version: textOf(version) ?? null,
    authMethods: list(authMethods).flatMap((method) => textOf(method['id']) ?? []),
    can: abilities.flatMap(([ability, value]) => (isThere(value) ? [ability] : [])),
  }
}

function fromSession({ modes, models, configOptions }: Fields): Pick<CheckedAgent, 'modes' | 'currentMode' | 'models' | 'currentModel'> {
  const option = (category: string): Fields => list(configOptions).find((one) => one['category'] === category || one['id'] === category) ?? {}
  const values = (one: Fields): readonly string[] => list(one['options']).flatMap((choice) => (Array.isArray(choice['options']) ? values(choice) : (textOf(choice['value']) ?? [])))
  const ownModes = list(fields(modes)['availableModes']).flatMap((mode) => textOf(mode['id']) ?? [])
  const ownModels = list(fields(models)['availableModels']).flatMap((model) => textOf(model['modelId']) ?? [])
  return {
    modes: ownModes.length > 0 ? ownModes : values(option('mode')),
    currentMode: textOf(fields(modes)['currentModeId']) ?? textOf(option('mode')['currentValue']) ?? null,
    models: ownModels.length > 0 ? ownModels : values(option('model')),
    currentModel: textOf(fields(models)['currentModelId']) ?? textOf(option('model')['currentValue']) ?? null,
  }
}

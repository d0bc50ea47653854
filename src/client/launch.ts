// What starts a session: the agent or program, where, with which environment, and under which title.

import { randomUUID } from 'node:crypto'
import { realpathSync, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import type { Submission } from '../core/api.ts'
import { isRefusal } from '../core/errors.ts'
import type { LaunchSpec, ResumePolicy, TerminalSize } from '../core/events.ts'
import { printableLine } from '../core/terminal-text.ts'
import { cut } from '../text/format.ts'
import { hasLocalModel } from './agents.ts'
import { failureOf, refusedError, usageError } from './failures.ts'
import { ownConfig } from './own-config.ts'
import { newId, ownEnvironment } from './submit.ts'
import { type TreeWishes, treeSpec } from './tree-wishes.ts'

type Variables = Readonly<Record<string, string | undefined>>

/** What is wanted of a session. */
export interface Wishes {
  /** Absolute, and a directory that exists (`directoryAt`). */
  readonly cwd: string
  /** More variables of its environment. */
  readonly extra?: Readonly<Record<string, string>>
  readonly label?: string | undefined
  /** The terminal it is started for. */
  readonly size: TerminalSize
  /** Where it works; an agent's default is as configured. */
  readonly tree?: TreeWishes
}

export interface AgentWishes extends Wishes {
  /** A name, or `acp:COMMAND LINE`; undefined: the default one. */
  readonly agent: string | undefined
  /** Empty: it waits for its first prompt. */
  readonly prompt: string
  readonly model?: string | undefined
  readonly mode?: string | undefined
  readonly resume?: ResumePolicy | undefined
  /** The agent's own id of a conversation of its, to go on with. */
  readonly continues?: string | undefined
  /** In a terminal, though it may have another way. */
  readonly terminal?: boolean
  /** Hears what speaks against a good end, though it is tried: one line each. */
  readonly warn?: (text: string) => void
}

export interface ProgramWishes extends Wishes {
  readonly argv: readonly string[]
  /** Connected by pipes, not by a terminal. */
  readonly pipes?: boolean
}

/** In cells; marks above a letter take none, and may be thousands. */
const longestTitle = 80
const mostInTitle = 4 * longestTitle

/** `env` is that of the client: the session gets it, with what its agent and the wishes lay over it. Throws CommandFailed, ConfigInvalid. */
export async function launchAgent(env: Variables, wishes: AgentWishes): Promise<Submission> {
  const { cwd, prompt, model, mode, terminal = false, continues } = wishes
  const { chooseAgent, config } = await agentsAndConfig(env, cwd)
  const itsEnvironment = { ...env, ...wishes.extra }
  const agent = await chooseAgent(wishes.agent, config, itsEnvironment, { prompt, model, mode, terminal, conversation: randomUUID() }, () => hasLocalModel(config))
  if (isRefusal(agent)) throw failureOf(agent)
  if (continues !== undefined && agent.driver === 'terminal') {
    throw refusedError('not-supported', `agent ${agent.name} is a program in a terminal: it cannot go on with a conversation by its id`, 'leave out --continues')
  }
  if (agent.driver === 'terminal' && prompt.includes('\0')) throw usageError('the prompt holds a zero byte')
  if (wishes.warn) (await import('../config/doubts.ts')).doubtsAbout(agent, config, itsEnvironment).forEach(wishes.warn)
  const resume = wishes.resume ?? config.resume
  const tree = await treeSpec(config, cwd, wishes.tree ?? {}, 'agent')
  const own = { ...(resume === 'ask' ? {} : { resume }), ...(model === undefined ? {} : { model }), ...(agent.mode === undefined ? {} : { mode: agent.mode }), ...tree }
  const { name, argv, resumeArgv } = agent
  const spec: LaunchSpec =
    agent.driver === 'acp'
      ? { kind: 'agent', driver: 'acp', agent: name, argv, ...(continues === undefined ? {} : { continues }), cwd, ...own }
      : {
          kind: 'terminal',
          driver: 'terminal',
          agent: name,
          argv,
          ...(resumeArgv ? { resumeArgv } : {}),
          ...(prompt === '' ? {} : { prompted: true }),
          cwd,
          size: wishes.size,
          ...own,
        }
  const told = prompt === '' || spec.kind === 'terminal' ? {} : { prompt }
  return submission(spec, titleOf(prompt === '' ? agent.name : prompt), wishes, { ...ownEnvironment(env), ...agent.env, ...wishes.extra }, told)
}

/** Throws CommandFailed. */
export async function launchProgram(env: Variables, wishes: ProgramWishes): Promise<Submission> {
  const { argv, cwd } = wishes
  const [name] = argv
  if (name === undefined || name === '') throw usageError('which program? Nothing follows "--"', 'for example: offstage bg -- npm test')
  if (argv.some((word) => word.includes('\0'))) throw usageError('the command holds a zero byte')
  const tree = wishes.tree?.workspace === undefined ? {} : await treeSpec((await ownConfig(env, cwd)).config, cwd, wishes.tree, 'program')
  const common = { kind: 'terminal', agent: basename(name), argv, cwd, ...tree } as const
  const spec: LaunchSpec = wishes.pipes ? { ...common, driver: 'command' } : { ...common, driver: 'terminal', size: wishes.size }
  const { commandLine } = await import('../config/shell-words.ts')
  return submission(spec, titleOf(commandLine(argv)), wishes, { ...ownEnvironment(env), ...wishes.extra })
}

function submission(given: LaunchSpec, title: string, { label }: Wishes, environment: Readonly<Record<string, string>>, told: { readonly prompt?: string } = {}): Submission {
  const labelled = label === undefined || label.trim() === '' ? {} : { label: label.trim() }
  const spec: LaunchSpec = { ...given, umask: process.umask() }
  return { session: newId(), commandId: newId(), command: { type: 'create', spec, title, ...labelled, ...told }, environment }
}

export const titleOf = (text: string): string =>
  cut(printableLine(text.trim().split('\n', 1)[0] ?? ''), longestTitle)
    .slice(0, mostInTitle)
    .toWellFormed()

/** The environment for a run of this agent that a prompt or `resume` may start. */
export async function environmentFor(env: Variables, agentName: string, cwd: string, extra: Readonly<Record<string, string>> = {}): Promise<Record<string, string>> {
  const own = ownEnvironment(env)
  const { variablesFor, config } = await agentsAndConfig(env, cwd)
  return { ...own, ...variablesFor(agentName, config, { ...own, ...extra }), ...extra }
}

async function agentsAndConfig(env: Variables, cwd: string) {
  const [{ chooseAgent, variablesFor }, { config }] = await Promise.all([import('../config/agents.ts'), ownConfig(env, cwd)])
  return { chooseAgent, variablesFor, config }
}

/** The real path of a directory that is there, from what was typed. Throws CommandFailed. */
export function directoryAt(base: string, given: string | undefined): string {
  const path = resolve(base, given ?? '.')
  try {
    const real = realpathSync(path)
    if (statSync(real).isDirectory()) return real
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    throw usageError(code === 'ENOENT' ? `there is no directory ${path}` : `cannot use ${path} (${code})`, '--cwd takes a directory that exists')
  }
  throw usageError(`${path} is not a directory`, '--cwd takes a directory')
}

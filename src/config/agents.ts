// What is executed for the name of an agent, and which agents there are: the user's own first, then the catalogue. Looks for programs, files and variables; runs nothing.

import type { CatalogueAgent, Command, TerminalWay } from '../catalogue/agent.ts'
import { agentNamed, catalogue, ownAgent } from '../catalogue/index.ts'
import { type Cannot, terminalLine } from '../catalogue/terminal-line.ts'
import { type Refusal, isRefusal, refusal } from '../core/errors.ts'
import type { AgentSetting } from './agent-settings.ts'
import type { Config } from './config.ts'
import { loggedIn } from './logins.ts'
import type { Environment } from './paths.ts'
import { isInstalled, usersPath } from './programs.ts'
import { commandLine, splitWords } from './shell-words.ts'

export type Protocol = 'acp' | 'terminal'

export interface Wanted {
  /** In a terminal, though it may have another way. */
  readonly terminal?: boolean
  /** Empty: none. */
  readonly prompt: string
  readonly model?: string | undefined
  readonly mode?: string | undefined
  /** A UUID for the conversation, for programs that take one. */
  readonly conversation: string
  /** A server on this machine has a model for the own agent. */
  readonly localModel?: boolean
}

export interface ResolvedAgent {
  /** As sessions show it: the name, or `acp:COMMAND LINE`. */
  readonly name: string
  readonly driver: Protocol
  /** The program, to be found by the PATH of the run, and its arguments. In a terminal the prompt is among them. */
  readonly argv: readonly string[]
  /** For later runs, if that is another. */
  readonly resumeArgv?: readonly string[]
  /** To be set by the driver before anything is done. */
  readonly mode?: string
  /** To be laid over the environment of the run. */
  readonly env: Readonly<Record<string, string>>
  /** Its entry of the catalogue. */
  readonly known?: CatalogueAgent
}

export interface AgentWay {
  readonly protocol: Protocol
  readonly argv: Command
  readonly installed: boolean
  /** How to get it, for those that are known. */
  readonly install: string | null
  readonly leastVersion: string | null
  readonly mode: string | null
}

export interface AgentListing {
  readonly name: string
  readonly title: string
  /** Of the way that is taken. */
  readonly command: string
  readonly protocol: Protocol
  readonly installed: boolean
  /** It is in the user's configuration. */
  readonly configured: boolean
  /** It is taken when none is named. */
  readonly default: boolean
  /** How to get it, for those that are known. */
  readonly install: string | null
  /** The one that is taken first. */
  readonly ways: readonly AgentWay[]
  /** Null: it cannot be told. */
  readonly loggedIn: boolean | null
  readonly login: string | null
  readonly asksNothing: boolean
}

const commandLinePrefix = 'acp:'

/** What to execute for `--agent NAME`, or for no name. `env` is that of the run: its PATH decides. Refused with `unknown-agent` or `invalid`. */
export function resolveAgent(name: string | undefined, config: Config, env: Environment, wanted: Wanted): ResolvedAgent | Refusal {
  if (name !== undefined) return resolveNamed(name, config, env, wanted)
  if (config.defaultAgent) {
    const resolved = resolveNamed(config.defaultAgent.name, config, env, wanted)
    return isRefusal(resolved) ? refusal(resolved.refused, `default_agent in ${config.defaultAgent.setIn}: ${resolved.message}`, resolved.hint) : resolved
  }
  const first = firstUsable(config, env, wanted)
  if (first !== undefined) return resolveNamed(first, config, env, wanted)
  return refusal(
    'unknown-agent',
    'no agent is installed, and there is no model for the one that Offstage brings',
    `install one (${agentNamed('claude')?.acp?.install}; offstage agents lists more), or ${ownAgent.login.how}, or start one on this machine, such as Ollama`,
  )
}

type LocalModel = () => Promise<boolean>

/** As `resolveAgent`. Where nobody is named, and nobody is there but who is logged out, it is asked whether a server on this machine has a model. */
export async function chooseAgent(name: string | undefined, config: Config, env: Environment, wanted: Wanted, localModel: LocalModel): Promise<ResolvedAgent | Refusal> {
  const found = resolveAgent(name, config, env, wanted)
  const isGood = !isRefusal(found) && !(found.known && loggedIn(found.known, config, env) === false)
  if (isGood || name !== undefined || config.defaultAgent || !(await localModel())) return found
  return resolveAgent(name, config, env, { ...wanted, localModel: true })
}

/** `listAgents`, with the default of `chooseAgent`. */
export async function listChosenAgents(config: Config, env: Environment, localModel: LocalModel): Promise<readonly AgentListing[]> {
  const list = listAgents(config, env)
  const isGood = config.defaultAgent || list.some((one) => one.default && one.loggedIn !== false)
  return isGood || !(await localModel()) ? list : listAgents(config, env, true)
}

/** For `offstage agents`: the configured ones, then those of the catalogue in the order of choice. */
export function listAgents(config: Config, env: Environment, localModel = false): readonly AgentListing[] {
  const byDefault = config.defaultAgent?.name ?? firstUsable(config, env, { prompt: 'any', conversation: '', localModel })
  const names = [...Object.keys(config.agents), ...catalogue.map((agent) => agent.name).filter((name) => !Object.hasOwn(config.agents, name))]
  return names.flatMap((name): AgentListing[] => {
    const agent = entry(name, config)
    const [taken, ...others] = agent ? waysOf(agent, env) : []
    if (!agent || !taken) return []
    const { known } = agent
    return [
      {
        name,
        title: known?.title ?? name,
        command: commandLine(taken.argv),
        protocol: taken.protocol,
        installed: taken.installed,
        configured: agent.setting !== undefined,
        default: name === byDefault,
        install: taken.install,
        ways: [taken, ...others],
        loggedIn: known ? loggedIn(known, config, env) : null,
        login: known?.login.how ?? null,
        asksNothing: known?.asksNothing ?? false,
      },
    ]
  })
}

interface Entry {
  readonly name: string
  readonly known: CatalogueAgent | undefined
  readonly setting: AgentSetting | undefined
}

function entry(name: string, config: Config): Entry | undefined {
  const setting = Object.hasOwn(config.agents, name) ? config.agents[name] : undefined
  const known = agentNamed(name)
  return setting || known ? { name, known, setting } : undefined
}

/** The way that the user's setting is about: the one that it names, else ACP. */
const settingsWay = ({ known, setting }: Entry): Protocol => setting?.protocol ?? (setting?.command !== undefined || known?.acp ? 'acp' : 'terminal')

/** The one that is taken first: what the configuration says, else ACP if it is installed, else whichever is. */
function waysOf(agent: Entry, env: Environment): readonly AgentWay[] {
  const all = (['acp', 'terminal'] as const).flatMap((protocol) => wayOf(agent, protocol, env) ?? [])
  const first = agent.setting?.protocol ?? (agent.setting?.command === undefined ? all.find((way) => way.installed)?.protocol : 'acp')
  return all.toSorted((a, b) => Number(b.protocol === first) - Number(a.protocol === first))
}

function wayOf({ name, known, setting }: Entry, protocol: Protocol, env: Environment): AgentWay | undefined {
  const way = known?.[protocol]
  const isAbout = settingsWay({ name, known, setting }) === protocol
  const own = isAbout ? setting?.command : undefined
  if (own === undefined && !way) return undefined
  const further = isAbout ? (setting?.args ?? []) : []
  const argv: Command = own !== undefined ? [own, ...further] : [...(way?.command ?? ['']), ...further]
  return {
    protocol,
    argv,
    installed: (own === undefined && known?.own === true) || isInstalled(argv[0], setting?.env['PATH'] ?? (own === undefined ? usersPath(env['PATH']) : env['PATH'])),
    install: own === undefined ? (way?.install ?? null) : null,
    leastVersion: own === undefined ? (way?.leastVersion ?? null) : null,
    mode: (setting?.mode ?? (protocol === 'acp' || own === undefined ? way?.mode : undefined)) || null,
  }
}

function resolveNamed(name: string, config: Config, env: Environment, wanted: Wanted): ResolvedAgent | Refusal {
  if (name.startsWith(commandLinePrefix)) return fromCommandLine(name, env, wanted)
  const agent = entry(name, config)
  if (!agent)
    return refusal('unknown-agent', `there is no agent ${JSON.stringify(name)}`, 'offstage agents lists them; any other is named by its command: --agent "acp:COMMAND LINE"')
  const ways = waysOf(agent, env)
  const way = wanted.terminal ? ways.find(({ protocol }) => protocol === 'terminal') : ways[0]
  if (!way) return refusal('invalid', `agent ${name} is not known to work in a terminal`, `leave out --terminal, or start its program: offstage bg -- ${name}`)
  if (!way.installed) return notInstalled(agent, way)
  const { known } = agent
  const common = { name, env: variablesFor(name, config, env), ...(known ? { known } : {}) }
  const mode = wanted.mode ?? way.mode ?? undefined
  if (way.protocol === 'acp') return { ...common, driver: 'acp', argv: way.argv, ...(mode === undefined ? {} : { mode }) }
  const line = terminalLine(terminalOf(agent, way.argv), { ...wanted, mode, session: wanted.conversation })
  if ('cannot' in line) return cannotTake(name, line.cannot)
  return { ...common, driver: 'terminal', ...line, ...(mode === undefined ? {} : { mode }) }
}

/** To be laid over the environment of every run of this agent, also where nothing is known of its program any more: some ask before they act only because of them. */
export function variablesFor(name: string, config: Config, env: Environment): Readonly<Record<string, string>> {
  const { known, setting } = entry(name, config) ?? {}
  const missing = Object.entries(known?.environment ?? {}).filter(([variable]) => !env[variable])
  return { ...Object.fromEntries(missing), ...setting?.env }
}

/** Nearly all programs that the catalogue does not know take a first prompt as their argument. */
function terminalOf({ known, setting }: Entry, command: Command): Pick<TerminalWay, 'command' | 'arguments' | 'resume'> {
  const way = setting?.command === undefined ? known?.terminal : undefined
  const { prompt = ['{prompt}'], ...others } = way?.arguments ?? {}
  const takes = setting?.prompt ?? (way ? way.arguments.prompt : prompt)
  return { command, arguments: { ...others, ...(takes && takes.length > 0 ? { prompt: takes } : {}) }, ...(way?.resume ? { resume: way.resume } : {}) }
}

function cannotTake(name: string, what: Cannot): Refusal {
  if (what !== 'prompt') return refusal('invalid', `agent ${name} takes no ${what} on its command line`, `leave it out, and choose the ${what} in its terminal`)
  return refusal('invalid', `agent ${name} takes no first prompt on its command line`, `start it without one (offstage run --agent ${name}) and type it there`)
}

function notInstalled({ name, known, setting }: Entry, { protocol, argv: [program], install }: AgentWay): Refusal {
  const message = `agent ${name} is not installed: there is no ${install === null ? 'program ' : ''}${program}${install === null ? '' : ' on PATH'}`
  if (install !== null) return refusal('unknown-agent', message, install)
  const [first, ...rest] = program.split(/\s+/)
  if (first !== undefined && rest.length > 0 && setting?.args.length === 0)
    return refusal(
      'unknown-agent',
      message,
      `command is one program, and args are its arguments: command = ${JSON.stringify(first)}, args = ${JSON.stringify(rest)} in [agents.${name}] of config.toml`,
    )
  const other = known?.[protocol]?.install
  return refusal('unknown-agent', message, `correct command in [agents.${name}] of config.toml, or install it${other === undefined ? '' : `: ${other}`}`)
}

function fromCommandLine(name: string, env: Environment, wanted: Wanted): ResolvedAgent | Refusal {
  if (wanted.terminal) return refusal('invalid', '--terminal is for agents with a name', 'any program is started in a terminal by: offstage bg -- COMMAND')
  const argv = splitWords(name.slice(commandLinePrefix.length))
  if (isRefusal(argv)) return argv
  const [program] = argv
  if (!program) return refusal('invalid', `there is no command in ${JSON.stringify(name)}`, 'write for example: --agent "acp:my-agent --acp"')
  if (argv.some((word) => word.includes('\0'))) return refusal('invalid', 'the command line holds a zero byte')
  if (!isInstalled(program, env['PATH'])) return refusal('unknown-agent', `there is no program ${program}`, 'install it, or write its absolute path')
  return { name, argv, driver: 'acp', env: {}, ...(wanted.mode === undefined ? {} : { mode: wanted.mode }) }
}

/** The first that is installed and not known to be logged out; then Offstage's own, if there is a model for it; then the first that is installed. */
function firstUsable(config: Config, env: Environment, wanted: Wanted): string | undefined {
  let installed: string | undefined
  for (const agent of catalogue) {
    if (agent.own || !canStart(agent, config, env, wanted)) continue
    if (loggedIn(agent, config, env) !== false) return agent.name
    installed ??= agent.name
  }
  return (wanted.localModel || loggedIn(ownAgent, config, env)) && canStart(ownAgent, config, env, wanted) ? ownAgent.name : installed
}

const canStart = ({ name }: CatalogueAgent, config: Config, env: Environment, wanted: Wanted): boolean => !isRefusal(resolveNamed(name, config, env, wanted))

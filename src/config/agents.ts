// Which agents there are and what is executed for a name: the user's own first, then those that are known to speak ACP. Looks for programs on PATH, runs nothing.

import { accessSync, constants, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { type Refusal, isRefusal, refusal } from '../core/errors.ts'
import type { AgentSetting, Config } from './config.ts'
import { knownAgents } from './known-agents.ts'

export interface ResolvedAgent {
  /** As sessions show it: the name, or `acp:COMMAND LINE`. */
  readonly name: string
  /** The program, to be found by the PATH of the run, and its arguments. */
  readonly argv: readonly string[]
  readonly driver: 'acp' | 'terminal'
  /** To be laid over the environment of the run. */
  readonly env: Readonly<Record<string, string>>
}

export interface AgentListing {
  readonly name: string
  readonly command: string
  readonly protocol: 'acp' | 'terminal'
  readonly installed: boolean
  /** It is in the user's configuration. */
  readonly configured: boolean
  /** It is taken when none is named. */
  readonly default: boolean
  /** How to get it, for those that are known. */
  readonly install: string | null
}

const commandLinePrefix = 'acp:'

/** What to execute for `--agent NAME`, or for no name. `env` is that of the run: its PATH decides. Refused with `unknown-agent` or `invalid`. */
export function resolveAgent(name: string | undefined, config: Config, env: { readonly PATH?: string | undefined }): ResolvedAgent | Refusal {
  if (name !== undefined) return resolveNamed(name, config, env)
  if (config.defaultAgent) {
    const resolved = resolveNamed(config.defaultAgent.name, config, env)
    return isRefusal(resolved) ? refusal(resolved.refused, `default_agent in ${config.defaultAgent.setIn}: ${resolved.message}`, resolved.hint) : resolved
  }
  const first = firstInstalled(env)
  if (first !== undefined) return resolveNamed(first, config, env)
  const npm = knownAgents['claude']?.npm
  return refusal(
    'unknown-agent',
    `none of ${Object.keys(knownAgents).join(', ')} is installed and no default_agent is set`,
    `install one (npm i -g ${npm}), or name one: --agent "acp:COMMAND LINE"`,
  )
}

/** For `offstage agents`: the configured ones, then the known ones in the order of choice. */
export function listAgents(config: Config, env: { readonly PATH?: string | undefined }): readonly AgentListing[] {
  const byDefault = config.defaultAgent?.name ?? firstInstalled(env)
  const configured = Object.entries(config.agents).map(([name, { command, args, protocol }]): AgentListing => {
    return { name, command: commandLine([command, ...args]), protocol, installed: isInstalled(command, env.PATH), configured: true, default: name === byDefault, install: null }
  })
  const others = Object.entries(knownAgents).flatMap(([name, { argv, npm }]): AgentListing[] => {
    if (Object.hasOwn(config.agents, name)) return []
    return [
      { name, command: commandLine(argv), protocol: 'acp', installed: isInstalled(argv[0], env.PATH), configured: false, default: name === byDefault, install: `npm i -g ${npm}` },
    ]
  })
  return [...configured, ...others]
}

/** Splits as a POSIX shell does, with quotes and backslashes and nothing else: no shell is there to expand anything. */
export function splitWords(line: string): readonly string[] | Refusal {
  const words: string[] = []
  let word: string | undefined
  let quote: '' | '"' | "'" = ''
  for (let at = 0; at < line.length; at++) {
    const char = line[at] as string
    const next = line[at + 1]
    if (quote === "'") {
      if (char === "'") quote = ''
      else word += char
    } else if (char === '\\' && quote === '"' && !(next !== undefined && '$`"\\\n'.includes(next))) word += char
    else if (char === '\\') {
      if (next === undefined) return refusal('invalid', `nothing follows the backslash at the end of ${JSON.stringify(line)}`, 'double it, or put the word in single quotes')
      at += 1
      // A backslash before a line's end joins the lines.
      if (next !== '\n') word = (word ?? '') + next
    } else if (quote === '"') {
      if (char === '"') quote = ''
      else word += char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (/[ \t\n]/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + char
  }
  if (quote !== '') return refusal('invalid', `a quote (${quote}) is not closed in ${JSON.stringify(line)}`, 'close it, or write it with a backslash before it')
  if (word !== undefined) words.push(word)
  return words
}

/** The words as one line that splits into the same words again. */
export const commandLine = (words: readonly string[]): string => words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ')

function resolveNamed(name: string, config: Config, env: { readonly PATH?: string | undefined }): ResolvedAgent | Refusal {
  if (name.startsWith(commandLinePrefix)) return fromCommandLine(name, env)
  const setting = Object.hasOwn(config.agents, name) ? config.agents[name] : undefined
  if (setting) return fromSetting(name, setting, env)
  const agent = Object.hasOwn(knownAgents, name) ? knownAgents[name] : undefined
  if (!agent)
    return refusal('unknown-agent', `there is no agent ${JSON.stringify(name)}`, 'offstage agents lists them; any other is named by its command: --agent "acp:COMMAND LINE"')
  const [program] = agent.argv
  if (isInstalled(program, env.PATH)) return { name, argv: agent.argv, driver: 'acp', env: {} }
  return refusal('unknown-agent', `agent ${name} is not installed: there is no ${program} on PATH`, `npm i -g ${agent.npm}`)
}

function fromCommandLine(name: string, env: { readonly PATH?: string | undefined }): ResolvedAgent | Refusal {
  const argv = splitWords(name.slice(commandLinePrefix.length))
  if (isRefusal(argv)) return argv
  const [program] = argv
  if (!program) return refusal('invalid', `there is no command in ${JSON.stringify(name)}`, 'write for example: --agent "acp:my-agent --acp"')
  if (argv.some((word) => word.includes('\0'))) return refusal('invalid', 'the command line holds a zero byte')
  if (!isInstalled(program, env.PATH)) return refusal('unknown-agent', `there is no program ${program}`, 'install it, or write its absolute path')
  return { name, argv, driver: 'acp', env: {} }
}

function fromSetting(name: string, setting: AgentSetting, env: { readonly PATH?: string | undefined }): ResolvedAgent | Refusal {
  const path = setting.env['PATH'] ?? env.PATH
  if (!isInstalled(setting.command, path))
    return refusal('unknown-agent', `agent ${name} is not installed: there is no program ${setting.command}`, `correct command in [agents.${name}] of config.toml, or install it`)
  return { name, argv: [setting.command, ...setting.args], driver: setting.protocol, env: setting.env }
}

const firstInstalled = (env: { readonly PATH?: string | undefined }): string | undefined => Object.entries(knownAgents).find(([, { argv }]) => isInstalled(argv[0], env.PATH))?.[0]

// A path that is relative is so to the run's directory, which is not known here: its start will tell.
function isInstalled(program: string, path = '/usr/bin:/bin'): boolean {
  if (program.includes('/')) return !isAbsolute(program) || isExecutable(program)
  // An empty part would mean the current directory.
  return path.split(':').some((folder) => folder !== '' && isExecutable(join(folder, program)))
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

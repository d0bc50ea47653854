// What the user has set: config.toml, and a project's .offstage.toml. Read anew by every command that starts something; nothing here writes either file.

import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { NotifySettings } from '../core/announcement.ts'
import type { ResumePolicy } from '../core/events.ts'
import type { AgentSetting } from './agent-settings.ts'
import type { McpSetting } from './mcp-settings.ts'
import { type ModelSettings, defaultModels, modelSettings } from './model-settings.ts'
import { defaultNotify, notifySettings } from './notify-settings.ts'
import { type ConflictSetting, type WorkspaceSetting, conflictSetting, defaultConflicts, defaultWorkspace, workspaceSetting } from './workspace-settings.ts'

export interface Config {
  /** By the names that `--agent` takes. */
  readonly agents: Readonly<Record<string, AgentSetting>>
  readonly defaultAgent?: { readonly name: string; readonly setIn: string }
  /** How long an agent may take to answer `initialize`. */
  readonly initializeTimeoutMs: number
  /** An open turn of which nothing comes for this long is shown as "no signal". */
  readonly stallAfterMs: number
  /** An agent at rest gives its process back after this time, if it can be brought back as it was. 0: never. */
  readonly idleAfterMs: number
  /** What becomes of a session whose agent was lost, unless it says otherwise itself. */
  readonly resume: ResumePolicy
  /** Runs beyond this number wait for room. 0: no limit. */
  readonly maxLiveRuns: number
  /** Runs wait while less memory than this is available. 0: no limit. */
  readonly minFreeMemoryBytes: number
  /** Raw output of ended and removed sessions is kept for this long, and no more of it than this. 0: for ever, any amount. */
  readonly keepOutputMs: number
  readonly keepOutputBytes: number
  /** Leaves an attached terminal, followed by `d`. */
  readonly prefixKey: { readonly name: string; readonly byte: number }
  readonly notify: NotifySettings
  readonly models: ModelSettings
  readonly ownAgent: OwnAgentSetting
  /** MCP servers for Offstage's own agent, by their names. */
  readonly mcp: Readonly<Record<string, McpSetting>>
  readonly workspace: WorkspaceSetting
  readonly conflicts: ConflictSetting
  readonly view: ViewSetting
  /** Keys of the screens, by the names of what they do. */
  readonly keys: Readonly<Record<string, readonly string[]>>
}

export interface OwnAgentSetting {
  /** Its commands run in a sandbox, with the network or without. */
  readonly sandbox: boolean
  readonly network: boolean
}

export interface ViewSetting {
  readonly mouse: boolean
  /** The screens print what changes as lines, and draw nothing. */
  readonly screenReader: boolean
  /** A session at work that changes no file, or repeats one step, for this long is remarked on. */
  readonly driftAfterMs: number
  /** An attached terminal begins with a line below the program. */
  readonly terminalStatusLine: boolean
}

/** A file that cannot be read as configuration: where and why in the message, what to write in `hint`. One line each. */
export class ConfigInvalid extends Error {
  readonly file: string
  readonly line: number | undefined
  readonly hint: string
  constructor(file: string, line: number | undefined, problem: string, hint: string, options?: ErrorOptions) {
    super(`${file}${line === undefined ? '' : `:${line}`}: ${problem}`, options)
    this.name = 'ConfigInvalid'
    this.file = file
    this.line = line
    this.hint = hint
  }
}

export const projectFileName = '.offstage.toml'

export const defaultConfig: Config = {
  agents: {},
  initializeTimeoutMs: 15_000,
  stallAfterMs: 300_000,
  idleAfterMs: 900_000,
  resume: 'ask',
  maxLiveRuns: 0,
  minFreeMemoryBytes: 0,
  keepOutputMs: 30 * 86_400_000,
  keepOutputBytes: 10 * 1024 ** 3,
  prefixKey: { name: 'ctrl-\\', byte: 0x1c },
  notify: defaultNotify,
  models: defaultModels,
  ownAgent: { sandbox: false, network: true },
  mcp: {},
  workspace: defaultWorkspace,
  conflicts: defaultConflicts,
  view: { mouse: true, screenReader: false, driftAfterMs: 15 * 60_000, terminalStatusLine: true },
  keys: {},
}

const resumePolicies: readonly ResumePolicy[] = ['ask', 'auto', 'never']
/** Timers take no more than about 24 days. */
const longestS = 2_000_000

/** The user's settings, with those of the project that `cwd` lies in above them. Files that are missing set nothing. Throws ConfigInvalid. */
export async function loadConfig(where: { readonly configFile: string; readonly cwd?: string }): Promise<Config> {
  const user = await readUserFile(where.configFile)
  const projectFile = where.cwd === undefined ? undefined : await findProjectFile(where.cwd)
  return projectFile === undefined ? user : { ...user, ...(await readProjectFile(projectFile, user)) }
}

async function readUserFile(file: string): Promise<Config> {
  const source = await readSource(file)
  if (!source) return defaultConfig
  const root = source.table(
    [],
    [
      'agent',
      'agents',
      'conflicts',
      'default_agent',
      'idle_after_s',
      'initialize_timeout_s',
      'keep_output_days',
      'keep_output_gb',
      'keys',
      'max_live_runs',
      'mcp',
      'min_free_memory_mb',
      'models',
      'notify',
      'prefix_key',
      'resume',
      'stall_after_s',
      'view',
      'workspace',
    ],
  )
  // Most have none, and then the catalogue is not needed.
  const agents = root['agents'] === undefined ? {} : (await import('./agent-settings.ts')).agentSettings(source)
  const defaultAgent = source.text(['default_agent'])
  return {
    agents,
    ...(defaultAgent === undefined ? {} : { defaultAgent: { name: defaultAgent, setIn: file } }),
    initializeTimeoutMs: numberAt(source, 'initialize_timeout_s', 0.001, longestS, 1000) ?? defaultConfig.initializeTimeoutMs,
    stallAfterMs: numberAt(source, 'stall_after_s', 0.001, longestS, 1000) ?? defaultConfig.stallAfterMs,
    idleAfterMs: numberAt(source, 'idle_after_s', 0, longestS, 1000) ?? defaultConfig.idleAfterMs,
    maxLiveRuns: numberAt(source, 'max_live_runs', 0, 1_000_000, 1) ?? defaultConfig.maxLiveRuns,
    minFreeMemoryBytes: numberAt(source, 'min_free_memory_mb', 0, 1_000_000_000, 1024 * 1024) ?? defaultConfig.minFreeMemoryBytes,
    keepOutputMs: numberAt(source, 'keep_output_days', 0, 100_000, 86_400_000) ?? defaultConfig.keepOutputMs,
    keepOutputBytes: numberAt(source, 'keep_output_gb', 0, 1_000_000, 1024 ** 3) ?? defaultConfig.keepOutputBytes,
    resume: root['resume'] === undefined ? defaultConfig.resume : resumePolicy(source),
    prefixKey: root['prefix_key'] === undefined ? defaultConfig.prefixKey : prefixKey(source),
    notify: notifySettings(source, numberAt(source, ['notify', 'min_duration_s'], 0, longestS, 1000)),
    models: modelSettings(source, numberAt(source, ['models', 'stall_s'], 1, longestS, 1000)),
    ownAgent: ownAgentSetting(source),
    mcp: root['mcp'] === undefined ? {} : (await import('./mcp-settings.ts')).mcpSettings(source),
    workspace: workspaceSetting(source, numberAt),
    conflicts: conflictSetting(source),
    view: viewSetting(source),
    keys: keySettings(source),
  }
}

// A project file comes with whatever was cloned. It may choose among the agents that are known here; it never says what is executed.
async function readProjectFile(file: string, user: Config): Promise<Pick<Config, 'defaultAgent'>> {
  const source = await readSource(file)
  if (!source) return {}
  const root = source.table([])
  if (root['agents'] !== undefined)
    throw source.invalid(['agents'], 'a project file cannot define agents', 'a repository must not choose what is executed: put [agents] into your own config.toml')
  if (root['mcp'] !== undefined)
    throw source.invalid(['mcp'], 'a project file cannot define MCP servers', 'a repository must not choose what is executed: put [mcp] into your own config.toml')
  const name = source.text(['default_agent'])
  if (name === undefined) return {}
  const { agentNamed } = await import('../catalogue/index.ts')
  if (Object.hasOwn(user.agents, name) || agentNamed(name)) return { defaultAgent: { name, setIn: file } }
  throw source.invalid(['default_agent'], `there is no agent ${JSON.stringify(name)}`, 'a project file can name an agent of "offstage agents", and nothing else')
}

/** The nearest one, from this directory up to the top of its repository. */
export async function findProjectFile(cwd: string): Promise<string | undefined> {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const file = join(folder, projectFileName)
    if (await exists(file)) return file
    // The project ends where its repository does; outside of one only the folder itself counts.
    if (folder === dirname(folder) || (await exists(join(folder, '.git')))) return undefined
  }
}

/** In the unit that the rest of the program uses: `times` of the one that people write. */
function numberAt(source: Source, path: string | readonly string[], least: number, most: number, times: number): number | undefined {
  const at = typeof path === 'string' ? [path] : path
  const name = at.at(-1) ?? ''
  const value = source.at(at)
  if (value === undefined) return undefined
  if (typeof value === 'number' && value >= least && value <= most) return Math.ceil(value * times)
  throw source.invalid(at, `${name} is not a number that can be used`, `write a number ${least === 0 ? 'from 0' : 'above 0'} to ${most}`)
}

function resumePolicy(source: Source): ResumePolicy {
  const value = source.text(['resume'])
  const policy = resumePolicies.find((one) => one === value)
  if (policy) return policy
  throw source.invalid(['resume'], `resume ${JSON.stringify(value)} is not known`, `write one of: ${resumePolicies.join(', ')}`)
}

function prefixKey(source: Source): Config['prefixKey'] {
  const name = source.text(['prefix_key'])?.toLowerCase() ?? ''
  const key = /^(?:ctrl-|c-|\^)([a-z\\\]^_])$/.exec(name)?.[1]
  // Enter and Tab are typed by everybody.
  if (key !== undefined && !'ijm'.includes(key)) return { name: `ctrl-${key}`, byte: key.toUpperCase().charCodeAt(0) & 0x1f }
  throw source.invalid(
    ['prefix_key'],
    `prefix_key ${JSON.stringify(name)} is not a key that can be used`,
    'write for example: prefix_key = "ctrl-b"; a letter but i, j and m, or one of \\ ] ^ _',
  )
}

function ownAgentSetting(source: Source): OwnAgentSetting {
  source.optionalTable(['agent'], ['sandbox', 'network'])
  const { ownAgent } = defaultConfig
  return { sandbox: source.flag(['agent', 'sandbox']) ?? ownAgent.sandbox, network: source.flag(['agent', 'network']) ?? ownAgent.network }
}

function viewSetting(source: Source): ViewSetting {
  source.optionalTable(['view'], ['mouse', 'screen_reader', 'drift_after_min', 'terminal_status_line'])
  const { view } = defaultConfig
  return {
    mouse: source.flag(['view', 'mouse']) ?? view.mouse,
    screenReader: source.flag(['view', 'screen_reader']) ?? view.screenReader,
    driftAfterMs: numberAt(source, ['view', 'drift_after_min'], 0.01, 100_000, 60_000) ?? view.driftAfterMs,
    terminalStatusLine: source.flag(['view', 'terminal_status_line']) ?? view.terminalStatusLine,
  }
}

/** Which names there are is known to the screens. `list.pin = "P"` and `[keys.list]` mean the same as `"list.pin" = "P"`. */
function keySettings(source: Source, path: readonly string[] = ['keys'], prefix = ''): Readonly<Record<string, readonly string[]>> {
  const found = Object.entries(source.optionalTable(path)).map(([part, value]): Readonly<Record<string, readonly string[]>> => {
    const name = prefix + part
    if (isTable(value)) return keySettings(source, [...path, part], `${name}.`)
    const keys = typeof value === 'string' ? [value] : value
    if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string' && keyName.test(key)))
      throw source.invalid([...path, part], `${name} is not a key, or a list of keys`, 'write for example: list.pin = "ctrl+p", or [] for no key')
    return { [name]: keys }
  })
  return Object.assign({}, ...found) as Readonly<Record<string, readonly string[]>>
}

const keyName = /^(?:(?:ctrl|alt|shift|super)\+)*(?:[!-~]|f\d{1,2}|up|down|left|right|home|end|pageUp|pageDown|enter|tab|space|escape|backspace|delete|insert)$/

/** Null bytes end an argument or a variable before its time. */
const isText = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0')

export const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** A TOML file as it was parsed, with its text to find lines in. */
export interface Source {
  at(path: readonly string[]): unknown
  /** Throws if there is none, or if it has keys beside `known`. */
  table(path: readonly string[], known?: readonly string[]): Readonly<Record<string, unknown>>
  optionalTable(path: readonly string[], known?: readonly string[]): Readonly<Record<string, unknown>>
  text(path: readonly string[]): string | undefined
  flag(path: readonly string[]): boolean | undefined
  invalid(path: readonly string[], problem: string, hint: string): ConfigInvalid
}

/** Undefined: there is no such file. Throws ConfigInvalid. */
export async function readSource(file: string): Promise<Source | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new ConfigInvalid(file, undefined, `it cannot be read (${code})`, 'make it a file that you can read, or move it away', { cause })
  }
  const { parse, TomlError } = await import('smol-toml')
  let root: unknown
  try {
    root = parse(text)
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause
    const said = (cause.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '')
    throw new ConfigInvalid(file, cause.line, `it is not valid TOML: ${said}`, 'correct that line; strings need quotes', { cause })
  }
  const at = (path: readonly string[]): unknown => path.reduce<unknown>((value, key) => (isTable(value) && Object.hasOwn(value, key) ? value[key] : undefined), root)
  const invalid = (path: readonly string[], problem: string, hint: string): ConfigInvalid => new ConfigInvalid(file, lineOf(text, path), problem, hint)
  const table: Source['table'] = (path, known) => {
    const value = at(path)
    if (!isTable(value)) throw invalid(path, `${path.join('.')} is not a table`, `write it as [${path.join('.')}]`)
    const unknown = known && Object.keys(value).find((key) => !known.includes(key))
    if (unknown !== undefined) throw invalid([...path, unknown], `${JSON.stringify(unknown)} is not a setting`, `known here: ${known?.join(', ')}`)
    return value
  }
  return {
    at,
    table,
    optionalTable: (path, known) => (at(path) === undefined ? {} : table(path, known)),
    text: (path) => {
      const value = at(path)
      if (value === undefined || isText(value)) return value
      throw invalid(path, `${path.at(-1)} is not a string`, `write it in quotes: ${path.at(-1)} = "…"`)
    },
    flag: (path) => {
      const value = at(path)
      if (value === undefined || typeof value === 'boolean') return value
      throw invalid(path, `${path.at(-1)} is neither true nor false`, `write ${path.at(-1)} = true`)
    },
    invalid,
  }
}

/** The parser keeps no places, so the line is found again by the way people write TOML: a `[table]` line, then `key =` below it. The deepest part that is found counts. */
function lineOf(text: string, path: readonly string[]): number | undefined {
  const lines = text.split('\n')
  const escaped = path.map((key) => `["']?${key.replaceAll(/\W/g, '\\$&')}["']?`)
  let best: number | undefined
  let from = 0
  for (let depth = 1; depth <= path.length; depth++) {
    const header = new RegExp(`^\\s*\\[\\s*${escaped.slice(0, depth).join('\\s*\\.\\s*')}\\s*[\\].]`)
    const key = new RegExp(`(?:^|[{,.]|\\s)${escaped[depth - 1]}\\s*[=.]`)
    const asHeader = lines.findIndex((line) => header.test(line))
    const found = asHeader >= 0 ? asHeader : lines.findIndex((line, index) => index >= from && key.test(line))
    if (found < 0) break
    best = found + 1
    from = found
  }
  return best
}

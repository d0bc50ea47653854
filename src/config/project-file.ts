// What a project says of its own tree: `checks`, `check_retries` and `[workspace]` of its .offstage.toml, and the patterns of .worktreeinclude. It only reads: nothing of it is executed before the user trusted the digest.

import { createHash } from 'node:crypto'
import { readFile, realpath, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import type { LaunchSpec } from '../core/events.ts'
import type { Preparation } from '../core/workspace.ts'
import { environment, words } from './agent-settings.ts'
import { type Source, ConfigInvalid, findProjectFile, readSource } from './config.ts'
import { commandLine } from './shell-words.ts'

export type ProjectSettings = Pick<LaunchSpec, 'preparation' | 'checks' | 'checksIn' | 'checkRetries' | 'trust'>

export const includeFileName = '.worktreeinclude'

/** Far above what anybody writes by hand. */
const longestIncludeFile = 256 * 1024
const mostRetries = 100
const known = ['bring', 'setup', 'ports', 'env']

/** For a session that starts in `cwd` (absolute). Set-up and checks are run in the folder of that file, which is said from the top of the tree, and from where the session starts. The patterns of that file hold below it. Throws ConfigInvalid. */
export async function projectSettings(cwd: string): Promise<ProjectSettings> {
  const start = await realpath(cwd).catch(() => resolve(cwd))
  const top = await topOf(start)
  const file = await findProjectFile(start)
  const source = file === undefined ? undefined : await readSource(file)
  const included = await includePatterns(join(top, includeFileName))
  if (file === undefined || !source) return included.length === 0 ? {} : { preparation: { bring: included } }
  return settingsOf(source, { file, top, start, included })
}

interface Where {
  readonly file: string
  readonly top: string
  readonly start: string
  readonly included: readonly string[]
}

function settingsOf(source: Source, { file, top, start, included }: Where): ProjectSettings {
  source.optionalTable(['workspace'], known)
  const folder = dirname(file)
  const below = relative(top, folder)
  const checks = words(source, ['checks'], 'write for example: checks = ["npm test"]')?.map((command, index) => notEmpty(source, ['checks'], `check ${index + 1}`, command))
  const checksIn = relative(start, folder)
  const retries = checkRetries(source)
  const setup = source.text(['workspace', 'setup'])
  const ports = words(source, ['workspace', 'ports'], 'write for example: ports = ["PORT"]')
  for (const name of ports ?? []) refuseName(source, ['workspace', 'ports'], name)
  const variables = environment(source, ['workspace', 'env'])
  for (const name of Object.keys(variables)) refuseName(source, ['workspace', 'env', name], name)
  const twice = ports?.find((name, index) => Object.hasOwn(variables, name) || ports.indexOf(name) !== index)
  if (twice !== undefined) throw source.invalid(['workspace', 'ports'], `${twice} is set twice`, 'leave it once, in ports or in [workspace.env]')
  const brought = words(source, ['workspace', 'bring'], 'write for example: bring = [".env", "node_modules/"]') ?? []
  const bring = [...included, ...brought.map((pattern) => patternBelow(source, below, pattern))]
  const preparation: Preparation = {
    ...(bring.length === 0 ? {} : { bring }),
    ...(setup === undefined ? {} : { setup: notEmpty(source, ['workspace', 'setup'], 'setup', setup), ...(below === '' ? {} : { setupIn: below }) }),
    ...(ports === undefined || ports.length === 0 ? {} : { ports }),
    ...(Object.keys(variables).length === 0 ? {} : { environment: variables }),
  }
  const settings: ProjectSettings = {
    ...(Object.keys(preparation).length === 0 ? {} : { preparation }),
    ...(checks === undefined || checks.length === 0 ? {} : { checks, ...(checksIn === '' ? {} : { checksIn }) }),
    ...(retries === undefined ? {} : { checkRetries: retries }),
  }
  const digest = digestOf(settings)
  return digest === undefined ? settings : { ...settings, trust: { file, digest } }
}

/** Of what would be executed, or be in the environment of what is; undefined where there is nothing of that. Files that are brought are the user's own, and a port is only a number: they alone need no trust. */
export function digestOf({ preparation, checks = [], checksIn, checkRetries }: Omit<ProjectSettings, 'trust'>): string | undefined {
  const { setup, setupIn, ports = [], environment: variables = {} } = preparation ?? {}
  const names = Object.keys(variables).toSorted()
  if (setup === undefined && names.length === 0 && checks.length === 0) return undefined
  // Each in its place, so that no two projects say the same with other words. The order of variables means nothing.
  const said = [
    setup === undefined ? null : goingTo(setupIn, setup),
    ports,
    names.map((name) => [name, variables[name]]),
    checks.map((check) => goingTo(checksIn, check)),
    checkRetries ?? 0,
  ]
  return createHash('sha256').update(JSON.stringify(said)).digest('hex')
}

/** Variables for everything that runs in the tree: `$NAME` or `${NAME}` of a port or of OFFSTAGE_SESSION is replaced, and any other `$` stays. */
export function workspaceEnvironment(preparation: Preparation, session: string, ports: Readonly<Record<string, number>>): Readonly<Record<string, string>> {
  const given: Readonly<Record<string, string>> = { OFFSTAGE_SESSION: session, ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])) }
  const filled = (text: string): string =>
    text.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced: string | undefined, bare: string | undefined) => {
      const name = braced ?? bare ?? ''
      return Object.hasOwn(given, name) ? (given[name] ?? whole) : whole
    })
  return { ...Object.fromEntries(Object.entries(preparation.environment ?? {}).map(([name, text]) => [name, filled(text)])), ...given }
}

// Names by which a variable says what is executed, which code is loaded into it, or where an agent's requests and keys go. `*` stands for anything.
const dangerousNames = [
  'PATH HOME SHELL USER LOGNAME TMPDIR IFS ENV BASH_* BASHOPTS SHELLOPTS PS0 PS1 PS2 PS3 PS4 PROMPT_COMMAND ZDOTDIR CDPATH FPATH TERM TERMINFO* XDG_*',
  'LD_* DYLD_* GLIBC_TUNABLES GCONV_PATH EDITOR VISUAL *PAGER BROWSER LESSOPEN LESSCLOSE GIT_* SSH_* GPG_* SUDO_* DOCKER_* KUBECONFIG',
  'NODE_*OPTIONS* NODE_*PATH NODE_*TLS* NODE_*CERTS* NPM_CONFIG_* YARN_* PNPM_* COREPACK_* BUN_* DENO_* ELECTRON_*',
  'PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONUSERBASE PYTHONEXECUTABLE PYTHONINSPECT PYTHONBREAKPOINT PYTHONWARNINGS PYTHONPLATLIBDIR PYTHONPYCACHEPREFIX PIP_* UV_* VIRTUAL_ENV CONDA_*',
  'RUBY* GEM_* BUNDLE_* PERLLIB PERL5* PHPRC PHP_INI_* LUA_* CLASSPATH JAVA_HOME *JAVA*OPTIONS MAVEN_* GRADLE_* SBT_* ANT_* DOTNET_* CORECLR_* COR_*',
  'CC CXX LD AR MAKEFLAGS MAKEFILES GNUMAKEFLAGS RUSTC* RUSTDOC RUSTFLAGS RUSTUP_* CARGO CARGO_HOME CARGO_BUILD_* CARGO_TARGET_*_* CARGO_ENCODED* CARGO_ALIAS* CARGO_REGISTR* GOROOT GOPATH GOFLAGS GOENV GOPROXY GOTOOL* CGO_*',
  '*_PROXY *_BASE_URL SSL_* CURL_* REQUESTS_CA_BUNDLE OFFSTAGE_* ANTHROPIC_* CLAUDE_* OPENAI_* CODEX_* GEMINI_* GOOGLE_API* GOOGLE_CLOUD_* GOOGLE_APPLICATION_* QWEN_* OPENCODE_* MCP_* OLLAMA_*',
]
const dangerous = new RegExp(`^(?:${dangerousNames.join(' ').replaceAll('*', '.*').replaceAll(' ', '|')})$`, 'i')

function refuseName(source: Source, path: readonly string[], name: string): void {
  if (!/^[A-Za-z_]\w*$/.test(name)) throw source.invalid(path, `${JSON.stringify(name)} cannot be a variable's name`, 'use letters, digits and "_"')
  if (dangerous.test(name))
    throw source.invalid(path, `a project file cannot set ${name}`, 'it changes which programs run, or whom they talk to: set it yourself, where you start Offstage')
}

/** What is run, in words of the shell. */
const goingTo = (folder: string | undefined, command: string): string => (folder === undefined ? command : `cd ${commandLine([folder])} || exit; ${command}`)

function notEmpty(source: Source, path: readonly string[], what: string, command: string): string {
  if (command.trim() !== '') return command
  throw source.invalid(path, `${what} is empty`, 'write a command, or leave it out')
}

function checkRetries(source: Source): number | undefined {
  const value = source.at(['check_retries'])
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= mostRetries) return value
  throw source.invalid(['check_retries'], 'check_retries is not a number that can be used', `write a whole number from 0 to ${mostRetries}`)
}

/** A pattern of a folder's own, as one of the top: git's rules for a .gitignore in that folder. */
function patternBelow(source: Source, below: string, pattern: string): string {
  if (/[\n\r]/.test(pattern)) throw source.invalid(['workspace', 'bring'], 'a pattern of bring has a line break', 'write one pattern as one string')
  if (below === '' || pattern.trim() === '' || pattern.startsWith('#')) return pattern
  const [, not = '', rest = ''] = /^(!?)(.*)$/s.exec(pattern) ?? []
  const folder = below.replaceAll(/[*?[\]\\ ]/g, '\\$&')
  return rest.replace(/\/$/, '').includes('/') ? `${not}/${folder}/${rest.replace(/^\//, '')}` : `${not}/${folder}/**/${rest}`
}

async function includePatterns(file: string): Promise<readonly string[]> {
  let text: string
  try {
    const size = (await stat(file)).size
    if (size > longestIncludeFile) throw new ConfigInvalid(file, undefined, 'it is too long', `leave the patterns that are needed, at most ${longestIncludeFile / 1024} KB`)
    text = await readFile(file, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    if (cause instanceof ConfigInvalid) throw cause
    throw new ConfigInvalid(file, undefined, `it cannot be read (${String(code ?? cause)})`, 'make it a file that you can read, or move it away', { cause })
  }
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
}

/** Where the repository begins that this directory lies in; outside of one, the directory itself. */
async function topOf(cwd: string): Promise<string> {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const found = await stat(join(folder, '.git')).catch(() => undefined)
    if (found) return folder
    if (folder === dirname(folder)) return resolve(cwd)
  }
}

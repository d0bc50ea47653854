// What config.toml and .offstage.toml may say, and where an error in them is.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Config, ConfigInvalid, loadConfig } from '../../src/config/config.ts'
import { defaultModels } from '../../src/config/model-settings.ts'
import { defaultNotify } from '../../src/config/notify-settings.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'offstage-config-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const configFile = (): string => join(root, 'config.toml')

function load(text: string, cwd?: string): Promise<Config> {
  writeFileSync(configFile(), text)
  return loadConfig(cwd === undefined ? { configFile: configFile() } : { configFile: configFile(), cwd })
}

async function problem(text: string, cwd?: string): Promise<string> {
  const error = await load(text, cwd).then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (!(error instanceof ConfigInvalid)) throw new Error('it was accepted', { cause: error })
  expect(`${error.message}${error.hint}`).not.toContain('\n')
  expect(error.hint).not.toBe('')
  return error.message.replace(`${root}/`, '')
}

const plain: Config = {
  agents: {},
  initializeTimeoutMs: 15_000,
  stallAfterMs: 300_000,
  idleAfterMs: 900_000,
  resume: 'ask',
  maxLiveRuns: 0,
  minFreeMemoryBytes: 0,
  keepOutputMs: 2_592_000_000,
  keepOutputBytes: 10_737_418_240,
  prefixKey: { name: 'ctrl-\\', byte: 0x1c },
  notify: defaultNotify,
  models: defaultModels,
  mcp: {},
  ownAgent: { sandbox: false, network: true },
  workspace: { mode: 'auto', portRange: { first: 20_000, last: 29_999 }, largestSnapshotFileBytes: 536_870_912, keepSnapshotsMs: 0, keepWorktreesMs: 0 },
  conflicts: { policy: 'tell' },
  view: { mouse: true, screenReader: false, driftAfterMs: 900_000, terminalStatusLine: true },
  keys: {},
}

test('no file, and an empty one, set nothing', async () => {
  expect(await loadConfig({ configFile: join(root, 'none', 'config.toml'), cwd: root })).toEqual(plain)
  expect(await load('')).toEqual(plain)
})

test('everything that can be set', async () => {
  const text = [
    'default_agent = "mine"',
    'initialize_timeout_s = 2.5',
    'prefix_key = "Ctrl-B"',
    'stall_after_s = 60',
    'idle_after_s = 0',
    'resume = "auto"',
    'max_live_runs = 4',
    'min_free_memory_mb = 512',
    'keep_output_days = 7',
    'keep_output_gb = 0.5',
    '[agents.mine]',
    'command = "/opt/my agent"',
    'args = ["--acp", ""]',
    'env = { LANG = "C" }',
    '[agents.repl]',
    'command = "repl"',
    'protocol = "terminal"',
    '[view]',
    'mouse = false',
    'screen_reader = true',
    'drift_after_min = 0.5',
    'terminal_status_line = false',
    '[workspace]',
    'mode = "worktree"',
    'port_range = [40000, 40000]',
    'largest_snapshot_file_mb = 0.5',
    'keep_snapshots_days = 90',
    'keep_worktrees_days = 0.5',
    '[conflicts]',
    'policy = "hold"',
    '[keys]',
    '"list.pin" = "ctrl+p"',
    'list.open = ["enter", "o"]',
    '[keys.conversation]',
    'model = []',
  ]
  expect(await load(text.join('\n'))).toEqual({
    defaultAgent: { name: 'mine', setIn: configFile() },
    initializeTimeoutMs: 2500,
    stallAfterMs: 60_000,
    idleAfterMs: 0,
    resume: 'auto',
    maxLiveRuns: 4,
    minFreeMemoryBytes: 536_870_912,
    keepOutputMs: 604_800_000,
    keepOutputBytes: 536_870_912,
    prefixKey: { name: 'ctrl-b', byte: 2 },
    notify: defaultNotify,
    models: defaultModels,
    mcp: {},
    ownAgent: { sandbox: false, network: true },
    workspace: { mode: 'worktree', portRange: { first: 40_000, last: 40_000 }, largestSnapshotFileBytes: 524_288, keepSnapshotsMs: 7_776_000_000, keepWorktreesMs: 43_200_000 },
    conflicts: { policy: 'hold' },
    view: { mouse: false, screenReader: true, driftAfterMs: 30_000, terminalStatusLine: false },
    keys: { 'list.pin': ['ctrl+p'], 'list.open': ['enter', 'o'], 'conversation.model': [] },
    agents: {
      mine: { command: '/opt/my agent', args: ['--acp', ''], env: { LANG: 'C' } },
      repl: { command: 'repl', args: [], env: {}, protocol: 'terminal' },
    },
  })
})

test.each([
  ['\n\ndefault_agent = mine', 'config.toml:3: it is not valid TOML:'],
  ['default_agnt = "x"', 'config.toml:1: "default_agnt" is not a setting'],
  ['default_agent = 7', 'config.toml:1: default_agent is not a string'],
  ['agents = 7', 'config.toml:1: agents is not a table'],
  ['\n[agents.a]\nargs = []', 'config.toml:2: agent a has no command'],
  ['[agents.a]\ncommand = ""', 'config.toml:1: agent a has no command'],
  ['[agents.b]\ncommand = "b"\n[agents.a]\ncommand = "a"\nprotocol = "mcp"', 'config.toml:5: protocol "mcp" is not known'],
  ['[agents.a]\ncommand = "a"\nargs = "--acp"', 'config.toml:3: args is not a list of strings'],
  ['[agents.a]\ncommand = "a"\nargs = ["a\\u0000b"]', 'config.toml:3: args is not a list of strings'],
  ['[agents.a]\ncommand = "a"\n[agents.a.env]\nDEBUG = 1', 'config.toml:4: DEBUG is not a string'],
  ['[agents.a]\ncommand = "a"\nenv = { DEBUG = 1 }', 'config.toml:3: DEBUG is not a string'],
  ['[agents.a]\ncommand = "a"\nenv = { "A=B" = "1" }', 'config.toml:3: "A=B" cannot be a variable\'s name'],
  ['[agents."acp:x"]\ncommand = "a"', 'config.toml:1: "acp:x" cannot be an agent\'s name'],
  ['[agents.aider]\nprotocol = "acp"', 'config.toml:2: agent aider is not known to be spoken to by acp'],
  ['[agents.a]\ncommand = "a"\nprompt = ["-m"]', 'config.toml:3: prompt has no place for the prompt'],
  ['[agents.a]\ncommand = "a"\nmode = 7', 'config.toml:3: mode is not a string'],
  ['[agents.a]\ncommand = "a"\ncwd = "/"', 'config.toml:3: "cwd" is not a setting'],
  ['initialize_timeout_s = 0', 'config.toml:1: initialize_timeout_s is not a number that can be used'],
  ['initialize_timeout_s = "15"', 'config.toml:1: initialize_timeout_s is not a number that can be used'],
  ['\nidle_after_s = -1', 'config.toml:2: idle_after_s is not a number that can be used'],
  ['resume = "yes"', 'config.toml:1: resume "yes" is not known'],
  ['[view]\nmouse = 1', 'config.toml:2: mouse is neither true nor false'],
  ['[view]\ncolour = true', 'config.toml:2: "colour" is not a setting'],
  ['[workspace]\nmode = "here"', 'config.toml:2: mode "here" is not known'],
  ['[workspace]\nsetup = "npm ci"', 'config.toml:2: "setup" is not a setting'],
  ['[workspace]\nport_range = [3000]', 'config.toml:2: port_range is not a range of ports'],
  ['[workspace]\nport_range = [30000, 20000]', 'config.toml:2: port_range is not a range of ports'],
  ['[workspace]\nport_range = [80, 90]', 'config.toml:2: port_range is not a range of ports'],
  ['[workspace]\nport_range = "20000-29999"', 'config.toml:2: port_range is not a range of ports'],
  ['[workspace]\nlargest_snapshot_file_mb = 0', 'config.toml:2: largest_snapshot_file_mb is not a number that can be used'],
  ['[workspace]\nkeep_snapshots_days = -1', 'config.toml:2: keep_snapshots_days is not a number that can be used'],
  ['[workspace]\nkeep_worktrees_days = true', 'config.toml:2: keep_worktrees_days is not a number that can be used'],
  ['[conflicts]\npolicy = "panic"', 'config.toml:2: policy "panic" is not known'],
  ['conflicts = "tell"', 'config.toml:1: conflicts is not a table'],
  ['[keys]\nlist.pin = "hyper+x"', 'config.toml:2: list.pin is not a key, or a list of keys'],
  ['[keys]\n"list.pin" = 7', 'config.toml:2: list.pin is not a key, or a list of keys'],
  ['# keys\nprefix_key = "ctrl-m"', 'config.toml:2: prefix_key "ctrl-m" is not a key that can be used'],
])('%j is refused, with its place', async (text, expected) => {
  expect((await problem(text)).startsWith(expected)).toBe(true)
})

test('a file that cannot be read is named', async () => {
  mkdirSync(configFile())
  await expect(loadConfig({ configFile: configFile() })).rejects.toThrow(`${configFile()}: it cannot be read (EISDIR)`)
})

test('a project file chooses the agent for everything below it, up to the end of its repository', async () => {
  const project = join(root, 'project')
  mkdirSync(join(project, '.git'), { recursive: true })
  mkdirSync(join(project, 'src', 'deep'), { recursive: true })
  mkdirSync(join(root, 'other', '.git'), { recursive: true })
  writeFileSync(join(project, '.offstage.toml'), 'default_agent = "mine"\nsomething_newer = 1')
  writeFileSync(join(root, '.offstage.toml'), 'default_agent = "codex"')
  const text = 'default_agent = "gemini"\n[agents.mine]\ncommand = "m"'
  expect((await load(text, join(project, 'src', 'deep'))).defaultAgent).toEqual({ name: 'mine', setIn: join(project, '.offstage.toml') })
  expect((await load(text, join(root, 'other'))).defaultAgent).toEqual({ name: 'gemini', setIn: configFile() })
  expect((await load(text)).defaultAgent).toEqual({ name: 'gemini', setIn: configFile() })
})

test.each([
  ['[agents.a]\ncommand = "evil"', '.offstage.toml:1: a project file cannot define agents'],
  ['default_agent = "acp:evil --now"', '.offstage.toml:1: there is no agent "acp:evil --now"'],
  ['default_agent = "constructor"', '.offstage.toml:1: there is no agent "constructor"'],
])('a project file cannot choose what is executed: %j', async (text, expected) => {
  writeFileSync(join(root, '.offstage.toml'), text)
  expect(await problem('', root)).toBe(expected)
})

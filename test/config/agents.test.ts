// What is executed for the name of an agent, and what is known of it without running anything.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AgentSetting } from '../../src/config/agent-settings.ts'
import { type Wanted, chooseAgent, listAgents, listChosenAgents, resolveAgent } from '../../src/config/agents.ts'
import { type Config, defaultConfig } from '../../src/config/config.ts'
import { doubtsAbout } from '../../src/config/doubts.ts'
import { packageRoot } from '../../src/config/package-root.ts'
import { isOlder, packagedVersion, versionOf } from '../../src/config/programs.ts'
import { commandLine, splitWords } from '../../src/config/shell-words.ts'
import { type Refusal, isRefusal } from '../../src/core/errors.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'offstage-agents-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const config = (more: Partial<Config> = {}): Config => ({ ...defaultConfig, ...more })
const withAgents = (agents: Readonly<Record<string, Partial<AgentSetting>>>): Config =>
  config({ agents: Object.fromEntries(Object.entries(agents).map(([name, setting]) => [name, { args: [], env: {}, ...setting }])) })

const conversation = '00000000-0000-4000-8000-000000000000'
const resolve = (name: string | undefined, from: Config, env: Readonly<Record<string, string>>, wanted: Partial<Wanted> = {}) =>
  resolveAgent(name, from, { HOME: root, OFFSTAGE_HOME: join(root, 'home'), ...env }, { prompt: '', conversation, ...wanted })

function install(...programs: readonly string[]): { PATH: string } {
  for (const program of programs) {
    writeFileSync(join(root, program), '#!/bin/sh\n')
    chmodSync(join(root, program), 0o755)
  }
  return { PATH: `:/nowhere:${root}` }
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

function found<T extends object>(result: T | Refusal): T {
  if (isRefusal(result)) throw new Error(result.message)
  return result
}

describe('a name of the catalogue', () => {
  test('becomes its ACP command, with the mode in which it asks', () => {
    const env = install('gemini', 'codex-acp', 'copilot')
    expect(resolve('gemini', config(), env)).toMatchObject({ name: 'gemini', argv: ['gemini', '--acp'], driver: 'acp', env: {}, mode: 'default' })
    expect(resolve('codex', config(), env)).toMatchObject({ argv: ['codex-acp'], mode: 'workspace-write' })
    expect(found(resolve('copilot', config(), env)).mode).toBeUndefined()
  })

  test('takes the mode that is asked for, and any of the user', () => {
    const env = install('gemini')
    expect(resolve('gemini', withAgents({ gemini: { mode: 'plan' } }), env)).toMatchObject({ mode: 'plan' })
    expect(resolve('gemini', withAgents({ gemini: { mode: 'plan' } }), env, { mode: 'yolo' })).toMatchObject({ mode: 'yolo' })
    expect(found(resolve('gemini', withAgents({ gemini: { mode: '' } }), env)).mode).toBeUndefined()
  })

  test('gets the variables that make it ask, unless they are set', () => {
    const env = install('opencode', 'goose')
    expect(found(resolve('opencode', config(), env)).env).toEqual({ OPENCODE_PERMISSION: expect.stringContaining('"bash":{"*":"ask"}') })
    expect(found(resolve('goose', config(), { ...env, GOOSE_MODE: 'auto' })).env).toEqual({})
    expect(found(resolve('goose', withAgents({ goose: { env: { GOOSE_MODE: 'chat' } } }), env)).env).toEqual({ GOOSE_MODE: 'chat' })
  })

  test('runs in a terminal where only that is installed, or when it is asked for', () => {
    const line = ['claude', '--permission-mode', 'default', '--session-id', conversation, '--', 'do it']
    const resumeArgv = ['claude', '--permission-mode', 'default', '--resume', conversation]
    expect(resolve('claude', config(), install('claude'), { prompt: 'do it' })).toMatchObject({ driver: 'terminal', argv: line, resumeArgv, mode: 'default' })
    expect(resolve('claude', config(), install('claude', 'claude-agent-acp'), { prompt: 'do it' })).toMatchObject({ driver: 'acp', argv: ['claude-agent-acp'] })
    expect(resolve('claude', config(), install(), { prompt: 'do it', terminal: true })).toMatchObject({ driver: 'terminal', argv: line })
    expect(resolve('claude', withAgents({ claude: { protocol: 'terminal' } }), install())).toMatchObject({ driver: 'terminal' })
  })

  test('that is not installed says how to get it', () => {
    const missing = { refused: 'unknown-agent', message: 'agent codex is not installed: there is no codex-acp on PATH', hint: 'npm i -g @agentclientprotocol/codex-acp' }
    expect(resolve('codex', config(), install())).toEqual(missing)
    expect(resolve('codex', config(), install('codex-acp'), { terminal: true })).toMatchObject({
      message: 'agent codex is not installed: there is no codex on PATH',
      hint: 'npm i -g @openai/codex',
    })
  })

  test('refuses what its command line cannot take', () => {
    const env = install('crush', 'goose', 'offstage')
    expect(resolve('crush', config(), env, { prompt: 'x' })).toMatchObject({ refused: 'invalid', message: 'agent crush takes no first prompt on its command line' })
    expect(resolve('crush', config(), env)).toMatchObject({ argv: ['crush'] })
    expect(resolve('goose', config(), env, { terminal: true, model: 'm' })).toMatchObject({ refused: 'invalid', message: 'agent goose takes no model on its command line' })
    expect(resolve('offstage', config(), env, { terminal: true })).toMatchObject({ refused: 'invalid', message: 'agent offstage is not known to work in a terminal' })
  })

  test('is not found in a folder or a file that cannot be executed', () => {
    mkdirSync(join(root, 'gemini'))
    writeFileSync(join(root, 'qwen'), '')
    const env = install()
    expect(resolve('gemini', config(), env)).toMatchObject({ refused: 'unknown-agent' })
    expect(resolve('qwen', config(), env)).toMatchObject({ refused: 'unknown-agent' })
  })

  test('offstage is always there, and recorded by words that outlive an upgrade', () => {
    expect(resolve('offstage', config(), { PATH: '/nowhere' })).toMatchObject({ driver: 'acp', argv: ['offstage', 'agent'] })
  })
})

describe('the configuration', () => {
  test('comes before the catalogue, and its program is looked for where it will run', () => {
    const agents = withAgents({ claude: { command: 'wrapper', args: ['-x'], env: { A: '1', PATH: root }, protocol: 'terminal' } })
    install('wrapper')
    expect(resolve('claude', agents, { PATH: '/nowhere' })).toMatchObject({ name: 'claude', argv: ['wrapper', '-x'], driver: 'terminal', env: { A: '1', PATH: root } })
    expect(resolve('claude', agents, { PATH: '/nowhere' }, { prompt: 'do it' })).toMatchObject({ argv: ['wrapper', '-x', 'do it'], resumeArgv: ['wrapper', '-x'] })
    rmSync(join(root, 'wrapper'))
    expect(resolve('claude', agents, { PATH: '/nowhere' })).toMatchObject({ refused: 'unknown-agent', message: 'agent claude is not installed: there is no program wrapper' })
  })

  test('keeps the mode of the catalogue for another program of that name', () => {
    expect(resolve('codex', withAgents({ codex: { command: 'mine' } }), install('mine'))).toMatchObject({ argv: ['mine'], driver: 'acp', mode: 'workspace-write' })
  })

  test('adds arguments to the command of the catalogue', () => {
    expect(resolve('gemini', withAgents({ gemini: { args: ['--debug'] } }), install('gemini'))).toMatchObject({ argv: ['gemini', '--acp', '--debug'] })
    expect(resolve('gemini', withAgents({ gemini: { args: ['--debug'] } }), install('gemini'), { terminal: true })).toMatchObject({ argv: expect.not.arrayContaining(['--debug']) })
  })

  test('says how a terminal program takes its first prompt', () => {
    const agents = withAgents({ mine: { command: 'mine', protocol: 'terminal', prompt: ['--say={prompt}'] }, mute: { command: 'mine', protocol: 'terminal', prompt: [] } })
    expect(resolve('mine', agents, install('mine'), { prompt: 'hi' })).toMatchObject({ argv: ['mine', '--say=hi'] })
    expect(resolve('mute', agents, install('mine'), { prompt: 'hi' })).toMatchObject({ refused: 'invalid' })
  })

  test('a command with its arguments in it is told where they belong', () => {
    const hint = 'command is one program, and args are its arguments: command = "node", args = ["x.ts"] in [agents.mine] of config.toml'
    expect(resolve('mine', withAgents({ mine: { command: 'node x.ts' } }), install())).toEqual({
      refused: 'unknown-agent',
      message: 'agent mine is not installed: there is no program node x.ts',
      hint,
    })
    expect(resolve('mine', withAgents({ mine: { command: 'my agent' } }), install('my agent'))).toMatchObject({ argv: ['my agent'] })
  })
})

test("what a checkout is built with is nobody's agent", () => {
  const ours = join(packageRoot, 'node_modules', '.bin')
  expect(existsSync(join(ours, 'pi'))).toBe(true)
  expect(isRefusal(resolve(undefined, config(), { PATH: ours }))).toBe(true)
  expect(
    listAgents(config(), { HOME: root, PATH: ours })
      .filter(({ installed }) => installed)
      .map(({ name }) => name),
  ).toEqual(['offstage'])
})

test('acp:COMMAND LINE is split and taken as it is', () => {
  const env = install('my-agent')
  const name = `acp:my-agent --say 'hello $HOME' "a \\"b\\"" c\\ d`
  expect(resolve(name, config(), env)).toEqual({ name, argv: ['my-agent', '--say', 'hello $HOME', 'a "b"', 'c d'], driver: 'acp', env: {} })
  expect(resolve('acp: ', config(), env)).toMatchObject({ refused: 'invalid' })
  expect(resolve('acp:my-agent "a', config(), env)).toMatchObject({ refused: 'invalid', message: 'a quote (") is not closed in "my-agent \\"a"' })
  expect(resolve('acp:absent', config(), env)).toMatchObject({ refused: 'unknown-agent' })
  expect(resolve('acp:my-agent', config(), env, { terminal: true })).toMatchObject({ refused: 'invalid' })
  expect(resolve(`acp:${root}/my-agent`, config(), {})).toMatchObject({ argv: [`${root}/my-agent`] })
})

describe('without a name', () => {
  test('the configured default, whatever else is there', () => {
    const env = install('qwen', 'gemini')
    expect(resolve(undefined, config({ defaultAgent: { name: 'qwen', setIn: 'c.toml' } }), env)).toMatchObject({ name: 'qwen' })
    expect(resolve(undefined, config({ defaultAgent: { name: 'toString', setIn: 'c.toml' } }), env)).toMatchObject({
      refused: 'unknown-agent',
      message: 'default_agent in c.toml: there is no agent "toString"',
    })
  })

  test('else the first that is installed and not known to be logged out', () => {
    const env = install('qwen', 'gemini', 'aider')
    expect(resolve(undefined, config(), env)).toMatchObject({ name: 'aider' })
    write('.qwen/oauth_creds.json', '{}')
    expect(resolve(undefined, config(), env)).toMatchObject({ name: 'qwen' })
    expect(resolve(undefined, config(), { ...env, GEMINI_API_KEY: 'x' })).toMatchObject({ name: 'gemini' })
  })

  test('else the own one, where there is a model for it', () => {
    const env = install('gemini')
    expect(resolve(undefined, config(), { ...env, ANTHROPIC_API_KEY: 'x' })).toMatchObject({ name: 'offstage' })
    expect(resolve(undefined, config({ models: { ...defaultConfig.models, default: 'ollama/qwen' } }), env)).toMatchObject({ name: 'offstage' })
    expect(resolve(undefined, config(), { ...env, ANTHROPIC_API_KEY: 'x' }, { terminal: true })).toMatchObject({ name: 'gemini' })
    write('home/keys.toml', '')
    expect(resolve(undefined, config(), { PATH: '/nowhere' })).toMatchObject({ name: 'offstage' })
  })

  test('else one that is installed: it asks to log in', () => {
    expect(resolve(undefined, config(), install('gemini'))).toMatchObject({ name: 'gemini' })
  })

  test('else it is told what to install or to set', () => {
    expect(resolve(undefined, config(), { PATH: '/nowhere' })).toEqual({
      refused: 'unknown-agent',
      message: 'no agent is installed, and there is no model for the one that Offstage brings',
      hint: 'install one (npm i -g @agentclientprotocol/claude-agent-acp; offstage agents lists more), or set the API key of a model provider, or name a model server under [models] in config.toml, or start one on this machine, such as Ollama',
    })
  })

  test('a server on this machine is asked for a model only where nobody else is there, or who is logged out', async () => {
    let asked = 0
    const choose = async (from: Config, env: Readonly<Record<string, string>>, has = true, name?: string): Promise<string> => {
      const all = { HOME: root, OFFSTAGE_HOME: join(root, 'home'), ...env }
      const localModel = async (): Promise<boolean> => Boolean(++asked) && has
      const chosen = await chooseAgent(name, from, all, { prompt: 'do it', conversation }, localModel)
      const listed = (await listChosenAgents(from, all, localModel)).find((one) => one.default)?.name
      const is = isRefusal(chosen) ? 'nobody' : chosen.name
      if (name === undefined) expect(listed ?? 'nobody').toBe(is)
      return is
    }
    expect(await choose(config(), { PATH: '/nowhere' })).toBe('offstage')
    expect(await choose(config(), { PATH: '/nowhere' }, false)).toBe('nobody')
    expect(await choose(config(), install('gemini'))).toBe('offstage')
    expect(await choose(config(), install('gemini'), false)).toBe('gemini')
    expect(asked).toBe(8)
    expect(await choose(config(), { ...install('gemini'), GEMINI_API_KEY: 'x' })).toBe('gemini')
    expect(await choose(config({ defaultAgent: { name: 'gemini', setIn: 'c.toml' } }), install('gemini'))).toBe('gemini')
    expect(asked).toBe(8)
    // The list does not know who will be named.
    expect(await choose(config(), install('gemini'), true, 'gemini')).toBe('gemini')
    expect(asked).toBe(9)
  })

  test('never one that cannot take the prompt', () => {
    expect(resolve(undefined, config(), install('crush'), { prompt: 'do it' })).toMatchObject({ refused: 'unknown-agent' })
  })
})

test('the list has the configured ones first and one default', () => {
  const agents = withAgents({ mine: { command: 'my agent', args: ["it's"] } })
  const list = listAgents(agents, { HOME: root, OFFSTAGE_HOME: join(root, 'home'), ...install('gemini') })
  expect(list[0]).toMatchObject({
    name: 'mine',
    command: `'my agent' 'it'\\''s'`,
    protocol: 'acp',
    installed: false,
    configured: true,
    default: false,
    install: null,
    loggedIn: null,
  })
  expect(list.filter((agent) => agent.default || (agent.installed && agent.name !== 'offstage'))).toEqual([
    {
      name: 'gemini',
      title: 'Gemini CLI',
      command: 'gemini --acp',
      protocol: 'acp',
      installed: true,
      configured: false,
      default: true,
      install: 'npm i -g @google/gemini-cli',
      ways: [
        { protocol: 'acp', argv: ['gemini', '--acp'], installed: true, install: 'npm i -g @google/gemini-cli', leastVersion: '0.33', mode: 'default' },
        { protocol: 'terminal', argv: ['gemini'], installed: true, install: 'npm i -g @google/gemini-cli', leastVersion: null, mode: 'default' },
      ],
      loggedIn: false,
      login: 'run gemini and log in there, or set GEMINI_API_KEY',
      asksNothing: false,
    },
  ])
})

describe('what is known without running it', () => {
  const loggedIn = (name: string, env: Readonly<Record<string, string>> = {}): unknown => listAgents(config(), { HOME: root, ...env }).find((one) => one.name === name)?.loggedIn

  test('a login by variable, by file, and by what a file holds', () => {
    expect([loggedIn('amp'), loggedIn('amp', { AMP_API_KEY: '' }), loggedIn('amp', { AMP_API_KEY: 'k' })]).toEqual([false, false, true])
    expect([loggedIn('opencode'), loggedIn('cursor')]).toEqual([null, null])
    write('.codex/config.toml', 'model = "x"\n')
    expect(loggedIn('codex')).toBe(false)
    write('.codex/config.toml', 'model_provider = "mine"\n')
    expect(loggedIn('codex')).toBe(true)
    expect(loggedIn('codex', { HOME: join(root, 'other') })).toBe(false)
    write('own/auth.json', '')
    expect(loggedIn('codex', { HOME: join(root, 'other'), CODEX_HOME: join(root, 'own') })).toBe(true)
    expect(loggedIn('codex', { HOME: join(root, 'other'), CODEX_HOME: 'own' })).toBe(false)
  })

  test('a directory in the place of a file holds nothing', () => {
    mkdirSync(join(root, '.config/goose/config.yaml'), { recursive: true })
    expect(loggedIn('goose')).toBe(false)
  })

  test('the version of an npm package, through its link', () => {
    write('lib/node_modules/@google/gemini-cli/package.json', '{ "name": "@google/gemini-cli",\n "version": "0.20.1-nightly.3" }')
    write('lib/node_modules/@google/gemini-cli/bundle/gemini.js', '')
    chmodSync(join(root, 'lib/node_modules/@google/gemini-cli/bundle/gemini.js'), 0o755)
    symlinkSync(join(root, 'lib/node_modules/@google/gemini-cli/bundle/gemini.js'), join(root, 'gemini'))
    // Not that of whatever the package lies in.
    write('lib/node_modules/bare/bare', '')
    chmodSync(join(root, 'lib/node_modules/bare/bare'), 0o755)
    symlinkSync(join(root, 'lib/node_modules/bare/bare'), join(root, 'bare'))
    write('lib/package.json', '{ "version": "9.9.9" }')
    const any = () => true
    expect([packagedVersion('gemini', root, any), packagedVersion('bare', root, any), packagedVersion('absent', root, any), packagedVersion('gemini', root, () => false)]).toEqual([
      '0.20.1',
      undefined,
      undefined,
      undefined,
    ])
    const env = { HOME: root, PATH: root }
    expect(doubtsAbout(found(resolve('gemini', config(), env)), config(), env)).toEqual([
      'gemini is 0.20.1, and Offstage needs 0.33 or newer: npm i -g @google/gemini-cli',
      'agent gemini does not seem to be logged in: run gemini and log in there, or set GEMINI_API_KEY',
    ])
    expect(doubtsAbout(found(resolve('gemini', withAgents({ gemini: { command: 'bare' } }), env)), config(), env)).toEqual([])
  })

  test.each([
    ['1.2.3', '1.2', false],
    ['1.2', '1.2.1', true],
    ['0.9.9', '1.0', true],
    ['10.0', '9.9', false],
    ['2.0', '2.0', false],
  ])('%s against %s', (version, least, older) => {
    expect(isOlder(version, least)).toBe(older)
  })

  test.each([
    ['2.1.330 (Claude Code)', '2.1.330'],
    ['codex-cli 0.169.0\n', '0.169.0'],
    ['GitHub Copilot CLI 1.0.102.\nRun', '1.0.102'],
    ['v7', undefined],
    ['', undefined],
  ])('the version in %j', (text, version) => {
    expect(versionOf(text)).toBe(version)
  })
})

test.each([
  ['', []],
  ["''", ['']],
  ['a  b\tc\nd', ['a', 'b', 'c', 'd']],
  [`a'b'"c"\\d`, ['abcd']],
  [`"\\a\\$\\\`\\\\"`, ['\\a$`\\']],
  ['a\\\nb', ['ab']],
  ['a|b > c $(d) #e ~ *', ['a|b', '>', 'c', '$(d)', '#e', '~', '*']],
  ['é "ü ß"', ['é', 'ü ß']],
])('%j is split as a shell would', (line, words) => {
  expect(splitWords(line)).toEqual(words)
})

test.each(["'a", '"a', 'a\\', '"a\\"'])('%j is refused', (line) => {
  expect(splitWords(line)).toMatchObject({ refused: 'invalid' })
})

test('words that were made a line are the same words again', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (words) => {
      expect(splitWords(commandLine(words))).toEqual(words)
    }),
  )
})

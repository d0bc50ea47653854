// What is executed for the name of an agent.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { commandLine, listAgents, resolveAgent, splitWords } from '../../src/config/agents.ts'
import { type Config, defaultConfig } from '../../src/config/config.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'offstage-agents-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const config = (more: Partial<Config> = {}): Config => ({ ...defaultConfig, ...more })

function install(...programs: readonly string[]): { PATH: string } {
  for (const program of programs) {
    writeFileSync(join(root, program), '#!/bin/sh\n')
    chmodSync(join(root, program), 0o755)
  }
  return { PATH: `:/nowhere:${root}` }
}

test('a known name becomes its ACP command', () => {
  const env = install('gemini', 'opencode')
  expect(resolveAgent('gemini', config(), env)).toEqual({ name: 'gemini', argv: ['gemini', '--acp'], driver: 'acp', env: {} })
  expect(resolveAgent('opencode', config(), env)).toEqual({ name: 'opencode', argv: ['opencode', 'acp'], driver: 'acp', env: {} })
})

test('a known name that is not installed says how to get it', () => {
  const message = 'agent codex is not installed: there is no codex-acp on PATH'
  expect(resolveAgent('codex', config(), install())).toEqual({ refused: 'unknown-agent', message, hint: 'npm i -g @agentclientprotocol/codex-acp' })
})

test('a folder and a file that cannot be executed are not a program', () => {
  mkdirSync(join(root, 'gemini'))
  writeFileSync(join(root, 'qwen'), '')
  const env = install()
  expect(resolveAgent('gemini', config(), env)).toMatchObject({ refused: 'unknown-agent' })
  expect(resolveAgent('qwen', config(), env)).toMatchObject({ refused: 'unknown-agent' })
})

test('a configured name comes before a known one, and looks for its program where it will run', () => {
  const agents = { claude: { command: 'wrapper', args: ['-x'], env: { A: '1', PATH: root }, protocol: 'terminal' } } as const
  install('wrapper')
  expect(resolveAgent('claude', config({ agents }), { PATH: '/nowhere' })).toEqual({ name: 'claude', argv: ['wrapper', '-x'], driver: 'terminal', env: { A: '1', PATH: root } })
  rmSync(join(root, 'wrapper'))
  expect(resolveAgent('claude', config({ agents }), { PATH: '/nowhere' })).toMatchObject({
    refused: 'unknown-agent',
    message: 'agent claude is not installed: there is no program wrapper',
  })
})

test('acp:COMMAND LINE is split and taken as it is', () => {
  const env = install('my-agent')
  const name = `acp:my-agent --say 'hello $HOME' "a \\"b\\"" c\\ d`
  expect(resolveAgent(name, config(), env)).toEqual({ name, argv: ['my-agent', '--say', 'hello $HOME', 'a "b"', 'c d'], driver: 'acp', env: {} })
  expect(resolveAgent('acp: ', config(), env)).toMatchObject({ refused: 'invalid' })
  expect(resolveAgent('acp:my-agent "a', config(), env)).toMatchObject({ refused: 'invalid', message: 'a quote (") is not closed in "my-agent \\"a"' })
  expect(resolveAgent('acp:absent', config(), env)).toMatchObject({ refused: 'unknown-agent' })
  expect(resolveAgent(`acp:${root}/my-agent`, config(), {})).toMatchObject({ argv: [`${root}/my-agent`] })
})

test('without a name: the configured default, else the first that is installed', () => {
  const env = install('qwen', 'gemini')
  expect(resolveAgent(undefined, config(), env)).toMatchObject({ name: 'gemini' })
  expect(resolveAgent(undefined, config({ defaultAgent: { name: 'qwen', setIn: 'c.toml' } }), env)).toMatchObject({ name: 'qwen' })
  expect(resolveAgent(undefined, config({ defaultAgent: { name: 'toString', setIn: 'c.toml' } }), env)).toMatchObject({
    refused: 'unknown-agent',
    message: 'default_agent in c.toml: there is no agent "toString"',
  })
  expect(resolveAgent(undefined, config(), { PATH: '/nowhere' })).toMatchObject({
    refused: 'unknown-agent',
    hint: expect.stringContaining('npm i -g @agentclientprotocol/claude-agent-acp'),
  })
})

test('the list has the configured ones first and one default', () => {
  const agents = { mine: { command: 'my agent', args: ["it's"], env: {}, protocol: 'acp' } } as const
  const list = listAgents(config({ agents }), install('gemini'))
  expect(list[0]).toEqual({ name: 'mine', command: `'my agent' 'it'\\''s'`, protocol: 'acp', installed: false, configured: true, default: false, install: null })
  expect(list.filter((agent) => agent.default || agent.installed)).toEqual([
    { name: 'gemini', command: 'gemini --acp', protocol: 'acp', installed: true, configured: false, default: true, install: 'npm i -g @google/gemini-cli' },
  ])
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

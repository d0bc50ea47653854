// Every entry of the catalogue holds together, and becomes the command lines that its agent takes.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CatalogueAgent, TerminalWay } from '../../src/catalogue/agent.ts'
import { agentNamed, catalogue, ownAgent, quirksOf } from '../../src/catalogue/index.ts'
import { terminalLine } from '../../src/catalogue/terminal-line.ts'

const session = '00000000-0000-4000-8000-000000000000'
const ways = (agent: CatalogueAgent) => [agent.acp, agent.terminal].filter((way) => way !== undefined)
const placesIn = (words: readonly string[] = []): readonly string[] => words.flatMap((word) => word.match(/\{\w+\}/g) ?? [])

test('the order of choice, each once, the own agent last', () => {
  expect(catalogue.map(({ name }) => name)).toEqual('claude codex gemini opencode qwen copilot cursor kilo cline goose pi amp aider crush offstage'.split(' '))
  expect(catalogue.filter(({ own }) => own)).toEqual([ownAgent])
  expect(catalogue.filter(({ name }) => agentNamed(name)?.name !== name)).toEqual([])
})

test('nothing that every object has is an agent', () => {
  expect(['toString', '__proto__', '', 'Claude'].map(agentNamed)).toEqual([undefined, undefined, undefined, undefined])
  expect(quirksOf('acp:gemini --acp')).toEqual({})
  expect(quirksOf('gemini')).toEqual({ loadAfterMinute: true })
})

describe.each(catalogue.map((agent) => [agent.name, agent] as const))('%s', (name, agent) => {
  test('can be named in a configuration, started and installed', () => {
    expect(name).toMatch(/^[a-z][a-z0-9-]*$/)
    expect(agent.title).not.toBe('')
    expect(ways(agent)).not.toEqual([])
    for (const { command, install, leastVersion } of ways(agent)) {
      expect(command.every((word) => /^[\w.-]+$/.test(word))).toBe(true)
      expect(install).toMatch(/^(npm i -g |curl |python -m pip )/)
      if (leastVersion !== undefined) expect(leastVersion).toMatch(/^\d+(\.\d+)+$/)
    }
  })

  test('tells how to log in, and looks for it below the home', () => {
    expect(agent.login.how).toMatch(/^(run|set) /)
    for (const variable of agent.login.variables ?? []) expect(variable).toMatch(/^[A-Z][A-Z0-9_]+$/)
    for (const { path, holds } of agent.login.files ?? []) {
      expect(path).toMatch(/^(\$[A-Z][A-Z0-9_]*\|)?[\w.][\w./-]*$/)
      expect(path).not.toContain('..')
      expect(holds).not.toEqual([])
    }
    if (agent.login.complete) expect([...(agent.login.variables ?? []), ...(agent.login.files ?? [])]).not.toEqual([])
  })

  test('sets variables by names that a shell takes', () => {
    for (const [variable, value] of Object.entries(agent.environment ?? {})) {
      expect(variable).toMatch(/^[A-Z][A-Z0-9_]+$/)
      if (value.startsWith('{')) expect(() => JSON.parse(value)).not.toThrow()
    }
  })

  const { terminal } = agent
  test.runIf(terminal !== undefined)('has each place of its command line where it belongs', () => {
    const { arguments: known, resume, mode } = terminal as TerminalWay
    const given = known.session ?? [...(known.prompt ?? []), ...(known.noPrompt ?? [])]
    if (known.prompt) expect(placesIn(known.prompt)).toContain('{prompt}')
    if (known.model) expect(placesIn(known.model)).toEqual(['{model}'])
    if (known.mode) expect(placesIn(known.mode)).toEqual(['{mode}'])
    if (known.session) expect(placesIn(known.session)).toEqual(['{session}'])
    // Who is given an id is asked for it again, and who is asked for one was given it.
    expect(placesIn(resume).includes('{session}')).toBe(placesIn(given).includes('{session}'))
    expect(placesIn(resume).filter((place) => place !== '{session}')).toEqual([])
    if (mode !== undefined) expect(known.mode).toBeDefined()
  })

  test.runIf(terminal?.arguments.prompt !== undefined)('takes any prompt, whole and as one word, and never says it twice', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (prompt) => {
        const line = terminalLine(terminal as TerminalWay, { prompt, session })
        if ('cannot' in line) throw new Error(line.cannot)
        expect(line.argv.filter((word) => word.endsWith(prompt) && word.length - prompt.length <= '--prompt-interactive='.length).length).toBeGreaterThan(0)
        const plain = terminalLine(terminal as TerminalWay, { prompt: `${prompt}\u0000unique`, session })
        expect('resumeArgv' in plain && plain.resumeArgv.some((word) => word.includes('\u0000unique'))).toBe(false)
      }),
    )
  })
})

const lineOf = (name: string, wishes: { readonly prompt?: string; readonly model?: string; readonly mode?: string } = {}) =>
  terminalLine(agentNamed(name)?.terminal as TerminalWay, { prompt: '', session, ...wishes })

test.each([
  [
    'claude',
    { prompt: '-x', mode: 'plan' },
    ['claude', '--permission-mode', 'plan', '--session-id', session, '--', '-x'],
    ['claude', '--permission-mode', 'plan', '--resume', session],
  ],
  [
    'codex',
    { prompt: 'do', model: 'm' },
    ['codex', '--ask-for-approval', 'on-request', '--model', 'm', '--', 'do'],
    ['codex', '--ask-for-approval', 'on-request', '--model', 'm', 'resume'],
  ],
  ['gemini', { prompt: '--yolo' }, ['gemini', `--session-id=${session}`, '--prompt-interactive=--yolo'], ['gemini', `--resume=${session}`]],
  ['opencode', { prompt: 'do' }, ['opencode', '--prompt=do'], ['opencode']],
  ['goose', { prompt: 'do' }, ['goose', 'run', '--interactive', `--name=${session}`, '--text=do'], ['goose', 'session', '--resume', `--name=${session}`]],
  ['goose', {}, ['goose', 'session', `--name=${session}`], ['goose', 'session', '--resume', `--name=${session}`]],
  ['cline', { prompt: 'do' }, ['cline', '--tui', '--auto-approve', 'false', '--', 'do'], ['cline', '--tui', '--auto-approve', 'false']],
  ['aider', { prompt: 'do' }, ['aider', '--message=do'], ['aider', '--restore-chat-history']],
])('the command lines of %s with %j', (name, wishes, argv, resumeArgv) => {
  expect(lineOf(name, wishes)).toEqual({ argv, resumeArgv })
})

test('a prompt may look like a place of the command line', () => {
  expect(lineOf('claude', { prompt: '{session} {model} $& $1' })).toMatchObject({ argv: ['claude', '--session-id', session, '--', '{session} {model} $& $1'] })
})

test('what the command line cannot take is named', () => {
  expect(lineOf('crush', { prompt: 'do' })).toEqual({ cannot: 'prompt' })
  expect(lineOf('goose', { model: 'm' })).toEqual({ cannot: 'model' })
  expect(lineOf('opencode', { mode: 'plan' })).toEqual({ cannot: 'mode' })
})

// `offstage agents` with programs that only pretend to be agents, and `--check` with one that speaks the protocol.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askVersion } from '../../src/cli/ask-agent.ts'
import { checkAgent } from '../../src/cli/check-agent.ts'
import { talker } from '../e2e/offstage.ts'
import { FakeClient } from './fake-client.ts'
import { type Setting, offstage } from './run-cli.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'offstage-agents-')))
const bin = join(folder, 'bin')
const config = join(folder, 'config.toml')
const node = process.execPath
const env = { HOME: folder, OFFSTAGE_HOME: join(folder, 'home'), PATH: `${bin}:/usr/bin:/bin`, OFFSTAGE_CONFIG: config, TMPDIR: folder }
const setting: Setting = { cwd: folder, env }
const run = (args: readonly string[], more: Setting = {}) => offstage(new FakeClient(), args, { ...setting, ...more })

function program(name: string, script: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(bin, name), 0o755)
}

const isThere = (pid: number): boolean => existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))

beforeAll(() => {
  mkdirSync(bin)
  mkdirSync(join(folder, '.gemini'))
  writeFileSync(join(folder, '.gemini', 'oauth_creds.json'), '{}')
  program('gemini', '[ "$1" = --version ] && echo 0.21.4')
  program('qwen', '[ "$1" = --version ] && echo "qwen 0.24.4" >&2')
  program('claude', 'echo "2.1.330 (Claude Code)"')
  program('pi-acp', 'cat >/dev/null')
  program('copilot', 'exit 1')
  const agents = [`[agents.talker]`, `command = "${node}"`, `args = ["${talker}", "--modes", "--models"]`]
  const listing = [`[agents.listing]`, `command = "${node}"`, `args = ["${talker}", "--list"]`]
  const locked = [`[agents.locked]`, `command = "${node}"`, `args = ["${talker}", "--list", "--auth"]`]
  const closed = [`[agents.closed]`, `command = "${node}"`, `args = ["${talker}", "--auth"]`]
  const codex = [`[agents.codex]`, `command = "${node}"`, `args = ["${talker}", "--modes"]`]
  const named = [`[agents.named]`, `command = "${node}"`, `args = ["${talker}", "--modes"]`, 'mode = "calm"']
  const old = [`[agents.next]`, `command = "${node}"`, `args = ["${talker}", "--protocol", "2"]`]
  writeFileSync(
    config,
    [...agents, ...listing, ...locked, ...closed, ...codex, ...named, ...old, '[agents.gone]', 'command = "sh"', 'args = ["-c", "echo no such model >&2; exit 3"]', ''].join('\n'),
  )
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the list', () => {
  const agentsOf = (out: string): readonly Record<string, unknown>[] => JSON.parse(out) as Record<string, unknown>[]

  test('has the versions that the programs say themselves, and who is too old or logged out', async () => {
    const agents = agentsOf((await run(['agents', '--json'])).out)
    const of = (name: string) => agents.find((agent) => agent['name'] === name)
    expect(of('gemini')).toMatchObject({
      title: 'Gemini CLI',
      command: 'gemini --acp',
      protocol: 'acp',
      installed: true,
      version: '0.21.4',
      tooOld: true,
      loggedIn: true,
      default: true,
      ways: [
        { protocol: 'acp', command: 'gemini --acp', installed: true },
        { protocol: 'terminal', command: 'gemini', installed: true },
      ],
      advice: ['gemini 0.21.4 is too old, 0.33 is needed: npm i -g @google/gemini-cli'],
    })
    expect(of('qwen')).toMatchObject({ version: '0.24.4', tooOld: false, loggedIn: false, advice: [expect.stringContaining('it does not seem to be logged in: run qwen')] })
    expect(of('claude')).toMatchObject({
      protocol: 'terminal',
      version: '2.1.330',
      advice: [
        expect.stringContaining('it does not seem to be logged in'),
        'with the adapter it is a conversation, not a terminal: npm i -g @agentclientprotocol/claude-agent-acp',
      ],
    })
    expect(of('pi')).toMatchObject({ installed: true, version: null, loggedIn: null, advice: ['it asks nothing: whatever it is told, it does'] })
    expect(of('copilot')).toMatchObject({ installed: true, version: null })
    expect(of('goose')).toMatchObject({ installed: false, version: null, advice: [] })
    expect(of('talker')).toMatchObject({ configured: true, installed: true, install: null })
  })

  test('is lines for a person and columns for a pipe', async () => {
    const text = (await run(['agents'], { tty: true })).out
    expect(text).toContain(
      ' ✓ gemini    gemini --acp   0.21.4   logged in   or --terminal   the default\n             gemini 0.21.4 is too old, 0.33 is needed: npm i -g @google/gemini-cli\n',
    )
    expect(text).toContain(' · kilo      npm i -g @kilocode/cli\n')
    expect((await run(['agents'])).out).toContain('gemini\tinstalled\tacp\tdefault\tgemini --acp\tnpm i -g @google/gemini-cli\t0.21.4\tlogged-in\n')
  })

  test('asks nobody who is the user’s own', async () => {
    const own = join(folder, 'asked.toml')
    writeFileSync(own, `[agents.mine]\ncommand = "touchy"\n`)
    program('touchy', `touch '${folder}/asked'`)
    await run(['agents'], { env: { ...env, OFFSTAGE_CONFIG: own } })
    expect(existsSync(join(folder, 'asked'))).toBe(false)
  })
})

describe('a check', () => {
  const checked = async (name: string) => {
    const { code, out } = await run(['agents', '--check', name, '--json'])
    return { code, found: JSON.parse(out) as Record<string, unknown> }
  }

  test('starts the agent for a moment, and tells what it can', async () => {
    const { code, found } = await checked('talker')
    expect(code).toBe(0)
    expect(found).toMatchObject({
      name: 'talker',
      ok: true,
      problem: null,
      protocolVersion: 1,
      modes: ['ask', 'auto'],
      currentMode: 'ask',
      models: ['small', 'large'],
      currentModel: 'small',
      can: expect.arrayContaining(['resume']),
    })
    expect(found['readyMs']).toBeGreaterThan(0)
    const text = (await run(['agents', '--check', 'talker'])).out
    expect(text).toMatch(/^ ✓ talker {2}\S/)
    expect(text).toContain('   modes       ask (now), auto\n   models      small (now), large\n')
  })

  test('in a directory that is gone afterwards', () => {
    expect(readdirSync(folder).filter((name) => name.startsWith('offstage-check-'))).toEqual([])
  })

  test('says that a login is missing', async () => {
    expect(await checked('closed')).toMatchObject({ code: 1, found: { ok: false, answers: true, needsLogin: true, authMethods: [expect.any(String)] } })
  })

  test('says that the mode is missing in which it asks', async () => {
    expect(await checked('codex')).toMatchObject({
      code: 1,
      found: { ok: false, mode: 'workspace-write', problem: 'it does not offer mode "workspace-write", in which it asks you: every session asks which one to take' },
    })
    expect(await checked('named')).toMatchObject({ code: 1, found: { ok: false, problem: 'it does not offer mode "calm": sessions with it are refused' } })
  })

  test('says another version of the protocol, and how a program ended, with what it said last', async () => {
    expect(await checked('next')).toMatchObject({ code: 1, found: { answers: false, protocolVersion: 2, problem: 'it speaks version 2 of the protocol, and Offstage version 1' } })
    expect(await checked('gone')).toMatchObject({ code: 1, found: { problem: 'initialize: it ended with exit code 3', stderr: 'no such model\n' } })
    expect((await run(['agents', '--check', 'gone'])).out).toContain(' the end of stderr\n   no such model\n')
  })

  test('ends everything that the agent has started, also what left its group', async () => {
    const file = join(folder, 'escaped')
    const escaping = `const { spawn } = require('node:child_process')
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' })
      require('node:fs').writeFileSync(${JSON.stringify(file)}, String(child.pid))
      process.exit(4)`
    writeFileSync(join(folder, 'escaping.cjs'), escaping)
    const { code, out } = await run(['agents', '--check', `acp:'${node}' '${folder}/escaping.cjs'`])
    expect(code).toBe(1)
    expect(out).toContain('it ended with exit code 4')
    expect(isThere(Number(readFileSync(file, 'utf8')))).toBe(false)
  })

  test('is refused for who cannot be asked', async () => {
    expect(await run(['agents', '--check', 'nosuch'])).toMatchObject({ code: 4, err: expect.stringContaining('there is no agent "nosuch"') })
    expect(await run(['agents', '--check', 'claude'])).toMatchObject({ code: 4, err: expect.stringContaining('agent claude is a program in a terminal') })
  })
})

describe('the conversations of an agent’s own', () => {
  test('of this directory: two pages of them, the newest first', async () => {
    const { code, out, err } = await run(['agents', '--sessions', 'listing', '--json'])
    const sessions = JSON.parse(out) as Record<string, unknown>[]
    expect({ code, err, length: sessions.length }).toEqual({ code: 0, err: 'offstage: listing has more than these\n', length: 60 })
    expect(sessions[0]).toEqual({ id: 'own-60', title: 'Title \u001B[31m60', updatedAt: '2026-03-01T00:00:00.000Z' })
    const now = () => Date.UTC(2026, 2, 1, 3)
    const seen = (await run(['agents', '--sessions', 'listing'], { tty: true, now })).out
    expect(seen).toMatch(/^ own-60 {2}3h ago +Title \S*60\n own-59 {2}1d 3h ago/)
    expect(seen).not.toContain('\u001B[31m')
    expect(seen).toContain('offstage run --agent listing --continues ID')
  })

  test('are refused by who is not there, tells none, wants a login, or is in a terminal', async () => {
    const refused = async (name: string) => await run(['agents', '--sessions', name])
    expect(await refused('goose')).toMatchObject({ code: 4, err: expect.stringContaining('goose is not installed') })
    expect(await refused('talker')).toMatchObject({ code: 4, err: 'offstage: agent talker does not tell which conversations it has\n' })
    expect(await refused('locked')).toMatchObject({ code: 4, err: expect.stringContaining('agent locked wants a login first') })
    expect(await refused('gone')).toMatchObject({ code: 4, err: expect.stringContaining('it ended with exit code 3\n  it said: no such model') })
    expect(await refused('claude')).toMatchObject({ code: 4, err: expect.stringContaining('it cannot be asked for its conversations') })
  })

  test('are gone on with by new sessions of agents, not of programs', async () => {
    const client = new FakeClient()
    await offstage(client, ['bg', '--agent', 'talker', '--continues', 'own-7'], setting)
    expect(client.submitted[0]?.command).toMatchObject({ type: 'create', spec: { driver: 'acp', agent: 'talker', continues: 'own-7' } })
    const refused = async (...args: readonly string[]) => (await run(['bg', '--continues', ...args])).err
    expect(await refused('own-7', '--agent', 'claude', 'do it')).toContain('agent claude is a program in a terminal: it cannot go on')
    expect(await refused('own-7', '--', 'make')).toContain('--continues is for agents, not for a program')
    expect(await refused('', 'do it')).toContain("--continues takes the agent's own id")
  })
})

test('whoever was interrupted before a program was asked does not wait for it', { timeout: 3000 }, async () => {
  program('mute', 'exec sleep 20')
  const over = AbortSignal.abort()
  expect(await askVersion('mute', env, over)).toBe('')
  await expect(checkAgent({ argv: ['mute'], env, version: '1', deadlineMs: 20_000 }, over)).rejects.toThrow('aborted')
})

describe('a start', () => {
  test('says beforehand what speaks against it, and tries', async () => {
    const { code, err } = await run(['bg', '--agent', 'qwen', 'do it'])
    expect({ code, err }).toEqual({
      code: 0,
      err: 'offstage: agent qwen does not seem to be logged in: run qwen and log in there, or set OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL\n',
    })
  })

  test('records the way, the mode and what later runs execute', async () => {
    const client = new FakeClient()
    await offstage(client, ['bg', '--agent', 'gemini', 'do it'], setting)
    await offstage(client, ['bg', '--agent', 'gemini', '--terminal', '--mode', 'plan', 'do it'], setting)
    expect(client.submitted.map(({ command }) => command)).toMatchObject([
      { spec: { kind: 'agent', driver: 'acp', agent: 'gemini', argv: ['gemini', '--acp'], mode: 'default' }, prompt: 'do it' },
      {
        spec: {
          kind: 'terminal',
          driver: 'terminal',
          agent: 'gemini',
          argv: ['gemini', '--approval-mode=plan', expect.stringMatching(/^--session-id=[0-9a-f-]{36}$/), '--prompt-interactive=do it'],
          resumeArgv: ['gemini', '--approval-mode=plan', expect.stringMatching(/^--resume=[0-9a-f-]{36}$/)],
          mode: 'plan',
        },
      },
    ])
    expect(client.submitted[1]?.command).not.toHaveProperty('prompt')
  })

  test('--terminal is for agents', async () => {
    expect(await run(['bg', '--terminal', '--', 'make'])).toMatchObject({ code: 2, err: expect.stringContaining('--terminal is for agents, not for a program') })
  })
})

// The own agent with clients of ACP that are not ours: acpx, and the example client of the protocol's SDK.

import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commandLine } from '../../src/config/shell-words.ts'
import { launcher } from '../e2e/offstage.ts'
import { settle } from '../home.ts'
import { programsOf } from './installed.ts'
import { ownAgentOver } from './own-agent.ts'
import { type Place, openPlace } from './place.ts'

const agent = [process.execPath, launcher, 'agent']
const ownAgent = ownAgentOver('openai-completions')
const [, programs = ''] = programsOf('acpx') ?? []
const exampleClient = join(programs, '..', '@agentclientprotocol', 'sdk', 'dist', 'examples', 'client.js')

const acpx = (place: Place, ...words: readonly string[]) => run(place, [join(programs, 'acpx'), ...words])

function run(
  place: Place,
  [program = '', ...args]: readonly string[],
  more: { readonly input?: string; readonly path?: string } = {},
): Promise<{ code: number | null; out: string }> {
  const env = { ...place.env, ...(more.path === undefined ? {} : { PATH: `${more.path}:${place.env['PATH']}` }) }
  const child = spawn(program, args, { cwd: place.home.project, env, stdio: ['pipe', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stdin.end(more.input ?? '')
  return new Promise((resolve, reject) => child.once('error', reject).once('close', (code) => resolve({ code, out })))
}

const agentsOf = (place: Place) => place.home.processes().filter(({ command }) => command.includes(`${launcher} agent`))

describe.skipIf(programsOf('acpx') === undefined)('the own agent and other clients', () => {
  test('acpx allows what it asks, and the file is written', async () => {
    await using place = await openPlace(ownAgent, () => [ownAgent.writes('a.txt', 'A\n'), { say: 'Written.' }])
    const { code, out } = await acpx(place, '--approve-all', '--agent', commandLine(agent), 'exec', 'Write a.txt')
    expect([code, out]).toEqual([0, expect.stringMatching(/create a\.txt \(completed\)[\s\S]*Written\.[\s\S]*end_turn/)])
    expect(readFileSync(join(place.home.project, 'a.txt'), 'utf8')).toBe('A\n')
    expect(
      await settle(
        () => agentsOf(place),
        ({ length }) => length === 0,
      ),
    ).toEqual([])
  })

  test('acpx denies it, and nothing is written', async () => {
    await using place = await openPlace(ownAgent, () => [ownAgent.writes('a.txt', 'A\n'), { say: 'Then not.' }])
    const { out } = await acpx(place, '--deny-all', '--agent', commandLine(agent), 'exec', 'Write a.txt')
    expect(out).toMatch(/create a\.txt \(failed\)[\s\S]*Then not\./)
    expect(existsSync(join(place.home.project, 'a.txt'))).toBe(false)
    expect(JSON.stringify(place.talk()[1]?.body)).toContain('did not allow')
  })

  test('acpx goes on with a conversation whose agent was killed', async () => {
    await using place = await openPlace(ownAgent, () => [{ say: 'I shall remember the heron.' }, { say: 'It was the heron.' }])
    const tell = (...words: readonly string[]) => acpx(place, '--agent', commandLine(agent), ...words)
    expect((await tell('sessions', 'new')).code).toBe(0)
    expect((await tell('Remember the word heron.')).code).toBe(0)
    const running = agentsOf(place)
    expect(running).toHaveLength(1)
    for (const { pid } of running) process.kill(pid, 'SIGKILL')
    expect(await tell('Which word was it?')).toEqual({ code: 0, out: expect.stringContaining('It was the heron.') })
    const last = JSON.stringify(place.talk()[1]?.body)
    expect(['Remember the word heron.', 'I shall remember the heron.', 'Which word was it?'].map((text) => last.split(text).length - 1)).toEqual([1, 1, 1])
    await tell('sessions', 'close')
    expect(
      await settle(
        () => agentsOf(place),
        ({ length }) => length === 0,
      ),
    ).toEqual([])
  })

  test("the example client of the protocol's SDK takes a turn with a permission", async () => {
    await using place = await openPlace(ownAgent, () => [ownAgent.writes('a.txt', 'A\n'), { say: 'Written.' }])
    // It starts its agent as `npx tsx agent.ts`.
    writeFileSync(join(place.home.folder, 'npx'), `#!/bin/sh\nexec ${commandLine(agent)}\n`, { mode: 0o755 })
    const { code, out } = await run(place, [process.execPath, exampleClient], { input: '1\n', path: place.home.folder })
    expect([code, out]).toEqual([0, expect.stringMatching(/Permission requested: create a\.txt[\s\S]*updated: completed[\s\S]*Written\.[\s\S]*completed with: end_turn/)])
    expect(readFileSync(join(place.home.project, 'a.txt'), 'utf8')).toBe('A\n')
  })
})

// What the dispatch line looks up beside what is typed.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { LastKnown, agentsFor, directoryState } from '../../src/tui/list/launching.ts'

const never = new AbortController().signal
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function folder(): string {
  const made = realpathSync(mkdtempSync(join(tmpdir(), 'os-')))
  folders.push(made)
  return made
}

describe('a directory', () => {
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' }

  test('is told with its branch and how much of it is not committed', async () => {
    const shop = join(folder(), 'shop')
    mkdirSync(join(shop, 'src'), { recursive: true })
    const git = (...args: readonly string[]) => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@localhost', ...args], { cwd: shop, env })
    git('init', '--quiet', '--initial-branch=api')
    writeFileSync(join(shop, 'kept.txt'), 'kept\n')
    git('add', '.')
    git('commit', '--quiet', '-m', 'first')
    expect(await directoryState(env, shop, never)).toEqual({ project: 'shop', branch: 'api', changedFiles: 0 })
    writeFileSync(join(shop, 'kept.txt'), 'changed\n')
    writeFileSync(join(shop, 'new file\n.txt'), 'new\n')
    expect(await directoryState(env, join(shop, 'src'), never)).toEqual({ project: 'shop', branch: 'api', changedFiles: 2 })
  })

  test('that is in no repository has neither', async () => {
    const plain = folder()
    expect(await directoryState(env, plain, never)).toMatchObject({ branch: undefined, changedFiles: undefined })
  })

  test('is not waited for when git does not answer', async () => {
    const bin = folder()
    writeFileSync(join(bin, 'git'), '#!/bin/sh\nexec /bin/sleep 1000\n', { mode: 0o700 })
    const began = performance.now()
    expect(await directoryState({ ...env, PATH: bin }, folder(), never)).toMatchObject({ changedFiles: undefined })
    expect(performance.now() - began).toBeLessThan(10_000)
  })
})

test('agents are those of the configuration and those that are known, installed or not', async () => {
  const home = folder()
  mkdirSync(join(home, 'bin'))
  writeFileSync(join(home, 'bin', 'codex-acp'), '#!/bin/sh\n', { mode: 0o700 })
  const agents = await agentsFor({ HOME: home, OFFSTAGE_HOME: join(home, 'state'), PATH: join(home, 'bin') }, home)
  expect(agents.filter((agent) => agent.installed).map(({ name, default: standard }) => [name, standard])).toEqual([
    ['codex', true],
    ['offstage', false],
  ])
})

describe('what was asked last', () => {
  function asked() {
    const asks: { key: string; answer: (value: number) => void; fail: () => void }[] = []
    let nowMs = 0
    let changes = 0
    const known = new LastKnown<number>({
      ask: (key) => new Promise((resolve, reject) => asks.push({ key, answer: resolve, fail: () => reject(new Error('no')) })),
      now: () => nowMs,
      changed: () => (changes += 1),
    })
    return { known, asks, pass: (ms: number) => (nowMs += ms), changes: () => changes }
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve))

  test('is there at once, and asked again only when it is not fresh', async () => {
    const { known, asks, pass, changes } = asked()
    expect([known.get('a'), known.get('a'), known.peek('b')]).toEqual([undefined, undefined, undefined])
    expect(asks.map(({ key }) => key)).toEqual(['a'])
    asks[0]?.answer(1)
    await settled()
    expect([known.get('a'), asks.length, changes()]).toEqual([1, 1, 1])
    pass(5000)
    expect([known.get('a'), asks.length]).toEqual([1, 2])
    asks[1]?.answer(2)
    await settled()
    expect(known.peek('a')).toBe(2)
  })

  test('stays when the next answer fails or comes too late', async () => {
    const { known, asks, pass, changes } = asked()
    known.get('a')
    pass(5000)
    known.get('a')
    asks[1]?.answer(2)
    await settled()
    asks[0]?.answer(1)
    await settled()
    pass(5000)
    known.get('a')
    asks[2]?.fail()
    await settled()
    expect([known.peek('a'), changes()]).toEqual([2, 1])
  })
})

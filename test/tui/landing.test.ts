// Bringing a session's work into a branch, on a terminal: the plan, what becomes of it, and the conflict that is handed over.

import { describe, expect, onTestFinished, test } from 'vitest'
import { refusal } from '../../src/core/errors.ts'
import type { LandingPlan } from '../../src/core/workspace.ts'
import { openLanding } from '../../src/tui/review/landing-view.ts'
import { FakeClient, talker } from '../cli/fake-client.ts'
import { expectGolden, keys, stageOn } from './headless.ts'
import { answers, id, someFiles } from './review-changes.ts'

const worktree = { repository: '/work/shop', path: '/home/me/trees/shop', below: '', branch: 'offstage/backend-api', base: '4f2c1a0'.padEnd(40, '0'), from: 'main' }

function planned(more: Partial<LandingPlan> = {}): LandingPlan {
  const { from, to, files, added, removed } = answers(someFiles)({ session: id })
  return {
    session: id,
    into: 'main',
    how: 'merge',
    ahead: 3,
    behind: 2,
    uncommitted: 1,
    changes: { from, to, files, added, removed },
    conflicts: [],
    checks: ['npm test', 'npm run lint'],
    against: [],
    ...more,
  }
}

const ready = (): FakeClient => {
  const client = new FakeClient().create(id, { label: 'backend-api', spec: { ...talker, worktree }, prompt: 'Add an endpoint.' })
  if (client.view(id).workspace.state === 'preparing') client.report(id, { type: 'workspace-ready', base: worktree.base, ports: {} })
  client.endTurn(id)
  client.plan = ({ into = 'main', how = 'merge' }) => planned({ into, how })
  return client
}

async function landing(client: FakeClient, shows = 'brings') {
  const headless = stageOn({ columns: 80, rows: 24, client })
  const over = headless.run(openLanding(headless.stage, { session: client.view(id), environment: async () => ({ HOME: '/home/me' }) }))
  onTestFinished(async () => {
    headless.hangUp()
    await over
  })
  const all = (): string => headless.screen().join('\n')
  /** And read. */
  const shown = async (text: string): Promise<void> => {
    await headless.until(() => all().includes(text))
    client.nowMs += 1000
  }
  await shown(shows)
  return { ...headless, all, shown, over, commands: () => client.submitted.map(({ command }) => command).filter(({ type }) => type === 'land' || type === 'prompt') }
}

describe('the plan', () => {
  test('says all that would happen, and nothing happens without Enter', async () => {
    const { screen, type, over, commands } = await landing(ready())
    expectGolden('landing-80x24', screen())
    type('y', keys.escape)
    expect(await over).toEqual({ text: '', exitCode: 0 })
    expect(commands()).toEqual([])
  })

  test('that came this moment was not read: a key that was typed before is not for it', async () => {
    const client = ready()
    const { type, commands, all } = await landing(client)
    client.nowMs -= 900
    type(keys.enter)
    expect([commands(), all().includes('landing …')]).toEqual([[], false])
  })

  test('is another one by the way, the branch, and without its checks', async () => {
    const client = ready()
    const { type, shown, commands } = await landing(client)
    type(keys.tab)
    await shown('[squash]')
    type(keys.shiftTab, '-next', keys.enter)
    await shown('main-next')
    type(keys.space)
    await shown('left out: npm test')
    type(keys.enter)
    expect(commands()).toEqual([])
    await shown('landing …')
    expect(commands()).toEqual([{ type: 'land', land: { into: 'main-next', how: 'squash', checks: false } }])
    // For checks, where that of its run is gone.
    expect(client.submitted.at(-1)?.environment).toEqual({ HOME: '/home/me' })
  })

  test('with something against it cannot be carried out', async () => {
    const client = ready()
    client.plan = () => planned({ against: ['/work/shop has changes in src/db/schema.ts: commit or stash them'] })
    const { type, shown, commands, screen } = await landing(client)
    expectGolden('landing-against-80x24', screen())
    type(keys.enter)
    await shown('not now: /work/shop has changes')
    expect(commands()).toEqual([])
  })

  test('that brings nothing cannot be carried out', async () => {
    const client = ready()
    const { changes } = planned()
    client.plan = () => planned({ ahead: 0, uncommitted: 0, changes: { ...changes, files: [], added: 0, removed: 0 } })
    const { type, commands, all } = await landing(client, 'nothing: all of it is there')
    type(keys.enter)
    expect([commands(), all().includes('Enter')]).toEqual([[], false])
  })

  test.each([
    [{ ahead: 3, uncommitted: 0 }, '3 commits'],
    [{ ahead: 3, uncommitted: 2 }, '3 commits, one of them still to be made: 2 files are not committed'],
    [{ ahead: 1, uncommitted: 1 }, '1 commit, still to be made: 1 file is not committed'],
  ])('counts the commit that is made first among its commits: %o', async (counts, text) => {
    const client = ready()
    client.plan = () => planned(counts)
    const { screen } = await landing(client)
    expect(screen().find((row) => row.startsWith('   commits '))).toMatch(new RegExp(`^ {3}commits {4}${text}$`))
  })

  test('that is refused is told, and is asked again', async () => {
    const client = ready()
    client.plan = () => refusal('no-worktree', 'it works in place', 'its changes are in the tree already')
    const { type, shown } = await landing(client, 'its changes are in the tree already')
    client.plan = () => planned()
    type(keys.enter)
    await shown('brings')
  })
})

describe('what becomes of it', () => {
  test('is shown step by step up to its end', async () => {
    const client = ready()
    const { type, shown } = await landing(client)
    type(keys.enter)
    await shown('landing …')
    client.report(id, { type: 'step-started', step: 1, what: 'landing', command: 'npm test' })
    await shown('npm test')
    client.report(id, {
      type: 'landed',
      into: 'main',
      how: 'merge',
      commit: 'abcdef12'.padEnd(40, '0'),
      files: 5,
      results: [{ command: 'npm test', exitCode: 0, ms: 2100, output: '' }],
    })
    await shown('✓ landed in main (merge) as abcdef12: 5 files')
  })

  test('is told also when its screen was left', async () => {
    const client = ready()
    const headless = stageOn({ columns: 80, rows: 24, client })
    const below = { render: () => ['the list'], input: () => {}, title: () => '', close: () => {} }
    const over = headless.run(below)
    headless.stage.open(openLanding(headless.stage, { session: client.view(id), environment: async () => ({}) }))
    await headless.until((screen) => screen.join('').includes('brings'))
    client.nowMs += 1000
    headless.type(keys.enter)
    await headless.until((screen) => screen.join('').includes('landing …'))
    while (client.submitted.length === 0) await new Promise((resolve) => setImmediate(resolve))
    headless.type(keys.escape)
    expect(headless.screen()[0]).toBe('the list')
    client.report(id, { type: 'land-failed', at: 'checks', reason: 'npm test failed on the merged tree' })
    await headless.until((screen) => screen.join('').includes('backend-api: not landed: npm test failed on the merged tree'))
    headless.hangUp()
    await over
  })

  test('that is not heard any more is not told as not begun: how it stands is asked anew', async () => {
    const client = ready()
    const { type, shown, commands } = await landing(client)
    client.plan = () => planned({ against: ['it is being landed'] })
    client.watch = () => {
      throw new Error('connection lost')
    }
    type(keys.enter)
    await shown('! it is being landed')
    type(keys.enter)
    expect(commands()).toHaveLength(1)
  })

  test('checks that failed stand there with what they printed', async () => {
    const client = ready()
    const { type, shown, all } = await landing(client)
    type(keys.enter)
    await shown('landing …')
    client.report(id, {
      type: 'land-failed',
      at: 'checks',
      reason: 'npm test failed',
      results: [{ command: 'npm test', exitCode: 1, ms: 10, output: '2 failing\n\x1b[31mred\x1b[0m' }],
    })
    await shown('✗ not landed: npm test failed')
    expect(all()).toContain('2 failing')
  })

  test.each(['before', 'afterwards'])('a conflict that is found %s is handed to the session as a prompt that is read first', async (when) => {
    const client = ready()
    const conflicts = ['src/db/schema.ts']
    if (when === 'before') client.plan = () => planned({ conflicts })
    const { type, shown, commands, screen } = await landing(client)
    if (when === 'afterwards') {
      type(keys.enter)
      await shown('landing …')
      client.report(id, { type: 'land-failed', at: 'conflict', reason: 'it conflicts with main', paths: conflicts })
      await shown('✗ not landed')
    } else expectGolden('landing-conflict-80x24', screen())
    type(keys.enter)
    await shown('a prompt for backend-api')
    expect(commands().filter((one) => one.type === 'prompt')).toEqual([])
    type(keys.enter)
    await headlessEnd(client)
    const prompt = commands().find((one) => one.type === 'prompt')
    expect(prompt).toMatchObject({ text: expect.stringContaining('"src/db/schema.ts"') })
  })
})

/** Until the prompt is there. */
async function headlessEnd(client: FakeClient): Promise<void> {
  const deadline = performance.now() + 5000
  while (client.submitted.every(({ command }) => command.type !== 'prompt')) {
    if (performance.now() > deadline) throw new Error('no prompt was sent')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

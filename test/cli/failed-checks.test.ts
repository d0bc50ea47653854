// An agent that says it is done, and a check that says otherwise: its status stays `completed`, and whatever is shown of it says that it is not done.

import { expect, test } from 'vitest'
import type { LaunchSpec } from '../../src/core/events.ts'
import { baseText } from '../../src/text/place-text.ts'
import { filterFrom, fitsFields } from '../../src/tui/list/filter.ts'
import { view } from '../tui/list-sessions.ts'
import { FakeClient } from './fake-client.ts'
import { offstage } from './run-cli.ts'

const spec: LaunchSpec = { kind: 'agent', driver: 'acp', agent: 'talker', argv: ['talker'], cwd: '/work/shop', checks: ['npm test'] }

function ended(exitCode: number): FakeClient {
  const client = new FakeClient()
  client.create('k3f9x2ab', { spec, title: 'Fix the cart', prompt: 'Fix the cart' }).endTurn('k3f9x2ab')
  return client.report('k3f9x2ab', { type: 'checked', turn: 1, results: [{ command: 'npm test', exitCode, ms: 900, output: '1 failing\n' }] })
}

test('the list on a terminal has the mark of a failure beside the status, and what failed', async () => {
  const { out } = await offstage(ended(1), ['sessions'], { tty: true, columns: 120, color: true })
  expect(out).toContain('\x1b[31m✗ completed')
  expect(out).toContain('check failed: npm test (exit code 1)')
  expect((await offstage(ended(0), ['sessions'], { tty: true, columns: 120 })).out).toContain('✓ completed')
})

test('through a pipe and as JSON the status is what it is', async () => {
  expect((await offstage(ended(1), ['sessions'])).out.split('\t')[1]).toBe('completed')
  expect(JSON.parse((await offstage(ended(1), ['sessions', '--json'])).out)).toMatchObject([{ status: 'completed', outcome: { kind: 'check-failed' } }])
})

test.each([
  ['completed', 1, true],
  ['failed', 1, true],
  ['error', 1, true],
  ['failed', 0, false],
  ['working', 1, false],
])('--status %s with a check that ended with %i: listed %s', async (status, exitCode, isListed) => {
  expect((await offstage(ended(exitCode), ['sessions', '--status', status])).out !== '').toBe(isListed)
})

test('waiting for it ends with 11, as for one that failed', async () => {
  expect([(await offstage(ended(1), ['wait', 'k3f9'])).code, (await offstage(ended(0), ['wait', 'k3f9'])).code]).toEqual([11, 0])
})

test('why has the same mark', async () => {
  expect((await offstage(ended(1), ['why', 'k3f9'])).out).toContain('✗ completed')
})

test('the filter of the screens goes by what is shown: it failed, and is not done', () => {
  const session = view('k3f9x2ab', { status: 'completed', outcome: { kind: 'check-failed', summary: 'check failed: npm test', checks: [] } })
  expect(['failed', 'error', 'done', 'completed'].filter((word) => fitsFields(session, filterFrom(`status:${word}`)))).toEqual(['failed', 'error'])
})

test('what a worktree began with is told by its branch and commit, and by what it took along', () => {
  const { workspace } = view('k3f9x2ab')
  const own = { ...workspace, from: 'main', base: '4f2c1a0b99999999' }
  expect([baseText(own), baseText({ ...own, carried: true }), baseText({ ...own, carried: true }, 8, '11112222333344445555')]).toEqual([
    'main 4f2c1a0b',
    'main with your uncommitted changes',
    'main 11112222 with your uncommitted changes',
  ])
})

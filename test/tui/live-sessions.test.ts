// The sessions behind the screens: when what no fact tells of them (the branch of a project) is asked anew.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { viewOf } from '../../src/core/view.ts'
import { LiveSessions } from '../../src/tui/live-sessions.ts'
import { FakeClient, talker } from '../cli/fake-client.ts'
import { listOn } from './list-on-stage.ts'

const [first, second, elsewhere] = ['aaaaaaaa', 'bbbbbbbb', 'cccccccc'] as const

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A daemon that tells which branch is checked out when it is asked; the name of the branch can be changed. */
function daemon() {
  const client = new FakeClient()
  const asked: string[] = []
  const now = { branch: 'main' }
  client.view = (id) => {
    const view = viewOf(client.session(id), client.nowMs)
    return { ...view, project: { name: 'shop', branch: view.cwd === talker.cwd ? now.branch : null } }
  }
  const { list, get } = client
  client.list = (query) => (asked.push('list'), list.call(client, query))
  client.get = (id) => (asked.push(id), get.call(client, id))
  client
    .create(first, { prompt: 'x' })
    .create(second, { prompt: 'y' })
    .create(elsewhere, { prompt: 'z', spec: { ...talker, cwd: '/work/site' } })
  return { client, asked, now }
}

async function watched() {
  const { client, asked, now } = daemon()
  const leaving = new AbortController()
  let changes = 0
  const sessions = new LiveSessions(client, leaving.signal, { changed: () => (changes += 1), failed: () => {} })
  await settled()
  const branches = (): readonly unknown[] => [first, second, elsewhere].map((id) => sessions.get(id)?.project.branch)
  expect(branches()).toEqual(['main', 'main', null])
  return { client, asked, now, leaving, sessions, branches, changes: () => changes }
}

test('whoever looks at them again sees the branches as they are, and nothing is painted when they are as they were', async () => {
  const { sessions, branches, changes, now, asked } = await watched()
  const before = changes()
  sessions.lookAgain()
  await settled()
  expect([asked, changes()]).toEqual([['list'], before])
  now.branch = 'fix'
  sessions.lookAgain()
  sessions.lookAgain()
  await settled()
  expect([asked, branches(), changes()]).toEqual([['list', 'list'], ['fix', 'fix', null], before + 1])
})

test('a turn that has ended may have changed the branch of all that work there; without one nobody asks', async () => {
  const { client, branches, now, asked } = await watched()
  vi.advanceTimersByTime(3_600_000)
  client.say(first, '1.1', 'I check out a branch.').endTurn(first)
  await settled()
  // The daemon looks once in two seconds: what it told with the end of the turn may be older.
  now.branch = 'fix'
  expect([asked, branches()]).toEqual([[], ['main', 'main', null]])
  vi.advanceTimersByTime(2100)
  await settled()
  expect([asked, branches()]).toEqual([[first], ['fix', 'fix', null]])
  vi.advanceTimersByTime(3_600_000)
  expect(asked).toEqual([first])
})

test('nobody asks any more when the screens are left', async () => {
  const { client, asked, leaving } = await watched()
  client.endTurn(first)
  await settled()
  leaving.abort()
  vi.advanceTimersByTime(3000)
  expect(asked).toEqual([])
})

test('the list looks again when its terminal is typed into again, and when it is on the screen again', async () => {
  vi.useRealTimers()
  const { client, now } = daemon()
  const on = listOn({ client, columns: 100 })
  await on.until((screen) => screen.join('\n').includes('shop main'))
  now.branch = 'fix'
  on.type('\x1b[I')
  await on.until((screen) => screen.join('\n').includes('shop fix'))
  now.branch = 'next'
  on.list.resumed()
  await on.until((screen) => screen.join('\n').includes('shop next'))
  on.hangUp()
})

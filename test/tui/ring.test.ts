// The tap on the shoulder while the screens are open: what rings, and what is nobody's business.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { NotifySettings } from '../../src/core/announcement.ts'
import type { SessionView } from '../../src/core/view.ts'
import { Ring } from '../../src/tui/ring.ts'
import { FakeClient } from '../cli/fake-client.ts'
import { nowMs, request, view } from './list-sessions.ts'

const settings: NotifySettings = { needsYou: true, completed: true, failed: true, onScreen: true, terminal: true, desktop: false, minDurationMs: 0 }
const id = 'k3f9x2ab'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** What is written to the terminal when these follow each other. */
function rung(...states: readonly (readonly SessionView[])[]): readonly string[] {
  const written: string[] = []
  let sessions: readonly SessionView[] = []
  const ring = new Ring({
    settings,
    env: { TERM: 'foot' },
    now: () => nowMs,
    sessions: () => sessions,
    isSeen: () => false,
    write: (sequence) => written.push(sequence),
  })
  for (const state of states) {
    sessions = state
    ring.look()
    vi.advanceTimersByTime(1000)
  }
  ring.close()
  return written
}

test('it rings for what begins to need the user, is done or has failed, once', () => {
  const asks = view(id, { requests: [request('q1', 'delete a.ts')] })
  expect(rung([view(id)], [asks], [asks])).toEqual([expect.stringContaining('needs you;delete a.ts')])
  expect(rung([view(id)], [view(id, { status: 'completed' })])).toEqual([expect.stringContaining('completed')])
  expect(rung([asks])).toEqual([])
})

test('it does not ring for an agent that only waits for its first prompt', () => {
  const client = new FakeClient()
  client.onStart = null
  const starting = client.create(id).view(id)
  client.report(id, { type: 'started', keeper: { pid: 10, start: 1 }, child: { pid: 11, start: 1 } }).ready(id)
  const waiting = client.view(id)
  expect([starting.status, waiting.status, waiting.newcomer]).toEqual(['starting', 'waiting', true])
  expect(rung([starting], [waiting])).toEqual([])
  const asked = client.ask(id, 'q1', 'delete a.ts').view(id)
  expect(asked.newcomer).toBe(false)
  expect(rung([waiting], [asked])).toHaveLength(1)
})

test('it does not ring for a pause that is over by itself', () => {
  expect(rung([view(id)], [view(id, { status: 'paused', paused: { until: null, why: 'usage limit' } })])).toEqual([])
})

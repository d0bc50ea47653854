// The live list: of the engine, over the wire, and its own parts.

import { setTimeout as delay } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import type { Event } from '../../src/core/events.ts'
import { fold } from '../../src/core/session.ts'
import { viewOf } from '../../src/core/view.ts'
import { Engine } from '../../src/engine/engine.ts'
import { ListFeed } from '../../src/engine/list-feed.ts'
import { memoryLog } from '../../src/store/memory-log.ts'
import { FakeClient } from '../cli/fake-client.ts'
import { TestHome, newId } from '../home.ts'
import { programSpec, start } from '../sessions.ts'
import { noTrees } from './fake-workspaces.ts'
import { type Opened, Watched, liveListContract } from './live-list.ts'

const unused = (): never => {
  throw new Error('unused')
}

/** An engine over sessions that never run. */
async function engineAlone(): Promise<Opened> {
  const end = new AbortController()
  const log = memoryLog()
  const engine = await Engine.open({
    log,
    keepers: {
      start: unused,
      find: unused,
      release: async () => {},
      sweep: async () => 0,
      processes: async () => [],
      sync: async () => {},
      readLog: unused,
      logEnd: async () => 0,
      logBytes: async () => 0,
    },
    driver: unused,
    files: { read: unused, write: unused },
    screens: { snapshot: async () => undefined, cursor: async () => undefined, text: async () => undefined, advance: () => {} },
    projects: { refresh: async () => {}, of: () => ({ name: 'project', branch: 'main' }) },
    search: { search: unused },
    trees: noTrees(),
    nowMs: () => 1_000_000,
    delay: (ms) => delay(ms, undefined, { ref: false }),
    warn: () => {},
    signal: end.signal,
    version: '0.0.0',
    availableMemory: async () => undefined,
    limits: { maxLiveRuns: 0, minFreeMemoryBytes: 0, stallAfterMs: 0, idleAfterMs: 0, keepOutputMs: 0, keepOutputBytes: 0, keepSnapshotsMs: 0, keepWorktreesMs: 0 },
    initializeTimeoutMs: 60_000,
  })
  return {
    api: engine,
    create: async (title) => {
      const session = newId()
      // Without an environment its run never starts.
      await engine.submit(
        { session, commandId: newId(), command: { type: 'create', title, spec: { kind: 'agent', driver: 'acp', agent: 'test', argv: ['test'], cwd: '/work/shop' } } },
        end.signal,
      )
      return session
    },
    [Symbol.asyncDispose]: async () => end.abort(),
  }
}

liveListContract('the engine\u2019s', engineAlone)

liveListContract('over the wire', async () => {
  const home = new TestHome()
  const client = await home.client()
  return {
    api: client,
    create: (title) => start(client, home, programSpec(home.project, ['sleep', '1000'], 'command'), undefined, { title }),
    [Symbol.asyncDispose]: () => home.close(),
  }
})

liveListContract('of the client that tests have', async () => {
  const client = new FakeClient()
  let made = 0
  return {
    api: client,
    create: async (title) => {
      const session = `s${String((made += 1)).padStart(7, '0')}`
      client.create(session, { title })
      return session
    },
    [Symbol.asyncDispose]: async () => {},
  }
})

const view = (id: string) => {
  const event: Event = { type: 'created', title: id, spec: { kind: 'agent', driver: 'acp', agent: 'test', argv: ['test'], cwd: '/work' } }
  return viewOf(fold([{ session: id, seq: 1, cursor: 1, atMs: 1, by: 'user', event }]) ?? unused(), 1)
}

function feed(ids: readonly string[] = []) {
  const made: string[] = []
  const list = new ListFeed({
    ids: () => ids,
    ready: async () => {},
    view: (id) => {
      made.push(id)
      return view(id)
    },
  })
  return { list, made }
}

/** Time passes only when the test says so. */
const heldClock = (): Disposable => {
  vi.useFakeTimers()
  return { [Symbol.dispose]: () => void vi.useRealTimers() }
}

const next = async (frames: AsyncIterator<unknown>): Promise<unknown> => {
  const { value, done } = (await frames.next()) as { value: { kind: string; session?: { id: string } }; done?: boolean }
  return done ? 'end' : (value.session?.id ?? value.kind)
}

test('a reader that takes its time is told each session once more, as it is then', async () => {
  using _ = heldClock()
  const { list, made } = feed(['a', 'b', 'c'])
  const end = new AbortController()
  const frames = list.watch(end.signal)[Symbol.asyncIterator]()
  expect(await next(frames)).toBe('a')
  for (let times = 0; times < 1000; times += 1) for (const id of ['a', 'b', 'c']) list.changed(id)
  // Nothing is made for it before it asks.
  await vi.advanceTimersByTimeAsync(100)
  expect(made).toEqual(['a'])
  // What was not told yet when it changed is told once.
  expect([await next(frames), await next(frames), await next(frames), await next(frames)]).toEqual(['b', 'c', 'caught-up', 'a'])
  for (let times = 0; times < 1000; times += 1) list.changed('c')
  await vi.advanceTimersByTimeAsync(100)
  expect(await next(frames)).toBe('c')
  end.abort()
  expect(await next(frames)).toBe('end')
  expect(made).toEqual(['a', 'b', 'c', 'a', 'c'])
})

test('a slow reader holds up no other one', async () => {
  const { list } = feed(['a'])
  const end = new AbortController()
  const slow = list.watch(end.signal)[Symbol.asyncIterator]()
  await next(slow)
  const quick = new Watched({ sessions: (signal) => list.watch(signal) })
  await quick.caughtUp()
  list.changed('a')
  await quick.until((frames) => frames.length === 3)
  await quick.end()
  end.abort()
  expect(await next(slow)).toBe('end')
})

test('a change is told within 50 ms, what is only said a little later, and never later than something sooner', async () => {
  const { list } = feed([])
  const watched = new Watched({ sessions: (signal) => list.watch(signal) })
  await watched.caughtUp()
  const told = async (id: string): Promise<number> => {
    const startedAtMs = performance.now()
    await watched.until(() => watched.sessions.has(id))
    return performance.now() - startedAtMs
  }
  // The machine may be busy: the best of a few.
  const times: number[] = []
  for (const id of ['a', 'b', 'c', 'd']) {
    list.changed(id)
    times.push(await told(id))
  }
  expect(Math.min(...times)).toBeLessThan(50)
  list.changed('slow', 5000)
  list.changed('quick')
  await told('quick')
  expect(watched.sessions.has('slow')).toBe(true)
  await watched.end()
})

test('while nothing changes, and while nobody watches, there is no timer', async () => {
  using _ = heldClock()
  const { list } = feed(['a'])
  list.changed('a')
  expect(vi.getTimerCount()).toBe(0)
  const end = new AbortController()
  const frames = list.watch(end.signal)[Symbol.asyncIterator]()
  expect([await next(frames), await next(frames), vi.getTimerCount()]).toEqual(['a', 'caught-up', 0])
  for (let times = 0; times < 10; times += 1) list.changed('a')
  expect(vi.getTimerCount()).toBe(1)
  const told = next(frames)
  await vi.advanceTimersByTimeAsync(25)
  expect([await told, vi.getTimerCount()]).toEqual(['a', 0])
  list.changed('a')
  const last = next(frames)
  end.abort()
  expect([await last, vi.getTimerCount()]).toEqual(['end', 0])
})

test('a watch that is given up in the midst of the list is over', async () => {
  using _ = heldClock()
  const { list, made } = feed(['a', 'b'])
  for await (const frame of list.watch(new AbortController().signal)) {
    expect(frame.kind).toBe('session')
    break
  }
  list.changed('b')
  await vi.advanceTimersByTimeAsync(100)
  expect(made).toEqual(['a'])
  const aborted = list.watch(AbortSignal.abort())[Symbol.asyncIterator]()
  expect(await next(aborted)).toBe('end')
})

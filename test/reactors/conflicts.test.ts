// When conflicts are looked for, and what is recorded of them: sessions under a held clock.

import { EventEmitter, on } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import type { SessionId } from '../../src/core/ids.ts'
import type { ConflictPolicy, Overlapping } from '../../src/core/overlap.ts'
import type { Conflict } from '../../src/core/workspace.ts'
import { watchConflicts } from '../../src/reactors/conflicts/index.ts'
import { FakeClient } from '../cli/fake-client.ts'

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

class World {
  readonly client = new FakeClient()
  readonly looks: { readonly atMs: number; readonly changed: readonly string[] }[] = []
  readonly recorded: string[] = []
  readonly warnings: string[] = []
  conflicts: readonly Conflict[] = []
  unknown: ReadonlySet<SessionId> = new Set()
  policy: ConflictPolicy = 'tell'
  /** How long a look takes, and whether it fails. */
  takesMs = 0
  fails = false
  timersSet = 0
  nowMs = 0
  #timers: { readonly dueMs: number; readonly fire: () => void }[] = []
  readonly #end = new AbortController()
  readonly #disk = new EventEmitter<{ touched: [SessionId] }>()

  async start(): Promise<void> {
    for (const id of ['sess0001', 'sess0002']) this.client.create(id, { label: id, prompt: 'go' })
    const cursor = (await this.client.get('sess0001'))?.cursor ?? 0
    const { signal } = this.#end
    onTestFinished(() => this.#end.abort())
    void watchConflicts(
      {
        api: this.client,
        cursor: () => cursor,
        overlapping: () =>
          ['sess0001', 'sess0002'].map((id, index): Overlapping => {
            const { tree, label } = this.client.session(id)
            return { id, label, takesPrompts: true, wroteAtMs: index, conflicts: tree.conflicts, note: tree.note }
          }),
        outlook: async ({ changed }) => {
          this.looks.push({ atMs: this.nowMs, changed: [...changed].toSorted() })
          const { conflicts, unknown } = this
          if (this.takesMs > 0) await this.#delay(this.takesMs)
          if (this.fails) throw new Error('git is not installed')
          return { forecasts: [{ repository: '/r', sessions: [], conflicts, order: [] }], unknown }
        },
        touched: (by) => this.#touchedUntil(by),
        policy: async () => this.policy,
        report: async ({ session, report, ask }) => {
          this.recorded.push(`${session}: ${report.with.map((one) => one.session).join(' ')}${report.note === undefined ? '' : ' told'}${ask ? ' asked' : ''}`)
          this.client.report(session, report)
          if (ask) this.client.report(session, { type: 'asks-about', ask })
        },
        monotonicMs: () => this.nowMs,
        delay: (ms) => this.#delay(ms),
        warn: (_facts, message) => void this.warnings.push(message),
      },
      signal,
    )
    await settled()
    this.timersSet = 0
  }

  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms
    for (;;) {
      await settled()
      const [next] = this.#timers.toSorted((one, other) => one.dueMs - other.dueMs)
      if (!next || next.dueMs > untilMs) break
      this.nowMs = Math.max(this.nowMs, next.dueMs)
      this.#timers = this.#timers.filter((one) => one !== next)
      next.fire()
    }
    this.nowMs = untilMs
  }

  edit(id: string, entryId: string, toolKind = 'edit', status: 'completed' | 'running' = 'completed'): void {
    this.client.report(id, { type: 'entry', entryId, entry: { kind: 'tool', title: 'a tool', toolKind, status } })
  }

  /** Something was written in the tree of this session. */
  touch(id: string): void {
    this.#disk.emit('touched', id)
  }

  async *#touchedUntil(signal: AbortSignal): AsyncGenerator<SessionId> {
    for await (const [id] of on(this.#disk, 'touched', { signal })) yield id
  }

  #delay(ms: number): Promise<void> {
    this.timersSet += 1
    return new Promise((fire) => void this.#timers.push({ dueMs: this.nowMs + ms, fire }))
  }
}

async function world(): Promise<World> {
  const made = new World()
  await made.start()
  return made
}

const conflict: Conflict = { sessions: ['sess0001', 'sess0002'], repository: '/r', paths: ['a.ts'], shared: ['a.ts'] }

test('one second after the last hint trees are compared, each session once', async () => {
  const here = await world()
  here.edit('sess0001', '1.1')
  await here.pass(600)
  here.edit('sess0002', '1.1')
  here.edit('sess0001', '1.2')
  await here.pass(999)
  expect(here.looks).toEqual([])
  await here.pass(1)
  expect(here.looks).toEqual([{ atMs: 1600, changed: ['sess0001', 'sess0002'] }])
})

test('while hints go on, they are compared five seconds after the first', async () => {
  const here = await world()
  for (let number = 1; number <= 20; number += 1) {
    here.edit('sess0001', `1.${number}`)
    await here.pass(500)
  }
  expect(here.looks[0]).toEqual({ atMs: 5000, changed: ['sess0001'] })
  expect(here.looks.length).toBeLessThanOrEqual(3)
})

test('without a hint there is no timer and no look', async () => {
  const here = await world()
  here.client.say('sess0001', '1.1', 'I will read first.')
  here.edit('sess0001', '1.2', 'read')
  here.edit('sess0001', '1.3', 'edit', 'running')
  here.client.command('sess0001', { type: 'pin', pinned: true })
  await here.pass(3_600_000)
  expect([here.looks, here.timersSet]).toEqual([[], 0])
  here.client.endTurn('sess0001')
  await here.pass(3_600_000)
  expect([here.looks.length, here.timersSet]).toEqual([1, 1])
})

test.each(['edit', 'delete', 'move', 'execute'])('a tool call of kind %s is a hint', async (toolKind) => {
  const here = await world()
  here.edit('sess0001', '1.1', toolKind)
  await here.pass(1000)
  expect(here.looks).toHaveLength(1)
})

test('what the disk tells is a hint as a fact is', async () => {
  const here = await world()
  here.touch('sess0002')
  await here.pass(500)
  here.edit('sess0001', '1.1')
  await here.pass(1000)
  expect(here.looks).toEqual([{ atMs: 1500, changed: ['sess0001', 'sess0002'] }])
})

test('what changed is recorded with both, once, and the later writer is to be told', async () => {
  const here = await world()
  here.conflicts = [conflict]
  here.edit('sess0002', '1.1')
  await here.pass(1000)
  expect(here.recorded).toEqual(['sess0001: sess0002', 'sess0002: sess0001 told'])
  here.edit('sess0002', '1.2')
  await here.pass(1000)
  expect([here.looks.length, here.recorded.length]).toEqual([2, 2])
  here.conflicts = []
  here.client.endTurn('sess0001')
  await here.pass(1000)
  expect(here.recorded.slice(2)).toEqual(['sess0001: ', 'sess0002: '])
  expect(here.client.session('sess0002').tree).toMatchObject({ conflicts: [], note: null })
})

test('its own facts are no hints', async () => {
  const here = await world()
  here.conflicts = [conflict]
  here.policy = 'ask'
  here.edit('sess0002', '1.1')
  await here.pass(600_000)
  expect(here.looks).toHaveLength(1)
  expect(here.recorded).toEqual(['sess0001: sess0002', 'sess0002: sess0001 told asked'])
  expect(here.client.session('sess0002').requests.map(({ about }) => about)).toEqual(['conflict'])
})

test('what nothing can be said about keeps what is recorded', async () => {
  const here = await world()
  here.conflicts = [conflict]
  here.edit('sess0002', '1.1')
  await here.pass(1000)
  here.conflicts = []
  here.unknown = new Set(['sess0001'])
  here.edit('sess0002', '1.2')
  await here.pass(1000)
  expect(here.recorded).toHaveLength(2)
  expect(here.client.session('sess0001').tree.conflicts).toHaveLength(1)
})

test('a look that fails is told to the log, and the next hint looks again', async () => {
  const here = await world()
  here.fails = true
  here.edit('sess0001', '1.1')
  await here.pass(60_000)
  expect([here.looks.length, here.warnings]).toEqual([1, ['conflicts could not be forecast']])
  here.fails = false
  here.edit('sess0001', '1.2')
  await here.pass(1000)
  expect(here.looks).toHaveLength(2)
})

test('hints that come during a look lead to one more, never to two at a time', async () => {
  const here = await world()
  here.takesMs = 3000
  here.edit('sess0001', '1.1')
  await here.pass(1500)
  here.edit('sess0002', '1.1')
  await here.pass(1500)
  expect(here.looks).toEqual([{ atMs: 1000, changed: ['sess0001'] }])
  await here.pass(60_000)
  expect(here.looks).toEqual([
    { atMs: 1000, changed: ['sess0001'] },
    { atMs: 4000, changed: ['sess0002'] },
  ])
})

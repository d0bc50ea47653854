// Two daemons, and daemons that die while others are starting: one serves, nothing is started twice, nothing is lost.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Client } from '../../src/sdk/index.ts'
import { TestHome, facts, never, newId, settle, until } from '../home.ts'
import { isRunning, pause, seeded, soak } from '../machine.ts'
import { programSpec, start } from '../sessions.ts'

const waiting = programSpec('/', ['sleep', '100000'])

const daemons = (home: TestHome): number[] => home.processes().flatMap(({ pid, command }) => (command.includes('daemon/main') ? [pid] : []))

async function killAll(pids: readonly number[]): Promise<void> {
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await settle(
    () => pids.filter(isRunning),
    (left) => left.length === 0,
  )
}

test(`two daemons race ${soak ? 50 : 6} times for a home with a live session: one wins, the other leaves, the session stays`, async () => {
  await using home = new TestHome()
  await home.startDaemon()
  const first = await home.client(false)
  const session = await start(first, home, waiting)
  const { run } = await until(first, session, (view) => view.run?.pid != null)
  for (let round = 0; round < (soak ? 50 : 6); round++) {
    // A keeper that was quick enough brings a third one, which may win.
    rmSync(join(home.folder, 'home', 'daemon.start'), { force: true })
    await killAll(daemons(home))
    const said = await Promise.all([home.startDaemon(), home.startDaemon()])
    expect(['held,held', 'held,ready']).toContain(said.toSorted().join(','))
    expect(
      await settle(
        () => daemons(home),
        (pids) => pids.length === 1,
      ),
    ).toHaveLength(1)
    const client = await home.client(false)
    expect((await client.list({ all: true }, never)).map((view) => [view.id, view.status, view.run])).toEqual([[session, 'working', run]])
    client.close()
  }
  expect(isRunning(run?.pid ?? 0)).toBe(true)
  const events = await facts(await home.client(false), session)
  expect(events.map(({ seq, event }) => [seq, event.type])).toEqual([
    [1, 'created'],
    [2, 'run-starting'],
    [3, 'run-started'],
  ])
})

test('a daemon that is killed while another one is starting leaves the home to that one or to the next', async () => {
  await using home = new TestHome()
  await home.startDaemon()
  const session = await start(await home.client(false), home, waiting)
  const random = seeded(1)
  for (let round = 0; round < (soak ? 50 : 6); round++) {
    const old = daemons(home)
    const starting = home.startDaemon()
    await pause(random(300))
    await killAll(old)
    const said = await starting
    expect(['ready', 'held']).toContain(said)
    // Who was told "held" asked while the other one still lived: the next command starts one.
    const client = await home.client()
    const [view] = await client.list({ all: true }, never)
    expect([view?.id, view?.status]).toEqual([session, 'working'])
    client.close()
    expect(
      await settle(
        () => daemons(home).length,
        (count) => count === 1,
      ),
    ).toBe(1)
  }
})

test('ten clients create sessions while the daemon is killed: every session is there, with one program', async () => {
  await using home = new TestHome()
  const clients = await Promise.all(Array.from({ length: 10 }, () => home.client()))
  const each = soak ? 20 : 2
  const creating = clients.map((client) => Promise.all(Array.from({ length: each }, () => create(home, client))))
  for (let round = 0; round < (soak ? 20 : 2); round++) {
    await pause(40)
    for (const pid of daemons(home)) process.kill(pid, 'SIGKILL')
    await settle(
      () => daemons(home).length,
      (count) => count > 0,
    )
    await pause(300)
  }
  const ids = (await Promise.all(creating)).flat()
  const client = await home.client()
  for (const id of ids) await until(client, id, (view) => view.status === 'working')
  const views = await client.list({ all: true }, never)
  expect(views.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
  const sleeping = home.processes().flatMap(({ pid, command }) => (command.startsWith('sleep ') ? [pid] : []))
  expect(sleeping.toSorted()).toEqual(views.map(({ run }) => run?.pid ?? 0).toSorted())
})

/** As a script does that was told that no daemon could be started: it asks again, with the same id. */
async function create(home: TestHome, first: Client): Promise<string> {
  const submission = { session: newId(), commandId: newId(), command: { type: 'create', spec: waiting, title: 'sleeper' }, environment: home.env } as const
  let client = first
  for (let left = 10; ; left--) {
    try {
      await client.submit(submission, never)
      return submission.session
    } catch (cause) {
      if (left === 0) throw cause
      client = await home.client().catch(() => client)
    }
  }
}

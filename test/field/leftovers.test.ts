// What a run leaves behind: programs that left its group, session, parent and environment, and runs whose folder somebody removed.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ProcessIdentity } from '../../src/core/events.ts'
import type { Client } from '../../src/sdk/index.ts'
import { TestHome, accepted, fact, facts, settle, until } from '../home.ts'
import { isRunning, startOf } from '../machine.ts'
import { agentSpec, hostile, prints, programSpec, start, tell } from '../sessions.ts'

const runOf = (home: TestHome, session: string): string => join(home.folder, 'home', 'runs', session)

/** By name: an agent's daemons that hear no signal, and that nothing ties to it. */
const stayers = (home: TestHome): number[] => home.processes().flatMap(({ pid, command }) => (/trap ''|sleep 100000/.test(command) ? [pid] : []))

/** A program that ends by itself, and leaves such a daemon. Resolves to its pid when it does nothing else any more. */
const leavesOne = (home: TestHome): string[] => {
  const daemon = `trap "" TERM HUP INT; echo $$ > ${join(home.project, 'pid')}; while :; do sleep 0.05; done`
  return ['sh', '-c', `setsid env -i sh -c '${daemon}' mark-${home.folder} > /dev/null 2>&1 < /dev/null & until [ -s pid ]; do sleep 0.02; done; echo over`]
}
const leftBy = async (home: TestHome, client: Client, session: string): Promise<number> => {
  await until(client, session, ({ exit, run }) => exit !== null && !run?.alive)
  return Number(readFileSync(join(home.project, 'pid'), 'utf8'))
}

/** Also when the test failed: nothing of it may stay. */
const endAll = (pids: readonly number[]): number[] => {
  const left = pids.filter(isRunning)
  for (const pid of left) process.kill(pid, 'SIGKILL')
  return left
}

async function startedBy(client: Client, session: string): Promise<{ readonly keeper: ProcessIdentity; readonly child: ProcessIdentity }> {
  const { event } = await fact(client, session, ({ type }) => type === 'run-started')
  if (event.type !== 'run-started') throw new Error('not started')
  return event
}

test('stop ends daemons that left group, session, parent and environment and ignore TERM, also when their agent obeys at once', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await start(client, home, agentSpec(home.project, [process.execPath, hostile, 'daemons-that-stay']), 'go')
  await until(client, session, ({ status }) => status === 'completed')
  const theirs = stayers(home)
  expect(theirs.length).toBeGreaterThanOrEqual(2)
  const { keeper } = await startedBy(client, session)
  accepted(await tell(client, session, { type: 'stop' }))
  await until(client, session, ({ status }) => status === 'stopped')
  expect(endAll(theirs)).toEqual([])
  expect(
    await settle(
      () => isRunning(keeper.pid),
      (runs) => !runs,
    ),
  ).toBe(false)
})

test('a stop whose daemon dies after the agent has ended, and before its daemons have, is brought to its end by the next', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await start(first, home, agentSpec(home.project, [process.execPath, hostile, 'daemons-that-stay']), 'go')
  await until(first, session, ({ status }) => status === 'completed')
  const theirs = stayers(home)
  accepted(await tell(first, session, { type: 'stop' }))
  await fact(first, session, ({ type }) => type === 'run-exited')
  await home.killDaemon()
  expect(theirs.filter(isRunning)).not.toEqual([])
  const client = await home.client()
  await until(client, session, ({ status }) => status === 'stopped')
  expect(endAll(theirs)).toEqual([])
})

test('what a program leaves behind when it ends by itself goes on, until the session is stopped', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await start(client, home, programSpec(home.project, leavesOne(home)))
  const left = await leftBy(home, client, session)
  const { keeper } = await startedBy(client, session)
  expect([
    await settle(
      () => isRunning(keeper.pid),
      (runs) => !runs,
    ),
    isRunning(left),
  ]).toEqual([false, true])
  accepted(await tell(client, session, { type: 'stop' }))
  await fact(client, session, ({ type }) => type === 'stopped')
  expect(endAll([left])).toEqual([])
})

test('what a program left behind is ended before its session runs again, by another daemon too, and nobody else who bears such a pid', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await start(first, home, programSpec(home.project, leavesOne(home)))
  const left = await leftBy(home, first, session)
  const file = join(runOf(home, session), '1', 'left.json')
  await settle(() => existsSync(file), Boolean)
  const known = JSON.parse(readFileSync(file, 'utf8')) as { boot: string; processes: ProcessIdentity[] }
  expect(known.processes).toContainEqual({ pid: left, start: startOf(left) })
  await home.killDaemon()
  rmSync(join(home.project, 'pid'))
  const client = await home.client()
  const untouched = async (change: object): Promise<boolean> => {
    writeFileSync(file, JSON.stringify({ ...known, ...change }))
    accepted(await tell(client, session, { type: 'stop' }))
    await until(client, session, ({ status }) => status === 'stopped')
    return isRunning(left)
  }
  expect(await untouched({ processes: known.processes.map(({ pid, start: at }) => ({ pid, start: at + 1 })), boot: known.boot })).toBe(true)
  writeFileSync(file, JSON.stringify(known))
  accepted(await tell(client, session, { type: 'resume' }, home.env))
  await until(client, session, ({ run }) => run?.number === 2)
  const now = await leftBy(home, client, session)
  expect([endAll([left]), isRunning(now)]).toEqual([[], true])
  accepted(await tell(client, session, { type: 'end' }))
  await until(client, session, ({ archived }) => archived)
  expect(endAll([now])).toEqual([])
})

test('a run whose folder was removed is ended with its keeper when its session is removed, and how many it were is said', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await start(client, home, programSpec('/', ['sleep', '100000']))
  const { keeper, child } = await startedBy(client, session)
  rmSync(runOf(home, session), { recursive: true })
  accepted(await tell(client, session, { type: 'remove' }))
  const { event } = await fact(client, session, ({ type }) => type === 'stopped')
  expect([event, endAll([child.pid, keeper.pid])]).toEqual([{ type: 'stopped', ended: 1 }, []])
})

test('a run whose folder was removed while no daemon lived is lost, and neither its program nor its keeper lives on', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const sessions = await Promise.all(['folder', 'file'].map(() => start(first, home, programSpec('/', ['sh', '-c', "trap '' HUP TERM; echo begun; while :; do sleep 1; done"]))))
  await Promise.all(sessions.map((session) => prints(first, session, 'begun')))
  const runs = await Promise.all(sessions.map((session) => startedBy(first, session)))
  await home.killDaemon()
  rmSync(runOf(home, sessions[0] ?? ''), { recursive: true })
  // Only what says who keeps it.
  rmSync(join(runOf(home, sessions[1] ?? ''), '1', 'keeper'))
  const client = await home.client()
  for (const session of sessions) {
    await until(client, session, ({ status }) => status === 'failed')
    expect((await facts(client, session)).map(({ event }) => event.type)).toContain('run-lost')
  }
  const all = runs.flatMap(({ keeper, child }) => [keeper.pid, child.pid])
  await settle(
    () => all.filter(isRunning),
    ({ length }) => length === 0,
  )
  expect(endAll(all)).toEqual([])
})

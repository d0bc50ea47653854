// A session can always be removed, in whatever state it and its surroundings are; what it worked on is not touched.

import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { offstage } from '../e2e/offstage.ts'
import { TestHome, fact, never, settle, until } from '../home.ts'
import { isRunning } from '../machine.ts'
import { heard, programSpec, start, talkerSpec } from '../sessions.ts'

test('rm succeeds for what does not want to end, was never started, lost its directory or its keeper, nothing of it runs afterwards, and files stay', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const names = ['stubborn', 'gone', 'killed', 'missing']
  for (const name of names) {
    mkdirSync(join(home.project, name))
    writeFileSync(join(home.project, name, 'work'), name)
  }
  const cwd = (name: string): string => join(home.project, name)
  const sessions = await Promise.all([
    start(client, home, talkerSpec(cwd('stubborn')), 'spawn-stubborn\nhang-deaf'),
    start(client, home, programSpec(cwd('gone'), ['sleep', '100000'])),
    start(client, home, programSpec(cwd('killed'), ['sh', '-c', "trap '' HUP TERM; while :; do sleep 1; done"])),
    start(client, home, programSpec(cwd('missing'), ['/no/such/program'])),
  ])
  const [stubborn, gone, killed, missing] = sessions
  const pids = await Promise.all(
    [stubborn, gone, killed].map(async (id) => {
      const { event } = await fact(client, id, ({ type }) => type === 'run-started')
      return event.type === 'run-started' ? { keeper: event.keeper.pid, child: event.child.pid } : { keeper: 0, child: 0 }
    }),
  )
  const [spawned] = await settle(
    () => heard(cwd('stubborn')).flatMap(({ at, pid = 0 }) => (at === 'stubborn' ? [pid] : [])),
    ({ length }) => length > 0,
  )
  await until(client, missing, ({ status }) => status === 'failed')
  rmSync(cwd('gone'), { recursive: true })
  process.kill(pids[2]?.keeper ?? 0, 'SIGKILL')
  const ran = await offstage(home, ['rm', ...sessions])
  expect([ran.code, ran.err]).toEqual([0, ''])
  expect([await client.list({ all: false }, never), (await offstage(home, ['ls', '--all'])).out]).toEqual([[], ''])
  expect([spawned ?? 0, ...pids.map(({ child }) => child)].map(isRunning)).toEqual([false, false, false, false])
  expect(readdirSync(home.project).toSorted()).toEqual(['killed', 'missing', 'stubborn'])
  for (const name of readdirSync(home.project)) expect(readFileSync(join(cwd(name), 'work'), 'utf8')).toBe(name)
  expect((await offstage(home, ['restore', gone])).code).toBe(0)
})

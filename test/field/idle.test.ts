// Nothing to do: sessions that say nothing cost nothing, whoever keeps them.

import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { TestHome, never, until } from '../home.ts'
import { pause } from '../machine.ts'
import { programSpec, start, talkerSpec } from '../sessions.ts'

/** How often the main thread of a process gave up the processor by itself: each awakening ends so. */
function switches(pid: number): number {
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1])
}

test('a daemon with sessions at rest is not awakened, and neither are their keepers', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const cwds = ['done', 'asks'].map((name) => join(home.project, name))
  for (const cwd of cwds) mkdirSync(cwd)
  const [agent, asking] = await Promise.all([
    start(client, home, talkerSpec(cwds[0] ?? ''), 'say done'),
    start(client, home, talkerSpec(cwds[1] ?? ''), 'ask go on?'),
    start(client, home, programSpec('/', ['sleep', '100000'])),
  ])
  await until(client, agent, ({ status }) => status === 'completed')
  await until(client, asking, ({ status }) => status === 'waiting')
  const { pid } = await client.daemonStatus(never)
  // A keeper gives its buffers back half a second after the last byte; what there is to tell the user is looked at after a second.
  await pause(2000)
  const keepers = home.processes().filter(({ command }) => /^\S*keeper/.test(command))
  expect(keepers.length).toBe(3)
  const pids = [pid, ...keepers.map((one) => one.pid)]
  const before = pids.map(switches)
  await pause(700)
  const [daemon = 0, ...each] = pids.map((one, index) => switches(one) - (before[index] ?? 0))
  // Not once for each of them, and at no interval: V8 may tidy up.
  expect(daemon).toBeLessThan(5)
  expect(each).toEqual([0, 0, 0])
})

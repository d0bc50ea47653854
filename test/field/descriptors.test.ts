// The daemon runs out of file descriptors: it does not spin, nor do those who wait for it; it keeps what it has, says what it cannot start, and goes on when there are some again.

import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { offstage } from '../e2e/offstage.ts'
import { TestHome, never } from '../home.ts'
import { cpuTicks, pause } from '../machine.ts'
import { prints, programSpec, start } from '../sessions.ts'

/** No new descriptor from now on. Returns how it is undone. */
function exhaust(pid: number): () => void {
  const taken = new Set(readdirSync(`/proc/${pid}/fd`).map(Number))
  let free = 0
  while (taken.has(free)) free++
  const [, soft = '', hard = ''] = /Max open files\s+(\d+)\s+(\d+)/.exec(readFileSync(`/proc/${pid}/limits`, 'latin1')) ?? []
  const limit = (files: string): void => void execFileSync('prlimit', ['--pid', String(pid), `--nofile=${files}:${hard}`])
  limit(String(free))
  return () => limit(soft)
}

/** Whether whoever tries to start a daemon beside this one takes its time between two of them. False after 4 s without a pause of 300 ms. */
async function pausesBetweenDaemons(home: TestHome, pid: number): Promise<boolean> {
  let lastMs = Number.POSITIVE_INFINITY
  for (const end = performance.now() + 4000; performance.now() < end; await pause(10)) {
    if (home.processes().some((one) => one.command.includes('daemon/main') && one.pid !== pid)) lastMs = performance.now()
    else if (performance.now() - lastMs > 300) return true
  }
  return false
}

test('without descriptors the daemon does not spin and keeps what it has; who waits for it starts no crowd, and is answered when there are some again', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await start(client, home, programSpec('/', ['sh', '-c', 'echo up; read line; echo got $line; sleep 100000']))
  await prints(client, session, 'up')
  const { pid } = await client.daemonStatus(never)
  const undo = exhaust(pid)
  let listing: ReturnType<typeof offstage>
  try {
    const unlucky = await start(client, home, programSpec('/', ['true']))
    expect((await client.get(unlucky, never))?.session).toMatchObject({ status: 'failed', reason: expect.stringContaining('too many open files') })
    const before = cpuTicks(pid)
    listing = offstage(home, ['ls'])
    expect(await pausesBetweenDaemons(home, pid)).toBe(true)
    expect(cpuTicks(pid) - before).toBeLessThan(30)
    expect((await client.list({ all: true }, never)).map(({ id, run }) => [id, run?.alive])).toEqual([
      [unlucky, false],
      [session, true],
    ])
  } finally {
    undo()
  }
  const listed = await listing
  expect([listed.code, listed.err, listed.out.includes(session)]).toEqual([0, '', true])
  await client.write(session, Buffer.from('it\r'), never)
  await prints(client, session, 'got it')
  expect((await client.daemonStatus(never)).pid).toBe(pid)
})

// Thousands of programs that print about 20 kB and leave at once, through the daemon, in a terminal and on pipes: every byte of each is there, and nothing of them is left.
// SOAK=1: 10,000 of them. Now and then the daemon is killed meanwhile.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isRefusal } from '../../src/core/errors.ts'
import { type Client, DaemonUnreachable } from '../../src/sdk/index.ts'
import { TestHome, newId, never, settle, until } from '../home.ts'
import { soak } from '../machine.ts'
import { output, programSpec } from '../sessions.ts'

const children = Number(process.env['CHILDREN'] ?? (soak ? 10_000 : 150))
const atOnce = soak ? 16 : 10
const killEvery = soak ? 500 : 75

/** `seq` prints in the last moment before it leaves. Each child has other numbers. */
const lines = 2900
const expected = (n: number, end: string): string => Array.from({ length: lines }, (_, index) => `${100_000 + n * 7 + index}${end}`).join('')

test(`${children} children that print 20 kB and exit: no byte is lost, and no process stays`, { timeout: 60_000 + children * 400 }, async () => {
  const startedMs = performance.now()
  await using home = new TestHome()
  let client = await home.client()
  let bytes = 0
  let killed = 0
  let next = 0
  const wrong: string[] = []

  async function one(n: number): Promise<void> {
    const driver = n % 2 === 0 ? 'terminal' : 'command'
    const session = newId()
    const commandId = newId()
    const spec = programSpec(home.project, ['seq', String(100_000 + n * 7), String(100_000 + n * 7 + lines - 1)], driver)
    await insist((asked) => asked.submit({ session, commandId, command: { type: 'create', spec, title: `child ${n}` }, environment: home.env }, never))
    const view = await insist((asked) => until(asked, session, ({ status }) => status === 'completed' || status === 'failed'))
    if (JSON.stringify(view.exit) !== '{"code":0}') wrong.push(`child ${n} ended as ${view.status}, ${view.reason}, ${JSON.stringify(view.exit)}`)
    const found = await insist((asked) => output(asked, session))
    bytes += found.length
    if (found.toString('latin1') !== expected(n, driver === 'terminal' ? '\r\n' : '\n')) wrong.push(`child ${n} (${driver}): ${found.length} bytes, and not the right ones`)
    const ended = await insist((asked) => asked.submit({ session, commandId: newId(), command: { type: 'end' } }, never))
    if (isRefusal(ended)) wrong.push(`child ${n}: ${ended.message}`)
  }

  /** As a script does: a daemon that dies while it starts makes a command fail, and the next one starts another. */
  async function insist<T>(ask: (client: Client) => Promise<T>): Promise<T> {
    for (let left = 5; ; left--) {
      const asked = client
      try {
        return await ask(asked)
      } catch (cause) {
        if (!(cause instanceof DaemonUnreachable) || left === 0) throw cause
        if (client === asked) client = await home.client()
      }
    }
  }

  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < children) {
        const n = next++
        if (n % killEvery === killEvery - 1) {
          for (const { pid, command } of home.processes()) if (command.includes('daemon/main')) process.kill(pid, 'SIGKILL')
          killed += 1
        }
        await one(n)
        if (soak && n % 1000 === 999) console.log(`${n + 1} children, ${wrong.length} wrong, ${((performance.now() - startedMs) / 60_000).toFixed(1)} min`)
      }
    }),
  )
  expect(wrong).toEqual([])
  const keepers = (): string[] => home.processes().flatMap(({ command }) => (command.includes('daemon/main') ? [] : [command]))
  expect(await settle(keepers, (left) => left.length === 0)).toEqual([])
  // Their sockets went with them.
  expect(readdirSync(join(home.folder, 'home', 'sockets'))).toEqual(['daemon.sock'])
  console.log(`children ${children} | daemons killed ${killed} | bytes compared ${bytes} | wrong ${wrong.length} | ${((performance.now() - startedMs) / 60_000).toFixed(1)} min`)
})

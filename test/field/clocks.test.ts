// The wall clock jumps by a day and by a month, both ways: order is by sequence, no duration is negative, and no timer fires early, late or never.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import type { Client } from '../../src/sdk/index.ts'
import { TestHome, accepted, fact, facts, never, until } from '../home.ts'
import { pause } from '../machine.ts'
import { heard, openRequest, programSpec, start, talkerSpec, tell } from '../sessions.ts'

const dayMs = 24 * 3_600_000
const jumps = { 'a day on': dayMs, 'a day back': -dayMs, 'a month on': 31 * dayMs, 'a month back': -31 * dayMs }

/** A home whose daemon's clock the test can set. */
async function withClock(home: TestHome): Promise<{ client: Client; shift: (ms: number) => void; restart: () => Promise<void> }> {
  const file = join(home.folder, 'shift')
  const shift = (ms: number): void => writeFileSync(file, String(ms))
  shift(0)
  const restart = async (): Promise<void> => {
    const shim = pathToFileURL(join(packageRoot, 'test', 'fixtures', 'shifted-clock.ts')).href
    expect(await home.startDaemon({ NODE_OPTIONS: `--import=${shim}`, CLOCK_SHIFT_FILE: file })).toBe('ready')
  }
  await restart()
  return { client: await home.client(false), shift, restart }
}

test('jumps in the middle of a turn: facts stay in order, durations are not negative, and the same agent goes on', async () => {
  await using home = new TestHome()
  const { client, shift, restart } = await withClock(home)
  const session = await start(client, home, talkerSpec(home.project), 'ask 0?')
  let n = 0
  for (const [name, ms] of Object.entries(jumps)) {
    const request = await openRequest(client, session)
    shift(ms)
    const before = (await client.get(session, never))?.session
    expect([name, (before?.elapsedMs ?? -1) >= 0]).toEqual([name, true])
    accepted(await tell(client, session, { type: 'answer', requestId: request.id, answer: { kind: 'option', optionId: 'allow' } }))
    await until(client, session, ({ status }) => status === 'completed')
    // A daemon that starts with another clock than the one before it.
    if (ms > dayMs) {
      await home.killDaemon()
      await restart()
    }
    accepted(await tell(client, session, { type: 'prompt', text: `ask ${++n}?` }))
    await openRequest(client, session)
    const view = (await client.get(session, never))?.session
    expect([name, (view?.elapsedMs ?? -1) >= 0, view?.run?.number]).toEqual([name, true, 1])
  }
  const events = await facts(client, session)
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
  expect(events.map(({ cursor }) => cursor)).toEqual(events.map(({ cursor }) => cursor).toSorted((a, b) => a - b))
  expect(heard(home.project).flatMap(({ at, text }) => (at === 'prompt' ? [text] : []))).toEqual(['ask 0?', 'ask 1?', 'ask 2?', 'ask 3?', 'ask 4?'])
  // Newest first is by order of creation, not by what the clock said then.
  const ids: string[] = [session]
  for (const ms of Object.values(jumps)) {
    shift(ms)
    ids.unshift(await start(client, home, programSpec('/', ['true'])))
  }
  expect((await client.list({ all: true }, never)).map(({ id }) => id)).toEqual(ids)
})

test.each([
  ['a month on', 31 * dayMs],
  ['a month back', -31 * dayMs],
])('the time that an agent has to get ready is the same when the clock jumps (%s)', async (_, ms) => {
  await using home = new TestHome()
  mkdirSync(join(home.env['HOME'] ?? '', '.config', 'offstage'), { recursive: true })
  writeFileSync(join(home.env['HOME'] ?? '', '.config', 'offstage', 'config.toml'), 'initialize_timeout_s = 2\n')
  const { client, shift } = await withClock(home)
  const session = await start(client, home, talkerSpec(home.project, '--deaf'), 'hello')
  const startedMs = performance.now()
  shift(ms)
  await pause(700)
  expect((await client.get(session, never))?.session.requests).toEqual([])
  const request = await openRequest(client, session)
  expect([request.kind, performance.now() - startedMs < 6000]).toEqual(['error', true])
})

test('silence is noticed, and an idle process given back, as soon as ever although the clock was put back by a month meanwhile', async () => {
  await using home = new TestHome()
  mkdirSync(join(home.env['HOME'] ?? '', '.config', 'offstage'), { recursive: true })
  writeFileSync(join(home.env['HOME'] ?? '', '.config', 'offstage', 'config.toml'), 'stall_after_s = 0.8\nidle_after_s = 0.8\n')
  const { client, shift } = await withClock(home)
  const cwds = ['rests', 'hangs'].map((name) => join(home.project, name))
  for (const cwd of cwds) mkdirSync(cwd)
  const [rests, hangs] = await Promise.all([start(client, home, talkerSpec(cwds[0] ?? ''), 'say done'), start(client, home, talkerSpec(cwds[1] ?? ''), 'hang')])
  await Promise.all([until(client, rests, ({ status }) => status === 'completed'), until(client, hangs, ({ status }) => status === 'working')])
  shift(-31 * dayMs)
  const shiftedMs = performance.now()
  await Promise.all([fact(client, rests, ({ type }) => type === 'given-back'), fact(client, hangs, ({ type }) => type === 'fell-silent')])
  expect(performance.now() - shiftedMs).toBeLessThan(6000)
})

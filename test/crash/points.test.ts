// The daemon kills itself at every place where a fact was just recorded or something was just done, and the next one goes on: nothing lost, nothing twice.

import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import type { Event } from '../../src/core/events.ts'
import { type CrashPoint, crashPoints } from '../../src/engine/crash-point.ts'
import { TestHome, accepted, fact, facts, never, newId, until } from '../home.ts'

const talker = join(packageRoot, 'test', 'fixtures', 'agents', 'talker.ts')
const prompt = 'say one\ntool look around\nask delete it?\nsay two'

/** The whole life of a session, by a client that starts a new daemon whenever the old one died. */
async function life(home: TestHome, crash: CrashPoint): Promise<readonly Event[]> {
  const crashLog = join(home.folder, 'crash.log')
  const first = await home.startDaemon({ OFFSTAGE_CRASH_AT: crash, OFFSTAGE_CRASH_LOG: crashLog })
  // What dies on its way to listening is started again by the first client.
  if (first === 'ready') expect(existsSync(crashLog)).toBe(crash === 'daemon.listening')
  const client = await home.client()
  const id = newId()
  const cwd = join(home.project, 'work')
  mkdirSync(cwd)
  const spec = { kind: 'agent', driver: 'acp', agent: 'talker', argv: [process.execPath, talker], cwd } as const
  accepted(await client.submit({ session: id, commandId: newId(), command: { type: 'create', spec, title: 'life', prompt }, environment: home.env }, never))
  const asked = await fact(client, id, isOfAgent)
  const requestId = asked.event.type === 'asked' ? asked.event.ask.id : ''
  accepted(await client.submit({ session: id, commandId: newId(), command: { type: 'answer', requestId, answer: { kind: 'option', optionId: 'allow' } } }, never))
  await until(client, id, (view) => view.status === 'completed')
  accepted(await client.submit({ session: id, commandId: newId(), command: { type: 'stop' } }, never))
  await until(client, id, (view) => view.status === 'stopped')
  accepted(await client.submit({ session: id, commandId: newId(), command: { type: 'remove' } }, never))
  await until(client, id, (view) => view.removed)
  expect(readFileSync(crashLog, 'utf8')).toBe(`${crash}\n`)
  const log = readFileSync(join(cwd, 'prompts.log'), 'utf8').trim().split('\n')
  // The agent itself heard the prompt once and the answer once.
  expect(log.map((line) => (JSON.parse(line) as { at: string }).at)).toEqual(['prompt', 'answer'])
  return (await facts(client, id)).map((envelope) => envelope.event)
}

/** Places that only a session with a tree of its own comes to: trees.test.ts. */
const ofTrees = crashPoints.slice(crashPoints.indexOf('create.chosen'), crashPoints.indexOf('rebuild.built'))

/** Offstage may ask for the environment that died, until the client sends it again. */
const isOfAgent = (event: Event): boolean => event.type === 'asked' && event.ask.about === undefined

const once: readonly Event['type'][] = ['created', 'prompt-queued', 'agent-ready', 'turn-started', 'asked', 'answered', 'turn-ended', 'stop-asked', 'stopped', 'removed']

describe('a session lives through the death of its daemon', () => {
  // A database that has to be rebuilt is not of a normal life.
  test.each(crashPoints.filter((point) => !point.startsWith('rebuild.') && !ofTrees.includes(point)))('at %s', async (crash) => {
    await using home = new TestHome()
    const events = await life(home, crash)
    for (const type of once) expect([type, events.filter((event) => event.type === type && (type !== 'asked' || isOfAgent(event))).length]).toEqual([type, 1])
    const messages = events.flatMap((event) => (event.type === 'entry-written' && event.entry.kind === 'message' ? [event.entry.text.trim()] : []))
    expect(messages).toEqual(['one', 'answer: allow\ntwo'])
    // A start that died with the environment is asked for again by the client that holds it; no other run is ever started.
    expect(events.filter((event) => event.type === 'run-starting').length).toBe(crash === 'start.recorded' ? 2 : 1)
  })
})

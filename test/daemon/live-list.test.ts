// The live list and the search of a real daemon: what shows although no fact says it, and what happens to them when the daemon dies.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { TestHome, fact, facts, never, newId, until } from '../home.ts'
import { Watched, label } from '../engine/live-list.ts'
import { programSpec, start, talkerSpec, tell } from '../sessions.ts'

test('what an agent is saying shows before it is a fact', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const watched = new Watched(client)
  const session = await start(client, home, talkerSpec(home.project), 'say first line\nsay second line\nhang')
  await watched.until(() => watched.sessions.get(session)?.activity === 'second line')
  expect((await facts(client, session)).map(({ event }) => event.type)).not.toContain('entry-written')
  await tell(client, session, { type: 'stop' })
  await watched.until(() => watched.sessions.get(session)?.status === 'stopped')
  await watched.end()
})

test('the lines that a program prints show without a fact', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const watched = new Watched(client)
  const session = await start(client, home, programSpec(home.project, ['sh', '-c', 'echo one; while read line; do echo "$line"; done']))
  await watched.until(() => watched.sessions.get(session)?.entries === 1)
  await client.write(session, Buffer.from('two\n'), never)
  // Its echo, and the line.
  await watched.until(() => watched.sessions.get(session)?.entries === 3)
  expect(watched.sessions.get(session)?.unseen).toBe(3)
  await watched.end()
})

test('a run whose keeper does not answer shows as without a signal, and not any more when it does', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await start(first, home, programSpec(home.project, ['sh', '-c', 'echo begun; exec sleep 1000']))
  await fact(first, session, (event) => event.type === 'run-started')
  const keeper = Number(readFileSync(join(home.folder, 'home', 'runs', session, '1', 'keeper'), 'latin1').split(' ')[0])
  await home.killDaemon()
  process.kill(keeper, 'SIGSTOP')
  const watched = new Watched(await home.client())
  try {
    await watched.until(() => watched.sessions.get(session)?.reason.startsWith('no signal; last known') ?? false)
  } finally {
    process.kill(keeper, 'SIGCONT')
  }
  await watched.until(() => watched.sessions.get(session)?.reason === 'no signal: the program runs')
  await watched.end()
})

test('when the daemon was killed the next one tells the whole list again, and goes on', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const [one, two] = [await start(client, home, programSpec(home.project, ['sleep', '1000'])), await start(client, home, programSpec(home.project, ['sleep', '1000']))]
  const watched = new Watched(client)
  await watched.caughtUp()
  const before = watched.frames.length
  await home.killDaemon()
  await watched.until((frames) => frames.slice(before).some((frame) => frame.kind === 'caught-up'))
  const again = watched.frames.slice(before).flatMap((frame) => (frame.kind === 'session' ? [frame.session.id] : []))
  expect(again.slice(0, 2)).toEqual([two, one])
  await label(client, one, 'still here')
  await watched.until(() => watched.sessions.get(one)?.label === 'still here')
  await watched.end()
})

test('every session says what project and branch it is in, as of now', async () => {
  await using home = new TestHome()
  const git = (...args: readonly string[]): void => void execFileSync('git', [...args], { cwd: home.project, env: { ...home.env, GIT_CONFIG_NOSYSTEM: '1' }, stdio: 'ignore' })
  git('init', '-b', 'main')
  const client = await home.client()
  const session = await start(client, home, programSpec(home.project, ['sleep', '1000']))
  expect((await client.get(session, never))?.session.project).toEqual({ name: 'project', branch: 'main' })
  git('checkout', '-b', 'next')
  const watched = new Watched(client)
  await watched.caughtUp()
  // Nobody tells of a checkout: it shows with the next change, when what is known is two seconds old.
  for (let number = 0; watched.sessions.get(session)?.project.branch !== 'next'; number += 1) {
    await label(client, session, `label ${number}`)
    await watched.until(() => watched.sessions.get(session)?.label === `label ${number}`)
  }
  await watched.end()
})

test('a search finds what was recorded before it, also after the daemon or its index was lost', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await start(client, home, talkerSpec(home.project), 'say the walrus is in src/pages/Preferences.tsx')
  await until(client, session, (view) => view.status === 'completed')
  const search = async (text: string) => (await client.search({ text, limit: 10 }, never)).map((hit) => [hit.session, hit.kind])
  expect(await search('preferences walrus')).toEqual([
    [session, 'prompt'],
    [session, 'message'],
  ])
  await tell(client, session, { type: 'prompt', text: 'say only now' })
  expect(await search('only now')).toContainEqual([session, 'prompt'])
  const index = join(home.folder, 'home', 'cache', 'search.db')
  expect(existsSync(index)).toBe(true)
  await home.killDaemon()
  writeFileSync(index, 'no database')
  expect(await search('walrus')).toMatchObject([{ 1: 'prompt' }, { 1: 'message' }])
  await tell(client, session, { type: 'remove' })
  await until(client, session, (view) => view.removed)
  expect(await search('walrus')).toEqual([])
})

test('after the database was rebuilt the search finds what is in the new one', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = await start(client, home, talkerSpec(home.project), 'say the walrus')
  await until(client, session, (view) => view.status === 'completed')
  await label(client, session, 'forgotten')
  const kinds = async (text: string) => (await client.search({ text, limit: 10 }, never)).map((hit) => hit.kind)
  expect([await kinds('walrus'), await kinds('forgotten')]).toEqual([['prompt', 'message'], ['name']])
  await home.killDaemon()
  writeFileSync(join(home.folder, 'home', 'offstage.db'), 'x'.repeat(20_000))
  writeFileSync(join(home.folder, 'home', 'offstage.db-wal'), 'y'.repeat(100))
  // A label is in no run folder.
  expect([await kinds('walrus'), await kinds('forgotten')]).toEqual([['prompt', 'message'], []])
})

test('what cannot be asked over the wire is an error of the one who asks', async () => {
  await using home = new TestHome()
  const client = await home.client()
  for (const query of [
    { text: 'x'.repeat(1001), limit: 1 },
    { text: 'a\0b', limit: 1 },
    { text: 'a', limit: 0 },
    { text: 'a', limit: 1001 },
  ])
    await expect(client.search(query, never)).rejects.toThrow(/^search: /)
  expect(await client.search({ text: '"( * NEAR', limit: 1000 }, never)).toEqual([])
  expect(await client.search({ text: newId(), limit: 1 }, never)).toEqual([])
})

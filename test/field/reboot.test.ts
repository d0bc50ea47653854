// The machine went down in the middle of everything (here: daemon, keepers and programs killed in the same moment) and comes up again: what was in flight is said, nothing is sent
// again, and nothing is believed of pids that somebody else bears now.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { TestHome, facts, fact, never, settle, until } from '../home.ts'
import { isRunning, pause, startOf } from '../machine.ts'
import { heard, openRequest, output, prints, programSpec, start, talkerSpec, tell } from '../sessions.ts'
import { offstage } from '../e2e/offstage.ts'

/** Everything of this user, at once. */
async function powerOff(home: TestHome): Promise<void> {
  for (let left = home.processes(); left.length > 0; left = home.processes()) {
    for (const { pid } of left) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // Gone with its parent.
      }
    }
    await pause(5)
  }
}

test('after a reboot every session says what was in flight, and nothing goes on or is sent by itself', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const cwds = Object.fromEntries(['turn', 'question', 'rest'].map((name) => [name, join(home.project, name)]))
  for (const cwd of Object.values(cwds)) mkdirSync(cwd)
  const [turn, question, rest, terminal, command] = await Promise.all([
    start(first, home, talkerSpec(cwds['turn'] ?? ''), 'say begun\nhang'),
    start(first, home, talkerSpec(cwds['question'] ?? ''), 'ask delete the old store?'),
    start(first, home, talkerSpec(cwds['rest'] ?? ''), 'say done'),
    start(first, home, programSpec(home.project, ['sh', '-c', 'seq 2000; echo waiting; sleep 100000'])),
    start(first, home, programSpec(home.project, ['sh', '-c', 'seq 2000; echo waiting; sleep 100000'], 'command')),
  ])
  const asked = await openRequest(first, question)
  await until(first, rest, ({ status }) => status === 'completed')
  await Promise.all([prints(first, terminal, 'waiting'), prints(first, command, 'waiting')])
  await settle(
    () => heard(cwds['turn'] ?? '').length,
    (count) => count > 0,
  )
  await tell(first, turn, { type: 'prompt', text: 'say queued' })
  first.close()
  await powerOff(home)

  const client = await home.client()
  const views = new Map((await client.list({ all: true }, never)).map((view) => [view.id, view]))
  expect([...views.values()].map(({ run }) => run?.alive)).toEqual([false, false, false, false, false])
  for (const id of [turn, question, terminal, command]) expect((await facts(client, id)).filter(({ event }) => event.type === 'run-lost')).toHaveLength(1)
  expect(views.get(turn)).toMatchObject({ status: 'failed', reason: expect.stringMatching(/^run lost/), queued: 1 })
  expect(views.get(question)).toMatchObject({ status: 'waiting', reason: expect.stringContaining('delete the old store?'), requests: [{ id: asked.id, lost: true }] })
  expect(views.get(rest)).toMatchObject({ status: 'completed' })
  for (const id of [terminal, command]) expect(views.get(id)).toMatchObject({ status: 'failed', reason: expect.stringMatching(/^run lost/) })
  const lines = `${Array.from({ length: 2000 }, (_, index) => `${index + 1}\n`).join('')}waiting\n`
  expect((await output(client, terminal)).toString().replaceAll('\r\n', '\n')).toBe(lines)
  expect((await output(client, command)).toString()).toBe(lines)
  // As a person sees it.
  const listed = JSON.parse((await offstage(home, ['requests', '--json'])).out) as { id: string; lost: boolean }[]
  expect(listed.map(({ id, lost }) => [id, lost])).toEqual([[asked.id, true]])
  expect((await offstage(home, ['answer', question, 'allow'])).code).toBe(4)
  const resumed = await offstage(home, ['resume', question, '--answer', 'allow'])
  expect([resumed.code, resumed.err]).toEqual([0, expect.stringContaining('My answer: Allow once')])
  await until(client, question, ({ status }) => status === 'completed')
  const told = heard(cwds['question'] ?? '').flatMap(({ at, text }) => (at === 'prompt' ? [text] : []))
  expect(told).toEqual(['ask delete the old store?', expect.stringMatching(/> delete the old store\?[\s\S]*My answer: Allow once/)])
  expect((await offstage(home, ['resume', turn])).code).toBe(0)
  await until(client, turn, ({ status }) => status === 'completed')
  expect(heard(cwds['turn'] ?? '').flatMap(({ at, text }) => (at === 'prompt' ? [text] : []))).toEqual(['say begun\nhang', 'say queued'])
  const ready = (await facts(client, turn)).flatMap(({ event }) => (event.type === 'agent-ready' ? [[event.how, event.agentRef]] : []))
  expect(ready[1]).toEqual(['resumed', ready[0]?.[1]])
})

test('a second start after the reboot finds nothing new to say', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await start(first, home, programSpec('/', ['sleep', '100000']))
  await fact(first, session, ({ type }) => type === 'run-started')
  first.close()
  await powerOff(home)
  const before = await facts(await home.client(), session)
  await home.killDaemon()
  expect(await facts(await home.client(), session)).toEqual(before)
})

test('pids that somebody else bears after the reboot are nobody of ours: they are not adopted, not signalled, not killed', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const session = await start(first, home, programSpec('/', ['sleep', '100000']))
  await fact(first, session, ({ type }) => type === 'run-started')
  first.close()
  await powerOff(home)
  // Its own group and session, as the child of a run has.
  const bystanders: ChildProcess[] = [spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }), spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' })]
  try {
    const folder = join(home.folder, 'home', 'runs', session, '1')
    const [keeper, child] = bystanders.map(({ pid }) => pid ?? 0)
    const [, keeperStart = '', nonce = ''] = readFileSync(join(folder, 'keeper'), 'utf8').trim().split(' ')
    const [, childStart = ''] = readFileSync(join(folder, 'child'), 'utf8').trim().split(' ')
    writeFileSync(join(folder, 'keeper'), `${keeper} ${keeperStart} ${nonce}\n`)
    writeFileSync(join(folder, 'child'), `${child} ${childStart}\n`)
    expect(bystanders.map(({ pid }) => startOf(pid ?? 0) > 0)).toEqual([true, true])
    const client = await home.client()
    expect((await client.get(session, never))?.session).toMatchObject({ status: 'failed', run: { alive: false } })
    await tell(client, session, { type: 'resume' }, home.env)
    await until(client, session, ({ status }) => status === 'working')
    await tell(client, session, { type: 'end' })
    await until(client, session, ({ run }) => run?.alive === false)
    expect(bystanders.map(({ pid }) => isRunning(pid ?? 0))).toEqual([true, true])
  } finally {
    for (const bystander of bystanders) bystander.kill('SIGKILL')
  }
})

test('a keeper file that is damaged or names nobody is not obeyed: the run is lost and nobody is harmed', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const texts = ['', '12', '\0'.repeat(40), '1 1 nonce\n', '0 0 nonce\n', '-1 0 nonce\n']
  const sessions = await Promise.all(texts.map(() => start(first, home, programSpec('/', ['sleep', '100000']))))
  for (const session of sessions) await fact(first, session, ({ type }) => type === 'run-started')
  first.close()
  await powerOff(home)
  const runs = join(home.folder, 'home', 'runs')
  for (const [index, session] of sessions.entries()) {
    const text = texts[index] ?? ''
    writeFileSync(join(runs, session, '1', 'keeper'), text)
    writeFileSync(join(runs, session, '1', 'child'), text.replace(' nonce', ''))
  }
  const client = await home.client()
  for (const session of sessions) {
    expect((await client.get(session, never))?.session).toMatchObject({ status: 'failed', run: { alive: false } })
    await tell(client, session, { type: 'resume' }, home.env)
    await until(client, session, ({ status, run }) => status === 'working' && run?.number === 2)
    expect(readdirSync(join(runs, session)).toSorted()).toEqual(['1', '2'])
  }
})

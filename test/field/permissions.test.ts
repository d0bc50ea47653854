// An agent comes back as it was started: the same program, directory, mode and model, whatever died in between; never with more than was recorded, and not twice.

import { mkdirSync, readFileSync, readlinkSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isOneClearLine, offstage } from '../e2e/offstage.ts'
import { AcpScript, launch } from '../drivers/acp-script.ts'
import { isRefusal } from '../../src/core/errors.ts'
import { TestHome, accepted, facts, never, until } from '../home.ts'
import { agentSpec, heard, start, talker, talkerSpec, tell } from '../sessions.ts'

test('after its own death and the daemon’s an agent is in its mode and model again before it hears a prompt, with the same program and directory', async () => {
  await using home = new TestHome()
  const first = await home.client()
  const spec = agentSpec(home.project, [process.execPath, talker, '--modes', '--models'], { mode: 'auto', model: 'large', resume: 'auto' })
  const session = await start(first, home, spec, 'say one')
  const before = await until(first, session, ({ status }) => status === 'completed')
  const pid = before.run?.pid ?? 0
  const program = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  await home.killDaemon()
  process.kill(pid, 'SIGKILL')
  const client = await home.client()
  await until(client, session, ({ run }) => run?.alive === false)
  accepted(await tell(client, session, { type: 'resume' }, home.env))
  accepted(await tell(client, session, { type: 'prompt', text: 'say two' }))
  const after = await until(client, session, ({ activity, status }) => activity === 'two' && status === 'completed')
  expect(readFileSync(`/proc/${after.run?.pid}/cmdline`, 'latin1')).toBe(program)
  expect(readlinkSync(`/proc/${after.run?.pid}/cwd`)).toBe(home.project)
  expect(heard(home.project).map(({ at }) => at)).toEqual(['mode', 'config', 'prompt', 'mode', 'config', 'prompt'])
  const offers = (await facts(client, session)).flatMap(({ event }) => (event.type === 'agent-ready' ? [[event.offer.currentMode, event.offer.currentModel]] : []))
  expect(offers).toEqual([
    ['auto', 'large'],
    ['auto', 'large'],
  ])
})

test('an agent that comes back in a wider mode than was recorded is put back, or waits for a person', () => {
  const modes = (current: string, ...ids: readonly string[]): object => ({ modes: { currentModeId: current, availableModes: ids.map((id) => ({ id, name: id })) } })
  const asked = { ...launch, resumes: 'agent-session', spec: { ...launch.spec, mode: 'ask' } }
  const wider = new AcpScript({ launch: asked }).initialized().respond('session/resume', modes('anything', 'ask', 'anything'))
  expect(wider.reports()).toEqual([])
  expect(wider.lastSent()).toMatchObject({ method: 'session/set_mode', params: { modeId: 'ask' } })
  expect(wider.respond('session/set_mode', null).reports()).toMatchObject([{ type: 'ready', offer: { currentMode: 'ask' } }])
  const without = new AcpScript({ launch: asked }).initialized().respond('session/resume', modes('anything', 'anything'))
  expect(without.reports()).toMatchObject([{ type: 'asks', ask: { kind: 'error', options: [{ id: 'anything' }, { id: 'stop' }] } }])
  const before = without.sent().length
  expect(without.prompt('go').sent()).toHaveLength(before)
})

test('two who resume the same session at once get one agent: the second is told that it runs', async () => {
  await using home = new TestHome()
  const clients = await Promise.all([home.client(), home.client()])
  const [client] = clients
  const session = await start(client, home, talkerSpec(home.project), 'say one')
  await until(client, session, ({ status }) => status === 'completed')
  accepted(await tell(client, session, { type: 'stop' }))
  await until(client, session, ({ status }) => status === 'stopped')
  const results = await Promise.all(clients.map((one) => tell(one, session, { type: 'resume' }, home.env)))
  expect(results.map((result) => (isRefusal(result) ? result.refused : 'accepted')).toSorted()).toEqual(['accepted', 'already-running'])
  for (const [index, one] of clients.entries()) accepted(await tell(one, session, { type: 'prompt', text: `say from ${index}` }))
  await until(client, session, ({ status, queued, activity }) => status === 'completed' && queued === 0 && activity === 'from 1')
  expect(home.processes().filter(({ command }) => command.includes('talker.ts'))).toHaveLength(1)
  expect(heard(home.project).map(({ text }) => text)).toEqual(['say one', 'say from 0', 'say from 1'])
})

test('an agent whose directory vanished is started nowhere else: one clear line, exit code 1, and it goes on when the directory is back', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const [cwd, away] = [join(home.folder, 'here'), join(home.folder, 'away')]
  mkdirSync(cwd)
  const session = await start(client, home, talkerSpec(cwd), 'say one')
  const { run } = await until(client, session, ({ status }) => status === 'completed')
  renameSync(cwd, away)
  process.kill(run?.pid ?? 0, 'SIGKILL')
  await until(client, session, (view) => view.run?.alive === false)
  const ran = await offstage(home, ['resume', session])
  expect([ran.code, isOneClearLine(ran.err), ran.err.includes(cwd)]).toEqual([1, true, true])
  expect((await client.get(session, never))?.session).toMatchObject({ status: 'failed', reason: expect.stringContaining(cwd) })
  renameSync(away, cwd)
  expect((await offstage(home, ['resume', session])).code).toBe(0)
  accepted(await tell(client, session, { type: 'prompt', text: 'say two' }))
  await until(client, session, ({ activity, status }) => activity === 'two' && status === 'completed')
  const how = (await facts(client, session)).flatMap(({ event }) => (event.type === 'agent-ready' ? [event.how] : []))
  expect(how).toEqual(['new', 'resumed'])
})

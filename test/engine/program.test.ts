// What is executed for a run, from what was recorded of its session.

import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { programOf } from '../../src/engine/program.ts'
import { TestHome, accepted, newId, never, settle, until } from '../home.ts'

const offstage = ['/usr/bin/node', '/opt/offstage.cjs'] as const

test('the own agent is the one of this package, whatever package began the session', () => {
  expect(programOf({ agent: 'offstage', argv: ['offstage', 'agent', '--x'] }, { again: false, offstage })).toEqual([...offstage, 'agent', '--x'])
})

test('a program of that name is not, nor another one for that agent', () => {
  expect(programOf({ agent: 'acp:offstage agent', argv: ['offstage', 'agent'] }, { again: false, offstage })).toEqual(['offstage', 'agent'])
  expect(programOf({ agent: 'offstage', argv: ['/my/own', 'agent'] }, { again: false, offstage })).toEqual(['/my/own', 'agent'])
})

test('a later run executes what is recorded for later runs, if anything is', () => {
  const spec = { agent: 'claude', argv: ['claude', '--', 'do it'], resumeArgv: ['claude', '--resume'] }
  expect(programOf(spec, { again: false, offstage })).toEqual(spec.argv)
  expect(programOf(spec, { again: true, offstage })).toEqual(spec.resumeArgv)
  expect(programOf({ agent: 'claude', argv: spec.argv }, { again: true, offstage })).toEqual(spec.argv)
})

test('a first prompt is on the command line until its program has run, and never again', async () => {
  await using home = new TestHome()
  const client = await home.client()
  const session = newId()
  const script = join(home.project, 'program')
  const said = join(home.project, 'said')
  const argv = [script, '-c', `echo prompt >> '${said}'`]
  const resumeArgv = ['/bin/sh', '-c', `echo again >> '${said}'`]
  const spec = { kind: 'terminal', driver: 'terminal', agent: 'mine', argv, resumeArgv, cwd: home.project } as const
  const send = async (command: Parameters<typeof client.submit>[0]['command']): Promise<void> => {
    accepted(await client.submit({ session, commandId: newId(), command, environment: home.env }, never))
  }
  await send({ type: 'create', spec, title: 'test' })
  // There is no such program yet, so nothing was said.
  await until(client, session, (view) => view.status === 'failed')
  symlinkSync('/bin/sh', script)
  for (const run of [2, 3]) {
    await send({ type: 'resume' })
    await until(client, session, (view) => view.run?.number === run && view.status === 'completed')
  }
  const read = (): string => readFileSync(said, 'utf8')
  expect(await settle(read, (text) => text.includes('again'))).toBe('prompt\nagain\n')
})

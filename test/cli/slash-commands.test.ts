// The commands of a conversation where it is held line by line: each does its work, or says how it is done.

import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import type { Input } from '../../src/cli/verb.ts'
import { FakeClient } from './fake-client.ts'
import { offstage } from './run-cli.ts'

const id = 'k3f9x2ab'

const offering = (): FakeClient =>
  new FakeClient()
    .create(id, { title: 'Add an endpoint', prompt: 'Add an endpoint' })
    .report(id, {
      type: 'offers',
      offer: {
        modes: [
          { id: 'ask', name: 'Ask' },
          { id: 'plan', name: 'Plan Mode' },
        ],
        currentMode: 'ask',
        options: [{ id: 'effort', name: 'Thought level', current: 'low', choices: [{ id: 'low', name: 'Low' }, { id: 'high', name: 'High' }] }], // prettier-ignore
      },
    })
    .endTurn(id)

async function typed(client: FakeClient, ...lines: readonly string[]): Promise<string> {
  const stdin = new PassThrough()
  stdin.end(lines.map((line) => `${line}\n`).join(''))
  return (await offstage(client, ['switch', id], { stdin: stdin as unknown as Input })).out
}

const told = (client: FakeClient, type: string): readonly unknown[] => client.submitted.map(({ command }) => command).filter((command) => command.type === type)

test('/mode lists what there is, and chooses what is named', async () => {
  const client = offering()
  expect(await typed(client, '/mode')).toContain('   ● ask    Ask\n     plan   Plan Mode\n')
  expect(told(client, 'choose')).toEqual([])
  await typed(client, '/mode plan mode')
  expect(told(client, 'choose')).toEqual([{ type: 'choose', what: 'mode', value: 'plan' }])
  const wrong = await typed(client, '/mode xyz', '/model')
  expect(wrong).toContain('✗ the agent has no mode "xyz"\n     choose one of: ask, plan\n')
  expect(wrong).toContain('✗ this agent offers no models to choose from\n')
})

test('/set lists the options of the agent and what they are, the values of one, and chooses what is named', async () => {
  const client = offering()
  expect(await typed(client, '/set')).toContain('     effort   low   Thought level\n')
  expect(await typed(client, '/set effort')).toContain('   ● low    Low\n     high   High\n')
  expect(told(client, 'choose')).toEqual([])
  await typed(client, '/set thought hi')
  expect(told(client, 'choose')).toEqual([{ type: 'choose', what: 'effort', value: 'high' }])
  expect(await typed(client, '/set colour red', '/set effort deep')).toContain('✗ the agent has no option "colour"\n     choose one of: effort\n')
})

test('/diff tells what the tool calls changed', async () => {
  const client = offering()
  expect(await typed(client, '/diff')).toContain('   no tool call has changed a file\n')
  const changes = [{ path: 'src/a.ts', added: 1, removed: 1, diff: '@@ -1,1 +1,1 @@\n-old \x1b[31m\n+new\n' }]
  client.report(id, { type: 'entry', entryId: '1.1', entry: { kind: 'tool', title: 'src/a.ts', toolKind: 'edit', status: 'completed', changes } })
  expect(await typed(client, '/diff')).toContain('   src/a.ts  +1 −1\n   @@ -1,1 +1,1 @@\n   -old \n   +new\n')
})

test('/new, /logs and /agents say where that is to be had', async () => {
  const out = await typed(offering(), '/new', '/logs', '/agents')
  expect(out).toContain('offstage run "PROMPT" starts another one')
  expect(out).toContain(`offstage logs ${id} prints all of it`)
  expect(out).toContain('any other agent that speaks ACP')
})

test('/resume starts the agent again, with the answer to what it had asked', async () => {
  const client = offering().command(id, { type: 'prompt', text: 'go on' }).ask(id, 'q7m2aaaa', 'delete a.ts?').report(id, { type: 'lost', cause: 'killed' })
  expect(await typed(client, '/resume perhaps')).toContain('✗ "perhaps" is no answer to "delete a.ts?"')
  const over = typed(client, '/resume allow once')
  while (client.session(id).turn.kind !== 'working') await new Promise((resolve) => setImmediate(resolve))
  client.endTurn(id)
  await over
  expect(told(client, 'resume')).toEqual([{ type: 'resume', answer: { requestId: 'q7m2aaaa', answer: { kind: 'option', optionId: 'once' } } }])
  expect(client.submitted.find(({ command }) => command.type === 'resume')?.environment).toMatchObject({ HOME: '/home/me' })
  expect(client.session(id).runs).toBe(2)
})

// The commands of a conversation where it is held line by line: each does its work, or says how it is done.

import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import type { Input } from '../../src/cli/verb.ts'
import { FakeClient, talker } from './fake-client.ts'
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

const tree = '1'.repeat(40)
const worktree = { repository: '/work/shop', path: '/trees/shop', below: '', branch: 'offstage/api', base: tree, from: 'main' }
const changed = {
  from: 'base',
  to: 'now',
  files: [{ path: 'a', kind: 'modified' as const, added: 1, removed: 0 }],
  added: 1,
  removed: 0,
  trees: { from: tree, to: tree },
  uncommitted: 0,
  notes: [],
}

test('/diff shows the patch of the tree where there is one, without its control bytes', async () => {
  const client = offering()
  client.changed = () => ({ ...changed, patch: new TextEncoder().encode('diff --git a/a b/a\n@@ -0,0 +1 @@\n+x\x1b]0;evil\x07y\n') })
  expect(await typed(client, '/diff')).toContain('   diff --git a/a b/a\n   @@ -0,0 +1 @@\n   +xy\n')
})

test('/undo and /land show what would happen, and do it only with "yes"', async () => {
  const client = offering().report(id, { type: 'snapshot-taken', snapshot: { n: 1, commit: tree, tree, why: 'turn-end', turn: 1, atMs: 0 } })
  client.changed = () => changed
  expect(await typed(client, '/undo last')).toContain('   /undo last yes   takes back the newest turn that changed anything\n')
  client.plan = ({ session }) => ({ session, into: 'main', how: 'merge', behind: 0, ahead: 1, uncommitted: 0, changes: changed, conflicts: [], checks: [], against: [] })
  expect(await typed(client, '/land')).toMatch(/merge into main: 1 file changed[^]*no checks\n {3}\/land yes {3}lands it in main\n/)
  expect([told(client, 'undo'), told(client, 'land')]).toEqual([[], []])
  client.onTree = (_id, event) => (event.type === 'undo-asked' ? [{ type: 'undone', before: 2, files: ['a'] }] : [])
  expect(await typed(client, '/undo 1 yes')).toContain(`took back turn 1: 1 file written; offstage restore ${id}@2 brings it back`)
  expect(told(client, 'undo')).toEqual([{ type: 'undo', what: { kind: 'turns', turn: 1 } }])
})

test('/check and /land give the checks an environment, for a session whose own is gone', async () => {
  const client = new FakeClient().create(id, { prompt: 'go', spec: { ...talker, checks: ['npm test'], worktree } }).report(id, { type: 'workspace-ready', base: tree, ports: {} })
  client.endTurn(id).report(id, { type: 'checked', turn: 1, results: [] })
  client.plan = ({ session }) => ({ session, into: 'main', how: 'merge', behind: 0, ahead: 1, uncommitted: 0, changes: changed, conflicts: [], checks: ['npm test'], against: [] })
  client.onTree = (_id, event) => {
    if (event.type === 'checks-started') return [{ type: 'checked', turn: 1, results: [{ command: 'npm test', exitCode: 0, ms: 1, output: '' }] }]
    return event.type === 'land-asked' ? [{ type: 'land-failed', at: 'moved', reason: 'it moved' }] : []
  }
  const said = await typed(client, '/check', '/land', '/land yes')
  expect(said).toMatch(/verified: npm test[^]*not landed: it moved/)
  const asked = client.submitted.filter(({ command }) => command.type === 'check' || command.type === 'land')
  expect(asked.map(({ command, environment }) => [command.type, environment?.['HOME']])).toEqual([
    ['check', '/home/me'],
    ['land', '/home/me'],
  ])
})

test('/undo and /land do nothing with words that they do not know, /check says that there is nothing to check', async () => {
  const client = offering()
  const said = await typed(client, '/undo everything', '/undo 0 yes', '/land now', '/check')
  expect(said.match(/\/undo takes the number of a turn/g)).toHaveLength(2)
  expect(said).toContain('/land takes nothing but "yes"')
  expect(said).toContain('has no checks')
  expect(client.submitted.map(({ command }) => command.type)).not.toContain('undo')
})

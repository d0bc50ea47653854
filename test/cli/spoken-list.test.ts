// The list that a screen reader reads: numbered lines, and what is typed after them.

import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { openSpokenList } from '../../src/cli/spoken-list.ts'
import type { Input } from '../../src/cli/verb.ts'
import { FakeClient, talker } from './fake-client.ts'
import { contextOf } from './run-cli.ts'

const id = 'k3f9x2ab'

/** What is said to these lines, and the answers that reached the daemon. */
async function said(client: FakeClient, lines: readonly string[]): Promise<{ readonly out: string; readonly answers: readonly unknown[] }> {
  const stdin = new PassThrough()
  const printed = { out: '', err: '' }
  stdin.end([...lines, 'quit', ''].join('\n'))
  expect(await openSpokenList(contextOf(client, { stdin: stdin as unknown as Input }, printed))).toBe(0)
  return { out: printed.out, answers: client.submitted.flatMap(({ command }) => (command.type === 'answer' ? [command.answer] : [])) }
}

const asking = (): FakeClient =>
  new FakeClient().create(id, { label: 'backend-api' }).report(id, {
    type: 'asks',
    ask: {
      id: 'r1',
      kind: 'permission',
      title: 'npm test ?',
      options: [
        { id: 'yes', label: 'Allow once', kind: 'allow', scope: 'once' },
        { id: 'no', label: 'Reject', kind: 'reject', scope: 'once' },
      ],
    },
  })

test('an answer names a session and a choice', async () => {
  const { out, answers } = await said(asking(), ['answer backend-api allow'])
  expect(answers).toEqual([{ kind: 'option', optionId: 'yes' }])
  expect(out).toContain('answered backend-api.\n')
})

test('an answer that is not whole says what is missing, and answers nothing', async () => {
  const { out, answers } = await said(asking(), ['answer', 'answer backend-api', 'answer nobody allow'])
  expect(answers).toEqual([])
  expect(out).toContain('whose question is to be answered, and with what?\n  for example: answer 1 allow\n')
  expect(out).toMatch(/backend-api is to be answered with what\?\n {2}1 Allow once, 2 Reject\n/)
  expect(out).toContain('no session matches "nobody"')
})

test('a session may be called much like the word', async () => {
  const { out } = await said(asking(), ['answers'])
  expect(out).toContain('no session matches "answers"')
})

test('what became of the work is said in words: conflicts, checks, where it landed', async () => {
  const checked = { command: 'npm test', exitCode: 1, ms: 10, output: '' }
  const client = new FakeClient()
    .create(id, { label: 'backend-api', spec: { ...talker, checks: ['npm test'] }, prompt: 'Add it.' })
    .create('other000', { label: 'docs-pass' })
    .endTurn(id)
  client.report(id, { type: 'checked', turn: 1, results: [checked] }).report(id, { type: 'conflicts-forecast', with: [{ session: 'other000', paths: ['a.ts'] }] })
  const { out } = await said(client, [])
  expect(out).toMatch(/backend-api, .*: completed for .*, conflicts with docs-pass; check failed: npm test/)
})

// What the status line learns of its session from the daemon, and how a terminal without a screen is told to whoever came from a list.

import { expect, onTestFinished, test } from 'vitest'
import { followedLine } from '../../src/cli/status-line/source.ts'
import { statusText } from '../../src/cli/status-line/text.ts'
import { showTerminal } from '../../src/cli/terminal-session.ts'
import { programSize } from '../../src/client/program-size.ts'
import { displayWidth } from '../../src/text/format.ts'
import { FakeClient, shell } from './fake-client.ts'
import { contextOf } from './run-cli.ts'

const look = { shown: true, color: false, readOnly: false }

function ended(): AbortSignal {
  const ending = new AbortController()
  onTestFinished(() => ending.abort())
  return ending.signal
}

/** The line's status whenever it changes. */
async function* statuses(client: Parameters<typeof followedLine>[0], session: Parameters<typeof followedLine>[1]): AsyncGenerator<string> {
  let changes = 0
  let wake = (): void => {}
  const line = followedLine(client, session, look, ended())
  line.onChange(() => {
    changes += 1
    wake()
  })
  for (let seen = 0; ;) {
    yield line.parts().status
    if (changes === seen) await new Promise<void>((resolve) => (wake = resolve))
    seen = changes
  }
}

test('the line says the name, the agent and the project, and follows the status', async () => {
  const client = new FakeClient().create('k3f9x2ab', { spec: shell, title: 'bash', label: 'tests\x1b[31m' })
  expect(followedLine(client, client.view('k3f9x2ab'), look, ended()).parts()).toEqual({ name: 'tests', agent: 'bash', project: 'shop', status: '● working', readOnly: false })
  const seen = statuses(client, client.view('k3f9x2ab'))
  expect((await seen.next()).value).toBe('● working')
  const next = seen.next()
  client.exit('k3f9x2ab', 3)
  let status = (await next).value
  while (status === '● working') status = (await seen.next()).value
  expect(status).toBe('✗ failed')
})

test('a daemon that fails, or hangs, leaves the status of before, or none', async () => {
  const client = new FakeClient().create('k3f9x2ab', { spec: shell })
  const session = client.view('k3f9x2ab')
  const failing = {
    get: async () => ({ session, cursor: 1 }),
    watch: () => {
      throw new Error('the connection was lost')
    },
  }
  const seen = statuses(failing, session)
  let status = (await seen.next()).value
  while (status !== '') status = (await seen.next()).value
  client.hangs.add('get')
  expect(followedLine(client, session, look, ended()).parts().status).toBe('● working')
})

test('where there is little room the name and the status remain, in no more than the columns', () => {
  const parts = { name: 'a name of some length', agent: 'claude', project: 'shop', status: '● working', readOnly: true }
  const text = (columns: number): string => statusText(parts, 'Ctrl-\\', columns)
  expect(text(120)).toBe(' a name of some length · claude · shop · read-only · ● working · Ctrl-\\ d leaves it running · Ctrl-\\ ? keys ')
  expect(text(80)).toBe(' a name of some length · claude · shop · read-only · ● working · Ctrl-\\ ? keys ')
  expect(text(64)).toBe(' a name of some length · read-only · ● working · Ctrl-\\ ? keys ')
  expect(text(50)).toBe(' a name of some length · read-only · ● working ')
  expect(text(20)).toBe(' a name of some len…')
  for (let columns = 1; columns < 130; columns += 1) expect(displayWidth(text(columns))).toBeLessThanOrEqual(columns)
})

test('a session without a process is told by its last lines, and nothing is printed', async () => {
  const client = new FakeClient().create('k3f9x2ab', { spec: shell })
  client.print('k3f9x2ab', `${Array.from({ length: 30 }, (_, index) => `line ${index}\r\n`).join('')}\x1b[1mdone\x1b[0m\r\n`)
  client.exit('k3f9x2ab', 0)
  const printed = { out: '', err: '' }
  const context = contextOf(client, { tty: true }, printed)
  const left = await showTerminal(context, client, client.view('k3f9x2ab'), { fresh: false, ids: () => [], readOnly: false, quiet: true })
  const expected = [...Array.from({ length: 9 }, (_, index) => `line ${index + 21}`), 'done']
  expect([left, printed]).toEqual([
    { kind: 'over', lastLines: expected },
    { out: '', err: '' },
  ])
})

test('a program starts with the rows that it has once it is attached', async () => {
  const env = { HOME: '/nonexistent', OFFSTAGE_CONFIG: '/nonexistent/config.toml' }
  expect(await programSize(env, { columns: 80, rows: 24 })).toEqual({ columns: 80, rows: 23 })
  expect(await programSize(env, { columns: 80, rows: 5 })).toEqual({ columns: 80, rows: 5 })
})

// `offstage search`: what it asks and how it shows what comes back. What is found is the daemon's business.

import { expect, test } from 'vitest'
import type { Hit } from '../../src/core/api.ts'
import { displayWidth } from '../../src/text/format.ts'
import { FakeClient } from './fake-client.ts'
import { type Setting, offstage } from './run-cli.ts'

const hit = (client: FakeClient, excerpt: string, more: Partial<Hit> = {}): Hit => ({
  session: 'aaaaaaaa',
  seq: 3,
  atMs: client.nowMs - 14 * 60_000,
  kind: 'message',
  excerpt,
  ...more,
})

function found(...excerpts: readonly string[]): FakeClient {
  const client = new FakeClient().create('aaaaaaaa', { label: 'backend-api' }).create('bbbbbbbb', { title: 'Write the docs' })
  client.hits = excerpts.map((excerpt) => hit(client, excerpt))
  return client
}

const search = (client: FakeClient, args: readonly string[], setting: Setting = {}) => offstage(client, ['search', ...args], setting)

test.each([
  [['rate limit'], { text: 'rate limit', limit: 50 }],
  [['rate', 'limit'], { text: 'rate limit', limit: 50 }],
  [['"rate limit"', '--limit', '5'], { text: '"rate limit"', limit: 5 }],
  [['-n', '1000', '--', '--force'], { text: '--force', limit: 1000 }],
] as const)('%j asks for %j', async (args, query) => {
  const client = found('\u0001it\u0002')
  expect((await search(client, args)).code).toBe(0)
  expect(client.searched).toEqual([query])
})

test('into a pipe: a line each, tab-separated, whatever the text is', async () => {
  const client = found('the \u0001rate\u0002 \u0001limit\u0002')
  client.hits = [...client.hits, hit(client, 'tab\there\nand \u001b[31mred\u0001 \u0002', { session: 'bbbbbbbb', kind: 'prompt', atMs: 0 })]
  expect(await search(client, ['rate'])).toEqual({
    code: 0,
    err: '',
    out: 'aaaaaaaa\tbackend-api\tmessage\t2026-11-23T13:46:00.000Z\tthe rate limit\nbbbbbbbb\tWrite the docs\tprompt\t1970-01-01T00:00:00.000Z\ttab here and red\n',
  })
})

test('on a terminal: in columns, what was found in bold, nothing wider than the terminal', async () => {
  const client = found(`first ${'words '.repeat(20)}\u0001rate\u0002 and ${'more '.repeat(20)}`, 'a \u0001rate\u0002 here')
  client.hits = [...client.hits, hit(client, '\u0001rates\u0002', { session: 'bbbbbbbb', kind: 'name', atMs: client.nowMs - 3_600_000 })]
  const { code, out } = await search(client, ['rate'], { tty: true, columns: 80 })
  expect([code, out]).toEqual([
    0,
    [
      `aaaa  backend-api     message   14m  …words words words rate and more more mor…\n`,
      'aaaa  backend-api     message   14m  a rate here\n',
      'bbbb  Write the docs  name       1h  rates\n',
    ].join(''),
  ])
  for (const columns of [40, 60, 80, 200]) {
    const lines = (await search(client, ['rate'], { tty: true, columns })).out.trimEnd().split('\n')
    for (const line of lines) {
      expect(line).toContain('rate')
      expect(displayWidth(line)).toBeLessThanOrEqual(Math.max(columns, 57))
    }
  }
  expect((await search(client, ['rate'], { tty: true, color: true })).out).toContain('a \u001b[1mrate\u001b[0m here\n')
})

test('nothing of what was said is obeyed by the terminal', async () => {
  const client = found('\u001b]0;owned\u0007\u0001a\u001b[2Jb\u0002\u202e c\u0000')
  // oxlint-disable-next-line no-control-regex
  expect((await search(client, ['x'], { tty: true })).out).not.toMatch(/[\0-\x09\x0b-\x1f\u202e]/)
})

test('as JSON: one array', async () => {
  const client = found('the \u0001rate\u0002')
  const { code, out } = await search(client, ['rate', '--json'])
  expect([code, JSON.parse(out)]).toEqual([
    0,
    [{ session: 'aaaaaaaa', label: 'backend-api', sessionTitle: 'Add an endpoint', seq: 3, at: '2026-11-23T13:46:00.000Z', kind: 'message', excerpt: 'the \u0001rate\u0002' }],
  ])
  expect(await search(found(), ['rate', '--json'])).toEqual({ code: 1, out: '[]\n', err: '' })
})

test('nothing found is exit 1, as grep has it', async () => {
  expect(await search(found(), ['nowhere'], { tty: true })).toEqual({ code: 1, out: '', err: 'offstage: nothing matches "nowhere"\n' })
})

test.each([
  ['no word', []],
  ['an empty word', ['']],
  ['a limit of none', ['a', '--limit', '0']],
  ['a limit that is too large', ['a', '--limit', '1001']],
  ['a limit that is no number', ['a', '--limit', 'many']],
  ['a text without end', ['a'.repeat(1001)]],
])('%s is a usage error', async (_name, args) => {
  const client = found()
  const { code, out, err } = await search(client, args)
  expect([code, out, err.split('\n').length, client.searched]).toEqual([2, '', 3, []])
})

import { describe, expect, test } from 'vitest'
import { FakeClient, shell } from './fake-client.ts'
import { offstage } from './run-cli.ts'

type State = 'completed' | 'failed' | 'stopped' | 'waiting' | 'lost question' | 'working' | 'exited 0' | 'exited 1'

function put(client: FakeClient, id: string, state: State): FakeClient {
  if (state === 'exited 0' || state === 'exited 1') return client.create(id, { spec: shell, title: 'make' }).exit(id, state === 'exited 0' ? 0 : 1)
  client.create(id, { prompt: 'x' })
  switch (state) {
    case 'completed':
      return client.endTurn(id)
    case 'failed':
      return client.report(id, { type: 'lost', cause: 'the keeper is gone' })
    case 'stopped':
      return client.command(id, { type: 'stop' })
    case 'waiting':
      return client.ask(id, `q${id.slice(1)}`, 'delete it')
    case 'lost question':
      return client.ask(id, `q${id.slice(1)}`, 'delete it').report(id, { type: 'lost', cause: 'the keeper is gone' })
    case 'working':
      return client
  }
}

const ids = ['aaaaaaaa', 'bbbbbbbb', 'cccccccc']

describe('at once', () => {
  const table: readonly (readonly [readonly State[], readonly string[], number])[] = [
    [['completed'], [], 0],
    [['exited 0'], [], 0],
    [['exited 1'], [], 11],
    [['failed'], [], 11],
    [['stopped'], [], 12],
    [['waiting'], [], 10],
    [['lost question'], [], 10],
    [['completed', 'waiting'], [], 10],
    [['completed', 'waiting', 'stopped'], [], 12],
    [['stopped', 'failed', 'waiting'], [], 11],
    // Asked for something that it cannot reach any more.
    [['failed'], ['--for', 'completed'], 11],
    [['stopped'], ['--for', 'completed'], 12],
    [['lost question'], ['--for', 'completed'], 10],
    [['completed'], ['--for', 'waiting'], 0],
    [['failed'], ['--for', 'failed'], 11],
    [['waiting'], ['--for', 'waiting,completed'], 10],
    [['working'], ['--for', 'working'], 0],
    [['working'], ['--for', 'running'], 0],
    [['failed'], ['--for', 'error'], 11],
  ]
  test.each(table)('%j %j gives %i', async (states, options, code) => {
    const client = new FakeClient()
    for (const [index, state] of states.entries()) put(client, ids[index] ?? '', state)
    expect(await offstage(client, ['wait', ...ids.slice(0, states.length), ...options])).toMatchObject({ code, err: '' })
  })
})

const aFewTurns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

test('waits until the last one is there, and prints each as it comes', async () => {
  const client = put(put(new FakeClient(), 'aaaaaaaa', 'working'), 'bbbbbbbb', 'working')
  let code: number | undefined
  const waiting = offstage(client, ['wait', 'aaaa', 'bbbb']).then((printed) => {
    ;({ code } = printed)
    return printed
  })
  await aFewTurns()
  client.say('bbbbbbbb', '1.1', 'nearly').endTurn('bbbbbbbb')
  await aFewTurns()
  expect(code).toBeUndefined()
  client.endTurn('aaaaaaaa')
  expect(await waiting).toEqual({ code: 0, err: '', out: 'bbbbbbbb\tcompleted\tAdd an endpoint\tnearly\naaaaaaaa\tcompleted\tAdd an endpoint\tAdd an endpoint\n' })
})

test('a question is passed over when only completed is wanted, and its answer goes on', async () => {
  const client = put(new FakeClient(), 'aaaaaaaa', 'waiting')
  const waiting = offstage(client, ['wait', 'aaaa', '--for', 'completed'])
  await aFewTurns()
  client.command('aaaaaaaa', { type: 'answer', requestId: 'qaaaaaaa', answer: { kind: 'option', optionId: 'once' } }).endTurn('aaaaaaaa')
  expect((await waiting).code).toBe(0)
})

test.each(['kept', 'not kept'])('returns when the turn is kept, or cannot be asked about: %s', async (how) => {
  const client = put(new FakeClient(), 'aaaaaaaa', 'completed')
  const keeping = Promise.withResolvers<void>()
  client.keeping = () => keeping.promise
  let isOver = false
  const waiting = offstage(client, ['wait', 'aaaa']).finally(() => (isOver = true))
  await aFewTurns()
  expect(isOver).toBe(false)
  if (how === 'kept') keeping.resolve()
  else keeping.reject(new Error('the daemon has left'))
  expect(await waiting).toMatchObject({ code: 0, err: '' })
})

test('a stop from elsewhere ends the wait', async () => {
  const client = put(new FakeClient(), 'aaaaaaaa', 'working')
  const waiting = offstage(client, ['wait', 'aaaa', '--for', 'completed'])
  await aFewTurns()
  client.command('aaaaaaaa', { type: 'stop' })
  expect((await waiting).code).toBe(12)
})

test('a timeout is 124, and says which are not there', async () => {
  const client = put(put(new FakeClient(), 'aaaaaaaa', 'working'), 'bbbbbbbb', 'completed')
  expect(await offstage(client, ['wait', 'aaaa', 'bbbb', '--timeout', '0.05'])).toEqual({
    code: 124,
    out: 'bbbbbbbb\tcompleted\tAdd an endpoint\tAdd an endpoint\n',
    err: 'offstage: timed out: session aaaaaaaa is working\n',
  })
  const { out } = await offstage(client, ['wait', 'aaaa', 'bbbb', '--timeout', '0', '--json'])
  expect(JSON.parse(out)).toMatchObject([
    { id: 'aaaaaaaa', status: 'working' },
    { id: 'bbbbbbbb', status: 'completed' },
  ])
})

test('Ctrl-C ends it without a word', async () => {
  const stopping = new AbortController()
  const waiting = offstage(put(new FakeClient(), 'aaaaaaaa', 'working'), ['wait', 'aaaa'], { signal: stopping.signal })
  await aFewTurns()
  stopping.abort('SIGINT')
  expect(await waiting).toEqual({ code: 130, out: '', err: '' })
})

test('what cannot be waited for is a usage error', async () => {
  expect(await offstage(new FakeClient(), ['wait', 'x', '--for', 'done'])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^offstage: "done" is no status\n {2}one of: running, error, queued/) as string,
  })
  expect(await offstage(new FakeClient(), ['wait', 'x', '--timeout', 'soon'])).toEqual({
    code: 2,
    out: '',
    err: 'offstage: "soon" is no number of seconds\n  for example: --timeout 600\n',
  })
  expect((await offstage(new FakeClient(), ['wait', 'x'])).code).toBe(3)
})

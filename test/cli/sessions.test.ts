import { expect, test } from 'vitest'
import { FakeClient, shell } from './fake-client.ts'
import { offstage } from './run-cli.ts'

const hostile = 'a\x1b]0;owned\x07b\x1b[2Jc\u009b31md\te\nf\u202eg\u0085h'
const harmless = 'abcd e f\ufffdg\ufffdh'
// oxlint-disable-next-line no-control-regex
const dangerous = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/

function several(): FakeClient {
  const client = new FakeClient()
  client
    .create('k3f9x2ab', { label: 'backend-api', title: 'Add an endpoint', prompt: 'Add an endpoint' })
    .say('k3f9x2ab', '1.1', 'I will start with the schema.')
    .ask('k3f9x2ab', 'q7m2p4zz', 'delete src/legacy/prefs.ts')
  client.nowMs += 60_000
  client.create('m4c8d1ef', { title: 'Fix the tests', prompt: 'Fix the tests' }).say('m4c8d1ef', '1.1', 'All pass.').endTurn('m4c8d1ef')
  client.nowMs += 14 * 60_000
  client.create('b5n2v6gh', { spec: { ...shell, cwd: '/work/site' }, title: 'bash' })
  return client
}

test('piped: one line a session, eight fields between tabs, newest first', async () => {
  expect(await offstage(several(), ['sessions'])).toEqual({
    code: 0,
    err: '',
    out: [
      'b5n2v6gh\tworking\t\tbash\t/work/site\tbash\t0s\t0',
      'm4c8d1ef\tcompleted\t\ttalker\t/work/shop\tAll pass.\t0s\t2',
      'k3f9x2ab\twaiting\tbackend-api\ttalker\t/work/shop\tdelete src/legacy/prefs.ts\t15m\t3',
      '',
    ].join('\n'),
  })
})

test('on a terminal: columns that line up, those that wait first', async () => {
  const { out } = await offstage(several(), ['sessions'], { tty: true, columns: 120 })
  expect(out).toBe(
    [
      'k3f9x2ab  ◆ waiting    backend-api    talker  /work/shop  delete src/legacy/prefs.ts  15m  3 new',
      'b5n2v6gh  ● working    bash           bash    /work/site  bash                         0s',
      'm4c8d1ef  ✓ completed  Fix the tests  talker  /work/shop  All pass.                    0s  2 new',
      '',
    ].join('\n'),
  )
})

test.each([40, 60, 80, 100, 200])('no line is wider than a terminal of %i columns', async (columns) => {
  const client = several().create('zzzzzzzz', {
    label: 'a label that is far too long for any list',
    spec: { ...shell, cwd: `/work/${'deep/'.repeat(30)}` },
    title: '界'.repeat(70),
  })
  const { out } = await offstage(client, ['sessions'], { tty: true, columns })
  expect(out.split('\n').every((line) => [...line].length + (line.match(/界/g)?.length ?? 0) < columns + 1)).toBe(true)
})

test('colours only where they are wanted', async () => {
  expect((await offstage(several(), ['sessions'], { tty: true, color: true })).out).toContain('\x1b[33m◆ waiting')
  expect((await offstage(several(), ['sessions'], { tty: true, color: false })).out).not.toContain('\x1b')
})

test('what stands still says why in the list, in the place of what it did last', async () => {
  const client = new FakeClient().create('aaaaaaaa', { prompt: 'x' }).say('aaaaaaaa', '1.1', 'I begin').create('bbbbbbbb', { prompt: 'x' }).say('bbbbbbbb', '1.1', 'I begin')
  client.report('aaaaaaaa', { type: 'held', why: 'the disk is full: free some space, and it goes on by itself' }).report('bbbbbbbb', { type: 'silent', forMs: 300_000 })
  const summaries = async (): Promise<readonly (string | undefined)[]> => (await offstage(client, ['sessions'])).out.split('\n').map((line) => line.split('\t')[5])
  expect(await summaries()).toEqual(['no signal: its turn is open and nothing comes of it', 'held: the disk is full: free some space, and it goes on by itself', undefined])
  client.report('aaaaaaaa', { type: 'released' }).report('bbbbbbbb', { type: 'spoke' })
  expect(await summaries()).toEqual(['I begin', 'I begin', undefined])
})

test('--status takes the statuses, several of them, and running and error', async () => {
  const ids = async (status: string): Promise<readonly string[]> =>
    (await offstage(several(), ['sessions', '--status', status])).out.split('\n').flatMap((line) => line.split('\t')[0] || [])
  expect(await ids('waiting')).toEqual(['k3f9x2ab'])
  expect(await ids('running')).toEqual(['b5n2v6gh'])
  expect(await ids('error')).toEqual([])
  expect(await ids('waiting,completed')).toEqual(['m4c8d1ef', 'k3f9x2ab'])
  expect(await offstage(several(), ['sessions', '--status', 'wating'])).toEqual({ code: 2, out: '', err: 'offstage: "wating" is no status\n  did you mean waiting?\n' })
})

test('--cwd takes a directory and all below it, also one that is gone', async () => {
  expect((await offstage(several(), ['sessions', '--cwd', '/work/site'])).out).toMatch(/^b5n2v6gh.*\n$/)
  expect((await offstage(several(), ['sessions', '--cwd', 'work'])).out.split('\n')).toHaveLength(4)
  expect((await offstage(several(), ['sessions', '--cwd', '/work/sit'])).out).toBe('')
})

test('--all shows archived ones too', async () => {
  const client = several().command('m4c8d1ef', { type: 'end' })
  expect((await offstage(client, ['ls'])).out).not.toContain('m4c8d1ef')
  expect((await offstage(client, ['ls', '--all'])).out).toContain('m4c8d1ef')
})

test('--json is an array of session objects', async () => {
  const client = several()
  const { out } = await offstage(client, ['sessions', '--json'])
  expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(await client.list({ all: false }))))
})

test('without sessions: a hint on a terminal, nothing in a pipe, an empty array as JSON', async () => {
  expect((await offstage(new FakeClient(), ['sessions'], { tty: true })).out).toBe('no sessions yet\n  offstage bg "what to do" starts one\n')
  expect((await offstage(new FakeClient(), ['sessions'])).out).toBe('')
  expect((await offstage(new FakeClient(), ['sessions', '--json'])).out).toBe('[]\n')
})

test('nothing that a session is called reaches a terminal as control bytes, in any list', async () => {
  const client = new FakeClient()
  client
    .create('hhhhhhhh', { spec: { ...shell, kind: 'agent', driver: 'acp', agent: hostile, cwd: `/work/${hostile}` }, title: hostile, label: hostile, prompt: hostile })
    .say('hhhhhhhh', '1.1', hostile)
  client.ask('hhhhhhhh', 'rrrrrrrr', hostile, hostile)
  client.print('hhhhhhhh', `${hostile}\n`, 'err')
  for (const argv of [
    ['sessions'],
    ['sessions', '--json'],
    ['requests'],
    ['requests', '--json'],
    ['why', 'hhhhhhhh'],
    ['why', 'hhhhhhhh', '--all', '--json'],
    ['logs', 'hhhhhhhh'],
    ['logs', 'hhhhhhhh', '--json'],
    ['events'],
    ['events', '--json'],
    ['wait', 'hhhhhhhh'],
    ['wait', 'hhhhhhhh', '--json'],
    ['answer', 'hhhhhhhh', 'nothing of this'],
    ['switch', 'hhhhhhhh'],
    ['switch', 'nope'],
    ['switch', 'nope', '--json'],
    ['interrupt', 'hhhhhhhh'],
    ['label', 'hhhhhhhh', hostile],
    ['stop', 'hhhhhhhh'],
    ['rm', 'hhhhhhhh'],
    ['restore', 'hhhhhhhh'],
  ]) {
    for (const tty of [true, false]) {
      const { out, err } = await offstage(client, argv, { tty })
      expect({ argv, tty, found: dangerous.exec(out + err)?.[0] }).toEqual({ argv, tty, found: undefined })
      expect(out + err).not.toBe('')
    }
  }
})

test('what a field holds makes no further field or line', async () => {
  const client = new FakeClient().create('hhhhhhhh', { spec: { ...shell, agent: hostile, cwd: hostile }, title: hostile, label: hostile })
  expect((await offstage(client, ['sessions'])).out).toBe(`hhhhhhhh\tworking\t${harmless}\t${harmless}\t${harmless}\t${harmless}\t0s\t0\n`)
})

// offstage notify, and the deliveries that `offstage why` shows.

import { expect, test } from 'vitest'
import type { NotifyReport } from '../../src/core/announcement.ts'
import { FakeClient } from './fake-client.ts'
import { offstage } from './run-cli.ts'

const report: NotifyReport = {
  tells: ['needs-you', 'failed', 'completed'],
  onScreen: false,
  minDurationMs: 10_000,
  quiet: { hours: '22:00-07:00', now: true },
  channels: [
    { channel: 'terminal', on: true, detail: 'by the screens that are open' },
    { channel: 'desktop', on: false, detail: 'no desktop is seen, or its program is not there' },
    { channel: 'command', on: true, detail: '/home/me/tell', result: { how: 'told' } },
    { channel: 'webhook', on: true, detail: 'example.org', result: { how: 'failed', detail: 'example.org: 503, after 4 tries\u001b[31m' } },
  ],
  problem: null,
}

function clientWith(more: Partial<NotifyReport> = {}): FakeClient {
  const client = new FakeClient()
  client.notifications = { ...report, ...more }
  return client
}

test('says what is on', async () => {
  const client = clientWith()
  client.create('k3f9x2ab', { label: 'nightly' }).command('k3f9x2ab', { type: 'mute', muted: true })
  expect(await offstage(client, ['notify'])).toEqual({
    code: 0,
    err: '',
    out: [
      ' told      needs you, failed, completed after 10s or more',
      ' quiet     22:00-07:00, which is now',
      ' terminal  by the screens that are open',
      ' desktop   off: no desktop is seen, or its program is not there',
      ' command   /home/me/tell',
      ' webhook   example.org',
      ' muted     k3f9x2ab  nightly',
      '',
    ].join('\n'),
  })
  expect(JSON.parse((await offstage(client, ['notify', 'status', '--json'])).out)).toMatchObject({ quiet: { now: true }, muted: ['k3f9x2ab'] })
})

test('says that the configuration cannot be read', async () => {
  const { out } = await offstage(clientWith({ tells: [], quiet: null, channels: [], problem: 'config.toml:3: failed is neither true nor false' }), ['notify'])
  expect(out).toBe(' told      nothing\n problem   config.toml:3: failed is neither true nor false\n')
})

test('a test says what became of each channel, and fails if one did', async () => {
  expect(await offstage(clientWith(), ['notify', 'test'])).toEqual({
    code: 1,
    err: '',
    out: ' terminal  not tried: this is no terminal\n command   told by /home/me/tell\n webhook   failed: example.org: 503, after 4 tries\n',
  })
  const fine = { channels: report.channels.slice(0, 3) }
  expect((await offstage(clientWith(fine), ['notify', 'test'])).code).toBe(0)
  const { code, out } = await offstage(clientWith(), ['notify', 'test', '--json'])
  expect(code).toBe(1)
  expect(JSON.parse(out)).toMatchObject({ channels: [{ channel: 'terminal' }, { channel: 'desktop' }, { result: { how: 'told' } }, { result: { how: 'failed' } }] })
  expect((await offstage(clientWith({ channels: [] }), ['notify', 'test'])).out).toContain('no channel is on')
})

test('a test on a terminal is told there too', async () => {
  const { out } = await offstage(clientWith(), ['notify', 'test'], { tty: true, env: { TERM: 'foot' } })
  expect(out).toContain('\u001b]777;notify;offstage;This is a test: you are told by this channel.\u0007')
  expect(out).toContain(' terminal  told by this terminal\n')
})

test('mutes a session, and brings it back', async () => {
  const client = clientWith()
  client.create('k3f9x2ab', { label: 'nightly' })
  expect((await offstage(client, ['notify', 'off', 'nightly'])).out).toBe('nightly is muted: you are not told of it\n')
  expect(client.view('k3f9x2ab').muted).toBe(true)
  // Once more is no change.
  expect((await offstage(client, ['notify', 'off', 'k3f9'])).code).toBe(0)
  expect(JSON.parse((await offstage(client, ['notify', 'on', 'k3f9', '--json'])).out)).toMatchObject({ id: 'k3f9x2ab', muted: false })
  expect(client.facts('k3f9x2ab').filter(({ type }) => type === 'muted')).toEqual([
    { type: 'muted', muted: true },
    { type: 'muted', muted: false },
  ])
})

test.each([
  [['notify', 'tset'], '"tset" is not one of status, test, off, on', 'did you mean offstage notify test?'],
  [['notify', 'off'], 'notify off needs an ID', 'mutes a session'],
  [['notify', 'test', 'k3f9'], 'notify test takes no ID', 'mutes a session'],
])('%j is a mistake', async (argv, what, hint) => {
  const { code, err } = await offstage(clientWith(), argv)
  expect([code, err]).toEqual([2, expect.stringContaining(what)])
  expect(err).toContain(hint)
})

test('why shows what was told, by which channel, and what became of it', async () => {
  const client = clientWith()
  client.create('k3f9x2ab', { label: 'nightly', prompt: 'go' }).ask('k3f9x2ab', 'q7m2k3f9', 'delete\u001b[31m old.txt')
  const before = client.view('k3f9x2ab')
  client.nowMs += 60_000
  client
    .report('k3f9x2ab', { type: 'notified', about: 'needs-you', of: 'q7m2k3f9', channel: 'desktop', how: 'told' })
    .report('k3f9x2ab', { type: 'notified', about: 'needs-you', of: 'q7m2k3f9', channel: 'webhook', how: 'failed', detail: 'example.org: 503' })
    .report('k3f9x2ab', { type: 'notified', about: 'completed', of: 'turn 1', channel: 'command', how: 'suppressed', detail: 'quiet hours' })
  const { out } = await offstage(client, ['why', 'k3f9'])
  const [, told = ''] = out.split(' what you were told\n')
  expect(told.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^ {3}\d\d:\d\d:\d\d {2}desktop {3}permission: delete old\.txt {2}told$/),
    expect.stringMatching(/^ {3}\d\d:\d\d:\d\d {2}webhook {3}permission: delete old\.txt {2}failed: example\.org: 503$/),
    expect.stringMatching(/^ {3}\d\d:\d\d:\d\d {2}command {3}completed {2}suppressed: quiet hours$/),
  ])
  expect(out.split(' what you were told\n')[0]).not.toContain('notified')
  // Quietly: nothing else of the session is changed by it.
  expect(client.view('k3f9x2ab')).toEqual({ ...before, elapsedMs: before.elapsedMs + 60_000 })
  client.command('k3f9x2ab', { type: 'mute', muted: true })
  expect((await offstage(client, ['why', 'k3f9'])).out).toContain('it is muted: offstage notify on k3f9x2ab')
})

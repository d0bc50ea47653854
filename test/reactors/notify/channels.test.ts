// Real programs and a real server: what they get, and what is said when it goes wrong.

import { createHmac } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { type News, type NotifySettings, announce } from '../../../src/core/announcement.ts'
import { defaultNotify } from '../../../src/config/notify-settings.ts'
import type { Channel } from '../../../src/reactors/notify/channel.ts'
import { type ChannelDeps, channelsOf, notifyReport } from '../../../src/reactors/notify/channels.ts'
import type { System } from '../../../src/reactors/notify/desktop.ts'
import { knownEnvironment } from '../../../src/reactors/notify/environment.ts'
import { runProgram } from '../../../src/reactors/notify/run-program.ts'
import { isRunning } from '../../machine.ts'
import { never, settle } from '../../home.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'offstage-notify-')))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const bin = join(folder, 'bin')
mkdirSync(bin)

/** A program that writes down its arguments, its input and these variables. */
function program(name: string, then = 'exit 0'): string {
  const path = join(bin, name)
  const lines = ['#!/bin/sh', `printf '%s\\0' "$@" > '${path}.args'`, `printf '%s\\0' "$OFFSTAGE_TITLE" "$OFFSTAGE_BODY" "$WSLENV" > '${path}.env'`, `cat > '${path}.input'`, then]
  writeFileSync(path, `${lines.join('\n')}\n`)
  chmodSync(path, 0o755)
  return path
}

const argsOf = (path: string): readonly string[] => readFileSync(`${path}.args`, 'utf8').split('\0').slice(0, -1)

const hostile = String.raw`$(touch /tmp/x) "; display alert \74b\76 <img src=x> & 'q' --`
const news: News = {
  about: 'needs-you',
  of: 'reqaaaa1',
  atMs: 1_000,
  session: 'sess0001',
  label: '--help\u001b[31m',
  title: 'Tidy up',
  agent: 'claude',
  cwd: '/w/shop',
  project: 'shop',
  request: 'reqaaaa1',
  text: `permission: ${hostile}\n\u0007`,
}
const announcement = announce('needs-you', [news])

const settings = (more: Partial<NotifySettings>): NotifySettings => ({ ...defaultNotify, desktop: false, ...more })

const deps = (more: { readonly system?: System; readonly env?: Readonly<Record<string, string>>; readonly waits?: number[]; readonly timeLimitMs?: number } = {}): ChannelDeps => ({
  system: more.system ?? 'linux',
  environment: knownEnvironment({ PATH: `${bin}:/usr/bin:/bin`, ...more.env }),
  run: runProgram,
  nowMs: () => 1_700_000_000_000,
  delay: async (ms) => void more.waits?.push(ms),
  timeLimitMs: more.timeLimitMs ?? 10_000,
})

function only(channels: readonly Channel[]): Channel {
  const [channel, ...others] = channels
  if (!channel || others.length > 0) throw new Error(`${channels.length} channels`)
  return channel
}

test('a command gets the announcement as one line of JSON, and its arguments as they are', async () => {
  const path = program('tell')
  const channel = only(channelsOf(settings({ command: [path, '--loud', 'a b'] }), deps()))
  expect(await channel.deliver(announcement, never)).toEqual({ how: 'told' })
  expect(argsOf(path)).toEqual(['--loud', 'a b'])
  const input = readFileSync(`${path}.input`, 'utf8')
  expect(input.trimEnd()).not.toContain('\n')
  expect(JSON.parse(input)).toEqual({
    type: 'needs-you',
    timestamp: '2023-11-14T22:13:20.000Z',
    title: '--help needs you',
    body: `permission: ${hostile} \ufffd · shop`,
    sessions: [
      {
        id: 'sess0001',
        label: '--help',
        title: 'Tidy up',
        agent: 'claude',
        cwd: '/w/shop',
        project: 'shop',
        request: 'reqaaaa1',
        text: `permission: ${hostile} \ufffd`,
        at: '1970-01-01T00:00:01.000Z',
      },
    ],
  })
})

test('of a command that fails, the end of what it said is kept', async () => {
  const path = program('fails', 'i=0; while [ $i -lt 3000 ]; do echo noise; i=$((i+1)); done; printf "no \\033[31mroute\\n" >&2; exit 3')
  const delivered = await only(channelsOf(settings({ command: [path] }), deps())).deliver(announcement, never)
  expect(delivered).toEqual({ how: 'failed', detail: expect.stringMatching(/fails ended with exit code 3: .*no route$/) })
  expect(delivered.detail?.length).toBeLessThan(500)
})

test('a command that does not read, and one that is not there', async () => {
  const path = join(bin, 'deaf')
  writeFileSync(path, '#!/bin/sh\nexec 0<&-\nexit 0\n', { mode: 0o755 })
  expect(await only(channelsOf(settings({ command: [path] }), deps())).deliver(announcement, never)).toEqual({ how: 'told' })
  expect(await only(channelsOf(settings({ command: ['nowhere-at-all'] }), deps())).deliver(announcement, never)).toEqual({
    how: 'failed',
    detail: 'there is no program nowhere-at-all',
  })
})

test('a command that takes too long is ended with everything that it started', async () => {
  const pids = join(folder, 'pids')
  const argv = ['/bin/sh', '-c', `trap '' TERM; sleep 1000 & echo $! $$ > '${pids}'; echo waiting; wait`] as const
  const delivered = await runProgram({ argv, env: { PATH: '/usr/bin:/bin' }, timeLimitMs: 300 }, never)
  expect(delivered).toEqual({ how: 'failed', detail: '/bin/sh took more than 0.3 s: waiting' })
  for (const pid of readFileSync(pids, 'utf8').trim().split(' ').map(Number)) {
    expect(
      await settle(
        () => isRunning(pid),
        (running) => !running,
      ),
    ).toBe(false)
  }
})

test('a command that leaves something behind is told when it ends itself', async () => {
  const argv = ['/bin/sh', '-c', 'sleep 1 & exit 0'] as const
  const startedMs = performance.now()
  expect(await runProgram({ argv, env: { PATH: '/usr/bin:/bin' }, timeLimitMs: 10_000 }, never)).toEqual({ how: 'told' })
  expect(performance.now() - startedMs).toBeLessThan(900)
})

test('notify-send gets the texts behind "--", without markup or escapes of the agent', async () => {
  const path = program('notify-send')
  const channel = only(channelsOf(settings({ desktop: 'auto' }), deps({ env: { DISPLAY: ':0' } })))
  expect(await channel.deliver(announcement, never)).toEqual({ how: 'told' })
  const body = String.raw`permission: $(touch /tmp/x) "; display alert \\74b\\76 &lt;img src=x&gt; &amp; 'q' --` + ' \ufffd · shop'
  expect(argsOf(path)).toEqual(['--app-name=offstage', '--urgency=normal', '--', '--help needs you', body])
  rmSync(path)
})

test('a desktop is used where one is seen and its program is there, unless the settings say more', () => {
  const channels = (desktop: NotifySettings['desktop'], env: Readonly<Record<string, string>>): readonly string[] =>
    channelsOf(settings({ desktop }), deps({ env })).map(({ name }) => name)
  expect(channels('auto', { DISPLAY: ':0' })).toEqual([])
  const path = program('notify-send')
  expect(channels('auto', { DISPLAY: ':0' })).toEqual(['desktop'])
  expect(channels('auto', { WAYLAND_DISPLAY: 'wayland-0' })).toEqual(['desktop'])
  expect(channels('auto', { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/user/1/bus' })).toEqual([])
  expect(channels(true, {})).toEqual(['desktop'])
  expect(channels(false, { DISPLAY: ':0' })).toEqual([])
  rmSync(path)
})

test('a desktop that was asked for and has no program is a failure that is told', async () => {
  expect(await only(channelsOf(settings({ desktop: true }), deps())).deliver(announcement, never)).toEqual({ how: 'failed', detail: 'there is no program notify-send' })
})

test('osascript gets the texts as arguments, and a toast from WSL by the environment: neither in a script', async () => {
  const mac = program('osascript')
  expect(await only(channelsOf(settings({ desktop: 'auto' }), deps({ system: 'macos' }))).deliver(announcement, never)).toEqual({ how: 'told' })
  expect(argsOf(mac)).toEqual([
    '-e',
    'on run argv',
    '-e',
    'display notification (item 2 of argv) with title (item 1 of argv)',
    '-e',
    'end run',
    '--',
    announcement.title,
    announcement.body,
  ])
  const windows = program('powershell.exe')
  expect(await only(channelsOf(settings({ desktop: 'auto' }), deps({ system: 'wsl', env: { WSLENV: 'A/p' } }))).deliver(announcement, never)).toEqual({ how: 'told' })
  const [, , , script = ''] = argsOf(windows)
  expect(Buffer.from(script, 'base64').toString('utf16le')).not.toContain('touch')
  expect(readFileSync(`${windows}.env`, 'utf8').split('\0').slice(0, 3)).toEqual([announcement.title, announcement.body, 'A/p:OFFSTAGE_TITLE:OFFSTAGE_BODY'])
})

test('the desktop is that of the newest client that had one, all of it', () => {
  const known = knownEnvironment({ PATH: '/bin', DISPLAY: ':1', XAUTHORITY: '/old', DBUS_SESSION_BUS_ADDRESS: 'old' })
  expect(known.forPrograms()).toMatchObject({ DISPLAY: ':1', DBUS_SESSION_BUS_ADDRESS: 'old' })
  known.given({ PATH: '/elsewhere', WAYLAND_DISPLAY: 'wayland-0', DBUS_SESSION_BUS_ADDRESS: 'new', TOKEN: 't' })
  known.given({ SSH_CONNECTION: 'x' })
  expect(known.forPrograms()).toMatchObject({ PATH: '/bin', DISPLAY: undefined, XAUTHORITY: undefined, WAYLAND_DISPLAY: 'wayland-0', DBUS_SESSION_BUS_ADDRESS: 'new' })
})

test('a variable is known from the newest client, the daemon, or before', () => {
  const known = knownEnvironment({ OWN: 'own' })
  known.given({ TOKEN: 'one', OWN: 'theirs' })
  expect([known.variable('TOKEN'), known.variable('OWN'), known.variable('NONE')]).toEqual(['one', 'theirs', undefined])
  known.given({})
  expect([known.variable('TOKEN'), known.variable('OWN')]).toEqual(['one', 'own'])
})

interface Got {
  readonly url: string
  readonly method: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A server on this machine that answers by this list, its last answer for ever. */
async function server(...answers: readonly ((response: ServerResponse) => void)[]): Promise<{ readonly url: string; readonly got: Got[] }> {
  const got: Got[] = []
  const listening = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      got.push({ url: request.url ?? '', method: request.method ?? '', headers: request.headers, body })
      answers[Math.min(got.length, answers.length) - 1]?.(response)
    })
  })
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    listening.closeAllConnections()
    listening.close()
  })
  const address = listening.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}/hook/secret-path`, got }
}

const says =
  (status: number, headers: Readonly<Record<string, string>> = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(status, headers).end('body')

const secretFile = (text: string, mode = 0o600): string => {
  const file = join(folder, `secret-${Math.random()}`)
  writeFileSync(file, text, { mode })
  return file
}

test('a web hook gets a signed POST', async () => {
  const { url, got } = await server(says(204))
  const channel = only(channelsOf(settings({ webhook: { url, secret: { file: secretFile('whsec_c2VjcmV0\n') } } }), deps()))
  expect(await channel.deliver(announcement, never)).toEqual({ how: 'told' })
  const [post] = got
  const id = String(post?.headers['webhook-id'])
  expect(post).toMatchObject({ url: '/hook/secret-path', method: 'POST', headers: { 'content-type': 'application/json', 'webhook-timestamp': '1700000000' } })
  expect(JSON.parse(post?.body ?? '')).toMatchObject({ type: 'needs-you', sessions: [{ request: 'reqaaaa1' }] })
  expect(post?.headers['webhook-signature']).toBe(`v1,${createHmac('sha256', 'secret').update(`${id}.1700000000.${post?.body}`).digest('base64')}`)
})

test('a web hook that fails is tried again with growing delays, under the same id', async () => {
  const { url, got } = await server(says(503), (response) => void response.destroy(), says(429), says(200))
  const waits: number[] = []
  const channel = only(channelsOf(settings({ webhook: { url, secret: { variable: 'HOOK_SECRET' } } }), deps({ waits, env: { HOOK_SECRET: 'plain' } })))
  expect(await channel.deliver(announcement, never)).toEqual({ how: 'told', detail: expect.stringMatching(/^127\.0\.0\.1:\d+, after 4 tries$/) })
  expect(waits).toEqual([1000, 5000, 25_000])
  expect(new Set(got.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  expect(new Set(got.map(({ body }) => body)).size).toBe(1)
})

test('in the end it has failed, and the address is not told', async () => {
  const { url, got } = await server(says(500))
  const delivered = await only(channelsOf(settings({ webhook: { url } }), deps())).deliver(announcement, never)
  expect(delivered).toEqual({ how: 'failed', detail: expect.stringMatching(/^127\.0\.0\.1:\d+: 500 Internal Server Error, after 4 tries$/) })
  expect(got).toHaveLength(4)
  expect(got[0]?.headers['webhook-signature']).toBeUndefined()
})

test('what no second try would change is tried once: a refusal, and a redirect, which is not followed', async () => {
  const elsewhere = await server(says(200))
  for (const [answer, why] of [
    [says(404), '404 Not Found'],
    [says(307, { location: elsewhere.url }), '307 Temporary Redirect: redirects are not followed'],
  ] as const) {
    const { url, got } = await server(answer)
    const delivered = await only(channelsOf(settings({ webhook: { url } }), deps())).deliver(announcement, never)
    expect(delivered).toEqual({ how: 'failed', detail: `${new URL(url).host}: ${why}` })
    expect(got).toHaveLength(1)
  }
  expect(elsewhere.got).toEqual([])
})

test('a web hook that nobody serves, and one that never answers', async () => {
  const closed = createServer()
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
  const address = closed.address()
  const gone = `127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`
  await new Promise<void>((resolve) => closed.close(() => resolve()))
  expect(await only(channelsOf(settings({ webhook: { url: `http://${gone}/` } }), deps())).deliver(announcement, never)).toEqual({
    how: 'failed',
    detail: `${gone}: ECONNREFUSED, after 4 tries`,
  })
  const { url, got } = await server(() => {})
  expect(await only(channelsOf(settings({ webhook: { url } }), deps({ timeLimitMs: 100 }))).deliver(announcement, never)).toEqual({
    how: 'failed',
    detail: `${new URL(url).host}: no answer within 0.1 s, after 4 tries`,
  })
  expect(got).toHaveLength(4)
})

test('a secret that is missing, empty or open to others sends nothing', async () => {
  const { url, got } = await server(says(200))
  const file = secretFile('s3cret', 0o600)
  chmodSync(file, 0o644)
  for (const [secret, why] of [
    [{ file }, 'can be read by others: chmod 600'],
    [{ file: secretFile('\n') }, 'is empty'],
    [{ file: join(folder, 'none') }, 'cannot be read'],
    [{ file: secretFile('x'.repeat(5000)) }, 'is too long'],
    [{ variable: 'NOT_SET' }, 'NOT_SET is not known to the daemon'],
  ] as const) {
    const delivered = await only(channelsOf(settings({ webhook: { url, secret } }), deps())).deliver(announcement, never)
    expect(delivered).toEqual({ how: 'failed', detail: expect.stringContaining(why) })
    expect(delivered.detail).not.toContain('s3cret')
  }
  expect(got).toEqual([])
})

test('a report says what is on, and a test tries it', async () => {
  const path = program('tell-too')
  const failing = program('tell-badly', 'echo no luck; exit 1')
  const { url, got } = await server(says(200))
  const here = deps()
  const how = { minuteOfDay: 23 * 60, signal: never }
  const on = settings({ command: [path], webhook: { url }, quiet: { from: 22 * 60, to: 7 * 60 + 5 }, completed: false })
  expect(await notifyReport(on, { ...how, test: false }, here)).toEqual({
    tells: ['needs-you', 'failed'],
    onScreen: false,
    minDurationMs: 10_000,
    quiet: { hours: '22:00-07:05', now: true },
    channels: [
      { channel: 'terminal', on: true, detail: 'by the screens that are open' },
      { channel: 'desktop', on: false, detail: 'off' },
      { channel: 'command', on: true, detail: path },
      { channel: 'webhook', on: true, detail: new URL(url).host },
    ],
    problem: null,
  })
  expect(existsSync(`${path}.input`)).toBe(false)
  const tried = await notifyReport(settings({ command: [failing], webhook: { url } }), { ...how, test: true, problem: 'config.toml:3: …' }, here)
  expect(tried.problem).toBe('config.toml:3: …')
  expect(tried.channels.map(({ channel, result }) => [channel, result?.how])).toEqual([
    ['terminal', undefined],
    ['desktop', undefined],
    ['command', 'failed'],
    ['webhook', 'told'],
  ])
  expect(JSON.parse(got[0]?.body ?? '')).toMatchObject({ type: 'needs-you', sessions: [] })
})

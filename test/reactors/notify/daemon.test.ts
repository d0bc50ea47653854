// Being told by a real daemon, of real agents.

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Event } from '../../../src/core/events.ts'
import type { SessionView } from '../../../src/core/view.ts'
import { offstage, talkerAgent } from '../../e2e/offstage.ts'
import { TestHome, accepted, fact, facts } from '../../home.ts'
import { openRequest, start, talkerSpec, tell } from '../../sessions.ts'

class Told {
  readonly home: TestHome
  readonly #bin: string

  constructor(home: TestHome) {
    this.home = home
    this.#bin = join(home.folder, 'bin')
    mkdirSync(this.#bin, { recursive: true })
  }

  /** A program that adds what it got on its standard input to `NAME.got`. */
  program(name: string, then = ''): string {
    const path = join(this.#bin, name)
    writeFileSync(path, `#!/bin/sh\ncat >> '${path}.got'\n${then}\n`)
    chmodSync(path, 0o755)
    return path
  }

  settings(...lines: readonly string[]): void {
    const folder = join(this.home.env['HOME'] ?? '', '.config', 'offstage')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'config.toml'), ['[notify]', ...lines].join('\n'))
  }

  got(path: string): readonly { readonly type: string; readonly title: string; readonly body: string }[] {
    if (!existsSync(`${path}.got`)) return []
    return readFileSync(`${path}.got`, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { type: string; title: string; body: string })
  }
}

const isNotified = (event: Event): event is Extract<Event, { type: 'notified' }> => event.type === 'notified'

test('a request is told once, also where another daemon comes, and the settings are those of the file at that time', async () => {
  await using home = new TestHome()
  const told = new Told(home)
  const one = told.program('one')
  const other = told.program('other')
  told.settings(`command = ["${one}"]`)
  const started = await offstage(home, ['bg', '--json', '--label', 'first', '--agent', talkerAgent, 'ask may I delete it?'])
  const { id } = JSON.parse(started.out) as SessionView
  const client = await home.client()
  const { id: request } = await openRequest(client, id)
  expect((await fact(client, id, isNotified)).event).toEqual({ type: 'notified', about: 'needs-you', of: request, channel: 'command', how: 'told' })
  expect(told.got(one)).toMatchObject([{ type: 'needs-you', title: 'first needs you', body: 'permission: may I delete it? · project' }])
  const why = (await offstage(home, ['why', 'first'])).out
  expect(why).toMatch(/ what you were told\n {3}\d\d:\d\d:\d\d {2}command {3}permission: may I delete it\? {2}told\n/)

  await home.killDaemon()
  told.settings(`command = ["${other}"]`, 'min_duration_s = 0')
  const next = await home.client()
  // Of the daemon that is there now, which has looked at the first session before.
  const second = await start(next, home, talkerSpec(home.project), 'say done', { label: 'second' })
  expect((await fact(next, second, isNotified)).event).toMatchObject({ about: 'completed', of: 'turn 1', how: 'told' })
  expect(told.got(other).map(({ title }) => title)).toEqual(['second completed'])
  expect(told.got(one)).toHaveLength(1)

  accepted(await tell(next, second, { type: 'mute', muted: true }))
  told.settings(`command = ["${one}"]`, 'min_duration_s = 0')
  accepted(await tell(next, second, { type: 'prompt', text: 'ask and this?' }))
  const { id: unheard } = await openRequest(next, second)
  accepted(await tell(next, id, { type: 'answer', requestId: request, answer: { kind: 'option', optionId: 'reject' } }))
  await fact(next, id, (event) => isNotified(event) && event.about === 'completed')
  expect(told.got(one).map(({ title }) => title)).toEqual(['first needs you', 'first completed'])
  expect((await facts(next, second)).filter(({ event }) => isNotified(event) && event.of === unheard)).toEqual([])
})

test('a daemon that dies while it tells, tells it again', async () => {
  await using home = new TestHome()
  const told = new Told(home)
  const marker = join(home.folder, 'died')
  const path = told.program('deadly', `[ -e '${marker}' ] || { touch '${marker}'; kill -9 $PPID; }`)
  told.settings(`command = ["${path}"]`)
  const client = await home.client()
  const id = await start(client, home, talkerSpec(home.project), 'ask may I delete it?', { label: 'first' })
  expect((await fact(client, id, isNotified)).event).toMatchObject({ about: 'needs-you', how: 'told' })
  expect(existsSync(marker)).toBe(true)
  expect(told.got(path).map(({ title }) => title)).toEqual(['first needs you', 'first needs you'])
  expect((await facts(client, id)).filter(({ event }) => isNotified(event))).toHaveLength(1)
})

test('the desktop of the client that started a session is the one that is told', async () => {
  await using home = new TestHome()
  const told = new Told(home)
  const path = told.program('notify-send', `printf '%s\\n' "$DISPLAY" "$@" > "$0.args"`)
  const env = { PATH: `${join(home.folder, 'bin')}:${home.env['PATH'] ?? ''}` }
  // The daemon itself has none.
  expect((await offstage(home, ['daemon', 'start'], { env })).code).toBe(0)
  expect((await offstage(home, ['notify'])).out).toContain(' desktop   off: no desktop is seen')
  const started = await offstage(home, ['bg', '--json', '--label', 'first', '--agent', talkerAgent, 'ask may I <b>delete</b> it?'], { env: { ...env, DISPLAY: ':7' } })
  const { id } = JSON.parse(started.out) as SessionView
  expect((await fact(await home.client(), id, isNotified)).event).toMatchObject({ channel: 'desktop', how: 'told' })
  expect(readFileSync(`${path}.args`, 'utf8')).toBe(':7\n--app-name=offstage\n--urgency=normal\n--\nfirst needs you\npermission: may I &lt;b&gt;delete&lt;/b&gt; it? · project\n')
  expect((await offstage(home, ['notify'])).out).toContain(' desktop   notify-send\n')
})

test('a test tells by every channel that is on', async () => {
  await using home = new TestHome()
  const told = new Told(home)
  const posts: string[] = []
  const server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => posts.push(text))
    request.on('end', () => response.writeHead(posts.length > 1 ? 404 : 200).end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  const path = told.program('tell')
  told.settings(`command = ["${path}"]`, `webhook = "http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/hook"`)
  const fine = await offstage(home, ['notify', 'test'])
  expect([fine.code, fine.out]).toEqual([
    0,
    expect.stringMatching(/^ terminal {2}not tried: this is no terminal\n command {3}told by .*\/tell\n webhook {3}told by 127\.0\.0\.1:\d+\n$/),
  ])
  expect([told.got(path).length, posts.length]).toEqual([1, 1])
  const failing = await offstage(home, ['notify', 'test', '--json'])
  expect([failing.code, JSON.parse(failing.out)]).toMatchObject([
    1,
    { channels: [{}, {}, { result: { how: 'told' } }, { result: { how: 'failed', detail: expect.stringContaining('404 Not Found') } }] },
  ])
  told.settings('failed = 7')
  expect((await offstage(home, ['notify'])).out).toMatch(/ command {3}.*tell\n[\s\S]* problem {3}.*config\.toml:2: failed is neither true nor false\n/)
})

test('an attached terminal is not told of', async () => {
  await using home = new TestHome()
  const told = new Told(home)
  const path = told.program('tell')
  told.settings(`command = ["${path}"]`)
  const client = await home.client()
  const spec = (name: string) =>
    ({ kind: 'terminal', driver: 'terminal', agent: 'sh', argv: ['sh', '-c', `read line; printf '\\033]777;notify;${name};look\\007'; read line`], cwd: home.project }) as const
  const { connectTerminal } = await import('../../../src/sdk/terminal.ts')
  const ids = await Promise.all(['seen', 'unseen'].map((name) => start(client, home, spec(name), undefined, { label: name })))
  const [seen = '', unseen = ''] = ids
  const view = async (id: string): Promise<SessionView> => {
    const found = await client.get(id, AbortSignal.timeout(5000))
    if (!found) throw new Error(`no session ${id}`)
    return found.session
  }
  const connection = await connectTerminal(await view(seen), AbortSignal.timeout(5000))
  const attended = new Promise<void>((resolve) => connection?.onAttended(() => resolve()))
  connection?.attend(true)
  await attended
  const go = async (id: string): Promise<void> => void accepted((await client.write(id, Buffer.from('go\n'), AbortSignal.timeout(5000))) ?? {})
  await go(seen)
  await fact(client, seen, (event) => event.type === 'signaled')
  await go(unseen)
  await fact(client, unseen, isNotified)
  expect(told.got(path).map(({ title, body }) => [title, body])).toEqual([['unseen needs you', 'says: unseen: look · project']])
  connection?.close()
})

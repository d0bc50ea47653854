// The table [notify]: what it may say, and a file that changes while the daemon lives.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { NotifySettings } from '../../src/core/announcement.ts'
import { ConfigInvalid, defaultConfig, loadConfig } from '../../src/config/config.ts'
import { freshConfig } from '../../src/config/fresh-config.ts'
import { defaultNotify } from '../../src/config/notify-settings.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'offstage-notify-config-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const file = (): string => join(folder, 'config.toml')

async function load(text: string): Promise<NotifySettings> {
  writeFileSync(file(), `[notify]\n${text}`)
  return (await loadConfig({ configFile: file() })).notify
}

test('without a table everything is told, by the desktop where there is one', async () => {
  expect(await load('')).toEqual(defaultNotify)
  expect(defaultNotify).toEqual({ needsYou: true, completed: true, failed: true, onScreen: false, terminal: true, desktop: 'auto', minDurationMs: 10_000 })
})

test('everything that can be set', async () => {
  const lines = [
    'needs_you = true',
    'completed = false',
    'failed = false',
    'on_screen = true',
    'terminal = false',
    'desktop = false',
    'command = ["tell", "--loud", ""]',
    'webhook = "https://example.org/hook?key=1"',
    'webhook_secret_file = "/home/me/secret"',
    'quiet = "22:00-7:05"',
    'min_duration_s = 0.5',
  ]
  expect(await load(lines.join('\n'))).toEqual({
    needsYou: true,
    completed: false,
    failed: false,
    onScreen: true,
    terminal: false,
    desktop: false,
    command: ['tell', '--loud', ''],
    webhook: { url: 'https://example.org/hook?key=1', secret: { file: '/home/me/secret' } },
    quiet: { from: 1320, to: 425 },
    minDurationMs: 500,
  })
  expect((await load('webhook = "http://[::1]:8080/x"\nwebhook_secret_env = "HOOK"')).webhook).toEqual({ url: 'http://[::1]:8080/x', secret: { variable: 'HOOK' } })
  for (const url of ['http://localhost/', 'http://127.0.0.1:1/', 'http://127.1/']) expect((await load(`webhook = "${url}"`)).webhook).toEqual({ url })
})

test.each([
  ['needs_me = true', '"needs_me" is not a setting'],
  ['needs_you = "yes"', 'needs_you is neither true nor false'],
  ['desktop = "auto"', 'desktop is neither true nor false'],
  ['command = "tell --loud"', 'command is not a list of strings'],
  ['command = ["tell", 3]', 'command is not a list of strings'],
  ['command = ["tell", "a\\u0000b"]', 'command is not a list of strings'],
  ['command = []', 'command names no program'],
  ['command = [""]', 'command names no program'],
  ['command = ["./tell"]', '"./tell" is a relative path'],
  ['webhook = "example.org"', 'webhook is not an address'],
  ['webhook = "file:///etc/passwd"', 'webhook is not an address'],
  ['webhook = "http://example.org/k3y"', 'webhook is http, and not to this machine'],
  ['webhook = "http://127.0.0.1.example.org/k3y"', 'webhook is http, and not to this machine'],
  ['webhook = "http://localhost.example.org/k3y"', 'webhook is http, and not to this machine'],
  ['webhook = "https://me:k3y@example.org/"', 'webhook has a name or password in it'],
  ['webhook_secret_file = "/x"', 'there is a secret and no webhook'],
  ['webhook = "https://example.org/"\nwebhook_secret_file = "secret"', 'webhook_secret_file is not an absolute path'],
  ['webhook = "https://example.org/"\nwebhook_secret_env = "k3y!"', '"k3y!" cannot be a variable\'s name'],
  ['webhook = "https://example.org/"\nwebhook_secret_env = "A"\nwebhook_secret_file = "/x"', 'webhook_secret_file and webhook_secret_env are both set'],
  ['quiet = "late"', 'quiet "late" is not a time of day'],
  ['quiet = "22:00-24:00"', 'quiet "22:00-24:00" is not a time of day'],
  ['quiet = "22:60-07:00"', 'quiet "22:60-07:00" is not a time of day'],
  ['quiet = "07:00-07:00"', 'quiet begins and ends at the same time'],
  ['quiet = 22', 'quiet is not a string'],
  ['min_duration_s = -1', 'min_duration_s is not a number that can be used'],
])('%j is refused, with its place', async (text, expected) => {
  const problem: unknown = await load(text).catch((cause: unknown) => cause)
  if (!(problem instanceof ConfigInvalid)) throw new Error('it was accepted', { cause: problem })
  const place = `${file()}:${1 + text.split('\n').length}: `
  expect(problem.message.startsWith(text.includes('_file = "secret"') || !text.includes('\n') ? place : `${file()}:`)).toBe(true)
  expect(problem.message).toContain(expected)
  expect(`${problem.message}${problem.hint}`).not.toMatch(/\n|k3y@|\/k3y/)
  expect(problem.hint).not.toBe('')
})

test('a project file sets nothing of it', async () => {
  writeFileSync(file(), '')
  writeFileSync(join(folder, '.offstage.toml'), '[notify]\ncommand = ["evil"]')
  expect((await loadConfig({ configFile: file(), cwd: folder })).notify).toEqual(defaultNotify)
})

test('a file that changes is read again, and one that is wrong leaves what it said before', async () => {
  const read = freshConfig(file(), defaultConfig)
  expect((await read()).config).toEqual(defaultConfig)
  writeFileSync(file(), '[notify]\nfailed = false')
  expect((await read()).config.notify.failed).toBe(false)
  const [one, other] = await Promise.all([read(), read()])
  expect(one).toBe(other)
  writeFileSync(file(), '[notify]\nfailed = 7\n')
  expect(await read()).toMatchObject({ config: { notify: { failed: false } }, problem: { message: `${file()}:2: failed is neither true nor false` } })
  rmSync(file())
  expect((await read()).config).toEqual(defaultConfig)
})

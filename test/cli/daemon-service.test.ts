// offstage daemon install and uninstall, with a home of the test's own and a systemctl that only writes down what it was asked.

import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type AskProgram, askWith } from '../../src/cli/ask-program.ts'
import { installService, serviceFor, serviceOn, uninstallService } from '../../src/cli/daemon-service.ts'
import { entry } from '../../src/config/package-root.ts'
import { pathsFrom } from '../../src/config/paths.ts'
import { never } from '../home.ts'
import { FakeClient } from './fake-client.ts'
import { type Printed, offstage } from './run-cli.ts'

interface Place {
  readonly home: string
  readonly file: string
  readonly link: string
  readonly daemon: (...argv: readonly string[]) => Promise<Printed>
  /** What systemctl was asked since the last time. */
  readonly asked: () => readonly string[]
}

/** `answer` is what systemctl does after writing down what it was asked. */
function place({
  answer = 'exit 0',
  env = {},
  running = false,
}: { readonly answer?: string; readonly env?: Readonly<Record<string, string>>; readonly running?: boolean } = {}): Place {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'os-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const home = join(folder, 'user')
  const bin = join(folder, 'bin')
  mkdirSync(home)
  mkdirSync(bin)
  const calls = join(folder, 'calls')
  writeFileSync(join(bin, 'systemctl'), `#!/bin/sh\necho "$*" >> '${calls}'\n${answer}\n`, { mode: 0o755 })
  const all = { HOME: home, PATH: `${bin}:/usr/bin:/bin`, OFFSTAGE_HOME: '', OFFSTAGE_CONFIG: '', ...env }
  const file = join(home, '.config', 'systemd', 'user', 'offstage.service')
  return {
    home,
    file,
    link: join(dirname(file), 'default.target.wants', 'offstage.service'),
    daemon: (...argv) => offstage(new FakeClient(), ['daemon', ...argv], { env: all, ...(running ? {} : { daemon: 'unreachable' }) }),
    asked: () => {
      const lines = existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []
      rmSync(calls, { force: true })
      return lines
    },
  }
}

const started = ['--user daemon-reload', '--user enable --now offstage.service']

test.skipIf(process.platform !== 'linux')('install writes the unit, starts it, says how to undo it; a second time changes nothing', async () => {
  const { home, file, daemon, asked } = place()
  expect(await daemon('install')).toEqual({ code: 0, err: '', out: ` written   ${file}\n started   at every login from now on\n undo      offstage daemon uninstall\n` })
  expect(asked()).toEqual(started)
  const text = readFileSync(file, 'utf8')
  expect(text.split('\n')).toEqual(
    expect.arrayContaining([
      `ExecStart="${process.execPath}" "${entry('daemon')}"`,
      'Type=exec',
      'Restart=on-failure',
      'KillMode=process',
      'OOMPolicy=continue',
      'WantedBy=default.target',
    ]),
  )
  expect(text.match(/^Environment=.*$/gm)).toEqual([expect.stringMatching(/^Environment="OFFSTAGE_UMASK=0\d{3}"$/)])
  const { ino } = lstatSync(file)
  expect(await daemon('install')).toMatchObject({ code: 0, out: expect.stringContaining(` the same  ${file}\n`) })
  expect(lstatSync(file).ino).toBe(ino)
  expect(asked()).toEqual(started)
  expect(readdirSync(dirname(file))).toEqual(['offstage.service'])
  expect(readdirSync(home)).toEqual(['.config'])
})

test.skipIf(process.platform !== 'linux')('uninstall stops the service and takes away what install wrote, once', async () => {
  const { home, file, daemon, asked } = place()
  await daemon('install')
  writeFileSync(join(dirname(file), 'other.service'), '')
  asked()
  expect(await daemon('uninstall')).toMatchObject({ code: 0, err: '', out: expect.stringContaining(`removed ${file}; agents stay at work`) })
  expect(asked()).toEqual(['--user disable --now offstage.service', '--user daemon-reload'])
  expect(readdirSync(dirname(file))).toEqual(['other.service'])
  expect(await daemon('uninstall')).toEqual({ code: 0, err: '', out: `nothing is installed: there is no ${join(home, '.config/systemd/user/offstage.service')}\n` })
  expect(asked()).toEqual([])
})

test.skipIf(process.platform !== 'linux')('without an answering user manager the file is written and the rest is left to the user; uninstall takes the link too', async () => {
  const { file, link, daemon, asked } = place({ answer: 'echo "Failed to connect to bus: No medium found" >&2; exit 1' })
  expect(await daemon('install')).toEqual({
    code: 0,
    err: '',
    out: ` written   ${file}\n later     the service manager does not answer here; where it does, run\n           systemctl --user daemon-reload\n           systemctl --user enable --now offstage.service\n undo      offstage daemon uninstall\n`,
  })
  expect(asked()).toEqual(['--user daemon-reload'])
  mkdirSync(dirname(link))
  symlinkSync(file, link)
  expect((await daemon('uninstall')).code).toBe(0)
  expect(existsSync(file)).toBe(false)
  expect(lstatSync(link, { throwIfNoEntry: false })).toBeUndefined()
})

test.skipIf(process.platform !== 'linux')('without systemctl it is the same', async () => {
  const { file, daemon } = place({ env: { PATH: '/nonexistent' } })
  expect(JSON.parse((await daemon('install', '--json')).out)).toEqual({
    file,
    written: true,
    started: false,
    later: ['systemctl --user daemon-reload', 'systemctl --user enable --now offstage.service'],
  })
  expect(JSON.parse((await daemon('uninstall', '--json')).out)).toEqual({ file, removed: true })
})

test.skipIf(process.platform !== 'linux')('a service that cannot be enabled is a failure in its own words', async () => {
  const { file, daemon } = place({ answer: 'case "$*" in *enable*) echo "Unit is masked." >&2; exit 1;; esac' })
  expect(await daemon('install')).toEqual({
    code: 1,
    out: '',
    err: `offstage: systemctl --user enable --now offstage.service failed: Unit is masked.\n  ${file} is written; offstage daemon uninstall removes it\n`,
  })
})

test.skipIf(process.platform !== 'linux')('a daemon that runs already goes on, and it is said', async () => {
  expect((await place({ running: true }).daemon('install')).out).toContain('; the daemon that runs now goes on until it is stopped\n')
})

test.skipIf(process.platform !== 'linux').each<[string, (file: string) => void]>([
  ['a file of somebody else', (file) => writeFileSync(file, '[Service]\nExecStart=/bin/true\n')],
  ['a link', (file) => symlinkSync('/dev/null', file)],
  ['a file that only quotes us further down', (file) => writeFileSync(file, '[Unit]\n#\n# Written by "offstage daemon install"; "offstage daemon uninstall" removes it.\n')],
])('%s is neither replaced nor removed', async (_, make) => {
  const { file, daemon, asked } = place()
  mkdirSync(dirname(file), { recursive: true })
  make(file)
  const before = [lstatSync(file).ino, readFileSync(file, 'utf8')]
  const refused = { code: 4, out: '', err: `offstage: ${file} was not written by offstage daemon install\n  move it away first\n` }
  expect(await daemon('install')).toEqual(refused)
  expect(await daemon('uninstall')).toEqual(refused)
  expect([lstatSync(file).ino, readFileSync(file, 'utf8')]).toEqual(before)
  expect(asked()).toEqual([])
})

test.skipIf(process.platform !== 'linux')('a unit of another version of ours is written anew, and the doctor tells it from the right one', async () => {
  const { home, file, daemon } = place()
  const there = async (): Promise<string> => (await serviceOn({ platform: 'linux', env: { HOME: home }, paths: pathsFrom({ HOME: home }, 1000) })).there
  expect(await there()).toBe('none')
  await daemon('install')
  expect(await there()).toBe('same')
  writeFileSync(file, readFileSync(file, 'utf8').replace(process.execPath, '/old/node'))
  expect(await there()).toBe('other')
  expect((await daemon('install')).out).toContain(` written   ${file}\n`)
  expect(await there()).toBe('same')
})

test.skipIf(process.platform !== 'linux')('--print prints the unit and does nothing else', async () => {
  const { home, file, daemon, asked } = place()
  const { code, out } = await daemon('install', '--print')
  expect(code).toBe(0)
  expect(JSON.parse((await daemon('install', '--print', '--json')).out)).toEqual({ file, text: out })
  expect(readdirSync(home)).toEqual([])
  expect(asked()).toEqual([])
  await daemon('install')
  expect(readFileSync(file, 'utf8')).toBe(out)
})

test.skipIf(process.platform !== 'linux' || process.getuid?.() === 0)('a home that cannot be written to is told', async () => {
  const { home, daemon } = place()
  chmodSync(home, 0o500)
  expect(await daemon('install')).toMatchObject({ code: 1, err: expect.stringContaining('cannot be written (EACCES)') })
})

test.skipIf(process.platform !== 'linux')('a file where a folder should be is told', async () => {
  const { home, daemon } = place()
  writeFileSync(join(home, '.config'), '')
  expect(await daemon('install')).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/cannot be written \((ENOTDIR|EEXIST)\)\n {2}offstage daemon install --print/) })
})

test.each([
  ['--print with something else', ['status', '--print'], {}, '--print goes with install'],
  ['a word too many', ['install', 'now'], {}, 'daemon does not take "now"'],
  ['a near miss', ['instal'], {}, 'did you mean offstage daemon install?'],
  ['a relative HOME', ['install'], { HOME: 'me', OFFSTAGE_HOME: '/tmp/x', OFFSTAGE_CONFIG: '/tmp/c' }, 'HOME is a relative path'],
  ['no HOME', ['install'], { HOME: '', OFFSTAGE_HOME: '/tmp/x' }, 'HOME is not set'],
])('%s is refused', async (_, argv, env, err) => {
  const printed = await place({ env }).daemon(...argv)
  expect(printed).toMatchObject({ code: 2, out: '' })
  expect(printed.err).toContain(err)
})

test('only a home that is not the usual one is named, and every sign in it survives systemd', () => {
  const unit = (env: Readonly<Record<string, string>>): string => serviceFor({ platform: 'linux', env, paths: pathsFrom(env, 1000) }).text
  const lines = (env: Readonly<Record<string, string>>): readonly string[] =>
    unit(env)
      .split('\n')
      .filter((line) => line.startsWith('Environment') && !line.includes('OFFSTAGE_UMASK'))
  expect(lines({ HOME: '/home/me' })).toEqual([])
  expect(lines({ HOME: '/home/me', OFFSTAGE_HOME: '/home/me/.local/state/offstage/' })).toEqual([])
  expect(lines({ HOME: '/home/me', XDG_STATE_HOME: '/s', XDG_CONFIG_HOME: '/c' })).toEqual([
    'Environment="OFFSTAGE_HOME=/s/offstage"',
    'Environment="OFFSTAGE_CONFIG=/c/offstage/config.toml"',
  ])
  expect(lines({ HOME: '/home/me', OFFSTAGE_HOME: '/a b/100%/$HOME/"q"/b\\s/n\nl/ä' })).toEqual(['Environment="OFFSTAGE_HOME=/a b/100%%/$HOME/\\"q\\"/b\\\\s/n\\x0al/ä"'])
})

test.each(['linux', 'darwin'] as const)('on %s it writes as the shell does that installs it', (platform) => {
  const env = { HOME: '/home/me' }
  const before = process.umask(0o002)
  onTestFinished(() => void process.umask(before))
  const text = (): string => serviceFor({ platform, env, paths: pathsFrom(env, 1000) }).text
  expect(text()).toMatch(/OFFSTAGE_UMASK(=|<\/key>\n {4}<string>)0002/)
  process.umask(0o022)
  expect(text()).toMatch(/OFFSTAGE_UMASK(=|<\/key>\n {4}<string>)0022/)
})

test('the launch agent of macOS leaves keepers alone, and its values are escaped', () => {
  const env = { HOME: '/Users/me', OFFSTAGE_HOME: '/Users/me/<a> & b' }
  const { file, text } = serviceFor({ platform: 'darwin', env, paths: pathsFrom(env, 501) })
  expect(file).toBe('/Users/me/Library/LaunchAgents/offstage.daemon.plist')
  expect(text).toContain('<key>AbandonProcessGroup</key>\n  <true/>')
  expect(text).toContain(`<string>${process.execPath}</string>\n    <string>${entry('daemon')}</string>`)
  expect(text).toContain('<key>OFFSTAGE_HOME</key>\n    <string>/Users/me/&lt;a&gt; &amp; b</string>')
  // An XML comment may not hold two dashes.
  expect(/<!--(.*)-->/.exec(text)?.[1]).not.toContain('--')
})

test('launchd is told again when the file is new, and nothing is asked of it where no user is logged in', async () => {
  const { home } = place()
  const service = serviceFor({ platform: 'darwin', env: { HOME: home }, paths: pathsFrom({ HOME: home }, 501) })
  const asked: string[] = []
  const answering =
    (code: number): AskProgram =>
    async (program, args) => {
      asked.push([program, ...args].join(' '))
      return { code, out: '', err: '' }
    }
  expect(await installService(service, answering(0))).toEqual({ file: service.file, written: true, started: true, later: [] })
  expect(asked.splice(0)).toEqual(['launchctl print gui/501', 'launchctl bootout gui/501/offstage.daemon', `launchctl bootstrap gui/501 ${service.file}`])
  expect(await uninstallService(service, answering(0))).toEqual({ file: service.file, removed: true })
  expect(asked.splice(0)).toEqual(['launchctl bootout gui/501/offstage.daemon'])
  expect(await installService(service, answering(1))).toMatchObject({ written: true, started: false, later: [`launchctl bootstrap gui/501 ${service.file}`] })
})

test('another system has no user service', () => {
  expect(() => serviceFor({ platform: 'freebsd', env: { HOME: '/h' }, paths: pathsFrom({ HOME: '/h' }, 1000) })).toThrow('there is no user service on freebsd')
})

test('a program that is asked: what it said, its code, and undefined when it is not there', async () => {
  const ask = askWith({ PATH: '/usr/bin:/bin' }, never)
  expect(await ask('sh', ['-c', 'echo out; echo err >&2; exit 3'])).toEqual({ code: 3, out: 'out\n', err: 'err\n' })
  expect(await ask('no-such-program', [])).toBeUndefined()
})

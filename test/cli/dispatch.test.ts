import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { entry, packageVersion } from '../../src/config/package-root.ts'
import { verbs } from '../../src/cli/verbs/index.ts'
import { FakeClient } from './fake-client.ts'
import { offstage } from './run-cli.ts'

test('the list of verbs and the verbs themselves say the same', async () => {
  for (const { name, aliases, summary, load } of verbs) {
    const { default: verb } = await load()
    expect({ name: verb.name, aliases: verb.aliases, summary: verb.summary }).toEqual({ name, aliases, summary })
  }
})

test('every verb explains itself by --help, -h and help, and touches no daemon for it', async () => {
  const client = new FakeClient()
  for (const { name } of verbs) {
    const first = await offstage(client, [name, '--help'], { daemon: 'unreachable' })
    expect(first.code).toBe(0)
    expect(first.out).toContain(`usage: offstage ${name}`)
    expect(await offstage(client, [name, '-h'], { daemon: 'unreachable' })).toEqual(first)
    expect(await offstage(client, ['help', name], { daemon: 'unreachable' })).toEqual(first)
  }
})

test('help says what offstage alone does, that conversations have the whole screen, and which keys leave a terminal', async () => {
  const said = async (...argv: readonly string[]): Promise<string> => (await offstage(new FakeClient(), argv)).out.replaceAll(/\s+/g, ' ')
  expect(await said('--help')).toContain('usage: offstage opens Agent View: all sessions on one screen')
  for (const verb of ['run', 'switch']) {
    const help = await said(verb, '--help')
    expect(help).toContain('on the whole screen')
    expect(help).toContain('Ctrl-\\ then d leaves it running, s leaves it and lists the others, h hides the line, ? shows these keys')
    expect(help).toContain('Ctrl-D')
  }
})

test('--help behind -- belongs to the program', async () => {
  const client = new FakeClient()
  const { code, out } = await offstage(client, ['bg', '--', 'tool', '--help', '--json'])
  expect(code).toBe(0)
  expect(out).toContain('backgrounded')
  expect(client.submitted[0]?.command).toMatchObject({ spec: { argv: ['tool', '--help', '--json'] } })
})

const mistakes: readonly (readonly [string, readonly string[], string])[] = [
  ['an unknown verb with a near one', ['sesions'], 'offstage: unknown command "sesions"\n  did you mean offstage sessions?\n'],
  ['swapped letters', ['wiat', 'x'], 'offstage: unknown command "wiat"\n  did you mean offstage wait?\n'],
  ['an unknown verb without a near one', ['frobnicate'], 'offstage: unknown command "frobnicate"\n  offstage --help lists what there is\n'],
  ['an unknown verb of control bytes', ['\x1b]0;x\x07\u202e\u0085'], 'offstage: unknown command "\ufffd\ufffd"\n  offstage --help lists what there is\n'],
  ['help for an unknown verb', ['help', 'lgs'], 'offstage: unknown command "lgs"\n  did you mean offstage logs?\n'],
  ['an unknown global option', ['--versoin'], 'offstage: unknown option --versoin\n  offstage --help lists what there is\n'],
  ['an unknown option with a near one', ['wait', 'x', '--tiemout', '3'], 'offstage: wait has no option --tiemout\n  did you mean --timeout?\n'],
  ['an unknown short option', ['wait', '-z', 'x'], 'offstage: wait has no option -z\n  offstage wait --help lists its options\n'],
  ['an option without its value', ['sessions', '--status'], 'offstage: option --status needs a value\n  offstage sessions --help lists its options\n'],
  ['a value that looks like an option', ['bg', '--label', '--in-place', 'x'], 'offstage: option --label needs a value\n  for a value that begins with "-" write --label=VALUE\n'],
  ['a value for a flag', ['sessions', '--all=yes'], 'offstage: option --all takes no value\n  offstage sessions --help lists its options\n'],
  ['a missing id', ['logs'], 'offstage: logs needs an ID\n  usage: offstage logs ID [OPTIONS]\n'],
  ['a word too many', ['logs', 'a', 'b'], 'offstage: logs does not take "b"\n  usage: offstage logs ID [OPTIONS]\n'],
]

test.each(mistakes)('%s: one line, a hint, exit 2', async (_name, argv, err) => {
  expect(await offstage(new FakeClient(), argv)).toEqual({ code: 2, out: '', err })
})

test('a usage error with --json is an object on stderr', async () => {
  const { code, out, err } = await offstage(new FakeClient(), ['wait', 'x', '--tiemout', '3', '--json'])
  expect({ code, out, err: JSON.parse(err) }).toEqual({
    code: 2,
    out: '',
    err: { error: { code: 'usage', message: 'wait has no option --tiemout', hint: 'did you mean --timeout?' } },
  })
})

test('a daemon that cannot be reached is exit 5, in words and as JSON', async () => {
  const words = await offstage(new FakeClient(), ['sessions'], { daemon: 'unreachable' })
  expect(words).toEqual({ code: 5, out: '', err: 'offstage: the daemon did not start: no space left on device\n  free some space and try again\n' })
  const json = await offstage(new FakeClient(), ['sessions', '--json'], { daemon: 'unreachable' })
  expect(JSON.parse(json.err)).toEqual({
    error: { code: 'daemon-unreachable', message: 'the daemon did not start: no space left on device', hint: 'free some space and try again' },
  })
})

test('a failure of the world is one line and exit 1; its stack only with OFFSTAGE_DEBUG=1', async () => {
  class Broken extends FakeClient {
    override list(): Promise<never> {
      return Promise.reject(new Error('disk \x1b[31mfull\nsecond line'))
    }
  }
  expect(await offstage(new Broken(), ['sessions'])).toEqual({ code: 1, out: '', err: 'offstage: disk full second line\n' })
  expect((await offstage(new Broken(), ['sessions'], { env: { OFFSTAGE_DEBUG: '1' } })).err).toMatch(/^offstage: disk full second line\nError: disk full\nsecond line\n {4}at /)
})

test('an aborted command says nothing, and its exit code names the signal', async () => {
  const stopping = new AbortController()
  stopping.abort('SIGINT')
  class Interrupted extends FakeClient {
    override list(): Promise<never> {
      return Promise.reject(stopping.signal.reason)
    }
  }
  expect(await offstage(new Interrupted(), ['sessions'], { signal: stopping.signal })).toEqual({ code: 130, out: '', err: '' })
})

test('offstage alone lists the sessions', async () => {
  const client = new FakeClient().create('aaaaaaaa', { prompt: 'x' })
  expect((await offstage(client, [])).out).toBe((await offstage(client, ['sessions'])).out)
})

test('--version prints the version and loads next to nothing', () => {
  const run = (...args: string[]): string => execFileSync(process.execPath, [...args, entry('cli'), '--version'], { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } })
  expect(run()).toBe(`${packageVersion}\n`)
  const loaded = run(
    '--import',
    `data:text/javascript,${encodeURIComponent("import { registerHooks } from 'node:module'; registerHooks({ load: (url, context, next) => { if (url.startsWith('file:')) console.log(url); return next(url, context) } })")}`,
  )
  expect(loaded.trim().split('\n')).toHaveLength(3)
})

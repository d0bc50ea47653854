// Where keys are kept and taken from, and that they are seen nowhere else. `offstage models` as a person runs it, with a keychain of the test.

import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { failureOf, openModels } from '../../../src/agent/models/index.ts'
import { modelsReport } from '../../../src/agent/models/report.ts'
import type { Input } from '../../../src/cli/verb.ts'
import { systemKeychain } from '../../../src/config/keychain.ts'
import { keysNow } from '../../../src/config/model-keys.ts'
import { isRefusal } from '../../../src/core/errors.ts'
import { FakeClient } from '../../cli/fake-client.ts'
import { type Printed, type Setting, offstage } from '../../cli/run-cli.ts'
import { startModelServer } from '../../fixtures/model-server/server.ts'
import { ModelsUser, soon } from './user.ts'

const key = 'sk-test-0123456789abcdef'

const run = (user: ModelsUser, argv: readonly string[], setting: Setting = {}): Promise<Printed> =>
  offstage(new FakeClient(), argv, { ...setting, env: { ...user.env, ...setting.env } })

const typed = (text: string): Input => new PassThrough().end(text) as unknown as Input

/** Keeps keys in files below the user's folder, and writes down how it was called. */
function withKeychain(user: ModelsUser): { readonly calls: () => string; readonly kept: (provider: string) => string } {
  user.program(
    'secret-tool',
    `echo "$*" >> "$HOME/calls"; for provider; do :; done
case "$1" in
  store) cat > "$HOME/chain-$provider" ;;
  lookup) cat "$HOME/chain-$provider" ;;
  clear) rm "$HOME/chain-$provider" ;;
esac`,
  )
  return { calls: () => readFileSync(join(user.folder, 'calls'), 'utf8'), kept: (provider) => readFileSync(join(user.folder, `chain-${provider}`), 'utf8') }
}

async function keyFrom(user: ModelsUser, provider: string, env: Readonly<Record<string, string>> = {}): Promise<string | null> {
  const report = await modelsReport({ env: { ...user.env, ...env }, configFile: user.configFile, signal: soon() })
  return isRefusal(report) ? null : (report.providers.find((one) => one.id === provider)?.key ?? null)
}

test('without a keychain a key goes into a file that only its owner can read, and is used from there', async () => {
  await using user = new ModelsUser()
  rmSync(user.home, { recursive: true })
  const stored = await run(user, ['models', 'key', 'openai'], { stdin: typed(`${key}\n`) })
  expect(stored).toEqual({ code: 0, out: 'the key of openai is in keys.toml\n', err: '' })
  const file = join(user.home, 'keys.toml')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(user.home).mode & 0o777).toBe(0o700)
  expect(readFileSync(file, 'utf8')).toContain(`openai = "${key}"`)
  expect(await keyFrom(user, 'openai')).toBe('keys.toml')
  expect(await keyFrom(user, 'openai', { OPENAI_API_KEY: 'another-key' })).toBe('OPENAI_API_KEY')
  expect((await run(user, ['models', 'key', 'openai', '--remove'])).out).toBe('the key of openai is removed\n')
  expect(() => statSync(file)).toThrow('ENOENT')
  expect((await run(user, ['models', 'key', 'openai', '--remove'])).out).toBe('there is no stored key of openai\n')
})

test('a key that is stored while another one is typed stays', async () => {
  await using user = new ModelsUser()
  const hand = new PassThrough()
  const typing = run(user, ['models', 'key', 'openai'], { stdin: hand as unknown as Input })
  expect((await run(user, ['models', 'key', 'anthropic'], { stdin: typed('another-key') })).code).toBe(0)
  hand.end(key)
  expect((await typing).code).toBe(0)
  expect(readFileSync(join(user.home, 'keys.toml'), 'utf8').split('\n').slice(1).sort().join('\n').trim()).toBe(`anthropic = "another-key"\nopenai = "${key}"`)
})

test.runIf(process.platform === 'linux')('with a keychain a key is in it and in no file, and it is asked for keys that it has only', async () => {
  await using user = new ModelsUser()
  const chain = withKeychain(user)
  expect((await run(user, ['models', 'key', 'anthropic', '--json'], { stdin: typed(key) })).out).toBe('{"provider":"anthropic","stored":"keychain"}\n')
  expect(chain.kept('anthropic')).toBe(key)
  expect(readFileSync(join(user.home, 'keys.toml'), 'utf8')).not.toContain(key)
  expect(await keyFrom(user, 'anthropic')).toBe('keychain')
  const models = await user.open()
  const model = await models.find()
  expect(model).toMatchObject({ provider: 'anthropic' })
  expect(await models.runtime.getAuth('anthropic')).toMatchObject({ auth: { apiKey: key } })
  expect(chain.calls()).not.toMatch(/openai|google|openrouter/)
  expect(chain.calls()).not.toContain(key)
  // A variable spares the question.
  const before = chain.calls()
  await user.open({ ANTHROPIC_API_KEY: 'from-the-environment' })
  expect(chain.calls()).toBe(before)
  // Locked, or emptied by somebody else.
  user.program('secret-tool', 'exit 1')
  expect(await keyFrom(user, 'anthropic')).toBeNull()
})

test('the keychain of macOS is told a key on its standard input', async () => {
  await using user = new ModelsUser()
  user.program(
    'security',
    `echo "$*" >> "$HOME/calls"\ncase "$1" in -i) read -r line; echo "$line" > "$HOME/line"; echo "\${line##* }" > "$HOME/chain" ;; find-generic-password) cat "$HOME/chain" ;; delete-generic-password) rm "$HOME/chain" ;; esac`,
  )
  const keychain = systemKeychain(user.env, 'darwin')
  expect(await keychain.write('anthropic', key, soon())).toBe(true)
  expect(readFileSync(join(user.folder, 'line'), 'utf8')).toBe(`add-generic-password -U -s offstage -a anthropic -w ${key}\n`)
  expect(await keychain.read('anthropic', soon())).toBe(key)
  await keychain.remove('anthropic', soon())
  expect(await keychain.read('anthropic', soon())).toBeUndefined()
  expect(readFileSync(join(user.folder, 'calls'), 'utf8')).not.toContain(key)
  expect(await keychain.write('anthropic', 'has"quotes;and$things', soon())).toBe(false)
})

test.each([
  ['others can read it', 0o644, `openai = "${key}"`, 'others can read the keys in it', 'chmod 600'],
  ['its group can read it', 0o640, `openai = "${key}"`, 'others can read the keys in it', 'chmod 600'],
  ['it is no TOML', 0o600, `openai = ${key}`, 'it is not valid TOML', 'models key PROVIDER'],
  ['what it has is no key', 0o600, `openai = "${key} and more"`, 'what stands for "openai" is no key', 'models key PROVIDER'],
  ['what it has is no text', 0o600, 'openai = 7', 'what stands for "openai" is no key', 'models key PROVIDER'],
])('a file of keys is refused when %s, and no key is in what is said', async (_title, mode, text, problem, hint) => {
  await using user = new ModelsUser()
  user.keys(text, mode)
  const refused = await openModels({ env: user.env, configFile: user.configFile, signal: soon() })
  expect(refused).toMatchObject({ refused: 'invalid', message: `${join(user.home, 'keys.toml')}: ${problem}`, hint: expect.stringContaining(hint) })
  const { code, out, err } = await run(user, ['models', 'key', 'openai'], { stdin: typed(key) })
  expect([code, out]).toEqual([4, ''])
  expect(err).toContain(problem)
  expect(JSON.stringify([refused, err])).not.toContain(key)
})

test('another key counts from the next call on, and a file that others can read by then is refused', async () => {
  await using server = await startModelServer([{ say: 'one' }, { say: 'two' }], { bare: true })
  await using user = new ModelsUser(`[models.anthropic]\nurl = "${server.url}"\nmodels = ["m"]`)
  user.keys('anthropic = "first-key"')
  const models = await user.open()
  const model = await models.find()
  if ('refused' in model) throw new Error(model.message)
  const ask = () => models.runtime.completeSimple(model, { messages: [{ role: 'user', content: 'hi', timestamp: 1 }] })
  await ask()
  await run(user, ['models', 'key', 'anthropic'], { stdin: typed('second-key') })
  await ask()
  expect(server.requests.map(({ headers }) => headers['x-api-key'])).toEqual(['first-key', 'second-key'])
  user.keys('anthropic = "third-key"', 0o644)
  const said = await ask()
  expect(failureOf(said, 0)).toMatchObject({ kind: 'auth', why: expect.stringContaining('others can read the keys in it') })
  expect(await models.find()).toMatchObject({ refused: 'invalid' })
  expect(await models.list(soon())).toEqual([])
  expect(server.requests).toHaveLength(2)
})

test('a keychain that gave nothing is not asked again at once', async () => {
  await using user = new ModelsUser()
  user.keys('openai = { in = "keychain" }')
  let nowMs = 0
  const answers = [undefined, 'now-it-is-open']
  let asked = 0
  const keychain = { read: async () => answers[asked++], write: async () => false, remove: async () => {} }
  const key = keysNow({ env: {}, home: user.home, uid: process.getuid?.() ?? 0, keychain, now: () => nowMs })
  expect(await key('openai', [], soon())).toBeUndefined()
  expect(await key('openai', [], soon())).toBeUndefined()
  expect(asked).toBe(1)
  nowMs = 31_000
  expect(await key('openai', [], soon())).toEqual({ key: 'now-it-is-open', from: 'keychain' })
  nowMs = 99_000
  expect(await key('openai', [], soon())).toEqual({ key: 'now-it-is-open', from: 'keychain' })
  expect(asked).toBe(2)
})

test('a file of keys that is a link, or a folder, is refused', async () => {
  await using user = new ModelsUser()
  const file = join(user.home, 'keys.toml')
  writeFileSync(join(user.folder, 'elsewhere'), `openai = "${key}"`, { mode: 0o600 })
  symlinkSync(join(user.folder, 'elsewhere'), file)
  const open = () => openModels({ env: user.env, configFile: user.configFile, signal: soon() })
  expect(await open()).toMatchObject({ message: `${file}: it is a symbolic link` })
  rmSync(file)
  mkdirSync(file)
  expect(await open()).toMatchObject({ message: `${file}: it is not a file` })
})

test('a key is typed without being shown', async () => {
  await using user = new ModelsUser()
  const raw: boolean[] = []
  const terminal = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (on: boolean) => raw.push(on) })
  const asked = run(user, ['models', 'key', 'google'], { stdin: terminal as unknown as Input, tty: true })
  terminal.write(`${key}x\u007f\r`)
  const printed = await asked
  expect(printed).toEqual({ code: 0, out: 'the key of google is in keys.toml\n', err: 'key of google (not shown): \n' })
  expect(raw).toEqual([true, false])
  expect(readFileSync(join(user.home, 'keys.toml'), 'utf8')).toContain(`google = "${key}"`)
})

test('Ctrl-C keeps what was there', async () => {
  await using user = new ModelsUser()
  const terminal = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} })
  const asked = run(user, ['models', 'key', 'google'], { stdin: terminal as unknown as Input, tty: true })
  terminal.write('sk-half\u0003')
  expect(await asked).toMatchObject({ code: 130, out: '' })
  expect([...user.files().keys()]).not.toContain('home/keys.toml')
})

test.each([
  ['no provider', ['models', 'key'], 'models key needs a PROVIDER'],
  ['an unknown provider', ['models', 'key', 'openia'], 'there is no provider "openia"'],
  ['an unknown provider to list', ['models', 'anthropc'], 'did you mean anthropic?'],
  ['a key among the arguments', ['models', 'key', 'openai', key], 'models key takes no key as an argument'],
  ['an empty key', ['models', 'key', 'openai'], 'no key was given'],
  ['--remove without key', ['models', '--remove'], '--remove is for a key'],
])('%s is an error of use', async (_title, argv, problem) => {
  await using user = new ModelsUser()
  const { code, out, err } = await run(user, argv, { stdin: typed('') })
  expect([code, out]).toEqual([2, ''])
  expect(err).toContain(problem)
  expect(err).not.toContain(key)
})

test('what is no key is not kept, and not repeated', async () => {
  await using user = new ModelsUser()
  const { code, err } = await run(user, ['models', 'key', 'openai'], { stdin: typed('my secret words\n') })
  expect(code).toBe(2)
  expect(err).not.toContain('secret')
  const long = await run(user, ['models', 'key', 'openai'], { stdin: typed(`${'x'.repeat(5000)}\n`) })
  expect(long).toMatchObject({ code: 2, err: expect.stringContaining('it is too long') })
})

test('offstage models lists what can be reached, for people, for programs and for scripts', async () => {
  await using server = await startModelServer([], { models: ['qwen3-coder:30b'] })
  await using user = new ModelsUser('[models]\ndefault = "ollama/qwen3-coder:30b"', { ollama: server.url })
  const setting = { env: { ANTHROPIC_API_KEY: key } }
  const lines = (await run(user, ['models', 'ollama'], setting)).out
  expect(lines).toBe('ollama/qwen3-coder:30b\tqwen3-coder:30b\tlocal\t\tdefault\n')
  const shown = (await run(user, ['models'], { ...setting, tty: true })).out
  expect(shown).toContain('Anthropic   key from ANTHROPIC_API_KEY')
  expect(shown).toMatch(/ollama {3}on this machine\n {5}ollama\/qwen3-coder:30b +the default\n/)
  expect(shown).toMatch(/and \d+ more: offstage models anthropic/)
  expect(shown).toContain('no key for openai, google, openrouter: offstage models key PROVIDER')
  const json = JSON.parse((await run(user, ['models', '--json'], setting)).out) as { readonly models: readonly unknown[] }
  expect(json).toMatchObject({
    default: 'ollama/qwen3-coder:30b',
    problem: null,
    models: expect.arrayContaining([{ id: 'ollama/qwen3-coder:30b', name: 'qwen3-coder:30b', provider: 'ollama', local: true, images: false }]),
  })
})

test('offstage models says what to do where there is none, and where the default cannot be reached', async () => {
  await using user = new ModelsUser()
  const nothing = await run(user, ['models'], { tty: true })
  expect(nothing.out).toContain('no default: no model can be reached\n   set ANTHROPIC_API_KEY or OPENAI_API_KEY')
  expect(await run(user, ['models'])).toMatchObject({ code: 4, out: '', err: expect.stringContaining('no model can be reached') })
  user.configure('[models]\ndefault = "gpt-5.5"')
  const { out } = await run(user, ['models'], { tty: true, env: { ANTHROPIC_API_KEY: key } })
  expect(out).toContain('no default: there is no model "gpt-5.5"')
  // Into a pipe it is told beside the list.
  const piped = await run(user, ['models'], { env: { ANTHROPIC_API_KEY: key } })
  expect(piped).toMatchObject({ code: 0, err: 'offstage: no default: there is no model "gpt-5.5"\n' })
  expect(piped.out).toContain('anthropic/')
})

test('a configuration that cannot be read is told with its line', async () => {
  await using user = new ModelsUser('[models]\non_limit = "never"')
  user.keys(`openai = "${key}"`)
  const { code, err } = await run(user, ['models'])
  expect(code).toBe(2)
  expect(err).toContain(`${user.configFile}:2: on_limit "never" is not known`)
})

test('no value of a key is printed or written, wherever it comes from', async () => {
  const secrets = ['secret-in-variable-1', 'secret-of-own-provider-2', 'secret-in-file-3']
  const [variable = '', own = '', file = ''] = secrets
  await using server = await startModelServer([{ say: 'one' }, { say: 'two' }, { say: 'three' }], { bare: true })
  const at = (name: string, more: string): string => `[models.${name}]\nurl = "${server.url}"\n${more}\nmodels = ["m"]\n`
  await using user = new ModelsUser(at('anthropic', '') + at('own', 'api = "openai-completions"\nkey_env = "OWN_KEY"') + at('openai', ''))
  user.keys(`openai = "${file}"\n`)
  const env = { ANTHROPIC_API_KEY: variable, OWN_KEY: own, OFFSTAGE_DEBUG: '1' }
  const printed: string[] = []
  const ways: readonly (readonly [readonly string[], boolean])[] = [
    [['models'], true],
    [['models', '--json'], false],
    [['models', 'key', 'nobody'], true],
  ]
  for (const [argv, tty] of ways) {
    const { out, err } = await run(user, argv, { env, tty })
    printed.push(out, err)
  }
  expect(printed.join('')).toContain('key from OWN_KEY')
  const models = await user.open(env)
  for (const id of ['anthropic/m', 'own/m', 'openai/m']) {
    const model = await models.find(id)
    if ('refused' in model) throw new Error(model.message)
    printed.push(JSON.stringify([model, await models.list(soon()), await models.runtime.completeSimple(model, { messages: [{ role: 'user', content: 'hi', timestamp: 1 }] })]))
  }
  // They were used.
  expect(server.requests.map(({ headers }) => headers['x-api-key'] ?? headers['authorization'])).toEqual([variable, `Bearer ${own}`, `Bearer ${file}`])
  for (const secret of secrets) {
    expect(printed.join('\n')).not.toContain(secret)
    expect([...user.files()].filter(([name, text]) => name !== 'home/keys.toml' && text.includes(secret))).toEqual([])
  }
})

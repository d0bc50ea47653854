// What `[models]` of config.toml may say, and where an error in it is. What is written there by mistake is not repeated: it may be a key.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ConfigInvalid, loadConfig } from '../../src/config/config.ts'
import { type ModelSettings, defaultModels, localServers, secretVariables } from '../../src/config/model-settings.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'offstage-config-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

async function load(text: string): Promise<ModelSettings> {
  writeFileSync(join(root, 'config.toml'), text)
  return (await loadConfig({ configFile: join(root, 'config.toml') })).models
}

test('everything that can be set', async () => {
  const text = `
[models]
default = "work/qwen3"
on_limit = "ask"
stall_s = 90
[models.local]
ollama = "http://localhost:12345/"
vllm = false
[models.work]
url = "https://models.example.org/v1/"
api = "openai-completions"
key_env = "WORK_KEY"
models = ["qwen3", { id = "big", name = "Big", context_window = 200000, max_output = 32000, images = true, reasoning = true }]
[models.here]
url = "http://[::1]:9000"
api = "anthropic"
[models.openai]
key_env = "SECOND_OPENAI_KEY"
`
  expect(await load(text)).toEqual({
    default: 'work/qwen3',
    onLimit: 'ask',
    stallMs: 90_000,
    local: { ...localServers, ollama: 'http://localhost:12345', vllm: undefined },
    providers: {
      work: {
        url: 'https://models.example.org/v1',
        api: 'openai-completions',
        keyVariable: 'WORK_KEY',
        models: [{ id: 'qwen3' }, { id: 'big', name: 'Big', contextWindow: 200_000, maxOutput: 32_000, images: true, reasoning: true }],
      },
      here: { url: 'http://[::1]:9000', api: 'anthropic' },
      openai: { keyVariable: 'SECOND_OPENAI_KEY' },
    },
  })
  expect(secretVariables(await load(text))).toEqual(expect.arrayContaining(['WORK_KEY', 'SECOND_OPENAI_KEY', 'ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'GEMINI_API_KEY']))
  expect(await load('[models]\nlocal = false')).toEqual({ ...defaultModels, local: {} })
  expect(await load('')).toEqual(defaultModels)
})

const own = (more: string): string => `[models.a]\nurl = "https://a.example.org"\napi = "anthropic"\n${more}`

test.each([
  ['models = 7', 'config.toml:1: models is not a table'],
  ['[models]\ndefault = 7', 'config.toml:2: default is not a string'],
  ['[models]\non_limit = "stop"', 'config.toml:2: on_limit "stop" is not known'],
  ['[models]\nstall_s = 0', 'config.toml:2: stall_s is not a number that can be used'],
  ['[models]\nkey = "sk-secret"', 'config.toml:2: "key" is not a setting'],
  ['[models]\ndefalt = "sk-secret"', 'config.toml:2: "defalt" is not a setting'],
  ['[models.key]\nurl = "https://a.example.org"', 'config.toml:1: "key" cannot be a provider\'s name'],
  ['[models."a b"]\nurl = "https://a.example.org"', 'config.toml:1: "a b" cannot be a provider\'s name'],
  ['[models.ollama]\nurl = "http://127.0.0.1:1"', 'config.toml:1: "ollama" cannot be a provider\'s name'],
  ['[models.a]\napi = "anthropic"\nmodels = ["m"]', 'config.toml:1: provider a has no url'],
  ['[models.a]\nurl = "https://a.example.org"\nmodels = ["m"]', 'config.toml:1: provider a has no api'],
  [own(''), 'config.toml:1: provider a has no models'],
  [own('models = []'), 'config.toml:4: models is not a list of models'],
  [own('models = "m"'), 'config.toml:4: models is not a list of models'],
  [own('models = [7]'), 'config.toml:4: models is not a list of models'],
  [own('models = ["a b"]'), 'config.toml:4: models is not a list of models'],
  [own('models = [{ id = "m", context_window = -1 }]'), 'config.toml:4: models is not a list of models'],
  [own('models = [{ id = "m", contextwindow = 1 }]'), 'config.toml:4: models is not a list of models'],
  [own('models = ["m"]\nkey = "sk-secret"'), 'config.toml:5: "key" is not a setting'],
  [own('models = ["m"]\nkey_env = "sk-secret"'), "config.toml:5: key_env cannot be a variable's name"],
  ['[models.a]\nurl = "models.example.org"', 'config.toml:2: url is not an address'],
  ['[models.a]\nurl = "file:///etc/passwd"', 'config.toml:2: url is not an address'],
  ['[models.a]\nurl = "https://me:sk-secret@a.example.org"', 'config.toml:2: url has a name, a password or a question in it'],
  ['[models.a]\nurl = "https://a.example.org/?key=sk-secret"', 'config.toml:2: url has a name, a password or a question in it'],
  ['[models.a]\nurl = "https://a.example.org"\napi = "gpt"', 'config.toml:3: api "gpt" is not known'],
  ['[models.a]\nurl = "http://a.example.org"\napi = "anthropic"\nkey_env = "K"\nmodels = ["m"]', 'config.toml:2: a key would go to a.example.org unencrypted'],
  ['[models.local]\nollama = "http://192.168.1.2:11434"', 'config.toml:2: ollama is not on this machine'],
  ['[models.local]\nollama = "http://127.0.0.1.example.org"', 'config.toml:2: ollama is not on this machine'],
  ['[models.local]\nollama = true', 'config.toml:2: ollama is not a string'],
  ['[models.local]\nollamma = "http://127.0.0.1:1"', 'config.toml:2: "ollamma" is not a setting'],
])('an error is told with its line: %j', async (text, expected) => {
  const error = await load(text).catch((cause: unknown) => cause)
  if (!(error instanceof ConfigInvalid)) throw new Error('it was accepted', { cause: error })
  expect(error.message.replace(`${root}/`, '')).toBe(expected)
  expect(error.hint).not.toBe('')
  expect(error.message + error.hint).not.toMatch(/sk-secret|\n/)
})

// Which models are found, which one is meant, and how they are called: with servers of the test on this machine, and with what only looks like one.

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { rmSync } from 'node:fs'
import type { ClientRequest } from 'node:http'
import type { Api, Model } from '@earendil-works/pi-ai'
import { expect, test, vi } from 'vitest'
import { type Models, failureOf, openModels } from '../../../src/agent/models/index.ts'
import { hasLocalModel } from '../../../src/config/local-servers.ts'
import { isRefusal } from '../../../src/core/errors.ts'
import { startModelServer } from '../../fixtures/model-server/server.ts'
import { ModelsUser, soon } from './user.ts'

const ids = async (models: Models): Promise<readonly string[]> => (await models.list(soon())).map((one) => one.id)

async function found(models: Models, id?: string): Promise<Model<Api>> {
  const model = await models.find(id)
  if (isRefusal(model)) throw new Error(`${model.message}: ${model.hint}`)
  return model
}

const ask = async (models: Models, id?: string) =>
  await models.runtime.completeSimple(
    await found(models, id),
    { systemPrompt: 'Be short.', messages: [{ role: 'user', content: 'hello', timestamp: 1 }] },
    { maxRetries: 0, signal: soon() },
  )

const openaiList = (models: readonly object[]): string => JSON.stringify({ object: 'list', data: models })

test('without a key and without a server there is no model, and it is said what to do', async () => {
  await using user = new ModelsUser()
  const models = await user.open()
  expect(await ids(models)).toEqual([])
  expect(await models.find()).toEqual({
    refused: 'invalid',
    message: 'no model can be reached',
    hint: 'set ANTHROPIC_API_KEY or OPENAI_API_KEY or GEMINI_API_KEY or OPENROUTER_API_KEY, run: offstage models key PROVIDER, or start a server of models on this machine, such as Ollama',
  })
  expect(await models.find('anthropic/claude-sonnet-5')).toMatchObject({
    message: 'there is no key for Anthropic',
    hint: 'set ANTHROPIC_API_KEY, or run: offstage models key anthropic',
  })
})

test('the usual variables are enough, and providers are taken in a fixed order with a current model', async () => {
  await using user = new ModelsUser()
  const key = 'k'.repeat(20)
  const takenWith = async (env: Readonly<Record<string, string>>): Promise<string | undefined> => (await ids(await user.open(env)))[0]
  expect(await takenWith({ OPENROUTER_API_KEY: key })).toBe('openrouter/anthropic/claude-sonnet-5')
  expect(await takenWith({ OPENROUTER_API_KEY: key, GEMINI_API_KEY: key })).toBe('google/gemini-3.1-pro-preview')
  expect(await takenWith({ OPENROUTER_API_KEY: key, GEMINI_API_KEY: key, OPENAI_API_KEY: key })).toBe('openai/gpt-5.5')
  const all = await user.open({ OPENROUTER_API_KEY: key, GEMINI_API_KEY: key, OPENAI_API_KEY: key, ANTHROPIC_API_KEY: key })
  expect((await all.list(soon()))[0]).toMatchObject({ id: 'anthropic/claude-sonnet-5', local: false, images: true, contextWindow: 1_000_000 })
  expect((await found(all)).id).toBe('claude-sonnet-5')
  expect((await found(all, 'openrouter/anthropic/claude-sonnet-5')).provider).toBe('openrouter')
  expect((await found(all, 'gpt-5.5')).provider).toBe('openai')
  expect(await takenWith({ ANTHROPIC_API_KEY: '  ' })).toBeUndefined()
})

test('a local server is found by itself, needs no key, and is called', async () => {
  await using server = await startModelServer([{ say: 'hi there' }], { models: ['qwen3-coder:30b', 'nomic-embed-text:latest'], bare: true })
  await using user = new ModelsUser('', { ollama: server.url })
  const models = await user.open()
  expect(await models.list(soon())).toEqual([{ id: 'ollama/qwen3-coder:30b', name: 'qwen3-coder:30b', provider: 'ollama', local: true, images: false }])
  const said = await ask(models)
  expect(said.content).toMatchObject([{ type: 'text', text: 'hi there' }])
  // What only OpenAI understands is not sent.
  expect(server.requests[0]).toMatchObject({ api: 'chat', path: '/v1/chat/completions', model: 'qwen3-coder:30b', body: { messages: [{ role: 'system' }, { role: 'user' }] } })
  expect(Object.keys(server.requests[0]?.body ?? {})).not.toContain('store')
})

test('a server that says how much its models hold is believed', async () => {
  await using user = new ModelsUser()
  const vllm = await user.server((_, response) => response.end(openaiList([{ id: 'big', object: 'model', max_model_len: 131_072 }])))
  const llama = await user.server((_, response) => response.end(openaiList([{ id: 'small.gguf', object: 'model', meta: { n_ctx: 8192, n_ctx_train: 32_768 } }])))
  const studio = await user.server((_, response) =>
    response.end(
      openaiList([
        { id: 'quiet', object: 'model' },
        { id: 'text-embedding-nomic', object: 'model' },
      ]),
    ),
  )
  user.configure('', { vllm, 'llama-cpp': llama, 'lm-studio': studio })
  const models = await user.open()
  expect((await models.list(soon())).map((one) => [one.id, one.contextWindow])).toEqual([
    ['llama-cpp/small.gguf', 8192],
    ['lm-studio/quiet', undefined],
    ['vllm/big', 131_072],
  ])
  expect(await found(models, 'small.gguf')).toMatchObject({ contextWindow: 8192, maxTokens: 2048 })
})

test('who comes up later is found later, and who has gone is gone', async () => {
  await using user = new ModelsUser('', { ollama: 'http://127.0.0.1:9' })
  const models = await user.open()
  expect(await models.find('ollama/late')).toMatchObject({ message: 'no server with models answers at http://127.0.0.1:9' })
  let names = ['late']
  const url = await user.server((_, response) => response.end(JSON.stringify({ models: names.map((name) => ({ name, digest: '0' })) })))
  user.configure('', { ollama: url })
  const later = await user.open()
  expect(await ids(later)).toEqual(['ollama/late'])
  names = ['other']
  expect((await found(later, 'other')).id).toBe('other')
  expect(await ids(later)).toEqual(['ollama/other'])
})

const impostors: readonly (readonly [string, number, string])[] = [
  ['a page', 200, '<html>hello</html>'],
  ['JSON of something else', 200, '{"status":"ok"}'],
  ['a list of something else', 200, '{"object":"list","data":[{"id":"user-1","object":"user"}]}'],
  ['models of something else', 200, '{"models":["Corolla","Civic"]}'],
  ['an array', 200, '[]'],
  ['null', 200, 'null'],
  ['half an answer', 200, '{"object":"list","data":[{"id":"a","object":"mod'],
  ['an error', 500, openaiList([{ id: 'a', object: 'model' }])],
  ['a question for a key', 401, openaiList([{ id: 'a', object: 'model' }])],
  ['a name that is none', 200, openaiList([{ id: 'a\u001b[2J b', object: 'model' }])],
  ['a list without models', 200, openaiList([])],
]

test.each(impostors)('%s on a usual port is not taken for a server of models', async (_title, status, body) => {
  await using user = new ModelsUser()
  const url = await user.server((_, response) => response.writeHead(status, { 'content-type': 'application/json' }).end(body))
  user.configure('', { ollama: url, 'llama-cpp': url, 'lm-studio': url, vllm: url })
  expect(await ids(await user.open())).toEqual([])
})

test('a server that hangs, one that never ends, one that sends elsewhere and a port with nobody cost half a second together', async () => {
  await using user = new ModelsUser()
  let redirected = 0
  const hangs = await user.server(() => {})
  const endless = await user.server((_, response) => {
    const more = (): unknown => response.destroyed || (response.write('{"a":"'.padEnd(65_536, 'x')) ? setImmediate(more) : response.once('drain', more))
    more()
  })
  const target = await user.server((_, response) => {
    redirected++
    response.end(openaiList([{ id: 'a', object: 'model' }]))
  })
  const elsewhere = await user.server((_, response) => response.writeHead(302, { location: `${target}/v1/models` }).end())
  user.configure('', { ollama: hangs, 'llama-cpp': endless, 'lm-studio': elsewhere, vllm: 'http://127.0.0.1:9' })
  const models = await user.open()
  const before = performance.now()
  expect(await ids(models)).toEqual([])
  expect(performance.now() - before).toBeLessThan(1500)
  expect(redirected).toBe(0)
})

test('any address that speaks a known API is a provider, with the key of its variable', async () => {
  await using server = await startModelServer([{ say: 'one' }, { say: 'two' }, { say: 'three' }, { say: 'four' }], { bare: true })
  await using user = new ModelsUser(`
[models]
default = "responses/test-model"
[models.messages]
url = "${server.url}/v1/"
api = "anthropic"
key_env = "MESSAGES_KEY"
models = [{ id = "test-model", name = "Tested", context_window = 50000, max_output = 1000, images = true }]
[models.chat]
url = "${server.url}"
api = "openai-completions"
key_env = "CHAT_KEY"
[models.responses]
url = "${server.url}/v1"
api = "openai-responses"
key_env = "RESPONSES_KEY"
models = ["test-model"]
[models.google]
url = "${server.url}/v1beta"
models = ["test-model"]
`)
  const models = await user.open({ MESSAGES_KEY: 'messages-key-1', CHAT_KEY: 'chat-key-2', RESPONSES_KEY: 'responses-key-3', GEMINI_API_KEY: 'gemini-key-4' })
  expect(await models.list(soon())).toEqual([
    { id: 'responses/test-model', name: 'test-model', provider: 'responses', local: true, images: false },
    { id: 'messages/test-model', name: 'Tested', provider: 'messages', local: true, contextWindow: 50_000, images: true },
    { id: 'chat/test-model', name: 'test-model', provider: 'chat', local: true, images: false },
    expect.objectContaining({ id: 'google/test-model' }),
  ])
  for (const [id, text] of [
    ['messages/test-model', 'one'],
    ['chat/test-model', 'two'],
    [undefined, 'three'],
    ['google/test-model', 'four'],
  ] as const)
    expect((await ask(models, id)).content).toMatchObject([{ text }])
  expect(server.requests.map((one) => [one.api, one.path, one.headers['x-api-key'] ?? one.headers['authorization'] ?? one.headers['x-goog-api-key']])).toEqual([
    ['anthropic', '/v1/messages', 'messages-key-1'],
    ['chat', '/v1/chat/completions', 'Bearer chat-key-2'],
    ['responses', '/v1/responses', 'Bearer responses-key-3'],
    ['gemini', '/v1beta/models/test-model:streamGenerateContent', 'gemini-key-4'],
  ])
  expect(server.strays).toEqual([])
  expect(models.secrets).toEqual(
    expect.arrayContaining(['MESSAGES_KEY', 'CHAT_KEY', 'RESPONSES_KEY', 'ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'OPENROUTER_API_KEY']),
  )
  expect(await models.find('test-model')).toMatchObject({ refused: 'ambiguous', hint: 'name one: messages/test-model, chat/test-model, responses/test-model, google/test-model' })
  expect(await models.find('messages/tested')).toMatchObject({ refused: 'invalid' })
})

test('the variables of other programs say where their provider is', async () => {
  await using server = await startModelServer([{ say: 'one' }, { say: 'two' }], { bare: true })
  await using user = new ModelsUser()
  const models = await user.open({
    ANTHROPIC_BASE_URL: server.url,
    ANTHROPIC_AUTH_TOKEN: 'token-1',
    ANTHROPIC_MODEL: 'test-model',
    OPENAI_BASE_URL: `${server.url}/v1`,
    OPENAI_MODEL: 'other-model',
  })
  expect((await models.list(soon())).map((one) => one.id)).toEqual(['anthropic/test-model', 'openai/other-model'])
  await ask(models)
  await ask(models, 'other-model')
  expect(server.requests.map((one) => [one.api, one.model, one.headers['authorization'], one.headers['x-api-key']])).toEqual([
    ['anthropic', 'test-model', 'Bearer token-1', undefined],
    ['chat', 'other-model', 'Bearer none', undefined],
  ])
  // An alias of another program is no model; addresses that are none are not used.
  const plain = await user.open({ ANTHROPIC_API_KEY: 'key-1', ANTHROPIC_MODEL: 'opusplan', OPENAI_BASE_URL: 'file:///etc/passwd' })
  expect((await ids(plain))[0]).toBe('anthropic/claude-sonnet-5')
})

test('a key does not go over a network unencrypted', async () => {
  await using user = new ModelsUser()
  const models = await user.open({ OPENAI_BASE_URL: 'http://models.example.org/v1', OPENAI_MODEL: 'm', OPENAI_API_KEY: 'secret-key' })
  expect(await models.runtime.getAuth(await found(models, 'openai/m'))).toMatchObject({ auth: { apiKey: 'none' } })
})

test('a default that cannot be reached is not replaced by another model', async () => {
  await using user = new ModelsUser('[models]\ndefault = "ollama/qwen3"')
  const models = await user.open({ ANTHROPIC_API_KEY: 'key-1' })
  expect(await models.find()).toMatchObject({ refused: 'invalid', message: 'there is no model "ollama/qwen3"' })
  user.configure('[models]\ndefault = "claude-opus-4-8"')
  const other = await user.open({ ANTHROPIC_API_KEY: 'key-1' })
  expect((await ids(other))[0]).toBe('anthropic/claude-opus-4-8')
  expect((await found(other)).id).toBe('claude-opus-4-8')
})

test('a model that is newer than the catalogue can be named', async () => {
  await using user = new ModelsUser('[models.anthropic]\nmodels = [{ id = "claude-next", context_window = 2000000 }]')
  const all = await ids(await user.open({ ANTHROPIC_API_KEY: 'key-1' }))
  expect(all[0]).toBe('anthropic/claude-next')
  expect(all).toContain('anthropic/claude-sonnet-5')
})

test('a name that is nearly right is answered with those that are meant', async () => {
  await using user = new ModelsUser()
  const models = await user.open({ ANTHROPIC_API_KEY: 'key-1', OPENROUTER_API_KEY: 'key-2' })
  expect(await models.find('anthropic/opus-4-8')).toMatchObject({
    message: 'Anthropic has no model "opus-4-8" that is known here',
    hint: expect.stringContaining('did you mean anthropic/claude-opus-4-8'),
  })
  expect(await models.find('../etc')).toMatchObject({ refused: 'invalid', message: 'there is no model "../etc"' })
  expect(await models.find('')).toMatchObject({ refused: 'invalid' })
  expect(await models.find('openai/gpt-5.5')).toMatchObject({ message: 'there is no key for OpenAI' })
})

test.each([
  ['broken TOML', '[models', 'it is not valid TOML'],
  ['an unknown setting', '[models]\ndefualt = "x"', '"defualt" is not a setting'],
])('%s is a refusal that says where', async (_title, config, problem) => {
  await using user = new ModelsUser(config)
  const refused = await openModels({ env: user.env, configFile: user.configFile, signal: soon() })
  expect(refused).toMatchObject({ refused: 'invalid', message: expect.stringContaining(problem), hint: expect.any(String) })
  expect(JSON.stringify(refused)).toContain(`${user.configFile}:`)
})

test('a home that nobody set is a refusal', async () => {
  await using user = new ModelsUser()
  expect(await openModels({ env: {}, configFile: user.configFile, signal: soon() })).toMatchObject({ refused: 'invalid', hint: 'set HOME, or OFFSTAGE_HOME to an absolute path' })
})

test('a refused call says when to come back: the status and the headers are in what pi hands over, whichever API it is', async () => {
  await using server = await startModelServer(() => ({ status: 429, headers: { 'retry-after': '17', 'set-cookie': 'session=very-secret' } }), { bare: true })
  const provider = (name: string, api: string): string => `[models.${name}]\nurl = "${server.url}"\napi = "${api}"\nmodels = ["m"]\n`
  await using user = new ModelsUser(provider('a', 'anthropic') + provider('b', 'openai-completions') + provider('c', 'openai-responses'))
  const models = await user.open()
  for (const id of ['a/m', 'b/m', 'c/m']) {
    const said = await ask(models, id)
    expect(failureOf(said, 1000)).toEqual({ kind: 'limited', untilMs: 18_000, why: 'scripted failure 429' })
    expect(JSON.stringify(said)).not.toContain('very-secret')
  }
})

test('an answer that breaks off, a server that fails and one that is gone are worth another try; a refused key is not', async () => {
  await using server = await startModelServer([{ cut: 'half of' }, { status: 500 }, { status: 401 }], { bare: true })
  await using user = new ModelsUser(
    `[models.a]\nurl = "${server.url}"\napi = "anthropic"\nmodels = ["m"]\n[models.gone]\nurl = "http://127.0.0.1:9"\napi = "openai-completions"\nmodels = ["m"]\n`,
  )
  const models = await user.open()
  const kinds: string[] = []
  for (const id of ['a/m', 'a/m', 'a/m', 'gone/m']) kinds.push(failureOf(await ask(models, id), 0).kind)
  expect(kinds).toEqual(['retry', 'retry', 'auth', 'retry'])
})

test('a key that a server repeats in an error is taken out of it', async () => {
  const key = 'sk-repeated-0123456789'
  await using user = new ModelsUser()
  const url = await user.server((request, response) =>
    response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { message: `bad header ${request.headers.authorization}` } })),
  )
  user.configure(`[models.a]\nurl = "${url}"\napi = "openai-completions"\nkey_env = "A_KEY"\nmodels = ["m"]`)
  const said = await ask(await user.open({ A_KEY: key }), 'a/m')
  expect(said.errorMessage).toContain('bad header Bearer …')
  expect(JSON.stringify(said)).not.toContain(key)
})

test('nobody is called but servers on this machine, and nothing is written', async () => {
  const called = new Set<string>()
  const onFetch = (data: unknown): void => void called.add((data as { readonly connectParams: { readonly host: string } }).connectParams.host)
  const onRequest = (data: unknown): void => void called.add(String((data as { readonly request: ClientRequest }).request.getHeader('host')))
  await using found = await startModelServer([], { models: ['m'] })
  await using named = await startModelServer([], { models: ['m'] })
  await using user = new ModelsUser(`[models.a]\nurl = "${named.url}"\napi = "anthropic"\nmodels = ["m"]`, { ollama: found.url })
  rmSync(user.home, { recursive: true })
  const before = user.files()
  // A provider that pi finds for itself, whose catalogue it would fetch.
  vi.stubEnv('GROQ_API_KEY', 'key-3')
  subscribe('undici:client:beforeConnect', onFetch)
  subscribe('http.client.request.start', onRequest)
  try {
    const models = await user.open({ ANTHROPIC_API_KEY: 'key-1', OPENAI_API_KEY: 'key-2' })
    await models.list(soon())
    await models.find('gpt-5.5')
    await ask(models, 'a/m')
    await models.runtime.refresh()
  } finally {
    vi.unstubAllEnvs()
    unsubscribe('undici:client:beforeConnect', onFetch)
    unsubscribe('http.client.request.start', onRequest)
  }
  expect(called).toEqual(new Set([new URL(found.url).host, new URL(named.url).host]))
  expect(user.files()).toEqual(before)
})

test('whether a server on this machine has a model is told without any key', async () => {
  await using server = await startModelServer([], { models: ['qwen3-coder:30b'] })
  await using empty = await startModelServer([], { models: [] })
  expect(await hasLocalModel({ local: { ollama: server.url } }, soon())).toBe(true)
  expect(await hasLocalModel({ local: { ollama: empty.url, vllm: server.url } }, soon())).toBe(true)
  expect(await hasLocalModel({ local: { ollama: empty.url, 'llama-cpp': 'http://127.0.0.1:9' } }, soon())).toBe(false)
  expect(await hasLocalModel({ local: {} }, soon())).toBe(false)
  expect(server.requests).toEqual([])
})

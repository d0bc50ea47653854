// The model server for tests, heard by programs that are not ours: pi-ai for the streams, the makers' own clients for whole replies.

import { type Api, type AssistantMessage, type Model, Type } from '@earendil-works/pi-ai'
import { completeSimple } from '@earendil-works/pi-ai/compat'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { type ModelServer, type Step, startModelServer } from '../fixtures/model-server/server.ts'

const apis = { anthropic: 'anthropic-messages', chat: 'openai-completions', responses: 'openai-responses', gemini: 'google-generative-ai' } as const
const prefixes = { anthropic: '', chat: '/v1', responses: '/v1', gemini: '/v1beta' } as const
const readFile = { name: 'read_file', description: 'Reads a file', parameters: Type.Object({ path: Type.String() }) }

type Name = keyof typeof apis

function modelOf(server: ModelServer, name: Name): Model<Api> {
  const cost = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }
  return {
    id: 'test-model',
    name: 'Test',
    api: apis[name],
    provider: 'test',
    baseUrl: server.url + prefixes[name],
    reasoning: false,
    input: ['text'],
    cost,
    contextWindow: 100_000,
    maxTokens: 1000,
  }
}

const ask = (server: ModelServer, name: Name, tools = [readFile], signal?: AbortSignal): Promise<AssistantMessage> =>
  completeSimple(
    modelOf(server, name),
    { systemPrompt: 'Be short.', messages: [{ role: 'user', content: 'Hello', timestamp: 0 }], tools },
    { apiKey: 'key', maxRetries: 0, ...(signal ? { signal } : {}) },
  )

const callsIn = (message: AssistantMessage) => message.content.flatMap((part) => (part.type === 'toolCall' ? [{ name: part.name, input: part.arguments }] : []))
const textIn = (message: AssistantMessage) => message.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('')

async function all<T, U>(pages: AsyncIterable<T>, pick: (one: T) => U): Promise<readonly U[]> {
  const found: U[] = []
  for await (const one of pages) found.push(pick(one))
  return found
}

describe.each(['anthropic', 'chat', 'responses', 'gemini'] as const)('streamed over %s', (name) => {
  const said = async (step: Step): Promise<AssistantMessage> => {
    await using server = await startModelServer([step])
    const message = await ask(server, name)
    expect(server.strays).toEqual([])
    return message
  }

  test('text comes whole, in however many pieces, and with what it cost', async () => {
    const message = await said({ say: 'Hello, wörld 👋', chunks: 4 })
    expect(textIn(message)).toBe('Hello, wörld 👋')
    expect(message).toMatchObject({ stopReason: 'stop', usage: { input: 1200, output: 34 } })
  })

  test('a tool is called, after some words', async () => {
    const message = await said({ call: 'read_file', input: { path: 'a.txt' }, say: 'Let me look.' })
    expect(textIn(message)).toBe('Let me look.')
    expect(callsIn(message)).toEqual([{ name: 'read_file', input: { path: 'a.txt' } }])
    expect(message.stopReason).toBe('toolUse')
  })

  test('several tools are called at once, each with an id of its own', async () => {
    const calls = ['a', 'b', 'c'].map((path) => ({ call: 'read_file', input: { path } }))
    const message = await said({ calls })
    expect(callsIn(message)).toEqual(calls.map(({ call, input }) => ({ name: call, input })))
    expect(new Set(message.content.map((part) => (part.type === 'toolCall' ? part.id : ''))).size).toBe(3)
  })

  test('a status that is no success is a failure that names it', async () => {
    const message = await said({ status: 429, headers: { 'retry-after': '7' } })
    expect(message.stopReason).toBe('error')
    expect(message.errorMessage).toMatch(/429/)
  })

  test('a stream that is cut is a failure, not a short answer', async () => {
    const message = await said({ cut: 'Half of' })
    expect(textIn(message)).toBe('Half of')
    expect(message.stopReason).toBe('error')
  })

  test('a hanging reply goes on when it is released', async () => {
    await using server = await startModelServer([{ hang: 'Well' }])
    const asked = ask(server, name)
    await server.waitForRequest(1)
    server.release()
    expect(await asked).toMatchObject({ stopReason: 'stop', content: [{ text: 'Well' }] })
  })

  test('a hanging reply can be left', async () => {
    await using server = await startModelServer([{ hang: 'Well' }])
    const leave = new AbortController()
    const asked = ask(server, name, [readFile], leave.signal)
    await server.waitForRequest(1)
    leave.abort()
    expect((await asked).stopReason).toBe('aborted')
  })

  test('what was asked is kept: the path, the headers, the body and the tools', async () => {
    await using server = await startModelServer([])
    expect(textIn(await ask(server, name))).toBe('done')
    expect(server.requests).toMatchObject([{ api: name, model: 'test-model', tools: ['read_file'] }])
    expect(JSON.stringify(server.requests[0]?.body)).toContain('Hello')
    expect(JSON.stringify(server.requests[0]?.headers)).toContain('key')
  })
})

test('a call without tools takes no step, unless all calls shall', async () => {
  await using server = await startModelServer([{ say: 'one' }])
  expect(textIn(await ask(server, 'chat', []))).toBe('A title')
  expect(textIn(await ask(server, 'chat'))).toBe('one')
  expect([server.requests.length, server.asides.length]).toEqual([1, 1])

  await using bare = await startModelServer([{ say: 'one' }], { bare: true })
  expect(textIn(await ask(bare, 'chat', []))).toBe('one')
})

test('a function decides by the request and its number', async () => {
  await using server = await startModelServer(({ model }, index) => ({ say: `${model} ${index}` }))
  expect(textIn(await ask(server, 'chat'))).toBe('test-model 0')
  expect(textIn(await ask(server, 'anthropic'))).toBe('test-model 1')
})

test('who waits for more requests than come is told how many came', async () => {
  await using server = await startModelServer([])
  await ask(server, 'chat')
  await expect(server.waitForRequest(2, AbortSignal.timeout(20))).rejects.toThrow('asked 1 times, not 2')
})

test('what nobody speaks is refused and named', async () => {
  await using server = await startModelServer([])
  const answers = await Promise.all([
    fetch(`${server.url}/v1/chat/completions`),
    fetch(`${server.url}/v1/embeddings`, { method: 'POST' }),
    fetch(`${server.url}/v1/messages`, { method: 'POST', body: '{' }),
  ])
  expect(answers.map(({ status }) => status)).toEqual([404, 404, 400])
  expect(server.strays.toSorted()).toEqual(['GET /v1/chat/completions', 'POST /v1/embeddings'])
})

test("Anthropic's own client hears text, calls, refusals, counts and the list of models", async () => {
  await using server = await startModelServer([{ say: 'Hi', call: 'read_file', input: { path: 'a' } }, { refuse: 'No.' }], { bare: true, models: ['m1', 'm2'] })
  const client = new Anthropic({ baseURL: server.url, apiKey: 'key', maxRetries: 0 })
  const request = { model: 'm1', max_tokens: 100, messages: [{ role: 'user' as const, content: 'Hello' }] }
  expect(await client.messages.create(request)).toMatchObject({
    stop_reason: 'tool_use',
    content: [
      { type: 'text', text: 'Hi' },
      { type: 'tool_use', name: 'read_file', input: { path: 'a' } },
    ],
    usage: { input_tokens: 1200, output_tokens: 34 },
  })
  expect(await client.messages.stream(request).finalMessage()).toMatchObject({ stop_reason: 'refusal', content: [{ type: 'text', text: 'No.' }] })
  expect(await client.messages.countTokens(request)).toMatchObject({ input_tokens: 1200 })
  expect(await all(client.models.list(), ({ id }) => id)).toEqual(['m1', 'm2'])
})

test("OpenAI's own client hears text, calls and refusals over both of its APIs, with and without /v1", async () => {
  const steps: readonly Step[] = [{ say: 'Hi', call: 'read_file', input: { path: 'a' } }, { refuse: 'No.' }]
  for (const prefix of ['/v1', '']) {
    await using server = await startModelServer([...steps, ...steps], { bare: true, models: ['m1'] })
    const client = new OpenAI({ baseURL: server.url + prefix, apiKey: 'key', maxRetries: 0 })
    const chat = { model: 'm1', messages: [{ role: 'user' as const, content: 'Hello' }] }
    const called = { function: { name: 'read_file', arguments: '{"path":"a"}' } }
    expect((await client.chat.completions.create(chat)).choices).toMatchObject([{ finish_reason: 'tool_calls', message: { content: 'Hi', tool_calls: [called] } }])
    expect((await client.chat.completions.stream(chat).finalChatCompletion()).choices).toMatchObject([{ finish_reason: 'stop', message: { refusal: 'No.' } }])
    expect(await client.responses.create({ model: 'm1', input: 'Hello' })).toMatchObject({
      output_text: 'Hi',
      output: [{}, { type: 'function_call', name: 'read_file' }],
      usage: { total_tokens: 1234 },
    })
    expect(await client.responses.stream({ model: 'm1', input: 'Hello' }).finalResponse()).toMatchObject({ output: [{ content: [{ type: 'refusal', refusal: 'No.' }] }] })
    expect(await all(client.models.list(), ({ id }) => id)).toEqual(['m1'])
  }
})

test("Google's own client hears text, calls, refusals, counts and the list of models", async () => {
  await using server = await startModelServer([{ say: 'Hi', call: 'read_file', input: { path: 'a' } }, { refuse: 'No.' }], { bare: true, models: ['m1'] })
  const client = new GoogleGenAI({ apiKey: 'key', httpOptions: { baseUrl: server.url } })
  const reply = await client.models.generateContent({ model: 'm1', contents: 'Hello' })
  expect([reply.candidates?.[0]?.content?.parts?.[0]?.text, reply.functionCalls]).toMatchObject(['Hi', [{ name: 'read_file', args: { path: 'a' } }]])
  expect((await client.models.generateContent({ model: 'm1', contents: 'Hello' })).candidates?.[0]?.finishReason).toBe('SAFETY')
  expect((await client.models.countTokens({ model: 'm1', contents: 'Hello' })).totalTokens).toBe(1200)
  expect(await all(await client.models.list(), ({ name }) => name)).toEqual(['models/m1'])
})

test('Ollama is asked for its models, their abilities and its version', async () => {
  await using server = await startModelServer([], { models: ['qwen3:8b'] })
  const read = async (path: string, init?: RequestInit): Promise<unknown> => (await fetch(server.url + path, init)).json()
  expect(await read('/api/tags')).toMatchObject({ models: [{ name: 'qwen3:8b' }] })
  expect(await read('/api/show', { method: 'POST', body: '{"model":"qwen3:8b"}' })).toMatchObject({ capabilities: ['completion', 'tools'] })
  expect(await read('/api/version')).toMatchObject({ version: expect.any(String) })
})

// Asks servers on this machine which models they have, and believes only what a server of models would say. Loopback only; nothing is sent but one GET, and no redirect is followed.

import { Agent, get } from 'node:http'
import type { ModelSettings } from './model-settings.ts'

export interface ServedModel {
  readonly id: string
  readonly contextWindow?: number
}

const answersWithinMs = 300
const longestAnswer = 1024 * 1024

/** The models of Ollama (`/api/tags`) or of a server that speaks OpenAI's API (`/v1/models`), at its address without a path. Undefined: nobody is there, or somebody else. */
export async function servedModels(kind: 'ollama' | 'openai', address: string, signal: AbortSignal): Promise<readonly ServedModel[] | undefined> {
  const answer = await getJson(new URL(kind === 'ollama' ? '/api/tags' : '/v1/models', address), AbortSignal.any([signal, AbortSignal.timeout(answersWithinMs)]))
  const models = kind === 'ollama' ? ollamaModels(answer) : openaiModels(answer)
  return models?.filter(({ id }) => isName(id) && !/embed|rerank|whisper|tts/i.test(id))
}

/** Whether a server where they are looked for has a model. */
export async function hasLocalModel({ local }: Pick<ModelSettings, 'local'>, signal: AbortSignal): Promise<boolean> {
  const served = await Promise.all(Object.entries(local).map(([name, address]) => servedModels(name === 'ollama' ? 'ollama' : 'openai', address, signal)))
  return served.some((models) => models !== undefined && models.length > 0)
}

/** Names of models end up in lists, in arguments and in requests. */
// oxlint-disable-next-line no-control-regex
const isName = (id: string): boolean => id.length <= 200 && /^[^\s\x00-\x1f\x7f-\x9f]+$/.test(id)

/** https://github.com/ollama/ollama/blob/main/docs/api.md#list-local-models */
function ollamaModels(answer: unknown): readonly ServedModel[] | undefined {
  const models = isRecord(answer) ? answer['models'] : undefined
  if (!Array.isArray(models)) return undefined
  const found = models.flatMap((one: unknown) => (isRecord(one) && typeof one['name'] === 'string' && typeof one['digest'] === 'string' ? [{ id: one['name'] }] : []))
  return found.length === models.length ? found : undefined
}

/** vLLM says `max_model_len`, llama.cpp `meta.n_ctx` (what is loaded) or `meta.n_ctx_train`; the others say nothing of it. */
function openaiModels(answer: unknown): readonly ServedModel[] | undefined {
  if (!isRecord(answer) || answer['object'] !== 'list' || !Array.isArray(answer['data'])) return undefined
  const data: readonly unknown[] = answer['data']
  const found = data.flatMap((one) => {
    if (!isRecord(one) || typeof one['id'] !== 'string' || one['object'] !== 'model') return []
    const meta = isRecord(one['meta']) ? one['meta'] : {}
    const contextWindow = [one['max_model_len'], meta['n_ctx'], meta['n_ctx_train']].find((size) => typeof size === 'number' && Number.isSafeInteger(size) && size > 0)
    return [{ id: one['id'], ...(typeof contextWindow === 'number' ? { contextWindow } : {}) }]
  })
  return found.length === data.length ? found : undefined
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** With a connection of its own, so that no proxy is asked. Undefined unless there is a short, whole JSON answer in time. */
function getJson(url: URL, signal: AbortSignal): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const request = get(url, { agent: new Agent(), signal, headers: { accept: 'application/json' } }, (response) => {
    const parts: Buffer[] = []
    let size = 0
    response.on('data', (part: Buffer) => {
      parts.push(part)
      size += part.length
      if (size > longestAnswer) request.destroy()
    })
    response.on('error', () => resolve(undefined))
    response.on('close', () => resolve(response.complete && response.statusCode === 200 && size <= longestAnswer ? parsed(Buffer.concat(parts).toString('utf8')) : undefined))
  })
  request.on('error', () => resolve(undefined))
  return promise
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

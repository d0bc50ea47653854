// One call of a model that is seen through: a call that fails is made again when somebody says so, one that hangs counts as failed, and one that is cancelled ends at once.
// What was already said is never said again: a call that broke off in the middle of its text ends there, and the model is asked to go on from it.

import {
  type AssistantMessage,
  type AssistantMessageEvent,
  type AssistantMessageEventStream,
  type SimpleStreamOptions,
  createAssistantMessageEventStream,
  isContextOverflow,
} from '@earendil-works/pi-ai'
import type { StreamFn } from '@earendil-works/pi-agent-core'
import type { CallFailure } from '../thinker.ts'

export interface SteadyFrom {
  readonly call: StreamFn
  readonly recover: (failure: CallFailure, signal: AbortSignal) => Promise<'again' | 'stop'>
  readonly stallMs: number
  /** The text so far stands; what follows has to be asked for. Without it a call that broke off begins anew. */
  readonly brokeOff?: () => void
}

type Model = Parameters<StreamFn>[0]
type Context = Parameters<StreamFn>[1]

/** How one attempt ended. `partial` is what had come by then. */
type Attempt =
  | { readonly kind: 'done'; readonly event: Extract<AssistantMessageEvent, { type: 'done' }> }
  | { readonly kind: 'failed'; readonly error: AssistantMessage; readonly partial: AssistantMessage | undefined }
  | { readonly kind: 'aborted'; readonly partial: AssistantMessage | undefined }

const never = new AbortController().signal

/** Servers on this machine may read a long prompt for minutes before they say anything. */
const localPatienceMs = 600_000

export function steady(from: SteadyFrom): StreamFn {
  let failures = 0
  return (model, context, options) => {
    const out = createAssistantMessageEventStream()
    const signal = options?.signal ?? never
    const seeThrough = async (): Promise<void> => {
      let started = false
      const forward = (event: AssistantMessageEvent): void => {
        if (event.type === 'start' && started) return
        started = true
        out.push(event)
      }
      for (;;) {
        const attempt = await tryOnce(from, model, context, options, forward)
        if (attempt.kind === 'done') {
          failures = 0
          return finish(out, attempt.event)
        }
        if (attempt.kind === 'aborted') return finish(out, ended(model, attempt.partial, 'aborted', 'cancelled'))
        const { error, partial } = attempt
        if (isContextOverflow(error, model.contextWindow)) return finish(out, ended(model, error, 'error', error.errorMessage))
        failures++
        const next = signal.aborted ? 'stop' : await from.recover({ error, attempt: failures }, signal)
        if (signal.aborted) return finish(out, ended(model, partial, 'aborted', 'cancelled'))
        if (next === 'stop') {
          failures = 0
          return finish(out, ended(model, { ...error, content: saidIn(partial) }, 'error', error.errorMessage))
        }
        if (from.brokeOff && saidIn(partial).length > 0) {
          from.brokeOff()
          return finish(out, { type: 'done', reason: 'stop', message: { ...blank(model), ...partial, content: saidIn(partial), stopReason: 'stop' } })
        }
      }
    }
    void seeThrough().catch((thrown: unknown) => finish(out, ended(model, undefined, 'error', thrown instanceof Error ? thrown.message : String(thrown))))
    return out
  }
}

function finish(out: AssistantMessageEventStream, event: Extract<AssistantMessageEvent, { type: 'done' | 'error' }>): void {
  out.push(event)
  out.end(event.type === 'done' ? event.message : event.error)
}

/** Only whole text: thoughts without their signature and calls of tools that may lack their end are not worth keeping. */
const saidIn = (message: AssistantMessage | undefined): AssistantMessage['content'] => (message?.content ?? []).filter((block) => block.type === 'text' && block.text.trim() !== '')

function ended(model: Model, message: AssistantMessage | undefined, reason: 'aborted' | 'error', why: string | undefined): Extract<AssistantMessageEvent, { type: 'error' }> {
  return { type: 'error', reason, error: { ...blank(model), ...message, stopReason: reason, ...(why === undefined ? {} : { errorMessage: why }) } }
}

const blank = (model: Model): AssistantMessage => ({
  role: 'assistant',
  content: [],
  api: model.api,
  provider: model.provider,
  model: model.id,
  usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 } },
  stopReason: 'stop',
  timestamp: Date.now(),
})

async function tryOnce(
  { call, stallMs }: SteadyFrom,
  model: Model,
  context: Context,
  options: SimpleStreamOptions | undefined,
  forward: (event: AssistantMessageEvent) => void,
): Promise<Attempt> {
  const outer = options?.signal ?? never
  const inner = new AbortController()
  let partial: AssistantMessage | undefined
  const failed = (why: string): Attempt => ({ kind: 'failed', error: { ...blank(model), stopReason: 'error', errorMessage: why }, partial })
  // One that rejects at once, whatever the client of the provider makes of its signal.
  const stopped = Promise.withResolvers<never>()
  stopped.promise.catch(() => {})
  const stop = (): void => {
    inner.abort()
    stopped.reject(new Stopped())
  }
  let timer: NodeJS.Timeout | undefined
  let silent = true
  const patienceMs = (first: boolean): number => (first && isLocal(model.baseUrl) ? Math.max(stallMs, localPatienceMs) : stallMs)
  const beat = (first: boolean): void => {
    clearTimeout(timer)
    silent = first
    timer = setTimeout(stop, patienceMs(first))
  }
  const heard = (): void => beat(false)
  outer.addEventListener('abort', stop, { once: true })
  try {
    if (outer.aborted) return { kind: 'aborted', partial }
    beat(true)
    // Google's client takes no fetch of ours; there the events have to do.
    const fetches = model.api.startsWith('google-') ? {} : { fetch: watchedFetch(options?.fetch ?? globalThis.fetch, heard) }
    const events = (await Promise.race([call(model, context, { ...options, ...fetches, signal: inner.signal }), stopped.promise]))[Symbol.asyncIterator]()
    for (;;) {
      const next = await Promise.race([events.next(), stopped.promise])
      if (next.done) return failed('the answer of the model has no end')
      const event = next.value
      heard()
      if (event.type === 'done') return { kind: 'done', event }
      if (event.type === 'error') return { kind: 'failed', error: event.error, partial }
      partial = event.partial
      forward(event)
    }
  } catch (thrown) {
    if (outer.aborted) return { kind: 'aborted', partial }
    if (thrown instanceof Stopped)
      return failed(`the connection timed out: ${silent ? 'the model did not answer' : 'the model fell silent'} for ${Math.round(patienceMs(silent) / 1000)} s`)
    return failed(thrown instanceof Error ? thrown.message : String(thrown))
  } finally {
    clearTimeout(timer)
    outer.removeEventListener('abort', stop)
  }
}

class Stopped extends Error {}

const isLocal = (url: string): boolean => /^https?:\/\/(localhost|127\.|\[::1\]|0\.0\.0\.0)/.test(url)

/** Tells of every byte, also of those that only keep the line open. */
function watchedFetch(fetch: typeof globalThis.fetch, heard: () => void): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    heard()
    if (!response.body) return response
    const body = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          heard()
          controller.enqueue(chunk)
        },
      }),
    )
    return new Response(body, { status: response.status, statusText: response.statusText, headers: response.headers })
  }
}

// What a refused call of a model leaves behind: pi hands over a message with the text of the error, and loses the status and the headers, which say when a limit is reset.
// (Its event `after_provider_response` comes only for answers that are not refused, and Google's client takes no fetch of ours: there the text has it all.)
// So they are noted in the message itself, as a diagnostic, where `failureOf` finds them. A key never stays in the text of an error.

import { type AssistantMessage, type AssistantMessageEvent, type ProviderStreams, type StreamOptions, appendAssistantMessageDiagnostic, lazyStream } from '@earendil-works/pi-ai'
import { refusedResponse } from './refused-response.ts'

type Streamed = ReturnType<ProviderStreams['stream']>

/** `secret` is taken out of what is said of errors. */
export function notedStreams(streams: ProviderStreams, secret: () => string | undefined): ProviderStreams {
  return {
    stream: (model, context, options) => noted(model, options, secret, (fetches) => streams.stream(model, context, { ...options, ...fetches })),
    streamSimple: (model, context, options) => noted(model, options, secret, (fetches) => streams.streamSimple(model, context, { ...options, ...fetches })),
  }
}

interface Refused {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

function noted(
  model: Parameters<ProviderStreams['stream']>[0],
  options: StreamOptions | undefined,
  secret: () => string | undefined,
  call: (fetches: Pick<StreamOptions, 'fetch'>) => Streamed,
): Streamed {
  let refused: Refused | undefined
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const response = await (options?.fetch ?? globalThis.fetch)(input, init)
    refused = response.ok ? undefined : { status: response.status, headers: tellingHeaders(response.headers) }
    return response
  }
  return lazyStream(model, async () => annotated(call(model.api === 'google-generative-ai' ? {} : { fetch }), secret, () => refused))
}

async function* annotated(
  events: AsyncIterable<AssistantMessageEvent>,
  secret: () => string | undefined,
  refused: () => Refused | undefined,
): AsyncGenerator<AssistantMessageEvent> {
  for await (const event of events) {
    if (event.type === 'error') annotate(event.error, secret(), refused())
    yield event
  }
}

function annotate(message: AssistantMessage, secret: string | undefined, refused: Refused | undefined): void {
  if (secret !== undefined && message.errorMessage !== undefined) message.errorMessage = message.errorMessage.replaceAll(secret, '…')
  if (refused)
    appendAssistantMessageDiagnostic(message, { type: refusedResponse, timestamp: message.timestamp, details: { status: refused.status, headers: { ...refused.headers } } })
}

/** Those that say when to come back; others may be secrets. */
const tellingHeaders = (headers: Headers): Readonly<Record<string, string>> =>
  Object.fromEntries([...headers].filter(([name]) => /^retry-after(-ms)?$|ratelimit/i.test(name)).map(([name, value]) => [name.toLowerCase(), value]))

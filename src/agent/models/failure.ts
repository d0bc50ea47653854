// What to do about a failed call of a model. Pure: the clock is given.
// pi reports a failure as an assistant message with `stopReason: "error"` and a text in `errorMessage`: what the provider's client made of the answer, with its body in it, mostly as JSON. The status and the
// headers that pi loses are in the message's diagnostics (noted-streams.ts). pi's own retries know nothing of resets: whoever acts on this switches them off (settings `retry.enabled`, `retry.provider.maxRetries`).

import { printableLine } from '../../core/terminal-text.ts'
import { refusedResponse } from './refused-response.ts'
import { resetOf } from './reset-time.ts'

export type ModelFailure =
  /** A limit: nothing goes until then. `null`: the user has to do something, or nobody says when. */
  | { readonly kind: 'limited'; readonly untilMs: number | null; readonly why: string }
  /** Overloaded, broken off, not there: the same call again, after this time if the provider says one. */
  | { readonly kind: 'retry'; readonly afterMs: number | null; readonly why: string }
  /** The key is missing, wrong, or not allowed to. */
  | { readonly kind: 'auth'; readonly why: string }
  | { readonly kind: 'other'; readonly why: string }

/** What is known of the failed call. */
interface Evidence {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, string>>
  /** Everything that was said, with what is JSON inside JSON laid open. */
  readonly text: string
  readonly why: string
}

const longestWhy = 300
/** Limits that name no reset are for a minute, with every provider that says for how long its limits are. */
const usualLimitMs = 60_000

const spent =
  /insufficient[_ ]quota|exceeded your current quota, please check your plan|credit balance is too low|insufficient (?:credits|balance|funds)|billing[_ ](?:hard[_ ]limit|not[_ ]active|error)|payment required|out of budget|budget (?:has been )?exceeded|spend(?:ing)? limit/i
const limit =
  /rate[_ -]?limit|too many requests|RESOURCE_?EXHAUSTED|quota exceeded|usage[_ ]limit|(?:hit|reached|exceeded) your (?:\w+ )?limit|throttl|\blimit reached\b|Server requested \d+s retry delay/i
const long = /usage[_ ]limit|your (?:\w+ )?limit|\b(?:daily|weekly|monthly|per day)\b/i
const unauthorized =
  /authentication_error|invalid[_ ]api[_ ]key|incorrect api key|api[_ ]key[_ ](?:not valid|invalid|expired)|API key (?:not valid|expired)|invalid x-api-key|invalid bearer token|no auth credentials|unauthori[sz]ed|UNAUTHENTICATED|no api key|api key auth failed|provider is not configured/i
const forbidden = /permission_error|PERMISSION_DENIED|forbidden|access denied/i
const passing =
  /overloaded|server_error|api_error|internal[_ ](?:server )?error|UNAVAILABLE|service.?unavailable|bad gateway|gateway time-?out|high demand|connection (?:error|refused|lost|reset|closed)|ECONN(?:REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR|fetch failed|network.?error|socket (?:hang up|connection)|other side closed|premature close|terminated|time[ds]?.?out|(?:stream|response|it) ended (?:before|without)|ended without|has no end|incomplete JSON|unexpected end of JSON|loading model|upstream|you can retry|try your request again/i

/** What clients of HTTP say when there is nothing to quote. */
const bare = /^(?:terminated|fetch failed|connection error|network error|socket hang up|premature close|timeout|request timed out|other side closed)\b[^{}]*$/i

export function failureOf(error: unknown, nowMs: number): ModelFailure {
  const evidence = evidenceOf(error)
  const { status, why } = evidence
  switch (kindOf(evidence)) {
    case 'spent':
      // The headers speak of other limits.
      return { kind: 'limited', untilMs: resetOf({ headers: {}, text: evidence.text }, nowMs), why }
    case 'limited':
      return { kind: 'limited', untilMs: resetOf(evidence, nowMs) ?? (long.test(evidence.text) ? null : nowMs + usualLimitMs), why }
    case 'retry': {
      const untilMs = status === undefined ? null : resetOf({ headers: evidence.headers, text: '' }, nowMs)
      return { kind: 'retry', afterMs: untilMs === null ? null : Math.max(0, untilMs - nowMs), why: bare.test(why) ? `the connection to the model failed: ${why}` : why }
    }
    case 'auth':
      return { kind: 'auth', why }
    case 'other':
      return { kind: 'other', why }
  }
}

// The status decides where there is one: what a body says may quote anything.
function kindOf({ status, text }: Evidence): ModelFailure['kind'] | 'spent' {
  if (status === undefined) {
    if (spent.test(text)) return 'spent'
    if (limit.test(text)) return 'limited'
    if (unauthorized.test(text)) return 'auth'
    return passing.test(text) ? 'retry' : forbidden.test(text) ? 'auth' : 'other'
  }
  if (status === 402 || (status < 500 && spent.test(text))) return 'spent'
  if (status === 429) return 'limited'
  if (status === 403) return limit.test(text) ? 'limited' : 'auth'
  if (status === 401 || (status === 400 && unauthorized.test(text))) return 'auth'
  return status >= 500 || status === 408 || status === 409 || status === 425 ? 'retry' : 'other'
}

function evidenceOf(error: unknown): Evidence {
  const said = textOf(error)
  const body = bodyIn(said)
  const text = laidOpen(said)
  const noted = notedIn(error)
  const status = noted?.status ?? numberAt(error, 'status') ?? numberAt(error, 'statusCode') ?? statusIn(text)
  const message = printableLine(messageIn(body) ?? said)
  return {
    // A stream that breaks off was answered with 200, which is no failure.
    status: status !== undefined && status >= 400 ? status : undefined,
    headers: noted?.headers ?? headersOf(error),
    text,
    why: message === '' ? 'the model failed and did not say why' : message.length > longestWhy ? `${message.slice(0, longestWhy - 1).toWellFormed()}…` : message,
  }
}

function textOf(error: unknown): string {
  if (typeof error === 'string') return error
  if (!isRecord(error)) return ''
  const { errorMessage, message, cause, code } = error
  if (typeof errorMessage === 'string') return errorMessage
  const parts = [typeof message === 'string' ? message : '', typeof code === 'string' ? code : '', isRecord(cause) && cause !== error ? textOf(cause) : '']
  return parts.filter((part) => part !== '').join(': ')
}

/** `429 {…}`, `429: {…}`, `OpenAI API error (429): …`, `got status: 429`, `"code": 429`. */
function statusIn(text: string): number | undefined {
  const found =
    /^(?:error:? )?(\d{3})\b/i.exec(text) ??
    /^[\w .-]{1,60} API error \((\d{3})\)/.exec(text) ??
    /\bgot status: (\d{3})\b/.exec(text) ??
    /"(?:code|status|status_code)":\s*"?(\d{3})\b/.exec(text)
  const status = Number(found?.[1])
  return status >= 400 && status < 600 ? status : undefined
}

function bodyIn(text: string): unknown {
  const [from, to] = [text.indexOf('{'), text.lastIndexOf('}')]
  if (from < 0 || to < from) return undefined
  try {
    return JSON.parse(text.slice(from, to + 1))
  } catch {
    return undefined
  }
}

/** The innermost: gateways, and Google's client, put one error into the text of another. */
function messageIn(body: unknown, depth = 0): string | undefined {
  if (!isRecord(body) || depth > 4) return undefined
  const inner = messageIn(body['error'], depth + 1)
  if (inner !== undefined) return inner
  const message = typeof body['error'] === 'string' ? body['error'] : body['message']
  if (typeof message !== 'string' || message.trim() === '') return undefined
  return messageIn(bodyIn(message), depth + 1) ?? message
}

/** JSON in a string of JSON, twice at most. */
const laidOpen = (text: string): string => [1, 2].reduce((open) => open.replaceAll(/\\+n/g, '\n').replaceAll(/\\+"/g, '"'), text)

function notedIn(error: unknown): (Pick<Evidence, 'headers'> & { readonly status: number }) | undefined {
  const diagnostics = isRecord(error) ? error['diagnostics'] : undefined
  if (!Array.isArray(diagnostics)) return undefined
  const noted: unknown = diagnostics.findLast((one: unknown) => isRecord(one) && one['type'] === refusedResponse)
  const details = isRecord(noted) ? noted['details'] : undefined
  const status = numberAt(details, 'status')
  return status === undefined ? undefined : { status, headers: headersOf(details) }
}

function headersOf(error: unknown): Readonly<Record<string, string>> {
  const headers = isRecord(error) ? error['headers'] : undefined
  if (headers instanceof Headers) return Object.fromEntries(headers)
  return isRecord(headers) ? Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name.toLowerCase(), value]] : []))) : {}
}

function numberAt(value: unknown, name: string): number | undefined {
  const found = isRecord(value) ? value[name] : undefined
  return typeof found === 'number' ? found : undefined
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null

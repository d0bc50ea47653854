// What is to be done about a failed call of a model, by what providers really say. Bodies are as their documentation, their clients and pi put them.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ModelFailure, failureOf } from '../../../src/agent/models/failure.ts'
import { resetOf } from '../../../src/agent/models/reset-time.ts'

/** 2026-03-10T12:00:00Z */
const now = Date.UTC(2026, 2, 10, 12)
const seconds = (count: number): number => now + count * 1000

interface Refused {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** As pi hands it over, with what noted-streams.ts notes in it. */
const message = (errorMessage: string, { status, headers = {} }: Refused = {}): unknown => ({
  role: 'assistant',
  content: [],
  stopReason: 'error',
  errorMessage,
  ...(status === undefined
    ? {}
    : {
        diagnostics: [
          { type: 'other', timestamp: 1 },
          { type: 'offstage-refused-response', timestamp: 1, details: { status, headers } },
        ],
      }),
})

const anthropic = (type: string, text: string): string => JSON.stringify({ type: 'error', error: { type, message: text }, request_id: 'req_011CS' })
const openai = (more: Readonly<Record<string, unknown>>): string => JSON.stringify({ message: 'said', type: 'tokens', param: null, code: null, ...more })
const google = (code: number, status: string, text: string, details: readonly unknown[] = []): string =>
  JSON.stringify({ error: { message: JSON.stringify({ error: { code, message: text, status, details } }, undefined, 2), code, status: 'Too Many Requests' } })
const retryInfo = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.074824224s' }
const noQuota =
  'You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.'

const limits: readonly (readonly [string, unknown, number | null])[] = [
  [
    'Anthropic, by retry-after',
    message(`429 ${anthropic('rate_limit_error', 'This request would exceed your rate limit')}`, { status: 429, headers: { 'retry-after': '17' } }),
    seconds(17),
  ],
  [
    'Anthropic, by the limit that has nothing left',
    message(`429 ${anthropic('rate_limit_error', 'Number of request tokens has exceeded your per-minute rate limit')}`, {
      status: 429,
      headers: {
        'anthropic-ratelimit-requests-remaining': '40',
        'anthropic-ratelimit-requests-reset': '2026-03-10T12:30:00Z',
        'anthropic-ratelimit-input-tokens-remaining': '0',
        'anthropic-ratelimit-input-tokens-reset': '2026-03-10T12:00:41Z',
      },
    }),
    seconds(41),
  ],
  [
    'Anthropic, a subscription',
    message(`429 ${anthropic('rate_limit_error', 'This request would exceed your account’s rate limit.')}`, {
      status: 429,
      headers: { 'anthropic-ratelimit-unified-status': 'rejected', 'anthropic-ratelimit-unified-reset': String(seconds(7200) / 1000) },
    }),
    seconds(7200),
  ],
  ['Anthropic in the middle of a stream', message(anthropic('rate_limit_error', 'Rate limited')), seconds(60)],
  ['Anthropic without credit', message(`400 ${anthropic('invalid_request_error', 'Your credit balance is too low to access the Anthropic API.')}`, { status: 400 }), null],
  [
    'OpenAI, by the durations of its headers',
    message(`429: ${openai({ code: 'rate_limit_exceeded' })}`, {
      status: 429,
      headers: { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6m0s', 'x-ratelimit-remaining-tokens': '100', 'x-ratelimit-reset-tokens': '20ms' },
    }),
    seconds(360),
  ],
  [
    'OpenAI, by its text',
    message(
      `OpenAI API error (429): ${openai({ message: 'Rate limit reached for gpt-5.5 in organization org-x on tokens per min (TPM): Limit 30000, Used 29000. Please try again in 1m13.5s. Visit https://platform.openai.com/account/rate-limits to learn more.', code: 'rate_limit_exceeded' })}`,
    ),
    seconds(73.5),
  ],
  ['OpenAI, in milliseconds', message('429: {"message":"Please try again in 27ms."}'), seconds(0.027)],
  [
    'OpenAI without quota: its headers speak of something else',
    message(`429: ${openai({ message: noQuota, type: 'insufficient_quota', code: 'insufficient_quota' })}`, {
      status: 429,
      headers: { 'x-ratelimit-reset-requests': '1s', 'x-ratelimit-remaining-requests': '0' },
    }),
    null,
  ],
  [
    'OpenAI, a plan',
    message(
      `429 {"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","plan_type":"plus","resets_at":${seconds(5400) / 1000},"resets_in_seconds":5400}}`,
    ),
    seconds(5400),
  ],
  [
    'Google, by retryDelay',
    message(google(429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota, please check your plan and billing details.', [retryInfo])),
    Math.ceil(seconds(34.074824224)),
  ],
  [
    'Google, by its text',
    message(google(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded for metric: generate_content_free_tier_requests, limit: 10\nPlease retry in 12.5s.')),
    seconds(12.5),
  ],
  [
    'Google, in a stream',
    message('got status: RESOURCE_EXHAUSTED. {"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}'),
    seconds(60),
  ],
  [
    'OpenRouter, whose headers are in its body',
    message(
      `429: ${JSON.stringify({ message: 'Rate limit exceeded: free-models-per-day', code: 429, metadata: { headers: { 'X-RateLimit-Limit': '50', 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(seconds(43_200)) } } })}`,
    ),
    seconds(43_200),
  ],
  ['OpenRouter without credit', message('402: {"message":"Insufficient credits. Add more using https://openrouter.ai/settings/credits","code":402}'), null],
  ['a time of day in a zone', message('429 You have hit your limit · resets 3pm (Europe/Berlin)'), Date.UTC(2026, 2, 10, 14)],
  ['a time of day tomorrow', message('Usage limit reached, resets at 7:30 AM (America/New_York)'), Date.UTC(2026, 2, 11, 11, 30)],
  ['a time of day in UTC', message('Rate limit: try again at 15:45 UTC'), Date.UTC(2026, 2, 10, 15, 45)],
  ['a moment after a bar', message(`Claude AI usage limit reached|${seconds(600) / 1000}`), seconds(600)],
  ['a date', message('quota exceeded until 2026-03-11 00:00:00 UTC'), Date.UTC(2026, 2, 11)],
  ['words', message('rate limit exceeded, please try again in 2 hours and 5 minutes'), seconds(7500)],
  ['a date in retry-after', message('429 too many requests', { status: 429, headers: { 'retry-after': 'Tue, 10 Mar 2026 12:03:00 GMT' } }), seconds(180)],
  ['retry-after-ms', message('429', { status: 429, headers: { 'retry-after-ms': '1500', 'retry-after': '2' } }), seconds(1.5)],
  ['seconds from now', message('429', { status: 429, headers: { 'x-ratelimit-reset': '30', 'x-ratelimit-remaining': '0' } }), seconds(30)],
  ['a reset that is past', message('429', { status: 429, headers: { 'anthropic-ratelimit-tokens-reset': '2026-03-10T11:59:00Z' } }), now],
  ['what nobody would wait for is not believed', message('429', { status: 429, headers: { 'retry-after': '99999999' } }), seconds(60)],
  ['nonsense in the headers', message('429', { status: 429, headers: { 'retry-after': 'soon', 'x-ratelimit-reset': '-' } }), seconds(60)],
  ['a limit of the month of which nobody says more', message('429 Monthly usage limit reached'), null],
  ['pi gave up waiting', message('Server requested 120s retry delay (max: 60s). 429 {"type":"error"}'), seconds(120)],
  ['an error of a client', Object.assign(new Error('429 Too Many Requests'), { status: 429, headers: new Headers({ 'retry-after': '5' }) }), seconds(5)],
]

test.each(limits)('a limit: %s', (_title, error, untilMs) => {
  expect(failureOf(error, now)).toMatchObject({ kind: 'limited', untilMs })
})

const others: readonly (readonly [string, unknown, Partial<ModelFailure>])[] = [
  ['overloaded', message(`529 ${anthropic('overloaded_error', 'Overloaded')}`, { status: 529 }), { kind: 'retry', afterMs: null, why: 'Overloaded' }],
  ['overloaded in the middle of a stream', message(anthropic('overloaded_error', 'Overloaded')), { kind: 'retry', afterMs: null, why: 'Overloaded' }],
  ['a server that says when', message('503: {"message":"busy"}', { status: 503, headers: { 'retry-after': '3' } }), { kind: 'retry', afterMs: 3000, why: 'busy' }],
  [
    'Google is overloaded',
    message(google(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.')),
    { kind: 'retry', afterMs: null, why: 'The model is overloaded. Please try again later.' },
  ],
  [
    'an error of a server that quotes a limit',
    message('500 {"error":{"message":"rate limit store is down"}}', { status: 500 }),
    { kind: 'retry', why: 'rate limit store is down' },
  ],
  ['a page of a gateway', message('502 <html><head><title>502 Bad Gateway</title></head></html>'), { kind: 'retry' }],
  ['a stream that was cut', message('terminated'), { kind: 'retry', afterMs: null, why: 'the connection to the model failed: terminated' }],
  ['a stream without its end', message('Anthropic stream ended before message_stop'), { kind: 'retry' }],
  ['nobody is there', message('Connection error.'), { kind: 'retry', afterMs: null }],
  [
    'nobody is there, as fetch says it',
    Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:11434'), { code: 'ECONNREFUSED' }) }),
    { kind: 'retry' },
  ],
  ['no answer in time', message('Request timed out.'), { kind: 'retry' }],
  ['a local server that still loads', message('503: {"code":503,"message":"Loading model","type":"unavailable_error"}'), { kind: 'retry', why: 'Loading model' }],
  ['a wrong key at Anthropic', message(`401 ${anthropic('authentication_error', 'invalid x-api-key')}`, { status: 401 }), { kind: 'auth', why: 'invalid x-api-key' }],
  [
    'a wrong key at OpenAI',
    message(`OpenAI API error (401): ${openai({ message: 'Incorrect API key provided.', code: 'invalid_api_key' })}`),
    { kind: 'auth', why: 'Incorrect API key provided.' },
  ],
  [
    'a wrong key at Google',
    message(google(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.')),
    { kind: 'auth', why: 'API key not valid. Please pass a valid API key.' },
  ],
  ['a key that may not', message(`403 ${anthropic('permission_error', 'Your API key does not have permission')}`, { status: 403 }), { kind: 'auth' }],
  ['no key', new Error('No API key for provider: openai'), { kind: 'auth' }],
  ['a provider that is not set up', message('Provider is not configured: anthropic'), { kind: 'auth' }],
  [
    'too long',
    message(`400 ${anthropic('invalid_request_error', 'prompt is too long: 213462 tokens > 200000 maximum')}`, { status: 400 }),
    { kind: 'other', why: 'prompt is too long: 213462 tokens > 200000 maximum' },
  ],
  ['no such model', message('404 {"type":"error","error":{"type":"not_found_error","message":"model: claude-0"}}'), { kind: 'other', why: 'model: claude-0' }],
  ['a request that quotes a limit', message('400 {"error":{"message":"max_tokens: 429 is not allowed; see rate limit docs"}}', { status: 400 }), { kind: 'other' }],
  ['a refusal', message('The model refused to complete the request'), { kind: 'other' }],
  ['nothing at all', undefined, { kind: 'other', why: 'the model failed and did not say why' }],
  ['a text', 'socket hang up', { kind: 'retry' }],
]

test.each(others)('%s', (_title, error, expected) => {
  expect(failureOf(error, now)).toMatchObject(expected)
})

test('what is said is one short line without control characters', () => {
  const { why } = failureOf(message(`500 {"error":{"message":"\\u001b[31mboom\\nand\\u009b2J ${'x'.repeat(2000)}"}}`), now)
  expect(why).toMatch(/^boom and/)
  expect(why).toHaveLength(300)
  // oxlint-disable-next-line no-control-regex
  expect(why).not.toMatch(/[\x00-\x1f\x7f-\x9f]/)
})

test('whatever is thrown, there is an answer, and no time in the past or far away', () => {
  const header = fc.constantFrom(
    'retry-after',
    'retry-after-ms',
    'x-ratelimit-reset',
    'anthropic-ratelimit-tokens-reset',
    'x-ratelimit-reset-tokens',
    'x-ratelimit-remaining-tokens',
  )
  const text = fc.oneof(
    fc.string(),
    fc.double().map(String),
    fc.integer().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.constantFrom('resets at 25:99pm (Nowhere/None)', 'try again in 5', '{"resets_at": 12e400}'),
  )
  fc.assert(
    fc.property(fc.oneof(fc.anything(), text, fc.record({ errorMessage: text, status: fc.integer({ min: 0, max: 700 }), headers: fc.dictionary(header, text) })), (error) => {
      const failure = failureOf(error, now)
      expect(failure.why).not.toBe('')
      if (failure.kind === 'limited' && failure.untilMs !== null) expect(failure.untilMs).toSatisfy((untilMs: number) => untilMs >= now && untilMs <= now + 36 * 86_400_000)
      if (failure.kind === 'retry' && failure.afterMs !== null) expect(failure.afterMs).toBeGreaterThanOrEqual(0)
    }),
  )
})

test('a number is milliseconds or seconds since 1970, or seconds from now', () => {
  const reset = (value: string): number | null => resetOf({ headers: { 'x-ratelimit-reset': value }, text: '' }, now)
  expect([String(seconds(5)), String(seconds(5) / 1000), '5'].map(reset)).toEqual([seconds(5), seconds(5), seconds(5)])
})

// A POST of JSON to the user's address, signed as Standard Webhooks has it (https://www.standardwebhooks.com): HMAC-SHA256 over "ID.TIMESTAMP.BODY". Tried again with growing delays,
// under the same id. Follows no redirect. Neither the secret nor the path of the address is ever told to anybody.

import { createHmac, randomUUID } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { short } from '../../core/announcement.ts'
import type { Announcement, Webhook } from '../../core/announcement.ts'
import { type Channel, type Delivered, messageOf } from './channel.ts'

export interface WebhookDeps {
  readonly nowMs: () => number
  readonly delay: (ms: number) => Promise<void>
  readonly timeLimitMs: number
  /** The value of an environment variable. */
  readonly variable: (name: string) => string | undefined
}

const retriesMs = [1000, 5000, 25_000]
const longestSecret = 4096

export function webhookChannel({ url, secret }: Webhook, deps: WebhookDeps): Channel {
  const { host } = new URL(url)
  return {
    name: 'webhook',
    by: host,
    async deliver(announcement, signal) {
      const key = secret && (await secretOf(secret, deps))
      return typeof key === 'string' ? { how: 'failed', detail: key } : post({ url, host, key, announcement }, deps, signal)
    },
  }
}

/** Its bytes, or why there is none. */
async function secretOf(secret: NonNullable<Webhook['secret']>, deps: WebhookDeps): Promise<Buffer | string> {
  if ('variable' in secret) {
    const text = deps.variable(secret.variable)?.trim()
    return text ? keyFrom(text) : `the variable ${secret.variable} is not known to the daemon: give webhook_secret_file instead, or start something from a shell that has it`
  }
  try {
    const { mode, size } = await stat(secret.file)
    if ((mode & 0o077) !== 0) return `the webhook's secret can be read by others: chmod 600 ${secret.file}`
    if (size > longestSecret) return `the webhook's secret is too long: ${secret.file} has ${size} bytes`
    const text = (await readFile(secret.file, 'utf8')).trim()
    return text === '' ? `the webhook's secret is empty: ${secret.file}` : keyFrom(text)
  } catch (cause) {
    return `the webhook's secret cannot be read: ${secret.file} (${codeOf(cause)})`
  }
}

/** `whsec_BASE64` as Standard Webhooks writes them, else the text itself. */
const keyFrom = (text: string): Buffer => (text.startsWith('whsec_') ? Buffer.from(text.slice('whsec_'.length), 'base64') : Buffer.from(text))

interface Post {
  readonly url: string
  readonly host: string
  readonly key: Buffer | undefined
  readonly announcement: Announcement
}

async function post({ url, host, key, announcement }: Post, deps: WebhookDeps, signal: AbortSignal): Promise<Delivered> {
  const id = `msg_${randomUUID()}`
  const body = messageOf(announcement, deps.nowMs())
  for (let tries = 1; ; tries += 1) {
    const timestamp = String(Math.floor(deps.nowMs() / 1000))
    const signature = key && `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'offstage',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      ...(signature ? { 'webhook-signature': signature } : {}),
    }
    const { problem, again } = await once(url, { method: 'POST', headers, body, redirect: 'manual' }, deps.timeLimitMs, signal)
    const after = tries === 1 ? '' : `, after ${tries} tries`
    if (problem === undefined) return { how: 'told', ...(tries === 1 ? {} : { detail: `${host}${after}` }) }
    const waitMs = retriesMs[tries - 1]
    if (!again || waitMs === undefined || signal.aborted) return { how: 'failed', detail: `${host}: ${short(problem, 200)}${after}` }
    await deps.delay(waitMs)
  }
}

/** `again`: it may be otherwise soon. */
async function once(url: string, request: RequestInit, timeLimitMs: number, signal: AbortSignal): Promise<{ readonly problem?: string; readonly again: boolean }> {
  try {
    const response = await fetch(url, { ...request, signal: AbortSignal.any([signal, AbortSignal.timeout(timeLimitMs)]) })
    await response.body?.cancel()
    if (response.ok) return { again: false }
    const problem = `${response.status} ${response.statusText}`.trim()
    if (response.status >= 300 && response.status < 400) return { problem: `${problem}: redirects are not followed`, again: false }
    return { problem, again: response.status === 408 || response.status === 429 || response.status >= 500 }
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'TimeoutError') return { problem: `no answer within ${timeLimitMs / 1000} s`, again: true }
    return { problem: codeOf(cause instanceof Error && cause.cause !== undefined ? cause.cause : cause), again: true }
  }
}

const codeOf = (cause: unknown): string => (cause instanceof Error ? ('code' in cause && typeof cause.code === 'string' ? cause.code : cause.message) : String(cause))

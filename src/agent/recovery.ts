// What is done about a call of a model that failed: a limit is waited for with the turn open, a passing failure is tried again with growing pauses, a key that is refused is asked about.

import { setTimeout as delay } from 'node:timers/promises'
import type { Questions } from './questions.ts'
import type { CallFailure } from './thinker.ts'
import type { ModelFailure } from './models/index.ts'

export interface RecoveryFrom {
  readonly failureOf: (error: unknown, nowMs: number) => ModelFailure
  readonly onLimit: 'wait' | 'ask'
  readonly questions: Questions
  readonly now: () => number
  /** The first pause before a passing failure is tried again. */
  readonly retryMs: number
  readonly paused: (untilMs: number | null, why: string) => Promise<void>
  readonly continued: () => Promise<void>
  /** A line for people. */
  readonly note: (text: string) => Promise<void>
}

const mostRetries = 5
const shortestLimitMs = 60_000
const longestLimitMs = 3_600_000
/** After a night's sleep of the machine a timer is late by the night: the clock is looked at this often. */
const lookEveryMs = 30_000

export async function recover(from: RecoveryFrom, { error, attempt }: CallFailure, signal: AbortSignal): Promise<'again' | 'stop'> {
  const failure = from.failureOf(error, from.now())
  try {
    switch (failure.kind) {
      case 'limited':
        return await limited(from, failure, attempt, signal)
      case 'retry': {
        if (attempt > mostRetries) return await askAgain(from, `The model has failed ${attempt} times in a row: ${failure.why}`, signal)
        const pauseMs = Math.max(failure.afterMs ?? 0, from.retryMs * 2 ** (attempt - 1))
        await from.note(`The model failed (${failure.why}). Trying again in ${Math.ceil(pauseMs / 1000)} s (${attempt} of ${mostRetries}).`)
        await until(from.now, from.now() + pauseMs, signal)
        return 'again'
      }
      case 'auth':
        return await askAgain(
          from,
          `The provider of the model refuses the key: ${failure.why}\nSet another one (offstage models says where it comes from) or choose another model, then try again.`,
          signal,
        )
      case 'other':
        return 'stop'
    }
  } catch (thrown) {
    if (signal.aborted) return 'stop'
    throw thrown
  }
}

async function limited(from: RecoveryFrom, { untilMs, why }: Extract<ModelFailure, { kind: 'limited' }>, attempt: number, signal: AbortSignal): Promise<'again' | 'stop'> {
  if (from.onLimit === 'ask') {
    const when = untilMs === null ? '' : ` It is reset at ${new Date(untilMs).toISOString()}.`
    const chosen = await from.questions.choose(
      `A limit of the model is reached: ${why}.${when}`,
      [
        { id: 'wait', name: 'Go on when it is reset' },
        { id: 'now', name: 'Try now' },
        { id: 'stop', name: 'Stop' },
      ],
      signal,
    )
    if (chosen !== 'wait') return chosen === 'now' ? 'again' : 'stop'
  }
  // Somebody whose resets are always past must not be asked without a pause.
  const leastMs = from.now() + Math.min(from.retryMs * 2 ** (attempt - 1), shortestLimitMs)
  const endMs = untilMs === null ? from.now() + Math.min(shortestLimitMs * 2 ** (attempt - 1), longestLimitMs) : Math.max(untilMs, leastMs)
  await from.paused(untilMs === null ? null : endMs, why)
  try {
    await until(from.now, endMs, signal)
  } finally {
    await from.continued()
  }
  return 'again'
}

async function askAgain({ questions }: RecoveryFrom, message: string, signal: AbortSignal): Promise<'again' | 'stop'> {
  const chosen = await questions.choose(
    message,
    [
      { id: 'again', name: 'Try again' },
      { id: 'stop', name: 'Stop' },
    ],
    signal,
  )
  return chosen === 'again' ? 'again' : 'stop'
}

async function until(now: () => number, endMs: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const leftMs = endMs - now()
    if (leftMs <= 0) return
    await delay(Math.min(leftMs, lookEveryMs), undefined, { signal })
  }
}

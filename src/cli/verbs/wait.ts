// `offstage wait`: returns when every session is in a status asked for, or cannot reach one by itself any more. The exit code tells which.

import type { Event } from '../../core/events.ts'
import type { Status } from '../../core/status.ts'
import type { SessionView } from '../../core/view.ts'
import type { Client } from '../../sdk/client.ts'
import { usageError } from '../../client/failures.ts'
import { untilKept } from '../../client/kept.ts'
import { findSessions, unknownSession } from '../../client/find.ts'
import { jsonText, nameOf, summaryOf, tabbed } from '../../text/format.ts'
import { type Args, type Context, type Verb, jsonOption, text } from '../verb.ts'
import { statusesFrom } from './sessions.ts'

const reachedByDefault: readonly Status[] = ['waiting', 'completed', 'failed', 'stopped']
const timedOut = 124

async function run(context: Context, args: Args): Promise<number> {
  const list = text(args, 'for')
  const wanted = list === undefined ? reachedByDefault : statusesFrom(list)
  const timeout = timeoutFrom(text(args, 'timeout'))
  const client = await context.client()
  const sessions = await findSessions(client, args.words, context.signal)
  const waiting = new AbortController()
  const signal = AbortSignal.any([context.signal, waiting.signal, ...(timeout === undefined ? [] : [AbortSignal.timeout(timeout)])])
  const settled = new Map<string, SessionView>()
  try {
    await Promise.all(
      sessions.map(async ({ id }) => {
        const view = await settle(client, id, wanted, signal)
        settled.set(id, view)
        await untilKept(client, id, signal)
        if (!context.json) context.out(`${tabbed([view.id, view.status, nameOf(view), summaryOf(view)])}\n`)
      }),
    )
  } catch (thrown) {
    if (context.signal.aborted || !signal.aborted) throw thrown
  } finally {
    waiting.abort()
  }
  const late = sessions.filter(({ id }) => !settled.has(id))
  const ends = await Promise.all(sessions.map(async (session) => settled.get(session.id) ?? (await client.get(session.id, context.signal))?.session ?? session))
  if (context.json) context.out(`${jsonText(ends, 2)}\n`)
  if (late.length === 0) return exitCodeOf(ends, wanted)
  for (const { id } of late) context.err(`offstage: timed out: session ${id} is ${ends.find((one) => one.id === id)?.status ?? 'gone'}\n`)
  return timedOut
}

/** Facts that cannot change a status are passed over without asking. */
const quiet: ReadonlySet<Event['type']> = new Set(['entry-written', 'usage-reported', 'labelled', 'noted', 'agent-offers'])

async function settle(client: Client, session: string, wanted: readonly Status[], signal: AbortSignal): Promise<SessionView> {
  let seen = await look(client, session, signal)
  if (isSettled(seen.session, wanted)) return seen.session
  for await (const frame of client.watch({ session, after: seen.cursor, follow: true }, signal)) {
    if (frame.kind !== 'fact' || quiet.has(frame.envelope.event.type) || frame.envelope.cursor <= seen.cursor) continue
    seen = await look(client, session, signal)
    if (isSettled(seen.session, wanted)) return seen.session
  }
  signal.throwIfAborted()
  throw new Error(`the daemon ended the watch on session ${session}`)
}

async function look(client: Client, session: string, signal: AbortSignal) {
  const found = await client.get(session, signal)
  if (!found) throw unknownSession(session, [])
  return found
}

const isSettled = (session: SessionView, wanted: readonly Status[]): boolean => wanted.includes(session.status) || isAtRest(session)

/** Nothing happens here any more unless a person does something. A question that is open may still be answered from anywhere, and the agent goes on then. */
export function isAtRest(session: SessionView): boolean {
  switch (session.status) {
    case 'completed':
      return session.queued === 0
    case 'failed':
    case 'stopped':
      return true
    case 'waiting':
      return !session.run?.alive
    default:
      return false
  }
}

export function exitCodeOf(ends: readonly SessionView[], wanted: readonly Status[]): number {
  const some = (fits: (session: SessionView) => boolean): boolean => ends.some(fits)
  if (some((one) => one.status === 'failed' || one.outcome?.kind === 'check-failed')) return 11
  if (some((one) => one.status === 'stopped')) return 12
  if (some((one) => one.status === 'waiting' && (wanted.includes('waiting') || isAtRest(one)))) return 10
  return 0
}

function timeoutFrom(given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  const seconds = Number(given)
  if (given.trim() !== '' && seconds >= 0 && seconds <= 2_000_000) return Math.ceil(seconds * 1000)
  throw usageError(`"${given}" is no number of seconds`, 'for example: --timeout 600')
}

const verb: Verb = {
  name: 'wait',
  aliases: [],
  summary: 'wait until sessions are done or need you',
  usage: ['wait ID... [--for STATUS,...] [--timeout SEC]'],
  about: [
    "When it returns, what the turn has changed is kept as a snapshot, where one can be taken: what is changed from then on does not count as the session's.",
    'Exit codes: 0 completed, 10 one waits for you, 11 one failed, 12 one was stopped, 124 timeout. It also returns when a session cannot reach any of those statuses by itself any more.',
  ],
  options: {
    for: { type: 'string', value: 'STATUS,...', help: `default: ${reachedByDefault.join(',')}` },
    timeout: { type: 'string', short: 't', value: 'SEC', help: 'give up after so many seconds' },
    json: { ...jsonOption, help: 'print the session objects, one JSON array' },
  },
  words: { min: 1, max: Infinity, name: 'an ID' },
  examples: ['offstage wait k3f9 && offstage logs k3f9 --tail 20', 'offstage wait api docs --for completed --timeout 3600'],
  run,
}

export default verb

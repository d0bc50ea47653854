// Whether the program of a new run was really executed: known in milliseconds, so a command that starts one can say it.

import type { Client } from '../sdk/client.ts'
import { CommandFailed, exitCodes } from './failures.ts'

/** A machine under load gets this long; after it the session is in the list and tells by itself. */
const startedWithinMs = 2000

/** Why the first run after this cursor was not started; undefined when it runs, or when that is not known in time. Or it asks something before it starts. `prepared`: its tree is waited for as long as that takes. */
export async function whyNotStarted(client: Client, session: string, after: number, signal: AbortSignal, prepared = false): Promise<string | undefined> {
  const known = new AbortController()
  const watching = AbortSignal.any([signal, known.signal, ...(prepared ? [] : [AbortSignal.timeout(startedWithinMs)])])
  const open = new Set<string>()
  let isNow = false
  try {
    for await (const frame of client.watch({ session, after, follow: true }, watching)) {
      if (frame.kind === 'caught-up') isNow = true
      if (frame.kind === 'fact') {
        const { event } = frame.envelope
        if (event.type === 'run-started') return undefined
        if (event.type === 'run-not-started') return event.why
        if (event.type === 'asked' && event.ask.about !== undefined) open.add(event.ask.id)
        if (event.type === 'answered' || event.type === 'request-closed') open.delete(event.requestId)
        if (event.type === 'run-deferred' && prepared) return undefined
        if (event.type === 'stopped') return 'it was stopped'
      }
      // It waits for the user, and says so in every list.
      if (isNow && open.size > 0) return undefined
    }
  } catch (thrown) {
    if (!watching.aborted) throw thrown
  } finally {
    known.abort()
  }
  signal.throwIfAborted()
  return undefined
}

export const notStarted = (session: string, why: string): CommandFailed =>
  new CommandFailed('not-started', `session ${session} was not started: ${why}`, {
    exitCode: exitCodes.failed,
    hint: `offstage why ${session} says more, offstage rm ${session} removes it`,
  })

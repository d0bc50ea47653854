// Whether the program of a new run was really executed: known in milliseconds, so a command that starts one can say it.

import type { Client } from '../sdk/client.ts'
import { CommandFailed, exitCodes } from './failures.ts'

/** A machine under load gets this long; after it the session is in the list and tells by itself. */
const startedWithinMs = 2000

/** Why the first run after this cursor was not started; undefined when it runs, or when that is not known in time. */
export async function whyNotStarted(client: Client, session: string, after: number, signal: AbortSignal): Promise<string | undefined> {
  const known = new AbortController()
  const watching = AbortSignal.any([signal, known.signal, AbortSignal.timeout(startedWithinMs)])
  try {
    for await (const frame of client.watch({ session, after, follow: true }, watching)) {
      if (frame.kind !== 'fact') continue
      if (frame.envelope.event.type === 'run-started') return undefined
      if (frame.envelope.event.type === 'run-not-started') return frame.envelope.event.why
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

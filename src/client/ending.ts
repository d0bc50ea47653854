// Stop, end and remove: asked for, and then waited for until the whole process tree is proven gone.

import { fold } from '../core/session.ts'
import type { Envelope } from '../core/events.ts'
import type { Client } from '../sdk/client.ts'
import { submit } from './submit.ts'

export interface Ended {
  /** Processes that were ended, or undefined when nothing was running. */
  readonly processes: number | undefined
}

export async function endSession(client: Client, session: string, type: 'stop' | 'end' | 'remove', signal: AbortSignal): Promise<Ended> {
  const before = await client.get(session, signal)
  const { seq } = await submit(client, { session, command: { type } }, signal)
  const after = before?.cursor ?? 0
  const made = await collect(client, session, after, seq, signal)
  const asked = made.some(({ event }) => event.type === 'stop-asked')
  // Somebody else's stop may be under way: then this one made no fact, and only the whole history tells.
  if (!asked && fold(await collect(client, session, 0, seq, signal))?.stopping == null) return { processes: undefined }
  return { processes: await stopProven(client, session, after, signal) }
}

async function collect(client: Client, session: string, after: number, upToSeq: number, signal: AbortSignal): Promise<readonly Envelope[]> {
  const facts: Envelope[] = []
  for await (const frame of client.watch({ session, after, follow: false }, signal)) {
    if (frame.kind === 'fact' && frame.envelope.seq <= upToSeq) facts.push(frame.envelope)
  }
  return facts
}

async function stopProven(client: Client, session: string, after: number, signal: AbortSignal): Promise<number | undefined> {
  const watching = new AbortController()
  try {
    for await (const frame of client.watch({ session, after, follow: true }, AbortSignal.any([signal, watching.signal]))) {
      if (frame.kind === 'fact' && frame.envelope.event.type === 'stopped') return frame.envelope.event.ended
    }
    signal.throwIfAborted()
    throw new Error(`the end of session ${session} was not seen`)
  } finally {
    watching.abort()
  }
}

export function endedText(done: string, ended: Ended): string {
  switch (ended.processes) {
    case undefined:
      return `${done}: nothing was running`
    case 1:
      return `${done}: 1 process ended`
    default:
      return `${done}: ${ended.processes} processes ended`
  }
}

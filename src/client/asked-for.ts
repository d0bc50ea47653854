// A command whose end is a fact that comes later: submitted, and waited for. What happens on the way is told.

import type { Event } from '../core/events.ts'
import type { Command } from '../core/inputs.ts'
import type { Client } from '../sdk/client.ts'
import { type Environment, submit } from './submit.ts'

export interface AskedFor<Type extends Event['type']> {
  readonly session: string
  readonly command: Command
  readonly environment?: Environment
  /** The fact that says it was taken; one that ended the same before it is not meant. */
  readonly asked: Event['type']
  readonly ends: readonly Type[]
  /** Hears the facts between these two. */
  readonly meanwhile?: (event: Event) => void
}

/** Throws CommandFailed when it is refused. Aborting leaves what was begun going on. */
export async function askedFor<Type extends Event['type']>(client: Client, wanted: AskedFor<Type>, signal: AbortSignal): Promise<Extract<Event, { readonly type: Type }>> {
  const before = await client.get(wanted.session, signal)
  await submit(client, wanted, signal)
  return await nextFact(client, { ...wanted, after: before?.cursor ?? 0 }, signal)
}

/** The first of these facts behind that cursor, and behind a fact `asked`. */
export async function nextFact<Type extends Event['type']>(
  client: Client,
  wanted: Omit<AskedFor<Type>, 'command' | 'environment' | 'asked'> & { readonly asked?: Event['type']; readonly after: number },
  signal: AbortSignal,
): Promise<Extract<Event, { readonly type: Type }>> {
  const watching = new AbortController()
  let begun = wanted.asked === undefined
  const isEnd = (event: Event): event is Extract<Event, { readonly type: Type }> => wanted.ends.some((type) => type === event.type)
  try {
    for await (const frame of client.watch({ session: wanted.session, after: wanted.after, follow: true }, AbortSignal.any([signal, watching.signal]))) {
      if (frame.kind !== 'fact') continue
      const { event } = frame.envelope
      if (begun && isEnd(event)) return event
      if (begun) wanted.meanwhile?.(event)
      begun ||= event.type === wanted.asked
    }
    signal.throwIfAborted()
    throw new Error(`session ${wanted.session} does not say what became of it`)
  } finally {
    watching.abort()
  }
}

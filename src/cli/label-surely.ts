// A label that is given while leaving: nobody waits for it, and it arrives.

import { setTimeout as delay } from 'node:timers/promises'
import { newId } from '../client/submit.ts'
import type { Client } from '../sdk/client.ts'
import type { Context } from './verb.ts'

/** How long it may hold back the shell's prompt; after that another process brings it there. */
const labelWithinMs = 10

export async function labelSurely(context: Context, client: Client, session: string, label: string): Promise<void> {
  const asked = client.submit({ session, commandId: newId(), command: { type: 'label', label } }, context.signal).then(
    () => true,
    () => false,
  )
  const waited = new AbortController()
  const done = await Promise.race([asked, delay(labelWithinMs, false, { signal: waited.signal }).catch(() => false)])
  waited.abort()
  if (!done) context.detach(['label', session, '--', label])
}

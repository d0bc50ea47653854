// Whoever is told that a turn is over may change files right away: what the turn has changed is to be kept before that.

import type { Client } from '../sdk/client.ts'

/** A daemon that does not answer at all is not waited for. */
const longestMs = 20_000

/** Resolves when the snapshot at the end of the turn is taken, or could not be; the daemon waits some seconds for one, and no longer. Never rejects: what was waited for is over anyhow. */
export async function untilKept(client: Client, session: string, signal: AbortSignal): Promise<void> {
  await client.snapshots(session, AbortSignal.any([signal, AbortSignal.timeout(longestMs)])).catch(() => {})
}

// What the status line knows of its session: as it was when the terminal was attached, then what the daemon says. A daemon that does not answer leaves only the status out.

import { printableLine } from '../../core/terminal-text.ts'
import type { SessionView } from '../../core/view.ts'
import type { Client } from '../../sdk/client.ts'
import { agentLabel, nameOf, statusMark } from '../../text/format.ts'
import { shownStatus } from '../../text/status-words.ts'
import type { LineSource } from './status-line.ts'

export interface LineLook {
  readonly shown: boolean
  readonly color: boolean
  readonly readOnly: boolean
}

/** Until the signal is aborted. */
export function followedLine(client: Pick<Client, 'get' | 'watch'>, first: SessionView, { shown, color, readOnly }: LineLook, signal: AbortSignal): LineSource {
  let session = first
  let known = true
  let changed = (): void => {}
  void (async () => {
    try {
      for await (const now of changesOf(client, first.id, signal)) {
        session = now
        changed()
      }
    } catch {
      // Whatever it was: who is attached does not need the daemon.
    }
    known = false
    if (!signal.aborted) changed()
  })()
  return {
    shown,
    color,
    parts: () => ({
      name: nameOf(session),
      agent: agentLabel(session.agent),
      project: printableLine(session.project.name),
      status: known ? `${statusMark[shownStatus(session)]} ${session.status}` : '',
      readOnly,
    }),
    onChange: (listener) => (changed = listener),
  }
}

/** As it is now, and after each fact; of those that come while one is asked about only the last counts. */
async function* changesOf(client: Pick<Client, 'get' | 'watch'>, id: string, signal: AbortSignal): AsyncGenerator<SessionView> {
  const seen = await client.get(id, signal)
  if (!seen) return
  yield seen.session
  let { cursor } = seen
  for await (const frame of client.watch({ session: id, after: cursor, follow: true }, signal)) {
    // What was told already in the answer to the one before.
    if (frame.kind !== 'fact' || frame.envelope.cursor <= cursor) continue
    const now = await client.get(id, signal)
    if (!now) return
    cursor = now.cursor
    yield now.session
  }
}

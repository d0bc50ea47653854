// Stop, end and remove: asked for, and then waited for until the whole process tree is proven gone.

import { fold } from '../core/session.ts'
import type { Envelope, Event } from '../core/events.ts'
import { printableLine } from '../core/terminal-text.ts'
import type { Client } from '../sdk/client.ts'
import { nextFact } from './asked-for.ts'
import { submit } from './submit.ts'

export interface Ended {
  /** Processes that were ended, or undefined when nothing was running. */
  readonly processes: number | undefined
  /** What became of the worktree of one that was removed. */
  readonly worktree?: Extract<Event, { readonly type: 'workspace-removed' | 'workspace-kept' }>
}

/** A removed one is waited for until its worktree is gone too, or stays. */
export async function endSession(client: Client, session: string, type: 'stop' | 'end' | 'remove', signal: AbortSignal): Promise<Ended> {
  const before = await client.get(session, signal)
  const ended = await endPrograms(client, session, type, signal)
  const { kind, state } = before?.session.workspace ?? { kind: 'in-place', state: 'none' }
  if (type !== 'remove' || kind !== 'worktree' || state === 'none' || state === 'removed') return ended
  const worktree = await nextFact(client, { session, after: before?.cursor ?? 0, ends: ['workspace-removed', 'workspace-kept'] }, signal)
  return { ...ended, worktree }
}

async function endPrograms(client: Client, session: string, type: 'stop' | 'end' | 'remove', signal: AbortSignal): Promise<Ended> {
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

export function endedText(done: string, { processes, worktree }: Ended): string {
  const ended = processes === undefined ? 'nothing was running' : processes === 1 ? '1 process ended' : `${processes} processes ended`
  return `${done}: ${ended}${worktree ? `; ${worktreeText(worktree)}` : ''}`
}

function worktreeText(event: NonNullable<Ended['worktree']>): string {
  if (event.type === 'workspace-removed' && event.gone)
    return `its worktree was gone already, ${event.snapshot === 0 ? 'and no snapshot of it is kept' : `snapshot ${event.snapshot} has what it was`}`
  if (event.type === 'workspace-removed') return `its worktree is gone, snapshot ${event.snapshot} has all of it${event.branchKept ? ', and its branch stays' : ''}`
  return printableLine(`its worktree stays: ${event.reason}${event.hint === undefined ? '' : ` (${event.hint})`}; then offstage rm again`)
}

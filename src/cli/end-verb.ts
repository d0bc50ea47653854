// The verbs that end sessions differ in little: several ids, each waited for until its processes are proven gone.

import { match } from '../core/ids.ts'
import { printableLine } from '../core/terminal-text.ts'
import type { SessionView } from '../core/view.ts'
import type { Client } from '../sdk/client.ts'
import { endSession, endedText } from '../client/ending.ts'
import { exitCodes, reportFailure } from '../client/failures.ts'
import { allSessions, pickSession } from '../client/find.ts'
import { jsonText, nameOf } from '../text/format.ts'
import { type Args, type Context, type Verb, jsonOption } from './verb.ts'

export interface EndVerb {
  readonly name: string
  readonly type: 'stop' | 'end' | 'remove'
  /** Past tense, for the line that is printed. */
  readonly done: string
  readonly summary: string
  readonly about: readonly string[]
  readonly examples: readonly string[]
}

/** Removing what is removed already is no mistake. */
async function whichOnes(
  client: Client,
  words: readonly string[],
  type: EndVerb['type'],
  signal: AbortSignal,
): Promise<{ readonly sessions: readonly SessionView[]; readonly removed: readonly SessionView[] }> {
  const all = await allSessions(client, signal)
  const found = words.map((typed) => {
    const listed = match(
      all.filter((session) => !session.removed),
      typed,
    )
    const removed = match(
      all.filter((session) => session.removed),
      typed,
    )
    return type === 'remove' && listed.kind === 'none' && removed.kind === 'one' ? removed.found : pickSession(all, typed)
  })
  const once = found.filter((one, index) => found.findIndex((other) => other.id === one.id) === index)
  return { sessions: once.filter((session) => !isGone(session)), removed: once.filter(isGone) }
}

/** A worktree that stayed may go now. */
const isGone = ({ removed, workspace: { kind, state } }: SessionView): boolean => removed && (kind === 'in-place' || (state !== 'ready' && state !== 'failed'))

export function endVerb({ name, type, done, summary, about, examples }: EndVerb): Verb {
  const run = async (context: Context, args: Args): Promise<number> => {
    const client = await context.client()
    const { sessions, removed } = await whichOnes(client, args.words, type, context.signal)
    // All of them at once: each may take its two seconds.
    const endings = await Promise.allSettled(sessions.map((session) => endSession(client, session.id, type, context.signal)))
    let exitCode: number = exitCodes.done
    const results: unknown[] = removed.map(({ id, label }) => ({ id, label, done, processes: 0 }))
    if (!context.json) for (const { id } of removed) context.out(`${id} is removed already\n`)
    for (const [index, session] of sessions.entries()) {
      const ending = endings[index]
      if (ending?.status !== 'fulfilled') {
        exitCode = Math.max(exitCode, reportFailure(context, ending?.reason))
        continue
      }
      const { processes, worktree } = ending.value
      const became = worktree
        ? {
            worktree:
              worktree.type === 'workspace-removed'
                ? { removed: true, snapshot: worktree.snapshot, branchKept: worktree.branchKept, ...(worktree.gone ? { gone: true } : {}) }
                : { removed: false, reason: worktree.reason },
          }
        : {}
      results.push({ id: session.id, label: session.label, done, processes: processes ?? 0, ...became })
      if (!context.json) context.out(`${printableLine(`${endedText(`${done} ${session.id}  ${nameOf(session)}`, ending.value)}`)}\n`)
    }
    if (context.json) context.out(`${jsonText(results)}\n`)
    return exitCode
  }
  return {
    name,
    aliases: [],
    summary,
    usage: [`${name} ID...`],
    about,
    options: { json: { ...jsonOption, help: 'print what was done, one JSON array' } },
    words: { min: 1, max: Infinity, name: 'an ID' },
    examples,
    run,
  }
}

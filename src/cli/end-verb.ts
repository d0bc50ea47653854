// The verbs that end sessions differ in little: several ids, each waited for until its processes are proven gone.

import { printableLine } from '../core/terminal-text.ts'
import { endSession, endedText } from './ending.ts'
import { exitCodes, reportFailure } from './failures.ts'
import { findSessions } from './find.ts'
import { jsonText, nameOf } from './format.ts'
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

export function endVerb({ name, type, done, summary, about, examples }: EndVerb): Verb {
  const run = async (context: Context, args: Args): Promise<number> => {
    const client = await context.client()
    const sessions = await findSessions(client, args.words, context.signal)
    // All of them at once: each may take its two seconds.
    const endings = await Promise.allSettled(sessions.map((session) => endSession(client, session.id, type, context.signal)))
    let exitCode: number = exitCodes.done
    const results: unknown[] = []
    for (const [index, session] of sessions.entries()) {
      const ending = endings[index]
      if (ending?.status !== 'fulfilled') {
        exitCode = Math.max(exitCode, reportFailure(context, ending?.reason))
        continue
      }
      const { processes } = ending.value
      results.push({ id: session.id, label: session.label, done, processes: processes ?? 0 })
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

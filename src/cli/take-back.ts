// What `undo` and `restore ID@N` do: show what would change, let the person decide, do it, and say where everything is as it was.

import type { Undo } from '../core/events.ts'
import { askedFor } from '../client/asked-for.ts'
import { previewOf, previewText, someOf, undoText } from '../client/changes.ts'
import { CommandFailed, exitCodes, refusedError } from '../client/failures.ts'
import { printableLine } from '../core/terminal-text.ts'
import type { SessionView } from '../core/view.ts'
import type { TreePath } from '../core/workspace.ts'
import type { Client } from '../sdk/client.ts'
import { columnsOf, count, jsonText, nameOf, painter } from '../text/format.ts'
import { canAsk, confirmed } from './ask-person.ts'
import type { Context, OptionSpec } from './verb.ts'

export const takeBackOptions: Readonly<Record<string, OptionSpec>> = {
  yes: { type: 'boolean', short: 'y', help: 'do it without asking' },
  'dry-run': { type: 'boolean', short: 'n', help: 'only show what would change' },
}

export interface TakeBack {
  readonly session: SessionView
  readonly what: Undo
  readonly yes: boolean
  readonly dryRun: boolean
  /** As it would be typed again. */
  readonly command: string
}

/** In repositories of their own, what changed stays. */
const left = ({ inside }: { readonly inside?: readonly TreePath[] }) => (inside ? { inside } : {})

/** The exit code. Throws CommandFailed. */
export async function takeBack(context: Context, client: Client, { session, what, yes, dryRun, command }: TakeBack): Promise<number> {
  const found = await previewOf(client, session.id, what, context.signal)
  const { patch: _, ...preview } = found
  const told = dryRun ? context.out : context.err
  if (dryRun && context.json) context.out(`${jsonText({ session: session.id, preview })}\n`)
  else if (found.files.length + found.notes.length > 0) told(`${previewText(found, painter(context.color), columnsOf(context.stdout))}\n`)
  if (dryRun) return exitCodes.done
  if (found.files.length === 0) {
    const but = found.inside ? `, but for those in ${someOf(found.inside)}` : ''
    context.out(
      context.json
        ? `${jsonText({ session: session.id, before: null, files: [], ...left(found) })}\n`
        : `nothing is to be written: the files of ${session.id} are so already${but}\n`,
    )
    return exitCodes.done
  }
  if (!yes) {
    if (!canAsk(context)) throw refusedError('not-confirmed', `nothing of ${session.id} was changed: nobody could be asked`, `${command} --yes does it`)
    const agreed = await confirmed(context, what.kind === 'snapshot' ? `bring back snapshot ${what.n}?` : `take back ${undoText(what)}?`)
    if (!agreed) throw refusedError('not-confirmed', 'nothing was changed')
  }
  const end = await askedFor(client, { session: session.id, command: { type: 'undo', what }, asked: 'undo-asked', ends: ['undone', 'undo-failed'] }, context.signal)
  if (end.type === 'undo-failed') {
    throw new CommandFailed('undo-failed', `${end.reason}${end.paths && end.paths.length > 0 ? `: ${someOf(end.paths)}` : ''}`, { exitCode: exitCodes.failed, hint: end.hint })
  }
  if (context.json) context.out(`${jsonText({ session: session.id, before: end.before, files: end.files, ...left(end) })}\n`)
  else {
    const done = what.kind === 'snapshot' ? `snapshot ${what.n} is back in` : `took back ${undoText(what)} in`
    context.out(printableLine(`${done} ${session.id}  ${nameOf(session)}: ${count(end.files.length, 'file')} written`) + '\n')
    if (end.inside) context.out(`   not in ${someOf(end.inside)}: what changed there stays\n`)
    context.out(`   offstage restore ${session.id}@${end.before}   brings back how it was before\n`)
  }
  return exitCodes.done
}

// `offstage restore`: brings a removed or archived session back into the list, or the files of one of a session's snapshots.

import type { Event } from '../../core/events.ts'
import { isRefusal } from '../../core/errors.ts'
import { match } from '../../core/ids.ts'
import { printableLine } from '../../core/terminal-text.ts'
import type { SessionView } from '../../core/view.ts'
import type { TreePath } from '../../core/workspace.ts'
import type { Client } from '../../sdk/client.ts'
import { nextFact } from '../../client/asked-for.ts'
import { someOf } from '../../client/changes.ts'
import { CommandFailed, exitCodes, usageError } from '../../client/failures.ts'
import { allSessions, ambiguous, pickSession, removedOnes, unknownSession } from '../../client/find.ts'
import { environmentFor } from '../../client/launch.ts'
import { submit } from '../../client/submit.ts'
import { topsOf, treePaths } from '../../client/tree-paths.ts'
import { nameOf, shortPath } from '../../text/format.ts'
import { printResult } from '../result.ts'
import { takeBack, takeBackOptions } from '../take-back.ts'
import { type Args, type Context, type Verb, flag, jsonOption, word } from '../verb.ts'

async function run(context: Context, args: Args): Promise<number> {
  const client = await context.client()
  const all = await allSessions(client, context.signal)
  const typed = word(args)
  const [, name, number] = /^([^]+)@([1-9]\d{0,8})$/.exec(typed) ?? []
  if (name === undefined && match(all, typed).kind === 'none' && /.@[^@]*$/.test(typed))
    throw usageError(`"${typed.slice(typed.lastIndexOf('@') + 1)}" is no number of a snapshot`, 'offstage snapshots ID lists them')
  // A label may look like it.
  if (name !== undefined && match(all, typed).kind === 'none') return await restoreFiles(context, client, args, pickSession(all, name), Number(number))
  const [path] = args.words.slice(1)
  if (path !== undefined)
    throw usageError(`from which snapshot is ${path} to be brought back?`, `offstage snapshots ${typed} lists them, offstage restore ${typed}@N PATH... brings it back`)
  const unfit = ['yes', 'dry-run'].find((option) => flag(args, option))
  if (unfit !== undefined) throw usageError(`--${unfit} is for files: of which snapshot?`, `offstage restore ${typed}@N`)
  return await restoreSession(context, client, pick(all, typed))
}

async function restoreFiles(context: Context, client: Client, args: Args, session: SessionView, n: number): Promise<number> {
  const paths = treePaths(args.words.slice(1), { cwd: context.cwd, tops: topsOf(session) })
  return await takeBack(context, client, {
    session,
    what: { kind: 'snapshot', n, ...(paths.length === 0 ? {} : { paths }) },
    yes: flag(args, 'yes'),
    dryRun: flag(args, 'dry-run'),
    command: `offstage restore ${session.id}@${n}`,
  })
}

async function restoreSession(context: Context, client: Client, found: SessionView): Promise<number> {
  const before = await client.get(found.id, context.signal)
  // A worktree that is made again is set up again.
  const environment = found.workspace.kind === 'worktree' ? { environment: await environmentFor(context.env, found.agent, found.cwd) } : {}
  const { session } = await submit(client, { session: found.id, command: { type: 'restore' }, ...environment }, context.signal)
  const making = await preparingOf(client, found.id, before?.cursor ?? 0, context.signal)
  // Where its snapshots were dropped there is nothing to make the worktree of.
  if (found.workspace.kind === 'in-place' || !making) {
    const gone =
      session.workspace.state === 'removed'
        ? `, without its worktree: its snapshots went by age${session.landed ? ` after it had landed in ${printableLine(session.landed.into)}` : ''}`
        : ''
    printResult(context, session, `restored ${session.id}  ${nameOf(session)}${gone}`)
    return exitCodes.done
  }
  const made = await nextFact(client, { session: found.id, after: before?.cursor ?? 0, ends: ['workspace-ready', 'workspace-failed', 'asked', 'stopped'] }, context.signal)
  if (made.type === 'stopped')
    throw new CommandFailed('stopped', `session ${session.id} is in the list again, but was stopped while its worktree was made`, {
      exitCode: exitCodes.failed,
      hint: `offstage resume ${session.id} makes it; its snapshots are kept`,
    })
  if (made.type === 'workspace-failed') {
    throw new CommandFailed(
      'workspace-failed',
      `session ${session.id} is in the list again, but ${made.at === 'tree' ? 'its worktree could not be made' : 'its worktree is not ready'}: ${made.reason}`,
      {
        exitCode: exitCodes.failed,
        hint: `offstage why ${session.id} says more; its snapshots are kept`,
      },
    )
  }
  const now = (await client.get(found.id, context.signal))?.session ?? session
  if (made.type === 'asked') {
    printResult(context, now, `restored ${now.id}  ${nameOf(now)}, which asks before its worktree is ready: ${printableLine(made.ask.title)}`)
    return exitCodes.done
  }
  const detached = made.detached ? `, detached: ${printableLine(now.workspace.branch ?? 'its branch')} has moved on, or is checked out elsewhere` : ''
  const gone = making.gone ? ', which was not there any more: it is as it was in its newest snapshot' : ''
  printResult(context, now, `restored ${now.id}  ${nameOf(now)}  in ${shortPath(now.workspace.path, context.env['HOME'])}${gone}${detached}`)
  const inside = making.gone ? await notIn(client, found.id, context.signal) : []
  if (inside.length > 0) context.err(`offstage: not in ${someOf(inside)}: what was changed in a repository of its own is in no snapshot of the tree around it\n`)
  return exitCodes.done
}

/** Repositories inside that came back as they were committed, if at all: no snapshot of the tree has them. */
async function notIn(client: Client, session: string, signal: AbortSignal): Promise<readonly TreePath[]> {
  const newest = (await client.snapshots(session, signal)).findLast(({ why }) => why !== 'land')
  const found = newest && (await client.changes({ session, undo: { kind: 'snapshot', n: newest.n } }, signal))
  return found && !isRefusal(found) ? (found.inside ?? []) : []
}

/** The fact by which its tree is made again. */
async function preparingOf(client: Client, session: string, after: number, signal: AbortSignal): Promise<Extract<Event, { readonly type: 'workspace-preparing' }> | undefined> {
  for await (const frame of client.watch({ session, after, follow: false }, signal)) {
    if (frame.kind === 'fact' && frame.envelope.event.type === 'workspace-preparing') return frame.envelope.event
  }
  return undefined
}

/** Those that can be restored are meant first; one that is in the list already is refused by name. */
function pick(all: readonly SessionView[], typed: string): SessionView {
  const away = all.filter((session) => session.removed || session.archived)
  const matched = match(away, typed)
  if (matched.kind === 'one') return matched.found
  if (matched.kind === 'several') throw removedOnes(typed, matched.candidates)
  const listed = match(all, typed)
  if (listed.kind === 'one') return listed.found
  if (listed.kind === 'several') throw ambiguous(typed, listed.candidates)
  throw unknownSession(printableLine(typed), away)
}

const verb: Verb = {
  name: 'restore',
  aliases: [],
  summary: 'bring back a removed session, or the files of a snapshot',
  usage: ['restore ID', 'restore ID@N [OPTIONS] [PATH...]'],
  about: [
    'A removed or archived session comes back into the list, and its worktree is made again with all that was in it. What snapshots do not keep (node_modules) is brought and set up again.',
    'So is the worktree of a listed session that somebody deleted, as its newest snapshot has it. A folder that was moved away stays as it is, without its branch.',
    'With @N the files become those of that snapshot, all or only these files and folders. It is shown first, and asked on a terminal; how it was before is kept as a snapshot of its own.',
  ],
  options: { ...takeBackOptions, json: { ...jsonOption, help: 'print the session object, or what was done' } },
  words: { min: 1, max: Infinity, name: 'an ID' },
  examples: ['offstage sessions --removed', 'offstage restore k3f9', 'offstage snapshots k3f9', 'offstage restore k3f9@4 src/parser.ts'],
  run,
}

export default verb

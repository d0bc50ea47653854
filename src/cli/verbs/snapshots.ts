// `offstage snapshots`: what of a session's tree can be brought back, and from when.

import type { Changes, Snapshot } from '../../core/workspace.ts'
import { printableLine } from '../../core/terminal-text.ts'
import { isRefusal } from '../../core/errors.ts'
import type { Client } from '../../sdk/client.ts'
import { askedFor } from '../../client/asked-for.ts'
import { someOf } from '../../client/changes.ts'
import { CommandFailed, exitCodes } from '../../client/failures.ts'
import { findSession } from '../../client/find.ts'
import { clock, count, jsonText, padded, painter, tabbed } from '../../text/format.ts'
import { type Args, type Context, type Verb, flag, jsonOption, word } from '../verb.ts'

async function run(context: Context, args: Args): Promise<number> {
  const client = await context.client()
  const { id } = await findSession(client, word(args), context.signal)
  if (flag(args, 'take')) return await take(context, client, id)
  const snapshots = await client.snapshots(id, context.signal)
  if (context.json) {
    context.out(`${jsonText(snapshots.map(({ atMs, ...snapshot }) => ({ ...snapshot, at: new Date(atMs).toISOString() })))}\n`)
    return exitCodes.done
  }
  const changes = await Promise.all(snapshots.map((snapshot, index) => changedSince(client, id, snapshots.slice(0, index).findLast(ofItsTree), snapshot, context.signal)))
  context.out(snapshots.map((snapshot, index) => rowOf(context, snapshot, changes[index])).join(''))
  if (snapshots.length === 0 && context.stdout.isTTY) context.err(`there is no snapshot of ${id} yet\n`)
  else if (context.stdout.isTTY) context.err(`offstage restore ${id}@N brings one back\n`)
  return exitCodes.done
}

async function take(context: Context, client: Client, id: string): Promise<number> {
  const end = await askedFor(client, { session: id, command: { type: 'snapshot' }, asked: 'snapshot-asked', ends: ['snapshot-taken', 'snapshot-failed'] }, context.signal)
  if (end.type === 'snapshot-failed')
    throw new CommandFailed('snapshot-failed', `no snapshot of ${id} was taken: ${end.reason}`, { exitCode: exitCodes.failed, hint: `offstage why ${id} says more` })
  const { snapshot } = end
  const { atMs, ...rest } = snapshot
  context.out(context.json ? `${jsonText({ ...rest, at: new Date(atMs).toISOString() })}\n` : `snapshot ${snapshot.n} of ${id}${leftOutText(snapshot)}\n`)
  return exitCodes.done
}

/** Before landing one is taken of the tree that the user's branch is checked out in. */
const ofItsTree = ({ why }: Pick<Snapshot, 'why'>): boolean => why !== 'land'

/** Undefined: there is none before it, or it is not to be had. */
async function changedSince(
  client: Client,
  session: string,
  before: Snapshot | undefined,
  { tree, n, why }: Snapshot,
  signal: AbortSignal,
): Promise<Pick<Changes, 'files' | 'added' | 'removed'> | undefined> {
  if (!before || !ofItsTree({ why })) return undefined
  if (before.tree === tree) return { files: [], added: 0, removed: 0 }
  const found = await client.changes({ session, snapshot: n }, signal)
  return isRefusal(found) ? undefined : found
}

/** Of a pipe: number, why, turn, time, files, added, removed. */
function rowOf({ stdout, color }: Context, snapshot: Snapshot, changes: Pick<Changes, 'files' | 'added' | 'removed'> | undefined): string {
  const { n, why, turn, atMs } = snapshot
  const at = new Date(atMs)
  if (!stdout.isTTY) {
    const counts = changes ? [changes.files.length, changes.added, changes.removed].map(String) : ['', '', '']
    return `${tabbed([String(n), why, String(turn), at.toISOString(), ...counts])}\n`
  }
  const paint = painter(color)
  const day = at.toDateString() === new Date().toDateString() ? clock(atMs) : at.toISOString().slice(0, 10)
  const changed =
    changes === undefined
      ? ''
      : changes.files.length === 0
        ? 'as before'
        : `${count(changes.files.length, 'file')}  ${paint.added(`+${changes.added}`)} ${paint.removed(`−${changes.removed}`)}`
  return ` ${paint.bold(String(n).padStart(3))}  ${padded(day, 10)}  ${padded(whyText(snapshot, turn), 22)}  ${changed}${leftOutText(snapshot)}`.trimEnd() + '\n'
}

const words: Readonly<Record<Snapshot['why'], string>> = {
  start: 'at the start',
  'turn-start': 'before turn',
  'turn-end': 'after turn',
  asked: 'asked for',
  undo: 'before an undo',
  restore: 'before a restore',
  land: 'your tree, before landing',
  remove: 'before it was removed',
}

const whyText = ({ why }: Snapshot, turn: number): string => (why === 'turn-start' || why === 'turn-end' ? `${words[why]} ${turn}` : (words[why] ?? printableLine(why)))

const leftOutText = ({ leftOut = [] }: Snapshot): string => (leftOut.length === 0 ? '' : `  without ${someOf(leftOut.map(({ path }) => path))}`)

const verb: Verb = {
  name: 'snapshots',
  aliases: [],
  summary: 'list what of a session can be brought back',
  usage: ['snapshots ID [OPTIONS]'],
  about: [
    'One is taken before and after each turn, before a program in a terminal starts or what you had not committed is taken along into a worktree, and before anything is undone, landed or removed. They are kept by private refs of the repository, which no push, "git gc" or "git branch" touches or shows.',
    'Through a pipe: number, why, turn, time, and how many files and lines differ from the one before, separated by tabs.',
  ],
  options: { take: { type: 'boolean', help: 'take one now' }, json: { ...jsonOption, help: 'print one JSON array, or the one that was taken' } },
  words: { min: 1, max: 1, name: 'an ID' },
  examples: ['offstage snapshots k3f9', 'offstage snapshots k3f9 --take', 'offstage restore k3f9@4'],
  run,
}

export default verb

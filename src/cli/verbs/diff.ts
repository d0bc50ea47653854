// `offstage diff`: what a session changed, as a patch: plain bytes for a pipe, coloured and neutralised for a terminal.

import { once } from 'node:events'
import type { ChangesFound } from '../../core/api.ts'
import { printableLine } from '../../core/terminal-text.ts'
import { CommandFailed, exitCodes, usageError } from '../../client/failures.ts'
import { changesOf, mostPatchBytes } from '../../client/changes.ts'
import { findSession } from '../../client/find.ts'
import { topsOf, treePaths } from '../../client/tree-paths.ts'
import { patchText, statText } from '../../text/changes-text.ts'
import { columnsOf, jsonText, painter } from '../../text/format.ts'
import { turnFrom } from '../turn-option.ts'
import { type Args, type Context, type Verb, flag, jsonOption, text, word } from '../verb.ts'

async function run(context: Context, args: Args): Promise<number> {
  const turn = turnFrom(text(args, 'turn'))
  const against = text(args, 'against')
  if (turn !== undefined && against !== undefined) throw usageError('--turn and --against exclude each other', 'a turn has its own beginning and end')
  if (against?.trim() === '') throw usageError('--against takes a branch or a commit', 'for example: --against main')
  const stat = flag(args, 'stat')
  const client = await context.client()
  const session = await findSession(client, word(args), context.signal)
  const paths = treePaths(args.words.slice(1), { cwd: context.cwd, tops: topsOf(session) })
  const query = {
    session: session.id,
    ...(turn === undefined ? {} : { turn: turn === 'last' ? session.turns : turn }),
    ...(against === undefined ? {} : { against }),
    ...(paths.length === 0 ? {} : { paths }),
  }
  const found = await changesOf(client, stat || context.json ? query : { ...query, patchBytes: mostPatchBytes }, context.signal)
  if (context.json) {
    const { patch: _, ...rest } = found
    context.out(`${jsonText({ session: session.id, ...rest })}\n`)
    return exitCodes.done
  }
  for (const note of found.notes) context.err(`offstage: ${printableLine(note)}\n`)
  const { isTTY } = context.stdout
  if (stat) {
    const said = statText(found, painter(context.color), isTTY ? columnsOf(context.stdout) : 80)
    context.out(said === '' ? '' : `${said}\n`)
  } else await printPatch(context, found)
  if (found.files.length === 0 && isTTY) context.err(`nothing changed from ${printableLine(found.from)} to ${printableLine(found.to)}${paths.length === 0 ? '' : ' there'}\n`)
  return exitCodes.done
}

async function printPatch(context: Context, { patch = new Uint8Array(), cutAt, files }: ChangesFound): Promise<void> {
  if (context.stdout.isTTY) {
    context.out(patchText(patch, painter(context.color)))
    if (cutAt !== undefined) context.err(`offstage: cut after ${cutAt} bytes: name paths to see the rest\n`)
    return
  }
  // Half a patch would apply without a word.
  if (cutAt !== undefined) {
    throw new CommandFailed('too-large', `the patch of ${files.length} files is larger than ${cutAt} bytes, nothing of it is printed`, {
      exitCode: exitCodes.failed,
      hint: 'name paths, or use --stat',
    })
  }
  if (patch.length > 0 && !context.stdout.write(patch)) await once(context.stdout, 'drain')
}

const verb: Verb = {
  name: 'diff',
  aliases: [],
  summary: 'show what a session changed',
  usage: ['diff ID [OPTIONS] [PATH...]'],
  about: [
    'Everything that is different from when it started, also what it has committed and new files that are not ignored. A pipe gets the patch as git writes it, ready for "git apply".',
    'A path is meant from here, where this is a directory of the tree that the session works in or was started from; else from the top of its tree.',
  ],
  options: {
    stat: { type: 'boolean', help: 'only the files, and how many lines of each' },
    turn: { type: 'string', short: 't', value: 'N', help: 'only what this turn did; "last": the newest' },
    against: { type: 'string', value: 'BRANCH', help: 'from where it parted from this branch or commit' },
    json: { ...jsonOption, help: 'the files and counts, one JSON object' },
  },
  words: { min: 1, max: Infinity, name: 'an ID' },
  examples: ['offstage diff k3f9', 'offstage diff k3f9 --stat', 'offstage diff k3f9 --turn 2 src', 'offstage diff k3f9 | git apply'],
  run,
}

export default verb

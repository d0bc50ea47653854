// `offstage undo`: takes back what a session changed, all of it or one turn, and nothing that was done since.

import { findSession } from '../../client/find.ts'
import { topsOf, treePaths } from '../../client/tree-paths.ts'
import { takeBack, takeBackOptions } from '../take-back.ts'
import { turnFrom } from '../turn-option.ts'
import { type Args, type Context, type Verb, flag, jsonOption, text, word } from '../verb.ts'

async function run(context: Context, args: Args): Promise<number> {
  const turn = turnFrom(text(args, 'turn'))
  const client = await context.client()
  const session = await findSession(client, word(args), context.signal)
  const paths = treePaths(args.words.slice(1), { cwd: context.cwd, tops: topsOf(session) })
  return await takeBack(context, client, {
    session,
    // 0 is the newest turn that changed anything.
    what: { kind: 'turns', turn: turn === 'last' ? 0 : (turn ?? 'all'), ...(paths.length === 0 ? {} : { paths }) },
    yes: flag(args, 'yes'),
    dryRun: flag(args, 'dry-run'),
    command: `offstage undo ${session.id}${turn === undefined ? '' : ` --turn ${turn}`}`,
  })
}

const verb: Verb = {
  name: 'undo',
  aliases: [],
  summary: 'take back what a session changed',
  usage: ['undo ID [OPTIONS] [PATH...]'],
  about: [
    'All of it, or one turn, or only these files and folders. What was changed since by others stays; where that is in the way, nothing is done. It is shown first, and asked on a terminal.',
    'Nothing is lost: before it, everything is kept as a snapshot, which "offstage restore ID@N" brings back. The index, the stash and what is committed stay as they are.',
  ],
  options: {
    turn: { type: 'string', short: 't', value: 'N', help: 'only what this turn did; "last": the newest that changed anything' },
    ...takeBackOptions,
    json: { ...jsonOption, help: 'print what was done, one JSON object' },
  },
  words: { min: 1, max: Infinity, name: 'an ID' },
  examples: ['offstage undo k3f9', 'offstage undo k3f9 --turn last', 'offstage undo k3f9 --yes src/legacy'],
  run,
}

export default verb

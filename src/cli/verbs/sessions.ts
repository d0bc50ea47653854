// `offstage sessions`: the list, for people, for pipes and as JSON.

import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Status, statuses } from '../../core/status.ts'
import type { SessionView } from '../../core/view.ts'
import { exitCodes, usageError } from '../../client/failures.ts'
import { columnsOf, jsonText } from '../../text/format.ts'
import { nearest } from '../../text/nearest.ts'
import { sessionLines, sessionsTable } from '../../text/sessions-table.ts'
import { shownStatus, statusWords } from '../../text/status-words.ts'
import { type Args, type Context, type Verb, flag, jsonOption, text } from '../verb.ts'

async function run(context: Context, args: Args): Promise<number> {
  const isWanted = statusFilter(text(args, 'status'))
  const below = text(args, 'cwd')
  const isThere = below === undefined ? () => true : directoryFilter(resolve(context.cwd, below))
  const client = await context.client()
  const removed = flag(args, 'removed')
  const listed = (await client.list({ all: removed || flag(args, 'all') }, context.signal)).filter((session) => session.removed === removed)
  const sessions = listed.filter((session) => isWanted(session) && isThere(session))
  if (context.json) context.out(`${jsonText(sessions, 2)}\n`)
  else if (!context.stdout.isTTY) context.out(sessionLines(sessions))
  else if (sessions.length > 0) context.out(sessionsTable(sessions, { columns: columnsOf(context.stdout), color: context.color, home: context.env['HOME'] }))
  else context.out(listed.length > 0 ? 'no session fits\n' : 'no sessions yet\n  offstage bg "what to do" starts one\n')
  return exitCodes.done
}

export function statusesFrom(list: string): readonly Status[] {
  return list.split(',').flatMap((part) => {
    const found = Object.hasOwn(statusWords, part.trim()) ? statusWords[part.trim()] : undefined
    if (found) return found
    const near = nearest(part.trim(), Object.keys(statusWords))
    throw usageError(`"${part.trim()}" is no status`, near === undefined ? `one of: ${Object.keys(statusWords).join(', ')}` : `did you mean ${near}?`)
  })
}

/** Whose checks have failed is among those that failed too: its mark says so. */
function statusFilter(list: string | undefined): (session: SessionView) => boolean {
  if (list === undefined) return () => true
  const wanted = statusesFrom(list)
  return (session) => wanted.includes(session.status) || wanted.includes(shownStatus(session))
}

function directoryFilter(given: string): (session: SessionView) => boolean {
  let directory = given
  try {
    directory = realpathSync(given)
  } catch {
    // Sessions outlive their directories: its name still finds them.
  }
  return ({ cwd }) => cwd === directory || directory === '/' || cwd.startsWith(`${directory}/`)
}

const verb: Verb = {
  name: 'sessions',
  aliases: ['ls'],
  summary: 'list the sessions',
  usage: ['sessions [OPTIONS]'],
  about: ['Into a pipe it prints one line a session, tab-separated: id, status, label, agent, directory, summary, elapsed, unseen.'],
  options: {
    all: { type: 'boolean', short: 'a', help: 'archived ones too' },
    removed: { type: 'boolean', help: 'only removed ones, which restore brings back' },
    status: { type: 'string', short: 's', value: 'S,...', help: `only these: ${statuses.join(', ')}; also running and error` },
    cwd: { type: 'string', short: 'C', value: 'DIR', help: 'only those that work in this directory or below it' },
    json: { ...jsonOption, help: 'print one JSON array' },
  },
  words: { min: 0, max: 0, name: '' },
  examples: ['offstage sessions --status waiting', 'offstage ls --cwd . --json'],
  run,
}

export default verb

// `offstage search`: where it was said, over all sessions.

import type { Hit } from '../../core/api.ts'
import { printable } from '../../core/terminal-text.ts'
import type { SessionView } from '../../core/view.ts'
import { CommandFailed, exitCodes, usageError } from '../../client/failures.ts'
import { columnsOf, cut, displayWidth, duration, jsonText, nameOf, padded, painter, shortId, tabbed } from '../../text/format.ts'
import { type Args, type Context, type Verb, jsonOption, text } from '../verb.ts'

const longestQuery = 1000
const mostHits = 1000
const usualHits = 50

async function run(context: Context, args: Args): Promise<number> {
  const limit = limitFrom(text(args, 'limit'))
  const query = args.words.join(' ').trim()
  if (query === '') throw usageError('what is to be searched for?', 'for example: offstage search "rate limit"')
  if (query.length > longestQuery) throw usageError(`that is more than ${longestQuery} characters`, 'a few words are enough')
  const client = await context.client()
  const [hits, sessions] = await Promise.all([client.search({ text: query, limit }, context.signal), client.list({ all: true }, context.signal)])
  const found = hits.flatMap((hit): readonly Found[] => {
    const session = sessions.find(({ id }) => id === hit.session)
    return session ? [{ ...hit, of: session }] : []
  })
  if (context.json) context.out(`${jsonText(found.map(jsonOf), 2)}\n`)
  else if (found.length === 0) throw new CommandFailed('no-match', `nothing matches ${JSON.stringify(query)}`, { exitCode: exitCodes.failed })
  else context.out(context.stdout.isTTY ? table(context, found, sessions) : found.map(line).join(''))
  return found.length === 0 ? exitCodes.failed : exitCodes.done
}

interface Found extends Hit {
  readonly of: SessionView
}

const at = ({ atMs }: Hit): string => new Date(atMs).toISOString()

const jsonOf = (hit: Found) => ({ session: hit.session, label: hit.of.label, sessionTitle: hit.of.title, seq: hit.seq, at: at(hit), kind: hit.kind, excerpt: hit.excerpt })

const line = (hit: Found): string => `${tabbed([hit.session, nameOf(hit.of), hit.kind, at(hit), partsOf(hit.excerpt).join('')])}\n`

/** In turn what is around a match and the match. */
const partsOf = (excerpt: string): readonly string[] => excerpt.split(/[\u0001\u0002]/)

const gap = 2
const widestName = 24
const kindWidth = 8
const narrowestExcerpt = 20

function table(context: Context, found: readonly Found[], sessions: readonly SessionView[]): string {
  const paint = painter(context.color)
  const ids = sessions.map(({ id }) => id)
  const rows = found.map((hit) => ({ hit, id: shortId(hit.session, ids), name: cut(nameOf(hit.of), widestName), age: duration(context.now() - hit.atMs) }))
  const widest = (cell: (row: (typeof rows)[number]) => string): number => Math.max(...rows.map((row) => displayWidth(cell(row))))
  const [idWidth, nameWidth, ageWidth] = [widest(({ id }) => id), widest(({ name }) => name), widest(({ age }) => age)]
  const room = Math.max(narrowestExcerpt, columnsOf(context.stdout) - 1 - (idWidth + nameWidth + kindWidth + ageWidth + 4 * gap))
  return rows
    .map(({ hit, id, name, age }) => {
      const head = [paint.bold(padded(id, idWidth)), padded(name, nameWidth), paint.dim(padded(hit.kind, kindWidth)), paint.dim(age.padStart(ageWidth))]
      return `${[...head, excerptIn(room, hit.excerpt, paint.bold)].join(' '.repeat(gap))}\n`
    })
    .join('')
}

/** As much of it as there is room for, in any case the first match. */
function excerptIn(room: number, excerpt: string, bold: (text: string) => string): string {
  const parts = partsOf(excerpt).map((part) => printable(part).replace(/[\n\t]/g, ' '))
  const [before = '', match = ''] = parts
  const keptBefore = Math.max(0, room - displayWidth(match) - 1)
  let left = room
  return parts
    .map((part, index) => (index === 0 && displayWidth(before) > keptBefore ? endOf(part, Math.floor(keptBefore / 2)) : part))
    .map((part, index) => {
      const kept = cut(part, left)
      left = kept === part ? left - displayWidth(kept) : 0
      return index % 2 === 1 ? bold(kept) : kept
    })
    .join('')
}

function endOf(text: string, width: number): string {
  let kept = ''
  for (const char of [...text].reverse()) {
    if (displayWidth(char + kept) > width) break
    kept = char + kept
  }
  return `…${kept.trimStart()}`
}

function limitFrom(given: string | undefined): number {
  if (given === undefined) return usualHits
  const limit = /^\d{1,6}$/.test(given) ? Number(given) : 0
  if (limit >= 1 && limit <= mostHits) return limit
  throw usageError(`"${given}" is no number from 1 to ${mostHits}`, 'for example: --limit 5')
}

const verb: Verb = {
  name: 'search',
  aliases: [],
  summary: 'find where something was said',
  usage: ['search WORDS... [OPTIONS]'],
  about: [
    'Looks through names, prompts, what agents said and thought, tool calls, files, questions and directories of all sessions that are not removed. All words must be in one place; the last one may be the beginning of a word. Words in quotes follow each other: offstage search \'"rate limit"\'. Of one session it shows three places at most.',
    'Into a pipe it prints one line each, tab-separated: session, name, kind, time, the words around it. It exits with 1 when it finds nothing.',
  ],
  options: {
    limit: { type: 'string', short: 'n', value: 'N', help: `at most so many places (default ${usualHits}, up to ${mostHits})` },
    json: { ...jsonOption, help: 'print one JSON array; what was found is between U+0001 and U+0002' },
  },
  words: { min: 1, max: Infinity, name: 'WORDS' },
  examples: ['offstage search preferences endpoint', 'offstage search \'"permission denied"\' --limit 5', 'offstage search Preferences.tsx | cut -f1 | sort -u'],
  run,
}

export default verb

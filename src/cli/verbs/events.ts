// `offstage events`: the facts as they were recorded, one a line, from a cursor on.

import type { Envelope } from '../../core/events.ts'
import { eventText } from '../../text/event-text.ts'
import { exitCodes, usageError } from '../../client/failures.ts'
import { findSession } from '../../client/find.ts'
import { clock, columnsOf, cut, jsonText, padded, painter } from '../../text/format.ts'
import { type Args, type Context, type Verb, flag, jsonOption, text, word } from '../verb.ts'

async function run(context: Context, args: Args): Promise<number> {
  const after = cursorFrom(text(args, 'after'))
  const client = await context.client()
  const session = args.words.length === 0 ? undefined : (await findSession(client, word(args), context.signal)).id
  const query = { ...(session === undefined ? {} : { session }), after, follow: flag(args, 'follow') }
  const line = context.json ? jsonLine : textLine(context)
  for await (const frame of client.watch(query, context.signal)) if (frame.kind === 'fact') context.out(line(frame.envelope))
  context.signal.throwIfAborted()
  return exitCodes.done
}

const jsonLine = (envelope: Envelope): string => `${jsonText(envelope)}\n`

function textLine(context: Context): (envelope: Envelope) => string {
  const paint = painter(context.color)
  const columns = context.stdout.isTTY ? columnsOf(context.stdout) : Infinity
  return ({ cursor, atMs, session, event }) => {
    const head = [padded(String(cursor), 6), clock(atMs), session, padded(event.type, 17)].join('  ')
    return `${paint.dim(head)}  ${cut(eventText(event), columns - head.length - 3)}`.trimEnd() + '\n'
  }
}

function cursorFrom(given: string | undefined): number {
  if (given === undefined) return 0
  if (/^\d{1,15}$/.test(given)) return Number(given)
  throw usageError(`"${given}" is no cursor`, 'a cursor is the number that an event has')
}

const verb: Verb = {
  name: 'events',
  aliases: [],
  summary: 'print the facts, one a line',
  usage: ['events [ID] [OPTIONS]'],
  options: {
    after: { type: 'string', value: 'CURSOR', help: 'only those after this one' },
    follow: { type: 'boolean', short: 'f', help: 'go on with those that come' },
    json: { ...jsonOption, help: 'one JSON object a line' },
  },
  words: { min: 0, max: 1, name: 'an ID' },
  examples: ['offstage events --follow --json | jq .event.type', 'offstage events k3f9 --after 120'],
  run,
}

export default verb

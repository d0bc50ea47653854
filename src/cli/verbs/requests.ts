// `offstage requests`: everything that waits for an answer, over all sessions.

import type { RequestView, SessionView } from '../../core/view.ts'
import { exitCodes } from '../../client/failures.ts'
import { agentLabel, duration, jsonText, nameOf, painter, shortId, tabbed } from '../../text/format.ts'
import { choicesText, requestText } from '../../text/request-text.ts'
import { type Context, type Verb, jsonOption } from '../verb.ts'

interface Open {
  readonly session: SessionView
  readonly request: RequestView
}

async function run(context: Context): Promise<number> {
  const client = await context.client()
  const sessions = await client.list({ all: true }, context.signal)
  const open = sessions
    .filter((session) => !session.removed)
    .flatMap((session): readonly Open[] => session.requests.map((request) => ({ session, request })))
    .toSorted((a, b) => a.request.askedAt.localeCompare(b.request.askedAt))
  if (context.json) context.out(`${jsonText(open.map(jsonOf), 2)}\n`)
  else if (!context.stdout.isTTY) context.out(open.map((one) => `${line(context, one)}\n`).join(''))
  else if (open.length === 0) context.out('nothing waits for you\n')
  else context.out(open.map((one) => block(context, one)).join('\n'))
  return exitCodes.done
}

const jsonOf = ({ session, request }: Open) => ({ session: session.id, label: session.label, sessionTitle: session.title, agent: session.agent, cwd: session.cwd, ...request })

const age = (context: Context, request: RequestView): string => duration(context.now() - Date.parse(request.askedAt))

const line = (context: Context, { session, request }: Open): string =>
  tabbed([request.id, session.id, session.label ?? '', request.lost ? `lost ${request.kind}` : request.kind, request.title, choicesText(request), age(context, request)])

function block(context: Context, { session, request }: Open): string {
  const paint = painter(context.color)
  const id = shortId(request.id, [])
  const head = ` ${paint.bold(request.id)}  ${nameOf(session)}  ${paint.dim(`${agentLabel(session.agent)}  ${age(context, request)}`)}`
  const how = request.lost ? `its process is gone: offstage resume ${session.id} --answer …` : `offstage answer ${id} …`
  return `${head}\n${requestText(request, paint, 4)}\n     ${paint.dim(how)}\n`
}

const verb: Verb = {
  name: 'requests',
  aliases: [],
  summary: 'list what waits for an answer',
  usage: ['requests'],
  about: ['Into a pipe it prints one line each, tab-separated: request, session, label, kind, question, choices, age.'],
  options: { json: { ...jsonOption, help: 'print one JSON array' } },
  words: { min: 0, max: 0, name: '' },
  examples: ['offstage requests', 'offstage answer q7m2 allow'],
  run,
}

export default verb

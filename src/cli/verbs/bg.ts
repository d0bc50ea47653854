// `offstage bg`: a new session in the background. Returns once its program is known to run, or not.

import { isRefusal } from '../../core/errors.ts'
import type { SessionView } from '../../core/view.ts'
import type { Place } from '../../core/workspace.ts'
import { backgroundedText } from '../../text/backgrounded.ts'
import { exitCodes, failureOf } from '../../client/failures.ts'
import { columnsOf, jsonText, painter, shortId } from '../../text/format.ts'
import { worktreeText } from '../../text/place-text.ts'
import { launchFrom, launchOptions } from '../launch.ts'
import { notStarted, whyNotStarted } from '../../client/started.ts'
import { type Args, type Context, type Verb, jsonOption, text } from '../verb.ts'

async function run(context: Context, args: Args): Promise<number> {
  const { submission, place } = await launchFrom(context, args, text(args, 'continues') === undefined)
  const client = await context.client()
  const reply = await client.submit(submission, context.signal)
  if (isRefusal(reply)) throw failureOf(reply)
  const why = await whyNotStarted(client, submission.session, 0, context.signal)
  const all = await client.list({ all: true }, context.signal)
  const session = all.find((one) => one.id === submission.session) ?? reply.session
  if (context.json) context.out(`${jsonText(session)}\n`)
  if (why !== undefined) throw notStarted(session.id, why)
  if (!context.json) context.out(backgroundedText(backgroundedOf(session, all, whereOf(context, session, place)), painter(context.color), columnsOf(context.stdout)))
  return exitCodes.done
}

function whereOf(context: Context, session: SessionView, place: Place | undefined): string | undefined {
  const where = worktreeText(session, context.env['HOME'], place?.repository)
  return where === undefined ? undefined : `${where}${session.workspace.state === 'preparing' ? ', which is being made' : ''}`
}

const backgroundedOf = (session: SessionView, all: readonly SessionView[], where: string | undefined) => ({
  ...(where === undefined ? {} : { where }),
  id: session.id,
  shortId: shortId(
    session.id,
    all.map((one) => one.id),
  ),
  label: session.label,
  title: session.title,
  doing: session.requests[0]?.title ?? session.activity,
  asks: session.requests.length > 0,
  kind: session.kind,
  over: false,
})

const verb: Verb = {
  name: 'bg',
  aliases: [],
  summary: 'start a session in the background',
  usage: ['bg [OPTIONS] "PROMPT"', 'bg [OPTIONS] -- COMMAND [ARGS...]'],
  about: [
    'The prompt goes to an agent; "-" reads it from standard input. What follows "--" is any program, started in a terminal of its own. The session goes on when this terminal is closed.',
    'With --continues it goes on with a conversation that the agent has had on its own, and may wait for its first prompt.',
  ],
  options: { ...launchOptions, json: { ...jsonOption, help: 'print the session object' } },
  words: { min: 0, max: Infinity, name: 'a prompt' },
  program: true,
  examples: [
    'offstage bg --label rate-limits "add rate limiting to POST /login"',
    'offstage bg --agent "acp:my-agent --acp" "fix the flaky test"',
    'offstage bg -- npm run test:watch',
  ],
  run,
}

export default verb

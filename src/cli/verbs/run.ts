// `offstage run`: a new session in the foreground.

import { isRefusal } from '../../core/errors.ts'
import type { SessionView } from '../../core/view.ts'
import type { Client } from '../../sdk/client.ts'
import { answerOrder, answerTo } from '../../client/answers.ts'
import { CommandFailed, failureOf, reportFailure } from '../../client/failures.ts'
import { environmentFor } from '../../client/launch.ts'
import { submit } from '../../client/submit.ts'
import { askLine, canAsk } from '../ask-person.ts'
import { openSession } from '../foreground.ts'
import { jsonText, painter } from '../../text/format.ts'
import { choicesText, requestText } from '../../text/request-text.ts'
import { launchFrom, launchOptions } from '../launch.ts'
import { notStarted, whyNotStarted } from '../../client/started.ts'
import { type Args, type Context, type Verb, jsonOption } from '../verb.ts'

async function run(context: Context, args: Args): Promise<number> {
  // From a pipe the conversation may come line by line; a prompt that was read from it leaves nothing to read.
  const promptFromStdin = args.words.length === 1 && args.words[0] === '-'
  const { submission } = await launchFrom(context, args, context.json)
  const client = await context.client()
  const reply = await client.submit(submission, context.signal)
  if (isRefusal(reply)) throw failureOf(reply)
  const { session } = reply
  if (session.kind === 'terminal') await untilStarted(context, client, session)
  const exitCode = await openSession(context, client, session, { from: 'start', reads: !context.json && !promptFromStdin })
  if (context.json) {
    const ended = await client.get(session.id, context.signal)
    context.out(`${jsonText(ended?.session ?? session)}\n`)
  }
  return exitCode
}

/** What Offstage asks before its program starts is asked here, where somebody can answer. */
async function untilStarted(context: Context, client: Client, { id, workspace }: SessionView): Promise<void> {
  for (let after = 0; ;) {
    const why = await whyNotStarted(client, id, after, context.signal, workspace.state === 'preparing')
    if (why !== undefined) throw notStarted(id, why)
    const now = await client.get(id, context.signal)
    const request = now?.session.requests.find(({ lost }) => !lost)
    if (!now || !request || now.session.run?.alive) return
    if (!canAsk(context)) {
      throw new CommandFailed('waiting', `session ${id} asks before it starts: ${request.title}`, {
        exitCode: waiting,
        hint: `offstage answer ${id} CHOICE, then offstage switch ${id}; one of: ${choicesText(request)}`,
      })
    }
    context.err(`${requestText(request, painter(context.color))}\n`)
    const choice = await askLine(context, '     answer: ')
    if (choice === undefined) throw new CommandFailed('waiting', `session ${id} waits for your answer`, { exitCode: waiting, hint: `offstage answer ${id} CHOICE` })
    try {
      const { session } = now
      const order = await answerOrder(session, request.id, answerTo(request, { choice }), () => environmentFor(context.env, session.agent, session.cwd))
      await submit(client, order, context.signal)
      after = now.cursor
    } catch (thrown) {
      reportFailure(context, thrown)
    }
  }
}

/** As `offstage wait` says it. */
const waiting = 10

const verb: Verb = {
  name: 'run',
  aliases: [],
  summary: 'start a session in the foreground',
  usage: ['run [OPTIONS] ["PROMPT"]', 'run [OPTIONS] -- COMMAND [ARGS...]'],
  about: [
    'An agent: a conversation on the whole screen. What is written is a prompt, digits answer what the agent asks, /help and F1 list all commands and keys; /bg, Ctrl-D or a closed terminal leave it running.',
    'With --continues it goes on with a conversation that the agent has had on its own.',
    'A program: its own screen, with a line below it. Ctrl-\\ then d leaves it running, s leaves it and lists the others, h hides the line, ? shows these keys.',
    'Where a screen reader is set ([view] screen_reader) a conversation is told in lines. Without a terminal, lines of standard input are prompts and answers, taken when the agent can take them; it returns when they are used up and the agent is at rest: 0 completed, 10 waiting, 11 failed, 12 stopped.',
  ],
  options: { ...launchOptions, json: { ...jsonOption, help: 'say nothing, and print the session object at the end' } },
  words: { min: 0, max: Infinity, name: 'a prompt' },
  program: true,
  examples: ['offstage run "add a /users/preferences endpoint"', 'offstage run --label shell -- bash'],
  run,
}

export default verb

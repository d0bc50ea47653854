// `offstage resume`: a new run of a session that has none. With `--answer` it tells the agent the answer to a question that died with its process.

import { lostAnswerPrompt } from '../../core/decide.ts'
import type { Answer } from '../../core/requests.ts'
import { withoutSecrets } from '../../core/requests.ts'
import { printable, printableLine } from '../../core/terminal-text.ts'
import type { RequestView, SessionView } from '../../core/view.ts'
import { answerTo, askOf } from '../../client/answers.ts'
import { answerOptions, wordsFrom } from '../answering.ts'
import { CommandFailed, exitCodes, refusedError } from '../../client/failures.ts'
import { findSession } from '../../client/find.ts'
import { agentLabel, nameOf } from '../../text/format.ts'
import { environmentFor } from '../../client/launch.ts'
import { variables } from '../launch.ts'
import { printResult } from '../result.ts'
import { notStarted, whyNotStarted } from '../../client/started.ts'
import { submit } from '../../client/submit.ts'
import { type Args, type Context, type Verb, flag, jsonOption, text, texts, word } from '../verb.ts'

async function run(context: Context, args: Args): Promise<number> {
  const choice = text(args, 'answer')
  const answers = choice !== undefined || texts(args, 'field').length > 0 || flag(args, 'decline')
  const words = answers ? wordsFrom(choice, texts(args, 'field'), flag(args, 'decline')) : undefined
  const extra = variables(texts(args, 'env'))
  const client = await context.client()
  const found = await findSession(client, word(args), context.signal)
  const environment = await environmentFor(context.env, found.agent, found.cwd, extra)
  let reply: { readonly requestId: string; readonly answer: Answer } | undefined
  if (words) {
    const request = lostRequest(found, text(args, 'request'))
    reply = { requestId: request.id, answer: answerTo(request, words) }
    // Shown first: it is sent as the user's own words.
    const prompt = lostAnswerPrompt({ ...askOf(request), run: 0, askedAtMs: 0, lost: true }, withoutSecrets(askOf(request), reply.answer).answer)
    context.err(`this is sent to ${agentLabel(found.agent)}:\n\n${printable(prompt).replace(/^/gm, '   ')}\n\n`)
  }
  const before = await client.get(found.id, context.signal)
  const { session } = await submit(client, { session: found.id, command: { type: 'resume', ...(reply ? { answer: reply } : {}) }, environment }, context.signal)
  const why = await whyNotStarted(client, found.id, before?.cursor ?? 0, context.signal)
  if (why !== undefined) throw notStarted(found.id, why)
  const dropped = words ? [] : found.requests.filter((request) => request.lost)
  for (const request of dropped) context.err(`not answered: ${printableLine(request.title)}\n`)
  printResult(context, session, `resumed ${session.id}  ${nameOf(session)}`)
  return exitCodes.done
}

function lostRequest(session: SessionView, wanted: string | undefined): RequestView {
  const lost = session.requests.filter((request) => request.lost && (wanted === undefined || request.id.startsWith(wanted)))
  const [first] = lost
  if (!first) {
    const open = session.requests.some((request) => !request.lost)
    throw refusedError(
      'not-asked',
      `session ${session.id} has no lost question`,
      open ? `its question is still open: offstage answer ${session.id} …` : `offstage resume ${session.id} starts it without an answer`,
    )
  }
  if (lost.length === 1) return first
  throw new CommandFailed('ambiguous', `session ${session.id} has ${lost.length} lost questions`, {
    exitCode: exitCodes.unknown,
    hint: 'choose one with --request ID',
    candidates: lost.map(({ id, title }) => ({ id, label: null, title })),
  })
}

const verb: Verb = {
  name: 'resume',
  aliases: [],
  summary: 'start the agent of a session again',
  usage: ['resume ID [OPTIONS]'],
  about: [
    'For a session that was stopped, failed, or lost its process. The agent goes on with its own memory of it where it can. Nothing is ever sent again by itself.',
    'A question that was open when its process died cannot be answered any more; --answer puts question and answer into a new prompt, and prints it first.',
  ],
  options: {
    answer: { type: 'string', value: 'CHOICE', help: 'your answer to the question it died with' },
    ...answerOptions,
    request: { type: 'string', value: 'ID', help: 'which question, when it had several' },
    env: { type: 'string', multiple: true, value: 'K=V', help: 'one more variable of its environment' },
    json: { ...jsonOption, help: 'print the session object' },
  },
  words: { min: 1, max: 1, name: 'an ID' },
  examples: ['offstage resume k3f9', 'offstage resume k3f9 --answer "allow once"'],
  run,
}

export default verb

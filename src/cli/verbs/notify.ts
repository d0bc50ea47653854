// `offstage notify`: how the user is told when nobody looks, a test of every way, and sessions that are not to be told of.

import type { ChannelReport, NotifyReport } from '../../core/announcement.ts'
import { printableLine } from '../../core/terminal-text.ts'
import type { SessionView } from '../../core/view.ts'
import type { Client } from '../../sdk/client.ts'
import { exitCodes, usageError } from '../../client/failures.ts'
import { allSessions, findSession } from '../../client/find.ts'
import { duration, jsonText, nameOf, padded } from '../../text/format.ts'
import { nearest } from '../../text/nearest.ts'
import { terminalNotice } from '../../text/terminal-notice.ts'
import { submit } from '../../client/submit.ts'
import { printResult } from '../result.ts'
import { type Args, type Context, type Verb, jsonOption, word } from '../verb.ts'

const actions = ['status', 'test', 'off', 'on']

async function run(context: Context, args: Args): Promise<number> {
  const action = args.words[0] ?? 'status'
  if (!actions.includes(action)) {
    const near = nearest(action, actions)
    throw usageError(`"${action}" is not one of ${actions.join(', ')}`, near === undefined ? 'offstage notify --help says more' : `did you mean offstage notify ${near}?`)
  }
  const isOfSession = action === 'off' || action === 'on'
  if (isOfSession !== args.words.length > 1)
    throw usageError(isOfSession ? `notify ${action} needs an ID` : `notify ${action} takes no ID`, `offstage notify off ID mutes a session`)
  const client = await context.client()
  if (isOfSession) return await mute(context, client, word(args, 1), action === 'off')
  const report = await client.notify({ test: action === 'test' }, context.signal)
  return action === 'test' ? printTest(context, report) : await printStatus(context, client, report)
}

async function mute(context: Context, client: Client, typed: string, muted: boolean): Promise<number> {
  const found = await findSession(client, typed, context.signal)
  const { session } = await submit(client, { session: found.id, command: { type: 'mute', muted } }, context.signal)
  printResult(context, session, `${nameOf(session)} is ${muted ? 'muted: you are not told of it' : 'not muted: you are told of it'}`)
  return exitCodes.done
}

async function printStatus(context: Context, client: Client, report: NotifyReport): Promise<number> {
  const muted = (await allSessions(client, context.signal)).filter((session) => session.muted && !session.removed)
  if (context.json) context.out(`${jsonText({ ...report, muted: muted.map(({ id }) => id) })}\n`)
  else context.out(statusText(report, muted))
  return exitCodes.done
}

function statusText({ tells, onScreen, minDurationMs, quiet, channels, problem }: NotifyReport, muted: readonly SessionView[]): string {
  const kinds = tells.map((about) => (about === 'completed' && minDurationMs > 0 ? `completed after ${duration(minDurationMs)} or more` : about.replace('-', ' ')))
  const rows: readonly (readonly [string, string])[] = [
    ['told', kinds.length === 0 ? 'nothing' : `${kinds.join(', ')}${onScreen ? '; also what is on a screen' : ''}`],
    ...(quiet ? ([['quiet', `${quiet.hours}${quiet.now ? ', which is now' : ''}`]] as const) : []),
    ...channels.map(({ channel, on, detail }) => [channel, on ? detail : detail === 'off' ? 'off' : `off: ${detail}`] as const),
    ...muted.map((session) => ['muted', `${session.id}  ${nameOf(session)}`] as const),
    ...(problem === null ? [] : ([['problem', problem]] as const)),
  ]
  return rows.map(([name, value]) => ` ${padded(name, 10)}${printableLine(value)}\n`).join('')
}

function printTest(context: Context, report: NotifyReport): number {
  const tried = report.channels.filter(({ on }) => on).map((one) => (one.channel === 'terminal' ? ofTerminal(context, one) : one))
  if (context.json) context.out(`${jsonText({ ...report, channels: report.channels.map((one) => tried.find(({ channel }) => channel === one.channel) ?? one) })}\n`)
  else {
    for (const { channel, detail, result } of tried) {
      const more = result?.detail === undefined ? '' : `: ${result.detail}`
      context.out(` ${padded(channel, 10)}${printableLine(result ? `${result.how}${result.how === 'told' && more === '' ? ` by ${detail}` : more}` : detail)}\n`)
    }
    if (tried.length === 0) context.out('no channel is on: see [notify] in config.toml\n')
    if (report.problem !== null) context.out(` ${padded('problem', 10)}${printableLine(report.problem)}\n`)
  }
  return tried.some(({ result }) => result?.how === 'failed') ? exitCodes.failed : exitCodes.done
}

/** This one, if there is one: the daemon has none. */
function ofTerminal(context: Context, report: ChannelReport): ChannelReport {
  if (context.json || context.stdout.isTTY !== true) return { ...report, detail: 'not tried: this is no terminal' }
  context.out(terminalNotice(context.env, { title: 'offstage', body: 'This is a test: you are told by this channel.' }))
  return { ...report, detail: 'this terminal', result: { how: 'told' } }
}

const verb: Verb = {
  name: 'notify',
  aliases: [],
  summary: 'say how you are told when nobody looks',
  usage: ['notify [status|test]', 'notify off ID', 'notify on ID'],
  about: [
    'You are told when a session needs you, completed or failed: by the terminal while a screen of Offstage is open, by the desktop, by a command of yours, by a web hook. [notify] in config.toml sets it.',
    '"test" tries every channel that is on. "off" and "on" are for one session.',
  ],
  options: { json: { ...jsonOption, help: 'print JSON' } },
  words: { min: 0, max: 2, name: 'an action and an ID' },
  examples: ['offstage notify', 'offstage notify test', 'offstage notify off k3f9'],
  run,
}

export default verb

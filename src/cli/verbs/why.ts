// `offstage why`: the status with its reason and evidence, how it was started, and the chain of facts behind it.

import type { Envelope, Event } from '../../core/events.ts'
import { stateKey } from '../../core/signal.ts'
import { plainText, printable, printableLine } from '../../core/terminal-text.ts'
import type { SessionView } from '../../core/view.ts'
import type { Client } from '../../sdk/client.ts'
import { checkRows } from '../../text/checks-text.ts'
import { eventText } from '../../text/event-text.ts'
import { shownStatus } from '../../text/status-words.ts'
import { workspaceRows } from '../../text/workspace-rows.ts'
import { exitCodes } from '../../client/failures.ts'
import { findSession } from '../../client/find.ts'
import { agentLabel, clock, columnsOf, cut, duration, jsonText, nameOf, padded, painter, shortPath, statusMark } from '../../text/format.ts'
import { type Args, type Context, type Verb, flag, jsonOption, word } from '../verb.ts'

const shownEvents = 30
const shownDeliveries = 12
const stderrBytes = 4000
const stderrLines = 12

/** What tells nothing about a status. */
const quiet: ReadonlySet<Event['type']> = new Set(['entry-written', 'usage-reported', 'shown', 'agent-offers', 'notified'])

async function run(context: Context, args: Args): Promise<number> {
  const client = await context.client()
  const found = await findSession(client, word(args), context.signal)
  const session = (await client.get(found.id, context.signal))?.session ?? found
  const events: Envelope[] = []
  for await (const frame of client.watch({ session: session.id, after: 0, follow: false }, context.signal)) if (frame.kind === 'fact') events.push(frame.envelope)
  const stderr = await endOfStderr(client, session, context.signal)
  const now = session.run?.pid ? await (await import('../../sdk/see-program.ts')).seeProgram(session.run.pid, session.workspace.path) : []
  if (context.json) context.out(`${jsonText({ session, ...launchOf(events), events, stderr, now }, 2)}\n`)
  else context.out(report(context, session, events, { stderr, now }, flag(args, 'all')))
  return exitCodes.done
}

async function endOfStderr(client: Client, session: SessionView, signal: AbortSignal): Promise<string> {
  if (session.run === null) return ''
  const parts: Uint8Array[] = []
  for await (const { bytes } of client.output({ session: session.id, stream: 'err', from: -stderrBytes, follow: false }, signal)) parts.push(bytes)
  return plainText(Buffer.concat(parts)).trimEnd()
}

function launchOf(events: readonly Envelope[]) {
  let environmentNames: readonly string[] = []
  let program: { readonly name: string; readonly version: string } | null = null
  const notes: string[] = []
  for (const { event } of events) {
    if (event.type === 'run-starting') environmentNames = event.environmentNames
    if (event.type === 'agent-ready') program = { name: event.agentName ?? '', version: event.agentVersion ?? '' }
    if (event.type === 'noted') notes.push(event.text)
  }
  const first = events[0]?.event
  return { spec: first?.type === 'created' ? first.spec : null, program, environmentNames, notes }
}

function report(context: Context, session: SessionView, events: readonly Envelope[], seen: { readonly stderr: string; readonly now: readonly string[] }, all: boolean): string {
  const paint = painter(context.color)
  const columns = context.stdout.isTTY ? Math.max(40, columnsOf(context.stdout)) : Infinity
  const { spec, program, environmentNames, notes } = launchOf(events)
  const head = [paint.bold(session.id), nameOf(session), agentLabel(session.agent), paint.dim(shortPath(session.cwd, context.env['HOME']))].join('  ')
  const reason = session.reason === '' || session.reason === session.status ? '' : `: ${printableLine(session.reason)}`
  const told = all ? events : telling(events)
  const shown = all ? told : told.slice(-shownEvents)
  const line = ({ atMs, event }: Envelope): string => `   ${paint.dim(clock(atMs))}  ${padded(event.type, 17)}  ${cut(eventText(event), columns - 33)}`.trimEnd()
  const row = (name: string, value: string | undefined): readonly string[] => (value === undefined || value === '' ? [] : [`   ${padded(name, 12)}${printableLine(value)}`])
  return [
    ` ${head}`,
    ` ${paint.status(shownStatus(session), `${statusMark[shownStatus(session)]} ${session.status}`)}${reason}`,
    ...[...seen.now, ...session.evidence].map((one) => `   ${printableLine(one)}`),
    ...section(
      ' what it says of itself',
      session.signals.map(({ source, value, since }) => `${padded(source, 14)}${printableLine(value)}, ${duration(context.now() - Date.parse(since))} ago`),
    ),
    ...section(' where it works', workspaceRows(session, events, context.env['HOME'])),
    '',
    ' how it was started',
    ...row('agent', spec?.kind === 'agent' || spec?.resumeArgv ? spec.agent : undefined),
    ...row('version', program ? `${program.name} ${program.version}`.trim() : undefined),
    ...row('program', spec?.argv.join(' ')),
    ...row('later', spec?.resumeArgv?.join(' ')),
    ...row('continues', spec?.continues),
    ...row('directory', spec?.cwd),
    ...row('workspace', spec?.workspace),
    ...row('set-up', spec?.preparation?.setup),
    ...row('checks', session.checks.join('; ')),
    ...row('driver', spec?.driver),
    ...row('resume', spec?.resume),
    ...row('mode', spec?.mode),
    ...row('model', spec?.model),
    ...row('environment', environmentNames.toSorted().join(' ')),
    '',
    ' what happened',
    ...(told.length > shown.length ? [`   ${paint.dim(`${told.length - shown.length} earlier: offstage events ${session.id}`)}`] : []),
    ...shown.map(line),
    ...section(' its checks', session.checking ? ['they run now'] : checkRows(session.outcome?.checks ?? [], painter(false)).map((one) => one.slice(3))),
    ...section(' what you were told', deliveries(session, events)),
    ...section(' notes', notes),
    ...section(' the end of stderr', seen.stderr === '' ? [] : seen.stderr.split('\n').slice(-stderrLines)),
    '',
  ].join('\n')
}

/** The newest ones: when, by which channel, of what, and what became of it. */
function deliveries(session: SessionView, events: readonly Envelope[]): readonly string[] {
  const asked = new Map(events.flatMap(({ event }) => (event.type === 'asked' ? [[event.ask.id, `${event.ask.kind}: ${event.ask.title}`] as const] : [])))
  const rows = events.flatMap(({ atMs, event }) => {
    if (event.type !== 'notified') return []
    const { about, of, channel, how, detail } = event
    const result = detail === undefined ? how : `${how}: ${detail}`
    return [printableLine(`${clock(atMs)}  ${padded(channel, 8)}  ${asked.get(of) ?? about.replace('-', ' ')}  ${result}`)]
  })
  return [...rows.slice(-shownDeliveries), ...(session.muted ? [`it is muted: offstage notify on ${session.id}`] : [])]
}

/** Without what tells nothing about a status: of what a program says of itself, only that which made another state. */
function telling(events: readonly Envelope[]): readonly Envelope[] {
  let said = ''
  return events.filter(({ event }) => {
    if (event.type === 'run-starting') said = ''
    if (event.type !== 'signaled') return !quiet.has(event.type)
    const before = said
    said = stateKey(event.signal)
    return said !== before
  })
}

const section = (title: string, lines: readonly string[]): readonly string[] => (lines.length === 0 ? [] : ['', title, ...lines.map((line) => `   ${printable(line)}`)])

const verb: Verb = {
  name: 'why',
  aliases: [],
  summary: 'explain the status of a session',
  usage: ['why ID'],
  options: { all: { type: 'boolean', short: 'a', help: 'every fact, also what the agent said' }, json: { ...jsonOption, help: 'print all of it as one JSON object' } },
  words: { min: 1, max: 1, name: 'an ID' },
  examples: ['offstage why k3f9'],
  run,
}

export default verb

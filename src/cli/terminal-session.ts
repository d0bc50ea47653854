// A terminal session in the foreground: its raw screen in the user's terminal, or, without one, its output as text until it ends.

import { setTimeout as delay } from 'node:timers/promises'
import type { Screen } from '../core/api.ts'
import type { Exit, TerminalSize } from '../core/events.ts'
import { PlainText } from '../core/terminal-text.ts'
import type { SessionView } from '../core/view.ts'
import type { Client } from '../sdk/client.ts'
import { backgroundedText } from '../text/backgrounded.ts'
import { exitText } from '../text/event-text.ts'
import { exitCodes, refusedError, signalExitCode } from '../client/failures.ts'
import { columnsOf, nameOf, painter, shortId } from '../text/format.ts'
import { sessionsTable } from '../text/sessions-table.ts'
import { ownConfig } from '../client/own-config.ts'
import { newId } from '../client/submit.ts'
import type { AttachEnd, AttachExit } from './attach.ts'
import type { Context } from './verb.ts'

/** Who leaves waits this long at most for "it was seen" to be recorded. */
const shownWithinMs = 15
/** A screen that takes longer is not waited for. */
const screenWithinMs = 1000
/** Of a terminal that ended before it was looked at: so much of its end. */
const endBytes = 64 * 1024
const lastLineCount = 10
/** Whoever came from a list is not kept waiting for a program that does not start. */
const startsWithinMs = 2000
/** The list of sessions is not waited for longer than that when one is left for another. */
const listWithinMs = 1000

export interface TerminalOpening {
  /** It was started just now, by us. */
  readonly fresh: boolean
  readonly ids: () => readonly string[]
  readonly readOnly: boolean
}

/** How a screen was left. By the key `s` for another session. */
export type TerminalLeft = AttachEnd | { readonly kind: 'over'; readonly lastLines: readonly string[] }

/** With `quiet` nothing is printed but the screen itself, and how it was left is returned; `over` is a session without a screen, which is as good as over. Else it is said, and the exit code returned: that
 *  of the program when it ended in front of us. */
export function showTerminal(context: Context, client: Client, session: SessionView, opening: TerminalOpening & { readonly quiet: true }): Promise<TerminalLeft>
export function showTerminal(context: Context, client: Client, session: SessionView, opening: TerminalOpening): Promise<number>
export async function showTerminal(
  context: Context,
  client: Client,
  session: SessionView,
  opening: TerminalOpening & { readonly quiet?: boolean },
): Promise<number | TerminalLeft> {
  const starts = settled(context, client, session, (view) => view.attach !== null || isOver(view))
  const live = opening.quiet ? await within(startsWithinMs, starts, session) : await starts
  // One that is connected by pipes has no screen.
  const screen = context.stdin.isTTY && context.stdout.isTTY && !context.json && session.driver === 'terminal'
  const end = screen && live.attach ? await attached(context, client, live, opening) : undefined
  if (opening.quiet) return end ?? { kind: 'over', lastLines: (await endOf(context, client, live)).trimEnd().split('\n').slice(-lastLineCount) }
  if (end) return await ended(context, client, live, opening, end)
  if (isOver(live) && !opening.fresh) return await told(context, client, live)
  return await streamed(context, client, session, opening)
}

/** `late` when it takes longer, or fails. */
async function within<T>(ms: number, coming: Promise<T>, late: T): Promise<T> {
  const waited = new AbortController()
  try {
    return await Promise.race([coming.catch(() => late), delay(ms, late, { signal: waited.signal }).catch(() => late)])
  } finally {
    waited.abort()
  }
}

/** One that says of itself that it is done is not over. */
const isOver = ({ status, run }: SessionView): boolean => !run?.alive && (status === 'completed' || status === 'failed' || status === 'stopped')

/** The session as soon as it is like that. */
async function settled(context: Context, client: Client, session: SessionView, isThere: (view: SessionView) => boolean): Promise<SessionView> {
  let seen = await client.get(session.id, context.signal)
  if (!seen || isThere(seen.session)) return seen?.session ?? session
  const watching = new AbortController()
  try {
    for await (const frame of client.watch({ session: session.id, after: seen.cursor, follow: true }, AbortSignal.any([context.signal, watching.signal]))) {
      if (frame.kind !== 'fact') continue
      seen = (await client.get(session.id, context.signal)) ?? seen
      if (isThere(seen.session)) return seen.session
    }
  } finally {
    watching.abort()
  }
  context.signal.throwIfAborted()
  return seen.session
}

/** Undefined when its keeper is not there any more. */
async function attached(context: Context, client: Client, session: SessionView, { readOnly }: TerminalOpening): Promise<AttachEnd | undefined> {
  const [{ attach }, { connectTerminal }, { followedLine }, { config }] = await Promise.all([
    import('./attach.ts'),
    import('../sdk/terminal.ts'),
    import('./status-line/source.ts'),
    ownConfig(context.env),
  ])
  const { prefixKey, view } = config
  const connection = await connectTerminal(session, context.signal)
  if (!connection) return undefined
  const left = new AbortController()
  try {
    const screen = (size: TerminalSize | undefined) => screenOf(context, client, session, size)
    const line = followedLine(client, session, { shown: view.terminalStatusLine, color: context.color, readOnly }, AbortSignal.any([context.signal, left.signal]))
    const end = await attach({ connection, input: process.stdin, output: process.stdout, signals: process, prefix: prefixKey.byte, keys, screen, readOnly, line }, context.signal)
    await markShown(context, client, session)
    return end
  } finally {
    left.abort()
    connection.close()
  }
}

const keys = [
  { key: 'd', does: 'leaves' },
  { key: 's', also: 'w', does: 'switches' },
]

/** The exit code. */
async function ended(context: Context, client: Client, session: SessionView, { ids }: TerminalOpening, end: AttachEnd): Promise<number> {
  switch (end.kind) {
    case 'exited': {
      const { exit } = end
      context.err(` ${session.id}  ${nameOf(session)}: ${attachExitText(exit)}\n`)
      return exit.kind === 'code' ? exit.code : 128 + exit.signal
    }
    case 'detached':
      context.out(end.key === 's' ? await otherSessions(context, client, session, ids) : leftText(context, session, ids))
      return exitCodes.done
    case 'lost':
      return await told(context, client, await settled(context, client, session, isOver))
  }
}

export const attachExitText = (exit: AttachExit): string => (exit.kind === 'code' ? exitText({ code: exit.code }) : `killed by signal ${exit.signal}`)

/** Those to go to; without a daemon that could tell them, what is said of the one that was left. */
async function otherSessions(context: Context, client: Client, session: SessionView, ids: () => readonly string[]): Promise<string> {
  const sessions = await within(listWithinMs, client.list({ all: false }, context.signal), [])
  if (sessions.length === 0) return leftText(context, session, ids)
  const table = sessionsTable(sessions, { columns: columnsOf(context.stdout), color: context.color, home: context.env['HOME'] })
  return `${table}   offstage switch ID   goes to one\n`
}

/** Undefined when the daemon does not know it soon enough, for whatever reason: then there is still the end of the log. */
async function screenOf(context: Context, client: Client, session: SessionView, size: TerminalSize | undefined): Promise<Screen | undefined> {
  const waited = new AbortController()
  const late = delay(screenWithinMs, undefined, { signal: waited.signal }).catch(() => undefined)
  const asked = client.screen(
    { session: session.id, ...(session.run ? { run: session.run.number } : {}), ...(size ? { size } : {}) },
    AbortSignal.any([context.signal, waited.signal]),
  )
  try {
    return await Promise.race([asked.catch(() => undefined), late])
  } finally {
    waited.abort()
  }
}

function leftText(context: Context, session: SessionView, ids: () => readonly string[]): string {
  const { id, label, title } = session
  return backgroundedText(
    { id, shortId: shortId(id, ids()), label, title, doing: '', asks: false, kind: 'terminal', over: false },
    painter(context.color),
    columnsOf(context.stdout),
  )
}

/** What was on the screen was seen. */
async function markShown(context: Context, client: Client, session: SessionView): Promise<void> {
  const seen = async (): Promise<void> => {
    const now = await client.get(session.id, context.signal)
    if (now) await client.submit({ session: session.id, commandId: newId(), command: { type: 'show', entries: now.session.entries } }, context.signal)
  }
  const waited = new AbortController()
  await Promise.race([seen(), delay(shownWithinMs, undefined, { signal: waited.signal })]).catch(() => {})
  waited.abort()
}

async function streamed(context: Context, client: Client, session: SessionView, { ids }: TerminalOpening): Promise<number> {
  const out = context.json ? () => {} : context.out
  const err = context.json ? () => {} : context.err
  // With pipes its stderr is apart, and stays so.
  await Promise.all([stream(context, client, session, 'out', out), session.driver === 'command' ? stream(context, client, session, 'err', err) : undefined])
  if (context.signal.aborted) {
    context.err(leftText(context, session, ids))
    return signalExitCode(context.signal.reason)
  }
  const { exit, reason } = await settled(context, client, session, (view) => view.exit !== null || isOver(view))
  if (exit === null) throw refusedError('not-running', `session ${session.id} has no program running: ${reason}`, `offstage why ${session.id} says more`)
  return exitCodeOf(exit)
}

async function stream(context: Context, client: Client, session: SessionView, name: 'out' | 'err', print: (text: string) => void): Promise<void> {
  const plain = new PlainText()
  try {
    for await (const { bytes } of client.output({ session: session.id, stream: name, from: 0, follow: true }, context.signal)) print(plain.push(bytes))
  } catch (thrown) {
    if (!context.signal.aborted) throw thrown
  }
  print(plain.end())
}

const exitCodeOf = (exit: Exit): number => ('code' in exit ? exit.code : exitCodes.failed)

/** One that had ended before we came: the end of what it printed, and how it ended. */
async function told(context: Context, client: Client, session: SessionView): Promise<number> {
  if (!context.json) {
    const printed = await endOf(context, client, session)
    context.out(printed === '' || printed.endsWith('\n') ? printed : `${printed}\n`)
    if (context.stdout.isTTY) await markShown(context, client, session)
    context.err(` ${session.id}  ${nameOf(session)}: ${session.exit ? exitText(session.exit) : session.status}\n   offstage resume ${session.id}   starts it again\n`)
  }
  return exitCodes.done
}

async function endOf(context: Context, client: Client, session: SessionView): Promise<string> {
  const plain = new PlainText()
  let printed = ''
  for await (const { bytes } of client.output({ session: session.id, stream: 'out', from: -endBytes, follow: false }, context.signal)) printed += plain.push(bytes)
  return printed + plain.end()
}

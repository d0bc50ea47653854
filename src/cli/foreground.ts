// A session in the foreground, until it is left: a conversation with an agent, or the screen of a terminal; `/switch` goes from one to the next. Says at the end how to come back.

import type { SessionView } from '../core/view.ts'
import type { Client } from '../sdk/client.ts'
import { backgroundedText } from '../text/backgrounded.ts'
import { Conversation } from './conversation.ts'
import type { Ending, Happening, Surface } from './conversation-parts.ts'
import { exitCodes, signalExitCode } from '../client/failures.ts'
import { columnsOf, painter, shortId } from '../text/format.ts'
import { InputLine } from './input-line.ts'
import { environmentFor } from '../client/launch.ts'
import { labelSurely } from './label-surely.ts'
import { Mailbox } from './mailbox.ts'
import { readLines } from './read-lines.ts'
import { PlainSheet } from './sheet.ts'
import { openOnScreen, wayToShow } from './screens.ts'
import { untilKept } from '../client/kept.ts'
import { notStarted } from '../client/started.ts'
import { showTerminal } from './terminal-session.ts'
import type { Context } from './verb.ts'

/** What a session starts with in the foreground. */
export interface Opening {
  readonly from: 'start' | 'unseen'
  /** Lines of standard input are for it. */
  readonly reads: boolean
  /** Nothing that is typed reaches it. */
  readonly readOnly?: boolean
}

/** The exit code. */
export async function openSession(context: Context, client: Client, first: SessionView, opening: Opening): Promise<number> {
  let session = first
  let { from } = opening
  const ids = knownIds(context, client)
  for (;;) {
    const way = session.kind === 'agent' && opening.reads ? await wayToShow(context) : undefined
    if (way?.kind === 'screens') return await openOnScreen(context, client, way.config, { session, from })
    if (session.kind === 'terminal') {
      const code = await showTerminal(context, client, session, { fresh: from === 'start', ids, readOnly: opening.readOnly ?? false })
      // A script goes on at once.
      if (!context.stdout.isTTY) await untilKept(client, session.id, context.signal)
      return code
    }
    const done = await converse(context, client, session, { ...opening, from }, ids)
    if (done.kind === 'exit') return done.code
    session = done.to
    from = 'unseen'
  }
}

/** Ids of all sessions, for the short form of one: asked for at the beginning, because nobody waits at the end. */
function knownIds(context: Context, client: Client): () => readonly string[] {
  let ids: readonly string[] = []
  client.list({ all: true }, context.signal).then(
    (all) => (ids = all.map((one) => one.id)),
    () => {},
  )
  return () => ids
}

type Done = { readonly kind: 'exit'; readonly code: number } | { readonly kind: 'to'; readonly to: SessionView }

async function converse(context: Context, client: Client, session: SessionView, opening: Opening, ids: () => readonly string[]): Promise<Done> {
  const paint = painter(context.color)
  const mailbox = new Mailbox<Happening>()
  const surface = openSurface(context, mailbox, opening.reads)
  const environment = () => environmentFor(context.env, session.agent, session.cwd)
  const conversation = new Conversation({ context, client, session, surface, paint, from: opening.from, mailbox, environment })
  const leave = (): void => mailbox.put({ kind: 'leave' })
  const closed = new AbortController()
  context.signal.addEventListener('abort', leave, { signal: closed.signal })
  if (context.signal.aborted) leave()
  let ending: Ending
  try {
    ending = await conversation.run(closed.signal)
  } finally {
    closed.abort()
    surface.close()
  }
  switch (ending.kind) {
    case 'switched':
      return { kind: 'to', to: ending.to }
    case 'ended':
      context.out(`   ${ending.text}\n`)
      return { kind: 'exit', code: exitCodes.done }
    case 'not-started':
      throw notStarted(session.id, ending.why)
    case 'rest':
      await untilKept(client, session.id, context.signal)
      return { kind: 'exit', code: restExitCode(conversation.status) }
    case 'left': {
      const { known } = conversation
      const told = { id: session.id, shortId: shortId(session.id, ids()), ...known, label: ending.label ?? known.label, kind: 'agent' as const }
      const text = backgroundedText(told, paint, surface.columns())
      if (surface.interactive) context.out(`\n${text}`)
      else context.err(text)
      if (ending.label !== undefined) await labelSurely(context, client, session.id, ending.label)
      const interrupted = context.signal.aborted && !surface.interactive
      return { kind: 'exit', code: interrupted ? signalExitCode(context.signal.reason) : exitCodes.done }
    }
  }
}

/** For a pipe: as `wait` says it. */
export function restExitCode(status: SessionView['status']): number {
  switch (status) {
    case 'failed':
      return 11
    case 'stopped':
      return 12
    case 'waiting':
      return 10
    default:
      return exitCodes.done
  }
}

type OpenSurface = Surface & { close(): void }

function openSurface(context: Context, mailbox: Mailbox<Happening>, reads: boolean): OpenSurface {
  const { stdin, stdout } = context
  const typed = { line: (text: string) => mailbox.put({ kind: 'line', text }), interrupt: () => mailbox.put({ kind: 'interrupt' }), end: () => mailbox.put({ kind: 'leave' }) }
  if (stdin.isTTY && stdout.isTTY && reads && !context.json) {
    const line = new InputLine(stdin, stdout, painter(context.color), typed)
    return {
      interactive: true,
      columns: () => columnsOf(stdout),
      print: (text) => line.print(text),
      tail: (row) => line.tail(row),
      doing: (text) => line.doing(text),
      hide: (hidden) => line.hide(hidden),
      close: () => line.close(),
    }
  }
  const sheet = new PlainSheet(context.json ? () => {} : context.out)
  const stop = reads ? readLines(stdin, typed.line, () => mailbox.put({ kind: 'eof' })) : undefined
  if (!reads) mailbox.put({ kind: 'eof' })
  return {
    interactive: false,
    columns: () => (stdout.isTTY ? columnsOf(stdout) : Infinity),
    print: (text) => sheet.print(text),
    tail: (row) => sheet.tail(row),
    doing: () => {},
    hide: () => {},
    close: () => stop?.(),
  }
}

// A terminal session in the foreground: its raw screen in the user's terminal, or, without one, its output as text until it ends.

import { PlainText, printableLine } from '../core/terminal-text.ts'
import type { Exit } from '../core/events.ts'
import type { SessionView } from '../core/view.ts'
import type { Client } from '../sdk/client.ts'
import { backgroundedText } from './backgrounded.ts'
import { exitCodes, refusedError } from './failures.ts'
import { painter, shortId } from './format.ts'
import { newId } from './submit.ts'
import type { Context } from './verb.ts'

/** The exit code: that of the program when it ended in front of us. */
export async function showTerminal(context: Context, client: Client, session: SessionView, ids: () => readonly string[]): Promise<number> {
  const { stdin, stdout } = context
  const live = await liveSession(context, client, session)
  if (stdin.isTTY && stdout.isTTY && live?.attach) return await attached(context, client, live, ids)
  return await streamed(context, client, session)
}

/** The session once its program runs, with the way to its keeper; undefined when it has none any more. */
async function liveSession(context: Context, client: Client, session: SessionView): Promise<SessionView | undefined> {
  const isOver = (view: SessionView): boolean => view.status === 'completed' || view.status === 'failed' || view.status === 'stopped'
  let seen = await client.get(session.id, context.signal)
  if (!seen || seen.session.attach || isOver(seen.session)) return seen?.session.attach ? seen.session : undefined
  const watching = new AbortController()
  try {
    for await (const frame of client.watch({ session: session.id, after: seen.cursor, follow: true }, AbortSignal.any([context.signal, watching.signal]))) {
      if (frame.kind !== 'fact') continue
      seen = await client.get(session.id, context.signal)
      if (!seen || seen.session.attach || isOver(seen.session)) return seen?.session.attach ? seen.session : undefined
    }
  } finally {
    watching.abort()
  }
  context.signal.throwIfAborted()
  return undefined
}

async function attached(context: Context, client: Client, session: SessionView, ids: () => readonly string[]): Promise<number> {
  const { socket, nonce } = session.attach ?? { socket: '', nonce: '' }
  const [{ attach }, { connectKeeper }, { loadConfig }, { pathsFrom }] = await Promise.all([import('./attach.ts'), import('../keeper/connection.ts'), import('../config/config.ts'), import('../config/paths.ts')])
  const { prefixKey } = await loadConfig({ configFile: pathsFrom(context.env, process.getuid?.() ?? 0).configFile })
  const connection = await connectKeeper(socket, { nonce }, context.signal)
  try {
    const end = await attach(
      { connection, input: process.stdin, output: process.stdout, signals: process, prefix: prefixKey.byte },
      context.signal,
    )
    switch (end.kind) {
      case 'exited':
        markShown(context, client, session)
        return told(context, session, end.exit.kind === 'code' ? { code: end.exit.code } : { signal: String(end.exit.signal) }, end.exit.kind === 'code' ? end.exit.code : 128 + end.exit.signal)
      case 'detached': {
        markShown(context, client, session)
        const known = { id: session.id, shortId: shortId(session.id, ids()), label: session.label, title: session.title, doing: '', asks: false, kind: 'terminal', over: false } as const
        context.out(backgroundedText(known, painter(context.color), context.stdout.columns ?? 80))
        return exitCodes.done
      }
      case 'lost':
        throw new Error(`the keeper of session ${session.id} is gone; offstage why ${session.id} says more`)
    }
  } finally {
    connection.close()
  }
}

/** What was on the screen was seen. */
function markShown(context: Context, client: Client, session: SessionView): void {
  const seen = async (): Promise<void> => {
    const now = await client.get(session.id, context.signal)
    if (now) await client.submit({ session: session.id, commandId: newId(), command: { type: 'show', entries: now.session.entries } }, context.signal)
  }
  void seen().catch(() => {})
}

async function streamed(context: Context, client: Client, session: SessionView): Promise<number> {
  const plain = new PlainText()
  for await (const { bytes } of client.output({ session: session.id, stream: 'out', from: 0, follow: true }, context.signal)) if (!context.json) context.out(plain.push(bytes))
  if (!context.json) context.out(plain.end())
  context.signal.throwIfAborted()
  const ended = await endOf(context, client, session)
  const { exit } = ended
  if (exit === null) throw refusedError('not-running', `session ${session.id} has no program running: ${ended.reason}`, `offstage why ${session.id} says more`)
  return 'code' in exit ? exit.code : exitCodes.failed
}

/** The session once the end of its run is recorded. */
async function endOf(context: Context, client: Client, session: SessionView): Promise<SessionView> {
  const ended = (view: SessionView): boolean => view.exit !== null || view.status === 'failed' || view.status === 'stopped' || view.status === 'completed'
  let seen = await client.get(session.id, context.signal)
  if (!seen || ended(seen.session)) return seen?.session ?? session
  const watching = new AbortController()
  try {
    for await (const frame of client.watch({ session: session.id, after: seen.cursor, follow: true }, AbortSignal.any([context.signal, watching.signal]))) {
      if (frame.kind !== 'fact') continue
      seen = (await client.get(session.id, context.signal)) ?? seen
      if (ended(seen.session)) break
    }
  } finally {
    watching.abort()
  }
  return seen.session
}

function told(context: Context, session: SessionView, exit: Exit, exitCode: number): number {
  const how = 'code' in exit ? `exit code ${exit.code}` : `killed by signal ${exit.signal}`
  context.err(` ${session.id}  ${printableLine(session.title)}: ${how}\n`)
  return exitCode
}

// `offstage agents --sessions`: the conversations that an agent keeps itself for the current directory. Starts it for a moment and asks; opens none of them, and sends no prompt.

import { resolve } from 'node:path'
import { plainText, printableLine } from '../core/terminal-text.ts'
import { exitCodes, refusedError } from '../client/failures.ts'
import { directoryAt } from '../client/launch.ts'
import { columnsOf, cut, duration, jsonText, padded, painter, tabbed } from '../text/format.ts'
import { type Fields, authRequired, conversation, fields, initializing, isFields, list, textOf } from './ask-acp.ts'
import { type AskedAgent, withAgent } from './ask-agent.ts'
import type { Context } from './verb.ts'

export interface OwnSession {
  readonly id: string
  readonly title: string | null
  readonly updatedAt: string | null
}

interface Asking {
  readonly name: string
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: string
  readonly deadlineMs: number
  /** How to log in to it, where that is known. */
  readonly login: string | undefined
}

const mostPages = 2
const mostSessions = 100
const longestId = 1000
const stderrLines = 3

export async function ownSessions(context: Context, asking: Asking): Promise<number> {
  const cwd = directoryAt(context.cwd, undefined)
  const { sessions, more } = await withAgent({ argv: asking.argv, cwd, env: asking.env }, (agent) => ask(agent, asking, cwd, context.signal)).catch((thrown: unknown) => {
    context.signal.throwIfAborted()
    if (thrown instanceof Error && thrown.name !== 'CommandFailed') throw refusedError('not-supported', `agent ${asking.name} cannot be asked: ${thrown.message}`)
    throw thrown
  })
  if (context.json) context.out(`${jsonText(sessions, 2)}\n`)
  else if (!context.stdout.isTTY) context.out(sessions.map(({ id, updatedAt, title }) => `${tabbed([id, updatedAt ?? '', title ?? ''])}\n`).join(''))
  else context.out(forPerson(context, asking.name, sessions))
  if (more) context.err(`offstage: ${asking.name} has more than these\n`)
  return exitCodes.done
}

async function ask(agent: AskedAgent, { name, version, deadlineMs, login }: Asking, cwd: string, signal: AbortSignal): Promise<{ sessions: readonly OwnSession[]; more: boolean }> {
  const request = conversation(agent, signal)
  const asked = async (method: string, params: object): Promise<Fields> => {
    const reply = await request(method, params, deadlineMs)
    if ('result' in reply) return reply.result
    if (reply.error.code === authRequired) throw refusedError('not-supported', `agent ${name} wants a login first`, login ?? `offstage agents --check ${name} tells how`)
    const said = plainText(Buffer.from(agent.errors())).trimEnd().split('\n').slice(-stderrLines).join('; ')
    throw refusedError('not-supported', `agent ${name} does not answer ${method}: ${reply.error.message}`, said === '' ? undefined : `it said: ${said}`)
  }
  const can = fields(fields((await asked('initialize', initializing(version)))['agentCapabilities'])['sessionCapabilities'])['list']
  if (can !== true && !isFields(can)) throw refusedError('not-supported', `agent ${name} does not tell which conversations it has`)
  const found = new Map<string, OwnSession>()
  let cursor: string | undefined
  for (let page = 0; page < mostPages && found.size < mostSessions && (page === 0 || cursor !== undefined); page++) {
    const answer = await asked('session/list', { cwd, ...(cursor === undefined ? {} : { cursor }) })
    for (const session of sessionsIn(answer, cwd)) found.set(session.id, session)
    cursor = textOf(answer['nextCursor'])
  }
  const sessions = [...found.values()].toSorted((one, other) => (other.updatedAt ?? '').localeCompare(one.updatedAt ?? ''))
  return { sessions: sessions.slice(0, mostSessions), more: cursor !== undefined || sessions.length > mostSessions }
}

/** Some agents tell those of every directory. */
const sessionsIn = (answer: Fields, cwd: string): readonly OwnSession[] =>
  list(answer['sessions']).flatMap(({ sessionId, cwd: its, title, updatedAt }) => {
    const id = textOf(sessionId)
    const place = textOf(its)
    if (id === undefined || id.length > longestId || id.includes('\0') || (place !== undefined && resolve(place) !== cwd)) return []
    const atMs = Date.parse(textOf(updatedAt) ?? '')
    return [{ id, title: textOf(title) ?? null, updatedAt: Number.isNaN(atMs) ? null : new Date(atMs).toISOString() }]
  })

function forPerson(context: Context, name: string, sessions: readonly OwnSession[]): string {
  if (sessions.length === 0) return `${printableLine(name)} has no conversations of its own here\n`
  const width = Math.max(...sessions.map(({ id }) => printableLine(id).length))
  const row = ({ id, title, updatedAt }: OwnSession): string => {
    const ago = updatedAt === null ? '' : `${duration(context.now() - Date.parse(updatedAt))} ago`
    return cut(` ${padded(printableLine(id), width)}  ${padded(ago, 11)}  ${printableLine(title ?? '')}`.trimEnd(), Math.max(columnsOf(context.stdout), width + 1))
  }
  const hint = painter(context.color).dim(`go on with one: offstage run --agent ${printableLine(name)} --continues ID`)
  return `${sessions.map(row).join('\n')}\n\n ${hint}\n`
}

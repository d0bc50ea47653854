// `offstage daemon`: looks at the daemon, starts it, stops it (its agents stay at work), prints its log.

import { createReadStream } from 'node:fs'
import { printable, printableLine } from '../../core/terminal-text.ts'
import type { Client, DaemonStatus } from '../../sdk/client.ts'
import { exitCodes, usageError } from '../failures.ts'
import { count, duration, jsonText } from '../format.ts'
import { nearest } from '../nearest.ts'
import { type Args, type Context, type Verb, jsonOption, text, word } from '../verb.ts'

const actions = ['status', 'start', 'stop', 'logs']

async function run(context: Context, args: Args): Promise<number> {
  const action = args.words[0] ?? 'status'
  switch (action) {
    case 'status':
      return await printStatus(context, await context.existingClient())
    case 'start':
      return await printStatus(context, await context.client())
    case 'stop':
      return await stop(context)
    case 'logs':
      return await logs(context, text(args, 'tail'))
    default: {
      const near = nearest(word(args), actions)
      throw usageError(`"${action}" is not one of ${actions.join(', ')}`, near === undefined ? 'offstage daemon --help says more' : `did you mean offstage daemon ${near}?`)
    }
  }
}

async function printStatus(context: Context, client: Client): Promise<number> {
  const status: DaemonStatus = await client.daemonStatus(context.signal)
  if (context.json) context.out(`${jsonText(status)}\n`)
  else {
    const since = duration(context.now() - Date.parse(status.startedAt))
    context.out(
      ` running  pid ${status.pid}, version ${printableLine(status.version)}, for ${since}\n   home      ${printableLine(status.home)}\n   sessions  ${status.sessions}, ${count(status.runs, 'live run')}\n`,
    )
  }
  return exitCodes.done
}

async function stop(context: Context): Promise<number> {
  let client: Client
  try {
    client = await context.existingClient()
  } catch (thrown) {
    if (!(thrown instanceof Error) || thrown.name !== 'DaemonUnreachable') throw thrown
    context.out(context.json ? `${jsonText({ stopped: false })}\n` : 'no daemon is running\n')
    return exitCodes.done
  }
  const { runs } = await client.daemonStatus(context.signal)
  await client.stopDaemon(context.signal)
  context.out(
    context.json ? `${jsonText({ stopped: true, runs })}\n` : `the daemon is stopped${runs === 0 ? '' : `; ${runs === 1 ? '1 agent stays' : `${runs} agents stay`} at work`}\n`,
  )
  return exitCodes.done
}

async function logs(context: Context, tail: string | undefined): Promise<number> {
  if (tail !== undefined && !/^\d{1,9}$/.test(tail)) throw usageError(`"${tail}" is no number of lines`, 'for example: --tail 50')
  const { pathsFrom } = await import('../../config/paths.ts')
  const { log } = pathsFrom(context.env, process.getuid?.() ?? 0)
  let held: string[] = []
  let rest = ''
  const take = (lines: readonly string[]): void => {
    if (tail === undefined) context.out(lines.map((line) => `${printable(line)}\n`).join(''))
    else held = [...held, ...lines].slice(-Number(tail) || held.length + lines.length)
  }
  try {
    for await (const chunk of createReadStream(log, { encoding: 'utf8', signal: context.signal })) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      take(lines)
    }
  } catch (cause) {
    if (!(cause instanceof Error) || !('code' in cause) || cause.code !== 'ENOENT') throw cause
    context.err('there is no log yet\n')
  }
  if (rest !== '') take([rest])
  if (tail !== undefined && Number(tail) > 0) context.out(held.map((line) => `${printable(line)}\n`).join(''))
  return exitCodes.done
}

const verb: Verb = {
  name: 'daemon',
  aliases: [],
  summary: 'look at, start or stop the daemon',
  usage: ['daemon [status|start|stop|logs]'],
  about: ['Every command starts the daemon when it needs it. Stopping it harms nobody: agents stay at work, and the next command finds them again.'],
  options: { tail: { type: 'string', value: 'N', help: 'logs: only the last lines' }, json: { ...jsonOption, help: 'print JSON' } },
  words: { min: 0, max: 1, name: '' },
  examples: ['offstage daemon status --json', 'offstage daemon logs --tail 20'],
  run,
}

export default verb

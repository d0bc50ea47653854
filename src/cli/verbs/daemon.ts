// `offstage daemon`: looks at the daemon, starts it, stops it (its agents stay at work), prints its log, makes it a user service.

import { createReadStream } from 'node:fs'
import { printable, printableLine } from '../../core/terminal-text.ts'
import type { Client, DaemonStatus } from '../../sdk/client.ts'
import type { AskProgram } from '../ask-program.ts'
import type { Service } from '../daemon-service.ts'
import { exitCodes, usageError } from '../../client/failures.ts'
import { count, duration, jsonText } from '../../text/format.ts'
import { nearest } from '../../text/nearest.ts'
import { type Args, type Context, type Verb, flag, jsonOption, text, word } from '../verb.ts'

const actions = ['status', 'start', 'stop', 'logs', 'install', 'uninstall']

async function run(context: Context, args: Args): Promise<number> {
  const action = args.words[0] ?? 'status'
  if (flag(args, 'print') && action !== 'install') throw usageError('--print goes with install', 'offstage daemon install --print')
  switch (action) {
    case 'status':
      return await printStatus(context, await context.existingClient())
    case 'start':
      return await printStatus(context, await context.client())
    case 'stop':
      return await stop(context)
    case 'logs':
      return await logs(context, text(args, 'tail'))
    case 'install':
      return await install(context, flag(args, 'print'))
    case 'uninstall':
      return await uninstall(context)
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
    for (const notice of status.notices ?? []) context.out(`   notice    ${printableLine(notice)}\n`)
  }
  if (status.notices?.length) await forgetNotices(context)
  return exitCodes.done
}

/** They were shown. */
async function forgetNotices({ env }: Context): Promise<void> {
  const [{ pathsFrom }, { clearNotices }] = await Promise.all([import('../../config/paths.ts'), import('../../config/notices.ts')])
  clearNotices(pathsFrom(env, process.getuid?.() ?? 0).home)
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

async function install(context: Context, onlyPrint: boolean): Promise<number> {
  const { service, ask } = await serviceHere(context)
  if (onlyPrint) {
    context.out(context.json ? `${jsonText({ file: service.file, text: service.text })}\n` : service.text)
    return exitCodes.done
  }
  const { installService } = await import('../daemon-service.ts')
  const goesOn = await isRunning(context)
  const done = await installService(service, ask)
  if (context.json) context.out(`${jsonText(done)}\n`)
  else {
    const file = printableLine(done.file)
    const first = done.written ? ` written   ${file}\n` : ` the same  ${file}\n`
    const next = done.started
      ? ` started   at every login from now on${goesOn ? '; the daemon that runs now goes on until it is stopped' : ''}\n`
      : ` later     the service manager does not answer here; where it does, run\n${done.later.map((line) => `           ${printableLine(line)}\n`).join('')}`
    context.out(`${first}${next} undo      offstage daemon uninstall\n`)
  }
  return exitCodes.done
}

async function uninstall(context: Context): Promise<number> {
  const { service, ask } = await serviceHere(context)
  const { uninstallService } = await import('../daemon-service.ts')
  const done = await uninstallService(service, ask)
  const file = printableLine(done.file)
  context.out(
    context.json
      ? `${jsonText(done)}\n`
      : done.removed
        ? `removed ${file}; agents stay at work, and every command starts the daemon when it needs it\n`
        : `nothing is installed: there is no ${file}\n`,
  )
  return exitCodes.done
}

async function serviceHere(context: Context): Promise<{ readonly service: Service; readonly ask: AskProgram }> {
  const [{ pathsFrom }, { serviceFor }, { askWith }] = await Promise.all([import('../../config/paths.ts'), import('../daemon-service.ts'), import('../ask-program.ts')])
  const { env, signal } = context
  return { service: serviceFor({ platform: process.platform, env, paths: pathsFrom(env, process.getuid?.() ?? 0) }), ask: askWith(env, signal) }
}

async function isRunning(context: Context): Promise<boolean> {
  try {
    const client = await context.existingClient()
    client.close()
    return true
  } catch {
    return false
  }
}

const verb: Verb = {
  name: 'daemon',
  aliases: [],
  summary: 'look at, start or stop the daemon',
  usage: ['daemon [status|start|stop|logs]', 'daemon install [--print]', 'daemon uninstall'],
  about: [
    'Every command starts the daemon when it needs it. Stopping it harms nobody: agents stay at work, and the next command finds them again.',
    'install makes it a service of yours as well (systemd or launchd), which starts at login and comes back after a crash. It is optional.',
  ],
  options: {
    tail: { type: 'string', value: 'N', help: 'logs: only the last lines' },
    print: { type: 'boolean', help: 'install: print the file, write nothing' },
    json: { ...jsonOption, help: 'print JSON' },
  },
  words: { min: 0, max: 1, name: '' },
  examples: ['offstage daemon status --json', 'offstage daemon logs --tail 20', 'offstage daemon install --print'],
  run,
}

export default verb

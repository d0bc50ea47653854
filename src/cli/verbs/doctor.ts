// `offstage doctor`: checks the installation and says what to do. Starts no daemon; changes nothing without --fix.

import { readFile } from 'node:fs/promises'
import { HomeUnusable, type Paths, pathsFrom } from '../../config/paths.ts'
import { packageRoot, packageVersion } from '../../config/package-root.ts'
import { printable, printableLine } from '../../core/terminal-text.ts'
import { seeDaemon, seeDatabase, seeRuns } from '../../sdk/inspect.ts'
import { askWith } from '../ask-program.ts'
import { type Check, type Ground, type Result, runChecks } from '../doctor/check.ts'
import { lookAtDaemon, lookAtDatabase, lookAtNotices } from '../doctor/daemon.ts'
import { lookAtGit } from '../doctor/git.ts'
import { lookAtConfig, lookAtDisk, lookAtHome, lookAtSize } from '../doctor/home.ts'
import { lookAtClock, lookAtKeeper, lookAtLogout, lookAtNode, lookAtOpenFiles, lookAtService, lookAtSurroundings, lookAtTerminal } from '../doctor/machine.ts'
import { lookAtFolders, lookAtKeepers, lookAtOrphans, lookAtSockets } from '../doctor/runs.ts'
import { exitCodes } from '../../client/failures.ts'
import { count, jsonText, padded, painter } from '../../text/format.ts'
import { type Args, type Context, type Verb, flag, jsonOption } from '../verb.ts'

const checks: Readonly<Record<string, Check>> = {
  node: lookAtNode,
  keeper: lookAtKeeper,
  git: lookAtGit,
  config: lookAtConfig,
  home: lookAtHome,
  disk: lookAtDisk,
  size: lookAtSize,
  database: lookAtDatabase,
  notices: lookAtNotices,
  daemon: lookAtDaemon,
  service: lookAtService,
  keepers: lookAtKeepers,
  orphans: lookAtOrphans,
  sockets: lookAtSockets,
  folders: lookAtFolders,
  'open files': lookAtOpenFiles,
  logout: lookAtLogout,
  system: lookAtSurroundings,
  clock: lookAtClock,
  terminal: lookAtTerminal,
}

/** A daemon at work answers in milliseconds. */
const answersWithinMs = 1000

async function run(context: Context, args: Args): Promise<number> {
  let paths: Paths
  try {
    paths = pathsFrom(context.env, process.getuid?.() ?? 0)
  } catch (cause) {
    // Nothing else can be looked at without knowing where it is.
    if (!(cause instanceof HomeUnusable)) throw cause
    return print(context, [{ name: 'home', state: 'bad', says: cause.message, hint: cause.hint }])
  }
  return print(context, await runChecks(checks, groundOf(context, paths), { fix: flag(args, 'fix') }, context.signal))
}

function groundOf(context: Context, paths: Paths): Ground {
  const { env, cwd, now, signal } = context
  const daemon = once(() => seeDaemon(paths, answersWithinMs, signal))
  const runs = once(() => seeRuns(paths))
  return {
    paths,
    env,
    cwd,
    now,
    platform: process.platform,
    nodeVersion: process.versions.node,
    packageVersion,
    packageRoot,
    isTerminal: context.stdout.isTTY === true,
    ask: askWith(env, signal),
    readSystem: (path) => readFile(path, 'latin1').catch(() => ''),
    openFiles,
    daemon,
    runs,
    database: once(async () => {
      // It reads without a pause: the daemon's answer must not have to wait for it.
      await Promise.allSettled([daemon(), runs()])
      return seeDatabase(paths.database)
    }),
  }
}

function once<T>(look: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined
  return () => (found ??= look())
}

function openFiles(): number {
  const { report } = process
  Object.assign(report, { excludeNetwork: true, excludeEnv: true })
  const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft?: number | 'unlimited' } } }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : Number.MAX_SAFE_INTEGER
}

const marks = { good: '✓', warning: '!', bad: '✗' } as const

function print(context: Context, results: readonly Result[]): number {
  const bad = results.filter((one) => one.state === 'bad').length
  if (context.json) context.out(`${jsonText(results, 2)}\n`)
  else {
    const paint = painter(context.color)
    const color = { good: 'completed', warning: 'waiting', bad: 'failed' } as const
    const lines = results.map(({ name, state, says, hint }) => {
      const todo = hint === undefined ? '' : `\n${' '.repeat(15)}${paint.dim(printableLine(hint))}`
      return ` ${paint.status(color[state], marks[state])} ${padded(name, 12)}${printableLine(printable(says))}${todo}\n`
    })
    const warnings = results.filter((one) => one.state === 'warning').length
    const sum = [...(bad > 0 ? [count(bad, 'problem')] : []), ...(warnings > 0 ? [count(warnings, 'warning')] : [])].join(', ')
    context.out(`${lines.join('')}\n ${sum === '' ? 'all good' : sum}\n`)
  }
  return bad > 0 ? exitCodes.failed : exitCodes.done
}

const verb: Verb = {
  name: 'doctor',
  aliases: [],
  summary: 'check the installation, say what to do',
  usage: ['doctor [--fix]'],
  about: [
    'One line for each check: ✓ good, ! worth knowing, ✗ wrong. Exits with 1 if anything is wrong; a ! alone is no failure. It starts no daemon and changes nothing.',
    "--fix ends processes whose run is certainly this home's and whose keeper is gone, and removes sockets that nobody listens on.",
  ],
  options: { fix: { type: 'boolean', help: 'end orphans, remove stale sockets' }, json: { ...jsonOption, help: 'print one JSON array' } },
  words: { min: 0, max: 0, name: '' },
  examples: ['offstage doctor', 'offstage doctor --json', 'offstage doctor --fix'],
  run,
}

export default verb

// The daemon: one process per home, startable and killable at any moment. The only place where implementations meet, top to bottom.

import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ConfigInvalid, defaultConfig, loadConfig } from '../config/config.ts'
import { daemonEnvironment, umaskFrom, umaskVariable } from '../config/daemon-environment.ts'
import { freshConfig } from '../config/fresh-config.ts'
import { entry, packageRoot, packageVersion } from '../config/package-root.ts'
import { readNotices } from '../config/notices.ts'
import { HomeUnusable, type Paths, pathsFrom, prepareHome, runFolder } from '../config/paths.ts'
import type { DaemonStatus } from '../sdk/client.ts'
import { drivers } from '../drivers/index.ts'
import { crashPoint } from '../engine/crash-point.ts'
import { Engine } from '../engine/engine.ts'
import { keepersOnDisk } from '../engine/keepers-on-disk.ts'
import { keptByLog } from '../engine/keepers.ts'
import { LandingQueue, planLanding } from '../engine/landing.ts'
import { availableMemory } from '../engine/machine.ts'
import type { EngineParts, ScreenOf } from '../engine/parts.ts'
import { finishReplacement, isCutOff, replaceDatabase } from '../engine/replacement.ts'
import { trustIn } from '../engine/trust.ts'
import { environmentOf } from '../keeper/process-stat.ts'
import { encodeStartFile } from '../keeper/start-file.ts'
import { watchConflicts } from '../reactors/conflicts/index.ts'
import { knownEnvironment, startNotify } from '../reactors/notify/index.ts'
import { Screens } from '../screen/screens.ts'
import { DamagedStore, type EventLog } from '../store/event-log.ts'
import { SearchIndex } from '../store/search-index.ts'
import { openSqliteLog } from '../store/sqlite-log.ts'
import { readInside, writeInside } from '../workspace/files.ts'
import { openWorkspaces } from '../workspace/index.ts'
import { Projects } from '../workspace/project.ts'
import { takeLock } from './lock.ts'
import { type Log, openLog } from './log.ts'
import { DaemonServer } from './server.ts'

const retentionEveryMs = 86_400_000

/** What the process that starts a daemon reads from its standard output: one line. */
const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

async function main(): Promise<void> {
  // Of the user who started it: trees and repositories are written with it, by git too. What is ours says that it is closed wherever it is made, and lies in a home that is.
  const umask = umaskFrom(process.env) ?? process.umask()
  process.umask(umask)
  process.stdout.on('error', () => {})
  const startedAt = new Date().toISOString()
  const paths = pathsFrom(process.env, process.getuid?.() ?? 0)
  prepareHome(paths)
  const lock = takeLock(paths.lock)
  // Another daemon serves this home: nothing is touched.
  if (!lock) return say('held')
  // A keeper may have been on its way to start this one when its user stopped the last: then it does not come back.
  if (process.env.OFFSTAGE_REVIVED && !existsSync(paths.startFile)) {
    lock.release()
    return say('stopped')
  }
  crashPoint('daemon.locked')

  const log = openLog(paths.log)
  // Nobody reads the standard error of a daemon.
  process.on('uncaughtExceptionMonitor', (cause) => log.warn({ error: cause.stack ?? String(cause) }, 'the daemon ends by a failure of its own'))
  const end = new AbortController()
  // A mistake in the configuration is told to whoever starts something; it does not keep agents from being looked after.
  const config = await loadConfig({ configFile: paths.configFile }).catch((cause: unknown) => {
    if (!(cause instanceof ConfigInvalid)) throw cause
    log.warn({ file: cause.file }, cause.message)
    return defaultConfig
  })
  const environment = knownEnvironment(process.env)
  const screens = new Screens({ warn: (why) => log.warn({ why }, 'a screen could not be made') })
  const inFolder = <Of extends ScreenOf>(of: Of): Of & { readonly folder: string } => ({ ...of, folder: runFolder(paths, of.session, of.run) })
  const readConfig = freshConfig(paths.configFile, config)
  const conflictPolicy = async () => (await readConfig()).config.conflicts.policy
  const parts: Omit<EngineParts, 'log' | 'keepers' | 'search'> = {
    conflictPolicy,
    driver: (name) => drivers[name](),
    files: {
      read: (root, path, range, approved) => readInside(root, path, range, approved, end.signal),
      write: (root, path, content, approved) => writeInside(root, path, content, approved, end.signal),
    },
    screens: {
      snapshot: (of, signal) => screens.snapshot(inFolder(of), signal),
      cursor: (of, offset) => screens.cursor(inFolder(of), offset),
      text: (of) => screens.text(inFolder(of)),
      advance: (of) => screens.advance(inFolder(of)),
    },
    projects: new Projects(),
    trees: {
      workspaces: openWorkspaces({ env: process.env, home: paths.home, ...config.workspace }),
      trust: trustIn(join(paths.home, 'trusted.json')),
      landings: new LandingQueue(),
      planLanding,
      environmentOf,
    },
    nowMs: Date.now,
    delay: (ms) => delay(ms, undefined, { signal: end.signal, ref: false }).catch(() => {}),
    warn: log.warn,
    environmentGiven: environment.given,
    signal: end.signal,
    version: packageVersion,
    availableMemory,
    limits: { ...config, ...config.workspace },
    initializeTimeoutMs: config.initializeTimeoutMs,
  }
  finishReplacement(paths)
  const { events, engine } = await open(paths, parts, umask).catch(async (cause: unknown) => {
    if (!(cause instanceof DamagedStore)) throw cause
    log.warn({ error: cause.message }, 'the database is damaged; it is rebuilt from the run folders')
    await replaceDamaged(paths, log)
    return open(paths, parts, umask)
  })
  const status = async (): Promise<DaemonStatus> => ({
    pid: process.pid,
    version: packageVersion,
    startedAt,
    home: paths.home,
    sessions: (await engine.list({ all: false }, end.signal)).length,
    runs: engine.runs,
    notices: readNotices(paths.home),
  })
  const notify = startNotify(
    {
      api: engine,
      cursor: () => events.cursor(),
      ids: () => engine.ids,
      look: (id) => engine.state(id),
      projectOf: (directory) => projectNameOf(parts.projects, directory),
      record: (id, deliveries) => engine.notified(id, deliveries),
      settings: async () => {
        const fresh = await readConfig()
        return { settings: fresh.config.notify, ...(fresh.problem ? { problem: fresh.problem.message } : {}) }
      },
      environment,
      nowMs: Date.now,
      delay: parts.delay,
      warn: log.warn,
    },
    end.signal,
  )
  void watchConflicts(
    {
      api: engine,
      cursor: () => events.cursor(),
      overlapping: () => engine.forecasts.overlapping(),
      outlook: (of, signal) => engine.forecasts.outlook(of, signal),
      touched: (signal) => engine.forecasts.touched(signal),
      policy: conflictPolicy,
      report: (news) => engine.forecast(news),
      monotonicMs: () => performance.now(),
      delay: parts.delay,
      warn: log.warn,
    },
    end.signal,
  ).catch((cause: unknown) => log.warn({ error: String(cause) }, 'conflicts are not watched any more'))
  const server = new DaemonServer({ api: engine, version: packageVersion, status, notify, shutdown: (replaced) => void leave(replaced ? 'replaced' : 'stopped'), warn: log.warn })

  const leave = async (because: string): Promise<void> => {
    if (end.signal.aborted) return
    // Gone before anything else: what was stopped never comes back by itself.
    if (because === 'stopped') rmSync(paths.startFile, { force: true })
    engine.leave()
    log.info({ because }, 'the daemon leaves; agents stay at work')
    end.abort()
    // Written now, not at the exit: who waits for the daemon's end may remove the home right after it.
    flushCompileCache()
    await Promise.all([server.close(because === 'replaced'), screens.close()])
    events.close()
    lock.release()
    process.exit(0)
  }
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => void leave(name))

  writeStartFile(paths.startFile, [process.execPath, entry('daemon')], { ...daemonEnvironment(process.env, paths), ...umaskVariable(umask), OFFSTAGE_REVIVED: '1' })
  await server.listen(paths.socket)
  crashPoint('daemon.listening')
  log.info({ version: packageVersion, runs: engine.runs }, 'the daemon listens')
  say('ready')
  const retain = (): void => void engine.applyRetention().catch((cause: unknown) => log.warn({ error: String(cause) }, 'retention failed'))
  retain()
  setInterval(retain, retentionEveryMs).unref()
  // A session that is started after the package was removed finds everything loaded.
  for (const load of Object.values(drivers)) void load().catch((cause: unknown) => log.warn({ error: String(cause) }, 'a driver cannot be loaded'))
}

/** Every fact is read before anything is done because of one. Throws DamagedStore. */
async function open(paths: Paths, parts: Omit<EngineParts, 'log' | 'keepers' | 'search'>, umask: number): Promise<{ events: EventLog; engine: Engine }> {
  if (isCutOff(paths)) throw new DamagedStore(paths.database, 'it is empty or gone, and there were sessions')
  const events = openSqliteLog(paths.database)
  const keepers = keepersOnDisk(paths, packageRoot, (session, run) => keptByLog(events, session, run), umask)
  try {
    return { events, engine: await Engine.open({ ...parts, log: events, keepers, search: searchOf(paths, events, parts.projects) }) }
  } catch (cause) {
    events.close()
    throw cause
  }
}

const searchOf = (paths: Paths, log: EventLog, projects: EngineParts['projects']): SearchIndex =>
  new SearchIndex({ path: join(paths.cache, 'search.db'), log, projectOf: (directory) => projectNameOf(projects, directory) })

async function projectNameOf(projects: EngineParts['projects'], directory: string): Promise<string> {
  await projects.refresh([directory])
  return projects.of(directory).name
}

async function replaceDamaged(paths: Paths, log: Log): Promise<void> {
  const { missing, rebuild } = await import('../engine/rebuild.ts')
  const nowMs = Date.now()
  await replaceDatabase(paths, nowMs, async (path, damaged) => {
    const events = openSqliteLog(path)
    const { sessions, runs, skipped } = await rebuild({ paths, driver: (name) => drivers[name](), version: packageVersion }, events)
    events.close()
    log.warn({ damaged, sessions, runs, skipped }, 'the database was rebuilt')
    const left = skipped.length > 0 ? `; not understood and left out: ${skipped.join(', ')}` : ''
    const [was, file] = damaged === undefined ? ['gone', ''] : ['damaged', `; the damaged file is ${damaged}`]
    return `${new Date(nowMs).toISOString()}: the database was ${was} and was rebuilt from ${runs} run folders of ${sessions} sessions${file}; not known any more: ${missing}${left}`
  })
}

/** What keepers run when this daemon died. One that says so already is left as it is: then a daemon also starts where no disk takes a byte. Throws HomeUnusable. */
function writeStartFile(path: string, argv: readonly string[], env: Readonly<Record<string, string>>): void {
  const text = encodeStartFile({ argv, env })
  try {
    if (existsSync(path) && readFileSync(path).equals(Buffer.from(text))) return
    writeFileSync(`${path}.new`, text, { mode: 0o600 })
    renameSync(`${path}.new`, path)
  } catch (cause) {
    const full = cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')
    throw new HomeUnusable(path, full ? 'cannot be written: the disk is full' : `cannot be written: ${String(cause)}`, full ? 'free some space; agents stay at work' : '', {
      cause,
    })
  }
}

main().catch((cause: unknown) => {
  const message = cause instanceof Error ? cause.message : String(cause)
  const hint = cause instanceof Error && 'hint' in cause ? String(cause.hint) : ''
  say(`failed ${JSON.stringify({ message, hint })}`)
  process.exit(1)
})

// offstage doctor: that it sees what is wrong, says nothing of what is not, and touches nothing but what --fix may.

import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { type Server, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { packageRoot, packageVersion } from '../../src/config/package-root.ts'
import { type Paths, pathsFrom, prepareHome, runFolder, runSocket } from '../../src/config/paths.ts'
import type { Event } from '../../src/core/events.ts'
import type { Said } from '../../src/cli/ask-program.ts'
import { type Finding, type Ground, type Result, runChecks, size } from '../../src/cli/doctor/check.ts'
import { lookAtGit } from '../../src/cli/doctor/git.ts'
import { type DiskSeen, disk } from '../../src/cli/doctor/home.ts'
import { lookAtClock, lookAtKeeper, lookAtLogout, lookAtNode, lookAtOpenFiles, lookAtSurroundings, lookAtTerminal } from '../../src/cli/doctor/machine.ts'
import { processRuns } from '../../src/keeper/process-stat.ts'
import { newestFormat, seeDatabase, type DatabaseSeen, type RunSeen } from '../../src/sdk/inspect.ts'
import { migrations } from '../../src/store/migrations.ts'
import { openSqliteLog } from '../../src/store/sqlite-log.ts'
import { TestHome, never } from '../home.ts'
import { type TestRun, gone, startRun } from '../keeper/keepers.ts'
import { FakeClient } from './fake-client.ts'
import { type Printed, offstage } from './run-cli.ts'

const uid = process.getuid?.() ?? 0

interface Place {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly paths: Paths
  readonly doctor: (...argv: readonly string[]) => Promise<Printed>
  /** The findings by their names. */
  readonly look: (...argv: readonly string[]) => Promise<Readonly<Record<string, Omit<Result, 'name'>>>>
}

/** A user with a home folder of their own, in which no daemon is at work and Offstage was never started. */
function place(more: Readonly<Record<string, string>> = {}): Place {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'od-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'user'))
  const home = join(folder, 'home')
  const env = {
    HOME: join(folder, 'user'),
    OFFSTAGE_HOME: home,
    OFFSTAGE_CONFIG: join(folder, 'config.toml'),
    PATH: process.env.PATH ?? '',
    LANG: 'C.UTF-8',
    TERM: 'xterm',
    ...more,
  }
  const doctor = (...argv: readonly string[]): Promise<Printed> => offstage(new FakeClient(), ['doctor', ...argv], { env, cwd: folder, daemon: 'unreachable', now: Date.now })
  return {
    folder,
    env,
    get paths() {
      return pathsFrom(env, uid)
    },
    doctor,
    look: async (...argv) => {
      const { out } = await doctor('--json', ...argv)
      return Object.fromEntries((JSON.parse(out) as Result[]).map(({ name, ...rest }) => [name, rest]))
    },
  }
}

/** A home as a first start leaves it. */
function madePlace(): Place {
  const made = place()
  prepareHome(made.paths)
  return made
}

/** Every file with its size and its times, so that a change of any of them shows. */
const everything = (folder: string): readonly string[] =>
  globSync('**', { cwd: folder })
    .toSorted()
    .map((name) => {
      const { size, mtimeMs, mode } = statSync(join(folder, name))
      return `${name} ${size} ${mtimeMs} ${mode.toString(8)}`
    })

async function remember(paths: Paths, sessions: Readonly<Record<string, readonly Event[]>>, atMs = 1000): Promise<void> {
  const log = openSqliteLog(paths.database)
  for (const [session, events] of Object.entries(sessions)) await log.append({ session, expectedSeq: 0, events: events.map((event) => ({ atMs, by: 'user', event })) })
  log.close()
}

const created: Event = { type: 'created', spec: { kind: 'agent', driver: 'acp', agent: 'talker', argv: ['talker'], cwd: '/' }, title: 'x' }
const starting: Event = { type: 'run-starting', run: 1, because: 'created', environmentNames: [] }
const exited: Event = { type: 'run-exited', run: 1, exit: { code: 0 }, outEnd: 0, errEnd: 0 }

/** A program under a keeper in the run folder of this session, tagged as every run is. */
async function keptRun({ paths }: Place, session: string): Promise<TestRun> {
  const folder = runFolder(paths, session, 1)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const nonce = `${session}.1.test`
  // Outlives its keeper: it reads nothing, and ignores that its terminal or pipes are gone.
  return startRun(['sh', '-c', 'trap "" HUP PIPE; while :; do sleep 0.1 || exit; done'], {
    folder,
    socketPath: runSocket(paths, session, 1),
    nonce,
    env: { PATH: '/usr/bin:/bin', OFFSTAGE_RUN: nonce },
  })
}

test('a home that is not there yet is fine: nothing wrong, nothing made, no daemon started', async () => {
  const { folder, doctor, look } = place()
  const before = everything(folder)
  const found = await look()
  expect(Object.entries(found).filter(([, { state }]) => state === 'bad')).toEqual([])
  expect(found).toMatchObject({
    node: { state: 'good', says: process.versions.node },
    home: { state: 'good', says: `${join(folder, 'home')} is made at the first start` },
    database: { state: 'good', says: 'none yet' },
    daemon: { state: 'good', says: 'not running; the next command starts it' },
    service: { state: 'good', says: 'not installed (optional: offstage daemon install)' },
    orphans: { state: 'good', says: 'none' },
  })
  expect(await doctor()).toMatchObject({ code: 0, err: '' })
  expect(everything(folder)).toEqual(before)
})

test('a line for each check with its mark, what to do below it, a sum at the end, and exit 1 when something is wrong', async () => {
  const { paths, doctor } = madePlace()
  chmodSync(paths.runs, 0o755)
  writeFileSync(paths.database, 'not a database, but long enough to look like something that should have been one')
  const { code, out } = await doctor()
  expect(code).toBe(1)
  expect(out).toContain(` ✗ database    ${paths.database} is damaged: file is not a database\n               the next start of the daemon sets it aside`)
  expect(out).toContain(` ! home        ${paths.runs} can be entered by others\n               chmod 700 ${paths.runs}`)
  expect(out).toMatch(/^ ✓ node {8}\d/)
  expect(out).toMatch(/\n\n 1 problem, \d warnings?\n$/)
})

test('a warning alone is no failure', async () => {
  const { paths, doctor, look } = madePlace()
  chmodSync(paths.home, 0o750)
  expect((await look()).home?.state).toBe('warning')
  expect((await doctor()).code).toBe(0)
})

test.each([
  ['a word', ['now'], 'offstage: doctor does not take "now"\n'],
  ['an unknown option', ['--fixx'], 'offstage: doctor has no option --fixx\n  did you mean --fix?\n'],
  ['a value', ['--fix=all'], 'offstage: option --fix takes no value\n'],
])('%s is refused', async (_, argv, err) => {
  const printed = await place().doctor(...argv)
  expect(printed).toMatchObject({ code: 2, out: '' })
  expect(printed.err).toContain(err)
})

test('a home that cannot even be named is the only finding', async () => {
  expect(JSON.parse((await place({ OFFSTAGE_HOME: 'here' }).doctor('--json')).out)).toEqual([
    { name: 'home', state: 'bad', says: 'cannot use here: OFFSTAGE_HOME is a relative path', hint: 'set OFFSTAGE_HOME to an absolute path' },
  ])
  expect((await place({ OFFSTAGE_HOME: '', XDG_STATE_HOME: '', HOME: '' }).doctor()).out).toBe(
    ' ✗ home        cannot use ~/.local/state/offstage: HOME is not set\n               set HOME, or OFFSTAGE_HOME to an absolute path\n\n 1 problem\n',
  )
})

test.each<[string, (paths: Paths, folder: string) => void, string]>([
  ['a symbolic link', (paths, folder) => symlinkSync(folder, paths.home), 'is a symbolic link'],
  ['a file', (paths) => writeFileSync(paths.home, ''), 'is not a folder'],
  [
    'a folder of something else that is open to all',
    (paths) => {
      mkdirSync(paths.home, { mode: 0o755 })
      writeFileSync(join(paths.home, 'thesis.tex'), '')
    },
    'can be entered by others and holds something else',
  ],
])('a home that is %s is wrong, and stays as it is', async (_, make, says) => {
  const { folder, paths, look } = place()
  make(paths, folder)
  const before = everything(folder)
  expect((await look('--fix')).home).toMatchObject({ state: 'bad', says: `${paths.home} ${says}` })
  expect(everything(folder)).toEqual(before)
})

test('text of others cannot drive the terminal', async () => {
  const { env, doctor } = place()
  writeFileSync(env.OFFSTAGE_CONFIG ?? '', '"\\u001b]0;x" = 1\n')
  const { code, out } = await doctor()
  expect(code).toBe(1)
  expect(out).toContain(' ✗ config')
  expect(out).not.toContain('\x1b')
})

test('a configuration that does not parse is told with its line', async () => {
  const { env, look } = place()
  writeFileSync(env.OFFSTAGE_CONFIG ?? '', 'default_agent = "x"\nprefix_key = 7\n')
  expect((await look()).config).toMatchObject({ state: 'bad', says: `${env.OFFSTAGE_CONFIG}:2: prefix_key is not a string` })
})

test('the newest format here is the newest of the store', () => {
  expect(newestFormat).toBe(migrations.length)
})

test('a database is read to its end and stays as it is: no file beside it, no byte changed', async () => {
  const { folder, paths, look } = madePlace()
  await remember(paths, { aaaaaaaa: [created], bbbbbbbb: [created, { type: 'archived' }] })
  const before = everything(folder)
  expect((await look('--fix')).database).toMatchObject({ state: 'good', says: expect.stringMatching(/^2 sessions, \d+ kB, format \d+, sound$/) })
  expect(everything(folder)).toEqual(before)
})

test('what a killed daemon left unwritten beside the database counts', async () => {
  const { paths, look } = madePlace()
  const log = openSqliteLog(join(paths.cache, 'live.db'))
  await log.append({ session: 'aaaaaaaa', expectedSeq: 0, events: [{ atMs: 1, by: 'user', event: created }] })
  // As a kill leaves it: the last facts are in the -wal only.
  for (const end of ['', '-wal']) copyFileSync(join(paths.cache, `live.db${end}`), `${paths.database}${end}`)
  log.close()
  expect((await look()).database?.says).toContain('1 session,')
})

test('a database of a newer version, of something else, or with a damaged page is told apart', async () => {
  const { paths } = madePlace()
  await remember(paths, { aaaaaaaa: [created, ...Array.from({ length: 200 }, (): Event => ({ type: 'noted', run: 1, text: 'x'.repeat(500) }))] })
  const newer = new DatabaseSync(paths.database)
  newer.exec(`update schema_version set version = ${newestFormat + 1}`)
  expect(seeDatabase(paths.database)).toEqual({ kind: 'newer', format: newestFormat + 1 })
  newer.exec(`update schema_version set version = ${newestFormat}`)
  newer.close()
  expect(seeDatabase(paths.database).kind).toBe('good')

  const bytes = readFileSync(paths.database)
  bytes.fill(0xff, bytes.length - 8192)
  writeFileSync(paths.database, bytes)
  expect(seeDatabase(paths.database).kind).toBe('damaged')

  rmSync(paths.database)
  const other = new DatabaseSync(paths.database)
  other.exec('create table recipe (name text)')
  other.close()
  expect(seeDatabase(paths.database)).toEqual({ kind: 'damaged', why: 'it is a database of something else' })
})

test('a clock behind the newest fact is told', async () => {
  const { paths, look } = madePlace()
  await remember(paths, { aaaaaaaa: [created] }, Date.now() + 7_200_000)
  expect((await look()).clock).toMatchObject({ state: 'warning', says: '120 minutes behind the newest fact in the database' })
})

test('processes of a run whose keeper is gone are found by their tag; --fix ends them and nothing else', async () => {
  const here = madePlace()
  await using run = await keptRun(here, 'aaaaaaaa')
  await using other = await keptRun(here, 'bbbbbbbb')
  // Says that it is of such a run, but of another home.
  const decoy = started(spawn('sleep', ['60'], { env: { PATH: '/usr/bin:/bin', OFFSTAGE_RUN: 'aaaaaaaa.1.else' }, stdio: 'ignore' }))

  expect((await here.look('--fix')).orphans).toEqual({ state: 'good', says: 'none' })
  expect((await here.look()).sockets).toEqual({ state: 'good', says: 'none without a keeper' })
  process.kill(run.identity.keeper.pid, 'SIGKILL')
  await gone(run.identity.keeper)

  const found = await here.look()
  expect(found.orphans).toMatchObject({ state: 'bad', hint: 'offstage doctor --fix ends them' })
  expect(found.orphans?.says).toMatch(new RegExp(`process(es)? of runs whose keeper is gone: pid .*\\b${run.identity.child.pid}\\b.*, of session aaaaaaaa$`))
  expect(found.orphans?.says).not.toContain('bbbbbbbb')
  expect(found.sockets).toMatchObject({ state: 'warning', says: '1 socket of keepers that are gone: aaaaaaaa-1' })
  expect(await processRuns(run.identity.child)).toBe(true)
  expect(existsSync(run.socketPath)).toBe(true)

  const fixed = await here.look('--fix')
  expect(fixed.orphans).toEqual({ state: 'good', says: expect.stringMatching(/^\d process(es)? ended$/) })
  expect(fixed.sockets).toEqual({ state: 'good', says: '1 stale socket removed' })
  expect(await processRuns(run.identity.child)).toBe(false)
  expect(existsSync(run.socketPath)).toBe(false)
  expect(await Promise.all([processRuns(other.identity.child), processRuns(other.identity.keeper)])).toEqual([true, true])
  expect(decoy.exitCode ?? decoy.signalCode).toBeNull()
  expect((await here.doctor()).out).toContain('✓ orphans     none\n')
})

test('a doctor that runs inside an abandoned run does not end itself, nor what it runs under', { timeout: 20_000 }, async () => {
  const here = madePlace()
  const cli = join(packageRoot, 'src', 'cli', 'main.ts')
  const folder = runFolder(here.paths, 'aaaaaaaa', 1)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const out = join(here.folder, 'out.txt')
  // Waits until its keeper is gone, then asks the doctor, and goes on after it.
  const script = `sleep 60 & trap "" HUP PIPE; while grep -qs 'State:.[RSDT]' /proc/$(cut -d' ' -f1 "$0"/keeper)/status; do sleep 0.02; done; "$1" "$2" doctor --fix > "$3" 2>&1 < /dev/null; echo "then $?" >> "$3"; mv "$3" "$3.done"`
  await using run = await startRun(['sh', '-c', script, folder, process.execPath, cli, out], {
    folder,
    socketPath: runSocket(here.paths, 'aaaaaaaa', 1),
    nonce: 'aaaaaaaa.1.test',
    env: { ...here.env, OFFSTAGE_RUN: 'aaaaaaaa.1.test' },
  })
  process.kill(run.identity.keeper.pid, 'SIGKILL')
  await gone(run.identity.child)
  const said = readFileSync(`${out}.done`, 'utf8')
  expect(said).toContain('✓ orphans     1 process ended\n')
  expect(said).toMatch(/then 0\n$/)
})

const started = (child: ChildProcess): ChildProcess => {
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

test('a keeper whose run is over by the facts, and run folders that no session knows, are told and left alone', async () => {
  const here = madePlace()
  await remember(here.paths, { aaaaaaaa: [created, starting, exited], bbbbbbbb: [created, starting] })
  await using over = await keptRun(here, 'aaaaaaaa')
  await using live = await keptRun(here, 'bbbbbbbb')
  mkdirSync(runFolder(here.paths, 'zzzzzzzz', 3), { recursive: true })
  const found = await here.look('--fix')
  expect(found.keepers).toEqual({ state: 'warning', says: '1 keeper of runs that are over by the facts, of session aaaaaaaa', hint: 'offstage daemon start collects it' })
  expect(found.folders).toMatchObject({ state: 'warning', says: '1 run folder of sessions that the database does not know: zzzzzzzz' })
  expect(found.orphans?.state).toBe('good')
  expect(found['open files']?.says).toContain('2 live runs')
  expect(await Promise.all([over, live].map((run) => processRuns(run.identity.keeper)))).toEqual([true, true])
  expect(existsSync(runFolder(here.paths, 'zzzzzzzz', 3))).toBe(true)
})

test('the size names what ended sessions hold', async () => {
  const here = madePlace()
  await remember(here.paths, {
    aaaaaaaa: [created, starting, exited, { type: 'archived' }],
    bbbbbbbb: [created, starting, exited],
    cccccccc: [created, { type: 'removed' }, { type: 'restored' }],
  })
  for (const [session, bytes] of [
    ['aaaaaaaa', 3_000_000],
    ['bbbbbbbb', 5_000_000],
    ['cccccccc', 100],
  ] as const) {
    mkdirSync(runFolder(here.paths, session, 1), { recursive: true })
    writeFileSync(join(runFolder(here.paths, session, 1), `out.${'0'.repeat(20)}`), Buffer.alloc(bytes, 1))
  }
  expect((await here.look()).size?.says).toMatch(/output of runs 8\.0 MB, 3\.0 MB of it of ended sessions, which may go$/)
})

test('a running daemon is named with its version; one that is stopped in its tracks is told as such, with its pid', { timeout: 20_000 }, async () => {
  await using home = new TestHome()
  expect(await home.startDaemon()).toBe('ready')
  const { pid } = await (await home.client(false)).daemonStatus(never)
  const look = async (): Promise<Result | undefined> => {
    const { out } = await offstage(new FakeClient(), ['doctor', '--json'], { env: home.env, cwd: home.project })
    return (JSON.parse(out) as Result[]).find((one) => one.name === 'daemon')
  }
  expect(await look()).toMatchObject({ state: 'good', says: expect.stringMatching(new RegExp(`^pid ${pid}, version ${packageVersion}, 0 live runs, answered in \\d+ ms$`)) })
  process.kill(pid, 'SIGSTOP')
  try {
    expect(await look()).toMatchObject({ state: 'bad', says: `the daemon (pid ${pid}) has the lock and does not answer`, hint: expect.stringContaining(`kill -9 ${pid}.`) })
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  expect((await look())?.state).toBe('good')
})

test('a daemon that has the lock and does not listen is told as starting or hanging', async () => {
  const { paths, look } = madePlace()
  const holder = started(
    spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { takeLock } = await import(process.argv[1]); globalThis.lock = takeLock(process.argv[2]); console.log('held'); setInterval(() => {}, 1000)`,
        join(packageRoot, 'src/daemon/lock.ts'),
        paths.lock,
      ],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    ),
  )
  await new Promise((resolve) => holder.stdout?.once('data', resolve))
  expect((await look()).daemon).toMatchObject({ state: 'bad', says: `the daemon (pid ${holder.pid}) has the lock and does not listen: it is just starting, or it hangs` })
  holder.kill('SIGKILL')
  await new Promise((resolve) => holder.once('exit', resolve))
  // The lock's file stays behind and means nothing.
  expect(existsSync(paths.lock)).toBe(true)
  expect((await look()).daemon).toEqual({ state: 'good', says: 'not running; the next command starts it' })
})

/** Something that answers like a daemon of another version. */
async function fakeDaemon(paths: Paths, version: string, protocol = 1): Promise<Server> {
  const server = createServer((socket) => {
    socket.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'welcome', params: { protocol, version, pid: 4711 } })}\n`)
    socket.on('data', (line) => {
      const result = { pid: 4711, version, startedAt: '2026-01-01T00:00:00Z', home: paths.home, sessions: 0, runs: 0 }
      socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: (JSON.parse(String(line)) as { id: number }).id, result })}\n`)
    })
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(paths.socket, resolve))
  onTestFinished(() => void server.close())
  return server
}

test.each([
  ['older', '0.0.9', /offstage daemon start replaces it; agents stay at work/],
  ['newer', '99.10.0', /use the newer offstage/],
])('a daemon that is %s is told, and what to do', async (word, version, hint) => {
  const { paths, look } = madePlace()
  await fakeDaemon(paths, version)
  expect((await look()).daemon).toEqual({
    state: 'warning',
    says: `the running daemon (pid 4711) is ${word} (${version}) than this offstage (${packageVersion})`,
    hint: expect.stringMatching(hint),
  })
})

test('a daemon that speaks an older protocol is told and neither asked nor ended', async () => {
  const { paths, look } = madePlace()
  const server = await fakeDaemon(paths, '0.0.1', 0)
  expect((await look()).daemon).toMatchObject({ state: 'warning', says: expect.stringContaining('0.0.1') })
  expect(server.listening).toBe(true)
})

// The machine, as it might be.

const said = (out: string, code = 0): Said => ({ code, out: `${out}\n`, err: '' })

const onGround = (ground: Partial<Ground>): Ground =>
  ({
    env: {},
    platform: 'linux',
    readSystem: async () => '',
    runs: async () => [],
    ask: async () => undefined,
    packageRoot: '/nowhere',
    paths: pathsFrom({ HOME: '/home/me' }, 1000),
    ...ground,
  }) as Ground

const stateOf = async (finding: Promise<Finding>): Promise<string> => (await finding).state

test('Node: 24.11 and later will do', async () => {
  const states = ['24.11.0', '24.12.1', '25.0.0', '24.10.9', '22.20.0'].map((nodeVersion) => stateOf(lookAtNode(onGround({ nodeVersion }), never)))
  expect(await Promise.all(states)).toEqual(['good', 'good', 'good', 'bad', 'bad'])
})

test('a package without keeper and source is wrong; a source needs a compiler', async () => {
  const { folder } = place()
  expect(await stateOf(lookAtKeeper(onGround({ packageRoot: folder }), never))).toBe('bad')
  mkdirSync(join(folder, 'dist', 'native'), { recursive: true })
  writeFileSync(join(folder, 'dist', 'native', 'keeper.c'), 'int main(void) { return 0; }')
  expect(await lookAtKeeper(onGround({ packageRoot: folder, env: { PATH: folder } }), never)).toMatchObject({
    state: 'bad',
    says: 'has to be compiled once, and there is no C compiler (cc)',
  })
  writeFileSync(join(folder, 'cc'), '', { mode: 0o755 })
  const before = readdirSync(folder, { recursive: true })
  expect(await lookAtKeeper(onGround({ packageRoot: folder, env: { PATH: folder } }), never)).toEqual({ state: 'good', says: 'is compiled at the first start, with cc' })
  expect(readdirSync(folder, { recursive: true })).toEqual(before)
})

test('git: missing or old is a warning', async () => {
  const look = (answer: Said | undefined): Promise<Finding> => lookAtGit(onGround({ ask: async () => answer }), never)
  expect(await look(said('git version 2.39.5 (Apple Git-154)'))).toEqual({ state: 'good', says: '2.39.5' })
  expect(await look(said('git version 2.17.1'))).toMatchObject({ state: 'warning', says: '2.17.1 is old, 2.28 is needed' })
  expect(await stateOf(look(undefined))).toBe('warning')
  expect(await stateOf(look(said('', 1)))).toBe('warning')
})

const live = (keeperRuns: boolean): RunSeen => ({ keeperRuns }) as RunSeen

test('open files: at least 1024, and four for each live run', async () => {
  const look = (allowed: number, runs: number): Promise<Finding> =>
    lookAtOpenFiles(onGround({ openFiles: () => allowed, runs: async () => [...Array<RunSeen>(runs).fill(live(true)), live(false)] }), never)
  expect(await look(1024, 0)).toEqual({ state: 'good', says: '1024, with 0 live runs' })
  expect(await look(1023, 1)).toMatchObject({ state: 'warning', says: 'only 1023, with 1 live run; 1024 are needed' })
  expect(await stateOf(look(1400, 300))).toBe('good')
  expect(await look(1399, 300)).toMatchObject({ state: 'warning', says: 'only 1399, with 300 live runs; 1400 are needed' })
})

test('logout: only systemd with lingering off ends sessions, KillUserProcesses all of them', async () => {
  const look = (linger: string | undefined, kills: string, first = 'systemd'): Promise<Finding> =>
    lookAtLogout(
      onGround({
        env: { USER: 'me' },
        readSystem: async () => `${first}\n`,
        ask: async (_, args) => (linger === undefined ? undefined : said(args[0] === 'show-user' && args[1] === '1000' ? linger : kills)),
      }),
      never,
    )
  expect(await look('yes', 'yes')).toEqual({ state: 'good', says: 'sessions stay (Linger=yes)' })
  expect(await look('no', 'no')).toMatchObject({ state: 'warning', hint: 'loginctl enable-linger me' })
  expect(await look('no', 'yes')).toMatchObject({ state: 'bad', hint: 'loginctl enable-linger me' })
  expect(await stateOf(look(undefined, 'yes'))).toBe('good')
  expect(await stateOf(look('no', 'yes', 'tini'))).toBe('good')
})

test('WSL and containers are named', async () => {
  const look = async (files: Readonly<Record<string, string>>): Promise<string> =>
    (await lookAtSurroundings(onGround({ readSystem: async (path) => files[path] ?? '' }), never)).says
  expect(await look({ '/proc/sys/kernel/osrelease': '5.15.167.4-microsoft-standard-WSL2' })).toContain('WSL')
  expect(await look({ '/proc/self/mountinfo': '100 1 0:50 / / rw,relatime - overlay overlay rw\n' })).toContain('container')
  expect(
    await look({ '/proc/self/mountinfo': '100 1 0:50 / / rw - ext4 /dev/sda rw\n101 1 0:51 / /var/lib/x rw - overlay overlay rw\n', '/proc/1/cgroup': '0::/init.scope\n' }),
  ).toBe('Linux')
})

test('clock: a minute of difference is nothing', async () => {
  const look = (newestAtMs: number): Promise<Finding> =>
    lookAtClock(onGround({ now: () => 1_000_000, database: async () => ({ kind: 'good', newestAtMs }) as DatabaseSeen }), never)
  expect(await stateOf(look(1_059_999))).toBe('good')
  expect(await stateOf(look(1_060_000))).toBe('warning')
})

test('terminal: UTF-8 and a TERM, the latter only where there is a terminal', async () => {
  const look = (env: Readonly<Record<string, string>>, isTerminal = true): Promise<string> => stateOf(lookAtTerminal(onGround({ env, isTerminal }), never))
  expect(await look({ TERM: 'xterm', LANG: 'de_DE.utf8' })).toBe('good')
  expect(await look({ TERM: 'xterm', LANG: 'de_DE.UTF-8', LC_ALL: 'C' })).toBe('warning')
  expect(await look({ TERM: 'dumb', LANG: 'C.UTF-8' })).toBe('warning')
  expect(await look({ LANG: 'C.UTF-8' }, false)).toBe('good')
  expect(await look({ TERM: 'xterm' })).toBe('warning')
})

test('disk: a warning below 1 GB or 2 %, few inodes, a network', () => {
  const good: DiskSeen = { type: 0xef53, bsize: 4096, blocks: 25_000_000, bavail: 600_000, files: 1000, ffree: 500 }
  const state = (seen: Partial<DiskSeen>, platform: NodeJS.Platform = 'linux'): string => disk({ ...good, ...seen }, platform).state
  expect(disk(good, 'linux')).toEqual({ state: 'good', says: '2.5 GB of 102 GB free' })
  expect(state({ bavail: 499_999 })).toBe('warning')
  expect(state({ blocks: 1_000_000, bavail: 244_141 })).toBe('good')
  expect(state({ blocks: 1_000_000, bavail: 244_140 })).toBe('warning')
  expect(state({ ffree: 19 })).toBe('warning')
  expect(state({ files: 0, ffree: 0 })).toBe('good')
  expect(state({ type: 0x6969 })).toBe('warning')
  expect(state({ type: 0x6969 }, 'darwin')).toBe('good')
  expect([0, 999, 1000, 15_400, 1_450_000, 2e9].map(size)).toEqual(['0 B', '999 B', '1.0 kB', '15 kB', '1.4 MB', '2.0 GB'])
})

// How checks are made.

const good: Finding = { state: 'good', says: 'fine' }

test('a check that never ends, or breaks, is told and holds up no other', async () => {
  const checks = {
    hangs: () => new Promise<Finding>(() => {}),
    breaks: async () => {
      throw new Error('no such thing')
    },
    fine: async () => good,
  }
  expect(await runChecks(checks, onGround({}), { fix: false, longestMs: 30 }, never)).toEqual([
    { name: 'hangs', state: 'warning', says: 'could not be looked at within 0.03 s' },
    { name: 'breaks', state: 'bad', says: 'could not be looked at: no such thing' },
    { name: 'fine', ...good },
  ])
})

test('an interrupted doctor ends at once', async () => {
  const stop = new AbortController()
  const ended = runChecks({ hangs: () => new Promise<Finding>(() => {}) }, onGround({}), { fix: false }, stop.signal)
  stop.abort('SIGINT')
  await expect(ended).rejects.toBe('SIGINT')
})

test('what could be fixed is fixed only when asked', async () => {
  const calls: string[] = []
  const checks = {
    broken: async (): Promise<Finding> => ({
      state: 'bad',
      says: 'broken',
      hint: 'fix it',
      fix: async () => {
        calls.push('fix')
        return good
      },
    }),
  }
  expect(await runChecks(checks, onGround({}), { fix: false }, never)).toEqual([{ name: 'broken', state: 'bad', says: 'broken', hint: 'fix it' }])
  expect(calls).toEqual([])
  expect(await runChecks(checks, onGround({}), { fix: true }, never)).toEqual([{ name: 'broken', ...good }])
  expect(calls).toEqual(['fix'])
})

// When the daemon died, its keepers start it again: who, what, how often, and when not. With keepers whose times are shorter.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmod, chown, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { KeeperConnection } from '../../src/keeper/connection.ts'
import { processStat } from '../../src/keeper/process-stat.ts'
import { findTree } from '../../src/keeper/process-tree.ts'
import { encodeStartFile, type StartFile } from '../../src/keeper/start-file.ts'
import { binary, cpuTicks, statusOf, type TestRun, until } from './keepers.ts'
import { end, fakeDaemon, pidsIn, revivalContract, startByHand, watched, type Watched } from './revival-contract.ts'
import { sanitizerReports, testBuild } from './test-builds.ts'

revivalContract(binary)

test('a start file is strings that end with NUL: a title, arguments, nothing, variables, nothing', () => {
  const start: StartFile = { argv: ['/bin/a', '-x', 'y z'], env: { A: 'b=c', EMPTY: '' } }
  expect(encodeStartFile(start).toString()).toBe('offstage-start 1\0/bin/a\0-x\0y z\0\0A=b=c\0EMPTY=\0\0')
  const bad: StartFile[] = [
    { argv: [], env: {} },
    { argv: ['a'], env: {} },
    { argv: ['/a', ''], env: {} },
    { argv: ['/a', 'b\0c'], env: {} },
    { argv: ['/a'], env: { A: 'b\0' } },
    { argv: ['/a'], env: { 'A=B': 'c' } },
    { argv: ['/a'], env: { '': 'c' } },
    { argv: ['/a'], env: { A: 'x'.repeat(65_536) } },
  ]
  for (const one of bad) expect(() => encodeStartFile(one)).toThrow(RangeError)
})

// Where sanitizers are missing the plain program has to do; without a compiler there is nothing to hurry.
const build = (hurry: number): string | undefined => testBuild({ sanitized: true, hurry }) ?? testBuild({ sanitized: false, hurry })
/** Waits 10 to 30 ms, 150 ms for the daemon, then 40, 80, ... 600 ms. */
const fast = build(100)
/** Waits 100 to 300 ms, 1.5 s for the daemon. */
const slower = build(10)

/** Longer than any first wait of the fast keepers; for what must not happen. */
const long = 250
async function passed(ms: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

function only(some: Watched): TestRun {
  const [run] = some.runs
  if (run === undefined) throw new Error('no keeper')
  return run
}

async function asDaemons(some: Watched): Promise<KeeperConnection[]> {
  return Promise.all(some.runs.map((run) => run.connect({ role: 'daemon' })))
}

/** A connection that is lost, as by kill -9. */
async function lose(connections: readonly KeeperConnection[]): Promise<void> {
  for (const connection of connections) await connection[Symbol.asyncDispose]()
}

/** Adds a line to FOLDER/started, and is gone. */
function failing(folder: string): StartFile {
  return { argv: ['/bin/sh', '-c', `date +%s%3N >> ${folder}/failed`], env: { PATH: '/usr/bin:/bin' } }
}

async function failures(some: Watched): Promise<number[]> {
  return (await readFile(join(some.folder, 'failed'), 'utf8').catch(() => '')).split('\n').filter(Boolean).map(Number)
}

async function writeStart(some: Watched, start: StartFile): Promise<void> {
  await writeFile(`${some.startFile}.new`, encodeStartFile(start), { mode: 0o600 })
  await rename(`${some.startFile}.new`, some.startFile)
}

describe.skipIf(fast === undefined || slower === undefined).concurrent('bringing a daemon back', () => {
  const few = (count = 1, argv?: readonly string[]): Promise<Watched> => watched(fast ?? '', count, undefined, argv)

  test('of 20 keepers exactly one starts it, beside all of them, and again when that one dies', async () => {
    await using many = await watched(slower ?? '', 20)
    await writeStart(many, fakeDaemon(many.folder))
    const before = await startByHand(many.folder)
    for (const round of [2, 3]) {
      await end((await pidsIn(many.folder, 'came')).at(-1) ?? before)
      await until(async () => (await pidsIn(many.folder, 'came')).length === round, 'a daemon to come back')
      await passed(700) // a second keeper would have begun
      expect((await pidsIn(many.folder, 'started')).length).toBe(round)
    }
    const daemon = (await pidsIn(many.folder, 'came')).at(-1) ?? 0
    const keepers = new Set(many.runs.map((run) => run.identity.keeper.pid))
    for (let at: number | undefined = daemon; at !== undefined && at > 1; at = (await processStat(at))?.parent) expect(keepers.has(at)).toBe(false)
    for (const { identity } of many.runs) {
      const found = await findTree({ keeper: identity.keeper, pgid: identity.child.pid, sid: identity.child.pid, leaderStart: identity.child.start })
      expect(found.map((one) => one.stat.pid)).toEqual([identity.child.pid])
    }
    expect(sanitizerReports()).toEqual([])
  })

  test('what is started has the given environment and nothing else, and starts clean', async () => {
    await using some = await few()
    const copy = join(some.folder, 'environ')
    await writeStart(some, { argv: ['/bin/cp', '/proc/self/environ', copy], env: { A: 'b=c', EMPTY: '' } })
    await lose(await asDaemons(some))
    await until(async () => (await readFile(copy, 'latin1').catch(() => '')) !== '', 'it to run')
    expect(await readFile(copy, 'latin1')).toBe('A=b=c\0EMPTY=\0')

    await writeStart(some, { argv: ['/bin/sh', '-c', `echo $$ >> ${some.folder}/started; exec sleep 1000`], env: {} })
    await until(async () => (await pidsIn(some.folder, 'started')).length > 0, 'it to be started')
    const [pid = 0] = await pidsIn(some.folder, 'started')
    await until(async () => (await processStat(pid))?.name === 'sleep', 'sleep to run')
    const status = await statusOf(pid)
    expect([status.get('SigIgn'), status.get('SigBlk'), status.get('Umask')]).toEqual(['0000000000000000', '0000000000000000', (await statusOf(process.pid)).get('Umask')])
    expect(await readFile(`/proc/${pid}/limits`, 'latin1')).toBe(await readFile('/proc/self/limits', 'latin1'))
    expect(await readFile(`/proc/${pid}/oom_score_adj`, 'latin1')).toBe(await readFile('/proc/self/oom_score_adj', 'latin1'))
    const [keeper] = some.runs.map((run) => run.identity.keeper.pid)
    expect(await processStat(pid)).toMatchObject({ session: pid, group: pid, parent: (await processStat(keeper ?? 0))?.parent })
    expect((await readdir(`/proc/${pid}/fd`)).toSorted()).toEqual(['0', '1', '2'])
    const where = execFileSync('readlink', [`/proc/${pid}/cwd`, ...[0, 1, 2].map((fd) => `/proc/${pid}/fd/${fd}`)], { encoding: 'latin1' })
    expect(where).toBe('/\n/dev/null\n/dev/null\n/dev/null\n')
  })

  test('nothing is started for a viewer, after a goodbye, or while a connection of the daemon is left', async () => {
    await using viewed = await few()
    await using left = await few()
    await using half = await few()
    await using busy = await few(1, ['sh', '-c', 'sleep 100'])
    const all = [viewed, left, half, busy]
    // The daemon has come and said goodbye everywhere, so that nobody waits for a first one; on a busy machine some would have waited long enough already.
    for (const connection of (await Promise.all(all.map(asDaemons))).flat()) {
      connection.goodbye()
      connection.close()
      await connection.closed
    }
    for (const some of all) await writeStart(some, failing(some.folder))
    await lose([await only(viewed).connect(), await only(viewed).connect({ role: 'viewer' })])

    // The last one counts, in whatever order.
    const two = [...(await asDaemons(left)), ...(await asDaemons(left))]
    await lose(two.slice(0, 1))
    two[1]?.goodbye()
    await lose(two.slice(1))

    const kept = await asDaemons(half)
    await lose(await asDaemons(half))

    // The goodbye lies behind input that the keeper does not take: its child reads nothing.
    const [stuck] = await asDaemons(busy)
    const waiting = Array.from({ length: 13 }, (_, index) => stuck?.input({ lane: 1, id: index + 1, bytes: Buffer.alloc(100_000) }).catch(() => 'gone'))
    await until(async () => (await only(busy).connect()).hello.highestIds[1] >= 12, 'the queue to be full')
    stuck?.goodbye()
    stuck?.close()
    await stuck?.closed
    expect(await Promise.all(waiting)).toContain('gone')

    await passed(long)
    for (const some of all) expect(await readdir(some.folder)).toEqual(['sockets', 'start'])
    await lose(kept)
    await until(async () => (await failures(half)).length > 0, 'a start after the last connection')
  })

  test('nothing is started without a start file, and no lock is left there', async () => {
    await using some = await few(2)
    await lose(await asDaemons(some))
    await passed(long)
    expect(await readdir(some.folder)).toEqual(['sockets'])
  })

  test('nothing is started when a new daemon came in time', async () => {
    await using some = await watched(slower ?? '', 5)
    await writeStart(some, failing(some.folder))
    let now = await asDaemons(some)
    for (let round = 0; round < 3; round++) {
      const next = round % 2 ? await asDaemons(some) : undefined
      await lose(now)
      now = next ?? (await asDaemons(some))
    }
    await passed(500)
    expect(await failures(some)).toEqual([])
  })

  test('a run whose daemon never came, since it died at once, starts one', async () => {
    await using some = await few()
    await writeStart(some, failing(some.folder))
    await until(async () => (await failures(some)).length > 0, 'a start')
  })

  test('a child that ended, but was not collected, is reason enough', async () => {
    await using some = await few(1, ['true'])
    await writeStart(some, failing(some.folder))
    const [connection] = await asDaemons(some)
    await connection?.exited
    await lose(connection ? [connection] : [])
    await until(async () => (await failures(some)).length > 0, 'a start')
  })

  test('a start file, or a lock, that is not a plain file of ours is refused', async () => {
    const refused: Record<string, (some: Watched) => Promise<void>> = {
      symlink: async (some) => {
        await rename(some.startFile, join(some.folder, 'elsewhere'))
        await symlink(join(some.folder, 'elsewhere'), some.startFile)
      },
      'written by others': (some) => chmod(some.startFile, 0o622),
      folder: async (some) => {
        await rm(some.startFile)
        await mkdir(some.startFile)
      },
      fifo: async (some) => {
        await rm(some.startFile)
        execFileSync('mkfifo', [some.startFile])
      },
      'symlink as lock': async (some) => {
        await symlink(join(some.folder, 'victim'), `${some.startFile}.lock`)
      },
      'too large': async (some) => writeFile(some.startFile, Buffer.concat([encodeStartFile(failing(some.folder)), Buffer.alloc(65_536)])),
      'another title': async (some) => writeFile(some.startFile, (await readFile(some.startFile, 'latin1')).replace(' 1', ' 2')),
      'cut short': async (some) => writeFile(some.startFile, (await readFile(some.startFile)).subarray(0, -1)),
      'no variable': async (some) => writeFile(some.startFile, 'offstage-start 1\0/bin/sh\0-c\0:\0\0NONE\0\0'),
      'no program': async (some) => writeFile(some.startFile, 'offstage-start 1\0\0\0'),
      'a relative program': async (some) => writeFile(some.startFile, 'offstage-start 1\0bin/sh\0\0\0'),
      empty: async (some) => writeFile(some.startFile, ''),
      ...(process.getuid?.() === 0 ? { "another user's": async (some: Watched) => chown(some.startFile, 1, 1) } : {}),
    }
    await Promise.all(
      Object.entries(refused).map(async ([what, spoil]) => {
        await using some = await few()
        await writeStart(some, failing(some.folder))
        await spoil(some)
        await lose(await asDaemons(some))
        await passed(long)
        expect([what, await failures(some), (await readdir(some.folder)).includes('victim')]).toEqual([what, [], false])
        // It was looked at, and is looked at again: a file that was repaired is taken.
        if (what === 'symlink as lock') await rm(`${some.startFile}.lock`)
        if (what === 'folder') return // cannot be replaced in one step, and without one the keeper asks no more
        await writeStart(some, failing(some.folder))
        await until(async () => (await failures(some)).length > 0, `a start after "${what}"`)
      }),
    )
    expect(sanitizerReports()).toEqual([])
  })

  test('what follows the last empty string is for later versions', async () => {
    await using some = await few()
    await writeFile(some.startFile, Buffer.concat([encodeStartFile(failing(some.folder)), Buffer.from('later\0')]), { mode: 0o600 })
    await lose(await asDaemons(some))
    await until(async () => (await failures(some)).length > 0, 'a start')
  })

  test('a program that always fails is tried 8 times with longer and longer waits, then not until a daemon left on purpose, or stayed', async () => {
    await using some = await few()
    await writeStart(some, failing(some.folder))
    await lose(await asDaemons(some))
    await until(async () => (await failures(some)).length === 8, 'the eighth try')
    const at = await failures(some)
    // 150 ms for each to come, then 40, 80, 160, 320, 600, 600, 600; how long `sh` and `date` took is in it too.
    const [first = 0] = at
    expect((at[7] ?? 0) - first).toBeGreaterThan(3300)
    for (const index of [5, 6, 7]) expect((at[index] ?? 0) - (at[index - 1] ?? 0)).toBeGreaterThan(650)
    expect((at[2] ?? 0) - first).toBeLessThan(1200)
    const { pid } = only(some).identity.keeper
    const quiet = async (): Promise<unknown> => [await cpuTicks(pid), (await statusOf(pid)).get('voluntary_ctxt_switches')]
    await passed(200)
    const before = await quiet()
    await passed(1000)
    expect(await quiet()).toEqual(before)
    expect((await failures(some)).length).toBe(8)
    await lose(await asDaemons(some)) // it falls at once
    await passed(long)
    expect((await failures(some)).length).toBe(8)
    const [daemon] = await asDaemons(some)
    await passed(650) // it stays, for one of a fast keeper
    await lose(daemon ? [daemon] : [])
    await until(async () => (await failures(some)).length === 9, 'a try')
  })

  test('keepers share their tries, and a daemon that falls as soon as it has come does not come for ever', async () => {
    await using some = await few(4)
    await writeStart(some, failing(some.folder))
    await using crashing = await few(2)
    await writeStart(crashing, fakeDaemon(crashing.folder, 'crash'))
    await lose(await asDaemons(some))
    await lose(await asDaemons(crashing))
    const counts = async (): Promise<[number, number]> => [(await failures(some)).length, (await pidsIn(crashing.folder, 'started')).length]
    let last = await counts()
    for (let quietMs = 0; quietMs < 1600; quietMs += 100) {
      await passed(100)
      const now = await counts()
      if (now.join() !== last.join()) quietMs = 0
      last = now
    }
    const [tried, started] = last
    expect(tried).toBeGreaterThanOrEqual(8)
    expect(tried).toBeLessThanOrEqual(20)
    expect(started).toBeGreaterThanOrEqual(3)
    expect(started).toBeLessThanOrEqual(16)
  })

  test('the lock is held until the daemon had time to come to the other keepers', async () => {
    await using some = await watched(slower ?? '', 1)
    await writeStart(some, failing(some.folder))
    await lose(await asDaemons(some))
    await until(async () => (await failures(some)).length > 0, 'a start')
    await asDaemons(some)
    const isFree = (): boolean => spawnSync('flock', ['-n', `${some.startFile}.lock`, 'true']).status === 0
    expect(isFree()).toBe(false)
    await until(isFree, 'the lock to be given back')
    expect((await failures(some)).length).toBe(1)
  })

  test('while another keeper starts it, nobody else does', async () => {
    await using some = await few(3)
    await writeStart(some, failing(some.folder))
    const other = spawn('flock', ['-n', `${some.startFile}.lock`, 'sh', '-c', 'echo has it; read x'], { stdio: ['pipe', 'pipe', 'inherit'] })
    await new Promise((resolve) => {
      other.stdout.once('data', resolve)
    })
    await lose(await asDaemons(some))
    await passed(long)
    expect(await failures(some)).toEqual([])
    other.stdin.end()
    await until(async () => (await failures(some)).length > 0, 'a start when the lock is free')
  })

  test('with its daemon there, or after a goodbye, a keeper does not run at all', async () => {
    await using some = await few(2)
    await writeStart(some, failing(some.folder))
    const [, other] = await asDaemons(some)
    other?.goodbye()
    other?.close()
    await other?.closed
    const quiet = (): Promise<unknown> =>
      Promise.all(some.runs.map(async ({ identity }) => [await cpuTicks(identity.keeper.pid), (await statusOf(identity.keeper.pid)).get('voluntary_ctxt_switches')]))
    await passed(650) // it gives its buffers back half a second after the last byte
    const before = await quiet()
    await passed(300)
    expect(await quiet()).toEqual(before)
  })
})

// What every keeper program does: the one of this source, and each that was ever released.
import { execFile, spawn } from 'node:child_process'
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { KeeperUnreachable, type Held } from '../../src/keeper/connection.ts'
import { launchKeeper, LaunchFailed, type LaunchSpec } from '../../src/keeper/launch.ts'
import { processRuns, processStat } from '../../src/keeper/process-stat.ts'
import { keeperAlive, logEnd, readExit, readIdentity, readInputs, readLog, syncLog } from '../../src/keeper/run-folder.ts'
import {
  canMount,
  cpuTicks,
  gone,
  nonce,
  numbers,
  path,
  readAll,
  readUntil,
  root,
  smallDisk,
  soak,
  soon,
  startRun as startRunOf,
  statusOf,
  temporaryFolder,
  type TestRun,
  until,
} from './keepers.ts'

const modes = ['pty', 'pipes'] as const

async function inAnyFile(folder: string, text: string): Promise<string[]> {
  const names = await readdir(folder)
  const contents = await Promise.all(names.filter((name) => name !== 's').map(async (name) => ({ name, text: await readFile(join(folder, name), 'latin1') })))
  return contents.filter((file) => file.text.includes(text)).map((file) => file.name)
}

export function keeperContract(binary: string): void {
  const startRun = (argv: readonly string[], spec: Partial<LaunchSpec> = {}): Promise<TestRun> => startRunOf(argv, { binary, ...spec })
  async function failureOf(argv: readonly string[], spec: Partial<LaunchSpec> = {}): Promise<unknown> {
    return startRun(argv, spec).then(
      () => undefined,
      (cause: unknown) => cause,
    )
  }

  test('a program that cannot be run is an error with its errno, and nothing is left running', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'not-executable'), 'x')
    await chmod(join(folder.path, 'not-executable'), 0o644)
    for (const mode of modes) {
      expect(await failureOf(['no-such-program'], { mode })).toMatchObject({ name: 'LaunchFailed', step: 'exec', code: 'ENOENT' })
      expect(await failureOf(['/no/such/program'], { mode })).toMatchObject({ step: 'exec', code: 'ENOENT' })
      expect(await failureOf([join(folder.path, 'not-executable')], { mode })).toMatchObject({ step: 'exec', code: 'EACCES' })
      expect(await failureOf(['not-executable'], { mode, env: { PATH: folder.path } })).toMatchObject({ step: 'exec', code: 'EACCES' })
      expect(await failureOf(['true'], { mode, cwd: '/no/such/folder' })).toMatchObject({ step: 'chdir', code: 'ENOENT' })
    }
    expect(await failureOf(['true'], { folder: '/no/such/folder' })).toMatchObject({ step: 'folder', code: 'ENOENT' })
    expect(await failureOf(['true'], { socketPath: `/tmp/${'x'.repeat(120)}` })).toMatchObject({ step: 'socket', code: 'ENAMETOOLONG' })
    expect(await failureOf(['true'], { socketPath: join(folder.path, 'not-executable') })).toMatchObject({ step: 'socket', code: 'EEXIST' })
    expect(await failureOf(['true'], { nonce: 'with blank' })).toMatchObject({ step: 'record', code: 'EINVAL' })
    expect(await failureOf([], {})).toMatchObject({ step: 'record', code: 'EINVAL' })
    expect(await failureOf(['true'], { binary: '/no/such/keeper' })).toMatchObject({ step: 'spawn', code: 'ENOENT' })
    expect(await readdir(folder.path)).toEqual(['not-executable'])
  })

  test('a program is found by the PATH it is given, from the folder it is given, a script without #! too', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'run-me'), 'echo "$0 $1 in $(pwd)"\n')
    await chmod(join(folder.path, 'run-me'), 0o755)
    for (const argv of [
      ['./run-me', 'x'],
      ['run-me', 'x'],
    ]) {
      await using run = await startRun(argv, { cwd: folder.path, env: { PATH: `/no:${path}:` } })
      const { bytes } = await readAll(await run.connect())
      expect(bytes.toString()).toBe(`./run-me x in ${folder.path}\n`)
    }
  })

  test('the child has the given environment and nothing else, and no file ever holds it', async () => {
    const env = { PATH: path, CANARY: 'canary-7f3a91', EMPTY: '' }
    await using run = await startRun(['cat'], { env })
    expect((await readFile(`/proc/${run.identity.child.pid}/environ`, 'latin1')).split('\0').filter(Boolean).toSorted()).toEqual(['CANARY=canary-7f3a91', 'EMPTY=', `PATH=${path}`])
    expect(await inAnyFile(run.folder, env.CANARY)).toEqual([])
    expect(await readFile(`/proc/${run.identity.keeper.pid}/environ`, 'latin1')).toBe('')
    expect(await readFile(`/proc/${run.identity.keeper.pid}/cmdline`, 'latin1')).not.toContain(env.CANARY)
  })

  test('the child starts clean: descriptors, signals, mask, umask, limits, session, terminal', async () => {
    for (const mode of modes) {
      await using run = await startRun(['cat'], { mode })
      const { keeper, child } = run.identity
      expect((await readdir(`/proc/${child.pid}/fd`)).toSorted()).toEqual(['0', '1', '2'])
      const status = await statusOf(child.pid)
      const ours = await statusOf(process.pid)
      expect([status.get('SigIgn'), status.get('SigBlk'), status.get('Umask')]).toEqual(['0000000000000000', '0000000000000000', ours.get('Umask')])
      expect(await readFile(`/proc/${child.pid}/limits`, 'latin1')).toBe(await readFile('/proc/self/limits', 'latin1'))
      expect(await processStat(child.pid)).toMatchObject({ parent: keeper.pid, group: child.pid, session: child.pid, start: child.start })
      const keeperStat = await processStat(keeper.pid)
      expect(keeperStat?.start).toBe(keeper.start)
      expect(keeperStat?.session).not.toBe((await processStat(process.pid))?.session)
      const terminal = (await readFile(`/proc/${child.pid}/stat`, 'latin1')).split(') ')[1]?.split(' ')[4]
      expect(terminal === '0').toBe(mode === 'pipes')
      const score = async (pid: number | 'self'): Promise<number> => Number(await readFile(`/proc/${pid}/oom_score_adj`, 'latin1'))
      expect([await score(keeper.pid), await score(child.pid)]).toEqual([await score('self'), (await score('self')) + 200])
      expect((await stat(run.socketPath)).mode & 0o777).toBe(0o700)
      for (const name of await readdir(run.folder)) if (name !== 's') expect((await stat(join(run.folder, name))).mode & 0o777).toBe(0o600)
    }
  })

  test('a program that prints 24 kB and exits at once loses no byte', { timeout: soak ? 600_000 : 30_000 }, async () => {
    for (const mode of modes) {
      const expected = numbers(10_000, 13_999, mode === 'pty' ? '\r\n' : '\n')
      const once = async (): Promise<void> => {
        await using run = await startRun(['seq', '10000', '13999'], { mode })
        const connection = await run.connect()
        const { bytes, end } = await readAll(connection)
        if (bytes.toString('latin1') !== expected) throw new Error(`${mode}: ${bytes.length} bytes of ${expected.length}`)
        expect(end).toEqual({ exit: { kind: 'code', code: 0 }, ends: { out: expected.length, err: 0 } })
        connection.collect()
        await connection.closed
      }
      const perLane = soak ? 2000 : 15
      await Promise.all(
        [1, 2, 3].map(async () => {
          for (let n = 0; n < perLane; n++) await once()
        }),
      )
    }
  })

  test('stderr of pipes is a stream of its own', async () => {
    await using run = await startRun(['sh', '-c', 'echo to out; echo to err >&2'])
    const connection = await run.connect()
    const [out, err] = await Promise.all([readAll(connection), readAll(connection, 'err')])
    expect([out.bytes.toString(), err.bytes.toString(), out.end.ends]).toEqual(['to out\n', 'to err\n', { out: 7, err: 7 }])
  })

  test('readers at any offset get the same bytes, and one that reads nothing stalls nobody', async () => {
    await using run = await startRun(['sh', '-c', 'read go; seq 100000 500000'], { segmentBytes: 65_536 })
    const expected = numbers(100_000, 500_000)
    const stuck = await run.connect()
    stuck.read('out', 0, () => {})
    stuck.pause()
    const first = await run.connect()
    const all = readAll(first)
    const later = readAll(await run.connect(), 'out', 1_000_001)
    const beyond = readAll(await run.connect(), 'out', 1e12)
    await first.input({ lane: 1, id: 1, bytes: Buffer.from('go\n') })
    expect((await all).bytes.toString('latin1') === expected).toBe(true)
    expect((await later).bytes.toString('latin1') === expected.slice(1_000_001)).toBe(true)
    expect((await beyond).bytes.length).toBe(0)
    const again = readAll(await run.connect(), 'out', 65_530)
    expect((await again).bytes.toString('latin1') === expected.slice(65_530)).toBe(true)
    expect((await readdir(run.folder)).filter((name) => name.startsWith('out.')).length).toBe(Math.ceil(expected.length / 65_536))

    expect(await logEnd(run.folder, 'out')).toBe(expected.length)
    expect((await readLog(run.folder, 'out', 65_530, 100_000)).bytes.toString('latin1')).toBe(expected.slice(65_530, 165_530))
    expect((await readLog(run.folder, 'out', expected.length, 10)).bytes.length).toBe(0)
    expect(await syncLog(run.folder, 'out', 70_000)).toBe(expected.length)
    expect(await logEnd(run.folder, 'in')).toBeGreaterThan(0)

    await rm(join(run.folder, `out.${'65536'.padStart(20, '0')}`))
    expect((await readLog(run.folder, 'out', 65_536, 10)).offset).toBe(131_072)
    const parts: Buffer[] = []
    const offsets: number[] = []
    const trimmed = await run.connect()
    trimmed.read('out', 65_500, ({ offset, bytes }) => {
      offsets.push(offset)
      parts.push(bytes)
    })
    await trimmed.exited
    expect(offsets.slice(0, 2)).toEqual([65_500, 131_072])
    expect(Buffer.concat(parts).toString('latin1') === expected.slice(65_500, 65_536) + expected.slice(131_072)).toBe(true)
  })

  test('a viewer that never reads costs the child, other viewers and memory nothing', async () => {
    await using run = await startRun(['sh', '-c', 'stty raw -echo; echo ready; read go; yes 0123456789012345678901234567890123456789 | head -c 20000000'], { mode: 'pty' })
    const { pid } = run.identity.keeper
    const stuck = await run.connect()
    stuck.read('out', 0, () => {})
    stuck.pause()
    const daemon = await run.connect({ role: 'daemon' })
    daemon.read('out', 0, () => {})
    daemon.pause()
    const other = await run.connect()
    await readUntil(await run.connect(), 'ready\n')
    let most = 0
    let looking = Promise.resolve()
    other.read('out', 0, ({ offset, bytes }) => {
      if ((offset + bytes.length) >> 20 === offset >> 20) return
      looking = looking.then(async () => {
        const status = await statusOf(pid)
        most = Math.max(most, Number.parseInt(status.get('VmData') ?? ''), Number.parseInt(status.get('RssAnon') ?? ''))
      })
    })
    await other.input({ lane: 1, id: 1, bytes: Buffer.from('go\n') })
    expect(await other.exited).toEqual({ exit: { kind: 'code', code: 0 }, ends: { out: 20_000_006, err: 0 } })
    await looking
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThan(2048) // kB
  })

  test('input of lanes 1 to 3 is delivered once, lane 0 as often as it comes', async () => {
    await using run = await startRun(['cat'])
    const connection = await run.connect()
    const send = (lane: 0 | 1 | 2 | 3, id: number, text: string, more: { secret?: boolean; close?: boolean } = {}): Promise<string> =>
      connection.input({ lane, id, bytes: Buffer.from(text), ...more })
    expect(await send(1, 5, 'a')).toBe('accepted')
    expect(await send(1, 5, 'a')).toBe('duplicate')
    expect(await send(1, 4, 'b')).toBe('duplicate')
    expect(await send(1, 0, 'b')).toBe('duplicate')
    expect(await send(2, 4, 'c')).toBe('accepted')
    expect(await send(0, 1, 'd')).toBe('accepted')
    expect(await send(0, 1, 'd')).toBe('accepted')
    const second = await run.connect()
    expect(second.hello.highestIds).toEqual([1, 5, 4, 0])
    expect(await second.input({ lane: 1, id: 5, bytes: Buffer.from('a') })).toBe('duplicate')
    expect(await send(3, 1, 'hidden', { secret: true })).toBe('accepted')
    expect(await send(3, 2, 'e\n', { close: true })).toBe('accepted')
    expect(await send(3, 3, 'f')).toBe('closed')
    expect(await send(3, 2, 'e\n')).toBe('duplicate')
    const { bytes } = await readAll(connection)
    expect(bytes.toString()).toBe('acddhiddene\n')
    const records = await readInputs(run.folder)
    expect(records.map(({ lane, id, length, close, bytes }) => [lane, id, length, close, bytes?.toString()])).toEqual([
      [1, 5, 1, false, 'a'],
      [2, 4, 1, false, 'c'],
      [0, 1, 1, false, 'd'],
      [0, 1, 1, false, 'd'],
      [3, 1, 6, false, undefined],
      [3, 2, 2, true, 'e\n'],
    ])
  })

  test('secret input and all input of a PTY is in no file', async () => {
    await using pty = await startRun(['sh', '-c', 'stty -echo; echo ready; read x; echo "${#x}"; cat'], { mode: 'pty' })
    const connection = await pty.connect()
    const ready = readUntil(connection, /ready\r\n17\r\n/)
    const waiting = await pty.connect()
    await readUntil(waiting, 'ready')
    await waiting.input({ lane: 1, id: 1, bytes: Buffer.from('typed-password-99\n') })
    await ready
    expect(await inAnyFile(pty.folder, 'typed-password')).toEqual([])
    expect(await readInputs(pty.folder)).toMatchObject([{ lane: 1, id: 1, length: 18 }])

    await using pipes = await startRun(['sh', '-c', 'read x; echo "${#x}"'])
    const toPipes = await pipes.connect()
    await toPipes.input({ lane: 1, id: 1, bytes: Buffer.from('secret-token-5\n'), secret: true })
    expect((await readAll(toPipes)).bytes.toString()).toBe('14\n')
    expect(await inAnyFile(pipes.folder, 'secret-token')).toEqual([])
  })

  test('the exit is known by code or by signal, to clients of any time, and to the folder', async () => {
    for (const mode of modes) {
      await using byCode = await startRun(['sh', '-c', 'exit 41'], { mode })
      const early = await byCode.connect()
      expect(await early.exited).toEqual({ exit: { kind: 'code', code: 41 }, ends: { out: 0, err: 0 } })
      const late = await byCode.connect()
      expect(late.hello.exit).toEqual({ kind: 'code', code: 41 })
      expect(await late.exited).toEqual({ exit: { kind: 'code', code: 41 }, ends: { out: 0, err: 0 } })
      expect(await readExit(byCode.folder)).toEqual({ exit: { kind: 'code', code: 41 }, ends: { out: 0, err: 0 } })

      await using bySignal = await startRun(['sleep', '100'], { mode })
      const connection = await bySignal.connect()
      connection.signal(9)
      expect((await connection.exited)?.exit).toEqual({ kind: 'signal', signal: 9 })
      expect((await readExit(bySignal.folder))?.exit).toEqual({ kind: 'signal', signal: 9 })
    }
  })

  test('a collected keeper removes its socket and is gone; before the exit it does not listen to that', async () => {
    await using run = await startRun(['sh', '-c', 'read x; exit 0'])
    const connection = await run.connect()
    connection.collect()
    expect(await connection.input({ lane: 1, id: 1, bytes: Buffer.from('x\n') })).toBe('accepted')
    await connection.exited
    expect(await keeperAlive({ ...run.identity, nonce }, run.socketPath, soon())).toBe(true)
    connection.collect()
    await connection.closed
    await gone(run.identity.keeper)
    expect(await readdir(run.folder)).not.toContain('s')
    expect(await keeperAlive({ ...run.identity, nonce }, run.socketPath, soon())).toBe(false)
    expect(await readIdentity(run.folder)).toEqual(run.identity)
  })

  test('a folder serves one keeper, and one run', async () => {
    await using run = await startRun(['cat'])
    const spec: LaunchSpec = { binary, folder: run.folder, socketPath: join(run.folder, 't'), nonce, argv: ['true'], env: {}, cwd: '/', mode: 'pipes' }
    await expect(launchKeeper(spec, soon())).rejects.toMatchObject({ step: 'lock', code: 'EAGAIN' })
    const connection = await run.connect()
    await connection.input({ lane: 1, id: 1, bytes: Buffer.alloc(0), close: true })
    await connection.exited
    connection.collect()
    await gone(run.identity.keeper)
    await expect(launchKeeper(spec, soon())).rejects.toMatchObject({ step: 'used', code: 'EEXIST' })
    await expect(launchKeeper(spec, soon())).rejects.toBeInstanceOf(LaunchFailed)
  })

  test('a socket that a living keeper listens on is not taken from it; a dead one is', async () => {
    await using run = await startRun(['cat'])
    expect(await failureOf(['true'], { socketPath: run.socketPath })).toMatchObject({ step: 'socket', code: 'EADDRINUSE' })
    await using folder = await temporaryFolder()
    const socketPath = join(folder.path, 's')
    const killed = await startRun(['cat'], { socketPath })
    process.kill(killed.identity.keeper.pid, 'SIGKILL')
    await gone(killed.identity.keeper)
    await killed[Symbol.asyncDispose]()
    await using again = await startRun(['cat'], { socketPath })
    expect((await again.connect()).hello.childPid).toBe(again.identity.child.pid)
  })

  test('a client with another nonce is told so, nobody there too', async () => {
    await using run = await startRun(['cat'])
    await expect(run.connect({ nonce: 'other' })).rejects.toThrow(/the keeper of another run/)
    await rm(run.socketPath)
    await expect(run.connect()).rejects.toBeInstanceOf(KeeperUnreachable)
    process.kill(-run.identity.child.pid, 'SIGKILL')
    process.kill(run.identity.keeper.pid, 'SIGKILL')
  })

  test('no signal that one can send by mistake ends a keeper', async () => {
    await using run = await startRun(['cat'])
    const before = await run.connect()
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGPIPE', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGCHLD', 'SIGTSTP'] as const) {
      process.kill(run.identity.keeper.pid, signal)
    }
    expect(await before.input({ lane: 1, id: 1, bytes: Buffer.from('x') })).toBe('accepted')
    expect(await processRuns(run.identity.child)).toBe(true)
  })

  test('a keeper outlives whoever started it and whoever listens', async () => {
    await using folder = await temporaryFolder()
    const script = `
    import { launchKeeper } from ${JSON.stringify(join(root, 'src/keeper/launch.ts'))}
    import { connectKeeper } from ${JSON.stringify(join(root, 'src/keeper/connection.ts'))}
    const signal = AbortSignal.timeout(10000)
    const identity = await launchKeeper(${JSON.stringify({
      binary,
      folder: folder.path,
      socketPath: join(folder.path, 's'),
      nonce,
      argv: ['sh', '-c', 'seq 1000; cat'],
      env: { PATH: path },
      cwd: '/',
      mode: 'pipes',
    })}, signal)
    const connection = await connectKeeper(${JSON.stringify(join(folder.path, 's'))}, { nonce: ${JSON.stringify(nonce)} }, signal)
    connection.read('out', 0, () => {})
    await connection.input({ lane: 1, id: 1, bytes: Buffer.from('first\\n') })
    console.log(JSON.stringify(identity))
    setInterval(() => {}, 1000)
  `
    const starter = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const { promise, resolve } = Promise.withResolvers<string>()
    starter.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()))
    const identity = JSON.parse(await promise)
    starter.kill('SIGKILL')
    const { connectKeeper } = await import('../../src/keeper/connection.ts')
    await using connection = await connectKeeper(join(folder.path, 's'), { nonce }, soon())
    expect(connection.hello).toMatchObject({ childPid: identity.child.pid, highestIds: [0, 1, 0, 0] })
    expect(await connection.input({ lane: 1, id: 1, bytes: Buffer.from('first\n') })).toBe('duplicate')
    await connection.input({ lane: 1, id: 2, bytes: Buffer.from('second\n'), close: true })
    expect((await readAll(connection)).bytes.toString()).toBe(`${numbers(1, 1000)}first\nsecond\n`)
    connection.collect()
    await gone(identity.keeper)
  })

  test('a grandchild that holds the output open, quiet or loud, does not delay the exit', async () => {
    for (const mode of modes) {
      for (const command of ['trap "" HUP; sleep 100 & echo $! is there', 'trap "" HUP; yes & echo $! is there >&2; exit 0']) {
        await using run = await startRun(['sh', '-c', command], { mode })
        const connection = await run.connect()
        expect((await connection.exited)?.exit).toEqual({ kind: 'code', code: 0 })
        const said = (await readLog(run.folder, mode === 'pipes' && command.includes('yes') ? 'err' : 'out', 0, 1e7)).bytes.toString('latin1')
        const pid = Number(/(\d+) is there/.exec(said)?.[1])
        const grandchild = await processStat(pid)
        expect(grandchild).toMatchObject({ parent: run.identity.keeper.pid }) // the keeper is a subreaper
        process.kill(pid, 'SIGKILL')
      }
    }
  })

  test('a child that closes its terminal and opens it again is heard', async () => {
    await using run = await startRun(['sh', '-c', 'exec <&- >&- 2>&-; sleep 0.1; echo back > /dev/tty; read x < /dev/tty'], { mode: 'pty' })
    const connection = await run.connect()
    await readUntil(connection, 'back')
    expect(await cpuTicks(run.identity.keeper.pid)).toBeLessThan(5)
  })

  test('an idle keeper does not run at all', async () => {
    await using run = await startRun(['cat'], { mode: 'pty' })
    const connection = await run.connect()
    const echoed = readUntil(connection, 'x')
    await connection.input({ lane: 0, id: 1, bytes: Buffer.from('x') })
    await echoed
    const { pid } = run.identity.keeper
    const switches = async (): Promise<string | undefined> => (await statusOf(pid)).get('voluntary_ctxt_switches')
    await new Promise((resolve) => {
      setTimeout(resolve, 600)
    }) // it gives its buffers back half a second after the last byte
    const before = [await cpuTicks(pid), await switches()]
    await new Promise((resolve) => {
      setTimeout(resolve, 300)
    })
    expect([await cpuTicks(pid), await switches()]).toEqual(before)
  })

  test('a resize reaches the child and the other clients, not the one who asked', async () => {
    await using run = await startRun(['sh', '-c', 'stty size; trap "stty size" WINCH; echo set; while :; do read x; done'], { mode: 'pty', size: { cols: 100, rows: 30 } })
    const sizes: unknown[] = []
    const own: unknown[] = []
    const heard = Promise.withResolvers<void>()
    await run.connect({
      onSize: (size) => {
        sizes.push(size)
        heard.resolve()
      },
    })
    const connection = await run.connect({ onSize: (size) => own.push(size) })
    await readUntil(await run.connect(), '30 100\r\nset')
    connection.resize({ cols: 120, rows: 41 })
    await readUntil(connection, '41 120')
    await heard.promise
    expect(sizes).toEqual([{ cols: 120, rows: 41 }])
    expect(own).toEqual([])
    expect((await run.connect()).hello.size).toEqual({ cols: 120, rows: 41 })
  })

  test('a signal goes to the group, the child, or what is in the foreground', async () => {
    await using run = await startRun(['bash', '--norc', '-ic', 'trap "echo bash-int" INT; set -m; sleep 100; echo "status $?"; read x'], { mode: 'pty' })
    const connection = await run.connect()
    const ended = readUntil(connection, 'status 130')
    await until(async () => (await readFile(`/proc/${run.identity.child.pid}/task/${run.identity.child.pid}/children`, 'latin1')) !== '', 'sleep to start')
    const isForeground = async (): Promise<boolean> =>
      (await readFile(`/proc/${run.identity.child.pid}/stat`, 'latin1')).split(') ')[1]?.split(' ')[5] !== String(run.identity.child.pid)
    await until(isForeground, 'sleep to be in the foreground')
    connection.signal(2, 'foreground')
    expect(await ended).toContain('status 130')
  })

  test("a child that closed its input: later input is answered 'closed'", async () => {
    await using run = await startRun(['sh', '-c', 'exec <&-; echo closed; sleep 100'])
    const connection = await run.connect()
    await readUntil(connection, 'closed')
    await connection.input({ lane: 1, id: 1, bytes: Buffer.from('x') }) // finds out
    expect(await connection.input({ lane: 1, id: 2, bytes: Buffer.from('x') })).toBe('closed')
  })

  test('a child that does not read its input holds the sender back, and gets all of it in order later', async () => {
    await using run = await startRun(['sh', '-c', 'trap "exec md5sum" USR1; echo ready; while :; do sleep 0.01; done'])
    const connection = await run.connect()
    await readUntil(connection, 'ready')
    let acknowledged = 0
    const pieces = Array.from({ length: 60 }, (_, index) => Buffer.alloc(65_536, `${index}.`))
    const answers = pieces.map(async (bytes, index) => {
      const result = await connection.input({ lane: 1, id: index + 1, bytes, close: index === pieces.length - 1 })
      acknowledged++
      return result
    })
    await until(() => acknowledged >= 17, 'the queue to fill')
    const other = await run.connect()
    expect(other.hello.highestIds[1]).toBeLessThan(25)
    other.signal(10, 'child')
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['accepted']))
    const { createHash } = await import('node:crypto')
    const sum = createHash('md5').update(Buffer.concat(pieces)).digest('hex')
    expect((await readAll(other)).bytes.toString()).toBe(`ready\n${sum}  -\n`)
    expect((await readInputs(run.folder)).reduce((total, record) => total + (record.bytes?.length ?? 0), 0)).toBe(60 * 65_536)
  })

  test('without descriptors the keeper waits, it does not spin', async () => {
    await using run = await startRun(['cat'])
    const { pid } = run.identity.keeper
    const open = (await readdir(`/proc/${pid}/fd`)).length
    await promisify(execFile)('prlimit', ['--pid', String(pid), `--nofile=${open + 3}:${open + 3}`])
    const accepted = await Promise.all([run.connect(), run.connect(), run.connect()])
    const waiting = Promise.all([run.connect(), run.connect()])
    const before = await cpuTicks(pid)
    await new Promise((resolve) => {
      setTimeout(resolve, 300)
    })
    expect((await cpuTicks(pid)) - before).toBeLessThan(3)
    for (const connection of accepted) connection.close()
    expect((await waiting).length).toBe(2)
  })

  test('a run folder that is deleted under it: the keeper goes on, and leaves when the child has ended', async () => {
    await using sockets = await temporaryFolder()
    const run = await startRun(['sh', '-c', 'read x; echo more; exit 3'], { socketPath: join(sockets.path, 's') })
    const connection = await run.connect()
    await rm(run.folder, { recursive: true })
    void connection.input({ lane: 0, id: 1, bytes: Buffer.from('x\n') }).catch(() => {}) // cannot be logged: waits for ever
    await new Promise((resolve) => {
      setTimeout(resolve, 300)
    })
    expect(await cpuTicks(run.identity.keeper.pid)).toBeLessThan(5)
    const second = await run.connect()
    second.signal(15)
    expect((await second.exited)?.exit).toEqual({ kind: 'signal', signal: 15 })
    connection.close()
    second.close()
    await gone(run.identity.keeper)
  })

  test('an earlier keeper leaves no descriptor, no zombie and no memory with many clients', async () => {
    await using run = await startRun(['sh', '-c', 'seq 200000; cat'])
    const { pid } = run.identity.keeper
    const before = (await readdir(`/proc/${pid}/fd`)).length
    for (let round = 0; round < 40; round++) {
      await using connection = await run.connect()
      connection.read('out', round * 1000, () => {})
    }
    await until(async () => (await readdir(`/proc/${pid}/fd`)).length === before, 'all descriptors to be closed')
  })

  // Needs root and mount(2): a full disk cannot be had otherwise (RLIMIT_FSIZE is lifted by the keeper).
  test.skipIf(!canMount)('a full disk holds the child, nothing else, and no byte is lost', async () => {
    for (const mode of modes) {
      await using disk = await smallDisk()
      await using sockets = await temporaryFolder()
      await using run = await startRun(['sh', '-c', 'read x; seq 100000 200000; exit 7'], { mode, folder: disk.path, socketPath: join(sockets.path, 's') })
      const told: Held[] = []
      const held = Promise.withResolvers<void>()
      const connection = await run.connect({
        onHeld: (now) => {
          told.push(now)
          held.resolve()
        },
      })
      const all = readAll(connection)
      await connection.input({ lane: 1, id: 1, bytes: Buffer.from('x\n') })
      await held.promise
      expect(told).toEqual([{ on: true, errno: 28 }])
      expect((await run.connect()).hello).toMatchObject({ held: true })
      expect(await processRuns(run.identity.child)).toBe(true)
      expect(await cpuTicks(run.identity.keeper.pid)).toBeLessThan(20)
      const late = connection.input({ lane: 1, id: 2, bytes: Buffer.from('kept for later\n') }) // cannot be logged: waits
      disk.grow()
      expect(await late).toBe('accepted')
      const { bytes, end } = await all
      const expected = (mode === 'pty' ? 'x\r\n' : '') + numbers(100_000, 200_000, mode === 'pty' ? '\r\n' : '\n')
      expect(bytes.toString('latin1').replace('kept for later\r\n', '') === expected).toBe(true)
      expect(end.exit).toEqual({ kind: 'code', code: 7 })
      expect(told.at(-1)).toEqual({ on: false, errno: 0 })
      expect((await readInputs(run.folder)).map((record) => [record.id, record.length])).toEqual([
        [1, 2],
        [2, 15],
      ])
    }
  })

  test.skipIf(!canMount)('a child that dies while it is held: its last bytes and its exit wait for room', async () => {
    await using disk = await smallDisk()
    await using sockets = await temporaryFolder()
    await using run = await startRun(['seq', '100000', '200000'], { folder: disk.path, socketPath: join(sockets.path, 's') })
    const held = Promise.withResolvers<void>()
    const connection = await run.connect({ onHeld: () => held.resolve() })
    if (!connection.hello.held) await held.promise
    const sleeps = async (): Promise<boolean> => (await statusOf(run.identity.child.pid)).get('State')?.startsWith('S') === true
    await until(sleeps, 'the pipe to be full')
    await writeFile(join(disk.path, 'filler'), Buffer.alloc(65_536)).catch(() => {}) // not a byte of room for an input record either
    const stuck = await run.connect()
    const waiting = stuck.input({ lane: 1, id: 1, bytes: Buffer.alloc(20_000) })
    connection.signal(9)
    await gone(run.identity.child)
    expect(await waiting).toBe('closed')
    expect(await readExit(run.folder)).toBeUndefined()
    disk.grow()
    const { bytes, end } = await readAll(connection)
    expect(end.exit).toEqual({ kind: 'signal', signal: 9 })
    expect(numbers(100_000, 200_000).startsWith(bytes.toString('latin1'))).toBe(true)
    expect(bytes.length).toBeGreaterThan(300_000)
  })

  test('a child is held while less than the reserve is free', async () => {
    await using run = await startRun(['sh', '-c', 'echo x; sleep 100'], { reserveBytes: 2 ** 50 })
    const held = Promise.withResolvers<void>()
    const connection = await run.connect({ onHeld: () => held.resolve() })
    if (!connection.hello.held) await held.promise
    expect(await logEnd(run.folder, 'out')).toBe(0)
    connection.signal(9)
  })
}

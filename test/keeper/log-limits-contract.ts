// How much of a log is kept, and how a child is held: what every keeper program does.
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Held, KeeperConnection } from '../../src/keeper/connection.ts'
import type { Stream } from '../../src/keeper/frames.ts'
import { LaunchFailed, type LaunchSpec } from '../../src/keeper/launch.ts'
import { processRuns } from '../../src/keeper/process-stat.ts'
import { logEnd, readExit, readLog, syncLog } from '../../src/keeper/run-folder.ts'
import { canMount, cpuTicks, numbers, readUntil, smallDisk, startRun as startRunOf, statusOf, temporaryFolder, type TestRun, until } from './keepers.ts'

const kib = 1024
const mib = 1024 * kib
const efbig = 27
const enospc = 28

/** What a connection is told of holding, and the moments at which it says what one waits for. */
class Holds {
  readonly told: Held[] = []
  #wake = Promise.withResolvers<void>()
  readonly onHeld = (held: Held): void => {
    this.told.push(held)
    this.#wake.resolve()
    this.#wake = Promise.withResolvers<void>()
  }

  async until(on: boolean): Promise<void> {
    while (this.told.at(-1)?.on !== on) await this.#wake.promise
  }
}

type Pieces = { offset: number; text: string }[]

/** Contiguous pieces of a stream, until the exit. */
async function readPieces(connection: KeeperConnection, stream: Stream, from: number): Promise<Pieces> {
  const pieces: { offset: number; parts: Buffer[]; end: number }[] = []
  connection.read(stream, from, ({ offset, bytes }) => {
    const last = pieces.at(-1)
    if (last?.end === offset) {
      last.parts.push(bytes)
      last.end += bytes.length
    } else pieces.push({ offset, parts: [bytes], end: offset + bytes.length })
  })
  await connection.exited
  return pieces.map(({ offset, parts }) => ({ offset, text: Buffer.concat(parts).toString('latin1') }))
}

async function sizeOf(folder: string, name: string): Promise<number> {
  const files = (await readdir(folder)).filter((file) => file.startsWith(`${name}.`))
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size))
  return sizes.reduce((total, size) => total + size, 0)
}

export function logLimitsContract(binary: string): void {
  const startRun = (argv: readonly string[], spec: Partial<LaunchSpec> = {}): Promise<TestRun> => startRunOf(argv, { binary, ...spec })

  test('of a long log the first and the last bytes are kept, and readers jump over the rest', async () => {
    const whole = numbers(100_000, 300_000, '\r\n')
    const keep = { firstBytes: 10_000, lastBytes: 64 * kib }
    await using run = await startRun(['seq', '100000', '300000'], { mode: 'pty', keep })
    const control = await run.connect()
    await control.exited
    const segment = 8 * kib
    const begin = 2 * segment // the segment with byte 9,999 is kept whole
    const resumed = Math.floor((whole.length - keep.lastBytes) / segment) * segment
    const expected = [
      { offset: 0, text: whole.slice(0, begin) },
      { offset: resumed, text: whole.slice(resumed) },
    ]
    expect(await readPieces(await run.connect(), 'out', 0)).toEqual(expected)
    expect(await sizeOf(run.folder, 'out')).toBe(begin + whole.length - resumed)

    // From the middle of what is kept, of what is gone, and of the end; again and again the same.
    const from = async (at: number): Promise<Pieces> => readPieces(await run.connect(), 'out', at)
    expect(await from(5000)).toEqual([{ offset: 5000, text: whole.slice(5000, begin) }, expected[1]])
    expect(await from(begin)).toEqual([expected[1]])
    expect(await from(resumed - 1)).toEqual([expected[1]])
    expect(await from(resumed + 1)).toEqual([{ offset: resumed + 1, text: whole.slice(resumed + 1) }])
    expect(await from(whole.length)).toEqual([])

    expect(await logEnd(run.folder, 'out')).toBe(whole.length)
    expect(await syncLog(run.folder, 'out', 0)).toBe(whole.length)
    const read = async (at: number, most: number): Promise<[number, string]> => {
      const { offset, bytes } = await readLog(run.folder, 'out', at, most)
      return [offset, bytes.toString('latin1')]
    }
    expect(await read(0, 1e6)).toEqual([0, whole.slice(0, begin)])
    expect(await read(begin, 100)).toEqual([resumed, whole.slice(resumed, resumed + 100)])
    expect(await read(resumed + 5, 1e6)).toEqual([resumed + 5, whole.slice(resumed + 5)])
  })

  test('a log that is not larger than both is whole', async () => {
    await using run = await startRun(['seq', '100000', '109999'], { keep: { firstBytes: 0, lastBytes: 70_000 } })
    expect(await readPieces(await run.connect(), 'out', 0)).toEqual([{ offset: 0, text: numbers(100_000, 109_999) }])
    await using longer = await startRun(['seq', '100000', '119999'], { keep: { firstBytes: 0, lastBytes: 70_000 } })
    await (
      await longer.connect()
    ).exited
    const [piece, ...others] = await readPieces(await longer.connect(), 'out', 0)
    expect(others).toEqual([])
    expect(numbers(100_000, 119_999).endsWith(piece?.text ?? '?')).toBe(true)
    expect(piece?.text.length).toBeGreaterThanOrEqual(70_000)
    expect(await sizeOf(longer.folder, 'out')).toBeLessThan(70_000 + 70_000 / 8)
  })

  test('the newest segment stays, also when it is full and nothing is to be kept', async () => {
    await using run = await startRun(['head', '-c', '12288', '/dev/zero'], { keep: { firstBytes: 0, lastBytes: 0 } })
    await (
      await run.connect()
    ).exited
    expect(await readPieces(await run.connect(), 'out', 0)).toEqual([{ offset: 8192, text: '\0'.repeat(4096) }])
    expect(await logEnd(run.folder, 'out')).toBe(12_288)
    expect(await sizeOf(run.folder, 'out')).toBe(4096)
  })

  test('stderr has a limit of its own', async () => {
    await using run = await startRun(['sh', '-c', 'seq 100000 119999; seq 100000 119999 >&2'], { keepErr: { firstBytes: 0, lastBytes: 32 * kib } })
    const connection = await run.connect()
    const [out, err] = await Promise.all([readPieces(connection, 'out', 0), readPieces(await run.connect(), 'err', 139_000)])
    const whole = numbers(100_000, 119_999)
    expect(out).toEqual([{ offset: 0, text: whole }])
    expect(err).toEqual([{ offset: 139_000, text: whole.slice(139_000) }])
    expect(await sizeOf(run.folder, 'err')).toBeLessThan(32 * kib + 4 * kib)
  })

  test('a reader that lags gets what it had begun, jumps, and holds nobody up', async () => {
    await using run = await startRun(['sh', '-c', 'seq 100000 130000; read x; seq 200000 700000; read x'], { keep: { firstBytes: 0, lastBytes: 256 * kib } })
    const slow = await run.connect()
    const pieces = readPieces(slow, 'out', 0)
    slow.pause()
    const control = await run.connect()
    await control.input({ lane: 1, id: 1, bytes: Buffer.from('\n') })
    await readUntil(await run.connect(), '\n700000\n')
    slow.resume()
    await control.input({ lane: 1, id: 2, bytes: Buffer.from('\n') })
    const whole = numbers(100_000, 130_000) + numbers(200_000, 700_000)
    const got = await pieces
    expect(got.length).toBeGreaterThanOrEqual(2)
    expect(got[0]?.offset).toBe(0)
    for (const { offset, text } of got) expect(whole.slice(offset, offset + text.length) === text).toBe(true)
    expect((got.at(-1)?.offset ?? 0) + (got.at(-1)?.text.length ?? 0)).toBe(whole.length)
  })

  test('300 MB go through a limit of 1 MB and 4 MB', async () => {
    const bytes = 300 * mib
    await using run = await startRun(['sh', '-c', `yes | head -c ${bytes}`], { keep: { firstBytes: mib, lastBytes: 4 * mib } })
    let folders = 0
    let most = 0
    const connection = await run.connect()
    let running = true
    const ended = connection.exited.then(() => (running = false))
    while (running) {
      // The folder is read while segments come and go.
      await readLog(run.folder, 'out', mib, 1000)
      folders++
      most = Math.max(most, (await readdir(run.folder)).filter((name) => name.startsWith('out.')).length)
    }
    await ended
    expect(folders).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(13)
    expect(await logEnd(run.folder, 'out')).toBe(bytes)
    const pieces = await readPieces(await run.connect(), 'out', 0)
    expect(pieces.map(({ offset, text }) => [offset, text.length])).toEqual([
      [0, mib],
      [bytes - 4 * mib, 4 * mib],
    ])
  })

  test('at its limit a child is held, by EFBIG; a new limit lets it go on, and no byte is lost', async () => {
    await using run = await startRun(['sh', '-c', 'seq 100000 400000; echo done >&2'], { mostBytes: 100_000 })
    const holds = new Holds()
    const connection = await run.connect(holds)
    const pieces = readPieces(await run.connect(), 'out', 0)
    await holds.until(true)
    expect(holds.told).toEqual([{ on: true, errno: efbig }])
    expect(await logEnd(run.folder, 'out')).toBe(100_000)
    const late = new Holds()
    expect((await run.connect(late)).hello.held).toBe(true)
    await late.until(true)
    expect(late.told).toEqual([{ on: true, errno: efbig }])
    const before = await cpuTicks(run.identity.keeper.pid)
    connection.limit(1_000_000)
    await until(async () => (await logEnd(run.folder, 'out')) === 1_000_000, 'the child to go on')
    await holds.until(true)
    expect(await cpuTicks(run.identity.keeper.pid)).toBeLessThan(before + 10)
    expect(await processRuns(run.identity.child)).toBe(true)
    connection.limit(0)
    expect((await connection.exited)?.ends).toEqual({ out: 2_100_007, err: 5 })
    expect(await pieces).toEqual([{ offset: 0, text: numbers(100_000, 400_000) }])
    expect(holds.told.at(-1)?.on).toBe(false)
  })

  test('a child that said exactly what it may is not held, and one that is takes input all the same', async () => {
    await using run = await startRun(['sh', '-c', 'printf 12345; read x; printf 6; read y; exit "$y"'], { mostBytes: 5 })
    const holds = new Holds()
    const connection = await run.connect(holds)
    await readUntil(await run.connect(), '12345')
    expect(await connection.input({ lane: 1, id: 1, bytes: Buffer.from('\n') })).toBe('accepted')
    await holds.until(true)
    expect(holds.told).toEqual([{ on: true, errno: efbig }])
    expect(await connection.input({ lane: 1, id: 2, bytes: Buffer.from('9\n') })).toBe('accepted')
    // Its last bytes are logged beyond the limit: its exit waits for nobody.
    expect(await connection.exited).toEqual({ exit: { kind: 'code', code: 9 }, ends: { out: 6, err: 0 } })
    expect(await readExit(run.folder)).toEqual({ exit: { kind: 'code', code: 9 }, ends: { out: 6, err: 0 } })
  })

  test('a held child does not wake its keeper at its limit, and four times a second on a disk without room', async () => {
    const wakes = async (spec: Partial<LaunchSpec>): Promise<number> => {
      await using run = await startRun(['sh', '-c', 'echo xy; sleep 100'], spec)
      const holds = new Holds()
      await run.connect(holds)
      await holds.until(true)
      const { pid } = run.identity.keeper
      const switches = async (): Promise<number> => Number((await statusOf(pid)).get('voluntary_ctxt_switches'))
      await passed(600) // it gives its buffers back half a second after the last byte
      const before = await switches()
      await passed(1000)
      return (await switches()) - before
    }
    const [atLimit, full] = await Promise.all([wakes({ mostBytes: 1 }), wakes({ reserveBytes: 2 ** 50 })])
    expect(atLimit).toBe(0)
    expect(full).toBeGreaterThanOrEqual(2)
    expect(full).toBeLessThanOrEqual(5)
  })

  test.skipIf(!canMount)('a child is held before the reserve is gone, and goes on when there is room again', async () => {
    await using disk = await smallDisk(8 * kib)
    await using sockets = await temporaryFolder()
    await using run = await startRun(['seq', '1000000', '1900000'], { folder: disk.path, socketPath: join(sockets.path, 's'), reserveBytes: 4 * mib, segmentBytes: mib })
    const holds = new Holds()
    const connection = await run.connect(holds)
    const pieces = readPieces(await run.connect(), 'out', 0)
    await holds.until(true)
    expect(holds.told).toEqual([{ on: true, errno: enospc }])
    const logged = await logEnd(run.folder, 'out')
    expect(logged).toBeGreaterThan(3.9 * mib)
    expect(logged).toBeLessThan(5.1 * mib)
    disk.grow()
    await connection.exited
    expect(await pieces).toEqual([{ offset: 0, text: numbers(1_000_000, 1_900_000) }])
    expect(holds.told.at(-1)).toEqual({ on: false, errno: 0 })
  })

  test('limits that cannot be meant are refused', async () => {
    const beyond = { firstBytes: 2 ** 62, lastBytes: 2 ** 62 }
    for (const spec of [{ keep: beyond }, { keepErr: beyond }, { startFile: 'not/absolute' }, { startFile: `/${'x'.repeat(4095)}` }]) {
      await expect(startRun(['true'], spec)).rejects.toBeInstanceOf(LaunchFailed)
    }
  })
}

async function passed(ms: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

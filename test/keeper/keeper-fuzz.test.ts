// Any bytes on the socket, in any pieces, on a keeper built with the address and undefined-behaviour sanitizers.
import { spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { encodeClientFrame, encodeLaunchRecord } from '../../src/keeper/frames.ts'
import { processRuns } from '../../src/keeper/process-stat.ts'
import { readExit } from '../../src/keeper/run-folder.ts'
import { seeded } from '../machine.ts'
import { numbers, path, readAll, readUntil, soak, startRun, temporaryFolder, until } from './keepers.ts'
import { sanitizerReports, testBuild } from './test-builds.ts'

const sanitized = testBuild({ sanitized: true, sendBuffer: 8192 })

function anyFrame(random: (below: number) => number): Buffer {
  const noise = Buffer.from(Array.from({ length: random(40) }, () => random(256)))
  const stream = random(2) ? 'out' : 'err'
  switch (random(12)) {
    case 0:
      return noise
    case 1:
      return Buffer.concat([Buffer.from([noise.length + 1, 0, 0, 0, random(13)]), noise])
    case 2:
      return Buffer.from([random(256), random(256), random(256), random(3), random(13)])
    case 3:
      return encodeClientFrame({ type: 'read', stream, from: [0, random(5000), 2 ** 52, 4096 * random(10)][random(4)] ?? 0 })
    case 4:
      return encodeClientFrame({ type: 'unread', stream })
    case 5:
      return Buffer.concat([Buffer.from([10, 0, 0, 0, 2, random(3)]), Buffer.alloc(8, 0xff)])
    case 6:
      return encodeClientFrame({ type: 'resize', size: { cols: random(65_536), rows: random(65_536) } })
    case 7:
      return encodeClientFrame({ type: 'collect' })
    case 8:
      return random(2) ? encodeClientFrame({ type: 'hello', version: 1, role: 'daemon' }) : encodeClientFrame({ type: 'limit', mostBytes: random(100_000) })
    case 9:
      return encodeClientFrame({ type: 'attend', on: random(2) === 0 })
    case 10:
      return encodeClientFrame({ type: 'signal', signal: [0, 28, 18, 255][random(4)] ?? 0, whom: 'child' })
    default:
      return encodeClientFrame({
        type: 'input',
        lane: 0,
        id: random(100),
        secret: random(2) === 0,
        close: false,
        bytes: Buffer.alloc([0, 3, 5000, 200_000][random(4)] ?? 0, 'x\n'),
      })
  }
}

async function attack(socketPath: string, random: (below: number) => number): Promise<void> {
  const socket: Socket = connect(socketPath)
  const ended = new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
  })
  socket.on('error', () => {})
  await new Promise<void>((resolve) => {
    socket.once('readable', resolve).once('close', resolve)
  }) // it greets
  if (random(3)) socket.resume()
  for (let n = random(30); n > 0 && !socket.destroyed; n--) {
    const frame = anyFrame(random)
    const cut = random(frame.length + 1)
    socket.write(frame.subarray(0, cut))
    if (random(4) === 0)
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
    socket.write(frame.subarray(cut))
  }
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
  socket.destroy()
  await ended
}

test.skipIf(sanitized === undefined)('no bytes on the socket harm a keeper', { timeout: soak ? 900_000 : 30_000 }, async () => {
  const seed = soak ? Date.now() : 20_261_123
  const argv = ['sh', '-c', 'stty raw -echo 2>&1; seq 3000; echo begun; cat > /dev/null; echo over']
  for (const mode of ['pipes', 'pty'] as const) {
    const rounds = soak ? 20_000 : 150
    for (let round = 0; round < rounds;) {
      await using run = await startRun(argv, { binary: sanitized ?? '', mode, segmentBytes: 4096 })
      await readUntil(await run.connect(), 'begun')
      for (; round < rounds && (await processRuns(run.identity.keeper)); round += 3) {
        await Promise.all([0, 1, 2].map((lane) => attack(run.socketPath, seeded(seed + round + lane))))
      }
      const where = `seed ${seed}, round ${round}`
      expect([where, ...sanitizerReports()]).toEqual([where])
      const last = await run.connect().catch(() => undefined)
      // A frame may have ended the child, and another have collected it.
      if (last === undefined) expect([where, await readExit(run.folder)]).toEqual([where, expect.anything()])
      else {
        last.signal(9)
        const { bytes } = await readAll(last)
        expect(bytes.toString('latin1').replaceAll('\r', '')).toContain('2999\n3000\nbegun')
        last.collect()
        await last.closed
      }
    }
    expect(sanitizerReports()).toEqual([])
  }
})

test.skipIf(sanitized === undefined)('an acknowledgement never comes inside an output frame that the socket took in part', async () => {
  await using run = await startRun(['sh', '-c', 'seq 100000 500000; echo done >&2; read x'], { binary: sanitized ?? '' })
  await readUntil(await run.connect(), 'done', 'err')
  const expected = numbers(100_000, 500_000)
  const connection = await run.connect()
  const all = readAll(connection)
  connection.pause()
  await run.connect()
  const other = await run.connect() // by now the socket of the first is full
  const answers = Array.from({ length: 50 }, (_, index) => connection.input({ lane: 1, id: index + 1, bytes: Buffer.from('.') }))
  await until(async () => (await run.connect()).hello.highestIds[1] === 50, 'the input to be taken')
  await other.input({ lane: 2, id: 1, bytes: Buffer.from('\n') })
  connection.resume()
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['accepted']))
  expect((await all).bytes.toString('latin1') === expected).toBe(true)
})

test.skipIf(sanitized === undefined)('a frame that was sent in part is finished, though its segment was removed meanwhile', async () => {
  const keep = { firstBytes: 0, lastBytes: 32_768 }
  await using run = await startRun(['sh', '-c', 'seq 100000 105000; read x; seq 105001 120000; echo done >&2; read x'], { binary: sanitized ?? '', keep, segmentBytes: 16_384 })
  await readUntil(await run.connect(), '105000\n')
  const slow = await run.connect()
  const offsets: number[] = []
  const parts: Buffer[] = []
  slow.pause() // its socket takes a part of the first frame
  slow.read('out', 0, ({ offset, bytes }) => {
    offsets.push(offset)
    parts.push(bytes)
  })
  const control = await run.connect()
  await control.input({ lane: 1, id: 1, bytes: Buffer.from('\n') })
  await readUntil(await run.connect(), 'done', 'err')
  await control.input({ lane: 1, id: 2, bytes: Buffer.from('\n') })
  slow.resume()
  expect((await slow.exited)?.exit).toEqual({ kind: 'code', code: 0 })
  const whole = numbers(100_000, 120_000)
  expect(offsets[0]).toBe(0)
  offsets.forEach((offset, index) => expect(whole.startsWith(parts[index]?.toString('latin1') ?? '?', offset)).toBe(true))
  expect(parts[0]?.length).toBe(16_384)
  expect((offsets.at(-1) ?? 0) + (parts.at(-1)?.length ?? 0)).toBe(whole.length)
  expect(Buffer.concat(parts).length).toBeLessThan(whole.length)
  expect(sanitizerReports()).toEqual([])
})

test.skipIf(sanitized === undefined)('no launch record harms a keeper', { timeout: soak ? 900_000 : 30_000 }, async () => {
  await using folder = await temporaryFolder()
  // A nonce that is no nonce, a program that is none: whatever is changed, nothing is started.
  const good = encodeLaunchRecord({
    argv: ['/no/such/program', 'x'],
    env: { PATH: path, A: 'b' },
    cwd: '/',
    mode: 'pty',
    size: { cols: 80, rows: 24 },
    socketPath: join(folder.path, 's'),
    nonce: ' ',
    segmentBytes: 4096,
    reserveBytes: 0,
    startFile: '/no/such/file',
    keep: { firstBytes: 1, lastBytes: 2 },
    mostBytes: 3,
  })
  const random = seeded(7)
  const answerTo = (record: Buffer): Promise<string> =>
    new Promise((resolve) => {
      const keeper = spawn(sanitized ?? '', [folder.path], { stdio: ['pipe', 'pipe', 'ignore'], env: {} })
      const parts: Buffer[] = []
      keeper.stdin.on('error', () => {})
      keeper.stdout.on('data', (chunk: Buffer) => parts.push(chunk))
      keeper.once('close', (code) => resolve(`${code} ${Buffer.concat(parts).toString()}`))
      keeper.stdin.end(record)
    })
  for (let round = 0; round < (soak ? 5000 : 40); round++) {
    const record = Buffer.from(good.subarray(0, random(3) ? good.length : random(good.length)))
    for (let n = random(4); n > 0 && record.length > 0; n--) record[random(record.length)] = random(256)
    const answer = await answerTo(record)
    if (!/^1 error record \d+ /.test(answer) && !/^1 error (used|lock|socket|chdir|exec|folder|identity) /.test(answer)) {
      expect(answer).toBe(`seed 7, round ${round}: an error`)
    }
  }
  expect(sanitizerReports()).toEqual([])
})

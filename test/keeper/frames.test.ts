import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  BadFrame,
  encodeClientFrame,
  encodeKeeperFrame,
  encodeLaunchRecord,
  FrameDecoder,
  parseClientFrame,
  parseKeeperFrame,
  type ClientFrame,
  type ExitStatus,
  type HelloFrame,
  type KeeperFrame,
} from '../../src/keeper/frames.ts'

const stream = fc.constantFrom('out' as const, 'err' as const)
const offset = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const u16 = fc.integer({ min: 0, max: 0xffff })
const size = fc.record({ cols: u16, rows: u16 })
const lane = fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const)
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const ends = fc.record({ out: offset, err: offset })
const exit: fc.Arbitrary<ExitStatus> = fc.oneof(
  fc.record({ kind: fc.constant('code' as const), code: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ kind: fc.constant('signal' as const), signal: fc.integer({ min: 1, max: 64 }) }),
)
const type = <Type extends string>(name: Type): fc.Arbitrary<Type> => fc.constant(name)

const clientFrame: fc.Arbitrary<ClientFrame> = fc.oneof(
  fc.record({ type: type('hello'), version: u16, role: fc.constantFrom('viewer' as const, 'daemon' as const) }),
  fc.record({ type: type('read'), stream, from: offset }),
  fc.record({ type: type('unread'), stream }),
  fc.record({ type: type('input'), lane, id: offset, secret: fc.boolean(), close: fc.boolean(), bytes }),
  fc.record({ type: type('resize'), size }),
  fc.record({ type: type('signal'), signal: fc.nat({ max: 255 }), whom: fc.constantFrom('group' as const, 'child' as const, 'foreground' as const) }),
  fc.record({ type: type('collect') }),
  fc.record({ type: type('goodbye') }),
  fc.record({ type: type('limit'), mostBytes: offset }),
  fc.record({ type: type('attend'), on: fc.boolean() }),
)
const keeperFrame: fc.Arbitrary<KeeperFrame> = fc.oneof(
  fc.record(
    {
      type: type('hello'),
      version: u16,
      mode: fc.constantFrom('pty' as const, 'pipes' as const),
      held: fc.boolean(),
      exit,
      childPid: fc.nat(),
      childStart: offset,
      ends,
      highestIds: fc.tuple(offset, offset, offset, offset),
      size,
      nonce: fc.stringMatching(/^[!-~]{1,64}$/),
      attends: fc.boolean(),
    },
    { requiredKeys: ['type', 'version', 'mode', 'held', 'childPid', 'childStart', 'ends', 'highestIds', 'size', 'nonce', 'attends'] },
  ),
  fc.record({ type: type('output'), stream, offset, bytes }),
  fc.record({ type: type('ack'), lane, id: offset, result: fc.constantFrom('accepted' as const, 'duplicate' as const, 'closed' as const) }),
  fc.record({ type: type('exit'), exit, ends }),
  fc.record({ type: type('held'), on: fc.boolean(), errno: fc.nat({ max: 200 }) }),
  fc.record({ type: type('size'), size }),
  fc.record({ type: type('attended'), from: offset, viewers: u16, newest: fc.boolean() }),
)
const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 40 })

function decodedInChunks<Frame>(whole: Buffer, lengths: readonly number[], parse: (frame: Buffer) => Frame | undefined): Frame[] {
  const decoder = new FrameDecoder(parse)
  const frames: Frame[] = []
  let at = 0
  for (const length of [...lengths, whole.length]) {
    frames.push(...decoder.push(whole.subarray(at, at + length)))
    at = Math.min(at + length, whole.length)
  }
  return frames
}

const helloOf = (more: Pick<HelloFrame, 'mode' | 'nonce' | 'attends'>): HelloFrame => ({
  type: 'hello',
  version: 1,
  held: false,
  childPid: 2,
  childStart: 3,
  ends: { out: 4, err: 5 },
  highestIds: [0, 1, 2, 3],
  size: { cols: 80, rows: 24 },
  ...more,
})

test('client frames come back as they were, however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(clientFrame), cuts, (frames, lengths) => {
      const whole = Buffer.concat(frames.map(encodeClientFrame))
      expect(decodedInChunks(whole, lengths, parseClientFrame)).toEqual(frames)
    }),
  )
})

test('keeper frames come back as they were, however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(keeperFrame), cuts, (frames, lengths) => {
      const whole = Buffer.concat(frames.map(encodeKeeperFrame))
      expect(decodedInChunks(whole, lengths, parseKeeperFrame)).toEqual(frames)
    }),
  )
})

test('unknown types are passed over, empty frames too', () => {
  const decoder = new FrameDecoder(parseKeeperFrame)
  const size: KeeperFrame = { type: 'size', size: { cols: 3, rows: 4 } }
  expect(decoder.push(Buffer.concat([Buffer.from([2, 0, 0, 0, 0xf0, 1, 0, 0, 0, 0]), encodeKeeperFrame(size)]))).toEqual([size])
})

test('what a newer peer says behind the known fields, and its roles, are passed over', () => {
  const more = (frame: Buffer): Buffer => {
    const longer = Buffer.concat([frame, Buffer.from('\0more')])
    longer.writeUInt32LE(longer.length - 4)
    return longer
  }
  const hello = helloOf({ mode: 'pipes', nonce: 'n', attends: true })
  const frames: KeeperFrame[] = [
    hello,
    { type: 'ack', lane: 1, id: 2, result: 'closed' },
    { type: 'exit', exit: { kind: 'code', code: 3 }, ends: { out: 4, err: 5 } },
    { type: 'held', on: true, errno: 27 },
    { type: 'size', size: { cols: 1, rows: 2 } },
    { type: 'attended', from: 3, viewers: 1, newest: true },
  ]
  expect(new FrameDecoder(parseKeeperFrame).push(Buffer.concat(frames.map((frame) => more(encodeKeeperFrame(frame)))))).toEqual(frames)
  const old = Buffer.from([3, 0, 0, 0, 0x01, 1, 0])
  const unheardOf = Buffer.from([4, 0, 0, 0, 0x01, 1, 0, 9])
  const viewer: ClientFrame = { type: 'hello', version: 1, role: 'viewer' }
  expect(new FrameDecoder(parseClientFrame).push(Buffer.concat([old, unheardOf]))).toEqual([viewer, viewer])
})

test('an earlier keeper says nothing behind its nonce, and a later one may say that it does not attend', () => {
  const hello = helloOf({ mode: 'pty', nonce: 'nonce', attends: false })
  const earlier = encodeKeeperFrame(hello).subarray(4)
  expect(earlier.toString('latin1').endsWith('nonce')).toBe(true)
  for (const more of ['', '\0', '\0\0', '\0\xfe', '\0\xfe\x01']) {
    expect(parseKeeperFrame(Buffer.concat([earlier, Buffer.from(more, 'latin1')]))).toEqual(hello)
  }
  for (const more of ['\0\x01', '\0\xff\0']) expect(parseKeeperFrame(Buffer.concat([earlier, Buffer.from(more, 'latin1')]))).toEqual({ ...hello, attends: true })
})

test('any bytes are frames, or nothing yet, or a BadFrame', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (chunks) => {
      const decoder = new FrameDecoder(parseKeeperFrame)
      try {
        for (const chunk of chunks) decoder.push(Buffer.from(chunk))
      } catch (cause) {
        expect(cause).toBeInstanceOf(BadFrame)
      }
    }),
  )
})

test('the launch record is the format of the protocol page', () => {
  const record = encodeLaunchRecord({
    argv: ['a', ''],
    env: { N: 'v=w' },
    cwd: '/',
    mode: 'pty',
    size: { cols: 258, rows: 1 },
    socketPath: '/s',
    nonce: 'n',
    segmentBytes: 4096,
    reserveBytes: 1,
    startFile: '/f',
    keep: { firstBytes: 2, lastBytes: 3 },
    keepErr: { firstBytes: 4, lastBytes: 5 },
    mostBytes: 6,
  })
  const fields = [
    'OKL1',
    '\x01\x01\0\0\0a',
    '\x01\0\0\0\0',
    '\x02\x05\0\0\0N=v=w',
    '\x03\x01\0\0\0/',
    '\x04\x01\0\0\0t',
    '\x05\x04\0\0\0\x02\x01\x01\0',
    '\x06\x02\0\0\0/s',
    '\x07\x01\0\0\0n',
    '\x08\x08\0\0\0\0\x10\0\0\0\0\0\0',
    '\x09\x08\0\0\0\x01\0\0\0\0\0\0\0',
    '\x0a\x02\0\0\0/f',
    '\x0b\x10\0\0\0\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0',
    '\x0c\x08\0\0\0\x06\0\0\0\0\0\0\0',
    '\x0d\x10\0\0\0\x04\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0',
    '\0',
  ]
  expect(record.toString('latin1')).toBe(fields.join(''))
})

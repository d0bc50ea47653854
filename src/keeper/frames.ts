// The keeper's wire format (docs/keeper-protocol.md): frames of both directions and the launch record, to bytes and back.
// Pure: no socket, no file. Unknown frame types are passed over, so that a newer keeper or client can say more.

export const protocolVersion = 1
export const maxFrameBytes = 16 << 20
/** What one `input` frame may carry. */
export const maxInputBytes = maxFrameBytes - 64

export type Stream = 'out' | 'err'
export type Size = { cols: number; rows: number }
export type Mode = 'pty' | 'pipes'
/** Lanes 1 to 3 deliver each id once, ids only grow and begin at 1; lane 0 (keystrokes) checks nothing. */
export type Lane = 0 | 1 | 2 | 3
/** How the child ended. */
export type ExitStatus = { kind: 'code'; code: number } | { kind: 'signal'; signal: number }
export type Ends = { out: number; err: number }
export type Whom = 'group' | 'child' | 'foreground'
/** A keeper that misses its daemon brings one back; viewers come and go. */
export type Role = 'viewer' | 'daemon'
export type AckResult = 'accepted' | 'duplicate' | 'closed'

export type ClientFrame =
  | { type: 'hello'; version: number; role: Role }
  | { type: 'read'; stream: Stream; from: number }
  | { type: 'unread'; stream: Stream }
  | { type: 'input'; lane: Lane; id: number; secret: boolean; close: boolean; bytes: Uint8Array }
  | { type: 'resize'; size: Size }
  | { type: 'signal'; signal: number; whom: Whom }
  | { type: 'collect' }
  | { type: 'goodbye' }
  | { type: 'limit'; mostBytes: number }
  | { type: 'attend'; on: boolean }

export type HelloFrame = {
  type: 'hello'
  version: number
  mode: Mode
  held: boolean
  /** Absent while the child runs. */
  exit?: ExitStatus
  childPid: number
  childStart: number
  ends: Ends
  highestIds: readonly [number, number, number, number]
  size: Size
  nonce: string
  /** It says who attends. An earlier one passes over `attend`, and says nothing. */
  attends: boolean
}

export type KeeperFrame =
  | HelloFrame
  | { type: 'output'; stream: Stream; offset: number; bytes: Buffer }
  | { type: 'ack'; lane: Lane; id: number; result: AckResult }
  | { type: 'exit'; exit: ExitStatus; ends: Ends }
  | { type: 'held'; on: boolean; errno: number }
  | { type: 'size'; size: Size }
  | { type: 'attended'; from: number; viewers: number; /** It is you. */ newest: boolean }

/** Of a log larger than both, whole segments between the two are removed. */
export type Keep = { firstBytes: number; lastBytes: number }

export type LaunchRecord = {
  argv: readonly string[]
  env: Readonly<Record<string, string>>
  cwd: string
  mode: Mode
  size: Size
  socketPath: string
  nonce: string
  segmentBytes?: number
  reserveBytes?: number
  startFile?: string
  keep?: Keep
  keepErr?: Keep
  mostBytes?: number
}

/** Bytes that are no frame of this protocol: the other side is broken or not a keeper. */
export class BadFrame extends Error {
  override name = 'BadFrame'
}

const streams: readonly Stream[] = ['out', 'err']
const roles: readonly Role[] = ['viewer', 'daemon']
const whoms: readonly Whom[] = ['group', 'child', 'foreground']
/** Bit of the byte behind the nonce and its NUL. */
const featureAttend = 1
const ackResults: readonly AckResult[] = ['accepted', 'duplicate', 'closed']

export function encodeClientFrame(frame: ClientFrame): Buffer {
  switch (frame.type) {
    case 'hello':
      return pack(0x01, 3, (b) => {
        b.writeUInt16LE(frame.version)
        b[2] = roles.indexOf(frame.role)
      })
    case 'read':
      return pack(0x02, 9, (b) => {
        b[0] = streams.indexOf(frame.stream)
        write64(b, frame.from, 1)
      })
    case 'unread':
      return pack(0x03, 1, (b) => {
        b[0] = streams.indexOf(frame.stream)
      })
    case 'input':
      return pack(0x04, 10 + frame.bytes.length, (b) => {
        b[0] = frame.lane
        write64(b, frame.id, 1)
        b[9] = (frame.secret ? 1 : 0) | (frame.close ? 2 : 0)
        b.set(frame.bytes, 10)
      })
    case 'resize':
      return pack(0x05, 4, (b) => writeSize(b, frame.size, 0))
    case 'signal':
      return pack(0x06, 2, (b) => {
        b[0] = frame.signal
        b[1] = whoms.indexOf(frame.whom)
      })
    case 'collect':
      return pack(0x07, 0, () => {})
    case 'goodbye':
      return pack(0x08, 0, () => {})
    case 'limit':
      return pack(0x09, 8, (b) => write64(b, frame.mostBytes, 0))
    case 'attend':
      return pack(0x0a, 1, (b) => {
        b[0] = frame.on ? 1 : 0
      })
  }
}

export function encodeKeeperFrame(frame: KeeperFrame): Buffer {
  switch (frame.type) {
    case 'hello':
      return pack(0x81, 77 + Buffer.byteLength(frame.nonce) + (frame.attends ? 2 : 0), (b) => {
        b.writeUInt16LE(frame.version, 0)
        b[2] = frame.mode === 'pty' ? 0x74 : 0x70
        b[3] = frame.exit ? 1 : 0
        b[4] = frame.held ? 1 : 0
        writeExit(b, frame.exit, 5)
        b.writeUInt32LE(frame.childPid, 13)
        write64(b, frame.childStart, 17)
        writeEnds(b, frame.ends, 25)
        frame.highestIds.forEach((id, lane) => write64(b, id, 41 + 8 * lane))
        writeSize(b, frame.size, 73)
        b.write(frame.nonce, 77)
        if (frame.attends) b[b.length - 1] = featureAttend
      })
    case 'output':
      return pack(0x82, 9 + frame.bytes.length, (b) => {
        b[0] = streams.indexOf(frame.stream)
        write64(b, frame.offset, 1)
        b.set(frame.bytes, 9)
      })
    case 'ack':
      return pack(0x83, 10, (b) => {
        b[0] = frame.lane
        write64(b, frame.id, 1)
        b[9] = ackResults.indexOf(frame.result)
      })
    case 'exit':
      return pack(0x84, 24, (b) => {
        writeExit(b, frame.exit, 0)
        writeEnds(b, frame.ends, 8)
      })
    case 'held':
      return pack(0x85, 5, (b) => {
        b[0] = frame.on ? 1 : 0
        b.writeInt32LE(frame.errno, 1)
      })
    case 'size':
      return pack(0x86, 4, (b) => writeSize(b, frame.size, 0))
    case 'attended':
      return pack(0x87, 11, (b) => {
        write64(b, frame.from, 0)
        b.writeUInt16LE(frame.viewers, 8)
        b[10] = frame.newest ? 1 : 0
      })
  }
}

/** One frame without its length; undefined for an unknown type. Throws BadFrame where a known one is too short. */
export function parseClientFrame(frame: Buffer): ClientFrame | undefined {
  const p = frame.subarray(1)
  return guarded(frame, (): ClientFrame | undefined => {
    switch (frame[0]) {
      case 0x01:
        return { type: 'hello', version: p.readUInt16LE(0), role: roles[p[2] ?? 0] ?? 'viewer' }
      case 0x02:
        return { type: 'read', stream: pick(streams, p.readUInt8(0)), from: read64(p, 1) }
      case 0x03:
        return { type: 'unread', stream: pick(streams, p.readUInt8(0)) }
      case 0x04: {
        const flags = p.readUInt8(9)
        return {
          type: 'input',
          lane: pick([0, 1, 2, 3] as const, p.readUInt8(0)),
          id: read64(p, 1),
          secret: (flags & 1) !== 0,
          close: (flags & 2) !== 0,
          bytes: p.subarray(10),
        }
      }
      case 0x05:
        return { type: 'resize', size: readSize(p, 0) }
      case 0x06:
        return { type: 'signal', signal: p.readUInt8(0), whom: pick(whoms, p.readUInt8(1)) }
      case 0x07:
        return { type: 'collect' }
      case 0x08:
        return { type: 'goodbye' }
      case 0x09:
        return { type: 'limit', mostBytes: read64(p, 0) }
      case 0x0a:
        return { type: 'attend', on: p.readUInt8(0) !== 0 }
      default:
        return undefined
    }
  })
}

/** As parseClientFrame, of the other direction. `output.bytes` is a view of `frame`. */
export function parseKeeperFrame(frame: Buffer): KeeperFrame | undefined {
  const p = frame.subarray(1)
  return guarded(frame, (): KeeperFrame | undefined => {
    switch (frame[0]) {
      case 0x81: {
        const nonceEnd = p.indexOf(0, 77)
        const hello: HelloFrame = {
          type: 'hello',
          version: p.readUInt16LE(0),
          mode: p.readUInt8(2) === 0x74 ? 'pty' : 'pipes',
          held: p.readUInt8(4) !== 0,
          childPid: p.readUInt32LE(13),
          childStart: read64(p, 17),
          ends: readEnds(p, 25),
          highestIds: [read64(p, 41), read64(p, 49), read64(p, 57), read64(p, 65)],
          size: readSize(p, 73),
          nonce: p.toString('latin1', 77, nonceEnd < 0 ? p.length : nonceEnd),
          attends: nonceEnd >= 0 && ((p[nonceEnd + 1] ?? 0) & featureAttend) !== 0,
        }
        return p.readUInt8(3) === 1 ? { ...hello, exit: readExit(p, 5) } : hello
      }
      case 0x82:
        return { type: 'output', stream: pick(streams, p.readUInt8(0)), offset: read64(p, 1), bytes: p.subarray(9) }
      case 0x83:
        return {
          type: 'ack',
          lane: pick([0, 1, 2, 3] as const, p.readUInt8(0)),
          id: read64(p, 1),
          result: pick(ackResults, p.readUInt8(9)),
        }
      case 0x84:
        return { type: 'exit', exit: readExit(p, 0), ends: readEnds(p, 8) }
      case 0x85:
        return { type: 'held', on: p.readUInt8(0) !== 0, errno: p.readInt32LE(1) }
      case 0x86:
        return { type: 'size', size: readSize(p, 0) }
      case 0x87:
        return { type: 'attended', from: read64(p, 0), viewers: p.readUInt16LE(8), newest: p.readUInt8(10) !== 0 }
      default:
        return undefined
    }
  })
}

/** Cuts a byte stream into frames, however it was chunked. A frame that came in one piece is not copied. */
export class FrameDecoder<Frame> {
  readonly #parse: (frame: Buffer) => Frame | undefined
  /** The beginning of a frame, or of its length. */
  #parts: Buffer[] = []
  #held = 0
  /** Bytes of that frame with its length; 4 while this is not known. */
  #needed = 4

  constructor(parse: (frame: Buffer) => Frame | undefined) {
    this.#parse = parse
  }

  /** The frames that are whole now. Throws BadFrame; nothing can be decoded after that. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = []
    let bytes = chunk
    while (this.#held > 0) {
      const part = bytes.subarray(0, this.#needed - this.#held)
      bytes = bytes.subarray(part.length)
      this.#parts.push(part)
      this.#held += part.length
      if (this.#held < this.#needed) return frames
      const begun = this.#parts.length === 1 ? part : Buffer.concat(this.#parts, this.#held)
      const needed = frameEnd(begun)
      this.#hold(begun, needed)
      if (begun.length < needed) continue
      this.#decode(begun, frames)
      this.#hold(noBytes, 4)
    }
    while (bytes.length >= 4) {
      const end = frameEnd(bytes)
      if (bytes.length < end) {
        this.#hold(bytes, end)
        return frames
      }
      this.#decode(bytes.subarray(0, end), frames)
      bytes = bytes.subarray(end)
    }
    this.#hold(bytes, 4)
    return frames
  }

  #hold(bytes: Buffer, needed: number): void {
    this.#parts = bytes.length > 0 ? [bytes] : []
    this.#held = bytes.length
    this.#needed = needed
  }

  #decode(whole: Buffer, frames: Frame[]): void {
    const frame = whole.length > 4 ? this.#parse(whole.subarray(4)) : undefined
    if (frame !== undefined) frames.push(frame)
  }
}

const noBytes = Buffer.alloc(0)

/** Where the frame ends that these bytes begin with. */
function frameEnd(bytes: Buffer): number {
  const length = bytes.readUInt32LE(0)
  if (length > maxFrameBytes) throw new BadFrame(`a frame of ${length} bytes, more than ${maxFrameBytes}`)
  return 4 + length
}

export function encodeLaunchRecord(record: LaunchRecord): Buffer {
  const parts: Buffer[] = [Buffer.from('OKL1')]
  const field = (tag: number, bytes: Buffer): void => {
    const head = Buffer.alloc(5)
    head[0] = tag
    head.writeUInt32LE(bytes.length, 1)
    parts.push(head, bytes)
  }
  const number64 = (value: number): Buffer => {
    const bytes = Buffer.alloc(8)
    write64(bytes, value, 0)
    return bytes
  }
  const bothOf = (keep: Keep): Buffer => Buffer.concat([number64(keep.firstBytes), number64(keep.lastBytes)])
  for (const argument of record.argv) field(1, Buffer.from(argument))
  for (const [name, value] of Object.entries(record.env)) field(2, Buffer.from(`${name}=${value}`))
  const size = Buffer.alloc(4)
  writeSize(size, record.size, 0)
  field(3, Buffer.from(record.cwd))
  field(4, Buffer.from(record.mode === 'pty' ? 't' : 'p'))
  field(5, size)
  field(6, Buffer.from(record.socketPath))
  field(7, Buffer.from(record.nonce))
  if (record.segmentBytes !== undefined) field(8, number64(record.segmentBytes))
  if (record.reserveBytes !== undefined) field(9, number64(record.reserveBytes))
  if (record.startFile !== undefined) field(10, Buffer.from(record.startFile))
  if (record.keep !== undefined) field(11, bothOf(record.keep))
  if (record.mostBytes !== undefined) field(12, number64(record.mostBytes))
  if (record.keepErr !== undefined) field(13, bothOf(record.keepErr))
  parts.push(Buffer.alloc(1))
  return Buffer.concat(parts)
}

function pack(type: number, payload: number, fill: (payload: Buffer) => unknown): Buffer {
  const frame = Buffer.alloc(5 + payload)
  frame.writeUInt32LE(1 + payload, 0)
  frame[4] = type
  fill(frame.subarray(5))
  return frame
}

function guarded<Frame>(frame: Buffer, parse: () => Frame): Frame {
  try {
    return parse()
  } catch (cause) {
    if (cause instanceof BadFrame) throw cause
    throw new BadFrame(`a frame of type ${frame[0]} and ${frame.length} bytes cannot be read`, { cause })
  }
}

function pick<Value>(from: readonly Value[], index: number): Value {
  const value = from[index]
  if (value === undefined) throw new BadFrame(`value ${index} is not known`)
  return value
}

function write64(bytes: Buffer, value: number, at: number): void {
  bytes.writeBigUInt64LE(BigInt(value), at)
}

function read64(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at))
}

function writeSize(bytes: Buffer, size: Size, at: number): void {
  bytes.writeUInt16LE(size.cols, at)
  bytes.writeUInt16LE(size.rows, at + 2)
}

function readSize(bytes: Buffer, at: number): Size {
  return { cols: bytes.readUInt16LE(at), rows: bytes.readUInt16LE(at + 2) }
}

function writeExit(bytes: Buffer, exit: ExitStatus | undefined, at: number): void {
  bytes.writeInt32LE(exit?.kind === 'code' ? exit.code : -1, at)
  bytes.writeInt32LE(exit?.kind === 'signal' ? exit.signal : 0, at + 4)
}

function readExit(bytes: Buffer, at: number): ExitStatus {
  const signal = bytes.readInt32LE(at + 4)
  return signal > 0 ? { kind: 'signal', signal } : { kind: 'code', code: bytes.readInt32LE(at) }
}

function writeEnds(bytes: Buffer, ends: Ends, at: number): void {
  write64(bytes, ends.out, at)
  write64(bytes, ends.err, at + 8)
}

function readEnds(bytes: Buffer, at: number): Ends {
  return { out: read64(bytes, at), err: read64(bytes, at + 8) }
}

// One connection to one keeper: asks for output from an offset, delivers input, hears of the exit. Many may exist at a time.
// Owns its socket, nothing else: closing it harms neither the keeper nor the child. Knows nothing of what the bytes mean.
import { connect, type Socket } from 'node:net'
import {
  BadFrame,
  encodeClientFrame,
  FrameDecoder,
  maxInputBytes,
  parseKeeperFrame,
  protocolVersion,
  type AckResult,
  type ClientFrame,
  type Ends,
  type ExitStatus,
  type HelloFrame,
  type KeeperFrame,
  type Lane,
  type Role,
  type Size,
  type Stream,
  type Whom,
} from './frames.ts'

export type Output = { stream: Stream; offset: number; bytes: Buffer }
export type Held = { on: boolean; errno: number }
/** From byte `from` of `out` on so many connections attend, and whether this one is the newest of them: the one that answers. */
export type Attended = { readonly from: number; readonly viewers: number; readonly newest: boolean }
export type KeeperExit = { exit: ExitStatus; ends: Ends }
export type Input = { lane: Lane; id: number; bytes: Uint8Array; secret?: boolean; close?: boolean }
export type ConnectOptions = {
  /** The run's own; a keeper that says another is not the one. */
  nonce: string
  /** Default `viewer`. When the last connection of a daemon ends without `goodbye`, the keeper starts the daemon again. */
  role?: Role
  /** Said of a child that is held already, too: then maybe before `connectKeeper` resolves. errno EFBIG: see `limit`. */
  onHeld?: (held: Held) => void
  /** Another client resized the PTY. */
  onSize?: (size: Size) => void
}

/** Nobody answers on the socket, or not a keeper, or another run's keeper. */
export class KeeperUnreachable extends Error {
  override name = 'KeeperUnreachable'
}

/** The connection ended before the keeper had acknowledged; ask again with the same id on a new one. */
export class KeeperGone extends Error {
  override name = 'KeeperGone'
}

/** Throws KeeperUnreachable, or the signal's reason. The caller closes the connection; `signal` counts only until then. */
export function connectKeeper(socketPath: string, options: ConnectOptions, signal: AbortSignal): Promise<KeeperConnection> {
  const { promise, resolve, reject } = Promise.withResolvers<KeeperConnection>()
  if (signal.aborted) return Promise.reject(signal.reason)
  const socket = connect(socketPath)
  const decoder = new FrameDecoder(parseKeeperFrame)
  const onAbort = (): void => fail(signal.reason)
  const settle = (): void => {
    signal.removeEventListener('abort', onAbort)
    socket.off('data', onData).off('error', onError).off('close', onClose)
  }
  const fail = (cause: unknown): void => {
    settle()
    socket.on('error', () => {}) // it is being given up
    socket.destroy()
    reject(cause)
  }
  const unreachable = (why: string, cause?: unknown): void => fail(new KeeperUnreachable(`no keeper at ${socketPath}: ${why}`, { cause }))
  const onError = (cause: NodeJS.ErrnoException): void => unreachable(cause.code ?? cause.message, cause)
  const onClose = (): void => unreachable('it closed the connection without a greeting')
  const onData = (chunk: Buffer): void => {
    let frames: KeeperFrame[]
    try {
      frames = decoder.push(chunk)
    } catch (cause) {
      return unreachable('it speaks another language', cause)
    }
    const [hello, ...rest] = frames
    if (hello === undefined) return
    if (hello.type !== 'hello') return unreachable('it did not greet first')
    if (hello.version !== protocolVersion) return unreachable(`it speaks version ${hello.version}, this client ${protocolVersion}`)
    if (hello.nonce !== options.nonce) return unreachable('it is the keeper of another run')
    settle()
    resolve(new KeeperConnection(socket, decoder, hello, rest, options))
  }
  signal.addEventListener('abort', onAbort, { once: true })
  socket.on('data', onData).on('error', onError).on('close', onClose)
  return promise
}

export class KeeperConnection {
  /** What the keeper said of itself when we came; not updated. */
  readonly hello: HelloFrame
  /** Resolves when the connection has ended, whoever ended it. Never rejects. */
  readonly closed: Promise<void>
  readonly #socket: Socket
  readonly #options: ConnectOptions
  readonly #readers = new Map<Stream, { next: number; on: boolean; onOutput: (output: Output) => void }>()
  readonly #unacknowledged = new Map<string, PromiseWithResolvers<AckResult>[]>()
  readonly #exit = Promise.withResolvers<KeeperExit | undefined>()
  readonly #closed = Promise.withResolvers<void>()
  #onAttended: ((attended: Attended) => void) | undefined
  #attended: Attended | undefined
  #size: Size
  #saidExit: KeeperExit | undefined
  #exitIsWanted = false

  constructor(socket: Socket, decoder: FrameDecoder<KeeperFrame>, hello: HelloFrame, first: readonly KeeperFrame[], options: ConnectOptions) {
    this.#socket = socket
    this.#options = options
    this.hello = hello
    this.#size = hello.size
    this.closed = this.#closed.promise
    if (hello.exit !== undefined) this.#saidExit = { exit: hello.exit, ends: hello.ends }
    socket.on('error', () => {}) // 'close' follows, and says all there is to know
    socket.once('close', () => this.#end())
    socket.on('data', (chunk: Buffer) => this.#receive(decoder, chunk))
    this.#send({ type: 'hello', version: protocolVersion, role: options.role ?? 'viewer' })
    for (const frame of first) this.#take(frame)
  }

  /** The exit, after all output up to its end was handed to the readers of this connection; undefined when the connection
   *  ended first. Ask for it after `read`. */
  get exited(): Promise<KeeperExit | undefined> {
    this.#exitIsWanted = true
    this.#settleExit()
    return this.#exit.promise
  }

  /** Bytes of `stream` from `from` (inclusive), then live, in order. A jump of the offset is a trimmed part of the log.
   *  Once per stream and connection: frames under way could not be told from those of a second reading. */
  read(stream: Stream, from: number, onOutput: (output: Output) => void): void {
    if (this.#readers.has(stream)) throw new Error(`${stream} was already read on this connection: use another one`)
    this.#readers.set(stream, { next: from, on: true, onOutput })
    this.#send({ type: 'read', stream, from })
  }

  unread(stream: Stream): void {
    const reader = this.#readers.get(stream)
    if (reader === undefined || !reader.on) return
    reader.on = false
    this.#send({ type: 'unread', stream })
  }

  /** Resolves when the keeper has logged it; it is then delivered in that order, whether or not we stay. At most
   *  `maxInputBytes`. Rejects with KeeperGone when the connection ends before. While the keeper holds more than 1 MiB
   *  that the child did not take, or cannot log, this waits, and so does whatever this connection sends after it. */
  input(input: Input): Promise<AckResult> {
    const { lane, id, bytes, secret = false, close = false } = input
    if (bytes.length > maxInputBytes) return Promise.reject(new RangeError(`input of ${bytes.length} bytes, more than ${maxInputBytes}`))
    if (this.#socket.destroyed) return Promise.reject(new KeeperGone('the connection to the keeper has ended'))
    const waiting = Promise.withResolvers<AckResult>()
    const key = `${lane}:${id}`
    this.#unacknowledged.set(key, [...(this.#unacknowledged.get(key) ?? []), waiting])
    this.#send({ type: 'input', lane, id, secret, close, bytes })
    return waiting.promise
  }

  /** Of the PTY, as far as it is known here: who resized it last, this connection or another one. */
  get size(): Size {
    return this.#size
  }

  resize(size: Size): void {
    this.#size = size
    this.#send({ type: 'resize', size })
  }

  signal(signal: number, whom: Whom = 'group'): void {
    this.#send({ type: 'signal', signal, whom })
  }

  /** The exit was recorded elsewhere: the keeper leaves, and `closed` resolves. Without effect while the child lives. */
  collect(): void {
    this.#send({ type: 'collect' })
  }

  /** We leave on purpose: nobody is to start a daemon for it. Each connection of a daemon says it, then closes. */
  goodbye(): void {
    this.#send({ type: 'goodbye' })
  }

  /** The child may log up to this many bytes of `out` (0: as many as it likes), counted from its start; if it was held for that (EFBIG), it goes on. */
  limit(mostBytes: number): void {
    this.#send({ type: 'limit', mostBytes })
  }

  /** Whether behind this connection is a terminal that somebody looks at, and that answers what the program asks in the
   *  output from the next `onAttended` on. Counts until the connection ends. Does nothing where `hello.attends` is false. */
  attend(on: boolean): void {
    this.#send({ type: 'attend', on })
  }

  /** Told before any output from there on. To a daemon and to who attends: each change, whoever made it; to a daemon that
   *  comes the newest one before. To others: what came of their own `attend`. One
   *  listener, in the place of an earlier one; before `read` it misses nothing, later it is told the newest at once. */
  onAttended(listener: (attended: Attended) => void): void {
    this.#onAttended = listener
    if (this.#attended !== undefined) listener(this.#attended)
  }

  /** Takes nothing more from the socket, acknowledgements included, until `resume`; the keeper then sends no more. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): void {
    this.#socket.destroySoon()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy()
    await this.closed
  }

  #send(frame: ClientFrame): void {
    if (this.#socket.writable) this.#socket.write(encodeClientFrame(frame))
  }

  #receive(decoder: FrameDecoder<KeeperFrame>, chunk: Buffer): void {
    let frames: KeeperFrame[]
    try {
      frames = decoder.push(chunk)
    } catch (cause) {
      if (!(cause instanceof BadFrame)) throw cause
      this.#socket.destroy()
      return
    }
    for (const frame of frames) this.#take(frame)
  }

  #take(frame: KeeperFrame): void {
    switch (frame.type) {
      case 'output': {
        const reader = this.#readers.get(frame.stream)
        if (reader === undefined || !reader.on) return
        reader.next = frame.offset + frame.bytes.length
        reader.onOutput({ stream: frame.stream, offset: frame.offset, bytes: frame.bytes })
        return
      }
      case 'ack': {
        const key = `${frame.lane}:${frame.id}`
        const [first, ...rest] = this.#unacknowledged.get(key) ?? []
        if (rest.length > 0) this.#unacknowledged.set(key, rest)
        else this.#unacknowledged.delete(key)
        first?.resolve(frame.result)
        return
      }
      case 'exit':
        this.#saidExit = { exit: frame.exit, ends: frame.ends }
        this.#settleExit()
        return
      case 'held':
        this.#options.onHeld?.({ on: frame.on, errno: frame.errno })
        return
      case 'size':
        this.#size = frame.size
        this.#options.onSize?.(frame.size)
        return
      case 'attended':
        this.#attended = frame
        this.#onAttended?.(frame)
        return
      case 'hello':
        return
    }
  }

  /** The keeper may say the exit before our `read` arrived there; it then says it again after the output. */
  #settleExit(): void {
    const said = this.#saidExit
    if (!this.#exitIsWanted || said === undefined || this.#behind('out', said.ends.out) || this.#behind('err', said.ends.err)) return
    this.#exit.resolve(said)
  }

  #behind(stream: Stream, end: number): boolean {
    const reader = this.#readers.get(stream)
    return reader !== undefined && reader.on && reader.next < end
  }

  #end(): void {
    const gone = new KeeperGone('the connection to the keeper has ended')
    for (const waiting of this.#unacknowledged.values()) for (const one of waiting) one.reject(gone)
    this.#unacknowledged.clear()
    this.#exit.resolve(undefined)
    this.#closed.resolve()
  }
}

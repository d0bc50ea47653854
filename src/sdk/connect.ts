// The Api over the socket of the daemon on this machine. Starts a daemon when none answers. A daemon that dies meanwhile is started again and asked again: commands carry
// their id, so that none counts twice, and watches go on from the last fact they gave.

import { type Socket, connect as connectSocket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { packageVersion } from '../config/package-root.ts'
import { type Paths, pathsFrom } from '../config/paths.ts'
import type {
  Accepted,
  ChangesFound,
  ChangesQuery,
  Frame,
  Hit,
  LandingQuery,
  ListFrame,
  OutputFrame,
  OutputQuery,
  Screen,
  ScreenQuery,
  SearchQuery,
  Submission,
  WatchQuery,
} from '../core/api.ts'
import type { NotifyReport } from '../core/announcement.ts'
import { type Refusal, isRefusal } from '../core/errors.ts'
import type { SessionView } from '../core/view.ts'
import type { Forecast, LandingPlan, Place, Snapshot } from '../core/workspace.ts'
import { processRuns, processStat } from '../keeper/process-stat.ts'
import {
  LineCutter,
  type Method,
  type Methods,
  type ToClient,
  type Welcome,
  type WireChanges,
  type WireOutput,
  type WireScreen,
  changesFromWire,
  encode,
  outputFromWire,
  protocolVersion,
  screenFromWire,
} from '../protocol/wire.ts'
import { type Client, type ConnectOptions, type DaemonStatus, DaemonUnreachable } from './client.ts'

/** How often one request is asked again after its daemon died under it. */
const tries = 5
/** Of a stream, what is received and not taken: no more is asked for beyond this many items, or UTF-16 units of their lines. One of output is about 90 kB. */
const mostWaiting = 1000
const longestWaiting = 4 * 1024 * 1024
const successorTries = 60
const successorEveryMs = 50
const goneEveryMs = 5

/** The connection ended before the reply: the daemon died, or was told to leave. */
class ConnectionLost extends Error {
  readonly because: Ending
  constructor(because: Ending) {
    super(because === 'stopped' ? 'the daemon was stopped' : 'the connection to the daemon was lost')
    this.because = because
  }
}

/** `stopped`: by its user, so nobody starts another one. `replaced`: a daemon of a newer package is on its way. */
type Ending = 'died' | 'stopped' | 'replaced'

/** What the daemon could not do, in its own words. */
export class DaemonFailed extends Error {
  override name = 'DaemonFailed'
}

/** Throws DaemonUnreachable, or HomeUnusable. The caller closes the client. */
export async function connect(options: ConnectOptions, signal: AbortSignal): Promise<Client> {
  const paths = pathsFrom(options.env, process.getuid?.() ?? 0)
  const first = await open(paths, options, signal)
  return new WireClient(paths, options, first)
}

async function open(paths: Paths, options: ConnectOptions, signal: AbortSignal): Promise<Connection> {
  const there = await Connection.open(paths.socket, signal)
  if (there && (options.start === false || !isOlder(there.welcome.version, packageVersion))) return spoken(there)
  // A daemon of an older package makes room for ours. Agents stay at work.
  if (there) await retire(there, signal)
  if (options.start === false) throw new DaemonUnreachable('no daemon is running', 'offstage daemon start starts one')
  const { startDaemon } = await import('./start-daemon.ts')
  return startDaemon(paths, options.env, () => Connection.open(paths.socket, signal), signal)
}

/** The daemon that takes the place of the one that left for it. Started by us only if it does not come. */
async function successor(paths: Paths, options: ConnectOptions, signal: AbortSignal): Promise<Connection> {
  for (let left = successorTries; left > 0; left--) {
    const there = await Connection.open(paths.socket, signal)
    if (there) return spoken(there)
    await delay(successorEveryMs, undefined, { signal })
  }
  return open(paths, options, signal)
}

/** Throws DaemonUnreachable when it speaks an older protocol than this client needs. */
function spoken(connection: Connection): Connection {
  const { protocol, version } = connection.welcome
  if (protocol >= protocolVersion) return connection
  connection.destroy()
  throw new DaemonUnreachable(`the running daemon is older (${version}) than this offstage`, 'offstage daemon start replaces it; agents stay at work')
}

async function retire(connection: Connection, signal: AbortSignal): Promise<void> {
  await connection.request('shutdown', { replaced: true }, signal).catch((cause: unknown) => {
    if (!(cause instanceof ConnectionLost)) throw cause
  })
  await connection.closed
}

/** By numbers, so that 0.10 comes after 0.9; what follows a hyphen comes before the release itself. */
export function isOlder(version: string, than: string): boolean {
  const parts = (text: string): readonly number[] => {
    const [release = '', ...before] = text.split('-')
    return [...release.split('.').map(Number), before.length > 0 ? 0 : 1]
  }
  const [a, b] = [parts(version), parts(than)]
  const at = a.findIndex((part, index) => part !== b[index])
  return at !== -1 && (a[at] ?? 0) < (b[at] ?? 0)
}

interface Pending {
  /** `length`: of its line, in UTF-16 units. */
  readonly item: (value: unknown, length: number) => void
  readonly settle: (result: { readonly value: unknown } | { readonly error: Error }) => void
}

export class Connection {
  readonly #socket: Socket
  readonly #pending = new Map<number, Pending>()
  readonly welcome: Welcome
  readonly closed: Promise<void>
  #nextId = 1
  #ending: Ending = 'died'

  private constructor(socket: Socket, welcome: Welcome) {
    this.#socket = socket
    this.welcome = welcome
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.once('close', () => {
      for (const pending of this.#pending.values()) pending.settle({ error: new ConnectionLost(this.#ending) })
      this.#pending.clear()
    })
  }

  /** Undefined when nobody listens there. */
  static open(path: string, signal: AbortSignal): Promise<Connection | undefined> {
    return new Promise((resolve, reject) => {
      const socket = connectSocket(path)
      const cutter = new LineCutter()
      let connection: Connection | undefined
      const abort = (): void => void socket.destroy(new Error('aborted'))
      signal.addEventListener('abort', abort, { once: true })
      socket.on('error', () => {})
      socket.on('close', () => {
        signal.removeEventListener('abort', abort)
        if (signal.aborted) reject(signal.reason)
        else resolve(undefined)
      })
      socket.on('data', (bytes: Buffer) => {
        for (const line of cutter.push(bytes)) {
          const message = JSON.parse(line) as ToClient
          if (connection) connection.#hear(message, line.length)
          else if ('method' in message && message.method === 'welcome') {
            signal.removeEventListener('abort', abort)
            connection = new Connection(socket, message.params)
            resolve(connection)
          }
        }
      })
    })
  }

  /** How it ended, if it did. */
  get ending(): Ending {
    return this.#ending
  }

  get alive(): boolean {
    return !this.#socket.destroyed
  }

  request<M extends Method>(method: M, params: Methods[M], signal: AbortSignal, item: Pending['item'] = () => {}): Promise<unknown> {
    if (signal.aborted) return Promise.reject(signal.reason)
    if (!this.alive) return Promise.reject(new ConnectionLost(this.#ending))
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#pending.delete(id)
        this.#socket.write(encode({ jsonrpc: '2.0', method: 'cancel', params: { request: id } }))
        reject(signal.reason)
      }
      signal.addEventListener('abort', abort, { once: true })
      const settle: Pending['settle'] = (result) => {
        signal.removeEventListener('abort', abort)
        this.#pending.delete(id)
        if ('error' in result) reject(result.error)
        else resolve(result.value)
      }
      this.#pending.set(id, { item, settle })
      this.#socket.write(encode({ jsonrpc: '2.0', id, method, params }))
    })
  }

  /** Takes no more from the daemon until `resume`. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** At once, with whatever is under way. */
  destroy(): void {
    this.#socket.destroy()
  }

  /** After what was written has left. */
  close(): void {
    this.#socket.end()
    this.#socket.unref()
  }

  #hear(message: ToClient, length: number): void {
    if ('method' in message) {
      if (message.method === 'goodbye') this.#ending = message.params?.replaced ? 'replaced' : 'stopped'
      if (message.method === 'item') this.#pending.get(message.params.request)?.item(message.params.value, length)
      return
    }
    const pending = message.id === null ? undefined : this.#pending.get(message.id)
    if (!pending) return
    if ('result' in message) pending.settle({ value: message.result })
    else if (isRefusal(message.error.data)) pending.settle({ value: message.error.data })
    else pending.settle({ error: new DaemonFailed(message.error.message) })
  }
}

class WireClient implements Client {
  readonly #paths: Paths
  readonly #options: ConnectOptions
  #connection: Promise<Connection>
  #closed = false

  constructor(paths: Paths, options: ConnectOptions, first: Connection) {
    this.#paths = paths
    this.#options = options
    this.#connection = Promise.resolve(first)
  }

  submit(submission: Submission, signal: AbortSignal): Promise<Accepted | Refusal> {
    return this.#ask('submit', submission, signal) as Promise<Accepted | Refusal>
  }

  list(query: { readonly all: boolean }, signal: AbortSignal): Promise<readonly SessionView[]> {
    return this.#ask('list', query, signal) as Promise<readonly SessionView[]>
  }

  async *sessions(signal: AbortSignal): AsyncIterable<ListFrame> {
    for await (const frame of this.#stream('sessions', () => ({}), signal)) yield frame as ListFrame
  }

  search(query: SearchQuery, signal: AbortSignal): Promise<readonly Hit[]> {
    return this.#found('search', query, signal)
  }

  async get(session: string, signal: AbortSignal): Promise<{ session: SessionView; cursor: number } | undefined> {
    return ((await this.#ask('get', { session }, signal)) ?? undefined) as { session: SessionView; cursor: number } | undefined
  }

  async *watch(query: WatchQuery, signal: AbortSignal): AsyncIterable<Frame> {
    let { after } = query
    for await (const frame of this.#stream('watch', () => ({ ...query, after }), signal)) {
      const next = frame as Frame
      if (next.kind === 'fact') after = next.envelope.cursor
      yield next
    }
  }

  async *output(query: OutputQuery, signal: AbortSignal): AsyncIterable<OutputFrame> {
    let { from } = query
    for await (const value of this.#stream('output', () => ({ ...query, from }), signal)) {
      const frame = outputFromWire(value as WireOutput)
      from = frame.offset + frame.bytes.length
      yield frame
    }
  }

  async screen(query: ScreenQuery, signal: AbortSignal): Promise<Screen | undefined> {
    const screen = await this.#ask('screen', query, signal)
    return screen === null || screen === undefined ? undefined : screenFromWire(screen as WireScreen)
  }

  place(query: { readonly cwd: string }, signal: AbortSignal): Promise<Place> {
    return this.#found('place', query, signal)
  }

  async changes(query: ChangesQuery, signal: AbortSignal): Promise<ChangesFound | Refusal> {
    const found = await this.#ask('changes', query, signal)
    return isRefusal(found) ? found : changesFromWire(found as WireChanges)
  }

  snapshots(session: string, signal: AbortSignal): Promise<readonly Snapshot[]> {
    return this.#found('snapshots', { session }, signal)
  }

  conflicts(query: { readonly cwd?: string }, signal: AbortSignal): Promise<readonly Forecast[]> {
    return this.#found('conflicts', query, signal)
  }

  landing(query: LandingQuery, signal: AbortSignal): Promise<LandingPlan | Refusal> {
    return this.#ask('landing', query, signal) as Promise<LandingPlan | Refusal>
  }

  /** Of a method that refuses nothing but what it cannot read. */
  async #found<M extends Method, Found>(method: M, params: Methods[M], signal: AbortSignal): Promise<Found> {
    const found = await this.#ask(method, params, signal)
    if (isRefusal(found)) throw new DaemonFailed(found.message)
    return found as Found
  }

  /** Asked once: keystrokes have no id, so they are not given a second time. */
  async write(session: string, bytes: Uint8Array, signal: AbortSignal): Promise<Refusal | undefined> {
    const connection = await this.#connected(signal)
    return ((await connection.request('write', { session, base64: Buffer.from(bytes).toString('base64') }, signal)) ?? undefined) as Refusal | undefined
  }

  async resize(session: string, size: { readonly columns: number; readonly rows: number }, signal: AbortSignal): Promise<Refusal | undefined> {
    return ((await this.#ask('resize', { session, ...size }, signal)) ?? undefined) as Refusal | undefined
  }

  daemonStatus(signal: AbortSignal): Promise<DaemonStatus> {
    return this.#ask('status', {}, signal) as Promise<DaemonStatus>
  }

  notify(query: { readonly test: boolean }, signal: AbortSignal): Promise<NotifyReport> {
    return this.#ask('notify', query, signal) as Promise<NotifyReport>
  }

  async stopDaemon(signal: AbortSignal): Promise<void> {
    const connection = await this.#connection
    const daemon = await processStat(connection.welcome.pid)
    await connection.request('shutdown', {}, signal).catch((cause: unknown) => {
      if (!(cause instanceof ConnectionLost)) throw cause
    })
    await connection.closed
    // Nobody tells when a process that is not ours has ended.
    while (daemon && (await processRuns(daemon))) await delay(goneEveryMs, undefined, { signal })
  }

  close(): void {
    this.#closed = true
    void this.#connection.then(
      (connection) => connection.close(),
      () => {},
    )
  }

  /** The connection, or a new one to a daemon that is started if need be. */
  async #connected(signal: AbortSignal): Promise<Connection> {
    const current = this.#connection
    const connection = await current.catch(() => undefined)
    if (connection && (connection.alive || this.#closed)) return connection
    // Somebody else, who waited for the same one, is opening another already.
    if (this.#connection !== current) return this.#connected(signal)
    this.#connection = connection?.ending === 'replaced' ? successor(this.#paths, this.#options, signal) : open(this.#paths, this.#options, signal)
    this.#connection.catch(() => {})
    return this.#connection
  }

  async #ask<M extends Method>(method: M, params: Methods[M], signal: AbortSignal): Promise<unknown> {
    for (let left = tries; ; left--) {
      try {
        return await (await this.#connected(signal)).request(method, params, signal)
      } catch (cause) {
        this.#giveUpOn(cause, left)
      }
    }
  }

  #giveUpOn(cause: unknown, left: number): void {
    if (!(cause instanceof ConnectionLost)) throw cause
    if (cause.because === 'stopped' || left <= 1 || this.#closed) throw new DaemonUnreachable(cause.message, 'agents stay at work; the next command starts a daemon', { cause })
  }

  /** A connection of its own for each stream: a reader that takes its time holds up nothing else, least of all what it asks for between two items. */
  async *#stream<M extends 'watch' | 'sessions' | 'output'>(method: M, params: () => Methods[M], signal: AbortSignal): AsyncIterable<unknown> {
    for (let left = tries; ; left--) {
      let connection: Connection | undefined
      try {
        await this.#connected(signal)
        connection = await Connection.open(this.#paths.socket, signal)
        if (!connection) throw new ConnectionLost('died')
        for await (const item of items(connection, method, params(), signal)) {
          left = tries
          yield item
        }
        return
      } catch (cause) {
        if (signal.aborted) return
        this.#giveUpOn(cause, left)
      } finally {
        connection?.destroy()
      }
    }
  }
}

/** The items of one stream, in order. Takes no more from the daemon while many of them wait to be taken here. */
async function* items<M extends Method>(connection: Connection, method: M, params: Methods[M], signal: AbortSignal): AsyncIterable<unknown> {
  const waiting: { readonly value: unknown; readonly length: number }[] = []
  let length = 0
  let wake = (): void => {}
  let ended: { readonly cause?: unknown } | undefined
  const end = (how: { readonly cause?: unknown }): void => {
    ended = how
    wake()
  }
  const take: Pending['item'] = (value, itemLength) => {
    waiting.push({ value, length: itemLength })
    length += itemLength
    if (waiting.length > mostWaiting || length > longestWaiting) connection.pause()
    wake()
  }
  connection.request(method, params, signal, take).then(
    () => end({}),
    (cause: unknown) => end({ cause }),
  )
  for (;;) {
    for (let item = waiting.shift(); item; item = waiting.shift()) {
      length -= item.length
      yield item.value
      if (waiting.length === 0) connection.resume()
    }
    if (ended) break
    await new Promise<void>((resolve) => (wake = resolve))
  }
  if (ended.cause !== undefined) throw ended.cause
}

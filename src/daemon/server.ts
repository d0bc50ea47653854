// The wire's daemon side: one unix socket, any number of clients, each message checked once and handed to the Api. Knows nothing of sessions.

import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { type Server, type Socket, createServer } from 'node:net'
import type { Api } from '../core/api.ts'
import { isRefusal, refusal } from '../core/errors.ts'
import { isMethod, parseParams } from '../protocol/schemas.ts'
import { LineCutter, type Method, type Methods, type ToClient, type WireError, changesToWire, encode, outputToWire, protocolVersion, screenToWire } from '../protocol/wire.ts'

export interface ServerDeps {
  readonly api: Api
  readonly version: string
  readonly status: () => unknown
  readonly notify: (query: Methods['notify']) => unknown
  readonly shutdown: (replaced: boolean) => void
  readonly warn: (facts: object, message: string) => void
}

/** How long a client that does not read may keep the daemon from leaving. */
const goodbyeMs = 500

/** Says one value of a stream; the promise, if any, settles when the client has room for more. */
type Item = (value: unknown) => Promise<void> | undefined

const failure = (code: number, message: string, data?: unknown): WireError => (data === undefined ? { code, message } : { code, message, data })

export class DaemonServer {
  readonly #deps: ServerDeps
  readonly #server: Server
  readonly #clients = new Set<Socket>()

  constructor(deps: ServerDeps) {
    this.#deps = deps
    this.#server = createServer((socket) => this.#serve(socket))
  }

  /** The caller holds the daemon's lock, so a socket that is there already is a dead daemon's. In a folder that is 0700. */
  async listen(path: string): Promise<void> {
    const old = lstatSync(path, { throwIfNoEntry: false })
    if (old && !old.isSocket()) throw new Error(`${path} is in the way and is no socket; move it away`)
    if (old) unlinkSync(path)
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(path, resolve)
    })
    chmodSync(path, 0o600)
    this.#server.on('error', (error) => this.#deps.warn({ error: String(error) }, 'the socket had an error'))
  }

  /** Tells every client goodbye and closes; one that does not listen is not waited for. */
  async close(replaced: boolean): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const socket of this.#clients) socket.end(encode({ jsonrpc: '2.0', method: 'goodbye', params: { replaced } }), () => socket.destroy())
    const deaf = setTimeout(() => {
      for (const socket of this.#clients) socket.destroy()
    }, goodbyeMs)
    await closed
    clearTimeout(deaf)
  }

  #serve(socket: Socket): void {
    const cutter = new LineCutter()
    const requests = new Map<number, AbortController>()
    this.#clients.add(socket)
    const say = (message: ToClient): Promise<void> | undefined => {
      if (socket.destroyed || socket.write(encode(message))) return undefined
      return new Promise((resolve) => {
        const done = (): void => {
          socket.off('drain', done)
          socket.off('close', done)
          resolve()
        }
        socket.on('drain', done)
        socket.on('close', done)
      })
    }
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#clients.delete(socket)
      for (const request of requests.values()) request.abort()
    })
    socket.on('data', (bytes: Buffer) => {
      let lines: string[]
      try {
        lines = cutter.push(bytes)
      } catch (cause) {
        socket.end(encode({ jsonrpc: '2.0', id: null, error: failure(-32600, String(cause)) }))
        return
      }
      for (const line of lines) if (line.trim() !== '') void this.#hear(line, requests, say)
    })
    void say({ jsonrpc: '2.0', method: 'welcome', params: { protocol: protocolVersion, version: this.#deps.version, pid: process.pid } })
  }

  async #hear(line: string, requests: Map<number, AbortController>, say: (message: ToClient) => Promise<void> | undefined): Promise<void> {
    let message: { id?: unknown; method?: unknown; params?: unknown }
    try {
      const parsed: unknown = JSON.parse(line)
      if (typeof parsed !== 'object' || parsed === null) throw new SyntaxError('not an object')
      message = parsed
    } catch {
      void say({ jsonrpc: '2.0', id: null, error: failure(-32700, 'that line is not JSON-RPC') })
      return
    }
    if (message.method === 'cancel') {
      requests.get(Number((message.params as { request?: unknown } | undefined)?.request))?.abort()
      return
    }
    if (typeof message.id !== 'number') return
    const { id } = message
    const answer = (error: WireError): void => void say({ jsonrpc: '2.0', id, error })
    if (!isMethod(message.method)) return answer(failure(-32601, `this daemon knows no method "${String(message.method)}"`))
    const request = new AbortController()
    requests.set(id, request)
    try {
      const result = await this.#call(message.method, message.params, request.signal, (value) => say({ jsonrpc: '2.0', method: 'item', params: { request: id, value } }))
      if (isRefusal(result)) answer(failure(1, result.message, result))
      else void say({ jsonrpc: '2.0', id, result: result ?? null })
    } catch (cause) {
      this.#deps.warn({ method: message.method, error: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) }, 'a request failed')
      answer(failure(2, cause instanceof Error ? cause.message : String(cause)))
    } finally {
      requests.delete(id)
    }
  }

  async #call<M extends Method>(method: M, given: unknown, signal: AbortSignal, item: Item): Promise<unknown> {
    const parsed = parseParams(method, given)
    return 'wrong' in parsed ? refusal('invalid', parsed.wrong) : this.#methods[method](parsed.params, signal, item)
  }

  readonly #methods: { readonly [M in Method]: (params: Methods[M], signal: AbortSignal, item: Item) => unknown } = {
    submit: (params, signal) => this.#deps.api.submit(params, signal),
    list: (params, signal) => this.#deps.api.list(params, signal),
    sessions: async (_params, signal, item) => {
      for await (const frame of this.#deps.api.sessions(signal)) await item(frame)
    },
    search: (params, signal) => this.#deps.api.search(params, signal),
    get: (params, signal) => this.#deps.api.get(params.session, signal),
    watch: async (params, signal, item) => {
      for await (const frame of this.#deps.api.watch(params, signal)) await item(frame)
    },
    output: async (params, signal, item) => {
      for await (const frame of this.#deps.api.output(params, signal)) await item(outputToWire(frame))
    },
    screen: async (params, signal) => {
      const screen = await this.#deps.api.screen(params, signal)
      return screen && screenToWire(screen)
    },
    place: (params, signal) => this.#deps.api.place(params, signal),
    changes: async (params, signal) => {
      const found = await this.#deps.api.changes(params, signal)
      return isRefusal(found) ? found : changesToWire(found)
    },
    snapshots: (params, signal) => this.#deps.api.snapshots(params.session, signal),
    conflicts: (params, signal) => this.#deps.api.conflicts(params, signal),
    landing: (params, signal) => this.#deps.api.landing(params, signal),
    write: (params, signal) => this.#deps.api.write(params.session, Buffer.from(params.base64, 'base64'), signal),
    resize: (params, signal) => this.#deps.api.resize(params.session, params, signal),
    status: () => this.#deps.status(),
    notify: (params) => this.#deps.notify(params),
    // After the reply is on its way.
    shutdown: (params) => void setImmediate(() => this.#deps.shutdown(params.replaced ?? false)),
  }
}

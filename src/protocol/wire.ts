// How the Api is said between a client and the daemon: JSON-RPC 2.0, one message a line (LF), over a unix socket. Streams are answered by `item` notifications, then by the
// response. The daemon speaks first: a `welcome`. A newer daemon understands older clients; fields and methods are added, never changed.

import type { ChangesFound, ChangesQuery, Frame, LandingQuery, OutputFrame, OutputQuery, Screen, ScreenQuery, SearchQuery, Submission, WatchQuery } from '../core/api.ts'

/** Grows only when an older client would misunderstand. */
export const protocolVersion = 1

export interface Welcome {
  readonly protocol: number
  readonly version: string
  readonly pid: number
}

/** Parameters of each method. */
export interface Methods {
  readonly submit: Submission
  readonly list: { readonly all: boolean }
  readonly sessions: Record<string, never>
  readonly search: SearchQuery
  readonly get: { readonly session: string }
  readonly watch: WatchQuery
  readonly output: OutputQuery
  readonly screen: ScreenQuery
  readonly place: { readonly cwd: string }
  readonly changes: ChangesQuery
  readonly snapshots: { readonly session: string }
  readonly conflicts: { readonly cwd?: string }
  readonly landing: LandingQuery
  readonly write: { readonly session: string; readonly base64: string }
  readonly resize: { readonly session: string; readonly columns: number; readonly rows: number }
  readonly status: Record<string, never>
  /** `test`: every channel tells a test. */
  readonly notify: { readonly test: boolean }
  /** `replaced`: a daemon of a newer package takes its place at once. */
  readonly shutdown: { readonly replaced?: boolean }
}

export type Method = keyof Methods

export interface WireError {
  /** JSON-RPC codes; 1 is a refusal, 2 a failure of the world. */
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

export type ToDaemon =
  | { readonly jsonrpc: '2.0'; readonly id: number; readonly method: Method; readonly params: unknown }
  | { readonly jsonrpc: '2.0'; readonly method: 'cancel'; readonly params: { readonly request: number } }

export type ToClient =
  | { readonly jsonrpc: '2.0'; readonly method: 'welcome'; readonly params: Welcome }
  /** The daemon leaves because it was asked to: do not start another one. */
  | { readonly jsonrpc: '2.0'; readonly method: 'goodbye'; readonly params?: { readonly replaced?: boolean } }
  | { readonly jsonrpc: '2.0'; readonly method: 'item'; readonly params: { readonly request: number; readonly value: unknown } }
  | { readonly jsonrpc: '2.0'; readonly id: number; readonly result: unknown }
  | { readonly jsonrpc: '2.0'; readonly id: number | null; readonly error: WireError }

export type WireFrame = Frame
export interface WireOutput {
  readonly stream: 'out' | 'err'
  readonly offset: number
  readonly base64: string
}

export const outputToWire = (frame: OutputFrame): WireOutput => ({ stream: frame.stream, offset: frame.offset, base64: Buffer.from(frame.bytes).toString('base64') })
export const outputFromWire = (frame: WireOutput): OutputFrame => ({ stream: frame.stream, offset: frame.offset, bytes: Buffer.from(frame.base64, 'base64') })

export interface WireScreen {
  readonly offset: number
  readonly columns: number
  readonly rows: number
  readonly base64: string
}

export const screenToWire = ({ bytes, ...screen }: Screen): WireScreen => ({ ...screen, base64: Buffer.from(bytes).toString('base64') })
export const screenFromWire = ({ base64, ...screen }: WireScreen): Screen => ({ ...screen, bytes: Buffer.from(base64, 'base64') })

export type WireChanges = Omit<ChangesFound, 'patch'> & { readonly patch?: string }

export const changesToWire = ({ patch, ...found }: ChangesFound): WireChanges => ({ ...found, ...(patch ? { patch: Buffer.from(patch).toString('base64') } : {}) })
export const changesFromWire = ({ patch, ...found }: WireChanges): ChangesFound => ({ ...found, ...(patch === undefined ? {} : { patch: Buffer.from(patch, 'base64') }) })

export const encode = (message: ToDaemon | ToClient): string => `${JSON.stringify(message)}\n`

/** A message longer than this is not read: the connection ends. Holds the largest prompt with its environment. */
export const maxLineBytes = 32 * 1024 * 1024

/** Cuts a byte stream into lines at LF. Node's readline also cuts at U+2028, which JSON strings may hold. Throws RangeError on a line over the limit. */
export class LineCutter {
  #parts: Buffer[] = []
  #length = 0

  push(bytes: Buffer): string[] {
    const lines: string[] = []
    let from = 0
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, from)) {
      this.#parts.push(bytes.subarray(from, at))
      lines.push(Buffer.concat(this.#parts).toString('utf8'))
      this.#parts = []
      this.#length = 0
      from = at + 1
    }
    if (from < bytes.length) {
      this.#parts.push(bytes.subarray(from))
      this.#length += bytes.length - from
      if (this.#length > maxLineBytes) throw new RangeError(`a message of more than ${maxLineBytes} bytes`)
    }
    return lines
  }
}

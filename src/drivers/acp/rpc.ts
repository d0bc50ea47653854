// JSON-RPC 2.0 as lines: what a line is, and how ours are written.

import { rpcError } from './schema.ts'
import type { z } from 'zod'

export type RpcId = string | number
export type RpcError = z.output<typeof rpcError>

export type Message =
  | { readonly kind: 'request'; readonly id: RpcId; readonly method: string; readonly params: unknown }
  | { readonly kind: 'notification'; readonly method: string; readonly params: unknown }
  | { readonly kind: 'response'; readonly id: RpcId; readonly outcome: { readonly result: unknown } | { readonly error: RpcError } }

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const isId = (value: unknown): value is RpcId => typeof value === 'string' || typeof value === 'number'

/** The message of one line, or nothing if it is none: a log line on the wrong stream, or a batch, which ACP does not have. */
export function readMessage(line: string): Message | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (!isRecord(value)) return undefined
  if (typeof value['method'] === 'string') {
    const { id, method, params } = value
    return isId(id) ? { kind: 'request', id, method, params } : { kind: 'notification', method, params }
  }
  if (!isId(value['id'])) return undefined
  if (value['error'] !== undefined && value['error'] !== null) {
    const error = rpcError.safeParse(value['error'])
    return { kind: 'response', id: value['id'], outcome: { error: error.success ? error.data : { code: 0, message: String(value['error']) } } }
  }
  return 'result' in value ? { kind: 'response', id: value['id'], outcome: { result: value['result'] } } : undefined
}

export const methodNotFound = -32601
export const invalidParams = -32602
export const internalError = -32603
export const requestCancelled = -32800
export const authRequired = -32000

const written = (message: object): string => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`

export const requestLine = (id: number, method: string, params: object): string => written({ id, method, params })
export const notificationLine = (method: string, params: object): string => written({ method, params })
export const resultLine = (id: RpcId, result: object): string => written({ id, result })
export const errorLine = (id: RpcId, code: number, message: string): string => written({ id, error: { code, message } })

/** What an agent's error says, with the detail that several agents hide in `data`. */
export function errorText(error: RpcError): string {
  const data = error.data
  const detail = typeof data === 'string' ? data : isRecord(data) ? [data['details'], data['message'], data['error']].find((value) => typeof value === 'string') : undefined
  return detail !== undefined && detail !== '' && detail !== error.message ? `${error.message}: ${String(detail)}` : error.message
}
